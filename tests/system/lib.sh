# Shared by the system tests: a whole real instance (slapd, daemon, software keys, private PAM services) in a directory of its own.
# Source it; it cleans up when the test ends. Each check prints what it expected when it fails, and the test goes on to the end.
# shellcheck shell=bash
set -eu
: "${CK_BUILD:?the build directory}" "${CK_SOURCE:?the source directory}"

failures=0
checks=0
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
pass() { checks=$((checks + 1)); }
# expect CODE WORDS…: runs them, their output goes to $T/out
expect() {
	local want=$1 got=0
	shift
	"$@" > "$T/out" 2>&1 || got=$?
	checks=$((checks + 1))
	[ "$got" = "$want" ] || { fail "exit $got, expected $want: $*"; sed 's/^/    /' "$T/out" | head -30; }
}
# said TEXT: the last expect's output holds it
said() {
	checks=$((checks + 1))
	grep -qF -- "$1" "$T/out" || { fail "not said: $1"; sed 's/^/    /' "$T/out" | cut -c1-300 | head -20; }
}
# until_true SECONDS WORDS…
until_true() {
	local left=$(($1 * 20))
	shift
	while ! "$@" > /dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.05
	done
}
finish() {
	# nobody of ours asks the kernel for what is not in its table; test_sandbox.sh has them do it
	if [ -z "${CK_REFUSED_EXPECTED:-}" ] && grep -h 'sandbox' "$T"/*.log > "$T/refused" 2> /dev/null; then
		fail "killed by a sandbox"
		sed 's/^/    /' "$T/refused" | head -5
	fi
	[ "$checks" -gt 0 ] || { echo "nothing was checked"; exit 1; }
	echo "$checks checks, $failures failures"
	[ "$failures" = 0 ]
}

T=$(mktemp -d /run/ck-test.XXXXXX)
chmod 755 "$T"
I=$T/i             # the instance
K=$T/token         # the helper's twin and its keys
S=$T/pam.d         # private PAM services
MODULE=$T/pam_crosskeys.so
DAEMON=
cleanup() {
	stop_daemon || true
	[ -z "${CK_KEEP:-}" ] || { echo "kept: $T"; return; }
	rm -rf "$T"
}
trap cleanup EXIT

crosskeys() { "$CK_BUILD/crosskeys" "$@"; }
soft_key() { "$CK_BUILD/tests/soft-key" --keys "$K/soft-keys" "$@"; }
ck() { local command=$1; shift; crosskeys "$command" "$@" --dir "$I"; }
# as UID PIN COMMAND…: a change or a question under the touch of that person's key
as() {
	local uid=$1 pin=$2 command=$3
	shift 3
	crosskeys "$command" "$@" --dir "$I" --as "$uid" --yes --pin-fd 9 9<<< "$pin"$'\n'"$pin"$'\n'"$pin"
}

start_daemon() {
	"$CK_BUILD/crosskeysd" --config "$I/crosskeys.conf" >> "$T/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 20 ck status || { echo "the daemon did not come up:"; tail -40 "$T/daemon.log"; return 1; }
}
stop_daemon() {
	[ -n "$DAEMON" ] || return 0
	kill "$DAEMON" 2> /dev/null || true
	wait "$DAEMON" 2> /dev/null || true
	DAEMON=
}

# A key NAME with PIN in the machine; enrol UID with it by a code.
new_key() { soft_key create "$1" --pin "$2" --owner crosskeys-token > /dev/null; }
only_key() { # plug in just this one
	local name
	for name in $(soft_key list); do soft_key unplug "$name" > /dev/null; done
	[ -z "${1:-}" ] || soft_key plug "$1" > /dev/null
}
enrol() { # UID CODE PIN
	crosskeys key add "$1" --code "$2" --dir "$I" --pin-fd 9 9<<< "$3"$'\n'"$3"$'\n'"$3"
}
code_of() { sed -n "s/.*[Cc]ode for $1: \([A-Z0-9-]*\).*/\1/p" "$2" | head -1; }

# Programs that are not root load the module, too, and the build may lie where only root reads.
put_module() {
	[ ! -e "$MODULE" ] || return 0
	cp "$CK_BUILD/pam_crosskeys.so" "$MODULE"
	chmod 755 "$MODULE"
}
# A private PAM service that asks only us.
pam_service() { # NAME OPTIONS…
	local name=$1
	shift
	put_module
	mkdir -p "$S"
	printf '%s required %s socket=%s local=%s %s\n' \
		auth "$MODULE" "$I/run/gate.sock" "$T/local-names" "$*" \
		account "$MODULE" "$I/run/gate.sock" "$T/local-names" "$*" \
		session "$MODULE" "$I/run/gate.sock" "$T/local-names" "$*" \
		password "$MODULE" "$I/run/gate.sock" "$T/local-names" "$*" > "$S/$name"
}
# login_as SERVICE UID PIN [OPTIONS…]: a whole PAM login at the console
login_as() {
	local service=$1 uid=$2 pin=$3
	shift 3
	crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 "$@" "$service" "$uid" 9<<< "$pin"$'\n'"$pin"$'\n'"$pin"
}
audit_count() { crosskeys audit show --event "$1" "$I/audit" | grep -c . || true; }

# What a script does in a minute is more than people do; a test of the limits sets this to nothing, and has those of the table.
: "${LIMITS=$'tries_per_minute = 100000\nlogins_per_minute = 100000'}"
# The instance: one authority with an administrator (ada), her key enrolled. MORE_CONFIG: more lines of crosskeys.conf.
new_instance() {
	"$CK_SOURCE/contrib/create-users" > /dev/null
	mkdir -p "$K/soft-keys" "$S"
	cp "$CK_BUILD/tests/crosskeys-token-soft" "$K/"
	chown crosskeys-token "$K/soft-keys"
	chmod 700 "$K/soft-keys"
	echo '# nobody' > "$T/local-names"
	crosskeys init "$I" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org \
		--system core1 --authority northtown --admin ada --admin-name "Ada North" --admin-mail ada@northtown.example \
		--mail-domain northtown.example --token-helper "$K/crosskeys-token-soft" "$@" > "$T/init.out"
	printf '%s\n' ${LIMITS:+"$LIMITS"} ${MORE_CONFIG:+"$MORE_CONFIG"} >> "$I/crosskeys.conf"
	start_daemon
	new_key ada-key 1234
	only_key ada-key
	enrol ada "$(code_of ada "$T/init.out")" 1234 > "$T/enrol.out" 2>&1 || { cat "$T/enrol.out"; echo "ada could not enrol"; exit 1; }
	pam_service demo
}

# change WORDS…: ordered by ada; one that is not done is a failure
change() {
	checks=$((checks + 1))
	only_key ada-key
	as ada 1234 "$@" > "$T/change.out" 2>&1 || { fail "not done: $*"; sed 's/^/    /' "$T/change.out" | tail -5; }
}
# newest UID: the newest record about this person, but that they went without an answer, which may follow any other
newest() { crosskeys audit show --user "$1" "$I/audit" 2>&1 | grep -v ' login-abandoned ' | tail -1; }
# audited UID EVENT TEXT: the newest record about this person is of this event and holds this text
audited() {
	checks=$((checks + 1))
	newest "$1" > "$T/audited"
	grep -qF -- " $2 " "$T/audited" && grep -qF -- "$3" "$T/audited" || { fail "not the newest record: $2 $3"; sed 's/^/    /' "$T/audited"; }
}

# add_staff UID "Full Name" NUMBER [OPTIONS…]: in northtown, with a key UID-key (PIN 1234) enrolled
add_staff() {
	only_key ada-key
	as ada 1234 staff add "$1" --name "$2" --mail "$1@northtown.example" --number "$3" "${@:4}" > "$T/add.out" 2>&1 || { cat "$T/add.out"; return 1; }
	as ada 1234 key code "$1" > "$T/code.out" 2>&1 || { cat "$T/code.out"; return 1; }
	new_key "$1-key" 1234
	only_key "$1-key"
	enrol "$1" "$(code_of "$1" "$T/code.out")" 1234 > "$T/add.out" 2>&1 || { cat "$T/add.out"; return 1; }
}
