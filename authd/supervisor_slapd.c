/* The embedded directory: one slapd under a user of its own, on a unix socket only, behind walls that it does not know of, kept alive.
   Nothing that it says is read here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/supervisor.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define SLAPD_DESCRIPTORS 1024 /* slapd sizes its tables by this */

struct ck_slapd {
	const struct ck_config *config;
	char configuration[CK_CONFIG_TEXT_BYTES + 32], log_path[CK_CONFIG_TEXT_BYTES + 32];
	char database[CK_CONFIG_TEXT_BYTES + 32], run[CK_CONFIG_TEXT_BYTES + 32]; /* its own: what it may write */
	struct ck_identity identity;
	struct sock_fprog filter;
	int lock_fd;
	void (*on_event)(const char *text, void *context);
	void *context;
	pid_t pid; /* 0: not running */
	bool stopping;
	struct ck_backoff backoff;
	struct event *restart;
};

static void start(struct ck_slapd *slapd);

static void start_later(struct ck_slapd *slapd)
{
	int wait_ms = ck_backoff_died(&slapd->backoff, ck_clock_monotonic_ms());
	struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
	if (event_add(slapd->restart, &wait) != 0) ck_log(CK_LOG_ALARM, "slapd will not be started again: no timer");
}

static void start(struct ck_slapd *slapd)
{
	const char *arguments[] = { "slapd", "-F", slapd->configuration, "-h", slapd->config->directory_uri, "-d", "none", NULL };
	struct ck_errmsg err;
	/* root's file: slapd writes to it and cannot take it away. A FIFO in its place would keep the supervisor waiting */
	int log_fd = open(slapd->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	const struct ck_reach reach[] = {
		{ slapd->database, CK_REACH_WRITE },
		{ slapd->run, CK_REACH_SOCKETS | CK_REACH_OPTIONAL },
		{ slapd->config->slapd, CK_REACH_EXECUTE },
		{ "/lib64/ld-linux-x86-64.so.2", CK_REACH_EXECUTE | CK_REACH_OPTIONAL }, /* the kernel executes the loader, too */
		{ "/lib/ld-linux-aarch64.so.1", CK_REACH_EXECUTE | CK_REACH_OPTIONAL },
		{ "/usr", CK_REACH_READ },
		{ "/lib", CK_REACH_READ | CK_REACH_OPTIONAL },
		{ "/lib64", CK_REACH_READ | CK_REACH_OPTIONAL },
		{ "/etc", CK_REACH_READ },
		{ "/dev/null", CK_REACH_USE },
		{ "/dev/urandom", CK_REACH_READ | CK_REACH_OPTIONAL },
		{ "/sys/devices/system/cpu", CK_REACH_READ | CK_REACH_OPTIONAL },
	};
	struct ck_launch launch = {
		.program = slapd->config->slapd,
		.arguments = arguments,
		.identity = &slapd->identity,
		.filter = &slapd->filter,
		.reach = reach,
		.reach_count = sizeof reach / sizeof *reach,
		.fds = { -1, -1, slapd->lock_fd },
		.output_fd = log_fd,
		.descriptors = SLAPD_DESCRIPTORS,
	};
	slapd->backoff.started_ms = ck_clock_monotonic_ms();
	enum ck_error error = ck_launch(&launch, &slapd->pid, &err);
	if (log_fd >= 0) close(log_fd);
	if (error == CK_OK) return;
	slapd->pid = 0;
	ck_log(CK_LOG_ERROR, "slapd: %s", err.text);
	start_later(slapd);
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_slapd *slapd = context;
	if (slapd->stopping) return;
	start(slapd);
	if (slapd->pid > 0) slapd->on_event("slapd started again", slapd->context);
}

bool ck_slapd_reaped(struct ck_slapd *slapd, const struct ck_death *death)
{
	if (slapd == NULL || slapd->pid != death->pid) return false;
	slapd->pid = 0;
	if (slapd->stopping) return true;
	char text[sizeof death->how + 40];
	(void)snprintf(text, sizeof text, "slapd %s; log/slapd.log may say why", death->how);
	slapd->on_event(text, slapd->context);
	start_later(slapd);
	return true;
}

bool ck_slapd_stop(struct ck_slapd *slapd, int signal_number)
{
	if (slapd == NULL) return false;
	slapd->stopping = true;
	event_del(slapd->restart);
	if (slapd->pid > 0) (void)kill(slapd->pid, signal_number);
	return slapd->pid > 0;
}

/* ldapi://%2Frun%2Fckd%2Fldapi: /run/ckd */
static void folder_of_socket(const char *uri, char *out, size_t size)
{
	size_t length = 0;
	for (const char *at = strstr(uri, "//") + 2; *at != '\0' && length + 1 < size; length++) {
		bool slash = strncasecmp(at, "%2F", 3) == 0;
		out[length] = slash ? '/' : *at;
		at += slash ? 3 : 1;
	}
	out[length] = '\0';
	*strrchr(out, '/') = '\0'; /* the configuration was checked: there is one */
}

/* The folder of the log may be missing when the directory was made by hand. */
static enum ck_error set_paths(struct ck_slapd *slapd, struct ck_errmsg *err)
{
	const char *here = slapd->config->directory;
	(void)snprintf(slapd->configuration, sizeof slapd->configuration, "%s/directory/slapd.d", here);
	(void)snprintf(slapd->database, sizeof slapd->database, "%s/directory", here);
	(void)snprintf(slapd->log_path, sizeof slapd->log_path, "%s/log", here);
	if (mkdir(slapd->log_path, 0750) != 0 && errno != EEXIST)
		return ck_fail(err, CK_ERR_IO, "%s: %s", slapd->log_path, strerror(errno));
	(void)snprintf(slapd->log_path, sizeof slapd->log_path, "%s/log/slapd.log", here);
	folder_of_socket(slapd->config->directory_uri, slapd->run, sizeof slapd->run);
	struct stat st;
	/* EACCES: the folder around it is slapd's own, and nothing of ours overrides modes */
	if (stat(slapd->configuration, &st) != 0 && errno != EACCES)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s; crosskeys init makes the embedded directory (or set slapd to nothing)",
		               slapd->configuration, strerror(errno));
	return CK_OK;
}

enum ck_error ck_slapd_new(struct event_base *base, const struct ck_config *config, int lock_fd,
                           void (*on_event)(const char *text, void *context), void *context, struct ck_slapd **out, struct ck_errmsg *err)
{
	*out = NULL;
	if (config->slapd[0] == '\0') return CK_OK;
	struct ck_slapd *slapd = calloc(1, sizeof *slapd);
	if (slapd == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory");
	slapd->config = config;
	slapd->lock_fd = lock_fd;
	slapd->on_event = on_event;
	slapd->context = context;
	slapd->restart = event_new(base, -1, 0, on_restart, slapd);
	enum ck_error error = slapd->restart == NULL ? CK_ERR_MEMORY : ck_place_check_program(config->slapd, err);
	if (error == CK_OK) error = ck_config_user(config->user_directory, &slapd->identity.uid, &slapd->identity.gid, err);
	if (error == CK_OK) error = ck_filter_compile(&ck_filter_slapd, &slapd->filter, err);
	if (error == CK_OK) error = set_paths(slapd, err);
	if (error != CK_OK) {
		ck_slapd_free(&slapd);
		return error;
	}
	*out = slapd;
	return CK_OK;
}

void ck_slapd_start(struct ck_slapd *slapd)
{
	if (slapd != NULL) start(slapd);
}

void ck_slapd_free(struct ck_slapd **slapd)
{
	if (*slapd == NULL) return;
	if ((*slapd)->pid > 0) (void)kill((*slapd)->pid, SIGKILL);
	if ((*slapd)->restart != NULL) event_free((*slapd)->restart);
	ck_filter_free(&(*slapd)->filter);
	free(*slapd);
	*slapd = NULL;
}
