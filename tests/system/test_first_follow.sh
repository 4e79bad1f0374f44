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

# What lies beside ou=authorities is none of ours, and what changes there does not keep the copy from being in step.
as_of() { ck status | sed -n 's/^as of: //p'; }
before=$(as_of)
sleep 1 # as of counts in seconds
expect 0 setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups -- ldapmodify -Q -Y EXTERNAL \
	-H "ldapi://$(sed 's|/|%2F|g' <<< "$I/run-directory/ldapi")" << END
dn: dc=example,dc=org
changetype: modify
replace: description
description: changed

dn: ckId=33333333-3333-4333-8333-333333333333,dc=example,dc=org
changetype: add
objectClass: ckRole
ckId: 33333333-3333-4333-8333-333333333333
ckName: elsewhere
ckStatus: active
END
# as of moves on each 5 s anyway, until the copy is no longer in step
moved_on() { [[ "$(as_of)" > "$before" ]]; }
sleep 1
before=$(as_of)
sleep 1
until_true 30 moved_on || fail "the copy is in step as of $(as_of) still"
pass
expect 1 grep -q 'do not come by the stream' "$T/daemon.log"
left_providers() { grep -c "not following" "$T/daemon.log" || true; }
left=$(left_providers)
# of what is deleted there the stream says nothing at all: it is begun again, and the provider is not taken for a bad one
expect 0 setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups -- ldapdelete -Q -Y EXTERNAL \
	-H "ldapi://$(sed 's|/|%2F|g' <<< "$I/run-directory/ldapi")" "ckId=33333333-3333-4333-8333-333333333333,dc=example,dc=org"
begun_again() { grep -q 'do not come by the stream: it is begun again' "$T/daemon.log"; }
until_true 40 begun_again || fail "the copy was not out of step, or nobody noticed"
before=$(as_of)
sleep 1
until_true 30 moved_on || fail "the copy is in step as of $(as_of) still"
pass
[ "$(left_providers)" = "$left" ] && pass || fail "the provider was left"
expect 0 ck status
said 'quarantined: 0'
expect 1 grep -q 'sandbox' "$T/daemon.log"
finish
