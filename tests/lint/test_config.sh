#!/usr/bin/env bash
# The configuration table, its man page and the sample file name the same keys; the sample shows the table's defaults.
set -eu
table=$("$CK_BUILD/crosskeysd" --print-config-table)
keys=$(cut -f1 <<< "$table" | sort)
[ "$(wc -l <<< "$keys")" -gt 10 ] || { echo "the table is empty"; exit 1; }
failed=0
compare() { # what, its keys
	if ! diff <(echo "$keys") <(echo "$2") > /tmp/ck-config-diff.$$; then
		echo "$1 differs from the table (< table, > $1):"
		cat /tmp/ck-config-diff.$$
		failed=1
	fi
	rm -f /tmp/ck-config-diff.$$
}
compare "docs/man/crosskeys.conf.5" "$(sed -n 's/^\.It Cm \([a-z0-9_-]*\).*/\1/p' "$CK_SOURCE/docs/man/crosskeys.conf.5" | sort)"
compare "contrib/crosskeys.conf.sample" "$(sed -nE 's/^#? ?([a-z0-9_-]+) = .*/\1/p; s/^#? ?([a-z0-9_-]+) =$/\1/p' "$CK_SOURCE/contrib/crosskeys.conf.sample" | sort)"
# key = default, as the sample's comment lines show them
while IFS='|' read -r key _ otherwise _; do
	shown=$(sed -nE "s/^#? ?$key =[[:space:]]*//p" "$CK_SOURCE/contrib/crosskeys.conf.sample" | head -1)
	grep -qE "^# ?$key =" "$CK_SOURCE/contrib/crosskeys.conf.sample" || continue # one that must be given has no default
	[ "$shown" = "$otherwise" ] || { echo "$key: the sample shows '$shown', the table says '$otherwise'"; failed=1; }
done < <(tr '\t' '|' <<< "$table") # a tab would swallow an empty default
exit "$failed"
