/* Where something comes from, for what is limited: the user who asks, or who started root's program that asks (su, sudo: nobody can deny their
   own uid); where there is none, the remote host or the terminal that root's program names. What is begun from there, and ends without a key's
   proof, is limited at the ledger. Whoever comes from elsewhere is not touched by it, and no name is: no stranger locks anybody out. */
#include "authd/gate_state.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define TRY_TIMEOUT_MS 4000  /* shorter than CK_CLIENT_REPLY_TIMEOUT_MS, so that the client hears why */
#define IPV6_SITE_BYTES 8    /* one site has at least a /64, and may change within it as it likes */

/* ---- the source ---- */

static void hash_source(struct ck_gate_source *source, char kind, const void *at, size_t length)
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof source->hash);
	crypto_generichash_update(&state, (const unsigned char *)&kind, 1);
	crypto_generichash_update(&state, at, length);
	crypto_generichash_final(&state, source->hash, sizeof source->hash);
	source->known = true;
}

/* An address that is good on one link alone has the name of that link behind it (fe80::1%eth0): the site is the link. */
static void hash_host(struct ck_gate_source *source, const char *host)
{
	struct ck_network address;
	struct ck_text text = {host, strcspn(host, "%")};
	if (ck_address_parse(text, &address) != CK_OK) hash_source(source, 'h', host, strlen(host));
	else if (host[text.length] != '\0') hash_source(source, 'l', host + text.length, strlen(host + text.length));
	else hash_source(source, (char)('0' + address.family), address.address, address.family == 6 ? IPV6_SITE_BYTES : 4);
}

void ck_gate_find_source(struct ck_gate_client *client)
{
	struct ck_gate_source *source = &client->source;
	const struct ck_login_ask *ask = &client->ask;
	ck_gate_tell_proved(client);
	memset(source, 0, sizeof *source);
	source->owner = ck_gate_owner(client->uid, ck_channel_fd(client->channel), client->pid, client->accepted_ticks);
	if (source->owner != 0) hash_source(source, 'u', &source->owner, sizeof source->owner);
	else if (ask->remote_host[0] != '\0') hash_host(source, ask->remote_host);
	else if (ask->tty[0] != '\0') hash_source(source, 't', ask->tty, strlen(ask->tty));
}

/* ---- trying ---- */

/* Seconds, rounded up, as a person reads them. */
void ck_gate_deny_limited(struct ck_gate_client *client, const char *reason, const char *what, int64_t wait_ms)
{
	char message[160];
	snprintf(message, sizeof message, "%s; try again in %lld s", what, (long long)((wait_ms + 999) / 1000));
	ck_gate_deny(client, reason, message);
}

static void refusal_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	if (ck_gate_recorded(reply, reason) != CK_OK) ck_gate_unavailable(client, "the refusal could not be recorded");
	else ck_gate_deny_limited(client, CK_REASON_TRIES, "too many tries from here", client->wait_ms);
}

static void record_too_many(struct ck_gate_client *client)
{
	struct ck_gate_event event = {.event = CK_EVENT_LOGIN_REFUSED,
	                              .ask = &client->ask,
	                              .system = client->gate->config->system,
	                              .reason = CK_REASON_TRIES,
	                              .detail = ck_operation_of(client->op)->name,
	                              .with_proved = true,
	                              .proved = CK_PROVED_NOTHING};
	ck_gate_record(client, &event, refusal_recorded);
}

/* False: answered. */
static bool may_go_on(struct ck_gate_client *client, const struct ck_map *reply)
{
	bool may = false;
	uint64_t wait_ms = 0;
	if (reply == NULL || ck_map_bool(reply, CK_F_VERDICT, &may) != CK_OK || ck_map_uint(reply, CK_F_COUNT, 0, INT32_MAX, &wait_ms) != CK_OK) {
		ck_gate_unavailable(client, "the part that keeps count does not answer");
		return false;
	}
	client->wait_ms = (int64_t)wait_ms;
	if (may) client->tried = CK_GATE_TRIED;
	else record_too_many(client);
	return may;
}

static void tried(struct ck_gate_client *client, const struct ck_map *reply)
{
	if (may_go_on(client, reply)) client->then(client);
}

static void tried_here(struct ck_gate_client *client, const struct ck_map *reply)
{
	if (!may_go_on(client, reply)) return;
	if (!client->origin_known) ck_gate_take_session(client, reply);
	client->then(client);
}

static bool is_counted(struct ck_gate_client *client, bool limited)
{
	ck_gate_find_source(client);
	client->tried = CK_GATE_UNTRIED;
	return limited && client->source.known;
}

static void ask(struct ck_gate_client *client, struct ck_map_writer *m, ck_gate_then then, ck_gate_resume resume)
{
	client->then = then;
	ck_field_bytes(m, CK_F_SOURCE, client->source.hash, sizeof client->source.hash);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, TRY_TIMEOUT_MS, -1, resume);
}

void ck_gate_try(struct ck_gate_client *client, bool limited, ck_gate_then then)
{
	if (is_counted(client, limited)) ask(client, ck_gate_ask_begin(client, CK_MSG_TRY), then, tried);
	else then(client);
}

/* One question for both: whether it may, and in whose session it sits. */
void ck_gate_try_here(struct ck_gate_client *client, bool limited, bool operator, ck_gate_then then)
{
	if (!is_counted(client, limited)) {
		ck_gate_locate(client, operator, then);
		return;
	}
	bool known = ck_gate_locate_at_once(client, operator);
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_TRY);
	if (!known) client->origin_known = ck_gate_put_ancestors(client, m) == 0; /* it is gone already, or not the one that connected */
	ask(client, m, then, tried_here);
}

void ck_gate_proved(struct ck_gate_client *client)
{
	if (client->tried == CK_GATE_TRIED) client->tried = CK_GATE_PROVED;
}

void ck_gate_put_proved(struct ck_gate_client *client, struct ck_map_writer *m)
{
	if (client->tried != CK_GATE_PROVED) return;
	client->tried = CK_GATE_UNTRIED;
	ck_field_bytes(m, CK_F_SOURCE, client->source.hash, sizeof client->source.hash);
}

void ck_gate_tell_proved(struct ck_gate_client *client)
{
	if (client->tried != CK_GATE_PROVED) return;
	ck_gate_put_proved(client, ck_gate_ask_begin(client, CK_MSG_PROVED));
	ck_gate_tell_ledger(client);
}
