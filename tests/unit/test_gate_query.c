/* What the gate shows, and to whom. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/gate_rig.h"

/* ---- looking up ---- */

static size_t entries_in(const struct ck_map *reply)
{
	ck_assert_int_eq(reply->at[CK_F_ENTRIES].type, CK_CBOR_ARRAY);
	return (size_t)reply->at[CK_F_ENTRIES].number;
}

static enum ck_answer show(struct ck_client *client, const char *kind, const char *name, unsigned authority, struct ck_map *reply)
{
	struct rig_frame out;
	struct ck_id id = ck_builder_id(authority);
	struct ck_map_writer *m = rig_begin(&out, CK_OP_SHOW);
	ck_field_string(m, CK_F_KIND, kind);
	ck_field_string(m, CK_F_NAME, name);
	if (authority != 0) ck_field_bytes(m, CK_F_AUTHORITY, id.bytes, sizeof id.bytes);
	return rig_ask(client, &out, reply);
}

START_TEST(each_entry_is_shown_to_whom_it_concerns)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 200013); /* carol, by her uid */
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "staff", "alice", 0, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-found"));
	ck_assert_int_eq(show(&client, "rule", "doors", LEEDS, &reply), CK_ANSWER_DENIED);
	rig_identify(&client, "alice", &rig.alice);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "rule", "doors", LEEDS, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "role", "administrators", ROCHDALE, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "authority", "rochdale", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "grant", "x", 0, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
}
END_TEST

/* In one commit, so that each is there before the next request. */
static void suspend_leeds(void)
{
	struct ck_record *record = ck_builder_authority(rig.builder, LEEDS, "leeds");
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
}

START_TEST(whose_authority_was_suspended_since_is_nobody)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 200014); /* dave's own account, of another authority */
	rig_identify(&client, "carol", &rig.carol);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "staff", "dave", 0, &reply), CK_ANSWER_DENIED);
	suspend_leeds();
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_DENIED);
	/* what is left is what the kernel says of the process */
	ck_assert_int_eq(show(&client, "staff", "dave", 0, &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(the_touch_of_a_key_that_is_good_no_more_is_worth_nothing)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 200014);
	rig_identify(&client, "carol", &rig.carol);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	struct ck_record *record = ck_builder_staff(rig.builder, CAROL, LEEDS, "carol", 200013);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(rig.builder, record);
	ck_builder_commit(rig.builder);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_DENIED);
	ck_builder_put(rig.builder, ck_builder_staff(rig.builder, CAROL, LEEDS, "carol", 200013));
	ck_builder_commit(rig.builder);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_builder_remove(rig.builder, CK_KIND_KEY, 42);
	ck_builder_commit(rig.builder);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(nobody_of_a_suspended_authority_is_identified)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	suspend_leeds();
	ck_field_string(rig_begin(&out, CK_OP_IDENTIFY), CK_F_AS, "carol");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.carol, &reply, true, false), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer list(struct ck_client *client, const char *kind, unsigned about, struct ck_map *reply)
{
	struct rig_frame out;
	struct ck_id id = ck_builder_id(about);
	struct ck_map_writer *m = rig_begin(&out, CK_OP_LIST);
	ck_field_string(m, CK_F_KIND, kind);
	if (about != 0) ck_field_bytes(m, CK_F_ABOUT, id.bytes, sizeof id.bytes);
	return rig_ask(client, &out, reply);
}

START_TEST(lists_hold_what_may_be_seen)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(list(&client, "staff", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 6);
	ck_assert_int_eq(list(&client, "grant", ALICE, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 2);
	ck_assert_int_eq(list(&client, "grant", OPS, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 1);
	ck_assert_int_eq(list(&client, "rule", DB1, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 6);
	ck_assert_int_eq(list(&client, "staff", ALICE, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
	rig_connect(&client, 200013);
	ck_assert_int_eq(list(&client, "staff", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 1);
	ck_assert_int_eq(list(&client, "key", ALICE, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 0);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer explain(struct ck_client *client, const char *user, struct ck_map *reply)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_EXPLAIN);
	ck_field_string(m, CK_F_USER, user);
	ck_field_string(m, CK_F_SERVICE, "login");
	ck_field_string(m, CK_F_SYSTEM, "db1");
	ck_field_string(m, CK_F_FROM, "local");
	return rig_ask(client, &out, reply);
}

START_TEST(explain_says_yes_and_no_to_whom_it_concerns)
{
	struct ck_client client;
	struct ck_map reply;
	bool allow;
	rig_connect(&client, 0);
	ck_assert_int_eq(explain(&client, "alice", &reply), CK_ANSWER_GRANTED);
	ck_assert(ck_map_bool(&reply, CK_F_VERDICT, &allow) == CK_OK && allow);
	ck_assert_int_eq(explain(&client, "carol", &reply), CK_ANSWER_GRANTED);
	ck_assert(ck_map_bool(&reply, CK_F_VERDICT, &allow) == CK_OK && !allow);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-role"));
	ck_client_close(&client);
	rig_connect(&client, 200013);
	ck_assert_int_eq(explain(&client, "carol", &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(explain(&client, "alice", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(explain(&client, "nobody-there", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(an_unfinished_copy_answers_unavailable)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_STATE, "unavailable"));
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "login", &reply), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
	rig_connect(&client, 200012);
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "login", &reply), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const questions[] = {
		whose_authority_was_suspended_since_is_nobody,
		the_touch_of_a_key_that_is_good_no_more_is_worth_nothing,
		nobody_of_a_suspended_authority_is_identified,
		each_entry_is_shown_to_whom_it_concerns,
		lists_hold_what_may_be_seen,
		explain_says_yes_and_no_to_whom_it_concerns,
	};
	const TTest *const unfinished[] = {
		an_unfinished_copy_answers_unavailable,
	};
	Suite *suite = suite_create("gate_query");
	rig_add_case(suite, "questions", rig_set_up, questions, sizeof questions / sizeof questions[0]);
	rig_add_case(suite, "unfinished", rig_set_up_unfinished, unfinished, sizeof unfinished / sizeof unfinished[0]);
	return rig_run(suite);
}
