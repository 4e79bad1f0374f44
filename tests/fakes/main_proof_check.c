/* proof-check: verifies a ckProof as it stands in the directory, with nothing but the key that it names (and of what a plan wrote, the plan's own
   entry): who reads the directory can.
   Prints the operation; exits 1 with a sentence when it does not verify. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/protocol/plan.h"

#define VALUE_LIMIT_BYTES 65536

static struct ck_bytes decode(const char *base64, uint8_t out[VALUE_LIMIT_BYTES])
{
	size_t length = 0;
	if (sodium_base642bin(out, VALUE_LIMIT_BYTES, base64, strlen(base64), "\n ", &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
		fprintf(stderr, "proof-check: no base64: %.40s\n", base64);
		exit(2);
	}
	return (struct ck_bytes){out, length};
}

static int refuse(const char *why)
{
	fprintf(stderr, "proof-check: %s\n", why);
	return 1;
}

/* The digest in the statement is that of these values: NAME=VALUE each, one value of each attribute. */
static bool values_fit(const struct ck_change_statement *statement, int count, char **words)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	static uint8_t bytes[VALUE_LIMIT_BYTES];
	uint8_t digest[32];
	size_t length = 0;
	for (int i = 0; i < count && i < CK_CHANGE_VALUES_LIMIT; i++) {
		char *equals = strchr(words[i], '=');
		if (equals == NULL) return false;
		values[i] = (struct ck_change_value){.attribute = {words[i], (size_t)(equals - words[i])}, .count = 1};
		values[i].values[0] = ck_bytes_of(ck_text_of(equals + 1));
	}
	if (ck_change_values_encode(values, (size_t)count, bytes, sizeof bytes, &length) != CK_OK) return false;
	ck_sha256(digest, &(struct ck_bytes){bytes, length}, 1);
	return memcmp(digest, statement->digest, sizeof digest) == 0;
}

/* From what an entry keeps to the root that the plan's entry has, and to what was signed. */
static const char *climb(struct ck_bytes member, struct ck_bytes kept, struct ck_proof *out, struct ck_bytes *out_signed)
{
	struct ck_member_proof proof;
	struct ck_plan_proof plan;
	struct ck_plan_statement statement;
	uint8_t digest[32], root[32];
	if (ck_member_proof_decode(member, &proof) != CK_OK || ck_plan_proof_decode(kept, &plan) != CK_OK ||
	    ck_plan_statement_decode(plan.statement, &statement) != CK_OK)
		return "the proof is malformed";
	ck_sha256(digest, &plan.roots, 1);
	if (!ck_id_equal(proof.plan, statement.plan) || memcmp(digest, statement.digest, sizeof digest) != 0) return "it is of another plan";
	ck_sha256(digest, &proof.statement, 1);
	if (!ck_plan_climb(ck_sha256, digest, (size_t)proof.index, (size_t)proof.count, proof.path, root) || proof.batch * 32 >= plan.roots.length ||
	    memcmp(root, plan.roots.at + proof.batch * 32, 32) != 0)
		return "its statement is not in the plan that was signed";
	*out = (struct ck_proof){.statement = proof.statement, .key_hash = plan.key_hash, .auth_data = plan.auth_data, .signature = plan.signature};
	*out_signed = plan.statement;
	return NULL;
}

int main(int argc, char **argv)
{
	static uint8_t kept_bytes[VALUE_LIMIT_BYTES];
	static const char plan_tag[] = CK_TAG_PLAN;
	struct ck_bytes kept = {NULL, 0}, list;
	if (argc > 2 && strcmp(argv[1], "--plan") == 0) {
		kept = decode(argv[2], kept_bytes);
		argc -= 2;
		argv += 2;
	}
	static uint8_t proof_bytes[VALUE_LIMIT_BYTES], key_bytes[VALUE_LIMIT_BYTES], id_bytes[VALUE_LIMIT_BYTES];
	static const char tag[] = CK_TAG_CHANGE;
	struct ck_change_statement statement;
	struct ck_fido_result result;
	struct ck_errmsg why;
	struct ck_proof proof;
	uint8_t digest[32], challenge[32], hash[32];
	if (argc < 5 || sodium_init() < 0) {
		fputs("usage: proof-check [--plan PLAN] RP-ID CREDENTIAL-ID PUBLIC-KEY PROOF [ATTRIBUTE=VALUE…]    (all but the first and last in base64)\n", stderr);
		return 2;
	}
	struct ck_bytes id = decode(argv[2], id_bytes), public_key = decode(argv[3], key_bytes);
	struct ck_bytes bytes = decode(argv[4], proof_bytes);
	const char *fault = NULL;
	if (kept.at != NULL) fault = climb(bytes, kept, &proof, &list);
	else if (ck_proof_decode(bytes, &proof) != CK_OK) fault = "the proof is malformed";
	if (fault != NULL) return refuse(fault);
	if (ck_change_statement_decode(proof.statement, &statement) != CK_OK) return refuse("its statement is malformed");
	ck_sha256(hash, &id, 1);
	if (!ck_bytes_equal(proof.key_hash, (struct ck_bytes){hash, sizeof hash})) return refuse("it is by another key");
	ck_sha256(digest, &proof.statement, 1);
	if (kept.at == NULL) list = proof.list;
	if (kept.at == NULL && memmem(list.at, list.length, digest, sizeof digest) == NULL)
		return refuse("its statement is not in the list that was signed");
	struct ck_bytes with = {(const uint8_t *)(kept.at != NULL ? plan_tag : tag), kept.at != NULL ? sizeof plan_tag : sizeof tag};
	ck_sha256(challenge, (struct ck_bytes[]){with, list}, 2);
	struct ck_key key = {.credential_id = id, .public_key = public_key, .rp_id = ck_text_of(argv[1]), .status = CK_STATUS_ACTIVE};
	struct ck_fido_assertion assertion = {.rp_id = key.rp_id, .client_data_hash = challenge, .credential_id = id,
	                                      .auth_data = proof.auth_data, .signature = proof.signature, .verify = true};
	if (ck_fido_verify_assertion(&key, &assertion, &result, &why) != CK_OK) return refuse(why.text);
	if (argc > 5 && !values_fit(&statement, argc - 5, argv + 5)) return refuse("it is about other values");
	printf("%.*s, verified\n", (int)statement.operation.length, statement.operation.at);
	return 0;
}
