#!/usr/bin/env bash
# Import: what is planned, what comes of it, that it comes once; every kind of bad row; leavers; what was suspended by hand; export and back.
. "$CK_SOURCE/tests/system/import_lib.sh"
new_instance --uid-range 200000-200400
only_key ada-key

# ---- tried, then done, then nothing left to do ----
people 100 249 > "$T/hr.csv"
expect 0 import "$T/hr.csv" --dry-run
said "add        jsmith "
said "150 to add, 1 to change, 0 to suspend, 0 to reinstate, 0 as they are, 0 rejected"
is "after a dry run" "$(staff_count)" 1
[ ! -e "$T/hr.csv.plan" ] && [ ! -e "$T/hr.csv.rejected" ] && pass || fail "a dry run left something behind"
expect 0 import "$T/hr.csv"
said "Done: 151 written"
is "after the import" "$(staff_count)" 151
is "names are numbered" "$(entry 101 uid) $(entry 102 uid)" "jsmith2 jsmith3"
is "home" "$(entry 101 homeDirectory)" "/home/jsmith2"
expect 0 ck status
said "quarantined: 0"
before=$(audit_count batch-intent)
expect 0 import "$T/hr.csv"
said "0 to add, 0 to change, 0 to suspend, 0 to reinstate, 151 as they are"
said "Done: 0 written"
is "batches of an import with nothing to do" "$(audit_count batch-intent)" "$before"

# ---- one touch, one record before and one after each batch, the plan named in both ----
is "plans" "$(audit_count plan-ordered)" 1
is "intents" "$(audit_count batch-intent)" 3
is "outcomes" "$(audit_count batch-outcome)" 3
plan=$(crosskeys audit show --event plan-ordered "$I/audit" | sed -n 's/.* target=\([^ ]*\) .*/\1/p')
is "records that name the plan" "$(crosskeys audit show --event batch-outcome "$I/audit" | grep -c "target=$plan ")" 3
expect 0 verify_log

# ---- who changed, who left ----
sed -e '/^110;/d' -e 's/^111;Jon;Smith/111;Jon;Smith-Jones/' -e 's/^112;\(.*\);Active;$/112;\1;Left;/' -e 's/^113;\(.*\);$/113;\1;31\/12\/2027/' "$T/hr.csv" > "$T/hr2.csv"
expect 0 import "$T/hr2.csv" --dry-run
said "suspend    jsmith11"
said "missing from the file"
said "surname: Smith -> Smith-Jones"
said "0 to add, 2 to change, 2 to suspend"
expect 0 import "$T/hr2.csv"
is "who is missing" "$(entry 110 ckStatus)" suspended
is "who left" "$(entry 112 ckStatus)" suspended
is "a new name" "$(entry 111 cn)" "Jon Smith-Jones"
is "an end" "$(entry 113 ckValidUntil)" 20271231000000Z
is "nobody is deleted" "$(staff_count)" 151

# ---- what an entry keeps leads to the touch ----
proof_of() { setpriv --reuid=crosskeys-replica --regid=crosskeys-replica --clear-groups ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL \
	-H "ldapi://${I//\//%2F}%2Frun-directory%2Fldapi" -b dc=example,dc=org "$1" "$2" | sed -n "s/^$2:: //p"; }
member=$(proof_of "(employeeNumber=112)" ckProof)
plan=$(crosskeys audit show --event plan-ordered --last 1 "$I/audit" | sed -n 's/.* target=\([^ ]*\) .*/\1/p')
kept=$(proof_of "(&(objectClass=ckPlan)(ckId=$plan))" ckProof)
id=$(in_directory "(objectClass=ckKey)" ckCredentialId)
[ -n "$id" ] || id=$(proof_of "(objectClass=ckKey)" ckCredentialId)
key=$(proof_of "(objectClass=ckKey)" ckPublicKey)
expect 0 "$CK_BUILD/tests/proof-check" --plan "$kept" keys.example.org "$id" "$key" "$member" ckStatus=suspended
said "staff.change, verified"
expect 1 "$CK_BUILD/tests/proof-check" --plan "$kept" keys.example.org "$id" "$key" "$member" ckStatus=active
said "about other values"
expect 1 "$CK_BUILD/tests/proof-check" --plan "$kept" keys.example.org "$id" "$key" "$(proof_of "(employeeNumber=120)" ckProof)" ckStatus=suspended
said "of another plan"
is "a proof of a plan takes little" "$(($(base64 -d <<< "$member" | wc -c) < 420))" 1

# ---- a suspension is not undone by a file; asked for, it is ----
sed "s/s114@/s114new@/" "$T/hr.csv" > "$T/mail.csv"
expect 0 import "$T/mail.csv"
is "a new address" "$(entry 114 mail)" s114new@northtown.example
expect 0 import "$T/hr.csv"
change staff change jsmith20 --status suspended
expect 0 import "$T/hr.csv"
said "3 suspended people are listed as active and stay suspended"
is "suspended by hand" "$(entry 119 ckStatus)" suspended
is "who is back" "$(entry 110 ckStatus)" suspended
expect 0 import "$T/hr.csv" --reinstate
said "3 to reinstate"
is "who is back" "$(entry 110 ckStatus)" active

# ---- more than a share of the staff ----
people 100 200 > "$T/few.csv"
expect 1 import "$T/few.csv"
said "This would suspend 49 of 151 active people, more than 5 %"
said "--allow-suspending 49"
expect 1 import "$T/few.csv" --allow-suspending 48
expect 1 import "$T/few.csv" --suspend-limit 32
is "nobody was suspended" "$(entry 210 ckStatus)" active
expect 0 import "$T/few.csv" --allow-suspending 49
is "after it was allowed" "$(entry 210 ckStatus)" suspended
expect 0 import "$T/hr.csv" --reinstate
# whoever orders it is not suspended by it
sed '/^1;/d' "$T/hr.csv" > "$T/without.csv"
expect 0 import "$T/without.csv"
said "You yourself are not active by this file"
is "ada" "$(entry 1 ckStatus)" active
# an empty file is none
echo "$header" > "$T/empty.csv"
expect 0 import "$T/empty.csv" --allow-suspending 1000
is "nobody is missing from nothing" "$(entry 120 ckStatus)" active

# ---- every kind of bad row ----
{
	people 100 249
	printf '300;J\xf6rg;Latin;s300@northtown.example;;Clerk;Active;\n'
	echo '301;"Open;Quote;s301@northtown.example;;Clerk;Active;'
	echo '302;Too;Few'
	echo '303;Too;Many;s303@northtown.example;;Clerk;Active;;more'
	echo ';No;Number;s304@northtown.example;;Clerk;Active;'
	echo '305;Bad;Mail;nobody;;Clerk;Active;'
	echo '306;Other;Domain;s306@elsewhere.example;;Clerk;Active;'
	echo '307;Taken;Mail;s100@northtown.example;;Clerk;Active;'
	echo '308;Odd;Status;s308@northtown.example;;Clerk;Maybe;'
	echo '309;Odd;Date;s309@northtown.example;;Clerk;Active;31/02/2027'
	echo '310;Other;Date;s310@northtown.example;;Clerk;Active;12/31/2027'
	person 100
	echo '311;;;s311@northtown.example;;Clerk;Active;'
	printf '312;Control;Mark\x01;s312@northtown.example;;Clerk;Active;\n'
	echo "313;$(printf 'x%.0s' {1..200});Long;s313@northtown.example;;Clerk;Active;"
	echo '314;Stray "quote";Inside;s314@northtown.example;;Clerk;Active;'
	echo '315;"Quoted ""well""";"Semi;colon";s315@northtown.example;;"two
lines";Active;'
	printf '316;Good;Windows;s316@northtown.example;;Clerk;Active;\r\n'
	echo '317;Zoë;Ó Briain-Wŷn;s317@northtown.example;;Clerk;Active;'
} > "$T/bad.csv"
expect 8 import "$T/bad.csv"
said "17 rows were not taken"
rejected() { # LINE REASON
	grep -a "^$1," "$T/bad.csv.rejected" | grep -qaF -- "$2" && pass || { fail "line $1 is not rejected for: $2"; grep -a "^$1," "$T/bad.csv.rejected"; }
}
rejected 153 "UTF-8"
rejected 154 "there is text behind a closing quote"
rejected 155 "the row has 3 fields, and the header 8"
rejected 156 "the row has 9 fields"
rejected 157 "the staff number is missing"
rejected 158 "mail"
rejected 159 "outside of the authority's domains"
rejected 160 "somebody else has this address"
rejected 161 'what ""Maybe"" means'
rejected 162 "expected a date as 31/12/2026"
rejected 163 "expected a date"
rejected 164 "stands on line 3 already"
rejected 165 "cn"
rejected 166 "cn"
rejected 167 "cn"
rejected 168 "a quote inside a field"
rejected 169 "title"
is "the rest went in" "$(entry 316 cn)/$(entry 317 uid)" "Good Windows/zobriainwyn"
is "nobody else" "$(staff_count)" 153
expect 0 ck status
said "quarantined: 0"
# while a row does not say whose it is, nobody counts as missing
sed -e '/^120;/d' "$T/hr.csv" > "$T/unsure.csv"
echo ';No;Number;s304@northtown.example;;Clerk;Active;' >> "$T/unsure.csv"
expect 8 import "$T/unsure.csv"
said "do not say whose they are"
is "not missing" "$(entry 120 ckStatus)" active
# a row that is bad is a row: its person did not leave
sed -e 's/^120;.*/120;Bad;Mail;nobody;;Clerk;Active;/' "$T/hr.csv" > "$T/badmail.csv"
expect 8 import "$T/badmail.csv" --allow-suspending 10
is "a bad row is no leaver" "$(entry 120 ckStatus)" active
# a list of several authorities: rows of another one are none of this one's, not even by their number
sed 's/^telephone = Phone/&\nauthority = Council/' "$T/map" > "$T/map.councils"
{ echo "$header;Council"; sed -e 1d -e '/^120;/d' -e 's/$/;northtown/' "$T/hr.csv"; echo "$(person 120);eastham"; } > "$T/councils.csv"
expect 8 as ada 1234 import "$T/councils.csv" --map "$T/map.councils" --dry-run
said "the row is of another authority"
said "0 to add, 0 to change, 1 to suspend"
# a mapping that does not fit is said, with its line
printf '[columns]\nnumber = A\nname = B\ncolour = C\n' > "$T/odd"
expect 2 as ada 1234 import "$T/hr.csv" --map "$T/odd"
said 'odd:4: there is no field "colour"'
printf '[columns]\nnumber = A\nname = B\n' > "$T/odd"
expect 2 as ada 1234 import "$T/hr.csv" --map "$T/odd"
said 'there is no column "A"'
# more people than the authority has numbers for
{ people 100 249; for i in $(seq 400 700); do person "$i" Sam Jones; done; } > "$T/many.csv"
expect 8 import "$T/many.csv" --dry-run --allow-suspending 10
said "the authority's range is used up"

# ---- out and in again ----
cp "$T/map" "$T/map.full"
sed -i 's/^mail = .*/&\nuid = Login\nname = Name\nfrom = Since\ndepartment = Department\nuid-number = U\ngid-number = G\nhome = Home\nshell = Shell/' "$T/map.full"
for format in csv ldif; do
	expect 0 ck export "$T/out.$format" --authority northtown
	expect 0 as ada 1234 import "$T/out.$format" --dry-run
	said "0 to add, 0 to change, 0 to suspend, 0 to reinstate"
	said "0 rejected"
done
expect 0 ck export "$T/out2.csv" --authority northtown --map "$T/map.full"
expect 0 as ada 1234 import "$T/out2.csv" --map "$T/map.full" --dry-run --json
said '"unchanged": 153'
grep -q '"two' "$T/out.csv" && fail "a title of two lines got in" || pass
is "who may read it" "$(stat -c %a "$T/out.csv")" 600
# what somebody left in its place is not written into
mkdir "$T/shared"
chmod 1777 "$T/shared"
not_into() { # WHAT WORDS: "$T/shared/out.csv" is this; refused, and what it is or leads to is as it was
	expect 6 timeout 20 "$CK_BUILD/crosskeys" export "$T/shared/out.csv" --authority northtown --dir "$I"
	said "out.csv: $2"
	is "$1" "$(cat "$T/precious")" precious
	rm -f "$T/shared/out.csv"
}
echo precious > "$T/precious"
ln -s "$T/precious" "$T/shared/out.csv"
not_into "a link" "Too many levels of symbolic links"
ln "$T/precious" "$T/shared/out.csv"
not_into "a second name" "it is not a file of your own"
setpriv --reuid 4711 --clear-groups touch "$T/shared/out.csv"
not_into "somebody else's" "it is not a file of your own"
mkfifo "$T/shared/out.csv"
not_into "a FIFO" "No such device or address"

# ---- another authority's names ----
change authority add southport --uid-range 300000-300999 --mail-domain southport.example --mail-domain northtown.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$(code_of sam "$T/change.out")" 1234
{ echo "$header"; person 1 Jon Smith; echo '2;Ann;Port;s316@northtown.example;;Clerk;Active;'; } > "$T/south.csv"
sed -i 's/s1@northtown/jon@southport/' "$T/south.csv"
expect 8 as sam 1234 import "$T/south.csv" --map "$T/map" --allow-suspending 1
is "a name of another authority is not taken" "$(in_directory "(mail=jon@southport.example)" uid)" "$(in_directory "(mail=jon@southport.example)" uid | grep -v '^jsmith$')"
grep -q "^3,\"*refused" "$T/south.csv.rejected" && pass || fail "what another authority holds was not refused: $(cat "$T/south.csv.rejected")"
expect 1 as sam 1234 import "$T/hr2.csv" --map "$T/map" --authority northtown --allow-suspending 200
said "you are not one who may order this"
finish
