#!/usr/bin/env bash
# A whole instance on a directory elsewhere by each mechanism: SCRAM-SHA-256, simple over STARTTLS, GSSAPI from a real key distribution
# centre; certificates are test_providers_mirror.sh's. Files that prove who this is are refused when others may read them, and nothing in the
# environment or in anybody's ldaprc changes what is checked.
. "$CK_SOURCE/tests/system/provider_lib.sh"
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"

authority ca
authority other
certificate a /CN=a.test subjectAltName=DNS:a.test
SERVICE_PASSWORD='of core1: "quite" secret'
export SERVICE_PASSWORD

begin() { # OPTIONS…: an instance and its one provider
	rm -rf "$I" "$T/a" "$K"
	init_elsewhere "$@"
	give "$C/ca.pem" ca.pem
	make_provider a 1
	first_entries a
	start_provider a "ldap://a.test ldaps://a.test"
}
works() { # it is followed, and a change goes through
	start_daemon
	until_true 20 follows "$1" || { fail "$1 is not followed"; ck status; tail -20 "$T/daemon.log"; tail -5 "$T/a.slapd"; }
	enrol_ada
	change staff add pip --name "Pip Hill" --mail pip@northtown.example --number 7
	expect 0 ck status
}
changes_passwords() { # on a connection that was a person's, and is the replica's again by this mechanism
	new_people
	with_passwords
	expect 0 login_with "$OWN"
	expect 1 login_with "wrong horse"
}
end() {
	stop_daemon
	stop_provider a
}
bound_by() { # MECHANISM: the directory says that this is how
	checks=$((checks + 1))
	grep -q "BIND dn=\"cn=crosskeysd,$SUFFIX\" mech=$1" "$T/a.slapd" || { fail "nobody bound by $1"; grep BIND "$T/a.slapd" | tail -5; }
}
# does not start: the configuration's files are refused with this sentence
refused() {
	checks=$((checks + 1))
	if timeout 20 "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" > "$T/refused.out" 2>&1; then fail "it started: $1"; fi
	grep -qF -- "$1" "$T/refused.out" || { fail "not said: $1"; tail -3 "$T/refused.out"; }
}

# ---- SCRAM-SHA-256 ----
begin --provider ldaps://a.test --provider-mechanism scram-sha-256 --provider-identity core1
refused providers/password
printf '%s\n' "$SERVICE_PASSWORD" > "$T/password"
give "$T/password" password
chmod 440 "$I/providers/password"
refused 'expected a regular file of crosskeys-replica'
chmod 400 "$I/providers/password"
chown root "$I/providers/password"
refused 'expected a regular file of crosskeys-replica'
rm "$I/providers/password"
ln -s "$T/password" "$I/providers/password"
refused providers/password
rm "$I/providers/password"
give "$T/password" password
chmod 666 "$I/providers/ca.pem"
refused providers/ca.pem
chmod 444 "$I/providers/ca.pem"
works ldaps://a.test
bound_by SCRAM-SHA-256
# a password that is wrong now is refused at the next connection, and one that is right again is taken without a restart of anything
printf 'wrong\n' > "$T/wrong"
stop_provider a
give "$T/wrong" password
start_provider a ldaps://a.test
until_true 20 grep -q 'trouble\|left: .*Invalid credentials' <(until_true 20 sh -c "\"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q 'Invalid credentials'"; ck status) ||
	{ fail "a wrong password is not told"; ck status; }
give "$T/password" password
until_true 20 follows ldaps://a.test || fail "the right password is not taken"
end

# ---- nothing but the configuration counts ----
# whose certificates are checked against nothing, by every way that libldap has to be told so
printf 'TLS_REQCERT never\nTLS_CACERT %s\nREFERRALS on\nSASL_MECH ANONYMOUS\nURI ldap://dead.test\n' "$C/other.pem" > "$T/ldaprc"
mount --bind "$T/ldaprc" /etc/ldap/ldap.conf
cp "$T/ldaprc" "$T/.ldaprc"
give "$C/other.pem" ca.pem
(
	cd "$T"
	export HOME=$T LDAPCONF=$T/ldaprc LDAPRC=$T/ldaprc LDAPTLS_REQCERT=never LDAPTLS_CACERT=$C/ca.pem LDAPURI=ldap://dead.test LDAPSASL_MECH=ANONYMOUS \
		SASL_PATH=/nowhere SASL_CONF_PATH=/nowhere
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	echo $! > "$T/daemon.pid"
)
start_provider a ldaps://a.test
DAEMON=$(cat "$T/daemon.pid")
started+=("$DAEMON")
until_true 20 sh -c "\"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q 'left: .*TLS'" || { fail "a provider of another authority was not refused"; ck status; }
checks=$((checks + 1))
! grep -q BIND "$T/a.slapd" || fail "somebody bound to a provider that another authority vouches for"
give "$C/ca.pem" ca.pem # written anew under the same name: the replica reads it with its next start
kill "$DAEMON"
until_true 20 sh -c "! kill -0 $DAEMON 2> /dev/null" || true
umount /etc/ldap/ldap.conf
DAEMON=
end

# ---- simple, over STARTTLS ----
SERVICE_PASSWORD=simple-as-that
begin --provider ldap://a.test --provider-mechanism simple
printf '%s' "$SERVICE_PASSWORD" > "$T/password"
give "$T/password" password
works ldap://a.test
bound_by SIMPLE
changes_passwords
checks=$((checks + 1))
! grep -E 'BIND dn="cn=(crosskeysd|password,).* ssf=0$' "$T/a.slapd" > "$T/clear" || fail "bound in the clear"
end

# ---- GSSAPI ----
REALM=TEST
mkdir "$T/kdc"
cat > "$T/kdc/krb5.conf" << END
[libdefaults]
	default_realm = $REALM
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	$REALM = {
		kdc = kdc.test
	}
[domain_realm]
	.test = $REALM
END
cat > "$T/kdc/kdc.conf" << END
[kdcdefaults]
	kdc_listen = 127.0.0.1:88
	kdc_tcp_listen = 127.0.0.1:88
[realms]
	$REALM = {
		database_name = $T/kdc/principal
		key_stash_file = $T/kdc/stash
		acl_file = $T/kdc/acl
		max_life = 1h
	}
END
export KRB5_CONFIG=$T/kdc/krb5.conf KRB5_KDC_PROFILE=$T/kdc/kdc.conf
kdb5_util create -s -P master -r "$REALM" > "$T/kdc/out" 2>&1 || { fail kdb5_util; cat "$T/kdc/out"; }
for principal in ldap/a.test crosskeysd/core1; do
	kadmin.local -r "$REALM" -q "addprinc -randkey $principal" > "$T/kdc/out" 2>&1 || fail "addprinc $principal"
	kadmin.local -r "$REALM" -q "ktadd -k $T/kdc/${principal%%/*}.keytab $principal" > "$T/kdc/out" 2>&1 || fail "ktadd $principal"
done
serve krb5kdc -n -r "$REALM"
begin --provider ldaps://a.test --provider-mechanism gssapi --provider-identity crosskeysd/core1
stop_provider a
chown crosskeys-directory "$T/kdc/ldap.keytab"
chmod 711 "$T/kdc"
chmod 644 "$T/kdc/krb5.conf"
export KRB5_KTNAME=$T/kdc/ldap.keytab
start_provider a ldaps://a.test
unset KRB5_CONFIG KRB5_KDC_PROFILE KRB5_KTNAME
refused providers/keytab
give "$T/kdc/crosskeysd.keytab" keytab
cp "$T/kdc/krb5.conf" "$I/providers/krb5.conf"
chmod 644 "$I/providers/krb5.conf"
works ldaps://a.test
bound_by GSSAPI
changes_passwords
# the centre is gone: the ticket that is there serves until its end, and nobody waits for the centre but the dialler
kill "$served"
stop_provider a KILL
until_true 20 sh -c "! \"$CK_BUILD/crosskeys\" status --dir \"$I\" | grep -q '^replica: following'" || fail "the provider's end was not noticed"
export KRB5_CONFIG=$T/kdc/krb5.conf KRB5_KTNAME=$T/kdc/ldap.keytab
start_provider a ldaps://a.test
until_true 20 follows ldaps://a.test || { fail "a ticket that is there is not used"; ck status; }
finish
