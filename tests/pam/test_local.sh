# Which names are the machine's own: they get PAM_USER_UNKNOWN from the first three stages, before the daemon is asked; all others do not.
. "$(dirname "$0")/lib.sh"
if [ "${1:-}" != inside ]; then
	unshare -m true 2>/dev/null || skip "no private mount namespace"
	rm -rf "$T"
	trap - EXIT
	exec unshare -m bash "$0" inside
fi
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=assert"
ck_gate $good
mkdir "$T/etc"
CK_LOCAL=$T/etc/local-names
ck_service svc $(ck_options)
U=$PAM_USER_UNKNOWN
local="auth $U acct $U cred $U open 0 close 0 pass $U"
staff="auth 0 acct 0 cred 0 open 0 close 0 pass $PAM_TRY_AGAIN"
is() {
	: > "$T/heard"
	expect "$1 is $2" "${!2}" "$(ck_host -- svc "$1" auth acct cred open close pass | grep -vE '^(say|error)' | paste -sd' ')"
	[ "$2" = staff ] || expect "the daemon is not asked about $1" "" "$(grep -vx closed "$T/heard")" # the end of an earlier one may come late
}

cat > "$T/passwd" <<-X
	root:x:0:0::/root:/bin/sh
	svcuser:x:1001:1001::/:/bin/sh
	edge:x:199999:100::/:/bin/sh
	staffa:x:200000:100::/:/bin/sh
	staffb:x:250001:100::/:/bin/sh
	twice:x:250002:100::/:/bin/sh
	twice:x:1002:100::/:/bin/sh
	huge:x:4294967295:100::/:/bin/sh
	broken
	+nis:x:1003:100::/:/bin/sh
	after:x:1004:100::/:/bin/sh
X
printf 'long:x:1005:1005:%s:/:/bin/sh\nlong:x:1005:1005::/:/bin/sh\n' "$(printf 'g%.0s' $(seq 5000))" >> "$T/passwd"
echo 'half:x:10' >> "$T/passwd"
echo 'half:x:1006:1006::/:/bin/sh' >> "$T/passwd"
chmod 644 "$T/passwd"
mount --bind "$T/passwd" /etc/passwd

is root local
is svcuser local
is edge local
is after local
is staffa staff
is staffb staff
is twice staff
is long staff
is half local
is huge staff
is nis staff
is unknown staff

printf 'listed\n# nobody\n  spaced \t\ncomment # listed too\n#commented\nprefixed-more\n\nstaffb\nlast' > "$CK_LOCAL"
chmod 644 "$CK_LOCAL"
for name in listed spaced comment staffb last; do is $name local; done
for name in commented prefixed nobody2 too staffa; do is $name staff; done

# A list that others could have written names nobody; root and /etc/passwd still count.
untrusted() {
	is listed staff
	is root local
	is svcuser local
}
chmod 664 "$CK_LOCAL"; untrusted
chmod 646 "$CK_LOCAL"; untrusted
chmod 644 "$CK_LOCAL"; chown 65534 "$CK_LOCAL"; untrusted
chown 0 "$CK_LOCAL"; is listed local
chmod 777 "$T/etc"; untrusted
chmod 755 "$T/etc"; is listed local
mv "$CK_LOCAL" "$T/real"; ln -s "$T/real" "$CK_LOCAL"; untrusted
rm "$CK_LOCAL"; mkfifo "$CK_LOCAL"; untrusted
rm "$CK_LOCAL"; mkdir "$CK_LOCAL"; untrusted
rmdir "$CK_LOCAL"; truncate -s 2M "$CK_LOCAL"; untrusted
rm "$CK_LOCAL"

# /etc/passwd that others could have written: root only.
chmod 666 "$T/passwd"
is svcuser staff
is root local
chmod 644 "$T/passwd"
is svcuser local

# The daemon is gone: nothing else becomes local, and what is local stays so.
ck_gate_stop
is root local
is svcuser local
expect "staff without a daemon" "auth $PAM_AUTHINFO_UNAVAIL acct $PAM_AUTHINFO_UNAVAIL cred $PAM_CRED_UNAVAIL open $PAM_SESSION_ERR" \
	"$(ck_host -- svc staffb auth acct cred open | grep -v ^error | paste -sd' ')"
ck_gate $good

# su: the caller's kernel uid is the subject, whatever PAM_RUSER says; PAM_USER is the account.
ck_service su $(ck_options)
expect "su by staff" "auth 0
acct 0" "$(ck_host --real-uid 250001 --ruser root -- su root auth acct)"
expect_heard "is about the caller" "begin user=staffb account=root service=su"
expect "su by a local user" "auth $U" "$(ck_host --real-uid 1001 --ruser staffb -- su staffb auth)"
expect "su by a uid without a name" "auth $PAM_AUTH_ERR" "$(ck_host --real-uid 777777 -- su root auth)"
ck_service su $(ck_options) subject=user
: > "$T/heard"
expect "subject=user in su" "auth 0" "$(ck_host --real-uid 250001 -- su staffa auth)"
expect_heard "is about PAM_USER" "begin user=staffa account=staffa service=su"
ck_done
