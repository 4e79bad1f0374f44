/* Encoding and strict decoding of what keys sign and of what a change carries. The encoding is deterministic: verifier and signer make
   the same bytes from the same fields. */
#include "authd/protocol/statement.h"

#include <string.h>

enum ck_error ck_login_statement_encode(const struct ck_login_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_any_text(&m, 1, s->system);
	ck_field_any_text(&m, 2, s->user);
	ck_field_any_text(&m, 3, s->account);
	ck_field_any_text(&m, 4, s->service);
	ck_field_any_text(&m, 5, s->tty);
	ck_field_any_text(&m, 6, s->remote_host);
	ck_field_bytes(&m, 7, s->nonce, sizeof s->nonce);
	ck_field_int(&m, 8, s->time_s);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_person_statement_encode(const struct ck_person_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_any_text(&m, 1, s->system);
	ck_field_any_text(&m, 2, s->user);
	ck_field_bytes(&m, 3, s->nonce, sizeof s->nonce);
	ck_field_int(&m, 4, s->time_s);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_person_statement_decode(struct ck_bytes bytes, struct ck_person_statement *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_LOGIN_STATEMENT_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(4), 0) != CK_OK ||
	    ck_map_text(&map, 1, CK_SYSTEM_LIMIT_BYTES, &out->system) != CK_OK || ck_map_text(&map, 2, 128, &out->user) != CK_OK ||
	    ck_map_fixed(&map, 3, out->nonce, sizeof out->nonce) != CK_OK || ck_map_int(&map, 4, &out->time_s) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_change_statement_encode(const struct ck_change_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_any_text(&m, 1, s->operation);
	ck_field_bytes(&m, 2, s->target.at, s->target.length);
	ck_field_bytes(&m, 3, s->parent.at, s->parent.length);
	ck_field_any_text(&m, 4, s->csn);
	ck_field_bytes(&m, 5, s->digest, sizeof s->digest);
	ck_field_bytes(&m, 6, s->authority.bytes, sizeof s->authority.bytes);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_change_statement_decode(struct ck_bytes bytes, struct ck_change_statement *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_CHANGE_STATEMENT_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(6), 0) != CK_OK ||
	    ck_map_text(&map, 1, 32, &out->operation) != CK_OK || ck_map_bytes(&map, 2, 16, 32, &out->target) != CK_OK ||
	    ck_map_bytes(&map, 3, 0, 16, &out->parent) != CK_OK || ck_map_text(&map, 4, 48, &out->csn) != CK_OK ||
	    ck_map_fixed(&map, 5, out->digest, sizeof out->digest) != CK_OK ||
	    ck_map_fixed(&map, 6, out->authority.bytes, sizeof out->authority.bytes) != CK_OK ||
	    (out->target.length != 16 && out->target.length != 32) || (out->parent.length != 0 && out->parent.length != 16))
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_change_list_encode(const struct ck_change_list *list, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	*out_length = 0;
	if (list->count == 0 || list->count > CK_CHANGES_LIMIT) return CK_ERR_LIMIT;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_key(&m, 1);
	ck_cbor_put_array(&w, list->count);
	for (size_t i = 0; i < list->count; i++) ck_cbor_put_bytes(&w, list->digests[i], sizeof list->digests[i]);
	ck_field_bytes(&m, 2, list->nonce, sizeof list->nonce);
	ck_field_any_text(&m, 3, list->system);
	ck_field_any_text(&m, 4, list->user);
	ck_field_int(&m, 5, list->time_s);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_change_values_encode(const struct ck_change_value *values, size_t count, uint8_t *out, size_t limit_bytes,
                                      size_t *out_length)
{
	struct ck_writer w;
	*out_length = 0;
	if (count > CK_CHANGE_VALUES_LIMIT) return CK_ERR_LIMIT;
	ck_writer_init(&w, out, limit_bytes);
	ck_cbor_put_array(&w, count);
	for (size_t i = 0; i < count; i++) {
		ck_cbor_put_array(&w, 2);
		ck_cbor_put_text(&w, values[i].attribute);
		ck_cbor_put_array(&w, values[i].count);
		for (size_t j = 0; j < values[i].count; j++) ck_cbor_put_bytes(&w, values[i].values[j].at, values[i].values[j].length);
	}
	if (w.failed) return CK_ERR_LIMIT;
	*out_length = ck_writer_length(&w);
	return CK_OK;
}

/* [attribute, [value, …]] */
static enum ck_error decode_value(const struct ck_item *pair, struct ck_change_value *out)
{
	struct ck_items parts, values;
	struct ck_item name, list, value;
	out->count = 0;
	if (ck_items_of(pair, 2, &parts) != CK_OK || parts.left != 2) return CK_ERR_INVALID;
	if (!ck_items_next(&parts, &name) || name.type != CK_CBOR_TEXT || name.span.length == 0 || name.span.length > 64)
		return CK_ERR_INVALID;
	out->attribute = (struct ck_text){ (const char *)name.span.at, name.span.length };
	if (!ck_items_next(&parts, &list)) return CK_ERR_INVALID;
	if (ck_items_of(&list, sizeof out->values / sizeof out->values[0], &values) != CK_OK) return CK_ERR_LIMIT;
	while (ck_items_next(&values, &value)) {
		if (value.type != CK_CBOR_BYTES) return CK_ERR_INVALID;
		out->values[out->count++] = value.span;
	}
	return CK_OK;
}

enum ck_error ck_change_values_decode(struct ck_bytes bytes, struct ck_change_value *out, size_t *out_count)
{
	struct ck_reader r;
	struct ck_items pairs = { .left = 1 };
	struct ck_item whole, pair;
	*out_count = 0;
	if (ck_cbor_check(bytes) != CK_OK) return CK_ERR_INVALID;
	ck_reader_init(&r, bytes.at, bytes.length);
	pairs.r = r;
	if (!ck_items_next(&pairs, &whole)) return CK_ERR_INVALID;
	enum ck_error error = ck_items_of(&whole, CK_CHANGE_VALUES_LIMIT, &pairs);
	for (size_t count = 0; error == CK_OK && ck_items_next(&pairs, &pair); *out_count = count) error = decode_value(&pair, &out[count++]);
	if (error != CK_OK) *out_count = 0;
	return error;
}

enum ck_error ck_wire_entry_encode(const struct ck_wire_entry *entry, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_any_text(&m, 0, entry->kind);
	ck_field_bytes(&m, 1, entry->id.at, entry->id.length);
	ck_field_bytes(&m, 2, entry->authority.bytes, sizeof entry->authority.bytes);
	ck_field_any_text(&m, 3, entry->csn);
	ck_field_key(&m, 4);
	ck_put_bytes(&w, entry->values.at, entry->values.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_wire_entry_decode(struct ck_bytes bytes, struct ck_wire_entry *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, 31, 0) != CK_OK || ck_map_text(&map, 0, 32, &out->kind) != CK_OK ||
	    ck_map_bytes(&map, 1, 16, 32, &out->id) != CK_OK ||
	    ck_map_fixed(&map, 2, out->authority.bytes, sizeof out->authority.bytes) != CK_OK ||
	    ck_map_text(&map, 3, 48, &out->csn) != CK_OK || map.at[4].type != CK_CBOR_ARRAY)
		return CK_ERR_INVALID;
	out->values = map.at[4].encoded;
	return CK_OK;
}

enum ck_error ck_proof_encode(const struct ck_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 1, proof->statement.at, proof->statement.length);
	ck_field_bytes(&m, 2, proof->list.at, proof->list.length);
	ck_field_bytes(&m, 3, proof->key_hash.at, proof->key_hash.length);
	ck_field_bytes(&m, 4, proof->auth_data.at, proof->auth_data.length);
	ck_field_bytes(&m, 5, proof->signature.at, proof->signature.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_proof_decode(struct ck_bytes bytes, struct ck_proof *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_PROOF_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(5), 0) != CK_OK ||
	    ck_map_bytes(&map, 1, 1, CK_CHANGE_STATEMENT_LIMIT_BYTES, &out->statement) != CK_OK ||
	    ck_map_bytes(&map, 2, 1, CK_CHANGE_LIST_LIMIT_BYTES, &out->list) != CK_OK ||
	    ck_map_bytes(&map, 3, 32, 32, &out->key_hash) != CK_OK ||
	    ck_map_bytes(&map, 4, 37, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(&map, 5, 1, CK_SIGNATURE_LIMIT_BYTES, &out->signature) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_registration_encode(const struct ck_registration *registration, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 1, registration->statement.at, registration->statement.length);
	ck_field_any_text(&m, 2, registration->format);
	ck_field_bytes(&m, 3, registration->auth_data.at, registration->auth_data.length);
	ck_field_bytes(&m, 4, registration->attestation.at, registration->attestation.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_registration_decode(struct ck_bytes bytes, struct ck_registration *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_REGISTRATION_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(4), 0) != CK_OK ||
	    ck_map_bytes(&map, 1, 1, CK_LOGIN_STATEMENT_LIMIT_BYTES, &out->statement) != CK_OK || ck_map_text(&map, 2, 32, &out->format) != CK_OK ||
	    ck_map_bytes(&map, 3, 37, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(&map, 4, 1, CK_ATT_STMT_LIMIT_BYTES, &out->attestation) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}
