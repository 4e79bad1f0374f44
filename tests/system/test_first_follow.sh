#!/usr/bin/env bash
# The daemon itself, behind its sandbox, copies a directory of thousands at its first start: long lists take other ways through the libraries than short
# ones do, and so other system calls.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }
staff=3000
"$CK_SOURCE/contrib/create-users" > /dev/null
crosskeys init "$I" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 --authority northtown \
	--admin ada --admin-mail ada@northtown.example > "$T/init.out"
expect 0 sh -c "'$CK_BUILD/tests/crosskeys-data' --staff $staff --first-uid-number 5000000 --below ldif |
	setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups -- \
	/usr/sbin/slapadd -q -w -S 1 -F '$I/directory/slapd.d' -b dc=example,dc=org"
start_daemon || exit 1
# the generated and ada
until_true 120 sh -c "'$CK_BUILD/crosskeys' status --dir '$I' | grep -qx 'staff: $((staff + 1))'" || fail "the copy was not filled"
expect 0 ck status
said 'quarantined: 0'
expect 1 grep -q 'sandbox' "$T/daemon.log"
finish
