#!/usr/bin/env bash
# Every sort of key, enrolled and used: RS256, attested by a maker who is trusted here and by one who is not, by itself, U2F. A rule that demands
# an attested key lets in by none but the trusted maker's, and by that no more once the maker is not trusted; nobody can write that one is.
. "$CK_SOURCE/tests/system/lib.sh"
soft_key maker "$T/trusted" > /dev/null
soft_key maker "$T/unknown" > /dev/null
cp "$T/trusted.root.pem" "$T/roots.pem"
export MORE_CONFIG="attestation_roots = $T/roots.pem"
new_instance
pam_service vault
pam_service door
change role add operators --all-staff-of northtown
change rule add console --system core1 --role operators --service demo
change rule add vault --system core1 --role operators --service vault --proved touch --proved verified --proved attested
change rule add door --system core1 --role operators --service door --proved touch

# key_of UID NUMBER OPTIONS…: a person with a key made so, not enrolled
key_of() {
	change staff add "$1" --name "$1 of Northtown" --mail "$1@northtown.example" --number "$2"
	change key code "$1"
	soft_key create "$1-key" --owner crosskeys-token "${@:3}" > /dev/null
	only_key "$1-key"
}
enrolled() { # UID [OPTIONS…]
	expect 0 crosskeys key add "$1" --code "$(code_of "$1" "$T/change.out")" --dir "$I" "${@:2}" --pin-fd 9 9<<< $'1234\n1234'
}
shown() { # UID TEXT…: what root is shown of the key
	local uid=$1 text
	shift
	expect 0 ck key show "$uid" "security key"
	for text in "$@"; do said "$text"; done
}
attestation_is() { # UID WORD
	expect 0 ck key show "$1" "security key"
	grep -qE "^ckAttestation +$2\$" "$T/out" && pass || fail "$1's key is not $2: $(grep ckAttestation "$T/out")"
}
granted() { only_key "$2-key"; expect 0 login_as "$1" "$2" 1234; }
refused() { only_key "$2-key"; expect 1 login_as "$1" "$2" 1234; }

# ---- attested by a maker who is trusted here ----
key_of tina 11 --pin 1234 --maker "$T/trusted"
enrolled tina
attestation_is tina attested
shown tina "discoverable" "protected-2" "ckCanVerify        TRUE"
granted vault tina
audited tina account-granted "proved=touch+verified+attested"
granted demo tina

# ---- by one who is not; by itself ----
key_of uma 12 --pin 1234 --maker "$T/unknown"
enrolled uma
attestation_is uma certificate
granted demo uma
refused vault uma
said "needs a security key whose maker is trusted here"
key_of sam 13 --pin 1234
enrolled sam
attestation_is sam self
granted demo sam
refused vault sam
said "needs a security key whose maker is trusted here"

key_of nina 16 --pin 1234 --maker "$T/trusted"
enrolled nina --no-attestation
attestation_is nina none
granted demo nina
refused vault nina

# ---- RSA ----
key_of rita 14 --pin 1234 --rsa 2048 --maker "$T/trusted"
enrolled rita
attestation_is rita attested
granted vault rita

# ---- U2F: a touch, and no more ----
key_of walt 15 --able u2f-only --maker "$T/trusted"
expect 1 crosskeys key add walt --code "$(code_of walt "$T/change.out")" --dir "$I" --pin-fd 9 9<<< 1234
said "takes no PIN, and one is demanded here"
enrolled walt --touch-only
attestation_is walt attested
shown walt "ckCanVerify        FALSE"
granted door walt
audited walt account-granted "proved=touch+attested"
refused demo walt
said "takes no PIN, and one is demanded here"

# ---- nobody can write that a key is attested ----
directory() { # as the one identity that may
	local program=$1
	shift
	setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups "$program" -Q -Y EXTERNAL \
		-H "ldapi://${I//\//%2F}%2Frun-directory%2Fldapi" "$@"
}
hash_of() { ck key show "$1" "security key" --json | sed -n 's/^  "id": "\([0-9a-f]*\)".*/\1/p'; }
entry_of() { directory ldapsearch -LLL -o ldif-wrap=no -b dc=example,dc=org "ckKeyHash=$(hash_of "$1")" "${@:2}"; }
write_key() { # UID: attributes to replace from stdin, as of ldapmodify
	{ entry_of "$1" dn | grep '^dn:'; echo "changetype: modify"; cat; } | directory ldapmodify > "$T/ldap.out" 2>&1 || { fail "ldapmodify"; cat "$T/ldap.out"; }
}
registration=$(entry_of tina ckRegistration | grep '^ckRegistration::')
[ -n "$registration" ] && pass || fail "no registration was kept"
printf '%s\n' 'replace: ckAttestation' 'ckAttestation: certificate' - 'replace: ckRegistration' "$registration" | write_key sam
until_true 10 sh -c "'$CK_BUILD/crosskeys' key show sam 'security key' --dir '$I' | grep -q '^ckAttestation  *certificate'" || fail "the change did not arrive"
refused vault sam
granted demo sam
sams=$(entry_of sam dn)
printf '%s\n' 'replace: ckAttestation' 'ckAttestation: attested' | write_key sam
until_true 10 sh -c "! '$CK_BUILD/crosskeys' key show sam 'security key' --dir '$I'" || fail "a key that says it is attested was taken"
refused demo sam
printf '%s\n' "$sams" 'changetype: modify' 'replace: ckAttestation' 'ckAttestation: certificate' | grep . | directory ldapmodify > "$T/ldap.out" 2>&1 ||
	fail "ldapmodify"
until_true 10 ck key show sam "security key" || fail "the key did not come back"
granted demo sam

# ---- whom this machine trusts ----
trust() {
	stop_daemon
	cp "$1" "$T/roots.pem"
	start_daemon
}
is_attested() { ck key show "$1" "security key" | grep -q '^ckAttestation  *attested$'; }
trust "$T/unknown.root.pem"
until_true 20 is_attested uma || fail "the newly trusted maker's key is not attested"
attestation_is tina certificate
granted vault uma
refused vault tina
granted demo tina
cat "$T/unknown.root.pem" "$T/trusted.root.pem" > "$T/both.pem"
trust "$T/both.pem"
until_true 20 is_attested tina || fail "the key is not attested again"
granted vault tina
granted vault uma

# a file that cannot be taken: no start, rather than one that trusts whom it trusted before
stop_daemon
echo "not a certificate" > "$T/roots.pem"
expect 1 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf"
said "attestation_roots: expected at least one certificate"
cp "$T/both.pem" "$T/roots.pem"
chmod 666 "$T/roots.pem"
expect 1 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf"
said "attestation_roots: $T/roots.pem: expected"
sed -i 's/^attestation_roots.*//' "$I/crosskeys.conf"
start_daemon
attestation_is tina certificate
refused vault tina
granted demo tina
finish
