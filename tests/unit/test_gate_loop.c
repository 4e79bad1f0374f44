/* That a gate which waits awake for what comes at once sleeps when nothing does: after a burst of questions, and while another process is slow. What counts
   is the processor's time, so a busy machine changes nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/gate_rig.h"

#define BURST 2000
#define SLEEP_MS 1500
#define AWAKE_LIMIT_MS 300 /* of that; one that stayed awake would use all of it */

/* What the gate's process used so far; proc(5), fields 14 and 15. */
static long used_ms(void)
{
	char path[64], line[1024];
	unsigned long user = 0, kernel = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)rig.pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
	fclose(file);
	const char *rest = strrchr(line, ')');
	ck_assert_ptr_nonnull(rest);
	ck_assert_int_eq(sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel), 2);
	return (long)((user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static void sleeps(const char *when)
{
	long before_ms = used_ms();
	usleep(SLEEP_MS * 1000);
	long took_ms = used_ms() - before_ms;
	ck_assert_msg(took_ms <= AWAKE_LIMIT_MS, "%s: %ld ms of %d", when, took_ms, SLEEP_MS);
}

static void ask_entry(struct ck_client *client)
{
	struct rig_frame out;
	struct ck_map reply;
	ck_field_string(rig_begin(&out, CK_OP_ACCOUNT_ENTRY), CK_F_USER, "alice");
	ck_assert_int_eq(rig_ask(client, &out, &reply), CK_ANSWER_GRANTED);
}

START_TEST(after_questions_that_came_one_after_the_other)
{
	struct ck_client client;
	rig_connect(&client, 0);
	for (int i = 0; i < BURST; i++) ask_entry(&client);
	sleeps("after accounts were asked for");
	ask_entry(&client);
	ck_client_close(&client);
}
END_TEST

START_TEST(after_records_that_were_written_at_once)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	for (int i = 0; i < BURST; i++) ck_assert_int_eq(rig_account(&client, "bob", "bob", "cron", &reply), CK_ANSWER_GRANTED);
	sleeps("after decisions");
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "cron", &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(while_the_ledger_says_nothing)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	for (int i = 0; i < BURST; i++) ck_assert_int_eq(rig_account(&client, "bob", "bob", "cron", &reply), CK_ANSWER_GRANTED);
	rig_put_login(&out, CK_OP_ACCOUNT, "bob", "bob", "cron", NULL, NULL);
	rig_send(&client, &out, -1);
	sleeps("while it waits");
	ck_assert(rig_receive(&client, &reply)); /* the ledger is served now */
	ck_assert_uint_eq(rig_number(&reply, CK_F_TYPE), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {after_questions_that_came_one_after_the_other, after_records_that_were_written_at_once, while_the_ledger_says_nothing};
	Suite *suite = suite_create("gate_loop");
	rig_add_case(suite, "awake", rig_set_up, tests, sizeof tests / sizeof tests[0]);
	return rig_run(suite);
}
