# Shared by the tests of import: a mapping, files of people as an HR system exports them, and what came of them in the directory.
# shellcheck shell=bash
. "$CK_SOURCE/tests/system/fault_lib.sh"
cat > "$T/map" <<'F'
[file]
separator = semicolon
dates = day-first
[columns]
number = Employee No
given-name = First name
surname = Surname
mail = "E-mail address"
telephone = Phone
title = Job
status = Status
until = Leaves
[status]
Active = active
Left = suspended
F
header='Employee No;First name;Surname;E-mail address;Phone;Job;Status;Leaves'
person() { echo "$1;${2:-Jon};${3:-Smith};s$1@northtown.example;${4:-0113 $1};Clerk;Active;"; } # NUMBER [GIVEN SURNAME PHONE]
# people FIRST LAST: ada, and these
people() {
	local i
	echo "$header"
	echo "1;Ada;North;ada@northtown.example;;;Active;"
	for i in $(seq "$1" "$2"); do person "$i"; done
}
import() { as ada 1234 import "$@" --map "$T/map"; } # FILE [OPTIONS]
staff_count() { ck status | sed -n 's/^staff: //p'; }
# entry NUMBER ATTRIBUTE: as the directory has it
entry() { in_directory "(&(objectClass=ckStaff)(employeeNumber=$1))" "$2"; }
is() { [ "$2" = "$3" ] && pass || fail "$1: expected \"$3\", got \"$2\""; }
