#!/usr/bin/env bash
# Changes: who may order which, what happens when two people change the same thing, many under one touch, and the proof that stays with
# what was written.
. "$CK_SOURCE/tests/system/lib.sh"
new_instance
add_staff bob "Bob Stone" 2
add_staff amy "Amy North" 4
change grant add amy administrators --why "the second administrator"
change authority add southport --uid-range 300000-309999 --mail-domain southport.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$(code_of sam "$T/change.out")" 1234
by() { # UID WORDS…: ordered by that person
	only_key "$1-key"
	as "$1" 1234 "${@:2}"
}
refused_to() { # UID WORDS…
	expect 1 by "$@"
	said "you are not one who may order this"
	audited "$1" change-outcome "reason=not-permitted"
}

# ---- who may ----
expect 0 by sam role add clerks
expect 0 by sam staff add cy --name "Cy South" --mail cy@southport.example --number 2
refused_to sam role add clerks --authority northtown
refused_to sam staff change bob --status suspended
refused_to sam grant add sam northtown/administrators --authority northtown --why "if only"
refused_to sam authority change southport --uid-range 300000-399999
refused_to bob role add clerks
refused_to bob grant add bob administrators --why "if only"
refused_to bob key code bob
refused_to bob staff change bob --until unlimited
# the founding authority creates and suspends the others, and writes nothing else inside them
refused_to ada role add clerks2 --authority southport
refused_to ada staff add dee --authority southport --name "Dee South" --mail dee@southport.example --number 3
refused_to ada staff change sam --status suspended
refused_to ada grant add ada southport/administrators --authority southport --why "if only"
refused_to ada key code sam
refused_to ada key revoke sam "security key"
expect 0 by ada authority change southport --status suspended
expect 1 by sam role change clerks --status suspended # what they hold counts for nothing: a decoy is asked for
said "not enrolled for this"
expect 0 by ada authority change southport --status active
is() { [ "$1" = "$2" ] && pass || fail "$3: $1, expected $2"; }
# listed unless it is said, and as it was last said
listed() { ck staff show "$1" --json | tr -d ' \n' | grep -o '"ckListed":."[A-Z]*' | cut -d'"' -f4; }
is "$(listed cy)" TRUE "listed of itself"
expect 0 by sam staff add una --name "Una South" --mail una@southport.example --number 4 --unlisted
is "$(listed una)" FALSE "unlisted when it is said"
expect 0 by sam staff change una --listed
is "$(listed una)" TRUE "listed again"
expect 0 by sam staff change cy --unlisted
is "$(listed cy)" FALSE "unlisted later"
expect 1 by sam staff change cy --listed --unlisted
said "ckListed"
# within one's own authority, but past what was delegated to it
expect 1 by sam staff add eli --name "Eli South" --mail eli@southport.example --number 5 --uid-number 250000
said "uidNumber"
expect 1 by sam staff add eli --name "Eli South" --mail eli@northtown.example --number 5
said "mail"
expect 1 by sam staff add bob --name "Another Bob" --mail another@southport.example --number 5
only_key bob-key
expect 1 as ada 1234 role add clerks
said "not enrolled for this"
expect 2 ck role add clerks --authority northtown
said "--as"

# ---- two at a time ----
# held UID FILE WORDS…: planned and read, then waits for that person's touch
held() {
	local file=$2
	soft_key misbehave "$1-key" no-touch
	as "$1" 1234 "${@:3}" > "$file" 2>&1 &
	HELD=$!
	until_true 5 grep -q "Touch your security key now" "$file" || fail "not held: ${*:3}"
}
change role add operators
only_key ada-key
soft_key plug amy-key
held ada "$T/ada.out" role change operators --status suspended
expect 0 as amy 1234 role change operators --all-staff-of northtown
soft_key touch ada-key
expect 4 wait "$HELD"
grep -q "it was changed by somebody else since you read it" "$T/ada.out" || fail "the conflict is not said: $(tail -1 "$T/ada.out")"
expect 0 ck role show northtown/operators --json
said '"active"'
for round in 1 2 3 4 5; do
	held ada "$T/ada.out" staff add "zed$round" --name "Zed Ada" --mail "za$round@northtown.example" --number "a$round"
	ada=$HELD
	held amy "$T/amy.out" staff add "zed$round" --name "Zed Amy" --mail "zb$round@northtown.example" --number "b$round"
	soft_key touch ada-key &
	soft_key touch amy-key
	won=0
	wait "$ada" && won=$((won + 1))
	wait "$HELD" && won=$((won + 1))
	checks=$((checks + 1))
	[ "$won" = 1 ] || { fail "of two who add one name $won were told that it is done"; cat "$T/ada.out" "$T/amy.out"; }
done
expect 0 ck status
said "quarantined: 0"
# a value that must be unique can be changed, to one that nobody has
change staff change bob --mail robert@northtown.example
only_key ada-key
expect 1 as ada 1234 staff change bob --mail ada@northtown.example

# ---- many under one touch ----
cat > "$T/many" <<-'F'
	# a team
	role add drivers
	role add "night drivers" --member-role drivers
	system-group add depots
	system add gate1 --group depots
	grant add bob drivers --why "drives"

	rule add depots --group depots --role "night drivers" --service login
F
before=$(audit_count change-outcome)
expect 0 by ada apply "$T/many" --json
said '{"changed": 6, "visible": true}'
expect 0 ck explain bob gate1 login
said "through its member role drivers"
checks=$((checks + 1))
[ "$(audit_count change-outcome)" = $((before + 1)) ] || fail "one touch, but $(($(audit_count change-outcome) - before)) outcomes"
printf 'role add painters\nrole add painters --authority southport\n' > "$T/many"
expect 1 by ada apply "$T/many"
said "you are not one who may order this"
expect 5 ck role show northtown/painters
printf 'role add painters\ngrant add bob plumbers --why "no such role"\n' > "$T/many"
expect 5 by ada apply "$T/many"
said ":2: that line cannot be planned; nothing was changed"
expect 5 ck role show northtown/painters

# ---- removed ----
change rule remove depots
expect 5 ck rule show northtown/depots
expect 1 ck explain bob gate1 login
change grant remove bob drivers
expect 5 by ada grant remove bob drivers
expect 2 by ada staff remove bob

# ---- the proof ----
change role change drivers --status suspended
at=$(ck role show northtown/drivers --json | grep -o '"id": "[0-9a-f-]*"' | cut -d'"' -f4)
entries() { PATH=$PATH:/usr/sbin slapcat -F "$I/directory/slapd.d" -b dc=example,dc=org -o ldif-wrap=no "$@" 2> /dev/null; }
adas=$(entries -a '(uid=ada)' | sed -n 's/^dn: //p')
entries -a '(objectClass=ckKey)' | awk -v RS= -v of=",$adas" 'index($0, of)' > "$T/key"
id=$(sed -n 's/^ckCredentialId:: //p' "$T/key")
key=$(sed -n 's/^ckPublicKey:: //p' "$T/key")
proof=$(entries -a "(&(objectClass=ckRole)(ckId=$at))" | sed -n 's/^ckProof:: //p')
expect 0 "$CK_BUILD/tests/proof-check" keys.example.org "$id" "$key" "$proof" ckStatus=suspended
said "role.change"
expect 1 "$CK_BUILD/tests/proof-check" keys.example.org "$id" "$key" "$proof" ckStatus=active
said "about other values"
expect 1 "$CK_BUILD/tests/proof-check" other.example.org "$id" "$key" "$proof"
other=$(entries -a '(objectClass=ckKey)' | awk -v RS= -v of=",$adas" '!index($0, of)' | sed -n 's/^ckPublicKey:: //p' | head -1)
expect 1 "$CK_BUILD/tests/proof-check" keys.example.org "$id" "$other" "$proof"
said "signature"
checks=$((checks + 1))
bare=$(entries -a '(&(|(objectClass=ckRole)(objectClass=ckRule)(objectClass=ckGrant)(objectClass=ckSystem))(!(ckProof=*)))' |
	grep -c '^dn:') || true
[ "$bare" -le 3 ] || fail "$bare entries without proof; init wrote three"
finish
