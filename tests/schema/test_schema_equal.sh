#!/bin/bash
# crosskeys.schema and crosskeys.ldif say the same, as slapd itself reads them; OIDS.md lists every number once.
set -eu
: "${CK_SOURCE:?the source folder}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openldap=/etc/ldap/schema
[ -r $openldap/nis.ldif ] || { echo "skipped: OpenLDAP's own schema is not in $openldap"; exit 77; }

# slapd's own form of the schema, without what it adds
export LC_ALL=C
normal()
{
	/usr/sbin/slapcat -F "$1" -n 0 -o ldif-wrap=no -H 'ldap:///cn=schema,cn=config???(cn=*crosskeys)' |
		sed -n 's/^\(olcObjectIdentifier\|olcAttributeTypes\|olcObjectClasses\): {[0-9]*}/\1: /p'
}

mkdir "$work/from-schema" "$work/from-ldif"
for name in core cosine inetorgperson nis; do echo "include $openldap/$name.schema"; done >"$work/slapd.conf"
echo "include $CK_SOURCE/schema/crosskeys.schema" >>"$work/slapd.conf"
/usr/sbin/slaptest -f "$work/slapd.conf" -F "$work/from-schema" >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }

{
	printf 'dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\ndn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
	for name in core cosine inetorgperson nis; do printf 'include: file://%s/%s.ldif\n\n' $openldap $name; done
	cat "$CK_SOURCE/schema/crosskeys.ldif"
} >"$work/config.ldif"
/usr/sbin/slapadd -F "$work/from-ldif" -n 0 -l "$work/config.ldif" >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }

normal "$work/from-schema" >"$work/a"
normal "$work/from-ldif" >"$work/b"
[ "$(grep -c olcObjectClasses "$work/a")" = 12 ] || { echo "failed: expected twelve classes"; cat "$work/a"; exit 1; }
diff -u "$work/a" "$work/b" || { echo "failed: crosskeys.schema and crosskeys.ldif differ"; exit 1; }

# every number and name is in OIDS.md, and nothing else is
sed -n "s/.*( \?ck\(Attribute\|Class\):\([0-9]*\) NAME '\([A-Za-z]*\)'.*/\1 \2 \3/p" "$CK_SOURCE/schema/crosskeys.schema" |
	sed 's/^Attribute /.1./; s/^Class /.2./' | sort >"$work/defined"
sed -n 's/^| `\(\.[12]\.[0-9]*\)` | `\([A-Za-z]*\)`.*/\1 \2/p' "$CK_SOURCE/schema/OIDS.md" | sort >"$work/listed"
[ -s "$work/defined" ] || { echo "failed: found no definition"; exit 1; }
diff -u "$work/defined" "$work/listed" || { echo "failed: schema and OIDS.md differ"; exit 1; }
[ -z "$(cut -d' ' -f1 "$work/listed" | uniq -d)" ] || { echo "failed: a number is listed twice"; exit 1; }
echo "equal: $(wc -l <"$work/listed") definitions"
