/* A PAM application as small as one can be: authenticate, account, credentials, session, perhaps a command in it, and back. Says PAM's
   exact answer to each. It has no power of its own: what it may do is what the kernel lets its caller do. */
#include "authd/cli/login.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "authd/cli/cli.h"
#include "directory/base/secret.h"
#include "directory/base/text.h"

#define ANSWER_LIMIT_BYTES PAM_MAX_RESP_SIZE
#define EXEC_FAILED 127 /* as shells have it */
#define PATH_OF_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_OF_OTHERS "/usr/local/bin:/usr/bin:/bin"

struct login_options {
	const char *service_dir, *tty, *remote_host, *remote_user, *service, *user;
	char **command; /* NULL-terminated; NULL for none */
	bool session, change;
	int pin_fd; /* -1: the terminal is asked */
};

/* ---- the conversation ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	interrupted = signal_number;
}

/* One line, byte by byte: what follows it is the answer to the next question. False at the end of input, or when interrupted. */
static bool read_line(int fd, char *out, size_t out_bytes)
{
	size_t length = 0;
	for (;;) {
		ssize_t n = read(fd, out + length, 1);
		if (n < 0 && errno == EINTR && !interrupted) continue;
		if (n < 0 || (n == 0 && length == 0) || length + 1 >= out_bytes) break;
		if (n == 0 || out[length] == '\n') {
			out[length] = '\0';
			return true;
		}
		length++;
	}
	ck_wipe(out, out_bytes);
	return false;
}

/* Ctrl-C must give the terminal its echo back and reach the module as a failed conversation, not end us in between. */
static bool ask_terminal(const char *prompt, bool echo, char *out, size_t out_bytes)
{
	struct sigaction action = { .sa_handler = on_interrupt }, old[3];
	static const int signals[3] = { SIGINT, SIGTERM, SIGHUP };
	struct termios before = { .c_lflag = 0 }, quiet;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int in = fd >= 0 ? fd : STDIN_FILENO;
	bool is_terminal = tcgetattr(in, &before) == 0;
	interrupted = 0;
	for (size_t i = 0; i < 3; i++) (void)sigaction(signals[i], &action, &old[i]);
	if (is_terminal && !echo) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(in, TCSAFLUSH, &quiet);
	}
	(void)dprintf(fd >= 0 ? fd : STDERR_FILENO, "%s", prompt);
	bool ok = read_line(in, out, out_bytes);
	if (is_terminal && !echo) {
		(void)tcsetattr(in, TCSAFLUSH, &before);
		(void)dprintf(fd >= 0 ? fd : STDERR_FILENO, "\n");
	}
	for (size_t i = 0; i < 3; i++) (void)sigaction(signals[i], &old[i], NULL);
	if (fd >= 0) close(fd);
	return ok;
}

static bool answer_one(const struct login_options *options, const struct pam_message *message, struct pam_response *out)
{
	char text[ANSWER_LIMIT_BYTES];
	bool echo = message->msg_style == PAM_PROMPT_ECHO_ON, ok = false;
	switch (message->msg_style) {
	case PAM_TEXT_INFO:
	case PAM_ERROR_MSG:
		(void)fprintf(stderr, "%s\n", message->msg);
		return true;
	case PAM_PROMPT_ECHO_OFF:
	case PAM_PROMPT_ECHO_ON:
		ok = options->pin_fd >= 0 && !echo ? read_line(options->pin_fd, text, sizeof text)
		                                   : ask_terminal(message->msg, echo, text, sizeof text);
		out->resp = ok ? strdup(text) : NULL;
		ck_wipe(text, sizeof text);
		return out->resp != NULL;
	default:
		return false;
	}
}

static int converse(int count, const struct pam_message **messages, struct pam_response **out_responses, void *context)
{
	*out_responses = NULL;
	if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
	struct pam_response *responses = calloc((size_t)count, sizeof *responses);
	if (responses == NULL) return PAM_BUF_ERR;
	int done = 0;
	while (done < count && answer_one(context, messages[done], &responses[done])) done++;
	if (done == count) {
		*out_responses = responses;
		return PAM_SUCCESS;
	}
	for (int i = 0; i < done; i++) {
		if (responses[i].resp != NULL) ck_wipe(responses[i].resp, strlen(responses[i].resp));
		free(responses[i].resp);
	}
	free(responses);
	return PAM_CONV_ERR;
}

/* ---- saying what PAM said ---- */

static const char *code_name(int code)
{
	static const char *const names[] = {
		"PAM_SUCCESS", "PAM_OPEN_ERR", "PAM_SYMBOL_ERR", "PAM_SERVICE_ERR", "PAM_SYSTEM_ERR", "PAM_BUF_ERR", "PAM_PERM_DENIED",
		"PAM_AUTH_ERR", "PAM_CRED_INSUFFICIENT", "PAM_AUTHINFO_UNAVAIL", "PAM_USER_UNKNOWN", "PAM_MAXTRIES", "PAM_NEW_AUTHTOK_REQD",
		"PAM_ACCT_EXPIRED", "PAM_SESSION_ERR", "PAM_CRED_UNAVAIL", "PAM_CRED_EXPIRED", "PAM_CRED_ERR", "PAM_NO_MODULE_DATA",
		"PAM_CONV_ERR", "PAM_AUTHTOK_ERR", "PAM_AUTHTOK_RECOVERY_ERR", "PAM_AUTHTOK_LOCK_BUSY", "PAM_AUTHTOK_DISABLE_AGING",
		"PAM_TRY_AGAIN", "PAM_IGNORE", "PAM_ABORT", "PAM_AUTHTOK_EXPIRED", "PAM_MODULE_UNKNOWN", "PAM_BAD_ITEM", "PAM_CONV_AGAIN",
		"PAM_INCOMPLETE",
	};
	return code >= 0 && (size_t)code < sizeof names / sizeof names[0] ? names[code] : "PAM_?";
}

static bool report(pam_handle_t *pamh, const char *stage, int code)
{
	(void)printf("%s: %s (%d) %s\n", stage, code_name(code), code, pam_strerror(pamh, code));
	(void)fflush(stdout);
	return code == PAM_SUCCESS;
}

static int exit_code_of(int code)
{
	switch (code) {
	case PAM_SUCCESS: return CK_EXIT_OK;
	case PAM_AUTHINFO_UNAVAIL: return CK_EXIT_UNAVAILABLE;
	case PAM_OPEN_ERR:
	case PAM_SYMBOL_ERR:
	case PAM_SERVICE_ERR:
	case PAM_SYSTEM_ERR:
	case PAM_BUF_ERR:
	case PAM_CONV_ERR:
	case PAM_ABORT:
	case PAM_MODULE_UNKNOWN: return CK_EXIT_FAILED;
	default: return CK_EXIT_REFUSED;
	}
}

/* ---- the command ---- */

/* Only what PAM gave and what a login gives; nothing of our caller's but the terminal's type. */
static bool set_environment(pam_handle_t *pamh, const struct passwd *user)
{
	const char *term = getenv("TERM");
	char *term_copy = term != NULL ? strdup(term) : NULL;
	char **given = pam_getenvlist(pamh);
	bool ok = given != NULL && clearenv() == 0;
	ok = ok && setenv("PATH", user->pw_uid == 0 ? PATH_OF_ROOT : PATH_OF_OTHERS, 1) == 0;
	ok = ok && (term_copy == NULL || setenv("TERM", term_copy, 1) == 0);
	for (char **at = given; ok && *at != NULL; at++) ok = putenv(*at) == 0;
	ok = ok && setenv("HOME", user->pw_dir, 1) == 0 && setenv("USER", user->pw_name, 1) == 0 && setenv("LOGNAME", user->pw_name, 1) == 0;
	ok = ok && setenv("SHELL", user->pw_shell[0] != '\0' ? user->pw_shell : "/bin/sh", 1) == 0;
	free(term_copy);
	return ok; /* given lives on in the environment, until exec */
}

static bool become(const struct passwd *user)
{
	if (geteuid() != 0) return geteuid() == user->pw_uid;
	return initgroups(user->pw_name, user->pw_gid) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

static void run_in_child(pam_handle_t *pamh, const char *name, char **command)
{
	errno = 0;
	const struct passwd *user = getpwnam(name);
	if (user == NULL) {
		(void)fprintf(stderr, "crosskeys login: %s has no account on this machine\n", name);
		_exit(CK_EXIT_FAILED);
	}
	if (!set_environment(pamh, user) || !become(user)) {
		(void)fprintf(stderr, "crosskeys login: cannot become %s: %s\n", name, strerror(errno != 0 ? errno : EPERM));
		_exit(CK_EXIT_FAILED);
	}
	if (chdir(user->pw_dir) != 0 && chdir("/") != 0) _exit(CK_EXIT_FAILED);
	(void)execvp(command[0], command);
	(void)fprintf(stderr, "crosskeys login: %s: %s\n", command[0], strerror(errno));
	_exit(EXEC_FAILED);
}

/* In its own process, so that what the session stage registered is its parent. Returns the exit code, 128 and the signal if one ended it. */
static int run_command(pam_handle_t *pamh, const struct login_options *options)
{
	const void *user = NULL;
	int status = 0;
	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || user == NULL) return CK_EXIT_FAILED;
	pid_t pid = fork();
	if (pid == 0) run_in_child(pamh, user, options->command);
	if (pid < 0) {
		(void)fprintf(stderr, "crosskeys login: fork: %s\n", strerror(errno));
		return CK_EXIT_FAILED;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) return CK_EXIT_FAILED;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	(void)printf("command: exit %d\n", code);
	return code;
}

/* ---- the login ---- */

static int session(pam_handle_t *pamh, const struct login_options *options, int *out_last)
{
	int code = CK_EXIT_OK;
	*out_last = pam_open_session(pamh, 0);
	if (!report(pamh, "open_session", *out_last)) return exit_code_of(*out_last);
	if (options->command != NULL) code = run_command(pamh, options);
	*out_last = pam_close_session(pamh, 0);
	if (!report(pamh, "close_session", *out_last)) return exit_code_of(*out_last);
	return code;
}

/* As login(1) and sshd(8) do: who is let in but for an expired password changes it, and goes on. */
static int account(pam_handle_t *pamh)
{
	int code = pam_acct_mgmt(pamh, 0);
	if (report(pamh, "acct_mgmt", code) || code != PAM_NEW_AUTHTOK_REQD) return code;
	code = pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK);
	(void)report(pamh, "chauthtok", code);
	return code;
}

static int stages(pam_handle_t *pamh, const struct login_options *options, int *out_last)
{
	if (options->change) {
		*out_last = pam_chauthtok(pamh, 0);
		return report(pamh, "chauthtok", *out_last) ? CK_EXIT_OK : exit_code_of(*out_last);
	}
	*out_last = pam_authenticate(pamh, 0);
	if (!report(pamh, "authenticate", *out_last)) return exit_code_of(*out_last);
	*out_last = account(pamh);
	if (*out_last != PAM_SUCCESS) return exit_code_of(*out_last);
	*out_last = pam_setcred(pamh, PAM_ESTABLISH_CRED);
	if (!report(pamh, "setcred", *out_last)) return exit_code_of(*out_last);
	int code = CK_EXIT_OK;
	if (options->session) code = session(pamh, options, out_last);
	(void)pam_setcred(pamh, PAM_DELETE_CRED);
	return code;
}

static int set_items(pam_handle_t *pamh, const struct login_options *options)
{
	int code = PAM_SUCCESS;
	if (options->tty != NULL) code = pam_set_item(pamh, PAM_TTY, options->tty);
	if (code == PAM_SUCCESS && options->remote_host != NULL) code = pam_set_item(pamh, PAM_RHOST, options->remote_host);
	if (code == PAM_SUCCESS && options->remote_user != NULL) code = pam_set_item(pamh, PAM_RUSER, options->remote_user);
	return code;
}

static int run(const struct login_options *options)
{
	pam_handle_t *pamh = NULL;
	struct pam_conv conversation = { converse, (void *)(uintptr_t)options };
	int code = CK_EXIT_FAILED;
	int last = pam_start_confdir(options->service, options->user, &conversation, options->service_dir, &pamh);
	if (last == PAM_ABORT)
		(void)fprintf(stderr, "crosskeys login: PAM cannot read the service '%s': is there such a file in %s?\n", options->service,
		              options->service_dir != NULL ? options->service_dir : "/etc/pam.d");
	if (last == PAM_SUCCESS) last = set_items(pamh, options);
	if (!report(pamh, "start", last)) goto out;
	code = stages(pamh, options, &last);
out:
	if (pamh != NULL) (void)pam_end(pamh, last);
	return code;
}

/* ---- the command line ---- */

static void usage(FILE *to)
{
	(void)fputs("usage: crosskeys login [--service-dir DIR] [--tty TTY] [--rhost HOST] [--ruser USER] [--no-session] [--pin-fd N]\n"
	            "                       [--change] SERVICE USER [-- COMMAND [ARGUMENT...]]\n"
	            "Logs USER in through the PAM service SERVICE and says PAM's exact answer to each stage; with --change, has its\n"
	            "password stage change the password, and nothing else. See crosskeys-login(1).\n",
	            to);
}

static int wrong(const char *what)
{
	if (what != NULL) (void)fprintf(stderr, "crosskeys login: %s\n", what);
	usage(stderr);
	return CK_EXIT_USAGE + 1;
}

/* 0, or the exit code plus one. */
static int parse(int argc, char **argv, struct login_options *out)
{
	enum { SERVICE_DIR = 1000, TTY, RHOST, RUSER, NO_SESSION, PIN_FD, CHANGE, HELP };
	static const struct option longs[] = {
		{ "service-dir", required_argument, NULL, SERVICE_DIR }, { "tty", required_argument, NULL, TTY },
		{ "rhost", required_argument, NULL, RHOST },             { "ruser", required_argument, NULL, RUSER },
		{ "no-session", no_argument, NULL, NO_SESSION },         { "pin-fd", required_argument, NULL, PIN_FD },
		{ "change", no_argument, NULL, CHANGE },                 { "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t number = 0;
	int option;
	optind = 0; /* our caller may have used getopt already */
	while ((option = getopt_long(argc, argv, "+h", longs, NULL)) != -1) {
		switch (option) {
		case SERVICE_DIR: out->service_dir = optarg; break;
		case TTY: out->tty = optarg; break;
		case RHOST: out->remote_host = optarg; break;
		case RUSER: out->remote_user = optarg; break;
		case NO_SESSION: out->session = false; break;
		case CHANGE: out->change = true; break;
		case PIN_FD:
			if (ck_uint_parse(ck_text_of(optarg), 0, 65535, &number) != CK_OK) return wrong("--pin-fd wants a descriptor's number");
			out->pin_fd = (int)number;
			break;
		case 'h':
		case HELP: usage(stdout); return CK_EXIT_OK + 1;
		default: return wrong(NULL); /* getopt said it */
		}
	}
	if (argc - optind < 2) return wrong("expected SERVICE USER behind the options");
	out->service = argv[optind];
	out->user = argv[optind + 1];
	int rest = optind + 2;
	if (rest < argc && strcmp(argv[rest++], "--") != 0)
		return wrong("expected -- and a command behind SERVICE USER, or nothing; options stand before them");
	if (rest < argc) out->command = &argv[rest];
	if (out->command != NULL && out->change) return wrong("a command runs in a session: not with --change");
	return out->command != NULL && !out->session ? wrong("a command runs in a session: not with --no-session") : 0;
}

int ck_cli_login(int argc, char **argv)
{
	struct login_options options = { .session = true, .pin_fd = -1 };
	int stop = parse(argc, argv, &options);
	if (stop != 0) return stop - 1;
	if (options.tty == NULL) options.tty = ttyname(STDIN_FILENO);
	if (options.pin_fd >= 0 && fcntl(options.pin_fd, F_SETFD, FD_CLOEXEC) != 0) {
		(void)fprintf(stderr, "crosskeys login: --pin-fd %d: %s\n", options.pin_fd, strerror(errno));
		return CK_EXIT_USAGE;
	}
	return run(&options);
}
