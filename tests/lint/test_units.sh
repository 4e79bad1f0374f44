#!/usr/bin/env bash
# What is shipped for systemd and AppArmor is accepted by their own tools, installed with the paths of the programs, and does not contradict
# Crosskeys' own filters and users. That it also works is test_systemd.sh's part.
set -eu
failed=0
complain() { echo "$*"; failed=1; }
for tool in systemd-analyze systemd-sysusers systemd-tmpfiles apparmor_parser; do
	command -v "$tool" > /dev/null || { echo "SKIP: no $tool"; exit 77; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
DESTDIR=$out/root cmake --install "$CK_BUILD" > "$out/log" || { cat "$out/log"; exit 1; }
prefix=$out/root$(sed -n 's/^CMAKE_INSTALL_PREFIX:[A-Z]*=//p' "$CK_BUILD/CMakeCache.txt")

# ---- the unit ----
unit=$prefix/lib/systemd/system/crosskeysd.service
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
[ -x "$out/root$program" ] || complain "the unit starts $program, which is not what is installed"
# verify wants the program where it says
mkdir "$out/units"
sed "s|^ExecStart=[^ ]*|ExecStart=$CK_BUILD/crosskeysd|" "$unit" > "$out/units/crosskeysd.service"
systemd-analyze verify --man=no "$out/units/crosskeysd.service" > "$out/verify" 2>&1 || true
! grep crosskeysd "$out/verify" || complain "systemd-analyze verify complains of the above"
# tenths of what systemd calls exposure; the reasons for what remains are in the unit
systemd-analyze security --offline=yes --threshold=17 --no-pager "$unit" > "$out/security" 2>&1 || { grep '✗' "$out/security"; complain "$(tail -1 "$out/security")"; }

# Every call of our tables is in the unit's filter, or systemd's would answer before ours does.
members() {
	systemd-analyze syscall-filter --no-pager "$1" | sed -n 's/^    \([@a-z0-9_-]*\)$/\1/p' | while read -r name; do
		case $name in
		@*) members "$name" ;;
		*) echo "$name" ;;
		esac
	done
}
words() { # each word of the lines, sets taken apart
	local word
	for word; do
		case $word in
		@*) members "$word" ;;
		*) echo "$word" ;;
		esac
	done
}
# shellcheck disable=SC2046 # words
comm -23 <(words $(sed -n 's/^SystemCallFilter=\([^~].*\)/\1/p' "$unit") | sort -u) <(words $(sed -n 's/^SystemCallFilter=~//p' "$unit") | sort -u) > "$out/allowed"
[ "$(wc -l < "$out/allowed")" -gt 200 ] || complain "the unit's filter was not understood"
for process in supervisor gate replica ledger crosskeys-token slapd; do
	# setrlimit is prlimit64 in libc
	missing=$("$CK_BUILD/tests/sandbox-calls" "$process" | sort -u | comm -23 - "$out/allowed" | grep -vx setrlimit | tr '\n' ' ')
	[ -z "$missing" ] || complain "the unit's SystemCallFilter lacks what $process may: $missing"
done

# ---- users and folders ----
mkdir -p "$out/machine/etc"
: > "$out/machine/etc/passwd"
: > "$out/machine/etc/group"
systemd-sysusers --root="$out/machine" "$prefix/lib/sysusers.d/crosskeys.conf" > "$out/log" 2>&1 || { cat "$out/log"; complain "systemd-sysusers fails"; }
made=$(cut -d: -f1,6,7 "$out/machine/etc/passwd" | sort)
wanted=$(sed -n 's/^for user in \(crosskeys-.*\); do$/\1/p' "$CK_SOURCE/contrib/create-users" | tr ' ' '\n' | sort)
[ "$(cut -d: -f1 <<< "$made")" = "$wanted" ] || complain "sysusers makes $made, create-users $wanted"
! cut -d: -f3 <<< "$made" | grep -v nologin || complain "a user has a shell"
systemd-tmpfiles --create --root="$out/machine" "$prefix/lib/tmpfiles.d/crosskeys.conf" > "$out/log" 2>&1 || { cat "$out/log"; complain "systemd-tmpfiles fails"; }
[ "$(stat -c %a "$out/machine/var/lib/crosskeys")" = 755 ] || complain "tmpfiles does not make the folder"

# ---- AppArmor ----
profiles=$prefix/share/crosskeys/apparmor.d
for profile in crosskeysd crosskeys-token; do
	apparmor_parser -Q -K "$profiles/$profile" > "$out/log" 2>&1 || { cat "$out/log"; complain "apparmor_parser does not take $profile"; }
	grep -q "^profile $profile ${program%/*}/$profile {" "$profiles/$profile" || complain "the profile $profile is not of the program that is installed"
done
{ echo 'profile slapd /usr/sbin/slapd {'; cat "$profiles/local/usr.sbin.slapd"; echo '}'; } > "$out/slapd"
apparmor_parser -Q -K "$out/slapd" > "$out/log" 2>&1 || { cat "$out/log"; complain "apparmor_parser does not take the lines for slapd"; }

# ---- a directory elsewhere ----
# what the profile becomes, for a kernel that knows networks, whichever this one knows
compiled() { apparmor_parser -Q -K --kernel-features /etc/apparmor.d/abi/3.0 -S "$@" 2> "$out/log" > "$out/binary" && sha256sum < "$out/binary" || complain "apparmor_parser $*"; }
cp -r /etc/apparmor.d "$out/base"
cp -r "$profiles/tunables/." "$out/base/tunables/"
sed '/if not defined/,/^  }/d' "$profiles/crosskeysd" > "$out/without"
! grep -q 'deny network' "$out/without" || complain "the denied networks were not found"
alone=$(compiled "$profiles/crosskeysd")
[ "$alone" != "$(compiled "$out/without")" ] || complain "the profile does not keep the network away"
[ "$(compiled -b "$out/base" "$profiles/crosskeysd")" = "$(compiled "$out/without")" ] || complain "with the file for providers the profile is not the one without denied networks"
dropin=$prefix/share/crosskeys/systemd/crosskeysd-providers.conf
mkdir -p "$out/units/crosskeysd.service.d"
cp "$dropin" "$out/units/crosskeysd.service.d/providers.conf" || complain "there is no drop-in for providers"
systemd-analyze verify --man=no "$out/units/crosskeysd.service" > "$out/verify" 2>&1 || true
! grep crosskeysd "$out/verify" || complain "systemd-analyze verify complains of the drop-in for providers"
# ---- all that the text names is there ----
for file in "$CK_SOURCE"/contrib/directory/*.ldif; do
	cmp -s "$file" "$prefix/share/crosskeys/directory/${file##*/}" || complain "${file##*/} is not installed"
done
exit "$failed"
