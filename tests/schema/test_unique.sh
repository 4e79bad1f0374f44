#!/bin/bash
# Of fifty adds of one uid at the same time exactly one wins, and of one credential; each other unique value is refused a second time.
set -eu
. "$(dirname "$0")/instance.sh"
make_instance
start_slapd

# NAME: LDIF files $work/race/N. Each ldapadd is bound and waits for the end of its record; all those ends come at once, when the one
# process that holds the pipes is gone. Exactly one is taken, the others are refused for uniqueness (19).
race()
{
	local pids=() won=0 refused=0 code file holder
	for file in "$work"/race/*; do mkfifo "$file.pipe"; done
	for file in "$work"/race/*.pipe; do
		as_daemon ldapadd -Q -Y EXTERNAL -H "$uri" <"$file" >/dev/null 2>&1 &
		pids+=($!)
	done
	(
		for file in "$work"/race/*.pipe; do
			exec {fd}>"$file"
			cat "${file%.pipe}" >&$fd
		done
		: >"$work/race.ready"
		exec sleep 60
	) &
	holder=$!
	while [ ! -e "$work/race.ready" ]; do sleep 0.1; done
	sleep 1 # all are bound by now; one that is not makes the race smaller, not wrong
	kill -9 $holder
	wait $holder 2>/dev/null || true
	for pid in "${pids[@]}"; do
		code=0
		wait "$pid" || code=$?
		case $code in
		0) won=$((won + 1)) ;;
		19) refused=$((refused + 1)) ;;
		*) fail "$1: an add ended with $code" ;;
		esac
	done
	[ "$won $refused" = "1 49" ] || fail "$1: $won of fifty won, $refused were refused"
	rm -rf "$work/race" "$work/race.ready"
}
count() { as_daemon ldapsearch -Q -LLL -Y EXTERNAL -H "$uri" -b "$suffix" "$1" 1.1 | grep -c '^dn:' || true; }

mkdir "$work/race"
for n in $(seq 50); do staff "$(new_id)" zoe $((1000 + n)) >"$work/race/$n"; done
race "one uid"
[ "$(count '(uid=zoe)')" = 1 ] || fail "more than one zoe"

hash=ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100
mkdir "$work/race"
for n in $(seq 50); do
	id=$(new_id)
	staff "$id" "person$n" $((2000 + n))
	echo
	key "$id" $hash credential >"$work/race/$n"
done | add >/dev/null
race "one credential"
[ "$(count "(ckKeyHash=$hash)")" = 1 ] || fail "more than one key"

# one at a time, by one value each
a=$(new_id)
b=$(new_id)
{ staff "$a" anna 3001; echo; staff "$b" bert 3002; } | add >/dev/null
taken() # WHAT FROM TO: bert's entry with one line changed to what anna has
{
	local code=0
	staff "$(new_id)" carl 3003 | sed "s|^$2\$|$3|" | add >/dev/null 2>&1 || code=$?
	[ $code = 19 ] || fail "a second $1 gives $code, expected 19"
	code=0
	printf '%s\n' "dn: ckId=$b,ou=staff,$below" "changetype: modify" "replace: ${3%%:*}" "$3" |
		as_daemon ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null 2>&1 || code=$?
	[ $code = 19 ] || fail "a change to the $1 of another gives $code, expected 19"
}
taken uid "uid: carl" "uid: anna"
taken "uid in capitals" "uid: carl" "uid: ANNA"
taken mail "mail: person3003@example.org" "mail: person3001@example.org"
taken uidNumber "uidNumber: 203003" "uidNumber: 203001"
taken "staff number" "ckStaffNumber: $authority:3003" "ckStaffNumber: $authority:3001"

again() # WHAT: the LDIF on standard input is refused
{
	local code=0
	add >/dev/null 2>&1 || code=$?
	[ $code = 19 ] || fail "a second $1 gives $code, expected 19"
}
other=$(new_id)
key "$a" "${hash/ff/00}" credential | again "credential id under another hash"
key "$a" "$hash" credential2 | again "hash"
printf '%s\n' "dn: ckId=$a,ou=roles,$below" "objectClass: ckRole" "ckId: $a" "ckName: x" "ckStatus: active" | again ckId
printf '%s\n' "dn: ckId=$other,ou=systems,$below" "objectClass: ckSystem" "ckId: $other" "ckName: core1" "ckStatus: active" |
	again "system name"
printf '%s\n' "dn: ckId=$other,ou=authorities,$suffix" "objectClass: ckAuthority" "ckId: $other" "ckName: northwich council" \
	"ckAuthorityKind: council" "ckStatus: active" "ckValidFrom: 00010101000000Z" "ckValidUntil: 99991231235959Z" "ckAdminRoleId: $a" \
	"ckUidNumberFirst: 300000" "ckUidNumberLast: 399999" "ckMailDomain: *" "ckZone: UTC" | again "authority name"

# the same staff number in another authority is another number, and a role may be called as a system is
authority=$other
staff "$(new_id)" dora 3004 | sed "s|3004\$|3001|; s|^uidNumber.*|uidNumber: 203004|; s|^mail.*|mail: dora@example.org|" | add >/dev/null ||
	fail "the same staff number in another authority is refused"
printf '%s\n' "dn: ckId=$other,ou=roles,$below" "objectClass: ckRole" "ckId: $other" "ckName: core1" "ckStatus: active" | add >/dev/null ||
	fail "a role called as a system is refused"
echo "one of fifty wins"
