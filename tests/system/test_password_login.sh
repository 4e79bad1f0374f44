#!/usr/bin/env bash
# A password beside the touch, with the real slapd and its ppolicy: asked after the person's own key has verified, and only where a rule wants
# one; every way in which it opens nothing; what must change is changed; and nothing of it is left anywhere.
MORE_CONFIG=$'password_attempts = 1000\npassword_source_attempts = 1000'
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
new_instance
new_people
with_passwords

# ---- it opens, beside the touch ----
only_key bob-key
expect 0 login_with "$OWN"
said "authenticate: PAM_SUCCESS"
said "acct_mgmt: PAM_SUCCESS"
said "open_session: PAM_SUCCESS"
checks=$((checks + 1))
crosskeys audit show --event login-granted --last 1 "$I/audit" | grep -qF 'proved=touch+password+verified' || fail "the grant does not say that a password was shown"
# by the touch alone nothing, and where no rule wants a password nobody is asked for one
expect 0 login_as demo bob 1234
[ "$(grep -c . < <(crosskeys audit show --event password-attempt --user bob "$I/audit"))" -ge 1 ] && pass || fail "no attempt is in the log"
before=$(audit_count password-attempt)
expect 0 login_as demo bob 1234
[ "$(audit_count password-attempt)" = "$before" ] && pass || fail "an attempt without a rule that wants one"

# ---- it does not ----
expect 1 login_with "wrong horse"
said "authenticate: PAM_AUTH_ERR"
said "the password is wrong, or you have none"
audited bob login-refused "reason=password-wrong"
expect 1 login_with ""
said "That is no password: one has 1 to 512 bytes."
long() { "$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 --answer "$(printf "%$1s" "" | tr ' ' a)" "$S" safe bob auth; }
expect 0 long 513
said "That is no password: one has 1 to 512 bytes."
said "auth 7"
before=$(audit_count password-attempt)
expect 1 login_with ""
[ "$(audit_count password-attempt)" = "$before" ] && pass || fail "an empty password was tried"
# 512 bytes are tried
expect 0 long 512
said "the password is wrong"
said "auth 7"
# somebody else's key: no word of a password
only_key eve-key
expect 1 login_with "$OWN"
checks=$((checks + 1))
grep -q "assword" "$T/out" && fail "a stranger is asked for a password, or told of one"
# nobody has one
change grant add eve operators --why "helps"
only_key eve-key
expect 1 crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 safe eve 9<<< $'1234\nno password at all'
said "the password is wrong, or you have none"
only_key bob-key

# ---- the account stage believes it, and only it ----
host() { "$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 --answer "$OWN" "$S" safe bob "$@"; }
expect 0 host auth acct
said "auth 0"
said "acct 0"
expect 0 host acct
said "acct 0" # nothing proved: asked there
expect 0 "$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 "$S" safe bob auth
said "auth 19" # the conversation fails at the password

# ---- a touch from before the replica began may have been used at the one before ----
mkfifo "$T/answers"
crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 safe bob 9<> "$T/answers" > "$T/between" 2>&1 &
login=$!
exec 8> "$T/answers"
echo 1234 >&8
asked() { grep -q 'Touch your security key now' "$T/between"; } # the statement is made
soon asked
old=$(pids_of replica)
kill -KILL "$old"
soon is_replaced replica "$old"
until_true 20 sh -c "\"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q '^replica: following'" || fail "the replica does not follow again"
echo "$OWN" >&8
checks=$((checks + 1))
if wait "$login"; then fail "a touch from before was believed"; fi
exec 8>&-
expect 0 cat "$T/between"
said "a part of the service was started anew meanwhile; begin again"
audited bob login-refused "reason=restarted"
again() { login_with "$OWN" > "$T/out" 2>&1; }
LIMIT=20 soon again

# ---- nothing is left ----
checks=$((checks + 1))
if grep -rqaF -e "$OWN" -e "wrong horse" "$I/audit" "$I/store" "$T/daemon.log"; then fail "a password is in a log or in the copy"; fi
"$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 --answer "$OWN" "$S" safe bob auth acct "hold:$T/go" > "$T/held" 2>&1 &
holder=$!
held() { grep -q '^acct 0' "$T/held"; }
soon held
for pid in $(pids_of gate) $(pids_of replica) $(pids_of ledger) "$DAEMON"; do
	checks=$((checks + 1))
	in_memory "$pid" "$OWN" && fail "the password is in the memory of $(tr '\0' ' ' < "/proc/$pid/cmdline")"
	in_memory "$pid" "crosskeys" && pass || fail "the memory of $pid cannot be searched"
done
touch "$T/go"
wait "$holder" || true
finish
