/* What is kept of plans: decoded whole or not at all; what decodes is written the same. */
#include <stdlib.h>
#include <string.h>

#include "authd/protocol/plan.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	static uint8_t out[CK_PLAN_PROOF_LIMIT_BYTES];
	struct ck_bytes bytes = { data, size };
	struct ck_plan_statement statement;
	struct ck_plan_proof proof;
	struct ck_member_proof member;
	size_t length = 0;
	bool same = true;
	if (ck_plan_statement_decode(bytes, &statement) == CK_OK)
		same = same && ck_plan_statement_encode(&statement, out, sizeof out, &length) == CK_OK && length == size && memcmp(out, data, size) == 0;
	if (ck_plan_proof_decode(bytes, &proof) == CK_OK)
		same = same && ck_plan_proof_encode(&proof, out, sizeof out, &length) == CK_OK && length == size && memcmp(out, data, size) == 0;
	if (ck_member_proof_decode(bytes, &member) == CK_OK)
		same = same && ck_member_proof_encode(&member, out, sizeof out, &length) == CK_OK && length == size && memcmp(out, data, size) == 0;
	if (!same) abort();
}
