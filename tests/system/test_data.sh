#!/usr/bin/env bash
# What the generator makes is what our schema and our replica take: slapadd loads it beside what crosskeys init made, a real slapd serves it, and
# following it puts nothing into quarantine.
. "$(dirname "$0")/follow_lib.sh"
staff=600
generate() { "$CK_BUILD/tests/crosskeys-data" --staff "$staff" --seed 11 "$@"; }
generate counts > "$T/counts"
stop_slapd
generate --below ldif > "$T/data.ldif"
checks=$((checks + 1))
run_as crosskeys-directory /usr/sbin/slapadd -q -w -S 1 -F "$I/directory/slapd.d" -b "$SUFFIX" -l "$T/data.ldif" > "$T/slapadd.out" 2>&1 ||
	{ fail "slapadd refuses it"; tail -5 "$T/slapadd.out"; }
start_slapd
start_probe
wait_for 60 said '^refreshed full'
wait_for 5 holds '^finished 1$'
wait_for 1 holds '^quarantined-count 0$'
# beside what init made: an authority, its administrator and their role, grant, system and code
count_of() { sed -n "s/^$1 //p" "$T/counts"; }
made() { dump | sed -n "s/^count $1 //p"; }
for kind in staff key grant role system system-group rule authority; do
	checks=$((checks + 1))
	more=0
	case $kind in staff | grant | role | system | authority) more=1 ;; esac
	[ "$(made "$kind")" = $(($(count_of "$kind") + more)) ] || fail "$kind: $(made "$kind"), generated $(count_of "$kind")"
done

# the whole directory by itself, with its suffix
checks=$((checks + 1))
generate ldif | sed -n '1,/^$/p' | grep -qx "dn: $SUFFIX" || fail "the complete form does not begin with the suffix"

# a list for each authority, and one of all: the same people
mkdir "$T/csv"
generate --out "$T/csv" csv
checks=$((checks + 2))
[ "$(find "$T/csv" -name '*.csv' | wc -l)" = "$(count_of authority)" ] || fail "not a list for each authority"
diff <(generate csv | tail -n +2 | sort) <(tail -qn +2 "$T"/csv/*.csv | sort) > "$T/diff" || fail "the lists are not of the same people"
finish
