#!/usr/bin/env bash
# Vouching while parts are dead, time runs out, or the copy is old: nobody is told anything that is not recorded and known to be so now.
MORE_CONFIG=$'gates = 2\nvouch_limit_s = 5\nas_of_limit_s = 30'
. "$CK_SOURCE/tests/system/vouch_lib.sh"
new_instance
add_staff bob "Bob Stone" 2
code=''

# ---- time runs out ----
vouches ada bob
vouched ada 1 "Nobody checked the code: its time is over."
checks 1 bob "$code"
said "the code's time is over"
in_log vouch-refused user=bob reason=vouch-expired voucher=ada
stop_daemon
sed -i '/^vouch_limit_s/d' "$I/crosskeys.conf"
start_daemon

# ---- the ledger is dead: no code, no answer ----
vouches ada bob
ledger=$(pids_of ledger)
kill -STOP "$ledger"
checks 1 bob "$code" # nobody can tell any more who sits at the machine
grep -q "The caller is" "$T/out" && fail "told without a ledger" || pass
kill -KILL "$ledger"
soon is_replaced ledger "$ledger"
vouched ada 1 "it is not good any more"
ready() { only_key bob-key; as bob 1234 check "$code" > "$T/out" 2>&1; grep -qF "nobody made this code for you" "$T/out"; }
LIMIT=30 soon ready
ledger=$(pids_of ledger)
kill -STOP "$ledger"
only_key ada-key
expect 1 as ada 1234 vouch bob
grep -q "The code is for" "$T/out" && fail "a code without a ledger" || pass
kill -CONT "$ledger"

# ---- the voucher's command is gone: the code is good all the same, and the log says who checked ----
vouches ada bob
interrupt KILL
wait "$VOUCHING" 2> /dev/null || true
checks 0 bob "$code"
in_log vouch-checked user=bob voucher=ada

# ---- the copy is old ----
vouches ada bob
slapd=$(pids_of slapd)
kill -STOP "$slapd"
is_stale() { only_key bob-key; as bob 1234 check "$code" > "$T/out" 2>&1; [ "$?" = 3 ] && grep -qF "too old to say who anybody is" "$T/out"; }
sleep 31
LIMIT=30 soon is_stale
kill -CONT "$slapd"
finish
