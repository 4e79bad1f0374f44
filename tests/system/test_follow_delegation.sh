#!/usr/bin/env bash
# A person whose number or mail their authority may not give out is quarantined at the copy, whoever wrote them; they count once the
# authority may, and no more once it may not.
. "$CK_SOURCE/tests/system/follow_lib.sh"

authority_dn="ckId=$AUTHORITY,ou=authorities,$SUFFIX"
start_probe 50 10
wait_for 10 said '^refreshed full'
inside=$(uuid) far=$(uuid) elsewhere=$(uuid) group=$(uuid)
{
	staff_ldif "$inside" inside 11
	staff_ldif "$far" far 12 | sed 's/^uidNumber: .*/uidNumber: 900012/'
	staff_ldif "$group" group 14 | sed 's/^gidNumber: .*/gidNumber: 900014/'
	staff_ldif "$elsewhere" elsewhere 13 | sed 's/^mail: .*/mail: elsewhere@southtown.example/'
} | modify
wait_for 10 holds '^staff inside active'
wait_for 5 said "^quarantined $(staff_dn "$far") delegation: uidNumber is outside"
wait_for 5 said "^quarantined $(staff_dn "$elsewhere") delegation: mail is outside"
wait_for 5 said "^quarantined $(staff_dn "$group") delegation: gidNumber is outside"
wait_for 1 lacks '^staff far'
wait_for 1 lacks '^staff group'
wait_for 1 lacks '^staff elsewhere'

# the authority may give out more: those who waited are read again
printf 'dn: %s\nchangetype: modify\nreplace: ckUidNumberLast\nckUidNumberLast: 999999\n-\nadd: ckMailDomain\nckMailDomain: southtown.example\n' "$authority_dn" | modify
wait_for 10 holds '^staff far active'
wait_for 10 holds '^staff elsewhere active'
wait_for 10 holds '^staff group active'
wait_for 5 said "^released $(staff_dn "$far")"

# … and less: who is outside now is found, though nobody wrote their entry
forget_said
printf 'dn: %s\nchangetype: modify\ndelete: ckMailDomain\nckMailDomain: southtown.example\n' "$authority_dn" | modify
wait_for 10 said '^refreshed full'
wait_for 5 lacks '^staff elsewhere'
wait_for 1 holds '^staff far active'
wait_for 5 said "^quarantined $(staff_dn "$elsewhere") delegation: mail is outside"
finish
