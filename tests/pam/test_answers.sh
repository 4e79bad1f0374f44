# Each proper answer of the gate and its helper, and the exact code that each stage makes of it.
. "$(dirname "$0")/lib.sh"
ck_service svc $(ck_options)
id=016c6f67696e2d69642d313662797465
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=say,pin,assert"
everything="auth acct cred open close delete"

# check WHAT "GATE OVERRIDES" EXPECTED [HOST OPTIONS...] -- STEPS...: only the lines with codes are compared
check() {
	local what=$1 gate=$2 expected=$3 options=()
	shift 3
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	ck_gate $good $gate
	expect "$what" "$(echo $expected | tr ' ' '\n' | paste -d' ' - -)" \
		"$(ck_host --tty /dev/tty1 --answer 123456 ${options[@]+"${options[@]}"} -- svc alice "$@" | grep -vE '^(say|ask|error|env) ')"
}

check "everything granted" "" "auth 0 acct 0 cred 0 open 0 close 0 delete 0" -- $everything
expect_heard "begin carries the login" "begin user=alice account=alice service=svc tty=/dev/tty1"
expect_heard "the PIN reaches the helper" "helper: pin 123456"
expect_heard "what is to be signed is a login, made by the module; the gate's challenge is not passed on" "helper: a login to sign"
expect_heard "the assertion reaches the gate" "assert signature=signature"
expect_heard "the account stage asks on" "account user=alice account=alice service=svc tty=/dev/tty1"
expect_heard "the session has the login's id" "open account=alice service=svc tty=/dev/tty1 id=$id"
expect_heard "the session is ended by it" "close id=$id"
expect_heard "the connection ends with the login" closed
expect "one connection from the first stage to pam_end" 1 "$(grep -c connected "$T/heard")"
refuse_line "no PIN goes through the gate" 123456 "$(grep -v ^helper: "$T/heard")"

# authentication
check "denied at once" begin=denied "auth $PAM_AUTH_ERR" -- auth
check "the daemon is not ready" begin=unavailable "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "the daemon could not" begin=error "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "granted with nothing proved is no authentication" begin=granted "auth $PAM_AUTH_ERR" -- auth
check "remote" begin=remote "auth $PAM_AUTH_ERR" --rhost 192.0.2.7 -- auth
expect_heard "the remote host is told" "begin user=alice account=alice service=svc tty=/dev/tty1 rhost=192.0.2.7"
check "no helper, refused" token=denied "auth $PAM_AUTH_ERR" -- auth
check "no helper, not there" token=unavailable "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "the assertion is refused" assert=denied "auth $PAM_AUTH_ERR" -- auth
check "the assertion cannot be recorded" assert=unavailable "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "the assertion, an error" assert=error "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "need-token is no answer to an assertion" assert=need-token "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "the helper finds no key" helper=fail "auth $PAM_AUTH_ERR" -- auth
check "no PIN asked" helper=assert "auth 0" -- auth
check "a wrong PIN and a right one" helper=pin-wrong,pin,assert "auth 0" --answer 654321 -- auth
expect_heard "the second PIN" "helper: pin 654321"
check "nothing carries over from a refused login" assert=denied "auth $PAM_AUTH_ERR cred $PAM_CRED_UNAVAIL" -- auth cred
check "a second try on the same handle" "" "auth 0 auth 0 acct 0" --answer 123456 -- auth auth acct
expect "on the same connection" 1 "$(grep -c connected "$T/heard")"

# account
check "account without authentication (sshd, public key)" "" "acct 0 cred 0" -- acct cred
check "account refused" account=denied "auth 0 acct $PAM_PERM_DENIED" -- auth acct
check "account: not ready" account=unavailable "acct $PAM_AUTHINFO_UNAVAIL" -- acct
check "account: error" account=error "acct $PAM_AUTHINFO_UNAVAIL" -- acct
check "need-token is no answer to account" account=need-token "acct $PAM_AUTHINFO_UNAVAIL" -- acct

# account, when nothing was proved and the rules refused that: whoever can be asked is asked
check "account asks for the key" account=proved "acct 0 cred 0 open 0" -- acct cred open
expect "refused, asked, granted" "account begin token assert account" \
	"$(sed -n 's/^\(account\|begin\|token\|assert\) *.*/\1/p' "$T/heard" | paste -sd' ')"
check "account asks nobody who proved it already" account=denied "auth 0 acct $PAM_PERM_DENIED" -- auth acct
expect "once" 1 "$(grep -c ^begin "$T/heard")"
check "account asks nobody remote" account=proved "acct $PAM_PERM_DENIED" --rhost 192.0.2.7 -- acct
expect "not even the daemon" 0 "$(grep -c ^begin "$T/heard")"
check "account, where the daemon says remote" "account=proved begin=remote" "acct $PAM_PERM_DENIED" -- acct
check "account, and the key's answer is refused" "account=proved assert=denied" "acct $PAM_PERM_DENIED cred $PAM_CRED_UNAVAIL" -- acct cred
check "account, and there is no key" "account=proved helper=fail" "acct $PAM_PERM_DENIED" -- acct
check "account, and there is no helper" "account=proved token=unavailable" "acct $PAM_AUTHINFO_UNAVAIL" -- acct
check "account, granted by the key and still refused" account=denied "acct $PAM_PERM_DENIED cred $PAM_CRED_UNAVAIL" -- acct cred
check "account asks nobody whom it cannot ask" account=proved "acct $PAM_PERM_DENIED" --conv fail -- acct
check "account, without a conversation" account=proved "acct $PAM_PERM_DENIED" --conv none -- acct
check "account, each time" account=proved "acct 0 acct 0" -- acct acct
expect "but one touch serves a login" 1 "$(grep -c ^begin "$T/heard")"

# credentials
check "credentials after authentication" "" "auth 0 cred 0" -- auth cred
check "credentials of nobody" "" "cred $PAM_CRED_UNAVAIL" -- cred
check "credentials after a refused account" account=denied "acct $PAM_PERM_DENIED cred $PAM_CRED_UNAVAIL" -- acct cred

# session
check "session without a login" "" "open $PAM_SESSION_ERR close $PAM_SESSION_ERR" -- open close
check "session refused" open=denied "acct 0 open $PAM_SESSION_ERR" -- acct open
check "session: not ready" open=unavailable "acct 0 open $PAM_SESSION_ERR" -- acct open
check "session: error" open=error "acct 0 open $PAM_SESSION_ERR" -- acct open
check "the end refused" close=denied "acct 0 open 0 close $PAM_SESSION_ERR" -- acct open close
check "the end: not ready" close=unavailable "acct 0 open 0 close $PAM_SESSION_ERR" -- acct open close

# passwords
word=(--answer "correct horse")
wanted="assert=need-password password=granted"
check "a password beside the key" "$wanted" "auth 0 acct 0" "${word[@]}" -- auth acct
expect_heard "it reaches the gate" "password password=correct horse"
check "a wrong one" "$wanted password=denied" "auth $PAM_AUTH_ERR cred $PAM_CRED_UNAVAIL" "${word[@]}" -- auth cred
check "nobody could check it" "$wanted password=unavailable" "auth $PAM_AUTHINFO_UNAVAIL" "${word[@]}" -- auth
check "an error" "$wanted password=error" "auth $PAM_AUTHINFO_UNAVAIL" "${word[@]}" -- auth
for nonsense in need-token need-password garbage half hangup two zero; do
	check "$nonsense is no answer to a password" "$wanted password=$nonsense" "auth $PAM_AUTHINFO_UNAVAIL" "${word[@]}" -- auth
done
check "need-password is no answer to a beginning" begin=need-password "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "nor to the question for a helper" token=need-password "auth $PAM_AUTHINFO_UNAVAIL" -- auth
check "nobody to ask for it" "$wanted" "auth $PAM_CONV_ERR" -- auth
check "an empty one" "$wanted" "auth $PAM_AUTH_ERR" --answer "" -- auth
refuse_line "is not sent" "password" "$(cat "$T/heard")"
check "one of 513 bytes" "$wanted" "auth $PAM_AUTH_ERR" --answer "$(printf 'a%.0s' $(seq 513))" -- auth
refuse_line "is not sent" "password" "$(cat "$T/heard")"
check "account asks for key and password" "account=proved assert=need-password password=denied" "acct $PAM_PERM_DENIED" "${word[@]}" -- acct

# passwords that must be changed
change="pass-begin=need-token pass-change=granted"
new=(--answer "new words here" --answer "new words here")
both=("${word[@]}" --answer 123456 --answer "correct horse" "${new[@]}")
check "it must be changed first" "$wanted account=need-password" "auth 0 acct $PAM_NEW_AUTHTOK_REQD cred 0 open $PAM_SESSION_ERR" "${word[@]}" -- auth acct cred open
check "it is, and the login goes on" "$wanted account=must-change $change" "auth 0 acct $PAM_NEW_AUTHTOK_REQD pass 0 cred 0 open 0" "${both[@]}" -- auth acct pass cred open
expect_heard "under a touch of its own" "helper: a change of a password to sign"
expect_heard "by the old one and the new one" "pass-change signature=signature password=correct horse new=new words here"
check "refused" "$wanted account=must-change $change pass-change=denied" "auth 0 acct $PAM_NEW_AUTHTOK_REQD pass $PAM_AUTHTOK_ERR open $PAM_SESSION_ERR" "${both[@]}" -- auth acct pass open
check "changed, and the account is refused by now" "$wanted account=need-password $change" "auth 0 acct $PAM_NEW_AUTHTOK_REQD pass $PAM_PERM_DENIED" "${both[@]}" -- auth acct pass

# passwords that are changed
old=(--answer "correct horse" "${new[@]}")
check "changed" "$change" "pass 0" "${old[@]}" -- pass
check "the old one is wrong" "$change pass-change=denied-wrong" "pass $PAM_AUTHTOK_RECOVERY_ERR" "${old[@]}" -- pass
check "the new one is not taken" "$change pass-change=denied" "pass $PAM_AUTHTOK_ERR" "${old[@]}" -- pass
check "the directory is gone meanwhile" "$change pass-change=unavailable" "pass $PAM_AUTHTOK_ERR" "${old[@]}" -- pass
for nonsense in need-token need-password garbage half hangup two; do
	check "$nonsense is no answer to a change" "$change pass-change=$nonsense" "pass $PAM_AUTHTOK_ERR" "${old[@]}" -- pass
	check "$nonsense is no answer to its beginning" "$change pass-begin=${nonsense/need-token/granted}" "pass $PAM_TRY_AGAIN" "${old[@]}" -- pass
done
check "there is no core" "pass-begin=unavailable" "pass $PAM_TRY_AGAIN" "${old[@]}" -- pass
check "no helper" "$change token=denied" "pass $PAM_AUTHTOK_ERR" "${old[@]}" -- pass
check "no key" "$change helper=fail" "pass $PAM_AUTHTOK_ERR" "${old[@]}" -- pass
check "nobody to ask" "$change" "pass $PAM_CONV_ERR" -- pass
check "no conversation" "$change" "pass $PAM_CONV_ERR" --conv none -- pass
check "an empty one" "$change" "pass $PAM_AUTHTOK_ERR" --answer "correct horse" --answer "" -- pass
check "remote" "$change" "pass $PAM_TRY_AGAIN" --rhost 192.0.2.7 "${old[@]}" -- pass

# who and what
ck_gate $good
for name in Alice x al.ice 'a b' "$(printf 'a%.0s' $(seq 33))"; do
	expect "the name '$name' is refused" "auth $PAM_AUTH_ERR
acct $PAM_PERM_DENIED
cred $PAM_CRED_UNAVAIL
open $PAM_SESSION_ERR" "$(ck_host -- svc "$name" auth acct cred open)"
done
expect "the gate is not asked about them" "" "$(grep -vx closed "$T/heard")"
expect "a remote host that does not fit is not cut" "auth $PAM_AUTH_ERR" "$(ck_host --rhost "$(printf 'h%.0s' $(seq 256))" -- svc alice auth)"
expect "a tty that does not fit" "auth $PAM_AUTH_ERR" "$(ck_host --tty "$(printf 't%.0s' $(seq 65))" -- svc alice auth)"
expect "the name is asked for" "ask login:
auth 0" "$(ck_host --answer 1234 --user-prompt alice -- svc - auth | grep -vE '^(say|ask PIN)' | sed 's/ *$//')"
expect "no name to be had" "auth $PAM_CONV_ERR" "$(ck_host --conv fail -- svc - auth)"

# su and sudo
ck_service su $(ck_options)
ck_service su-l $(ck_options)
ck_service as-caller $(ck_options) subject=caller
ck_service sudo $(ck_options)
ck_service sudo-i $(ck_options)
ck_service sudo-to $(ck_options) account=svcuser
out=$(ck_host --answer 1234 -- sudo alice auth acct user:root cred open close)
expect "sudo: PAM_USER becomes root before the session" "auth 0
acct 0
cred 0
open 0
close 0" "$(echo "$out" | grep -vE '^(say|ask)')"
expect_heard "sudo: the invoking user enters root" "begin user=alice account=root service=sudo"
expect_heard "sudo: the session is of the account that was decided" "open account=root service=sudo id=$id"
expect "sudo -i: the same" "acct 0" "$(ck_host -- sudo-i alice acct)"
expect_heard "the account is root" "account user=alice account=root service=sudo-i"
expect "an option names another account" "acct 0" "$(ck_host -- sudo-to alice acct)"
expect_heard "the account is that" "account user=alice account=svcuser service=sudo-to"
for service in su su-l as-caller; do
	expect "$service by a uid without a name" "auth $PAM_AUTH_ERR" "$(ck_host --real-uid 254321 -- $service root auth)"
	expect "$service by root is the machine's own" "auth $PAM_USER_UNKNOWN" "$(ck_host -- $service alice auth)"
done
ck_done
