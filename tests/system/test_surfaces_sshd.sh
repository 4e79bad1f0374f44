#!/usr/bin/env bash
# The real sshd on loopback with the stack of contrib/pam.d: a public key gets staff as far as the account stage, where a rule that demands
# nothing lets them in and its absence does not; at the keyboard staff are told that this login is remote.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
. "$CK_SOURCE/tests/system/sshd_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
sshd_starts
last_refused() { # TEXT
	checks=$((checks + 1))
	crosskeys audit show --event account-refused --last 1 "$I/audit" > "$T/audited"
	grep -qF -- "$1" "$T/audited" || { fail "not the last refusal: $1"; cat "$T/audited"; }
}

# ---- a public key, and the rules ----
hidden "no rule" "in as" by_key bob
last_refused "user=bob"
last_refused "reason=no-rule"
change role add operators
change grant add bob operators --why "runs the servers"
change rule add remote --system core1 --role operators --service sshd --proved none --source 127.0.0.0/8
shown "a rule that demands nothing" "in as bob" by_key bob
shown "with a terminal" "in as bob" at pts 0 "${enter_ssh[@]}" "${key_options[@]}" -tt bob@127.0.0.1
id=$(by_key bob user 'echo $CROSSKEYS_LOGIN' 2> /dev/null)
traced "$id"
crosskeys audit show --event session-opened --last 1 "$I/audit" > "$T/out"
said "remote-host=127.0.0.1"
hidden "another public key" "in as" by_key bob other
hidden "no role" "in as" by_key eve
last_refused "user=eve"
last_refused "reason=no-role"
expect 0 ck explain bob core1 sshd --from 127.0.0.1 --proved none
expect 1 ck explain bob core1 sshd --from 192.0.2.1 --proved none
change rule change remote --source 192.0.2.0/24
hidden "from elsewhere" "in as" by_key bob
last_refused "reason=source"
change rule change remote --source "*" --proved touch
hidden "a rule that demands a touch, which public key does not prove" "in as" by_key bob
last_refused "reason=proof"
change rule change remote --proved none
shown "again" "in as bob" by_key bob

# ---- inside, a pseudo-terminal does not make anything local ----
change rule add service --system core1 --role operators --service su --account svcuser
only_key bob-key
hidden "su inside a remote session" "uid=1001" at pts 0 "${enter_ssh[@]}" "${key_options[@]}" -tt bob@127.0.0.1 'su svcuser -c id'
said "remote"

# ---- at the keyboard ----
by_hand=("${enter_ssh[@]}" -o PreferredAuthentications=keyboard-interactive -o NumberOfPasswordPrompts=1)
hidden "keyboard-interactive" "in as" at pts 0 "${by_hand[@]}" eve@127.0.0.1
said "This login is remote"
granted=$(audit_count account-granted)
hidden "keyboard-interactive, a rule that demands nothing" "in as" at pts 0 "${by_hand[@]}" bob@127.0.0.1
said "This login is remote"
checks=$((checks + 1))
[ "$(audit_count account-granted)" = "$granted" ] || fail "somebody who showed nothing was granted the account"

# ---- the daemon is dead ----
stop_daemon
hidden "staff, no daemon" "in as" by_key bob
shown "the machine's own, no daemon" "in as svcuser" by_key svcuser
shown "root, no daemon" "uid=0" by_key root user id
finish
