/* The replica, in which any call of its own may fail, over a real slapd: seed by seed a process of its own on the same copy. The driver plays
   supervisor, ledger and gate, has one person's status changed behind it each time, and in every third seed another log in with a touch and a
   password.

   faulty-replica CONFIG UID FIRST LAST CHANGE OTHER KEY PASSWORD
   CHANGE active|suspended: a program that sets the person's status in the directory and prints the entry's new CSN
   KEY: the folder of OTHER's software key; PASSWORD: theirs
   A finished copy whose cookie covers a change must hold it; a replica without faults must follow again, every tenth seed. A line that begins
   with "seed" is a failure, and so is the exit code then. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/login.h"
#include "authd/process.h"
#include "authd/protocol/client.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/store/store.h"
#include "tests/fakes/faults.h"
#include "tests/fakes/soft_key.h"

#define PATIENCE_MS 10000   /* for what must come */
#define GLANCE_MS 300       /* for what may not */
#define SEEDS_A_CHECK 10
#define SEEDS_A_PASSWORD 3
#define EXIT_LEFT_OVER 99
#define CHANGES_LIMIT 100000
#define CSN_BYTES 64

static struct ck_start start;
static const char *uid, *change_program;
static uint64_t seed;
static pid_t pid;
static struct ck_client control, ledger, gate;
static unsigned long failures, followed, seen_at_once, failed_starts, right_ones;

/* Who logs in with a password, and what the ledger has been told of it, and answers. */
static const char *other, *password;
static struct ck_soft_state key;
static struct {
	bool refuse_attempt, refuse_outcome; /* what the ledger says no to */
	unsigned attempts, outcomes;
} book;

static struct change {
	char csn[CSN_BYTES];
	bool active;
} changes[CHANGES_LIMIT];
static size_t changes_count;

static void complain(const char *what)
{
	printf("seed %llu: %s\n", (unsigned long long)seed, what);
	failures++;
}

/* ---- the process ---- */

static void run(int control_fd, bool faulty)
{
	static const unsigned rates[] = {30, 120, 500, 2000};
	int copy = fcntl(control_fd, F_DUPFD, 20);
	dup2(copy, CK_CONTROL_FD);
	closefrom(CK_CONTROL_FD + 1);
	ck_log_init("replica", getenv("CK_TEST_LOG") != NULL ? CK_LOG_DEBUG : CK_LOG_ALARM);
	if (getenv("CK_TEST_LOG") == NULL && freopen("/dev/null", "w", stderr) == NULL) _exit(1);
	unsigned descriptors = ck_faults_descriptors();
	ck_faults_track();
	if (faulty) ck_faults_begin(seed, rates[seed % (sizeof rates / sizeof *rates)]);
	int code = ck_replica_main(&start);
	ck_faults_end();
	size_t left = ck_faults_untracked();
	unsigned now = ck_faults_descriptors();
	_exit(left > 0 || now > descriptors ? EXIT_LEFT_OVER : code);
}

static void send_frame(struct ck_client *to, struct ck_frame_out *frame, const uint8_t *bytes, int fd)
{
	size_t length;
	CK_ASSERT(ck_frame_end(frame, &length) == CK_OK);
	if (to->fd >= 0 && ck_client_send(to, bytes, length, fd, ck_clock_monotonic_ms() + PATIENCE_MS) != CK_OK) ck_client_close(to);
}

static void give_peer(enum ck_process process, struct ck_client *mine)
{
	int pair[2];
	uint8_t bytes[256];
	struct ck_frame_out frame;
	CK_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_PEER);
	ck_field_uint(&frame.map, CK_F_PROCESS, process);
	ck_field_uint(&frame.map, CK_F_INDEX, 0);
	send_frame(&control, &frame, bytes, pair[1]);
	close(pair[1]);
	CK_ASSERT(ck_client_adopt(mine, pair[0]) == CK_OK);
}

static bool begin_replica(bool faulty)
{
	int pair[2];
	struct ck_map message;
	CK_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) run(pair[1], faulty);
	close(pair[1]);
	CK_ASSERT(ck_client_adopt(&control, pair[0]) == CK_OK);
	ledger.fd = gate.fd = -1;
	if (ck_client_receive(&control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK ||
	    message.at[CK_F_TYPE].number != CK_MSG_READY)
		return false;
	give_peer(CK_PROCESS_LEDGER, &ledger);
	give_peer(CK_PROCESS_GATE, &gate);
	return true;
}

static void end_replica(bool faulty)
{
	uint8_t bytes[64];
	struct ck_frame_out frame;
	int status = -1;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_STOP);
	send_frame(&control, &frame, bytes, -1);
	ck_client_close(&control);
	ck_client_close(&ledger);
	ck_client_close(&gate);
	int64_t until_ms = ck_clock_monotonic_ms() + 2 * PATIENCE_MS;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (ck_clock_monotonic_ms() > until_ms) {
			complain("the replica does not end");
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			break;
		}
		usleep(1000);
	}
	if (WIFSIGNALED(status)) complain(strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LEFT_OVER) complain("memory or descriptors are left over");
	if (!faulty && WIFEXITED(status) && WEXITSTATUS(status) != 0) complain("a replica without faults ended badly");
}

/* ---- its peers ---- */

/* Answers what the replica has recorded. */
static void serve_ledger(void)
{
	struct ck_map message;
	struct ck_frame_out frame;
	uint8_t bytes[256];
	bool stands = true;
	if (ck_client_receive(&ledger, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK) {
		ck_client_close(&ledger);
		return;
	}
	if (message.at[CK_F_EVENT].number == CK_EVENT_PASSWORD_ATTEMPT) {
		book.attempts++;
		stands = !book.refuse_attempt;
	} else if (message.at[CK_F_EVENT].number == CK_EVENT_PASSWORD_OUTCOME) {
		book.outcomes++;
		stands = !book.refuse_outcome;
	}
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_RECORDED);
	ck_field_uint(&frame.map, CK_F_REQUEST, message.at[CK_F_REQUEST].number);
	ck_field_bool(&frame.map, CK_F_VERDICT, stands);
	send_frame(&ledger, &frame, bytes, -1);
}

static bool is_gone(void)
{
	char byte;
	return control.fd < 0 || recv(control.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Whether the copy is finished; where its cookie stands, and the person's status. */
static bool look(char csn[CSN_BYTES], bool *out_active)
{
	char directory[CK_CONFIG_TEXT_BYTES + 16];
	struct ck_store *store = NULL;
	struct ck_view *view = NULL;
	struct ck_store_state state;
	struct ck_record person;
	struct ck_errmsg err;
	(void)snprintf(directory, sizeof directory, "%s/store", start.config.directory);
	bool found = ck_store_open(directory, &store, &err) == CK_OK && ck_view_begin(store, &view) == CK_OK &&
	             ck_view_state(view, &state) == CK_OK && state.finished && ck_view_staff_by_uid(view, ck_text_of(uid), &person) == CK_OK;
	if (found) {
		const char *at = memmem(state.cookie.at, state.cookie.length, "csn=", 4);
		size_t left = at != NULL ? state.cookie.length - (size_t)(at - (const char *)state.cookie.at) - 4 : 0, length = 0;
		while (length < left && length < CSN_BYTES - 1 && at[4 + length] != ',' && at[4 + length] != ';') length++;
		memcpy(csn, at != NULL ? at + 4 : "", length);
		csn[length] = '\0';
		*out_active = person.as.staff.status == CK_STATUS_ACTIVE;
	}
	ck_view_end(&view);
	ck_store_close(&store);
	return found;
}

/* CSNs of one server sort as text. */
static const struct change *covered_by(const char *csn)
{
	const struct change *newest = NULL;
	for (size_t i = 0; i < changes_count; i++)
		if (strcmp(changes[i].csn, csn) <= 0) newest = &changes[i];
	return newest;
}

static void check_copy(void)
{
	char csn[CSN_BYTES];
	bool active;
	if (!look(csn, &active)) return; /* it answers "unavailable" */
	const struct change *covered = covered_by(csn);
	if (covered != NULL && covered->active != active) complain("the copy says that it holds a change which it does not hold");
}

static void make_change(void)
{
	char command[512], line[CSN_BYTES] = "";
	bool active = changes_count % 2 == 1;
	(void)snprintf(command, sizeof command, "%s %s", change_program, active ? "active" : "suspended");
	FILE *pipe = popen(command, "r");
	if (pipe == NULL || fgets(line, sizeof line, pipe) == NULL || pclose(pipe) != 0 || changes_count == CHANGES_LIMIT) {
		fprintf(stderr, "the directory was not changed: %s\n", command);
		exit(2);
	}
	line[strcspn(line, "\n")] = '\0';
	changes[changes_count].active = active;
	(void)snprintf(changes[changes_count++].csn, CSN_BYTES, "%s", line);
}

/* Waits until the copy holds the last change. */
static bool becomes_visible(int64_t limit_ms)
{
	int64_t until_ms = ck_clock_monotonic_ms() + limit_ms;
	while (ck_clock_monotonic_ms() < until_ms && !is_gone()) {
		char csn[CSN_BYTES];
		bool active;
		struct pollfd fds[] = {{.fd = ledger.fd, .events = POLLIN}};
		if (poll(fds, 1, 5) > 0) serve_ledger();
		if (look(csn, &active) && changes_count > 0 && strcmp(csn, changes[changes_count - 1].csn) >= 0) return true;
	}
	return false;
}

/* ---- a touch and a password ---- */

static void send_password(const char *word)
{
	uint8_t bytes[4096], challenge[CK_CHALLENGE_BYTES], nonce[CK_NONCE_BYTES];
	struct ck_soft_credential *credential = &key.credentials[0];
	struct ck_soft_assertion made;
	struct ck_login_ask ask = {.service = "safe", .tty = "tty1"};
	struct ck_frame_out frame;
	int64_t time_s = ck_clock_wall_s() + 2; /* not in the second in which the replica began */
	(void)snprintf(ask.user, sizeof ask.user, "%s", other);
	(void)snprintf(ask.account, sizeof ask.account, "%s", other);
	memset(nonce, 0x5a, sizeof nonce);
	memcpy(nonce, &seed, sizeof seed);
	CK_ASSERT(ck_login_hash_statement(&ask, start.config.system, nonce, time_s, challenge) == CK_OK);
	CK_ASSERT(ck_soft_make_assertion(credential, challenge, true, &made));
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_PASSWORD);
	ck_field_uint(&frame.map, CK_F_REQUEST, seed + 1);
	ck_field_string(&frame.map, CK_F_USER, ask.user);
	ck_field_string(&frame.map, CK_F_ACCOUNT, ask.account);
	ck_field_string(&frame.map, CK_F_SERVICE, ask.service);
	ck_field_string(&frame.map, CK_F_TTY, ask.tty);
	ck_field_bytes(&frame.map, CK_F_CREDENTIAL, credential->id, credential->id_length);
	ck_field_bytes(&frame.map, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(&frame.map, CK_F_SIGNATURE, made.signature, made.signature_length);
	ck_field_int(&frame.map, CK_F_TIME, time_s);
	ck_field_bytes(&frame.map, CK_F_NONCE, nonce, sizeof nonce);
	ck_field_uint(&frame.map, CK_F_PEER_UID, 0);
	ck_field_uint(&frame.map, CK_F_PEER_PID, 1);
	ck_field_bytes(&frame.map, CK_F_PASSWORD, word, strlen(word));
	send_frame(&gate, &frame, bytes, -1);
}

/* Whether the replica says that it is right. */
static bool is_found_right(void)
{
	int64_t until_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	while (ck_clock_monotonic_ms() < until_ms && gate.fd >= 0 && !is_gone()) {
		struct pollfd fds[] = {{.fd = ledger.fd, .events = POLLIN}, {.fd = gate.fd, .events = POLLIN}};
		struct ck_map message;
		bool right = false;
		if (poll(fds, 2, 100) <= 0) continue;
		if (fds[0].revents != 0) serve_ledger();
		if (fds[1].revents == 0) continue;
		if (ck_client_receive(&gate, &message, until_ms, -1) != CK_OK) return false;
		if (message.at[CK_F_TYPE].number != CK_MSG_PASSWORD_CHECKED) continue;
		return ck_map_bool(&message, CK_F_VERDICT, &right) == CK_OK && right;
	}
	return false;
}

/* Right, wrong, and one that the ledger does not take, as it is tried or as it was found. */
static void try_password(bool faulty)
{
	enum { RIGHT, WRONG, NO_ATTEMPT, NO_OUTCOME, WAYS };
	uint64_t way = faulty ? seed / (SEEDS_A_PASSWORD * WAYS) % WAYS : RIGHT; /* each at each rate */
	memset(&book, 0, sizeof book);
	book.refuse_attempt = way == NO_ATTEMPT;
	book.refuse_outcome = way == NO_OUTCOME;
	send_password(way == WRONG ? "a guess" : password);
	bool right = is_found_right();
	right_ones += right && faulty;
	if (right && way != RIGHT) complain("a password was found right that is not, or is not recorded");
	if (right && (book.attempts != 1 || book.outcomes != 1)) complain("a password was found right that was not recorded once");
	if (!right && !faulty) complain("a replica without faults does not find the password right");
	memset(&book, 0, sizeof book);
}

static void run_seed(bool faulty)
{
	if (seed % 2 == 0) make_change(); /* while nobody follows */
	if (begin_replica(faulty)) {
		if (becomes_visible(faulty ? GLANCE_MS : PATIENCE_MS)) followed++;
		else if (!faulty) complain("a replica without faults does not follow");
		make_change();
		if (becomes_visible(faulty ? GLANCE_MS : PATIENCE_MS)) seen_at_once++;
		else if (!faulty) complain("a replica without faults misses a change");
		if (!faulty || seed % SEEDS_A_PASSWORD == 0) try_password(faulty);
	} else {
		failed_starts++;
		if (!faulty) complain("a replica without faults does not start");
	}
	end_replica(faulty);
	check_copy();
}

int main(int argc, char **argv)
{
	struct ck_errmsg err;
	if (argc != 9) {
		fputs("usage: see the top of main_faulty_replica.c\n", stderr);
		return 2;
	}
	ck_log_init("faulty-replica", CK_LOG_ALARM);
	if (ck_config_load(argv[1], &start.config, &err) != CK_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	start.process = CK_PROCESS_REPLICA;
	start.config_path = argv[1];
	uid = argv[2];
	change_program = argv[5];
	other = argv[6];
	password = argv[8];
	if (ck_soft_load(argv[7], &key, &err) != CK_OK || key.count == 0) {
		fprintf(stderr, "%s holds no key\n", argv[7]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	uint64_t first = strtoull(argv[3], NULL, 10), last = strtoull(argv[4], NULL, 10);
	for (seed = first; seed <= last; seed++) {
		run_seed(true);
		if (seed % SEEDS_A_CHECK == 0 || seed == last) run_seed(false);
	}
	printf("seeds %llu followed %lu changes-seen %lu failed-starts %lu right-passwords %lu\n", (unsigned long long)(last - first + 1), followed,
	       seen_at_once, failed_starts, right_ones);
	return failures == 0 ? 0 : 1;
}
