#!/usr/bin/env bash
# Finding people on a whole instance: what words find, how each change of the directory shows at once, who is never found, what is recorded, and the
# budgets that stop whoever copies a directory, and not the switchboard.
. "$CK_SOURCE/tests/system/lib.sh"
MORE_CONFIG="find_person_per_day = 4
find_switchboard_per_day = 40
find_authority_per_day = 60"
new_instance
add_staff bob "Bob Stone" 2
add_staff una "Una Hidden" 77 --unlisted
change authority add southport --uid-range 300000-309999 --mail-domain southport.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$(code_of sam "$T/change.out")" 1234
by() { # UID WORDS…
	only_key "$1-key"
	as "$1" 1234 "${@:2}"
}
for i in 1 2 3 4 5 6 7 8; do
	expect 0 by sam staff add "wyn$i" --name "Siân Wŷn" --mail "wyn$i@southport.example" --number "w$i" --title "Caseworker" \
		--department "Housing" --telephone "+44 1704 49600$i"
done
expect 0 by sam staff add jon --name "Jon MacDonald" --mail jon@southport.example --number 90 --department "Adult Social Care"
# finds WORDS UID…: root finds just these, in this order
finds() {
	local words=$1
	shift
	expect 0 ck find "$words"
	checks=$((checks + 1))
	[ "$(grep -v -e '^uid ' -e '^there may' "$T/out" | cut -d' ' -f1 | paste -sd' ')" = "$*" ] || { fail "'$words' does not find $*"; sed 's/^/    /' "$T/out"; }
}
nobody() { expect 5 ck find "$1"; said "nobody is known by"; }

# ---- words ----
finds "jon macdonald" jon
finds "MACDONALD JON" jon
finds "john mcdonald southport" jon
finds "jon macdnoald" jon
finds "macd soc" jon
finds "sian wyn housing" wyn1 wyn2 wyn3 wyn4 wyn5 wyn6 wyn7 wyn8
finds "01704 496003" wyn3
finds "wyn4@southport.example" wyn4
finds "wyn5" wyn5
nobody "jon stone"
nobody "90" # a staff number is not root's either: whose authority is meant?
expect 2 ck find "a b c d" e f g h i
expect 2 ck find "-"
expect 0 ck find jon --json
said '"uid": ['

# ---- each change shows at once ----
expect 0 by sam staff change jon --name "Jonathan Rivers" --surname Rivers --given-name Jonathan
nobody "macdonald"
finds "rivers" jon
expect 0 by sam staff change jon --unlisted
nobody "rivers"
nobody "jon@southport.example"
expect 0 by sam staff change jon --listed
finds "rivers" jon
expect 0 by sam staff change jon --status suspended
nobody "rivers"
expect 0 by sam staff change jon --status active --until 2020-01-01
nobody "rivers"
expect 0 by sam staff change jon --until unlimited
finds "rivers" jon

# ---- who may, and what they see ----
nobody "una"
nobody "hidden"
expect 0 by una find bob # who is unlisted finds others
expect 5 by bob find una
expect 5 by bob find 77  # her number
expect 0 by bob find 2   # his own
said "Bob Stone"
expect 0 ck staff show una # and is administered
expect 1 setpriv --reuid 4000 --regid 4000 --clear-groups "$CK_BUILD/crosskeys" find bob --dir "$I"

# ---- recorded: who, about whom, what for; and the budget of a day ----
expect 0 by bob find "sian wyn1" --purpose "case 12/7"
audited bob found 'purpose=case'
expect 0 crosskeys audit show --user bob --event found --last 1 "$I/audit" --json
said 'wyn1'
said '12/7'
expect 1 by bob find "sian wyn" # eight are more than what is left
said "as one person may in a day"
audited bob find-refused 'fault=budget'
checks=$((checks + 1))
grep -q "ALARM.*find-refused: bob" "$T/daemon.log" || fail "no alarm"
expect 0 by bob find stone # his own authority's people cost nothing
change role add switchboard
change grant add bob switchboard --why "answers the telephone"
expect 0 by bob find "sian wyn"
for i in 1 2 3; do expect 0 by bob find "sian wyn"; done
expect 1 by bob find "sian wyn"
said "as one person may in a day"
# whom a code is for is shown with it, and costs the same; a colleague of one's own authority costs nothing
vouch_once() { # UID FOR: the command ends when the next one takes its place, or the daemon stops
	: > "$T/vouch.out"
	by "$1" vouch "$2" > "$T/vouch.out" 2>&1 &
	until_true 30 grep -q 'The code is for' "$T/vouch.out" || { fail "no code for $2"; cat "$T/vouch.out"; }
}
vouch_once sam jon
for i in 1 2 3 4; do vouch_once sam bob; done
expect 1 by sam vouch bob
said "may be in a day"
audited sam find-refused 'fault=budget'
vouch_once sam jon
checks=$((checks + 1))
[ "$(crosskeys audit show --user sam --event vouch-made "$I/audit" | grep -c 'budget=1')" = 4 ] || fail "what was charged is not in the log"
# a ledger that starts anew knows what was used: by its snapshot, and by the log alone
for without in nothing snapshots; do
	stop_daemon
	wait
	[ "$without" = nothing ] || rm -f "$I"/audit/ledger.state "$I"/audit/ledger.recent
	start_daemon
	expect 1 by bob find "sian wyn"
	said "as one person may in a day"
	expect 1 by sam vouch bob
	said "may be in a day"
done
# the authority's own is used up by ada, too
expect 0 ck find rivers # root pays nothing
expect 0 crosskeys audit verify "$I/audit"
# many at once, each with words of its own; from the copy that was there, and from one that is made anew
for i in {a..z}{a..b}; do
	echo "staff add many$i --name \"Many$i Kwarg$i\" --mail many$i@southport.example --number m$i --title \"Lorimer$i Zaxby$i\""
done > "$T/many"
expect 0 by sam apply "$T/many"
finds "manyqb kwargqb" manyqb
stop_daemon
start_daemon
finds "rivers" jon
stop_daemon
rm -f "$I"/store/*
start_daemon
finds "rivers" jon
finds "zaxbyqb" manyqb
finds "kwarhza" manyza
finish
