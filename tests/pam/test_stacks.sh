# The stacks of contrib/pam.d: who gets through each, and who does not whatever breaks.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stacks.sh"
[ "${CK_SANITIZE:-OFF}" != ON ] || skip "ASan catches crypt_r, which pam_unix loads late, and calls nothing"
ck_private "$0" "$@"
ck_stacks
ck_accounts
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=assert"
is() { # WHAT EXPECTED OPTIONS -- SERVICE USER STEPS
	local what=$1 expected=$2
	shift 2
	expect "$what" "$expected" "$(ck_host "$@" | grep -E '^(auth|acct|cred|open|close|pass|start) ' | paste -sd' ')"
}
steps_of() { # STACK: sets what is tried, and what it says when all of it succeeds; lockers and polkit open no session
	steps="auth acct cred open close"
	case $1 in vlock | polkit-1) steps="auth acct cred" ;; esac
	through=$(sed 's/\( \|$\)/ 0\1/g' <<< "$steps")
}

ck_gate $good
for stack in login sshd sudo cron vlock polkit-1 gdm-password su su-l; do
	steps_of $stack
	who=staffa caller=()
	case $stack in su | su-l) who=svcuser caller=(--real-uid 250001) ;; esac
	is "$stack: staff, granted" "$through" ${caller[@]+"${caller[@]}"} -- $stack $who $steps
	ck_gate $good begin=denied account=denied
	is "$stack: staff, refused" "auth $PAM_AUTH_ERR acct $PAM_PERM_DENIED" ${caller[@]+"${caller[@]}"} -- $stack $who auth acct
	# pam_unix is asked for a password when Crosskeys is not in the way: an answer is at hand, and must not be taken.
	is "$stack: staff, refused, with a password of the machine's own" "auth $PAM_AUTH_ERR" --answer secret ${caller[@]+"${caller[@]}"} -- $stack $who auth
	ck_gate $good open=denied
	case $steps in *open*) is "$stack: the session cannot be registered" "acct 0 open $PAM_SESSION_ERR" ${caller[@]+"${caller[@]}"} -- $stack $who acct open ;; esac
	ck_gate_stop
	is "$stack: staff, no daemon" "auth $PAM_AUTHINFO_UNAVAIL acct $PAM_AUTHINFO_UNAVAIL" ${caller[@]+"${caller[@]}"} -- $stack $who auth acct
	case $stack in su | su-l) caller=(--real-uid 1001) ;; esac
	is "$stack: the machine's own, no daemon" "$through" --answer secret ${caller[@]+"${caller[@]}"} -- $stack svcuser $steps
	is "$stack: the machine's own, wrong password" "auth $PAM_AUTH_ERR" --answer wrong ${caller[@]+"${caller[@]}"} -- $stack svcuser auth
	ck_gate $good
done
steps_of demo
is "demo: staff" "$through pass $PAM_TRY_AGAIN" -- crosskeys-demo staffa $steps pass
is "demo: root is nobody there" "auth $PAM_USER_UNKNOWN acct $PAM_USER_UNKNOWN" -- crosskeys-demo root auth acct
is "su: root becomes anybody" "$through" -- su staffa $steps
ck_gate $good begin=denied
is "su: staff do not become others by a password" "auth $PAM_AUTH_ERR" --answer secret --real-uid 250001 -- su svcuser auth
is "passwords of staff" "pass $PAM_TRY_AGAIN" -- login staffa pass

# A line that is mistyped, and a module that is not there: the machine's own get in, who is listed too, and nobody else, whatever password
# they may have.
# They do have one: the machine's own password is everybody's now. In place, since the files are mounted.
secret=$(sed -n 's/^svcuser:\([^:]*\):.*/\1/p' "$T/shadow")
printf '%s:'"$secret"':19000:0:99999:7:::\n' root svcuser staffa staffb > "$T/shadow"
passwd=$(sed 's/^\([^:]*\):[^:]*:/\1:x:/' "$T/passwd")
printf '%s\n' "$passwd" > "$T/passwd"
echo staffb > "$CK_LOCAL"
broken() { # WHAT CODE: of those who are refused
	local stack caller
	for stack in login sshd sudo cron vlock polkit-1 gdm-password; do
		steps_of $stack
		for user in root svcuser staffb; do
			[ "$stack $user" != "gdm-password root" ] || continue # for whom GDM is not
			is "$1, $stack: $user" "$through" --answer secret -- $stack $user $steps
		done
		is "$1, $stack: the machine's own by a wrong password" "auth $PAM_AUTH_ERR" --answer wrong -- $stack svcuser auth
		is "$1, $stack: staff" "auth $2 acct $2" --answer secret -- $stack staffa auth acct
	done
	for stack in su su-l; do
		steps_of $stack
		is "$1, $stack: root" "$through" -- $stack staffa $steps
		is "$1, $stack: a caller of the machine's own" "$through" --answer secret --real-uid 1001 -- $stack root $steps
		is "$1, $stack: staff, with the password of the account" "auth $2 acct $2" --answer secret --real-uid 250001 -- $stack root auth acct
	done
}
ck_stacks tiemout=10
broken "a mistyped option" $PAM_AUTH_ERR
ck_stacks
sed -i "s|$CK_MODULE|$T/no-such-module.so|" "$T"/pam.d/*
broken "no module" $PAM_AUTH_ERR
ck_done
