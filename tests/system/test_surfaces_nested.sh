#!/usr/bin/env bash
# One surface inside another: whose key is asked for is whoever the process runs as; whether the machine's own keys may be used is what the
# session that all of it descends from says, however deep; and who descends from no session gets none.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
. "$CK_SOURCE/tests/system/sshd_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff carol "Carol Reed" 3 --uid-number 250003
private_accounts bob:250001 carol:250003
passwd=$(sed 's/^\(bob\|carol\):x:/\1:*:/' "$T/passwd")
printf '%s\n' "$passwd" > "$T/passwd" # in place: it is mounted. As NSS has them: no password of this machine's
private_stacks
printf '%s\n' 'Defaults !fqdn, lecture=never, passwd_tries=1, timestamp_timeout=0' 'ALL ALL=(ALL) ALL' > "$T/sudoers"
chmod 440 "$T/sudoers"
mount --bind "$T/sudoers" /etc/sudoers
change role add operators
change grant add bob operators --why "runs the servers"
change grant add carol operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
change rule add become --system core1 --role operators --service su --account carol --account svcuser --account root
change rule add admin --system core1 --role operators --service sudo --account root
change rule add remote --system core1 --role operators --service sshd --proved none
printf '#!/bin/sh\necho "now $(id -un)"\n' > "$T/who"
chmod 755 "$T/who"
inside() { # LINES: in bob's session at the console
	printf '%s\n' '[ -z "$CK_INSIDE" ] || return' 'export CK_INSIDE=yes' "$@" > "$T/commands"
	at tty1 0 login bob
	rm -f "$T/commands"
}
deep() { # WHO COMMAND: as that account by su, the command on a terminal of its own, which su -c takes away
	printf '#!/bin/sh\nexec script -qec "%s" /dev/null\n' "$2" > "$T/deep"
	chmod 755 "$T/deep"
	echo "script -qec 'su $1 -c $T/deep' /dev/null"
}
both_keys() { only_key bob-key; soft_key plug carol-key > /dev/null; }
granted() { # TEXT: the last login that was granted
	checks=$((checks + 1))
	crosskeys audit show --event login-granted --last 1 "$I/audit" > "$T/audited"
	grep -qF -- "$1" "$T/audited" || { fail "not the last login: $1"; cat "$T/audited"; }
}

# ---- at the console: sudo in su, su in su, each on a terminal of its own ----
both_keys
shown "sudo in su: as carol, by her key" "now root" inside "$(deep carol "sudo $T/who")"
granted "user=carol account=root service=sudo"
only_key bob-key
hidden "sudo in su: as carol, by bob's key" "now root" inside "$(deep carol "sudo $T/who")"
said "not enrolled for this"
shown "sudo in su: as one of the machine's own, by password" "now root" inside "$(deep svcuser "sudo -p Password: $T/who")"
both_keys
shown "su in su, on a terminal in a terminal" "now svcuser" \
	inside "$(deep carol "su svcuser -c $T/who")"
granted "user=carol account=svcuser service=su"
only_key bob-key
shown "su in a root's shell asks nobody" "now carol" inside "script -qec \"su root -c 'su carol -c $T/who'\" /dev/null"

# ---- who descends from no session ----
hidden "a process that left its session" "now svcuser" inside "setsid -f sh -c 'script -qec \"su svcuser -c $T/who\" /dev/null' > $T/home/left 2>&1; \
	while ! grep -qE 'remote|now svcuser' $T/home/left; do sleep 0.1; done; cat $T/home/left"
said "This login is remote"
inside "sh -c 'trap \"\" HUP; while [ ! -e $T/over ]; do sleep 0.1; done; script -qec \"su svcuser -c $T/who\" $T/home/after > $T/home/stayed 2>&1' > /dev/null 2>&1 &" > "$T/out" 2>&1
until_true 10 eval '[ "$(audit_count session-closed)" -gt 0 ]' || fail "no session was closed"
touch "$T/over"
until_true 20 grep -qE 'remote|now svcuser' "$T/home/stayed" || fail "the process that stayed behind said nothing"
expect 0 cat "$T/home/stayed"
said "This login is remote"

# ---- over SSH: nothing inside is local, however deep, and says so ----
sshd_starts
by_ssh() { at pts 0 "${enter_ssh[@]}" "${key_options[@]}" -tt bob@127.0.0.1 "$1"; }
both_keys
for what in "su svcuser -c $T/who" "sudo $T/who" "script -qec 'su svcuser -c $T/who' /dev/null" "script -qec 'sudo $T/who' /dev/null" \
	"setsid -w script -qec 'sudo $T/who' /dev/null"; do
	hidden "over SSH: $what" "now s" by_ssh "$what"
	hidden "over SSH: $what, root" "now r" by_ssh "$what"
	said "This login is remote"
done
# a way in that asks for no key, and sudo and su below it
printf '%s\n' 'Defaults !fqdn, lecture=never, passwd_tries=1, timestamp_timeout=0' 'bob ALL=(ALL) NOPASSWD: ALL' 'carol ALL=(ALL) ALL' > "$T/sudoers"
change rule change admin --proved none
both_keys
shown "over SSH: sudo that demands nothing" "now root" by_ssh "sudo $T/who"
shown "over SSH: su in it" "now carol" by_ssh "sudo su carol -c $T/who"
hidden "over SSH: sudo in su in sudo" "now root" by_ssh "$(deep carol "sudo $T/who" | sed 's/su carol/sudo su carol/')"
said "This login is remote"
hidden "over SSH: su in su in sudo, on a terminal of its own" "now svcuser" by_ssh "$(deep carol "su svcuser -c $T/who" | sed 's/su carol/sudo su carol/')"
said "This login is remote"
crosskeys audit show --event login-granted "$I/audit" > "$T/all"
checks=$((checks + 1))
! grep 'remote-host=' "$T/all" || fail "a key was used in a remote session"
finish
