/* See store_builder.h. Writes through the store's own writer: what tests read is what production writes. */
#include "tests/fakes/store_builder.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"

struct kept {
	struct kept *next;
	max_align_t bytes[];
};

struct ck_builder {
	char directory[64];
	struct ck_store *store;
	struct ck_batch *batch;
	struct ck_view *view;
	bool finished;
	struct ck_record record;
	struct kept *kept;
};

static void *keep(struct ck_builder *b, size_t length)
{
	struct kept *kept = calloc(1, sizeof *kept + length);
	CK_ASSERT(kept != NULL);
	kept->next = b->kept;
	b->kept = kept;
	return kept->bytes;
}

static struct ck_text text(struct ck_builder *b, const char *format, ...) CK_PRINTF(2, 3);
static struct ck_text text(struct ck_builder *b, const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	CK_ASSERT(length >= 0 && (size_t)length < sizeof line);
	char *at = keep(b, (size_t)length + 1);
	memcpy(at, line, (size_t)length + 1);
	return (struct ck_text){at, (size_t)length};
}

struct ck_builder *ck_builder_new(void)
{
	struct ck_builder *b = calloc(1, sizeof *b);
	CK_ASSERT(b != NULL);
	snprintf(b->directory, sizeof b->directory, "/tmp/ck-store-XXXXXX");
	CK_ASSERT(mkdtemp(b->directory) != NULL);
	struct ck_errmsg err;
	CK_ASSERT(ck_store_open_writer(b->directory, CK_STORE_FILE, &b->store, &err) == CK_OK);
	b->finished = true;
	return b;
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	if (dir == NULL) return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char child[512];
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		(void)unlink(child);
	}
	(void)closedir(dir);
	(void)rmdir(path);
}

void ck_builder_close(struct ck_builder *b)
{
	ck_builder_commit(b);
	ck_store_close(&b->store);
}

void ck_builder_free(struct ck_builder **builder)
{
	struct ck_builder *b = *builder;
	if (b == NULL) return;
	ck_view_end(&b->view);
	ck_batch_abort(&b->batch);
	ck_store_close(&b->store);
	remove_directory(b->directory);
	while (b->kept != NULL) {
		struct kept *next = b->kept->next;
		free(b->kept);
		b->kept = next;
	}
	free(b);
	*builder = NULL;
}

const char *ck_builder_directory(const struct ck_builder *b)
{
	return b->directory;
}

struct ck_store *ck_builder_store(struct ck_builder *b)
{
	return b->store;
}

void ck_builder_finish(struct ck_builder *b, bool finished)
{
	b->finished = finished;
}

static struct ck_batch *batch_of(struct ck_builder *b)
{
	struct ck_errmsg err;
	ck_view_end(&b->view);
	if (b->batch == NULL) CK_ASSERT(ck_batch_begin(b->store, &b->batch, &err) == CK_OK);
	return b->batch;
}

void ck_builder_commit(struct ck_builder *b)
{
	struct ck_errmsg err;
	if (b->store == NULL) return;
	struct ck_batch *batch = batch_of(b);
	if (b->finished) {
		CK_ASSERT(ck_batch_set_cookie(batch, ck_bytes_of(ck_text_of("rid=001"))) == CK_OK);
		CK_ASSERT(ck_batch_set_as_of(batch, &(struct ck_as_of){.wall_s = CK_BUILDER_NOW_S}) == CK_OK);
	}
	CK_ASSERT(ck_batch_commit(&b->batch, &err) == CK_OK);
}

struct ck_view *ck_builder_view(struct ck_builder *b)
{
	ck_builder_commit(b);
	CK_ASSERT(ck_view_begin(b->store, &b->view) == CK_OK);
	return b->view;
}

struct ck_id ck_builder_id(unsigned number)
{
	struct ck_id id = {{0xc0, 0xff, 0xee, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}};
	for (size_t i = 0; i < 4; i++) id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
	return id;
}

void ck_builder_uuid(enum ck_kind kind, unsigned number, uint8_t out[16])
{
	struct ck_id id = ck_builder_id(number);
	memcpy(out, id.bytes, 16);
	out[0] = (uint8_t)kind;
}

/* ---- records ---- */

static const struct ck_window always = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};

static struct ck_record *begin(struct ck_builder *b, enum ck_kind kind, unsigned number, unsigned authority)
{
	struct ck_record *record = &b->record;
	memset(record, 0, sizeof *record);
	record->kind = kind;
	record->id = ck_builder_id(number);
	record->authority = ck_builder_id(authority);
	record->csn = ck_text_of("20270115080000.000000Z#000000#001#000000");
	ck_builder_uuid(kind, number, record->entry_uuid);
	return record;
}

static void add_text(struct ck_texts *texts, const char *string)
{
	texts->at[texts->count++] = ck_text_of(string);
}

struct ck_ids ck_builder_ids(struct ck_builder *b, const unsigned *numbers)
{
	size_t count = 0;
	while (numbers[count] != 0) count++;
	struct ck_id *ids = keep(b, (count + 1) * sizeof *ids);
	for (size_t i = 0; i < count; i++) ids[i] = ck_builder_id(numbers[i]);
	return (struct ck_ids){ids, count};
}

struct ck_record *ck_builder_authority(struct ck_builder *b, unsigned number, const char *name)
{
	struct ck_record *record = begin(b, CK_KIND_AUTHORITY, number, number);
	struct ck_authority *authority = &record->as.authority_of;
	authority->name = ck_text_of(name);
	authority->kind = ck_text_of("council");
	authority->status = CK_STATUS_ACTIVE;
	authority->window = always;
	authority->admin_role = ck_builder_id(number + 1000000);
	authority->uid_number_first = CK_UID_NUMBER_FIRST;
	authority->uid_number_last = 2000000000;
	add_text(&authority->mail_domains, "*");
	authority->zone = ck_text_of("UTC");
	ck_zone_span(CK_BUILDER_NOW_S, &authority->zone_table.from_s, &authority->zone_table.until_s);
	return record;
}

struct ck_record *ck_builder_staff(struct ck_builder *b, unsigned number, unsigned authority, const char *uid, uint64_t uid_number)
{
	struct ck_record *record = begin(b, CK_KIND_STAFF, number, authority);
	struct ck_staff *staff = &record->as.staff;
	staff->uid = ck_text_of(uid);
	staff->cn = text(b, "%s Example", uid);
	staff->given_name = ck_text_of(uid);
	staff->sn = ck_text_of("Example");
	staff->mail = text(b, "%s@example.gov.uk", uid);
	staff->telephone = text(b, "+44 113 %07u", number);
	staff->title = ck_text_of("Officer");
	staff->department = ck_text_of("Planning");
	staff->staff_number = text(b, "%u", number);
	staff->uid_number = staff->gid_number = uid_number;
	staff->home = text(b, "/home/%s", uid);
	staff->shell = ck_text_of("/bin/bash");
	staff->status = CK_STATUS_ACTIVE;
	staff->window = always;
	staff->listed = true;
	return record;
}

struct ck_record *ck_builder_key(struct ck_builder *b, unsigned number, unsigned authority, unsigned staff, const char *credential)
{
	struct ck_record *record = begin(b, CK_KIND_KEY, number, authority);
	struct ck_key *key = &record->as.key;
	memcpy(key->hash, record->id.bytes, 16);
	memset(key->hash + 16, (int)(number & 255), 16);
	key->staff = ck_builder_id(staff);
	key->credential_id = ck_bytes_of(ck_text_of(credential));
	uint8_t *public_key = keep(b, 77);
	memset(public_key, 0xa5, 77);
	key->public_key = (struct ck_bytes){public_key, 77};
	key->rp_id = ck_text_of("portal.example.gov.uk");
	key->label = ck_text_of("blue key");
	key->attestation = ck_text_of("none");
	key->can_verify = true;
	key->status = CK_STATUS_ACTIVE;
	key->window = always;
	return record;
}

struct ck_record *ck_builder_role(struct ck_builder *b, unsigned number, unsigned authority, const char *name)
{
	struct ck_record *record = begin(b, CK_KIND_ROLE, number, authority);
	record->as.role.name = ck_text_of(name);
	record->as.role.status = CK_STATUS_ACTIVE;
	return record;
}

struct ck_record *ck_builder_grant(struct ck_builder *b, unsigned number, unsigned authority, unsigned role, unsigned staff)
{
	struct ck_record *record = begin(b, CK_KIND_GRANT, number, authority);
	struct ck_grant *grant = &record->as.grant;
	grant->role = ck_builder_id(role);
	grant->staff = ck_builder_id(staff);
	grant->window = always;
	grant->granted_by = ck_builder_id(staff);
	grant->reason = ck_text_of("on the rota");
	return record;
}

struct ck_record *ck_builder_system(struct ck_builder *b, unsigned number, unsigned authority, const char *name)
{
	struct ck_record *record = begin(b, CK_KIND_SYSTEM, number, authority);
	record->as.system.name = ck_text_of(name);
	record->as.system.status = CK_STATUS_ACTIVE;
	return record;
}

struct ck_record *ck_builder_group(struct ck_builder *b, unsigned number, unsigned authority, const char *name)
{
	struct ck_record *record = begin(b, CK_KIND_SYSTEM_GROUP, number, authority);
	record->as.system_group.name = ck_text_of(name);
	record->as.system_group.status = CK_STATUS_ACTIVE;
	return record;
}

struct ck_record *ck_builder_rule(struct ck_builder *b, unsigned number, unsigned authority, const char *name, unsigned target, unsigned role)
{
	struct ck_record *record = begin(b, CK_KIND_RULE, number, authority);
	struct ck_rule *rule = &record->as.rule;
	rule->name = ck_text_of(name);
	rule->status = CK_STATUS_ACTIVE;
	rule->window = always;
	rule->all_systems = target == 0;
	rule->targets = ck_builder_ids(b, (const unsigned[]){target, 0});
	rule->roles = ck_builder_ids(b, (const unsigned[]){role, 0});
	add_text(&rule->accounts, "self");
	add_text(&rule->services, "*");
	rule->sources.any = true;
	rule->proved = CK_PROVED_DEFAULT;
	rule->weekly.always = true;
	return record;
}

struct ck_record *ck_builder_code(struct ck_builder *b, unsigned number, unsigned authority, unsigned staff)
{
	struct ck_record *record = begin(b, CK_KIND_CODE, number, authority);
	struct ck_code *code = &record->as.code;
	code->staff = ck_builder_id(staff);
	code->issuer = ck_builder_id(staff);
	memset(code->hash, (int)(number & 255), sizeof code->hash);
	code->window = (struct ck_window){CK_BUILDER_NOW_S - 60, CK_BUILDER_NOW_S + 3600};
	return record;
}

struct ck_record *ck_builder_key_use(struct ck_builder *b, unsigned key, unsigned authority, unsigned staff, uint32_t count, int64_t used_s)
{
	struct ck_record *record = begin(b, CK_KIND_KEY_USE, key, authority);
	struct ck_key_use *use = &record->as.key_use;
	memcpy(use->hash, record->id.bytes, 16);
	memset(use->hash + 16, (int)(key & 255), 16);
	use->staff = ck_builder_id(staff);
	use->count = count;
	use->used_s = used_s;
	return record;
}

/* ---- putting ---- */

void ck_builder_put(struct ck_builder *b, const struct ck_record *record)
{
	struct ck_errmsg err = {""};
	bool taken = ck_model_validate(record, &err) == CK_OK && ck_batch_put(batch_of(b), record, &err) == CK_OK;
	if (!taken) fprintf(stderr, "store_builder: %s\n", err.text);
	CK_ASSERT(taken);
}

void ck_builder_remove(struct ck_builder *b, enum ck_kind kind, unsigned number)
{
	uint8_t uuid[16];
	ck_builder_uuid(kind, number, uuid);
	CK_ASSERT(ck_batch_remove(batch_of(b), uuid) == CK_OK);
}
