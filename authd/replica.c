/* The replica: holds the LDAP credentials and the store's only writer. Follows the directory into the store; verifies, authorises and writes
   changes. It trusts the provider for content as far as it checks out, the ledger for what is recorded, and a gate for nothing: a gate can
   refuse or delay, never invent. */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/dial.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define PEER_QUEUE_BYTES (8 * 1024 * 1024) /* a few hundred answers or records; who does not read them is gone */
#define PEER_IDLE_MS 10000
#define TICK_MS 50           /* the finest wait here is the first back-off */
#define BEHIND_PATIENCE_MS 30000 /* providers catch up with each other in far less */
#define REMOVAL_FLOOR 20     /* in a small directory a few entries are soon five per cent */

/* ---- which messages the other processes may send ---- */
static const struct {
	enum ck_process from;
	enum ck_message type;
	ck_keys required, optional;
} accepted[] = {
	{CK_PROCESS_GATE, CK_MSG_RELAY, CK_KEY(CK_F_BODY) | CK_KEY(CK_F_PEER_UID) | CK_KEY(CK_F_PEER_PID), 0},
	{CK_PROCESS_GATE, CK_MSG_PASSWORD,
	 CK_KEY(CK_F_USER) | CK_KEY(CK_F_ACCOUNT) | CK_KEY(CK_F_SERVICE) | CK_KEY(CK_F_TIME) | CK_KEY(CK_F_NONCE) | CK_KEY(CK_F_CREDENTIAL) |
	     CK_KEY(CK_F_AUTH_DATA) | CK_KEY(CK_F_SIGNATURE) | CK_KEY(CK_F_PEER_UID) | CK_KEY(CK_F_PEER_PID) | CK_KEY(CK_F_PASSWORD),
	 CK_KEY(CK_F_TTY) | CK_KEY(CK_F_REMOTE_HOST)},
	{CK_PROCESS_GATE, CK_MSG_STATE, 0, 0},
	{CK_PROCESS_LEDGER, CK_MSG_CLOCK, CK_KEY(CK_F_TIME) | CK_KEY(CK_F_VERDICT), 0},
	{CK_PROCESS_LEDGER, CK_MSG_RECORDED, CK_KEY(CK_F_VERDICT), CK_KEY(CK_F_REASON) | CK_KEY(CK_F_TEXT) | CK_KEY(CK_F_COUNT)},
	{CK_PROCESS_LEDGER, CK_MSG_KEY_USES_DUE, CK_KEY(CK_F_USES), 0},
};

static bool is_accepted(enum ck_process from, const struct ck_map *message, uint64_t *out_request)
{
	uint64_t type;
	if (ck_map_uint(message, CK_F_TYPE, 1, UINT64_MAX, &type) != CK_OK ||
	    ck_map_uint(message, CK_F_REQUEST, 1, UINT64_MAX, out_request) != CK_OK)
		return false;
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		if (accepted[i].from != from || (uint64_t)accepted[i].type != type) continue;
		return ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | accepted[i].required, accepted[i].optional) == CK_OK;
	}
	return false;
}

/* A channel that failed on this side: the other lives and gives no new one. Only the supervisor does, to a new process. */
static void end_without(struct ck_replica *r, const char *peer)
{
	ck_log(CK_LOG_ERROR, "no channel to %s can be kept: the replica ends", peer);
	r->exit_code = 1;
	event_base_loopbreak(r->base);
}

/* ---- gates ---- */

static bool relay(struct ck_replica *r, const struct ck_asker *asker, struct ck_bytes body, int fd)
{
	static struct ck_map request;
	uint64_t op;
	if (ck_map_parse(body, &request) != CK_OK || ck_map_uint(&request, CK_F_TYPE, 1, CK_OP_LAST, &op) != CK_OK) return false;
	const struct ck_operation *operation = ck_operation_of(op);
	if (operation == NULL || ck_map_expect(&request, CK_KEY(CK_F_TYPE) | operation->required, operation->optional) != CK_OK) return false;
	if (operation->handler != CK_HANDLER_REPLICA && operation->handler != CK_HANDLER_REPLICA_WITH_PEER) return false;
	bool writes = op != CK_OP_CONFIRM_CLOCK && op != CK_OP_CONFIRM_REFRESH;
	if (writes && ck_replica_clock_fails(r, asker)) return true;
	switch (op) {
	case CK_OP_CHANGE_BEGIN: ck_replica_change_begin(r, asker, &request); return true;
	case CK_OP_CHANGE_COMMIT: ck_replica_change_commit(r, asker, &request, body); return true;
	case CK_OP_ENROL_BEGIN: ck_replica_enrol_begin(r, asker, &request); return true;
	case CK_OP_ENROL_FINISH: ck_replica_enrol_finish(r, asker, &request); return true;
	case CK_OP_RECOVER: ck_replica_recover(r, asker, &request, fd); return true;
	case CK_OP_CONFIRM_REFRESH: ck_replica_confirm_refresh(r, asker, fd); return true;
	case CK_OP_COUNTER_RESET: ck_replica_counter_reset(r, asker, &request, fd); return true;
	case CK_OP_CONFIRM_CLOCK: ck_replica_confirm_clock(r, asker, fd); return true;
	case CK_OP_PASSWORD_BEGIN: ck_replica_password_begin(r, asker, &request); return true;
	case CK_OP_PASSWORD_CHANGE: ck_replica_password_change(r, asker, &request); return true;
	case CK_OP_PLAN_COMMIT: ck_replica_plan_commit(r, asker, &request); return true;
	case CK_OP_PLAN_BATCH: ck_replica_plan_batch(r, asker, &request, body); return true;
	default: return false;
	}
}

/* What a gate says of its client, and asks for. */
static bool ask(struct ck_replica *r, struct ck_asker *asker, const struct ck_map *message, uint64_t type, int fd)
{
	struct ck_bytes body;
	if (ck_map_uint(message, CK_F_PEER_UID, 0, UINT32_MAX, &asker->peer_uid) != CK_OK ||
	    ck_map_uint(message, CK_F_PEER_PID, 0, UINT32_MAX, &asker->peer_pid) != CK_OK)
		return false;
	if (type == CK_MSG_PASSWORD) return fd < 0 && ck_replica_password_login(r, asker, message);
	return type == CK_MSG_RELAY && ck_map_bytes(message, CK_F_BODY, 1, CK_FRAME_LIMIT_BYTES, &body) == CK_OK && relay(r, asker, body, fd);
}

static bool on_gate_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	struct ck_gate_link *gate = context;
	struct ck_replica *r = gate->replica;
	struct ck_asker asker = {.gate = gate->index, .epoch = gate->epoch};
	uint64_t type = 0;
	bool fine = is_accepted(CK_PROCESS_GATE, message, &asker.request) && ck_map_uint(message, CK_F_TYPE, 1, UINT64_MAX, &type) == CK_OK;
	if (fine && type == CK_MSG_STATE && fd < 0) {
		ck_replica_send_state(r, &asker);
		return true;
	}
	fine = fine && ask(r, &asker, message, type, fd);
	if (fd >= 0) close(fd);
	if (!fine) ck_peers_accuse(r->peers, CK_PROCESS_GATE, gate->index, "a message that the replica's table does not have");
	return fine;
}

static void on_gate_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	struct ck_gate_link *gate = context;
	if (gate->channel != channel) return;
	gate->channel = NULL;
	if (why == CK_ERR_INVALID || why == CK_ERR_LIMIT)
		ck_peers_accuse(gate->replica->peers, CK_PROCESS_GATE, gate->index, "bytes that are no message, or it does not read");
	ck_log(CK_LOG_INFO, "gate %u is gone: %s", gate->index, ck_error_name(why));
	if (why == CK_ERR_MEMORY || why == CK_ERR_IO) end_without(gate->replica, "a gate");
}

static const struct ck_channel_handlers gate_handlers = {.on_message = on_gate_message, .on_closed = on_gate_closed};

/* ---- the ledger ---- */

static bool recorded(struct ck_replica *r, const struct ck_map *message, uint64_t number)
{
	char reason[64] = "";
	bool stands = false;
	uint64_t wait_ms = 0;
	if (ck_map_bool(message, CK_F_VERDICT, &stands) != CK_OK) return false;
	if (ck_map_string(message, CK_F_REASON, reason, sizeof reason) != CK_OK) reason[0] = '\0';
	if (ck_map_uint(message, CK_F_COUNT, 0, INT32_MAX, &wait_ms) != CK_OK) wait_ms = 0;
	if (!ck_replica_password_recorded(r, number, stands, reason, (int64_t)wait_ms)) ck_replica_recorded(r, number, stands, reason);
	return true;
}

static bool on_ledger_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	struct ck_replica *r = context;
	uint64_t number, type = 0;
	if (fd >= 0) close(fd);
	bool fine = fd < 0 && is_accepted(CK_PROCESS_LEDGER, message, &number) && ck_map_uint(message, CK_F_TYPE, 1, UINT64_MAX, &type) == CK_OK;
	if (fine && type == CK_MSG_CLOCK) fine = ck_replica_take_clock(r, message);
	else if (fine) fine = type == CK_MSG_RECORDED ? recorded(r, message, number) : ck_replica_uses_due(r, message, number);
	if (!fine) ck_peers_accuse(r->peers, CK_PROCESS_LEDGER, 0, "a message that the replica's table does not have");
	return fine;
}

static void on_ledger_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	struct ck_replica *r = context;
	if (r->ledger == channel) r->ledger = NULL;
	ck_replica_uses_unheard(r);
	if (why == CK_ERR_INVALID || why == CK_ERR_LIMIT)
		ck_peers_accuse(r->peers, CK_PROCESS_LEDGER, 0, "bytes that are no message, or it does not read");
	ck_log(CK_LOG_WARNING, "the ledger is gone: %s", ck_error_name(why));
	if (why == CK_ERR_MEMORY || why == CK_ERR_IO) end_without(r, "the ledger");
}

static const struct ck_channel_handlers ledger_handlers = {.on_message = on_ledger_message, .on_closed = on_ledger_closed};

/* ---- peers ---- */

static void join_gate(struct ck_replica *r, unsigned index, int fd)
{
	struct ck_gate_link *gate = &r->gates[index];
	/* A gate that comes again may have ended because it read damage: the whole copy is looked at. */
	if (gate->epoch > 0) r->verify_wanted = true;
	ck_channel_close(&gate->channel);
	gate->replica = r;
	gate->index = index;
	gate->epoch++;
	if (ck_channel_new(r->base, fd, &gate_handlers, gate, PEER_QUEUE_BYTES, PEER_IDLE_MS, true, &gate->channel) != CK_OK)
		end_without(r, "a gate");
}

static void on_peer(enum ck_process process, unsigned index, int fd, void *context)
{
	struct ck_replica *r = context;
	if (process == CK_PROCESS_GATE && index < CK_REPLICA_GATES_LIMIT) {
		join_gate(r, index, fd);
	} else if (process == CK_PROCESS_LEDGER && index == 0) {
		ck_channel_close(&r->ledger);
		if (ck_channel_new(r->base, fd, &ledger_handlers, r, PEER_QUEUE_BYTES, PEER_IDLE_MS, false, &r->ledger) != CK_OK)
			end_without(r, "the ledger");
		ck_replica_send_early(r);
		ck_replica_uses_unheard(r);
		ck_replica_mind_uses(r, ck_clock_monotonic_ms());
	} else {
		ck_log(CK_LOG_ERROR, "the supervisor sent a channel that the replica has no use for: process %d", (int)process);
		close(fd);
	}
}

/* ---- what the follower says ---- */

static void on_quarantine(struct ck_text dn, const char *reason, void *context)
{
	char shown[512];
	struct ck_replica_event event = {.event = CK_EVENT_QUARANTINED,
	                                 .name = ck_escape(ck_bytes_of(dn), shown, sizeof shown),
	                                 .reason = reason != NULL ? "quarantined" : "released",
	                                 .detail = reason};
	(void)ck_replica_record(context, &event);
}

static void on_alarm(const char *detail, void *context)
{
	struct ck_replica_event event = {.event = CK_EVENT_ALARM, .detail = detail};
	(void)ck_replica_record(context, &event);
}

static void on_refreshed(bool full, uint64_t entries, uint64_t removed, void *context)
{
	char detail[128];
	snprintf(detail, sizeof detail, "%s refresh, %llu removed", full ? "full" : "resumed", (unsigned long long)removed);
	ck_log(CK_LOG_INFO, "%s: %llu entries named", detail, (unsigned long long)entries);
	struct ck_replica_event event = {.event = CK_EVENT_REFRESHED, .with_count = true, .count = entries, .detail = detail};
	(void)ck_replica_record(context, &event);
	ck_replica_uses_tell_all(context);
	ck_replica_mind_uses(context, ck_clock_monotonic_ms());
}

static bool is_attested(const struct ck_key *key, void *context)
{
	struct ck_replica *r = context;
	struct ck_errmsg why;
	char hash[2 * CK_HASH_BYTES + 1];
	if (!ck_text_is(key->attestation, CK_ATTESTATION_CERTIFICATE)) return false;
	bool attested = ck_attestation_check(key, r->roots, &why) == CK_OK;
	if (!attested) ck_log(CK_LOG_DEBUG, "key %s is not attested: %s", ck_hex_encode(key->hash, sizeof key->hash, hash, sizeof hash), why.text);
	return attested;
}

static void on_replacing(void *context)
{
	ck_replica_end_verification(context);
}

static void on_committed(void *context)
{
	ck_replica_look_visible(context);
}

static void on_key_use(const struct ck_record *use, bool there, void *context)
{
	ck_replica_use_came(context, use, there);
}

/* ---- start ---- */

static char damaged_path[CK_CONFIG_TEXT_BYTES + 32], suspect_path[CK_CONFIG_TEXT_BYTES + 32]; /* for handlers, which may call almost nothing */

/* A mapped file that was cut: the next start begins the copy anew. */
static void on_sigbus(int number)
{
	(void)number;
	int fd = open(damaged_path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0) close(fd);
	_exit(1);
}

#ifndef CK_SANITIZED /* the sanitizer tells more about it */
/* Perhaps a fault of ours, perhaps a page that led astray: the next start looks at the whole copy, and dies of it once at most. */
static void on_crash(int number)
{
	int fd = open(suspect_path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0) close(fd);
	(void)raise(number); /* which now has its usual end, once this returns */
}
#endif

static bool handle_signals(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, bus = {.sa_handler = on_sigbus};
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGBUS, &bus, NULL) != 0) return false;
#ifndef CK_SANITIZED
	const struct sigaction crash = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
	if (sigaction(SIGSEGV, &crash, NULL) != 0 || sigaction(SIGABRT, &crash, NULL) != 0) return false;
#endif
	return true;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	int64_t now_ms = ck_clock_monotonic_ms();
	ck_replica_mind_dials(r, now_ms);
	ck_replica_mind_works(r, now_ms);
	ck_replica_mind_passwords(r, now_ms);
	ck_replica_mind_stream(r, now_ms);
	ck_replica_mind_uses(r, now_ms);
}

/* Everything that needs root, or that the sandbox forbids. */
static enum ck_error prepare(struct ck_replica *r, struct ck_errmsg *err)
{
	int length = snprintf(r->store_directory, sizeof r->store_directory, "%s/store", r->config->directory);
	CK_ASSERT(length > 0 && (size_t)length < sizeof r->store_directory);
	snprintf(damaged_path, sizeof damaged_path, "%s/" CK_FOLLOWER_DAMAGED_FILE, r->store_directory);
	snprintf(suspect_path, sizeof suspect_path, "%s/" CK_FOLLOWER_SUSPECT_FILE, r->store_directory);
	if (!handle_signals()) return ck_fail(err, CK_ERR_IO, "sigaction failed");
	enum ck_error error = ck_replica_dials_start(r, err); /* first: it is a copy of what there is then */
	if (error != CK_OK) return error;
	if (sodium_init() < 0) return ck_fail(err, CK_ERR_INTERNAL, "libsodium does not start");
	randombytes_buf(r->secret, sizeof r->secret);
	ck_wall_begin(&r->wall);
	if (!ck_dial_set_kerberos(r->config, false) || ck_replica_providers_open(r) != CK_OK) return ck_fail(err, CK_ERR_MEMORY, "no memory");
	error = ck_attestation_load(r->config->attestation_roots, &r->roots, err);
	return error == CK_OK ? ck_ldap_prepare(err) : error;
}

/* Of the files that providers ask for it reads what it shows, and never the keytab, which is the dialler's; both run as one user, and each
   has its own walls. */
static enum ck_error confine(struct ck_replica *r, struct ck_errmsg *err)
{
	char tickets[CK_CONFIG_TEXT_BYTES + 16], kerberos[CK_CONFIG_TEXT_BYTES + 16];
	/* a machine without a tz database knows UTC only */
	struct ck_reach reach[4 + CK_PROVIDER_FILES] = {{r->store_directory, CK_REACH_WRITE},
	                                                {CK_ZONE_DIRECTORY, CK_REACH_READ | CK_REACH_OPTIONAL}};
	size_t count = 2;
	for (int file = 0; file < CK_PROVIDER_FILES; file++)
		if (file != CK_PROVIDER_KEYTAB && ck_config_provider_needs(r->config, (enum ck_provider_file)file))
			reach[count++] = (struct ck_reach){r->provider_files[file], CK_REACH_READ};
	if (ck_config_provider_needs(r->config, CK_PROVIDER_KEYTAB)) {
		snprintf(tickets, sizeof tickets, "%s/tickets", r->config->directory);
		snprintf(kerberos, sizeof kerberos, "%s/run/krb5.conf", r->config->directory);
		reach[count++] = (struct ck_reach){tickets, CK_REACH_READ};
		reach[count++] = (struct ck_reach){kerberos, CK_REACH_READ};
	}
	const struct ck_confinement confinement = {.user = r->config->user_replica,
	                                           .filter = ck_config_providers(r->config) > 0 ? &ck_filter_replica_elsewhere : &ck_filter_replica,
	                                           .reach = reach, .reach_count = count};
	return ck_process_confine(&confinement, err);
}

static enum ck_error open_parts(struct ck_replica *r, struct ck_errmsg *err)
{
	struct ck_follower_settings settings = {.store_directory = r->store_directory,
	                                        .suffix = r->config->suffix,
	                                        .zone_directory = CK_ZONE_DIRECTORY,
	                                        .wall = &r->wall,
	                                        .behind_patience_ms = BEHIND_PATIENCE_MS,
	                                        .removal_percent = (unsigned)r->config->refresh_removal_percent,
	                                        .removal_floor = REMOVAL_FLOOR,
	                                        .on_quarantine = on_quarantine,
	                                        .on_alarm = on_alarm,
	                                        .on_refreshed = on_refreshed,
	                                        .on_replacing = on_replacing,
	                                        .on_committed = on_committed,
	                                        .on_key_use = on_key_use,
	                                        .context = r};
	static const struct ck_peers_handlers peers_handlers = {.on_peer = on_peer};
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};
	if (r->roots != NULL) {
		settings.is_attested = is_attested;
		memcpy(settings.roots_digest, ck_fido_roots_digest(r->roots), sizeof settings.roots_digest);
	}
	enum ck_error error = ck_follower_open(&settings, &r->follower, err);
	if (error != CK_OK) return error;
	if (ck_replica_plans_open(r) != CK_OK) return ck_fail(err, CK_ERR_MEMORY, "no memory for plans");
	if (ck_replica_uses_open(r) != CK_OK) return ck_fail(err, CK_ERR_MEMORY, "no memory for the use of keys");
	if (ck_replica_passwords_open(r) != CK_OK) return ck_fail(err, CK_ERR_MEMORY, "no memory for passwords");
	r->base = event_base_new();
	if (r->base == NULL || ck_replica_dials_open(r) != CK_OK || ck_peers_new(r->base, &peers_handlers, r, &r->peers) != CK_OK)
		return ck_fail(err, CK_ERR_MEMORY, "the event loop does not start");
	r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r);
	if (r->tick == NULL || event_add(r->tick, &tick) != 0) return ck_fail(err, CK_ERR_MEMORY, "the event loop does not start");
	return CK_OK;
}

static void close_parts(struct ck_replica *r)
{
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) ck_work_end(&r->works[i]);
	if (r->follower != NULL) ck_replica_stop_stream(r);
	ck_replica_end_verification(r);
	ck_replica_reach_end(&r->reach);
	ck_replica_reach_end(&r->writer_reach);
	ck_replica_drop_writer(r);
	ck_replica_plans_close(r);
	ck_replica_uses_close(r);
	ck_replica_passwords_close(r);
	ck_replica_dials_close(r);
	ck_replica_providers_close(r);
	for (size_t i = 0; i < CK_REPLICA_GATES_LIMIT; i++) ck_channel_close(&r->gates[i].channel);
	ck_channel_close(&r->ledger);
	ck_peers_free(&r->peers);
	if (r->tick != NULL) event_free(r->tick);
	if (r->base != NULL) event_base_free(r->base);
	ck_follower_close(&r->follower);
	ck_fido_roots_free(&r->roots);
	free(r->early);
}

int ck_replica_main(struct ck_start *start)
{
	struct ck_errmsg err = {""};
	struct ck_replica *r = calloc(1, sizeof *r);
	if (r == NULL) return 1;
	r->start = start;
	r->config = &start->config;
	enum ck_error error = prepare(r, &err);
	if (error == CK_OK) error = confine(r, &err);
	if (error == CK_OK) error = open_parts(r, &err);
	if (error != CK_OK) {
		ck_log(CK_LOG_ERROR, "%s", err.text);
		r->exit_code = 1;
	} else {
		ck_peers_ready(r->peers);
		ck_replica_mind_stream(r, ck_clock_monotonic_ms());
		(void)event_base_dispatch(r->base);
	}
	int code = r->exit_code;
	close_parts(r);
	free(r);
	return code;
}
