#!/usr/bin/env bash
# Passwords where the directory is elsewhere: checked and changed over ldaps:// by a replica in its sandbox (which for a change becomes itself
# again by SCRAM, on the connection that was the person's), refused with a reason once nobody can be asked, and kept in no process afterwards,
# whatever TLS did with them.
. "$CK_SOURCE/tests/system/provider_lib.sh"
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"

authority ca
certificate a /CN=a.test subjectAltName=DNS:a.test
SERVICE_PASSWORD="of core1 and nobody else"
init_elsewhere --provider ldaps://a.test --provider-mechanism scram-sha-256 --provider-identity core1
printf '%s\n' "$LIMITS" 'password_attempts = 1000' 'password_source_attempts = 1000' >> "$I/crosskeys.conf"
give "$C/ca.pem" ca.pem
printf '%s\n' "$SERVICE_PASSWORD" > "$T/password"
give "$T/password" password
make_provider a 1
first_entries a
start_provider a ldaps://a.test
start_daemon
until_true 20 follows ldaps://a.test || { fail "the provider is not followed"; ck status; tail -20 "$T/daemon.log"; }
enrol_ada
new_people
replica=$(pids_of replica)

# ---- right and wrong; what somebody else chose is changed first ----
with_passwords
expect 0 login_with "$OWN"
said "authenticate: PAM_SUCCESS"
said "open_session: PAM_SUCCESS"
expect 1 login_with "wrong horse"
said "authenticate: PAM_AUTH_ERR"
said "the password is wrong"
audited bob login-refused "reason=password-wrong"
expect 1 passwd 1234 "$OWN" tiny
said "the new password is too short"
expect 0 passwd 1234 "$OWN" "$NEXT"
expect 1 login_with "$OWN"
host() { "$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 --answer "$NEXT" "$S" safe bob "$@"; }

# ---- nothing is left, and it is still the same replica ----
host auth acct "hold:$T/go" > "$T/held" 2>&1 &
holder=$!
held() { grep -q '^acct 0' "$T/held"; }
soon held
for pid in $(pids_of gate) $(pids_of replica) $(pids_of ledger) "$DAEMON"; do
	for text in "$NEXT" "$OWN"; do
		checks=$((checks + 1))
		in_memory "$pid" "$text" && fail "a password is in the memory of $(tr '\0' ' ' < "/proc/$pid/cmdline")"
	done
	in_memory "$pid" "crosskeys" && pass || fail "the memory of $pid cannot be searched"
done
touch "$T/go"
wait "$holder" || true
checks=$((checks + 1))
[ "$(pids_of replica)" = "$replica" ] || fail "the replica did not live through it"
ok grep -qE 'BIND dn="cn=password,.* ssf=[1-9]' "$T/a.slapd"
checks=$((checks + 1))
! grep -E 'BIND dn="cn=password,.* ssf=0$' "$T/a.slapd" > "$T/clear" || fail "a password was sent in the clear"
checks=$((checks + 1))
if grep -rqaF -e "$OWN" -e "$NEXT" "$I/audit" "$I/store" "$T/daemon.log"; then fail "a password is in a log or in the copy"; fi

# ---- nobody can be asked ----
stop_provider a KILL
until_true 20 sh -c "! \"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q '^provider: ldaps://a.test followed'" || fail "the provider's end was not noticed"
refused_unasked() { # the attempt ends by itself, in no success, and not as if we had not been there
	expect 0 host auth
	said "auth 9" # PAM_AUTHINFO_UNAVAIL
	said "$1"
	checks=$((checks + 1))
	crosskeys audit show --event login-refused --last 1 "$I/audit" | grep -qF "reason=unavailable" || fail "the refusal is not in the log"
}
refused_unasked "the directory cannot be reached"
expect 3 passwd 1234 "$NEXT" "$OWN"
said "the directory cannot be reached"
expect 0 login_bob # without a password nobody is asked
start_provider a ldaps://a.test
until_true 20 follows ldaps://a.test || fail "the provider is not followed again"
expect 0 login_with "$NEXT"
kill -STOP "${pid_of[a]}" # its socket is there, and nobody answers
refused_unasked "the directory"
kill -CONT "${pid_of[a]}"
finish
