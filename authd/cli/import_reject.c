/* The reject file: what is bad is written down as it stands, so that it can be corrected and imported again. */
#include <stdlib.h>

#include "authd/cli/import.h"

struct ck_rejects {
	FILE *file; /* NULL: only counted */
	const char *path;
	uint64_t count;
};

enum ck_error ck_rejects_open(const char *path, struct ck_rejects **out, struct ck_errmsg *err)
{
	struct ck_rejects *rejects = ck_cli_allocate(sizeof *rejects);
	*rejects = (struct ck_rejects){ .path = path };
	*out = rejects;
	if (path == NULL) return CK_OK;
	enum ck_error error = ck_cli_write_private(path, &rejects->file, err);
	if (error != CK_OK) return error;
	fputs("line,reason,row\n", rejects->file);
	return CK_OK;
}

void ck_rejects_add(struct ck_rejects *rejects, uint64_t line, const char *reason, struct ck_text raw)
{
	rejects->count++;
	if (rejects->file == NULL) return;
	fprintf(rejects->file, "%llu,", (unsigned long long)line);
	ck_csv_print(rejects->file, ',', ck_text_of(reason));
	putc(',', rejects->file);
	ck_csv_print(rejects->file, ',', raw);
	putc('\n', rejects->file);
}

uint64_t ck_rejects_count(const struct ck_rejects *rejects) { return rejects->count; }

enum ck_error ck_rejects_close(struct ck_rejects **rejects, struct ck_errmsg *err)
{
	struct ck_rejects *r = *rejects;
	*rejects = NULL;
	if (r == NULL || r->file == NULL) return CK_OK;
	bool failed = ferror(r->file) != 0;
	if (fclose(r->file) != 0) failed = true;
	return failed ? ck_fail(err, CK_ERR_IO, "%s: not everything was written", r->path) : CK_OK;
}
