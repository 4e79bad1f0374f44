#!/bin/bash
# slapd refuses each entry that leaves out one attribute that it must have, or has one that does not belong, or two values of a single one.
set -eu
. "$(dirname "$0")/instance.sh"
make_instance
start_slapd

hash=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
person=$(new_id)
role=$(new_id)
staff "$person" ada 50 | add >/dev/null
sample() # CLASS ID
{
	local window=$'ckValidFrom: 00010101000000Z\nckValidUntil: 99991231235959Z'
	case $1 in
	ckAuthority)
		printf '%s\n' "dn: ckId=$2,ou=authorities,$suffix" "objectClass: ckAuthority" "ckId: $2" "ckName: Other $2" \
			"ckAuthorityKind: council" "ckStatus: active" "$window" "ckAdminRoleId: $role" "ckUidNumberFirst: 300000" \
			"ckUidNumberLast: 399999" "ckMailDomain: other.example.org" "ckZone: Europe/London"
		;;
	ckStaff) staff "$2" bob 51 ;;
	ckKey) key "$person" "$hash" credential ;;
	ckRole) printf '%s\n' "dn: ckId=$2,ou=roles,$below" "objectClass: ckRole" "ckId: $2" "ckName: dba" "ckStatus: active" ;;
	ckGrant)
		printf '%s\n' "dn: ckId=$2,ckId=$role,ou=roles,$below" "objectClass: ckGrant" "ckId: $2" "ckStaffId: $person" "$window" \
			"ckGrantedById: $person" "ckReason: on call"
		;;
	ckSystem) printf '%s\n' "dn: ckId=$2,ou=systems,$below" "objectClass: ckSystem" "ckId: $2" "ckName: s-$2" "ckStatus: active" ;;
	ckSystemGroup) printf '%s\n' "dn: ckId=$2,ou=systems,$below" "objectClass: ckSystemGroup" "ckId: $2" "ckName: g" "ckStatus: active" ;;
	ckRule)
		printf '%s\n' "dn: ckId=$2,ou=rules,$below" "objectClass: ckRule" "ckId: $2" "ckName: r" "ckStatus: active" "$window" "ckTarget: *" \
			"ckRoleId: $role" "ckAccount: self" "ckService: *" "ckSource: *" "ckProved: touch" "ckWeekly: always"
		;;
	ckCode)
		printf '%s\n' "dn: ckId=$2,ckId=$person,ou=staff,$below" "objectClass: ckCode" "ckId: $2" \
			"ckIssuerId: 00000000-0000-0000-0000-000000000000" "ckCodeHash: $hash" "$window"
		;;
	ckPassword) printf '%s\n' "dn: cn=password,ckId=$person,ou=staff,$below" "objectClass: ckPassword" "cn: password" "userPassword: first-password" ;;
	ckPlan) printf '%s\n' "dn: ckId=$2,$below" "objectClass: ckPlan" "ckId: $2" "ckProof: p" ;;
	ckKeyUse)
		printf '%s\n' "dn: cn=use,ckKeyHash=$used,ckId=$person,ou=staff,$below" "objectClass: ckKeyUse" "cn: use" "ckCounter: 7" \
			"ckLastUse: 20260101000000Z"
		;;
	esac
}
used=$(printf 'b%.0s' {1..64})
key "$person" "$used" used-credential | add >/dev/null
printf '%s\n' "dn: ckId=$role,ou=roles,$below" "objectClass: ckRole" "ckId: $role" "ckName: dba" "ckStatus: active" | add >/dev/null

musts() # CLASS: from the schema file
{
	tr '\n\t' '  ' <"$CK_SOURCE/schema/crosskeys.schema" | sed "s/objectclass (/\n&/g" | grep "NAME '$1'" |
		sed 's/.*MUST ( //; s/ ).*//; s/\$//g'
}
singles=" $(tr '\n\t' '  ' <"$CK_SOURCE/schema/crosskeys.schema" | sed 's/attributetype (/\n&/g' | grep SINGLE-VALUE |
	sed "s/.*NAME '\([A-Za-z]*\)'.*/\1/" | tr '\n' ' ') "

refused() # WHAT CODES: the LDIF on standard input
{
	local code=0
	add >/dev/null 2>"$work/add.out" || code=$?
	case " $2 " in *" $code "*) ;; *) cat "$work/add.out" >&2; fail "$1: expected one of $2, got $code" ;; esac
}

count=0
for class in ckAuthority ckStaff ckKey ckRole ckGrant ckSystem ckSystemGroup ckRule ckCode ckPassword ckKeyUse ckPlan; do
	names=$(musts $class)
	[ -n "$names" ] || fail "$class: found no MUST"
	for name in $names; do
		# slapd takes the value of the RDN when it is left out: that one cannot be missed
		case "$class $name" in *" ckId" | *" ckKeyHash" | "ckPassword cn" | "ckKeyUse cn") continue ;; esac
		sample $class "$(new_id)" | grep -v "^$name:" | refused "$class without $name" "64 65"
		count=$((count + 1))
		case $singles in
		*" $name "*)
			case $name in
			*Valid* | ckLastUse) second=20300101000000Z ;;
			*Number* | ckCounter) second=299999 ;;
			ckCanVerify) second=FALSE ;;
			*) second=other ;;
			esac
			{ sample $class "$(new_id)"; echo "$name: $second"; } | refused "$class with two of $name" "19 64 65"
			;;
		esac
	done
	{ sample $class "$(new_id)"; echo "ckNew: x"; } | refused "$class with ckNew" "17"
	for foreign in "ckCodeHash: $hash" "ckMemberRoleId: $role" "ckUidNumberFirst: 1"; do
		case "$class ${foreign%%:*}" in "ckCode ckCodeHash" | "ckRole ckMemberRoleId" | "ckAuthority ckUidNumberFirst") continue ;; esac
		{ sample $class "$(new_id)"; echo "$foreign"; } | refused "$class with ${foreign%%:*}" "65"
	done
	sample $class "$(new_id)" | add >/dev/null 2>"$work/add.out" || { cat "$work/add.out"; fail "a whole $class is refused"; }
done
echo "each of $count was missed"
