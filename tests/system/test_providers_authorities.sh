#!/usr/bin/env bash
# Two authorities with a provider each: the common directory replicates their subtrees with them. What
# they write comes to the copy, what is ordered here comes to them, each may be away without anybody else noticing, and what an authority
# may not give out is quarantined, wherever it was written.
. "$CK_SOURCE/tests/system/provider_lib.sh"

authority ca
for name in a b c; do certificate "$name" "/CN=$name.test" "subjectAltName=DNS:$name.test"; done
certificate core1 /CN=core1 extendedKeyUsage=clientAuth
init_elsewhere --provider ldaps://a.test --provider-identity cn=core1 --uid-range 200000-299999
give "$C/ca.pem" ca.pem
give "$C/core1.pem" client.pem
give "$C/core1.key" client.key
make_provider a 1
first_entries a
start_provider a "ldaps://a.test"
start_daemon
enrol_ada
# authorities, as the founding one creates them
for name in eastham westham; do
	range=300000-399999
	[ "$name" = eastham ] || range=400000-499999
	change authority add "$name" --kind council --mail-domain "$name.example" --uid-range "$range" --admin "${name:0:1}boss" \
		--admin-name "Boss ${name}" --admin-mail "boss@$name.example" --admin-number 1
done
id_of() { ck list authorities 2> /dev/null | sed -n "s/.*\([0-9a-f]\{8\}-[0-9a-f-]\{27\}\).*$1.*/\1/p" | head -1; }
slapcat_of() { setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups /usr/sbin/slapcat -F "$T/$1/slapd.d" "${@:2}" 2> /dev/null; }
authority_of() { slapcat_of a -b "$SUFFIX" -a "(ckName=$1)" | sed -n 's/^ckId: //p' | head -1; }
EAST=$(authority_of eastham) WEST=$(authority_of westham)
[ -n "$EAST" ] && [ -n "$WEST" ] || { fail "the authorities are not in the directory"; cat "$T/change.out"; }

# ---- a provider of their own for each ----
install -m 644 "$CK_SOURCE/schema/crosskeys.ldif" "$T/crosskeys.ldif" # the source may lie where only root reads
template() { # FILE AUTHORITY OTHER RID NAME SERVER_ID
	sed -e "s|@AUTHORITY@|$2|g; s|@SUFFIX@|$SUFFIX|g; s|@OTHER@|$3|; s|@RID@|$4|; s|@CROSSKEYS_SCHEMA@|$T/crosskeys.ldif|" \
		"$CK_SOURCE/contrib/directory/$1" | replace_words "$5" "$6" > "$T/$5.$1"
	chmod 644 "$T/$5.$1"
}
stop_provider a
for each in "b $EAST 2" "c $WEST 3"; do
	read -r name id server <<< "$each"
	mkdir -p "$T/$name/slapd.d" "$T/$name/data"
	chown -R crosskeys-directory "$T/$name" "$C/$name.key"
	template authority.ldif "$id" ldaps://a.test 1 "$name" "$server"
	slap "$name" slapadd -n 0 -l "$T/$name.authority.ldif"
	template subtree.ldif "$id" "ldaps://$name.test" "$server" a 1
	slap a slapmodify -n 0 -l "$T/a.subtree.ldif"
done
start_provider a ldaps://a.test
start_provider b "ldaps://b.test ldapi://${T//\//%2F}%2Fb%2Fldapi"
start_provider c "ldaps://c.test ldapi://${T//\//%2F}%2Fc%2Fldapi"
until_true 30 follows ldaps://a.test || { fail "the common directory is not followed"; ck status; tail -5 "$T/daemon.log"; }

at() { ldapsearch -Q -LLL -Y EXTERNAL -H "ldapi://${T//\//%2F}%2F$1%2Fldapi" -b "ckId=$2,ou=authorities,$SUFFIX" "$3" dn 2> /dev/null | grep -q '^dn:'; }
until_true 30 at b "$EAST" '(uid=eboss)' || { fail "an authority's own provider did not get its subtree"; tail -5 "$T/b.slapd"; }
checks=$((checks + 1))
! at b "$EAST" '(uid=ada)' || fail "an authority's own provider has other people's entries"

# ---- written at an authority's own provider ----
person() { # AUTHORITY UID NUMBER DOMAIN
	local id
	id=$(cat /proc/sys/kernel/random/uuid)
	printf '%s\n' "dn: ckId=$id,ou=staff,ckId=$1,ou=authorities,$SUFFIX" 'objectClass: inetOrgPerson' 'objectClass: posixAccount' 'objectClass: ckStaff' \
		"ckId: $id" "uid: $2" "uidNumber: $3" "gidNumber: $3" "homeDirectory: /home/$2" 'loginShell: /bin/bash' "cn: $2" "sn: $2" \
		"mail: $2@$4" "employeeNumber: $3" 'ckListed: TRUE' "ckStaffNumber: $1:$3" 'ckStatus: active' 'ckValidFrom: 00010101000000Z' 'ckValidUntil: 99991231235959Z'
}
write_at() { ldapadd -Q -Y EXTERNAL -H "ldapi://${T//\//%2F}%2F$1%2Fldapi" > "$T/ldap.out" 2>&1 || { fail "ldapadd at $1"; cat "$T/ldap.out"; }; }
staff_count() { ck status 2> /dev/null | sed -n 's/^staff: //p'; }
person "$EAST" eve 300010 eastham.example | write_at b
until_true 30 sh -c "[ \"\$(\"$CK_BUILD/crosskeys\" status --dir \"$I\" | sed -n 's/^staff: //p')\" = 4 ]" || fail "what an authority wrote does not come to the copy: $(staff_count) staff"
person "$WEST" will 300011 westham.example | write_at c   # a number of the other authority's
person "$EAST" ed 300012 westham.example | write_at b     # a mail domain of the other authority's
person "$WEST" ada 400013 westham.example | write_at c    # a name that somebody holds already
quarantined() { ck status | grep -q "^quarantined: .*$1"; }
until_true 30 quarantined 'delegation:.uidNumber' || { fail "a number of another authority's counts"; ck status; }
until_true 30 quarantined 'delegation:.mail' || fail "a mail domain of another authority's counts"
until_true 30 quarantined 'clash:.staff:.the.uid.ada' || { fail "a name that somebody holds counts"; ck status; }
checks=$((checks + 1))
[ "$(staff_count)" = 4 ] || fail "$(staff_count) staff, expected 4"

# ---- ordered here, while one of them is away ----
stop_provider c KILL
change authority change eastham --mail-domain eastham.example --mail-domain east.example
until_true 40 at b "$EAST" '(ckMailDomain=east.example)' || fail "what was ordered here does not come to the authority's own provider"
checks=$((checks + 1))
follows ldaps://a.test || fail "another authority's provider is away, and that stops something"
stop_provider b
finish
