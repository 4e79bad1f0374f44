/* What is known of one snapshot, borrowed from its pages: tables in which what comes takes the place of the oldest. */
#include "directory/store/recall.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SETS 32 /* a power of two */
#define WAYS 4
#define LISTS 16

struct known_record {
	uint64_t when;
	struct ck_record record;
};
struct known_list {
	uint64_t when;
	enum ck_table table;
	struct ck_id of;
	size_t count;
	struct ck_id ids[CK_RECALL_LIST_LIMIT];
};
struct ck_recall {
	uint64_t now; /* counts snapshots; what was noted in an earlier one is not there */
	struct known_record records[SETS][WAYS];
	uint8_t oldest[SETS];
	struct known_list lists[LISTS];
	size_t oldest_list;
	struct {
		uint64_t when;
		struct ck_id id;
		size_t length;
		char name[CK_NAME_LIMIT_BYTES];
	} system;
	struct {
		uint64_t when;
		struct ck_store_state state;
	} state;
	struct {
		uint64_t when;
		uint32_t count;
	} blocks;
};

void ck_recall_begin(struct ck_view *view)
{
	if (view->recall == NULL) view->recall = calloc(1, sizeof *view->recall);
	if (view->recall != NULL) view->recall->now++;
}

void ck_recall_free(struct ck_view *view)
{
	free(view->recall);
	view->recall = NULL;
}

/* ---- records ---- */

static bool is_kept(enum ck_kind kind)
{
	return kind == CK_KIND_AUTHORITY || kind == CK_KIND_ROLE || kind == CK_KIND_SYSTEM || kind == CK_KIND_SYSTEM_GROUP || kind == CK_KIND_RULE;
}

static size_t set_of(enum ck_kind kind, const struct ck_id *id)
{
	return (id->bytes[sizeof id->bytes - 1] + (size_t)kind * 7) % SETS;
}

static size_t bytes_of(enum ck_kind kind)
{
	const struct ck_record *r = NULL;
	switch ((int)kind) {
	case CK_KIND_AUTHORITY: return sizeof r->as.authority_of;
	case CK_KIND_ROLE: return sizeof r->as.role;
	case CK_KIND_SYSTEM: return sizeof r->as.system;
	case CK_KIND_SYSTEM_GROUP: return sizeof r->as.system_group;
	default: return sizeof r->as;
	}
}

/* As much of it as its kind has. What a record has written out lies in itself. */
static void copy(const struct ck_record *from, struct ck_record *to)
{
	memcpy(to, from, offsetof(struct ck_record, as) + bytes_of(from->kind));
	if (from->csn.at != (const char *)from->made) return;
	memcpy(to->made, from->made, from->csn.length);
	to->csn.at = (const char *)to->made;
}

static struct known_record *find_record(struct ck_recall *recall, enum ck_kind kind, const struct ck_id *id)
{
	struct known_record *set = recall->records[set_of(kind, id)];
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].when == recall->now && set[i].record.kind == kind && ck_id_equal(set[i].record.id, *id)) return &set[i];
	return NULL;
}

bool ck_recall_record(const struct ck_view *view, enum ck_kind kind, struct ck_id id, struct ck_record *out)
{
	if (view->recall == NULL || !is_kept(kind)) return false;
	const struct known_record *at = find_record(view->recall, kind, &id);
	if (at != NULL) copy(&at->record, out);
	return at != NULL;
}

void ck_recall_note_record(struct ck_view *view, const struct ck_record *record)
{
	struct ck_recall *recall = view->recall;
	if (recall == NULL || !is_kept(record->kind) || find_record(recall, record->kind, &record->id) != NULL) return;
	size_t set = set_of(record->kind, &record->id);
	struct known_record *at = &recall->records[set][recall->oldest[set]];
	recall->oldest[set] = (uint8_t)((recall->oldest[set] + 1) % WAYS);
	at->when = recall->now;
	copy(record, &at->record);
}

/* ---- lists ---- */

static struct known_list *find_list(struct ck_recall *recall, enum ck_table table, const struct ck_id *of)
{
	for (size_t i = 0; i < LISTS; i++) {
		struct known_list *at = &recall->lists[i];
		if (at->when == recall->now && at->table == table && ck_id_equal(at->of, *of)) return at;
	}
	return NULL;
}

bool ck_recall_list(const struct ck_view *view, enum ck_table table, struct ck_id of, struct ck_id out[CK_RECALL_LIST_LIMIT], size_t *out_count)
{
	const struct known_list *at = view->recall != NULL ? find_list(view->recall, table, &of) : NULL;
	*out_count = 0;
	if (at == NULL) return false;
	*out_count = at->count;
	memcpy(out, at->ids, at->count * sizeof *out);
	return true;
}

void ck_recall_note_list(struct ck_view *view, enum ck_table table, struct ck_id of, const struct ck_id *ids, size_t count)
{
	struct ck_recall *recall = view->recall;
	if (recall == NULL || count > CK_RECALL_LIST_LIMIT || find_list(recall, table, &of) != NULL) return;
	struct known_list *at = &recall->lists[recall->oldest_list];
	recall->oldest_list = (recall->oldest_list + 1) % LISTS;
	at->when = recall->now;
	at->table = table;
	at->of = of;
	at->count = count;
	memcpy(at->ids, ids, count * sizeof *ids);
}

/* ---- single ones ---- */

bool ck_recall_state(const struct ck_view *view, struct ck_store_state *out)
{
	const struct ck_recall *recall = view->recall;
	if (recall == NULL || recall->state.when != recall->now) return false;
	*out = recall->state.state;
	return true;
}

void ck_recall_note_state(struct ck_view *view, const struct ck_store_state *state)
{
	if (view->recall == NULL) return;
	view->recall->state.when = view->recall->now;
	view->recall->state.state = *state;
}

bool ck_recall_blocks(const struct ck_view *view, uint32_t *out)
{
	const struct ck_recall *recall = view->recall;
	if (recall == NULL || recall->blocks.when != recall->now) return false;
	*out = recall->blocks.count;
	return true;
}

void ck_recall_note_blocks(struct ck_view *view, uint32_t blocks)
{
	if (view->recall == NULL) return;
	view->recall->blocks.when = view->recall->now;
	view->recall->blocks.count = blocks;
}

bool ck_recall_system(const struct ck_view *view, struct ck_text name, struct ck_id *out)
{
	const struct ck_recall *recall = view->recall;
	if (recall == NULL || recall->system.when != recall->now) return false;
	if (!ck_text_equal(name, (struct ck_text){recall->system.name, recall->system.length})) return false;
	*out = recall->system.id;
	return true;
}

void ck_recall_note_system(struct ck_view *view, struct ck_text name, struct ck_id id)
{
	struct ck_recall *recall = view->recall;
	if (recall == NULL || name.length > sizeof recall->system.name) return;
	recall->system.when = recall->now;
	recall->system.id = id;
	recall->system.length = name.length;
	if (name.length > 0) memcpy(recall->system.name, name.at, name.length);
}
