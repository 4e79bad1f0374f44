#!/usr/bin/env bash
# A daemon among providers that are dead, black-holed, silent, that never finish a bind, are older than what was seen, or answer 53: each is
# left for the next, the daemon answers meanwhile, and nothing is read anew in full. And without its dialler the replica begins anew.
. "$CK_SOURCE/tests/system/provider_lib.sh"
. "$CK_SOURCE/tests/system/fault_lib.sh"

authority ca
certificate a /CN=a.test subjectAltName=DNS:a.test
certificate core1 /CN=core1 extendedKeyUsage=clientAuth
ip link add hole type veth peer name abyss
ip link set abyss up
ip addr add 10.255.255.2/24 dev hole
ip link set hole up
ip neigh add 10.255.255.1 lladdr 02:00:00:00:00:01 dev hole # what is sent there reaches nobody

fake silent 7101
init_elsewhere --provider ldaps://dead.test --provider ldaps://hole.test --provider ldaps://a.test:7101 --provider ldaps://a.test \
	--provider-identity cn=core1
give "$C/ca.pem" ca.pem
give "$C/core1.pem" client.pem
give "$C/core1.key" client.key
make_provider a 1
first_entries a
start_provider a ldaps://a.test
start_degraded
answers() { # whatever it waits for elsewhere, its own clients are answered
	checks=$((checks + 1))
	timeout 10 "$CK_BUILD/crosskeys" status --dir "$I" > "$T/status" 2>&1 || [ "$?" -ne 124 ] || fail "the daemon does not answer: $1"
}
for _ in 1 2 3 4 5; do answers "while providers are tried"; done
until_true 40 follows ldaps://a.test || { fail "the last provider is not followed"; ck status; tail -20 "$T/daemon.log"; }
expect 7 ck status
said 'provider: ldaps://dead.test left: it cannot be connected to: Connection refused'
said 'provider: ldaps://hole.test left: it cannot be connected to: Connection timed out'
said 'provider: ldaps://a.test:7101 left: TLS: '
checks=$((checks + 1))
[ "$(ck status --json | jq -r '.providers | length')" = 4 ] || fail "status --json does not name four providers"
enrol_ada
change staff add pip --name "Pip Hill" --mail pip@northtown.example --number 7

# one that stops answering while it is followed is left, and followed again once it answers
kill -STOP "${pid_of[a]}"
until_true 60 sh -c "! \"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q '^provider: ldaps://a.test followed'" || fail "that a provider is silent was not noticed"
answers "while nobody can be followed"
kill -CONT "${pid_of[a]}"
until_true 60 follows ldaps://a.test || { fail "a provider that answers again is not followed"; ck status; }

# ---- older than what was seen, and 53 ----
stop_daemon
fulls=$(crosskeys audit show --event refreshed "$I/audit" | grep -c 'full refresh' || true)
fake behind 7102 a
cp "$T/heard" "$T/heard.behind"
fake says-53 7103 a
fake bind-hang 7104 a
sed -i 's,^provider_1 =.*,provider_1 = ldaps://a.test:7102,; s,^provider_2 =.*,provider_2 = ldaps://a.test:7103,; s,^provider_3 =.*,provider_3 = ldaps://a.test:7104,' \
	"$I/crosskeys.conf"
start_degraded
until_true 60 follows ldaps://a.test || { fail "the last provider is not followed"; ck status; tail -20 "$T/daemon.log"; }
expect 7 ck status
said 'provider: ldaps://a.test:7102 skipped for '
said 'provider: ldaps://a.test:7103 skipped for '
said 'provider: ldaps://a.test:7104 left: the provider said nothing for too long'
change staff add lou --name "Lou Hill" --mail lou@northtown.example --number 8
checks=$((checks + 1))
[ "$(crosskeys audit show --event refreshed "$I/audit" | grep -c 'full refresh')" = "$fulls" ] || fail "something was read anew in full"
checks=$((checks + 1))
! crosskeys audit show --event alarm "$I/audit" | grep -q 'older than' || fail "it was alarmed though another provider could be followed"

# ---- the replica's other half is killed: both begin anew, and who may enter enters meanwhile ----
new_people
replica=$(pids_of replica)
dialler=$(cat "/proc/$replica/task/$replica/children")
[ "$(wc -w <<< "$dialler")" = 1 ] && pass || fail "the replica has not one child: $dialler"
kill -KILL $dialler
expect 0 login_bob
soon is_replaced replica "$replica"
expect 0 login_bob
LIMIT=60 soon follows ldaps://a.test
replica=$(pids_of replica)
[ "$(wc -w < "/proc/$replica/task/$replica/children")" = 1 ] && pass || fail "the new replica has no dialler"
said_in_log() { grep -q 'the dialler is gone' "$T/daemon.log"; }
ok said_in_log
change staff add sue --name "Sue Hill" --mail sue@northtown.example --number 9
# and the other way round: no dialler outlives its replica
dialler=$(cat "/proc/$replica/task/$replica/children")
kill -KILL "$replica"
gone() { [ ! -e "/proc/${dialler// /}" ] || grep -q '^State:.Z' "/proc/${dialler// /}/status"; }
soon gone
finish
