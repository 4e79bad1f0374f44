#!/usr/bin/env bash
# A key's life: enrolled by a code, a later one under the touch of an earlier, labelled, revoked, removed, recovered by root; and keys that
# do not do as they should. Each login that is refused here was granted just before.
. "$CK_SOURCE/tests/system/lib.sh"
export MORE_CONFIG='recovery_delay_s = 2'
new_instance
change role add operators --all-staff-of northtown
change rule add console --system core1 --role operators --service demo
change staff add bob --name "Bob Stone" --mail bob@northtown.example --number 2
change staff add eve --name "Eve Marsh" --mail eve@northtown.example --number 3
eves='' bobs='' short='' fresh=''
code_for() { # VARIABLE UID [OPTIONS…]
	change key code "${@:2}"
	printf -v "$1" %s "$(code_of "$2" "$T/change.out")"
}
granted() { expect 0 login_as demo "${1:-bob}" 1234; }
refused() { expect 1 login_as demo "${1:-bob}" "${2:-1234}"; }
no_enrolment() { # REASON UID CODE
	expect 1 enrol "$2" "$3" 1234
	said "this code does not let this person enrol a key now"
	audited "$2" code-refused "reason=$1"
}

# ---- codes ----
new_key bob-key 1234
code_for eves eve
code_for bobs bob
only_key bob-key
no_enrolment wrong-code bob 0000-0000-0000-0000-0000
no_enrolment wrong-code bob "$eves"
no_enrolment unknown-person nobody-here "$bobs"
code_for short bob --until +1s
only_key bob-key
sleep 2
no_enrolment wrong-code bob "$short"
refused
expect 0 enrol bob "$(echo "$bobs" | tr 'A-Z' 'a-z')" 1234
granted
no_enrolment wrong-code bob "$bobs"
only_key bob-key
for try in 1 2 3 4 5; do expect 1 enrol eve 0000-0000-0000-0000-000$try 1234; done
no_enrolment too-many-tries eve "$eves"
new_key eve-key 1234
code_for fresh eve
only_key eve-key
expect 0 enrol eve "$fresh" 1234

# ---- a later key ----
later() { # NEW-KEY SIGNING-KEY LABEL: both are plugged in, and the new one is touched first
	local pid got=0
	new_key "$1" 1234 2> /dev/null || true
	only_key "$1"
	soft_key plug "$2"
	soft_key misbehave "$2" no-touch
	crosskeys key add bob --label "$3" --dir "$I" --pin-fd 9 9<<< $'1234\n1234\n1234' > "$T/later.out" 2>&1 &
	pid=$!
	until_true 5 grep -q "Touch the key of bob to order this" "$T/later.out" || true
	soft_key touch "$2"
	wait "$pid" || got=$?
	cat "$T/later.out"
	return "$got"
}
expect 0 later spare-key bob-key spare
only_key spare-key
granted
expect 1 later third-key eve-key third
only_key third-key
refused
only_key bob-key
expect 1 crosskeys key add bob --dir "$I" --pin-fd 9 9<<< $'1234\n1234'
said "This security key is enrolled already"
expect 0 as bob 1234 key change bob spare --label "in the safe"
expect 0 ck key list bob
said "in the safe"
expect 1 as bob 1234 key change bob "in the safe" --status suspended
said "of your own key you may change the label, or revoke it"
only_key spare-key
granted
only_key bob-key
expect 0 as bob 1234 key revoke bob "in the safe"
only_key spare-key
refused
said "not enrolled for this"
only_key ada-key
expect 1 as ada 1234 key change bob "in the safe" --status active
said "a revoked key stays revoked"
only_key bob-key
granted
expect 1 as bob 1234 key remove bob "security key"
said "this is your last active key"
only_key eve-key
expect 1 as eve 1234 key revoke bob "security key"
said "you are not one who may order this"

# ---- keys that misbehave ----
only_key bob-key
for how in no-uv no-up other-rp garbage bad-signature other-credential wrong-counter; do
	granted
	soft_key misbehave bob-key "$how"
	refused
	soft_key misbehave bob-key none
done
said "this key's counter went back"
crosskeys audit show --user bob "$I/audit" > "$T/out"
for why in 'not\x20verify' presence 'another\x20rp-id' signature 'unknown\x20key' counter-alarm; do said "$why"; done
granted
soft_key misbehave bob-key no-touch touch-limit=300 # after which it is asked again
pam_service demo timeout=5
refused
said "Time is up: the security key was not touched"
pam_service demo
soft_key misbehave bob-key no-touch
login_as demo bob 1234 > "$T/slow.out" 2>&1 &
until_true 10 grep -q "Touch your security key now" "$T/slow.out" || fail "no touch was asked for"
soft_key touch bob-key
expect 0 wait $!
only_key
: > "$T/slow.out"
login_as demo bob 1234 > "$T/slow.out" 2>&1 &
until_true 10 grep -q "No security key found: plug one in" "$T/slow.out" || fail "it does not say that no key is there"
soft_key plug bob-key
expect 0 wait $!
refused bob 9999
said "PIN wrong, 7 tries left"
said "PIN wrong too often: take the security key out"
only_key bob-key
refused bob 9999
only_key bob-key
refused bob 9999
said "The PIN of this security key is blocked, your account is not"
only_key bob-key
refused
soft_key pin bob-key 1234
granted
soft_key create round-key --pin 1234 --owner crosskeys-token --eddsa
code_for fresh eve
only_key round-key
expect 0 enrol eve "$fresh" 1234
granted eve

# ---- the last one; recovery ----
change key remove bob "security key"
only_key bob-key
refused
expect 0 ck key list ada
expect 1 ck key recover bob
said "for existing, active administrators only"
expect 1 setpriv --reuid 250009 --regid 250009 --clear-groups -- "$CK_BUILD/crosskeys" key recover ada --dir "$I"
said "only root of this machine may do that"
expect 0 ck key recover ada
code=$(code_of ada "$T/out")
expect 0 crosskeys audit show --event recovery "$I/audit"
said "user=ada"
crosskeys key list ada --dir "$I" --json | jq -r '.[] | select(.attributes.ckStatus == ["active"]) | .id' | sort > "$T/ids"
new_key new-key 1234
only_key new-key
expect 1 enrol ada "$code" 1234
sleep 2.2
expect 0 enrol ada "$code" 1234
granted ada

# ---- whoever has the right to take their own last key away is warned, and must say that it is meant ----
not_asked() { crosskeys key "$@" --dir "$I" --as ada --pin-fd 9 9<<< $'1234\n1234\n1234' < /dev/null; } # no --yes, and nobody to ask
ids() { crosskeys key list ada --dir "$I" --json | jq -r '.[] | select(.attributes.ckStatus == ["active"]) | .id' | sort; }
new=$(comm -13 "$T/ids" <(ids))
checks=$((checks + 1))
[ "$(ids | wc -l)" = 2 ] && [ "$(wc -w <<< "$new")" = 1 ] || { fail "ada was expected to have two keys, one of them new"; ck key list ada; }
only_key ada-key
expect 0 not_asked revoke ada "$new" # there is another one
checks=$((checks + 1))
! grep -q 'your last key' "$T/out" || fail "it is warned though there is another key"
for way in "revoke ada $(ids)" "change ada $(ids) --status suspended" "remove ada $(ids)"; do
	expect 1 not_asked $way
	said 'This is your last key that counts'
	said 'If that is meant, say --yes'
done
granted ada
expect 0 not_asked revoke ada "$(ids)" --yes
said 'This is your last key that counts'
refused ada
finish
