#!/usr/bin/env bash
# One part after the other fails under a running instance: logins that can go on do, nothing is granted that is not recorded, nobody is
# believed who is not root, and all of it works again afterwards.
set -eu
[ -n "${CK_OWN_MOUNTS:-}" ] || CK_OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
. "$CK_SOURCE/tests/system/fault_lib.sh"

mount -t tmpfs -o size=4m,mode=700 crosskeys-audit "$T" 2> /dev/null && umount "$T" || { echo "SKIP: no tmpfs can be mounted here"; exit 77; }
new_instance
new_people
soon account bob
never account eve

# ---- slapd dies in the middle of logins, and is held down for a while ----
for _ in 1 2 3; do
	slapd=$(pids_of slapd)
	kill -KILL "$slapd"
	ok login_bob
	ok account bob
	soon is_replaced slapd "$slapd"
done
slapd=$(pids_of slapd)
kill -STOP "$slapd"
ok login_bob
only_key ada-key
begun=$(now_ms)
got=0
as ada 1234 role add late > "$T/out" 2>&1 || got=$?
took=$(($(now_ms) - begun))
[ "$got" != 0 ] && [ "$took" -lt 15000 ] && pass || fail "a change with a dead directory: exit $got after $took ms"
grep -qE 'directory|unavailable|perhaps|in time' "$T/out" && pass || { fail "the refusal of a change does not say why"; cat "$T/out"; }
kill -CONT "$slapd"
late() { as ada 1234 role add later; }
soon late
only_key bob-key

# ---- the ledger dies: nothing until it is back ----
ledger=$(pids_of ledger)
kill -STOP "$ledger"
begun=$(now_ms)
never account bob
took=$(($(now_ms) - begun))
[ "$took" -lt 8000 ] && pass || fail "without an answer of the ledger an account decision took $took ms"
kill -KILL "$ledger"
soon is_replaced ledger "$ledger"
soon account bob
ok login_bob

# ---- a daemon that is not root's, and one below a path that is not ----
if_not_believed() { # SOCKET: what it would grant is not taken
	sed "s,socket=[^ ]*,socket=$1," "$S/open" > "$S/forged"
	never account bob forged
	never account eve forged
	sed "s,socket=[^ ]*,socket=$1," "$S/demo" > "$S/forged"
	never login_as forged bob 1234
	expect 1 crosskeys status --socket "$1"
}
mkdir -p "$T/fake/own" && chmod 755 "$T/fake/own"
"$CK_BUILD/tests/fake-gate" --listen-as "$(id -u nobody)" "$T/fake/own/s" begin=granted account=granted > /dev/null 2>&1 &
fakes=$!
mkdir -p "$T/fake/open" && chmod 777 "$T/fake/open"
"$CK_BUILD/tests/fake-gate" "$T/fake/open/s" begin=granted account=granted > /dev/null 2>&1 &
fakes="$fakes $!"
soon test -S "$T/fake/own/s"
soon test -S "$T/fake/open/s"
if_not_believed "$T/fake/own/s"
if_not_believed "$T/fake/open/s"
# shellcheck disable=SC2086
kill $fakes
# shellcheck disable=SC2086
wait $fakes 2> /dev/null || true

# ---- two hundred clients that only make trouble ----
"$CK_BUILD/tests/gate-client" --uid "$(id -u nobody)" "$I/run/gate.sock" trouble 200 20 > "$T/trouble" &
trouble=$!
soon grep -q ready "$T/trouble"
slowest=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	begun=$(now_ms)
	ok account bob
	took=$(($(now_ms) - begun))
	[ "$took" -le "$slowest" ] || slowest=$took
done
ok login_bob
kill -0 "$trouble" && pass || fail "the trouble was over before the logins"
kill "$trouble"
wait "$trouble" 2> /dev/null || true
[ "$slowest" -lt 1000 ] && pass || fail "beside 200 bad clients an account decision took $slowest ms"
ok ck status

# ---- the audit disk is full ----
stop_daemon
sed -i '/^audit_/d' "$I/crosskeys.conf"
printf 'audit_reserve_bytes = 131072\naudit_segment_bytes = 1048576\n' >> "$I/crosskeys.conf"
mv "$I/audit" "$I/audit-before"
mkdir -m 700 "$I/audit"
mount -t tmpfs -o "size=4m,mode=700,uid=$(id -u crosskeys-ledger)" crosskeys-audit "$I/audit"
cp -a "$I/audit-before/." "$I/audit/"
start_daemon
soon account bob
dd if=/dev/zero of="$I/audit/fill" bs=4k 2> /dev/null || true
room() { df --output=avail "$I/audit" | tail -1 | tr -d ' '; }
[ "$(room)" = 0 ] && pass || fail "the disk is not full: $(room)"
recorded() { cat "$I"/audit/audit-*.log | grep -c " $1 " || true; }
# what was preallocated ahead is used first, by what nobody needs
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob closed 3000 20 > "$T/refused"
grep -q granted "$T/refused" && fail "a service without a rule was granted" || pass
ok account bob
ok login_bob
never account eve
# grants until the reserve is gone: each one that is told stands in the log, then no more
before=$(recorded account-granted)
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob open 20000 20 > "$T/asked"
granted=$(grep -c '^granted' "$T/asked" || true)
wanted=$((before + granted))
[ "$granted" -gt 0 ] && pass || fail "the reserve was not used"
tail -1 "$T/asked" | grep -q '^unavailable' && pass || fail "with no room left: $(tail -1 "$T/asked")"
[ "$(recorded account-granted)" = "$wanted" ] && pass || fail "$(recorded account-granted) grants are in the log, not $wanted"
grep '^granted' "$T/asked" | cut -d' ' -f2 | sort > "$T/told"
cat "$I"/audit/audit-*.log | sed -n 's/.* account-granted .*login-id=\([0-9a-f]*\).*/\1/p' | sort > "$T/written"
[ -z "$(comm -23 "$T/told" "$T/written")" ] && pass || fail "granted and not recorded: $(comm -23 "$T/told" "$T/written" | head -3)"
never account bob
never login_bob
never account eve
only_key ada-key
never as ada 1234 role add when-full
only_key bob-key
# room again
rm "$I/audit/fill"
LIMIT=20 soon account bob
ok login_bob
never account eve
only_key ada-key
expect 0 as ada 1234 role add when-not-full
expect 0 verify_log
stop_daemon
expect 0 verify_log
umount "$I/audit"
finish
