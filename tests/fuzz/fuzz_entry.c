/* Arbitrary attribute lists to ck_entry_to_record. An input is the DN on a line, then lines "name:value"; a line with the name of the one
   before adds a value to it. What is accepted must be valid, and its DN must be the one we would build. */
#include "directory/model/entry.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUFFIX "dc=example,dc=org"
/* Past the limits of the mapping, so that those are met too. */
#define ATTRIBUTES (CK_ENTRY_ATTRIBUTES_LIMIT + 8)
#define VALUES (CK_ENTRY_VALUES_LIMIT + 64)

struct list {
	struct ck_attribute attributes[ATTRIBUTES];
	struct ck_bytes values[VALUES];
	size_t count, values_count;
};

static struct ck_text next_line(struct ck_text *rest)
{
	const char *end = rest->length > 0 ? memchr(rest->at, '\n', rest->length) : NULL;
	struct ck_text line = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->length};
	size_t used = line.length + (end != NULL);
	rest->at += used;
	rest->length -= used;
	return line;
}

static void add_line(struct list *list, struct ck_text line)
{
	const char *colon = line.length > 0 ? memchr(line.at, ':', line.length) : NULL;
	if (colon == NULL || list->values_count == VALUES) return;
	struct ck_text name = {line.at, (size_t)(colon - line.at)};
	struct ck_bytes value = {(const uint8_t *)colon + 1, line.length - name.length - 1};
	if (list->count == 0 || !ck_text_equal(list->attributes[list->count - 1].name, name)) {
		if (list->count == ATTRIBUTES) return;
		list->attributes[list->count++] = (struct ck_attribute){.name = name, .values = &list->values[list->values_count]};
	}
	list->values[list->values_count++] = value;
	list->attributes[list->count - 1].count++;
}

static void check_dn(const struct ck_record *record, struct ck_text dn)
{
	char built[CK_DN_LIMIT_BYTES];
	struct ck_id parent = {{0}};
	if (record->kind == CK_KIND_KEY) parent = record->as.key.staff;
	if (record->kind == CK_KIND_CODE) parent = record->as.code.staff;
	if (record->kind == CK_KIND_GRANT) parent = record->as.grant.role;
	if (record->kind == CK_KIND_KEY_USE) parent = record->as.key_use.staff;
	const uint8_t *hash = record->kind == CK_KIND_KEY ? record->as.key.hash : record->kind == CK_KIND_KEY_USE ? record->as.key_use.hash : NULL;
	if (ck_entry_dn(record->kind, record->id, hash, parent, record->authority, ck_text_of(SUFFIX), built) != CK_OK) abort();
	if (strlen(built) != dn.length || strncasecmp(built, dn.at, dn.length) != 0) abort();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_entry_scratch scratch;
	static struct list list;
	struct ck_record record;
	struct ck_errmsg err = {""};
	struct ck_text rest = {(const char *)data, size};
	struct ck_text dn = next_line(&rest);
	memset(&list, 0, sizeof list);
	while (rest.length > 0) add_line(&list, next_line(&rest));

	struct ck_entry entry = {.dn = dn, .attributes = list.attributes, .count = list.count};
	enum ck_error error = ck_entry_to_record(&entry, ck_text_of(SUFFIX), &scratch, &record, &err);
	if (error == CK_OK) {
		if (ck_model_validate(&record, NULL) != CK_OK) abort();
		check_dn(&record, dn);
		struct ck_record claims;
		if (!ck_entry_claims(&entry, ck_text_of(SUFFIX), &claims) || !ck_id_equal(claims.id, record.id) || claims.kind != record.kind) abort();
	} else if (record.kind != CK_KIND_NONE || (error != CK_ERR_NOT_FOUND && err.text[0] == '\0')) {
		abort();
	}
	struct ck_record claims;
	(void)!ck_entry_claims(&entry, ck_text_of(SUFFIX), &claims);
}
