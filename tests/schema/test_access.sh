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
