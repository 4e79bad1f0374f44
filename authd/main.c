/* crosskeysd: reads its arguments and the configuration and becomes the supervisor or, started by it, one of its children. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/process.h"
#include "authd/supervisor.h"
#include "directory/base/log.h"

#define EXIT_USAGE 2
#define FIRST_UNGIVEN_FD 6 /* 3 control, 4 a gate's listening socket, 5 the lock */

static const struct role {
	const char *name;
	enum ck_process process;
	int (*run)(struct ck_start *start);
} roles[] = {
	{ "gate", CK_PROCESS_GATE, ck_gate_main },
	{ "replica", CK_PROCESS_REPLICA, ck_replica_main },
	{ "ledger", CK_PROCESS_LEDGER, ck_ledger_main },
};
#define ROLES (sizeof roles / sizeof *roles)

struct arguments {
	const char *config_path;
	const struct role *role; /* NULL: the supervisor */
	unsigned index;
	bool print_table, help, version;
};

static const char usage[] =
	"usage: crosskeysd --config FILE [--foreground]\n"
	"       crosskeysd --print-config-table | --help | --version\n"
	"\n"
	"Decides who may enter this machine. Stays in the foreground; see crosskeysd(8) and crosskeys.conf(5).\n"
	"  --config FILE         the configuration, as crosskeys init wrote it\n"
	"  --foreground          accepted and without effect\n"
	"  --print-config-table  every key: name, type, default, minimum, maximum, what it is for\n";

static bool parse_value(struct arguments *out, const char *option, const char *value)
{
	uint64_t index;
	if (strcmp(option, "--config") == 0) {
		out->config_path = value;
		return true;
	}
	if (strcmp(option, "--index") == 0) {
		if (ck_uint_parse(ck_text_of(value), 0, CK_GATES_LIMIT - 1, &index) != CK_OK) return false;
		out->index = (unsigned)index;
		return true;
	}
	for (size_t i = 0; i < ROLES && strcmp(option, "--process") == 0; i++)
		if (strcmp(roles[i].name, value) == 0) out->role = &roles[i];
	return out->role != NULL;
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
	*out = (struct arguments){ 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			out->help = true;
		else if (strcmp(argv[i], "--version") == 0)
			out->version = true;
		else if (strcmp(argv[i], "--print-config-table") == 0)
			out->print_table = true;
		else if (strcmp(argv[i], "--foreground") == 0)
			continue;
		else if (i + 1 < argc && parse_value(out, argv[i], argv[i + 1]))
			i++;
		else
			return false;
	}
	return out->help || out->version || out->print_table || out->config_path != NULL;
}

static void print_line(const char *text, void *context)
{
	(void)context;
	(void)puts(text);
}

/* A child has its channel to the supervisor; nobody starts one by hand. */
static bool is_started_by_supervisor(void)
{
	int type;
	socklen_t length = sizeof type;
	return getsockopt(CK_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

/* A daemon may be started without some of its standard descriptors: a socket must not take their place and be logged into. */
static bool fill_standard_fds(void)
{
	for (int fd = 0; fd >= 0 && fd <= STDERR_FILENO;) {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0) return false;
		if (fd > STDERR_FILENO) (void)close(fd);
	}
	return true;
}

/* Of what the caller had in its environment a daemon needs systemd's socket, and a sanitizer its options. What libraries would read of it
   (LDAP*, SASL_PATH, OPENSSL_CONF, MALLOC_*, TZ) is for whoever starts programs by hand. */
static bool clean_environment(void)
{
	static const char *const kept[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
	const char *values[sizeof kept / sizeof *kept];
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) values[i] = getenv(kept[i]); /* the strings outlive clearenv */
	if (clearenv() != 0 || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0) return false;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (values[i] != NULL && setenv(kept[i], values[i], 1) != 0) return false;
	return true;
}

static int run(const struct arguments *arguments)
{
	static struct ck_start start;
	static char path[PATH_MAX], name[16] = "supervisor";
	struct ck_errmsg err;
	if (arguments->role != NULL) {
		if (arguments->role->process == CK_PROCESS_GATE)
			(void)snprintf(name, sizeof name, "gate-%u", arguments->index);
		else
			(void)snprintf(name, sizeof name, "%s", arguments->role->name);
	}
	ck_log_init(name, CK_LOG_INFO);
	if (arguments->role != NULL && !is_started_by_supervisor()) {
		ck_log(CK_LOG_ERROR, "--process is for crosskeysd itself only");
		return EXIT_USAGE;
	}
	if (realpath(arguments->config_path, path) == NULL) (void)snprintf(path, sizeof path, "%s", arguments->config_path);
	start.config_path = path;
	start.process = arguments->role != NULL ? arguments->role->process : CK_PROCESS_SUPERVISOR;
	start.index = arguments->index;
	if (ck_config_load(path, &start.config, &err) != CK_OK) {
		ck_log(CK_LOG_ERROR, "%s", err.text);
		return 1;
	}
	ck_log_init(name, (enum ck_log_level)start.config.log_level);
	return arguments->role != NULL ? arguments->role->run(&start) : ck_supervisor_main(&start);
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	if (!parse_arguments(argc, argv, &arguments)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (arguments.help) return fputs(usage, stdout) < 0;
	if (arguments.version) return puts("crosskeysd " CK_VERSION) < 0;
	if (arguments.print_table) {
		ck_config_print_table(print_line, NULL);
		return fflush(stdout) != 0;
	}
	/* whatever the caller left open is none of ours; a supervisor needs nothing but the standard three */
	if (!clean_environment() || !fill_standard_fds() || close_range(arguments.role != NULL ? FIRST_UNGIVEN_FD : CK_CONTROL_FD, ~0u, 0) != 0) return 1;
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	return run(&arguments);
}
