/* The mapping's table and schema/crosskeys.schema name the same classes and attributes, with the same MUST and MAY. */
#include "directory/model/entry_table.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "schema/crosskeys.schema"
#define NAMES_LIMIT 64

struct names {
	char at[NAMES_LIMIT][40];
	size_t count;
};
static char schema[32768];

static void read_schema(void)
{
	FILE *file = fopen(SCHEMA, "r");
	ck_assert_msg(file != NULL, "run from the source root: " SCHEMA);
	size_t length = fread(schema, 1, sizeof schema - 1, file);
	ck_assert(length < sizeof schema - 1);
	fclose(file);
}

static const char *class_at(const char *name)
{
	char begin[64];
	snprintf(begin, sizeof begin, "NAME '%s'", name);
	const char *classes = strstr(schema, "objectclass");
	ck_assert_ptr_nonnull(classes);
	const char *at = strstr(classes, begin);
	ck_assert_msg(at != NULL, "%s is not in the schema", name);
	return at;
}

/* The names after MUST or MAY of one class: one, or several in parentheses with $ between. */
static void read_names(const char *at, const char *word, struct names *out)
{
	const char *end = strstr(at, "\n\n");
	const char *from = strstr(at, word);
	out->count = 0;
	if (from == NULL || (end != NULL && from > end)) return;
	from += strlen(word) + 1;
	bool several = *from == '(';
	if (several) from++;
	for (; *from != '\0' && *from != ')'; from++) {
		size_t length = 0;
		while (isalnum((unsigned char)from[length])) length++;
		if (length == 0) continue;
		ck_assert_uint_lt(out->count, NAMES_LIMIT);
		snprintf(out->at[out->count++], sizeof out->at[0], "%.*s", (int)length, from);
		if (!several) return;
		from += length - 1;
	}
}

static bool among(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->at[i], name) == 0) return true;
	return false;
}

static bool is_of_person(const char *name)
{
	static const char *const standard[] = {"givenName", "telephoneNumber", "title", "departmentNumber"};
	for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
		if (strcmp(standard[i], name) == 0) return true;
	return false;
}

START_TEST(table_and_schema_agree)
{
	read_schema();
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		const struct ck_entry_row *row = ck_entry_row_of((enum ck_kind)k);
		struct names must, may;
		const char *at = class_at(row->object_class);
		read_names(at, "MUST", &must);
		read_names(at, "MAY", &may);
		ck_assert_uint_gt(must.count, 0);
		/* no touch orders a use */
		ck_assert_msg(among(&may, "ckProof") == (k != CK_KIND_KEY_USE), "%s: ckProof", row->object_class);

		for (size_t i = 0; row->settable[i] != NULL; i++) {
			const char *name = row->settable[i];
			if (i < row->must)
				ck_assert_msg(among(&must, name), "%s: %s is MUST in the table only", row->object_class, name);
			else
				ck_assert_msg(among(&may, name) || is_of_person(name), "%s: %s is MAY in the table only", row->object_class, name);
		}
		size_t known = 0;
		for (size_t i = 0; i < must.count; i++) {
			struct ck_text name = ck_text_of(must.at[i]);
			bool settable = ck_entry_name_among(name, row->settable), other = ck_entry_name_among(name, row->others);
			ck_assert_msg(settable || other, "%s: %s is MUST in the schema only", row->object_class, must.at[i]);
			known += settable;
		}
		ck_assert_uint_eq(known, row->must);
		for (size_t i = 0; i < may.count; i++)
			ck_assert_msg(ck_entry_name_among(ck_text_of(may.at[i]), row->settable) || ck_entry_name_among(ck_text_of(may.at[i]), row->others),
			              "%s: %s is MAY in the schema only", row->object_class, may.at[i]);
		for (size_t i = 0; row->fixed[i] != NULL; i++)
			ck_assert(ck_entry_attribute_settable((enum ck_kind)k, ck_text_of(row->fixed[i])));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("entry schema");
	TCase *tc = tcase_create("entry schema");
	tcase_add_test(tc, table_and_schema_agree);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
