/* Planning add, change and remove of any kind by the table of kind.c, for single commands and for `apply` alike. What is checked here spares a
   mistake; what counts is checked again by the replica. */
#include <sodium.h>
#include <string.h>

#include "authd/cli/code.h"
#include "authd/cli/kind.h"
#include "directory/base/clock.h"
#include "directory/model/entry.h"

/* ---- options from fields ---- */

static bool is_flag(const struct ck_kind_field *field)
{
	return field->type == CK_KIND_FIELD_TRUE || field->type == CK_KIND_FIELD_FALSE;
}

static enum ck_option_type option_type(const struct ck_kind_field *field)
{
	if (is_flag(field)) return CK_OPTION_FLAG;
	return field->many ? CK_OPTION_MANY : CK_OPTION_ONE;
}

/* What is of the first administrator stands last in the table, and is of add only: the others keep their place. */
static void make_options(const struct ck_kind_row *row, struct ck_option out[CK_OPTIONS_LIMIT], const char *verb)
{
	size_t used = 0;
	bool fields = strcmp(verb, "remove") != 0, add = strcmp(verb, "add") == 0;
	for (size_t i = 0; fields && row->fields[i].option != NULL && (add || row->fields[i].type != CK_KIND_FIELD_EXTRA); i++)
		out[used++] = (struct ck_option){ row->fields[i].option, option_type(&row->fields[i]), row->fields[i].value_name,
			                          row->fields[i].help };
	if (row->kind != CK_KIND_AUTHORITY && row->kind != CK_KIND_KEY)
		out[used++] = (struct ck_option){ "authority", CK_OPTION_ONE, "NAME", "whose it is (default: the home authority of --as)" };
	out[used] = (struct ck_option){ NULL, 0, NULL, NULL };
}

static enum ck_error value_as_stored(struct ck_cli *cli, const struct ck_plan *plan, const struct ck_kind_field *field, const char *value,
                                     const char *authority, const char **out)
{
	struct ck_id id, owner;
	int64_t time_s = 0;
	*out = value;
	if (is_flag(field)) *out = field->type == CK_KIND_FIELD_TRUE ? "TRUE" : "FALSE";
	if (is_flag(field) || field->type == CK_KIND_FIELD_TEXT || (field->type == CK_KIND_FIELD_SYSTEM && strcmp(value, "*") == 0)) return CK_OK;
	if (field->type == CK_KIND_FIELD_TIME) {
		if (ck_time_parse(ck_text_of(value), ck_clock_wall_s(), &time_s) == CK_OK) {
			*out = ck_time_format_generalized(time_s, ck_cli_allocate(CK_TIME_TEXT_BYTES));
			return CK_OK;
		}
		(void)ck_cli_complain(CK_ERR_INVALID, "--%s: '%s' is no time; expected always, now, unlimited, 2026-12-31, 2026-12-31T17:00:00Z, +90d, +12h",
		                      field->option, value);
		return CK_ERR_INVALID;
	}
	if (field->type == CK_KIND_FIELD_ZONE) {
		if (strcmp(value, "local") == 0) *out = ck_zone_of_machine(ck_cli_allocate(CK_ZONE_NAME_LIMIT_BYTES + 1));
		return CK_OK;
	}
	enum ck_error error = ck_resolve(cli, plan, field->reference, value, authority, &id, &owner);
	if (error == CK_OK) *out = ck_id_format(id, ck_cli_allocate(CK_ID_TEXT_BYTES));
	return error;
}

static enum ck_error put_range(struct ck_plan_item *item, const char *value)
{
	const char *dash = strchr(value, '-');
	uint64_t first = 0, last = 0;
	if (dash == NULL || ck_uint_parse((struct ck_text){ value, (size_t)(dash - value) }, CK_UID_NUMBER_FIRST, UINT32_MAX, &first) != CK_OK ||
	    ck_uint_parse(ck_text_of(dash + 1), first, UINT32_MAX, &last) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_INVALID, "--uid-range wants FIRST-LAST with FIRST at least %d, not '%s'", CK_UID_NUMBER_FIRST, value);
		return CK_ERR_INVALID;
	}
	ck_plan_value(item, "ckUidNumberFirst", ck_cli_print("%llu", (unsigned long long)first));
	ck_plan_value(item, "ckUidNumberLast", ck_cli_print("%llu", (unsigned long long)last));
	return CK_OK;
}

static bool has(const struct ck_plan_item *item, const char *attribute)
{
	for (size_t i = 0; i < item->count; i++)
		if (strcmp(item->values[i].name, attribute) == 0) return true;
	return false;
}

/* What was given becomes attributes; what was not, and has a default, too (to add). An empty value of a change removes the attribute. */
static enum ck_error put_fields(struct ck_cli *cli, const struct ck_plan *plan, const struct ck_kind_row *row, const struct ck_arguments *arguments,
                                const char *authority, bool defaults, struct ck_plan_item *item)
{
	enum ck_error error = CK_OK;
	const char *stored = NULL;
	for (size_t i = 0; error == CK_OK && row->fields[i].option != NULL; i++) {
		const struct ck_kind_field *field = &row->fields[i];
		const struct ck_values *given = &arguments->options[i];
		if (field->type == CK_KIND_FIELD_EXTRA) continue;
		/* another option may have given it */
		if (given->count == 0 && defaults && field->otherwise != NULL && !has(item, field->attribute)) {
			error = value_as_stored(cli, plan, field, field->otherwise, authority, &stored);
			if (error == CK_OK) ck_plan_value(item, field->attribute, stored);
		}
		for (size_t j = 0; error == CK_OK && j < given->count; j++) {
			if (field->type == CK_KIND_FIELD_RANGE) {
				error = put_range(item, given->at[j]);
			} else if (!is_flag(field) && given->at[j][0] == '\0' && !defaults) {
				ck_plan_value(item, field->attribute, NULL);
			} else {
				error = value_as_stored(cli, plan, field, given->at[j], authority, &stored);
				if (error == CK_OK) ck_plan_value(item, field->attribute, stored);
			}
		}
	}
	return error;
}

/* The options that give an attribute, as a person is told of them: "--system or --group". */
static const char *options_for(const struct ck_kind_row *row, const char *attribute)
{
	const char *options = NULL;
	if (strncmp(attribute, "ckUidNumber", 11) == 0) return "--uid-range";
	for (size_t i = 0; row->fields[i].option != NULL; i++) {
		if (row->fields[i].attribute == NULL || strcmp(row->fields[i].attribute, attribute) != 0) continue;
		options = options == NULL ? ck_cli_print("--%s", row->fields[i].option) : ck_cli_print("%s or --%s", options, row->fields[i].option);
	}
	return options != NULL ? options : attribute;
}

/* Every attribute that the schema demands is there; else all the options that are missing are named at once. */
static enum ck_error check_required(const struct ck_kind_row *row, const struct ck_plan_item *item)
{
	size_t must = 0;
	const char *const *names = ck_entry_settable(row->kind, &must);
	const char *missing = "", *last = "";
	for (size_t i = 0; i < must; i++) {
		if (has(item, names[i]) || (strcmp(names[i], "sn") == 0 && !has(item, "cn"))) continue; /* the surname comes with the name */
		const char *options = options_for(row, names[i]);
		if (strcmp(options, last) != 0) missing = ck_cli_print("%s%s%s", missing, missing[0] != '\0' ? ", " : "", options);
		last = options;
	}
	if (missing[0] == '\0') return CK_OK;
	(void)ck_cli_complain(CK_ERR_INVALID, "%s add: %s must be given; `crosskeys %s add --help` says what that is", ck_kind_name(row->kind), missing,
	                      ck_kind_name(row->kind));
	return CK_ERR_INVALID;
}

/* ---- adding ---- */

/* Another statement of the same list has it. */
static bool is_planned(const struct ck_plan *plan, const char *attribute, const char *value)
{
	struct ck_text wanted = ck_text_of(value);
	for (size_t i = 0; i < plan->count; i++) {
		const struct ck_plan_item *planned = &plan->items[i];
		for (size_t j = 0; j < planned->count; j++) {
			if (strcmp(planned->values[j].name, attribute) != 0 || planned->values[j].count == 0) continue;
			if (ck_bytes_equal(planned->values[j].values[0], ck_bytes_of(wanted))) return true;
		}
	}
	return false;
}

/* The numbers that are delegated to an authority, which may be added by the same list. */
static enum ck_error range_of(struct ck_cli *cli, const struct ck_plan *plan, struct ck_id authority, uint64_t *out_first, uint64_t *out_last)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_errmsg err;
	struct ck_text first = { NULL, 0 }, last = { NULL, 0 };
	for (size_t i = 0; i < plan->count; i++) {
		const struct ck_plan_item *planned = &plan->items[i];
		if (planned->kind != CK_KIND_AUTHORITY || !ck_id_equal(ck_plan_item_id(planned), authority)) continue;
		for (size_t j = 0; j < planned->count; j++) {
			struct ck_text value = { (const char *)planned->values[j].values[0].at, planned->values[j].values[0].length };
			if (strcmp(planned->values[j].name, "ckUidNumberFirst") == 0) first = value;
			if (strcmp(planned->values[j].name, "ckUidNumberLast") == 0) last = value;
		}
	}
	if (first.at == NULL) {
		enum ck_error error = ck_cli_entry_get(cli, CK_KIND_AUTHORITY, (struct ck_text){ NULL, 0 }, &authority, NULL, &entry, &err);
		if (error != CK_OK) return ck_cli_complain(error, "%s", err.text), error;
		first = ck_cli_entry_text(entry, "ckUidNumberFirst");
		last = ck_cli_entry_text(entry, "ckUidNumberLast");
	}
	if (ck_uint_parse(first, 0, UINT32_MAX, out_first) == CK_OK && ck_uint_parse(last, *out_first, UINT32_MAX, out_last) == CK_OK) return CK_OK;
	(void)ck_cli_complain(CK_ERR_INTERNAL, "the authority's range of uid numbers cannot be read; give --uid-number");
	return CK_ERR_INTERNAL;
}

/* A uid number by chance in the range, or the next one that the list does not have: it has fewer than `plan->count` of them. The directory
   refuses the rare one that is taken, and the next try takes another. */
static enum ck_error choose_uid_number(struct ck_cli *cli, const struct ck_plan *plan, struct ck_id authority, struct ck_plan_item *item)
{
	uint64_t first = 0, last = 0;
	enum ck_error error = range_of(cli, plan, authority, &first, &last);
	if (error != CK_OK) return error;
	uint64_t spread = last - first >= UINT32_MAX ? UINT32_MAX : last - first + 1, drawn = randombytes_uniform((uint32_t)spread);
	for (size_t i = 0; i < plan->count && i < spread; i++) {
		const char *number = ck_cli_print("%llu", (unsigned long long)(first + (drawn + i) % spread));
		if (is_planned(plan, "uidNumber", number)) continue;
		ck_plan_value(item, "uidNumber", number);
		return CK_OK;
	}
	(void)ck_cli_complain(CK_ERR_LIMIT, "the authority's range of uid numbers is used up by this list; the founding authority can delegate more");
	return CK_ERR_LIMIT;
}

static const char *first_value(const struct ck_plan_item *item, const char *attribute)
{
	for (size_t i = 0; i < item->count; i++)
		if (strcmp(item->values[i].name, attribute) == 0 && item->values[i].count > 0) return (const char *)item->values[i].values[0].at;
	return NULL;
}

static enum ck_error complete_staff(struct ck_cli *cli, const struct ck_plan *plan, const char *uid, struct ck_plan_item *item)
{
	const char *name = first_value(item, "cn");
	ck_plan_value(item, "uid", uid);
	if (!has(item, "uidNumber")) {
		enum ck_error error = choose_uid_number(cli, plan, item->authority, item);
		if (error != CK_OK) return error;
	}
	if (!has(item, "gidNumber")) ck_plan_value(item, "gidNumber", first_value(item, "uidNumber"));
	if (!has(item, "homeDirectory")) ck_plan_value(item, "homeDirectory", ck_cli_print("/home/%s", uid));
	if (name != NULL && !has(item, "sn")) {
		const char *space = strrchr(name, ' ');
		ck_plan_value(item, "sn", space != NULL ? space + 1 : name);
		if (space != NULL && !has(item, "givenName"))
			ck_plan_value(item, "givenName", ck_cli_copy((struct ck_text){ name, (size_t)(space - name) }));
	}
	return CK_OK;
}

static enum ck_error plan_grant(struct ck_cli *cli, const char *uid, const char *role, const char *authority, struct ck_plan *plan,
                                struct ck_plan_item **out)
{
	struct ck_id staff, staff_home, role_id, role_owner, self;
	enum ck_error error = ck_resolve_self(cli, &self);
	if (error == CK_OK) error = ck_resolve(cli, plan, CK_KIND_STAFF, uid, NULL, &staff, &staff_home);
	if (error == CK_OK) error = ck_resolve(cli, plan, CK_KIND_ROLE, role, authority, &role_id, &role_owner);
	if (error != CK_OK) return error;
	struct ck_plan_item *item = ck_plan_add(plan, "grant.add", CK_KIND_GRANT, NULL, role_owner);
	if (item == NULL) return CK_ERR_LIMIT;
	item->parent = role_id;
	item->has_parent = true;
	ck_plan_value(item, "ckStaffId", ck_id_format(staff, ck_cli_allocate(CK_ID_TEXT_BYTES)));
	ck_plan_value(item, "ckGrantedById", ck_id_format(self, ck_cli_allocate(CK_ID_TEXT_BYTES)));
	item->summary = ck_cli_print("give the role %s to %s", role, uid);
	*out = item;
	return CK_OK;
}

enum ck_error ck_kind_plan_code(struct ck_cli *cli, const char *uid, const char *ends, struct ck_plan *plan)
{
	struct ck_id staff, home, self;
	struct ck_code_text code;
	int64_t until_s = ck_clock_wall_s() + CK_CODE_LIFE_S;
	char hash[2 * CK_HASH_BYTES + 1], until[CK_TIME_TEXT_BYTES], from[CK_TIME_TEXT_BYTES];
	enum ck_error error = ck_resolve_self(cli, &self);
	if (error == CK_OK) error = ck_resolve(cli, plan, CK_KIND_STAFF, uid, NULL, &staff, &home);
	if (error != CK_OK) return error;
	if (ends != NULL && ck_time_parse(ck_text_of(ends), ck_clock_wall_s(), &until_s) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_INVALID, "--until: '%s' is no time; expected 2026-12-31T17:00:00Z, +30m, +12h", ends);
		return CK_ERR_INVALID;
	}
	struct ck_plan_item *item = ck_plan_add(plan, "code.add", CK_KIND_CODE, NULL, home);
	if (item == NULL) return CK_ERR_LIMIT;
	ck_code_make(&code);
	item->parent = staff;
	item->has_parent = true;
	ck_plan_value(item, "ckIssuerId", ck_id_format(self, ck_cli_allocate(CK_ID_TEXT_BYTES)));
	ck_plan_value(item, "ckCodeHash", ck_cli_copy(ck_text_of(ck_hex_encode(code.hash, sizeof code.hash, hash, sizeof hash))));
	ck_plan_value(item, "ckValidFrom", ck_cli_copy(ck_text_of(ck_time_format_generalized(ck_clock_wall_s() - 60, from))));
	ck_plan_value(item, "ckValidUntil", ck_cli_copy(ck_text_of(ck_time_format_generalized(until_s, until))));
	item->summary = ck_cli_print("issue a one-time code for the first key of %s", uid);
	plan->codes[plan->code_count++] = (struct ck_plan_code){ uid, ck_cli_print("%s", code.text), until_s };
	return CK_OK;
}

/* An authority comes with its first administrator: its role, the person, the grant, a code; all under one touch. */
static enum ck_error complete_authority(struct ck_cli *cli, const struct ck_command_help *help, const struct ck_arguments *arguments,
                                        struct ck_plan *plan, struct ck_plan_item *authority)
{
	const char *uid = ck_argument(help, arguments, "admin"), *name = ck_argument(help, arguments, "admin-name");
	const char *mail = ck_argument(help, arguments, "admin-mail"), *number = ck_argument(help, arguments, "admin-number");
	if (uid == NULL || name == NULL || mail == NULL) {
		(void)ck_cli_complain(CK_ERR_INVALID, "authority add: --admin, --admin-name and --admin-mail name its first administrator");
		return CK_ERR_INVALID;
	}
	struct ck_id id = ck_plan_item_id(authority);
	struct ck_plan_item *role = ck_plan_add(plan, "role.add", CK_KIND_ROLE, "administrators", id);
	if (role == NULL) return CK_ERR_LIMIT;
	ck_plan_value(role, "ckName", "administrators");
	ck_plan_value(role, "ckStatus", "active");
	role->summary = "add its role administrators";
	if (!has(authority, "ckAdminRoleId"))
		ck_plan_value(authority, "ckAdminRoleId", ck_id_format(ck_plan_item_id(role), ck_cli_allocate(CK_ID_TEXT_BYTES)));
	char *words[] = { "staff", "add", ck_cli_copy(ck_text_of(uid)), "--authority", ck_cli_copy(ck_text_of(authority->name)),
		          "--name", ck_cli_copy(ck_text_of(name)), "--mail", ck_cli_copy(ck_text_of(mail)),
		          "--number", ck_cli_copy(ck_text_of(number != NULL ? number : "1")) };
	enum ck_error error = ck_kind_plan(cli, (int)(sizeof words / sizeof words[0]), words, plan);
	struct ck_plan_item *grant = NULL;
	if (error == CK_OK) error = plan_grant(cli, uid, "administrators", authority->name, plan, &grant);
	if (error != CK_OK) return error;
	ck_plan_value(grant, "ckValidFrom", "00010101000000Z");
	ck_plan_value(grant, "ckValidUntil", "99991231235959Z");
	ck_plan_value(grant, "ckReason", "first administrator");
	return ck_kind_plan_code(cli, uid, NULL, plan);
}

static enum ck_error plan_add(struct ck_cli *cli, const struct ck_kind_row *row, const struct ck_command_help *help,
                              const struct ck_arguments *arguments, struct ck_plan *plan)
{
	const char *name = arguments->words[0];
	const char *authority = row->kind != CK_KIND_AUTHORITY ? ck_argument(help, arguments, "authority") : NULL;
	struct ck_plan_item *item = NULL;
	struct ck_id owner = { { 0 } };
	enum ck_error error = CK_OK;
	if (row->kind == CK_KIND_GRANT) {
		error = plan_grant(cli, name, arguments->words[1], authority, plan, &item);
		if (error != CK_OK) return error;
	} else {
		if (row->kind != CK_KIND_AUTHORITY) error = ck_resolve_authority(cli, plan, authority, &owner);
		if (error != CK_OK) return error;
		item = ck_plan_add(plan, ck_cli_print("%s.add", ck_kind_name(row->kind)), row->kind, name, owner);
		if (item == NULL) return CK_ERR_LIMIT;
		item->summary = ck_cli_print("add the %s %s", ck_kind_name(row->kind), name);
		if (row->kind != CK_KIND_STAFF) ck_plan_value(item, "ckName", name);
	}
	error = put_fields(cli, plan, row, arguments, authority, true, item);
	if (error == CK_OK && row->kind == CK_KIND_STAFF) error = complete_staff(cli, plan, name, item);
	if (error == CK_OK && row->kind == CK_KIND_AUTHORITY) error = complete_authority(cli, help, arguments, plan, item);
	if (error == CK_OK && row->kind == CK_KIND_RULE && !has(item, "ckProved")) {
		ck_plan_value(item, "ckProved", "touch");
		ck_plan_value(item, "ckProved", "verified");
	}
	return error == CK_OK ? check_required(row, item) : error;
}

/* ---- changing and removing ---- */

struct grant_search {
	struct ck_text staff;
	struct ck_cli_entry *found;
	size_t count;
};

static void match_grant(struct ck_cli_entry *entry, void *context)
{
	struct grant_search *search = context;
	if (!ck_text_equal(ck_cli_entry_text(entry, "ckStaffId"), search->staff)) return;
	search->found = entry;
	search->count++;
}

static enum ck_error find_grant(struct ck_cli *cli, const char *uid, const char *role, const char *authority, struct ck_cli_entry **out)
{
	struct ck_id staff, home, role_id, owner;
	char staff_text[CK_ID_TEXT_BYTES];
	enum ck_error error = ck_resolve(cli, NULL, CK_KIND_STAFF, uid, NULL, &staff, &home);
	if (error == CK_OK) error = ck_resolve(cli, NULL, CK_KIND_ROLE, role, authority, &role_id, &owner);
	if (error != CK_OK) return error;
	struct grant_search search = { .staff = ck_text_of(ck_id_format(staff, staff_text)) };
	error = ck_cli_entry_list(cli, CK_KIND_GRANT, NULL, &role_id, match_grant, &search);
	if (error != CK_OK) return error;
	if (search.count == 0) {
		(void)ck_cli_complain(CK_ERR_NOT_FOUND, "%s was not given the role %s", uid, role);
		return CK_ERR_NOT_FOUND;
	}
	if (search.count > 1) {
		(void)ck_cli_complain(CK_ERR_INVALID, "%s was given the role %s more than once: name the grant by its id, which `crosskeys grant list "
		                      "--staff %s` shows", uid, role, uid);
		return CK_ERR_INVALID;
	}
	*out = search.found;
	return CK_OK;
}

static enum ck_error find_existing(struct ck_cli *cli, const struct ck_kind_row *row, const struct ck_arguments *arguments,
                                   const char *authority, struct ck_cli_entry **out)
{
	if (row->kind == CK_KIND_GRANT && arguments->count == 2) {
		enum ck_error error = ck_cli_identify(cli);
		return error == CK_OK ? find_grant(cli, arguments->words[0], arguments->words[1], authority, out) : error;
	}
	if (row->kind == CK_KIND_KEY) return ck_kind_find_key(cli, arguments->words[0], arguments->words[1], out);
	return ck_resolve_entry(cli, row->kind, arguments->words[0], authority, out);
}

static enum ck_error plan_existing(struct ck_cli *cli, const struct ck_kind_row *row, const struct ck_command_help *help,
                                   const struct ck_arguments *arguments, const char *verb, struct ck_plan *plan)
{
	bool owned = row->kind != CK_KIND_AUTHORITY && row->kind != CK_KIND_KEY;
	const char *authority = owned ? ck_argument(help, arguments, "authority") : NULL;
	struct ck_cli_entry *entry = NULL;
	enum ck_error error = find_existing(cli, row, arguments, authority, &entry);
	if (error != CK_OK) return error;
	struct ck_plan_item *item = ck_plan_touch(plan, ck_cli_print("%s.%s", ck_kind_name(row->kind), verb), entry);
	if (item == NULL) return CK_ERR_LIMIT;
	item->summary = ck_cli_print("%s the %s %s%s%s", verb, ck_kind_name(row->kind), arguments->words[0], arguments->count > 1 ? " " : "",
	                             arguments->count > 1 ? arguments->words[1] : "");
	if (strcmp(verb, "change") != 0) return CK_OK;
	error = put_fields(cli, plan, row, arguments, authority, false, item);
	if (error == CK_OK && item->count == 0) {
		(void)ck_cli_complain(CK_ERR_INVALID, "%s change: nothing to change was given; --help lists what can be", ck_kind_name(row->kind));
		error = CK_ERR_INVALID;
	}
	return error;
}

enum ck_error ck_kind_plan(struct ck_cli *cli, int argc, char **argv, struct ck_plan *plan)
{
	struct ck_option options[CK_OPTIONS_LIMIT];
	struct ck_arguments arguments;
	enum ck_kind kind = argc >= 1 ? ck_kind_of_name(ck_text_of(argv[0])) : CK_KIND_NONE;
	const struct ck_kind_row *row = ck_kind_row_of(kind);
	const char *verb = argc >= 2 ? argv[1] : "";
	if (!ck_kind_has_verb(kind, verb)) {
		(void)ck_cli_complain(CK_ERR_INVALID, "'%s %s' is no change; expected a kind and add, change or remove, as in 'grant add'",
		                      argc >= 1 ? argv[0] : "", verb);
		return CK_ERR_INVALID;
	}
	bool add = strcmp(verb, "add") == 0;
	make_options(row, options, verb);
	struct ck_command_help help = { .name = ck_cli_print("%s %s", ck_kind_name(kind), verb), .words = kind == CK_KIND_GRANT && !add ? "UID ROLE|ID" : row->words,
		                        .what = ck_cli_print("Plans to %s this %s, shows what it will do, and orders it by a touch.", verb, ck_kind_name(kind)),
		                        .words_min = kind == CK_KIND_KEY || (kind == CK_KIND_GRANT && add) ? 2 : 1,
		                        .words_max = kind == CK_KIND_GRANT || kind == CK_KIND_KEY ? 2 : 1, .options = options };
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 2, argv + 2, &arguments);
	if (error != CK_OK) return error;
	if (add) return plan_add(cli, row, &help, &arguments, plan);
	return plan_existing(cli, row, &help, &arguments, verb, plan);
}
