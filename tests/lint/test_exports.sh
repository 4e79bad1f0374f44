#!/usr/bin/env bash
# What shared objects export and need, how programs are hardened, and that nothing of the tests is ever installed.
set -eu
failed=0
complain() { echo "$*"; failed=1; }

module=$CK_BUILD/pam_crosskeys.so
exported=$(nm -D --defined-only "$module" | awk '{print $3}' | sort | tr '\n' ' ')
[ "$exported" = "pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred " ] ||
	complain "pam_crosskeys.so exports: $exported"
needed=$(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
[ "$needed" = "libc.so.6 libpam.so.0 " ] || complain "pam_crosskeys.so needs: $needed"
for forbidden in abort exit _exit printf puts fork execve signal sigaction setlocale chdir umask getenv system select; do
	if nm -D --undefined-only "$module" | awk '{print $2}' | sed 's/@.*//' | grep -qx "$forbidden"; then complain "pam_crosskeys.so calls $forbidden"; fi
done

for program in crosskeysd crosskeys crosskeys-token pam_crosskeys.so; do
	file=$CK_BUILD/$program
	readelf -lW "$file" | grep -q GNU_RELRO || complain "$program: no RELRO"
	readelf -dW "$file" | grep -qE 'BIND_NOW|FLAGS.*NOW' || complain "$program: not bound at start"
	readelf -lW "$file" | grep -E 'GNU_STACK' | grep -q 'RWE' && complain "$program: executable stack"
	readelf -hW "$file" | grep -q 'DYN' || complain "$program: not position independent"
	# Debian's own start files carry no CET marking, so the linker drops it: what our compiler made is looked at instead
	objdump -d --no-show-raw-insn "$file" | awk '/^[0-9a-f]+ <(main|pam_sm_authenticate)>:/ { getline; print }' | grep -q endbr64 ||
		complain "$program: not built with -fcf-protection"
	[ "$program" = pam_crosskeys.so ] || nm -D "$file" | grep -q '__stack_chk_fail' || complain "$program: no stack protector"
done

# an install holds no fake and no software key
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root cmake --install "$CK_BUILD" > /dev/null
installed=$(cd "$root" && find . -type f | sort)
for want in crosskeysd crosskeys crosskeys-token pam_crosskeys.so crosskeys.schema 71-crosskeys-token.rules; do
	grep -q "/$want\$" <<< "$installed" || complain "not installed: $want"
done
if grep -E 'soft|fake|bench|fuzz|test' <<< "$installed"; then complain "the above came from the tests"; fi
while read -r file; do
	if file "$root/$file" | grep -q ELF && strings "$root/$file" | grep -qE 'soft-keys|CK_SOFT|soft_key|soft-uhid|/dev/uhid'; then complain "$file holds the software key"; fi
done <<< "$installed"
exit "$failed"
