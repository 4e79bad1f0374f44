#!/usr/bin/env bash
# Weekly hours in rules, by the clock of the authority's time zone: planned, refused when malformed, explained in words at any time asked
# about, and real logins inside and outside of them.
. "$CK_SOURCE/tests/system/fault_lib.sh"
new_instance --zone Europe/London
grep -q "by the clock of Europe/London" "$T/init.out" && pass || fail "init does not say which clock counts"
expect 0 ck authority show northtown
said "Europe/London"
new_people
expect 0 ck rule show console --authority northtown
said "always"

# ---- forms: what the daemon would quarantine, it refuses ----
only_key ada-key
for hours in "mon-fri 8-18" "Mon-Fri 08:00-18:00" "mon 08:00-08:00" "fri-mon 08:00-18:00" "mon 22:00-00:00" "mon-fri 08:00-18:01:00" "sometimes"; do
	expect 1 as ada 1234 rule change console --weekly "$hours"
	said ckWeekly
done
expect 1 as ada 1234 rule change console --weekly "mon-fri 08:00-18:00" --weekly "fri 17:00-19:00"
said "overlap"
expect 1 as ada 1234 rule change console --weekly always --weekly "fri 17:00-19:00"
said ckWeekly
for zone in Mars/Base europe/london ../../etc/passwd localtime; do
	expect 1 as ada 1234 authority change northtown --zone "$zone"
	said ckZone
done
refused_init() {
	expect 2 crosskeys init "$T/other" --suffix dc=example,dc=org --rp-id keys.example.org --portal-origin https://keys.example.org \
		--system core1 --authority northtown --admin ada --zone "$1"
	said "--zone"
}
refused_init Mars/Base
refused_init GMT0BST

# ---- asked about any time: both changes of summer time, the year's end, past what the copy knows ----
change rule change console --weekly "mon-fri 08:00-18:00" --weekly "sat 22:00-06:00"
expect 0 ck rule list --authority northtown
said "mon-fri 08:00-18:00"
at() { # EXIT TIME WORDS
	expect "$1" ck explain bob core1 demo --at "$2"
	said "$3"
}
year=$(($(date +%Y) + 1)) # the copy knows it, whenever this runs
day() { date -u -d "$1" +%Y-%m-%d; }
first() { # WEEKDAY YYYY-MM-DD: the first such day from that one on
	local offset=$((($1 + 7 - $(date -u -d "$2" +%u)) % 7))
	day "$2 + $offset days"
}
winter=$(first 1 "$year-01-01")
summer=$(first 1 "$year-07-01")
spring=$(first 7 "$year-03-25")
autumn=$(first 7 "$year-10-25")
at 1 "${winter}T07:59:59Z" "outside of mon-fri 08:00-18:00, sat 22:00-06:00 Europe/London (it is mon 07:59 there)"
at 0 "${winter}T08:00:00Z" "within mon-fri 08:00-18:00, sat 22:00-06:00 Europe/London (it is mon 08:00 there) until ${winter}T18:00:00Z"
at 1 "${winter}T18:00:00Z" "refused (hours)"
at 0 "${summer}T07:00:00Z" "(it is mon 08:00 there) until ${summer}T17:00:00Z"
at 1 "${summer}T17:00:00Z" "refused (hours)"
# Saturday's night is an hour shorter in spring, an hour longer in autumn
before=$(day "$spring yesterday")
at 1 "${before}T21:59:59Z" "it is sat 21:59 there"
at 0 "${before}T22:00:00Z" "until ${spring}T05:00:00Z"
at 0 "${spring}T04:59:59Z" "(it is sun 05:59 there) until ${spring}T05:00:00Z"
at 1 "${spring}T05:00:00Z" "it is sun 06:00 there"
before=$(day "$autumn yesterday")
at 1 "${before}T20:59:59Z" "it is sat 21:59 there"
at 0 "${before}T21:00:00Z" "until ${autumn}T06:00:00Z"
at 0 "${autumn}T00:30:00Z" "it is sun 01:30 there"
at 0 "${autumn}T01:30:00Z" "it is sun 01:30 there"
at 1 "${autumn}T06:00:00Z" "it is sun 06:00 there"
at 1 "2106-02-08T12:00:00Z" "what the clocks there show then is not known to the copy"
at 1 "1970-01-05T12:00:00Z" "what the clocks there show then is not known to the copy"
expect 0 ck explain bob core1 demo --at "${summer}T12:00:00Z" --json
said "\"until\": \"${summer}T17:00:00Z\""
# the other rule has no hours
expect 0 ck explain bob core1 open --proved none
said "hours: always"

# ---- another zone, the same hours ----
change authority change northtown --zone Pacific/Auckland
at 1 "${winter}T12:00:00Z" "Pacific/Auckland (it is tue 01:00 there)"
at 0 "${winter}T20:00:00Z" "(it is tue 09:00 there)"
change authority change northtown --zone UTC
at 0 "${summer}T17:30:00Z" "(it is mon 17:30 there)"

# ---- real logins: the whole week, and a day that is neither yesterday, today nor tomorrow ----
days=(mon tue wed thu fri sat sun)
other=${days[$((($(date -u +%u) + 2) % 7))]}
only_key bob-key
change rule change console --weekly "mon-sun 00:00-24:00"
only_key bob-key
expect 0 login_as demo bob 1234
change rule change console --weekly "$other 00:00-24:00"
only_key bob-key
expect 1 login_as demo bob 1234
said "not in these hours of the week"
audited bob login-refused "reason=hours"
expect 1 login_as demo eve 1234
change rule change doors --weekly "$other 00:00-24:00"
never account bob
audited bob account-refused "reason=hours"
change rule change doors --weekly always
ok account bob

# ---- an entry that came past us with a zone that nobody knows: quarantined, its systems closed, and open again when it is right ----
id=$(ck authority show northtown --json | sed -n 's/.*"id": "\([-0-9a-f]*\)".*/\1/p')
set_zone() {
	printf 'dn: ckId=%s,ou=authorities,dc=example,dc=org\nchangetype: modify\nreplace: ckZone\nckZone: %s\n' "$id" "$1" |
		setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups ldapmodify -Q -Y EXTERNAL \
			-H "ldapi://${I//\//%2F}%2Frun-directory%2Fldapi" > "$T/out" 2>&1 || { fail "ldapmodify"; cat "$T/out"; }
}
set_zone Mars/Base
closed() { ! account bob; }
soon closed
expect 0 ck status
said 'Mars/Base: this machine knows no such time zone'
set_zone Europe/London
soon account bob
# what the copy knows outlives a restart
change rule change doors --weekly "mon-sun 00:00-24:00"
stop_daemon
start_daemon
soon account bob
finish
