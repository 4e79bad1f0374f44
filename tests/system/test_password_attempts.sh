#!/usr/bin/env bash
# How often a password may be tried: counted for the person and for the place, before it is tried, and only under the touch of the person's own
# key. And what is answered when a part is dead.
MORE_CONFIG=$'gates = 1\npassword_attempts = 3\npassword_source_attempts = 5\npassword_window_s = 3600'
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
new_instance
new_people
with_passwords
change grant add eve operators --why "helps"
change staff password eve
EVES=$(initial_of eve)
only_key eve-key
expect 0 crosskeys passwd eve --dir "$I" --pin-fd 9 9<<< $'1234\n'"$EVES"$'\n'"$NEXT"$'\n'"$NEXT"
# at UID TTY PASSWORD: there
at() { crosskeys login --service-dir "$S" --tty "$2" --pin-fd 9 --no-session safe "$1" 9<<< "1234"$'\n'"$3"; }

# ---- strangers count for nobody ----
only_key eve-key # no key of bob's
for i in 1 2 3 4 5; do expect 1 at bob tty1 "guess $i"; done
before=$(audit_count password-attempt)
[ "$before" = "$(crosskeys audit show --event password-attempt "$I/audit" | grep -c 'operation=password-change')" ] && pass || fail "a stranger's guess is an attempt"
only_key bob-key
expect 0 at bob tty1 "$OWN"

# ---- the person's ----
for i in 1 2 3; do
	expect 1 at bob "tty$i" "wrong"
	said "the password is wrong"
done
expect 1 at bob tty4 "$OWN"
said "too many wrong passwords were tried; try again in 60 minutes, after 20"
said "authenticate: PAM_AUTH_ERR (7)"
audited bob login-refused "reason=password-attempts"
[ "$(crosskeys audit show --event password-refused "$I/audit" | grep -c 'user=bob')" = 1 ] && pass || fail "the refused attempt is not in the log"
# a change is one, too
expect 1 passwd 1234 "$OWN" "something new and long"
said "too many wrong passwords were tried"
# another person is not concerned
only_key eve-key
expect 0 at eve tty1 "$NEXT"
# what the ledger knows outlives it, its snapshot too
for reason in killed stopped; do
	old=$(pids_of ledger)
	if [ $reason = killed ]; then kill -KILL "$old"; else crosskeys audit checkpoint --dir "$I" > /dev/null && kill -KILL "$old"; fi
	soon is_replaced ledger "$old"
	only_key bob-key
	remembered() { at bob tty5 "$OWN" > "$T/out" 2>&1; grep -qF "too many wrong passwords were tried" "$T/out"; }
	LIMIT=20 soon remembered
done

# ---- the place's: nobody tries through all the staff from one of them ----
only_key eve-key
for i in 1 2; do expect 1 at eve tty9 "wrong"; done
expect 0 at eve tty9 "$NEXT" # a right one begins anew for the person, and costs the place nothing
for i in 1 2 3; do expect 1 at eve tty9 "wrong"; done
expect 1 at eve tty8 "$NEXT"
said "too many wrong passwords were tried" # the person's
stop_daemon
sed -i 's/^password_attempts = 3/password_attempts = 1000/' "$I/crosskeys.conf"
start_daemon
only_key eve-key
entered() { at eve tty8 "$NEXT"; }
LIMIT=20 soon entered
expect 1 at eve tty9 "$NEXT"
said "too many wrong passwords were tried" # the place's
expect 0 at eve tty8 "$NEXT"

# ---- dead parts: refused, with the reason, and never ignored ----
host() { "$CK_BUILD/tests/pam-host" --tty tty8 --answer 1234 --answer "$NEXT" "$S" safe eve "$@"; }
slapd=$(pids_of slapd)
kill -STOP "$slapd"
expect 0 host auth
said "auth 9" # PAM_AUTHINFO_UNAVAIL
grep -qE "directory|password" "$T/out" && pass || fail "no reason is said: $(cat "$T/out")"
kill -CONT "$slapd"
LIMIT=30 soon entered
kill -STOP "$(pids_of ledger)"
expect 0 host auth
said "auth 9"
kill -CONT "$(pids_of ledger)"
LIMIT=30 soon entered
# a directory that is gone for longer is known to be
kill -STOP "$slapd"
lost() { ! ck status > /dev/null; }
LIMIT=40 soon lost
expect 0 host auth
said "the directory cannot be reached, and only there a password can be checked"
said "auth 9"
expect 3 crosskeys passwd eve --dir "$I" --pin-fd 9 9<<< $'1234\n'"$NEXT"$'\n'"$OWN"$'\n'"$OWN"
said "the directory cannot be reached, and only there a password can be checked or changed"
expect 0 host pass
said "pass 24" # PAM_TRY_AGAIN
# where no rule wants one, people get in as ever
only_key bob-key
expect 0 login_bob
kill -CONT "$slapd"
only_key eve-key
LIMIT=40 soon entered
# no core: its replica does not answer
kill -STOP "$(pids_of replica)"
expect 0 host auth
said "no core answers that could check one"
said "auth 9"
LIMIT=40 soon entered # the supervisor has replaced it
finish
