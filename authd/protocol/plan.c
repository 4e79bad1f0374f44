/* Encoding and strict decoding of plans and their proofs, and the hash tree of a batch. */
#include "authd/protocol/plan.h"

#include <string.h>

/* ---- the statement ---- */

enum ck_error ck_plan_statement_encode(const struct ck_plan_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 1, s->digest, sizeof s->digest);
	ck_field_bytes(&m, 2, s->nonce, sizeof s->nonce);
	ck_field_key(&m, 3);
	ck_cbor_put_text(&w, s->system);
	ck_field_key(&m, 4);
	ck_cbor_put_text(&w, s->user);
	ck_field_int(&m, 5, s->time_s);
	ck_field_bytes(&m, 6, s->plan.bytes, sizeof s->plan.bytes);
	ck_field_bytes(&m, 7, s->authority.bytes, sizeof s->authority.bytes);
	ck_field_uint(&m, 8, s->count);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_plan_statement_decode(struct ck_bytes bytes, struct ck_plan_statement *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_PLAN_STATEMENT_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(8), 0) != CK_OK ||
	    ck_map_fixed(&map, 1, out->digest, sizeof out->digest) != CK_OK || ck_map_fixed(&map, 2, out->nonce, sizeof out->nonce) != CK_OK ||
	    ck_map_text(&map, 3, CK_SYSTEM_LIMIT_BYTES, &out->system) != CK_OK || ck_map_text(&map, 4, 128, &out->user) != CK_OK ||
	    ck_map_int(&map, 5, &out->time_s) != CK_OK || ck_map_fixed(&map, 6, out->plan.bytes, sizeof out->plan.bytes) != CK_OK ||
	    ck_map_fixed(&map, 7, out->authority.bytes, sizeof out->authority.bytes) != CK_OK ||
	    ck_map_uint(&map, 8, 1, CK_PLAN_BATCHES_LIMIT * CK_CHANGES_LIMIT, &out->count) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}

/* ---- the tree ---- */

static void hash_leaf(ck_plan_hash hash, const uint8_t digest[32], uint8_t out[32])
{
	static const uint8_t mark = 0;
	const struct ck_bytes parts[] = { { &mark, 1 }, { digest, 32 } };
	hash(out, parts, 2);
}

static void hash_node(ck_plan_hash hash, const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
	static const uint8_t mark = 1;
	const struct ck_bytes parts[] = { { &mark, 1 }, { left, 32 }, { right, 32 } };
	hash(out, parts, 3);
}

/* The largest power of two below the count. */
static size_t left_of(size_t count)
{
	size_t left = 1;
	while (left * 2 < count) left *= 2;
	return left;
}

void ck_plan_root(ck_plan_hash hash, const uint8_t (*digests)[32], size_t count, uint8_t out[32])
{
	uint8_t left_root[32], right_root[32];
	CK_ASSERT(count >= 1 && count <= CK_CHANGES_LIMIT);
	if (count == 1) {
		hash_leaf(hash, digests[0], out);
		return;
	}
	size_t left = left_of(count);
	ck_plan_root(hash, digests, left, left_root);
	ck_plan_root(hash, digests + left, count - left, right_root);
	hash_node(hash, left_root, right_root, out);
}

size_t ck_plan_path(ck_plan_hash hash, const uint8_t (*digests)[32], size_t count, size_t index, uint8_t out[CK_PLAN_STEPS_LIMIT][32])
{
	CK_ASSERT(index < count);
	if (count == 1) return 0;
	size_t left = left_of(count);
	bool is_left = index < left;
	size_t steps = is_left ? ck_plan_path(hash, digests, left, index, out) : ck_plan_path(hash, digests + left, count - left, index - left, out);
	CK_ASSERT(steps < CK_PLAN_STEPS_LIMIT);
	if (is_left) ck_plan_root(hash, digests + left, count - left, out[steps]);
	else ck_plan_root(hash, digests, left, out[steps]);
	return steps + 1;
}

/* From the root down to learn the turns, then up; at most CK_PLAN_STEPS_LIMIT of them. */
bool ck_plan_climb(ck_plan_hash hash, const uint8_t digest[32], size_t index, size_t count, struct ck_bytes path, uint8_t out[32])
{
	bool is_left[CK_PLAN_STEPS_LIMIT];
	size_t steps = 0;
	if (count < 1 || count > CK_CHANGES_LIMIT || index >= count) return false;
	while (count > 1) {
		size_t left = left_of(count);
		is_left[steps] = index < left;
		count = is_left[steps] ? left : count - left;
		if (!is_left[steps]) index -= left;
		steps++;
	}
	if (path.length != steps * 32) return false;
	hash_leaf(hash, digest, out);
	for (size_t i = 0; i < steps; i++) {
		uint8_t below[32];
		memcpy(below, out, sizeof below);
		if (is_left[steps - 1 - i]) hash_node(hash, below, path.at + i * 32, out);
		else hash_node(hash, path.at + i * 32, below, out);
	}
	return true;
}

/* ---- proofs ---- */

enum ck_error ck_plan_proof_encode(const struct ck_plan_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 3, proof->key_hash.at, proof->key_hash.length);
	ck_field_bytes(&m, 4, proof->auth_data.at, proof->auth_data.length);
	ck_field_bytes(&m, 5, proof->signature.at, proof->signature.length);
	ck_field_bytes(&m, 11, proof->statement.at, proof->statement.length);
	ck_field_bytes(&m, 12, proof->roots.at, proof->roots.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_plan_proof_decode(struct ck_bytes bytes, struct ck_plan_proof *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_PLAN_PROOF_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK ||
	    ck_map_expect(&map, CK_KEY(3) | CK_KEY(4) | CK_KEY(5) | CK_KEY(11) | CK_KEY(12), 0) != CK_OK ||
	    ck_map_bytes(&map, 3, 32, 32, &out->key_hash) != CK_OK || ck_map_bytes(&map, 4, 37, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(&map, 5, 1, CK_SIGNATURE_LIMIT_BYTES, &out->signature) != CK_OK ||
	    ck_map_bytes(&map, 11, 1, CK_PLAN_STATEMENT_LIMIT_BYTES, &out->statement) != CK_OK ||
	    ck_map_bytes(&map, 12, 32, CK_PLAN_BATCHES_LIMIT * 32, &out->roots) != CK_OK || out->roots.length % 32 != 0)
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_member_proof_encode(const struct ck_member_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 1, proof->statement.at, proof->statement.length);
	ck_field_bytes(&m, 6, proof->plan.bytes, sizeof proof->plan.bytes);
	ck_field_uint(&m, 7, proof->batch);
	ck_field_uint(&m, 8, proof->index);
	ck_field_uint(&m, 9, proof->count);
	ck_field_bytes(&m, 10, proof->path.at, proof->path.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_member_proof_decode(struct ck_bytes bytes, struct ck_member_proof *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_MEMBER_PROOF_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK ||
	    ck_map_expect(&map, CK_KEY(1) | CK_KEY(6) | CK_KEY(7) | CK_KEY(8) | CK_KEY(9) | CK_KEY(10), 0) != CK_OK ||
	    ck_map_bytes(&map, 1, 1, CK_CHANGE_STATEMENT_LIMIT_BYTES, &out->statement) != CK_OK ||
	    ck_map_fixed(&map, 6, out->plan.bytes, sizeof out->plan.bytes) != CK_OK ||
	    ck_map_uint(&map, 7, 0, CK_PLAN_BATCHES_LIMIT - 1, &out->batch) != CK_OK ||
	    ck_map_uint(&map, 8, 0, CK_CHANGES_LIMIT - 1, &out->index) != CK_OK || ck_map_uint(&map, 9, 1, CK_CHANGES_LIMIT, &out->count) != CK_OK ||
	    ck_map_bytes(&map, 10, 0, CK_PLAN_STEPS_LIMIT * 32, &out->path) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}
