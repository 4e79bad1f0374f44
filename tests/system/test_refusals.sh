#!/usr/bin/env bash
# From a granted state each single thing that a rule, a role, a grant, a person, a system or an authority demands is taken away, by a real
# change: the login is refused, explain says the same and why, the audit log has it; then it is given back, and the login granted again.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
add_staff bob "Bob Stone" 2
change system add core2
change system-group add racks
change role add operators
change role add seniors
change authority add southport --uid-range 300000-309999 --mail-domain southport.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$(code_of sam "$T/change.out")" 1234
change grant add bob operators --why "runs the servers" --until +1d
change grant add sam operators --why "helps out"
change rule add console --system core1 --role operators --service demo

granted() { # [UID]
	only_key "${1:-bob}-key"
	expect 0 login_as demo "${1:-bob}" 1234
	expect 0 ck explain "${1:-bob}" core1 demo
	said "so: granted by rule console"
}
refused() { # UID REASON TEXT: TEXT is what explain says of the cause
	only_key "$1-key"
	expect 1 login_as demo "$1" 1234
	audited "$1" login-refused "reason=$2"
	expect 1 ck explain "$1" core1 demo
	said "so: refused ($2)"
	said "$3"
}
# without REASON TEXT CHANGE… -- RESTORE…
without() {
	local reason=$1 text=$2 words=()
	shift 2
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	change "${words[@]}"
	refused "${WHO:-bob}" "$reason" "$text"
	[ $# = 0 ] || { change "$@"; granted "${WHO:-bob}"; }
}

granted
# the person
without staff-not-active "NO  person bob (Bob Stone): suspended" staff change bob --status suspended -- staff change bob --status active
without staff-not-active "Bob Stone): ended 2020" staff change bob --until 2020-01-01 -- staff change bob --until unlimited
without staff-not-active "Bob Stone): not active before" staff change bob --from +1d -- staff change bob --from always
# the grant
without no-role "NO  role: holds none of operators" grant remove bob operators -- grant add bob operators --why "again"
without no-role "NO  role" grant change bob operators --until 2020-01-01 -- grant change bob operators --until +1d
without no-role "NO  role" grant change bob operators --from +1h -- grant change bob operators --from always
expect 1 ck explain bob core1 demo --at +2d
said "so: refused (no-role)"
# the role
without no-role "NO  role" role change operators --status suspended -- role change operators --status active
# another authority's person
granted sam
WHO=sam
without authority-not-active "NO  the person's authority southport: suspended" authority change southport --status suspended \
	-- authority change southport --status active
without authority-not-active "authority southport: ended" authority change southport --until 2020-01-01 \
	-- authority change southport --until unlimited
# whose number their authority may not give out any more is kept out of the copy: to a login they are nobody
change authority change southport --uid-range 310000-319999
until_true 60 sh -c "'$CK_BUILD/crosskeys' status --dir '$I' | grep -q 'delegation: uidNumber is outside'" || fail "sam stays in the copy" # filled anew
until_true 60 ck status || fail "the directory is not followed again"
only_key sam-key
expect 1 login_as demo sam 1234
crosskeys audit show --user sam --event login-abandoned --last 1 "$I/audit" | grep -qF "reason=no-answer" && pass || fail "their try is not in the log"
expect 1 ck explain sam core1 demo
said "so: refused (unknown-staff)"
ck status > "$T/out" 2>&1 || true
grep -q "delegation: uidNumber is outside" "$T/out" && pass || { fail "status does not say why sam is nobody"; cat "$T/out"; }
change authority change southport --uid-range 300000-309999
until_true 60 ck explain sam core1 demo || fail "sam does not come back into the copy"
until_true 60 ck status || fail "the directory is not followed again"
granted sam
WHO=bob
# the system
without system-not-active "NO  system core1: suspended" system change core1 --status suspended -- system change core1 --status active
# the rule
without no-rule "NO  rule console of northtown: suspended" rule change console --status suspended -- rule change console --status active
without no-rule "rule console of northtown: ended" rule change console --until 2020-01-01 -- rule change console --until unlimited
without no-rule "rule console of northtown: not active before" rule change console --from +1h -- rule change console --from always
without no-rule "no active rule names this system" rule change console --system core2 -- rule change console --system core1
without service "NO  service demo: allowed are other" rule change console --service other -- rule change console --service demo
without account "NO  account bob: open are root" rule change console --account root -- rule change console --account self
without source "from the machine itself: allowed is 192.0.2.0/24" \
	rule change console --source 192.0.2.0/24 -- rule change console --source local
without no-role "NO  role: holds none of seniors" rule change console --role seniors -- rule change console --role operators
without proof "NO  proof: demands touch+verified+attested" rule change console --proved touch --proved verified --proved attested \
	-- rule change console --proved touch --proved verified
# member roles: those of a member hold the role that lists it, not the other way round; a cycle changes nothing and ends
change rule change console --role seniors
change role change seniors --member-role operators
granted
said "through its member role operators"
change role change operators --member-role seniors
granted
without no-role "NO  role" role change seniors --member-role "" -- role change seniors --member-role operators
without no-role "NO  role" role change operators --status suspended -- role change operators --status active
# all staff of an authority
change role change seniors --member-role "" --all-staff-of northtown
granted
said "held by all staff"
without no-role "NO  role" role change seniors --all-staff-of southport -- role change seniors --all-staff-of northtown
# a group of systems
change system change core1 --group racks
without no-rule "no active rule" rule change console --system "" --group racks --status suspended -- rule change console --status active
without no-rule "no active rule" system-group change racks --status suspended -- system-group change racks --status active
without no-rule "no active rule" system change core1 --group "" -- system change core1 --group racks
# all systems; and at last no rule at all
change rule change console --system "*"
granted
without no-rule "no active rule" rule remove console --
finish
