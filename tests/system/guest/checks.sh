#!/usr/bin/env bash
# Run inside the guest, as root, by its init: software keys behind /dev/uhid, udev with the rule that we ship, the installed programs, the
# instance that the host made and stopped. The functions are the system tests' own; what plugs a key in is another.
CK_BUILD=/guest/build CK_SOURCE=/guest
. /guest/lib.sh
. /guest/instance # I, and K with the software keys
S=/etc/pam.d
trap 'cat "$T/daemon.log" > /dev/console; cleanup' EXIT
echo '# nobody' > "$T/local-names"
pam_service demo
RULE=/usr/local/lib/udev/rules.d/71-crosskeys-token.rules
TWIN=/guest/build/tests/soft-uhid

part() { echo "guest: $(cut -d' ' -f1 /proc/uptime) s: $*"; }
is() { # WANTED GOT WHAT
	checks=$((checks + 1))
	[ "$1" = "$2" ] || fail "$3: expected $1, got $2"
}
# node_of NAME: the device of the software key of that name
node_of() {
	local file
	for file in /sys/class/hidraw/*/device/uevent; do
		if grep -qx "HID_NAME=Crosskeys software key $1" "$file" 2> /dev/null; then
			file=${file%/device/uevent}
			echo "/dev/${file##*/}"
		fi
	done
}
has_node() { [ -n "$(node_of "$1")" ]; }
has_no_node() { [ -z "$(node_of "$1")" ]; }
pull() { # NAME…
	local name
	for name; do soft_key unplug "$name" > /dev/null; done
	for name; do until_true 20 has_no_node "$name" || fail "$name is still there"; done
}
# push NAME [OPTIONS…]: until the kernel has it and udev has seen it
push() {
	soft_key plug "$1" > /dev/null
	"$TWIN" --keys "$K/soft-keys" "${@:2}" "$1" &
	until_true 20 has_node "$1" || fail "$1 did not become a device"
	udevadm settle --timeout=30 || fail "udev is not done with $1"
}
# as in the other tests: just this one
only_key() {
	# shellcheck disable=SC2046 # names have no spaces
	pull $(soft_key list)
	[ -z "${1:-}" ] || push "$1"
}
owner_of() { stat -c %a:%U:%G "$(node_of "$1")"; }
granted() { expect 0 login_as demo "$1" 1234; said "authenticate: PAM_SUCCESS (0)"; said "acct_mgmt: PAM_SUCCESS (0)"; }
refused() { expect 1 login_as demo "$1" 1234; }
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
helpers() { pgrep -x crosskeys-token; }
no_helper() { ! helpers; }

part "the machine"
[[ ,$(< /sys/kernel/security/lsm), == *,landlock,* ]] && pass || fail "this kernel runs without Landlock: $(< /sys/kernel/security/lsm)"
[ "$(pgrep -x systemd-udevd | wc -l)" -ge 1 ] && pass || fail "udev does not run"
only_key
start_daemon
children=$(cat "/proc/$DAEMON/task/$DAEMON/children")
users=$(for pid in $children; do stat -c %U "/proc/$pid"; done | sort -u | tr '\n' ' ')
is "crosskeys-directory crosskeys-gate crosskeys-ledger crosskeys-replica " "$users" "users of the daemon's processes"

part "udev gives a key to the helper's group, and nothing else"
push ada-key
push other-key --no-key
is 660:root:crosskeys-token "$(owner_of ada-key)" "the key"
is 600:root:root "$(owner_of other-key)" "a HID device that is no key"
expect 0 udevadm info --query=property "$(node_of ada-key)"
said ID_FIDO_TOKEN=1
expect 0 fido2-token -L
said "$(node_of ada-key): vendor=0x1209, product=0x0001"
is 1 "$(wc -l < "$T/out")" "keys that fido2-token lists"
expect 0 setpriv --reuid crosskeys-token --regid crosskeys-token --clear-groups fido2-token -L
said "$(node_of ada-key): vendor=0x1209"
expect 0 setpriv --reuid nobody --regid nogroup --clear-groups fido2-token -L
is "" "$(cat "$T/out")" "keys that another user may open"
expect 0 fido2-token -I "$(node_of ada-key)"
said "version strings: FIDO_2_0"

part "a login"
granted ada
# the helper itself, while it waits for the touch
soft_key misbehave ada-key no-touch > /dev/null
login_as demo ada 1234 > "$T/slow.out" 2>&1 &
login=$!
until_true 60 grep -q "Touch your security key now" "$T/slow.out" || fail "no touch was asked for"
helper=$(helpers)
token=$(id -u crosskeys-token) group=$(id -g crosskeys-token)
is "/usr/local/sbin/crosskeys-token" "$(readlink "/proc/$helper/exe")" "the helper"
is "$token $token $token $token" "$(field "$helper" Uid | tr '\t' ' ')" "the helper's users"
is "$group $group $group $group" "$(field "$helper" Gid | tr '\t' ' ')" "the helper's groups"
is "" "$(field "$helper" Groups | tr -d ' ')" "the helper's other groups"
is 0000000000000000 "$(field "$helper" CapEff)" "the helper's capabilities"
is 1 "$(field "$helper" NoNewPrivs)" "the helper's no_new_privs"
find "/proc/$helper/fd" -lname "$(node_of ada-key)" | grep -q . && pass || fail "the helper does not hold $(node_of ada-key)"
find "/proc/$helper/fd" -lname "$(node_of other-key)" | grep -q . && fail "the helper holds $(node_of other-key)" || pass
soft_key touch ada-key > /dev/null
expect 0 wait "$login"
until_true 20 no_helper && pass || fail "the helper is still there"

part "a wrong key"
only_key wrong-key
pam_service demo timeout=10
refused ada
said "The security key that is plugged in is not enrolled for this: plug in one that is"
said "No security key that is enrolled for this was plugged in"
said "authenticate: PAM_AUTH_ERR (7)"
pam_service demo
: > "$T/slow.out"
login_as demo ada 1234 > "$T/slow.out" 2>&1 &
login=$!
until_true 60 grep -q "not enrolled for this" "$T/slow.out" || fail "it does not say that the key is the wrong one"
push ada-key
expect 0 wait "$login"

part "pulled out in the middle"
only_key ada-key
soft_key misbehave ada-key no-touch > /dev/null
: > "$T/slow.out"
login_as demo ada 1234 > "$T/slow.out" 2>&1 &
login=$!
until_true 60 grep -q "Touch your security key now" "$T/slow.out" || fail "no touch was asked for"
pull ada-key
until_true 60 grep -q "The security key was taken out: plug it in again" "$T/slow.out" || fail "it does not say that the key is gone"
soft_key touch ada-key > /dev/null
push ada-key
expect 0 wait "$login"

part "a first key, through the device"
expect 0 ck status
push new-key
enrol ben "$(< /guest/code)" 1234 > "$T/out" 2>&1 && pass || { fail "ben could not enrol"; cat "$T/out"; }
granted ben

part "where systemd has no rule for FIDO"
: > /etc/udev/rules.d/60-fido-id.rules
udevadm control --reload
only_key ada-key
push other-key --no-key
is 660:root:crosskeys-token "$(owner_of ada-key)" "the key"
is 600:root:root "$(owner_of other-key)" "a HID device that is no key"
granted ada

part "without our rule"
mv "$RULE" /guest/rule
udevadm control --reload
only_key ada-key
is 600:root:root "$(owner_of ada-key)" "the key"
: > "$T/slow.out"
login_as demo ada 1234 > "$T/slow.out" 2>&1 &
login=$!
until_true 60 grep -q "A security key is there and may not be opened" "$T/slow.out" && pass || fail "the helper does not say what is wrong"
# as an administrator does after putting the rule there (and contrib/quickstart in this place): the login that waits goes on
mkdir -p /run/udev/rules.d
mv /guest/rule /run/udev/rules.d/71-crosskeys-token.rules
udevadm control --reload
udevadm trigger --settle --subsystem-match=hidraw
expect 0 wait "$login"

part "what was left behind"
! grep -q "has no Landlock" "$T/daemon.log" && pass || fail "a process ran without Landlock"
expect 0 crosskeys audit verify "$I/audit"
is 7 "$(audit_count login-granted)" "logins that the audit log knows"
part "done"
finish
