# The real su, sudo, login and sshd with the stacks of contrib/pam.d, on a gate that answers as it is told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stacks.sh"
[ "${CK_SANITIZE:-OFF}" != ON ] || skip "su, sudo, login and sshd are not built with ASan"
ck_private "$0" "$@"
ck_stacks
ck_accounts
id=016c6f67696e2d69642d313662797465
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=say,pin,assert"
# as UID COMMAND...: with a terminal on which 1234 is typed, since each of them wants one
as() {
	local uid=$1
	shift
	python3 - "$uid" "$@" <<-'X' 2>&1 | tr -d '\r'
		import os, pty, select, sys, time
		uid, command = int(sys.argv[1]), sys.argv[2:]
		pid, fd = pty.fork()
		if pid == 0:
		    if uid: os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
		    os.execvp(command[0], command)
		seen, answered, end = b"", 0, time.time() + 30
		while time.time() < end:
		    if not select.select([fd], [], [], 0.2)[0]: continue
		    try: chunk = os.read(fd, 4096)
		    except OSError: break
		    if not chunk: break
		    seen += chunk
		    if seen.count(b"PIN for your security key: ") > answered: answered += 1; os.write(fd, b"1234\n")
		    if answered == 0 and seen.endswith(b"Password: "): answered += 1; os.write(fd, b"secret\n")
		sys.stdout.write(seen.decode("utf-8", "replace")); sys.stdout.flush()
		try: os.close(fd)
		except OSError: pass
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	X
}

# su: the caller's key, another's account.
ck_gate $good
out=$(as 250001 su svcuser -c 'echo in as $(id -un); echo "login=$CROSSKEYS_LOGIN"') || true
expect_line "su: staff enter an account" "in as svcuser" "$out"
expect_line "su: they touched their own key" "Touch your security key." "$out"
expect_heard "su: who asks is the caller" "helper: pin 1234"
expect "su: of the caller's name" yes "$(grep -q '^begin user=staffa account=svcuser service=su tty=' "$T/heard" && echo yes)"
expect "su: the session is opened and closed" yes "$(grep -q "^open account=svcuser service=su .*id=$id" "$T/heard" && sleep 0.3 && grep -q "^close id=$id" "$T/heard" && echo yes)"
ck_gate $good begin=denied
refuse_line "su: refused" "in as" "$(as 250001 su svcuser -c 'echo in as svcuser' || true)"
ck_gate $good account=denied
refuse_line "su: refused by the account stage" "in as svcuser" "$(as 250001 su svcuser -c 'id -un | sed s/^/in as /' || true)"
ck_gate_stop
refuse_line "su: no daemon" "in as" "$(as 250001 su svcuser -c 'echo in as svcuser' || true)"
expect_line "su: the machine's own, by password" "in as svcuser" "$(as 1001 su svcuser -c 'echo in as $(id -un)' || true)"
expect_line "su: root" "in as staffb" "$(as 0 su staffb -c 'echo in as $(id -un)' || true)"

# sudo: the invoking user's key.
if command -v sudo > /dev/null; then
	printf 'Defaults timestamp_timeout=0, !fqdn\nDefaults lecture=never\nstaffa ALL=(ALL) ALL\nsvcuser ALL=(ALL) ALL\nroot ALL=(ALL) ALL\n' > "$T/sudoers"
	chmod 440 "$T/sudoers"
	mount --bind "$T/sudoers" /etc/sudoers
	ck_gate $good
	out=$(as 250001 sudo id -un) || true
	expect_line "sudo: staff become root" root "$out"
	expect "sudo: who asks is the invoking user" yes "$(grep -q '^begin user=staffa account=root service=sudo tty=' "$T/heard" && echo yes)"
	expect "sudo: their session" yes "$(grep -q "^open account=root service=sudo .*id=$id" "$T/heard" && echo yes)"
	ck_gate $good account=denied
	refuse_line "sudo: refused by the account stage" "root-indeed" "$(as 250001 sudo echo root-indeed || true)"
	ck_gate_stop
	refuse_line "sudo: no daemon" "root-indeed" "$(as 250001 sudo echo root-indeed || true)"
else
	echo "note: sudo is not installed"
fi

# login: at a terminal.
if command -v login > /dev/null; then
	printf '#!/bin/sh\necho "in as $(id -un) $CROSSKEYS_LOGIN"\n' > "$T/shell"
	chmod 755 "$T/shell"
	sed "s|^\\(staffa:.*\\):/bin/sh$|\\1:$T/shell|" "$T/passwd" > "$T/passwd.shell"
	cp "$T/passwd" "$T/passwd.sh"
	cat "$T/passwd.shell" > "$T/passwd" # in place: it is mounted
	ck_gate $good
	out=$(as 0 login staffa) || true
	expect_line "login: staff" "in as staffa $id" "$out"
	expect "login: the session" yes "$(grep -q "^open account=staffa service=login .*id=$id" "$T/heard" && echo yes)"
	ck_gate $good account=denied-say
	out=$(as 0 timeout 10 login staffa) || true
	refuse_line "login: refused" "in as" "$out"
	expect_line "login: and told why" "No role lets you in here." "$out"
	cat "$T/passwd.sh" > "$T/passwd"
fi

# sshd: public key, and the account stage decides; keyboard-interactive ends in a sentence.
if [ -x /usr/sbin/sshd ]; then
	mkdir -p /run/sshd "$T/ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/user"
	chmod 644 "$T/ssh/user.pub"
	port=$((20000 + $$ % 20000))
	cat > "$T/ssh/config" <<-X
		ListenAddress 127.0.0.1:$port
		HostKey $T/ssh/host
		PidFile none
		UsePAM yes
		PasswordAuthentication no
		KbdInteractiveAuthentication yes
		AuthorizedKeysFile $T/ssh/user.pub
		StrictModes no
	X
	/usr/sbin/sshd -D -e -f "$T/ssh/config" > "$T/ssh/log" 2>&1 &
	ck_child $!
	for n in 1 2 3 4 5 6 7 8 9 10; do grep -q 'Server listening' "$T/ssh/log" && break; sleep 0.2; done
	enter() { timeout 20 ssh -F none -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@" 2>&1; }
	bykey="-i $T/ssh/user -o IdentitiesOnly=yes -o PreferredAuthentications=publickey"
	ck_gate $good
	expect_line "sshd: a public key and a rule" "in as staffa $id" "$(enter $bykey staffa@127.0.0.1 'echo in as $(id -un) $CROSSKEYS_LOGIN' || true)"
	expect "sshd: the account stage is told from where" yes \
		"$(grep -q '^account user=staffa account=staffa service=sshd tty=ssh rhost=127.0.0.1$' "$T/heard" && echo yes)"
	expect "sshd: nothing asks for a touch" no "$(grep -q ^begin "$T/heard" && echo yes || echo no)"
	expect "sshd: the session" yes "$(grep -q "^open account=staffa service=sshd .*rhost=127.0.0.1 id=$id" "$T/heard" && echo yes)"
	ck_gate $good account=denied
	refuse_line "sshd: a public key and no rule" "in as" "$(enter $bykey staffa@127.0.0.1 'echo in as' || true)"
	ck_gate_stop
	refuse_line "sshd: a public key and no daemon" "in as" "$(enter $bykey staffa@127.0.0.1 'echo in as' || true)"
	expect_line "sshd: the machine's own by public key" "in as svcuser" "$(enter $bykey svcuser@127.0.0.1 'echo in as $(id -un)' || true)"
	ck_gate $good begin=remote
	out=$(as 0 timeout 20 ssh -F none -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=keyboard-interactive \
		-o NumberOfPasswordPrompts=1 staffb@127.0.0.1 'echo in as staffb') || true
	refuse_line "sshd: keyboard-interactive" "in as" "$out"
	expect "sshd: it says that this login is remote" yes "$(echo "$out" | grep -q 'This login is remote' && echo yes || echo "$out")"
fi
ck_done
