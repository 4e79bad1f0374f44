#!/usr/bin/env bash
# The real login, su and sudo with the stacks of contrib/pam.d: staff get in by touch and rule, others do not, and the machine's own names
# get in while the daemon is dead.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
printf 'Defaults timestamp_timeout=0, !fqdn, lecture=never\nbob ALL=(ALL) ALL\neve ALL=(ALL) ALL\n' > "$T/sudoers"
chmod 440 "$T/sudoers"
mount --bind "$T/sudoers" /etc/sudoers
change role add operators
change grant add bob operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
printf '#!/bin/sh\necho "now $(id -un)"\n' > "$T/who"
chmod 755 "$T/who"
opened() { audit_count session-opened; }
closed() { audit_count session-closed; }

# ---- login, at a terminal that goes by the name of a virtual console ----
only_key bob-key
before=$(opened)
shown "login: staff" "in as bob" at tty1 0 login bob
said "Touch your security key"
until_true 5 test "$(closed)" -gt 0 || fail "login: the session is not closed"
[ "$(opened)" = $((before + 1)) ] || fail "login: no session was opened"
only_key eve-key
hidden "login: no role" "in as" at tty1 0 login eve
said "no role lets you in here"
only_key bob-key
hidden "login: at no console, the machine's own keys are for others" "in as" at pts 0 login bob
said "remote"

# login -f, which agetty --autologin is, authenticates nobody: the account stage asks for the key
only_key bob-key
shown "login -f: staff" "in as bob" at tty1 0 login -f bob
said "Touch your security key"
only_key eve-key
hidden "login -f: with somebody else's key" "in as" at tty1 0 login -f bob
said "not enrolled for this"
only_key bob-key

# ---- su: one's own key, another's account ----
# A pseudo-terminal in a session that was opened at the console.
inside() { # COMMAND…: from inside a login of bob's at tty1, at a pseudo-terminal of its own
	printf '[ -n "$CK_INSIDE" ] || { export CK_INSIDE=yes; script -qec "%s" /dev/null; }\n' "$*" > "$T/commands"
	at tty1 0 login bob
	rm -f "$T/commands"
}
outside() { at pts 250001 "$@"; }
hidden "su: no rule names su" "now svcuser" inside su svcuser -c "$T/who"
change rule add service --system core1 --role operators --service su --account svcuser
only_key bob-key
shown "su: into a service account, in a local session" "now svcuser" inside su svcuser -c "$T/who"
hidden "su: not into root" "now root" inside su root -c "$T/who"
hidden "su: on a pseudo-terminal outside any session" "now" outside su svcuser -c "$T/who"
said "remote"
change rule change service --account svcuser --account root
only_key bob-key
shown "su: into root by a rule" "now root" inside su root -c "$T/who"
only_key eve-key
hidden "su: with somebody else's key" "now" at tty1 250001 su root -c "$T/who"
said "not enrolled for this"

# ---- sudo: the rule names the account root ----
only_key bob-key
hidden "sudo: no rule" "now root" inside sudo "$T/who"
change rule add admin --system core1 --role operators --service sudo --account root
only_key bob-key
shown "sudo: by a rule" "now root" inside sudo "$T/who"
change rule change admin --account svcuser
only_key bob-key
hidden "sudo: the rule names another account" "now root" inside sudo "$T/who"

# ---- the session's credentials ----
pam_service demo
change rule change console --service login --service demo
only_key bob-key
expect 0 crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 demo bob -- sh -c 'echo "login $CROSSKEYS_LOGIN as $(id -u)"' 9<<< 1234
said "setcred: PAM_SUCCESS"
said "as 250001"
id=$(sed -n 's/^login \([0-9a-f]*\) as.*/\1/p' "$T/out")
traced "$id"

# ---- the daemon is dead ----
stop_daemon
hidden "login: staff, no daemon" "in as" at tty1 0 login bob
hidden "su: staff, no daemon" "now" outside su svcuser -c "$T/who"
shown "su: root, no daemon" "now svcuser" at pts 0 su svcuser -c "$T/who"
shown "su: the machine's own, no daemon" "now svcuser" at pts 1001 su svcuser -c "$T/who"
shown "login: the machine's own, no daemon" "in as svcuser" at tty1 0 login svcuser
finish
