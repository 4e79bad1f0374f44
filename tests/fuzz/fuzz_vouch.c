/* A vouch from anywhere: its proof and its statement have one form, its code is what somebody typed, and a message about it that is taken says
   nothing that its proof does not. */
#include <string.h>

#include "authd/ledger_vouch_act.h"
#include "authd/protocol/vouch.h"
#include "tests/fuzz/fuzz.h"

static void check_statement(struct ck_bytes bytes)
{
	uint8_t again[CK_VOUCH_STATEMENT_LIMIT_BYTES];
	struct ck_vouch_statement statement;
	size_t length;
	if (ck_vouch_statement_decode(bytes, &statement) != CK_OK) return;
	CK_ASSERT(ck_vouch_statement_encode(&statement, again, sizeof again, &length) == CK_OK);
	CK_ASSERT(ck_bytes_equal(bytes, (struct ck_bytes){again, length}));
}

static void check_proof(struct ck_bytes bytes)
{
	static uint8_t again[CK_VOUCH_PROOF_LIMIT_BYTES];
	struct ck_vouch_proof proof;
	size_t length;
	if (ck_vouch_proof_decode(bytes, &proof) != CK_OK) return;
	CK_ASSERT(ck_vouch_proof_encode(&proof, again, sizeof again, &length) == CK_OK);
	CK_ASSERT(ck_bytes_equal(bytes, (struct ck_bytes){again, length}));
	check_statement(proof.statement);
}

static void check_code(struct ck_bytes bytes)
{
	char code[CK_VOUCH_CODE_BYTES], again[CK_VOUCH_CODE_BYTES], shown[CK_VOUCH_CODE_TEXT_BYTES];
	if (ck_vouch_code_parse((struct ck_text){(const char *)bytes.at, bytes.length}, code) != CK_OK) return;
	CK_ASSERT(strspn(code, "0123456789") == CK_VOUCH_CODE_DIGITS && code[CK_VOUCH_CODE_DIGITS] == '\0');
	CK_ASSERT(ck_vouch_code_parse(ck_text_of(ck_vouch_code_format(code, shown)), again) == CK_OK && strcmp(code, again) == 0);
}

static void check_message(struct ck_bytes bytes)
{
	static struct ck_map message;
	struct ck_vouch_act act;
	struct ck_vouch_guess guess;
	uint64_t event;
	if (ck_map_parse(bytes, &message) != CK_OK) return;
	if (ck_vouch_guess_read(&message, &guess)) CK_ASSERT(guess.digest != NULL && guess.found != CK_VOUCH_FOUND);
	if (ck_map_uint(&message, CK_F_EVENT, 0, UINT64_MAX, &event) != CK_OK) return;
	const struct ck_event_rule *rule = ck_event_rule_of(event);
	if (rule == NULL || (rule->what & CK_EVENT_VOUCHES) == 0 || ck_event_check(rule, CK_PROCESS_GATE, &message) != CK_OK) return;
	if (!ck_vouch_act_read(&message, rule->event, &act) || rule->event != CK_EVENT_VOUCH_MADE) return;
	CK_ASSERT(ck_text_equal(act.user, act.made.statement.user));
	check_proof(act.made.proof);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_bytes bytes = {data, size};
	check_proof(bytes);
	check_statement(bytes);
	check_code(bytes);
	check_message(bytes);
}
