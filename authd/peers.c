/* A child's side of the control channel. Trusts the supervisor: it alone holds the other end, and it is root. What does not fit the table
   closes the channel all the same, and without the channel the child ends. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/process.h"
#include "directory/base/log.h"

#define CONTROL_QUEUE_BYTES 65536
#define DETAIL_LIMIT_BYTES 256

struct ck_peers {
	struct event_base *base;
	struct ck_channel *control;
	struct ck_peers_handlers handlers;
	void *context;
};

/* What the supervisor may say: the fields each message must and may have. */
static const struct accepted {
	enum ck_message type;
	ck_keys required, optional;
} accepted[] = {
	{ CK_MSG_PEER, CK_KEY(CK_F_PROCESS) | CK_KEY(CK_F_INDEX), 0 },
	{ CK_MSG_STOP, 0, 0 },
	{ CK_MSG_TOKEN, CK_KEY(CK_F_REQUEST), 0 },
	{ CK_MSG_PING, 0, 0 },
	{ CK_MSG_NOTE, CK_KEY(CK_F_DETAIL), 0 },
};

static bool is_accepted(uint64_t type, const struct ck_map *message)
{
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
		if (accepted[i].type == type)
			return ck_map_expect(message, CK_KEY(CK_F_TYPE) | accepted[i].required, accepted[i].optional) == CK_OK;
	return false;
}

static void send_simple(struct ck_peers *peers, enum ck_message type)
{
	struct ck_message_out out;
	(void)ck_message_begin(&out, type);
	ck_channel_send_message(peers->control, &out);
}

static bool handle_peer(struct ck_peers *peers, const struct ck_map *message, int *fd)
{
	uint64_t process, index;
	if (*fd < 0 || peers->handlers.on_peer == NULL ||
	    ck_map_uint(message, CK_F_PROCESS, CK_PROCESS_GATE, CK_PROCESS_LEDGER, &process) != CK_OK ||
	    ck_map_uint(message, CK_F_INDEX, 0, UINT16_MAX, &index) != CK_OK)
		return false;
	int given = *fd;
	*fd = -1;
	peers->handlers.on_peer((enum ck_process)process, (unsigned)index, given, peers->context);
	return true;
}

static bool handle_token(struct ck_peers *peers, const struct ck_map *message, int *fd)
{
	uint64_t request;
	if (peers->handlers.on_token == NULL || ck_map_uint(message, CK_F_REQUEST, 0, UINT64_MAX, &request) != CK_OK) return false;
	int given = *fd;
	*fd = -1;
	peers->handlers.on_token(request, given, peers->context);
	return true;
}

static bool handle_note(struct ck_peers *peers, const struct ck_map *message)
{
	struct ck_text detail;
	if (ck_map_text(message, CK_F_DETAIL, DETAIL_LIMIT_BYTES, &detail) != CK_OK) return false;
	if (peers->handlers.on_note != NULL) peers->handlers.on_note(detail, peers->context);
	return true;
}

static void handle_stop(struct ck_peers *peers)
{
	if (peers->handlers.on_stop != NULL)
		peers->handlers.on_stop(peers->context);
	else
		event_base_loopbreak(peers->base);
}

static bool on_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	struct ck_peers *peers = context;
	bool fine = false;
	uint64_t type;
	if (ck_map_uint(message, CK_F_TYPE, 0, UINT64_MAX, &type) == CK_OK && is_accepted(type, message)) {
		fine = true;
		switch (type) {
		case CK_MSG_PEER: fine = handle_peer(peers, message, &fd); break;
		case CK_MSG_TOKEN: fine = handle_token(peers, message, &fd); break;
		case CK_MSG_NOTE: fine = handle_note(peers, message); break;
		case CK_MSG_PING: send_simple(peers, CK_MSG_PING); break;
		case CK_MSG_STOP: handle_stop(peers); break;
		default: fine = false; break;
		}
	}
	if (fd >= 0) close(fd);
	return fine;
}

static void on_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	struct ck_peers *peers = context;
	peers->control = NULL;
	ck_log(CK_LOG_WARNING, "the supervisor's channel is closed (%s): ending", ck_error_name(why));
	event_base_loopbreak(peers->base);
}

enum ck_error ck_peers_new(struct event_base *base, const struct ck_peers_handlers *handlers, void *context, struct ck_peers **out)
{
	static const struct ck_channel_handlers control_handlers = { .on_message = on_message, .on_closed = on_closed };
	*out = NULL;
	struct ck_peers *peers = calloc(1, sizeof *peers);
	if (peers == NULL) return CK_ERR_MEMORY;
	peers->base = base;
	peers->handlers = *handlers;
	peers->context = context;
	enum ck_error error = ck_channel_new(base, CK_CONTROL_FD, &control_handlers, peers, CONTROL_QUEUE_BYTES, 0, true, &peers->control);
	if (error != CK_OK) {
		free(peers);
		return error;
	}
	*out = peers;
	return CK_OK;
}

void ck_peers_ready(struct ck_peers *peers)
{
	send_simple(peers, CK_MSG_READY);
}

void ck_peers_accuse(struct ck_peers *peers, enum ck_process process, unsigned index, const char *detail)
{
	ck_log(CK_LOG_ALARM, "process %d, index %u sent something malformed: %s", (int)process, index, detail);
	struct ck_message_out out;
	struct ck_text text = ck_text_of(detail);
	if (text.length > DETAIL_LIMIT_BYTES) text.length = DETAIL_LIMIT_BYTES;
	if (!ck_text_is_utf8(text)) text = ck_text_of("not text");
	struct ck_map_writer *m = ck_message_begin(&out, CK_MSG_ACCUSE);
	ck_field_uint(m, CK_F_PROCESS, process);
	ck_field_uint(m, CK_F_INDEX, index);
	ck_field_text(m, CK_F_DETAIL, text);
	ck_channel_send_message(peers->control, &out);
}

void ck_peers_want_token(struct ck_peers *peers, uint64_t request, const uint8_t *source, uint64_t owner)
{
	struct ck_message_out out;
	struct ck_map_writer *m = ck_message_begin(&out, CK_MSG_TOKEN);
	ck_field_uint(m, CK_F_REQUEST, request);
	ck_field_bytes(m, CK_F_HASH, source, CK_SOURCE_BYTES);
	ck_field_uint(m, CK_F_PEER_UID, owner);
	ck_channel_send_message(peers->control, &out);
}

void ck_peers_free(struct ck_peers **peers)
{
	if (*peers == NULL) return;
	ck_channel_close(&(*peers)->control);
	free(*peers);
	*peers = NULL;
}
