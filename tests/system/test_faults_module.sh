#!/usr/bin/env bash
# Any call of the PAM module's may fail: seed by seed, a whole PAM session each, against a real daemon. Nobody is granted who would not be
# granted otherwise or whose grant is not recorded, no name of the directory's becomes a local one, and the host keeps its memory, its
# descriptors and its time. CK_FAULT_SEEDS says how many (in all; 4 000 by default).
MORE_CONFIG=$'password_attempts = 1000\npassword_source_attempts = 100000'
. "$CK_SOURCE/tests/system/fault_lib.sh"
. "$CK_SOURCE/tests/system/password_lib.sh"
seeds=${CK_FAULT_SEEDS:-4000}
new_instance
new_people

# run USER SERVICE SEEDS STEPS: to $T/USER-SERVICE
run() {
	local user=$1 service=$2 count=$3 steps=$4 got=0
	sed -i "s,[^ ]*/pam_crosskeys\\.so,$CK_BUILD/tests/pam_crosskeys_faulty.so," "$S/$service"
	"$CK_BUILD/tests/faulty-host" "$CK_BUILD/tests/pam_crosskeys_faulty.so" "$S" "$service" "$user" 1 "$count" "$steps" 1234 \
		> "$T/$user-$service" || got=$?
	[ "$got" = 0 ] && pass || { fail "$user by $service: exit $got"; head -20 "$T/$user-$service"; }
	[ "$(number "$user-$service" seeds 2)" = "$count" ] && pass || fail "$user by $service: not every seed was run"
	grep -v '^seeds' "$T/$user-$service" | tr '\n' ' '
	echo "($user by $service)"
}
number() { awk -v key="$2" -v column="$3" '$1 == key { print $column }' "$T/$1"; }
none() { # RUN STAGE: never succeeded
	[ "$(number "$1" "$2" 2)" = 0 ] && pass || fail "$1: $2 was granted $(number "$1" "$2" 2) times"
}
recorded() { # RUN STAGE USER EVENT: each success stands in the log
	local granted
	granted=$(number "$1" "$2" 2)
	[ "$granted" -gt 0 ] && pass || fail "$1: $2 never succeeded, so nothing was tried"
	crosskeys audit show --event "$4" --user "$3" "$I/audit" > "$T/recorded"
	[ "$(($(wc -l < "$T/recorded") - ${5:-0}))" -ge "$granted" ] && pass || fail "$1: $granted successes of $2, recorded $(wc -l < "$T/recorded")"
}
not_local() {
	[ "$(awk '$3 == "unknown" { sum += $4 } END { print sum + 0 }' "$T/$1")" = 0 ] && pass || fail "$1: a name of the directory's was called local"
}

# ---- one who may enter ----
run bob demo "$((seeds / 4))" asmocd
not_local bob-demo
recorded bob-demo auth bob login-granted
recorded bob-demo acct bob account-granted
run bob open "$((seeds / 4))" moc
not_local bob-open
recorded bob-open acct bob account-granted "$(number bob-demo acct 2)"

# ---- with a password beside the touch: the right one, and another ----
with_passwords
by_password=$((seeds / 80 + 15)) # each takes Argon2's time
already=$(audit_count login-granted)
export CK_PASSWORD=$OWN
run bob safe "$by_password" asmocd
not_local bob-safe
recorded bob-safe auth bob login-granted "$already"
CK_PASSWORD="not $OWN"
run bob safe "$by_password" am
none bob-safe auth
none bob-safe acct
not_local bob-safe
unset CK_PASSWORD

# ---- one who may not, nobody at all, and one whose signature is not theirs ----
# from elsewhere: at the machine each would wait for a key that is not there
export CK_RHOST=192.0.2.9
run eve open "$((seeds / 8))" mo
run nobody-here open "$((seeds / 8))" mo
unset CK_RHOST
for who in eve nobody-here; do
	none "$who-open" acct
	none "$who-open" open
	not_local "$who-open"
done
soft_key misbehave bob-key bad-signature > /dev/null
run bob demo "$((seeds / 4))" am
none bob-demo auth
none bob-demo acct
not_local bob-demo
soon verify_log
finish
