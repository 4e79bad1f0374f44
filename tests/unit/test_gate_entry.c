/* The accounts of a system through the gate, as a name service asks: what is told of whom, that nobody hidden differs from nobody, that nothing is
   recorded, and what is no question. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/login.h"
#include "tests/fakes/gate_rig.h"

static struct ck_map reply;
static struct ck_client client;

static enum ck_answer by_name(const char *name)
{
	struct rig_frame out;
	ck_field_string(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_USER, name);
	return rig_ask(&client, &out, &reply);
}

static enum ck_answer by_number(uint64_t number)
{
	struct rig_frame out;
	ck_field_uint(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_UID_NUMBER, number);
	return rig_ask(&client, &out, &reply);
}

static bool has_path(struct ck_items *items, const char *expected)
{
	struct ck_item item;
	return ck_items_next(items, &item) && item.type == CK_CBOR_TEXT &&
	       ck_text_is((struct ck_text){(const char *)item.span.at, item.span.length}, expected);
}

static void is_entry(const char *uid, uint64_t number, uint64_t group)
{
	struct ck_items paths;
	struct ck_item none;
	char home[64];
	snprintf(home, sizeof home, "/home/%s", uid);
	ck_assert(rig_text_is(&reply, CK_F_USER, uid));
	ck_assert_uint_eq(rig_number(&reply, CK_F_UID_NUMBER), number);
	ck_assert_uint_eq(rig_number(&reply, CK_F_GID_NUMBER), group);
	ck_assert_int_eq(ck_map_array(&reply, CK_F_PATHS, 2, &paths), CK_OK);
	ck_assert(has_path(&paths, home));
	ck_assert(has_path(&paths, "/bin/bash"));
	ck_assert(!ck_items_next(&paths, &none));
	/* no name of a person, no mail, no authority */
	ck_assert(reply.present == (CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_USER) | CK_KEY(CK_F_UID_NUMBER) | CK_KEY(CK_F_GID_NUMBER) | CK_KEY(CK_F_PATHS)));
}

START_TEST(who_may_enter_has_an_account)
{
	static const uid_t askers[] = {0, 1000, 65534, 200011, 200014};
	for (size_t i = 0; i < sizeof askers / sizeof *askers; i++) { /* whoever asks is told the same */
		rig_connect(&client, askers[i]);
		ck_assert_int_eq(by_name("alice"), CK_ANSWER_GRANTED);
		is_entry("alice", 200011, 200011);
		ck_assert_int_eq(by_number(200012), CK_ANSWER_GRANTED);
		is_entry("bob", 200012, 200012);
		ck_client_close(&client);
	}
	ck_assert_uint_eq(rig.events, 0);
}
END_TEST

START_TEST(a_group_that_is_not_ones_own)
{
	struct ck_record *record = ck_builder_staff(rig.builder, ALICE, LEEDS, "alice", 200011);
	record->as.staff.gid_number = 200500;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
	rig_connect(&client, 1000);
	ck_assert_int_eq(by_name("alice"), CK_ANSWER_GRANTED);
	is_entry("alice", 200011, 200500);
	ck_client_close(&client);
}
END_TEST

/* The answer as bytes: of what is told, and in which form. */
static size_t refusal(bool named, const char *name, uint64_t number, uint8_t out[512])
{
	size_t used = 0;
	ck_assert_msg((named ? by_name(name) : by_number(number)) == CK_ANSWER_DENIED, "%s %llu", name, (unsigned long long)number);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-account"));
	for (unsigned i = 0; i <= CK_CBOR_KEY_LIMIT; i++) {
		if ((reply.present & CK_KEY(i)) == 0) continue;
		struct ck_bytes span = reply.at[i].encoded;
		ck_assert_uint_lt(used + span.length + 1, 512);
		out[used++] = (uint8_t)i;
		memcpy(out + used, span.at, span.length);
		used += span.length;
	}
	return used;
}

static void is_nobody(const char *name, uint64_t number)
{
	uint8_t nobody[512], other[512];
	size_t length = refusal(true, "zebedee", 0, nobody);
	ck_assert_uint_eq(refusal(true, name, 0, other), length);
	ck_assert_mem_eq(other, nobody, length);
	ck_assert_uint_eq(refusal(false, NULL, number, other), length);
	ck_assert_mem_eq(other, nobody, length);
}

START_TEST(who_may_not_enter_is_nobody)
{
	rig_connect(&client, 1000);
	is_nobody("carol", 200013); /* staff of the same authority, without a role */
	is_nobody("dave", 200014);  /* of another one */
	is_nobody("root", 0);
	is_nobody("Alice", 199999);
	is_nobody("alice ", UINT32_MAX);
	is_nobody("alice@example.gov.uk", 4000000000); /* a name service asks for no mail address */
	ck_client_close(&client);
	ck_assert_uint_eq(rig.events, 0);
}
END_TEST

START_TEST(who_may_no_longer_enter_is_nobody)
{
	for (int how = 0; how < 5; how++) {
		struct ck_record *record = ck_builder_staff(rig.builder, ALICE, LEEDS, "alice", 200011);
		if (how == 0) record->as.staff.status = CK_STATUS_SUSPENDED;
		if (how == 1) record->as.staff.window.until_s = 1000;
		if (how == 2) record->as.staff.window.from_s = INT64_C(4000000000);
		ck_builder_put(rig.builder, record);
		if (how == 3) ck_builder_remove(rig.builder, CK_KIND_ROLE, OPS);
		record = ck_builder_authority(rig.builder, LEEDS, "leeds");
		if (how == 4) record->as.authority_of.status = CK_STATUS_SUSPENDED;
		ck_builder_put(rig.builder, record);
		ck_builder_commit(rig.builder);
		rig_connect(&client, 1000);
		is_nobody("alice", 200011);
		ck_client_close(&client);
	}
}
END_TEST

/* Not to be found is not to be searched for; who may enter has to have an account. */
START_TEST(who_is_ex_directory_has_one)
{
	struct ck_record *record = ck_builder_staff(rig.builder, ALICE, LEEDS, "alice", 200011);
	record->as.staff.listed = false;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
	rig_connect(&client, 1000);
	ck_assert_int_eq(by_name("alice"), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(without_a_ledger_accounts_are_told)
{
	rig.ledger_silent = true;
	rig_connect(&client, 1000);
	ck_assert_int_eq(by_name("alice"), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_is_no_question)
{
	struct rig_frame out;
	char longest[CK_LOGIN_NAME_LIMIT_BYTES + 2];
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	rig_connect(&client, 1000);
	rig_begin(&out, CK_OP_ACCOUNT_ENTRY); /* all of them are not asked for */
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_assert_int_eq(by_name(""), CK_ANSWER_ERROR);
	ck_assert_int_eq(by_name(longest), CK_ANSWER_ERROR);
	longest[CK_LOGIN_NAME_LIMIT_BYTES] = '\0';
	ck_assert_int_eq(by_name(longest), CK_ANSWER_DENIED);
	ck_assert_int_eq(by_number(UINT64_C(1) << 32), CK_ANSWER_ERROR);
	struct ck_map_writer *m = rig_begin(&out, CK_OP_ACCOUNT_ENTRY);
	ck_field_string(m, CK_F_USER, "alice");
	ck_field_uint(m, CK_F_UID_NUMBER, 200011);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_field_uint(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_USER, 200011);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_field_string(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_UID_NUMBER, "alice");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_field_string(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_NAME, "alice");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_assert_int_eq(by_name("alice"), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

/* Alike for all names: that there is no answer tells nothing. */
START_TEST(a_copy_that_says_nothing)
{
	rig_connect(&client, 1000);
	ck_assert_int_eq(by_name("alice"), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(by_name("zebedee"), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(by_number(200011), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(by_number(5), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		who_may_enter_has_an_account,
		a_group_that_is_not_ones_own,
		who_may_not_enter_is_nobody,
		who_may_no_longer_enter_is_nobody,
		who_is_ex_directory_has_one,
		without_a_ledger_accounts_are_told,
		what_is_no_question,
	};
	const TTest *const mute[] = {a_copy_that_says_nothing};
	Suite *suite = suite_create("gate_entry");
	rig_add_case(suite, "entry", rig_set_up, tests, sizeof tests / sizeof tests[0]);
	rig_add_case(suite, "stale", rig_set_up_stale, mute, 1);
	rig_add_case(suite, "unfinished", rig_set_up_unfinished, mute, 1);
	return rig_run(suite);
}
