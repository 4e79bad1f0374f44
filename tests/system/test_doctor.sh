#!/usr/bin/env bash
# crosskeys doctor: nothing to say about a machine with the stacks of contrib/pam.d or with the profiles that pam-auth-update switched on; then
# one thing at a time is broken, each finding comes up for its own reason, and goes away again. It changes nothing, and needs no daemon.
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
. "$CK_SOURCE/tests/system/lib.sh"

# ---- a machine, below a directory ----
R=$T/machine
MODULES=$(ldd "$CK_BUILD/crosskeys" | sed -n 's|.*=> \(/.*\)/libpam\.so\.0.*|\1|p')/security
pristine() {
	mkdir -p "$R/etc/ssh/sshd_config.d" "$R/etc/sudoers.d" "$R/etc/pam.d" "$R/etc/crosskeys" "$R$MODULES" "$R/usr/lib/udev/rules.d" "$R/etc/udev/rules.d" "$R/var/lib/crosskeys"
	cp "$CK_SOURCE"/contrib/pam.d/* /etc/pam.d/common-* "$R/etc/pam.d/"
	rm "$R/etc/pam.d/crosskeys-demo" # lets in nobody but staff
	sed -i 's/ nullok//' "$R"/etc/pam.d/common-*
	printf '%s required pam_deny.so\n' auth account session password > "$R/etc/pam.d/other"
	cp "$MODULES"/*.so "$R$MODULES/"
	cp "$CK_BUILD/pam_crosskeys.so" "$R$MODULES/" # in place of one that this machine may have
	printf 'Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nPasswordAuthentication no\n' > "$R/etc/ssh/sshd_config"
	printf 'Defaults env_reset\n@includedir /etc/sudoers.d\nroot ALL=(ALL) ALL\n' > "$R/etc/sudoers"
	printf 'root:x:0:0::/root:/bin/sh\nsvc:x:1001:1001::/:/bin/sh\nbob:x:250001:250001::/:/bin/sh\n' > "$R/etc/passwd"
	printf 'root:*:1::::::\nsvc:$6$x$y:1::::::\nbob:*:1::::::\n' > "$R/etc/shadow"
	printf 'passwd: files systemd\n' > "$R/etc/nsswitch.conf"
	printf '# ours\nbackup\n' > "$R/etc/crosskeys/local-names"
	printf '# nothing\n' > "$R/etc/pam.conf"
	cp "$CK_SOURCE"/contrib/udev/*.rules "$R/usr/lib/udev/rules.d/"
	cp "$CK_SOURCE/contrib/crosskeys.conf.sample" "$R/var/lib/crosskeys/crosskeys.conf"
	chmod -R go-w "$R"
}
doctor() { crosskeys doctor --root "$R" "$@"; }
# finds CODE SEVERITY COMMAND…: that done to the machine, this is found; the machine is as before then
finds() {
	local code=$1 severity=$2 got=0 want=0
	shift 2
	checks=$((checks + 1))
	cp -a "$R" "$R.kept"
	"$@"
	doctor > "$T/out" 2>&1 || got=$?
	grep -q "^$severity: .* \[$code\]\$" "$T/out" || { fail "not found: $severity $code after: $*"; sed 's/^/    /' "$T/out" | tail -30; }
	grep -q '^error:' "$T/out" && want=1
	[ "$got" = "$want" ] || fail "exit $got, expected $want: $*"
	rm -rf "$R"
	mv "$R.kept" "$R"
}
in_file() { sed -i "$1" "$R/etc/pam.d/$2"; } # EXPRESSION SERVICE
line() { # LINE SERVICE: puts it first
	{ printf '%s\n' "$1"; cat "$R/etc/pam.d/$2"; } > "$T/lines"
	cat "$T/lines" > "$R/etc/pam.d/$2"
}
put() { printf '%b' "$1" > "$R/$2"; } # TEXT PATH
add() { printf '%b' "$1" >> "$R/$2"; }
pristine

# ---- nothing to say ----
look() { find "$R" -printf "%p %u %g %m %s %T@ %C@\n"; }
look > "$T/before"
expect 0 doctor
said "0 errors, 0 warnings"
for text in "login ($R/etc/pam.d/login)" "root                        password" "staff whom a rule lets in   security key  " "staff whom none lets in     -  "; do said "$text"; done
checks=$((checks + 1))
look | diff "$T/before" - > "$T/out" || { fail "the doctor changed something"; cat "$T/out"; }
doctor --json > "$T/out"
checks=$((checks + 1))
/usr/bin/python3 - "$T/out" <<'P' || fail "the JSON is not as expected"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["errors"] == 0 and d["warnings"] == 0, d["findings"]
s = {one["name"]: one for one in d["services"]}
who = s["sshd"]["who"]
assert who["staff_granted"]["alive"] == {"login": "security key", "account": True}, who
assert who["staff_refused"]["alive"] == {"login": None, "account": False}
assert who["staff_granted"]["dead"] == {"login": None, "account": False}
assert who["staff_granted"]["gone"] == {"login": None, "account": False}
for state in "alive", "dead", "gone":
    assert who["root"][state]["login"] == "password" and who["local"][state]["login"] == "password"
    assert who["listed"][state]["login"] == "password" and who["unknown"][state]["login"] is None
assert s["su"]["who"]["root"]["alive"]["login"] == "showing nothing"
assert s["su"]["who"]["local"]["dead"]["login"] == "the account's password"
assert s["su-l"]["who"] == s["su"]["who"]
P

# ---- who gets in, and who does not ----
A='[success=done user_unknown=ignore default=die]'
finds pam-account-open error in_file '/^account.*pam_crosskeys/d; /^account.*pam_listfile/d; /^account.*localuser/d; /^account.*succeed_if/d' sshd
finds pam-account-open error line 'account sufficient pam_permit.so' sshd
finds pam-auth-open warning line 'auth sufficient pam_unix.so' login
finds pam-auth-open warning line 'auth [success=done default=ignore] pam_succeed_if.so user ingroup nopasswdlogin' login
finds pam-auth-open warning line 'auth sufficient pam_rootok.so' login
finds pam-auth-open warning in_file 's/^auth .*pam_crosskeys.so/auth optional pam_crosskeys.so/; /^auth.*localuser/d; /^auth.*succeed_if/d; /^auth.*listfile/d' sudo
both() { # LINES: the same for both stages, and no session
	printf "TYPE $1\n" | sed s/TYPE/auth/ > "$R/etc/pam.d/login"
	printf "TYPE $1\n" | sed s/TYPE/account/ >> "$R/etc/pam.d/login"
}
finds pam-refused-gets-in error both 'sufficient pam_unix.so\nTYPE required pam_crosskeys.so'
finds pam-refused-gets-in error both 'optional pam_crosskeys.so\nTYPE required pam_unix.so'
finds pam-refused-gets-in error both '[success=done default=ignore] pam_crosskeys.so\nTYPE required pam_unix.so'
finds pam-refused-gets-in error both '[success=1 default=ignore] pam_localuser.so\nTYPE required pam_crosskeys.so\nTYPE required pam_permit.so'
finds pam-control warning in_file 's/^\(account .*\)default=die\(.*pam_crosskeys\)/\1perm_denied=ignore default=die\2/' login
finds pam-unknown-gets-in error both '[success=die default=ignore] pam_succeed_if.so uid >= 200000\nTYPE sufficient pam_permit.so\nTYPE required pam_crosskeys.so'
finds pam-dead-lets-in error both '[success=done authinfo_unavail=ignore user_unknown=ignore default=die] pam_crosskeys.so\nTYPE required pam_unix.so'
finds pam-dead-lets-in error in_file 's/^\(account .*\)default=die\(.*pam_crosskeys\)/\1authinfo_unavail=1 default=die\2/; s/^account.*listfile.*/account required pam_permit.so/; /^account.*localuser/d; /^account.*succeed_if/d; s/^\(account.*\)user_unknown=3/\1user_unknown=1/' sshd
finds pam-gone-lets-in error both '[success=done module_unknown=ignore user_unknown=ignore default=die] pam_crosskeys.so\nTYPE required pam_unix.so'
finds pam-locked-out error in_file 's/^\(auth .*\)user_unknown=3\(.*pam_crosskeys\)/\1user_unknown=die\2/' sudo
finds pam-locked-out error in_file 's/^auth.*pam_unix.*/auth requisite pam_deny.so/' sudo
finds pam-gone-locks-out warning in_file 's/module_unknown=ignore service_err=ignore//' login
finds pam-staff-locked-out error line 'auth required pam_deny.so' login
finds pam-session-missing warning in_file '/^session.*pam_crosskeys/d' login
finds pam-service-unruled warning put 'auth required pam_unix.so\naccount required pam_unix.so\n' etc/pam.d/lightdm
finds pam-service-unruled warning put 'auth required pam_unix.so\naccount required pam_unix.so\n' etc/pam.d/other
finds pam-not-used error find "$R/etc/pam.d" -type f ! -name "common-*" ! -name other -delete

# ---- lines and files ----
finds pam-syntax error line 'auht required pam_unix.so' login
finds pam-syntax error line 'auth [success=done default=di] pam_unix.so' login
finds pam-syntax error line '@include common-nothing' login
finds pam-broken error line '@include common-nothing' login
finds pam-syntax error line 'auth include login' login
finds pam-broken error add 'auth required \\\\\n' etc/pam.d/other
finds pam-options error in_file 's/^account\(.*\)pam_crosskeys.so/account\1pam_crosskeys.so tiemout=5/' login
finds pam-options-differ warning in_file 's/^account\(.*\)pam_crosskeys.so/account\1pam_crosskeys.so socket=\/run\/other.sock/' login
finds pam-nullok warning in_file 's/^\(auth.*pam_unix.so\)/\1 nullok/' login
finds module-unknown note line 'auth optional pam_example.so' login
finds module-missing error rm "$R$MODULES/pam_crosskeys.so"
finds module-missing error rm "$R$MODULES/pam_unix.so"
finds module-missing warning rm "$R$MODULES/pam_loginuid.so"
finds module-owner error chmod o+w "$R$MODULES/pam_crosskeys.so"
finds module-owner error chown nobody "$R$MODULES/pam_unix.so"
finds pam-file-owner error chmod g+w "$R/etc/pam.d/sshd"
finds pam-file-owner error chmod o+w "$R/etc/pam.d"
many() { # one or another, twelve times
	local i
	for i in $(seq 12); do
		touch "$R$MODULES/pam_a$i.so" "$R$MODULES/pam_b$i.so"
		line "auth requisite pam_b$i.so" login
		line "auth [success=1 default=ignore] pam_a$i.so" login
	done
}
finds pam-unclear warning many
finds pam-conf-unused note put 'login auth required pam_permit.so\n' etc/pam.conf
checks=$((checks + 1)) # a line that may be missing is no finding
line '-auth optional pam_not_installed.so' login
doctor | grep -q module-missing && fail "a module that may be missing is missed"
pristine

# ---- without /etc/pam.d there is pam.conf ----
mv "$R/etc/pam.d" "$R/etc/pam.kept"
put "login auth $A pam_crosskeys.so\nlogin auth required pam_unix.so\nlogin account required pam_permit.so\nother auth required pam_deny.so\n" etc/pam.conf
expect 1 doctor --pam-only
said "[pam-account-open]"
said "login ($R/etc/pam.conf, login)"
mv "$R/etc/pam.kept" "$R/etc/pam.d"
pristine

# ---- sshd, sudo, names ----
finds sshd-without-pam error put 'UsePAM no\n' etc/ssh/sshd_config.d/first.conf
finds sshd-without-pam error put 'PasswordAuthentication no\n' etc/ssh/sshd_config
finds sshd-passwords warning put 'UsePAM yes\n' etc/ssh/sshd_config
finds sshd-passwords warning add 'Match User bob\nPasswordAuthentication yes\n' etc/ssh/sshd_config
finds sshd-skips-auth note true
finds sshd-file-owner error chmod o+w "$R/etc/ssh/sshd_config"
finds sudo-account-off error put 'Defaults !pam_acct_mgmt\n' etc/sudoers.d/site
finds sudo-remembers warning add 'Defaults:bob lecture=never, timestamp_timeout=-1\n' etc/sudoers
finds sudo-service error add 'Defaults pam_service=sudo-other\n' etc/sudoers
finds sudo-unasked note add 'Defaults !authenticate\n' etc/sudoers
# files that name themselves, twice: the reading ends
finds unreadable warning add '@include sudoers\n@include sudoers\n' etc/sudoers
finds unreadable warning add 'Include sshd_config\nInclude sshd_config\n' etc/ssh/sshd_config
finds local-names-owner error chmod o+w "$R/etc/crosskeys/local-names"
finds local-names-comment warning add 'guest # the kiosk\n' etc/crosskeys/local-names
finds local-names-staff warning add 'bob\n' etc/crosskeys/local-names
finds local-names-absent note rm "$R/etc/crosskeys/local-names"
finds staff-unknown warning sed -i /^bob/d "$R/etc/passwd"
finds no-way-back warning sed -i 's/^svc:[^:]*/svc:!/' "$R/etc/shadow"
finds udev-rule warning rm "$R/usr/lib/udev/rules.d/71-crosskeys-token.rules"
finds udev-rule warning put '' etc/udev/rules.d/71-crosskeys-token.rules
finds config-missing error rm "$R/var/lib/crosskeys/crosskeys.conf"
finds config-wrong error add 'gtaes = 2\n' var/lib/crosskeys/crosskeys.conf
finds clock-behind error touch -d '2090-01-01' "$R/var/lib/crosskeys/crosskeys.conf"
expect 0 doctor # nothing is left of all that

# ---- Debian's own services, with the profiles that pam-auth-update switched on ----
D=$T/debian
update() { # ARGUMENTS…: with a debconf of its own
	checks=$((checks + 1))
	unshare -m sh -c 'mount --bind "$1" /var/cache/debconf && shift && DEBIAN_FRONTEND=noninteractive exec pam-auth-update "$@"' update "$T/debconf" --root "$D" "$@" \
		> "$T/update.out" 2>&1 || { fail "pam-auth-update $*"; cat "$T/update.out"; }
}
if [ -x /usr/sbin/pam-auth-update ] && unshare -m true 2> /dev/null; then
	cp -a "$R" "$D"
	rm "$D"/etc/pam.d/*
	mkdir -p "$D/usr/share/pam-configs" "$D/var/lib/pam"
	cp -a /var/cache/debconf "$T/debconf"
	cp /usr/share/pam-configs/unix "$CK_SOURCE"/contrib/pam-configs/* "$D/usr/share/pam-configs/"
	cp /etc/pam.d/* "$D/etc/pam.d/"
	for name in account auth password session session-noninteractive; do cp "/usr/share/pam/common-$name" "$D/etc/pam.d/"; done
	chmod -R go-w "$D"
	update --force --package
	expect 1 crosskeys doctor --root "$D"
	said "[pam-not-used]"
	update --enable crosskeys crosskeys-password
	expect 0 crosskeys doctor --root "$D"
	said "0 errors, 1 warnings"
	said "[pam-nullok]" # Debian's choice
	for name in cron login sshd su sudo; do said "$name ($D/etc/pam.d/$name)"; done
	sed -i '/pam_crosskeys/d; /pam_listfile/d; /pam_localuser/d; /pam_succeed_if/d' "$D/etc/pam.d/common-account"
	expect 1 crosskeys doctor --root "$D"
	said "[pam-account-open]"
	said "services: chfn, chpasswd, chsh, cron, login"
else
	echo "not tried: pam-auth-update"
fi

# ---- who is not root is told what is not known ----
chmod o= "$R/etc/pam.d/login"
cp "$CK_BUILD/crosskeys" "$T/"
expect 0 setpriv --reuid nobody --regid nogroup --clear-groups "$T/crosskeys" doctor --root "$R"
said "[unreadable]"
said "could not be read: nothing is known"
chmod o=r "$R/etc/pam.d/login"
expect 2 doctor --nonsense

# ---- a real instance ----
new_instance
live() { crosskeys doctor --dir "$I" --pam-dir "$R/etc/pam.d" > "$T/out" 2>&1 || true; }
has() { checks=$((checks + 1)); live; grep -q "\[$1\]\$" "$T/out" || { fail "not found: $1"; sed 's/^/    /' "$T/out" | tail -40; }; }
hasnt() {
	local code
	live
	for code in "$@"; do
		checks=$((checks + 1))
		! grep -q "\[$code\]\$" "$T/out" || { fail "found: $code"; grep -A3 "\[$code\]\$" "$T/out"; }
	done
}
cp "$CK_BUILD/pam_crosskeys.so" "$T/"
sed -i "s|/etc/crosskeys/local-names\$|$R/etc/crosskeys/local-names|; s|pam_crosskeys\\.so|$T/pam_crosskeys.so socket=$I/run/gate.sock local=$R/etc/crosskeys/local-names|" "$R"/etc/pam.d/*
hasnt daemon-unreachable daemon-state config-missing config-wrong user-wrong folder-owner folder-missing instance-owner program-missing program-owner \
	socket-owner socket-differs audit-disk clock-behind clock-copy pam-account-open pam-refused-gets-in pam-locked-out pam-gone-lets-in pam-options-differ module-missing module-owner seccomp
chmod 770 "$I/audit"; has folder-owner; chmod 700 "$I/audit"
chown root "$I/run-directory"; has folder-owner; chown crosskeys-directory "$I/run-directory"
chmod 2750 "$I/store"
mv "$K/crosskeys-token-soft" "$K/moved"; has program-missing; mv "$K/moved" "$K/crosskeys-token-soft"
chmod o+w "$K/crosskeys-token-soft"; has program-owner; chmod o-w "$K/crosskeys-token-soft"
chmod 600 "$I/run/gate.sock"; has socket-owner; chmod 666 "$I/run/gate.sock"
chmod o+w "$I"; has instance-owner; has daemon-unreachable; chmod o-w "$I"
hasnt folder-owner program-missing program-owner socket-owner instance-owner daemon-unreachable
cp "$I/crosskeys.conf" "$T/conf"
echo 'user_gate = crosskeys-nobody-made-it' > "$T/more"
sed -i '/^user_gate/d' "$I/crosskeys.conf"; cat "$T/more" >> "$I/crosskeys.conf"; has user-wrong
cp "$T/conf" "$I/crosskeys.conf"; echo "socket = $I/run/other.sock" >> "$I/crosskeys.conf"; has socket-differs; has daemon-unreachable
cp "$T/conf" "$I/crosskeys.conf"; echo 'audit_segment_bytes = 1099511627776' >> "$I/crosskeys.conf"; has audit-disk
cp "$T/conf" "$I/crosskeys.conf"
hasnt user-wrong socket-differs audit-disk
# a key that is plugged in, as the kernel shows one
mkdir -p "$T/dev" "$T/class/hidraw/hidraw0/device" "$T/class/hidraw/hidraw1/device"
cp -a /dev/null /dev/zero /dev/urandom /dev/tty "$T/dev/"
touch "$T/dev/hidraw0" "$T/dev/hidraw1"
printf '\006\320\361\011\001' > "$T/class/hidraw/hidraw0/device/report_descriptor"
printf '\005\001\011\006\241' > "$T/class/hidraw/hidraw1/device/report_descriptor" # a keyboard
plugged() { # MODE GROUP: of the key's device
	chmod "$1" "$T/dev/hidraw0"
	chgrp "$2" "$T/dev/hidraw0"
	unshare -m sh -c 'mount --bind "$1/class" /sys/class && mount --bind "$1/dev" /dev && shift && exec "$@"' plugged "$T" \
		"$CK_BUILD/crosskeys" doctor --dir "$I" --pam-dir "$R/etc/pam.d" > "$T/out" 2>&1 || true
}
if unshare -m true 2> /dev/null; then
	plugged 600 root
	said "/dev/hidraw0 [key-group]"
	checks=$((checks + 1))
	! grep -q hidraw1 "$T/out" || fail "a keyboard is taken for a key"
	plugged 660 root
	said "/dev/hidraw0 [key-group]"
	plugged 640 crosskeys-token
	said "/dev/hidraw0 [key-group]"
	plugged 660 crosskeys-token
	checks=$((checks + 1))
	! grep -qE '\[(key-group|no-key)\]' "$T/out" || fail "a key that the helper may use is complained about"
	has no-key
else
	echo "not tried: a key that is plugged in"
fi
# a directory elsewhere, and what proves there who this is
cat >> "$I/crosskeys.conf" << 'F'
provider_1 = ldaps://dir1.example.org
provider_mechanism = external
F
sed -i '/^slapd *=/d; /^directory_uri *=/d; /^user_directory *=/d' "$I/crosskeys.conf"
echo 'slapd =' >> "$I/crosskeys.conf"
has folder-missing # there is none
install -d -g crosskeys-replica -m 750 "$I/providers"
found_file() { has provider-file; said "$I/providers/$1"; said "$2"; } # FILE WHY
found_file ca.pem "No such file or directory"
found_file client.key "No such file or directory"
authority() { # NAME DAYS: its own certificate and key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/$1.key" -out "$T/$1.pem" -days "$2" -subj "/CN=$1" 2> /dev/null
}
for name in root core1 other; do authority "$name" 90; done
cp "$T/root.pem" "$I/providers/ca.pem"
cp "$T/core1.pem" "$I/providers/client.pem"
cp "$T/core1.key" "$I/providers/client.key"
chmod 444 "$I"/providers/*.pem
chown crosskeys-replica "$I/providers/client.key"
chmod 400 "$I/providers/client.key"
hasnt provider-file folder-missing folder-owner config-wrong
# their certificates: each fault by itself, and none of them otherwise
put() { cat "$T/$1" > "$I/providers/$2"; } # as it is owned
faulty() { # CODE FILE WORDS
	has "$1"
	said "$I/providers/$2"
	said "$3"
}
hasnt certificate-expired certificate-early certificate-ending certificate-key certificate-unread
cat > "$T/ca.conf" << F
[ca]
default_ca = c
[c]
database = $T/issued.index
new_certs_dir = $T
serial = $T/issued.serial
default_md = sha256
policy = p
[p]
commonName = supplied
F
: > "$T/issued.index"
echo 01 > "$T/issued.serial"
spans() { # NAME FROM UNTIL: of core1's key, between two days
	openssl req -new -key "$T/core1.key" -subj "/CN=$1" -out "$T/$1.csr" 2> /dev/null
	openssl ca -batch -config "$T/ca.conf" -selfsign -keyfile "$T/core1.key" -in "$T/$1.csr" -out "$T/$1.pem" -notext \
		-startdate "$(date -u -d "$2 days" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$3 days" +%Y%m%d%H%M%SZ)" 2> "$T/ca.out" || { fail "openssl ca"; cat "$T/ca.out"; }
}
spans short -1 +10
spans ended -20 -10
spans late +5 +90
put short.pem ca.pem; faulty certificate-ending ca.pem 'CN=short ends on'
put ended.pem ca.pem; faulty certificate-expired ca.pem 'CN=ended ended on'
checks=$((checks + 1))
grep -q '^error.*certificate-expired' "$T/out" || fail "that nobody is believed any more is no error"
cat "$T/ended.pem" "$T/root.pem" > "$T/both.pem" # one that is good does
put both.pem ca.pem; has certificate-expired
checks=$((checks + 1))
grep -q '^warning.*certificate-expired' "$T/out" || fail "one of two that has ended is no warning"
put core1.key ca.pem; faulty certificate-unread ca.pem 'none in it that can be read'
put root.pem ca.pem
put ended.pem client.pem; faulty certificate-expired client.pem 'CN=ended ended on'
put late.pem client.pem; faulty certificate-early client.pem 'CN=late begins on'
put core1.pem client.pem
put other.key client.key; faulty certificate-key client.key 'that of another one'
openssl pkey -in "$T/core1.key" -aes256 -passout pass:secret -out "$T/locked.key" 2> /dev/null
put locked.key client.key; faulty certificate-key client.key 'cannot be read as one'
put core1.key client.key
hasnt certificate-expired certificate-early certificate-ending certificate-key certificate-unread
chmod 440 "$I/providers/client.key"; found_file client.key "expected a regular file of crosskeys-replica, not empty, mode 0400"; chmod 400 "$I/providers/client.key"
chown root "$I/providers/client.key"; found_file client.key "expected a regular file of crosskeys-replica"; chown crosskeys-replica "$I/providers/client.key"
chmod 664 "$I/providers/ca.pem"; found_file ca.pem "mode 0444"; chmod 444 "$I/providers/ca.pem"
chown nobody "$I/providers/ca.pem"; found_file ca.pem "expected a regular file of root"; chown root "$I/providers/ca.pem"
mv "$I/providers/ca.pem" "$T/ca.pem"; found_file ca.pem "No such file or directory"; ln -s "$T/ca.pem" "$I/providers/ca.pem"; has provider-file
rm "$I/providers/ca.pem"; : > "$I/providers/ca.pem"; found_file ca.pem "not empty"; mv "$T/ca.pem" "$I/providers/ca.pem"
chmod 755 "$I/providers"; has folder-owner; chmod 750 "$I/providers"
sed -i 's/^provider_mechanism = .*/provider_mechanism = scram-sha-256/; $a provider_identity = core1' "$I/crosskeys.conf"
found_file password "No such file or directory" # another mechanism, other files
checks=$((checks + 1))
! grep -q client.key "$T/out" || fail "a file that this mechanism does not need is looked at"
cp "$T/conf" "$I/crosskeys.conf"
hasnt provider-file
stop_daemon
has daemon-unreachable
hasnt folder-owner clock-behind
# the clock: the last record is of tomorrow
log=$(ls "$I"/audit/audit-*.log | tail -1)
cp -p "$log" "$T/log"
year=$(date -u +%Y)
sed -i "s/^\([0-9]* \)$year-/\1$((year + 1))-/" "$log"
has clock-behind
cp -p "$T/log" "$log"
hasnt clock-behind
# without the daemon, and without root
expect 1 setpriv --reuid nobody --regid nogroup --clear-groups "$T/crosskeys" doctor --dir "$I" --pam-dir "$R/etc/pam.d"
said "[unreadable]"
finish
