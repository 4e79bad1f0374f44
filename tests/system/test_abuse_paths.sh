#!/usr/bin/env bash
# What lies at a path is not what belongs there: a link, a FIFO, a directory, a huge file, a file that others may write, somebody else's socket.
# The daemon says so and does not start, or goes on without it; nothing hangs, nothing behind a link is touched, nobody is let in.
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
soon account bob
stop_daemon
echo precious > "$T/precious"
precious_sum=$(sha256sum < "$T/precious")

# started [WORD]: 0 if the daemon says "ready", 1 if it ended or said WORD before; 2 if it hangs without a word. What it said is in $T/start.log
started() {
	: > "$T/start.log"
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" > "$T/start.log" 2>&1 &
	DAEMON=$!
	local code=2
	for _ in $(seq 400); do
		if grep -q 'crosskeysd: ready' "$T/start.log"; then code=0; break; fi
		if [ -n "${1:-}" ] && grep -qi -- "$1" "$T/start.log"; then code=1; break; fi
		kill -0 "$DAEMON" 2> /dev/null || { code=1; break; }
		sleep 0.05
	done
	stop_daemon
	return "$code"
}
untouched() { # WHAT
	[ "$(sha256sum < "$T/precious")" = "$precious_sum" ] && pass || fail "$1: what the link leads to was written"
	[ "$(stat -c %U "$T/precious")" = root ] && pass || fail "$1: what the link leads to has another owner"
}
# refuses WHAT WORD: it does not get ready, and says WORD
refuses() {
	local got=0
	started "$2" || got=$?
	[ "$got" = 1 ] && pass || { fail "$1: $([ "$got" = 0 ] && echo started || echo hangs)"; tail -3 "$T/start.log"; }
	grep -qi -- "$2" "$T/start.log" && pass || { fail "$1: not said: $2"; tail -3 "$T/start.log"; }
	untouched "$1"
}
# goes_on WHAT: it started, as it may
goes_on() {
	started && pass || { fail "$1: did not start"; tail -3 "$T/start.log"; }
	grep -q "did not stop when told" "$T/start.log" && fail "$1: hangs at its end" || pass
	untouched "$1"
}
aside() { mv "$1" "$T/aside"; }
back() { rm -rf "$1"; mv "$T/aside" "$1"; }

# ---- the configuration ----
conf=$I/crosskeys.conf
aside "$conf"; mkfifo "$conf"; refuses "the configuration is a FIFO" "crosskeys.conf"; back "$conf"
aside "$conf"; ln -s "$T/precious" "$conf"; refuses "the configuration is a link to something else" "key = value"; back "$conf"
aside "$conf"; mkdir "$conf"; refuses "the configuration is a directory" "crosskeys.conf"; back "$conf"
aside "$conf"; truncate -s 4G "$conf"; refuses "the configuration is huge" "crosskeys.conf"; back "$conf"
cp -p "$conf" "$T/kept"; chmod 666 "$conf"; refuses "others may write the configuration" "crosskeys.conf"; cp -p "$T/kept" "$conf"
chown crosskeys-gate "$conf"; refuses "the configuration is a gate's" "crosskeys.conf"; chown root "$conf"
expect 0 started

# ---- the secret of the machine ----
secret=$I/secret
aside "$secret"; ln -s "$T/precious" "$secret"; refuses "the secret is a link" "secret"; back "$secret"
aside "$secret"; mkfifo "$secret"; refuses "the secret is a FIFO" "secret"; back "$secret"
aside "$secret"; mkdir "$secret"; refuses "the secret is a directory" "secret"; back "$secret"
aside "$secret"; : > "$secret"; refuses "the secret is empty" "secret"; back "$secret"

# ---- directories that are links ----
for place in audit store; do
	mkdir -p "$T/elsewhere"
	aside "$I/$place"
	ln -s "$T/elsewhere" "$I/$place"
	refuses "$place is a link" "$I/$place"
	[ -z "$(ls -A "$T/elsewhere")" ] && pass || fail "$place is a link, and $(ls "$T/elsewhere" | tr '\n' ' ') came behind it"
	[ "$(stat -c %U "$T/elsewhere")" = root ] && pass || fail "$place is a link, and what it leads to changed its owner"
	back "$I/$place"
	rm -rf "$T/elsewhere"
done
chmod 777 "$I/audit"; refuses "others may write the audit log's directory" "$I/audit"; chmod 700 "$I/audit"

# ---- the roots that make keys attested, and the program that talks to keys ----
cp -p "$conf" "$T/kept"
echo "attestation_roots = $T/roots.pem" >> "$conf"
for kind in missing fifo huge directory link open; do
	rm -rf "$T/roots.pem"
	case $kind in
	fifo) mkfifo "$T/roots.pem" ;;
	huge) truncate -s 4G "$T/roots.pem" ;;
	directory) mkdir "$T/roots.pem" ;;
	link) ln -s "$T/precious" "$T/roots.pem" ;;
	open) : > "$T/roots.pem"; chmod 666 "$T/roots.pem" ;;
	esac
	refuses "the roots are a $kind" "roots.pem"
done
rm -rf "$T/roots.pem"
cp -p "$T/kept" "$conf"
helper=$K/crosskeys-token-soft
unhelped() { # WHAT: nobody logs in with a key, nothing hangs, and the rest goes on
	start_daemon
	soon account bob
	never timeout 30 "$CK_BUILD/crosskeys" login --service-dir "$S" --tty tty1 --pin-fd 9 demo bob 9<<< 1234
	stop_daemon
	untouched "$1"
}
aside "$helper"; mkfifo "$helper"; unhelped "the helper is a FIFO"; back "$helper"
aside "$helper"; cp "$T/aside" "$helper"; chmod 777 "$helper"; unhelped "others may write the helper"; back "$helper"
aside "$helper"; cp "$T/aside" "$helper"; chown crosskeys-gate "$helper"; unhelped "the helper is a gate's"; back "$helper"
aside "$helper"; unhelped "the helper is missing"; mv "$T/aside" "$helper"

# ---- what the ledger keeps: a state that is none is read from the log again, a key that is none ends it ----
for kind in fifo huge link directory; do
	for name in ledger.state ledger.recent ledger.state.new; do
		at=$I/audit/$name
		rm -rf "$T/aside"
		[ ! -e "$at" ] || aside "$at"
		case $kind in
		fifo) mkfifo "$at" ;;
		huge) truncate -s 100G "$at" ;;
		link) ln -s "$T/precious" "$at" ;;
		directory) mkdir "$at" ;;
		esac
		chown -h crosskeys-ledger "$at"
		goes_on "$name is a $kind"
		rm -rf "$at"
		rm -rf "$T/aside" # it is older than the log by now
	done
done
key=$I/audit/key
for kind in fifo huge link directory; do
	aside "$key"
	case $kind in
	fifo) mkfifo "$key" ;;
	huge) truncate -s 4G "$key" ;;
	link) ln -s "$T/precious" "$key" ;;
	directory) mkdir "$key" ;;
	esac
	chown -h crosskeys-ledger "$key"
	refuses "the ledger's key is a $kind" "the ledger does not start"
	back "$key"
done
goes_on "the ledger's key is as it was"

# ---- a copy of the log that somebody brings to be verified ----
cp -a "$I/audit" "$T/brought"
for log in "$T"/brought/audit-*.log; do :; done
rm -f "$log"
mkfifo "$log"
got=0
timeout 20 "$CK_BUILD/crosskeys" audit verify "$T/brought" > "$T/out" 2>&1 || got=$?
[ "$got" != 0 ] && [ "$got" != 124 ] && pass || fail "a log that is a FIFO: audit verify gave $got"
got=0
timeout 20 "$CK_BUILD/crosskeys" audit show "$T/brought" > "$T/out" 2>&1 || got=$?
[ "$got" != 124 ] && pass || fail "a log that is a FIFO: audit show hangs"
rm -rf "$T/brought"

# ---- files of the log, the lock, the log of slapd ----
log=$(find "$I/audit" -name 'audit-*.log' | sort | tail -1)
aside "$log"; ln -s "$T/precious" "$log"; refuses "the log is a link" "audit-"; back "$log"
aside "$I/lock"; ln -s "$T/precious" "$I/lock"; refuses "the lock is a link" "lock"; back "$I/lock"
aside "$I/lock"; mkfifo "$I/lock"; goes_on "the lock is a FIFO"; back "$I/lock"
aside "$I/log/slapd.log"; ln -s "$T/precious" "$I/log/slapd.log"; goes_on "slapd's log is a link"; back "$I/log/slapd.log"
aside "$I/log/slapd.log"; mkfifo "$I/log/slapd.log"; goes_on "slapd's log is a FIFO"; back "$I/log/slapd.log"
aside "$I/directory/slapd.d"; ln -s "$T/aside" "$I/directory/slapd.d"
goes_on "slapd's configuration is a link"; back "$I/directory/slapd.d"

# ---- what lies where the socket belongs ----
rm -f "$I/run/gate.sock"
echo squatter > "$I/run/gate.sock"; refuses "a file in the socket's place" "gate.sock"; rm -f "$I/run/gate.sock"
ln -s "$T/precious" "$I/run/gate.sock"; refuses "a link in the socket's place" "gate.sock"; rm -f "$I/run/gate.sock"
mkdir "$I/run/gate.sock"; refuses "a directory in the socket's place" "gate.sock"; rmdir "$I/run/gate.sock"
chmod 777 "$I/run"; refuses "others may write where the socket lies" "run"; chmod 755 "$I/run"

# ---- a store that is none ----
for kind in fifo huge foreign link; do
	current=$(readlink -f "$I/store/current.mdb")
	aside "$current"
	case $kind in
	fifo) mkfifo "$current" ;;
	huge) truncate -s 100G "$current"; chown --reference="$T/aside" "$current"; chmod --reference="$T/aside" "$current" ;;
	foreign) cp "$T/aside" "$current"; chmod 644 "$current" ;;
	link) ln -s "$T/precious" "$current" ;;
	esac
	start_daemon && pass || fail "the store is a $kind: no daemon"
	LIMIT=20 soon account bob
	[ "$(sha256sum < "$T/precious")" = "$precious_sum" ] && pass || fail "the store was a link and was written"
	stop_daemon
	rm -rf "$T/aside"
done
start_daemon

# ---- what the PAM module reads ----
for kind in fifo huge directory dangling open; do
	rm -rf "$T/local-names"
	case $kind in
	fifo) mkfifo "$T/local-names" ;;
	huge) truncate -s 4G "$T/local-names" ;;
	directory) mkdir "$T/local-names" ;;
	dangling) ln -s "$T/nowhere" "$T/local-names" ;;
	open) echo eve > "$T/local-names"; chmod 666 "$T/local-names" ;;
	esac
	got=0
	timeout 20 "$CK_BUILD/tests/pam-host" --tty tty1 "$S" open eve acct > "$T/out" 2>&1 || got=$?
	[ "$got" != 124 ] && pass || fail "the local names are a $kind: the module hangs"
	grep -qE '^acct (0|10|25)$' "$T/out" && { fail "the local names are a $kind: eve got $(grep ^acct "$T/out")"; } || pass
	timeout 20 "$CK_BUILD/tests/pam-host" --tty tty1 "$S" open root acct > "$T/out" 2>&1 || true
	grep -qx 'acct 10' "$T/out" && pass || fail "the local names are a $kind: root got $(cat "$T/out")"
done
rm -rf "$T/local-names"
echo '# nobody' > "$T/local-names"
ok login_bob

# ---- a socket of somebody else's, under a name of ours ----
stop_daemon
rm -f "$I/run/gate.sock"
"$CK_BUILD/tests/fake-gate" --listen-as "$(id -u nobody)" "$I/run/gate.sock" begin=granted account=granted > /dev/null 2>&1 &
fake=$!
soon test -S "$I/run/gate.sock"
never account bob
never account eve
never login_bob
kill "$fake"
wait "$fake" 2> /dev/null || true
rm -f "$I/run/gate.sock"
start_daemon
soon account bob
soon verify_log
finish
