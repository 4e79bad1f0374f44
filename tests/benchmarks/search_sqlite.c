/* People in SQLite's full text index (FTS5), in this process, in a file. place: the file, or "". */
#include "tests/benchmarks/search.h"

#include <string.h>

#ifdef CK_BENCH_SQLITE
#include <sqlite3.h>

static sqlite3 *db;
static sqlite3_stmt *find;

static bool run(const char *sql)
{
	char *why = NULL;
	bool done = sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
	if (!done) fprintf(stderr, "sqlite: %s\n", why != NULL ? why : "?");
	sqlite3_free(why);
	return done;
}

static bool fill(const struct ck_data *data)
{
	static struct ck_data_person p;
	sqlite3_stmt *insert = NULL;
	bool done = sqlite3_prepare_v2(db, "INSERT INTO people VALUES(?,?,?,?,?)", -1, &insert, NULL) == SQLITE_OK && run("BEGIN");
	for (uint64_t i = 0; done && i < ck_data_count(data).staff; i++) {
		ck_data_person_at(data, i, &p);
		if (!ck_data_is_findable(data, &p)) continue;
		const char *const values[] = { p.cn, p.authority->name, p.department, p.title, p.uid };
		for (int k = 0; k < 5; k++) sqlite3_bind_text(insert, k + 1, values[k], -1, SQLITE_TRANSIENT);
		done = sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
	}
	sqlite3_finalize(insert);
	return done && run("COMMIT") && run("INSERT INTO people(people) VALUES('optimize')");
}

static bool open_sqlite(const struct ck_data *data, const char *place)
{
	if (place[0] == '\0' || sqlite3_open(place, &db) != SQLITE_OK) return false;
	return run("PRAGMA journal_mode=OFF") && run("PRAGMA synchronous=OFF") && run("PRAGMA mmap_size=8589934592") &&
	       run("CREATE VIRTUAL TABLE people USING fts5(name, authority, department, title, uid UNINDEXED,"
	           " tokenize=\"unicode61 remove_diacritics 2\", prefix='3 4')") &&
	       fill(data) &&
	       sqlite3_prepare_v2(db, "SELECT uid, name, authority, title FROM people WHERE people MATCH ? ORDER BY rank LIMIT 20", -1, &find, NULL) == SQLITE_OK;
}

static void close_sqlite(void)
{
	sqlite3_finalize(find);
	sqlite3_close(db);
}

/* Every word quoted; the last one of the name is a beginning where it is one. */
static void write_match(const struct search_question *q, char *out, size_t out_bytes)
{
	char words[256], *rest = NULL;
	size_t used = 0;
	snprintf(words, sizeof words, "%s", q->name);
	for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		used += (size_t)snprintf(out + used, out_bytes - used, "\"%s\" ", word);
	if (q->kind == SEARCH_PREFIX && used > 0) out[used - 1] = '*';
	snprintf(out + used, out_bytes - used, q->place[0] != '\0' ? " \"%s\"" : "%s", q->place);
}

static bool ask_sqlite(const struct search_question *q, struct search_found *out)
{
	char match[600];
	write_match(q, match, sizeof match);
	sqlite3_bind_text(find, 1, match, -1, SQLITE_STATIC);
	int code;
	while ((code = sqlite3_step(find)) == SQLITE_ROW) search_add(out, (const char *)sqlite3_column_text(find, 0));
	return sqlite3_reset(find) == SQLITE_OK && code == SQLITE_DONE;
}
#else
static bool open_sqlite(const struct ck_data *data, const char *place)
{
	(void)data;
	(void)place;
	puts("# search: SQLite is left out: built without libsqlite3-dev (contrib/install-packages --bench)");
	return false;
}
static bool ask_sqlite(const struct search_question *q, struct search_found *out)
{
	(void)q;
	(void)out;
	return false;
}
static void close_sqlite(void) {}
#endif

const struct search_peer search_sqlite = { "sqlite-fts5", open_sqlite, ask_sqlite, close_sqlite };
