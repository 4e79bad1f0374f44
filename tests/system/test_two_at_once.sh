#!/usr/bin/env bash
# People who log in at the same moment, for many rounds: each gets their own answer and the log has each once, under their own name and key.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
rounds=25
begun=()
names=(bob eve max)
for name in "${names[@]}"; do add_staff "$name" "$name Stone" "n-$name"; done
change role add operators
for name in bob eve; do change grant add "$name" operators --why "runs the servers"; done
change rule add console --system core1 --role operators --service demo
only_key
for name in "${names[@]}"; do soft_key plug "$name-key"; done
# Each of them touches and types at their own; the machine has all the keys plugged in.
begin() { # NAME [PIN]: in the background; what it says and its exit code go to files
	{ login_as demo "$1" "${2:-1234}" > "$T/$1.said" 2>&1 && echo 0 || echo $?; } > "$T/$1.code" &
	begun+=($!)
}
all_end() { wait "${begun[@]}"; begun=(); }
ended() { # NAME CODE TEXT
	checks=$((checks + 1))
	[ "$(cat "$T/$1.code")" = "$2" ] && grep -qF -- "$3" "$T/$1.said" || { fail "$1: exit $(cat "$T/$1.code"), expected $2 and: $3"; cat "$T/$1.said"; }
}
for ((round = 0; round < rounds; round++)); do
	begin bob
	begin eve
	begin max
	all_end
	ended bob 0 "open_session: PAM_SUCCESS"
	ended eve 0 "open_session: PAM_SUCCESS"
	ended max 1 "no role lets you in here"
done
# one with a wrong PIN does not disturb the other
begin bob 9999
begin eve
all_end
ended bob 1 "PIN wrong"
ended eve 0 "open_session: PAM_SUCCESS"

log() { crosskeys audit show "$@" "$I/audit"; }
count() { # WHAT EXPECTED: lines of stdin
	local lines
	lines=$(wc -l)
	checks=$((checks + 1))
	[ "$lines" = "$2" ] || fail "$1: $lines, expected $2"
}
key_of() { log --user "$1" --event key-enrolled | sed -n 's/.* hash=\([0-9a-f]*\).*/\1/p'; }
log --user bob --event login-granted | grep "hash=$(key_of bob) " | count "bob's logins, by bob's key" "$rounds"
log --user eve --event login-granted | grep "hash=$(key_of eve) " | count "eve's logins, by eve's key" $((rounds + 1))
log --event login-granted | count "logins in all" $((2 * rounds + 1))
log --event account-granted | grep -E 'user=(bob account=bob|eve account=eve) ' | count "accounts, each their own" $((2 * rounds + 1))
log --user max --event login-refused | grep -c 'reason=no-role' | grep -x "$rounds" | count "max was refused each time" 1
log --event session-opened | sed 's/.*login-id=\([0-9a-f]*\).*/\1/' | sort -u | count "sessions, each of another login" $((2 * rounds + 1))
log --event session-closed | count "sessions closed" $((2 * rounds + 1))
log --event counter-alarm | count "counters that went back" 0
expect 0 crosskeys audit verify "$I/audit"
finish
