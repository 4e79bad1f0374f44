#!/usr/bin/env bash
# The profiles for pam-auth-update: not on by themselves; switched on by Debian's own tool, Debian's own service files let staff in by key and
# rule, and root and the machine's own names as before; switched off, nothing of ours is left.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
. "$CK_SOURCE/tests/system/sshd_lib.sh"
[ -x /usr/sbin/pam-auth-update ] || { echo "skipped: no pam-auth-update"; exit 77; }
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
add_staff eve "Eve Marsh" 3 --uid-number 250002
private_etc
private_accounts bob:250001 eve:250002
sed -i "s/^bob:x:/bob:*:/; s/^eve:x:/eve:*:/" /etc/passwd
sed -i 's/delay=3000000/delay=100000/' /etc/pam.d/login
printf '%s\n' 'Defaults !fqdn, lecture=never, passwd_tries=1, timestamp_timeout=0' 'ALL ALL=(ALL) ALL' > /etc/sudoers
change role add operators
change grant add bob operators --why "runs the servers"
change rule add console --system core1 --role operators --service login
change rule add service --system core1 --role operators --service su --account svcuser
change rule add admin --system core1 --role operators --service sudo --account root
change rule add remote --system core1 --role operators --service sshd --proved none
printf '#!/bin/sh\necho "now $(id -un)"\n' > "$T/who"
chmod 755 "$T/who"
sshd_starts
# What the tool reads and writes, in place of the machine's.
mkdir "$T/profiles" "$T/state" "$T/debconf"
cp /usr/share/pam-configs/unix "$T/profiles/"
for profile in "$CK_SOURCE"/contrib/pam-configs/*; do
	sed "s|pam_crosskeys\\.so|$CK_BUILD/pam_crosskeys.so socket=$I/run/gate.sock local=$T/local-names|; s|/etc/crosskeys/local-names|$T/local-names|" \
		"$profile" > "$T/profiles/$(basename "$profile")"
done
cp -a /var/cache/debconf/. "$T/debconf/"
mount --bind "$T/profiles" /usr/share/pam-configs
mount --bind "$T/state" /var/lib/pam
mount --bind "$T/debconf" /var/cache/debconf
update() { DEBIAN_FRONTEND=noninteractive pam-auth-update "$@" > "$T/update.out" 2>&1 || { fail "pam-auth-update $*"; cat "$T/update.out"; }; }
config() { grep -hv '^#' /etc/pam.d/common-*; }
for name in account auth password session session-noninteractive; do cp "/usr/share/pam/common-$name" /etc/pam.d/; done
inside() { # COMMAND…: in a session of bob's at the console
	printf '%s\n' "$*" > "$T/commands"
	at tty1 0 login bob
	rm -f "$T/commands"
}

# ---- there, but not on ----
update --force --package
config > "$T/without"
checks=$((checks + 1))
grep -q pam_unix "$T/without" && ! grep -q crosskeys "$T/without" || fail "the profiles are on by themselves"
only_key bob-key
hidden "off: staff" "in as" at tty1 0 login bob

# ---- on ----
update --enable crosskeys crosskeys-password
checks=$((checks + 1))
[ "$(config | grep -c pam_crosskeys.so)" = 7 ] || { fail "the profiles are not on"; config; }
only_key bob-key
shown "login: staff" "in as bob" at tty1 0 login bob
said "Touch your security key"
shown "login: the machine's own" "in as svcuser" at tty1 0 login svcuser
only_key eve-key
hidden "login: no role" "in as" at tty1 0 login eve
said "no role lets you in here"
only_key bob-key
shown "su: staff, in their session" "now svcuser" inside su svcuser -c "$T/who"
hidden "su: staff, an account that no rule names" "now root" inside su root -c "$T/who"
shown "su: root" "now svcuser" at pts 0 su svcuser -c "$T/who"
shown "su: root becomes staff" "now bob" at pts 0 su bob -c "$T/who"
shown "su: the machine's own" "now svcuser" at pts 1001 su svcuser -c "$T/who"
shown "sudo: staff, in their session" "now root" inside sudo "$T/who"
shown "sudo: the machine's own" "now root" at pts 1001 sudo -p 'Password: ' "$T/who"
shown "sshd: staff" "in as bob" by_key bob
hidden "sshd: no role" "in as" by_key eve
shown "sshd: the machine's own" "in as svcuser" by_key svcuser
shown "sshd: root" "uid=0" by_key root user id
id=$(by_key bob user 'echo $CROSSKEYS_LOGIN' 2> /dev/null)
traced "$id"
expect 0 chpasswd <<< 'svcuser:changed'
hidden "a password of the machine's own is changed" "in as" at tty1 0 login svcuser
expect 0 chpasswd <<< 'svcuser:secret'
shown "and changed back" "in as svcuser" at tty1 0 login svcuser

# ---- the daemon, and then the module ----
stop_daemon
hidden "no daemon: staff" "in as" at tty1 0 login bob
hidden "no daemon: staff by ssh" "in as" by_key bob
shown "no daemon: the machine's own" "in as svcuser" at tty1 0 login svcuser
start_daemon
sed -i "s|$CK_BUILD/pam_crosskeys.so|/no/such/module.so|" /etc/pam.d/common-*
printf '%s:%s:19000:0:99999:7:::\n' bob "$(printf secret | openssl passwd -6 -stdin)" >> /etc/shadow
sed -i 's/^bob:\*:/bob:x:/' /etc/passwd
hidden "no module: staff, with a password" "in as" at tty1 0 login bob
hidden "no module: staff by ssh" "in as" by_key bob
hidden "no module: staff by su" "now" at tty1 250001 su svcuser -c "$T/who"
echo svcuser >> "$T/local-names"
hidden "no module: staff by su, to a listed account" "now" at tty1 250001 su svcuser -c "$T/who"
shown "no module: a listed name by su" "now svcuser" at pts 1001 su svcuser -c "$T/who"
sed -i /svcuser/d "$T/local-names"
hidden "no module: staff by sudo" "now" at tty1 250001 sudo -p 'Password: ' "$T/who"
shown "no module: the machine's own" "in as svcuser" at tty1 0 login svcuser
shown "no module: by su" "now svcuser" at pts 1001 su svcuser -c "$T/who"
shown "no module: by sudo" "now root" at pts 1001 sudo -p 'Password: ' "$T/who"
shown "no module: by ssh" "in as svcuser" by_key svcuser
shown "no module: root by ssh" "uid=0" by_key root user id
shown "no module: root by su" "now svcuser" at pts 0 su svcuser -c "$T/who"
sed -i "s|/no/such/module.so|$CK_BUILD/pam_crosskeys.so|" /etc/pam.d/common-*

# ---- off again ----
update --disable crosskeys crosskeys-password
checks=$((checks + 1))
config | diff "$T/without" - > "$T/out" || { fail "not as it was"; cat "$T/out"; }
update --enable crosskeys
checks=$((checks + 1))
config | grep -q crosskeys || fail "not on again"
update --package --remove crosskeys crosskeys-password # as a package's prerm does
checks=$((checks + 1))
config | diff "$T/without" - > "$T/out" || { fail "not as it was, after the package is removed"; cat "$T/out"; }
finish
