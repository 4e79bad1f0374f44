#!/usr/bin/env bash
# Two real providers in mirror mode: one is killed while changes are written and followed. Nothing acknowledged is lost, nothing is there
# twice, and nothing is read anew in full. One that is behind is waited for. Writes go where `write_provider` says, whoever is followed.
. "$CK_SOURCE/tests/system/provider_lib.sh"
. "$CK_SOURCE/tests/system/import_lib.sh"

authority ca
certificate a /CN=a.test subjectAltName=DNS:a.test
certificate b /CN=b.test subjectAltName=DNS:b.test
certificate core1 /CN=core1 extendedKeyUsage=clientAuth
init_elsewhere --provider ldaps://a.test --provider ldap://b.test --provider-identity cn=core1
printf '%s\n' "$LIMITS" 'key_use_interval_s = 2' >> "$I/crosskeys.conf"
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

slapcat_of() { setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups /usr/sbin/slapcat -F "$T/$1/slapd.d" -b "$SUFFIX" 2> /dev/null; }
# the use of keys goes on to the one that takes the writes now
said_count() { soft_key show ada-key | sed -n 's/.*count=\([0-9]*\) .*/\1/p' | head -1; }
use_at() { # PROVIDER: the count in the directory, and the server that wrote it
	slapcat_of "$1" | awk -v RS= '/^dn: cn=use,/' | sed -n 's/^ckCounter: //p; s/^entryCSN: [^#]*#[^#]*#\([0-9a-f]*\)#.*/\1/p' | paste -sd' '
}
use_is() { [ "$(use_at "$1")" = "$(said_count) $2" ]; }
until_true 30 use_is b 002 || fail "the key says $(said_count), and the second provider has $(use_at b)"
pass
# a batch of three rows (who is not among them is suspended), on a connection that is kept
written_at() { slapcat_of b | grep -A40 "^uid: $1\$" | sed -n 's/^entryCSN: [^#]*#[^#]*#\([0-9a-f]*\)#.*/\1/p' | head -1; }
people 5000 5002 > "$T/hr.csv"
only_key ada-key
before=$(staff_count)
expect 0 import "$T/hr.csv" --allow-suspending 100
is "staff after an import of three rows" "$(staff_count)" "$((before + 3))"
for uid in jsmith jsmith2 jsmith3; do is "the server that a batch wrote $uid at" "$(written_at "$uid")" 002; done

# ---- it comes back, catches up, and is followed again ----
start_provider a ldaps://a.test
until_true 90 follows ldaps://a.test || { fail "the first provider is not followed again"; ck status; tail -20 "$T/daemon.log"; tail -5 "$T/a.slapd"; }
until_true 20 order again 201 || fail "no change goes through the first provider again: $(tail -1 "$T/order.out")"
until_true 30 use_is a 001 || fail "the key says $(said_count), and the first provider has $(use_at a)"
pass
person 5003 >> "$T/hr.csv"
expect 0 import "$T/hr.csv" --allow-suspending 100
is "the server that the next batch wrote jsmith4 at" "$(written_at jsmith4)" 001
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

# ---- one provider that takes the writes, though another is followed ----
is "before it is said, the followed one takes the writes" "$(written_at ahead)" 001
stop_daemon
echo 'write_provider = 2' >> "$I/crosskeys.conf"
start_daemon
until_true 40 follows ldaps://a.test || { fail "the first provider is not followed"; ck status; }
change staff add second --name "Second Hill" --mail second@northtown.example --number 301
follows ldaps://a.test && pass || fail "another provider is followed because it takes the writes"
is "the server that a change was written at" "$(written_at second)" 002
person 5004 >> "$T/hr.csv" # batches, too
expect 0 import "$T/hr.csv" --allow-suspending 100
is "the server that a batch was written at" "$(written_at jsmith5)" 002
# while it is away changes wait, and the other one is followed all the same
stop_provider b
expect 3 as ada 1234 staff add third --name "Third Hill" --mail third@northtown.example --number 302
follows ldaps://a.test && pass || fail "nobody is followed because the other one is away"
person 5005 >> "$T/hr.csv"
import "$T/hr.csv" --allow-suspending 100 > "$T/out" 2>&1 && fail "an import went through without the provider that takes the writes"
for uid in third jsmith6; do
	checks=$((checks + 1))
	! slapcat_of a | grep -q "^uid: $uid\$" || fail "$uid was written at the one that takes no writes"
done
start_provider b "ldaps://b.test ldap://b.test"
until_true 20 order third 302 || fail "no change goes through when it is back: $(tail -1 "$T/order.out")"
is "the server that the waiting change was written at" "$(written_at third)" 002
finish
