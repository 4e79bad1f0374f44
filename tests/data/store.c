/* A store filled from the generator through the store's own writer: what benchmarks read is what production writes. */
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

static enum ck_error put_all(struct ck_store *store, struct ck_data_cursor *cursor, int64_t now_s, struct ck_errmsg *err)
{
	static struct ck_record scratch;
	struct ck_batch *batch = NULL;
	const struct ck_record *record = ck_data_next(cursor);
	enum ck_error error = CK_OK;
	while (error == CK_OK && record != NULL) {
		error = ck_batch_begin(store, &batch, err);
		for (unsigned i = 0; error == CK_OK && record != NULL && i < BATCH_RECORDS; i++) {
			error = ck_batch_put(batch, with_zone(record, now_s, &scratch), err);
			record = ck_data_next(cursor);
		}
		if (error == CK_OK && record == NULL) error = ck_batch_set_cookie(batch, ck_bytes_of(ck_text_of("rid=001")));
		if (error == CK_OK && record == NULL) error = ck_batch_set_as_of(batch, &(struct ck_as_of){.wall_s = now_s});
		if (error == CK_OK) error = ck_batch_commit(&batch, err);
	}
	ck_batch_abort(&batch);
	return error;
}

enum ck_error ck_data_fill_store(const struct ck_data *data, const char *directory, struct ck_errmsg *err)
{
	struct ck_store *store = NULL;
	enum ck_error error = ck_store_open_writer(directory, CK_STORE_FILE, &store, err);
	if (error != CK_OK) return error;
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	error = put_all(store, cursor, ck_data_now(data), err);
	ck_data_cursor_free(&cursor);
	ck_store_close(&store);
	return error;
}
