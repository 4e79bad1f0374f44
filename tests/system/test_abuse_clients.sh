#!/usr/bin/env bash
# Clients that mean harm, many at a time: a thousand that send a byte a minute, and thousands that vanish at any moment. Others log in meanwhile,
# and nothing is left over of any of them.
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
soon account bob
gates() { pids_of gate; }
descriptors() { # of all gates
	local pid sum=0
	for pid in $(gates); do sum=$((sum + $(find "/proc/$pid/fd" -mindepth 1 | wc -l))); done
	echo "$sum"
}
before=$(descriptors)

# ---- a thousand slow ones, of four users ----
troublers=
for uid in 4001 4002 4003 4004; do
	"$CK_BUILD/tests/gate-client" --uid "$uid" "$I/run/gate.sock" slow 250 120 > "$T/slow-$uid" 2>&1 &
	troublers="$troublers $!"
done
for uid in 4001 4002 4003 4004; do soon grep -q '^ready 250$' "$T/slow-$uid"; done
[ "$(descriptors)" -ge $((before + 900)) ] && pass || fail "the gates hold $(descriptors) descriptors, so the slow clients are not there"
slowest=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	begun=$(now_ms)
	ok login_bob
	took=$(($(now_ms) - begun))
	[ "$took" -le "$slowest" ] || slowest=$took
done
echo "beside 1000 slow clients the slowest of ten logins took $slowest ms"
ok ck status
for pid in $troublers; do kill -0 "$pid" 2> /dev/null && pass || fail "a slow client's program ended early"; done
# shellcheck disable=SC2086
kill $troublers
# shellcheck disable=SC2086
wait $troublers 2> /dev/null || true
as_before() { [ "$(descriptors)" -le $((before + 2)) ]; }
LIMIT=30 soon as_before

# ---- one user cannot take every place: what is theirs is bounded, and others come in ----
"$CK_BUILD/tests/gate-client" --uid 4001 "$I/run/gate.sock" slow 1024 60 > "$T/greedy" 2>&1 &
greedy=$!
soon grep -q '^ready' "$T/greedy"
ok account bob
ok login_bob
kill "$greedy"
wait "$greedy" 2> /dev/null || true

# ---- gone at any moment ----
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" vanish 3000 60 > "$T/vanished" 2>&1 &
vanishing=$!
ok login_bob
wait "$vanishing" && pass || fail "the vanishing clients did not end well"
grep -q '^vanished' "$T/vanished" && pass || { fail "not all vanished"; tail -3 "$T/vanished"; }
LIMIT=30 soon as_before
ok login_bob
soon verify_log
finish
