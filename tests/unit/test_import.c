/* What an import reads: CSV, LDIF, the mapping; names made of names; values that are seen once. One good form, then each single thing that is
   wrong with it. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/import_name.h"
#include "authd/cli/import_person.h"
#include "authd/cli/import_set.h"
#include "tests/unit/suite.h"

static struct ck_csv csv;
static struct ck_csv_record row;
static FILE *file;

static void open_csv(const char *text, size_t length, char separator)
{
	if (file != NULL) fclose(file);
	file = fmemopen((void *)(uintptr_t)text, length, "r");
	ck_assert_ptr_nonnull(file);
	ck_csv_begin(&csv, file, separator);
}
#define csv_of(text) open_csv(text, sizeof text - 1, ',')

static void field_is(size_t index, const char *wanted)
{
	ck_assert_uint_lt(index, row.count);
	ck_assert_msg(ck_text_is(row.fields[index], wanted), "field %zu is \"%.*s\", not \"%s\"", index, (int)row.fields[index].length, row.fields[index].at, wanted);
}

static void teardown(void)
{
	if (file != NULL) fclose(file);
	file = NULL;
}

START_TEST(csv_plain)
{
	csv_of("\xef\xbb\xbf" "a,b,c\n1,,3\r\n\n\r\n\"x, \"\"y\"\"\nz\",,\"\"\nlast,line,here");
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_ptr_null(row.fault);
	ck_assert_uint_eq(row.count, 3);
	field_is(0, "a");
	ck_assert(ck_csv_next(&csv, &row));
	field_is(1, "");
	field_is(2, "3");
	ck_assert_uint_eq(row.line, 2);
	ck_assert(ck_csv_next(&csv, &row));
	field_is(0, "x, \"y\"\nz");
	ck_assert_uint_eq(row.line, 5);
	ck_assert_uint_eq(row.count, 3);
	ck_assert(ck_csv_next(&csv, &row));
	field_is(2, "here");
	ck_assert_uint_eq(row.line, 7);
	ck_assert(!ck_csv_next(&csv, &row));
}
END_TEST

START_TEST(csv_separators)
{
	static const char tab[] = "a\tb;c", semicolon[] = "a;b\tc";
	open_csv(tab, sizeof tab - 1, '\t');
	ck_assert(ck_csv_next(&csv, &row));
	field_is(1, "b;c");
	open_csv(semicolon, sizeof semicolon - 1, ';');
	ck_assert(ck_csv_next(&csv, &row));
	field_is(1, "b\tc");
}
END_TEST

/* Each bad record is said to be one, and the line behind it is read. */
START_TEST(csv_bad)
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{ "a,\"b\nnext,row", "is not closed" },           { "a,\"b\"c\nnext,row", "behind a closing quote" },
		{ "a,b\"c\nnext,row", "does not begin with one" }, { "a,b\xf6" "c\nnext,row", "not UTF-8" },
		{ "a,b\rc\nnext,row", "carriage return" },         { "a,\xed\xa0\x80\nnext,row", "not UTF-8" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		open_csv(bad[i].text, strlen(bad[i].text), ',');
		ck_assert(ck_csv_next(&csv, &row));
		ck_assert_msg(row.fault != NULL && strstr(row.fault, bad[i].fault) != NULL, "%zu: %s", i, row.fault != NULL ? row.fault : "no fault");
		ck_assert_uint_eq(row.count, 0);
		ck_assert(ck_csv_next(&csv, &row));
		ck_assert_ptr_null(row.fault);
		field_is(0, "next");
		ck_assert_uint_eq(row.line, 2);
		ck_assert(!ck_csv_next(&csv, &row));
	}
}
END_TEST

START_TEST(csv_nul)
{
	csv_of("a,b\0c\nnext,row\n");
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_ptr_nonnull(row.fault);
	ck_assert(ck_csv_next(&csv, &row));
	field_is(0, "next");
}
END_TEST

START_TEST(csv_too_long)
{
	size_t length = 3 * CK_CSV_RECORD_LIMIT_BYTES;
	char *text = malloc(length + 16);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', length);
	memcpy(text + length, "\nnext,row\n", 11);
	open_csv(text, length + 10, ',');
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_ptr_nonnull(row.fault);
	ck_assert(ck_csv_next(&csv, &row));
	field_is(1, "row");
	ck_assert_uint_eq(row.line, 2);
	ck_assert(!ck_csv_next(&csv, &row));
	/* a quote that is never closed, over many windows */
	for (size_t i = 80; i < length; i += 80) text[i] = '\n';
	text[0] = '"';
	open_csv(text, length + 10, ',');
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_str_eq(row.fault, "a quote is not closed");
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_ptr_null(row.fault);
	ck_assert_uint_eq(row.line, 2);
	free(text);
}
END_TEST

START_TEST(csv_too_many_fields)
{
	char text[CK_CSV_FIELDS_LIMIT + 16];
	memset(text, ',', sizeof text);
	text[CK_CSV_FIELDS_LIMIT - 1] = '\n';
	text[sizeof text - 1] = '\n';
	open_csv(text, sizeof text, ',');
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_ptr_null(row.fault);
	ck_assert_uint_eq(row.count, CK_CSV_FIELDS_LIMIT);
	memset(text, ',', CK_CSV_FIELDS_LIMIT);
	text[CK_CSV_FIELDS_LIMIT] = '\n';
	open_csv(text, CK_CSV_FIELDS_LIMIT + 1, ',');
	ck_assert(ck_csv_next(&csv, &row));
	ck_assert_str_eq(row.fault, "there are too many fields");
}
END_TEST

START_TEST(csv_written_is_read)
{
	static const char *const fields[] = { "", "plain", "a,b", "say \"so\"", "two\nlines", " space ", "\"", "Zoë" };
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	for (size_t i = 0; i < 8; i++) {
		if (i > 0) putc(',', to);
		ck_csv_print(to, ',', ck_text_of(fields[i]));
	}
	fclose(to);
	open_csv(text, length, ',');
	ck_assert(ck_csv_next(&csv, &row));
	for (size_t i = 0; i < 8; i++) field_is(i, fields[i]);
	free(text);
}
END_TEST

/* ---- LDIF ---- */

static struct ck_ldif ldif;
static struct ck_ldif_record record;

static void open_ldif(const char *text)
{
	if (file != NULL) fclose(file);
	file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	ck_ldif_begin(&ldif, file);
}

START_TEST(ldif_plain)
{
	open_ldif("version: 1\n# a comment\n  that goes on\n\ndn: cn=a,\n dc=b\nobjectClass: ckStaff\ncn:: Wm/Dqw==\nsn: S\n mith\nmail;x-old: m\n\n\ndn: cn=b\r\nsn: T\r\n");
	ck_assert(ck_ldif_next(&ldif, &record));
	ck_assert_ptr_null(record.fault);
	ck_assert(ck_text_is(record.dn, "cn=a,dc=b"));
	ck_assert(ck_text_is(ck_ldif_value(&record, "CN"), "Zo\xc3\xab") || record.count == 4);
	ck_assert(ck_text_is(ck_ldif_value(&record, "sn"), "Smith"));
	ck_assert(ck_text_is(ck_ldif_value(&record, "mail"), "m"));
	ck_assert(ck_ldif_has_class(&record, "ckstaff"));
	ck_assert(!ck_ldif_has_class(&record, "ckKey"));
	ck_assert_uint_eq(record.line, 5);
	ck_assert(ck_ldif_next(&ldif, &record));
	ck_assert(ck_text_is(ck_ldif_value(&record, "sn"), "T"));
	ck_assert(!ck_ldif_next(&ldif, &record));
}
END_TEST

START_TEST(ldif_bad)
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{ "dn: a\nno colon\n", "name: value" },      { "dn: a\ncn:: ?\n", "base64" },
		{ "dn: a\ncn:< file:///etc/shadow\n", "URL" }, { "dn: a\nchangetype: delete\n", "change" },
		{ "cn: a\n", "begin with its DN" },          { "dn: a\ndn: b\n", "two DNs" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[256];
		snprintf(text, sizeof text, "%s\ndn: c\ncn: next\n", bad[i].text);
		open_ldif(text);
		ck_assert(ck_ldif_next(&ldif, &record));
		ck_assert_msg(record.fault != NULL && strstr(record.fault, bad[i].fault) != NULL, "%zu: %s", i, record.fault);
		ck_assert_uint_eq(record.count, 0);
		ck_assert(ck_ldif_next(&ldif, &record));
		ck_assert(ck_text_is(ck_ldif_value(&record, "cn"), "next"));
	}
}
END_TEST

START_TEST(ldif_written_is_read)
{
	static const char *const values[] = { "plain", "", " first", "last ", ":colon", "<less", "Zoë", "two\nlines", "#" };
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	fputs("dn: a\n", to);
	for (size_t i = 0; i < 9; i++) ck_ldif_print(to, "cn", ck_bytes_of(ck_text_of(values[i])));
	fclose(to);
	open_ldif(text);
	ck_assert(ck_ldif_next(&ldif, &record));
	ck_assert_uint_eq(record.count, 9);
	for (size_t i = 0; i < 9; i++)
		ck_assert_msg(ck_bytes_equal(record.values[i].value, ck_bytes_of(ck_text_of(values[i]))), "value %zu", i);
	free(text);
}
END_TEST

/* ---- the mapping ---- */

static struct ck_mapping mapping;
static struct ck_errmsg err;

#define GOOD_MAPPING "[file]\nseparator = tab\ndates = day-first\nmissing = keep\nuids = number\n[columns]\nnumber = \"Employee; no\"\nname = Name\nstatus = S\n" \
	"[status]\nIn post = active\nLeft = suspended\n[defaults]\nshell = /bin/sh\n"

static enum ck_error parse(const char *text) { return ck_mapping_parse(ck_text_of(text), "map", &mapping, &err); }

START_TEST(mapping_good)
{
	ck_assert_msg(parse(GOOD_MAPPING) == CK_OK, "%s", err.text);
	ck_assert_int_eq(mapping.separator, '\t');
	ck_assert_int_eq(mapping.dates, CK_DATES_DAY_FIRST);
	ck_assert_int_eq(mapping.uids, CK_UIDS_NUMBER);
	ck_assert(!mapping.suspend_missing);
	ck_assert_str_eq(mapping.columns[CK_IMPORT_NAME], "Name");
	ck_assert_str_eq(mapping.columns[CK_IMPORT_MAIL], "");
	ck_assert_str_eq(mapping.defaults[CK_IMPORT_SHELL], "/bin/sh");
	ck_assert_uint_eq(mapping.word_count, 2);
}
END_TEST

START_TEST(mapping_bad)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "[columns]\nname = N\n", "must say which is the staff number" },
		{ "[columns]\nnumber = N\n", "must say which is the name" },
		{ "[columns]\nnumber = N\nname = M\nnumber = O\n", "map:4: number is there twice" },
		{ "[columns]\nnumber = N\nname = M\ncolour = O\n", "map:4: there is no field \"colour\"" },
		{ "[columns]\nnumber = N\nname =\n", "map:3: name: expected 1 to" },
		{ "[columns]\nnumber = N\nname = M\nstatus = S\n", "[status] must say" },
		{ "[file]\nseparator = pipe\n", "map:2: separator: expected comma, semicolon, tab" },
		{ "[file]\nquote = no\n", "map:2: [file] has" },
		{ "[file]\ndates = iso\ndates = iso\n", "map:3: dates is there twice" },
		{ "[status]\nIn = revoked\n", "map:2: In: expected active or suspended" },
		{ "[status]\nIn = active\nIN = active\n", "map:3: IN is there twice" },
		{ "[colums]\nnumber = N\n", "map:2: expected [file]" },
		{ "[columns]\nnumber N\n", "map:2:" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_int_ne(parse(bad[i].text), CK_OK);
		ck_assert_msg(strstr(err.text, bad[i].why) != NULL, "%zu: expected \"%s\", got \"%s\"", i, bad[i].why, err.text);
	}
}
END_TEST

/* ---- rows ---- */

static struct ck_rows *rows;
static struct ck_person person;

static enum ck_error first_row(const char *map, const char *text)
{
	ck_assert_msg(parse(map) == CK_OK, "%s", err.text);
	FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	enum ck_error error = ck_rows_of(from, "file", CK_ROWS_CSV, &mapping, &rows, &err);
	if (error != CK_OK) return error;
	error = ck_rows_next(rows, &person, &err);
	return error;
}

#define ROW_MAPPING "[file]\ndates = day-first\n[columns]\nnumber = N\nname = M\nuntil = U\nstatus = S\n[status]\nIn = active\n"

START_TEST(rows_good)
{
	ck_assert_int_eq(first_row(ROW_MAPPING, "X,N, M ,U,S\nx, 7 ,Ann Lee,31/12/2026,in\n"), CK_OK);
	ck_assert(ck_text_is(person.value[CK_IMPORT_NUMBER], "7"));
	ck_assert(ck_text_is(person.value[CK_IMPORT_UNTIL], "20261231000000Z"));
	ck_assert(ck_text_is(person.value[CK_IMPORT_STATUS], "active"));
	ck_assert(!person.given[CK_IMPORT_MAIL]);
	ck_rows_close(&rows);
	ck_assert_int_eq(first_row(ROW_MAPPING, "N,M,U,S\n7,Ann Lee,,In\n"), CK_OK);
	ck_assert(ck_text_is(person.value[CK_IMPORT_UNTIL], "99991231235959Z"));
	ck_rows_close(&rows);
}
END_TEST

START_TEST(rows_bad)
{
	static const struct {
		const char *text, *why;
		bool known; /* whose it is */
	} bad[] = {
		{ "N,M,U,S\n7,Ann,31/02/2026,In\n", "until: expected a date", true },
		{ "N,M,U,S\n7,Ann,+90d,In\n", "until: expected a date", true },
		{ "N,M,U,S\n7,Ann,now,In\n", "until: expected a date", true },
		{ "N,M,U,S\n7,Ann,,Out\n", "status: the mapping does not say", true },
		{ "N,M,U,S\n,Ann,,In\n", "staff number is missing", false },
		{ "N,M,U,S\n7,Ann,In\n", "3 fields, and the header 4", false },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_int_eq(first_row(ROW_MAPPING, bad[i].text), CK_ERR_INVALID);
		ck_assert_msg(strstr(err.text, bad[i].why) != NULL, "%zu: %s", i, err.text);
		ck_assert(bad[i].known == (person.value[CK_IMPORT_NUMBER].length > 0));
		ck_rows_close(&rows);
	}
	ck_assert_int_eq(first_row(ROW_MAPPING, "N,M,U\n7,Ann,\n"), CK_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.text, "there is no column \"S\""));
	ck_assert_int_eq(first_row(ROW_MAPPING, "N,M,U,S,N\n"), CK_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.text, "two columns are called \"N\""));
}
END_TEST

/* ---- names ---- */

START_TEST(names)
{
	static const struct {
		enum ck_import_uids rule;
		const char *given, *surname, *number;
		unsigned n;
		const char *wanted; /* NULL: none */
	} cases[] = {
		{ CK_UIDS_INITIAL_SURNAME, "Jon", "Smith", "1", 1, "jsmith" },
		{ CK_UIDS_INITIAL_SURNAME, "Jon", "Smith", "1", 2, "jsmith2" },
		{ CK_UIDS_INITIAL_SURNAME, "Siân", "Ŵyn-Ó Briain", "1", 1, "swynobriain" },
		{ CK_UIDS_INITIAL_SURNAME, "Łukasz", "Żółć", "1", 1, "lzolc" },
		{ CK_UIDS_GIVEN_SURNAME, "Ann Marie", "Jones", "1", 1, "annmarie-jones" },
		{ CK_UIDS_GIVEN_SURNAME, "", "Jones", "1", 1, "jones" },
		{ CK_UIDS_NUMBER, "Jon", "Smith", "4711", 1, "s4711" },
		{ CK_UIDS_INITIAL_SURNAME, "愛", "", "42", 1, "s42" },
		{ CK_UIDS_INITIAL_SURNAME, "Ro", "Ot", "1", 1, "rot" },
		{ CK_UIDS_GIVEN_SURNAME, "", "Root", "1", 1, "root2" }, /* a name of the machine's */
		{ CK_UIDS_INITIAL_SURNAME, "", "X", "1", 1, "x2" },
		{ CK_UIDS_INITIAL_SURNAME, "3", "3m", "1", 1, "s33m" },
		{ CK_UIDS_INITIAL_SURNAME, "A", "Abcdefghijklmnopqrstuvwxyzabcdefgh", "1", 99999, "aabcdefghijklmnopqrstuvwxy99999" },
		{ CK_UIDS_INITIAL_SURNAME, "A", "B", "1", 100000, NULL },
	};
	char uid[CK_UID_LIMIT_BYTES + 1];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool made = ck_name_uid(cases[i].rule, ck_text_of(cases[i].given), ck_text_of(cases[i].surname), ck_text_of(cases[i].number), cases[i].n, uid);
		ck_assert_msg(made == (cases[i].wanted != NULL), "%zu: %s", i, uid);
		if (made) ck_assert_str_eq(uid, cases[i].wanted);
	}
}
END_TEST

START_TEST(set_of_many)
{
	struct ck_set *set = ck_set_new();
	char text[32];
	uint64_t number;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof text, "Value%u", i);
		ck_assert(ck_set_add(set, ck_text_of(text), true, i));
		ck_assert(!ck_set_add(set, ck_text_of(text), true, i + 1));
	}
	ck_assert(ck_set_find(set, ck_text_of("vALUE777"), true, &number));
	ck_assert_uint_eq(number, 777);
	ck_assert(!ck_set_has(set, ck_text_of("Value777"), false));
	ck_assert(!ck_set_has(set, ck_text_of("value20000"), true));
	ck_set_free(&set);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("import");
	TCase *tests = tcase_create("import");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, csv_plain);
	tcase_add_test(tests, csv_separators);
	tcase_add_test(tests, csv_bad);
	tcase_add_test(tests, csv_nul);
	tcase_add_test(tests, csv_too_long);
	tcase_add_test(tests, csv_too_many_fields);
	tcase_add_test(tests, csv_written_is_read);
	tcase_add_test(tests, ldif_plain);
	tcase_add_test(tests, ldif_bad);
	tcase_add_test(tests, ldif_written_is_read);
	tcase_add_test(tests, mapping_good);
	tcase_add_test(tests, mapping_bad);
	tcase_add_test(tests, rows_good);
	tcase_add_test(tests, rows_bad);
	tcase_add_test(tests, names);
	tcase_add_test(tests, set_of_many);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
