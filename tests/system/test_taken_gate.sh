#!/usr/bin/env bash
# A gate that is an attacker's (tests/fakes/main_taken_gate.c) between the real replica and the real ledger: it orders nothing, replays
# nothing, speaks for nobody, sets no counter back and does not fill the log; what it tries is refused, recorded, and costs it its life.
MORE_CONFIG=$'gates = 1\nkey_use_interval_s = 1'
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
. "$CK_SOURCE/tests/system/vouch_lib.sh"
code=''
new_instance
new_people
stop_daemon
mkdir -m 700 "$I/taken"
chown crosskeys-gate "$I/taken"
start_taken() {
	"$CK_BUILD/tests/taken-gate" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	soon ck status
	soon account bob
}
start_taken

begins() { grep -c '^begins' "$I/taken/out" || true; }
mode() { echo "$1" > "$I/taken/mode"; chmod 644 "$I/taken/mode"; }
lines() { cat "$I"/audit/audit-*.log | wc -l; }
# try NAME ANSWER…: an attack of its own, and what it must hear
heard() { grep -qxF "$1" <(sed -n '/^attack/,$p' "$I/taken/new"); }
try() {
	local name=$1 line
	shift
	local from
	from=$(($(wc -l < "$I/taken/out") + 1))
	echo "$name" > "$I/taken/attack.new"
	chmod 644 "$I/taken/attack.new"
	mv "$I/taken/attack.new" "$I/taken/attack"
	answered() { tail -n +"$from" "$I/taken/out" > "$I/taken/new"; heard "$line"; }
	for line in "$@"; do until_true 20 answered && pass || { fail "$name: not heard: $line"; sed 's/^/    /' "$I/taken/new"; }; done
}
is_logged() { crosskeys audit show --event "$1" "$I/audit" | grep -qF -- "$2"; }
# dies NAME: it is found out: killed, recorded, and another takes its place
dies() {
	local before
	before=$(begins)
	try "$1"
	is_new() { [ "$(begins)" -gt "$before" ]; }
	soon is_new
	soon account bob
}

# it passes on what people do, and they notice nothing
only_key ada-key
honest() { as ada 1234 role add honest; }
soon honest

# what passes by is altered: other values, another signature, another person
for tampered in values signature person; do
	mode $tampered
	before=$(lines)
	expect 1 as ada 1234 role add "by-$tampered"
	mode off
	refusal() { tail -n +"$before" <(cat "$I"/audit/audit-*.log) | grep -q ' change-refused '; }
	soon refusal
	[ -z "$(in_directory "(ckName=by-$tampered)" ckName)" ] && pass || fail "$tampered: it was written all the same"
done

# a genuine change, once more, and under another nonce
mode replay
expect 0 as ada 1234 role add once
mode off
soon is_logged change-refused "reason=nonce"
[ "$(in_directory "(ckName=once)" ckName | wc -l)" = 1 ] && pass || fail "a replayed change was written"
try again "replica answer 2 nonce"
try begin "replica answer 3 nonce"
try renonced "replica answer 2 assertion"
soon is_logged change-refused "reason=assertion"

# an import: other batches than were signed, another word in one, one under another's number; and all of it twice
{ echo number,given-name,surname,mail,title; for i in $(seq 70); do echo "i$i,Im$i,Port,im$i@northtown.example,Clerk"; done; } > "$T/staff.csv"
printf '[file]\nmissing = keep\n[columns]\nnumber = number\ngiven-name = given-name\nsurname = surname\nmail = mail\ntitle = title\n' > "$T/map"
import() { rm -f "$T/staff.csv.plan"; as ada 1234 import "$T/staff.csv" --map "$T/map"; }
imported() { in_directory "(&(objectClass=ckStaff)(employeeNumber=i*))" uid | wc -l; }
for tampered in roots:assertion batch:digest number:not-in-plan; do
	mode "${tampered%:*}"
	expect 1 import
	mode off
	soon in_log change-refused "reason=${tampered#*:}"
	[ "$(imported)" = 0 ] && pass || fail "$tampered: $(imported) people were written all the same"
done
mode batches
expect 0 import
said "0 refused"
mode off
[ "$(imported)" = 70 ] && pass || fail "$(imported) of 70 are there"
[ "$(in_directory "(&(objectClass=ckStaff)(title=Chief))" uid | wc -l)" = 0 ] && pass || fail "an altered word was written"

# what only root may
try recover "replica answer 2 not-permitted"
[ "$(grep -c 'answer 2 not-permitted' "$I/taken/new")" = 2 ] && pass || fail "with its own socket or without one: $(cat "$I/taken/new")"
soon is_logged change-refused "operation=code.add"
try confirm "replica answer 2 not-permitted"
soon is_logged change-refused "operation=confirm-refresh"
[ "$(crosskeys audit show --event recovery "$I/audit" | wc -l)" = 0 ] && pass || fail "a recovery is in the log"

# it may grant on its own machine, which is written down; but no counter goes back, and no session is opened without a login
try grant-9 "ledger stands -"
try grant-8 "ledger refused counter"
is_logged counter-alarm "count=8" && pass || fail "the counter that went back is not in the log"
try session "ledger refused no-login"
is_logged session-refused "account=root" && pass || fail "the session without a login is not in the log"

# nor does a count go up so far that a key is locked for good; what is within reach locks it until root has it forgotten
try grant-4294967295 "ledger refused counter-leap"
is_logged counter-alarm "last=9 fault=leap outcome=refused" && pass || fail "the leap of a counter is not in the log"
try grant-10 "ledger stands -"
ck key list bob --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p' | head -1 | sed 's/../\\x&/g' | xargs -0 printf %b | head -c 32 > "$I/taken/target"
chmod 644 "$I/taken/target"
only_key bob-key
ok login_bob
try grant-4294967295 "ledger refused counter-leap"
ok login_bob
try grant-60000 "ledger stands -"
expect 1 login_bob
said "this key's counter went back"
try reset "replica answer 2 not-permitted"
[ "$(grep -c 'answer 2 not-permitted' "$I/taken/new")" = 2 ] && pass || fail "with its own socket or without one: $(cat "$I/taken/new")"
is_logged change-refused "operation=key.reset-counter" && pass || fail "the reset that was refused is not in the log"
dies record-reset
[ "$(crosskeys audit show --event counter-reset "$I/audit" | wc -l)" = 0 ] && pass || fail "a reset is in the log"
expect 1 login_bob
by_nobody() { setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups -- "$CK_BUILD/crosskeys" "$@" --dir "$I"; }
expect 1 by_nobody key reset-counter bob "security key"
in_use() { in_directory "(ckCounter=60000)" ckCounter | grep -q .; }
LIMIT=20 soon in_use
reset_bob() { ck key reset-counter bob "security key"; }
soon reset_bob
is_logged counter-reset "user=bob" && pass || fail "the reset is not in the log"
in_use && fail "the count is still in the directory" || pass
ok login_bob
rm "$I/taken/target"

# a vouch that passes by: with a signature that no key made it is worth nothing, the same signature makes no second one, and who signed it is
# in it (a code that it saw, it could use up: docs/threats.md)
mode vouch-signature
vouches ada bob
checks 1 bob "$code"
said "the code was right, but the key, the person or their authority is no longer good"
vouched ada 1 "Entered by Bob Stone (bob)"
is_logged vouch-refused "reason=vouch-proof" && pass || fail "the signature that was altered is not in the log"
mode off
vouches ada bob
try vouch-again "ledger refused vouch-again"
checks 0 bob "$code"
vouched ada 0 "Checked by Bob Stone"
mode vouch-user
before=$(begins)
only_key ada-key
never as ada 1234 vouch bob
mode off
is_new() { [ "$(begins)" -gt "$before" ]; }
soon is_new
soon account bob

# it sees the passwords that are typed, but tries none of its own: a touch is good for one, and none is made up
with_passwords
only_key bob-key
ok login_with "$OWN"
before=$(crosskeys audit show --event password-attempt "$I/audit" | wc -l)
try guess "replica refused touch-used"
try guess-forged "replica refused assertion"
is_logged change-refused "reason=touch-used" && pass || fail "the guess is not in the log"
[ "$(crosskeys audit show --event password-attempt "$I/audit" | wc -l)" = "$before" ] && pass || fail "a guess was tried"
try password "ledger refused password"
dies right
try password "ledger refused password"
only_key bob-key
ok login_with "$OWN"

# nor does a touch get younger in its hands. The replica that takes the place of another knows no touch that was used, and none from before
only_key bob-key
ok login_with "$OWN"
kill -KILL "$(pids_of replica)"
only_key ada-key
ordered() { as ada 1234 role add "after-$RANDOM"; }
LIMIT=20 soon ordered
try guess "replica refused restarted"
soon is_logged change-refused "reason=restarted"
# one that it kept to itself is good for twice the time that a challenge lives, and says itself when it was
stop_daemon
cp -p "$I/crosskeys.conf" "$T/kept.conf"
echo 'challenge_limit_s = 5' >> "$I/crosskeys.conf"
start_taken
only_key bob-key
soon login_with "$OWN" # not in the second in which the replica began
mode withhold
withheld() { grep -c '^withheld' "$I/taken/out" || true; }
kept() { ! login_with "$OWN" && [ "$(withheld)" -gt 0 ]; }
LIMIT=60 soon kept
at=$(stat -c %Y "$I/taken/out")
mode off
before=$(crosskeys audit show --event password-attempt "$I/audit" | wc -l)
is_old() { [ "$(date +%s)" -gt $((at + 10)) ]; }
LIMIT=20 soon is_old
try guess "replica refused expired"
try guess-fresh "replica refused assertion"
[ "$(crosskeys audit show --event password-attempt "$I/audit" | wc -l)" = "$before" ] && pass || fail "a touch that is too old was taken"
stop_daemon
cp -p "$T/kept.conf" "$I/crosskeys.conf"
start_taken

# floods: the log grows by no more than the budget
before_lines=$(lines)
try flood "flood done"
grown=$(($(lines) - before_lines))
[ "$grown" -lt 5000 ] && pass || fail "20000 refusals made $grown records"
ok account bob
only_key bob-key
ok login_bob

# what is not its own to say, and what is no message: it is killed
dies enrolled
is_logged alarm "not\\x20its\\x20own" && pass || fail "what is the replica's to say is not in the log as an alarm"
dies garbage-ledger
dies garbage-replica
dies status
dies accuse
is_logged process "accused" && pass || fail "the killings are not in the log"
[ "$(crosskeys audit show --event key-enrolled "$I/audit" | grep -c 'user=bob')" = 1 ] && pass || fail "a made-up enrolment is in the log"

# and nothing came of all that
only_key bob-key
LIMIT=20 soon login_bob
never account eve
only_key ada-key
LIMIT=20 soon ordered
expect 0 verify_log
finish
