/* How many bytes of a store a person takes, the people index apart. usage: bench_size STORE. Prints "RECORDS-BYTES PEOPLE-BYTES" a person. */
#include <stdio.h>

#include "directory/store/people.h"

int main(int argc, char **argv)
{
	struct ck_errmsg err = { "" };
	struct ck_store *store = NULL;
	struct ck_view *view = NULL;
	struct ck_store_state state;
	struct ck_store_size size;
	if (argc != 2 || ck_store_open(argv[1], &store, &err) != CK_OK) {
		fprintf(stderr, "usage: bench_size STORE %s\n", err.text);
		return 2;
	}
	if (ck_view_begin(store, &view) != CK_OK || ck_view_state(view, &state) != CK_OK || ck_view_size(view, &size) != CK_OK ||
	    state.counts[CK_KIND_STAFF] == 0) {
		fputs("bench_size: the store cannot be read, or nobody is in it\n", stderr);
		return 1;
	}
	double staff = (double)state.counts[CK_KIND_STAFF];
	printf("%.1f %.1f\n", (double)size.records_bytes / staff, (double)size.people_bytes / staff);
	ck_view_end(&view);
	ck_store_close(&store);
	return 0;
}
