#!/usr/bin/env bash
# What slapo-ppolicy says of a password, as a login hears it: must change, about to expire, grace, expired, locked; and what it says of a new one.
MORE_CONFIG=$'password_attempts = 1000\npassword_source_attempts = 1000'
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
new_instance
new_people
with_passwords
host() { "$CK_BUILD/tests/pam-host" --tty tty1 "$@"; }
# must_change ANSWER…: a login that changes the password on its way: PIN and password, then PIN, old and new
must_change() { crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 safe bob 9< <(printf '%s\n' "$@"); }

# ---- somebody else chose it ----
change staff password bob
FIRST=$(initial_of bob)
only_key bob-key
expect 0 host --answer 1234 --answer "$FIRST" "$S" safe bob auth acct open
said "auth 0"
said "acct 12" # PAM_NEW_AUTHTOK_REQD
said "open 14" # no login's id: who does not change it gets no session
audited bob account-refused "reason=must-change"
expect 0 must_change 1234 "$FIRST" 1234 "$FIRST" "$OWN" "$OWN"
said "acct_mgmt: PAM_NEW_AUTHTOK_REQD (12)"
said "chauthtok: PAM_SUCCESS (0)"
said "open_session: PAM_SUCCESS (0)"
expect 0 login_with "$OWN"
expect 1 login_with "$FIRST"
# a refused change: no session
change staff password bob
FIRST=$(initial_of bob)
only_key bob-key
expect 1 must_change 1234 "$FIRST" 1234 "$FIRST" short short
said "chauthtok: PAM_AUTHTOK_ERR (20)"
said "the new password is too short"
checks=$((checks + 1))
grep -q "open_session" "$T/out" && fail "a session without the change"
expect 0 passwd 1234 "$FIRST" "$OWN"

# ---- about to expire, grace, expired ----
policy pwdMaxAge 820800 # nine days and a half
expect 0 login_with "$OWN"
said "Your password expires in 9 days; \`crosskeys passwd\` changes it."
expect 0 host --silent --answer 1234 --answer "$OWN" "$S" safe bob auth acct
said "acct 0"
checks=$((checks + 1))
grep -q "expires" "$T/out" && fail "PAM_SILENT does not silence what need not be said"
policy pwdMaxAge 1 pwdExpireWarning 0 pwdGraceAuthNLimit 2
sleep 3
expect 0 login_with "$OWN"
said "it opens 1 time more"
expect 0 login_with "$OWN"
said "this was the last time that it opened anything"
expect 1 login_with "$OWN"
said "the password has expired; an administrator of your authority gives a new one"
said "authenticate: PAM_AUTH_ERR (7)"
audited bob login-refused "reason=password-expired"
expect 1 passwd 1234 "$OWN" "$NEXT"
said "the password has expired"
policy pwdMaxAge 0
expect 0 login_with "$OWN"

# ---- a new one, by the password stage and by the command ----
new() { host --answer 1234 --answer "$1" --answer "$2" --answer "${3-$2}" "$S" safe bob pass; }
expect 0 new "$OWN" "$NEXT"
said "pass 0"
expect 0 login_with "$NEXT"
expect 0 new "wrong horse" "$OWN"
said "pass 21" # PAM_AUTHTOK_RECOVERY_ERR
said "the password is wrong"
expect 0 new "$NEXT" "$OWN"
said "pass 20"
said "the new password was yours before; choose one that was not"
expect 0 new "$NEXT" "$NEXT"
said "pass 20"
expect 0 new "$NEXT" "tiny"
said "the new password is too short"
expect 0 new "$NEXT" ""
said "That is no password: one has 1 to 512 bytes."
said "pass 20"
expect 0 new "$NEXT" "one of these things" "is not like the other"
said "The two are not the same."
expect 2 passwd 1234 "$NEXT" "one of these things" "is not like the other"
expect 2 passwd 1234 "$NEXT" ""
expect 1 passwd 1234 "$NEXT" "tiny"
said "the new password is too short"
expect 1 crosskeys passwd eve --dir "$I" --pin-fd 9 9<<< $'1234\n'"$NEXT"$'\n'"$OWN"$'\n'"$OWN" # not with bob's key
expect 0 host --answer 1234 --answer "$NEXT" --answer "$OWN" --answer "$OWN" --rhost 192.0.2.1 "$S" safe bob pass
said "pass 24" # PAM_TRY_AGAIN, before anything is asked
expect 0 host --conv none "$S" safe bob pass
said "pass 19"
expect 0 host --answer 1234 "$S" safe bob pass # cancelled at the old one
said "pass 19"
expect 0 login_with "$NEXT"
policy pwdMinAge 86400
expect 0 new "$NEXT" "something new and long"
said "changed only just now"
policy pwdMinAge 0
# by what only root is: the machine's own names are not ours
expect 0 host "$S" safe root pass
said "pass 10"

# ---- locked ----
policy pwdMaxFailure 2
for i in 1 2; do expect 1 login_with "wrong $i"; done
expect 1 login_with "$NEXT"
said "the password is locked"
said "authenticate: PAM_AUTH_ERR (7)"
audited bob login-refused "reason=password-locked"
expect 0 new "$NEXT" "something new and long"
said "pass 21"
change staff password bob # an administrator gives another
only_key bob-key
expect 0 must_change 1234 "$(initial_of bob)" 1234 "$(initial_of bob)" "$OWN" "$OWN"

# ---- nothing of it is written down ----
checks=$((checks + 1))
if grep -rqaF -e "$OWN" -e "$NEXT" -e "$FIRST" -e "wrong 1" "$I/audit" "$I/store" "$T/daemon.log"; then fail "a password is in a log or in the copy"; fi
checks=$((checks + 1))
crosskeys audit show --event password-outcome "$I/audit" | grep -qF "operation=password-change" || fail "no change of a password is in the log"
finish
