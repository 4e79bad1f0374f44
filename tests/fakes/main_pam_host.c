/* A PAM application that can be told to be difficult.

   pam-host [OPTION]... CONFDIR SERVICE USER STEP...
   OPTION: --answer TEXT (to each prompt without echo; again for the next) --tty T --rhost H --ruser U --real-uid N --silent
           --conv none|fail|fail-say|null-answer|die --elsewhere (another thread talks) --xdisplay D --fds N (descriptors open before) --threads N --alarm (a signal each 5 ms) --user-prompt NAME
   STEP:   auth acct cred refresh delete open close pass prelim     prints "STEP NUMBER"
           run:COMMAND (by sh, as the user, with PAM's environment; prints "run STATUS") hold:FILE (until it is there)
           fork:STEP (in a child) user:NAME (sets PAM_USER) rhost:HOST closefds wait:MS env
   With one thread, what must not change is looked at before pam_start and after pam_end: "leak …" lines, exit code 1. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <pthread.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/elsewhere.h"

#define ANSWERS_LIMIT 16
#define FDS_LIMIT 65536

extern char **environ;

static struct {
	const char *confdir, *service, *user, *tty, *rhost, *ruser, *xdisplay, *conv, *user_answer;
	const char *answers[ANSWERS_LIMIT];
	size_t answers_count;
	int flags;
	char **steps;
	bool quiet, elsewhere;
} host;

struct talk {
	size_t next;
};

/* ---- conversation ---- */

static bool fill(struct talk *talk, const struct pam_message *message, struct pam_response *out)
{
	const char *answer = NULL;
	bool asks = message->msg_style == PAM_PROMPT_ECHO_OFF || message->msg_style == PAM_PROMPT_ECHO_ON;
	if (!host.quiet) printf("%s %s\n", asks ? "ask" : message->msg_style == PAM_ERROR_MSG ? "error" : "say", message->msg);
	if (!asks) return strcmp(host.conv, "fail-say") != 0;
	if (strcmp(host.conv, "die") == 0) _exit(0); /* who asked is gone: its worker is killed */
	if (message->msg_style == PAM_PROMPT_ECHO_ON) answer = host.user_answer;
	else if (talk->next < host.answers_count) answer = host.answers[talk->next++];
	if (strcmp(host.conv, "null-answer") == 0) return true;
	if (answer == NULL) return false;
	out->resp = strdup(answer);
	return out->resp != NULL;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
	if (strcmp(host.conv, "fail") == 0) return PAM_CONV_ERR;
	struct pam_response *responses = calloc((size_t)count, sizeof *responses);
	if (responses == NULL) return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		if (fill(context, messages[i], &responses[i])) continue;
		for (int j = 0; j < i; j++) free(responses[j].resp);
		free(responses);
		return PAM_CONV_ERR;
	}
	*out = responses;
	return PAM_SUCCESS;
}

/* ---- steps ---- */

static int stage(pam_handle_t *pamh, const char *step)
{
	if (strcmp(step, "auth") == 0) return pam_authenticate(pamh, host.flags);
	if (strcmp(step, "acct") == 0) return pam_acct_mgmt(pamh, host.flags);
	if (strcmp(step, "cred") == 0) return pam_setcred(pamh, (int)PAM_ESTABLISH_CRED | host.flags);
	if (strcmp(step, "refresh") == 0) return pam_setcred(pamh, (int)PAM_REINITIALIZE_CRED | host.flags);
	if (strcmp(step, "delete") == 0) return pam_setcred(pamh, (int)PAM_DELETE_CRED | host.flags);
	if (strcmp(step, "open") == 0) return pam_open_session(pamh, host.flags);
	if (strcmp(step, "close") == 0) return pam_close_session(pamh, host.flags);
	if (strcmp(step, "pass") == 0) return pam_chauthtok(pamh, host.flags);
	return -1;
}

static void print_environment(pam_handle_t *pamh)
{
	char **list = pam_getenvlist(pamh);
	for (char **at = list; at != NULL && *at != NULL; at++) {
		printf("env %s\n", *at);
		free(*at);
	}
	free(list);
}

static void run_command(pam_handle_t *pamh, const char *command)
{
	const void *user = NULL;
	int status = -1;
	(void)pam_get_item(pamh, PAM_USER, &user);
	const struct passwd *entry = user != NULL ? getpwnam(user) : NULL;
	fflush(stdout);
	pid_t pid = entry != NULL ? fork() : -1;
	if (pid == 0) {
		if (setgroups(0, NULL) != 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
		    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
			_exit(71);
		(void)execle("/bin/sh", "sh", "-c", command, (char *)NULL, pam_getenvlist(pamh));
		_exit(71);
	}
	if (pid > 0) (void)waitpid(pid, &status, 0);
	printf("run %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void close_others(void)
{
	for (int fd = 3; fd < 256; fd++) (void)close(fd);
	for (int i = 0; i < 8; i++) (void)open("/dev/zero", O_RDWR); /* their numbers are other things now */
}

static int step(pam_handle_t *pamh, const char *name)
{
	int code = PAM_SUCCESS;
	if (strncmp(name, "fork:", 5) == 0) {
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			code = step(pamh, name + 5);
			fflush(stdout);
			(void)pam_end(pamh, code);
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
	} else if (strncmp(name, "user:", 5) == 0) {
		code = pam_set_item(pamh, PAM_USER, name + 5);
	} else if (strncmp(name, "rhost:", 6) == 0) {
		code = pam_set_item(pamh, PAM_RHOST, name + 6);
	} else if (strncmp(name, "wait:", 5) == 0) {
		usleep((useconds_t)atoi(name + 5) * 1000);
	} else if (strncmp(name, "run:", 4) == 0) {
		run_command(pamh, name + 4);
	} else if (strncmp(name, "hold:", 5) == 0) {
		while (access(name + 5, F_OK) != 0) usleep(50000);
	} else if (strcmp(name, "closefds") == 0) {
		close_others();
	} else if (strcmp(name, "env") == 0) {
		print_environment(pamh);
	} else {
		code = stage(pamh, name);
		printf("%s %d\n", name, code);
	}
	return code;
}

static void *login(void *unused)
{
	struct talk talk = { 0 };
	struct pam_conv conversation = { strcmp(host.conv, "none") == 0 ? NULL : converse, &talk };
	struct ck_elsewhere elsewhere;
	pam_handle_t *pamh = NULL;
	if (host.elsewhere) {
		if (ck_elsewhere_begin(&elsewhere, conversation) != 0) exit(71);
		conversation = (struct pam_conv){ ck_elsewhere_converse, &elsewhere };
	}
	int code = pam_start_confdir(host.service, host.user, &conversation, host.confdir, &pamh);
	if (code != PAM_SUCCESS) {
		printf("start %d\n", code);
		return unused;
	}
	if (host.tty != NULL) (void)pam_set_item(pamh, PAM_TTY, host.tty);
	if (host.rhost != NULL) (void)pam_set_item(pamh, PAM_RHOST, host.rhost);
	if (host.xdisplay != NULL) (void)pam_set_item(pamh, PAM_XDISPLAY, host.xdisplay);
	if (host.ruser != NULL) (void)pam_set_item(pamh, PAM_RUSER, host.ruser);
	for (char **at = host.steps; *at != NULL; at++) code = step(pamh, *at);
	(void)pam_end(pamh, code);
	if (host.elsewhere) ck_elsewhere_end(&elsewhere);
	return unused;
}

/* ---- what must not change ---- */

struct looks {
	unsigned char fds[FDS_LIMIT];
	char **environment;
	char *environment_0, cwd[4096], locale[256];
	mode_t mask;
	struct sigaction actions[32];
	sigset_t blocked;
};
static struct looks before, after;

static void look(struct looks *l)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 0; fd < FDS_LIMIT && (rlim_t)fd < limit.rlim_cur; fd++) l->fds[fd] = fcntl(fd, F_GETFD) >= 0;
	l->environment = environ;
	l->environment_0 = environ[0];
	if (getcwd(l->cwd, sizeof l->cwd) == NULL) l->cwd[0] = '\0';
	snprintf(l->locale, sizeof l->locale, "%s", setlocale(LC_ALL, NULL));
	l->mask = umask(0);
	(void)umask(l->mask);
	for (int i = 1; i < 32; i++) (void)sigaction(i, NULL, &l->actions[i]);
	(void)sigprocmask(SIG_SETMASK, NULL, &l->blocked);
}

static int compare(void)
{
	int leaks = 0;
	for (int fd = 0; fd < FDS_LIMIT; fd++)
		if (before.fds[fd] != after.fds[fd]) leaks += printf("leak descriptor %d\n", fd);
	if (before.environment != after.environment || before.environment_0 != after.environment_0) leaks += printf("leak environment\n");
	if (strcmp(before.cwd, after.cwd) != 0) leaks += printf("leak cwd\n");
	if (strcmp(before.locale, after.locale) != 0) leaks += printf("leak locale\n");
	if (before.mask != after.mask) leaks += printf("leak umask\n");
	for (int i = 1; i < 32; i++)
		if (before.actions[i].sa_handler != after.actions[i].sa_handler) leaks += printf("leak handler of signal %d\n", i);
	if (memcmp(&before.blocked, &after.blocked, sizeof before.blocked) != 0) leaks += printf("leak signal mask\n");
	return leaks == 0 ? 0 : 1;
}

/* ---- starting ---- */

static void nothing(int signal_number) { (void)signal_number; }

static void ring(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval each = { { 0, 5000 }, { 0, 5000 } };
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &each, NULL);
}

static void open_many(unsigned long count)
{
	struct rlimit limit = { count + 256, count + 256 };
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) perror("setrlimit");
	for (unsigned long i = 0; i < count; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) perror("open");
}

static int run_threads(unsigned long count)
{
	pthread_t threads[64];
	if (count > 64) return 64;
	for (unsigned long i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, login, NULL) != 0) return 71;
	for (unsigned long i = 0; i < count; i++) (void)pthread_join(threads[i], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long threads = 0, uid = 0;
	int at = 1;
	bool alarm_too = false;
	host.conv = "works";
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		const char *option = argv[at] + 2, *value = at + 1 < argc ? argv[at + 1] : "";
		if (strcmp(option, "silent") == 0) { host.flags |= (int)PAM_SILENT; continue; }
		if (strcmp(option, "alarm") == 0) { alarm_too = true; continue; }
		if (strcmp(option, "elsewhere") == 0) { host.elsewhere = true; continue; }
		at++;
		if (strcmp(option, "answer") == 0 && host.answers_count < ANSWERS_LIMIT) host.answers[host.answers_count++] = value;
		else if (strcmp(option, "tty") == 0) host.tty = value;
		else if (strcmp(option, "rhost") == 0) host.rhost = value;
		else if (strcmp(option, "ruser") == 0) host.ruser = value;
		else if (strcmp(option, "xdisplay") == 0) host.xdisplay = value;
		else if (strcmp(option, "conv") == 0) host.conv = value;
		else if (strcmp(option, "user-prompt") == 0) host.user_answer = value;
		else if (strcmp(option, "fds") == 0) open_many(strtoul(value, NULL, 10));
		else if (strcmp(option, "threads") == 0) threads = strtoul(value, NULL, 10);
		else if (strcmp(option, "real-uid") == 0) uid = strtoul(value, NULL, 10);
		else return 64;
	}
	if (argc - at < 3) return 64;
	host.confdir = argv[at];
	host.service = argv[at + 1];
	host.user = strcmp(argv[at + 2], "-") == 0 ? NULL : argv[at + 2];
	host.steps = argv + at + 3;
	if (uid != 0 && setresuid((uid_t)uid, 0, 0) != 0) return 71;
	if (alarm_too) ring();
	if (threads > 0) {
		host.quiet = true;
		return run_threads(threads);
	}
	look(&before);
	(void)login(NULL);
	look(&after);
	return compare();
}
