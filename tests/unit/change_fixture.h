/* One change as its administrator's client makes it, over a small real store and a directory of one entry: each test makes one thing wrong. */
#ifndef CK_TESTS_CHANGE_FIXTURE_H
#define CK_TESTS_CHANGE_FIXTURE_H

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "authd/change.h"
#include "authd/fido/fido.h"
#include "authd/protocol/frame.h"
#include "directory/base/clock.h"
#include "tests/fakes/soft_key.h"
#include "tests/fakes/store_builder.h"

#define RP "keys.example.org"
#define SYSTEM "core1"
#define SUFFIX "dc=example,dc=org"
#define CSN "20270115080000.000000Z#000000#001#000000"
#define LIFE_MS 60000
#define NOW CK_BUILDER_NOW_S

/* LEEDS is founding; ada administers it, alice administers YORK, bob is staff of YORK, carol administers BATH and has no key. */
enum { LEEDS = 1, YORK = 2, BATH = 3, ADA = 10, ALICE = 11, BOB = 12, CAROL = 13, LEEDS_ADMINS = 20, YORK_ADMINS = 21, BATH_ADMINS = 22,
       PORTERS = 23, WEB = 40, SERVERS = 45, LEEDS_WEB = 41, FRESH = 90, FRESH2 = 91, FRESH3 = 92, FRESH4 = 93, FRESH5 = 94 };
enum { KEY_ADA, KEY_ALICE, KEY_BOB, KEY_BOB2, KEYS };

struct value {
	const char *attribute, *text;
};
struct draft { /* one statement; zero fields take what fits the operation */
	const char *operation, *csn;
	unsigned target, parent, authority;
	const uint8_t *hash; /* of a key */
	struct value values[20];
};

struct fixture {
	struct ck_builder *b;
	struct ck_soft_credential keys[KEYS];
	uint8_t hashes[KEYS][32];
	struct ck_change_place place;
	struct ck_nonces nonces;
	struct ck_nonce nonce;
	struct ck_prepared_keys prepared;
	struct ck_denial denial;
	struct ck_order order;
	/* what the client sends */
	uint8_t statements[8][CK_CHANGE_STATEMENT_LIMIT_BYTES], values[8][8192];
	size_t statement_lengths[8], value_lengths[8], count;
	uint8_t body[CK_FRAME_LIMIT_BYTES];
	struct ck_map map;
	struct ck_soft_assertion touch;
	/* what a test changes */
	const char *system, *user; /* in the list that is signed */
	int signer;
	bool verified;
	int64_t commit_ms; /* when it comes, monotonic; it was begun at 1000 */
	uint8_t nonce_bytes[CK_NONCE_BYTES];
	/* the directory */
	const struct value *entry;
	const char *entry_dn;
	enum ck_error read_error;
};
static struct fixture f;

/* The record of a key that put_key made. */
static inline struct ck_record *key_record(int which, unsigned authority, unsigned staff, const char *seed)
{
	struct ck_record *record = ck_builder_key(f.b, 60 + (unsigned)which, authority, staff, seed);
	record->as.key.credential_id = (struct ck_bytes){f.keys[which].id, f.keys[which].id_length};
	record->as.key.public_key = (struct ck_bytes){f.keys[which].cose, f.keys[which].cose_length};
	record->as.key.rp_id = ck_text_of(RP);
	ck_sha256(f.hashes[which], &record->as.key.credential_id, 1);
	memcpy(record->as.key.hash, f.hashes[which], 32);
	memcpy(record->id.bytes, f.hashes[which], 16);
	return record;
}

static inline void put_key(int which, unsigned authority, unsigned staff, const char *seed)
{
	ck_assert(ck_soft_make_credential(&f.keys[which], RP, CK_SOFT_ES256, seed));
	ck_builder_put(f.b, key_record(which, authority, staff, seed));
}

static inline void alter_alices_key(enum ck_status status, struct ck_window window)
{
	struct ck_record *record = key_record(KEY_ALICE, YORK, ALICE, "alice");
	record->as.key.status = status;
	record->as.key.window = window;
	ck_builder_put(f.b, record);
}
static const struct ck_window always = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};

static inline void put_authority(unsigned number, const char *name, unsigned admins, uint64_t first)
{
	struct ck_record *record = ck_builder_authority(f.b, number, name);
	record->as.authority_of.admin_role = ck_builder_id(admins);
	record->as.authority_of.uid_number_first = first;
	record->as.authority_of.uid_number_last = first + 999;
	record->as.authority_of.mail_domains.at[0] = ck_text_of("example.gov.uk");
	ck_builder_put(f.b, record);
	ck_builder_put(f.b, ck_builder_role(f.b, admins, number, "administrators"));
}

static inline void change_setup(void)
{
	memset(&f, 0, sizeof f);
	ck_assert_int_ge(sodium_init(), 0);
	f.b = ck_builder_new();
	put_authority(LEEDS, "Leeds", LEEDS_ADMINS, 200000);
	put_authority(YORK, "York", YORK_ADMINS, 201000);
	put_authority(BATH, "Bath", BATH_ADMINS, 202000);
	ck_builder_put(f.b, ck_builder_staff(f.b, ADA, LEEDS, "ada", 200001));
	ck_builder_put(f.b, ck_builder_staff(f.b, ALICE, YORK, "alice", 201001));
	ck_builder_put(f.b, ck_builder_staff(f.b, BOB, YORK, "bob", 201002));
	ck_builder_put(f.b, ck_builder_staff(f.b, CAROL, BATH, "carol", 202001));
	ck_builder_put(f.b, ck_builder_grant(f.b, 30, LEEDS, LEEDS_ADMINS, ADA));
	ck_builder_put(f.b, ck_builder_grant(f.b, 31, YORK, YORK_ADMINS, ALICE));
	ck_builder_put(f.b, ck_builder_grant(f.b, 32, BATH, BATH_ADMINS, CAROL));
	ck_builder_put(f.b, ck_builder_role(f.b, PORTERS, YORK, "porters"));
	ck_builder_put(f.b, ck_builder_system(f.b, WEB, YORK, "web-1"));
	ck_builder_put(f.b, ck_builder_system(f.b, LEEDS_WEB, LEEDS, "leeds-1"));
	ck_builder_put(f.b, ck_builder_group(f.b, SERVERS, YORK, "servers"));
	put_key(KEY_ADA, LEEDS, ADA, "ada");
	put_key(KEY_ALICE, YORK, ALICE, "alice");
	put_key(KEY_BOB, YORK, BOB, "bob");
	put_key(KEY_BOB2, YORK, BOB, "bob two");
	ck_builder_commit(f.b);
	f.place = (struct ck_change_place){.system = ck_text_of(SYSTEM), .rp_id = ck_text_of(RP), .suffix = ck_text_of(SUFFIX), .zone_directory = CK_ZONE_DIRECTORY,
	                                   .founding = ck_builder_id(LEEDS), .now = {.s = NOW}, .now_ms = 2000, .code_life_s = 86400,
	                                   .prepared = &f.prepared};
	f.system = SYSTEM;
	f.user = "alice";
	f.signer = KEY_ALICE;
	f.verified = true;
	f.commit_ms = 2000;
	f.read_error = CK_OK;
}

static inline void change_teardown(void)
{
	ck_builder_free(&f.b);
}

/* ---- the client ---- */

static inline void begin_as(const char *user)
{
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of(user), 1000, 1000, NOW - 1, LIFE_MS, &f.nonce), CK_OK);
	memcpy(f.nonce_bytes, f.nonce.bytes, sizeof f.nonce_bytes);
}

static inline void add_statement(const struct draft *draft)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_change_statement s = {.operation = ck_text_of(draft->operation), .csn = ck_text_of(draft->csn != NULL ? draft->csn : "")};
	struct ck_id target = ck_builder_id(draft->target), parent = ck_builder_id(draft->parent);
	size_t count = 0, at = f.count;
	for (; draft->values[count].attribute != NULL; count++) {
		values[count].attribute = ck_text_of(draft->values[count].attribute);
		values[count].values[0] = ck_bytes_of(ck_text_of(draft->values[count].text));
		values[count].count = draft->values[count].text != NULL ? 1 : 0;
	}
	ck_assert_int_eq(ck_change_values_encode(values, count, f.values[at], sizeof f.values[at], &f.value_lengths[at]), CK_OK);
	ck_sha256(s.digest, &(struct ck_bytes){f.values[at], f.value_lengths[at]}, 1);
	s.target = draft->hash != NULL ? (struct ck_bytes){draft->hash, 32} : (struct ck_bytes){target.bytes, 16};
	if (draft->parent != 0) s.parent = (struct ck_bytes){parent.bytes, 16};
	s.authority = ck_builder_id(draft->authority != 0 ? draft->authority : YORK);
	ck_assert_int_eq(ck_change_statement_encode(&s, f.statements[at], sizeof f.statements[at], &f.statement_lengths[at]), CK_OK);
	f.count++;
}

static inline void touch(void)
{
	static const char tag[] = CK_TAG_CHANGE;
	uint8_t digests[8][32], list_bytes[CK_CHANGE_LIST_LIMIT_BYTES], challenge[32];
	size_t length;
	struct ck_change_list list = {.digests = (const uint8_t(*)[32])digests, .count = f.count, .system = ck_text_of(f.system),
	                              .user = ck_text_of(f.user), .time_s = f.nonce.time_s};
	memcpy(list.nonce, f.nonce_bytes, sizeof list.nonce);
	for (size_t i = 0; i < f.count; i++) ck_sha256(digests[i], &(struct ck_bytes){f.statements[i], f.statement_lengths[i]}, 1);
	ck_assert_int_eq(ck_change_list_encode(&list, list_bytes, sizeof list_bytes, &length), CK_OK);
	ck_sha256(challenge, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, {list_bytes, length}}, 2);
	ck_assert(ck_soft_make_assertion(&f.keys[f.signer], challenge, f.verified, &f.touch));
}

/* ---- the replica ---- */

static inline void make_request(void)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, f.body, sizeof f.body);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_OP_CHANGE_COMMIT);
	ck_field_bytes(&m, CK_F_CREDENTIAL, f.keys[f.signer].id, f.keys[f.signer].id_length);
	ck_field_bytes(&m, CK_F_AUTH_DATA, f.touch.auth_data, f.touch.auth_data_length);
	ck_field_bytes(&m, CK_F_SIGNATURE, f.touch.signature, f.touch.signature_length);
	ck_field_key(&m, CK_F_STATEMENTS);
	ck_cbor_put_array(&w, f.count);
	for (size_t i = 0; i < f.count; i++) ck_cbor_put_bytes(&w, f.statements[i], f.statement_lengths[i]);
	ck_field_key(&m, CK_F_VALUES);
	ck_cbor_put_array(&w, f.count);
	for (size_t i = 0; i < f.count; i++) ck_cbor_put_bytes(&w, f.values[i], f.value_lengths[i]);
	ck_field_bytes(&m, CK_F_NONCE, f.nonce_bytes, sizeof f.nonce_bytes);
	ck_map_end(&m);
	ck_assert(!w.failed);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){f.body, ck_writer_length(&w)}, &f.map), CK_OK);
}

static inline enum ck_error read_fake(const char *dn, ck_entry_visitor each, void *visitor_context, void *context, struct ck_errmsg *err)
{
	static struct ck_attribute attributes[32];
	static struct ck_bytes values[32];
	size_t count = 0;
	(void)context;
	if (f.read_error != CK_OK) return ck_fail(err, f.read_error, "as the test wants it");
	for (; f.entry != NULL && f.entry[count].attribute != NULL; count++) {
		values[count] = ck_bytes_of(ck_text_of(f.entry[count].text));
		attributes[count] = (struct ck_attribute){ck_text_of(f.entry[count].attribute), &values[count], 1};
	}
	if (count == 0) return ck_fail(err, CK_ERR_NOT_FOUND, "no such entry");
	struct ck_entry entry = {.dn = ck_text_of(dn), .attributes = attributes, .count = count};
	each(&entry, visitor_context);
	return CK_OK;
}

/* Everything the replica does before it writes; "" when all is well, else the reason. */
static inline const char *commit(void)
{
	struct ck_nonce taken;
	struct ck_errmsg err;
	struct ck_batch *batch = NULL;
	struct ck_change_source source = {.read = read_fake};
	f.place.now_ms = f.commit_ms;
	make_request();
	if (ck_order_decode(&f.map, &f.order, &f.denial) != CK_OK) return f.denial.reason;
	enum ck_error error = ck_nonce_take(&f.nonces, CK_NONCE_CHANGE, f.order.nonce, f.commit_ms, LIFE_MS, &taken);
	if (error != CK_OK) return error == CK_ERR_TIMEOUT ? "expired" : "nonce";
	struct ck_view *view = ck_builder_view(f.b);
	if (ck_order_verify(&f.order, &taken, &f.place, view, &f.denial) != CK_OK) return f.denial.reason;
	if (ck_order_authorise(&f.order, &f.place, view, &f.denial) != CK_OK) return f.denial.reason;
	ck_builder_commit(f.b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(f.b), &batch, &err), CK_OK);
	error = ck_order_try(&f.order, &f.place, batch, &source, &f.denial);
	ck_batch_abort(&batch);
	return error == CK_OK ? "" : f.denial.reason;
}

/* One statement, all good but for what the draft says. */
static inline const char *order_one(const struct draft *draft)
{
	begin_as(f.user);
	add_statement(draft);
	touch();
	return commit();
}

#define expect_reason(actual, wanted)                                                                                                        \
	do {                                                                                                                                 \
		const char *reason_ = (actual);                                                                                              \
		ck_assert_msg(strcmp(reason_, (wanted)) == 0, "expected \"%s\", got \"%s\": %s", (wanted), reason_, f.denial.message.text); \
	} while (0)
#define expect_fine(actual) expect_reason(actual, "")

static inline const char *id_text(unsigned number)
{
	static char texts[16][CK_ID_TEXT_BYTES];
	static size_t next;
	return ck_id_format(ck_builder_id(number), texts[next++ % 16]);
}

#define ROLE_ADD {.operation = "role.add", .target = FRESH, .values = {{"ckName", "cleaners"}, {"ckStatus", "active"}}}

static inline void as_ada(void)
{
	f.user = "ada";
	f.signer = KEY_ADA;
}

static inline void as_bob(void)
{
	f.user = "bob";
	f.signer = KEY_BOB;
}

static inline struct draft grant_to(unsigned staff, unsigned by)
{
	return (struct draft){.operation = "grant.add", .target = FRESH, .parent = PORTERS,
	                      .values = {{"ckStaffId", id_text(staff)}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                                 {"ckGrantedById", id_text(by)}, {"ckReason", "on the rota"}}};
}

static inline struct draft new_person(const char *uid, const char *number, const char *mail)
{
	return (struct draft){.operation = "staff.add", .target = FRESH,
	                      .values = {{"uid", uid}, {"uidNumber", number}, {"gidNumber", number}, {"homeDirectory", "/home/x"},
	                                 {"loginShell", "/bin/sh"}, {"cn", "Dan Dale"}, {"sn", "Dale"}, {"mail", mail},
	                                 {"employeeNumber", "77"}, {"ckStatus", "active"}, {"ckValidFrom", "00010101000000Z"},
	                                 {"ckValidUntil", "99991231235959Z"}, {"ckListed", "TRUE"}}};
}

#endif
