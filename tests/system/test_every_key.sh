#!/usr/bin/env bash
# Logins with every kind of key, through PAM and the daemon: several at once, one that hangs, one in use, one pulled out in the middle, fingers,
# no PIN, a blocked one, U2F, RSA, a maker's certificate. What the helper does with each in detail: tests/unit/test_token_helper*.c.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
touch "$K/soft-keys/.patient" # as a real helper: it waits for another key until time is up
change role add operators --all-staff-of northtown
change rule add console --system core1 --role operators --service demo
change rule add easy --system core1 --role operators --service easy --proved touch
pam_service easy
change staff add bob --name "Bob Stone" --mail bob@northtown.example --number 2
change key code bob
code=$(code_of bob "$T/change.out")

# A login in the background; what it says goes to $T/login.
begin() { # SERVICE PIN
	: > "$T/login" # what the last one said is not to be taken for this one's
	login_as "$1" bob "$2" > "$T/login" 2>&1 &
	LOGIN=$!
}
hears() { # TEXT
	checks=$((checks + 1))
	until_true 40 grep -qF -- "$1" "$T/login" || { fail "not said: $1"; sed 's/^/    /' "$T/login"; }
}
gets_in() { expect 0 wait "$LOGIN"; }
shown_to() { soft_key show "$1" | sed -n 's/.* \([0-9]*\) shown$/\1/p'; }
is() { # WANTED GOT WHAT
	checks=$((checks + 1))
	[ "$1" = "$2" ] || fail "$3: expected $1, got $2"
}
plugged() { # NAME…: just these
	local name
	only_key
	for name; do soft_key plug "$name"; done
}
create() { soft_key create "$1" --owner crosskeys-token "${@:2}"; }
# another NAME PIN [OPTIONS…]: one more key of bob's, of any kind; ordered by the touch of bob-key
another() {
	local pid got=0 more=(--touch-only)
	[ -z "$2" ] || more=()
	create "$1" ${2:+--pin "$2"} "${@:3}"
	only_key "$1"
	: > "$T/out"
	crosskeys key add bob --label "$1" --dir "$I" "${more[@]}" --pin-fd 9 9<<< "${2:+$2$'\n'}1234" > "$T/out" 2>&1 &
	pid=$!
	until_true 40 grep -q "Touch the key of bob to order this" "$T/out" || fail "$1: not made"
	soft_key unplug "$1"
	soft_key plug bob-key
	wait "$pid" || got=$?
	checks=$((checks + 1))
	[ "$got" = 0 ] || { fail "$1 was not enrolled"; sed 's/^/    /' "$T/out"; }
}

new_key bob-key 1234
only_key bob-key
expect 0 enrol bob "$code" 1234

# ---- several, and one that hangs ----
another other-key 5678
plugged bob-key other-key
soft_key misbehave bob-key no-touch
soft_key misbehave other-key no-touch
before=$(shown_to bob-key)
begin demo 5678
hears "Several security keys are plugged in: touch the one to use"
soft_key touch other-key
gets_in
is "$before" "$(shown_to bob-key)" "PINs that the key saw that was not touched"
soft_key misbehave bob-key none
for when in open init info probe; do
	soft_key trouble other-key stuck "$when" # whoever waited for it would wait until time is up
	expect 0 login_as demo bob 1234
done
soft_key trouble other-key none
no_helper() { ! find /proc -maxdepth 2 -name exe -lname "$K/crosskeys-token-soft" 2> /dev/null | grep -q .; }
until_true 40 no_helper && pass || fail "a helper that hangs is still there"

# ---- in use, wrong, pulled out ----
plugged bob-key
soft_key trouble bob-key busy open
begin demo 1234
hears "A security key is in use by another program"
soft_key trouble bob-key none
gets_in
plugged ada-key
begin demo 1234
hears "The security key that is plugged in is not enrolled for this: plug in one that is"
soft_key plug bob-key
gets_in
plugged bob-key
soft_key misbehave bob-key no-touch
begin demo 1234
hears "Touch your security key now"
soft_key unplug bob-key
hears "The security key was taken out: plug it in again"
soft_key touch bob-key
soft_key plug bob-key
gets_in

# ---- fingers, then the PIN ----
another finger-key 4321 --builtin-uv --able uv-token --able protocol-2
plugged finger-key
expect 0 login_as demo bob none
said "Verify yourself on your security key now"
soft_key fingers finger-key 3
expect 0 login_as demo bob 4321
said "Not recognised, 1 try left"
said "Not recognised too often: your security key wants its PIN"

# ---- without PIN, blocked ----
another plain-key "" --able no-rk
plugged plain-key
expect 0 login_as easy bob none
expect 1 login_as demo bob 1234
said "This security key has no PIN, and one is demanded here: set one (fido2-token -S) and begin anew, or use another key"
soft_key pin plain-key 9876
expect 0 login_as demo bob 9876
soft_key tries plain-key 0
expect 1 login_as demo bob 9876
said "The PIN of this security key is blocked, your account is not: use another key; this one must be reset (fido2-token -R) and enrolled anew"
plugged plain-key bob-key
soft_key misbehave bob-key no-touch
begin demo 1234
hears "The PIN of this security key is blocked, your account is not: use another key"
soft_key touch bob-key
gets_in

# ---- U2F, RSA, a maker's certificate ----
another u2f-key "" --able u2f-only
plugged u2f-key
expect 0 login_as easy bob none
expect 1 login_as demo bob 1234
said "This security key takes no PIN, and one is demanded here: use another key"
another rsa-key 1111 --rsa 2048
plugged rsa-key
expect 0 login_as demo bob 1111
soft_key maker "$T/maker"
another maker-key 2222 --maker "$T/maker"
plugged maker-key
expect 0 login_as demo bob 2222
expect 0 ck key show bob maker-key
said "certificate"
expect 0 ck key show bob finger-key
said "biometric"
said "discoverable"
expect 0 ck key show bob plain-key
! grep -q discoverable "$T/out" && pass || fail "plain-key keeps nothing"
finish
