#!/usr/bin/env bash
# From inside each process of the running daemon, what it must not be able to do is tried: a debugger's hand makes the calls there, behind the
# walls that are really up. Then who each process is, and what it has open. Then one is let die of it, and is named.
set -eu
. "$CK_SOURCE/tests/system/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: calls can be made inside a process on x86-64 only"; exit 77; }
CK_REFUSED_EXPECTED=1

new_instance
only_key
children() { cat "/proc/$DAEMON/task/$DAEMON/children"; }
pids_of() { # gate replica ledger slapd crosskeys-token
	local pid
	for pid in $(children); do
		tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qE -- "(--process $1 |^$1 )" && echo "$pid"
	done
	return 0
}
pid_of() { [ "$1" = supervisor ] && echo "$DAEMON" || pids_of "$1" | head -1; }
is_there() { [ -n "$(pid_of "$1")" ]; }
waiting=
# a helper lives for as long as somebody waits at the machine for their key, which is not for ever
no_helper() {
	[ -z "$waiting" ] || kill "$waiting" 2> /dev/null || true
	[ -z "$waiting" ] || wait "$waiting" 2> /dev/null || true
}
have_helper() {
	is_there crosskeys-token && return
	no_helper
	login_as demo ada 1234 > "$T/waiting" 2>&1 &
	waiting=$!
	until_true 20 is_there crosskeys-token || { echo "no helper was started"; cat "$T/waiting"; exit 1; }
}

mkdir "$T/elsewhere"
echo theirs > "$T/elsewhere/file"
chmod 777 "$T/elsewhere"
chmod 666 "$T/elsewhere/file"
store=$(readlink -f "$I/store/current.mdb")
bystander=$$

# ---- what they must not do ----
# WHAT | gate replica ledger token slapd supervisor | CALL ARGUMENTS
# r: refused, it would have died. d: it is killed. E…: it is told so. ok: it may. -: not tried
# An answer with an errno other than these would mean that the filter let it pass, and only its arguments were wrong.
acts='
execute a program           | r r r r EACCES - | execve "/bin/true zero:8 zero:8
make a process              | r r r r ENOSYS - | clone 17 0 0 0 0
make a namespace            | r r r r ENOSYS ENOSYS | clone 0x10000011 0 0 0 0
leave the namespace         | r r r r d r | unshare 0x20000
trace a process             | r r r r - r | ptrace 16 BYSTANDER 0 0
read another memory         | r r r r - r | process_vm_readv BYSTANDER 0 0 0 0 0
write another memory        | r r r r - r | process_vm_writev BYSTANDER 0 0 0 0 0
open another process        | r r r r ENOSYS ENOSYS | pidfd_open BYSTANDER 0
signal a process            | r r r r EPERM - | kill BYSTANDER 0
signal a thread             | r r r r EPERM - | tgkill BYSTANDER BYSTANDER 0
an Internet socket          | r r r r ENOSYS ENOSYS | socket 2 1 0
an Internet datagram socket | r r r r ENOSYS ENOSYS | socket 10 2 0
a netlink socket            | r r r r ENOSYS ENOSYS | socket 16 3 0
a packet socket             | r r r r ENOSYS ENOSYS | socket 17 3 0
a unix socket               | r ok r r ok ok | socket 1 1 0
bind a socket               | r r r r - - | bind 1 zero:16 16
connect                     | r - r r - - | connect 1 zero:16 16
become root                 | r r r r ENOSYS - | setresuid 0 0 0
become root by another call | r r r r ENOSYS ENOSYS | setuid 0
take capabilities           | r r r r ENOSYS - | capset zero:8 zero:24
mount                       | r r r r - r | mount "x "/nowhere "tmpfs 0 0
change the root             | r r r r - r | chroot "/
make a device               | r r r r - r | mknod "/nowhere/x 0x2000 0x103
keys of the kernel          | r r r r ENOSYS ENOSYS | keyctl 0 0 0 0 0
BPF                         | r r r r - r | bpf 0 zero:8 8
io_uring                    | r r r r - r | io_uring_setup 1 zero:128
user faults                 | r r r r - r | userfaultfd 0
performance events          | r r r r - r | perf_event_open zero:8 0 0 0 0
load a module               | r r r r - r | init_module zero:8 0 "
another kernel              | r r r r - r | kexec_load 0 0 0 0
set the clock               | r r r r - r | clock_settime 99 zero:16
code without a file         | r r r r ENOSYS - | memfd_create "code 0
data becomes code           | EACCES EACCES EACCES EACCES - - | mmap 0 4096 5 0x22 -1 0
data and code at once       | EACCES EACCES EACCES EACCES - - | mmap 0 4096 7 0x22 -1 0
be dumped and traced again  | r r r r - - | prctl 4 1 0 0 0
outlive the supervisor      | r r r r - - | prctl 1 0 0 0 0
another filter              | r r r r ENOSYS - | seccomp 1 0 zero:16
handle what is refused      | r r r r - - | rt_sigaction 31 zero:32 0 8
raise a limit               | r r r r - - | prlimit64 0 6 zero:16 0
type into a terminal        | r r r r ENOSYS ENOSYS | ioctl 0 0x5412 "x
send signals by a file      | r r r r - - | fcntl 0 8 BYSTANDER
shared memory               | r r r r ENOSYS ENOSYS | shmget 0 4096 0x380
watch files                 | r r r r ENOSYS ENOSYS | inotify_init1 0
read the shadow file        | EACCES EACCES EACCES EACCES EACCES - | openat -100 "/etc/shadow 0 0
read the machine secret     | EACCES EACCES EACCES EACCES EACCES - | openat -100 "INSTANCE/secret 0 0
read the configuration      | EACCES EACCES EACCES EACCES EACCES - | openat -100 "INSTANCE/crosskeys.conf 0 0
read the lock file          | EACCES EACCES EACCES EACCES EACCES - | openat -100 "INSTANCE/lock 0 0
read the audit log          | EACCES EACCES ok EACCES EACCES - | openat -100 "INSTANCE/audit 0 0
read the store              | ok ok EACCES EACCES EACCES - | openat -100 "STORE 0 0
write the store             | EACCES ok EACCES EACCES EACCES - | openat -100 "STORE 2 0
add to the store            | EACCES ok EACCES EACCES EACCES - | openat -100 "INSTANCE/store/added 0x42 0x180
read the directory          | EACCES EACCES EACCES EACCES ok - | openat -100 "INSTANCE/directory/data/data.mdb 0 0
read what everybody may     | EACCES EACCES EACCES EACCES EACCES - | openat -100 "ELSEWHERE/file 0 0
write what everybody may    | r EACCES EACCES EACCES EACCES - | openat -100 "ELSEWHERE/file 1 0
truncate                    | r EACCES EACCES EACCES EACCES - | openat -100 "ELSEWHERE/file 0x202 0
make what everybody may     | EACCES EACCES EACCES EACCES EACCES - | openat -100 "ELSEWHERE/new 0x42 0x180
a nameless file             | r EACCES EACCES EACCES EACCES - | openat -100 "ELSEWHERE 0x410002 0x180
remove what everybody may   | r EACCES EACCES EACCES EACCES - | unlink "ELSEWHERE/file
change modes                | r r r r - - | chmod "ELSEWHERE/file 0x1ff
change owners               | r r r r ENOSYS - | chown "ELSEWHERE/file 0 0
own memory as a file        | EACCES EACCES EACCES EACCES EACCES - | openat -100 "/proc/self/mem 2 0
memory of another           | EACCES EACCES EACCES EACCES EACCES - | openat -100 "/proc/BYSTANDER/mem 0 0
environment of another      | EACCES EACCES EACCES EACCES EACCES - | openat -100 "/proc/BYSTANDER/environ 0 0
read passwd                 | EACCES EACCES EACCES ok ok - | openat -100 "/etc/passwd 0 0
random numbers              | ok ok ok ok ok ok | getrandom zero:8 8 0
'
processes=(gate replica ledger crosskeys-token slapd supervisor)

# what a process says of itself must be what it was made
outcome_is() { # WANTED OUTCOME…
	case $1 in
	r) [ "$2" = refused ] ;;
	d) [ "$2" = died ] ;;
	ok) [ "$2" = done ] ;;
	*) [ "$2 ${3:-}" = "errno $1" ] ;;
	esac
}
declare -A known
have() { # PROCESS: it is there, and its pid known
	[ "$1" != crosskeys-token ] || [ -e "/proc/${known[$1]:-none}/status" ] || have_helper
	[ -e "/proc/${known[$1]:-none}/status" ] || until_true 20 is_there "$1" || { fail "$1 was not started again"; return; }
	[ -e "/proc/${known[$1]:-none}/status" ] || known[$1]=$(pid_of "$1")
}
try() { # WHAT PROCESS WANTED CALL ARGUMENTS…
	local what=$1 process=$2 wanted=$3 outcome
	shift 3
	have "$process"
	outcome=$("$CK_BUILD/tests/act-inside" "${known[$process]}" "$@" 2>&1) || {
		# a helper whose time was up in this moment
		have "$process"
		outcome=$("$CK_BUILD/tests/act-inside" "${known[$process]}" "$@" 2>&1) || true
	}
	# shellcheck disable=SC2086 # an outcome is words
	outcome_is "$wanted" $outcome && pass || fail "$process: $what: $outcome, expected $wanted"
}
while IFS='|' read -r what wanted call; do
	[ -n "$call" ] || continue
	call=${call//BYSTANDER/$bystander}
	call=${call//INSTANCE/$I}
	call=${call//STORE/$store}
	call=${call//ELSEWHERE/$T/elsewhere}
	read -ra words <<< "$call"
	read -ra each <<< "$wanted"
	[ "${#each[@]}" = "${#processes[@]}" ] || { fail "$what: ${#each[@]} expectations"; continue; }
	for i in "${!processes[@]}"; do
		[ "${each[i]}" = - ] || try "${what%"${what##*[! ]}"}" "${processes[i]}" "${each[i]}" "${words[@]}"
	done
done <<< "$acts"
[ "$(cat "$T/elsewhere/file")" = theirs ] && pass || fail "somebody else's file was changed"
rm -f "$I/store/added"

# ---- who they are ----
have_helper
field() { sed -n "s/^$2:\t*//p" "/proc/$1/status" | tr '\t' ' '; }
# five capabilities: CHOWN, KILL, SETGID, SETUID, SETPCAP
for process in "${processes[@]}"; do
	for pid in $([ "$process" = supervisor ] && echo "$DAEMON" || pids_of "$process"); do
		caps=0000000000000000
		[ "$process" != supervisor ] || caps=00000000000001e1
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			wanted=$caps
			[ "$set" != CapInh ] && [ "$set" != CapAmb ] || wanted=0000000000000000
			[ "$(field "$pid" $set)" = $wanted ] && pass || fail "$process: $set is $(field "$pid" $set)"
		done
		[ "$(field "$pid" NoNewPrivs)" = 1 ] && pass || fail "$process may get new privileges"
		[ "$(field "$pid" Seccomp)" = 2 ] && pass || fail "$process has no system call filter"
		[ "$process" = supervisor ] && continue
		[ "$(field "$pid" Seccomp_filters)" -ge 2 ] && pass || fail "$process has $(field "$pid" Seccomp_filters) filters"
		[ -z "$(field "$pid" Groups | tr -d ' ')" ] && pass || fail "$process has groups $(field "$pid" Groups)"
		[ "$(field "$pid" Uid | cut -d' ' -f1-4 | tr ' ' '\n' | sort -u | wc -l)" = 1 ] && pass || fail "$process runs as $(field "$pid" Uid)"
		grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits" && pass || fail "$process may dump core"
		environment=$(tr '\0' '\n' < "/proc/$pid/environ" | sed 's/=.*//' | sort | tr '\n' ' ')
		[ "$environment" = 'PATH ' ] && pass || fail "$process has the environment $environment"
		case $process in
		gate | replica | ledger)
			grep -qE '^Max processes +0 +0 ' "/proc/$pid/limits" && pass || fail "$process may make processes"
			;;
		esac
		# not dumpable: its files in /proc are root's. slapd is not ours and may be looked at by its own user
		[ "$process" = slapd ] || { [ "$(stat -c %u "/proc/$pid/mem")" = 0 ] && pass || fail "$process may be traced by its own user"; }
	done
done

# ---- what they have open ----
# each thing a process may hold, in words; what is none of these is a failure
kind_of() { # PID FD
	local target
	target=$(readlink "/proc/$1/fd/$2" 2> /dev/null) || { echo gone; return; }
	target=${target% (deleted)} # a store that another has taken the place of
	case $target in
	/dev/null) echo null ;;
	"$T/daemon.log" | "$I/log/slapd.log") echo log ;;
	'anon_inode:[eventpoll]') echo loop ;;
	'anon_inode:[eventfd]') echo event ;;
	pipe:*) echo pipe ;;
	socket:*) echo socket ;;
	"$I/lock") echo lock ;;
	"$I/audit" | "$I/audit/"*) echo audit ;;
	"$I/store" | "$I/store/"*-lock) echo reader ;;
	"$I/store/"*) echo store ;;
	"$I/directory/"*) echo database ;;
	"$K/soft-keys/"*) echo key ;;
	*) echo "$target" ;;
	esac
}
declare -A may=(
	[supervisor]='null log lock socket loop pipe'
	[gate]='null log socket loop pipe store reader'
	[replica]='null log lock socket loop pipe store reader'
	[ledger]='null log lock socket loop pipe event audit'
	[crosskeys-token]='null log socket event key'
	[slapd]='null log lock socket loop pipe database'
)
for process in "${processes[@]}"; do
	for pid in $([ "$process" = supervisor ] && echo "$DAEMON" || pids_of "$process"); do
		for fd in $(ls "/proc/$pid/fd"); do
			kind=$(kind_of "$pid" "$fd")
			[[ " ${may[$process]} gone " == *" $kind "* ]] && pass || fail "$process holds $kind as descriptor $fd"
			[ "$process $kind" != "gate store" ] || { grep -q '^flags:.*0$' "/proc/$pid/fdinfo/$fd" && pass || fail "a gate holds the store open for writing"; }
		done
	done
done
# only what nobody but the gates need is theirs: the listening socket
listening=$(awk -v path="$I/run/gate.sock" '$8 == path && $4 == "00010000" {print $7}' /proc/net/unix | head -1)
for process in replica ledger crosskeys-token slapd; do
	for pid in $(pids_of "$process"); do
		! ls -l "/proc/$pid/fd" | grep -q "socket:\[$listening\]" && pass || fail "$process holds the gates' socket"
	done
done

# ---- and one dies of it ----
no_helper
for process in gate replica ledger; do
	old=$(pid_of "$process")
	"$CK_BUILD/tests/act-inside" --let "$old" socket 16 3 0 > /dev/null
	name=$process
	[ "$process" != gate ] || name="gate-0"
	until_true 10 grep -qF "$name[$old] was killed by its sandbox: system call 41 (socket)" "$T/daemon.log" && pass || fail "the supervisor did not name what $name died of"
	grep -qF "ALARM $name[$old]: the sandbox refused system call 41 (0x10, 0x3, 0)" "$T/daemon.log" && pass || fail "$name did not say what it was refused"
	until_true 20 ck status && pass || fail "no status after $name was killed by its sandbox"
done
"$CK_BUILD/tests/act-inside" "$(pid_of slapd)" mount '"x' '"/nowhere' '"tmpfs' 0 0 > /dev/null
until_true 10 grep -qF 'slapd was killed by its sandbox' "$T/daemon.log" && pass || fail "the supervisor did not say that slapd was killed"
until_true 20 ck status && pass || fail "no status after slapd was killed by its sandbox"
recorded() { crosskeys audit show --event process "$I/audit" | sed 's/\\x20/ /g' | grep -qF "$1"; }
until_true 10 recorded 'gate-0 was killed by its sandbox: system call 41 (socket)' && pass || fail "the audit log does not say what the gate died of"
until_true 10 recorded 'ledger was killed by its sandbox: system call 41 (socket)' && pass || fail "the audit log does not say what the ledger died of"
change staff add bob --name "Bob North" --mail bob@northtown.example --number 2 # all of them work together again
finish
