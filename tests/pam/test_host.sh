# The module in difficult applications: conversations that fail, silence, many descriptors, threads, forks, signals; and what it leaves behind.
. "$(dirname "$0")/lib.sh"
ck_service svc $(ck_options)
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=say,pin,assert"
codes() { grep -E '^(auth|acct|cred|open|close|delete|pass|start|leak) '; }
all() { ck_host --answer 1234 "$@" -- svc alice auth acct cred open close delete; }
granted="auth 0
acct 0
cred 0
open 0
close 0
delete 0"
ck_gate $good

out=$(ck_host --answer 1234 -- svc alice auth acct cred open env close)
expect "what the person sees, and what the PAM environment holds" "say Touch your security key.
ask PIN for your security key: 
auth 0
acct 0
cred 0
open 0
env CROSSKEYS_LOGIN=016c6f67696e2d69642d313662797465
close 0" "$out"

# Conversations.
expect "no conversation function" "auth $PAM_CONV_ERR" "$(ck_host --conv none -- svc alice auth | codes)"
expect "account and session need none" "acct 0
open 0
close 0" "$(ck_host --conv none -- svc alice acct open close)"
expect "a conversation that fails" "auth $PAM_CONV_ERR
cred $PAM_CRED_UNAVAIL" "$(ck_host --conv fail -- svc alice auth cred | codes)"
expect "a conversation that fails at the prompt (Ctrl-C)" "auth $PAM_CONV_ERR" "$(ck_host -- svc alice auth | codes)"
expect_heard "the helper is let go" "helper: the client hung up"
expect "a conversation that succeeds without an answer" "auth $PAM_CONV_ERR" "$(ck_host --conv null-answer -- svc alice auth | codes)"
expect "a refusal stays one though it cannot be told" "auth $PAM_AUTH_ERR" \
	"$(ck_gate $good begin=denied-say; ck_host --conv fail -- svc alice auth | codes)"
ck_gate $good
expect "a try after Ctrl-C" "auth $PAM_CONV_ERR
auth $PAM_CONV_ERR" "$(ck_host -- svc alice auth auth | codes)"
for pin in "" 123 "$(printf '1%.0s' $(seq 64))" "$(printf '1%.0s' $(seq 500))" "$(printf '12\377\377')"; do
	: > "$T/heard"
	expect "'$pin' is no PIN" "auth $PAM_AUTH_ERR" "$(ck_host --answer "$pin" -- svc alice auth | codes)"
	refuse_line "and goes nowhere" "helper: pin" "$(cat "$T/heard")"
done
expect "63 bytes are one" "auth 0" "$(ck_host --answer "$(printf '1%.0s' $(seq 63))" -- svc alice auth | codes)"

# What is said, and PAM_SILENT.
expect "silent (sudo always is): what is to be done is said" "say Touch your security key.
ask PIN for your security key: 
auth 0" "$(ck_host --silent --answer 1234 -- svc alice auth)"
ck_gate $good helper=pin-wrong,assert
expect "how many tries are left" "say PIN wrong, 3 tries left.
ask PIN for your security key: 
auth 0" "$(ck_host --answer 1234 -- svc alice auth)"
ck_gate $good helper=fail
expect "why the helper failed" "error No security key was found.
auth $PAM_AUTH_ERR" "$(ck_host -- svc alice auth)"
ck_gate $good begin=denied-say account=denied-say pass-begin=denied-say
expect "why not" "error No role lets you in here.
auth $PAM_AUTH_ERR
error No role lets you in here.
acct $PAM_PERM_DENIED" "$(ck_host -- svc alice auth acct)"
expect "silent: and why not" "error No role lets you in here.
auth $PAM_AUTH_ERR
error No role lets you in here.
acct $PAM_PERM_DENIED
error No role lets you in here.
pass $PAM_TRY_AGAIN" "$(ck_host --silent -- svc alice auth acct pass)"
ck_gate $good begin=remote
expect_line "remote people are told what works" "error This login is remote: a security key plugged into this machine cannot be used for it. \
Use your SSH key, or log in at the machine itself." "$(ck_host --rhost 192.0.2.1 -- svc alice auth)"
ck_gate_stop
expect_line "that the daemon is not there" "error Crosskeys does not answer on this machine. Try again; if it stays so, tell whoever runs it." \
	"$(ck_host -- svc alice auth)"
ck_gate $good

# Hosts.
if [ "${CK_SANITIZE:-OFF}" = ON ]; then echo "note: 5 000 descriptors under ASan too"; fi
expect "5 000 descriptors are open" "$granted" "$(all --fds 5000 | codes)"
expect "a signal each 5 ms" "$granted" "$(all --alarm | codes)"
out=$(ck_host --threads 8 --answer 1234 -- svc alice auth acct cred open close delete)
for step in auth acct cred open close delete; do expect "eight logins at once: $step" 8 "$(echo "$out" | grep -cx "$step 0")"; done
expect "and nothing else" 48 "$(echo "$out" | wc -l)"

# A display manager: another thread talks to the person, the name is asked for too, and a screen is unlocked by a second login.
expect "the person is talked to by another thread" "ask login:
say Touch your security key.
ask PIN for your security key:
auth 0
acct 0
refresh 0
cred 0
open 0
close 0
delete 0" "$(ck_host --elsewhere --tty /dev/tty1 --xdisplay :0 --answer 1234 --user-prompt alice -- svc - auth acct refresh cred open close delete | sed 's/ *$//')"
: > "$T/heard"
expect "the worker is killed at the prompt" "" "$(ck_host --elsewhere --conv die --tty :0 -- svc alice auth | codes)"
expect_heard "the daemon sees it go" closed
expect "Escape, in another thread" "auth $PAM_CONV_ERR" "$(ck_host --elsewhere --tty :0 -- svc alice auth | codes)"
expect "eight at once" 8 "$(ck_host --elsewhere --threads 8 --answer 1234 -- svc alice auth acct | grep -cx 'acct 0')"

# The connection belongs to the process that opened it.
: > "$T/heard"
expect "account in a child of the one that authenticated" "auth 0
acct 0
acct 0" "$(ck_host --answer 1234 -- svc alice auth fork:acct acct | codes)"
expect "the child asks on its own connection" 2 "$(grep -c connected "$T/heard")"
expect "credentials are not the child's" "auth 0
cred $PAM_CRED_UNAVAIL
cred 0" "$(ck_host --answer 1234 -- svc alice auth fork:cred cred | codes)"
: > "$T/heard"
expect "another PAM_USER" "auth 0
acct 0" "$(ck_host --answer 1234 -- svc alice auth user:bob acct | codes)"
expect "is asked about on another connection" 2 "$(grep -c connected "$T/heard")"
expect_heard "by that name" "account user=bob account=bob service=svc"
: > "$T/heard"
expect "the application closed all descriptors and opened others" "auth 0
acct 0" "$(ck_host --answer 1234 -- svc alice auth closefds acct | grep -E '^(auth|acct)')"
expect "so that the account stage connects again" 2 "$(grep -c connected "$T/heard")"

# Nothing is left behind (ck_host says "leak …"): on success, above, and on each way to fail.
leaks() { expect "nothing is left behind: $1" "" "$("${@:2}" | grep ^leak)"; }
leaks success all
for gate in begin=denied begin=hangup token=hangup token=foreign-fd token=named-fd assert=garbage helper=hangup helper=garbage helper=fail \
	begin=remote account=two account=denied; do
	ck_gate $good $gate
	leaks "$gate" all
done
ck_gate $good
leaks "failing conversation" all --conv fail
leaks "no conversation" all --conv none

# A hostile caller's environment is not read.
expect "the environment changes nothing" "auth $PAM_AUTHINFO_UNAVAIL" "$(ck_gate_stop; \
	CROSSKEYS_LOGIN=016c6f67696e2d69642d313662797465 CROSSKEYS_SOCKET=/x TMPDIR=/x ck_host --answer 1234 -- svc alice auth | codes)"
if command -v valgrind > /dev/null && [ "${CK_SANITIZE:-OFF}" != ON ]; then
	ck_gate $good
	for gate in "" begin=denied helper=garbage assert=hangup; do
		ck_gate $good $gate
		out=$(valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 "$CK_PAM_HOST" --answer 1234 "$T/pam.d" svc \
			alice auth acct open close 2>&1) && code=0 || code=$?
		case $out in *"I can't recover"*) echo "note: valgrind cannot read this compiler's debug information"; break ;; esac
		expect "no memory is left behind (${gate:-success})" 0 "$code"
		[ "$code" = 0 ] || echo "$out" | tail -20
	done
fi
ck_done
