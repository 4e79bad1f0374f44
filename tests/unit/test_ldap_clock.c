/* A provider that sends half an answer while the wall clock is set back: libldap counts its own timeouts by that clock, and would wait a day. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/ldap/ldap.h"
#include "tests/unit/suite.h"

#define TIMEOUT_MS 1500
#define JUMP_S (-86400)

static char folder[32], path[64];
static pid_t provider;
static int64_t jump_ms = INT64_MAX; /* by the monotonic clock */

static void moved(struct timespec *out)
{
	struct timespec now;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, out);
	if (now.tv_sec * 1000 + now.tv_nsec / 1000000 >= jump_ms) out->tv_sec += JUMP_S;
}

/* The library's own calls come here, since the program is looked in first. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	moved(&now);
	*out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}

static void send_slowly(int fd)
{
	static const char answer[] = "\x30\x7f\x02\x01\x01\x61\x7a"; /* the beginning of one that is never whole */
	for (size_t i = 0; i < 20; i++) {
		(void)poll(NULL, 0, 200);
		if (send(fd, &answer[i < sizeof answer - 2 ? i : sizeof answer - 2], 1, MSG_NOSIGNAL) != 1) return;
	}
}

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(folder, "/tmp/ck-ldap-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	strcpy(address.sun_path, path);
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listening, 4), 0);
	provider = fork();
	ck_assert_int_ge(provider, 0);
	if (provider == 0) {
		int fd = accept(listening, NULL, NULL);
		if (fd >= 0) send_slowly(fd);
		_exit(0);
	}
	close(listening);
}

static void teardown(void)
{
	kill(provider, SIGKILL);
	waitpid(provider, NULL, 0);
	unlink(path);
	rmdir(folder);
}

START_TEST(a_clock_that_is_set_back_makes_nobody_wait)
{
	struct ck_ldap *ldap = NULL;
	struct ck_errmsg err = {""};
	char uri[256];
	snprintf(uri, sizeof uri, "ldapi://%%2Ftmp%%2F%s%%2Fs", folder + 5);
	int64_t begun_ms = ck_clock_monotonic_ms();
	jump_ms = begun_ms + TIMEOUT_MS / 2;
	enum ck_error error = ck_ldap_connect(&(struct ck_ldap_target){.uri = uri, .fd = -1}, TIMEOUT_MS, &ldap, &err);
	ck_assert_msg(error == CK_ERR_TIMEOUT, "%s: %s", ck_error_name(error), err.text);
	/* the provider goes on for twice as long */
	ck_assert_int_ge(ck_clock_monotonic_ms() - begun_ms, TIMEOUT_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ldap clock");
	TCase *c = tcase_create("clock");
	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_clock_that_is_set_back_makes_nobody_wait);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
