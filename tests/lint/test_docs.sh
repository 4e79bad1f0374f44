#!/usr/bin/env bash
# Every program, file and command has its man page, which mandoc accepts; every command has its --help; shell scripts are sound.
set -eu
cd "$CK_SOURCE"
failed=0
complain() { echo "$*"; failed=1; }
for page in crosskeys.1 crosskeys-init.1 crosskeys-login.1 crosskeys-audit.1 crosskeys-doctor.1 crosskeys-import.1 crosskeys-vouch.1 crosskeys-check.1 crosskeys-import.5 crosskeys-audit.5 crosskeys.conf.5 crosskeys-schema.5 \
	crosskeysd.8 crosskeys-token.8 pam_crosskeys.8; do
	[ -s "docs/man/$page" ] || complain "docs/man/$page is missing"
done
for page in docs/man/*; do
	mandoc -T lint -W warning "$page" > /tmp/ck-mandoc.$$ 2>&1 || { cat /tmp/ck-mandoc.$$; complain "$page: see above"; }
	rm -f /tmp/ck-mandoc.$$
done
commands=$("$CK_BUILD/crosskeys" --help | sed -n 's/^  \([a-z-]*\)  .*/\1/p' | grep -v '^--')
[ "$(wc -l <<< "$commands")" -ge 15 ] || complain "crosskeys --help lists too few commands"
for command in $commands; do
	"$CK_BUILD/crosskeys" "$command" --help > /dev/null 2>&1 || complain "crosskeys $command --help fails"
	grep -q "^\.It Cm $command\|^\.Ic $command\|\.Xr crosskeys-$command 1" docs/man/crosskeys.1 || complain "crosskeys.1 does not speak of $command"
done
# one way to say that an option must be given
grep -q '(required to add)"' authd/cli/kind.c || complain "no option says that it is required: the check looks for the wrong thing"
if grep -n '"[^"]*required[^"]*"' authd/cli/kind.c | grep -v '(required to add)"'; then complain "the options above are required in other words"; fi
for program in crosskeysd crosskeys-token; do
	"$CK_BUILD/$program" --help > /dev/null 2>&1 || complain "$program --help fails"
done
# what threats.md shows by a test is there to be run: names without their folder follow one of the same
named=0
while read -r word; do
	named=$((named + 1))
	case $word in
	tests/*) folder=${word%/*} ;;
	*) word=$folder/$word ;;
	esac
	# shellcheck disable=SC2086
	ls $word > /dev/null 2>&1 || ls $word.c > /dev/null 2>&1 || complain "docs/threats.md names $word, which is not there"
done < <(grep -oE '`(tests/[a-z_/]+|test_[a-z0-9_]+)[a-z0-9_*/]*(\.[a-z]+)?( names)?`' docs/threats.md | tr -d '`' | sed 's/ names$//')
[ "$named" -ge 60 ] || complain "docs/threats.md names only $named tests: the check looks for the wrong thing"
# nothing speaks of a workplace; the words are put together here so that this file passes its own check
bad="issue""s show|/work""/main|\.\./sha""red"
if grep -rnE "$bad" --include='*' directory authd pam_module schema docs contrib tests README.md CHANGELOG.md SECURITY.md 2>/dev/null; then
	complain "the lines above speak of something outside the project"
fi
unfinished='\b(TO''DO|FIX''ME|XX''X)\b'
if grep -rnE "$unfinished" directory authd pam_module schema contrib tests --include='*.[ch]' --include='*.sh'; then complain "unfinished work above"; fi
while read -r file; do
	lines=$(wc -l < "$file")
	[ "$lines" -le 700 ] || complain "$file has $lines lines: two concepts?"
done < <(find directory authd pam_module -name '*.[ch]')
exit "$failed"
