/* Starting the children and joining them: each is this program again, with its channel on descriptor 3. Whenever one is started it gets a
   fresh socketpair with every peer that lives; nothing between two processes passes through here. */
#include "authd/supervisor_child.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"

#define CONTROL_FRAME_BYTES 512
#define CONTROL_QUEUE_BYTES 65536 /* a child that lets so much lie is dead */

static const char *const process_names[] = { [CK_PROCESS_GATE] = "gate", [CK_PROCESS_REPLICA] = "replica", [CK_PROCESS_LEDGER] = "ledger" };

struct ck_child *ck_children_find(struct ck_children *children, enum ck_process process, unsigned index)
{
	for (size_t i = 0; i < children->count; i++)
		if (children->at[i].process == process && children->at[i].index == index) return &children->at[i];
	return NULL;
}

struct ck_child *ck_children_of_pid(struct ck_children *children, pid_t pid)
{
	for (size_t i = 0; i < children->count; i++)
		if (children->at[i].pid == pid) return &children->at[i];
	return NULL;
}

bool ck_children_are_peers(const struct ck_child *a, const struct ck_child *b)
{
	return a->process != b->process; /* three kinds, and each talks to the two others; gates not among themselves */
}

/* ---- sending ---- */

static void frame_begin(struct ck_frame_out *frame, uint8_t *bytes, enum ck_message type)
{
	ck_frame_begin(frame, bytes, CONTROL_FRAME_BYTES);
	ck_field_uint(&frame->map, CK_F_TYPE, type);
}

static void frame_send(struct ck_child *child, struct ck_frame_out *frame, const uint8_t *bytes, int fd)
{
	size_t length;
	CK_ASSERT(ck_frame_end(frame, &length) == CK_OK);
	if (child->control != NULL) ck_channel_send(child->control, bytes, length, fd);
}

void ck_child_send(struct ck_child *child, enum ck_message type)
{
	uint8_t bytes[CONTROL_FRAME_BYTES];
	struct ck_frame_out frame;
	frame_begin(&frame, bytes, type);
	frame_send(child, &frame, bytes, -1);
}

void ck_child_send_token(struct ck_child *child, uint64_t request, int fd)
{
	uint8_t bytes[CONTROL_FRAME_BYTES];
	struct ck_frame_out frame;
	frame_begin(&frame, bytes, CK_MSG_TOKEN);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	frame_send(child, &frame, bytes, fd);
}

static void send_peer(struct ck_child *to, const struct ck_child *peer, int fd)
{
	uint8_t bytes[CONTROL_FRAME_BYTES];
	struct ck_frame_out frame;
	frame_begin(&frame, bytes, CK_MSG_PEER);
	ck_field_uint(&frame.map, CK_F_PROCESS, peer->process);
	ck_field_uint(&frame.map, CK_F_INDEX, peer->index);
	frame_send(to, &frame, bytes, fd);
}

static void send_note(struct ck_child *ledger, const char *text)
{
	uint8_t bytes[CONTROL_FRAME_BYTES];
	struct ck_frame_out frame;
	frame_begin(&frame, bytes, CK_MSG_NOTE);
	ck_field_string(&frame.map, CK_F_DETAIL, text);
	frame_send(ledger, &frame, bytes, -1);
}

void ck_children_note(struct ck_children *children, const char *format, ...)
{
	char text[CK_NOTE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	struct ck_child *ledger = ck_children_find(children, CK_PROCESS_LEDGER, 0);
	if (ledger != NULL && ledger->control != NULL) {
		send_note(ledger, text);
		return;
	}
	if (children->notes_count == CK_NOTES_LIMIT) {
		children->notes_count--;
		memmove(children->notes[0], children->notes[1], children->notes_count * CK_NOTE_BYTES);
	}
	memcpy(children->notes[children->notes_count++], text, sizeof text);
}

static void send_kept_notes(struct ck_child *ledger)
{
	struct ck_children *children = ledger->children;
	for (size_t i = 0; i < children->notes_count; i++) send_note(ledger, children->notes[i]);
	children->notes_count = 0;
}

/* ---- joining ---- */

static void join(struct ck_child *a, struct ck_child *b)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		/* without the channel one of the two would wait for ever: start it again when descriptors are back */
		ck_log(CK_LOG_ERROR, "%s and %s cannot be joined: no socketpair", a->name, b->name);
		(void)kill(a->pid, SIGKILL);
		return;
	}
	send_peer(a, b, pair[0]);
	send_peer(b, a, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void join_with_all(struct ck_child *child)
{
	for (size_t i = 0; i < child->children->count; i++) {
		struct ck_child *other = &child->children->at[i];
		if (other->control != NULL && ck_children_are_peers(child, other)) join(child, other);
	}
}

/* ---- starting ---- */

static enum ck_error launch_child(struct ck_child *child, int control_fd, struct ck_errmsg *err)
{
	const struct ck_child_start *start = &child->children->start;
	char index[16];
	(void)snprintf(index, sizeof index, "%u", child->index);
	const char *name = process_names[child->process];
	const char *arguments[] = { "crosskeysd", "--config", start->config_path, "--process", name, "--index", index, NULL };
	bool gate = child->process == CK_PROCESS_GATE;
	struct ck_launch launch = {
		.program = "/proc/self/exe", /* this very program, even when its file was replaced meanwhile */
		.arguments = arguments,
		.fds = { control_fd, gate ? start->listen_fd : -1, gate ? -1 : start->lock_fd },
		.output_fd = -1,
	};
	return ck_launch(&launch, &child->pid, err);
}

static enum ck_error start_child(struct ck_child *child, struct ck_errmsg *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return ck_fail(err, CK_ERR_IO, "socketpair failed");
	child->ready = false;
	child->pings_unanswered = 0;
	child->backoff.started_ms = ck_clock_monotonic_ms();
	enum ck_error error = launch_child(child, pair[1], err);
	close(pair[1]);
	if (error != CK_OK) {
		child->pid = 0;
		close(pair[0]);
		return error;
	}
	struct ck_children *children = child->children;
	error = ck_channel_new(children->base, pair[0], &children->handlers, child, CONTROL_QUEUE_BYTES, 0, false, &child->control);
	if (error != CK_OK) {
		(void)kill(child->pid, SIGKILL); /* reaped and tried again like any other death */
		return CK_OK;
	}
	if (child->process == CK_PROCESS_LEDGER) send_kept_notes(child);
	join_with_all(child);
	return CK_OK;
}

void ck_child_start_later(struct ck_child *child)
{
	if (child->children->ending) return;
	int wait_ms = ck_backoff_died(&child->backoff, ck_clock_monotonic_ms());
	struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
	if (event_add(child->restart, &wait) != 0) ck_log(CK_LOG_ALARM, "%s will not be started again: no timer", child->name);
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_child *child = context;
	if (child->children->ending || child->pid > 0) return;
	struct ck_errmsg err;
	if (start_child(child, &err) == CK_OK) {
		ck_log(CK_LOG_INFO, "%s[%d] started again", child->name, (int)child->pid);
		ck_children_note(child->children, "%s started again", child->name);
		return;
	}
	ck_log(CK_LOG_ERROR, "%s: %s", child->name, err.text);
	ck_child_start_later(child);
}

static enum ck_error add_child(struct ck_children *children, enum ck_process process, unsigned index)
{
	struct ck_child *child = &children->at[children->count++];
	*child = (struct ck_child){ .children = children, .process = process, .index = index };
	if (process == CK_PROCESS_GATE)
		(void)snprintf(child->name, sizeof child->name, "gate-%u", index);
	else
		(void)snprintf(child->name, sizeof child->name, "%s", process_names[process]);
	child->restart = event_new(children->base, -1, 0, on_restart, child);
	return child->restart != NULL ? CK_OK : CK_ERR_MEMORY;
}

enum ck_error ck_children_start(struct ck_children *children, struct event_base *base, const struct ck_child_start *start, unsigned gates,
                                const struct ck_channel_handlers *handlers, void *context, struct ck_errmsg *err)
{
	children->base = base;
	children->start = *start;
	children->handlers = *handlers;
	children->context = context;
	enum ck_error error = add_child(children, CK_PROCESS_LEDGER, 0);
	if (error == CK_OK) error = add_child(children, CK_PROCESS_REPLICA, 0);
	for (unsigned i = 0; i < gates && error == CK_OK; i++) error = add_child(children, CK_PROCESS_GATE, i);
	for (size_t i = 0; i < children->count && error == CK_OK; i++) error = start_child(&children->at[i], err);
	return error;
}

void ck_child_gone(struct ck_child *child)
{
	child->pid = 0;
	child->ready = false;
	ck_channel_close(&child->control);
}

void ck_children_stop_restarts(struct ck_children *children)
{
	children->ending = true;
	for (size_t i = 0; i < children->count; i++) event_del(children->at[i].restart);
}

void ck_children_end(struct ck_children *children)
{
	for (size_t i = 0; i < children->count; i++) {
		struct ck_child *child = &children->at[i];
		if (child->pid > 0) (void)kill(child->pid, SIGKILL);
		ck_channel_close(&child->control);
		if (child->restart != NULL) event_free(child->restart);
	}
	children->count = 0;
}
