/* How many bytes of a store a person takes, the people index apart. usage: bench_size STORE [tables]. Prints "RECORDS-BYTES PEOPLE-BYTES" a person, in pages;
   with "tables" before it for each table of keys: how many, and bytes of key, value and LMDB's node. */
#include <stdio.h>
#include <string.h>

#include "directory/store/internal.h"
#include "directory/store/people.h"

#define TABLES 256
#define NODE_BYTES 10 /* its header, and where it is in the page */

struct table {
	double keys, key_bytes, value_bytes;
};

static bool count(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct table *table = (struct table *)context + key.at[0];
	table->keys++;
	table->key_bytes += (double)key.length;
	table->value_bytes += (double)value.length;
	return true;
}

static enum ck_error print_tables(struct ck_view *view, double staff)
{
	struct table tables[TABLES] = { { 0 } };
	struct ck_index_key all = { .length = 0 }, records = { .bytes = { 1 }, .length = 1 }, people = { .bytes = { CK_TABLE_PEOPLE_FIRST }, .length = 1 };
	enum ck_error error = ck_scan(view, &all, &records, count, tables);
	if (error == CK_OK) error = ck_scan(view, &all, &people, count, tables);
	for (unsigned i = 0; error == CK_OK && i < TABLES; i++) {
		const struct table *t = &tables[i];
		if (t->keys > 0)
			printf("table %02x: %.3f a person, key %.1f, value %.1f, %.1f bytes a person\n", i, t->keys / staff, t->key_bytes / t->keys,
			       t->value_bytes / t->keys, (t->key_bytes + t->value_bytes + NODE_BYTES * t->keys) / staff);
	}
	return error;
}

int main(int argc, char **argv)
{
	struct ck_errmsg err = { "" };
	struct ck_store *store = NULL;
	struct ck_view *view = NULL;
	struct ck_store_state state;
	struct ck_store_size size;
	bool tables = argc == 3 && strcmp(argv[2], "tables") == 0;
	if ((argc != 2 && !tables) || ck_store_open(argv[1], &store, &err) != CK_OK) {
		fprintf(stderr, "usage: bench_size STORE [tables] %s\n", err.text);
		return 2;
	}
	if (ck_view_begin(store, &view) != CK_OK || ck_view_state(view, &state) != CK_OK || ck_view_size(view, &size) != CK_OK ||
	    state.counts[CK_KIND_STAFF] == 0 || (tables && print_tables(view, (double)state.counts[CK_KIND_STAFF]) != CK_OK)) {
		fputs("bench_size: the store cannot be read, or nobody is in it\n", stderr);
		return 1;
	}
	double staff = (double)state.counts[CK_KIND_STAFF];
	printf("%.1f %.1f\n", (double)size.records_bytes / staff, (double)size.people_bytes / staff);
	ck_view_end(&view);
	ck_store_close(&store);
	return 0;
}
