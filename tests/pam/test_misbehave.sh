# A daemon or helper that is not what it should be: never a success, never beyond the deadline, and PAM_AUTHINFO_UNAVAIL says so.
. "$(dirname "$0")/lib.sh"
ck_service svc $(ck_options) timeout=5
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=say,pin,assert"
N=$PAM_AUTHINFO_UNAVAIL
codes() { grep -E '^(auth|acct|cred|open|close|pass|start|leak) '; }
try() { ck_host --answer 1234 -- svc alice "$@" | codes; }

for what in garbage half huge empty zero two hangup no-challenge bad-allow; do
	[ $what != half ] || continue
	ck_gate $good begin=$what
	expect "begin=$what" "auth $N
cred $PAM_CRED_UNAVAIL" "$(try auth cred)"
done
for what in garbage huge empty zero two hangup; do
	ck_gate $good assert=$what
	expect "assert=$what" "auth $N
cred $PAM_CRED_UNAVAIL" "$(try auth cred)"
	ck_gate $good account=$what
	expect "account=$what" "auth 0
acct $N" "$(try auth acct)"
	ck_gate $good open=$what close=$what
	expect "open=$what" "acct 0
open $PAM_SESSION_ERR
close $PAM_SESSION_ERR" "$(try acct open close)"
done
for what in garbage huge empty zero two hangup no-fd named-fd foreign-fd; do
	ck_gate $good token=$what
	expect "token=$what" "auth $N" "$(try auth)"
	refuse_line "token=$what: no PIN was given away" "pin 1234" "$(cat "$T/heard")"
done
for what in no-id text-id; do
	ck_gate $good account=$what
	expect "account=$what: granted without an id is no grant" "acct $N
open $PAM_SESSION_ERR" "$(try acct open)"
done
for what in garbage hangup assert-empty flood pin,pin,pin,pin,pin,pin,pin,pin,pin,assert; do
	ck_gate $good helper=$what
	expect "helper=$what" "auth $N" "$(ck_host $(for i in 1 2 3 4 5 6 7 8 9; do echo --answer 1234; done) -- svc alice auth | codes)"
done
ck_gate $good helper=say-bad,say,assert
out=$(ck_host -- svc alice auth)
refuse_line "a message with control characters is not shown" clear "$out"
expect_line "the next one is" "say Touch your security key." "$out"

# After an answer that came with the end of the connection, the next stage begins anew, with nothing proved.
ck_gate $good assert=later
expect "the daemon is replaced between the stages" "auth 0
acct 0" "$(ck_host --answer 1234 -- svc alice auth wait:100 acct | codes)"
expect "on a connection of its own" 2 "$(grep -c connected "$T/heard")"

# Where the socket lies and who listens.
ck_gate_stop
expect "no daemon" "auth $N
acct $N
cred $PAM_CRED_UNAVAIL
open $PAM_SESSION_ERR" "$(try auth acct cred open)"
CK_FAKE=$CK_FAKE_GATE
printf '#!/bin/sh\nexec "%s" --listen-as 65534 "$@"\n' "$CK_FAKE" > "$T/not-root"
chmod 755 "$T/not-root"
CK_FAKE_GATE=$T/not-root
ck_gate $good
expect "somebody else listens" "auth $N
acct $N" "$(try auth acct)"
CK_FAKE_GATE=$CK_FAKE
ck_gate $good
chmod 777 "$T/run"
expect "a directory that others may write to" "auth $N" "$(try auth)"
chmod 755 "$T/run"
chown 65534 "$T/run"
expect "a directory that is another's" "auth $N" "$(try auth)"
chown 0 "$T/run"
chown 65534 "$CK_SOCKET"
expect "a socket that is another's" "auth $N" "$(try auth)"
chown 0 "$CK_SOCKET"
expect "and put right again" "auth 0" "$(try auth)"
ck_gate_stop
ln -s "$T/elsewhere" "$CK_SOCKET"
expect "a symbolic link" "auth $N" "$(try auth)"
rm -f "$CK_SOCKET"
touch "$CK_SOCKET"
expect "a file" "auth $N" "$(try auth)"
rm -f "$CK_SOCKET"

# Silence, at each step: all at once, since they only wait. 5 s is both the deadline of an answer and, here, of the whole login.
silent() {
	local name=$1 steps=$2 dir=$T/silent-$1
	shift 2
	mkdir "$dir"
	"$CK_FAKE_GATE" "$dir/gate.sock" $good "$@" > "$dir/out" 2>&1 &
	ck_child $!
	ck_wait_for_socket "$dir/gate.sock"
	ck_service "silent-$name" "socket=$dir/gate.sock" "local=$CK_LOCAL" timeout=5
	(
		begun=$(date +%s%N)
		"$CK_PAM_HOST" --answer 1234 "$T/pam.d" "silent-$name" alice $steps 2>&1 | codes | tr '\n' ' ' > "$dir/codes"
		echo $((($(date +%s%N) - begun) / 1000000)) > "$dir/ms"
	) &
	SILENT_PIDS="${SILENT_PIDS:-} $!"
}
silent begin auth begin=silent
silent half auth begin=half
silent drip auth begin=drip
silent token auth token=silent
silent assert auth assert=silent
silent account acct account=silent
silent open "acct open" open=silent
silent helper auth helper=silent
silent helper-half auth helper=half
silent late "auth acct" begin=silent
wait $SILENT_PIDS
for name in begin half drip token assert helper helper-half; do expect "silence: $name" "auth $N " "$(cat "$T/silent-$name/codes")"; done
expect "silence: account" "acct $N " "$(cat "$T/silent-account/codes")"
expect "silence: session" "acct 0 open $PAM_SESSION_ERR " "$(cat "$T/silent-open/codes")"
expect "silence: the stage after it asks anew" "auth $N acct 0 " "$(cat "$T/silent-late/codes")"
for dir in "$T"/silent-*; do
	ms=$(cat "$dir/ms")
	expect "$(basename "$dir") ended within its deadline ($ms ms)" yes "$([ "$ms" -ge 4500 ] && [ "$ms" -lt 7500 ] && echo yes || echo no)"
done
ck_done
