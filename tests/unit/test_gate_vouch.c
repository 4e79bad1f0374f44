/* Vouching at the gate: what it makes of a touch, to whom it tells a code and a name, and that it tells neither without the ledger, with a copy
   that is old, or of what is no longer good. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/vouch.h"
#include "directory/base/clock.h"
#include "tests/fakes/gate_rig.h"

static enum ck_answer begin(struct ck_client *client, const char *as, const char *kind, const char *name, struct ck_map *reply)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_VOUCH_BEGIN);
	ck_field_string(m, CK_F_KIND, kind);
	ck_field_string(m, CK_F_NAME, name);
	ck_field_string(m, CK_F_AS, as);
	return rig_ask(client, &out, reply);
}

static enum ck_answer simple(struct ck_client *client, enum ck_op op, struct ck_map *reply)
{
	struct rig_frame out;
	rig_begin(&out, op);
	return rig_ask(client, &out, reply);
}

static enum ck_answer check(struct ck_client *client, const char *code, struct ck_map *reply)
{
	struct rig_frame out;
	ck_field_string(rig_begin(&out, CK_OP_CHECK), CK_F_CODE, code);
	return rig_ask(client, &out, reply);
}

/* Alice vouches to carol; the code. */
static const char *vouch(struct ck_client *client)
{
	static char code[CK_VOUCH_CODE_BYTES];
	struct ck_map reply;
	ck_assert_int_eq(begin(client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_int_eq(ck_map_string(&reply, CK_F_CODE, code, sizeof code), CK_OK);
	return code;
}

/* The same, and carol has touched her key on a connection of her own. */
static const char *vouched(struct ck_client *alice, struct ck_client *carol)
{
	rig_connect(alice, 0);
	rig_connect(carol, 0);
	const char *code = vouch(alice);
	rig_identify(carol, "carol", &rig.carol);
	return code;
}

static const char *wrong_code(const char *code)
{
	static char wrong[CK_VOUCH_CODE_BYTES];
	ck_vouch_code_make(strtoull(code, NULL, 10) / 10 == 5 ? 6 : 5, wrong);
	return wrong;
}

static bool holds(const struct ck_map *reply, const char *text)
{
	struct ck_bytes all = reply->at[CK_F_ENTRIES].encoded;
	return (reply->present & CK_KEY(CK_F_ENTRIES)) != 0 && memmem(all.at, all.length, text, strlen(text)) != NULL;
}

START_TEST(a_touch_gives_a_code_and_is_recorded_with_its_proof)
{
	struct ck_client client;
	struct ck_map reply;
	struct ck_vouch_proof proof;
	struct ck_vouch_statement statement;
	uint8_t challenge[32];
	struct ck_id id;
	rig_connect(&client, 0);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_CHALLENGE, challenge, sizeof challenge), CK_OK);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_ID, id.bytes, sizeof id.bytes), CK_OK);
	ck_assert(ck_id_equal(id, ck_builder_id(CAROL)));
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_VOUCH_MADE);
	ck_assert_mem_eq(rig.vouch_id, challenge, sizeof rig.vouch_id);
	ck_assert_int_eq(ck_vouch_proof_decode((struct ck_bytes){rig.vouch_proof, rig.vouch_proof_length}, &proof), CK_OK);
	ck_assert_int_eq(ck_vouch_statement_decode(proof.statement, &statement), CK_OK);
	ck_assert(ck_text_is(statement.user, "alice") && ck_text_is(statement.name, "carol") && ck_text_is(statement.system, "db1"));
	ck_assert(holds(&reply, "carol") && !holds(&reply, "uidNumber") && !holds(&reply, "employeeNumber"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(whom_it_was_made_for_sees_who_it_is)
{
	struct ck_client alice, carol;
	struct ck_map reply;
	rig_connect(&alice, 0);
	rig_connect(&carol, 4711);
	const char *code = vouch(&alice);
	ck_assert_int_eq(simple(&alice, CK_OP_VOUCH_STATE, &reply), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_STATE, "open") && !holds(&reply, ""));
	rig_identify(&carol, "carol", &rig.carol);
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_GRANTED);
	ck_assert(holds(&reply, "alice") && holds(&reply, "leeds") && !holds(&reply, "uidNumber") && !holds(&reply, "loginShell"));
	ck_assert_uint_eq(rig_number(&reply, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_VOUCH_CHECKED);
	ck_assert(rig_text_is(&rig.event, CK_F_USER, "carol"));
	rig.vouch_state = "checked";
	rig.vouch_checker = ck_builder_id(CAROL);
	ck_assert_int_eq(simple(&alice, CK_OP_VOUCH_STATE, &reply), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_STATE, "checked") && holds(&reply, "carol") && !holds(&reply, "uidNumber"));
	ck_assert_uint_eq(rig_number(&reply, CK_F_TIME), 1800000000);
	ck_client_close(&alice);
	ck_client_close(&carol);
}
END_TEST

START_TEST(a_touch_that_is_not_right_gives_none)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	/* another's key, no verification, a spoilt signature, one filed under another authority */
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.carol, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "refused"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, false, false), CK_ANSWER_DENIED);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, true), CK_ANSWER_DENIED);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.twin, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_STATE, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-vouch"));
	ck_client_close(&client);
}
END_TEST

START_TEST(a_touch_to_identify_or_log_in_is_no_vouch)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	rig_identify(&client, "alice", &rig.alice);
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_STATE, &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_WITHDRAW, &reply), CK_ANSWER_DENIED);
	(void)vouch(&client);
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_STATE, &reply), CK_ANSWER_GRANTED);
	/* and one to vouch identifies nobody */
	struct ck_client other;
	rig_connect(&other, 4711);
	(void)vouch(&other);
	ck_assert_int_eq(check(&other, "000000000000", &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-permitted"));
	ck_client_close(&client);
	ck_client_close(&other);
}
END_TEST

START_TEST(the_prompt_does_not_say_whether_there_is_such_a_person)
{
	struct ck_client client;
	struct ck_map known, unknown;
	uint8_t id[16], again[16];
	rig_connect(&client, 4711);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &known), CK_ANSWER_NEED_TOKEN);
	ck_keys present = known.present;
	ck_assert_int_eq(begin(&client, "alice", "staff", "mallory", &unknown), CK_ANSWER_NEED_TOKEN);
	ck_assert(present == unknown.present);
	ck_assert_int_eq(ck_map_fixed(&unknown, CK_F_ID, id, sizeof id), CK_OK);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &unknown, true, false), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&unknown, CK_F_REASON, "vouch-nobody"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_VOUCH_REFUSED);
	ck_assert_int_eq(begin(&client, "alice", "staff", "mallory", &unknown), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_fixed(&unknown, CK_F_ID, again, sizeof again), CK_OK);
	ck_assert_mem_eq(id, again, sizeof id);
	/* oneself is nobody either */
	ck_assert_int_eq(begin(&client, "alice", "staff", "alice", &unknown), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &unknown, true, false), CK_ANSWER_DENIED);
	ck_assert_int_eq(begin(&client, "alice", "authority", "nowhere", &unknown), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &unknown, true, false), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(wrong_requests_are_errors)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(begin(&client, "alice", "role", "ops", &reply), CK_ANSWER_ERROR);
	ck_assert_int_eq(begin(&client, "alice", "staff", "", &reply), CK_ANSWER_ERROR);
	ck_assert_int_eq(begin(&client, NULL, "staff", "carol", &reply), CK_ANSWER_ERROR);
	rig_identify(&client, "carol", &rig.carol);
	ck_assert_int_eq(check(&client, "12345", &reply), CK_ANSWER_ERROR);
	ck_assert_uint_eq(rig.vouch_finds, 0);
	ck_client_close(&client);
}
END_TEST

START_TEST(only_a_person_by_a_touch_checks)
{
	struct ck_client root, stranger;
	struct ck_map reply;
	rig_connect(&root, 0);
	const char *code = vouch(&root);
	ck_assert_int_eq(check(&root, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-permitted"));
	rig_connect(&stranger, 200013); /* carol's uid is not carol's touch */
	ck_assert_int_eq(check(&stranger, code, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig.vouch_finds, 0);
	ck_client_close(&root);
	ck_client_close(&stranger);
}
END_TEST

START_TEST(what_the_ledger_refuses_is_refused)
{
	static const char *const reasons[] = {"vouch-wrong", "vouch-expired", "vouch-used", "vouch-withdrawn", "vouch-tries"};
	struct ck_client client, carol;
	struct ck_map reply;
	const char *code = vouched(&client, &carol);
	unsigned events = rig.events;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		rig.refuse_find = reasons[i];
		ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
		ck_assert(rig_text_is(&reply, CK_F_REASON, reasons[i]) && !holds(&reply, "alice"));
	}
	rig.refuse_find = NULL;
	ck_assert_int_eq(check(&carol, wrong_code(code), &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "vouch-wrong"));
	ck_assert_uint_eq(rig.events, events);
	/* found, and somebody else was first */
	rig.refuse = "vouch-used";
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "vouch-used") && !holds(&reply, "alice"));
	ck_client_close(&client);
	ck_client_close(&carol);
}
END_TEST

START_TEST(without_the_ledger_nothing_is_told)
{
	struct ck_client client, carol;
	struct ck_map reply;
	const char *code = vouched(&client, &carol);
	rig.find_silent = true;
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_UNAVAILABLE);
	rig.find_silent = false;
	rig.refuse = "unrecorded";
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_UNAVAILABLE);
	rig.refuse = NULL;
	rig.ledger_silent = true;
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert(!holds(&reply, "alice"));
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_WITHDRAW, &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_UNAVAILABLE);
	ck_assert((reply.present & CK_KEY(CK_F_CODE)) == 0);
	rig.ledger_silent = false;
	rig.refuse = "vouch-again";
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert((reply.present & CK_KEY(CK_F_CODE)) == 0);
	ck_client_close(&client);
	ck_client_close(&carol);
}
END_TEST

static void suspend(unsigned number, const char *uid, uint64_t uid_number, enum ck_status status)
{
	struct ck_record *staff = ck_builder_staff(rig.builder, number, LEEDS, uid, uid_number);
	staff->as.staff.status = status;
	ck_builder_put(rig.builder, staff);
	ck_builder_commit(rig.builder);
}

START_TEST(what_ended_meanwhile_is_refused_and_uses_the_code_up)
{
	struct ck_client client, carol;
	struct ck_map reply;
	const char *code = vouched(&client, &carol);
	suspend(ALICE, "alice", 200011, CK_STATUS_SUSPENDED);
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "vouch-ended") && !holds(&reply, "alice"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_VOUCH_REFUSED);
	ck_assert(rig_text_is(&rig.event, CK_F_REASON, "vouch-ended"));
	suspend(ALICE, "alice", 200011, CK_STATUS_ACTIVE);
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_GRANTED);
	/* and the checker's own identification ends with them */
	suspend(CAROL, "carol", 200013, CK_STATUS_SUSPENDED);
	unsigned finds = rig.vouch_finds;
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-permitted"));
	ck_assert_uint_eq(rig.vouch_finds, finds);
	ck_client_close(&client);
	ck_client_close(&carol);
}
END_TEST

START_TEST(a_proof_that_another_gate_made_up_is_refused)
{
	struct ck_client client, carol;
	struct ck_map reply;
	const char *code = vouched(&client, &carol);
	rig.vouch_proof[rig.vouch_proof_length - 1] ^= 1;
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "vouch-ended") && !holds(&reply, "alice"));
	ck_assert(rig_text_is(&rig.event, CK_F_REASON, "vouch-proof"));
	rig.vouch_proof_length = 1;
	ck_assert_int_eq(check(&carol, code, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&rig.event, CK_F_REASON, "vouch-proof"));
	ck_client_close(&client);
	ck_client_close(&carol);
}
END_TEST

START_TEST(withdrawing_is_recorded)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	(void)vouch(&client);
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_WITHDRAW, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_VOUCH_WITHDRAWN);
	ck_assert(rig_text_is(&rig.event, CK_F_USER, "alice"));
	rig.refuse = "vouch-over";
	ck_assert_int_eq(simple(&client, CK_OP_VOUCH_WITHDRAW, &reply), CK_ANSWER_DENIED);
	/* another connection knows nothing of it */
	struct ck_client other;
	rig_connect(&other, 0);
	ck_assert_int_eq(simple(&other, CK_OP_VOUCH_WITHDRAW, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-vouch"));
	ck_client_close(&client);
	ck_client_close(&other);
}
END_TEST

START_TEST(an_old_copy_says_who_nobody_is)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(begin(&client, "alice", "staff", "carol", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_UNAVAILABLE);
	ck_assert((reply.present & CK_KEY(CK_F_CODE)) == 0);
	rig_identify(&client, "carol", &rig.carol);
	ck_assert_int_eq(check(&client, "000000000000", &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert_uint_eq(rig.vouch_finds, 0);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate_vouch");
	const TTest *const fresh[] = {
		a_touch_gives_a_code_and_is_recorded_with_its_proof, whom_it_was_made_for_sees_who_it_is, a_touch_that_is_not_right_gives_none,
		a_touch_to_identify_or_log_in_is_no_vouch, the_prompt_does_not_say_whether_there_is_such_a_person, wrong_requests_are_errors,
		only_a_person_by_a_touch_checks, what_the_ledger_refuses_is_refused, without_the_ledger_nothing_is_told,
		what_ended_meanwhile_is_refused_and_uses_the_code_up, a_proof_that_another_gate_made_up_is_refused, withdrawing_is_recorded};
	const TTest *const stale[] = {an_old_copy_says_who_nobody_is};
	rig_add_case(suite, "fresh", rig_set_up, fresh, sizeof fresh / sizeof fresh[0]);
	rig_add_case(suite, "stale", rig_set_up_stale, stale, 1);
	return rig_run(suite);
}
