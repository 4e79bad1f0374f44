# Sourced after surfaces_lib.sh by the tests that run a real sshd: one on loopback, at a port of its own, with keys in $T/ssh.
# shellcheck shell=bash
[ -x /usr/sbin/sshd ] && command -v ssh > /dev/null || { echo "skipped: no sshd or ssh"; exit 77; }
SSHD=
# sshd_starts [LINE…]: (again) with these lines of configuration before the usual ones, which they therefore overrule
sshd_starts() {
	local port
	[ -z "$SSHD" ] || { kill "$SSHD" 2> /dev/null || true; wait "$SSHD" 2> /dev/null || true; }
	mkdir -p /run/sshd "$T/ssh"
	for name in host user other; do [ -e "$T/ssh/$name" ] || ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/$name"; done
	chmod 644 "$T/ssh/user.pub"
	for port in $((20000 + $$ % 20000)) $((21000 + $$ % 20000)) $((22000 + $$ % 20000)); do
		printf '%s\n' "$@" "ListenAddress 127.0.0.1:$port" "HostKey $T/ssh/host" 'PidFile none' 'UsePAM yes' 'PasswordAuthentication no' \
			'KbdInteractiveAuthentication yes' "AuthorizedKeysFile $T/ssh/user.pub" 'StrictModes no' > "$T/ssh/config"
		/usr/sbin/sshd -D -e -f "$T/ssh/config" > "$T/ssh/log" 2>&1 &
		SSHD=$!
		PORT=$port
		until_true 5 grep -q 'Server listening' "$T/ssh/log" && break
		wait "$SSHD" || true
		SSHD=
	done
	[ -n "$SSHD" ] || { cat "$T/ssh/log"; return 1; }
	enter_ssh=(timeout 20 ssh -F none -p "$PORT" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null)
}
trap '[ -z "$SSHD" ] || kill "$SSHD" 2> /dev/null || true; cleanup' EXIT
key_options=(-i "$T/ssh/user" -o IdentitiesOnly=yes -o PreferredAuthentications=publickey)
by_key() { "${enter_ssh[@]}" "${key_options[@]/user/${2:-user}}" "$1@127.0.0.1" "${@:3}"; } # WHO [KEY [COMMAND…]]
