#!/usr/bin/env bash
# The real polkitd on a message bus of its own, its text agent and its set-uid helper: the person whose word polkit wants gives it by key and
# rule, in a session at the machine.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
for program in /usr/lib/polkit-1/polkitd /usr/bin/pkcheck /usr/bin/dbus-daemon; do
	[ -x "$program" ] || { echo "skipped: no $program"; exit 77; }
done
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_accounts bob:250001 eve:250002
private_stacks
private_run
change role add operators
change grant add bob operators --why "runs the servers"
change grant add eve operators --why "runs the servers"
change rule add console --system core1 --role operators --service login

mkdir -p /run/dbus "$T/actions" "$T/rules"
cat > "$T/bus.conf" <<-X
	<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
	<busconfig>
	<type>system</type>
	<listen>unix:path=/run/dbus/system_bus_socket</listen>
	<auth>EXTERNAL</auth>
	<policy context="default"><allow user="*"/><allow send_type="method_call"/><allow send_type="signal"/>
	<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
	<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy>
	<policy user="root"><allow own="*"/></policy>
	<policy user="polkitd"><allow own="org.freedesktop.PolicyKit1"/></policy>
	</busconfig>
X
action() { # NAME WHO
	cat > "$T/actions/org.example.$1.policy" <<-X
		<?xml version="1.0" encoding="UTF-8"?>
		<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN" "http://www.freedesktop.org/standards/PolicyKit/1.0/policyconfig.dtd">
		<policyconfig><action id="org.example.$1"><description>$1</description><message>May it be?</message>
		<defaults><allow_any>$2</allow_any><allow_inactive>$2</allow_inactive><allow_active>$2</allow_active></defaults></action></policyconfig>
	X
}
action own auth_self
action administered auth_admin
echo 'polkit.addAdminRule(function(action, subject) { return ["unix-user:eve"]; });' > "$T/rules/10-test.rules"
mount --bind "$T/actions" /usr/share/polkit-1/actions
mount --bind "$T/rules" /usr/share/polkit-1/rules.d
dbus-daemon --config-file="$T/bus.conf" --nofork --nopidfile > "$T/bus.log" 2>&1 &
BUS=$!
until_true 20 test -S /run/dbus/system_bus_socket || { cat "$T/bus.log"; exit 1; }
/usr/lib/polkit-1/polkitd --no-debug > "$T/polkitd.log" 2>&1 &
POLKITD=$!
trap 'kill $BUS $POLKITD 2> /dev/null || true; umount -l /run "$T/run/${T##*/}"; cleanup' EXIT
inside() { # UID LINES: in a session at the console
	printf '%s\n' "${@:2}" > "$T/commands"
	at tty1 0 login "$1"
	rm -f "$T/commands"
}
asked() { echo "pkcheck --action-id org.example.$1 --process \$\$ --allow-user-interaction --enable-internal-agent && echo allowed"; }
until_true 20 pkaction --action-id org.example.own || { fail "polkitd did not come up"; cat "$T/polkitd.log"; }

only_key bob-key
hidden "no rule" "allowed" inside bob "$(asked own)"
said "no rule of this system"
said "AUTHENTICATION FAILED"
change rule add word --system core1 --role operators --service polkit-1
only_key bob-key
shown "one's own word" "allowed" inside bob "$(asked own)"
said "Touch your security key"
crosskeys audit show --event login-granted --last 1 "$I/audit" > "$T/out"
said "user=bob account=bob service=polkit-1"
only_key bob-key
hidden "an administrator's word is not bob's" "allowed" inside bob "$(asked administered)"
said "not enrolled for this"
inside bob "touch $T/home/in; while [ ! -e $T/go ]; do sleep 0.1; done" "$(asked administered)" > "$T/out" 2>&1 &
waiter=$!
until_true 30 test -e "$T/home/in" || fail "bob did not get in"
only_key eve-key
touch "$T/go"
wait "$waiter" || true
said "Authenticating as: eve"
said "allowed"
crosskeys audit show --event login-granted --last 1 "$I/audit" > "$T/out"
said "user=eve account=eve service=polkit-1"
only_key bob-key
hidden "in no session at the machine" "allowed" at pts 250001 sh -c "$(asked own)"
said "This login is remote"
shown "the machine's own" "allowed" at pts 1001 sh -c "$(asked own)"

# ---- the helper itself: what it says is for the agent, and it believes no answer but PAM's ----
hidden "whoever asks the helper for another without polkit's word" "SUCCESS" at pts 250001 sh -c 'echo made-up | /usr/lib/polkit-1/polkit-agent-helper-1 bob'
stop_daemon
hidden "staff, no daemon" "allowed" at pts 250001 sh -c "$(asked own)"
said "Crosskeys does not answer on this machine"
shown "the machine's own, no daemon" "allowed" at pts 1001 sh -c "$(asked own)"
finish
