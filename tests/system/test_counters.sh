#!/usr/bin/env bash
# Counters and last use in the directory: written there once an interval, beside the key and never into it; what comes from there refuses a
# count that is not above it, also after this machine's own ledger was lost; a key that goes takes its use with it, a revoked one stays so.
INTERVAL=4
MORE_CONFIG="key_use_interval_s = $INTERVAL"
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people

directory() { # TOOL WORDS…
	local tool=$1
	shift
	setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups "$tool" -Q -Y EXTERNAL \
		-H "ldapi://${I//\//%2F}%2Frun-directory%2Fldapi" "$@"
}
entry() { directory ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" '(objectClass=*)' "$2" 2> /dev/null | sed -n "s/^$2: //p"; }
key_id() { ck key list "$1" --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p' | head -1; }
key_dn() { directory ldapsearch -LLL -o ldif-wrap=no -b dc=example,dc=org "(ckKeyHash=$(key_id "$1"))" dn | sed -n 's/^dn: //p'; }
said_count() { soft_key show "$1-key" | sed -n 's/.*count=\([0-9]*\) .*/\1/p' | head -1; } # what the key said last
has_count() { [ "$(entry "cn=use,$1" ckCounter)" = "$2" ]; }
# the seconds at which slapd wrote the use below this key
writes() {
	directory ldapsearch -LLL -o ldif-wrap=no -b cn=accesslog "(&(reqDN=cn=use,$1)(reqResult=0)(|(objectClass=auditAdd)(objectClass=auditModify)))" reqStart |
		sed -n 's/^reqStart: \(....\)\(..\)\(..\)\(..\)\(..\)\(..\).*/\1-\2-\3 \4:\5:\6/p' | sort | while read -r time; do date -u -d "$time" +%s; done
}
alarms() { crosskeys audit show --event counter-alarm "$I/audit"; }
set_count() { printf 'dn: cn=use,%s\nchangetype: modify\nreplace: ckCounter\nckCounter: %s\n' "$1" "$2" | directory ldapmodify > "$T/out" 2>&1 || { fail "ldapmodify"; cat "$T/out"; }; }

# ---- it appears, once an interval, and the key is not touched ----
bob=$(key_dn bob)
before=$(entry "$bob" entryCSN)
LIMIT=20 soon has_count "$bob" "$(said_count bob)"
for login in 1 2 3; do ok login_bob; done
LIMIT=30 soon has_count "$bob" "$(said_count bob)"
written_twice() { # slapd's log follows what it logs
	writes "$bob" > "$T/writes"
	[ "$(wc -l < "$T/writes")" -ge 2 ]
}
soon written_twice
previous=0
while read -r at; do
	[ $((at - previous)) -ge $((INTERVAL - 1)) ] && pass || fail "the use was written $((at - previous)) s after it was"
	previous=$at
done < "$T/writes"
[ "$(entry "$bob" entryCSN)" = "$before" ] && pass || fail "the key itself was written"
used=$(entry "cn=use,$bob" ckLastUse)
[ "$used" \> "$(date -u -d '5 minutes ago' +%Y%m%d%H%M%SZ)" ] && [ ! "$used" \> "$(date -u +%Y%m%d%H%M%SZ)" ] && pass || fail "used at $used"
expect 0 ck key list bob
said "ckLastUse"
lists_last_use() { ck key list bob 2> /dev/null | grep -qF "$(date -u -d "${used:0:8} ${used:8:2}:${used:10:2}:${used:12:2}" +%Y-%m-%dT%H:%M:%SZ)"; }
soon lists_last_use # the copy follows the directory
[ "$(ck status --json | grep -c quarantined)" -ge 1 ] && ! ck status | grep -q '^quarantined: ckKey' && pass || fail "something is quarantined: $(ck status)"

# ---- taken out of the directory, it comes back ----
directory ldapdelete "cn=use,$bob" && pass || fail "it cannot be taken out"
LIMIT=20 soon has_count "$bob" "$(said_count bob)"

# ---- a provider that does not answer holds up no login, and nothing that the replica is asked ----
slapd=$(pids_of slapd)
kill -STOP "$slapd"
for login in 1 2 3; do ok login_bob; done
begun=$(now_ms)
expect 1 enrol eve 0000-0000-0000-0000-0000 1234
[ $(($(now_ms) - begun)) -lt 3000 ] && pass || fail "the replica was held up for $(($(now_ms) - begun)) ms"
kill -CONT "$slapd"
LIMIT=40 soon has_count "$bob" "$(said_count bob)"

# ---- what another ledger counted ----
refused_bob() { ! login_bob; }
set_count "$bob" 5000000
LIMIT=20 soon refused_bob
expect 1 login_bob
said "this key's counter went back"
alarms | grep -q 'learned=5000000 fault=behind outcome=refused' && pass || fail "not in the log: $(alarms | tail -1)"
soft_key count bob-key 5000000
ok login_bob

# ---- this machine's ledger is lost: what the directory has is known all the same ----
last=$(said_count bob)
LIMIT=30 soon has_count "$bob" "$last"
stop_daemon
rm -rf "$I/audit"
start_daemon
soft_key misbehave bob-key wrong-counter
said_behind() { login_bob && return 0; alarms | grep -q "count=1 .*learned=$last fault=behind outcome=refused"; }
LIMIT=20 soon said_behind
[ "$(crosskeys audit show --event login-granted "$I/audit" | grep -c 'count=1 ')" = 0 ] && pass || fail "a count of 1 let somebody in"
soft_key misbehave bob-key none
ok login_bob

# ---- a revocation and a use at the same time: revoked ----
eve=$(key_dn eve)
for round in 1 2 3; do
	only_key ada-key
	as ada 1234 key code eve > "$T/code.out" 2>&1 || fail "no code"
	new_key "eve-$round" 1234
	only_key "eve-$round"
	code=$(code_of eve "$T/code.out")
	expect 0 crosskeys key add eve --code "$code" --label "$round" --dir "$I" --pin-fd 9 9<<< $'1234\n1234'
	only_key ada-key
	expect 0 as ada 1234 key revoke eve "$round"
	ck key list eve --json > "$T/keys"
done
revoked() { [ "$(in_directory '(&(objectClass=ckKey)(ckStatus=revoked))' ckStatus | wc -l)" = 3 ]; }
ok revoked
only_key bob-key
ok login_bob
LIMIT=30 soon has_count "$bob" "$(said_count bob)" # by then what was due before it was looked at
ok revoked
[ "$(ck key list eve | grep -c revoked)" = 3 ] && pass || fail "not revoked here: $(ck key list eve)"

# ---- a key that goes leaves nothing ----
[ -n "$(entry "cn=use,$eve" ckCounter)" ] && pass || fail "eve's key has no use"
only_key ada-key
for key in 1 2 3 "security key"; do expect 0 as ada 1234 key remove eve "$key"; done
eves=$(ck staff show eve --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p')
below() { directory ldapsearch -LLL -o ldif-wrap=no -b "ckId=$eves,ou=staff,${eve#*ou=staff,}" '(objectClass=*)' dn | grep -c '^dn: '; }
[ "$(below)" = 1 ] && pass || fail "below eve: $(below)"
only_key bob-key
ok login_bob
LIMIT=30 soon has_count "$bob" "$(said_count bob)"
[ "$(below)" = 1 ] && pass || fail "below eve, later: $(below)"
grep -q 'quarantined ' "$T/daemon.log" && fail "something was quarantined: $(grep 'quarantined ' "$T/daemon.log" | tail -1)" || pass
expect 0 verify_log
finish
