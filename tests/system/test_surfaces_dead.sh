#!/usr/bin/env bash
# Whatever of ours is dead, root and the machine's own names get in by login, su, sudo and sshd, and nobody else does: not even staff who
# have an entry and a password in this machine's own files, a key in its port and a rule that lets them in.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
. "$CK_SOURCE/tests/system/sshd_lib.sh"
MORE_CONFIG=$'audit_reserve_bytes = 131072\naudit_segment_bytes = 1048576'
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002 listed:250009
echo listed > "$T/local-names"
secret=$(sed -n 's/^svcuser:\([^:]*\):.*/\1/p' "$T/shadow")
printf '%s:'"$secret"':19000:0:99999:7:::\n' root svcuser bob eve listed > "$T/shadow"
echo 'sshd:!:19000::::::' >> "$T/shadow"
sed "s|^root:.*|root:x:0:0::$T/home:$T/shell|" "$T/passwd" > "$T/passwd.new"
cat "$T/passwd.new" > "$T/passwd" # in place: it is mounted
private_stacks
printf '%s\n' 'Defaults !fqdn, lecture=never, passwd_tries=1, timestamp_timeout=0' 'ALL ALL=(ALL) ALL' \
	'bob ALL=(ALL) NOPASSWD: ALL' > "$T/sudoers" # bob: the account stage alone, which needs no session at the machine
chmod 440 "$T/sudoers"
mount --bind "$T/sudoers" /etc/sudoers
change role add operators
change grant add bob operators --why "runs the servers"
change grant add eve operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
change rule add service --system core1 --role operators --service su --account svcuser
change rule add admin --system core1 --role operators --service sudo --account root --proved none
change rule add remote --system core1 --role operators --service sshd --proved none
only_key bob-key
sshd_starts
printf '#!/bin/sh\necho "now $(id -un)"\n' > "$T/who"
chmod 755 "$T/who"

enter() { # SERVICE WHO: to try; who gets in sees "now" or "in as"
	local uid
	uid=$(id -u "$2")
	case $1 in
	login) at tty1 0 login "$2" ;;
	su) at tty2 "$uid" su svcuser -c "$T/who" ;;
	sudo) at tty3 "$uid" sudo -p 'Password: ' "$T/who" ;;
	sshd) by_key "$2" ;;
	esac
}
LISTED=listed OUTSIDE='' NOT=''
try() { # SERVICE in|out WHO
	local out
	out=$(enter "$1" "$3" 2>&1) || true
	if grep -qE '^(in as|now) ' <<< "$out"; then [ "$2" = in ] && return; else [ "$2" = out ] && return; fi
	printf 'FAIL: %s: %s is not %s\n' "$1" "$3" "$2"
	sed 's/^/    /' <<< "$out" | tail -5
}
tries() { # WHAT: all of it, in this state of things; the services at the same time, each at a console of its own
	local service who pids=''
	for service in login su sudo sshd; do
		(
			for who in root svcuser $LISTED; do [ "$service $who" = "$NOT" ] || try "$service" in "$who"; done
			for who in bob $OUTSIDE $([ "$service" != sudo ] || echo eve); do try "$service" out "$who"; done # bob is spared sudo's question
			echo done
		) > "$T/tried.$service" 2>&1 &
		pids+=" $!"
	done
	wait $pids
	for service in login su sudo sshd; do
		checks=$((checks + 1))
		[ "$(cat "$T/tried.$service")" = done ] || { fail "$1:"; cat "$T/tried.$service"; }
	done
}
alive() { # WHAT: staff get in
	local service
	for service in login su sudo sshd; do
		checks=$((checks + 1))
		enter "$service" bob > "$T/out" 2>&1 || true
		grep -qE '^(in as|now) ' "$T/out" || { fail "$1: $service: bob did not get in"; sed 's/^/    /' "$T/out" | tail -5; }
	done
}
processes() { cat "/proc/$DAEMON/task/$DAEMON/children"; }
gates() {
	local pid
	for pid in $(processes); do tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q -- '--process gate ' && echo "$pid"; done
	return 0
}
alive "before"

# ---- the daemon hangs ----
hung="$DAEMON $(gates)" # the supervisor too: it would kill a gate that hangs, and start another
kill -STOP $hung
tries "the daemon hangs"
kill -CONT $hung
until_true 20 ck status || fail "the daemon does not go on"
alive "the daemon goes on"

# ---- no room to write down who was let in ----
stop_daemon
mv "$I/audit" "$I/audit-before"
mkdir -m 700 "$I/audit"
mount -t tmpfs -o "size=4m,mode=700,uid=$(id -u crosskeys-ledger)" crosskeys-audit "$I/audit"
cp -a "$I/audit-before/." "$I/audit/"
start_daemon
dd if=/dev/zero of="$I/audit/fill" bs=4k 2> /dev/null || true
# what was set aside for logins is used up first
"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob closed 3000 20 > "$T/used"
until_true 60 eval '"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob sshd 2000 20 | tail -1 | grep -q ^unavailable' || fail "the disk is not full"
tries "the disk is full"
rm "$I/audit/fill"
until_true 30 eval '"$CK_BUILD/tests/gate-client" "$I/run/gate.sock" ask bob sshd 1 20 | tail -1 | grep -q ^granted' || fail "there is no room again"
alive "there is room again"

# ---- the module's line, and the module: su alone does not know who is listed then ----
NOT="su listed"
broken() { # SED-SCRIPT: of each line of the module
	local file
	for file in "$T"/etc-pam.d/*; do sed "/pam_crosskeys/$1" "$T/whole/$(basename "$file")" > "$file"; done
}
cp -r "$T/etc-pam.d" "$T/whole"
broken 's/ local=/ locla=/'
tries "a mistyped option"
broken 's|[^ ]*pam_crosskeys.so|/no/such/module.so|'
tries "no module"
head -c 20000 /dev/urandom > "$T/garbage.so"
broken "s|[^ ]*pam_crosskeys.so|$T/garbage.so|"
tries "a module that is none"
broken 's/^$//'
NOT=''
alive "put right again"

# ---- no daemon ----
kill -KILL "$DAEMON" $(processes)
wait "$DAEMON" 2> /dev/null || true
DAEMON=
tries "the daemon is killed"
rm -f "$I/run/gate.sock"
tries "its socket is gone"

# ---- the list of names: without it, who is only listed is nobody's; root and the names of /etc/passwd stay the machine's own ----
LISTED='' OUTSIDE=listed
head -c 100000 /dev/urandom > "$T/local-names"
tries "the list of names is garbage"
rm "$T/local-names"
mkdir "$T/local-names"
tries "the list of names is a directory"
rmdir "$T/local-names"
echo listed > "$T/local-names"
chmod 666 "$T/local-names"
tries "others could have written the list of names"
chmod 644 "$T/local-names"
LISTED=listed OUTSIDE=''

# ---- another in its place ----
squat() { # UID WHAT: somebody else listens, and would grant everything
	"$CK_BUILD/tests/fake-gate" --listen-as "$1" "$I/run/gate.sock" begin=need-token token=granted assert=granted account=granted \
		open=granted close=granted helper=assert > /dev/null 2>&1 &
	SQUATTER=$!
	until_true 10 test -S "$I/run/gate.sock" || fail "nobody squats"
	tries "$2"
	kill "$SQUATTER"
	wait "$SQUATTER" 2> /dev/null || true
	rm -f "$I/run/gate.sock"
}
squat 65534 "somebody else listens"
chmod 777 "$I/run"
squat 0 "others could have put the socket there"
chmod 755 "$I/run"
umount "$I/audit"
rm -rf "$I"
tries "all of the instance is gone"
finish
