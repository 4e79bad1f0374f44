#!/usr/bin/env bash
# A machine of its own, under qemu: Debian's kernel, udev with the rule that we ship, and the software key as a real HID device. The
# instance is made here, stopped, and goes into the guest with the installed programs. What is checked there: tests/system/guest/checks.sh.
. "$CK_SOURCE/tests/system/lib.sh"
. "$CK_SOURCE/tests/system/guest/root.sh"
[ "${CK_SANITIZE:-OFF}" != ON ] || { echo "SKIP: the guest takes the programs as they are installed, without ASan"; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: the guest is made of this machine's programs, and its kernel is for x86_64"; exit 77; }

UNPACKED=${CK_GUEST:-/var/cache/crosskeys-tests/guest}
LIMIT_S=500 # a machine with nothing else to do needs 30
[ -e "$UNPACKED/boot/vmlinuz" ] || { echo "no kernel in $UNPACKED: contrib/install-packages --tests puts it there"; exit 1; }
R=$T/root

# ---- what goes in ----
new_instance
change rule add consoles --role administrators --system core1 --service demo
as ada 1234 staff add ben --name "Ben East" --mail ben@northtown.example --number 7 > "$T/out" 2>&1 || { cat "$T/out"; exit 1; }
as ada 1234 key code ben > "$T/code.out" 2>&1 || { cat "$T/code.out"; exit 1; }
change grant add ben administrators --why "to be tried out"
for name in wrong-key new-key other-key; do new_key "$name" 1234; done
stop_daemon

guest_tree "$R"
guest_unpacked "$R" "$UNPACKED"
guest_product "$R"
guest_program "$R" /usr/bin/{bash,fido2-token,setpriv,grep,sed,stat,find,od,pgrep}
for name in soft-key soft-uhid; do install -D "$CK_BUILD/tests/$name" "$R/guest/build/tests/$name"; done
module=$(cd "$R" && find usr/local -name pam_crosskeys.so -printf '/%p')
ln -s /usr/local/sbin/crosskeysd /usr/local/bin/crosskeys "$module" "$R/guest/build/"
guest_libraries "$R"
cp "$CK_SOURCE"/tests/system/{lib.sh,guest/init,guest/checks.sh} "$R/guest/"
mv "$R/guest/init" "$R/init"
chmod 755 "$R/init"
# at the place where it was made, with the helper for devices in the place of its twin
mkdir -p "$R$I"
cp -a "$I/." "$R$I/"
sed -i 's/^token_helper = .*/token_helper = \/usr\/local\/sbin\/crosskeys-token/' "$R$I/crosskeys.conf"
cp -r --no-preserve=ownership "$K" "$R/guest/keys"
printf 'I=%q\nK=/guest/keys\n' "$I" > "$R/guest/instance"
code_of ben "$T/code.out" > "$R/guest/code"
(cd "$R" && find . | cpio --quiet -o -H newc) > "$T/initramfs"

# ---- the machine ----
began=$SECONDS code=0
# never -accel kvm: whether that device works depends on where this runs
timeout -k 5 "$LIMIT_S" qemu-system-x86_64 -accel tcg -cpu max -m 512 -nodefaults -no-user-config -display none -no-reboot \
	-serial "file:$T/console" -serial "file:$T/report" \
	-kernel "$UNPACKED/boot/vmlinuz" -initrd "$T/initramfs" -append "console=ttyS0 panic=-1 rdinit=/init" \
	> "$T/qemu.log" 2>&1 < /dev/null || code=$?
tr -d '\r' < "$T/report" > "$T/said"
inside=$(sed -n 's/^\([0-9]*\) checks, .*/\1/p' "$T/said" | tail -1)
checks=$((checks + ${inside:-0}))
if [ "$code" != 0 ] || ! grep -qx 'guest: end 0' "$T/said"; then
	fail "the guest did not get through; qemu's exit $code after $((SECONDS - began)) s (the limit is $LIMIT_S)"
	for name in qemu.log console said; do
		echo "---- $name:"
		tail -150 "$T/$name"
	done
fi
grep '^guest: ' "$T/said" || true
finish
