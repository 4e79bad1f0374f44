# Helpers for tests that need the PAM module, a private service directory and a gate. Source it: needs CK_BUILD and root.
# Everything lies below $T, a root-owned directory that goes away at the end with all that was started here.
set -eu
: "${CK_BUILD:?the build directory}"
CK_MODULE=$CK_BUILD/pam_crosskeys.so
CK_FAKE_GATE=$CK_BUILD/tests/fake-gate
CK_PAM_HOST=$CK_BUILD/tests/pam-host

skip() { echo "skip: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root: the module believes only a daemon that root started"
[ -e "$CK_MODULE" ] || skip "$CK_MODULE is not built"

# Not below /tmp: a path that others may write to is not believed.
T=$(mktemp -d /run/crosskeys-test.XXXXXX)
chmod 755 "$T"
mkdir "$T/pam.d" "$T/run"
CK_SOCKET=$T/run/gate.sock
CK_LOCAL=$T/local-names
CK_FAILED=0
CK_CHECKS=0
CK_GATE_PID=

# In a file: a gate may be started in a subshell.
ck_child() { echo "$1" >> "$T/children"; }
ck_cleanup() {
	for pid in $(cat "$T/children" 2>/dev/null); do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$T"
}
trap ck_cleanup EXIT
trap 'exit 1' INT TERM

# ck_service NAME [OPTION...]: all four kinds of line, each answer handed on exactly as the module gave it.
ck_service() {
	local name=$1 kind
	shift
	for kind in auth account session password; do
		echo "$kind [success=done default=die] $CK_MODULE $*"
	done > "$T/pam.d/$name"
}
# The usual options: the test's socket and list of names.
ck_options() { echo "socket=$CK_SOCKET local=$CK_LOCAL"; }

# ck_gate [WHEN=WHAT...]: a fake gate (see fakes/main_fake_gate.c) on $CK_SOCKET in place of the last; what it hears is in $T/heard.
ck_gate() {
	ck_gate_stop
	: > "$T/heard"
	"$CK_FAKE_GATE" --log "$T/heard" "$CK_SOCKET" "$@" > "$T/gate.out" 2>&1 &
	CK_GATE_PID=$!
	ck_child "$CK_GATE_PID"
	ck_wait_for_socket "$CK_SOCKET"
}
ck_gate_stop() {
	[ -n "$CK_GATE_PID" ] || return 0
	kill "$CK_GATE_PID" 2>/dev/null || true
	sed -i "/^$CK_GATE_PID\$/d" "$T/children"
	wait "$CK_GATE_PID" 2>/dev/null || true
	CK_GATE_PID=
	rm -f "$CK_SOCKET"
}
ck_wait_for_socket() {
	local n=0
	while [ ! -S "$1" ]; do
		n=$((n + 1))
		[ $n -lt 200 ] || { echo "no socket $1 after 10 s"; cat "$T/gate.out"; exit 1; }
		sleep 0.05
	done
}

# ck_host ARGUMENT...: the test's PAM application (see fakes/main_pam_host.c) with the private service directory put in.
# ck_host [OPTION...] -- SERVICE USER STEP...
ck_host() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	"$CK_PAM_HOST" ${options[@]+"${options[@]}"} "$T/pam.d" "$@" 2>&1
}

# expect WHAT EXPECTED ACTUAL: equal, or it says how not.
expect() {
	CK_CHECKS=$((CK_CHECKS + 1))
	[ "$2" = "$3" ] && return 0
	CK_FAILED=$((CK_FAILED + 1))
	printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$(echo "$2" | tr '\n' '|')" "$(echo "$3" | tr '\n' '|')"
}
# expect_line WHAT LINE TEXT: one of the lines is this, fixed, whole. refuse_line: none is.
expect_line() {
	CK_CHECKS=$((CK_CHECKS + 1))
	printf '%s\n' "$3" | grep -qxF -- "$2" && return 0
	CK_FAILED=$((CK_FAILED + 1))
	printf 'FAILED: %s\n  no line: %s\n  in:      %s\n' "$1" "$2" "$(echo "$3" | tr '\n' '|')"
}
refuse_line() {
	CK_CHECKS=$((CK_CHECKS + 1))
	printf '%s\n' "$3" | grep -qF -- "$2" || return 0
	CK_FAILED=$((CK_FAILED + 1))
	printf 'FAILED: %s\n  should not hold: %s\n  in: %s\n' "$1" "$2" "$(echo "$3" | tr '\n' '|')"
}
# Waits until the fake gate's processes have written this line.
expect_heard() {
	local n=0
	while ! grep -qxF -- "$2" "$T/heard" && [ $n -lt 40 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	expect_line "$1" "$2" "$(cat "$T/heard")"
}
ck_done() {
	echo "$CK_CHECKS checks, $CK_FAILED failed"
	[ "$CK_FAILED" = 0 ]
}

# PAM's numbers, as the tests say them.
PAM_SUCCESS=0 PAM_SERVICE_ERR=3 PAM_BUF_ERR=5 PAM_PERM_DENIED=6 PAM_AUTH_ERR=7 PAM_AUTHINFO_UNAVAIL=9 PAM_USER_UNKNOWN=10
PAM_SESSION_ERR=14 PAM_CRED_UNAVAIL=15 PAM_CONV_ERR=19 PAM_AUTHTOK_ERR=20
PAM_NEW_AUTHTOK_REQD=12 PAM_AUTHTOK_RECOVERY_ERR=21 PAM_TRY_AGAIN=24
