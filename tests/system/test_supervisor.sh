#!/usr/bin/env bash
# The real daemon around the real slapd: each process killed and back, nobody with more than it needs, nothing left after SIGTERM or SIGKILL.
set -eu
. "$CK_SOURCE/tests/system/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }

"$CK_SOURCE/contrib/create-users" > /dev/null
crosskeys init "$I" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 \
	--authority northtown --admin ada --admin-name "Ada North" --admin-mail ada@northtown.example --mail-domain northtown.example \
	> "$T/init.out"

ready_count() { grep -c '^crosskeysd: ready$' "$T/daemon.log" || true; }
is_ready() { [ "$(ready_count)" -ge "$1" ]; }
launch() { # how many times it must have said ready by then
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 20 is_ready "$1" || { echo "not ready:"; tail -40 "$T/daemon.log"; exit 1; }
}
# the pids of a kind: ledger, replica, gate, slapd
pids_of() {
	local pid
	for pid in $(cat "/proc/$DAEMON/task/$DAEMON/children"); do
		tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qE -- "(--process $1 |/?$1 -F )" && echo "$pid"
	done
	return 0
}
field() { sed -n "s/^$2:\t*//p" "/proc/$1/status" | tr '\t' ' '; }
is_replaced() { # KIND OLD
	local now
	now=$(pids_of "$1" | head -1)
	[ -n "$now" ] && [ "$now" != "$2" ]
}
gone() { ! [ -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

launch 1
for kind in ledger replica gate; do
	for pid in $(pids_of "$kind"); do
		[ "$(field "$pid" Uid | cut -d' ' -f1-4 | tr ' ' '\n' | sort -u)" = "$(id -u "crosskeys-$kind")" ] && pass || fail "$kind runs as $(field "$pid" Uid)"
		[ -z "$(field "$pid" Groups | tr -d ' ')" ] && pass || fail "$kind has groups $(field "$pid" Groups)"
		[ "$(field "$pid" NoNewPrivs)" = 1 ] && pass || fail "$kind may get new privileges"
		[ "$(field "$pid" CapEff)" = 0000000000000000 ] && pass || fail "$kind has capabilities"
		[ "${CK_SANITIZE:-OFF}" = ON ] || { [ "$(field "$pid" Seccomp)" = 2 ] && pass || fail "$kind has no system call filter"; }
	done
done
slapd=$(pids_of slapd)
[ "$(field "$slapd" Uid | cut -d' ' -f1)" = "$(id -u crosskeys-directory)" ] && pass || fail "slapd runs as $(field "$slapd" Uid)"
[ "$(stat -c %a:%u "$I/run/gate.sock")" = 666:0 ] && pass || fail "the socket is $(stat -c %a:%u "$I/run/gate.sock")"
[ "$(stat -c %a:%u "$I/secret")" = 600:0 ] && pass || fail "the secret is $(stat -c %a:%u "$I/secret")"

for kind in gate replica ledger slapd; do
	old=$(pids_of "$kind" | head -1)
	kill -KILL "$old"
	until_true 10 is_replaced "$kind" "$old" && pass || fail "$kind was not started again"
done
until_true 10 ck status && pass || fail "no status after every process was replaced"

expect 1 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf"
said "is another crosskeysd running there?"

children=$(cat "/proc/$DAEMON/task/$DAEMON/children")
kill -TERM "$DAEMON"
wait "$DAEMON" && pass || fail "exit $? after SIGTERM"
DAEMON=
for pid in $children; do gone "$pid" && pass || fail "process $pid is left"; done
[ ! -e "$I/run/gate.sock" ] && pass || fail "the socket is left"
[ ! -e "$I/run-directory/ldapi" ] && pass || fail "slapd was not stopped cleanly: its socket is left"

launch 2
children=$(cat "/proc/$DAEMON/task/$DAEMON/children")
kill -KILL "$DAEMON"
wait "$DAEMON" 2> /dev/null || true
for pid in $children; do until_true 5 gone "$pid" && pass || fail "process $pid outlived the supervisor"; done
launch 3
pass
finish
