#!/usr/bin/env bash
# As many servers as may ever have written are followed: every change number of theirs is in the cookie that is resumed from. One more is refused.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
stop_daemon
LIMIT=$(sed -n 's/^#define CK_CSN_SERVERS_LIMIT \([0-9]*\).*/\1/p' "$CK_SOURCE/directory/ldap/csn.h")
SUFFIX=dc=example,dc=org
as_slapd() { setpriv --reuid crosskeys-directory --regid crosskeys-directory --clear-groups "$@"; }
data=$(as_slapd /usr/sbin/slapcat -F "$I/directory/slapd.d" -n 0 2> /dev/null | sed -n "/^olcSuffix: $SUFFIX/,/^\$/s/^olcDbDirectory: //p" | head -1)
[ -d "$data" ] || data=$(as_slapd /usr/sbin/slapcat -F "$I/directory/slapd.d" -n 0 2> /dev/null | sed -n 's/^olcDbDirectory: //p' | grep -v accesslog | head -1)
# servers COUNT: the directory, as if so many had written
servers() {
	local i
	as_slapd /usr/sbin/slapcat -F "$I/directory/slapd.d" -b "$SUFFIX" -o ldif-wrap=no > "$T/all.ldif" 2> /dev/null
	own=$(sed -n 's/^contextCSN: .*#\([0-9a-f]\{3\}\)#.*/\1/p' "$T/all.ldif" | head -1)
	{
		sed '/^$/,$d' "$T/all.ldif" | grep -v '^contextCSN: .*#f00#\|^contextCSN: 2001'
		for ((i = 0; i < $1 - 1; i++)); do printf 'contextCSN: 20010102030405.678901Z#000000#%03x#000000\n' $((1024 + i)); done
		sed -n '/^$/,$p' "$T/all.ldif"
	} > "$T/more.ldif"
	rm -f "$data"/*.mdb
	chmod 644 "$T/more.ldif"
	as_slapd /usr/sbin/slapadd -q -F "$I/directory/slapd.d" -b "$SUFFIX" -l "$T/more.ldif" > "$T/slapadd.out" 2>&1 || { fail slapadd; tail -3 "$T/slapadd.out"; }
	checks=$((checks + 1))
	[ "$(as_slapd /usr/sbin/slapcat -F "$I/directory/slapd.d" -b "$SUFFIX" 2> /dev/null | grep -c '^contextCSN:')" = "$1" ] || fail "the directory does not name $1 servers"
}
follows() { ck status 2> /dev/null | grep -q '^replica: following'; }

servers "$LIMIT"
start_daemon
until_true 30 follows || { fail "$LIMIT servers are not followed"; ck status; tail -5 "$T/daemon.log"; }
change staff add pip --name "Pip Hill" --mail pip@northtown.example --number 7
checks=$((checks + 1))
! grep -q 'not yet visible' "$T/change.out" || { fail "the change is not seen"; cat "$T/change.out"; }
# and it is resumed from that cookie, not read in full
refreshes=$(crosskeys audit show --event refreshed "$I/audit" | grep -c 'full refresh' || true)
stop_daemon
start_daemon
until_true 30 follows || fail "$LIMIT servers are not followed after a restart"
checks=$((checks + 1))
[ "$(crosskeys audit show --event refreshed "$I/audit" | grep -c 'full refresh' || true)" = "$refreshes" ] || fail "everything was read again"
expect 0 ck staff show pip
stop_daemon

servers $((LIMIT + 1))
"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
DAEMON=$!
refused() { ck status 2> /dev/null | grep -q '^problem: the directory is not followed'; }
until_true 30 refused || { fail "one server more is followed"; ck status; }
expect 0 ck staff show pip # what was known goes on
finish
