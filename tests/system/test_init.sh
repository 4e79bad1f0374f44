#!/bin/bash
# crosskeys init: what it makes and whose it is; each wrong call is refused and leaves nothing behind.
set -eu
. "$(dirname "$0")/../schema/instance.sh"

crosskeys=$CK_BUILD/crosskeys
init() # OPTIONS...: a good call, with later options in place of earlier ones
{
	local -A values=([suffix]=$suffix [rp-id]=portal.example.org [portal-origin]=https://portal.example.org [system]=core1
		[authority]=Northwich [admin]=mia)
	local arguments=() name
	while [ $# -gt 0 ]; do
		case $1 in
		--without) unset "values[$2]" ;;
		*) values[${1#--}]=$2 ;;
		esac
		shift 2
	done
	for name in "${!values[@]}"; do arguments+=("--$name" "${values[$name]}"); done
	"$crosskeys" init "$where" "${arguments[@]}"
}
refused() # CODE WORDS OPTIONS...: refused with the code, says the words, leaves nothing
{
	local code=0 expected=$1 words=$2
	shift 2
	init "$@" >"$work/out" 2>"$work/err" || code=$?
	[ $code = "$expected" ] || { cat "$work/err" >&2; fail "$*: expected exit $expected, got $code"; }
	grep -q -- "$words" "$work/err" || { cat "$work/err" >&2; fail "$*: does not say '$words'"; }
	[ ! -e "$where" ] || fail "$*: left $where behind"
}

where=$work/refused
for name in suffix rp-id portal-origin system authority admin; do refused 2 "--$name must be given" --without $name; done
refused 2 'takes a DN' --suffix example
refused 2 'takes a DN' --suffix 'dc=a, dc=b'
refused 2 'takes a DN' --suffix 'dc=a",dc=b'
refused 2 'takes a DN' --suffix 'dc=$0'
refused 2 'takes a DN' --suffix 'cn=a'
refused 2 'takes a DN' --suffix $'dc=a\nolcRootPW: x'
refused 2 'takes a host name' --rp-id https://portal.example.org
refused 2 'takes a host name' --rp-id Portal.example.org
refused 2 '--portal-origin takes' --portal-origin http://portal.example.org
refused 2 '--portal-origin takes' --portal-origin https://example.org
refused 2 '--portal-origin takes' --portal-origin https://portal.example.org.evil.org
refused 2 '--portal-origin takes' --portal-origin https://portal.example.org/
refused 2 '--system' --system Core1
refused 2 'ckName' --authority ''
refused 2 'ckName' --authority $'a\nb'
refused 2 'ckAuthorityKind' --authority-kind Council
refused 2 'uid:' --admin root
refused 2 'uid:' --admin Mia
refused 2 'cn:' --admin-name $'Mia\nuid: root'
refused 2 'mail:' --admin-mail mia
refused 2 'ckMailDomain' --mail-domain 'Example.org'
refused 2 'employeeNumber' --admin-number ''
refused 2 'loginShell' --admin-shell bash
refused 2 '--uid-range' --uid-range 1000-2000
refused 2 '--uid-range' --uid-range 300000
refused 2 '--uid-range' --uid-range 300000-200000
refused 2 '--code-life' --code-life 0
refused 2 '--code-life' --code-life 604801
refused 2 'there is no option' --no-such-option x
refused 2 '--token-helper' --token-helper relative
refused 6 'missing users: no-such-user' --user-gate no-such-user
refused 2 'are one' --user-gate crosskeys-replica
refused 2 'is root' --user-gate root
refused 6 'slapd' --slapd /no/such/slapd
refused 6 'did not take its configuration' --slapd /bin/false
where=relative/path refused 2 'absolute path'
where=$work/../x refused 2 'absolute path'
where=/tmp/ck-init-refused.$$ refused 6 'not below /tmp'
mkdir -m 700 "$work/closed"
where=$work/closed/x refused 6 'keeps the daemon'
where=$work/none/x refused 6 'none'

cp "$crosskeys" "$work/crosskeys"
if setpriv --reuid nobody --regid nogroup --clear-groups "$work/crosskeys" init "$where" --suffix $suffix --rp-id a.org \
	--portal-origin https://a.org --system s --authority a --admin mia 2>"$work/err"; then fail "not root, and made"; fi
grep -q 'only root' "$work/err" || fail "does not say that it is root's"

where=$work/full
mkdir "$where"
: >"$where/something"
if init >"$work/out" 2>"$work/err"; then fail "made in a folder that is not empty"; fi
grep -q 'not empty' "$work/err" && [ -e "$where/something" ] || fail "a folder that is not empty was touched"

# a good one, in an empty folder that is there, with everything given
where=$dir
mkdir "$where"
init --authority 'Cyngor Môn' --admin-name 'Siân Ô' --uid-range 500000-500999 --code-life 600 --mail-domain '*' >"$work/out"
mode() { stat -c '%A %U %G' "$dir/$1"; }
[ "$(mode .)" = "drwxr-xr-x root root" ] || fail "DIR: $(mode .)"
[ "$(mode run)" = "drwxr-xr-x root root" ] || fail "run: $(mode run)"
[ "$(mode crosskeys.conf)" = "-rw-r--r-- root root" ] || fail "crosskeys.conf: $(mode crosskeys.conf)"
[ "$(mode secret)" = "-rw------- root root" ] && [ "$(stat -c %s "$dir/secret")" = 32 ] || fail "secret: $(mode secret)"
[ "$(mode store)" = "drwxr-s--- crosskeys-replica crosskeys-gate" ] || fail "store: $(mode store)"
[ "$(mode audit)" = "drwx------ crosskeys-ledger crosskeys-ledger" ] || fail "audit: $(mode audit)"
[ "$(mode directory)" = "drwx------ crosskeys-directory crosskeys-directory" ] || fail "directory: $(mode directory)"
[ "$(mode run-directory)" = "drwx--x--- crosskeys-directory crosskeys-replica" ] || fail "run-directory: $(mode run-directory)"
[ -z "$(find "$dir/directory" ! -user crosskeys-directory)" ] || fail "something of the directory is not slapd's"

code=$(sed -n 's/^One-time code for mia: \([0-9A-HJKMNP-TV-Z-]*\)$/\1/p' "$work/out")
[ ${#code} = 24 ] || fail "no code in: $(cat "$work/out")"
grep -q 'Fixed for good' "$work/out" || fail "does not say what is fixed"
if grep -rqa "$code" "$dir" || grep -rqa "${code//-/}" "$dir"; then fail "the code itself is stored"; fi
hash=$(printf %s "${code//-/}" | sha256sum | cut -d' ' -f1)

authority=$(sed -n 's/^founding_authority = //p' "$dir/crosskeys.conf")
below=ckId=$authority,ou=authorities,$suffix
start_slapd
search() { as_daemon ldapsearch -Q -LLL -Y EXTERNAL -H "$uri" -o ldif-wrap=no -b "$suffix" "$@"; }
[ "$(search "(ckCodeHash=$hash)" 1.1 | grep -c '^dn:')" = 1 ] || fail "the code's hash is not there"
[ "$(search '(&(uid=mia)(uidNumber=500000))' 1.1 | grep -c '^dn:')" = 1 ] || fail "the administrator is not there"
[ "$(search '(objectClass=ckSystem)' ckName | grep -c '^ckName: core1$')" = 1 ] || fail "the system is not there"
role=$(search '(objectClass=ckRole)' ckId | sed -n 's/^ckId: //p')
[ "$(search '(objectClass=ckAuthority)' ckAdminRoleId | grep -c "^ckAdminRoleId: $role$")" = 1 ] || fail "the role is not the authority's"
[ "$(search '(objectClass=ckGrant)' 1.1 | grep -c "^dn: ckId=.*,ckId=$role,ou=roles,$below$")" = 1 ] ||
	fail "the grant is not below the role"
search '(objectClass=ckAuthority)' ckName | grep -q "^ckName:: $(printf 'Cyngor Môn' | base64)$" || fail "the name is not the one given"

code=0
init >"$work/out" 2>"$work/err" || code=$?
[ $code = 6 ] && grep -q 'not empty' "$work/err" || fail "a second init of the same folder: $code"
"$crosskeys" init --help >"$work/out" || fail "--help fails"
for name in suffix rp-id portal-origin system authority admin uid-range user-gate; do
	grep -q -- "--$name" "$work/out" || fail "--help does not name --$name"
done
echo "made once, and not otherwise"
