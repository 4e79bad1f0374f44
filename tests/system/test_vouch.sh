#!/usr/bin/env bash
# Two people on the telephone: the code of one is checked by the one it was made for, once, and both learn who the other is; everybody else, and
# everything else, is refused and written down.
. "$CK_SOURCE/tests/system/vouch_lib.sh"
new_instance
add_staff bob "Bob Stone" 2 --title "Service desk analyst"
add_staff eve "Eve Marsh" 3
code=''

# ---- the right way ----
vouches ada bob
cp "$T/ada.vouch" "$T/out"
said "Touch your key to vouch to bob that you are ada."
said "The code is for Bob Stone (bob), Service desk analyst, northtown. Say it to nobody else"
checks 0 bob "$code"
said "The caller is Ada North (ada), northtown."
said "ada@northtown.example"
said "touch+verified: touched their key and gave its PIN or fingerprint, of which no maker vouches here"
said "The code is used up."
vouched ada 0 "Checked by Bob Stone (bob), Service desk analyst, northtown, at 20"
in_log vouch-made user=ada for-kind=staff for-name=bob proved=touch+verified proof=
in_log vouch-checked user=bob voucher=ada
crosskeys audit show "$I/audit" | grep -F vouch- | grep -qE 'digest=|code=' && fail "the code's digest is in the log" || pass
grep -rqF -e "${code// /}" -e "$code" "$I/audit" "$T/daemon.log" && fail "the code is in the log" || pass

# once only
checks 1 bob "$code"
said "the code was used already"
in_log vouch-refused user=bob reason=vouch-used voucher=ada

# as people type it, and for programs
vouches ada bob
checks 0 bob "$(tr ' ' '-' <<< "$code")" --json
for text in '"uid": "ada"' '"authority": "northtown"' '"proved": "touch+verified"'; do said "$text"; done
vouched ada 0 "Checked by Bob"

# ---- whom it is not for ----
vouches ada bob
checks 1 eve "$code"
said "nobody made this code for you"
in_log vouch-refused user=eve reason=vouch-elsewhere voucher=ada
in_log alarm 'eve\x20entered\x20a\x20code\x20that\x20ada\x20made\x20for\x20somebody\x20else'
cp "$T/out" "$T/elsewhere"
checks 1 eve "$(right_digits 12345678901)"
sed 1d "$T/out" > "$T/a"; sed 1d "$T/elsewhere" > "$T/b"
cmp -s "$T/a" "$T/b" && pass || fail "a code for somebody else is answered otherwise than one that nobody made"
checks 1 ada "$code"
said "nobody made this code for you"
only_key eve-key
expect 1 as bob 1234 check "$code"
checks 0 bob "$code"
vouched ada 0 "Checked by Bob Stone"
expect 2 crosskeys check "$code" --dir "$I"
said "say who you are with --as"

# ---- a slip of the finger costs nothing ----
vouches ada bob
wrong=${code%?}$(((${code: -1} + 1) % 10))
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do checks 2 bob "$wrong"; done
said "it was not tried"
checks 2 bob "1234 5678"
checks 0 bob "$code"
vouched ada 0 "Checked by Bob Stone"

# ---- withdrawn, replaced, for nobody ----
vouches ada bob
interrupt INT
vouched ada 1 "The code is withdrawn."
checks 1 bob "$code"
said "the caller has withdrawn the code"
in_log vouch-withdrawn user=ada voucher=ada
vouches ada bob
first=$code first_pid=$VOUCHING
mv "$T/ada.vouch" "$T/first.vouch"
vouches ada eve
second=$VOUCHING
VOUCHING=$first_pid
vouched first 1 "You have made another code"
checks 1 bob "$first"
said "the caller has withdrawn the code"
checks 0 eve "$code"
VOUCHING=$second
vouched ada 0 "Checked by Eve Marsh"
only_key ada-key
for nobody in mallory ada; do
	expect 1 as ada 1234 vouch $nobody
	said "there is nobody else of that name"
done
expect 1 as ada 1234 vouch --authority nowhere
said "there is nobody else of that name"
in_log vouch-refused user=ada reason=vouch-nobody detail=mallory
change staff change eve --unlisted
expect 1 as ada 1234 vouch eve
said "there is nobody else of that name"
vouches eve bob # who chooses to be known to one
checks 0 bob "$code"
said "The caller is Eve Marsh (eve), northtown."
vouched eve 0 "Checked by Bob Stone"
change staff change eve --listed
only_key ada-key
expect 2 as ada 1234 vouch
expect 2 as ada 1234 vouch bob --authority northtown
only_key eve-key
expect 1 as ada 1234 vouch bob
only_key ada-key
for how in no-uv no-up other-rp garbage bad-signature; do
	soft_key misbehave ada-key $how
	expect 1 as ada 1234 vouch bob
	soft_key misbehave ada-key none
done
in_log login-refused user=ada reason=vouch

# ---- for an authority: any one of its people ----
only_key ada-key
expect 0 as ada 1234 authority add southport --kind council --uid-range 300000-300999 --mail-domain southport.example \
	--admin sam --admin-name "Sam South" --admin-mail sam@southport.example
sams=$(code_of sam "$T/out")
new_key sam-key 1234
only_key sam-key
expect 0 enrol sam "$sams" 1234
vouches ada --authority southport
cp "$T/ada.vouch" "$T/out"
said "The code is for any one person of southport (council)."
checks 1 bob "$code"
said "nobody made this code for you"
checks 0 sam "$code"
said "The caller is Ada North (ada), northtown."
vouched ada 0 "Checked by Sam South (sam), southport"
checks 1 sam "$code"
said "the code was used already"
vouches bob --authority northtown
checks 1 bob "$code"
said "nobody made this code for you"
checks 0 eve "$code"
vouched bob 0 "Checked by Eve Marsh"

# ---- what ends between the touch and the check ----
ended() { # UID: whose code bob is told not to believe
	checks 1 bob "$code"
	said "the code was right, but the key, the person or their authority is no longer good"
	vouched "$1" 1 "Entered by Bob Stone (bob)"
	checks 1 bob "$code"
	said "the code was used already"
}
vouches eve bob
change staff change eve --status suspended
ended eve
in_log vouch-refused user=bob reason=vouch-ended voucher=eve
change staff change eve --status active
vouches sam bob
change authority change southport --status suspended
ended sam
change authority change southport --status active
vouches eve bob
change key revoke eve "security key"
ended eve
vouches ada bob
change staff change bob --status suspended
only_key bob-key
expect 1 as bob 1234 check "$code"
change staff change bob --status active
checks 0 bob "$code"
vouched ada 0 "Checked by Bob Stone"

# ---- guessing ----
add_staff fay "Fay Dale" 4
vouches ada fay
for i in 1 2 3 4 5 6 7 8 9 10; do
	checks 1 fay "$(right_digits "4433221100$((i % 10))")"
	said "nobody made this code for you"
done
in_log alarm 'fay,\x20or\x20all\x20together,\x20entered\x20so\x20many\x20wrong\x20codes'
checks 1 fay "$code"
said "too many wrong codes were entered"
in_log vouch-refused user=fay reason=vouch-tries
[ "$(crosskeys audit show --event vouch-refused --user fay "$I/audit" | grep -c 'reason=vouch-wrong')" = 10 ] && pass || fail "not each guess is in the log"
interrupt TERM
vouched ada 1 "The code is withdrawn."
vouches ada --authority southport
checks 0 sam "$code"
vouched ada 0 "Checked by Sam South"

expect 0 verify_log
finish
