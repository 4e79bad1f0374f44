#!/usr/bin/env bash
# What would take away too much, or go back in time, stops until root confirms it.
. "$CK_SOURCE/tests/system/follow_lib.sh"

start_probe 5 3
wait_for 10 said '^refreshed full'
ids=()
for i in $(seq 1 40); do
	ids+=("$(uuid)")
	staff_ldif "${ids[-1]}" "person$i" $((100 + i))
done > "$T/people.ldif"
modify < "$T/people.ldif"
wait_for 10 holds '^count staff 41$'
stop_probe

# 20 of 40 gone while away, and the log of it: a present phase that would remove too much
stop_slapd
cp -a "$I/directory/data" "$T/data.before"
start_slapd
for i in $(seq 1 20); do staff_dn "${ids[$i]}"; done > "$T/gone"
xargs -d '\n' -a "$T/gone" setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups -- \
	ldapdelete -Q -Y EXTERNAL -H "$URI" > "$T/ldap.out" 2>&1 || fail "ldapdelete"
stop_slapd
lose_session_log
start_slapd
start_probe 5 3
wait_for 5 said '^alarm a refresh would remove 20 of'
wait_for 5 said '^lost denied held'
wait_for 1 holds '^count staff 41$'
wait_for 1 lacks '^staff person1 suspended'
forget_said
echo confirm >&7
wait_for 5 said '^confirmed'
wait_for 10 said '^refreshed resumed named=[0-9]* removed=20$'
wait_for 5 holds '^count staff 21$'
forget_said
echo confirm >&7
wait_for 5 said '^nothing-to-confirm'
stop_probe

stop_slapd
start_slapd
start_probe 5 3
wait_for 5 said '^refreshed resumed'
wait_for 5 holds '^count staff 21$'

# a provider that is older than what was seen is waited for, never followed
forget_said
stop_slapd
mv "$I/directory/data" "$T/data.now"
cp -a "$T/data.before" "$I/directory/data"
start_slapd
wait_for 10 said '^alarm the provider is older'
wait_for 5 said '^lost conflict behind'
wait_for 1 holds '^count staff 21$'
# … it catches up
stop_slapd
rm -rf "$I/directory/data"
cp -a "$T/data.now" "$I/directory/data"
forget_said
start_slapd
wait_for 10 said '^refreshed resumed'
wait_for 1 holds '^count staff 21$'
# … or root lets the copy go back, by a full refresh
stop_slapd
rm -rf "$I/directory/data"
cp -a "$T/data.before" "$I/directory/data"
lose_session_log
start_slapd
wait_for 10 said '^lost conflict behind'
echo confirm >&7
wait_for 10 said '^refreshed full'
wait_for 5 holds '^count staff 41$'

finish
