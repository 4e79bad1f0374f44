#!/bin/bash
# The accesslog is the session log: a consumer that comes back after slapd was restarted is told of the deletion by name (a delete phase).
set -eu
. "$(dirname "$0")/instance.sh"
make_instance
start_slapd

sync() { as_daemon ldapsearch -Q -Y EXTERNAL -H "$uri" -o ldif-wrap=no -b "$suffix" -E "sync=ro$1" 1.1; }
id=$(new_id)
staff "$id" ada 50 | add >/dev/null
cookie=$(sync "" | sed -n 's/^# cookie: //p')
[ -n "$cookie" ] || fail "no cookie"
as_daemon ldapdelete -Q -Y EXTERNAL -H "$uri" "ckId=$id,ou=staff,$below"
stop_slapd
start_slapd
sync "/$cookie" >"$work/sync"
grep -qi 'refreshDeletes=1' "$work/sync" || { cat "$work/sync"; fail "a present phase: the session log did not outlive slapd"; }
[ "$(grep -c '^dn: ' "$work/sync")" = 0 ] || { cat "$work/sync"; fail "entries that did not change came again"; }
grep -qiE 'syncUUIDs|deleted' "$work/sync" || { cat "$work/sync"; fail "the deletion was not named"; }
echo "the session log outlives slapd"
