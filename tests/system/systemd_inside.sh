# Runs inside the container of test_systemd.sh, as a service of the real systemd; what it prints is read there.
I=/var/lib/crosskeys
PIN=1234
check() { # WHAT WORDS…
	local what=$1
	shift
	"$@" && echo "ok $what" || echo "FAIL $what: $*"
}
soon() { # WORDS…
	local left=200
	while ! "$@" > /dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}
show() { systemctl show crosskeysd.service --property="$1" --value; }
is() { [ "$1" = "$2" ]; }
soft_key() { /build/tests/soft-key --keys /opt/token/soft-keys "$@"; }
status_is_well() { crosskeys status --dir $I > /result/status 2>&1; }

check "the users are made" systemd-sysusers
for user in gate replica ledger token directory; do check "user $user" id "crosskeys-$user"; done
check "the folder is made" systemd-tmpfiles --create --prefix=$I
check "the folder is root's" is "$(stat -c %a:%u:%g $I)" 755:0:0
systemctl start crosskeysd.service
check "without an instance nothing is started" is "$(show ConditionResult)" no
crosskeys init $I --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org --system core1 \
	--authority northtown --admin ada --admin-name "Ada North" --admin-mail ada@northtown.example --mail-domain northtown.example \
	--token-helper /opt/token/crosskeys-token-soft > /result/init || echo "FAIL init"
chown crosskeys-token /opt/token/soft-keys
chmod 700 /opt/token/soft-keys
check "the unit starts" systemctl start crosskeysd.service
check "systemd was told that it is ready" is "$(show ActiveState):$(show SubState)" active:running
check "the copy is filled" soon status_is_well
cat /result/status
main=$(show MainPID)
for pid in $(cat "/proc/$main/task/$main/children"); do
	check "no capabilities" is "$(sed -n 's/^CapBnd:\t//p' "/proc/$pid/status")" 0000000000000000
	check "no network" is "$(stat -Lc %i "/proc/$pid/ns/net")" "$(stat -Lc %i "/proc/$main/ns/net")"
	check "a filter" is "$(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")" 2
done
check "a network of its own" test "$(stat -Lc %i "/proc/$main/ns/net")" != "$(stat -Lc %i /proc/1/ns/net)"
# through all of it: gate, ledger, replica, slapd, helper
soft_key create ada-key --pin $PIN --owner crosskeys-token > /dev/null
soft_key plug ada-key > /dev/null
code=$(sed -n 's/.*[Cc]ode for ada: \([A-Z0-9-]*\).*/\1/p' /result/init)
check "a key is enrolled" crosskeys key add ada --code "$code" --dir $I --pin-fd 9 9<<< "$PIN"$'\n'"$PIN"$'\n'"$PIN"
check "a change is made" crosskeys staff add bob --name "Bob North" --mail bob@northtown.example --number 2 --dir $I --as ada --yes --pin-fd 9 9<<< "$PIN"$'\n'"$PIN"
bob_is_known() { crosskeys find bob --dir $I | grep -q northtown; }
check "it is seen" soon bob_is_known
for kind in slapd ledger gate; do
	pkill -KILL -P "$main" -f -- "(--process $kind |^$kind )" || echo "FAIL $kind was not there"
	check "$kind comes back" soon status_is_well
done
heard=$(show WatchdogTimestampMonotonic)
is_heard_again() { [ "$(show WatchdogTimestampMonotonic)" -gt "$heard" ]; }
check "systemd hears from its loop" soon is_heard_again
check "it was not restarted" is "$(show NRestarts):$(show MainPID)" "0:$main"
check "it stops" systemctl stop crosskeysd.service
check "in order" is "$(show Result):$(show ExecMainStatus)" success:0
check "nothing is left" is "$(pgrep -c crosskeysd)" 0
echo done
