/* Status tells the truth: "running" only when the ledger and the replica say at that moment that they work, over a copy that is fresh. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/gate_rig.h"

/* The state, and whether a line of the text begins so. */
static void expect(const char *state, const char *problem)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	struct ck_text text;
	rig_connect(&client, 4711);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(ck_map_text(&reply, CK_F_TEXT, CK_FRAME_LIMIT_BYTES, &text), CK_OK);
	char *lines = strndup(text.at, text.length);
	ck_assert_msg(rig_text_is(&reply, CK_F_STATE, state), "expected %s:\n%s", state, lines);
	const char *found = strstr(lines, "problem: ");
	if (problem == NULL) ck_assert_msg(found == NULL, "%s", lines);
	else ck_assert_msg(found != NULL && strstr(found, problem) != NULL, "expected '%s':\n%s", problem, lines);
	free(lines);
	ck_client_close(&client);
}

START_TEST(all_well) { expect("running", NULL); }
END_TEST

START_TEST(a_ledger_that_cannot_record)
{
	rig.ledger_state = (struct rig_state){.bad = true, .detail = "the disk is full"};
	expect("unavailable", "problem: the disk is full\n");
	rig.ledger_state = (struct rig_state){.bad = true};
	expect("unavailable", "the ledger says that it is bad");
}
END_TEST

START_TEST(a_ledger_that_lives_on_its_reserve)
{
	rig.ledger_state.detail = "only the reserve is left";
	expect("degraded", "only the reserve is left");
}
END_TEST

START_TEST(a_ledger_that_hangs)
{
	rig.ledger_state.silent = true;
	expect("unavailable", "the ledger does not answer");
}
END_TEST

START_TEST(no_ledger)
{
	ck_client_close(&rig.ledger);
	expect("unavailable", "there is no ledger");
}
END_TEST

START_TEST(a_replica_that_does_not_follow)
{
	rig.replica_state = (struct rig_state){.bad = true, .detail = "connection refused"};
	expect("degraded", "the directory is not followed (bad: connection refused)");
}
END_TEST

START_TEST(a_replica_that_hangs)
{
	rig.replica_state.silent = true;
	expect("degraded", "the replica does not answer");
}
END_TEST

START_TEST(no_replica)
{
	ck_client_close(&rig.replica);
	expect("degraded", "there is no replica");
}
END_TEST

/* What is worse is not hidden by what comes after it. */
START_TEST(two_problems)
{
	rig.ledger_state.bad = true;
	rig.replica_state.bad = true;
	expect("unavailable", "the directory is not followed");
}
END_TEST

START_TEST(an_old_copy) { expect("degraded", "was last proved 9"); }
END_TEST

START_TEST(a_stale_copy) { expect("stale", "as_of_limit_s is 600: nobody is let in"); }
END_TEST

/* How late it is can no more be told, nor how old the copy is. */
START_TEST(a_copy_from_the_future)
{
	expect("stale", "is behind the last record");
	expect("stale", "how old the copy is, nobody can tell, so nobody is let in by it");
}
END_TEST

START_TEST(an_unfinished_copy) { expect("unavailable", "no finished copy"); }
END_TEST

int main(void)
{
	const TTest *const fresh[] = {all_well, a_ledger_that_cannot_record, a_ledger_that_lives_on_its_reserve, a_ledger_that_hangs, no_ledger,
	                              a_replica_that_does_not_follow, a_replica_that_hangs, no_replica, two_problems};
	const TTest *const old[] = {an_old_copy};
	const TTest *const stale[] = {a_stale_copy};
	const TTest *const ahead[] = {a_copy_from_the_future};
	const TTest *const unfinished[] = {an_unfinished_copy};
	Suite *suite = suite_create("gate status");
	rig_add_case(suite, "fresh", rig_set_up, fresh, sizeof fresh / sizeof *fresh);
	rig_add_case(suite, "old", rig_set_up_old, old, 1);
	rig_add_case(suite, "stale", rig_set_up_stale, stale, 1);
	rig_add_case(suite, "ahead", rig_set_up_ahead, ahead, 1);
	rig_add_case(suite, "unfinished", rig_set_up_unfinished, unfinished, 1);
	return rig_run(suite);
}
