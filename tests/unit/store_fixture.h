/* The little directory that the tests of the store begin with. */
#ifndef CK_TESTS_STORE_FIXTURE_H
#define CK_TESTS_STORE_FIXTURE_H

#include <check.h>
#include <string.h>

#include "tests/fakes/store_builder.h"

enum { LEEDS = 1, YORK = 2, ALICE = 10, BOB = 11, ADMINS = 20, OPERATORS = 21, GRANT = 30, GRANT2 = 31, WEB = 40, DB = 41, SERVERS = 45,
       RULE = 50, RULE2 = 51, KEY = 60, KEY2 = 61, CODE = 70 };

static struct ck_builder *b;
static struct ck_record found;
static struct ck_errmsg err;

static inline struct ck_text t(const char *string)
{
	return ck_text_of(string);
}

static inline void setup(void)
{
	b = ck_builder_new();
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Leeds"));
	ck_builder_put(b, ck_builder_authority(b, YORK, "York"));
	ck_builder_put(b, ck_builder_staff(b, ALICE, LEEDS, "alice", 200001));
	ck_builder_put(b, ck_builder_staff(b, BOB, YORK, "bob", 200002));
	ck_builder_put(b, ck_builder_role(b, ADMINS, LEEDS, "admins"));
	ck_builder_put(b, ck_builder_role(b, OPERATORS, YORK, "operators"));
	ck_builder_put(b, ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE));
	ck_builder_put(b, ck_builder_grant(b, GRANT2, YORK, OPERATORS, ALICE));
	ck_builder_put(b, ck_builder_system(b, WEB, LEEDS, "web-1"));
	ck_builder_put(b, ck_builder_system(b, DB, LEEDS, "db-1"));
	ck_builder_put(b, ck_builder_group(b, SERVERS, LEEDS, "servers"));
	ck_builder_put(b, ck_builder_rule(b, RULE, LEEDS, "web", WEB, ADMINS));
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "everything", 0, ADMINS));
	ck_builder_put(b, ck_builder_key(b, KEY, LEEDS, ALICE, "credential one"));
	ck_builder_put(b, ck_builder_key(b, KEY2, LEEDS, ALICE, "credential two"));
	ck_builder_put(b, ck_builder_code(b, CODE, LEEDS, ALICE));
	ck_builder_put(b, ck_builder_key_use(b, KEY, LEEDS, ALICE, UINT32_MAX, CK_BUILDER_NOW_S - 60));
}

static inline void teardown(void)
{
	ck_builder_free(&b);
}

struct seen {
	struct ck_id ids[64];
	size_t count, stop_after;
};

static inline bool see(const struct ck_record *record, void *context)
{
	struct seen *seen = context;
	ck_assert_uint_lt(seen->count, 64);
	seen->ids[seen->count++] = record->id;
	return seen->count != seen->stop_after;
}

#define ck_assert_id(id, number) ck_assert(ck_id_equal((id), ck_builder_id(number)))
#define ck_assert_seen(seen, ...)                                                                                      \
	do {                                                                                                           \
		const unsigned expected_[] = {__VA_ARGS__ 0};                                                          \
		ck_assert_uint_eq((seen).count, sizeof expected_ / sizeof *expected_ - 1);                            \
		for (size_t i_ = 0; i_ < (seen).count; i_++) ck_assert_id((seen).ids[i_], expected_[i_]);              \
	} while (0)

/* ---- whoever is second ---- */

static inline struct ck_record *stranger(void)
{
	struct ck_record *record = ck_builder_staff(b, 99, LEEDS, "carol", 200099);
	return record;
}

static inline struct ck_batch *batch_now(void)
{
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	return batch;
}

static inline void commit(struct ck_batch *batch)
{
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(ck_view_verify(ck_builder_view(b)), CK_OK);
}

/* Alice's entry becomes faulty, and still says this of itself. */
static inline void quarantine_alice(const struct ck_record *claims)
{
	uint8_t alice[16];
	struct ck_batch *batch = batch_now();
	ck_builder_uuid(CK_KIND_STAFF, ALICE, alice);
	ck_assert_int_eq(ck_batch_quarantine(batch, alice, t("ckId=a"), t("faulty"), claims), CK_OK);
	ck_assert(ck_batch_is_quarantined(batch, alice));
	commit(batch);
}

static inline enum ck_error put_stranger(const struct ck_record *record)
{
	struct ck_batch *batch = batch_now();
	enum ck_error error = ck_batch_put(batch, record, &err);
	commit(batch);
	if (error == CK_OK) ck_builder_remove(b, record->kind, 99);
	return error;
}

static inline struct ck_record *as_alice(void) { return ck_builder_staff(b, ALICE, LEEDS, "alice", 200001); }

#endif
