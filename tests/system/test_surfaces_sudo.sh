#!/usr/bin/env bash
# sudo and what it remembers. With a time stamp, or NOPASSWD, sudo skips authentication and asks the account stage alone: a rule that
# demands a touch gets one there; a rule that demands nothing lets sudo remember the touch of its first question.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
sudoers() { printf '%s\n' "Defaults !fqdn, lecture=never, passwd_tries=1, timestampdir=$T/stamps, $1" 'root ALL=(ALL) ALL' "$2" > "$T/sudoers"; }
sudoers timestamp_timeout=15 'ALL ALL=(ALL) ALL'
chmod 440 "$T/sudoers"
mount --bind "$T/sudoers" /etc/sudoers
change role add operators
change grant add bob operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
change rule add admin --system core1 --role operators --service sudo --account root --proved touch --proved verified
printf '#!/bin/sh\necho "now $(id -un)"\n' > "$T/who"
chmod 755 "$T/who"
inside() { # LINES: of shell, in one session of bob's that was opened at the console
	printf '%s\n' 'trap "" HUP' "$@" > "$T/commands"
	at tty1 0 login bob
	rm -f "$T/commands"
}
times() { # WHAT COUNT TEXT: in what the last one showed
	checks=$((checks + 1))
	[ "$(grep -cF -- "$3" "$T/out")" = "$2" ] || { fail "$1: expected $2 times: $3"; sed 's/^/    /' "$T/out" | head -30; }
}
logins() { audit_count login-granted; }
touched() { # WHAT COUNT: so many logins were granted by a key since $before, besides the one at the console
	checks=$((checks + 1))
	[ "$(logins)" = $((before + 1 + $2)) ] || fail "$1: $(($(logins) - before - 1)) touches, expected $2"
}

# ---- a rule that demands a touch gets one each time, whatever sudo remembers ----
only_key bob-key
before=$(logins)
shown "twice within the time stamp" "now root" inside "sudo $T/who" "sudo $T/who"
times "both run" 2 "now root"
times "a PIN each time, and one for the console" 3 "PIN for your security key: "
times "and what is to be done is said, though sudo asks its modules to be silent" 3 "Touch your security key"
touched "twice within the time stamp" 2

before=$(logins)
inside "sudo $T/who" "touch $T/home/first; while [ ! -e $T/second ]; do sleep 0.1; done" "sudo $T/who" > "$T/out" 2>&1 &
waiter=$!
until_true 30 test -e "$T/home/first" || fail "the first sudo did not come through"
only_key eve-key
touch "$T/second"
wait "$waiter" || true
times "the second without the key" 1 "now root"
said "not enrolled for this"
touched "the second without the key" 1
rm -f "$T/home/first" "$T/second"

# ---- a touch without a PIN, as the rule says ----
change rule change admin --proved touch
only_key bob-key
before=$(logins)
inside "sudo $T/who" "sudo $T/who" > "$T/out" 2>&1 || true
times "touch alone" 2 "now root"
times "no PIN but for the console" 1 "PIN for your security key: "
touched "touch alone" 2

# ---- a rule that demands nothing: sudo's own memory decides when a key is asked for ----
change rule change admin --proved none
only_key bob-key
before=$(logins)
inside "sudo $T/who" "sudo $T/who" "sudo -k $T/who" > "$T/out" 2>&1 || true
times "remembered" 3 "now root"
touched "the first, and the one that forgets" 2

# ---- NOPASSWD: sudo never authenticates, the rule decides all the same ----
sudoers timestamp_timeout=15 'ALL ALL=(ALL) NOPASSWD: ALL'
before=$(logins)
inside "sudo $T/who" > "$T/out" 2>&1 || true
times "nothing demanded" 1 "now root"
touched "nothing demanded" 0
change rule change admin --proved touch --proved verified
only_key bob-key
before=$(logins)
inside "sudo $T/who" > "$T/out" 2>&1 || true
times "a touch demanded" 1 "now root"
touched "a touch demanded" 1
shown "a login shell is another service" "no rule of this system allows this service" inside "sudo -i $T/who"
change rule change admin --service sudo --service sudo-i
only_key bob-key
shown "which a rule can name" "now root" inside "sudo -i $T/who"

# ---- who may not: asked like everybody else, and told why once their key has verified ----
change role add clerks --all-staff-of northtown
change rule add front --system core1 --role clerks --service login
inside_of() { # UID LINES
	printf '%s\n' "${@:2}" > "$T/commands"
	at tty1 0 login "$1"
	rm -f "$T/commands"
}
only_key eve-key
inside_of eve "sudo $T/who" > "$T/out" 2>&1 || true
times "eve has no role for it" 0 "now root"
times "but is asked" 2 "PIN for your security key: "
said "no role lets you in here"
said "Permission denied"
audited eve login-refused "reason=no-role"
at pts 250002 sudo "$T/who" > "$T/out" 2>&1 || true
times "outside any session" 0 "now root"
said "This login is remote"
times "nobody is asked for a PIN that could not be used" 0 "PIN for your security key: "
only_key bob-key
at pts 250001 sudo "$T/who" > "$T/out" 2>&1 || true
times "outside any session, with the role" 0 "now root"
said "This login is remote"
finish
