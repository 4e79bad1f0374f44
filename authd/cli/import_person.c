/* Completing and checking one person. What counts is checked again by the replica; here it becomes a row that is refused with its reason. */
#include "authd/cli/import_person.h"

#include <string.h>
#include <strings.h>

static bool missing(const struct ck_person *person, enum ck_import_field field) { return person->value[field].length == 0; }

enum ck_error ck_person_set(struct ck_person *person, struct ck_person_scratch *scratch, enum ck_import_field field, struct ck_text text)
{
	enum ck_error error = ck_text_copy(scratch->text[field], sizeof scratch->text[field], text);
	person->value[field] = error == CK_OK ? (struct ck_text){ scratch->text[field], text.length } : (struct ck_text){ NULL, 0 };
	return error;
}

/* Too long for the scratch is too long for the directory: the check says so of the empty value that stays. */
static void set_print(struct ck_person *person, struct ck_person_scratch *scratch, enum ck_import_field field, struct ck_text a, const char *between,
                      struct ck_text b)
{
	char *to = scratch->text[field];
	int length = snprintf(to, sizeof scratch->text[field], "%.*s%s%.*s", (int)a.length, a.length > 0 ? a.at : "", between, (int)b.length,
	                      b.length > 0 ? b.at : "");
	if (length > 0 && (size_t)length < sizeof scratch->text[field]) person->value[field] = (struct ck_text){ to, (size_t)length };
}

/* "Ann Marie Jones": what stands behind the last space is the surname. */
static void complete_names(struct ck_person *person, struct ck_person_scratch *scratch)
{
	struct ck_text *value = person->value;
	struct ck_text none = { NULL, 0 };
	if (missing(person, CK_IMPORT_NAME)) {
		bool both = !missing(person, CK_IMPORT_GIVEN) && !missing(person, CK_IMPORT_SURNAME);
		set_print(person, scratch, CK_IMPORT_NAME, value[CK_IMPORT_GIVEN], both ? " " : "", value[CK_IMPORT_SURNAME]);
	}
	if (missing(person, CK_IMPORT_NAME)) return;
	struct ck_text name = value[CK_IMPORT_NAME];
	const char *space = memrchr(name.at, ' ', name.length);
	struct ck_text last = space != NULL ? (struct ck_text){ space + 1, name.length - (size_t)(space + 1 - name.at) } : name;
	struct ck_text first = space != NULL ? (struct ck_text){ name.at, (size_t)(space - name.at) } : none;
	if (missing(person, CK_IMPORT_SURNAME)) {
		set_print(person, scratch, CK_IMPORT_SURNAME, last, "", none);
		if (missing(person, CK_IMPORT_GIVEN) && !person->given[CK_IMPORT_GIVEN]) set_print(person, scratch, CK_IMPORT_GIVEN, first, "", none);
	}
}

/* {uid} and {number} in a default. */
static void set_default(const char *text, struct ck_person *person, struct ck_person_scratch *scratch, enum ck_import_field field)
{
	char made[2 * CK_NAME_LIMIT_BYTES + 2];
	size_t used = 0;
	while (*text != '\0') {
		struct ck_text put = { text, 1 };
		size_t length = 1;
		if (strncmp(text, "{uid}", 5) == 0) {
			put = person->value[CK_IMPORT_UID];
			length = 5;
		} else if (strncmp(text, "{number}", 8) == 0) {
			put = person->value[CK_IMPORT_NUMBER];
			length = 8;
		}
		if (put.length > sizeof made - used) return;
		memcpy(made + used, put.at, put.length);
		used += put.length;
		text += length;
	}
	if (ck_person_set(person, scratch, field, (struct ck_text){ made, used }) != CK_OK) return;
}

static void complete_defaults(const struct ck_mapping *mapping, struct ck_person *person, struct ck_person_scratch *scratch, bool with_uid)
{
	for (size_t i = 0; i < CK_IMPORT_FIELDS; i++) {
		const char *text = mapping->defaults[i];
		if (text[0] == '\0' || !missing(person, (enum ck_import_field)i) || !ck_import_field_known((enum ck_import_field)i)) continue;
		if ((strstr(text, "{uid}") != NULL) == with_uid) set_default(text, person, scratch, (enum ck_import_field)i);
	}
}

void ck_person_complete(const struct ck_mapping *mapping, struct ck_person *person, struct ck_person_scratch *scratch)
{
	char text[CK_TIME_TEXT_BYTES];
	complete_names(person, scratch);
	complete_defaults(mapping, person, scratch, false);
	for (int i = 0; i < 2; i++) {
		enum ck_import_field field = i == 0 ? CK_IMPORT_FROM : CK_IMPORT_UNTIL;
		if (!missing(person, field)) continue;
		enum ck_error error = ck_person_set(person, scratch, field, ck_text_of(ck_time_format_generalized(i == 0 ? CK_TIME_ALWAYS : CK_TIME_UNLIMITED, text)));
		CK_ASSERT(error == CK_OK);
	}
}

void ck_person_complete_uid(const struct ck_mapping *mapping, struct ck_person *person, struct ck_person_scratch *scratch)
{
	complete_defaults(mapping, person, scratch, true);
	if (missing(person, CK_IMPORT_GID_NUMBER)) person->value[CK_IMPORT_GID_NUMBER] = person->value[CK_IMPORT_UID_NUMBER];
}

/* ---- checking ---- */

static bool in_domains(struct ck_text mail, const struct ck_import_home *home)
{
	const char *at = mail.length > 0 ? memrchr(mail.at, '@', mail.length) : NULL;
	if (at == NULL) return false;
	struct ck_text domain = { at + 1, mail.length - (size_t)(at + 1 - mail.at) };
	for (size_t i = 0; i < home->domain_count; i++) {
		if (strcmp(home->domains[i], "*") == 0) return true;
		if (strlen(home->domains[i]) == domain.length && strncasecmp(home->domains[i], domain.at, domain.length) == 0) return true;
	}
	return false;
}

static enum ck_error read_numbers(const struct ck_person *person, struct ck_staff *staff, struct ck_errmsg *why)
{
	if (ck_uint_parse(person->value[CK_IMPORT_UID_NUMBER], 0, UINT32_MAX, &staff->uid_number) != CK_OK ||
	    ck_uint_parse(person->value[CK_IMPORT_GID_NUMBER], 0, UINT32_MAX, &staff->gid_number) != CK_OK)
		return ck_fail(why, CK_ERR_INVALID, "uid-number, gid-number: expected numbers");
	if (ck_time_parse_generalized(person->value[CK_IMPORT_FROM], &staff->window.from_s) != CK_OK ||
	    ck_time_parse_generalized(person->value[CK_IMPORT_UNTIL], &staff->window.until_s) != CK_OK)
		return ck_fail(why, CK_ERR_INVALID, "from, until: expected times");
	return CK_OK;
}

/* The model sees an absent optional text as absent, not empty. */
static struct ck_text text_of(const struct ck_person *person, enum ck_import_field field)
{
	return missing(person, field) ? (struct ck_text){ NULL, 0 } : person->value[field];
}

enum ck_error ck_person_check(const struct ck_person *person, const struct ck_import_home *home, struct ck_errmsg *why)
{
	static const struct ck_id anybody = { { 1 } };
	struct ck_record record = { .kind = CK_KIND_STAFF, .id = anybody, .authority = home->id };
	struct ck_staff *staff = &record.as.staff;
	*staff = (struct ck_staff){ .uid = text_of(person, CK_IMPORT_UID), .cn = text_of(person, CK_IMPORT_NAME),
		.given_name = text_of(person, CK_IMPORT_GIVEN), .sn = text_of(person, CK_IMPORT_SURNAME), .mail = text_of(person, CK_IMPORT_MAIL),
		.telephone = text_of(person, CK_IMPORT_TELEPHONE), .title = text_of(person, CK_IMPORT_TITLE),
		.department = text_of(person, CK_IMPORT_DEPARTMENT), .staff_number = text_of(person, CK_IMPORT_NUMBER),
		.home = text_of(person, CK_IMPORT_HOME), .shell = text_of(person, CK_IMPORT_SHELL),
		.status = ck_status_of_name(text_of(person, CK_IMPORT_STATUS)) };
	if (missing(person, CK_IMPORT_MAIL)) return ck_fail(why, CK_ERR_INVALID, "the mail address is missing");
	enum ck_error error = read_numbers(person, staff, why);
	if (error == CK_OK) error = ck_model_validate(&record, why);
	if (error != CK_OK) return error;
	if (staff->uid_number < home->first || staff->uid_number > home->last)
		return ck_fail(why, CK_ERR_INVALID, "uid-number: %llu is outside of the authority's range", (unsigned long long)staff->uid_number);
	if (!in_domains(staff->mail, home)) return ck_fail(why, CK_ERR_INVALID, "mail: is outside of the authority's domains");
	return CK_OK;
}
