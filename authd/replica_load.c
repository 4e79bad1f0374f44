/* A full refresh while it comes: what cannot go into the second file yet, because it may be second to something or is faulty, is kept outside of memory
   and told again in the same order when that file can be read. So a directory in which everything clashes takes time and disk, and no memory. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/replica_follow_state.h"
#include "directory/base/buffer.h"
#include "directory/base/fiber.h"
#include "directory/base/log.h"
#include "directory/store/spool.h"

#define TOLD_BATCH_ENTRIES 128 /* inserted in any order: what a commit writes stays small, … */

/* What the stream said. */
enum saying { SAID_ENTRY = 1, SAID_UNREADABLE = 2, SAID_DELETE = 3 };

/* An authority is told before all others: what it may give out decides about its people. */
struct saying_head {
	uint32_t length; /* of what follows */
	uint8_t saying;
	bool authority;
	uint8_t uuid[16];
};

struct ck_follower_late {
	struct ck_spool *spool;
	uint64_t count;
};

enum ck_error ck_follower_begin_load(struct ck_follower *f, struct ck_errmsg *err)
{
	f->entries = 0;
	f->late = calloc(1, sizeof *f->late);
	if (f->late == NULL) return ck_fail(err, CK_ERR_MEMORY, "out of memory");
	return ck_store_load_begin(f->next, err);
}

void ck_follower_drop_load(struct ck_follower *f)
{
	if (f->late == NULL) return;
	ck_spool_close(&f->late->spool);
	free(f->late);
	f->late = NULL;
}

/* ---- putting off ---- */

static size_t text_bytes(size_t length) { return sizeof(uint32_t) + length; }

static size_t entry_bytes(const struct ck_entry *entry, struct ck_text reason)
{
	size_t bytes = text_bytes(entry->dn.length) + text_bytes(reason.length) + sizeof(uint32_t);
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		bytes += text_bytes(attribute->name.length) + sizeof(uint32_t);
		for (size_t k = 0; k < attribute->count; k++) bytes += text_bytes(attribute->values[k].length);
	}
	return bytes;
}

static void put_number(struct ck_writer *w, size_t number) { ck_put_u32le(w, (uint32_t)number); }

static void put_bytes(struct ck_writer *w, const void *at, size_t length)
{
	put_number(w, length);
	if (length > 0) ck_put_bytes(w, at, length);
}

static void put_entry(struct ck_writer *w, const struct ck_entry *entry, struct ck_text reason)
{
	put_bytes(w, entry->dn.at, entry->dn.length);
	put_bytes(w, reason.at, reason.length);
	put_number(w, entry->count);
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		put_bytes(w, attribute->name.at, attribute->name.length);
		put_number(w, attribute->count);
		for (size_t k = 0; k < attribute->count; k++) put_bytes(w, attribute->values[k].at, attribute->values[k].length);
	}
}

static enum ck_error put_off(struct ck_follower *f, const struct saying_head *head, const struct ck_entry *entry, struct ck_text reason)
{
	struct ck_errmsg err;
	struct saying_head filled = *head;
	size_t length = entry_bytes(entry, reason);
	if (length > UINT32_MAX) return CK_ERR_LIMIT;
	uint8_t *bytes = malloc(length);
	if (bytes == NULL) return CK_ERR_MEMORY;
	struct ck_writer writer;
	ck_writer_init(&writer, bytes, length);
	put_entry(&writer, entry, reason);
	CK_ASSERT(!writer.failed && ck_writer_length(&writer) == length);
	filled.length = (uint32_t)length;
	enum ck_error error = f->late->spool != NULL ? CK_OK : ck_spool_open(f->settings.store_directory, &f->late->spool, &err);
	if (error == CK_OK) error = ck_spool_put(f->late->spool, &filled, sizeof filled);
	if (error == CK_OK) error = ck_spool_put(f->late->spool, bytes, length);
	free(bytes);
	f->late->count++;
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "an entry of a refresh cannot be put off: %s", ck_error_name(error));
	return error;
}

static bool is_word(const void *at, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(at, word, length) == 0;
}

static bool is_of_authority(const struct ck_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!is_word(attribute->name.at, attribute->name.length, "objectClass")) continue;
		for (size_t k = 0; k < attribute->count; k++)
			if (is_word(attribute->values[k].at, attribute->values[k].length, "ckAuthority")) return true;
	}
	return false;
}

enum ck_error ck_follower_put_off_entry(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry)
{
	struct saying_head head = {.saying = SAID_ENTRY, .authority = is_of_authority(entry)};
	memcpy(head.uuid, uuid, sizeof head.uuid);
	return put_off(f, &head, entry, (struct ck_text){NULL, 0});
}

enum ck_error ck_follower_put_off_unreadable(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *reason)
{
	struct saying_head head = {.saying = SAID_UNREADABLE};
	const struct ck_entry nothing = {.dn = dn};
	memcpy(head.uuid, uuid, sizeof head.uuid);
	return put_off(f, &head, &nothing, ck_text_of(reason));
}

enum ck_error ck_follower_put_off_delete(struct ck_follower *f, const uint8_t uuid[16])
{
	struct saying_head head = {.saying = SAID_DELETE};
	const struct ck_entry nothing = {.count = 0};
	memcpy(head.uuid, uuid, sizeof head.uuid);
	return put_off(f, &head, &nothing, (struct ck_text){NULL, 0});
}

/* ---- telling again ---- */

struct late_entry {
	struct ck_entry entry;
	struct ck_text reason;
	struct ck_attribute attributes[CK_ENTRY_ATTRIBUTES_LIMIT];
	struct ck_bytes values[CK_ENTRY_VALUES_LIMIT];
};

static struct ck_bytes get_bytes(struct ck_reader *r)
{
	size_t length = ck_get_u32le(r);
	const uint8_t *at = ck_get_bytes(r, length);
	return (struct ck_bytes){at, at != NULL ? length : 0};
}

static struct ck_text get_text(struct ck_reader *r)
{
	struct ck_bytes bytes = get_bytes(r);
	return (struct ck_text){(const char *)bytes.at, bytes.length};
}

static bool get_entry(struct ck_reader *r, struct late_entry *out)
{
	size_t used = 0;
	out->entry.dn = get_text(r);
	out->reason = get_text(r);
	out->entry.attributes = out->attributes;
	out->entry.count = ck_get_u32le(r);
	if (out->entry.count > CK_ENTRY_ATTRIBUTES_LIMIT) return false;
	for (size_t i = 0; i < out->entry.count; i++) {
		struct ck_attribute *attribute = &out->attributes[i];
		attribute->name = get_text(r);
		attribute->values = out->values + used;
		attribute->count = ck_get_u32le(r);
		if (r->failed || attribute->count > CK_ENTRY_VALUES_LIMIT - used) return false;
		for (size_t k = 0; k < attribute->count; k++) out->values[used++] = get_bytes(r);
	}
	return ck_reader_done(r);
}

static enum ck_error tell_again(struct ck_follower *f, const struct saying_head *head, struct late_entry *late)
{
	char reason[sizeof(struct ck_errmsg)];
	switch (head->saying) {
	case SAID_ENTRY: return ck_follower_take_entry(f, head->uuid, &late->entry, false);
	case SAID_UNREADABLE:
		if (ck_text_copy(reason, sizeof reason, late->reason) != CK_OK) return CK_ERR_IO;
		return ck_follower_take_unreadable(f, head->uuid, late->entry.dn, reason);
	case SAID_DELETE: return ck_follower_remove_known(f, head->uuid);
	default: return CK_ERR_IO;
	}
}

/* … and is flushed: the page of each key makes tens of KiB around it the process's own memory until it is. */
static enum ck_error commit_told(struct ck_follower *f)
{
	struct ck_errmsg err;
	enum ck_error error = ck_follower_commit(f);
	if (error == CK_OK && (error = ck_store_load_flush(f->next, &err)) != CK_OK) ck_log(CK_LOG_ERROR, "%s", err.text);
	return error;
}

static enum ck_error tell_next(struct ck_follower *f, struct ck_spool_reader *reader, struct late_entry *late, bool authorities)
{
	const uint8_t *bytes;
	struct saying_head head;
	struct ck_reader parse;
	enum ck_error error = ck_spool_get(reader, sizeof head, &bytes);
	if (error != CK_OK) return error;
	memcpy(&head, bytes, sizeof head);
	error = ck_spool_get(reader, head.length, &bytes);
	if (error != CK_OK) return CK_ERR_IO;
	if (!ck_pause()) return CK_ERR_UNAVAILABLE;
	if (head.authority != authorities) return CK_OK;
	ck_reader_init(&parse, bytes, head.length);
	/* what the file gives back is what was put into it, or the disk is to blame */
	error = get_entry(&parse, late) ? tell_again(f, &head, late) : CK_ERR_IO;
	if (error == CK_OK && f->batch_entries >= TOLD_BATCH_ENTRIES) error = commit_told(f);
	/* not the end: that is what the caller takes it for */
	return error == CK_ERR_NOT_FOUND ? CK_ERR_INTERNAL : error;
}

static enum ck_error tell_all(struct ck_follower *f, bool authorities)
{
	struct ck_spool_reader reader = {.spool = f->late->spool, .end = ck_spool_size(f->late->spool)};
	struct late_entry *late = malloc(sizeof *late);
	enum ck_error error = late != NULL ? CK_OK : CK_ERR_MEMORY;
	while (error == CK_OK) error = tell_next(f, &reader, late, authorities);
	free(late);
	ck_spool_reader_clear(&reader);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

enum ck_error ck_follower_end_load(struct ck_follower *f)
{
	struct ck_errmsg err;
	enum ck_error error = ck_follower_commit(f);
	if (error != CK_OK) return error;
	error = ck_store_load_end(&f->next, &err);
	if (error != CK_OK) {
		ck_log(CK_LOG_ERROR, "the refreshed copy is given up: %s", err.text);
		return error;
	}
	if (f->late->spool != NULL) {
		ck_log(CK_LOG_INFO, "%llu entries of the refresh are looked at closely", (unsigned long long)f->late->count);
		error = ck_spool_flush(f->late->spool);
		if (error == CK_OK) error = tell_all(f, true);
		if (error == CK_OK) error = tell_all(f, false);
	}
	ck_follower_drop_load(f);
	return error == CK_OK ? commit_told(f) : error;
}
