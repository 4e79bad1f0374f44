# An instance made by `crosskeys init`, and its slapd, for the scripts beside this one. Sourced; needs CK_BUILD and CK_SOURCE.
: "${CK_BUILD:?the build folder}" "${CK_SOURCE:?the source folder}"

skip()
{
	echo "skipped: $*"
	exit 77
}
fail()
{
	echo "failed: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || skip "needs root: an instance has users of its own"
[ -x "$CK_BUILD/crosskeys" ] || skip "$CK_BUILD/crosskeys is not built"
"$CK_SOURCE/contrib/create-users" >/dev/null

suffix=dc=crosskeys,dc=example
# Not below /tmp: clients trust only folders that root alone can change.
work=$(mktemp -d /run/ck-schema.XXXXXX)
chmod 755 "$work"
dir=$work/i
uri=ldapi://${dir//\//%2F}%2Frun-directory%2Fldapi
slapd_pid=

end()
{
	status=$?
	trap - EXIT
	stop_slapd
	[ $status = 0 ] || cat "$work"/*.log 2>/dev/null >&2 || true
	rm -rf "$work"
	exit $status
}
trap end EXIT
trap 'exit 1' INT TERM

make_instance()
{
	"$CK_BUILD/crosskeys" init "$dir" --suffix "$suffix" --rp-id portal.example.org --portal-origin https://portal.example.org \
		--system core1 --authority "Northwich Council" --admin mia --admin-name "Mia Roberts" "$@" >"$work/init.out" 2>"$work/init.log"
	authority=$(sed -n 's/^founding_authority = //p' "$dir/crosskeys.conf")
	below=ckId=$authority,ou=authorities,$suffix
}
start_slapd()
{
	setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups \
		/usr/sbin/slapd -F "$dir/directory/slapd.d" -h "$uri" -d none >"$work/slapd.log" 2>&1 &
	slapd_pid=$!
	for _ in $(seq 100); do
		if as_daemon ldapwhoami -Q -Y EXTERNAL -H "$uri" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	fail "slapd does not answer"
}
stop_slapd()
{
	[ -n "$slapd_pid" ] || return 0
	kill "$slapd_pid" 2>/dev/null || true
	wait "$slapd_pid" 2>/dev/null || true
	slapd_pid=
}
as_user()
{
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups env -i LDAPNOINIT=1 PATH=/usr/bin:/bin:/usr/sbin:/sbin "$@"
}
as_daemon() { as_user crosskeys-replica "$@"; }

new_id() { cat /proc/sys/kernel/random/uuid; }
# staff ID UID NUMBER: an entry of a person as LDIF
staff()
{
	cat <<-END
		dn: ckId=$1,ou=staff,$below
		objectClass: inetOrgPerson
		objectClass: posixAccount
		objectClass: ckStaff
		ckId: $1
		uid: $2
		uidNumber: $((200000 + $3))
		gidNumber: $((200000 + $3))
		homeDirectory: /home/$2
		loginShell: /bin/bash
		cn: Person $3
		sn: $3
		mail: person$3@example.org
		employeeNumber: $3
		ckStaffNumber: $authority:$3
		ckStatus: active
		ckValidFrom: 00010101000000Z
		ckValidUntil: 99991231235959Z
		ckListed: TRUE
	END
}
# key STAFF HASH CREDENTIAL: an entry of a key as LDIF
key()
{
	cat <<-END
		dn: ckKeyHash=$2,ckId=$1,ou=staff,$below
		objectClass: ckKey
		ckKeyHash: $2
		ckCredentialId: $3
		ckPublicKey: cose
		ckRpId: portal.example.org
		ckAaguid: 00000000-0000-0000-0000-000000000000
		ckLabel: blue
		ckAttestation: self
		ckCanVerify: TRUE
		ckStatus: active
		ckValidFrom: 00010101000000Z
		ckValidUntil: 99991231235959Z
	END
}
add() { as_daemon ldapadd -Q -Y EXTERNAL -H "$uri"; }
