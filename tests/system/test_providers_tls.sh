#!/usr/bin/env bash
# Who is no provider of ours is told nothing: wrong certificates of every kind, TLS that is stripped or never comes, servers that speak
# rubbish. openssl's server shows what was sent inside TLS; the first round proves that it would show the password.
. "$CK_SOURCE/tests/system/provider_lib.sh"

SECRET=s3same-open-wide
authority ca
authority other
certificate good /CN=good subjectAltName=DNS:a.test
certificate other-ca /CN=x subjectAltName=DNS:a.test other
certificate wrong-name /CN=x subjectAltName=DNS:b.test
certificate name-in-subject /CN=a.test keyUsage=digitalSignature
certificate expired /CN=x subjectAltName=DNS:a.test ca 0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$C/self-signed.key" -out "$C/self-signed.pem" -days 30 \
	-subj /CN=a.test -addext subjectAltName=DNS:a.test 2> /dev/null
sleep 1 # the expired one was good for no day and is past now

reach() { # URI OPTIONS…: with the password
	local uri=$1
	shift
	"$REACH" "$uri" simple ca="$C/ca.pem" identity=cn=ck,dc=x password="$SECRET" seconds=1 "$@"
}
port=7000
# against CERTIFICATE OPTIONS-OF-S_SERVER…: a TLS server that prints what it is sent
against() {
	local name=$1
	shift
	port=$((port + 1))
	: > "$T/heard"
	openssl s_server -accept "127.0.0.1:$port" -cert "$C/$name.pem" -key "$C/$name.key" "$@" > "$T/heard" 2>&1 < <(sleep 20) &
	served=$!
	started+=("$served")
	until_true 20 grep -q ACCEPT "$T/heard" || fail "openssl s_server did not start"
}
told() { # the password
	checks=$((checks + 1))
	grep -qaF "$SECRET" "$T/heard" || { fail "the password was expected to be seen: nothing is proved"; tail -3 "$T/heard"; }
}
not_told() {
	checks=$((checks + 1))
	! grep -qaF "$SECRET" "$T/heard" || fail "the password was told to $1"
}

# ---- certificates ----
against good
expect 1 reach "ldaps://a.test:$port" # it is no LDAP server, and so it never answers
said 'did not answer in time'
told
end_fake
for name in other-ca wrong-name name-in-subject expired self-signed; do
	against "$name"
	expect 1 reach "ldaps://a.test:$port"
	said 'refused: unavailable: TLS'
	not_told "$name"
	end_fake
done
# ---- strength ----
against good -tls1_2
expect 1 reach "ldaps://a.test:$port"
said 'refused: unavailable: TLS'
not_told "TLS 1.2"
end_fake
against good -tls1_2
expect 1 reach "ldaps://a.test:$port" tls=1.2 # where 1.2 is allowed
told
end_fake
against good -tls1_1 -cipher 'ALL:@SECLEVEL=0'
expect 1 reach "ldaps://a.test:$port" tls=1.2
said 'refused: unavailable: TLS'
not_told "TLS 1.1"
end_fake
against good -tls1_2 -cipher 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0'
expect 1 reach "ldaps://a.test:$port" tls=1.2
said 'refused: unavailable: TLS'
not_told "CBC with SHA-1"
end_fake
# ---- nobody who may vouch ----
against good
expect 1 "$REACH" "ldaps://a.test:$port" simple identity=cn=ck,dc=x password="$SECRET" seconds=3
said 'nobody is named who may vouch'
expect 1 "$REACH" "ldaps://a.test:$port" simple ca="$C/absent.pem" identity=cn=ck,dc=x password="$SECRET" seconds=3
said 'cannot be set up'
not_told "nobody vouched for"
end_fake

# ---- TLS that does not come ----
for mode in silent drip starttls-silent starttls-refused starttls-plain starttls-inject; do
	port=$((port + 1))
	fake "$mode" "$port"
	scheme=ldap
	[ "${mode#starttls}" != "$mode" ] || scheme=ldaps
	begun=$SECONDS
	expect 1 reach "$scheme://a.test:$port"
	said 'refused: '
	not_told "$mode"
	checks=$((checks + 1))
	[ $((SECONDS - begun)) -le 8 ] || fail "$mode held it up for $((SECONDS - begun)) s"
	end_fake
done

# ---- rubbish inside TLS ----
follow() { # MODE EXPECTED WORDS: through bind and question
	port=$((port + 1))
	fake "$1" "$port" good
	expect 1 "$REACH" "ldaps://a.test:$port" "${3:-simple}" ca="$C/ca.pem" identity=cn=ck,dc=x password="$SECRET" suffix=dc=x seconds=1
	said "$2"
	end_fake
}
for seed in 1 2 3; do
	SEED=$seed follow random 'refused: '
	SEED=$seed follow random-inside 'refused: '
done
follow bind-hang 'nothing came of it'
follow wrong-id 'nothing came of it'
follow huge 'refused: '
follow question-hang 'refused: '
follow refresh-hang 'nothing came of it'
follow referrals 'referrals without end'
follow disconnect 'closing the connection'
follow says-53 'refused: conflict'
# a provider that knows the password proves it; one that only says yes does not
follow early-success 'refused: ' scram-sha-256
checks=$((checks + 1))
! grep -qaF "$SECRET" "$T/heard" || fail "SCRAM sent the password itself"

finish
