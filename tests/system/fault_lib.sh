# Shared by the tests that break things: who the daemon's processes are, one person who may enter, and how a login is watched.
# shellcheck shell=bash
declare -F finish > /dev/null || . "$CK_SOURCE/tests/system/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }

# the pids of a kind: ledger, replica, gate, slapd
pids_of() {
	local pid
	for pid in $(cat "/proc/$DAEMON/task/$DAEMON/children" 2> /dev/null); do
		{ tr '\0' ' ' < "/proc/$pid/cmdline"; } 2> /dev/null | grep -qE -- "(--process $1 |/?$1 -F )" && echo "$pid"
	done
	return 0
}
is_replaced() { # KIND OLD
	local now
	now=$(pids_of "$1" | head -1)
	[ -n "$now" ] && [ "$now" != "$2" ]
}
ok() { "$@" > /dev/null 2>&1 && pass || fail "expected to work: $*"; }
never() { "$@" > /dev/null 2>&1 && fail "must not work: $*" || pass; }
soon() { until_true "${LIMIT:-10}" "$@" && pass || fail "not in time: $*"; }

# One who may enter by demo (touch and PIN) and by open (nothing demanded), one who may not.
new_people() {
	add_staff bob "Bob Stone" 2
	add_staff eve "Eve Marsh" 3
	only_key ada-key
	as ada 1234 role add operators > "$T/out" 2>&1 &&
		as ada 1234 grant add bob operators --why "runs the servers" > "$T/out" 2>&1 &&
		as ada 1234 rule add console --system core1 --role operators --service demo > "$T/out" 2>&1 &&
		as ada 1234 rule add doors --system core1 --role operators --service open --proved none > "$T/out" 2>&1 ||
		{ cat "$T/out"; exit 1; }
	pam_service open
	only_key bob-key
}
login_bob() { login_as demo bob 1234; }
# account UID [SERVICE]: the account stage alone through PAM; 0 only if PAM said PAM_SUCCESS
account() { "$CK_BUILD/tests/pam-host" --tty tty1 "$S" "${2:-open}" "$1" acct | grep -qx 'acct 0'; }
now_ms() { local t=$EPOCHREALTIME; t=${t/[.,]/}; echo $((t / 1000)); }
verify_log() { crosskeys audit verify "$I/audit"; }
csn_of() { ck key list "$1" --json 2> /dev/null | sed -n 's/.*"csn": "\([^"]*\)".*/\1/p'; }
# What the directory itself holds, asked as the replica asks it.
in_directory() { # FILTER ATTRIBUTE
	setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL \
		-H "ldapi://${I//\//%2F}%2Frun-directory%2Fldapi" -b dc=example,dc=org "$1" "$2" | sed -n "s/^$2: //p"
}
