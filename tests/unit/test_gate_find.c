/* Finding people through the gate: who may, what of whom is shown, what is recorded and paid for before it is shown, and that who may not be found is
   answered like nobody. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/protocol/statement.h"
#include "directory/model/entry.h"
#include "tests/fakes/gate_rig.h"

static struct ck_map reply;

static size_t entries_in(void)
{
	ck_assert_int_eq(reply.at[CK_F_ENTRIES].type, CK_CBOR_ARRAY);
	return (size_t)reply.at[CK_F_ENTRIES].number;
}

static enum ck_answer ask(struct ck_client *client, const char *name, const char *purpose, struct ck_bytes cursor)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_FIND);
	ck_field_string(m, CK_F_NAME, name);
	if (cursor.length > 0) ck_field_bytes(m, CK_F_CURSOR, cursor.at, cursor.length);
	ck_field_string(m, CK_F_PURPOSE, purpose);
	return rig_ask(client, &out, &reply);
}

static enum ck_answer find(struct ck_client *client, const char *name) { return ask(client, name, NULL, (struct ck_bytes){NULL, 0}); }

/* So many are found, and so many are charged. */
static void finds(struct ck_client *client, const char *name, size_t count, uint64_t charged)
{
	ck_assert_int_eq(find(client, name), CK_ANSWER_GRANTED);
	ck_assert_msg(entries_in() == count, "%s: %zu", name, entries_in());
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_FOUND);
	ck_assert_msg(rig_number(&rig.event, CK_F_COUNT) == charged, "%s is charged %llu", name, (unsigned long long)rig_number(&rig.event, CK_F_COUNT));
	ck_assert(rig_text_is(&rig.event, CK_F_NAME, name));
}

/* Whether the first entry of the answer has that attribute. */
static bool shows(const char *attribute)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_wire_entry entry;
	struct ck_items items;
	struct ck_item item;
	size_t count;
	ck_assert_int_eq(ck_map_array(&reply, CK_F_ENTRIES, 100, &items), CK_OK);
	ck_assert(ck_items_next(&items, &item));
	ck_assert_int_eq(ck_wire_entry_decode(item.span, &entry), CK_OK);
	ck_assert_int_eq(ck_change_values_decode(entry.values, values, &count), CK_OK);
	for (size_t i = 0; i < count; i++)
		if (ck_text_is(values[i].attribute, attribute)) return true;
	return false;
}

START_TEST(root_finds_people)
{
	struct ck_client client;
	static const char *const names[] = {"alice", "ALICE@example.gov.uk", "0113 0000011", "alice leeds planning", "alcie example"};
	rig_connect(&client, 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		finds(&client, names[i], 1, 1);
		ck_assert_uint_eq(rig_number(&rig.event, CK_F_BUDGET), CK_FIND_BUDGET_NONE);
		ck_assert(rig_text_is(&rig.event, CK_F_PEOPLE, "alice"));
	}
	finds(&client, "nobodythere", 0, 1);
	finds(&client, "11", 0, 1); /* a staff number is its authority's own business */
	ck_client_close(&client);
}
END_TEST

START_TEST(staff_find_people)
{
	struct ck_client client;
	struct ck_id carol = ck_builder_id(CAROL), leeds = ck_builder_id(LEEDS);
	rig_connect(&client, 200013); /* carol's own account */
	finds(&client, "alice", 1, 0); /* of her own authority */
	ck_assert(rig_text_is(&rig.event, CK_F_USER, "carol"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_BUDGET), CK_FIND_BUDGET_PERSON);
	ck_assert_mem_eq(rig.event.at[CK_F_ID].span.at, carol.bytes, 16);
	ck_assert_mem_eq(rig.event.at[CK_F_AUTHORITY].span.at, leeds.bytes, 16);
	ck_assert(shows("employeeNumber") && shows("o") && shows("mail"));
	ck_assert(!shows("uidNumber") && !shows("homeDirectory") && !shows("ckListed") && !shows("ckValidUntil"));
	finds(&client, "11", 1, 0);
	ck_assert_int_eq(ask(&client, "dave", "case 12/7", (struct ck_bytes){NULL, 0}), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(), 1);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_COUNT), 1);
	ck_assert(rig_text_is(&rig.event, CK_F_PEOPLE, "dave"));
	ck_assert(rig_text_is(&rig.event, CK_F_PURPOSE, "case 12/7"));
	ck_assert(!shows("employeeNumber") && shows("telephoneNumber"));
	finds(&client, "14", 0, 1); /* dave's number */
	/* a touch makes it another's connection */
	rig_identify(&client, "alice", &rig.alice);
	finds(&client, "dave", 1, 1);
	ck_assert(rig_text_is(&rig.event, CK_F_USER, "alice"));
	ck_client_close(&client);
}
END_TEST

START_TEST(who_is_no_active_staff_finds_nobody)
{
	struct ck_client client;
	static const uid_t others[] = {1000, 299999};
	unsigned before = rig.events;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		rig_connect(&client, others[i]);
		ck_assert_int_eq(find(&client, "alice"), CK_ANSWER_DENIED);
		ck_client_close(&client);
	}
	struct ck_record *record = ck_builder_staff(rig.builder, CAROL, LEEDS, "carol", 200013);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
	rig_connect(&client, 200013);
	ck_assert_int_eq(find(&client, "alice"), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-staff"));
	ck_client_close(&client);
	ck_assert_uint_eq(rig.events, before);
}
END_TEST

/* The answer to a search as bytes. */
static size_t answer_to(struct ck_client *client, const char *name, uint8_t out[512])
{
	ck_assert_int_eq(find(client, name), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(), 0);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_COUNT), 1);
	ck_assert((rig.event.present & CK_KEY(CK_F_PEOPLE)) == 0);
	size_t used = 0;
	for (unsigned i = 0; i < 96; i++) {
		if ((reply.present & CK_KEY(i)) == 0) continue;
		struct ck_bytes span = reply.at[i].span;
		ck_assert_uint_lt(used + span.length + 2, 512);
		out[used++] = (uint8_t)i;
		out[used++] = (uint8_t)reply.at[i].type;
		if (span.length > 0) memcpy(out + used, span.at, span.length);
		used += span.length;
	}
	return used;
}

START_TEST(who_may_not_be_found_is_nobody)
{
	struct ck_client client;
	uint8_t nobody[512], other[512];
	static const char *const hidden[] = {"dave", "dave@example.gov.uk", "0113 0000014", "dave example", "dave rochdale"};
	for (int how = 0; how < 5; how++) {
		struct ck_record *record = ck_builder_staff(rig.builder, DAVE, ROCHDALE, "dave", 200014);
		if (how == 0) record->as.staff.listed = false;
		if (how == 1) record->as.staff.status = CK_STATUS_SUSPENDED;
		if (how == 2) record->as.staff.window.until_s = 1000;
		if (how == 3) record->as.staff.window.from_s = INT64_C(4000000000);
		ck_builder_put(rig.builder, record);
		record = ck_builder_authority(rig.builder, ROCHDALE, "rochdale");
		if (how == 4) record->as.authority_of.status = CK_STATUS_SUSPENDED;
		ck_builder_put(rig.builder, record);
		ck_builder_commit(rig.builder);
		for (uid_t uid = 0; uid <= 200013; uid += 200013) {
			rig_connect(&client, uid);
			for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
				size_t length = answer_to(&client, "zebedee zzz", nobody);
				ck_assert_msg(answer_to(&client, hidden[i], other) == length, "%s %d", hidden[i], how);
				ck_assert_mem_eq(other, nobody, length);
			}
			ck_client_close(&client);
		}
	}
}
END_TEST

static void put_person(unsigned number, const char *uid, const char *given, const char *sn, int64_t until_s)
{
	static char names[8][64];
	struct ck_record *record = ck_builder_staff(rig.builder, number, ROCHDALE, uid, 220000 + number);
	snprintf(names[number % 8], sizeof names[0], "%s %s", given, sn);
	record->as.staff.cn = ck_text_of(names[number % 8]);
	record->as.staff.given_name = ck_text_of(given);
	record->as.staff.sn = ck_text_of(sn);
	record->as.staff.window.until_s = until_s;
	ck_builder_put(rig.builder, record);
}

static size_t whole_answer(struct ck_client *client, const char *name, uint8_t out[4096])
{
	size_t used = 0;
	ck_assert_int_eq(find(client, name), CK_ANSWER_GRANTED);
	for (unsigned i = 0; i < 96; i++) {
		if ((reply.present & CK_KEY(i)) == 0) continue;
		struct ck_bytes encoded = i == CK_F_ENTRIES ? reply.at[i].encoded : reply.at[i].span;
		ck_assert_uint_lt(used + encoded.length, 4096);
		if (encoded.length > 0) memcpy(out + used, encoded.at, encoded.length);
		used += encoded.length;
	}
	return used;
}

/* Somebody of that name is found, others of a similar one are not asked for: that must not change by whoever has left. */
START_TEST(who_left_changes_no_answer_about_others)
{
	enum { STAYS = 1100, LEFT, SIMILAR };
	static const char *const queries[] = {"wilhelmina stone", "wstone", "wstone2", "wilhelmina"};
	static uint8_t without[4][4096], with[4096];
	size_t lengths[4];
	struct ck_client client;
	put_person(STAYS, "wstone", "Wilhelmina", "Stone", CK_TIME_UNLIMITED);
	put_person(SIMILAR, "wstome", "Wilhelmina", "Stome", CK_TIME_UNLIMITED);
	ck_builder_commit(rig.builder);
	rig_connect(&client, 200013);
	for (size_t i = 0; i < 4; i++) lengths[i] = whole_answer(&client, queries[i], without[i]);
	put_person(LEFT, "wstone2", "Wilhelmina", "Stone", 1000);
	ck_builder_commit(rig.builder);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_msg(whole_answer(&client, queries[i], with) == lengths[i], "%s", queries[i]);
		ck_assert_mem_eq(with, without[i], lengths[i]);
	}
	ck_client_close(&client);
}
END_TEST

START_TEST(a_budget_that_is_used_up)
{
	struct ck_client client;
	rig_connect(&client, 200013);
	rig.refuse = "budget";
	ck_assert_int_eq(find(&client, "dave"), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "budget"));
	ck_assert((reply.present & CK_KEY(CK_F_ENTRIES)) == 0);
	rig.refuse = "budget-authority";
	ck_assert_int_eq(find(&client, "dave"), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "budget"));
	rig.refuse = "unrecorded";
	ck_assert_int_eq(find(&client, "dave"), CK_ANSWER_UNAVAILABLE);
	ck_assert((reply.present & CK_KEY(CK_F_ENTRIES)) == 0);
	rig.refuse = NULL;
	finds(&client, "dave", 1, 1);
	ck_client_close(&client);
}
END_TEST

START_TEST(without_a_ledger_nothing_is_shown)
{
	struct ck_client client;
	rig_connect(&client, 200013);
	rig.ledger_silent = true;
	ck_assert_int_eq(find(&client, "dave"), CK_ANSWER_UNAVAILABLE);
	ck_assert((reply.present & CK_KEY(CK_F_ENTRIES)) == 0);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_switchboard_has_the_larger_budget)
{
	struct ck_client client;
	ck_builder_put(rig.builder, ck_builder_role(rig.builder, 71, ROCHDALE, "switchboard"));
	ck_builder_put(rig.builder, ck_builder_grant(rig.builder, 72, ROCHDALE, 71, CAROL));
	ck_builder_commit(rig.builder);
	rig_connect(&client, 200013);
	finds(&client, "dave", 1, 1); /* another authority's role gives nothing */
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_BUDGET), CK_FIND_BUDGET_PERSON);
	ck_builder_put(rig.builder, ck_builder_role(rig.builder, 73, LEEDS, "switchboard"));
	ck_builder_put(rig.builder, ck_builder_grant(rig.builder, 74, LEEDS, 73, CAROL));
	ck_builder_commit(rig.builder);
	finds(&client, "dave", 1, 1);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_BUDGET), CK_FIND_BUDGET_SWITCHBOARD);
	ck_client_close(&client);
}
END_TEST

/* Some of them out of their dates: a page is filled all the same, nobody comes twice, and nobody is left out. */
START_TEST(page_after_page)
{
	enum { CROWD = 75, FIRST = 1000 };
	static char uids[CROWD][16];
	struct ck_client client;
	uint8_t cursor[16];
	struct ck_bytes from = {NULL, 0};
	size_t count = 0, pages = 0;
	for (unsigned i = 0; i < CROWD; i++) {
		char *uid = uids[i];
		snprintf(uid, 16, "mary%u", i);
		struct ck_record *record = ck_builder_staff(rig.builder, FIRST + i, ROCHDALE, uid, 210000 + i);
		record->as.staff.cn = ck_text_of("Mary Common");
		record->as.staff.given_name = ck_text_of("Mary");
		record->as.staff.sn = ck_text_of("Common");
		if (i % 3 == 0) record->as.staff.window.until_s = 1000;
		ck_builder_put(rig.builder, record);
	}
	ck_builder_commit(rig.builder);
	rig_connect(&client, 200013);
	do {
		ck_assert_int_eq(ask(&client, "mary common", NULL, from), CK_ANSWER_GRANTED);
		if (count + 20 <= CROWD - CROWD / 3) ck_assert_uint_eq(entries_in(), 20);
		ck_assert_uint_eq(rig_number(&rig.event, CK_F_COUNT), entries_in() > 0 ? entries_in() : 1);
		count += entries_in();
		ck_assert_uint_lt(pages++, 10);
		from = (struct ck_bytes){cursor, sizeof cursor};
	} while (ck_map_fixed(&reply, CK_F_CURSOR, cursor, sizeof cursor) == CK_OK);
	ck_assert_uint_eq(count, CROWD - CROWD / 3);
	cursor[0] ^= 1;
	ck_assert_int_eq(ask(&client, "mary common", NULL, from), CK_ANSWER_ERROR);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_is_no_search)
{
	struct ck_client client;
	char longest[300];
	struct ck_bytes none = {NULL, 0};
	uint8_t cursor[15] = {0};
	rig_connect(&client, 200013);
	ck_assert_int_eq(find(&client, ""), CK_ANSWER_ERROR);
	ck_assert_int_eq(find(&client, "--"), CK_ANSWER_ERROR);
	ck_assert_int_eq(find(&client, "a b c d e f g h i"), CK_ANSWER_ERROR);
	memset(longest, 'a', sizeof longest);
	longest[257] = '\0';
	ck_assert_int_eq(find(&client, longest), CK_ANSWER_ERROR);
	ck_assert_int_eq(ask(&client, "alice", longest, none), CK_ANSWER_ERROR);
	ck_assert_int_eq(ask(&client, "alice", NULL, (struct ck_bytes){cursor, sizeof cursor}), CK_ANSWER_ERROR);
	finds(&client, "alice", 1, 0);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer show(struct ck_client *client, const char *name)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_SHOW);
	ck_field_string(m, CK_F_KIND, "staff");
	ck_field_string(m, CK_F_NAME, name);
	return rig_ask(client, &out, &reply);
}

START_TEST(administrators_name_people_elsewhere_and_pay_for_it)
{
	struct ck_client client;
	struct rig_frame out;
	rig_connect(&client, 200011);
	ck_assert_int_eq(show(&client, "dave"), CK_ANSWER_DENIED); /* not by a touch */
	rig_identify(&client, "alice", &rig.alice);
	ck_assert_int_eq(show(&client, "dave"), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_FOUND);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_COUNT), 1);
	ck_assert(shows("cn") && !shows("uidNumber") && !shows("employeeNumber"));
	/* her own authority's are hers to see */
	ck_assert_int_eq(show(&client, "bob"), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOOKED_UP);
	ck_assert(shows("uidNumber") && shows("ckListed"));
	struct ck_record *record = ck_builder_staff(rig.builder, DAVE, ROCHDALE, "dave", 200014);
	record->as.staff.listed = false;
	ck_builder_put(rig.builder, record);
	record = ck_builder_staff(rig.builder, BOB, LEEDS, "bob", 200012);
	record->as.staff.listed = false;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
	ck_assert_int_eq(show(&client, "dave"), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-found"));
	ck_assert_int_eq(show(&client, "bob"), CK_ANSWER_GRANTED);
	/* and nobody lists another authority's people */
	struct ck_id rochdale = ck_builder_id(ROCHDALE);
	struct ck_map_writer *m = rig_begin(&out, CK_OP_LIST);
	ck_field_string(m, CK_F_KIND, "staff");
	ck_field_bytes(m, CK_F_AUTHORITY, rochdale.bytes, sizeof rochdale.bytes);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(), 0);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		root_finds_people,
		staff_find_people,
		who_is_no_active_staff_finds_nobody,
		who_may_not_be_found_is_nobody,
		who_left_changes_no_answer_about_others,
		a_budget_that_is_used_up,
		without_a_ledger_nothing_is_shown,
		a_switchboard_has_the_larger_budget,
		page_after_page,
		what_is_no_search,
		administrators_name_people_elsewhere_and_pay_for_it,
	};
	Suite *suite = suite_create("gate_find");
	rig_add_case(suite, "find", rig_set_up, tests, sizeof tests / sizeof tests[0]);
	return rig_run(suite);
}
