#!/usr/bin/env bash
# The real cron: a job of staff is started only if a rule for the service cron, which must demand nothing, lets them in at that moment; jobs of
# the machine's own are started whatever happens. cron never waits for a key.
. "$CK_SOURCE/tests/system/surfaces_lib.sh"
[ -x /usr/sbin/cron ] || { echo "skipped: no cron"; exit 77; }
new_instance
add_staff bob "Bob Stone" 2 --uid-number 250001
private_accounts bob:250001 listed:250009
echo listed > "$T/local-names"
echo 'listed:*:19000::::::' >> "$T/shadow"
private_stacks
# What cron reads and writes, in place of the machine's.
private_run
mkdir -p "$T/crontabs" "$T/cron.d"
touch "$T/crontab"
mount --bind "$T/cron.d" /etc/cron.d
mount --bind "$T/crontab" /etc/crontab
mount --bind "$T/crontabs" /var/spool/cron/crontabs
for name in root svcuser listed bob; do
	echo "@reboot echo \"as \$(id -un) \$CROSSKEYS_LOGIN\" > $T/home/$name" > "$T/crontabs/$name"
	chmod 600 "$T/crontabs/$name"
	chown "$(id -u "$name")" "$T/crontabs/$name"
done
is_idle() { # it sleeps until the next minute, and none of its jobs is left
	[ "$(cat "/proc/$CRON/wchan")" = hrtimer_nanosleep ] && [ -z "$(cat "/proc/$CRON/task/$CRON/children")" ]
}
jobs_run() { # WHAT NAME…: of the four, just these
	local name
	rm -f "$T"/home/* /run/crond.reboot
	/usr/sbin/cron -f > "$T/cron.log" 2>&1 &
	CRON=$!
	until_true 60 is_idle || fail "$1: cron is not done with its jobs"
	kill "$CRON"
	wait "$CRON" 2> /dev/null || true
	for name in root svcuser listed bob; do
		checks=$((checks + 1))
		case " ${*:2} " in
		*" $name "*) grep -qs "^as $name " "$T/home/$name" || fail "$1: the job of $name did not run" ;;
		*) [ ! -e "$T/home/$name" ] || fail "$1: the job of $name ran" ;;
		esac
	done
}
only_key bob-key
jobs_run "no rule" root svcuser listed
audited bob account-refused "service=cron tty=cron system=core1 reason=no-rule"
expect 0 cat "$T/cron.log"
said "Permission denied"
change role add operators
change grant add bob operators --why "runs the servers"
change rule add jobs --system core1 --role operators --service cron
only_key bob-key
jobs_run "a rule that demands a touch" root svcuser listed
audited bob account-refused "reason=proof"
checks=$((checks + 1))
[ "$(audit_count login-refused)" = 0 ] || fail "cron asked for a key"
change rule change jobs --proved none
jobs_run "a rule that demands nothing" root svcuser listed bob
traced "$(sed 's/^as bob //' "$T/home/bob")"
crosskeys audit show --event session-opened --last 1 "$I/audit" > "$T/out"
said "remote-host=unknown"
change grant remove bob operators
jobs_run "no longer" root svcuser listed
audited bob account-refused "reason=no-role"
change grant add bob operators --why "runs the servers again"
stop_daemon
jobs_run "no daemon" root svcuser listed
finish
