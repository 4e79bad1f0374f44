# Shared by the tests of vouching: two people and their keys, of which one at a time is plugged in.
# shellcheck shell=bash
. "$CK_SOURCE/tests/system/fault_lib.sh"

VOUCHING=
# vouches UID FOR…: begins, and waits until the code is said; it is in $code
vouches() {
	local uid=$1
	shift
	only_key "$uid-key"
	: > "$T/$uid.vouch"
	as "$uid" 1234 vouch "$@" > "$T/$uid.vouch" 2>&1 &
	VOUCHING=$!
	has_code() { grep -q '^    [0-9][0-9 ]*$' "$T/$uid.vouch"; }
	until_true 30 has_code && pass || { fail "no code: $uid $*"; sed 's/^/    /' "$T/$uid.vouch"; }
	code=$(sed -n 's/^    \([0-9][0-9 ]*\)$/\1/p' "$T/$uid.vouch" | head -1)
}
# vouched UID CODE TEXT: how the voucher's command ended, and what it said at last
vouched() {
	local got=0
	wait "$VOUCHING" || got=$?
	[ "$got" = "$2" ] && pass || fail "vouch ended with $got, expected $2"
	cp "$T/$1.vouch" "$T/out"
	said "$3"
}
# interrupt SIGNAL: to the command itself, not to the shell around it
interrupt() {
	local children
	children=$(cat "/proc/$VOUCHING/task/$VOUCHING/children")
	# shellcheck disable=SC2086 # pids
	kill "-$1" ${children:-$VOUCHING}
}
# checks EXIT UID CODE…
checks() {
	local want=$1 uid=$2
	shift 2
	only_key "$uid-key"
	expect "$want" as "$uid" 1234 check "$@"
}
in_log() { # EVENT TEXT…: one record holds all of it
	local event=$1 text
	shift
	crosskeys audit show --event "$event" "$I/audit" > "$T/records"
	for text; do
		grep -F -- "$text" "$T/records" > "$T/records.left" || true
		mv "$T/records.left" "$T/records"
	done
	[ -s "$T/records" ] && pass || fail "not in the log: $event $*"
}
# right_digits ELEVEN: a code that is well formed and that nobody made
right_digits() {
	local table=(0317598642 7092154863 4206871359 1750983426 6123045978 3674209581 5869720134 8945362017 9438617205 2581436790) state=0 i
	for ((i = 0; i < 11; i++)); do state=${table[state]:${1:i:1}:1}; done
	echo "$1$state"
}
