#!/usr/bin/env bash
# A machine whose clock is wrong: set back and forth by a day in the middle of logins, at 1970 with no battery, across 2038 and 2106. Logins go
# on by the monotonic clock; what has an end counts for nothing while the clock is behind what was recorded; root's word ends that.
# The test runs in a mount namespace whose /etc preloads a library (tests/fakes/shim_clock.c) that moves the wall clock of every process there.
set -eu
if [ -z "${CK_CLOCK_SPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }
	unshare -m --propagation private true 2> /dev/null || { echo "SKIP: no mount namespaces here"; exit 77; }
	CK_CLOCK_SPACE=1 exec unshare -m --propagation private bash "$0"
fi
. "$CK_SOURCE/tests/system/fault_lib.sh"
# the sanitizers' runtime wants to be first of all libraries; the shim needs to be, too
[ "${CK_SANITIZE:-OFF}" != ON ] || export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
"$CK_SOURCE/contrib/create-users" > /dev/null
E=$(mktemp -d /run/ck-etc.XXXXXX)
trap 'cleanup; rm -rf "$E"' EXIT
cp -a /etc/. "$E/"
install -m 755 "$CK_BUILD/tests/shim-clock.so" "$E/ck-test-clock.so"
OFFSET=0
set_offset() { # SECONDS: from now on every process of this machine is that far off
	OFFSET=$1
	perl -e 'binmode STDOUT; print pack("q<", $ARGV[0])' -- "$1" | dd of="$E/ck-test-clock" conv=notrunc status=none
}
set_offset 0
chmod 644 "$E/ck-test-clock"
echo /etc/ck-test-clock.so > "$E/ld.so.preload"
mount --bind "$E" /etc
clock_is() { set_offset $(($(date -u -d "$1" +%s) - $(date +%s) + OFFSET)); } # TIME, from where it goes on
jump() { set_offset $((OFFSET + $1)); }
clock_is "2026-11-22T10:00:00Z"
[ "$(date -u +%Y-%m-%dT%H:%M)" = 2026-11-22T10:00 ] && pass || { fail "the clock of this machine cannot be moved"; finish; exit 1; }
day=86400
start_daemon() { # with whatever clock: it answers
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 30 answers || { echo "the daemon did not come up:"; tail -20 "$T/daemon.log"; exit 1; }
}
answers() { local got=0; ck status > "$T/status" 2>&1 || got=$?; [ "$got" = 0 ] || [ "$got" = 7 ]; }
# a slapd that forgot in its stop how far it was is made to count anew, but not by a clock that is behind
follows() { answers && grep -q "^replica: following" "$T/status"; }

# bob's grant ends in a month, cat's never does
new_instance
add_staff bob "Bob Stone" 2
add_staff cat "Cat Stone" 3
only_key ada-key
change role add operators
change grant add bob operators --until +30d --why "for a month"
change grant add cat operators --why "for good"
change rule add console --system core1 --role operators --service demo
change rule add doors --system core1 --role operators --service open --proved none
change rule add nights --system core1 --role operators --service nights --proved none --weekly "mon-sun 00:00-24:00"
pam_service open
pam_service nights
logs_in() { # EXIT UID: a whole login
	only_key "$2-key"
	expect "$1" login_as demo "$2" 1234
}
# begun UID: a login that waits for its touch
begun() {
	only_key "$1-key"
	soft_key misbehave "$1-key" no-touch
	login_as demo "$1" 1234 > "$T/begun" 2>&1 &
	LOGIN=$!
	until_true 20 grep -qi touch "$T/begun" || fail "the login of $1 does not wait for a touch: $(cat "$T/begun")"
}
ends() { # EXIT UID: touched now
	local got=0
	soft_key touch "$2-key"
	wait "$LOGIN" || got=$?
	checks=$((checks + 1))
	[ "$got" = "$1" ] || { fail "the login of $2 ended with $got, expected $1"; sed 's/^/    /' "$T/begun"; }
}
status_is() { # EXIT TEXT
	checks=$((checks + 1))
	if until_true 15 status_says "$1" "$2"; then return; fi
	fail "status: expected exit $1 and: $2"
	sed 's/^/    /' "$T/status" | head -20
}
status_says() { local got=0; ck status > "$T/status" 2>&1 || got=$?; [ "$got" = "$1" ] && grep -qF -- "$2" "$T/status"; }
logged() { crosskeys audit show --event "$1" "$I/audit" | grep -q .; }
logs_in 0 bob
logs_in 0 cat
status_is 0 "clock: 2026-11-22T1"

# ---- a day forth and a day back, each in the middle of a login ----
begun bob
jump $day
ends 0 bob
soon logged clock-jumped
begun cat
jump $((-day))
ends 0 cat
soon logged clock-behind
begun bob
ends 1 bob
grep -q "clock is wrong" "$T/begun" && pass || fail "bob is not told why: $(cat "$T/begun")"
audited bob login-refused "reason=clock"
never account bob
ok account cat
never account cat nights # what time of the week it is, nobody knows
status_is 7 "crosskeys confirm-clock"
expect 1 ck explain bob core1 demo
said "which may be over"
said "refused (clock)"
# nothing is changed by such a clock, and no code counts
only_key ada-key
expect 1 as ada 1234 role add clerks
said "clock is behind"
expect 1 enrol bob ABCDE-ABCDE-ABCDE-ABCDE 1234
# root says that it is right
expect 0 ck confirm-clock
soon account bob
logs_in 0 bob
ok account cat nights
status_is 0 "state   running"
expect 1 ck confirm-clock
said "not behind"
change role add clerks
soon logged clock-confirmed

# ---- the same across a restart of the daemon: the last record is the floor ----
jump $((-day))
stop_daemon
start_daemon
never account bob
ok account cat
status_is 7 "is behind the last record"
# the clock is put right by itself, as by NTP: no word of root's is needed
jump $day
jump 600
soon account bob
status_is 0 "state   running"
soon logged clock-caught-up

# ---- no battery: the machine starts in 1970 ----
stop_daemon
now=$(date +%s)
clock_is "1970-01-01T00:00:20Z"
start_daemon
LIMIT=30 soon account cat
never account bob
logs_in 0 cat
logs_in 1 bob
expect 1 ck confirm-clock
said "set it first"
status_is 7 "1970-01-01T"
expect 6 crosskeys init "$T/other" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org \
	--system core1 --authority northtown --admin ada
said "clock"
clock_is "@$((now + 120))"
soon account bob
logs_in 0 bob
status_is 0 "state   running"

# ---- 2038 and 2106: running across each, then started there ----
for wall in 2038-01-19T03:14:07Z 2106-02-07T06:28:15Z; do
	end=$(date -u -d "$wall" +%s)
	clock_is "@$((end - 3))"
	ok account cat
	until_true 20 eval '[ "$(date +%s)" -gt '"$((end + 1))"' ]' || fail "time stands still before $wall"
	ok account cat
	logs_in 0 cat
	never account bob # his month is over
	LIMIT=20 soon account cat nights # the copy has learned what the clocks show in these years
	stop_daemon
	start_daemon
	LIMIT=20 soon follows
	soon account cat
	logs_in 0 cat
	change role change clerks --status suspended
	change role change clerks --status active
	ok verify_log
done

# ---- and back to today: changes made then have later numbers than those made from here on, and none may be lost ----
clock_is "@$((now + 600))"
status_is 7 "crosskeys confirm-clock"
never account bob
expect 0 ck confirm-clock
soon account bob
change staff change cat --status suspended
closed() { ! account cat; }
soon closed
stop_daemon
start_daemon
LIMIT=20 soon follows
soon account bob
never account cat
change staff change cat --status active
soon account cat
logs_in 0 cat
status_is 0 "state   running"
ok verify_log
finish
