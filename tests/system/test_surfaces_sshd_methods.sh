#!/usr/bin/env bash
# The real sshd, each of its authentication methods, under rules that demand nothing and a touch: whatever sshd was shown, the account stage
# decides; no password lets staff in, not even one of their own on this machine; and what lives longer than its login: a shared connection,
# forwarding, file transfer, a forced command.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
. "$CK_SOURCE/tests/system/sshd_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
private_etc
private_accounts bob:250001
private_stacks
secret=$(sed -n 's/^svcuser:\([^:]*\):.*/\1/p' /etc/shadow)
echo "bob:$secret:19000:0:99999:7:::" >> /etc/shadow # the machine's files know a password of bob's, which is worth nothing
change role add operators
change grant add bob operators --why "runs the servers"
change rule add remote --system core1 --role operators --service sshd --proved none
only_key bob-key

# Hosts that are trusted: this one, by its own key. ssh-keysign reads the machine's files.
mkdir -p "$T/ssh"
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/authority"
rm -f /etc/ssh/ssh_host_* /etc/ssh/ssh_config.d/* /etc/ssh/sshd_config.d/*
install -m 600 "$T/ssh/host" /etc/ssh/ssh_host_ed25519_key
install -m 644 "$T/ssh/host.pub" /etc/ssh/ssh_host_ed25519_key.pub
printf 'Host *\n EnableSSHKeysign yes\n' > /etc/ssh/ssh_config
echo "localhost,127.0.0.1 $(cat "$T/ssh/host.pub")" > /etc/ssh/ssh_known_hosts
echo localhost > /etc/ssh/shosts.equiv

# A realm of one key distribution centre, on loopback.
with_kerberos=no
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null && command -v kinit > /dev/null; then
	with_kerberos=yes
	kdc_port=$((40000 + $$ % 20000))
	mkdir "$T/kdc"
	export KRB5_CONFIG=$T/kdc/krb5.conf KRB5_KDC_PROFILE=$T/kdc/kdc.conf KRB5_KTNAME=$T/kdc/keytab
	printf '[libdefaults]\n default_realm=TEST\n dns_lookup_kdc=false\n rdns=false\n dns_canonicalize_hostname=false\n[realms]\n TEST = {\n  kdc = 127.0.0.1:%s\n }\n' \
		"$kdc_port" > "$KRB5_CONFIG"
	printf '[realms]\n TEST = {\n database_name=%s/db\n key_stash_file=%s/stash\n kdc_listen=127.0.0.1:%s\n kdc_tcp_listen=127.0.0.1:%s\n }\n' \
		"$T/kdc" "$T/kdc" "$kdc_port" "$kdc_port" > "$KRB5_KDC_PROFILE"
	{
		kdb5_util create -s -P master -r TEST
		kadmin.local addprinc -pw ticket bob
		kadmin.local addprinc -randkey host/localhost
		kadmin.local ktadd -k "$KRB5_KTNAME" host/localhost
	} > "$T/kdc/log" 2>&1 || { cat "$T/kdc/log"; exit 1; }
	krb5kdc -n >> "$T/kdc/log" 2>&1 &
	KDC=$!
	trap '[ -z "$SSHD" ] || kill "$SSHD" 2> /dev/null || true; kill "$KDC" 2> /dev/null || true; cleanup' EXIT
	export KRB5CCNAME=$T/kdc/ticket
	until_true 20 sh -c 'echo ticket | kinit bob' || { fail "no ticket"; cat "$T/kdc/log"; }
	chown 250001 "$KRB5CCNAME"
else
	echo "note: no Kerberos here, GSSAPI is not tried"
fi

any=('HostbasedAuthentication yes' 'HostbasedUsesNameFromPacketOnly yes' 'PasswordAuthentication yes'
	'GSSAPIAuthentication yes' 'GSSAPIStrictAcceptorCheck no' "TrustedUserCAKeys $T/ssh/authority.pub")
sshd_starts "${any[@]}"
cp "$T/ssh/other" "$T/ssh/certified"
ssh-keygen -q -s "$T/ssh/authority" -I bob -n bob,svcuser "$T/ssh/other.pub"
cp "$T/ssh/other-cert.pub" "$T/ssh/certified-cert.pub"

# by METHOD WHO [OPTION…]: one login, which says "in as" when it is let in
by() {
	local method=$1 who=$2
	local options=(-F none -p "$PORT" -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1)
	case $method in
	certificate) options+=(-o PreferredAuthentications=publickey -o IdentitiesOnly=yes "${certified[@]}") ;;
	*publickey*) options+=(-o PreferredAuthentications="$method" "${key_options[@]:0:4}") ;;
	*) options+=(-o PreferredAuthentications="$method" -o PubkeyAuthentication=no) ;;
	esac
	case $method in
	hostbased*) at pts "$(id -u "$who")" timeout 20 ssh "${options[@]}" -o HostbasedAuthentication=yes "${@:3}" "$who@127.0.0.1" ;;
	gssapi*) at pts 250001 timeout 20 ssh "${options[@]}" -o GSSAPIAuthentication=yes "${@:3}" "$who@localhost" ;;
	*) at pts 0 timeout 20 ssh "${options[@]}" "${@:3}" "$who@127.0.0.1" ;;
	esac
}
certified=(-i "$T/ssh/certified" -o CertificateFile="$T/ssh/certified-cert.pub")
passwords() { # WHAT: staff by password, whatever the rule says
	hidden "$1: password" "in as" by password bob
	hidden "$1: keyboard-interactive" "in as" by keyboard-interactive bob
	said "This login is remote"
}
shown "password: the machine's own" "in as svcuser" by password svcuser
shown "keyboard-interactive: the machine's own" "in as svcuser" by keyboard-interactive svcuser
shown "hostbased: the machine's own" "in as svcuser" by hostbased svcuser

# ---- a rule that demands nothing: what sshd found out by itself is enough, and what only PAM could find out is not ----
shown "nothing demanded: public key" "in as bob" by publickey bob
shown "nothing demanded: certificate" "in as bob" by certificate bob
shown "nothing demanded: hostbased" "in as bob" by hostbased bob
[ "$with_kerberos" = no ] || shown "nothing demanded: gssapi" "in as bob" by gssapi-with-mic bob
passwords "nothing demanded"

# ---- a rule that demands a touch: none of them proves one ----
change rule change remote --proved touch
only_key bob-key
before=$(audit_count account-granted)
hidden "a touch demanded: public key" "in as" by publickey bob
said "access is refused"
hidden "a touch demanded: certificate" "in as" by certificate bob
hidden "a touch demanded: hostbased" "in as" by hostbased bob
[ "$with_kerberos" = no ] || hidden "a touch demanded: gssapi" "in as" by gssapi-with-mic bob
audited bob account-refused "reason=proof"
passwords "a touch demanded"
checks=$((checks + 1))
[ "$(audit_count account-granted)" = "$before" ] || fail "an account was granted without the touch"

# ---- no password at all: sshd asks PAM with an empty one ----
change rule change remote --proved none
only_key bob-key
sshd_starts "${any[@]}" 'PermitEmptyPasswords yes'
passwd=$(sed 's/^bob:[^:]*:/bob::/; s/^svcuser:[^:]*:/svcuser::/' /etc/shadow)
cp /etc/shadow "$T/shadow.before"
printf '%s\n' "$passwd" > /etc/shadow
hidden "an empty password" "in as" by none bob
hidden "an empty password: the machine's own, since the stack says no nullok" "in as" by none svcuser
cp "$T/shadow.before" /etc/shadow

# ---- several methods, one after the other ----
for second in keyboard-interactive:pam password; do
	sshd_starts "${any[@]}" "AuthenticationMethods publickey,$second"
	hidden "public key alone, where $second is demanded too" "in as" by publickey bob
	hidden "public key, then $second" "in as" by "publickey,${second%:pam}" bob
	shown "public key, then $second: the machine's own" "in as svcuser" by "publickey,${second%:pam}" svcuser
done
sshd_starts "${any[@]}" 'AuthenticationMethods hostbased,publickey'
chown 250001 "$T/ssh/user" # whose client is run
shown "host, then public key" "in as bob" by hostbased,publickey bob
chown 0 "$T/ssh/user"

# ---- one connection for several sessions ----
sshd_starts "${any[@]}"
opened=$(audit_count session-opened)
control=(-o ControlPath="$T/ssh/control")
timeout 120 "${enter_ssh[@]}" "${key_options[@]}" "${control[@]}" -M -N bob@127.0.0.1 > "$T/master.log" 2>&1 &
until_true 20 test -S "$T/ssh/control" || { fail "no shared connection"; cat "$T/master.log"; }
shared() { timeout 20 ssh -F none "${control[@]}" bob@127.0.0.1 "$@"; }
shown "a session over a shared connection" "uid=250001" shared id
shown "and another" "uid=250001" shared id
checks=$((checks + 1))
[ "$(audit_count session-opened)" = $((opened + 1)) ] || fail "one connection is one session, not $(($(audit_count session-opened) - opened))"
change grant remove bob operators
only_key bob-key
hidden "no longer: a new connection" "in as" by publickey bob
# sshd asks PAM at the beginning of a connection: what the manual says
shown "no longer: over the connection that was there before" "uid=250001" shared id
shared -O exit > /dev/null 2>&1 || true
until_true 10 eval '[ "$(audit_count session-closed)" -gt 0 ]' || fail "the connection's session is not closed"
change grant add bob operators --why "runs the servers"
only_key bob-key

# ---- a connection without a session, file transfer, a forced command ----
opened=$(audit_count session-opened)
timeout 120 "${enter_ssh[@]}" "${key_options[@]}" -N -M "${control[@]}" -L "$T/ssh/forwarded:$T/ssh/nowhere" bob@127.0.0.1 > "$T/master.log" 2>&1 &
until_true 20 test -S "$T/ssh/forwarded" || { fail "no forwarding"; cat "$T/master.log"; }
checks=$((checks + 1))
[ "$(audit_count session-opened)" = $((opened + 1)) ] || fail "forwarding alone is a session too"
shared -O exit > /dev/null 2>&1 || true
sshd_starts "${any[@]}" 'Subsystem sftp internal-sftp'
transfer() { printf 'put %s %s\n' "$T/passwd" "$T/home/sent" | timeout 20 sftp -F none -b - -P "$PORT" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "${key_options[@]}" bob@127.0.0.1; }
expect 0 transfer
checks=$((checks + 1))
[ -s "$T/home/sent" ] || fail "sftp sent nothing"
rm -f "$T/home/sent"
sed "s|^|restrict,command=\"echo forced as \$(id -un) \$CROSSKEYS_LOGIN\" |" "$T/ssh/user.pub" > "$T/ssh/forced.pub"
sshd_starts "${any[@]}" "AuthorizedKeysFile $T/ssh/forced.pub"
shown "a forced command" "forced as bob" by publickey bob
traced "$(sed -n 's/.*forced as bob \([0-9a-f]\{32\}\).*/\1/p' "$T/out")"
change rule remove remote
only_key bob-key
hidden "no rule: a forced command" "forced as" by publickey bob
sshd_starts "${any[@]}" 'Subsystem sftp internal-sftp'
expect 255 transfer
checks=$((checks + 1))
[ ! -e "$T/home/sent" ] || fail "no rule: sftp sent something"
finish
