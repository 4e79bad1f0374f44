/* The gate: answers local clients over the unix socket. Holds a read-only view of the store and nothing that signs; opens no socket and
   reads nothing but the store and /proc. It trusts what the kernel says of a client, what the ledger says it recorded, and nothing that a
   client says. Which request goes to which handler, and who may, is the table of operations. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/gate_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/base/secret.h"

#define ACCEPTS_AT_ONCE 1                /* then the other gates get theirs: whoever takes all serves all */
#define CLIENT_QUEUE_BYTES (2 * (CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES)) /* one answer, and one that was not read yet */
#define CLIENT_IDLE_MS 5000              /* for half a frame, or an answer that nobody reads */
#define CLIENT_SILENT_MS 30000           /* connected, and said nothing at all */
#define CLIENT_RESTING_MS (15 * 60 * 1000) /* said something, and nothing since; root's programs hold theirs as long as a session lasts */
#define PEER_QUEUE_BYTES (8 * 1024 * 1024) /* a few thousand records, or every relay that may be under way */
#define PEER_IDLE_MS 10000
#define SECRET_FILE_LIMIT_BYTES 4096

/* ---- which messages the other processes may send ---- */
static const struct {
	enum ck_process from;
	enum ck_message type;
	ck_keys required, optional;
} accepted[] = {
	{CK_PROCESS_LEDGER, CK_MSG_RECORDED, CK_KEY(CK_F_VERDICT), CK_KEY(CK_F_REASON) | CK_KEY(CK_F_TEXT) | CK_KEY(CK_F_COUNT)},
	{CK_PROCESS_LEDGER, CK_MSG_TRIED, CK_KEY(CK_F_VERDICT) | CK_KEY(CK_F_COUNT), CK_KEY(CK_F_INSIDE) | CK_KEY(CK_F_REMOTE_HOST)},
	{CK_PROCESS_LEDGER, CK_MSG_SESSION_FOUND, CK_KEY(CK_F_INSIDE), CK_KEY(CK_F_REMOTE_HOST)},
	{CK_PROCESS_LEDGER, CK_MSG_CLOCK, CK_KEY(CK_F_TIME) | CK_KEY(CK_F_VERDICT), 0},
	{CK_PROCESS_LEDGER, CK_MSG_STATED, CK_KEY(CK_F_VERDICT) | CK_KEY(CK_F_STATE), CK_KEY(CK_F_DETAIL)},
	{CK_PROCESS_LEDGER, CK_MSG_VOUCH_FOUND, CK_KEY(CK_F_ID) | CK_KEY(CK_F_PROOF), 0},
	{CK_PROCESS_LEDGER, CK_MSG_VOUCH_STATED, CK_KEY(CK_F_STATE), CK_KEY(CK_F_TIME) | CK_KEY(CK_F_TARGET)},
	{CK_PROCESS_REPLICA, CK_MSG_RELAYED, CK_KEY(CK_F_BODY), 0},
	{CK_PROCESS_REPLICA, CK_MSG_PASSWORD_CHECKED, CK_KEY(CK_F_VERDICT) | CK_KEY(CK_F_REASON), CK_KEY(CK_F_MESSAGE)},
	{CK_PROCESS_REPLICA, CK_MSG_STATED, CK_KEY(CK_F_VERDICT) | CK_KEY(CK_F_STATE), CK_KEY(CK_F_DETAIL) | CK_KEY(CK_F_TEXT)},
};

static const ck_gate_handler handlers[CK_OP_LAST + 1] = {
	[CK_OP_STATUS] = ck_gate_status,
	[CK_OP_LOGIN_BEGIN] = ck_gate_login_begin,
	[CK_OP_LOGIN_TOKEN] = ck_gate_login_token,
	[CK_OP_LOGIN_ASSERT] = ck_gate_login_assert,
	[CK_OP_ACCOUNT] = ck_gate_account,
	[CK_OP_SESSION_OPEN] = ck_gate_session_open,
	[CK_OP_SESSION_CLOSE] = ck_gate_session_close,
	[CK_OP_IDENTIFY] = ck_gate_identify,
	[CK_OP_FIND] = ck_gate_find,
	[CK_OP_EXPLAIN] = ck_gate_explain,
	[CK_OP_SHOW] = ck_gate_show,
	[CK_OP_LIST] = ck_gate_list,
	[CK_OP_LOGIN_PASSWORD] = ck_gate_login_password,
	[CK_OP_VOUCH_BEGIN] = ck_gate_vouch_begin,
	[CK_OP_VOUCH_STATE] = ck_gate_vouch_state,
	[CK_OP_VOUCH_WITHDRAW] = ck_gate_vouch_withdraw,
	[CK_OP_CHECK] = ck_gate_check,
	[CK_OP_ACCOUNT_ENTRY] = ck_gate_account_entry,
	/* every other one is another process's */
};

/* ---- clients ---- */

/* One local user gets at most a quarter of the places, all but root together three quarters, and never the last eighth: root can always get in. */
static bool has_room(const struct ck_gate *gate, uid_t owner)
{
	size_t same = 0;
	if (gate->clients_count >= gate->clients_limit) return false;
	if (owner == 0) return true;
	if (gate->ordinary_count >= gate->clients_limit - gate->clients_limit / 4) return false;
	if (gate->clients_count >= gate->clients_limit - gate->clients_limit / 8) return false;
	for (size_t i = 0; i < gate->clients_limit; i++) same += gate->owners[i] == owner;
	return same < (gate->clients_limit + 3) / 4;
}

/* Whom a place is counted to. Once half of them are taken, those of root's programs are counted to whoever started them: a user who has su wait
   a thousand times takes no more than by a program of their own. */
static uid_t owner_of(const struct ck_gate *gate, int fd, const struct ucred *peer)
{
	if (peer->uid != 0 || gate->clients_count < gate->clients_limit / 2) return peer->uid;
	return ck_gate_owner(peer->uid, fd, peer->pid, ck_gate_boot_ticks());
}

static void mind_the_door(struct ck_gate *gate)
{
	bool open = gate->clients_count < gate->clients_limit;
	if (open == gate->accepting) return;
	if (open ? event_add(gate->acceptable, NULL) != 0 : event_del(gate->acceptable) != 0)
		ck_log(CK_LOG_ERROR, "the listening socket could not be %s", open ? "taken up again" : "left alone"); /* the tick tries again */
	else
		gate->accepting = open;
}

static void client_free(struct ck_gate_client *client)
{
	struct ck_gate *gate = client->gate;
	if (client->pending != 0 && client->waits_for == CK_PROCESS_REPLICA && client->relayed != NULL) gate->replica_waiting--;
	ck_gate_wait_end(client);
	ck_gate_tell_proved(client);
	ck_gate_login_forget(client);
	ck_channel_close(&client->channel);
	free(client->kept);
	ck_gate_forget_shown(client);
	gate->clients[client->slot] = NULL;
	gate->owners[client->slot] = UINT32_MAX;
	gate->clients_count--;
	if (client->owner != 0) gate->ordinary_count--;
	ck_wipe(client, sizeof *client);
	free(client);
	mind_the_door(gate);
}

static const char *who_may(enum ck_who who)
{
	if (who == CK_WHO_ROOT) return "only root of this machine may do that; no touch helps here";
	if (who == CK_WHO_PERSON) return "this is for a person, by a touch of their key (--as), whoever runs the command";
	return "this is not for you; an administrator identifies with a touch first (--as)";
}

static void client_handle(struct ck_gate_client *client, const struct ck_operation *operation, const struct ck_map *message,
                          struct ck_bytes encoded)
{
	ck_keys type = CK_KEY(CK_F_TYPE);
	client->op = operation->op;
	memset(&client->access, 0, sizeof client->access);
	if (ck_map_expect(message, type | operation->required, operation->optional) != CK_OK) {
		ck_gate_error(client, "invalid", "the request does not have the fields of its operation");
		return;
	}
	enum ck_error error = ck_gate_permits(client, operation, message);
	if (error == CK_ERR_UNAVAILABLE)
		ck_gate_unavailable(client, "this machine has no finished copy of the directory yet");
	else if (error != CK_OK)
		ck_gate_deny(client, "not-permitted", who_may(operation->who));
	else if (operation->handler == CK_HANDLER_GATE)
		handlers[operation->op](client, message, encoded);
	else
		ck_gate_relay(client, message, encoded);
}

/* False closes: no operation at all, a second request before the first was answered, a descriptor nobody asked for. */
static bool on_client_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	struct ck_gate_client *client = context;
	uint64_t number;
	if (fd >= 0) close(fd);
	if (fd >= 0 || client->pending != 0 || ck_map_uint(message, CK_F_TYPE, 1, UINT64_MAX, &number) != CK_OK) return false;
	client->spoke = true;
	client->gate->came++;
	client->active_ms = ck_clock_monotonic_ms();
	const struct ck_operation *operation = ck_operation_of(number);
	if (operation == NULL) ck_gate_error(client, "unknown-operation", "this release does not know that operation");
	else client_handle(client, operation, message, encoded);
	return true;
}

static void on_client_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	struct ck_gate_client *client = context;
	if (why != CK_ERR_UNAVAILABLE)
		ck_log(CK_LOG_DEBUG, "a client of uid %u was cut off: %s", (unsigned)client->uid, ck_error_name(why));
	client_free(client);
}

static const struct ck_channel_handlers client_handlers = {.on_message = on_client_message, .on_closed = on_client_closed};

static bool client_new(struct ck_gate *gate, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && length == sizeof peer;
	uid_t owner = known ? owner_of(gate, fd, &peer) : UINT32_MAX;
	if (!known || !has_room(gate, owner)) {
		close(fd);
		return false;
	}
	unsigned slot = 0;
	while (gate->clients[slot] != NULL) slot++;
	struct ck_gate_client *client = calloc(1, sizeof *client);
	if (client == NULL) {
		close(fd);
		return false;
	}
	client->gate = gate;
	client->slot = slot;
	client->uid = peer.uid;
	client->owner = owner;
	client->pid = peer.pid;
	client->accepted_ticks = ck_gate_boot_ticks();
	client->active_ms = ck_clock_monotonic_ms();
	if (ck_channel_new(gate->base, fd, &client_handlers, client, CLIENT_QUEUE_BYTES, CLIENT_IDLE_MS, false, &client->channel) !=
	    CK_OK) {
		free(client);
		return false;
	}
	gate->clients[slot] = client;
	gate->owners[slot] = owner;
	gate->clients_count++;
	if (owner != 0) gate->ordinary_count++;
	return true;
}

static void on_acceptable(evutil_socket_t listening, short what, void *context)
{
	(void)what;
	struct ck_gate *gate = context;
	for (int i = 0; i < ACCEPTS_AT_ONCE && gate->clients_count < gate->clients_limit; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) break;
			/* Out of descriptors or memory: it stays readable, and asking again at once would be a busy loop; the tick asks. */
			ck_log(CK_LOG_ERROR, "accept: %s", strerror(errno));
			if (event_del(gate->acceptable) == 0) gate->accepting = false;
			return;
		}
		(void)client_new(gate, fd);
	}
	mind_the_door(gate);
}

/* ---- the other processes ---- */

static bool is_accepted(enum ck_process from, uint64_t type, const struct ck_map *message)
{
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		if (accepted[i].from != from || (uint64_t)accepted[i].type != type) continue;
		ck_keys required = accepted[i].required | CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST);
		return ck_map_expect(message, required, accepted[i].optional) == CK_OK;
	}
	return false;
}

/* How late it was when something was recorded last; or that root says that the clock is right, whatever was recorded. */
static bool take_clock(struct ck_gate *gate, const struct ck_map *message)
{
	int64_t at_s;
	bool confirmed;
	if (ck_map_int(message, CK_F_TIME, &at_s) != CK_OK || ck_map_bool(message, CK_F_VERDICT, &confirmed) != CK_OK) return false;
	if (confirmed) ck_wall_confirm(&gate->wall);
	ck_wall_raise(&gate->wall, at_s);
	return true;
}

static bool on_peer_message(struct ck_gate *gate, enum ck_process from, const struct ck_map *message, int fd)
{
	uint64_t type, request;
	gate->came++;
	if (fd >= 0) close(fd);
	if (fd >= 0 || ck_map_uint(message, CK_F_TYPE, 1, UINT64_MAX, &type) != CK_OK || !is_accepted(from, type, message) ||
	    ck_map_uint(message, CK_F_REQUEST, 1, UINT64_MAX, &request) != CK_OK) {
		ck_peers_accuse(gate->peers, from, 0, "a message that its table does not have");
		return false;
	}
	if (type == CK_MSG_CLOCK) return take_clock(gate, message);
	struct ck_gate_client *client = ck_gate_answered(gate, request, from);
	if (client != NULL) client->resume(client, message); /* else: it is gone, or has given up */
	return true;
}

static bool on_ledger_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	return on_peer_message(context, CK_PROCESS_LEDGER, message, fd);
}

static bool on_replica_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	return on_peer_message(context, CK_PROCESS_REPLICA, message, fd);
}

/* A channel that failed on this side: the other lives and gives no new one. Only the supervisor does, to a new process. */
static void end_without(struct ck_gate *gate, enum ck_process process)
{
	ck_log(CK_LOG_ERROR, "no channel to the %s can be kept: this gate ends", process == CK_PROCESS_LEDGER ? "ledger" : "replica");
	gate->failed = true;
	event_base_loopbreak(gate->base);
}

/* What is no frame at all is malformed too. */
static void on_peer_closed(struct ck_gate *gate, enum ck_process process, enum ck_error why)
{
	if (why == CK_ERR_INVALID || why == CK_ERR_LIMIT)
		ck_peers_accuse(gate->peers, process, 0, "bytes that are no message, or it does not read");
	ck_log(CK_LOG_WARNING, "the %s is gone: %s", process == CK_PROCESS_LEDGER ? "ledger" : "replica", ck_error_name(why));
	ck_gate_give_up(gate, process);
	if (why == CK_ERR_MEMORY || why == CK_ERR_IO) end_without(gate, process);
}

static void on_ledger_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	struct ck_gate *gate = context;
	if (gate->ledger == channel) gate->ledger = NULL;
	on_peer_closed(gate, CK_PROCESS_LEDGER, why);
}

static void on_replica_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	struct ck_gate *gate = context;
	if (gate->replica == channel) gate->replica = NULL;
	on_peer_closed(gate, CK_PROCESS_REPLICA, why);
}

static const struct ck_channel_handlers ledger_handlers = {.on_message = on_ledger_message, .on_closed = on_ledger_closed};
static const struct ck_channel_handlers replica_handlers = {.on_message = on_replica_message, .on_closed = on_replica_closed};

static void on_peer(enum ck_process process, unsigned index, int fd, void *context)
{
	struct ck_gate *gate = context;
	struct ck_channel **channel = process == CK_PROCESS_LEDGER ? &gate->ledger : &gate->replica;
	if (index != 0 || (process != CK_PROCESS_LEDGER && process != CK_PROCESS_REPLICA)) {
		ck_log(CK_LOG_ERROR, "the supervisor sent a channel that a gate has no use for: process %d", (int)process);
		close(fd);
		return;
	}
	/* What was asked of the one before will not be answered. */
	ck_channel_close(channel);
	ck_gate_give_up(gate, process);
	if (ck_channel_new(gate->base, fd, process == CK_PROCESS_LEDGER ? &ledger_handlers : &replica_handlers, gate, PEER_QUEUE_BYTES,
	                   PEER_IDLE_MS, false, channel) != CK_OK ||
	    (process == CK_PROCESS_LEDGER && ck_channel_gather(*channel) != CK_OK))
		end_without(gate, process);
}

static void on_token(uint64_t request, int fd, void *context) { ck_gate_token_came(context, request, fd); }

/* ---- time ---- */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_gate *gate = context;
	int64_t now_ms = ck_clock_monotonic_ms();
	ck_gate_give_up_late(gate, now_ms);
	mind_the_door(gate);
	(void)ck_wall_now(&gate->wall); /* so that a clock that goes back is noticed, however long nobody asked */
	for (size_t i = 0; i < gate->clients_limit; i++) {
		struct ck_gate_client *client = gate->clients[i];
		if (client == NULL || client->pending != 0) continue;
		int64_t rest_ms = now_ms - client->active_ms;
		bool silent = !client->spoke && rest_ms >= CLIENT_SILENT_MS;
		bool resting = client->uid != 0 && rest_ms >= CLIENT_RESTING_MS;
		if (silent || resting) client_free(client);
	}
	/* Not only when somebody asks: the first answer after a start should not wait for it. */
	struct ck_view *view;
	struct ck_store_state state;
	if (gate->store == NULL && ck_gate_view(gate, &view, &state) == CK_OK) ck_view_end(&view);
}

/* ---- start ---- */

/* The machine's secret, which only root may read: before the gate becomes another user. */
static enum ck_error load_secret(struct ck_gate *gate, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES + 16];
	uint8_t bytes[SECRET_FILE_LIMIT_BYTES];
	snprintf(path, sizeof path, "%s/secret", gate->config->directory);
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a FIFO would keep it waiting */
	if (fd < 0 && errno == ENOENT) {
		ck_log(CK_LOG_WARNING, "%s is missing: until the next start each gate makes up its own keys for unknown names", path);
		randombytes_buf(gate->secret, sizeof gate->secret);
		return CK_OK;
	}
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	ssize_t length = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, bytes, sizeof bytes) : -1;
	close(fd);
	enum ck_error error = CK_OK;
	if (length < (ssize_t)sizeof gate->secret)
		error = ck_fail(err, CK_ERR_INVALID, "%s: must be a file of at least %zu bytes", path, sizeof gate->secret);
	else
		crypto_generichash(gate->secret, sizeof gate->secret, bytes, (unsigned long long)length, NULL, 0);
	ck_wipe(bytes, sizeof bytes);
	return error;
}

static enum ck_error make_places(struct ck_gate *gate, struct ck_errmsg *err)
{
	size_t limit = (size_t)gate->config->clients_limit;
	if (limit < 4) limit = 4;
	if (limit > UINT16_MAX) limit = UINT16_MAX; /* a place's number is 16 bits of a request's */
	gate->clients = calloc(limit, sizeof *gate->clients);
	gate->owners = malloc(limit * sizeof *gate->owners);
	if (gate->clients == NULL || gate->owners == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for %zu clients", limit);
	for (size_t i = 0; i < limit; i++) gate->owners[i] = UINT32_MAX;
	gate->clients_limit = limit;
	return CK_OK;
}

/* Everything that needs root, or a name from /etc. */
static enum ck_error prepare(struct ck_gate *gate, struct ck_errmsg *err)
{
	struct timeval second = {.tv_sec = 1};
	int length = snprintf(gate->store_directory, sizeof gate->store_directory, "%s/store", gate->config->directory);
	CK_ASSERT(length > 0 && (size_t)length < sizeof gate->store_directory);
	if (sodium_init() < 0) return ck_fail(err, CK_ERR_INTERNAL, "libsodium does not start");
	gate->processors = sysconf(_SC_NPROCESSORS_ONLN); /* it reads a file */
	ck_wall_begin(&gate->wall);
	enum ck_error error = load_secret(gate, err);
	if (error == CK_OK) error = make_places(gate, err);
	if (error != CK_OK) return error;
	int flags = fcntl(CK_LISTEN_FD, F_GETFL);
	if (flags < 0 || fcntl(CK_LISTEN_FD, F_SETFL, flags | O_NONBLOCK) != 0)
		return ck_fail(err, CK_ERR_IO, "no listening socket on descriptor %d: %s", CK_LISTEN_FD, strerror(errno));
	gate->base = event_base_new();
	if (gate->base == NULL) return ck_fail(err, CK_ERR_MEMORY, "no event loop");
	gate->acceptable = event_new(gate->base, CK_LISTEN_FD, EV_READ | EV_PERSIST, on_acceptable, gate);
	gate->tick = event_new(gate->base, -1, EV_PERSIST, on_tick, gate);
	if (gate->acceptable == NULL || gate->tick == NULL || event_add(gate->tick, &second) != 0)
		return ck_fail(err, CK_ERR_MEMORY, "no events");
	return CK_OK;
}

/* LMDB takes its reader's place in lock.mdb, so that file is written; the data is the writer's and opened for reading only, which its owner
   and mode see to. /proc is for the ancestry of clients. */
static enum ck_error confine(struct ck_gate *gate, struct ck_errmsg *err)
{
	const struct ck_reach reach[] = {{gate->store_directory, CK_REACH_USE}, {"/proc", CK_REACH_READ}};
	const struct ck_confinement confinement = {
		.user = gate->config->user_gate, .filter = &ck_filter_gate, .reach = reach, .reach_count = 2};
	return ck_process_confine(&confinement, err);
}

static void finish(struct ck_gate *gate)
{
	for (size_t i = 0; i < gate->clients_limit; i++)
		if (gate->clients[i] != NULL) client_free(gate->clients[i]);
	ck_channel_close(&gate->ledger);
	ck_channel_close(&gate->replica);
	ck_peers_free(&gate->peers);
	if (gate->acceptable != NULL) event_free(gate->acceptable);
	if (gate->tick != NULL) event_free(gate->tick);
	if (gate->base != NULL) event_base_free(gate->base);
	ck_store_close(&gate->store);
	ck_wipe(gate->secret, sizeof gate->secret);
	free(gate->clients);
	free(gate->owners);
}

int ck_gate_main(struct ck_start *start)
{
	static struct ck_gate gate; /* its buffers are only touched as far as they are used */
	static const struct ck_peers_handlers peers_handlers = {.on_peer = on_peer, .on_token = on_token};
	struct ck_errmsg err = {""};
	gate.start = start;
	gate.config = &start->config;
	enum ck_error error = prepare(&gate, &err);
	if (error == CK_OK) error = confine(&gate, &err);
	if (error == CK_OK && ck_peers_new(gate.base, &peers_handlers, &gate, &gate.peers) != CK_OK)
		error = ck_fail(&err, CK_ERR_IO, "no channel to the supervisor");
	if (error == CK_OK) {
		on_tick(-1, 0, &gate);
		mind_the_door(&gate);
		ck_peers_ready(gate.peers);
		if (ck_gate_loop(&gate) != CK_OK) error = ck_fail(&err, CK_ERR_IO, "the event loop failed");
		if (gate.failed) error = ck_fail(&err, CK_ERR_IO, "it is cut off from its peers");
	}
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "the gate ends: %s", err.text);
	finish(&gate);
	return error == CK_OK ? 0 : 1;
}
