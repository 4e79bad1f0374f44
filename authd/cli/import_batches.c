/* Statements in batches, in a file of records: [u32 length][type][bytes]. The batches first, as the requests that will be sent; then, once they
   were ordered, the head that says so; then a mark for each that is done. Only ever written at the end, so what is there after a crash is good. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "authd/cli/import.h"

#define MAGIC "crosskeys plan file 1\n"
#define BATCH_LIMIT_BYTES (CK_FRAME_LIMIT_BYTES - 1024) /* of statements and values: the rest of the request, and the gate's envelope */

enum { RECORD_BATCH = 'B', RECORD_HEAD = 'H', RECORD_DONE = 'D' };

struct head {
	struct ck_id plan, authority;
	uint64_t statements, batches;
};
struct ck_batches {
	FILE *file;
	const char *path;
	bool temporary;
	struct ck_batches_state state;
	uint8_t roots[CK_PLAN_BATCHES_LIMIT][32];
	long offsets[CK_PLAN_BATCHES_LIMIT]; /* where each batch lies */
	/* the batch that is being filled */
	uint8_t statements[CK_CHANGES_LIMIT][CK_CHANGE_STATEMENT_LIMIT_BYTES];
	size_t statement_lengths[CK_CHANGES_LIMIT];
	uint8_t values[CK_FRAME_LIMIT_BYTES];
	size_t value_at[CK_CHANGES_LIMIT + 1];
	uint64_t lines[CK_CHANGES_LIMIT];
	size_t count, bytes;
};

static void sha256(uint8_t out[32], const struct ck_bytes *parts, size_t count)
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < count; i++) crypto_hash_sha256_update(&state, parts[i].at, parts[i].length);
	crypto_hash_sha256_final(&state, out);
}

static struct ck_batches *allocate(const char *path)
{
	struct ck_batches *b = ck_cli_allocate(sizeof *b);
	memset(b, 0, sizeof *b);
	b->path = path;
	b->state.roots = (const uint8_t(*)[32])b->roots;
	return b;
}

static enum ck_error io_error(const struct ck_batches *b, struct ck_errmsg *err)
{
	return ck_fail(err, CK_ERR_IO, "%s: %s", b->path, errno != 0 ? strerror(errno) : "it is cut off");
}

static enum ck_error put_record(struct ck_batches *b, int type, const void *first, size_t first_length, const void *second, size_t second_length,
                                struct ck_errmsg *err)
{
	uint32_t length = (uint32_t)(first_length + second_length);
	errno = 0;
	if (fseek(b->file, 0, SEEK_END) != 0 || fwrite(&length, sizeof length, 1, b->file) != 1 || putc(type, b->file) == EOF ||
	    fwrite(first, 1, first_length, b->file) != first_length || fwrite(second, 1, second_length, b->file) != second_length || fflush(b->file) != 0)
		return io_error(b, err);
	return CK_OK;
}

/* ---- making one ---- */

enum ck_error ck_batches_create(const char *path, struct ck_id authority, struct ck_batches **out, struct ck_errmsg *err)
{
	struct ck_batches *b = allocate(path);
	*out = b;
	randombytes_buf(b->state.plan.bytes, sizeof b->state.plan.bytes);
	b->state.plan.bytes[6] = (uint8_t)((b->state.plan.bytes[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4 */
	b->state.plan.bytes[8] = (uint8_t)((b->state.plan.bytes[8] & 0x3f) | 0x80);
	b->state.authority = authority;
	if (path == NULL) { /* only to see what it would be */
		b->path = "a temporary file";
		b->temporary = true;
		b->file = tmpfile();
		return b->file != NULL ? CK_OK : io_error(b, err);
	}
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return ck_fail(err, CK_ERR_EXISTS, "%s: an import was left unfinished there: go on with it by --resume, or remove the file", path);
	b->file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (b->file == NULL || flock(fd, LOCK_EX | LOCK_NB) != 0 || fputs(MAGIC, b->file) == EOF) return io_error(b, err);
	return CK_OK;
}

static void make_request(struct ck_batches *b, struct ck_batch_request *out)
{
	struct ck_frame_out frame;
	ck_frame_begin(&frame, out->bytes, sizeof out->bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_PLAN_BATCH);
	ck_field_bytes(&frame.map, CK_F_ID, b->state.plan.bytes, sizeof b->state.plan.bytes);
	ck_field_key(&frame.map, CK_F_STATEMENTS);
	ck_cbor_put_array(&frame.w, b->count);
	for (size_t i = 0; i < b->count; i++) ck_cbor_put_bytes(&frame.w, b->statements[i], b->statement_lengths[i]);
	ck_field_key(&frame.map, CK_F_VALUES);
	ck_cbor_put_array(&frame.w, b->count);
	for (size_t i = 0; i < b->count; i++) ck_cbor_put_bytes(&frame.w, b->values + b->value_at[i], b->value_at[i + 1] - b->value_at[i]);
	ck_field_uint(&frame.map, CK_F_INDEX, b->state.batches);
	enum ck_error error = ck_frame_end(&frame, &out->length);
	CK_ASSERT(error == CK_OK);
	out->count = b->count;
	memcpy(out->lines, b->lines, sizeof out->lines);
}

static enum ck_error put_batch(struct ck_batches *b, struct ck_errmsg *err)
{
	static struct ck_batch_request request;
	static uint8_t digests[CK_CHANGES_LIMIT][32];
	if (b->state.batches == CK_PLAN_BATCHES_LIMIT)
		return ck_fail(err, CK_ERR_LIMIT, "that is more than one touch orders (%d batches of up to %d people): import the file in parts",
		               CK_PLAN_BATCHES_LIMIT, CK_CHANGES_LIMIT);
	make_request(b, &request);
	for (size_t i = 0; i < b->count; i++) sha256(digests[i], &(struct ck_bytes){ b->statements[i], b->statement_lengths[i] }, 1);
	ck_plan_root(sha256, (const uint8_t(*)[32])digests, b->count, b->roots[b->state.batches]);
	if (fseek(b->file, 0, SEEK_END) != 0) return io_error(b, err);
	b->offsets[b->state.batches] = ftell(b->file);
	struct {
		uint64_t count, lines[CK_CHANGES_LIMIT];
	} about = { .count = b->count };
	memcpy(about.lines, b->lines, sizeof about.lines);
	enum ck_error error = put_record(b, RECORD_BATCH, &about, sizeof about, request.bytes, request.length, err);
	if (error != CK_OK) return error;
	b->state.batches++;
	b->count = b->bytes = 0;
	return CK_OK;
}

static enum ck_error encode(struct ck_batches *b, struct ck_id target, const char *csn, const struct ck_change_value *values, size_t count,
                            size_t *out_bytes)
{
	struct ck_change_statement statement = { .operation = ck_text_of(csn[0] == '\0' ? "staff.add" : "staff.change"),
		                                 .target = { target.bytes, sizeof target.bytes }, .csn = ck_text_of(csn),
		                                 .authority = b->state.authority };
	size_t at = b->value_at[b->count], length = 0;
	enum ck_error error = ck_change_values_encode(values, count, b->values + at, sizeof b->values - at, &length);
	if (error != CK_OK) return error;
	b->value_at[b->count + 1] = at + length;
	crypto_hash_sha256(statement.digest, b->values + at, length);
	error = ck_change_statement_encode(&statement, b->statements[b->count], sizeof b->statements[0], &b->statement_lengths[b->count]);
	*out_bytes = length + b->statement_lengths[b->count] + 8; /* and their heads */
	return error;
}

enum ck_error ck_batches_add(struct ck_batches *b, struct ck_id target, const char *csn, const struct ck_change_value *values, size_t count,
                             uint64_t line, struct ck_errmsg *err)
{
	size_t bytes = 0;
	enum ck_error error = encode(b, target, csn, values, count, &bytes);
	if ((error == CK_ERR_LIMIT || b->bytes + bytes > BATCH_LIMIT_BYTES) && b->count > 0) {
		error = put_batch(b, err);
		if (error == CK_OK) error = encode(b, target, csn, values, count, &bytes);
	}
	if (error != CK_OK) return err->text[0] != '\0' ? error : ck_fail(err, error, "a person's values are too long for one request");
	b->lines[b->count++] = line;
	b->bytes += bytes;
	b->state.statements++;
	return b->count == CK_CHANGES_LIMIT ? put_batch(b, err) : CK_OK;
}

enum ck_error ck_batches_finish(struct ck_batches *b, struct ck_errmsg *err)
{
	return b->count > 0 ? put_batch(b, err) : CK_OK;
}

const struct ck_batches_state *ck_batches_state(const struct ck_batches *batches) { return &batches->state; }

enum ck_error ck_batches_ordered(struct ck_batches *b, struct ck_errmsg *err)
{
	struct head head = { .plan = b->state.plan, .authority = b->state.authority, .statements = b->state.statements, .batches = b->state.batches };
	enum ck_error error = put_record(b, RECORD_HEAD, &head, sizeof head, "", 0, err);
	if (error == CK_OK && fdatasync(fileno(b->file)) != 0) error = io_error(b, err);
	return error;
}

/* ---- reading one ---- */

struct record {
	uint32_t length;
	int type;
	long offset;
};

/* False: that was the last whole one. */
static bool next_record(struct ck_batches *b, struct record *out)
{
	out->offset = ftell(b->file);
	if (fread(&out->length, sizeof out->length, 1, b->file) != 1) return false;
	out->type = getc(b->file);
	return out->type != EOF && out->length <= sizeof(struct ck_batch_request) + 1024;
}

static enum ck_error scan(struct ck_batches *b, struct ck_errmsg *err)
{
	struct record record;
	struct head head;
	bool ordered = false;
	uint64_t batches = 0;
	while (next_record(b, &record)) {
		if (record.type == RECORD_BATCH && batches < CK_PLAN_BATCHES_LIMIT) b->offsets[batches++] = record.offset;
		else if (record.type == RECORD_HEAD && record.length == sizeof head && fread(&head, sizeof head, 1, b->file) == 1) ordered = true;
		else if (record.type == RECORD_DONE) b->state.done++;
		else return ck_fail(err, CK_ERR_CORRUPT, "%s: is no file of a plan", b->path);
		if (fseek(b->file, record.offset + 5 + (long)record.length, SEEK_SET) != 0) return io_error(b, err);
	}
	if (!ordered) return ck_fail(err, CK_ERR_NOT_FOUND, "%s: this import was never ordered: remove the file, and import again", b->path);
	if (head.batches != batches || b->state.done > batches) return ck_fail(err, CK_ERR_CORRUPT, "%s: is not whole", b->path);
	b->state.plan = head.plan;
	b->state.authority = head.authority;
	b->state.statements = head.statements;
	b->state.batches = batches;
	return CK_OK;
}

enum ck_error ck_batches_resume(const char *path, struct ck_batches **out, struct ck_errmsg *err)
{
	char magic[sizeof MAGIC] = "";
	struct ck_batches *b = allocate(path);
	*out = b;
	int fd;
	enum ck_error error = ck_cli_open_private(path, O_RDWR, &fd, err);
	if (error != CK_OK) return error;
	b->file = fdopen(fd, "r+");
	if (b->file == NULL) {
		close(fd);
		return io_error(b, err);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: this import is going on elsewhere", path);
	if (fread(magic, 1, sizeof MAGIC - 1, b->file) != sizeof MAGIC - 1 || strcmp(magic, MAGIC) != 0)
		return ck_fail(err, CK_ERR_CORRUPT, "%s: is no file of a plan", path);
	return scan(b, err);
}

/* It goes out in the name of whoever goes on with it, root perhaps: what the file says is asked for only if it is this batch of this plan. */
static bool is_next_batch(const struct ck_batches *b, const struct ck_batch_request *request)
{
	static struct ck_map map;
	struct ck_id plan;
	struct ck_bytes body;
	size_t used = 0;
	uint64_t type, index;
	/* one frame, and no other behind it */
	return ck_frame_find((struct ck_bytes){ request->bytes, request->length }, &body, &used) == CK_OK && used == request->length &&
	       ck_map_parse(body, &map) == CK_OK &&
	       ck_map_uint(&map, CK_F_TYPE, CK_OP_PLAN_BATCH, CK_OP_PLAN_BATCH, &type) == CK_OK &&
	       ck_map_fixed(&map, CK_F_ID, plan.bytes, sizeof plan.bytes) == CK_OK && ck_id_equal(plan, b->state.plan) &&
	       ck_map_uint(&map, CK_F_INDEX, b->state.done, b->state.done, &index) == CK_OK;
}

enum ck_error ck_batches_next(struct ck_batches *b, struct ck_batch_request *out, struct ck_errmsg *err)
{
	struct {
		uint64_t count, lines[CK_CHANGES_LIMIT];
	} about;
	struct record record;
	if (b->state.done == b->state.batches) return CK_ERR_NOT_FOUND;
	errno = 0;
	if (fseek(b->file, b->offsets[b->state.done], SEEK_SET) != 0 || !next_record(b, &record) || record.length < sizeof about ||
	    record.length - sizeof about > sizeof out->bytes || fread(&about, sizeof about, 1, b->file) != 1)
		return io_error(b, err);
	out->length = record.length - sizeof about;
	out->count = (size_t)about.count;
	memcpy(out->lines, about.lines, sizeof out->lines);
	if (out->count > CK_CHANGES_LIMIT || fread(out->bytes, 1, out->length, b->file) != out->length) return io_error(b, err);
	return is_next_batch(b, out) ? CK_OK : ck_fail(err, CK_ERR_CORRUPT, "%s: it holds something that is no batch of its plan", b->path);
}

enum ck_error ck_batches_done(struct ck_batches *b, struct ck_errmsg *err)
{
	enum ck_error error = put_record(b, RECORD_DONE, "", 0, "", 0, err);
	if (error == CK_OK) b->state.done++;
	return error;
}

void ck_batches_close(struct ck_batches **batches, bool remove)
{
	struct ck_batches *b = *batches;
	*batches = NULL;
	if (b == NULL || b->file == NULL) return;
	if (remove && !b->temporary) (void)unlink(b->path);
	fclose(b->file);
}
