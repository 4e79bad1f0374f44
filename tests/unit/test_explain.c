/* What explain prints, for granted and refused; that it is cut at lines and that nothing typed reaches a terminal raw. */
#include <stdio.h>

#include "tests/unit/decide_fixture.h"
#include "tests/unit/suite.h"

static char text[16384];

static void explain(void)
{
	struct ck_view *view = ck_builder_view(b);
	verdict = ck_decide(view, &question, &trace, NULL);
	size_t length = ck_explain(view, &question, &verdict, &trace, text, sizeof text);
	ck_assert_uint_eq(length, strlen(text));
	ck_assert_uint_gt(length, 0);
	ck_assert_int_eq(text[length - 1], '\n');
}

#define ck_assert_says(words) \
	ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is missing in:\n%s", words, text)

START_TEST(granted_names_the_whole_chain)
{
	struct ck_record *record = ck_builder_role(b, ADMINS, LEEDS, "admins");
	record->as.role.member_roles = ck_builder_ids(b, (const unsigned[]){OPERATORS, 0});
	ck_builder_put(b, record);
	ck_builder_put(b, ck_builder_role(b, OPERATORS, YORK, "night watch"));
	ck_builder_remove(b, CK_KIND_GRANT, GRANT);
	ck_builder_put(b, ck_builder_staff(b, BOB, YORK, "bob", 200002));
	record = ck_builder_grant(b, GRANT2, YORK, OPERATORS, ALICE);
	record->as.grant.granted_by = ck_builder_id(BOB);
	record->as.grant.window.until_s = NOW + 86400;
	ck_builder_put(b, record);
	explain();
	ck_assert_int_eq(strncmp(text, "granted: alice into account alice of web-1 by sshd\n", 51), 0);
	ck_assert_says("person alice (alice Example): active until unlimited\n");
	ck_assert_says("the person's authority York: active");
	ck_assert_says("system web-1: active\n");
	ck_assert_says("the system's authority Leeds: active");
	ck_assert_says("rule web admins of Leeds: active");
	ck_assert_says("service sshd: allowed are sshd\n");
	ck_assert_says("account alice: open are self\n");
	ck_assert_says("role: holds admins, through its member role night watch of York\n");
	ck_assert_says("granted by bob until 2027-01-16T08:00:00Z: on the rota\n");
	ck_assert_says("from an unknown address: allowed is anywhere\n");
	ck_assert_says("proof: demands touch+verified, proved is touch+verified\n");
	ck_assert_says("\nso: granted by rule web admins until 2027-01-16T08:00:00Z\n");
	ck_assert_ptr_null(strstr(text, "NO "));
}
END_TEST

START_TEST(refused_names_what_stopped_each_rule)
{
	struct ck_record *record = ck_builder_rule(b, RULE2, LEEDS, "roots", WEB, ADMINS);
	record->as.rule.accounts.at[0] = t("root");
	ck_builder_put(b, record);
	ck_builder_remove(b, CK_KIND_GRANT, GRANT);
	explain();
	ck_assert_int_eq(strncmp(text, "refused: ", 9), 0);
	ck_assert_says("NO  role: holds none of admins now\n");
	ck_assert_says("NO  account alice: open are root\n");
	ck_assert_says("\nso: refused (no-role): no role lets you in here\n");
}
END_TEST

START_TEST(a_grant_that_has_ended_is_named)
{
	ck_builder_put(b, ck_builder_staff(b, BOB, YORK, "bob", 200002));
	struct ck_record *record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.granted_by = ck_builder_id(BOB);
	record->as.grant.window.until_s = NOW;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("NO  role: holds none of admins now\n          granted admins by bob, but that grant is ended 2027-01-15T08:00:00Z\n");
	record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.window.from_s = NOW + 1;
	record->as.grant.window.until_s = NOW + 86400;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("but that grant is not active before 2027-01-15T08:00:01Z\n");
}
END_TEST

START_TEST(proof_names_what_is_demanded)
{
	question.proved = CK_PROVED_TOUCH;
	explain();
	ck_assert_says("NO  proof: demands touch+verified, proved is touch\n");
	ck_assert_says("so: refused (proof): rule web admins demands touch+verified\n");
}
END_TEST

START_TEST(sources_are_named)
{
	struct ck_record *record;
	struct ck_networks *sources = &change_rule(&record)->sources;
	*sources = (struct ck_networks){.local = true, .count = 1};
	ck_assert_int_eq(ck_network_parse(t("10.0.0.0/8"), &sources->at[0]), CK_OK);
	ck_builder_put(b, record);
	question.source.present = ck_address_parse(t("192.0.2.7"), &question.source.address) == CK_OK;
	explain();
	ck_assert_says("NO  from 192.0.2.7: allowed is the machine itself, 10.0.0.0/8\n");
	ck_assert_says("so: refused (source): ");
}
END_TEST

START_TEST(hours_are_named)
{
	struct ck_record *record;
	struct ck_weekly_span spans[2];
	struct ck_errmsg err;
	int64_t from_s, until_s;
	explain();
	ck_assert_says("yes hours: always\n");
	ck_assert_int_eq(ck_weekly_parse(t("sat 09:00-12:00"), &spans[0]), CK_OK);
	ck_assert_int_eq(ck_weekly_parse(t("mon-fri 08:00-18:00"), &spans[1]), CK_OK);
	struct ck_weekly *weekly = &change_rule(&record)->weekly;
	*weekly = (struct ck_weekly){.always = false};
	ck_assert(ck_weekly_add(weekly, &spans[0]) && ck_weekly_add(weekly, &spans[1]));
	ck_builder_put(b, record);
	record = ck_builder_authority(b, LEEDS, "Leeds");
	ck_zone_span(NOW, &from_s, &until_s);
	record->as.authority_of.zone = t("Asia/Kolkata");
	ck_assert_int_eq(ck_zone_read(CK_ZONE_DIRECTORY, t("Asia/Kolkata"), from_s, until_s, &record->as.authority_of.zone_table, &err), CK_OK);
	ck_builder_put(b, record);
	explain();
	ck_assert_says("yes hours: within mon-fri 08:00-18:00, sat 09:00-12:00 Asia/Kolkata (it is fri 13:30 there) until 2027-01-15T12:30:00Z\n");
	question.now.s = question.as_of_s = NOW + 18000;
	explain();
	ck_assert_says("NO  hours: outside of mon-fri 08:00-18:00, sat 09:00-12:00 Asia/Kolkata (it is fri 18:30 there)\n");
	ck_assert_says("so: refused (hours): a role lets you in here, but not in these hours of the week\n");
	question.now.s = question.as_of_s = until_s;
	explain();
	ck_assert_says("NO  hours: mon-fri 08:00-18:00, sat 09:00-12:00 Asia/Kolkata, but what the clocks there show then is not known to the copy\n");
}
END_TEST

START_TEST(states_are_named)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window.until_s = NOW - 86400;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("NO  person alice (alice Example): ended 2027-01-14T08:00:00Z\n");
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window.from_s = NOW + 86400;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("not active before 2027-01-16T08:00:00Z\n");
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("NO  person alice (alice Example): suspended\n");
	ck_builder_put(b, ck_builder_staff(b, ALICE, YORK, "alice", 200001));
	record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.uid_number_last = 200000;
	ck_builder_put(b, record);
	explain();
	ck_assert_says("; the person's uidNumber is outside its range\n");
	ck_builder_remove(b, CK_KIND_AUTHORITY, YORK);
	explain();
	ck_assert_says("NO  the person's authority: missing\n");
}
END_TEST

START_TEST(a_system_that_took_the_name_is_told_apart)
{
	question.system_id = ck_builder_id(WEB);
	ck_builder_remove(b, CK_KIND_SYSTEM, WEB);
	ck_builder_put(b, ck_builder_system(b, WEB + 100, YORK, "web-1"));
	explain();
	ck_assert_says("system web-1: the one of this name in the directory (");
	ck_assert_says(") is not this machine (");
}
END_TEST

START_TEST(what_was_typed_is_escaped)
{
	question.uid = t("al\x1b[31mice");
	question.account = t("root\n granted");
	question.system = t("web\x07");
	question.service = t("ss\xff""hd");
	explain();
	ck_assert_says("al\\x1b[31mice");
	for (const char *at = text; *at != '\0'; at++) ck_assert(*at == '\n' || (*at >= ' ' && *at <= '~'));
	ck_assert_ptr_null(strstr(text, "\n granted"));
	question.uid = t("alice");
	explain();
	ck_assert_says("system web\\x07: not in the directory\n");
}
END_TEST

START_TEST(it_is_cut_at_the_end_of_a_line)
{
	static char whole[sizeof text];
	explain();
	memcpy(whole, text, sizeof whole);
	struct ck_view *view = ck_builder_view(b);
	for (size_t limit = 0; limit < strlen(whole) + 2; limit++) {
		memset(text, 'x', sizeof text);
		size_t length = ck_explain(view, &question, &verdict, &trace, text, limit);
		ck_assert_int_eq(text[limit], 'x');
		if (limit == 0) continue;
		ck_assert_uint_lt(length, limit);
		ck_assert_uint_eq(length, strlen(text));
		ck_assert(length == 0 || text[length - 1] == '\n');
		ck_assert_int_eq(strncmp(text, whole, length), 0);
	}
}
END_TEST

START_TEST(without_a_trace_it_concludes)
{
	struct ck_view *view = ck_builder_view(b);
	verdict = ck_decide(view, &question, NULL, NULL);
	(void)ck_explain(view, &question, &verdict, NULL, text, sizeof text);
	ck_assert_str_eq(text, "granted: alice into account alice of web-1 by sshd\nso: granted by rule web admins until unlimited\n");
}
END_TEST

START_TEST(a_long_trace_says_that_it_was_cut)
{
	static char names[100][16];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "rule %u", i);
		ck_builder_put(b, ck_builder_rule(b, 100 + i, LEEDS, names[i], WEB, ADMINS));
	}
	static char large[65536];
	struct ck_view *view = ck_builder_view(b);
	verdict = ck_decide(view, &question, &trace, NULL);
	ck_assert_uint_gt(ck_explain(view, &question, &verdict, &trace, large, sizeof large), 1000);
	ck_assert_ptr_nonnull(strstr(large, "  (456 steps more)\nso: granted by rule web admins"));
}
END_TEST

START_TEST(every_reason_has_a_name_and_a_sentence)
{
	for (int reason = 0; reason <= CK_REASON_LAST; reason++) {
		ck_assert_uint_gt(strlen(ck_reason_name((enum ck_reason)reason)), 0);
		ck_assert_uint_gt(strlen(ck_reason_sentence((enum ck_reason)reason)), 0);
		for (int other = 0; other < reason; other++) {
			ck_assert_str_ne(ck_reason_name((enum ck_reason)reason), ck_reason_name((enum ck_reason)other));
		}
	}
	ck_assert_str_eq(ck_reason_name((enum ck_reason)99), "not-decided");
	ck_assert_str_eq(ck_reason_sentence((enum ck_reason)-1), "nothing was decided");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("explain");
	TCase *c = tcase_create("explain");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, granted_names_the_whole_chain);
	tcase_add_test(c, refused_names_what_stopped_each_rule);
	tcase_add_test(c, proof_names_what_is_demanded);
	tcase_add_test(c, a_grant_that_has_ended_is_named);
	tcase_add_test(c, sources_are_named);
	tcase_add_test(c, hours_are_named);
	tcase_add_test(c, states_are_named);
	tcase_add_test(c, a_system_that_took_the_name_is_told_apart);
	tcase_add_test(c, what_was_typed_is_escaped);
	tcase_add_test(c, it_is_cut_at_the_end_of_a_line);
	tcase_add_test(c, without_a_trace_it_concludes);
	tcase_add_test(c, a_long_trace_says_that_it_was_cut);
	tcase_add_test(c, every_reason_has_a_name_and_a_sentence);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
