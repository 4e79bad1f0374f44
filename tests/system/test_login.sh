#!/usr/bin/env bash
# The whole path: a touch opens the door, and each single thing that is wrong keeps it shut.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
add_staff bob "Bob Stone" 2
add_staff eve "Eve Marsh" 3
only_key ada-key
as ada 1234 role add operators > "$T/out" 2>&1 || { cat "$T/out"; exit 1; }
as ada 1234 grant add bob operators --why "runs the servers" --until +1d > "$T/out" 2>&1 || { cat "$T/out"; exit 1; }
as ada 1234 rule add console --system core1 --role operators --service demo > "$T/out" 2>&1 || { cat "$T/out"; exit 1; }

# granted
only_key bob-key
expect 0 login_as demo bob 1234
expect 0 ck explain bob core1 demo
said "granted"

# refused: the wrong PIN, the wrong key, no key's owner, no role, another service, from afar, an unknown name
expect 1 login_as demo bob 9999
soft_key plug bob-key > /dev/null
only_key eve-key
expect 1 login_as demo bob 1234
expect 1 login_as demo eve 1234
said "no role lets you in here"
only_key bob-key
expect 1 login_as demo bob 1234 --rhost 192.0.2.7
pam_service other
expect 1 login_as other bob 1234
expect 1 login_as demo nobody-here 1234
expect 1 ck explain eve core1 demo
said "role"

finish
