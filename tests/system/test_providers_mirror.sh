#!/usr/bin/env bash
# Two real providers in mirror mode: one is killed while changes are written and followed. Nothing acknowledged is lost, nothing is there
# twice, and nothing is read anew in full. One that is behind is waited for.
. "$CK_SOURCE/tests/system/provider_lib.sh"

authority ca
certificate a /CN=a.test subjectAltName=DNS:a.test
certificate b /CN=b.test subjectAltName=DNS:b.test
certificate core1 /CN=core1 extendedKeyUsage=clientAuth
init_elsewhere --provider ldaps://a.test --provider ldap://b.test --provider-identity cn=core1
give "$C/ca.pem" ca.pem
give "$C/core1.pem" client.pem
give "$C/core1.key" client.key
make_provider a 1
make_provider b 2
first_entries a
mirror a ldaps://b.test 1
mirror b ldaps://a.test 2
start_provider a ldaps://a.test
start_provider b "ldaps://b.test ldap://b.test"

start_daemon
until_true 20 follows ldaps://a.test || { fail "the first provider is not followed"; ck status; tail -20 "$T/daemon.log"; }
expect 0 ck status
said 'provider: ldap://b.test in reserve'
enrol_ada
change staff add pip --name "Pip Hill" --mail pip@northtown.example --number 7

# ---- the first one is killed in the middle of writes ----
full_refreshes() { crosskeys audit show --event refreshed "$I/audit" | grep -c 'full refresh' || true; }
fulls=$(full_refreshes)
: > "$T/acknowledged"
order() { # UID NUMBER: one change; its name is kept once it was acknowledged
	as ada 1234 staff add "$1" --name "Person $2" --mail "$1@northtown.example" --number "$2" > "$T/order.out" 2>&1 && echo "$1" >> "$T/acknowledged"
}
(
	until_true 20 test -s "$T/acknowledged"
	sleep 0.3
	kill -KILL "${pid_of[a]}"
) &
killer=$!
for i in $(seq 1 10); do order "while$i" $((100 + i)) || sleep 0.5; done
wait "$killer"
wait "${pid_of[a]}" 2> /dev/null || true
: > "$T/a.slapd"
until_true 40 follows ldap://b.test || { fail "the second provider is not followed"; ck status; tail -20 "$T/daemon.log"; }
expect 7 ck status
said 'problem: provider ldaps://a.test left: '
until_true 20 order after 200 || fail "no change goes through the second provider: $(tail -1 "$T/order.out")"
acknowledged=$(wc -l < "$T/acknowledged")
checks=$((checks + 1))
[ "$acknowledged" -ge 5 ] || fail "only $acknowledged changes were acknowledged: nothing is proved"
audited_provider() { crosskeys audit show --event provider "$I/audit" | grep -qF "$1"; }
checks=$((checks + 1))
audited_provider ldap://b.test || fail "that another provider is followed is not in the audit log"

# ---- it comes back, catches up, and is followed again ----
start_provider a ldaps://a.test
until_true 90 follows ldaps://a.test || { fail "the first provider is not followed again"; ck status; tail -20 "$T/daemon.log"; }
until_true 20 order again 201 || fail "no change goes through the first provider again: $(tail -1 "$T/order.out")"
slapcat_of() { setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups /usr/sbin/slapcat -F "$T/$1/slapd.d" -b "$SUFFIX" 2> /dev/null; }
in_step() { [ "$(slapcat_of a | grep -c '^uid: ')" = "$(slapcat_of b | grep -c '^uid: ')" ]; }
until_true 30 in_step || fail "the two providers do not hold the same"
for name in a b; do slapcat_of "$name" | grep '^uid: ' > "$T/$name.uids"; done
only_key ada-key
as ada 1234 staff list > "$T/listed" 2>&1 || fail "staff list"
while read -r uid; do
	for name in a b; do
		checks=$((checks + 1))
		[ "$(grep -c "^uid: $uid\$" "$T/$name.uids")" = 1 ] || fail "$uid is not once at $name"
	done
	checks=$((checks + 1))
	[ "$(grep -c "\b$uid\b" "$T/listed")" = 1 ] || fail "$uid is not once in the copy"
done < "$T/acknowledged"
checks=$((checks + 1))
[ "$(full_refreshes)" = "$fulls" ] || fail "something was read anew in full"
expect 0 ck status
said 'quarantined: 0'

# ---- one that is behind is waited for, and nothing is lost ----
stop_provider b
order ahead 300 || fail "a change without the second one: $(tail -1 "$T/order.out")"
kill -KILL "${pid_of[a]}"
wait "${pid_of[a]}" 2> /dev/null || true
: > "$T/a.slapd"
start_provider b "ldaps://b.test ldap://b.test"
behind() { ck status | grep -q '^provider: ldap://b.test .*older than what was seen'; }
until_true 40 behind || { fail "a provider that is behind was not seen to be"; ck status; }
checks=$((checks + 1))
! follows ldap://b.test || fail "a provider that is behind is followed"
alarms() { crosskeys audit show --event alarm "$I/audit" | grep -c 'older than what was seen' || true; }
checks=$((checks + 1))
[ "$(alarms)" = 0 ] || fail "it was alarmed before anybody had time to catch up"
pam_service demo
start_provider a ldaps://a.test
until_true 40 follows ldaps://a.test || { fail "the first provider is not followed after a wait"; ck status; tail -20 "$T/daemon.log"; }
expect 0 as ada 1234 staff show ahead
until_true 30 in_step || fail "the two providers do not hold the same in the end"
checks=$((checks + 1))
[ "$(slapcat_of b | grep -c "^uid: ahead\$")" = 1 ] || fail "what was acknowledged is missing at the second provider"
checks=$((checks + 1))
[ "$(full_refreshes)" = "$fulls" ] || fail "something was read anew in full"
finish
