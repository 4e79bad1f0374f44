# Makes the guest's file tree out of this machine's files: programs with the libraries they need, the product as it is installed, and what
# contrib/install-packages --tests unpacked (the kernel's modules, udev, busybox). Sourced by test_guest.sh.
# shellcheck shell=bash

# guest_tree ROOT: the folders and links of a merged /usr, a device to say things on before /dev is there, the users
guest_tree() {
	local root=$1 name
	mkdir -p "$root"/{dev,etc/pam.d,etc/udev/rules.d,guest,proc,root,run,sys,tmp,var/lib} "$root"/usr/{bin,sbin,lib,lib64,local}
	chmod 1777 "$root/tmp"
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
	mknod -m 600 "$root/dev/console" c 5 1
	mknod -m 666 "$root/dev/null" c 1 3
	# the same numbers as here: the instance's files have them
	getent passwd | grep -E '^(root|nobody|crosskeys-[a-z]*):' > "$root/etc/passwd"
	# udev's own rules name the others
	getent group | grep -E '^(root|nogroup|crosskeys-[a-z]*|tty|dialout|disk|audio|video|lp|cdrom|kmem|input|render|kvm|sgx):' \
		> "$root/etc/group"
	printf '%s: files\n' passwd group hosts > "$root/etc/nsswitch.conf"
	echo '127.0.0.1 localhost' > "$root/etc/hosts"
}

# guest_unpacked ROOT UNPACKED: busybox with its names, udev with all its rules, the modules
guest_unpacked() {
	local root=$1 unpacked=$2 name
	cp "$unpacked/bin/busybox" "$root/usr/bin/"
	for name in $("$unpacked/bin/busybox" --list); do ln -s busybox "$root/usr/bin/$name" 2> /dev/null || true; done # it names itself, too
	cp "$unpacked/bin/udevadm" "$root/usr/bin/"
	cp -r "$unpacked/lib/udev" "$unpacked/usr/lib/x86_64-linux-gnu" "$root/usr/lib/"
	mkdir -p "$root/usr/lib/systemd"
	ln -s /usr/bin/udevadm "$root/usr/lib/systemd/systemd-udevd"
	find "$unpacked/lib/modules" -name '*.ko' -exec cp -t "$root/guest" {} +
}

# guest_program ROOT FILE…: at the same place as here, through links
guest_program() {
	local root=$1 file
	shift
	for file; do
		mkdir -p "$root$(dirname "$file")"
		cp -L --remove-destination "$file" "$root$file" # busybox may have the name
	done
}

# guest_libraries ROOT: what the programs and modules in it need, as the loader finds it here
guest_libraries() {
	local root=$1 file
	find "$root/usr" "$root/guest" -type f \( -perm -100 -o -name '*.so*' \) -exec sh -c 'head -c4 "$1" | grep -q ELF' _ {} \; -print |
		while read -r file; do LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu ldd "$file" 2> /dev/null || true; done |
		sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/lib64[^ ]*\) .*/\1/p' | sort -u |
		while read -r file; do
			case $file in "$root"*) ;; *) guest_program "$root" "$file" ;; esac
		done
}

# guest_product ROOT: what `cmake --install` would put on a machine, and slapd with what its configuration loads; nothing of the tests
guest_product() {
	local root=$1 module
	DESTDIR=$root cmake --install "$CK_BUILD" > /dev/null
	guest_program "$root" /usr/sbin/slapd /etc/ssl/openssl.cnf
	for module in $(grep -rhos '^olcModuleLoad: .*' "$I" | sed 's/.*}//; s/ .*//'); do guest_program "$root" "/usr/lib/ldap/${module%.*}"*; done
}
