# Sourced by test_surfaces_*.sh instead of lib.sh: all of it in a private mount namespace, where /etc/pam.d holds the stacks of contrib/pam.d
# with this build's module, /etc/passwd the staff and svcuser (the machine's own, password "secret"), and /dev/tty1 is a
# pseudo-terminal that the test types at.
# shellcheck shell=bash
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ "${CK_SANITIZE:-OFF}" != ON ] || { echo "skipped: su, sudo, login and sshd are not built with ASan"; exit 77; }
if [ -z "${CK_PRIVATE:-}" ]; then
	"$CK_SOURCE/contrib/create-users" > /dev/null # before: there /etc/passwd is another
	unshare -m true 2> /dev/null || { echo "skipped: no private mount namespace"; exit 77; }
	CK_PRIVATE=yes exec unshare -m bash "$0" "$@"
fi
. "$CK_SOURCE/tests/system/lib.sh"

# private_accounts NAME:UID…: besides those that the machine has
private_accounts() {
	local each name uid
	mkdir -p "$T/home"
	chmod 777 "$T/home"
	printf '#!/bin/sh\n[ "$1" = -c ] && exec /bin/sh "$@"\n[ -e "%s/commands" ] && . "%s/commands"\necho "in as $(id -un)"\n' "$T" "$T" > "$T/shell"
	chmod 755 "$T/shell"
	grep -E '^(root|sshd|nobody|polkitd|crosskeys-[a-z]*):' /etc/passwd > "$T/passwd"
	grep -E '^(root|tty|shadow|sshd|nogroup|polkitd|crosskeys-[a-z]*):' /etc/group > "$T/group"
	grep -q ^sshd: "$T/passwd" || echo 'sshd:x:109:65534::/run/sshd:/usr/sbin/nologin' >> "$T/passwd"
	printf 'root:*:19000:0:99999:7:::\nsshd:!:19000::::::\nsvcuser:%s:19000:0:99999:7:::\n' "$(printf secret | openssl passwd -6 -stdin)" > "$T/shadow"
	for each in svcuser:1001 "$@"; do
		name=${each%%:*} uid=${each#*:}
		echo "$name:x:$uid:$uid::$T/home:$T/shell" >> "$T/passwd"
		echo "$name:x:$uid:" >> "$T/group"
	done
	chmod 644 "$T/passwd" "$T/group"
	chmod 640 "$T/shadow"
	for name in passwd shadow group; do
		if mountpoint -q /etc; then cp -p "$T/$name" "/etc/$name"; else mount --bind "$T/$name" "/etc/$name"; fi
	done
}
# private_etc: before the accounts, for tests whose programs replace files in /etc
private_etc() {
	cp -a /etc "$T/etc"
	mount --bind "$T/etc" /etc
}

# private_run: /run holds nothing but this instance, at its place, for programs whose files there are the machine's
private_run() {
	mkdir -p "$T/run/${T##*/}"
	mount --bind "$T" "$T/run/${T##*/}"
	mount --rbind "$T/run" /run
	trap 'umount -l /run "$T/run/${T##*/}"; cleanup' EXIT
}

# private_stacks: those of contrib/pam.d, on this instance's socket
private_stacks() {
	local file name
	mkdir -p "$T/etc-pam.d"
	put_module
	for file in "$CK_SOURCE"/contrib/pam.d/*; do
		sed "s|pam_crosskeys\\.so|$MODULE socket=$I/run/gate.sock local=$T/local-names|; s|delay=3000000|delay=100000|; s|/etc/crosskeys/local-names|$T/local-names|" \
			"$file" > "$T/etc-pam.d/$(basename "$file")"
	done
	cp "$T/etc-pam.d/sudo" "$T/etc-pam.d/sudo-i"
	for name in account auth password session session-noninteractive; do cp "/etc/pam.d/common-$name" "$T/etc-pam.d/"; done
	printf '%s required pam_deny.so\n' auth account session password > "$T/etc-pam.d/other"
	if mountpoint -q /etc; then rm -r /etc/pam.d && cp -r "$T/etc-pam.d" /etc/pam.d; else mount --bind "$T/etc-pam.d" /etc/pam.d; fi
}

PYTHON=/usr/bin/python3 # not a slow wrapper from somebody's PATH
[ -x "$PYTHON" ] || PYTHON=python3
# at TTY UID COMMAND…: as that user, at a terminal of its own (pts) or at one that goes by the name /dev/tty1; 1234 is typed when a PIN is
# asked for, "secret" for a password, Enter at a locked screen, ROOT_PASSWORD
# if there is one where root's is asked for. Prints what the terminal showed.
at() {
	"$PYTHON" - "$@" <<-'P' 2>&1 | tr -d '\r'
		import os, pty, subprocess, sys, select, termios, time
		where, uid, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
		master, slave = pty.openpty()
		name = os.ttyname(slave)
		if where != "pts":
		    subprocess.run(["mount", "--bind", name, "/dev/" + where], check=True)
		    name = "/dev/" + where
		pid = os.fork()
		if pid == 0:
		    os.close(master); os.setsid(); os.close(slave)
		    fd = os.open(name, os.O_RDWR)
		    for i in range(3): os.dup2(fd, i)
		    if fd > 2: os.close(fd)
		    if uid: os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
		    os.execvp(command[0], command)
		seen, end, code = b"", time.time() + 40, None
		answers = {b"PIN for your security key:": b"1234", b"root's Password:": os.environ.get("ROOT_PASSWORD", "").encode(),
		    b"Password:": b"secret", b"'s password:": b"secret", b"[ENTER] to unlock.": b""}
		answered, last = dict.fromkeys(answers, 0), 0
		def answer(): # not while it would be echoed, and again if nothing came of it: some programs throw away what is typed when they ask
		    global last
		    asked, echoes = seen.rstrip(), termios.tcgetattr(master)[3] & termios.ECHO
		    for prompt in answers:
		        if not asked.endswith(prompt) or echoes and answers[prompt]: continue
		        if prompt.startswith(b"root") and not answers[prompt]: os.kill(pid, 15)
		        elif asked.count(prompt) > answered[prompt] or time.time() > last + 2:
		            answered[prompt] = asked.count(prompt); last = time.time(); os.write(master, answers[prompt] + b"\n")
		        return
		while time.time() < end:
		    chunk = b""
		    if select.select([master], [], [], 0.1)[0]:
		        try: chunk = os.read(master, 4096)
		        except OSError: pass
		        seen += chunk
		    answer()
		    if b"Login incorrect" in seen: os.kill(pid, 15)
		    if chunk: continue
		    done, status = os.waitpid(pid, os.WNOHANG)
		    if done: code = os.waitstatus_to_exitcode(status); break
		    time.sleep(0.02)
		sys.stdout.write(seen.decode("utf-8", "replace")); sys.stdout.flush()
		os.close(slave)
		if where != "pts": subprocess.run(["umount", "-l", "/dev/" + where])
		sys.exit(code if code is not None else 124)
	P
}
# traced LOGIN-ID: the account was granted, the session opened, and closed
traced() {
	local event
	for event in account-granted session-opened session-closed; do
		checks=$((checks + 1))
		until_true 5 sh -c "'$CK_BUILD/crosskeys' audit show --event $event '$I/audit' | grep -q 'login-id=$1'" || fail "no $event of login '$1'"
	done
}
# shown WHAT TEXT COMMAND…: the terminal shows it; hidden: it does not
shown() {
	local what=$1 text=$2
	shift 2
	checks=$((checks + 1))
	"$@" > "$T/out" 2>&1 || true
	grep -qF -- "$text" "$T/out" || { fail "$what: expected to see: $text"; sed 's/^/    /' "$T/out" | head -20; }
}
hidden() {
	local what=$1 text=$2
	shift 2
	checks=$((checks + 1))
	"$@" > "$T/out" 2>&1 || true
	! grep -qF -- "$text" "$T/out" || { fail "$what: not expected to see: $text"; sed 's/^/    /' "$T/out" | head -20; }
}
