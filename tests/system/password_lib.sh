# Shared by the tests of passwords: one who has one, a service that wants it, and what the directory says of it.
# shellcheck shell=bash
URI="ldapi://${I//\//%2F}%2Frun-directory%2Fldapi"
OWN="correct horse battery"
NEXT="another staple entirely"
as_replica() { setpriv --reuid crosskeys-replica --regid crosskeys-replica --clear-groups env -i LDAPNOINIT=1 PATH=/usr/bin:/bin "$@"; }
directory() { local tool=$1; shift; as_replica "$tool" -Q -Y EXTERNAL -H "$URI" "$@"; }
entry_of() { directory ldapsearch -LLL -o ldif-wrap=no -b dc=example,dc=org "(uid=$1)" 1.1 | sed -n 's/^dn: //p'; }
binds() { as_replica ldapwhoami -x -H "$URI" -D "cn=password,$(entry_of "$1")" -w "$2"; } # UID PASSWORD
initial_of() { sed -n "s/^Initial password for $1: //p" "$T/change.out"; }
# policy NAME VALUE…: what slapo-ppolicy holds passwords to
policy() {
	local name value
	while [ $# -gt 0 ]; do
		name=$1 value=$2
		shift 2
		checks=$((checks + 1))
		printf 'dn: cn=password-policy,dc=example,dc=org\nchangetype: modify\nreplace: %s\n%s: %s\n' "$name" "$name" "$value" |
			directory ldapmodify > "$T/policy.out" 2>&1 || { fail "the policy cannot be set: $name"; cat "$T/policy.out"; }
	done
}

# passwd PIN OLD NEW [AGAIN]: bob changes his
passwd() { crosskeys passwd bob --dir "$I" --pin-fd 9 9<<< "$1"$'\n'"$2"$'\n'"$3"$'\n'"${4-$3}"; }
# login_with PASSWORD [OPTIONS…]: bob, by the service that wants a touch and a password
login_with() {
	local password=$1
	shift
	crosskeys login --service-dir "$S" --tty tty1 --pin-fd 9 "$@" safe bob 9<<< "1234"$'\n'"$password"
}
# in_memory PID TEXT: whether it is anywhere in what that process holds
in_memory() {
	python3 - "$1" "$2" << 'EOF'
import re, sys
pid, needle = sys.argv[1], sys.argv[2].encode()
found = False
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for line in maps:
        part = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....)", line)
        if part is None or part.group(3)[0] != "r" or "[v" in line:
            continue
        start, end = int(part.group(1), 16), int(part.group(2), 16)
        try:
            memory.seek(start)
            found = found or needle in memory.read(end - start)
        except (OSError, ValueError, OverflowError, MemoryError): # the last: what ASan reserves
            pass
sys.exit(0 if found else 1)
EOF
}
# bob has a password of his own, and the service safe wants it
with_passwords() {
	change rule add safe --system core1 --role operators --service safe --proved touch --proved verified --proved password
	pam_service safe
	change staff password bob
	FIRST=$(initial_of bob)
	only_key bob-key
	expect 0 passwd 1234 "$FIRST" "$OWN"
	said "the password is changed"
	sleep 1 # a login that is begun in the second in which the replica began is refused: statements know seconds
}
