/* Numbers: small, so that lists are; given in blocks to authorities, so that an authority's people lie together; never given twice in the life of a
   file, so that a page's cursor means the same until the next full refresh. */
#include <endian.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/people_internal.h"

#define BLOCK_SIZE (1u << CK_BLOCK_BITS)

static void block_key(struct ck_index_key *key, uint32_t block)
{
	uint16_t big = htobe16((uint16_t)block);
	ck_index_begin(key, CK_TABLE_BLOCK);
	ck_index_add_bytes(key, &big, sizeof big);
}

static void blocks_of(struct ck_index_key *key, struct ck_id authority)
{
	ck_index_begin(key, CK_TABLE_BLOCKS_OF);
	ck_index_add_id(key, authority);
}

static enum ck_error block_get(struct ck_batch *batch, uint32_t block, struct ck_id *out_authority, uint32_t *out_used)
{
	struct ck_index_key key;
	struct ck_bytes body;
	block_key(&key, block);
	enum ck_error error = ck_kv_get_sealed(&batch->view, &key, &body);
	if (error != CK_OK) return error;
	if (body.length != sizeof out_authority->bytes + 4) return CK_ERR_CORRUPT;
	struct ck_reader reader;
	memcpy(out_authority->bytes, body.at, sizeof out_authority->bytes);
	ck_reader_init(&reader, body.at + sizeof out_authority->bytes, 4);
	*out_used = ck_get_u32le(&reader);
	return *out_used <= BLOCK_SIZE ? CK_OK : CK_ERR_CORRUPT;
}

static enum ck_error block_set(struct ck_batch *batch, uint32_t block, struct ck_id authority, uint32_t used)
{
	uint8_t bytes[sizeof authority.bytes + 4];
	struct ck_index_key key;
	struct ck_writer writer;
	block_key(&key, block);
	ck_writer_init(&writer, bytes, sizeof bytes);
	ck_put_bytes(&writer, authority.bytes, sizeof authority.bytes);
	ck_put_u32le(&writer, used);
	return ck_kv_set_sealed(batch, &key, (struct ck_bytes){bytes, sizeof bytes});
}

static enum ck_error last_block(struct ck_view *view, const struct ck_index_key *prefix, uint32_t *out)
{
	struct ck_bytes key, value;
	uint16_t big;
	enum ck_error error = ck_scan_last(view, prefix, &key, &value);
	if (error != CK_OK) return error;
	if (key.length != prefix->length + sizeof big) return CK_ERR_CORRUPT;
	memcpy(&big, key.at + prefix->length, sizeof big);
	*out = be16toh(big);
	return CK_OK;
}

/* The authority's words lead to each of its blocks. */
static enum ck_error name_block(struct ck_batch *batch, struct ck_id authority, uint32_t block)
{
	struct ck_record record;
	enum ck_error error = ck_view_get(&batch->view, CK_KIND_AUTHORITY, authority, &record);
	/* it may still come */
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_OK : error;
	return ck_people_name_block(batch, &record.as.authority_of, block, false);
}

static enum ck_error block_new(struct ck_batch *batch, struct ck_id authority, uint32_t *out)
{
	struct ck_index_key all, key;
	uint16_t big;
	uint32_t last = 0;
	ck_index_begin(&all, CK_TABLE_BLOCK);
	enum ck_error error = last_block(&batch->view, &all, &last);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	*out = error == CK_OK ? last + 1 : 0;
	if (*out >= CK_BLOCKS_LIMIT) return CK_ERR_LIMIT;
	big = htobe16((uint16_t)*out);
	blocks_of(&key, authority);
	ck_index_add_bytes(&key, &big, sizeof big);
	error = ck_kv_add(batch, &key, (struct ck_bytes){(const uint8_t *)"", 0});
	if (error == CK_OK) error = block_set(batch, *out, authority, 0);
	return error == CK_OK ? name_block(batch, authority, *out) : error;
}

enum ck_error ck_people_number_new(struct ck_batch *batch, struct ck_id authority, uint32_t *out)
{
	struct ck_index_key key;
	struct ck_id owner = authority;
	uint32_t block = 0, used = BLOCK_SIZE;
	blocks_of(&key, authority);
	enum ck_error error = last_block(&batch->view, &key, &block);
	if (error == CK_OK) error = block_get(batch, block, &owner, &used);
	if (error == CK_OK && !ck_id_equal(owner, authority)) error = CK_ERR_CORRUPT;
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	if (used == BLOCK_SIZE) {
		error = block_new(batch, authority, &block);
		if (error != CK_OK) return error;
		used = 0;
	}
	*out = (block << CK_BLOCK_BITS) + used;
	return block_set(batch, block, authority, used + 1);
}

enum ck_error ck_people_number_of(struct ck_batch *batch, struct ck_id staff, uint32_t *out)
{
	struct ck_index_key key;
	struct ck_bytes body;
	ck_index_begin(&key, CK_TABLE_NUMBER);
	ck_index_add_id(&key, staff);
	enum ck_error error = ck_kv_get(&batch->view, &key, &body);
	if (error != CK_OK) return error;
	struct ck_reader reader;
	ck_reader_init(&reader, body.at, body.length);
	*out = ck_get_u32le(&reader);
	return ck_reader_done(&reader) && *out < CK_NUMBER_LIMIT ? CK_OK : CK_ERR_CORRUPT;
}

static void person_key(struct ck_index_key *key, uint32_t number)
{
	uint32_t big = htobe32(number);
	ck_index_begin(key, CK_TABLE_PERSON);
	ck_index_add_bytes(key, &big, sizeof big);
}

enum ck_error ck_people_staff_of(struct ck_view *view, uint32_t number, struct ck_id *out)
{
	struct ck_index_key key;
	struct ck_bytes found, body;
	person_key(&key, number);
	/* those of one page stand close together */
	enum ck_error error = ck_scan_first(view, &key, &key, &found, &body);
	/* whoever is in a list is there */
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
	if (body.length != sizeof out->bytes) return CK_ERR_CORRUPT;
	memcpy(out->bytes, body.at, sizeof out->bytes);
	return CK_OK;
}

enum ck_error ck_people_next(struct ck_view *view, uint32_t from, uint32_t *out)
{
	struct ck_index_key all, start;
	struct ck_bytes key, value;
	uint32_t big;
	ck_index_begin(&all, CK_TABLE_PERSON);
	person_key(&start, from);
	*out = CK_NUMBER_NONE;
	enum ck_error error = ck_scan_first(view, &all, &start, &key, &value);
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_OK : error;
	if (key.length != 1 + sizeof big) return CK_ERR_CORRUPT;
	memcpy(&big, key.at + 1, sizeof big);
	*out = be32toh(big);
	return CK_OK;
}

struct listing {
	ck_block_visitor each;
	void *context;
	enum ck_error error;
};

static bool list_block(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct listing *listing = context;
	uint16_t big;
	(void)value;
	if (key.length != 1 + sizeof(struct ck_id) + sizeof big) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	memcpy(&big, key.at + key.length - sizeof big, sizeof big);
	listing->error = listing->each(be16toh(big), listing->context);
	return listing->error == CK_OK;
}

enum ck_error ck_people_each_block(struct ck_view *view, struct ck_id authority, ck_block_visitor each, void *context)
{
	struct listing listing = {.each = each, .context = context, .error = CK_OK};
	struct ck_index_key prefix;
	blocks_of(&prefix, authority);
	enum ck_error error = ck_scan(view, &prefix, NULL, list_block, &listing);
	return listing.error != CK_OK ? listing.error : error;
}
