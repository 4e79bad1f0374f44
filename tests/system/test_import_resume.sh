#!/usr/bin/env bash
# An import that is broken off: the command killed, the daemon killed, slapd killed, in the middle. What went in stays, nothing is there twice, the
# rest goes on without a second touch, for as long as the touch is good.
MORE_CONFIG='gates = 1'
. "$CK_SOURCE/tests/system/import_lib.sh"
new_instance --uid-range 200000-209999
only_key ada-key
written() { in_directory "(&(objectClass=ckStaff)(employeeNumber=$1*))" uid | wc -l; }
some() { [ "$(written "$1")" -gt 10 ]; }
# begun FILE LOG: an import in the background, with something written
begun() {
	import "$1" > "$2" 2>&1 &
	IMPORT=$!
}
importer() { pgrep -P "$IMPORT" -x crosskeys || echo "$IMPORT"; }
touches() { audit_count plan-ordered; }

# ---- the command is killed ----
people 1000 1319 > "$T/a.csv"
begun "$T/a.csv" "$T/a.log"
LIMIT=30 soon some 1
kill -9 "$(importer)" 2> /dev/null || true
wait "$IMPORT" 2> /dev/null || true
left=$(written 1)
[ "$left" -lt 321 ] && pass || fail "it was done before it was killed"
expect 6 as ada 1234 import "$T/a.csv" --map "$T/map" < /dev/null
said "left unfinished"
only_key # there is no key: what goes on needs none
expect 0 ck import --resume "$T/a.csv"
said "0 refused"
is "all of them" "$(written 1)" 321
is "touches" "$(touches)" 1
[ ! -e "$T/a.csv.plan" ] && pass || fail "the file of the plan was left behind"
is "each once" "$(in_directory "(employeeNumber=1*)" employeeNumber | sort | uniq -d | wc -l)" 0
expect 5 ck import --resume "$T/a.csv"
only_key ada-key
expect 0 import "$T/a.csv"
said "Done: 0 written"

# ---- replica, gate and slapd are killed, and come again ----
{ people 1000 1319; for i in $(seq 3000 3319); do person "$i" Ann Hill; done; } > "$T/b.csv"
begun "$T/b.csv" "$T/b.log"
LIMIT=30 soon some 3
kill -9 "$(pids_of replica)"
sleep 0.3
kill -9 "$(pids_of slapd)" 2> /dev/null || true
sleep 0.3
kill -9 "$(pids_of gate)" 2> /dev/null || true
expect 0 wait "$IMPORT"
cp "$T/b.log" "$T/out"
said "0 refused"
is "all of them" "$(written 3)" 320
is "each once" "$(in_directory "(employeeNumber=3*)" employeeNumber | sort | uniq -d | wc -l)" 0
is "touches" "$(touches)" 2

# ---- the daemon is killed, and started again; the command, too ----
{ people 1000 1319; for i in $(seq 3000 3319); do person "$i" Ann Hill; done; for i in $(seq 4000 4319); do person "$i" Bea Moor; done; } > "$T/c.csv"
begun "$T/c.csv" "$T/c.log"
LIMIT=30 soon some 4
kill -9 "$(importer)" 2> /dev/null || true
wait "$IMPORT" 2> /dev/null || true
kill -9 "$DAEMON"
wait "$DAEMON" 2> /dev/null || true
DAEMON=
left=$(grep -c . "$T/c.csv")
start_daemon
soon ck status
following() { ck status | grep -q "replica: following"; }
LIMIT=30 soon following
expect 0 ck import --resume "$T/c.csv"
is "all of them" "$(written 4)" 320
is "each once" "$(in_directory "(employeeNumber=4*)" employeeNumber | sort | uniq -d | wc -l)" 0
is "touches" "$(touches)" 3
expect 0 ck status
said "quarantined: 0"
said "staff: 961"

# ---- trying a file looks few addresses up elsewhere: each costs whoever tries it a search of the day ----
people 7000 7249 > "$T/tried.csv"
import "$T/tried.csv" --dry-run > "$T/out" 2>&1 || true
said "250 to add"
said "200 new mail addresses were not looked up"

# ---- a file that is altered is not what was touched ----
{ cat "$T/c.csv"; for i in $(seq 5000 5319); do person "$i" Cy Dale; done; } > "$T/d.csv"
begun "$T/d.csv" "$T/d.log"
LIMIT=30 soon some 5
kill -9 "$(importer)" 2> /dev/null || true
wait "$IMPORT" 2> /dev/null || true
cp "$T/d.csv.plan" "$T/kept"
sed -i 's/Clerk/Chief/g' "$T/d.csv.plan"
expect 1 ck import --resume "$T/d.csv"
said "the values are not the ones that were signed"
is "altered" "$(in_directory "(title=Chief)" uid | wc -l)" 0
# and a right that was taken back ends the plan
cp "$T/kept" "$T/d.csv.plan"
new_key bea-key 1234
change grant add jsmith administrators --why "the second administrator"
change key code jsmith
only_key bea-key
expect 0 enrol jsmith "$(code_of jsmith "$T/change.out")" 1234
expect 0 as jsmith 1234 key revoke ada "security key"
expect 1 ck import --resume "$T/d.csv"
said "import the file again for the rest"
# whoever sends batches that are none of a plan costs the replica a read of the directory for each, and not for long
for _ in $(seq 600); do # more than one a second, however slow the machine is
	cp "$T/kept" "$T/d.csv.plan"
	ended=0
	ck import --resume "$T/d.csv" > "$T/out" 2>&1 || ended=$?
	! grep -q "too many batches" "$T/out" || break
done
is "how it ended" "$ended" 1
said "too many batches"
# somebody else's file is not sent in root's name
cp "$T/kept" "$T/d.csv.plan"
chown 65534 "$T/d.csv.plan"
expect 1 ck import --resume "$T/d.csv"
said "not a file of your own"
expect 0 verify_log
finish
