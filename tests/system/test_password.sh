#!/usr/bin/env bash
# Passwords beside the touch, with the real slapd and its ppolicy: who sets one, what it opens, and each way in which it does not.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
URI="ldapi://${I//\//%2F}%2Frun-directory%2Fldapi"
as_replica() { setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups env -i LDAPNOINIT=1 PATH=/usr/bin:/bin "$@"; }
directory() { local tool=$1; shift; as_replica "$tool" -Q -Y EXTERNAL -H "$URI" "$@"; }
entry_of() { directory ldapsearch -LLL -o ldif-wrap=no -b dc=example,dc=org "(uid=$1)" 1.1 | sed -n 's/^dn: //p'; }
binds() { as_replica ldapwhoami -x -H "$URI" -D "cn=password,$(entry_of "$1")" -w "$2"; } # UID PASSWORD
initial_of() { sed -n "s/^Initial password for $1: //p" "$T/change.out"; }

# ---- an administrator gives one ----
add_staff bob "Bob Stone" 2
change staff password bob
first=$(initial_of bob)
expect 0 binds bob "$first"
expect 49 binds bob "${first}x"
change staff password bob
second=$(initial_of bob)
[ "$first" != "$second" ] && pass || fail "the same password twice"
expect 49 binds bob "$first"
expect 0 binds bob "$second"
only_key bob-key
expect 1 as bob 1234 staff password bob
said "you are not one who may order this"
only_key ada-key
expect 5 as ada 1234 staff password nobody-here
expect 2 ck staff password
expect 0 crosskeys audit show --event change-intent "$I/audit"
said "staff.password"
checks=$((checks + 1))
if grep -rqaF -e "$first" -e "$second" "$I" "$T/daemon.log"; then fail "an initial password is written down somewhere"; fi
checks=$((checks + 1))
if grep -rqaE 'ARGON2|argon2id' "$I/store" "$I/audit" "$T/daemon.log"; then fail "the hash of a password is in the copy or a log"; fi
finish
