#!/usr/bin/env bash
# Arrows point down only: which of our folders, and which library's headers, each folder may include. Fails with the line that breaks it.
set -eu
cd "$CK_SOURCE"

# folder (a shell pattern over the file's path) | our folders, or single headers, it may include | libraries it may include
# (an import's mapping is ini like the configuration, which the first load reads, too)
# (the doctor reads what the daemon and the PAM module read, by the same parsers)
rules='directory/base/*|directory/base|
directory/model/*|directory/base directory/model|
directory/ldap/*|directory/base directory/model directory/ldap|ldap
directory/store/*|directory/base directory/model directory/store|lmdb utf8proc
authd/protocol/*|directory/base authd/protocol|
authd/decide/*|directory/base directory/model directory/store authd/decide|
authd/fido/*|directory/base directory/model authd/fido|fido cbor openssl sodium
authd/audit/*|directory/base authd/audit|sodium
authd/sandbox/*|directory/base authd/sandbox|seccomp
authd/cli/login*|directory/base directory/model authd/protocol authd/audit authd/cli|sodium jansson pam
authd/cli/doctor_certificate.c|directory/base directory/model authd/protocol authd/audit authd/cli authd/config.h pam_module/pam_options.h pam_module/pam_local.h|sodium jansson pam openssl
authd/cli/doctor*|directory/base directory/model authd/protocol authd/audit authd/cli authd/config.h pam_module/pam_options.h pam_module/pam_local.h|sodium jansson pam
authd/cli/import*|directory/base directory/model authd/protocol authd/audit authd/cli authd/config.h|sodium jansson ini
authd/cli/init_operator.c|directory/base directory/model authd/protocol authd/audit authd/cli authd/config.h|sodium jansson
authd/cli/*|directory/base directory/model authd/protocol authd/audit authd/cli|sodium jansson
authd/config*|directory/base directory/model authd|ini
authd/*|directory/base directory/model directory/ldap directory/store authd/protocol authd/decide authd/fido authd/audit authd/sandbox authd|event sodium
pam_module/pam_*|directory/base authd/protocol pam_module|pam
pam_module/token_*|directory/base authd/protocol authd/sandbox pam_module|fido'

library_of() {
	case $1 in
	ldap.h | openldap.h | lber.h | ldap_* | sasl/*) echo ldap ;;
	lmdb.h) echo lmdb ;;
	utf8proc.h) echo utf8proc ;;
	fido.h | fido/*) echo fido ;;
	cbor.h | cbor/*) echo cbor ;;
	openssl/*) echo openssl ;;
	sodium.h | sodium/*) echo sodium ;;
	event2/* | event.h) echo event ;;
	seccomp.h) echo seccomp ;;
	jansson.h) echo jansson ;;
	ini.h) echo ini ;;
	security/*) echo pam ;;
	sys/* | linux/* | netinet/* | arpa/* | sanitizer/*) echo libc ;; # the last the compiler's, in sanitized builds
	*/*) echo "unknown:$1" ;;
	*) if [ -e "/usr/include/$1" ] || [[ " stdbool.h stddef.h stdint.h stdarg.h stdnoreturn.h limits.h stdalign.h stdatomic.h " == *" $1 "* ]]; then echo libc; else echo "unknown:$1"; fi ;;
	esac
}

check() { # file
	local line folders libraries pattern found=
	while IFS='|' read -r pattern folders libraries; do
		# shellcheck disable=SC2053 # the right side is a pattern
		if [[ $1 == $pattern ]]; then
			found=1
			break
		fi
	done <<< "$rules"
	if [ -z "$found" ]; then
		echo "$1: belongs to no folder of the layout"
		return 1
	fi
	local bad=0
	while read -r line; do
		local target=${line#*[<\"]}
		target=${target%[>\"]*}
		if [[ $line == *'"'* ]]; then
			[[ " $folders " == *" $(dirname "$target") "* || " $folders " == *" $target "* ]] || { echo "$1: may not include \"$target\" (allowed: $folders)"; bad=1; }
		else
			local library
			library=$(library_of "$target")
			[ "$library" = libc ] || [[ " $libraries " == *" $library "* ]] || { echo "$1: may not include <$target> ($library; allowed: ${libraries:-libc only})"; bad=1; }
		fi
	done < <(grep -hE '^[[:space:]]*#[[:space:]]*include[[:space:]]' "$1" || true)
	return "$bad"
}

failed=0
files=0
while read -r file; do
	check "$file" || failed=1
	files=$((files + 1))
done < <(find directory authd pam_module -name '*.[ch]' | sort)
[ "$files" -gt 30 ] || { echo "only $files files were found: the check looks in the wrong place"; exit 1; }

# the check itself must be able to fail
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
mkdir -p "$probe/directory/base"
printf '#include "authd/gate.h"\n#include <ldap.h>\n' > "$probe/directory/base/probe.c"
if (cd "$probe" && check directory/base/probe.c > out); then echo "a forbidden include was not noticed"; failed=1; fi
[ "$(wc -l < "$probe/out")" = 2 ] || { echo "not each forbidden include was noticed"; failed=1; }
exit "$failed"
