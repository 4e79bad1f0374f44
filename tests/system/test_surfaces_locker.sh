#!/usr/bin/env bash
# A screen locker, vlock, as Debian has it (set-uid root) and as an unprivileged program: staff open the screen they locked with their key.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
[ -x /usr/sbin/vlock-main ] || { echo "skipped: no vlock"; exit 77; }
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
change role add operators
change grant add bob operators --why "runs the servers"
change grant add eve operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
cp /usr/sbin/vlock-main "$T/locker" # without its set-uid bit
inside() { # LINES: in bob's session at the console
	printf '%s\n' "export VLOCK_MESSAGE='Please press [ENTER] to unlock.'" "$@" 'echo "open again"' > "$T/commands"
	at tty1 0 login bob
	rm -f "$T/commands"
}
secret=$(sed -n 's/^svcuser:\([^:]*\):.*/\1/p' "$T/shadow")
shadow=$(sed "s|^root:[^:]*:|root:$secret:|" "$T/shadow")
printf '%s\n' "$shadow" > "$T/shadow" # in place: it is mounted

for locker in "$T/locker" /usr/sbin/vlock-main; do
	only_key bob-key
	hidden "$locker: no rule" "open again" inside "$locker"
	said "no rule of this system allows this service"
	change rule add lock --system core1 --role operators --service vlock
	only_key bob-key
	shown "$locker: one's own key" "open again" inside "$locker"
	crosskeys audit show --event login-granted --last 1 "$I/audit" > "$T/out"
	said "user=bob account=bob service=vlock"
	inside "touch $T/home/locked; while [ ! -e $T/eve ]; do sleep 0.1; done" "$locker" > "$T/out" 2>&1 &
	waiter=$!
	until_true 30 test -e "$T/home/locked" || fail "$locker: bob did not get in"
	only_key eve-key
	touch "$T/eve"
	wait "$waiter" || true
	said "not enrolled for this"
	checks=$((checks + 1))
	! grep -q "open again" "$T/out" || fail "$locker: opened with another's key"
	rm -f "$T/home/locked" "$T/eve"
	change rule remove lock
done

# ---- nobody but root asks for another ----
change rule add lock --system core1 --role operators --service vlock --service demo
only_key eve-key
install -m 755 "$CK_BUILD/tests/pam-host" "$T/pam-host"
printf '%s\n' "exec 3>&1; $T/pam-host --tty tty1 --answer 1234 $S demo bob auth acct; $T/pam-host --tty tty1 --answer 1234 $S demo eve auth acct" > "$T/commands"
at tty1 0 login eve > "$T/out" 2>&1 || true
rm -f "$T/commands"
grep -E '^(auth|acct) ' "$T/out" > "$T/codes" || true
checks=$((checks + 1))
[ "$(paste -sd' ' "$T/codes")" = "auth 7 acct 6 auth 0 acct 0" ] || { fail "eve asked for bob, and for herself"; cat "$T/out"; }

# ---- the daemon is dead: the screen stays locked, root opens it ----
pam_service demo
only_key bob-key
locked_then() { # LOCKER COMMAND…: bob locks the screen after this
	inside "touch $T/home/locked; while [ ! -e $T/go ]; do sleep 0.1; done" "$1" > "$T/out" 2>&1 &
	waiter=$!
	until_true 30 test -e "$T/home/locked" || fail "bob did not get in"
	"${@:2}"
	touch "$T/go"
	wait "$waiter" || true
	rm -f "$T/home/locked" "$T/go"
}
locked_then "$T/locker" stop_daemon
said "Crosskeys does not answer on this machine"
checks=$((checks + 1))
! grep -q "open again" "$T/out" || fail "opened without the daemon"
start_daemon
# An unprivileged locker cannot check root's password; Debian's can.
ROOT_PASSWORD=secret locked_then /usr/sbin/vlock-main stop_daemon
checks=$((checks + 1))
grep -q "open again" "$T/out" || { fail "root did not open it"; cat "$T/out"; }
finish
