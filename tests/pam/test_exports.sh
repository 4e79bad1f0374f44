# What the shared object gives and takes: pam_sm_* only; libc and libpam only; no calls that have no business in another's process.
. "$(dirname "$0")/lib.sh"
expect "exports" "pam_sm_acct_mgmt
pam_sm_authenticate
pam_sm_chauthtok
pam_sm_close_session
pam_sm_open_session
pam_sm_setcred" "$(nm -D --defined-only "$CK_MODULE" | awk '{print $3}' | sort)"
[ "${CK_SANITIZE:-OFF}" = ON ] && { ck_done; exit; }
expect "needs" "libc.so.6
libpam.so.0" "$(readelf -d "$CK_MODULE" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort)"
wanted=$(nm -D --undefined-only "$CK_MODULE" | awk '{print $2}' | sed 's/@.*//')
for call in exit _exit quick_exit fork vfork execve execl system popen getenv secure_getenv __secure_getenv setenv putenv signal sigaction \
	sigprocmask setlocale chdir umask select __fdelt_chk printf __printf_chk puts openlog getpwnam getpwuid fgetpwent getpwent setuid \
	seteuid setresuid atexit alarm sleep usleep pthread_create; do
	refuse_line "does not call $call" "<$call>" "$(echo "$wanted" | sed 's/.*/<&>/')"
done
expect "nothing writable stays so, but what the compiler itself puts there" ".bss 8
.data 8" "$(size -A "$CK_MODULE" | awk '$1 ~ /^\.(t?data|t?bss)$/ {print $1, $2}' | sort)"
expect "full RELRO" 1 "$(readelf -lW "$CK_MODULE" | grep -c GNU_RELRO)"
expect "bound at load" 1 "$(readelf -dW "$CK_MODULE" | grep -c 'BIND_NOW')"
expect "no executable stack" RW "$(readelf -lW "$CK_MODULE" | awk '/GNU_STACK/ {print $7}')"
ck_done
