#!/usr/bin/env bash
# Too few descriptors, too many processes, no room on a disk: said, refused, and over when it is over; nobody is let in unrecorded.
set -eu
[ -n "${CK_OWN_MOUNTS:-}" ] || CK_OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
. "$CK_SOURCE/tests/system/fault_lib.sh"
mount -t tmpfs -o size=1m,mode=700 crosskeys-try "$T" 2> /dev/null && umount "$T" || { echo "SKIP: no tmpfs can be mounted here"; exit 77; }
new_instance
new_people
soon account bob

# ---- hosts with few descriptors: as many as they need are few; with none left it is a refusal, not a crash ----
( ulimit -n 64; login_bob > "$T/out" 2>&1 ) && pass || { fail "no login in a host with 64 descriptors"; cat "$T/out"; }
( ulimit -n 5; login_bob > "$T/out" 2>&1 ) && fail "a login without descriptors" || pass
grep -qiE 'signal|core dumped' "$T/out" && fail "the host crashed: $(cat "$T/out")" || pass

# ---- the daemon with 64 descriptors: it says so and takes fewer clients, or does not start; people get in, or hear why ----
stop_daemon
( ulimit -n 64; exec "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/few.log" 2>&1 ) &
DAEMON=$!
soon ck status
ok login_bob
"$CK_BUILD/tests/gate-client" --uid 4001 "$I/run/gate.sock" slow 500 20 > "$T/slow" 2>&1 &
slow=$!
soon grep -q '^ready' "$T/slow"
kill -0 "$DAEMON" && pass || fail "the daemon ended"
kill "$slow"
wait "$slow" 2> /dev/null || true
soon login_bob
stop_daemon
grep -qE 'PANIC|AddressSanitizer' "$T/few.log" && fail "the daemon broke: $(grep -E 'PANIC' "$T/few.log" | head -2)" || pass
start_daemon

# ---- the helper's user may start no process more ----
token_uid=$(id -u crosskeys-token)
stop_daemon
printf '#!/bin/sh\nexec prlimit --nproc=0:0 -- "%s" "$@"\n' "$CK_BUILD/crosskeysd" > "$T/limited"
chmod 755 "$T/limited"
setpriv --reuid "$token_uid" --clear-groups sleep 60 &
sleeper=$!
"$T/limited" --config "$I/crosskeys.conf" >> "$T/limited.log" 2>&1 &
DAEMON=$!
# no directory and no helper then: the copy decides, and a login hears that its key cannot be asked
answers() { local code=0; ck status || code=$?; [ "$code" = 7 ]; }
soon answers
soon grep -q 'slapd ended with code 127; log/slapd.log may say why' "$T/limited.log"
grep -q 'Resource temporarily unavailable' "$I/log/slapd.log" && pass || fail "slapd's log does not say why it was not started"
begun=$(now_ms)
got=0
login_bob > "$T/out" 2>&1 || got=$?
[ "$got" != 0 ] && pass || fail "a login without a helper"
[ "$(($(now_ms) - begun))" -lt 30000 ] && pass || fail "a login without a helper took $(($(now_ms) - begun)) ms"
cat "$T/out"
soon account bob
kill "$sleeper" 2> /dev/null || true
wait "$sleeper" 2> /dev/null || true
stop_daemon
start_daemon
ok login_bob

# ---- a full disk below the copy, and below the directory: logins go on, changes are refused with a reason, and all of it comes back ----
full_below() { # NAME USER
	local at=$I/$1 owner=$2 size
	stop_daemon
	cp -a "$at" "$T/saved"
	size=$(($(du -sk "$at" | cut -f1) + 600))
	mount -t tmpfs -o "size=${size}k" crosskeys-full "$at"
	cp -a "$T/saved/." "$at/"
	chown --reference="$T/saved" "$at"
	chmod --reference="$T/saved" "$at"
	start_daemon
	soon account bob
	setpriv --reuid "$(id -u "$owner")" --regid "$(id -g "$owner")" --clear-groups dd if=/dev/zero of="$at/fill" bs=4k 2> /dev/null || true
	ok account bob
	ok login_bob
	never account eve
	only_key ada-key
	local got=0 n=0
	while [ "$n" -lt 400 ]; do # until the room that was there inside its files is used up
		n=$((n + 1))
		as ada 1234 role add "filler-$1-$n" > "$T/out" 2>&1 || { got=$?; break; }
	done
	[ "$got" != 0 ] && pass || fail "$1: 400 changes on a full disk"
	grep -qiE 'no room|full|space|unavailable|not|perhaps|visible|directory' "$T/out" && pass || { fail "$1: no reason is given"; cat "$T/out"; }
	only_key bob-key
	ok login_bob
	rm -f "$at/fill"
	only_key ada-key
	again() { as ada 1234 role add "after-$1"; }
	LIMIT=60 soon again "$1"
	only_key bob-key
	LIMIT=30 soon login_bob
	stop_daemon
	rm -rf "$T/saved"
	cp -a "$at" "$T/saved" # what was written meanwhile
	umount "$at"
	rm -rf "$at"
	cp -a "$T/saved" "$at"
	rm -rf "$T/saved"
	start_daemon
}
# ---- where slapd's messages go there is no room: it works without them ----
stop_daemon
mount -t tmpfs -o size=64k,mode=750 crosskeys-full "$I/log"
dd if=/dev/zero of="$I/log/fill" bs=4k 2> /dev/null || true
start_daemon
soon account bob
ok login_bob
only_key ada-key
ok as ada 1234 role add without-messages
only_key bob-key
stop_daemon
umount "$I/log"

# ---- no room for the socket's name: it says so and does not start; and it starts when there is room ----
rm -f "$I/run/gate.sock"
mount -t tmpfs -o nr_inodes=1,mode=755 crosskeys-full "$I/run"
got=0
timeout 30 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" > "$T/start.log" 2>&1 || got=$?
[ "$got" != 0 ] && [ "$got" != 124 ] && pass || fail "without room for its socket the daemon ended with $got"
grep -q 'gate.sock.*No space left on device' "$T/start.log" && pass || { fail "not said why"; tail -3 "$T/start.log"; }
umount "$I/run"
start_daemon
soon account bob

# ---- init where there is no room leaves nothing behind, and does it when there is ----
mkdir "$T/small"
tried=0
for size in 16 64 256 1024; do # kilobytes: each is spent in another of its steps
	mount -t tmpfs -o "size=${size}k,mode=755" crosskeys-full "$T/small"
	if crosskeys init "$T/small/new" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org --system core2 \
		--authority northtown --admin ada --admin-name Ada --admin-mail ada@northtown.example --mail-domain northtown.example > "$T/out" 2>&1; then
		umount "$T/small"
		break
	fi
	tried=$((tried + 1))
	[ ! -e "$T/small/new/crosskeys.conf" ] && pass || fail "init failed for want of room at $size k, and left a configuration"
	[ -s "$T/out" ] && pass || fail "init said nothing"
	umount "$T/small"
done
[ "$tried" -ge 2 ] && pass || fail "init was not kept from finishing: $tried"

full_below store crosskeys-replica
full_below directory crosskeys-directory
soon verify_log
finish
