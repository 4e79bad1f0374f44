/* One valid grant: alice of York enters her own account on web-1 of Leeds, because a rule of Leeds says that its admins may and one grant
   makes her one. Each test changes one thing. */
#ifndef CK_TESTS_DECIDE_FIXTURE_H
#define CK_TESTS_DECIDE_FIXTURE_H

#include <check.h>
#include <string.h>

#include "authd/decide/decide.h"
#include "directory/base/clock.h"
#include "tests/fakes/store_builder.h"

#define NOW CK_BUILDER_NOW_S

enum { LEEDS = 1, YORK = 2, HULL = 3, ALICE = 10, BOB = 11, ADMINS = 20, OPERATORS = 21, NIGHT = 22, GRANT = 30, GRANT2 = 31, WEB = 40,
       SERVERS = 45, RULE = 50, RULE2 = 51, RULE3 = 52 };

static struct ck_builder *b;
static struct ck_question question;
static struct ck_verdict verdict;
static struct ck_trace trace;

static inline struct ck_text t(const char *string)
{
	return ck_text_of(string);
}

static inline void setup(void)
{
	b = ck_builder_new();
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Leeds"));
	ck_builder_put(b, ck_builder_authority(b, YORK, "York"));
	ck_builder_put(b, ck_builder_staff(b, ALICE, YORK, "alice", 200001));
	ck_builder_put(b, ck_builder_role(b, ADMINS, LEEDS, "admins"));
	ck_builder_put(b, ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE));
	ck_builder_put(b, ck_builder_system(b, WEB, LEEDS, "web-1"));
	struct ck_record *rule = ck_builder_rule(b, RULE, LEEDS, "web admins", WEB, ADMINS);
	rule->as.rule.services.at[0] = t("sshd");
	ck_builder_put(b, rule);
	question = (struct ck_question){.uid = t("alice"), .account = t("alice"), .system = t("web-1"), .service = t("sshd"),
	                                .proved = CK_PROVED_TOUCH | CK_PROVED_VERIFIED, .as_of_s = NOW, .as_of_limit_s = 3600, .now = {.s = NOW}};
}

static inline void teardown(void)
{
	ck_builder_free(&b);
}

static inline struct ck_rule *change_rule(struct ck_record **out)
{
	*out = ck_builder_rule(b, RULE, LEEDS, "web admins", WEB, ADMINS);
	(*out)->as.rule.services.at[0] = t("sshd");
	return &(*out)->as.rule;
}

static inline void person_window(int64_t from_s, int64_t until_s)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window = (struct ck_window){from_s, until_s};
	ck_builder_put(b, record);
}

static inline void york(enum ck_status status, int64_t from_s, int64_t until_s, uint64_t first, uint64_t last)
{
	struct ck_record *record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.status = status;
	record->as.authority_of.window = (struct ck_window){from_s, until_s};
	record->as.authority_of.uid_number_first = first;
	record->as.authority_of.uid_number_last = last;
	ck_builder_put(b, record);
}

static inline void decide(void)
{
	bool corrupt = true;
	struct ck_view *view = ck_builder_view(b);
	verdict = ck_decide(view, &question, &trace, &corrupt);
	ck_assert(!corrupt);
	/* the trace is an onlooker */
	struct ck_verdict again = ck_decide(view, &question, NULL, NULL);
	ck_assert_int_eq(again.allow, verdict.allow);
	ck_assert_int_eq(again.reason, verdict.reason);
	ck_assert_int_eq(again.until_s, verdict.until_s);
	ck_assert_int_eq(verdict.allow, verdict.reason == CK_REASON_GRANTED);
}

#define ck_assert_refused(expected)                                                                                    \
	do {                                                                                                           \
		decide();                                                                                              \
		ck_assert(!verdict.allow);                                                                             \
		ck_assert_str_eq(ck_reason_name(verdict.reason), ck_reason_name(expected));                            \
		ck_assert_int_eq(verdict.until_s, 0);                                                                  \
		ck_assert_int_eq(ck_id_is_zero(verdict.rule), (expected) != CK_REASON_PROOF);                          \
	} while (0)
#define ck_assert_granted(rule_number, until)                                                                          \
	do {                                                                                                           \
		decide();                                                                                              \
		ck_assert_str_eq(ck_reason_name(verdict.reason), "granted");                                           \
		ck_assert(verdict.allow);                                                                              \
		ck_assert(ck_id_equal(verdict.rule, ck_builder_id(rule_number)));                                      \
		ck_assert(ck_id_equal(verdict.staff, ck_builder_id(ALICE)));                                           \
		ck_assert_int_eq(verdict.until_s, (until));                                                            \
	} while (0)

#endif
