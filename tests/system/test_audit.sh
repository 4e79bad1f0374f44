#!/usr/bin/env bash
# The audit log of a real instance: shown by each filter, verified from a copy, tampered with in each way and found out at its place, and
# one event one record whatever names, terminals, hosts and labels hold.
MORE_CONFIG='audit_segment_bytes = 65536'
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
ok login_bob
never login_as demo eve 1234
ask() { "$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask "$@" > "$T/out" 2>&1; }
log() { cat "$I"/audit/audit-*.log; }
lines() { log | wc -l; }
settled() { local n; n=$(lines); sleep 0.2; [ "$n" = "$(lines)" ]; }

# ---- shown ----
show() { crosskeys audit show "$I/audit" "$@"; }
count() { show "$@" | wc -l; }
is() { [ "$1" = "$2" ] && pass || fail "$3: $1, expected $2"; }
soon settled
is "$(count)" "$(lines)" "all records"
is "$(show --user bob | grep -vc ' user=bob ' || true)" 0 "somebody else's among bob's"
is "$(count --user bob)" "$(log | grep -c ' user=bob ')" "bob's"
is "$(count --event login-granted)" 1 "logins granted"
is "$(count --event login-granted --user eve)" 0 "logins granted to eve"
is "$(count --last 3)" 3 "the last three"
is "$(show --last 1)" "$(log | tail -1 | sed 's/ prev=[0-9a-f]*$//')" "the last"
is "$(count --since +1h)" 0 "from the future"
is "$(count --until -1h)" 0 "before the instance was"
is "$(count --since -1h)" "$(lines)" "of this hour"
middle=$(log | sed -n '10p' | cut -d' ' -f2)
is "$(($(count --until "${middle%.*}Z") + $(count --since "${middle%.*}Z")))" "$(($(lines) + $(log | grep -cF " ${middle%.*}.")))" "until and since a second"
expect 2 crosskeys audit show "$I/audit" --since yesterday
expect 2 crosskeys audit show "$I/audit" --last 0
if perl -MJSON::PP -e1 2> /dev/null; then
	show --json | perl -MJSON::PP -ne 'my $r = decode_json($_); print "$r->{seq} $r->{time} $r->{event}\n"' > "$T/parsed"
	is "$(cat "$T/parsed")" "$(log | cut -d' ' -f1-3)" "as JSON"
else
	echo "note: no JSON::PP, so --json was not parsed"
fi

# ---- followed, from one file of the log into the next ----
"$CK_BUILD/crosskeys" audit show "$I/audit" --follow --last 2 > "$T/followed" &
follower=$!
"$CK_BUILD/crosskeys" audit show "$I/audit" --follow --user eve --event account-refused --json > "$T/followed-eve" &
follower_eve=$!
soon test -s "$T/followed"
from=$(head -1 "$T/followed" | cut -d' ' -f1)
segments() { find "$I/audit" -name 'audit-*.log' | wc -l; }
before=$(segments)
for _ in $(seq 100); do
	[ "$(segments)" = "$before" ] || break
	"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob open 50 10 > /dev/null
done
[ "$(segments)" -gt "$before" ] && pass || fail "the log did not go on in a new file"
never account eve
soon settled
last_seq() { log | tail -1 | cut -d' ' -f1; }
followed_all() { [ "$(tail -1 "$T/followed" | cut -d' ' -f1)" = "$(last_seq)" ]; }
soon followed_all
is "$(cut -d' ' -f1 "$T/followed" | tr '\n' ' ')" "$(seq "$from" "$(last_seq)" | tr '\n' ' ')" "each record once, in order"
soon grep -q '"user":"eve"' "$T/followed-eve"
is "$(grep -vc '"user":"eve"' "$T/followed-eve" || true)" 0 "somebody else's among eve's"
kill -0 "$follower" && pass || fail "it stopped following"
kill "$follower" "$follower_eve"
wait "$follower" "$follower_eve" 2> /dev/null || true
# a log that is not what it was is said, not passed over
cp -a "$I/audit" "$T/cut"
"$CK_BUILD/crosskeys" audit show "$T/cut" --follow > "$T/followed" 2> "$T/followed.err" &
follower=$!
soon test -s "$T/followed"
newest=$(find "$T/cut" -name 'audit-*.log' | sort | tail -1)
tail -1 "$newest" | sed 's/ prev=[0-9a-f]*/ prev=0000000000000000000000000000000000000000000000000000000000000000/' > "$T/forged-line"
cat "$T/forged-line" >> "$newest"
LIMIT=20 soon grep -q 'must be\|does not carry' "$T/followed.err"
got=0
wait "$follower" || got=$?
is "$got" 6 "the exit code of a follower that met what is no record of this log"

# ---- one event, one record ----
long=$(printf 'x%.0s' $(seq 200))
nasty=("two
lines" "carriage
return" 'quo"ted' 'back\slash \x0a' $'escape\e[2J\e]0;title\a' $'tab\tand\vmore' "9 2026-01-01T00:00:00Z login-granted user=mallory" 'a=b user=root' "ünïcödé" \
	$'bidi\u202eevil' "" "$long")
for text in "${nasty[@]}"; do
	for place in user service tty rhost; do
		before=$(lines)
		case $place in
			user) ask "eve$text" open 1 5 ;;
			service) ask eve "open$text" 1 5 ;;
			tty) ask eve open 1 5 "tty1$text" ;;
			rhost) ask eve open 1 5 "" "h$text" ;;
		esac
		grep -q granted "$T/out" && fail "granted with a $place of $(printf %q "$text")"
		answered=$(grep -c '^refused' "$T/out" || true)
		added=$(($(lines) - before))
		[ "$added" -le 1 ] && [ "$added" = "$answered" ] && pass || fail "$added records of one event and $answered refusals: a $place of $(printf %q "$text")"
	done
done
LC_ALL=C log | LC_ALL=C grep -c '[^ -~]' > "$T/out" && fail "bytes that are not printable ASCII are in the log" || pass
log | grep -avcE '^[0-9]+ [0-9T:.-]+Z [a-z-]+ .*prev=[0-9a-f]{64}( sig=[0-9a-f]{128})?$' > "$T/out" && fail "lines that are no records" || pass
log | awk '{ if ($1 != NR) exit 1 }' && pass || fail "the numbers do not run on"
is "$(show | LC_ALL=C grep -c $'[\e\a\r]' || true)" 0 "escape sequences for the terminal"
is "$(show --json | LC_ALL=C grep -c $'[\e\a\r]' || true)" 0 "escape sequences in JSON"
is "$(count --user mallory)" 0 "mallory's, whom somebody wrote into a name"
# labels and reasons
only_key ada-key
before=$(lines)
as ada 1234 grant add eve operators --why $'because\n99 2026-01-01T00:00:00Z login-granted user=mallory' > "$T/out" 2>&1 || true
as ada 1234 role add $'evil\e[31m\nname' > "$T/out" 2>&1 && fail "a role's name with control characters was taken" || pass
soon settled
is "$(count --user mallory)" 0 "mallory's, whom somebody wrote into a reason"
log | tail -n +"$before" | grep -avE '^[0-9]+ [0-9T:.-]+Z [a-z-]+ ' && fail "a record in two lines" || pass
only_key bob-key

# ---- verified ----
expect 0 ck audit checkpoint
cp "$T/out" "$T/anchor-1"
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob open 600 20 > /dev/null
soon settled
expect 0 verify_log
said "verified"
stop_daemon
copy() { rm -rf "$T/copy"; cp -r "$I/audit" "$T/copy"; rm -f "$T/copy"/key*; files=("$T"/copy/audit-*.log); }
copy
[ "${#files[@]}" -ge 3 ] && pass || fail "only ${#files[@]} files: the test wants a log of several"
expect 0 crosskeys audit verify "$T/copy"
expect 0 crosskeys audit verify "$T/copy" --anchor "$T/anchor-1"
said "the anchor among them"
# found FILE-PART: verify refuses the copy and names the place
found() {
	expect 1 crosskeys audit verify "$T/copy" "${@:2}"
	said "$1"
}
second=audit-000002.log
edit() { copy; sed -i "$@" "$T/copy/$second"; }
edit '5s/user=[a-z]*/user=zoe/'
found "$second"
edit '5s/granted/refused/'
found "$second"
edit 5d
found "$second:5:"
edit '5{h;d};6{p;g}'
found "$second:5:"
edit '5{p}'
found "$second:6:"
edit '5s/^[0-9]*/7/'
found "$second:5:"
edit '$d'
found audit-000003.log
copy; rm "$T/copy/$second"
found "$second is missing"
copy; truncate -s -100 "$T/copy/$second"
found "$second"
copy; mv "$T/copy/$second" "$T/x"; mv "$T/copy/audit-000003.log" "$T/copy/$second"; mv "$T/x" "$T/copy/audit-000003.log"
found "$second:1:"
copy; rm "$T/copy/audit-000001.log"
expect 1 crosskeys audit verify "$T/copy"
# what no checkpoint signs is only chained; what an anchor signs cannot be taken back
copy
line=$(grep -n ' checkpoint ' "${files[-1]}" | tail -1 | cut -d: -f1)
[ -n "$line" ] && pass || fail "the daemon stopped without a checkpoint"
grep -ah ' checkpoint ' "${files[-1]}" | tail -1 > "$T/anchor-2"
expect 0 crosskeys audit verify "$T/copy" --anchor "$T/anchor-2"
sed -i "${line},\$d" "${files[-1]}"
expect 0 crosskeys audit verify "$T/copy"
expect 1 crosskeys audit verify "$T/copy" --anchor "$T/anchor-2"

# ---- the machine's owner goes back to an earlier log and its keys, and goes on from there ----
start_daemon
ok account bob
stop_daemon
rm -rf "$T/earlier"
cp -a "$I/audit" "$T/earlier"
start_daemon
ok login_bob
ck audit checkpoint > "$T/anchor-3"
stop_daemon
rm -rf "$I/audit"
mv "$T/earlier" "$I/audit"
start_daemon
ok account bob
stop_daemon
expect 0 crosskeys audit verify "$I/audit"
expect 0 crosskeys audit verify "$I/audit" --anchor "$T/anchor-2"
expect 1 crosskeys audit verify "$I/audit" --anchor "$T/anchor-3"

# ---- a torn last record is cut, and that is recorded ----
last=("$I"/audit/audit-*.log)
printf '99999 2026-11-22T00:00:00.000000Z login-granted user=mal' >> "${last[-1]}"
expect 1 verify_log
start_daemon
# status does not ask the ledger; what is recorded was written behind the cut
soon account bob
expect 0 verify_log
is "$(count --event cut)" 1 "cuts"
# another change at the end, and the ledger does not go on over it
stop_daemon
last=("$I"/audit/audit-*.log)
sed -i '$ { s/prev=0/prev=1/; t; s/prev=./prev=0/ }' "${last[-1]}"
"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
DAEMON=$!
sleep 1.5
never account bob
finish
