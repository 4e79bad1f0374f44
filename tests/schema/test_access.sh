#!/bin/bash
# Only the daemon's identity reads and writes; root, another user and nobody in particular get nothing, of data, log, configuration.
set -eu
. "$(dirname "$0")/instance.sh"
make_instance
start_slapd

daemon="as_daemon ldapsearch -Q -LLL -Y EXTERNAL -H $uri -o ldif-wrap=no"
[ "$(as_daemon ldapwhoami -Q -Y EXTERNAL -H "$uri")" = "dn:cn=crosskeysd,$suffix" ] || fail "the replica's user is not the daemon"
[ "$($daemon -b "$suffix" '(objectClass=ckStaff)' uid | grep -c '^uid: mia$')" = 1 ] || fail "the daemon cannot read"
[ "$($daemon -s base -b "$suffix" contextCSN | grep -c '^contextCSN: ')" = 1 ] || fail "the daemon cannot see contextCSN"

sees_nothing() # WHO COMMAND...: of any tree, and may not write
{
	local who=$1 base
	shift
	for base in "$suffix" "ou=authorities,$suffix" cn=accesslog cn=config cn=schema,cn=config cn=subschema ""; do
		if "$@" ldapsearch -LLL -H "$uri" -s base -b "$base" '*' + 2>/dev/null | grep -q .; then fail "$who reads '$base'"; fi
		if "$@" ldapsearch -LLL -H "$uri" -s sub -b "$base" '*' + 2>/dev/null | grep -q .; then fail "$who reads below '$base'"; fi
	done
	if staff "$(new_id)" eve 77 | "$@" ldapadd -H "$uri" >/dev/null 2>&1; then fail "$who adds"; fi
	if printf 'dn: %s\nchangetype: modify\nreplace: ckName\nckName: Eve\n' "$below" | "$@" ldapmodify -H "$uri" >/dev/null 2>&1; then
		fail "$who changes"
	fi
	if "$@" ldapdelete -H "$uri" "ou=rules,$below" >/dev/null 2>&1; then fail "$who deletes"; fi
	if "$@" ldapcompare -H "$uri" "$below" "ckStatus:active" 2>/dev/null | grep -q TRUE; then fail "$who compares"; fi
}

external() # USER COMMAND...: the command with SASL EXTERNAL as that user
{
	local user=$1 tool=$2
	shift 2
	as_user "$user" "$tool" -Q -Y EXTERNAL "$@"
}
anonymous()
{
	local tool=$1
	shift
	"$tool" -x "$@"
}
with_password() # as the daemon's name, as slapd's internal names, with passwords one might guess
{
	local tool=$1
	shift
	"$tool" -x -D "$password_dn" -w "$password" "$@"
}

sees_nothing root external root
sees_nothing nobody external nobody
sees_nothing "the gate's user" external crosskeys-gate
sees_nothing "slapd's own user" external crosskeys-directory
sees_nothing anonymous anonymous
for password_dn in "cn=crosskeysd,$suffix" "cn=overlays,$suffix" "cn=overlays,cn=accesslog" cn=config; do
	for password in secret x; do sees_nothing "$password_dn with a password" with_password; done
done

# A person's password: slapd checks it for whoever knows it; they read and write nothing by it, their own entry not excepted.
person=$(new_id)
hers=cn=password,ckId=$person,ou=staff,$below
staff "$person" ada 50 | add >/dev/null
printf '%s\n' "dn: $hers" "objectClass: ckPassword" "cn: password" "userPassword: a long enough one" | add >/dev/null || fail "no password goes in"
as_her() # TOOL…: as the only user who reaches slapd, who knows her password
{
	local tool=$1
	shift
	as_daemon "$tool" -x -D "$hers" -w "a long enough one" "$@"
}
[ "$(as_her ldapwhoami -H "$uri")" = "dn:$hers" ] || fail "the password does not bind"
sees_nothing "a person by their password" as_her
if as_her ldapsearch -LLL -H "$uri" -s base -b "$hers" '*' + 2>/dev/null | grep -q .; then fail "a person reads the entry of their password"; fi
if as_her ldappasswd -H "$uri" -a "a long enough one" -s "another that is long" >/dev/null 2>&1; then fail "a person changes the password behind the daemon"; fi
for user in root nobody crosskeys-gate; do
	if setpriv --reuid "$user" --regid "$user" --clear-groups env -i LDAPNOINIT=1 PATH=/usr/bin:/bin \
		ldapwhoami -x -H "$uri" -D "$hers" -w wrong 2>&1 | grep -q 'Invalid credentials' && [ "$user" != root ]; then
		fail "$user can spend a person's attempts"
	fi
done

# not the daemon either: neither the hash, nor those of before, nor what the log says was written
as_daemon ldappasswd -Q -Y EXTERNAL -H "$uri" -a "a long enough one" -s "another that is long" "$hers" || fail "the daemon cannot change a password"
$daemon -s base -b "$hers" '*' + >"$work/hers"
grep -q '^pwdChangedTime: ' "$work/hers" || fail "the daemon does not see when the password was changed"
if grep -qiE '^(userPassword|pwdHistory):|ARGON2' "$work/hers"; then fail "the daemon reads the hash of a password"; fi
if $daemon -b cn=accesslog '*' + | grep -qiE 'ARGON2|e0FSR09OMn0|^req(Mod|Old):'; then fail "the daemon reads what was written from the log"; fi
if as_daemon ldapcompare -Q -Y EXTERNAL -H "$uri" "$hers" "userPassword:another that is long" 2>/dev/null | grep -q TRUE; then
	fail "the daemon compares passwords"
fi
setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups /usr/sbin/slapcat -F "$dir/directory/slapd.d" -b "$suffix" -o ldif-wrap=no \
	-a "(objectClass=ckPassword)" >"$work/raw" 2>/dev/null
sed -n 's/^userPassword:: //p' "$work/raw" | base64 -d | grep -q '^{ARGON2}\$argon2.*m=19456,t=3' ||
	fail "the password is not kept as Argon2 of some cost"
# a password elsewhere is nobody's, the daemon's not excepted
if printf '%s\n' "dn: ckId=$person,ou=staff,$below" "changetype: modify" "add: userPassword" "userPassword: a long enough one" |
	as_daemon ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null 2>&1; then fail "a person's own entry takes a password"; fi
# and the person's entry did not change at all of it
before=$($daemon -s base -b "ckId=$person,ou=staff,$below" entryCSN)
as_daemon ldapwhoami -x -H "$uri" -D "$hers" -w wrong >/dev/null 2>&1 && fail "a wrong password binds"
[ "$before" = "$($daemon -s base -b "ckId=$person,ou=staff,$below" entryCSN)" ] || fail "a wrong password changes the person's entry"
$daemon -s base -b "$hers" pwdFailureTime | grep -q '^pwdFailureTime: ' || fail "a wrong password is not counted"

# the daemon itself: not the configuration, of the log only to read, and no way round uniqueness by way of manage or relax
if $daemon -b cn=config 2>/dev/null | grep -q .; then fail "the daemon reads cn=config"; fi
if as_daemon ldapdelete -Q -Y EXTERNAL -H "$uri" cn=accesslog 2>/dev/null; then fail "the daemon deletes the log"; fi
if printf 'dn: cn=accesslog\nchangetype: modify\nreplace: minCSN\n' | as_daemon ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null 2>&1; then
	fail "the daemon changes the log"
fi
if as_user crosskeys-gate cat "$dir/directory/data/data.mdb" >/dev/null 2>&1; then fail "the gate's user reads slapd's files"; fi
if as_user crosskeys-replica ls "$dir/directory" >/dev/null 2>&1; then fail "the replica's user reads slapd's files"; fi
id=$(new_id)
staff "$id" mia 88 | as_daemon ldapadd -Q -Y EXTERNAL -H "$uri" -M >/dev/null 2>&1 && fail "manageDSAit walks round uniqueness"
staff "$id" mia 88 | as_daemon ldapadd -Q -Y EXTERNAL -H "$uri" -e '!relax' >/dev/null 2>&1 && fail "relax walks round uniqueness"

# and it does write
staff "$id" eve 88 | add >/dev/null || fail "the daemon cannot add"
as_daemon ldapdelete -Q -Y EXTERNAL -H "$uri" "ckId=$id,ou=staff,$below" || fail "the daemon cannot delete"
echo "only the daemon reads and writes"
