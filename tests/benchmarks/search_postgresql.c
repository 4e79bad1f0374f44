/* People in PostgreSQL with pg_trgm, over its unix socket. place: a connection string, or "". */
#include "tests/benchmarks/search.h"

#include <string.h>

#ifdef CK_BENCH_POSTGRESQL
#include <libpq-fe.h>

static PGconn *pg;

static bool run(const char *sql)
{
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);
	bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN;
	if (!done) fprintf(stderr, "postgresql: %s", PQerrorMessage(pg));
	PQclear(result);
	return done;
}

/* Names are folded before they go in: what unaccent would do at each question. */
static bool fill(const struct ck_data *data)
{
	static struct ck_data_person p;
	char folded[CK_NAME_LIMIT_BYTES + 1], line[512];
	bool done = run("COPY people FROM STDIN");
	for (uint64_t i = 0; done && i < ck_data_count(data).staff; i++) {
		ck_data_person_at(data, i, &p);
		if (!ck_data_is_findable(data, &p)) continue;
		ck_data_fold(p.cn, folded, sizeof folded);
		int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%s\t%s\t%s\n", p.uid, folded, p.cn, p.authority->slug, p.department, p.title);
		done = length > 0 && (size_t)length < sizeof line && PQputCopyData(pg, line, length) == 1;
	}
	if (!done || PQputCopyEnd(pg, NULL) != 1) return false;
	for (PGresult *result; (result = PQgetResult(pg)) != NULL; PQclear(result)) done = done && PQresultStatus(result) == PGRES_COMMAND_OK;
	return done;
}

static bool prepare(void)
{
	static const char head[] = "SELECT uid, shown, place, title FROM people WHERE ";
	static const struct {
		const char *name, *where;
	} statements[] = { { "exact", "name = $1 AND ($2 = '' OR place = $2) LIMIT 20" },
		           { "like", "name LIKE $1 AND ($2 = '' OR place = $2) LIMIT 20" },
		           { "two", "name LIKE $1 AND department ILIKE $3 AND ($2 = '' OR place = $2) LIMIT 20" },
		           { "near", "name % $1 AND ($2 = '' OR place = $2) ORDER BY similarity(name, $1) DESC LIMIT 20" } };
	bool done = true;
	for (size_t i = 0; done && i < sizeof statements / sizeof statements[0]; i++) {
		char sql[512];
		snprintf(sql, sizeof sql, "%s%s", head, statements[i].where);
		PGresult *result = PQprepare(pg, statements[i].name, sql, 0, NULL);
		done = PQresultStatus(result) == PGRES_COMMAND_OK;
		if (!done) fprintf(stderr, "postgresql: %s", PQerrorMessage(pg));
		PQclear(result);
	}
	return done;
}

static bool open_postgresql(const struct ck_data *data, const char *place)
{
	if (place[0] == '\0') return false;
	pg = PQconnectdb(place);
	if (PQstatus(pg) != CONNECTION_OK) {
		printf("# search: PostgreSQL is left out: %s", PQerrorMessage(pg));
		return false;
	}
	return run("CREATE EXTENSION pg_trgm") && run("CREATE TABLE people(uid text, name text, shown text, place text, department text, title text)") &&
	       fill(data) && run("CREATE INDEX people_trgm ON people USING gin (name gin_trgm_ops)") && run("CREATE INDEX people_name ON people (name)") &&
	       run("ANALYZE people") && run("SET pg_trgm.similarity_threshold = 0.5") && run("SET plan_cache_mode = force_custom_plan") && prepare();
}

static void close_postgresql(void) { PQfinish(pg); }

static bool ask_postgresql(const struct search_question *q, struct search_found *out)
{
	char name[300], department[300], folded[256];
	const char *statement = "near";
	ck_data_fold(q->name, folded, sizeof folded);
	snprintf(name, sizeof name, "%s", folded);
	snprintf(department, sizeof department, "%%%s%%", q->rest);
	if (q->kind == SEARCH_EXACT || q->kind == SEARCH_ACCENT_FREE) statement = "exact";
	if (q->kind == SEARCH_PREFIX) {
		statement = "like";
		snprintf(name, sizeof name, "%s%%", folded);
	} else if (q->kind == SEARCH_TWO_WORDS) {
		statement = "two";
		snprintf(name, sizeof name, "%%%s%%", q->first);
	}
	const char *values[] = { name, q->place, department };
	PGresult *result = PQexecPrepared(pg, statement, q->kind == SEARCH_TWO_WORDS ? 3 : 2, values, NULL, NULL, 0);
	bool done = PQresultStatus(result) == PGRES_TUPLES_OK;
	if (!done) fprintf(stderr, "postgresql: %s", PQerrorMessage(pg));
	for (int i = 0; done && i < PQntuples(result); i++) search_add(out, PQgetvalue(result, i, 0));
	PQclear(result);
	return done;
}
#else
static bool open_postgresql(const struct ck_data *data, const char *place)
{
	(void)data;
	(void)place;
	puts("# search: PostgreSQL is left out: built without libpq-dev (contrib/install-packages --bench)");
	return false;
}
static bool ask_postgresql(const struct search_question *q, struct search_found *out)
{
	(void)q;
	(void)out;
	return false;
}
static void close_postgresql(void) {}
#endif

const struct search_peer search_postgresql = { "postgresql-trgm", open_postgresql, ask_postgresql, close_postgresql };
