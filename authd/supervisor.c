/* The supervisor: root, and therefore nearly mute. It starts the other processes, gives them to each other, replaces what dies, kills what
   is accused, and stops all in order. It reads nothing from outside: only the frames of its own children, checked by the table below. */
#include "authd/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/attested.h"
#include "authd/supervisor_child.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define PING_INTERVAL_S 2
#define PINGS_UNANSWERED_LIMIT 5 /* 10 s; counted in pings, so that a machine that slept kills nobody */
#define START_PINGS_LIMIT 60     /* two minutes until READY: a ledger may have a long log to read */
#define STOP_WAIT_S 5
#define DETAIL_LIMIT_BYTES 256

/* What children may say: which process, and the fields. */
static const struct accepted {
	enum ck_message type;
	enum ck_process only; /* 0: any child */
	ck_keys fields;
} accepted[] = {
	{ CK_MSG_READY, 0, 0 },
	{ CK_MSG_PING, 0, 0 },
	{ CK_MSG_ACCUSE, 0, CK_KEY(CK_F_PROCESS) | CK_KEY(CK_F_INDEX) | CK_KEY(CK_F_DETAIL) },
	{ CK_MSG_TOKEN, CK_PROCESS_GATE, CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_HASH) | CK_KEY(CK_F_PEER_UID) },
};

/* The order of stopping: each stage ends when its processes are gone, or are killed after STOP_WAIT_S. */
enum stage { STAGE_RUNNING = 0, STAGE_GATES, STAGE_REPLICA, STAGE_SLAPD, STAGE_LEDGER, STAGE_DONE };

struct ck_supervisor {
	const struct ck_start *start;
	struct event_base *base;
	struct event *child_signal, *stop_signals[2], *ping, *stop_wait;
	int lock_fd, listen_fd;
	bool listening, announced;
	bool watched; /* systemd wants to hear from this loop; of the children it is this loop that hears */
	enum stage stage;
	struct ck_slapd *slapd;
	struct ck_tokens *tokens;
	struct ck_children children;
};

static struct ck_supervisor *supervisor_of(struct ck_child *child)
{
	return child->children->context;
}

static void kill_child(struct ck_child *child, const char *why)
{
	if (child->pid <= 0) return;
	ck_log(CK_LOG_ALARM, "%s[%d] killed: %s", child->name, (int)child->pid, why);
	ck_children_note(child->children, "%s killed: %s", child->name, why);
	(void)kill(child->pid, SIGKILL);
}

/* ---- what children say ---- */

static void announce_if_ready(struct ck_supervisor *s)
{
	if (s->announced || s->stage != STAGE_RUNNING) return;
	for (size_t i = 0; i < s->children.count; i++)
		if (!s->children.at[i].ready) return;
	s->announced = true;
	ck_place_notify("READY=1");
	(void)dprintf(STDERR_FILENO, "crosskeysd: ready\n");
}

/* The accused is killed. A gate that accuses a process more trusted than itself dies with it: one of the two is not to be believed, and it
   is the gate that listens to strangers. */
static bool handle_accuse(struct ck_child *accuser, const struct ck_map *message)
{
	uint64_t process, index;
	struct ck_text detail;
	if (ck_map_uint(message, CK_F_PROCESS, CK_PROCESS_GATE, CK_PROCESS_LEDGER, &process) != CK_OK ||
	    ck_map_uint(message, CK_F_INDEX, 0, CK_GATES_LIMIT - 1, &index) != CK_OK ||
	    ck_map_text(message, CK_F_DETAIL, DETAIL_LIMIT_BYTES, &detail) != CK_OK)
		return false;
	struct ck_child *accused = ck_children_find(accuser->children, (enum ck_process)process, (unsigned)index);
	if (accused == NULL || !ck_children_are_peers(accuser, accused)) return false;
	char why[DETAIL_LIMIT_BYTES], escaped[DETAIL_LIMIT_BYTES / 2];
	(void)snprintf(why, sizeof why, "accused by %s of %s", accuser->name, ck_escape(ck_bytes_of(detail), escaped, sizeof escaped));
	kill_child(accused, why);
	if (accuser->process == CK_PROCESS_GATE) kill_child(accuser, "it accused a process more trusted than itself");
	return true;
}

static bool handle_token(struct ck_child *gate, const struct ck_map *message)
{
	struct ck_token_want want = { .gate = gate->index };
	uint64_t request, owner;
	if (ck_map_uint(message, CK_F_REQUEST, 0, UINT64_MAX, &request) != CK_OK || ck_map_uint(message, CK_F_PEER_UID, 0, UINT32_MAX, &owner) != CK_OK ||
	    ck_map_fixed(message, CK_F_HASH, want.source, sizeof want.source) != CK_OK)
		return false;
	want.owner = (uint32_t)owner;
	struct ck_errmsg err = { "the daemon is stopping" };
	int fd = -1;
	if (supervisor_of(gate)->stage != STAGE_RUNNING || ck_tokens_start(supervisor_of(gate)->tokens, &want, &fd, &err) != CK_OK)
		ck_log(CK_LOG_WARNING, "no token helper for %s: %s", gate->name, err.text);
	ck_child_send_token(gate, request, fd);
	if (fd >= 0) close(fd);
	return true;
}

static bool on_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	(void)fd; /* never one: the channel takes none */
	struct ck_child *child = context;
	uint64_t type;
	if (ck_map_uint(message, CK_F_TYPE, 0, UINT64_MAX, &type) != CK_OK) return false;
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		if (accepted[i].type != type) continue;
		if (accepted[i].only != 0 && accepted[i].only != child->process) return false;
		if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | accepted[i].fields, 0) != CK_OK) return false;
		switch (type) {
		case CK_MSG_READY:
			child->ready = true;
			child->pings_unanswered = 0;
			announce_if_ready(supervisor_of(child));
			return true;
		case CK_MSG_PING: child->pings_unanswered = 0; return true;
		case CK_MSG_ACCUSE: return handle_accuse(child, message);
		case CK_MSG_TOKEN: return handle_token(child, message);
		default: return false;
		}
	}
	return false;
}

static void on_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	struct ck_child *child = context;
	child->control = NULL;
	if (why != CK_ERR_UNAVAILABLE)
		kill_child(child, ck_error_name(why));
	else if (supervisor_of(child)->stage == STAGE_RUNNING && child->pid > 0)
		(void)kill(child->pid, SIGKILL); /* dying, most likely; without its channel it is of no use */
}

/* ---- life and death ---- */

static void advance(struct ck_supervisor *s);

static void on_slapd_event(const char *text, void *context)
{
	struct ck_supervisor *s = context;
	ck_log(CK_LOG_WARNING, "%s", text);
	ck_children_note(&s->children, "%s", text);
}

static void child_died(struct ck_supervisor *s, struct ck_child *child, const struct ck_death *death)
{
	enum ck_log_level level = s->stage == STAGE_RUNNING ? CK_LOG_ERROR : CK_LOG_INFO;
	ck_log(death->refused ? CK_LOG_ALARM : level, "%s[%d] %s", child->name, (int)child->pid, death->how);
	ck_child_gone(child);
	if (s->stage != STAGE_RUNNING) return;
	ck_children_note(&s->children, "%s %s", child->name, death->how);
	ck_child_start_later(child);
}

static void on_child_signal(evutil_socket_t number, short what, void *context)
{
	(void)number;
	(void)what;
	struct ck_supervisor *s = context;
	for (struct ck_death death; ck_death_next(&death);) {
		struct ck_child *child = ck_children_of_pid(&s->children, death.pid);
		if (child != NULL)
			child_died(s, child, &death);
		else if (!ck_slapd_reaped(s->slapd, &death))
			(void)ck_tokens_reaped(s->tokens, &death);
	}
	if (s->stage != STAGE_RUNNING) advance(s);
}

static void on_ping(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_supervisor *s = context;
	if (s->watched) ck_place_notify("WATCHDOG=1");
	for (size_t i = 0; i < s->children.count; i++) {
		struct ck_child *child = &s->children.at[i];
		if (child->pid <= 0) continue;
		if (child->pings_unanswered >= (child->ready ? PINGS_UNANSWERED_LIMIT : START_PINGS_LIMIT)) {
			kill_child(child, child->ready ? "it answers no more" : "it did not become ready");
			continue;
		}
		child->pings_unanswered++;
		if (child->ready) ck_child_send(child, CK_MSG_PING);
	}
}

/* ---- stopping ---- */

/* Tells the processes of the stage to stop, or kills them. Returns how many are still there. */
static unsigned stop_stage(struct ck_supervisor *s, bool by_force, bool tell)
{
	static const enum ck_process of_stage[] = {
		[STAGE_GATES] = CK_PROCESS_GATE, [STAGE_REPLICA] = CK_PROCESS_REPLICA, [STAGE_LEDGER] = CK_PROCESS_LEDGER
	};
	if (s->stage == STAGE_SLAPD) return ck_slapd_stop(s->slapd, by_force ? SIGKILL : tell ? SIGTERM : 0) ? 1 : 0;
	unsigned alive = 0;
	for (size_t i = 0; i < s->children.count; i++) {
		struct ck_child *child = &s->children.at[i];
		if (child->process != of_stage[s->stage] || child->pid <= 0) continue;
		alive++;
		if (by_force)
			kill_child(child, "it did not stop when told");
		else if (tell)
			ck_child_send(child, CK_MSG_STOP);
	}
	return alive;
}

/* Goes on to the next stage in which somebody is still there. */
static void advance(struct ck_supervisor *s)
{
	bool tell = s->stage == STAGE_RUNNING;
	if (s->stage == STAGE_RUNNING) s->stage = STAGE_GATES;
	while (s->stage != STAGE_DONE && stop_stage(s, false, tell) == 0) {
		s->stage++;
		tell = true;
	}
	if (s->stage == STAGE_DONE)
		event_base_loopbreak(s->base);
	else if (tell)
		(void)event_add(s->stop_wait, &(struct timeval){ .tv_sec = STOP_WAIT_S });
}

static void on_stop_wait(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)stop_stage(context, true, false);
}

static void on_stop_signal(evutil_socket_t number, short what, void *context)
{
	(void)what;
	struct ck_supervisor *s = context;
	if (s->stage != STAGE_RUNNING) return;
	ck_log(CK_LOG_INFO, "signal %d: stopping", (int)number);
	ck_place_notify("STOPPING=1");
	ck_children_stop_restarts(&s->children);
	if (s->tokens != NULL) ck_tokens_kill(s->tokens);
	advance(s);
}

/* ---- starting ---- */

/* Each process a user of its own, none of them root: two under one user could reach into each other. */
static enum ck_error check_users(const struct ck_config *config, struct ck_errmsg *err)
{
	const char *names[] = { config->user_gate, config->user_replica, config->user_ledger, config->user_token, config->user_directory };
	unsigned uids[5] = { 0 }, gid;
	size_t count = config->slapd[0] != '\0' ? 5 : 4;
	for (size_t i = 0; i < count; i++) {
		enum ck_error error = ck_config_user(names[i], &uids[i], &gid, err);
		if (error != CK_OK) return error;
		if (uids[i] == 0 || gid == 0)
			return ck_fail(err, CK_ERR_DENIED, "user %s is root; each process needs an unprivileged user", names[i]);
		for (size_t k = 0; k < i; k++)
			if (uids[k] == uids[i]) return ck_fail(err, CK_ERR_DENIED, "users %s and %s are one", names[k], names[i]);
	}
	return CK_OK;
}

static unsigned gates_wanted(const struct ck_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long wanted = config->gates > 0 ? (unsigned long)config->gates : cores > 0 ? (unsigned long)cores : 1;
	return wanted < CK_GATES_LIMIT ? (unsigned)wanted : CK_GATES_LIMIT;
}

static enum ck_error make_events(struct ck_supervisor *s)
{
	s->base = event_base_new();
	if (s->base == NULL) return CK_ERR_MEMORY;
	s->child_signal = evsignal_new(s->base, SIGCHLD, on_child_signal, s);
	s->stop_signals[0] = evsignal_new(s->base, SIGTERM, on_stop_signal, s);
	s->stop_signals[1] = evsignal_new(s->base, SIGINT, on_stop_signal, s);
	s->ping = event_new(s->base, -1, EV_PERSIST, on_ping, s);
	s->stop_wait = event_new(s->base, -1, 0, on_stop_wait, s);
	if (s->child_signal == NULL || s->stop_signals[0] == NULL || s->stop_signals[1] == NULL || s->ping == NULL || s->stop_wait == NULL ||
	    event_add(s->child_signal, NULL) != 0 || event_add(s->stop_signals[0], NULL) != 0 || event_add(s->stop_signals[1], NULL) != 0 ||
	    event_add(s->ping, &(struct timeval){ .tv_sec = PING_INTERVAL_S }) != 0)
		return CK_ERR_MEMORY;
	return CK_OK;
}

/* The replica reads them for itself. One that cannot would leave the copy as it was, with keys attested by roots that were just taken out. */
static enum ck_error check_roots(const struct ck_config *config, struct ck_errmsg *err)
{
	struct ck_fido_roots *roots = NULL;
	enum ck_error error = ck_attestation_load(config->attestation_roots, &roots, err);
	ck_fido_roots_free(&roots);
	return error;
}

/* What it takes to start children as others (SETUID, SETGID), to have them give up all for good (SETPCAP), to stop them (KILL), and to make
   the ledger's folder its own (CHOWN). */
#define CAPABILITIES                                                                                                                  \
	(UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_CHOWN)

static enum ck_error confine(const struct ck_config *config, struct ck_errmsg *err)
{
	const char *fault = ck_privilege_keep(CAPABILITIES);
	if (fault != NULL) return ck_fail(err, CK_ERR_IO, "%s: %s", fault, strerror(errno));
	ck_landlock_warn();
	/* what children may is what this lets through; without providers elsewhere no internet socket is among it */
	return ck_filter_install(&ck_filter_supervisor, ck_config_providers(config) > 0 ? &ck_filter_dialler : NULL, err);
}

/* Everything that can fail for good, before anything is started; then its own walls; then all children at once. */
static enum ck_error start_all(struct ck_supervisor *s, struct ck_errmsg *err)
{
	static const struct ck_channel_handlers handlers = { .on_message = on_message, .on_closed = on_closed };
	const struct ck_config *config = &s->start->config;
	enum ck_error error = ck_path_is_trusted(s->start->config_path, err);
	if (error == CK_OK) error = check_users(config, err);
	if (error == CK_OK) error = check_roots(config, err);
	if (error == CK_OK) error = ck_config_provider_check_all(config, err);
	if (error == CK_OK) error = ck_place_lock(config->directory, &s->lock_fd, err);
	if (error == CK_OK) error = ck_place_secret(config->directory, err);
	if (error == CK_OK) error = ck_place_listen(config->socket, &s->listen_fd, err);
	s->listening = error == CK_OK;
	if (error == CK_OK && make_events(s) != CK_OK) error = ck_fail(err, CK_ERR_MEMORY, "the event loop cannot be made");
	if (error == CK_OK) error = ck_tokens_new(s->base, config, &s->tokens, err);
	if (error == CK_OK) error = ck_slapd_new(s->base, config, s->lock_fd, on_slapd_event, s, &s->slapd, err);
	if (error == CK_OK) error = confine(config, err);
	if (error == CK_OK) {
		ck_slapd_start(s->slapd);
		const struct ck_child_start with = { .config_path = s->start->config_path, .lock_fd = s->lock_fd, .listen_fd = s->listen_fd };
		error = ck_children_start(&s->children, s->base, &with, gates_wanted(config), &handlers, s, err);
	}
	return error;
}

static void end_all(struct ck_supervisor *s)
{
	const char *socket_path = s->start->config.socket;
	if (s->listening && unlink(socket_path) != 0) ck_log(CK_LOG_WARNING, "%s: %s", socket_path, strerror(errno));
	ck_children_end(&s->children);
	ck_slapd_free(&s->slapd);
	ck_tokens_free(&s->tokens);
	struct event *events[] = { s->child_signal, s->stop_signals[0], s->stop_signals[1], s->ping, s->stop_wait };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i] != NULL) event_free(events[i]);
	if (s->base != NULL) event_base_free(s->base);
	if (s->listen_fd >= 0) close(s->listen_fd);
	if (s->lock_fd >= 0) close(s->lock_fd);
}

int ck_supervisor_main(struct ck_start *start)
{
	static struct ck_supervisor s;
	s = (struct ck_supervisor){ .start = start, .lock_fd = -1, .listen_fd = -1, .watched = getenv("WATCHDOG_USEC") != NULL };
	struct ck_errmsg err = { "" };
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	enum ck_error error = start_all(&s, &err);
	if (error != CK_OK)
		ck_log(CK_LOG_ERROR, "not started: %s", err.text);
	else if (event_base_dispatch(s.base) < 0)
		error = CK_ERR_IO;
	end_all(&s);
	return error == CK_OK ? 0 : 1;
}
