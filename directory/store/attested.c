/* Takes back what a replica found by roots that are no longer the ones it trusts. */
#include "directory/store/store.h"

#define PAGE_KEYS 256 /* looked for, then written: a write ends what was read */

struct page {
	struct ck_id ids[PAGE_KEYS];
	size_t count;
	struct ck_id last;
	bool more;
};

static bool gather(const struct ck_record *record, void *context)
{
	struct page *page = context;
	page->last = record->id;
	if (record->as.key.attested) page->ids[page->count++] = record->id;
	page->more = page->count == PAGE_KEYS;
	return !page->more;
}

static enum ck_error take_back(struct ck_batch *batch, struct ck_id id)
{
	struct ck_record record;
	struct ck_errmsg err;
	enum ck_error error = ck_view_get(ck_batch_view(batch), CK_KIND_KEY, id, &record);
	if (error != CK_OK) return error;
	record.as.key.attested = false;
	return ck_batch_put(batch, &record, &err);
}

enum ck_error ck_batch_forget_attested(struct ck_batch *batch, uint64_t *out_count)
{
	struct page page = {.more = true};
	const struct ck_id every_authority = {{0}};
	enum ck_error error = CK_OK;
	*out_count = 0;
	while (error == CK_OK && page.more) {
		page.count = 0;
		page.more = false;
		error = ck_view_each(ck_batch_view(batch), CK_KIND_KEY, every_authority, page.last, gather, &page);
		for (size_t i = 0; error == CK_OK && i < page.count; i++) error = take_back(batch, page.ids[i]);
		*out_count += page.count;
	}
	return error;
}
