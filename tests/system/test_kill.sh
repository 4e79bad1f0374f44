#!/usr/bin/env bash
# Two hundred times one of the daemon's processes is killed at a random moment, every fourth time the supervisor, while people log in. Nothing
# that PAM told as granted is missing in the log, no login outlives its deadline, and at the end everything works.
# CK_SEED: the same moments again, as far as the machine lets them be the same.
. "$CK_SOURCE/tests/system/fault_lib.sh"
KILLS=${CK_KILLS:-200}
SEED=${CK_SEED:-$RANDOM}
LOGIN_LIMIT_S=10 # as the service below has it
MARGIN_MS=3000   # for a machine that has other things to do
echo "seed $SEED"
RANDOM=$SEED
new_instance
new_people
pam_service demo timeout=$LOGIN_LIMIT_S
host() { "$CK_BUILD/tests/pam-host" --tty tty1 --answer 1234 "$S" "$@"; }

# each appends "STAGES-DONE LOGIN-ID MS" to its file, until there is the file `over`
log_in() { # FILE SERVICE STEPS…
	local file=$1 service=$2 begun took
	shift 2
	while [ ! -e "$T/over" ]; do
		begun=$(now_ms)
		host "$service" bob "$@" env > "$file.one" 2>&1 || true
		took=$(($(now_ms) - begun))
		echo "$(grep -cE '^(auth|acct) 0$' "$file.one" || true) $(sed -n 's/^env CROSSKEYS_LOGIN=//p' "$file.one" | tail -1) $took" >> "$file"
		grep -q '^acct 0$' "$file.one" || sleep 0.02
	done
}
log_in "$T/accounts.1" open acct &
workers=$!
log_in "$T/touches.1" demo auth acct &
workers="$workers $!"
log_in "$T/touches.2" demo auth acct &
workers="$workers $!"
while [ ! -e "$T/over" ]; do "$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob open 50 1; done > "$T/asked" 2>&1 &
workers="$workers $!"
# changes too, of a label by its owner: what was told as done must be there at the end, in the directory and in the copy
key=$(ck key list bob --json | sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p')
change_labels() {
	local n=0
	while [ ! -e "$T/over" ]; do
		n=$((n + 1))
		as bob 1234 key change bob "$key" --label "label-$n" > "$T/label.out" 2>&1 && echo "$n" >> "$T/labels"
		sleep 0.1
	done
}
change_labels &
workers="$workers $!"

launch() {
	local tries=100
	while [ $tries -gt 0 ]; do
		"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
		DAEMON=$!
		sleep 0.1
		kill -0 "$DAEMON" 2> /dev/null && ! grep -q '^State:.Z' "/proc/$DAEMON/status" && return 0
		wait "$DAEMON" 2> /dev/null || true
		tries=$((tries - 1))
	done
	fail "the supervisor does not start any more"
}
kills=0
supervisors=0
kinds=(gate replica ledger slapd)
begun_all=$SECONDS
while [ "$kills" -lt "$KILLS" ]; do
	sleep "0.$(printf '%03d' $((RANDOM % 180 + 20)))"
	kinds_left=${kinds[RANDOM % 4]}
	if [ $((RANDOM % 4)) = 0 ]; then
		kill -KILL "$DAEMON"
		wait "$DAEMON" 2> /dev/null || true
		kills=$((kills + 1))
		supervisors=$((supervisors + 1))
		launch
		continue
	fi
	mapfile -t pids < <(pids_of "$kinds_left")
	[ ${#pids[@]} -gt 0 ] || continue
	kill -KILL "${pids[RANDOM % ${#pids[@]}]}" 2> /dev/null && kills=$((kills + 1))
done
echo "$kills kills, $supervisors of them of the supervisor, in $((SECONDS - begun_all)) s"
touch "$T/over"
# shellcheck disable=SC2086
wait $workers || true

# everything works
LIMIT=20 soon account bob
LIMIT=20 soon login_bob
never account eve
only_key ada-key
change_works() { as ada 1234 role add "late-$RANDOM"; }
LIMIT=30 soon change_works
only_key bob-key
is_same() { [ -n "$(csn_of bob)" ] && [ "$(csn_of bob)" = "$(in_directory "(ckKeyHash=$key)" entryCSN)" ]; }
soon is_same
label=$(in_directory "(ckKeyHash=$key)" ckLabel)
done_last=$(tail -1 "$T/labels")
[ "${label#label-}" -ge "$done_last" ] && pass || fail "the label is $label, but label-$done_last was told as done"
expect 0 verify_log
stop_daemon
expect 0 verify_log

# what was told and what was written
cat "$I"/audit/audit-*.log > "$T/log"
written() { sed -n "s/.* $1 .*login-id=\([0-9a-f]*\).*/\1/p" "$T/log" | sort -u; }
told() { cat "$@" | awk 'NF == 3 { print $2 }' | sort -u; }
written account-granted > "$T/written"
{ told "$T"/accounts.1 "$T"/touches.*; sed -n 's/^granted \([0-9a-f]*\) .*/\1/p' "$T/asked"; } | sort -u > "$T/told"
missing=$(comm -23 "$T/told" "$T/written" | wc -l)
[ "$missing" = 0 ] && pass || fail "$missing that were granted are not in the log, the first: $(comm -23 "$T/told" "$T/written" | head -1)"
touched=$(awk '$1 == 2' "$T"/touches.1 "$T"/touches.2 | wc -l)
logins=$(grep -c ' login-granted .*user=bob ' "$T/log")
[ "$logins" -ge "$touched" ] && pass || fail "$touched logins by touch were granted, $logins are in the log"
slowest=$(cat "$T"/accounts.1 "$T"/touches.1 "$T"/touches.2 | awk '{ if ($NF > m) m = $NF } END { print m + 0 }')
[ "$slowest" -lt $((LOGIN_LIMIT_S * 1000 + 5000 + MARGIN_MS)) ] && pass || fail "a login took $slowest ms"
slowest_account=$(awk '{ if ($NF > m) m = $NF } END { print m + 0 }' "$T/accounts.1")
[ "$slowest_account" -lt $((5000 + MARGIN_MS)) ] && pass || fail "an account decision took $slowest_account ms"
others=$(grep -E ' (account|login)-granted ' "$T/log" | grep -vc ' user=bob ' || true)
[ "$others" = 0 ] && pass || fail "$others grants to somebody else"
echo "$(wc -l < "$T/told") account decisions, $touched touches, $(wc -l < "$T/labels") changes; slowest $slowest ms; $(grep -c ' cut ' "$T/log" || true) torn records cut"
[ "$(wc -l < "$T/told")" -gt 100 ] && [ "$touched" -gt 10 ] && pass || fail "too few logins to say anything"
finish
