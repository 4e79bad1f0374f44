/* What the ledger is told by gates and the replica, as it goes over the wire, and what of it stands in its log. */
#ifndef CK_TESTS_LEDGER_MESSAGES_H
#define CK_TESTS_LEDGER_MESSAGES_H

#include <check.h>
#include <string.h>

#include "authd/ledger_event.h"
#include "authd/ledger_use.h"
#include "authd/process.h"
#include "authd/protocol/frame.h"
#include "directory/base/clock.h"
#include "directory/model/record.h"
#include "tests/unit/audit_fixture.h"

static uint8_t hash[32] = { 1, 2, 3 };
static uint8_t login_id[CK_LOGIN_ID_BYTES] = { 9 };
static uint64_t next_request = 1;

/* What a message says; zero: not there. */
struct said {
	unsigned event;
	const char *user, *account, *service, *host, *reason, *detail, *operation;
	bool count_there;
	uint32_t count, uid;
	unsigned proved;
	bool login, extra, no_hash, with_hash, with_source;
	uint64_t leader[6];
	size_t leaders;
	bool with_rule, with_target;
	int64_t age_ms;
	const char *digest; /* 32 bytes */
};

static inline size_t encode(const struct said *s, unsigned type, uint8_t *out, size_t out_bytes)
{
	struct ck_frame_out f;
	size_t length;
	uint8_t zeros[32] = { 0 };
	ck_frame_begin(&f, out, out_bytes);
	ck_field_uint(&f.map, CK_F_TYPE, type);
	ck_field_uint(&f.map, CK_F_REQUEST, next_request++);
	ck_field_string(&f.map, CK_F_USER, s->user);
	ck_field_string(&f.map, CK_F_ACCOUNT, s->account);
	ck_field_string(&f.map, CK_F_SERVICE, s->service);
	ck_field_string(&f.map, CK_F_REMOTE_HOST, s->host);
	if (s->with_rule) ck_field_string(&f.map, CK_F_SYSTEM, "hostname");
	if (s->login) ck_field_bytes(&f.map, CK_F_LOGIN_ID, login_id, sizeof login_id);
	if (s->with_rule) ck_field_int(&f.map, CK_F_UNTIL, CK_TIME_UNLIMITED);
	ck_field_string(&f.map, CK_F_REASON, s->reason);
	if (s->with_rule || s->proved) ck_field_uint(&f.map, CK_F_PROVED, s->proved);
	if (s->event) ck_field_uint(&f.map, CK_F_EVENT, s->event);
	if ((s->count_there || s->with_hash) && !s->no_hash) ck_field_bytes(&f.map, CK_F_HASH, hash, sizeof hash);
	if (s->count_there) ck_field_uint(&f.map, CK_F_COUNT, s->count);
	if (type == CK_MSG_RECORD && !s->with_target) ck_field_uint(&f.map, CK_F_PEER_UID, s->uid);
	if (s->with_rule) ck_field_bytes(&f.map, CK_F_RULE, zeros, 16);
	if (s->leaders > 0) {
		ck_field_key(&f.map, CK_F_ANCESTORS);
		ck_cbor_put_array(f.map.w, s->leaders);
		for (size_t i = 0; i < s->leaders; i++) ck_cbor_put_uint(f.map.w, s->leader[i]);
	}
	ck_field_string(&f.map, CK_F_OPERATION, s->operation);
	if (s->with_target) ck_field_bytes(&f.map, CK_F_TARGET, zeros, 16);
	if (s->with_target && s->reason == NULL) ck_field_bytes(&f.map, CK_F_DIGEST, zeros, 32);
	if (s->digest != NULL) ck_field_bytes(&f.map, CK_F_DIGEST, s->digest, 32);
	ck_field_string(&f.map, CK_F_DETAIL, s->detail);
	if (s->extra) ck_field_string(&f.map, CK_F_STATE, "unexpected");
	if (s->age_ms != 0) ck_field_int(&f.map, CK_F_AGE, s->age_ms);
	if (s->with_source) ck_field_bytes(&f.map, CK_F_SOURCE, hash, sizeof hash);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	return length;
}

static const struct said granted_login = { .event = CK_EVENT_LOGIN_GRANTED, .user = "eluned", .account = "eluned", .service = "login",
	                                   .login = true, .with_rule = true, .proved = 5, .count_there = true, .count = 7 };
static const struct said granted_account = { .event = CK_EVENT_ACCOUNT_GRANTED, .user = "eluned", .account = "eluned", .service = "sshd",
	                                     .host = "10.0.0.9", .login = true, .with_rule = true };
static const struct said refused_account = { .event = CK_EVENT_ACCOUNT_REFUSED, .user = "huw", .account = "root", .service = "su",
	                                     .reason = "no-role" };
static const struct said opened = { .event = CK_EVENT_SESSION_OPENED, .account = "eluned", .service = "login", .login = true,
	                            .leader = { 4711, 99 }, .leaders = 2 };
static const struct said closed = { .event = CK_EVENT_SESSION_CLOSED, .login = true };
static const struct said intent = { .event = CK_EVENT_CHANGE_INTENT, .user = "eluned", .operation = "grant.add", .with_target = true };

/* CK_MSG_KEY_USES with what the directory has of the one key, or (count -1) nothing. */
static inline size_t encode_uses(int64_t count, unsigned stage, unsigned due_limit, uint8_t *out, size_t out_bytes)
{
	struct ck_use use = { .there = true, .count = (uint32_t)count, .used_s = 1800000000, .written_s = 1800000000 };
	struct ck_frame_out f;
	size_t length;
	memcpy(use.hash, hash, sizeof use.hash);
	ck_frame_begin(&f, out, out_bytes);
	ck_field_uint(&f.map, CK_F_TYPE, CK_MSG_KEY_USES);
	ck_field_uint(&f.map, CK_F_REQUEST, next_request++);
	ck_field_uint(&f.map, CK_F_COUNT, due_limit);
	ck_uses_put(&f.map, &use, count >= 0);
	ck_field_uint(&f.map, CK_F_STAGE, stage);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	return length;
}

/* The log's records of an event, counted. */
static const char *wanted;
static char newest[CK_AUDIT_RECORD_LIMIT_BYTES];
static inline bool count_one(const struct ck_audit_record *r, const char *file, uint64_t line_number, void *context)
{
	(void)file;
	(void)line_number;
	if (!ck_text_is(r->event, wanted)) return true;
	ck_assert_int_eq(ck_text_copy(newest, sizeof newest, r->line), CK_OK);
	++*(unsigned *)context;
	return true;
}
static inline unsigned recorded(const char *event)
{
	unsigned count = 0;
	wanted = event;
	ck_assert_int_eq(ck_audit_each(fixture_directory, count_one, &count, NULL), CK_OK);
	return count;
}

#endif
