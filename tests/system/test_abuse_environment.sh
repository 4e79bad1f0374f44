#!/usr/bin/env bash
# A hostile environment, of whoever starts the daemon and of whoever logs in, changes nothing; and nothing of ours is left to the helper or to
# the shell behind a login but what is said.
set -eu
[ -n "${CK_OWN_MOUNTS:-}" ] || CK_OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
. "$CK_SOURCE/tests/system/fault_lib.sh"
mkdir -p "$T/evil"
printf 'URI ldap://127.0.0.1:1\nTLS_REQCERT never\nSASL_MECH EXTERNAL\n' > "$T/evil/ldaprc"
printf 'openssl_conf = x\n[x]\nengines = y\n[y]\nz = w\n[w]\ndynamic_path = %s/evil/engine.so\n' "$T" > "$T/evil/openssl.cnf"
hostile=(LDAPCONF="$T/evil/ldaprc" LDAPRC="$T/evil/ldaprc" LDAPURI=ldap://127.0.0.1:1 LDAPBASE=dc=evil LDAPTLS_REQCERT=never LDAPNOINIT= \
	SASL_PATH="$T/evil" SASL_CONF_PATH="$T/evil" OPENSSL_CONF="$T/evil/openssl.cnf" OPENSSL_ENGINES="$T/evil" SSL_CERT_FILE="$T/evil/none" \
	XDG_CONFIG_HOME="$T/evil" XDG_RUNTIME_DIR="$T/evil" TMPDIR="$T/nowhere" HOME="$T/nowhere" EVENT_NOEPOLL=1 EVENT_NOPOLL=1 \
	FIDO_DEBUG=1 LANG=tlh_QO.UTF-8 LC_ALL=tlh_QO.UTF-8 TZ=":$T/evil/zone" TZDIR="$T/evil" GCONV_PATH="$T/evil" MALLOC_PERTURB_=85 \
	NOTIFY_SOCKET="$T/evil/notify" LISTEN_FDS=3 CROSSKEYS_LOGIN=00112233445566778899aabbccddeeff IFS=x BASH_ENV="$T/evil/rc" ENV="$T/evil/rc")
echo "touch $T/evil/ran" > "$T/evil/rc"
new_instance
new_people
cp /etc/passwd "$T/passwd"
echo 'bob:x:200002:200002:Bob Stone:/tmp:/bin/sh' >> "$T/passwd"
mount --bind "$T/passwd" /etc/passwd
only_environment() { # PID NAME…: nothing else in it
	local pid=$1 found
	shift
	found=$(tr '\0' '\n' < "/proc/$pid/environ" | sed 's/=.*//' | sort | tr '\n' ' ')
	[ "$found" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ] && pass || fail "the environment of $pid ($(tr '\0' ' ' < "/proc/$pid/cmdline")): $found"
}

# ---- the daemon's ----
stop_daemon
env "${hostile[@]}" "$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
DAEMON=$!
soon ck status
for kind in slapd ledger replica gate; do
	for pid in $(pids_of "$kind"); do only_environment "$pid" PATH; done
done
ok login_bob
only_key ada-key
ok as ada 1234 role add beside
only_key bob-key

# ---- the host's, and the command's ----
host() { env "${hostile[@]}" "$CK_BUILD/tests/pam-host" --tty tty1 "$S" open "$1" acct open > "$T/out" 2>&1; }
host bob || true
grep -qx 'acct 0' "$T/out" && pass || { fail "bob in a hostile environment"; cat "$T/out"; }
host eve || true
grep -q '^acct 0$' "$T/out" && fail "eve in a hostile environment" || pass
host nobody-here || true
grep -qE '^acct (0|10|25)$' "$T/out" && fail "nobody at all in a hostile environment: $(grep ^acct "$T/out")" || pass
# a login id that was made up opens no session as its login
env "${hostile[@]}" "$CK_BUILD/tests/pam-host" --tty tty1 "$S" open eve open > "$T/out" 2>&1 || true
grep -qx 'open 0' "$T/out" && fail "a session by a login id out of the environment" || pass
hostile_login() { env "${hostile[@]}" "$CK_BUILD/crosskeys" login --service-dir "$S" --tty tty1 --pin-fd 9 demo bob -- "$@" 9<<< 1234; }
ok hostile_login true
env "${hostile[@]}" "$CK_BUILD/crosskeys" status --dir "$I" > "$T/out" 2>&1 && pass || { fail "status in a hostile environment"; cat "$T/out"; }
[ ! -e "$T/evil/ran" ] && pass || fail "a file named in the environment was run"

# ---- the shell behind a login: nothing open, and in the environment only the login's own number ----
hostile_login sh -c 'ls /proc/self/fd; echo --; env' > "$T/shell" 2>&1 || fail "no shell: $(cat "$T/shell")"
sed '/^--$/,$d' "$T/shell" | grep -E '^[0-9]+$' | sort -n | tr '\n' ' ' > "$T/open"
sh -c 'ls /proc/self/fd' | sort -n | tr '\n' ' ' > "$T/open-before"
[ "$(cat "$T/open")" = "$(cat "$T/open-before")" ] && pass || fail "open in the shell: $(cat "$T/open"), expected $(cat "$T/open-before")"
grep -q '^CROSSKEYS_LOGIN=' "$T/shell" && ! grep -q '^CROSSKEYS_LOGIN=00112233' "$T/shell" && pass || fail "the login's number: $(grep CROSSKEYS "$T/shell")"
grep -qE '1234|bob-key' "$T/shell" && fail "the PIN or the key is in the shell's environment" || pass

# ---- the helper, while it waits for a key ----
only_key
hostile_login true > "$T/waiting" 2>&1 &
waiting=$!
helper_of() { pgrep -P "$DAEMON" -f crosskeys-token; }
soon helper_of
helper=$(helper_of | head -1)
found=$(tr '\0' '\n' < "/proc/$helper/environ" | sed 's/=.*//' | grep -vx PATH | tr '\n' ' ')
[ -z "$found" ] && pass || fail "in the helper's environment: $found"
files=$(find "/proc/$helper/fd" -mindepth 1 -printf '%l\n' | grep -vE '^(socket:|pipe:|anon_inode:|/dev/(null|hidraw)|.*daemon\.log$|.*soft-keys)' | tr '\n' ' ')
[ -z "$files" ] && pass || fail "open in the helper: $files"
[ "$(tr '\0' ' ' < "/proc/$helper/cmdline" | grep -c 1234 || true)" = 0 ] && pass || fail "the PIN is among the helper's arguments"
soft_key plug bob-key > /dev/null
wait "$waiting" && pass || { fail "the login that waited"; cat "$T/waiting"; }
soon verify_log
finish
