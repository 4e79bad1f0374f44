#!/usr/bin/env bash
# A provider that takes connections and never says a word. While a handshake with it is waited for, the replica answers everybody else: that
# is seen by the order of things, since the fake says when a connection came and when it was given up.
. "$CK_SOURCE/tests/system/provider_lib.sh"

authority ca
certificate a /CN=a.test subjectAltName=DNS:a.test
certificate core1 /CN=core1 extendedKeyUsage=clientAuth
fake silent 7101
init_elsewhere --provider ldaps://a.test:7101 --provider ldaps://a.test --provider-identity cn=core1
give "$C/ca.pem" ca.pem
give "$C/core1.pem" client.pem
give "$C/core1.key" client.key
make_provider a 1
first_entries a

count() { grep -c "$1" "$T/served.out" || true; }
# meanwhile CONDITION…: it came true five times between a connection that was taken and its end: once may be just before or just after the
# replica waits. The machine may be slow: it is tried again.
meanwhile() {
	local taken left again
	checks=$((checks + 1))
	for _ in {1..20}; do
		kill -0 "$served" 2> /dev/null || break # it lives for two minutes
		until_true 60 handshake_is_waited_for || break
		taken=$(count taken) left=$(count left)
		for again in 1 2 3 4 5; do
			"$@" || continue 2
		done
		if [ "$(count left)" = "$left" ] && [ "$taken" -gt "$left" ] && kill -0 "$served"; then return 0; fi
	done
	fail "not once while a handshake was waited for: $*"
	ck status
	tail -5 "$T/daemon.log"
}
handshake_is_waited_for() { [ "$(count taken)" -gt "$(count left)" ]; }
replica_answers() { ck status 2> /dev/null | grep -q '^provider: ldaps://a.test:7101 left'; } # which only the replica knows

# ---- following: nobody but the silent one is there ----
start_degraded
until_true 60 replica_answers || { fail "the silent provider is not left"; ck status; }
meanwhile replica_answers

# ---- the other one is there, and followed; then the silent one takes the writes ----
start_provider a ldaps://a.test
until_true 60 follows ldaps://a.test || { fail "the one that speaks is not followed"; ck status; tail -20 "$T/daemon.log"; }
enrol_ada
change staff add pip --name "Pip Hill" --mail pip@northtown.example --number 7
stop_daemon
sed -i 's/^write_provider.*//' "$I/crosskeys.conf"
printf '%s\n' 'write_provider = 1' "$LIMITS" >> "$I/crosskeys.conf"
start_degraded
until_true 60 follows ldaps://a.test || { fail "the one that speaks is not followed"; ck status; tail -20 "$T/daemon.log"; }
ask_for_a_change() { # again and again, until the test has seen enough
	while [ ! -e "$T/enough" ]; do
		as ada 1234 staff add lou --name "Lou Hill" --mail lou@northtown.example --number 8 > "$T/change.out" 2>&1 || true
	done
}
ask_for_a_change &
asking=$!
started+=("$asking")
meanwhile follows ldaps://a.test
touch "$T/enough"
wait "$asking" || true
checks=$((checks + 1))
grep -q 'cannot be reached' "$T/change.out" || { fail "a change was expected to find no writer"; cat "$T/change.out"; }

# ---- stopping does not wait for it either: it is given up at once ----
until_true 60 handshake_is_waited_for || true
stop_daemon
finish
