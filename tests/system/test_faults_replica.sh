#!/usr/bin/env bash
# Any call of the replica's may fail while it follows a real slapd, seed by seed: the copy never claims to hold a change that it does not hold,
# no password is found right that is not or is not recorded, no process hangs, crashes or leaves anything over, and one without faults goes on
# from whatever was left. CK_FAULT_SEEDS says how many.
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
seeds=${CK_FAULT_SEEDS:-300}
new_instance
new_people
with_passwords
policy pwdLockout FALSE # wrong ones are tried on purpose
stop_daemon
setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups -- slapd -F "$I/directory/slapd.d" -h "$URI" -d none >> "$T/slapd.out" 2>&1 &
slapd=$!
cleanup_faults() {
	kill "$slapd" 2> /dev/null || true
	wait "$slapd" 2> /dev/null || true
	cleanup
}
trap cleanup_faults EXIT
eve_is_there() { [ "$(in_directory '(uid=eve)' uid 2> /dev/null)" = eve ]; }
soon eve_is_there
dn=$(as_replica ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$URI" -b dc=example,dc=org '(&(uid=eve)(objectClass=ckStaff))' dn | sed -n 's/^dn: //p')
[ -n "$dn" ] && pass || fail "eve is not in the directory"
cat > "$T/change" << SCRIPT
#!/bin/bash
set -eu
as_replica() { setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups "\$@"; }
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: %s\n' '$dn' "\$1" | as_replica ldapmodify -Q -Y EXTERNAL -H '$URI' > /dev/null
as_replica ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H '$URI' -s base -b '$dn' entryCSN | sed -n 's/^entryCSN: //p'
SCRIPT
chmod 755 "$T/change"
got=0
"$CK_BUILD/tests/faulty-replica" "$I/crosskeys.conf" eve 1 "$seeds" "$T/change" bob "$K/soft-keys/bob-key" "$OWN" > "$T/out" 2>&1 || got=$?
[ "$got" = 0 ] && pass || { fail "exit $got"; head -20 "$T/out"; }
tail -1 "$T/out"
followed=$(sed -n 's/.*followed \([0-9]*\) .*/\1/p' "$T/out")
[ "${followed:-0}" -gt $((seeds / 4)) ] && pass || fail "the replica followed next to nothing, so next to nothing was tried"
right=$(sed -n 's/.*right-passwords \([0-9]*\).*/\1/p' "$T/out")
[ "${right:-0}" -ge $((seeds / 100)) ] && pass || fail "hardly a password was found right, so next to nothing was tried"
finish
