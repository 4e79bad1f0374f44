#!/usr/bin/env bash
# Following a real slapd: everything that changes arrives, across restarts of either side, with and without its log of deletions.
. "$CK_SOURCE/tests/system/follow_lib.sh"

start_probe
wait_for 10 said '^refreshed full named='
wait_for 5 holds '^finished 1$'
wait_for 5 holds '^staff ada active$'
wait_for 1 holds '^count authority 1$'
wait_for 1 holds '^count grant 1$'
wait_for 1 holds '^quarantined-count 0$'
wait_for 1 lacks 'sid='

# added, changed, removed
bob=$(uuid)
staff_ldif "$bob" bob 2 | modify
wait_for 5 holds '^staff bob active$'
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: suspended\n' "$(staff_dn "$bob")" | modify
wait_for 5 holds '^staff bob suspended$'
delete "$(staff_dn "$bob")"
wait_for 5 lacks '^staff bob '

# as_of goes on without any change
sleep 3
wait_for 2 holds '^as-of-age [01]$'

# away and back: by the cookie, with the log of deletions
carol=$(uuid)
dan=$(uuid)
{ staff_ldif "$carol" carol 3; staff_ldif "$dan" dan 4; } | modify
wait_for 5 holds '^staff dan active$'
stop_probe
delete "$(staff_dn "$dan")"
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: suspended\n' "$(staff_dn "$carol")" | modify
start_probe
wait_for 5 said '^refreshed resumed'
wait_for 5 holds '^staff carol suspended$'
wait_for 5 lacks '^staff dan '
stop_probe

# away and back, the log of deletions lost: a present phase
erin=$(uuid)
staff_ldif "$erin" erin 5 | modify
start_probe
wait_for 5 holds '^staff erin active$'
stop_probe
delete "$(staff_dn "$erin")"
stop_slapd
lose_session_log
start_slapd
start_probe
wait_for 5 said '^refreshed resumed named=[1-9][0-9]* removed=1$'
wait_for 5 lacks '^staff erin '
wait_for 1 holds '^staff ada active$'

# slapd killed under a stream, changed by nobody, and by somebody
forget_said
stop_slapd KILL
wait_for 5 said '^lost unavailable'
start_slapd
wait_for 10 said '^refreshed resumed'
frank=$(uuid)
staff_ldif "$frank" frank 6 | modify
wait_for 5 holds '^staff frank active$'
stop_slapd KILL
start_slapd
delete "$(staff_dn "$frank")"
wait_for 10 lacks '^staff frank '

# a copy that is marked as damaged is made anew
stop_probe
touch "$T/store/damaged"
start_probe
wait_for 10 said '^refreshed full'
wait_for 5 holds '^staff carol suspended$'
wait_for 1 [ ! -e "$T/store/damaged" ]

finish
