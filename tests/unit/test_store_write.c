/* The store, writing: what replaces and removes, who comes first, what is quarantined, what is kept beside. */
#include <stdio.h>

#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

/* ---- replacing and removing ---- */

START_TEST(replacing_a_person_removes_what_found_the_old_one)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alicia", 200009);
	record->as.staff.staff_number = t("A-1");
	record->as.staff.telephone = t("5551234");
	ck_builder_put(b, record);
	struct ck_view *view = ck_builder_view(b);
	struct seen seen = {.count = 0};
	struct ck_id none = {{0}};
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_uid_number(view, 200001, &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_mail(view, t("alice@example.gov.uk"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_number(view, ck_builder_id(LEEDS), t("10"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_telephone(view, t("+441130000010"), see, &seen), CK_OK);
	ck_assert_int_eq(ck_view_each(view, CK_KIND_STAFF, ck_builder_id(LEEDS), none, see, &seen), CK_OK);
	ck_assert_seen(seen, );
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alicia"), &found), CK_OK);
	ck_assert_id(found.id, ALICE);
	ck_assert_int_eq(ck_view_staff_by_telephone(view, t("5551234"), see, &seen), CK_OK);
	ck_assert_int_eq(ck_view_each(view, CK_KIND_STAFF, ck_builder_id(YORK), none, see, &seen), CK_OK);
	ck_assert_seen(seen, ALICE, ALICE, BOB, );
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(replacing_a_rule_moves_its_targets)
{
	struct ck_record *record = ck_builder_rule(b, RULE, LEEDS, "web", DB, ADMINS);
	record->as.rule.targets = ck_builder_ids(b, (const unsigned[]){DB, SERVERS, DB, 0});
	/* named twice: the model refuses that, the store survives it */
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	struct seen seen = {.count = 0};
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(WEB), see, &seen), CK_OK);
	ck_assert_seen(seen, );
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(DB), see, &seen), CK_OK);
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(SERVERS), see, &seen), CK_OK);
	ck_assert_seen(seen, RULE, RULE, );
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(an_entry_may_become_another_id)
{
	struct ck_record *record = ck_builder_staff(b, 99, LEEDS, "alice", 200001);
	ck_builder_uuid(CK_KIND_STAFF, ALICE, record->entry_uuid);
	ck_builder_put(b, record);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_get(view, CK_KIND_STAFF, ck_builder_id(ALICE), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_OK);
	ck_assert_id(found.id, 99);
}
END_TEST

START_TEST(removing_everything_in_any_order_leaves_nothing)
{
	static const struct {
		enum ck_kind kind;
		unsigned number;
	} order[] = {{CK_KIND_AUTHORITY, LEEDS}, {CK_KIND_STAFF, ALICE}, {CK_KIND_ROLE, ADMINS},  {CK_KIND_SYSTEM, WEB},
	             {CK_KIND_KEY, KEY},         {CK_KIND_KEY_USE, KEY}, {CK_KIND_GRANT, GRANT}, {CK_KIND_RULE, RULE},    {CK_KIND_RULE, RULE2},
	             {CK_KIND_CODE, CODE},       {CK_KIND_KEY, KEY2},    {CK_KIND_GRANT, GRANT2}, {CK_KIND_ROLE, OPERATORS},
	             {CK_KIND_STAFF, BOB},       {CK_KIND_SYSTEM, DB},   {CK_KIND_SYSTEM_GROUP, SERVERS}, {CK_KIND_AUTHORITY, YORK}};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		ck_builder_remove(b, order[i].kind, order[i].number);
		struct ck_view *view = ck_builder_view(b);
		ck_assert_int_eq(ck_view_get(view, order[i].kind, ck_builder_id(order[i].number), &found), CK_ERR_NOT_FOUND);
		ck_assert_int_eq(ck_view_verify(view), CK_OK);
	}
	struct ck_store_state state;
	struct ck_view *view = ck_builder_view(b);
	struct seen seen = {.count = 0};
	struct ck_id none = {{0}};
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	for (int kind = 0; kind <= CK_KIND_LAST; kind++) ck_assert_uint_eq(state.counts[kind], 0);
	ck_assert_int_eq(ck_view_grants_of(view, ck_builder_id(ALICE), none, see, &seen), CK_OK);
	ck_assert_int_eq(ck_view_rules_for_all(view, ck_builder_id(LEEDS), see, &seen), CK_OK);
	ck_assert_seen(seen, );
	uint8_t uuid[16] = {1};
	struct ck_batch *batch;
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_remove(batch, uuid), CK_ERR_NOT_FOUND);
	ck_batch_abort(&batch);
}
END_TEST

/* ---- who comes first ---- */

/* `record` is a new entry that wants what another has: refused, and nothing of it is there. */
static void assert_clash(const struct ck_record *record, const char *word)
{
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err.text, word));
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_OK);
	ck_assert_id(found.id, ALICE);
	ck_assert_int_eq(ck_view_get(view, record->kind, ck_builder_id(99), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}

START_TEST(a_uid_stays_with_the_first)
{
	struct ck_record *record = stranger();
	record->as.staff.uid = t("alice");
	assert_clash(record, "uid alice");
}
END_TEST

START_TEST(a_uid_number_stays_with_the_first)
{
	struct ck_record *record = stranger();
	record->as.staff.uid_number = 200001;
	assert_clash(record, "uidNumber");
}
END_TEST

START_TEST(a_mail_stays_with_the_first_in_any_case)
{
	struct ck_record *record = stranger();
	record->as.staff.mail = t("Alice@Example.gov.uk");
	assert_clash(record, "mail alice@example.gov.uk");
}
END_TEST

START_TEST(a_staff_number_stays_with_the_first)
{
	struct ck_record *record = stranger();
	record->as.staff.staff_number = t("10");
	assert_clash(record, "staff number 10");
}
END_TEST

START_TEST(an_id_stays_with_the_first)
{
	struct ck_record *record = stranger();
	record->id = ck_builder_id(ALICE);
	assert_clash(record, "ckId");
}
END_TEST

START_TEST(a_credential_stays_with_the_first)
{
	struct ck_record *record = ck_builder_key(b, KEY, LEEDS, BOB, "credential one");
	ck_builder_uuid(CK_KIND_KEY, 99, record->entry_uuid);
	assert_clash(record, "credential");
}
END_TEST

START_TEST(names_stay_with_the_first)
{
	assert_clash(ck_builder_authority(b, 99, "Leeds"), "name Leeds");
	assert_clash(ck_builder_role(b, 99, LEEDS, "admins"), "name admins");
	assert_clash(ck_builder_rule(b, 99, LEEDS, "web", WEB, ADMINS), "name web");
	assert_clash(ck_builder_group(b, 99, LEEDS, "servers"), "name servers");
	assert_clash(ck_builder_system(b, 99, YORK, "web-1"), "name web-1");
}
END_TEST

START_TEST(what_is_unique_within_an_authority_may_be_twice_in_two)
{
	ck_builder_put(b, ck_builder_role(b, 99, YORK, "admins"));
	struct ck_record *record = ck_builder_staff(b, 98, YORK, "carol", 200099);
	record->as.staff.staff_number = t("10");
	ck_builder_put(b, record);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_by_name(view, CK_KIND_ROLE, ck_builder_id(YORK), t("admins"), &found), CK_OK);
	ck_assert_id(found.id, 99);
}
END_TEST

START_TEST(an_entry_that_takes_what_is_not_its_own_loses_what_it_had)
{
	struct ck_record *record = ck_builder_staff(b, BOB, YORK, "alice", 200002);
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_EXISTS);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_get(view, CK_KIND_STAFF, ck_builder_id(BOB), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("bob"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(records_past_the_limits_are_refused)
{
	static const char long_text[200] = "x";
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	struct ck_record *record = stranger();
	record->as.staff.cn = (struct ck_text){long_text, 129};
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = stranger();
	record->as.staff.status = CK_STATUS_NONE;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = stranger();
	record->as.staff.status = CK_STATUS_REVOKED;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = stranger();
	memset(record->entry_uuid, 0, 16);
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = stranger();
	record->id = (struct ck_id){{0}};
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = stranger();
	record->kind = CK_KIND_NONE;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = ck_builder_key(b, 99, LEEDS, ALICE, "x");
	record->as.key.hash[0] ^= 1;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = ck_builder_rule(b, 99, LEEDS, "x", WEB, ADMINS);
	record->as.rule.proved = 16;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	record = ck_builder_rule(b, 99, LEEDS, "x", WEB, ADMINS);
	record->as.rule.roles.count = CK_LIST_LIMIT + 1;
	ck_assert_int_eq(ck_batch_put(batch, record, &err), CK_ERR_INVALID);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
}
END_TEST

/* ---- quarantine, notes, state ---- */

struct quarantined {
	size_t count;
	char text[2][600];
};

static bool see_quarantined(const uint8_t uuid[16], struct ck_text dn, struct ck_text reason, void *context)
{
	struct quarantined *quarantined = context;
	ck_assert_uint_lt(quarantined->count, 2);
	snprintf(quarantined->text[quarantined->count++], 600, "%02x %.*s: %.*s", uuid[0], (int)dn.length, dn.at, (int)reason.length, reason.at);
	return true;
}

static bool count_uuid(const uint8_t uuid[16], void *context)
{
	(void)uuid;
	++*(size_t *)context;
	return true;
}

START_TEST(a_quarantined_entry_is_known_and_grants_nothing)
{
	uint8_t alice[16], other[16] = {0xee};
	struct ck_batch *batch;
	ck_builder_uuid(CK_KIND_STAFF, ALICE, alice);
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_quarantine(batch, other, t("ckId=x"), t("ckFoo is not known"), NULL), CK_OK);
	ck_assert_int_eq(ck_batch_quarantine(batch, alice, t("ckId=a"), t("no uid"), NULL), CK_OK);
	ck_assert_int_eq(ck_batch_quarantine(batch, alice, t("ckId=a"), t("still no uid"), NULL), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	struct quarantined quarantined = {0};
	struct ck_store_state state;
	size_t uuids = 0;
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_each_quarantined(view, see_quarantined, &quarantined), CK_OK);
	ck_assert_uint_eq(quarantined.count, 2);
	ck_assert_str_eq(quarantined.text[0], "02 ckId=a: still no uid");
	ck_assert_str_eq(quarantined.text[1], "ee ckId=x: ckFoo is not known");
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert_uint_eq(state.quarantined, 2);
	ck_assert_uint_eq(state.counts[CK_KIND_STAFF], 1);
	ck_assert_int_eq(ck_view_each_uuid(view, count_uuid, &uuids), CK_OK);
	ck_assert_uint_eq(uuids, 18);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	/* mended, and the other removed */
	ck_builder_put(b, ck_builder_staff(b, ALICE, LEEDS, "alice", 200001));
	view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_OK);
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_remove(batch, other), CK_OK);
	ck_assert_int_eq(ck_batch_remove(batch, other), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert_uint_eq(state.quarantined, 0);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

/* ---- what a quarantined entry holds ---- */

START_TEST(a_faulty_entry_keeps_its_id)
{
	struct ck_record claims = {.id = ck_builder_id(ALICE)}; /* its class is unreadable */
	quarantine_alice(&claims);
	struct ck_record *record = stranger();
	record->id = ck_builder_id(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err.text, "id is held by an entry that is quarantined"));
	record = ck_builder_role(b, 99, YORK, "another");
	record->id = ck_builder_id(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	ck_assert_int_eq(put_stranger(stranger()), CK_OK);
	/* a key's use is named after the key and is not in its way */
	record = ck_builder_key_use(b, 99, LEEDS, BOB, 1, 1);
	record->id = ck_builder_id(ALICE);
	memcpy(record->as.key_use.hash, record->id.bytes, 16);
	ck_assert_int_eq(put_stranger(record), CK_OK);
	/* mended it is there again, and free of itself */
	ck_builder_put(b, as_alice());
	ck_assert_int_eq(ck_view_staff_by_uid(ck_builder_view(b), t("alice"), &found), CK_OK);
	ck_builder_remove(b, CK_KIND_STAFF, ALICE);
	record = stranger();
	record->id = ck_builder_id(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_OK);
}
END_TEST

START_TEST(a_faulty_entry_keeps_what_it_says_is_its_own)
{
	struct ck_record claims = *as_alice();
	quarantine_alice(&claims);
	struct ck_record *record = stranger();
	record->as.staff.uid = t("alice");
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	record = stranger();
	record->as.staff.uid_number = 200001;
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	record = stranger();
	record->as.staff.mail = t("ALICE@example.gov.uk");
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	record = stranger();
	record->as.staff.staff_number = t("10");
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err.text, "name or number is held by an entry that is quarantined"));
	ck_assert_int_eq(put_stranger(stranger()), CK_OK);
	/* faulty still, it says something else: then that is what it holds */
	claims.as.staff.uid = t("alys");
	claims.as.staff.uid_number = 0;
	quarantine_alice(&claims);
	record = stranger();
	record->as.staff.uid = t("alice");
	record->as.staff.uid_number = 200001;
	ck_assert_int_eq(put_stranger(record), CK_OK);
	record->as.staff.uid = t("alys");
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
}
END_TEST

START_TEST(a_faulty_entry_takes_nothing_that_others_have)
{
	struct ck_record claims = *ck_builder_staff(b, ALICE, LEEDS, "bob", 200002);
	quarantine_alice(&claims);
	ck_builder_put(b, ck_builder_staff(b, BOB, YORK, "bob", 200002)); /* written again: still his */
	/* nor what another faulty one held first */
	uint8_t other[16] = {0xee};
	struct ck_batch *batch = batch_now();
	ck_assert_int_eq(ck_batch_quarantine(batch, other, t("ckId=x"), t("faulty"), &claims), CK_OK);
	commit(batch);
	batch = batch_now();
	ck_assert_int_eq(ck_batch_remove(batch, other), CK_OK);
	commit(batch);
	struct ck_record *record = stranger();
	record->id = ck_builder_id(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
}
END_TEST

START_TEST(what_a_faulty_entry_held_is_free_when_it_is_gone)
{
	uint8_t alice[16];
	struct ck_record claims = *as_alice();
	quarantine_alice(&claims);
	struct ck_batch *batch = batch_now();
	ck_builder_uuid(CK_KIND_STAFF, ALICE, alice);
	ck_assert_int_eq(ck_batch_remove(batch, alice), CK_OK);
	ck_assert(!ck_batch_is_quarantined(batch, alice));
	commit(batch);
	struct ck_record *record = as_alice();
	ck_builder_uuid(CK_KIND_STAFF, 99, record->entry_uuid);
	ck_assert_int_eq(put_stranger(record), CK_OK);
}
END_TEST

START_TEST(a_store_without_a_cookie_is_unfinished)
{
	struct ck_builder *bare = ck_builder_new();
	struct ck_store_state state;
	ck_builder_finish(bare, false);
	ck_builder_put(bare, ck_builder_authority(bare, LEEDS, "Leeds"));
	struct ck_view *view = ck_builder_view(bare);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert(!state.finished);
	ck_assert_uint_eq(state.cookie.length, 0);
	ck_assert_uint_eq(state.counts[CK_KIND_AUTHORITY], 1);
	ck_view_end(&view);
	ck_builder_free(&bare);
}
END_TEST

START_TEST(cookie_notes_and_as_of_are_kept_with_the_data)
{
	static uint8_t large[CK_COOKIE_LIMIT_BYTES + 1];
	struct ck_store_state state;
	struct ck_batch *batch;
	struct ck_bytes note;
	uint64_t generation;
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	generation = state.generation;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_set_cookie(batch, (struct ck_bytes){large, 0}), CK_ERR_INVALID);
	ck_assert_int_eq(ck_batch_set_cookie(batch, (struct ck_bytes){large, sizeof large}), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_batch_set_cookie(batch, (struct ck_bytes){large, sizeof large - 1}), CK_OK);
	ck_assert_int_eq(ck_batch_set_as_of(batch, &(struct ck_as_of){.wall_s = 42, .boot = ck_builder_id(9), .boot_ms = 77}), CK_OK);
	ck_assert_int_eq(ck_batch_set_note(batch, t("csn-001"), ck_bytes_of(t("one"))), CK_OK);
	ck_assert_int_eq(ck_batch_set_note(batch, t("csn-001"), ck_bytes_of(t("two"))), CK_OK);
	ck_assert_int_eq(ck_batch_set_note(batch, t(""), ck_bytes_of(t("two"))), CK_ERR_INVALID);
	ck_assert_int_eq(ck_batch_set_note(batch, (struct ck_text){(const char *)large, 65}, ck_bytes_of(t("two"))), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(ck_view_begin(ck_builder_store(b), &view), CK_OK);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert(state.finished);
	ck_assert_uint_eq(state.cookie.length, CK_COOKIE_LIMIT_BYTES);
	ck_assert_int_eq(state.as_of.wall_s, 42);
	ck_assert_int_eq(state.as_of.boot_ms, 77);
	ck_assert(ck_id_equal(state.as_of.boot, ck_builder_id(9)));
	ck_assert_uint_gt(state.generation, generation);
	ck_assert_int_eq(ck_view_note(view, t("csn-001"), &note), CK_OK);
	ck_assert(ck_bytes_equal(note, ck_bytes_of(t("two"))));
	ck_assert_int_eq(ck_view_note(view, t("csn-002"), &note), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_note(view, t(""), &note), CK_ERR_NOT_FOUND);
	ck_view_end(&view);
}
END_TEST

START_TEST(an_aborted_batch_leaves_no_trace)
{
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, stranger(), &err), CK_OK);
	struct ck_view *view = ck_batch_view(batch);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("carol"), &found), CK_OK);
	struct seen seen = {.count = 0};
	ck_assert_int_eq(ck_view_keys_of(view, ck_builder_id(ALICE), see, &seen), CK_OK);
	ck_assert_seen(seen, KEY, KEY2, );
	struct ck_store_state state;
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert_uint_eq(state.counts[CK_KIND_STAFF], 3);
	/* others do not see it yet */
	struct ck_view *outside;
	ck_assert_int_eq(ck_view_begin(ck_builder_store(b), &outside), CK_OK);
	ck_assert_int_eq(ck_view_staff_by_uid(outside, t("carol"), &found), CK_ERR_NOT_FOUND);
	ck_view_end(&outside);
	ck_batch_abort(&batch);
	ck_assert_ptr_null(batch);
	view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("carol"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(a_record_read_from_the_batch_can_be_put_back)
{
	struct ck_batch *batch;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_view_staff_by_uid(ck_batch_view(batch), t("alice"), &found), CK_OK);
	found.as.staff.title = t("Head of Planning");
	ck_assert_int_eq(ck_batch_put(batch, &found, &err), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_staff_by_mail(view, t("alice@example.gov.uk"), &found), CK_OK);
	ck_assert(ck_text_is(found.as.staff.title, "Head of Planning") && ck_text_is(found.as.staff.uid, "alice"));
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(that_keys_are_attested_is_taken_back)
{
	enum { MANY = 600 }; /* more than are looked at in one go */
	static char credentials[MANY][32];
	struct ck_batch *batch;
	uint64_t count;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(credentials[i], sizeof credentials[i], "attested %u", i);
		struct ck_record *record = ck_builder_key(b, 5000 + i, LEEDS, ALICE, credentials[i]);
		record->as.key.attested = i % 3 != 0;
		record->as.key.traits = CK_TRAIT_USB;
		ck_builder_put(b, record);
	}
	ck_builder_commit(b);
	ck_assert_int_eq(ck_view_get(ck_builder_view(b), CK_KIND_KEY, ck_builder_id(5001), &found), CK_OK);
	ck_assert(found.as.key.attested);
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_forget_attested(batch, &count), CK_OK);
	ck_assert_uint_eq(count, 400);
	ck_assert_int_eq(ck_batch_forget_attested(batch, &count), CK_OK);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_view *view = ck_builder_view(b);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(ck_view_get(view, CK_KIND_KEY, ck_builder_id(5000 + i), &found), CK_OK);
		ck_assert(!found.as.key.attested && found.as.key.traits == CK_TRAIT_USB);
		ck_assert(ck_text_is((struct ck_text){(const char *)found.as.key.credential_id.at, found.as.key.credential_id.length}, credentials[i]));
	}
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store write");
	TCase *c = tcase_create("store write");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, replacing_a_person_removes_what_found_the_old_one);
	tcase_add_test(c, replacing_a_rule_moves_its_targets);
	tcase_add_test(c, an_entry_may_become_another_id);
	tcase_add_test(c, removing_everything_in_any_order_leaves_nothing);
	tcase_add_test(c, a_uid_stays_with_the_first);
	tcase_add_test(c, a_uid_number_stays_with_the_first);
	tcase_add_test(c, a_mail_stays_with_the_first_in_any_case);
	tcase_add_test(c, a_staff_number_stays_with_the_first);
	tcase_add_test(c, an_id_stays_with_the_first);
	tcase_add_test(c, a_credential_stays_with_the_first);
	tcase_add_test(c, names_stay_with_the_first);
	tcase_add_test(c, what_is_unique_within_an_authority_may_be_twice_in_two);
	tcase_add_test(c, an_entry_that_takes_what_is_not_its_own_loses_what_it_had);
	tcase_add_test(c, records_past_the_limits_are_refused);
	tcase_add_test(c, a_quarantined_entry_is_known_and_grants_nothing);
	tcase_add_test(c, a_faulty_entry_keeps_its_id);
	tcase_add_test(c, a_faulty_entry_keeps_what_it_says_is_its_own);
	tcase_add_test(c, a_faulty_entry_takes_nothing_that_others_have);
	tcase_add_test(c, what_a_faulty_entry_held_is_free_when_it_is_gone);
	tcase_add_test(c, a_store_without_a_cookie_is_unfinished);
	tcase_add_test(c, cookie_notes_and_as_of_are_kept_with_the_data);
	tcase_add_test(c, an_aborted_batch_leaves_no_trace);
	tcase_add_test(c, a_record_read_from_the_batch_can_be_put_back);
	tcase_add_test(c, that_keys_are_attested_is_taken_back);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
