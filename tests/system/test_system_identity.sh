#!/usr/bin/env bash
# A machine is one system of the directory, not whatever has its name: when that system is removed and another authority takes the name, its
# rules let nobody in here, and the log says why.
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance
new_people
pinned=$(sed -n 's/^system_id = //p' "$I/crosskeys.conf")
id_of() { ck system show "$1" --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p' | head -1; }
[ -n "$pinned" ] && [ "$(id_of core1)" = "$pinned" ] && pass || fail "init pinned \"$pinned\", and core1 is $(id_of core1)"
ok login_bob
ok account bob
problem() { # WORDS: what status says
	checks=$((checks + 1))
	ck status > "$T/status" 2>&1 || true
	grep '^problem: ' "$T/status" | grep -qF "$1" || { fail "status does not say: $1"; cat "$T/status"; }
}
expect 0 ck status

# another authority, whose administrator would like to be let in here
only_key ada-key
expect 0 as ada 1234 authority add southport --kind council --uid-range 300000-300999 --mail-domain southport.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
code=$(code_of sam "$T/out")
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$code" 1234
expect 1 as sam 1234 system add core1
said "held by"
only_key ada-key
expect 0 as ada 1234 system change core1 --status suspended
problem "the system core1 is suspended: nobody is let in"
expect 0 as ada 1234 rule remove console
expect 0 as ada 1234 rule remove doors
expect 0 as ada 1234 system remove core1
only_key bob-key
never login_bob
said_why() { newest "$1" | grep -qF "reason=$2"; }
said_why bob unknown-system && pass || fail "not the reason: $(newest bob)"
problem "the directory has no system core1 ($pinned), which this machine is: nobody is let in"
only_key sam-key
expect 0 as sam 1234 system add core1
expect 0 as sam 1234 role add everybody --all-staff-of southport
expect 0 as sam 1234 rule add all --system core1 --role everybody --service '*' --proved none
expect 0 as sam 1234 rule add root --system core1 --role everybody --service '*' --account root
[ "$(id_of core1)" != "$pinned" ] && pass || fail "the id was used again"
problem "the system core1 of the directory ($(id_of core1)) is not this machine ($pinned): nobody is let in"
never account sam
said_why sam other-system && pass || fail "not the reason: $(newest sam)"
expect 1 login_as demo sam 1234
said_why sam other-system && pass || fail "not the reason: $(newest sam)"
expect 1 ck explain sam core1 demo
said "is not this machine ($pinned)"
expect 0 verify_log
finish
