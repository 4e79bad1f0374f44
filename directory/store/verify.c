/* Everything read once: each record by its checksum, each key by the sum over all of them, and by the way to it. */
#include <string.h>

#include "directory/base/fiber.h"
#include "directory/store/flat.h"
#include "directory/store/internal.h"

#define PAUSE_KEYS 256u

struct tally {
	struct ck_view *view;
	uint64_t sum, keys;
	uint64_t counts[CK_KIND_LAST + 1];
	uint64_t quarantined, people;
	bool damaged, ended;
};

static bool leads_to(struct ck_view *view, struct ck_bytes key, struct ck_bytes value)
{
	struct ck_index_key copy = {.length = 0};
	struct ck_bytes found;
	ck_index_add_bytes(&copy, key.at, key.length);
	return ck_kv_get(view, &copy, &found) == CK_OK && found.at == value.at && found.length == value.length;
}

static bool count_key(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct tally *tally = context;
	uint8_t table = key.at[0];
	tally->ended = ++tally->keys % PAUSE_KEYS == 0 && !ck_pause();
	if (tally->ended) return false;
	/* the way down must lead to it as well: keys of inner pages are in no sum */
	tally->damaged = !leads_to(tally->view, key, value);
	if (tally->damaged) return false;
	if (table == CK_TABLE_META) return true;
	tally->sum += ck_kv_mark(key, value);
	if (table == CK_TABLE_QUARANTINE) tally->quarantined++;
	if (table == CK_TABLE_PERSON) tally->people++;
	if (table > CK_KIND_LAST) return true;
	struct ck_record record;
	struct ck_id id;
	tally->damaged = !ck_index_id_of_record(key, &id);
	if (tally->damaged) return false;
	tally->damaged = ck_flat_decode((enum ck_kind)table, id, value, &record) != CK_OK;
	tally->counts[table]++;
	return !tally->damaged;
}

enum ck_error ck_view_verify(struct ck_view *view)
{
	struct tally tally = {.view = view};
	struct ck_index_key all = {.length = 0};
	/* LMDB begins at the first key only when asked for one that is not longer */
	struct ck_index_key first = {.bytes = {1}, .length = 1};
	struct ck_index_key first_of_people = {.bytes = {CK_TABLE_PEOPLE_FIRST}, .length = 1};
	enum ck_error error = ck_scan(view, &all, &first, count_key, &tally);
	if (error == CK_OK && !tally.damaged && !tally.ended) error = ck_scan(view, &all, &first_of_people, count_key, &tally);
	if (error != CK_OK) return error;
	if (tally.ended) return CK_ERR_UNAVAILABLE;
	bool equal = !tally.damaged && tally.sum == view->meta->sum && tally.quarantined == view->meta->quarantined &&
	             tally.people == view->meta->people &&
	             memcmp(tally.counts, view->meta->counts, sizeof tally.counts) == 0;
	return equal ? CK_OK : CK_ERR_CORRUPT;
}
