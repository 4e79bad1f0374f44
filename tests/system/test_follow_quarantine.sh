#!/usr/bin/env bash
# What does not fit is quarantined, named and counted; it is read again when it changes, and when what it clashed with goes away.
. "$CK_SOURCE/tests/system/follow_lib.sh"

start_probe
wait_for 10 said '^refreshed full'

# an entry that breaks a rule of the model: a reserved name
root=$(uuid)
staff_ldif "$root" root 20 | modify
wait_for 5 holds '^quarantined-count 1$'
wait_for 1 said '^quarantined ckId='
wait_for 1 lacks '^staff root '
printf 'dn: %s\nchangetype: modify\nreplace: uid\nuid: roberta\n' "$(staff_dn "$root")" | modify
wait_for 5 holds '^staff roberta active$'
wait_for 1 holds '^quarantined-count 0$'

# a valid entry that becomes invalid grants nothing
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: perhaps\n' "$(staff_dn "$root")" | modify
wait_for 5 lacks '^staff roberta '
wait_for 1 holds '^quarantined-count 1$'
delete "$(staff_dn "$root")"
wait_for 5 holds '^quarantined-count 0$'

# two roles of one name, which the directory's own uniqueness lets in: the one known first stays
role_dn() { echo "ckId=$1,ou=roles,ckId=$AUTHORITY,ou=authorities,$SUFFIX"; }
role_ldif() { printf 'dn: %s\nchangetype: add\nobjectClass: ckRole\nckId: %s\nckName: porters\nckStatus: active\n\n' "$(role_dn "$1")" "$1"; }
first=$(uuid)
second=$(uuid)
third=$(uuid)
role_ldif "$first" | modify
wait_for 5 holds '^count role 2$'
role_ldif "$second" | modify
wait_for 5 holds '^quarantined .* clash: '
wait_for 1 holds '^count role 2$'
# … and the later one comes in when the first goes
forget_said
delete "$(role_dn "$first")"
wait_for 5 said "^released ckId=$second"
wait_for 5 holds '^quarantined-count 0$'
wait_for 1 holds '^count role 2$'
# … or when it is given another name; across a restart of the follower
role_ldif "$third" | modify
wait_for 5 holds '^quarantined-count 1$'
stop_probe
start_probe
wait_for 5 said '^refreshed resumed'
printf 'dn: %s\nchangetype: modify\nreplace: ckName\nckName: doormen\n' "$(role_dn "$second")" | modify
wait_for 5 said "^released ckId=$third"
wait_for 5 holds '^count role 3$'

# one that becomes faulty keeps its place: nobody takes its name meanwhile, and whoever waits for it comes in when it goes
forget_said
fourth=$(uuid)
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: perhaps\n' "$(role_dn "$third")" | modify
wait_for 5 holds '^quarantined-count 1$'
role_ldif "$fourth" | modify
wait_for 5 holds '^quarantined-count 2$'
wait_for 1 holds '^count role 2$'
printf 'dn: %s\nchangetype: modify\nreplace: ckStatus\nckStatus: active\n' "$(role_dn "$third")" | modify
wait_for 5 holds '^count role 3$'
wait_for 1 holds '^quarantined-count 1$'
delete "$(role_dn "$third")"
wait_for 5 said "^released ckId=$fourth"
wait_for 5 holds '^quarantined-count 0$'
wait_for 1 holds '^count role 3$'

# a key whose name is not the hash of its credential
ada=$(search -b "$SUFFIX" '(uid=ada)' ckId | sed -n 's/^ckId: //p')
cat > "$T/key.ldif" << LDIF
dn: ckKeyHash=$(printf 'a%.0s' {1..64}),$(staff_dn "$ada")
changetype: add
objectClass: ckKey
ckKeyHash: $(printf 'a%.0s' {1..64})
ckCredentialId: something else
ckPublicKey:: $(printf '\245\001\002\003\046\040\001\041\130\040%032d\042\130\040%032d' 0 0 | base64 -w0)
ckRpId: keys.example.org
ckAaguid: 00000000-0000-0000-0000-000000000000
ckLabel: a key
ckAttestation: none
ckCanVerify: TRUE
ckStatus: active
ckValidFrom: 00010101000000Z
ckValidUntil: 99991231235959Z
LDIF
modify < "$T/key.ldif"
wait_for 5 holds '^quarantined ckKeyHash=.*SHA-256'
wait_for 1 holds '^count key 0$'

finish
