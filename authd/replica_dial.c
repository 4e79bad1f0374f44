/* Connected sockets from the dialler: asked for here and waited for by the loop. Believes the dialler only in
   that the socket leads somewhere: who is there, TLS says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/dial.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define DIALS_LIMIT 32 /* the stream, the writer, two lines, the passwords that are checked at a time; and some that nobody waits for any more */
#define DIAL_LIMIT_MS 12000 /* names, a ticket, a connection: who takes longer is not there */

struct dial {
	uint64_t request; /* 0: free */
	int64_t deadline_ms;
	ck_dial_done done; /* NULL: nobody waits for it any more */
	void *context;
	bool answered;
	int fd;
	char why[CK_DIAL_MESSAGE_LIMIT_BYTES];
};
struct ck_replica_dials {
	int channel;
	struct event *readable;
	uint64_t sequence;
	struct dial at[DIALS_LIMIT];
};

enum ck_error ck_replica_dials_start(struct ck_replica *r, struct ck_errmsg *err)
{
	if (ck_config_providers(r->config) == 0) return CK_OK;
	r->dials = calloc(1, sizeof *r->dials);
	if (r->dials == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the dialler");
	r->dials->channel = -1;
	enum ck_error error = ck_dial_make_tickets(r->config, err);
	return error == CK_OK ? ck_dialler_start(r->config, &r->dials->channel, err) : error;
}

/* ---- asking ---- */

static struct dial *ask(struct ck_replica_dials *dials, unsigned provider, struct ck_errmsg *err)
{
	uint8_t bytes[CK_DIAL_MESSAGE_LIMIT_BYTES];
	struct ck_writer w;
	struct ck_map_writer m;
	struct dial *dial = dials->at;
	while (dial < dials->at + DIALS_LIMIT && dial->request != 0) dial++;
	if (dial == dials->at + DIALS_LIMIT) {
		(void)ck_fail(err, CK_ERR_LIMIT, "too many connections are being made");
		return NULL;
	}
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_DIAL);
	ck_field_uint(&m, CK_F_REQUEST, dials->sequence + 1);
	ck_field_uint(&m, CK_F_INDEX, provider);
	ck_map_end(&m);
	CK_ASSERT(!w.failed);
	if (send(dials->channel, bytes, ck_writer_length(&w), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		(void)ck_fail(err, CK_ERR_UNAVAILABLE, "the dialler does not take a request: %s", strerror(errno));
		return NULL;
	}
	*dial = (struct dial){.request = ++dials->sequence, .deadline_ms = ck_clock_monotonic_ms() + DIAL_LIMIT_MS, .fd = -1};
	return dial;
}

/* ---- answers ---- */

static bool take_answer(struct ck_replica_dials *dials, struct ck_bytes packet, int fd)
{
	static struct ck_map map;
	uint64_t type, request;
	bool verdict;
	char why[CK_DIAL_MESSAGE_LIMIT_BYTES] = "";
	if (ck_map_parse(packet, &map) != CK_OK ||
	    ck_map_expect(&map, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_VERDICT), CK_KEY(CK_F_DETAIL)) != CK_OK ||
	    ck_map_uint(&map, CK_F_TYPE, CK_MSG_DIALLED, CK_MSG_DIALLED, &type) != CK_OK ||
	    ck_map_uint(&map, CK_F_REQUEST, 1, dials->sequence, &request) != CK_OK || ck_map_bool(&map, CK_F_VERDICT, &verdict) != CK_OK ||
	    verdict != (fd >= 0) || (!verdict && ck_map_string(&map, CK_F_DETAIL, why, sizeof why) != CK_OK)) {
		if (fd >= 0) close(fd);
		return false;
	}
	for (size_t i = 0; i < DIALS_LIMIT; i++) {
		struct dial *dial = &dials->at[i];
		if (dial->request != request || dial->answered) continue;
		dial->answered = true;
		dial->fd = fd;
		memcpy(dial->why, why, sizeof dial->why);
		return true;
	}
	if (fd >= 0) close(fd); /* nobody waits for it any more */
	return true;
}

/* One packet, without a wait. CK_ERR_NOT_FOUND: none. */
static enum ck_error receive(struct ck_replica_dials *dials)
{
	uint8_t bytes[CK_DIAL_MESSAGE_LIMIT_BYTES];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
	int fd = -1;
	ssize_t got = recvmsg(dials->channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) return CK_ERR_NOT_FOUND;
	if (got <= 0) return CK_ERR_UNAVAILABLE;
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(head), sizeof fd);
	bool fine = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
	if (!fine && fd >= 0) close(fd);
	return fine && take_answer(dials, (struct ck_bytes){bytes, (size_t)got}, fd) ? CK_OK : CK_ERR_INVALID;
}

/* Without a dialler nothing elsewhere is reached, and only a new replica has a new one. */
static void end_without(struct ck_replica *r, enum ck_error why)
{
	ck_log(CK_LOG_ERROR, "the dialler is gone or not itself (%s): the replica ends", ck_error_name(why));
	r->exit_code = 1;
	event_base_loopbreak(r->base);
}

static void settle(struct dial *dial, int fd, const char *why)
{
	ck_dial_done done = dial->done;
	void *context = dial->context;
	char kept[CK_DIAL_MESSAGE_LIMIT_BYTES];
	memcpy(kept, why, strlen(why) + 1);
	dial->request = 0; /* done may dial again */
	if (done != NULL) done(fd, kept, context);
	else if (fd >= 0) close(fd);
}

static void settle_answered(struct ck_replica_dials *dials)
{
	for (size_t i = 0; i < DIALS_LIMIT; i++) {
		struct dial *dial = &dials->at[i];
		if (dial->request != 0 && dial->answered) settle(dial, dial->fd, dial->why);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	enum ck_error error;
	while ((error = receive(r->dials)) == CK_OK) continue;
	settle_answered(r->dials);
	if (error != CK_ERR_NOT_FOUND) end_without(r, error);
}

enum ck_error ck_replica_dials_open(struct ck_replica *r)
{
	if (r->dials == NULL) return CK_OK;
	r->dials->readable = event_new(r->base, r->dials->channel, EV_READ | EV_PERSIST, on_readable, r);
	return r->dials->readable != NULL && event_add(r->dials->readable, NULL) == 0 ? CK_OK : CK_ERR_MEMORY;
}

void ck_replica_dials_close(struct ck_replica *r)
{
	if (r->dials == NULL) return;
	for (size_t i = 0; i < DIALS_LIMIT; i++)
		if (r->dials->at[i].request != 0 && r->dials->at[i].fd >= 0) close(r->dials->at[i].fd);
	if (r->dials->readable != NULL) event_free(r->dials->readable);
	if (r->dials->channel >= 0) close(r->dials->channel);
	free(r->dials);
	r->dials = NULL;
}

void ck_replica_mind_dials(struct ck_replica *r, int64_t now_ms)
{
	if (r->dials == NULL) return;
	for (size_t i = 0; i < DIALS_LIMIT; i++) {
		struct dial *dial = &r->dials->at[i];
		if (dial->request != 0 && now_ms >= dial->deadline_ms) settle(dial, -1, "it could not be connected to in time");
	}
}

enum ck_error ck_replica_dial(struct ck_replica *r, unsigned provider, ck_dial_done done, void *context, struct ck_errmsg *err)
{
	struct dial *dial = ask(r->dials, provider, err);
	if (dial == NULL) return CK_ERR_UNAVAILABLE;
	dial->done = done;
	dial->context = context;
	return CK_OK;
}

void ck_replica_dial_forget(struct ck_replica *r, const void *context)
{
	for (size_t i = 0; i < DIALS_LIMIT; i++)
		if (r->dials->at[i].context == context) r->dials->at[i].done = NULL;
}
