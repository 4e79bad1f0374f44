#!/usr/bin/env bash
# Root of the core issues a code for an administrator who lost every key: valid only after the delay, alarmed in the log, for nobody but an
# administrator, by nobody but root, and good for nothing but that person's key.
MORE_CONFIG='recovery_delay_s = 4'
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
recorded() { crosskeys audit show --event "$1" "$I/audit" | wc -l; }
by_nobody() { setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups -- "$CK_BUILD/crosskeys" "$@" --dir "$I"; }

# refused: no administrator, nobody at all, one who is suspended, not root
expect 1 ck key recover bob
said "administrators only"
expect 5 ck key recover nobody-there
expect 1 by_nobody key recover ada
[ "$(recorded recovery)" = 0 ] && pass || fail "a refused recovery is in the log as one that was"

# the key is lost; the code is alarmed at once and valid later
only_key
expect 0 ck key recover ada
code=$(code_of ada "$T/out")
begun=$(now_ms)
[ -n "$code" ] && pass || { fail "no code was printed"; cat "$T/out"; }
[ "$(recorded recovery)" = 1 ] && pass || fail "the recovery is not in the log"
grep -q 'ALARM.*ada' "$T/daemon.log" && pass || fail "the recovery was not alarmed"
crosskeys audit show --event recovery --json "$I/audit" | grep -q "$code" && fail "the code itself is in the log" || pass
grep -qF "$code" "$T/daemon.log" && fail "the code itself is in the operational log" || pass
new_key ada-new 5678
only_key ada-new
early=$(($(now_ms) - begun))
[ "$early" -lt 4000 ] || fail "the test was too slow to be early: $early ms"
expect 1 enrol ada "$code" 5678
expect 1 enrol bob "$code" 5678
both_recorded() { [ "$(recorded code-refused)" -ge 2 ]; } # nobody waits for these records
until_true 10 both_recorded && pass || fail "the early tries are not in the log"

# after the delay, once
late() { [ $(($(now_ms) - begun)) -gt 5500 ]; }
soon late
expect 0 enrol ada "$code" 5678
new_key ada-third 5678
only_key ada-third
expect 1 enrol ada "$code" 5678
only_key ada-new
expect 0 as ada 5678 role add recovered
[ "$(recorded key-enrolled)" -ge 4 ] && pass || fail "the new key is not in the log"

# an administrator who is suspended is none
expect 0 as ada 5678 staff add cat --name "Cat Hill" --mail cat@northtown.example --number 7
expect 0 as ada 5678 grant add cat administrators --why "helps ada"
expect 0 ck key recover cat
expect 0 as ada 5678 staff change cat --status suspended
expect 1 ck key recover cat
[ "$(recorded recovery)" = 2 ] && pass || fail "$(recorded recovery) recoveries in the log, expected 2"

# without a ledger there is none
ledger=$(pids_of ledger)
kill -STOP "$ledger"
expect 3 ck key recover ada
kill -KILL "$ledger"
soon is_replaced ledger "$ledger"
expect 0 verify_log
finish
