# Sourced after lib.sh by tests that use the stacks of contrib/pam.d: in a private mount namespace, /etc/pam.d holds them with this build's
# module, and /etc/passwd, /etc/shadow and /etc/group hold root, svcuser (the machine's own, password "secret") and staffa, staffb.
# The first call of a script is:  ck_private "$0" "$@"  — it begins the script again inside the namespace.
ck_private() {
	[ "${2:-}" != inside ] || return 0
	unshare -m true 2>/dev/null || skip "no private mount namespace"
	rm -rf "$T"
	trap - EXIT
	exec unshare -m bash "$1" inside
}
# ck_stacks [OPTION...]: (again) with these options of the module besides the usual ones
ck_stacks() {
	local file name
	for file in "$CK_SOURCE"/contrib/pam.d/*; do
		name=$(basename "$file")
		sed "s|pam_crosskeys\\.so|$CK_MODULE $(ck_options) $*|; s|/etc/crosskeys/local-names|$CK_LOCAL|" "$file" > "$T/pam.d/$name"
	done
	cp "$T/pam.d/sudo" "$T/pam.d/sudo-i"
	for name in account auth password session session-noninteractive; do
		[ ! -e "/etc/pam.d.before/common-$name" ] || cp "/etc/pam.d.before/common-$name" "$T/pam.d/"
		[ -e "$T/pam.d/common-$name" ] || cp "/etc/pam.d/common-$name" "$T/pam.d/"
	done
	printf 'auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\npassword required pam_deny.so\n' > "$T/pam.d/other"
}
# One user a line: name uid shell home; "secret" is svcuser's password, staff have none.
ck_accounts() {
	mkdir -p "$T/home"
	cat > "$T/passwd" <<-X
		root:x:0:0::$T/home:/bin/sh
		sshd:x:109:65534::/run/sshd:/usr/sbin/nologin
		svcuser:x:1001:1001::$T/home:/bin/sh
		staffa:*:250001:250001::$T/home:/bin/sh
		staffb:*:250002:250002::$T/home:/bin/sh
		nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
	X
	printf 'root:*:19000:0:99999:7:::\nsshd:!:19000::::::\nsvcuser:%s:19000:0:99999:7:::\nnobody:*:19000::::::\n' \
		"$(printf secret | openssl passwd -6 -stdin)" > "$T/shadow"
	printf 'root:x:0:\ntty:x:5:\nshadow:x:42:\nsvcuser:x:1001:\nstaffa:x:250001:\nstaffb:x:250002:\nnogroup:x:65534:\n' > "$T/group"
	chmod 644 "$T/passwd" "$T/group"
	chmod 640 "$T/shadow"
	for name in passwd shadow group; do mount --bind "$T/$name" "/etc/$name"; done
	mount --bind "$T/pam.d" /etc/pam.d
}
