# The options of a PAM line: what is not understood is refused at every entry point, and said in the log.
. "$(dirname "$0")/lib.sh"
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=assert"
ck_gate $good
refused="auth $PAM_SERVICE_ERR
acct $PAM_SERVICE_ERR
cred $PAM_SERVICE_ERR
open $PAM_SERVICE_ERR
close $PAM_SERVICE_ERR
pass $PAM_SERVICE_ERR"
long=/$(printf 'p%.0s' $(seq 107))
for bad in nonsense socket socket= socket=gate.sock "socket=$long" local= local=names "local=$long$long$long" timeout= timeout=4 timeout=301 \
	timeout=5s timeout=-5 timeout=05 subject= subject=root subject=User account= account=Root account=self account=a:b debug=1 Debug nullok \
	"timeout=10 timeout=20" "debug debug"; do
	case $bad in socket*) ck_service svc "local=$CK_LOCAL" $bad ;; local*) ck_service svc "socket=$CK_SOCKET" $bad ;; *) ck_service svc $(ck_options) $bad ;; esac
	for user in alice root; do
		expect "$bad, for $user" "$refused" "$(ck_host -- svc $user auth acct cred open close pass)"
	done
done
expect "the gate was not asked" "" "$(cat "$T/heard")"
for fine in timeout=5 timeout=300 subject=user account=root account=_apt debug "timeout=10 debug account=www-data subject=user"; do
	ck_service svc $(ck_options) $fine
	expect "$fine" "auth 0
acct 0" "$(ck_host -- svc alice auth acct | grep -v ^say)"
done
ck_done
