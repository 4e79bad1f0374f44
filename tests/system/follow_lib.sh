# Shared by the tests of following: a real slapd as crosskeys init makes it, and follow-probe, which follows it without the daemon.
# shellcheck shell=bash
set -eu
: "${CK_BUILD:?the build directory}" "${CK_SOURCE:?the source directory}"
for program in slapd ldapadd ldapmodify ldapdelete ldapsearch setpriv; do
	command -v "$program" > /dev/null || PATH=$PATH:/usr/sbin
	command -v "$program" > /dev/null || { echo "skipped: no $program"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }

failures=0
checks=0
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
# wait_for SECONDS WORDS…: until it succeeds
wait_for() {
	local left=$(($1 * 20))
	shift
	checks=$((checks + 1))
	while ! "$@" > /dev/null 2>&1; do
		left=$((left - 1))
		if [ "$left" -le 0 ]; then
			fail "not within the time: $*"
			tail -qn 5 "$T/probe.out" "$T/probe.err" | sed 's/^/    /'
			return 0
		fi
		sleep 0.05
	done
}
finish() {
	[ "$checks" -gt 0 ] || { echo "nothing was checked"; exit 1; }
	echo "$checks checks, $failures failures"
	[ "$failures" = 0 ]
}

T=$(mktemp -d /run/ck-follow.XXXXXX)
chmod 755 "$T"
I=$T/i
SUFFIX=dc=example,dc=org
SLAPD=
PROBE=
cleanup() {
	stop_probe
	stop_slapd
	exec 7>&- || true
	[ -z "${CK_KEEP:-}" ] || { echo "kept: $T"; return; }
	rm -rf "$T"
}
trap cleanup EXIT

run_as() { # USER WORDS…
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
}
start_slapd() {
	setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups -- slapd -F "$I/directory/slapd.d" -h "$URI" -d none >> "$T/slapd.out" 2>&1 &
	SLAPD=$!
	wait_for 10 search -s base -b "$SUFFIX" dn
}
stop_slapd() { # [SIGNAL]
	[ -n "$SLAPD" ] || return 0
	kill "-${1:-TERM}" "$SLAPD" 2> /dev/null || true
	wait "$SLAPD" 2> /dev/null || true
	SLAPD=
}
search() { run_as crosskeys-replica ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$URI" "$@"; }
modify() { run_as crosskeys-replica ldapmodify -Q -Y EXTERNAL -H "$URI" "$@" > "$T/ldap.out" 2>&1 || { fail "ldapmodify"; cat "$T/ldap.out"; }; }
delete() { run_as crosskeys-replica ldapdelete -Q -Y EXTERNAL -H "$URI" "$@" > "$T/ldap.out" 2>&1 || { fail "ldapdelete"; cat "$T/ldap.out"; }; }

start_probe() { # [PERCENT FLOOR]
	: > "$T/probe.out"
	: > "$T/probe.err"
	setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups -- \
		"$CK_BUILD/tests/follow-probe" "$T/store" "$URI" "$SUFFIX" "$@" < "$T/commands" >> "$T/probe.out" 2>> "$T/probe.err" 7>&- &
	PROBE=$!
}
stop_probe() {
	[ -n "$PROBE" ] || return 0
	kill "$PROBE" 2> /dev/null || true
	wait "$PROBE" 2> /dev/null || true
	PROBE=
}
dump() { run_as crosskeys-replica "$CK_BUILD/tests/follow-probe" --dump "$T/store"; }
holds() { dump | grep -q "$1"; }
lacks() { ! dump | grep -q "$1"; }
said() { grep -q "$1" "$T/probe.out"; }
forget_said() { : > "$T/probe.out"; }
# The log of deletions is lost: those that the follower missed come as a present phase.
lose_session_log() {
	rm -f "$I"/directory/accesslog/*.mdb
}

uuid() { cat /proc/sys/kernel/random/uuid; }
staff_dn() { echo "ckId=$1,ou=staff,ckId=$AUTHORITY,ou=authorities,$SUFFIX"; }
# staff_ldif ID UID NUMBER: an entry to add
staff_ldif() {
	cat << LDIF
dn: $(staff_dn "$1")
changetype: add
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: ckStaff
ckId: $1
uid: $2
uidNumber: $((210000 + $3))
gidNumber: $((210000 + $3))
homeDirectory: /home/$2
loginShell: /bin/bash
cn: $2
sn: $2
mail: $2@northtown.example
employeeNumber: $3
ckStaffNumber: $AUTHORITY:$3
ckStatus: active
ckValidFrom: 00010101000000Z
ckValidUntil: 99991231235959Z
ckListed: TRUE

LDIF
}

"$CK_SOURCE/contrib/create-users" > /dev/null
"$CK_BUILD/crosskeys" init "$I" --suffix "$SUFFIX" --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 \
	--authority northtown --admin ada --admin-mail ada@northtown.example --mail-domain northtown.example > "$T/init.out"
URI="ldapi://$(printf '%s' "$I/run-directory/ldapi" | sed 's,/,%2F,g')"
AUTHORITY=$(sed -n 's/^founding_authority *= *//p' "$I/crosskeys.conf")
mkdir "$T/store"
chown crosskeys-replica:crosskeys-replica "$T/store"
mkfifo -m 666 "$T/commands"
exec 7<> "$T/commands" # held open, so that the probe's input never ends
start_slapd
