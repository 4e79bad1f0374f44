#!/usr/bin/env bash
# `crosskeys status` tells the truth to people, programs and monitors: each part that fails or hangs is named, and nothing is "running" then.
. "$CK_SOURCE/tests/system/fault_lib.sh"

new_instance
monitored() { # CODE WORDS: what a monitoring system gets
	expect "$1" ck status --monitor
	said "$2"
	[ "$(grep -c . "$T/out")" = 1 ] && pass || fail "a monitor was told more than one line"
}
json() { # CODE JQ: a filter that must be true
	expect "$1" ck status --json
	jq -e "$2" "$T/out" > /dev/null && pass || { fail "not so: $2"; cat "$T/out"; }
}
state_is() { ck status --json | jq -e ".state == \"$1\"" > /dev/null; }

# ---- all is well ----
expect 0 ck status
said "state   running"
monitored 0 "CROSSKEYS OK: running | age="
json 0 '.state == "running" and .problems == [] and .ledger == "recording" and .replica == "following" and .counts.staff == 1 and .age_s < 30'

# ---- the directory stands still: people are let in, nothing is changed ----
slapd=$(pids_of slapd)
kill -STOP "$slapd"
soon state_is degraded
expect 7 ck status
said "state   degraded"
said "problem: the directory is not followed"
monitored 1 "CROSSKEYS WARNING: degraded - the directory is not followed"
json 7 '.problems | length == 1'
kill -CONT "$slapd"
soon state_is running

# ---- the replica hangs ----
replica=$(pids_of replica)
kill -STOP "$replica"
expect 7 ck status
said "problem: the replica does not answer"
kill -CONT "$replica"
soon state_is running

# ---- the ledger hangs: nobody is let in ----
ledger=$(pids_of ledger)
kill -STOP "$ledger"
expect 3 ck status
said "state   unavailable"
said "problem: the ledger does not answer"
monitored 2 "CROSSKEYS CRITICAL: unavailable - the ledger does not answer"
kill -CONT "$ledger"
soon state_is running

# ---- a copy that is older than may be decided by ----
stop_daemon
echo 'as_of_limit_s = 2' >> "$I/crosskeys.conf"
start_daemon
kill -STOP "$(pids_of slapd)"
soon state_is stale
expect 3 ck status
said "as_of_limit_s is 2: nobody is let in by it"
json 3 '.state == "stale"'
kill -CONT "$(pids_of slapd)"

# ---- no daemon at all ----
stop_daemon
expect 3 ck status
said "no daemon at"
json 3 '.state == "unreachable" and (.problems[0] | startswith("no daemon"))'
monitored 2 "CROSSKEYS CRITICAL: unreachable - no daemon at"
expect 2 ck status --monitors
finish
