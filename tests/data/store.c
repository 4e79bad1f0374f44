/* A store filled from the generator as the replica fills one by a full refresh: what benchmarks read is what production writes. */
#include "directory/base/clock.h"
#include "directory/store/store.h"
#include "tests/data/output.h"

#define BATCH_RECORDS 20000 /* a write transaction keeps its pages in memory until it is committed */

/* The replica adds the zone's table to an authority; here the hours are those of Greenwich. */
static const struct ck_record *with_zone(const struct ck_record *record, int64_t now_s, struct ck_record *scratch)
{
	if (record->kind != CK_KIND_AUTHORITY) return record;
	*scratch = *record;
	ck_zone_span(now_s, &scratch->as.authority_of.zone_table.from_s, &scratch->as.authority_of.zone_table.until_s);
	return scratch;
}

/* Those who are put off are none of the second kind: they are put when the rest is there. */
static enum ck_error put_one(struct ck_batch *batch, const struct ck_record *record, bool again, uint64_t *put_off, struct ck_errmsg *err)
{
	bool there = false;
	enum ck_error error = again ? ck_view_has_uuid(ck_batch_view(batch), record->entry_uuid, &there) : CK_OK;
	if (error != CK_OK || there) return error;
	error = ck_batch_put(batch, record, err);
	if (again || error != CK_ERR_CONFLICT) return error;
	(*put_off)++;
	return CK_OK;
}

static enum ck_error put_all(struct ck_store *store, const struct ck_data *data, bool again, uint64_t *put_off, struct ck_errmsg *err)
{
	static struct ck_record scratch;
	struct ck_batch *batch = NULL;
	int64_t now_s = ck_data_now(data);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	const struct ck_record *record = ck_data_next(cursor);
	enum ck_error error = CK_OK;
	while (error == CK_OK && record != NULL) {
		error = ck_batch_begin(store, &batch, err);
		for (unsigned i = 0; error == CK_OK && record != NULL && i < BATCH_RECORDS; i++) {
			error = put_one(batch, with_zone(record, now_s, &scratch), again, put_off, err);
			record = ck_data_next(cursor);
		}
		if (error == CK_OK) error = ck_batch_commit(&batch, err);
	}
	ck_batch_abort(&batch);
	ck_data_cursor_free(&cursor);
	return error;
}

static enum ck_error finish(struct ck_store *store, int64_t now_s, struct ck_errmsg *err)
{
	struct ck_batch *batch;
	enum ck_error error = ck_batch_begin(store, &batch, err);
	if (error == CK_OK) error = ck_batch_set_cookie(batch, ck_bytes_of(ck_text_of("rid=001")));
	if (error == CK_OK) error = ck_batch_set_as_of(batch, &(struct ck_as_of){.wall_s = now_s});
	if (error == CK_OK) return ck_batch_commit(&batch, err);
	ck_batch_abort(&batch);
	return error;
}

enum ck_error ck_data_fill_store(const struct ck_data *data, const char *directory, struct ck_errmsg *err)
{
	struct ck_store *current = NULL, *next = NULL, *store = NULL;
	uint64_t put_off = 0;
	enum ck_error error = ck_store_open_writer(directory, CK_STORE_NEXT_FILE, &next, err);
	if (error == CK_OK) error = ck_store_load_begin(next, err);
	if (error == CK_OK) error = put_all(next, data, false, &put_off, err);
	if (error == CK_OK) error = ck_store_load_end(&next, err);
	if (error == CK_OK && put_off > 0) error = put_all(next, data, true, &put_off, err);
	if (error == CK_OK) error = finish(next, ck_data_now(data), err);
	if (error == CK_OK) error = ck_store_supersede(directory, &current, &next, &store, err);
	ck_store_close(&next);
	ck_store_close(&store);
	return error;
}
