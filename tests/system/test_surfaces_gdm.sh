#!/usr/bin/env bash
# What GDM does with PAM, by a host that does the same: the name is asked for in the conversation, another thread talks to the person, the
# session's programs run below the worker that opened it, and a locked screen is opened by a second worker that authenticates once more.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
change role add operators
change grant add bob operators --why "runs the servers"
change grant add eve operators --why "runs the servers"
change rule add screen --system core1 --role operators --service gdm-password
change rule add service --system core1 --role operators --service su --account svcuser --proved touch
worker() { # ITEMS… -- NAME-AT-THE-PROMPT STEPS…
	local items=()
	while [ "$1" != -- ]; do items+=("$1"); shift; done
	"$CK_BUILD/tests/pam-host" --elsewhere --user-prompt "$2" ${items[@]+"${items[@]}"} --answer 1234 /etc/pam.d gdm-password - "${@:3}" 2>&1
}
codes() { grep -E '^(auth|acct|cred|refresh|open|run|close|delete) ' "$T/out" | paste -sd' '; }
is() { # WHAT CODES ARGUMENTS-OF-WORKER…
	checks=$((checks + 1))
	worker "${@:3}" > "$T/out" 2>&1 || true
	[ "$(codes)" = "$2" ] || { fail "$1: expected $2"; sed 's/^/    /' "$T/out"; }
}
whole=(auth acct cred open close delete)
seat=(--tty /dev/tty1 --xdisplay :0)

only_key bob-key
is "at a seat" "auth 0 acct 0 cred 0 open 0 close 0 delete 0" "${seat[@]}" -- bob "${whole[@]}"
said "say Touch your security key"
said "ask PIN for your security key"
is "at a seat that is named by its display" "auth 0 acct 0 cred 0 open 0 close 0 delete 0" --tty :0 -- bob "${whole[@]}"
is "XDMCP: a display elsewhere" "auth 7" --tty 192.0.2.9:0 --rhost 192.0.2.9 -- bob auth
said "This login is remote"
is "somebody else's name" "auth 7" "${seat[@]}" -- eve auth
said "not enrolled for this"
is "nobody's name" "auth 7" "${seat[@]}" -- ghost auth
said "not enrolled for this"
is "the machine's own, by a wrong password" "auth 7" "${seat[@]}" -- svcuser auth
is "the machine's own, by password" "auth 0 acct 0 cred 0 open 0 close 0 delete 0" "${seat[@]}" --answer secret -- svcuser "${whole[@]}"
is "root" "auth 7" "${seat[@]}" -- root auth

# ---- a session, what runs in it, and its screen ----
only_key bob-key
worker "${seat[@]}" -- bob auth acct cred open "run:id -un; echo \$CROSSKEYS_LOGIN" "hold:$T/unlocked" \
	"run:script -qec 'su svcuser -c id' /dev/null" close delete > "$T/session" 2>&1 &
session=$!
until_true 20 grep -q '^run 0' "$T/session" || { fail "no session"; cat "$T/session"; }
checks=$((checks + 1))
grep -qx bob "$T/session" || fail "the session is not bob's"
is "the screen is opened again" "auth 0 acct 0 refresh 0" "${seat[@]}" -- bob auth acct refresh
only_key eve-key
is "by nobody else's key" "auth 7" "${seat[@]}" -- bob auth
only_key bob-key
traced_id=$(grep -xE '[0-9a-f]{32}' "$T/session")
touch "$T/unlocked"
wait "$session" || true
said_in_session() { checks=$((checks + 1)); grep -qF -- "$1" "$T/session" || { fail "not in the session: $1"; cat "$T/session"; }; }
said_in_session "Touch your security key"
said_in_session "uid=1001(svcuser)" # a terminal below the worker is in a session at the machine
traced "$traced_id"
finish
