#!/usr/bin/env bash
# The units as shipped, by the real systemd: in a container of its own over a copy of this machine's files that is thrown away, it makes the
# users and the folder, starts the daemon behind all the walls of the unit, and a key is enrolled and used there.
set -eu
. "$CK_SOURCE/tests/system/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }
[ -x /lib/systemd/systemd ] || { echo "SKIP: no systemd"; exit 77; }
overlays() {
	unshare --mount bash -eu -c "mount --make-rprivate / && mount -t tmpfs tmpfs '$T' && mkdir '$T/up' '$T/work' '$T/root' &&
		mount -t overlay overlay -o 'lowerdir=/,upperdir=$T/up,workdir=$T/work' '$T/root'" 2> "$T/why"
}
overlays || { echo "SKIP: no container of our own: $(cat "$T/why")"; exit 77; }
hierarchy=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
[ -n "$hierarchy" ] && mkdir "$hierarchy/crosskeys-test-$$" 2> /dev/null || { echo "SKIP: no control groups (version 2) to make one in"; exit 77; }
group=$hierarchy/crosskeys-test-$$
leave() {
	echo $$ > "$hierarchy/cgroup.procs"
	find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
	cleanup
}
trap leave EXIT

mkdir "$T/result"
cp "$CK_SOURCE/tests/system/systemd_inside.sh" "$T/result/inside"
DESTDIR=$T/installed cmake --install "$CK_BUILD" > "$T/install.log" || { fail "cmake --install"; tail -5 "$T/install.log"; finish; }

# As root of this machine, in namespaces of its own: a root file system is put together, and systemd takes over as process 1.
cat > "$T/become" << 'SCRIPT'
set -eu
mount --make-rprivate /
mount --bind "$T" /mnt # what is put together hides /run
mount -t tmpfs tmpfs /mnt
mkdir /mnt/up /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
R=/mnt/root
cp -a "$T/installed/." "$R/"
mkdir -p "$R/opt/token/soft-keys" "$R/result" "$R/build" "$R/old"
cp "$CK_BUILD/tests/crosskeys-token-soft" "$R/opt/token/"
mount --bind "$T/result" "$R/result"
mount --bind -o ro "$CK_BUILD" "$R/build"
mount -t proc proc "$R/proc"
mount --bind "$R/proc/sys" "$R/proc/sys"
mount -o remount,bind,ro "$R/proc/sys" # the kernel's own is everybody's
mount -t sysfs -o ro sysfs "$R/sys"
mount -t tmpfs -o mode=755 tmpfs "$R/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$R/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$R/run"
mount -t tmpfs -o mode=755 tmpfs "$R/dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$R/dev/${node%:*}" c 1 "${node#*:}"; done
# nothing of this machine but what is ours; no users of ours yet
rm -rf "$R/etc/systemd/system"
mkdir -p "$R/etc/systemd/system/crosskeysd.service.d"
for file in passwd group shadow gshadow; do sed -i '/^crosskeys-/d' "$R/etc/$file"; done
cat > "$R/etc/systemd/system/crosskeysd.service.d/test.conf" << UNIT
[Unit]
DefaultDependencies=no
[Service]
StandardError=append:/result/daemon.log
# the software key's files; a real key is a device
ReadWritePaths=/opt/token/soft-keys
UNIT
cat > "$R/etc/systemd/system/inside.service" << UNIT
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=120
StandardOutput=append:/result/out
StandardError=append:/result/out
ExecStart=/bin/bash /result/inside
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
printf '[Unit]\nDefaultDependencies=no\nWants=inside.service\n' > "$R/etc/systemd/system/test.target"
cd "$R"
pivot_root . old
umount -l /old
exec env -i container=crosskeys PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=test.target \
	--log-level=warning --log-target=console < /dev/null
SCRIPT
echo $$ > "$group/cgroup.procs"
# process 1 of a namespace that powers off ends by SIGINT
T=$T CK_BUILD=$CK_BUILD timeout -k 5 180 unshare --mount --pid --fork --kill-child --ipc --uts --net --cgroup bash "$T/become" > "$T/boot" 2>&1 || true

checks=$(grep -c '^ok ' "$T/result/out" || true)
grep -q '^done$' "$T/result/out" && pass || fail "what runs inside did not come to its end"
while read -r line; do fail "${line#FAIL }"; done < <(grep '^FAIL ' "$T/result/out")
! grep -h sandbox "$T/result/daemon.log" && pass || fail "killed by a sandbox"
[ "$failures" = 0 ] || { cat "$T/boot"; sed 's/^/    /' "$T/result/out" "$T/result/daemon.log" 2> /dev/null | tail -60; }
finish
