/* People in our own copy, in this process: the search and the records of the best. place: the store's directory. */
#include "directory/store/people.h"
#include "tests/benchmarks/search.h"

static struct ck_store *store;

static bool open_ours(const struct ck_data *data, const char *place)
{
	struct ck_errmsg err = { "" };
	(void)data;
	if (ck_store_open(place, &store, &err) == CK_OK) return true;
	printf("# search: our own copy cannot be opened: %s\n", err.text);
	return false;
}

static void close_ours(void) { ck_store_close(&store); }

static bool ask_ours(const struct search_question *q, struct search_found *out)
{
	static struct ck_people_page page;
	static struct ck_record record;
	struct ck_view *view;
	const struct ck_people_query query = { .words = ck_text_of(q->text) };
	if (ck_view_begin(store, &view) != CK_OK) return false;
	bool done = ck_people_search(view, &query, &page) == CK_OK;
	for (size_t i = 0; done && i < page.count; i++) {
		char uid[CK_UID_LIMIT_BYTES + 1];
		done = ck_view_get(view, CK_KIND_STAFF, page.staff[i], &record) == CK_OK && ck_text_copy(uid, sizeof uid, record.as.staff.uid) == CK_OK;
		if (done) search_add(out, uid);
	}
	ck_view_end(&view);
	return done;
}

const struct search_peer search_ours = { "ours", open_ours, ask_ours, close_ours };
