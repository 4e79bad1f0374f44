/* Landlock as each kernel has it: the ruleset of every ABI up to this kernel's own is made and applied, and what that ABI can refuse is tried.
   Root, too, is held by it, so the modes of the files play no part. */
#include <check.h>
#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/sandbox/sandbox.h"
#include "directory/base/log.h"
#include "tests/unit/suite.h"

#define ABI_KNOWN 6 /* newer ones are asked for no more than this one */

static char dir[40], abstract[64];
static int listening_fd, port;
static pid_t outsider;
static long abi;

static const char *in(const char *name)
{
	static char path[100];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void make_file(const char *name)
{
	int fd = open(in(name), O_WRONLY | O_CREAT, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "#!/bin/true\n", 12), 12);
	close(fd);
}

/* What acts did to the files is undone before the next. */
static void make_files(void)
{
	static const char *const folders[] = { "read", "write", "use", "sockets", "execute", "device", "outside" };
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char file[32];
		if (mkdir(in(folders[i]), 0755) != 0) ck_assert_int_eq(errno, EEXIST);
		(void)snprintf(file, sizeof file, "%s/file", folders[i]);
		make_file(file);
	}
}

static void setup(void)
{
	(void)snprintf(dir, sizeof dir, "%s/ck-test-XXXXXX", geteuid() == 0 ? "/run" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	listening_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listening_fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listening_fd, 4), 0);
	ck_assert_int_eq(getsockname(listening_fd, (struct sockaddr *)&address, &length), 0);
	port = ntohs(address.sin_port);
	(void)snprintf(abstract, sizeof abstract, "crosskeys-test-%d", (int)getpid());
	outsider = getpid();
}

static void teardown(void)
{
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	close(listening_fd);
}

/* What `act` answers behind the ruleset: an errno, or 0. */
static int behind(int (*act)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		char paths[6][128];
		static const char *const names[] = { "read", "write", "use", "sockets", "execute", "device" };
		static const unsigned kinds[] = { CK_REACH_READ, CK_REACH_WRITE, CK_REACH_USE, CK_REACH_SOCKETS, CK_REACH_EXECUTE, CK_REACH_DEVICE };
		struct ck_reach reach[9];
		for (size_t i = 0; i < 6; i++) {
			(void)snprintf(paths[i], sizeof paths[i], "%s/%s", dir, names[i]);
			reach[i] = (struct ck_reach){ paths[i], kinds[i] };
		}
		reach[6] = (struct ck_reach){ "/dev", CK_REACH_USE };
		reach[7] = (struct ck_reach){ "/nowhere/at/all", CK_REACH_WRITE | CK_REACH_OPTIONAL };
		reach[8] = (struct ck_reach){ "/dev/zero", CK_REACH_DEVICE };
		struct ck_errmsg err;
		int fd;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ck_landlock_prepare_for(abi, reach, 9, &fd, &err) != CK_OK) _exit(200);
		if (!ck_landlock_apply(&fd) || fd != -1) _exit(201);
		_exit(act());
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_errno(const char *name, int flags)
{
	int fd = open(in(name), flags | O_CLOEXEC, 0600);
	if (fd < 0) return errno;
	close(fd);
	return 0;
}

static int read_outside(void) { return open_errno("outside/file", O_RDONLY); }
static int list_outside(void) { return open_errno("outside", O_RDONLY | O_DIRECTORY); }
static int read_passwd(void) { return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0; }
static int read_read(void) { return open_errno("read/file", O_RDONLY); }
static int write_read(void) { return open_errno("read/file", O_WRONLY); }
static int create_read(void) { return open_errno("read/new", O_WRONLY | O_CREAT); }
static int remove_read(void) { return unlink(in("read/file")) != 0 ? errno : 0; }
static int execute_read(void) { return execl(in("read/file"), "x", (char *)NULL) != 0 ? errno : 0; }
static int write_use(void) { return open_errno("use/file", O_RDWR); }
static int create_use(void) { return open_errno("use/new", O_RDWR | O_CREAT); }
static int remove_use(void) { return unlink(in("use/file")) != 0 ? errno : 0; }
static int truncate_use(void) { return truncate(in("use/file"), 0) != 0 ? errno : 0; }
static int create_write(void) { return open_errno("write/new", O_RDWR | O_CREAT | O_TRUNC); }
static int link_write(void) { return symlink("x", in("write/link")) != 0 ? errno : 0; }
static int remove_write(void) { return unlink(in("write/file")) != 0 ? errno : 0; }
static int device_write(void) { return mknod(in("write/device"), S_IFIFO | 0600, 0) != 0 ? errno : 0; }
static int execute_write(void) { return execl(in("write/file"), "x", (char *)NULL) != 0 ? errno : 0; }
static int move_away(void)
{
	char from[128];
	(void)snprintf(from, sizeof from, "%s", in("write/file"));
	return rename(from, in("sockets/moved")) != 0 ? errno : 0;
}
static int socket_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", in(name));
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
}
static int socket_write(void) { return socket_at("write/socket"); }
static int socket_sockets(void) { return socket_at("sockets/socket"); }
static int connect_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return connect(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
}
static int bind_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return bind(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
}
static int ioctl_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), number = 0;
	if (fd < 0) return 203;
	return ioctl(fd, TIOCGPTN, &number) != 0 ? errno : 0;
}
static int ioctl_used(void) { return ioctl_of("/dev/null"); }
static int ioctl_device(void) { return ioctl_of("/dev/zero"); }
static int connect_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path + 1, abstract, strlen(abstract));
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract));
	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, length) != 0 ? errno : 0;
}
static int signal_outsider(void) { return kill(outsider, 0) != 0 ? errno : 0; }

static const struct {
	const char *what;
	int (*act)(void);
	long since; /* the ABI that refuses it; 0: allowed by all */
	int refused, allowed;
} acts[] = {
	{ "read outside", read_outside, 1, EACCES, 0 },
	{ "list outside", list_outside, 1, EACCES, 0 },
	{ "read /etc/passwd", read_passwd, 1, EACCES, 0 },
	{ "read what may be read", read_read, 0, 0, 0 },
	{ "write what may be read", write_read, 1, EACCES, 0 },
	{ "make a file where it may read", create_read, 1, EACCES, 0 },
	{ "remove a file where it may read", remove_read, 1, EACCES, 0 },
	{ "execute what it may read", execute_read, 1, EACCES, 0 },
	{ "write what it may use", write_use, 0, 0, 0 },
	{ "make a file where it may use", create_use, 1, EACCES, 0 },
	{ "remove a file where it may use", remove_use, 1, EACCES, 0 },
	{ "truncate what it may use", truncate_use, 3, EACCES, 0 },
	{ "make a file where it may write", create_write, 0, 0, 0 },
	{ "make a link where it may write", link_write, 0, 0, 0 },
	{ "remove a file where it may write", remove_write, 0, 0, 0 },
	{ "make a fifo where it may write", device_write, 1, EACCES, 0 },
	{ "execute what it may write", execute_write, 1, EACCES, 0 },
	{ "move a file into another folder", move_away, 1, EXDEV, 0 },
	{ "bind a socket where it may write", socket_write, 1, EACCES, 0 },
	{ "bind a socket where it may bind", socket_sockets, 0, 0, 0 },
	{ "connect over TCP", connect_tcp, 4, EACCES, 0 },
	{ "bind a TCP port", bind_tcp, 4, EACCES, 0 },
	{ "ioctl of a device it may use", ioctl_used, 5, EACCES, ENOTTY },
	{ "ioctl of its device", ioctl_device, 0, 0, ENOTTY },
	{ "connect to an abstract socket", connect_abstract, 6, EPERM, 0 },
	{ "signal a process outside", signal_outsider, 6, EPERM, 0 },
};

START_TEST(each_abi_refuses_what_it_can)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path + 1, abstract, strlen(abstract));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract))), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	abi = _i;
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		int expected = acts[i].since > 0 && abi >= acts[i].since ? acts[i].refused : acts[i].allowed;
		make_files();
		int result = behind(acts[i].act);
		ck_assert_msg(result == expected, "ABI %ld: %s: %d (%s), expected %d", abi, acts[i].what, result, strerror(result), expected);
	}
	close(fd);
}
END_TEST

START_TEST(without_landlock_nothing_is_applied)
{
	struct ck_errmsg err;
	int fd = 7;
	ck_assert_int_eq(ck_landlock_prepare_for(0, NULL, 0, &fd, &err), CK_OK);
	ck_assert_int_eq(fd, -1);
	ck_assert(ck_landlock_apply(&fd));
}
END_TEST

/* Connects to a port of this machine where nobody listens: ECONNREFUSED says that it was let through. */
static int connect_to(unsigned short to)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(to), .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	(void)close(fd);
	return result;
}

START_TEST(ports_that_are_named_and_no_other)
{
	const struct ck_reach reach[] = { { .kind = CK_REACH_PORT(9) } };
	struct ck_errmsg err;
	if (ck_landlock_abi() < 4) return; /* such a kernel does not guard ports */
	pid_t pid = fork();
	if (pid == 0) {
		int fd = -1;
		bool walls = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ck_landlock_prepare(reach, 1, &fd, &err) == CK_OK && ck_landlock_apply(&fd);
		_exit(!walls ? 1 : connect_to(9) != ECONNREFUSED ? 2 : connect_to(7) != EACCES ? 3 : 0);
	}
	int status = -1;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_path_that_must_be_there)
{
	static const struct ck_reach reach[] = { { "/nowhere/at/all", CK_REACH_READ } };
	struct ck_errmsg err;
	int fd;
	ck_assert_int_eq(ck_landlock_prepare(reach, 1, &fd, &err), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(fd, -1);
}
END_TEST

int main(void)
{
	long last = ck_landlock_abi();
	if (last == 0) {
		puts("SKIP: this kernel has no Landlock");
		return 0;
	}
	printf("this kernel's ABI: %ld\n", last);
	Suite *suite = suite_create("sandbox landlock");
	TCase *cases = tcase_create("landlock");
	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_loop_test(cases, each_abi_refuses_what_it_can, 1, (int)(last < ABI_KNOWN ? last : ABI_KNOWN) + 1);
	tcase_add_test(cases, without_landlock_nothing_is_applied);
	tcase_add_test(cases, a_path_that_must_be_there);
	tcase_add_test(cases, ports_that_are_named_and_no_other);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
