#!/usr/bin/env bash
# Who has an account on a machine, on a whole instance, as a name service asks: whom a rule lets in there as themself. Each change shows at once; whoever has
# none is answered like nobody; nothing is recorded; and a directory or a ledger that is dead takes nobody's account away.
. "$CK_SOURCE/tests/system/lib.sh"
# nobody but ada needs a key here: only what the directory says of people matters
new_instance
change staff add bob --name "Bob Stone" --mail bob@northtown.example --number 2
change staff add una --name "Una Hidden" --mail una@northtown.example --number 77 --unlisted
change staff add eve --name "Eve Outside" --mail eve@northtown.example --number 5
change role add operators
change rule add doors --system core1 --role operators --service sshd --source 192.0.2.0/24 --proved touch --proved verified --proved password

number_of() { ck staff show "$1" --json | sed -n '/"uidNumber"/,/]/s/^ *"\([0-9]*\)".*/\1/p'; }
stranger() { setpriv --reuid 4000 --regid 4000 --clear-groups "$CK_BUILD/crosskeys" account "$1" --dir "$I" "${@:2}"; }
has_account() { # UID NUMBER
	expect 0 stranger "$1"
	said "$1:x:$2:$2::/home/$1:/bin/bash"
	expect 0 stranger "$2"
	said "$1:x:$2:$2::/home/$1:/bin/bash"
}
# has none: the same words and the same code as for a name and a number that nobody has
has_none() { # UID NUMBER
	local word
	for word in "$1" "$2"; do
		expect 5 stranger "$word"
		said "nobody has an account '$word' here"
	done
}
bob=$(number_of bob)
una=$(number_of una)
eve=$(number_of eve)
checks=$((checks + 1))
[ "$bob" -ge 200000 ] && [ "$una" -ge 200000 ] && [ "$eve" -ge 200000 ] || fail "no numbers: '$bob' '$una' '$eve'"

# ---- a rule and a role make it, whatever a login would need ----
has_none bob "$bob"
has_none nobody-there 299998
has_none root 0
expect 5 stranger bob@northtown.example
change grant add bob operators --why "works here"
has_account bob "$bob"
expect 0 stranger bob --json
said "\"uid_number\": $bob"
has_none eve "$eve"
change grant add una operators --why "works here, too"
has_account una "$una" # not to be found, and present
expect 5 ck find una

# ---- and what ends it shows at once ----
change staff change bob --status suspended
has_none bob "$bob"
change staff change bob --status active --until 2020-01-01
has_none bob "$bob"
change staff change bob --until unlimited
has_account bob "$bob"
change rule change doors --status suspended
has_none bob "$bob"
has_none una "$una"
change rule change doors --status active --account root
has_none bob "$bob"
change rule change doors --account self
has_account bob "$bob"
change staff change bob --shell /bin/sh --home /srv/bob
expect 0 stranger bob
said "bob:x:$bob:$bob::/srv/bob:/bin/sh"
change staff change bob --shell /bin/bash --home /home/bob

# ---- nobody is recorded for it; there is no list ----
records() { crosskeys audit show "$I/audit" | grep -cv -e ' checkpoint ' -e ' coalesced '; }
before=$(records)
has_account bob "$bob"
has_none eve "$eve"
checks=$((checks + 1))
[ "$(records)" = "$before" ] || fail "something was recorded"
expect 2 stranger ""
expect 2 ck account

# ---- what is dead ----
stop_child() { # NAME: of this daemon's own children, by their ids
	local pid
	for pid in $(cat "/proc/$DAEMON/task/$DAEMON/children"); do
		if tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q -- "$1"; then
			kill -STOP "$pid"
			echo "$pid"
		fi
	done
}
stopped=$(stop_child 'process ledger')
checks=$((checks + 1))
[ -n "$stopped" ] || fail "no ledger was found"
has_account bob "$bob"
has_none eve "$eve"
# shellcheck disable=SC2086 # one id or several
kill -CONT $stopped
stop_daemon
expect 3 stranger bob
finish
