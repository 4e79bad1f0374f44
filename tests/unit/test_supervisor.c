/* The supervisor's life with its children: they meet, die and are replaced, are killed where they are accused, and are stopped in order; what
   it starts in, and whom it tells. */
#include <sys/un.h>

#include "tests/unit/suite.h"
#include "tests/unit/supervisor_rig.h"

/* A process that is gone, or a zombie that nobody has reaped yet. */
static bool is_gone(pid_t pid)
{
	char path[64], state[256] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0) return true;
	ssize_t got = read(fd, state, sizeof state - 1);
	close(fd);
	const char *after = got > 0 ? strrchr(state, ')') : NULL;
	return after == NULL || after[2] == 'Z' || after[2] == 'X';
}

static void wait_gone(pid_t pid)
{
	for (int i = 0; i < 1000 && !is_gone(pid); i++) usleep(5000);
	ck_assert(is_gone(pid));
}

static bool answers(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool fine = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return fine;
}

START_TEST(all_meet_and_it_says_ready)
{
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	wait_for("met", " met ", 10); /* 2 gates × 2 peers, replica and ledger: 5 pairs, both sides */
	ck_assert_uint_eq(count_of("met", " listening"), 2);
	ck_assert_uint_eq(count_of("met", "fds+0"), 4);
	ck_assert(answers("run/gate.sock"));
	struct stat st;
	char path[96];
	(void)snprintf(path, sizeof path, "%s/run/gate.sock", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
}
END_TEST

START_TEST(a_killed_child_is_started_again_and_meets_all)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	static const char *const names[] = { "gate-1", "replica-0", "ledger-0" };
	static const unsigned pairs[] = { 2, 3, 3 };
	unsigned met = 10;
	for (size_t i = 0; i < 3; i++) {
		pid_t old = pid_of(names[i]);
		(void)kill(old, SIGKILL);
		met += 2 * pairs[i];
		wait_for("met", " met ", met);
		ck_assert_int_ne(pid_of(names[i]), old);
	}
	wait_for("met", "ledger-0 note: gate-1 died of signal 9", 1);
	wait_for("met", "ledger-0 note: ledger died of signal 9\n", 1);
	ck_assert_uint_eq(count_of("stderr", "crosskeysd: ready\n"), 1);
}
END_TEST

START_TEST(an_accused_gate_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-1"), ledger = pid_of("ledger-0");
	(void)kill(ledger, SIGUSR1);
	wait_gone(gate);
	wait_for("met", " met ", 14);
	ck_assert_int_eq(pid_of("ledger-0"), ledger);
	wait_for("met", "note: gate-1 killed: accused by ledger of a\\x20test\\x20accuses", 1);
}
END_TEST

START_TEST(a_gate_that_accuses_the_ledger_dies_with_it)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0"), other = pid_of("gate-1"), ledger = pid_of("ledger-0");
	(void)kill(gate, SIGUSR2);
	wait_gone(gate);
	wait_gone(ledger);
	wait_for("stderr", "started again", 2);
	ck_assert(!is_gone(other));
}
END_TEST

START_TEST(a_gate_that_accuses_another_gate_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0"), other = pid_of("gate-1");
	(void)kill(gate, SIGUSR1);
	wait_gone(gate);
	ck_assert(!is_gone(other));
}
END_TEST

START_TEST(a_malformed_frame_kills_its_sender)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0");
	(void)kill(gate, SIGWINCH);
	wait_gone(gate);
	wait_for("met", " met ", 14);
}
END_TEST

START_TEST(only_gates_may_want_a_token)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t replica = pid_of("replica-0");
	(void)kill(replica, SIGHUP);
	wait_gone(replica);
}
END_TEST

START_TEST(a_stopped_child_is_replaced)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0");
	(void)kill(gate, SIGSTOP);
	for (int i = 0; i < 100 && !is_gone(gate); i++) usleep(200000);
	ck_assert(is_gone(gate));
	wait_for("met", " met ", 14);
	wait_for("stderr", "it answers no more", 1);
}
END_TEST

START_TEST(sigterm_stops_in_order_and_leaves_nothing)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t pids[] = { pid_of("gate-0"), pid_of("gate-1"), pid_of("replica-0"), pid_of("ledger-0") };
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (size_t i = 0; i < 4; i++) ck_assert(is_gone(pids[i]));
	const char *text = read_file("met");
	const char *replica = strstr(text, "replica-0 told to stop"), *ledger = strstr(text, "ledger-0 told to stop");
	ck_assert_ptr_nonnull(replica);
	ck_assert_ptr_nonnull(ledger);
	ck_assert(strstr(text, "gate-0 told to stop") < replica);
	ck_assert(strstr(text, "gate-1 told to stop") < replica);
	ck_assert(replica < ledger);
	ck_assert(!answers("run/gate.sock"));
	char path[96];
	(void)snprintf(path, sizeof path, "%s/run/gate.sock", dir);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_child_that_does_not_stop_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	(void)kill(pid_of("replica-0"), SIGSTOP);
	int status = stop_supervisor(SIGINT);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_ptr_nonnull(strstr(read_file("met"), "ledger-0 told to stop"));
}
END_TEST

START_TEST(a_killed_supervisor_takes_its_children_along)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	pid_t pids[] = { pid_of("gate-0"), pid_of("gate-1"), pid_of("replica-0"), pid_of("ledger-0") };
	(void)stop_supervisor(SIGKILL);
	for (size_t i = 0; i < 4; i++) wait_gone(pids[i]);
	/* and the next one takes over the socket that was left */
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 2);
	ck_assert(answers("run/gate.sock"));
}
END_TEST

START_TEST(a_second_one_in_the_same_directory_is_refused)
{
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	pid_t first = supervisor;
	start_supervisor(NO_SLAPD);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = first;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_uint_eq(count_of("stderr", "is another crosskeysd running there?"), 1);
	ck_assert(answers("run/gate.sock"));
}
END_TEST

START_TEST(a_socket_that_answers_is_not_taken)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/taken\n", dir);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/taken", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, SOMAXCONN), 0); /* it is looked at again and again */
	start_supervisor(more);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(answers("taken"));
	close(fd);
}
END_TEST

/* As a gate of a supervisor that was killed: it goes once the next one has looked. */
START_TEST(a_socket_that_answers_a_moment_longer_is_waited_for)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/left\n", dir);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/left", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, SOMAXCONN), 0); /* it is looked at again and again */
	start_supervisor(more);
	int looked = accept(fd, NULL, NULL);
	ck_assert_int_ge(looked, 0);
	close(looked);
	close(fd);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	ck_assert(answers("left"));
}
END_TEST

START_TEST(a_directory_that_others_may_write_is_refused)
{
	ck_assert_int_eq(chmod(dir, 0777), 0);
	expect_refused(NO_SLAPD, "may be written by others than root");
}
END_TEST

START_TEST(what_is_no_socket_is_not_removed)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/precious\n", dir);
	write_file("precious", "kept", 0600);
	expect_refused(more, "is no socket");
	ck_assert_str_eq(read_file("precious"), "kept");
}
END_TEST

static void expect_notice(int fd, const char *wanted, const char *also)
{
	char text[64];
	do {
		memset(text, 0, sizeof text);
		ck_assert_int_gt((int)recv(fd, text, sizeof text - 1, 0), 0);
	} while (also != NULL && strcmp(text, also) == 0);
	ck_assert_str_eq(text, wanted);
}

START_TEST(systemd_is_told)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	if (_i == 1) ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	start_supervisor(NO_SLAPD);
	expect_notice(fd, "READY=1", _i == 1 ? "WATCHDOG=1" : NULL);
	if (_i == 1) expect_notice(fd, "WATCHDOG=1", NULL);
	(void)stop_supervisor(SIGTERM);
	expect_notice(fd, "STOPPING=1", _i == 1 ? "WATCHDOG=1" : NULL);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	close(fd);
}
END_TEST

START_TEST(back_off_doubles_to_its_limit_and_is_forgotten_after_a_long_life)
{
	struct ck_backoff backoff = { 0 };
	static const int expected[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	int64_t now_ms = 1000;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		backoff.started_ms = now_ms;
		now_ms += 10;
		ck_assert_int_eq(ck_backoff_died(&backoff, now_ms), expected[i]);
	}
	backoff.started_ms = now_ms;
	ck_assert_int_eq(ck_backoff_died(&backoff, now_ms + CK_BACKOFF_RESET_MS), 100);
}
END_TEST

int main(int argc, char **argv)
{
	int code;
	if (stands_in(argc, argv, &code)) return code;
	if (geteuid() != 0) {
		puts("SKIP: the supervisor needs root");
		return EXIT_SUCCESS;
	}
	Suite *suite = suite_create("supervisor");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, all_meet_and_it_says_ready);
	tcase_add_test(all, a_killed_child_is_started_again_and_meets_all);
	tcase_add_test(all, an_accused_gate_is_killed);
	tcase_add_test(all, a_gate_that_accuses_the_ledger_dies_with_it);
	tcase_add_test(all, a_gate_that_accuses_another_gate_is_killed);
	tcase_add_test(all, a_malformed_frame_kills_its_sender);
	tcase_add_test(all, only_gates_may_want_a_token);
	tcase_add_test(all, a_stopped_child_is_replaced);
	tcase_add_test(all, sigterm_stops_in_order_and_leaves_nothing);
	tcase_add_test(all, a_child_that_does_not_stop_is_killed);
	tcase_add_test(all, a_killed_supervisor_takes_its_children_along);
	tcase_add_test(all, a_second_one_in_the_same_directory_is_refused);
	tcase_add_test(all, a_socket_that_answers_is_not_taken);
	tcase_add_test(all, a_socket_that_answers_a_moment_longer_is_waited_for);
	tcase_add_test(all, a_directory_that_others_may_write_is_refused);
	tcase_add_test(all, what_is_no_socket_is_not_removed);
	tcase_add_loop_test(all, systemd_is_told, 0, 2); /* unwatched and watched */
	tcase_add_test(all, back_off_doubles_to_its_limit_and_is_forgotten_after_a_long_life);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
