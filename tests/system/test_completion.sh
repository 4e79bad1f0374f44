#!/usr/bin/env bash
# Bash completion offers what the command itself says it takes: every command, the verbs of each, and their options; and asks no daemon.
set -eu
: "${CK_BUILD:?the build directory}" "${CK_SOURCE:?the source directory}"
. "$CK_SOURCE/contrib/bash-completion/crosskeys"
cd "$CK_SOURCE"
failures=0
checks=0

# offered WORDS…: what is offered when the last of them is completed
offered() {
	COMP_WORDS=("$CK_BUILD/crosskeys" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_crosskeys || true
	printf '%s\n' "${COMPREPLY[@]}"
}
holds() { # WANTED WORDS…
	local wanted=$1
	shift
	checks=$((checks + 1))
	offered "$@" | grep -qxF -- "$wanted" || { echo "FAIL: '$wanted' is not offered for: $*"; offered "$@" | tr '\n' ' '; failures=$((failures + 1)); }
}
lacks() {
	local unwanted=$1
	shift
	checks=$((checks + 1))
	offered "$@" | grep -qxF -- "$unwanted" || return 0
	echo "FAIL: '$unwanted' is offered for: $*"
	failures=$((failures + 1))
}

commands=$("$CK_BUILD/crosskeys" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
[ "$(wc -w <<< "$commands")" -ge 16 ] || { echo "FAIL: the help names too few commands"; failures=1; }
for command in $commands; do
	holds "$command" ""
	holds "$command" "${command:0:2}"
done
lacks status r
holds --help ""
for verb in add change show list remove; do holds "$verb" role ""; done
lacks remove staff ""
lacks --label key revoke --
lacks --staff role list --
lacks --admin authority change --
holds --admin authority add --
holds --staff grant list --
for verb in add code list change revoke remove recover; do holds "$verb" key ""; done
for verb in show checkpoint verify; do holds "$verb" audit ""; done
holds --member-role role add --
holds --until grant add bob operators --u
holds --as grant add bob operators --
holds --follow audit show --
holds --anchor audit verify --
holds --monitor status --
holds --pam-dir doctor --
holds --root doctor --r
holds --authority vouch --
holds --as check --
holds --suffix init /srv/x --
holds --service-dir login --
holds suspended staff change bob --status s
holds attested rule add x --proved ""
holds CHANGELOG.md apply CHANGE
holds "$CK_SOURCE/docs" status --dir "$CK_SOURCE/doc"
holds "$CK_SOURCE/docs" doctor --pam-dir "$CK_SOURCE/doc"
lacks --member-role staff add --
[ -z "$(offered nonsense "")" ] && checks=$((checks + 1)) || { echo "FAIL: something is offered for a command that there is not"; failures=$((failures + 1)); }
[ -z "$(offered vouch "")" ] && checks=$((checks + 1)) || { echo "FAIL: people are looked up to vouch to"; failures=$((failures + 1)); }
[ -z "$(offered find "")" ] && checks=$((checks + 1)) || { echo "FAIL: people are looked up"; failures=$((failures + 1)); }
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
