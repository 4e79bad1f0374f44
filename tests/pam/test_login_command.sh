# `crosskeys login`: PAM's exact answers, exit codes, and a command inside the session.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stacks.sh"
CROSSKEYS=${CROSSKEYS:-$CK_BUILD/crosskeys}
[ -x "$CROSSKEYS" ] || skip "$CROSSKEYS is not built"
ck_private "$0" "$@"
ck_stacks
ck_accounts
id=016c6f67696e2d69642d313662797465
good="begin=need-token token=granted assert=granted account=granted open=granted close=granted helper=say,pin,assert"
# run EXIT WHAT ARGUMENTS…: what it printed goes to $out
run() {
	local exit=$1 what=$2 code=0
	shift 2
	out=$(echo 1234 | "$CROSSKEYS" login --service-dir "$T/pam.d" --pin-fd 0 --tty /dev/tty1 "$@" 2>&1) || code=$?
	expect "$what: exit code" "$exit" "$code"
}
ck_gate $good
run 0 "granted" crosskeys-demo staffa -- sh -c 'id -un; id -G; echo "$HOME $USER $CROSSKEYS_LOGIN $SHELL"; pwd; cat <&3; true' 3< /dev/null
expect "what is said, in order" "start: PAM_SUCCESS (0) Success
Touch your security key.
authenticate: PAM_SUCCESS (0) Success
acct_mgmt: PAM_SUCCESS (0) Success
setcred: PAM_SUCCESS (0) Success
open_session: PAM_SUCCESS (0) Success
staffa
250001
$T/home staffa $id /bin/sh
$T/home
command: exit 0
close_session: PAM_SUCCESS (0) Success" "$out"
expect_heard "the PIN" "helper: pin 1234"
expect_heard "begin" "begin user=staffa account=staffa service=crosskeys-demo tty=/dev/tty1"
expect_heard "the session is closed" "close id=$id"
run 3 "the command's own exit code" crosskeys-demo staffa -- sh -c 'exit 3'
run 143 "the command's signal" crosskeys-demo staffa -- sh -c 'kill -TERM $$'
run 127 "no such command" crosskeys-demo staffa -- /nonexistent
run 0 "without a command" crosskeys-demo staffa
run 0 "without a session" --no-session crosskeys-demo staffa
refuse_line "no session was opened" open_session "$out"
run 0 "a remote host" --rhost 192.0.2.9 --ruser someone crosskeys-demo staffa
expect_heard "is told" "begin user=staffa account=staffa service=crosskeys-demo tty=/dev/tty1 rhost=192.0.2.9"
run 6 "nobody on this machine" crosskeys-demo staffz -- id
ck_gate $good begin=denied-say
run 1 "refused" crosskeys-demo staffa -- echo inside
expect "and why" "start: PAM_SUCCESS (0) Success
No role lets you in here.
authenticate: PAM_AUTH_ERR (7) Authentication failure" "$out"
ck_gate $good account=denied
run 1 "no account" crosskeys-demo staffa -- echo inside
refuse_line "nothing ran" inside "$out"
expect_line "exactly" "acct_mgmt: PAM_PERM_DENIED (6) Permission denied" "$out"
ck_gate $good open=denied
run 1 "no session" crosskeys-demo staffa -- echo inside
refuse_line "nothing ran" inside "$out"
ck_gate $good account=unavailable
run 3 "the daemon is not ready" crosskeys-demo staffa
expect_line "exactly" "acct_mgmt: PAM_AUTHINFO_UNAVAIL (9) Authentication service cannot retrieve authentication info" "$out"
[ "${CK_SANITIZE:-OFF}" = ON ] || run 6 "no such directory (libpam itself leaks there, which ASan tells)" --service-dir /nonexistent crosskeys-demo staffa
ck_gate $good close=denied
run 1 "the end refused" crosskeys-demo staffa -- true
run 1 "root is not staff" crosskeys-demo root
expect_line "exactly" "authenticate: PAM_USER_UNKNOWN (10) User not known to the underlying authentication module" "$out"
run 2 "no user" crosskeys-demo
run 2 "no dashes" crosskeys-demo staffa id
run 2 "an option nobody knows" --nonsense crosskeys-demo staffa
run 2 "a command without a session" --no-session crosskeys-demo staffa -- id
run 2 "no descriptor" --pin-fd x crosskeys-demo staffa
run 2 "a closed descriptor" --pin-fd 77 crosskeys-demo staffa
ck_gate $good
code=0
out=$("$CROSSKEYS" login --service-dir "$T/pam.d" --pin-fd 9 --tty /dev/tty1 crosskeys-demo staffa 2>&1 9< /dev/null) || code=$?
expect "no PIN to be had: exit code" 6 "$code"
expect_line "no PIN to be had" "authenticate: PAM_CONV_ERR (19) Conversation error" "$out"
# Ctrl-C at the terminal's prompt: the terminal has its echo again and the helper is let go.
out=$(python3 - "$CROSSKEYS" "$T/pam.d" <<'X'
import os, pty, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], [sys.argv[1], "login", "--service-dir", sys.argv[2], "--tty", "/dev/tty1", "crosskeys-demo", "staffa"])
seen, sent, echo, end = b"", False, [], time.time() + 20
while time.time() < end:
    if not select.select([fd], [], [], 0.2)[0]: continue
    try: chunk = os.read(fd, 4096)
    except OSError: break
    seen += chunk
    if b"PIN for" in seen and not sent:
        time.sleep(0.2)
        echo.append(bool(termios.tcgetattr(fd)[3] & termios.ECHO))
        os.write(fd, b"12\x03"); sent = True
    elif sent and len(echo) == 1 and b"PAM_CONV_ERR" in seen:
        echo.append(bool(termios.tcgetattr(fd)[3] & termios.ECHO))
print(echo, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b"12" in seen.split(b"PIN for")[1].split(b"authenticate")[0])
X
)
expect "Ctrl-C at the prompt: echo off, then on; exit code; nothing shown" "[False, True] 6 False" "$out"
ck_done
