#!/usr/bin/env bash
# Who tries too often waits, and nobody else does: tries are counted by where they come from, logins by the person whose key proves them. What a
# stranger sees, bytes and exit codes, is the same for everybody's name and for nobody's.
set -eu
export LIMITS=
MORE_CONFIG=$'tries_per_minute = 6\nlogins_per_minute = 8\nrefusals_per_minute = 1000'
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
soon account bob
new_key strange-key 1234
on() { # TTY UID: a login at that terminal
	crosskeys login --service-dir "$S" --tty "$1" --pin-fd 9 demo "$2" 9<<< $'1234\n1234\n1234'
}
# until_said TEXT LIMIT WORDS…: again and again, at most LIMIT times, until it says so and fails
until_said() {
	local text=$1 left=$2
	shift 2
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		if ! "$@" > "$T/out" 2>&1 && grep -qF -- "$text" "$T/out"; then pass; return; fi
	done
	fail "never said: $text: $*"
	sed 's/^/    /' "$T/out" | tail -5
}

# ---- alike: a role and the wrong key, no role, no key, nobody at all; each at a terminal of its own ----
only_key ada-key
as ada 1234 staff add keyless --name "Kay Less" --mail kay@northtown.example --number 9 > "$T/out" 2>&1 || { cat "$T/out"; exit 1; }
only_key strange-key
: > "$T/alike"
tty=10
for uid in bob eve keyless nobody-here; do
	tty=$((tty + 1))
	got=0
	on "tty$tty" "$uid" > "$T/seen" 2>&1 || got=$?
	{ sed "s/$uid/NAME/g; s/tty$tty/TTY/g" "$T/seen" && echo "exit $got"; } | sha256sum >> "$T/alike"
	[ "$got" != 0 ] && pass || fail "$uid came in with a key that is nobody's"
	cp "$T/seen" "$T/seen-$uid"
done
[ "$(sort -u "$T/alike" | wc -l)" = 1 ] && pass || { fail "names are told apart"; tail -n +1 "$T"/seen-*; }
# a login that never came to a signature leaves a trace
abandoned() { crosskeys audit show --user nobody-here --event login-abandoned "$I/audit" | grep -q 'no-answer'; }
soon abandoned

# ---- one terminal tries too often: all names hear it there, and nobody elsewhere ----
until_said "too many tries from here; try again in" 60 on tty1 nobody-here
for uid in bob eve keyless; do until_said "too many tries from here; try again in" 20 on tty1 "$uid"; done
only_key bob-key
ok on tty2 bob
crosskeys audit show --event login-refused "$I/audit" > "$T/out"
said "too-many-tries"
# it passes
only_key bob-key
again() { on tty1 bob; }
LIMIT=90 soon again
# and whoever proves it each time is not counted
for _ in 1 2 3; do ok on tty1 bob; done

# ---- a key that is used too often waits, wherever it is; others do not ----
until_said "your key was used too often just now; try again in" 60 on tty3 bob
crosskeys audit show --user bob --event login-limited "$I/audit" > "$T/out"
said "login-granted"
only_key eve-key
on tty3 eve > "$T/out" 2>&1 || true
said "no role lets you in here"
# with one's own key and no role it is the same limit, and no more lines
for _ in $(seq 20); do on tty4 eve > /dev/null 2>&1 || true; done
[ "$(crosskeys audit show --user eve --event login-refused "$I/audit" | grep -c no-role)" -le 20 ] && pass || fail "refusals that a key proved are not counted"
only_key bob-key
LIMIT=90 soon again
# ---- what somebody calls themselves is no line of the log, nor of what the daemon says; and no escape of a terminal ----
evil=$'bob\n99 2026-01-01T00:00:00Z login-granted user=mallory \e[2J'
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask "$evil" sshd 1 20 > "$T/out" 2>&1 || true
written() { crosskeys audit show --last 3 "$I/audit" | grep -q mallory; } # it was written, as what it is
soon written
crosskeys audit show "$I/audit" > "$T/out"
for file in "$T/out" "$T/daemon.log" "$I"/audit/audit-*.log; do
	grep -q '^99 2026-01-01T00:00:00Z' "$file" && fail "a name made a line of $file" || pass
	grep -q $'\e' "$file" && fail "a name made an escape in $file" || pass
done
crosskeys audit show --user mallory "$I/audit" > "$T/out" 2>&1 || true
[ ! -s "$T/out" ] && pass || { fail "a name made somebody else's record"; cat "$T/out"; }
soon verify_log
finish
