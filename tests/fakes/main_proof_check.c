/* proof-check: verifies a ckProof as it stands in the directory, with nothing but the key that it names: who reads the directory can.
   Prints the operation; exits 1 with a sentence when it does not verify. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/protocol/statement.h"

#define VALUE_LIMIT_BYTES 8192

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

int main(int argc, char **argv)
{
	static uint8_t proof_bytes[VALUE_LIMIT_BYTES], key_bytes[VALUE_LIMIT_BYTES], id_bytes[VALUE_LIMIT_BYTES];
	static const char tag[] = CK_TAG_CHANGE;
	struct ck_change_statement statement;
	struct ck_fido_result result;
	struct ck_errmsg why;
	struct ck_proof proof;
	uint8_t digest[32], challenge[32], hash[32];
	if (argc < 5 || sodium_init() < 0) {
		fputs("usage: proof-check RP-ID CREDENTIAL-ID PUBLIC-KEY PROOF [ATTRIBUTE=VALUE…]    (three in base64)\n", stderr);
		return 2;
	}
	struct ck_bytes id = decode(argv[2], id_bytes), public_key = decode(argv[3], key_bytes);
	if (ck_proof_decode(decode(argv[4], proof_bytes), &proof) != CK_OK) return refuse("the proof is malformed");
	if (ck_change_statement_decode(proof.statement, &statement) != CK_OK) return refuse("its statement is malformed");
	ck_sha256(hash, &id, 1);
	if (!ck_bytes_equal(proof.key_hash, (struct ck_bytes){hash, sizeof hash})) return refuse("it is by another key");
	ck_sha256(digest, &proof.statement, 1);
	if (memmem(proof.list.at, proof.list.length, digest, sizeof digest) == NULL)
		return refuse("its statement is not in the list that was signed");
	ck_sha256(challenge, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, proof.list}, 2);
	struct ck_key key = {.credential_id = id, .public_key = public_key, .rp_id = ck_text_of(argv[1]), .status = CK_STATUS_ACTIVE};
	struct ck_fido_assertion assertion = {.rp_id = key.rp_id, .client_data_hash = challenge, .credential_id = id,
	                                      .auth_data = proof.auth_data, .signature = proof.signature, .verify = true};
	if (ck_fido_verify_assertion(&key, &assertion, &result, &why) != CK_OK) return refuse(why.text);
	if (argc > 5 && !values_fit(&statement, argc - 5, argv + 5)) return refuse("it is about other values");
	printf("%.*s, verified\n", (int)statement.operation.length, statement.operation.at);
	return 0;
}
