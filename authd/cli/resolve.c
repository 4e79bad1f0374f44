/* Names to ids and back: what the plan adds itself comes first, then what the daemon knows. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/plan.h"

static const struct ck_plan_item *planned(const struct ck_plan *plan, enum ck_kind kind, const char *name, const struct ck_id *authority)
{
	for (size_t i = 0; plan != NULL && i < plan->count; i++) {
		const struct ck_plan_item *item = &plan->items[i];
		if (item->kind != kind || item->name == NULL || strcmp(item->name, name) != 0) continue;
		if (authority == NULL || ck_id_equal(item->authority, *authority)) return item;
	}
	return NULL;
}

static bool unique_over_the_directory(enum ck_kind kind)
{
	return kind == CK_KIND_AUTHORITY || kind == CK_KIND_STAFF || kind == CK_KIND_SYSTEM;
}

/* AUTHORITY/NAME apart; without a slash the authority that was given otherwise. */
static const char *split(const char *name, const char **authority)
{
	const char *slash = strrchr(name, '/');
	if (slash == NULL) return name;
	*authority = ck_cli_copy((struct ck_text){ name, (size_t)(slash - name) });
	return slash + 1;
}

/* Where a name is to be looked for: NULL in *out_use for kinds whose names are unique everywhere. */
static enum ck_error scope(struct ck_cli *cli, const struct ck_plan *plan, enum ck_kind kind, const char *authority, struct ck_id *out,
                           const struct ck_id **out_use)
{
	*out_use = NULL;
	if (unique_over_the_directory(kind)) return CK_OK;
	*out_use = out;
	return ck_resolve_authority(cli, plan, authority, out);
}

/* ---- what was seen, for showing ids by name ---- */

#define SEEN_LIMIT 256 /* each name that is asked for is a record in the audit log; beyond these, ids are shown as ids */

static const struct ck_cli_entry *seen[SEEN_LIMIT];
static size_t seen_count;

static void remember(const struct ck_cli_entry *entry)
{
	if (seen_count < SEEN_LIMIT) seen[seen_count++] = entry;
}

static const struct ck_cli_entry *entry_of(struct ck_cli *cli, enum ck_kind kind, struct ck_id id)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_errmsg err;
	for (size_t i = 0; i < seen_count; i++)
		if (seen[i]->kind == kind && seen[i]->id_length == sizeof id.bytes && memcmp(seen[i]->id, id.bytes, sizeof id.bytes) == 0) return seen[i];
	if (seen_count == SEEN_LIMIT || ck_cli_entry_get(cli, kind, (struct ck_text){ NULL, 0 }, &id, NULL, &entry, &err) != CK_OK) return NULL;
	remember(entry);
	return entry;
}

/* With its authority before it when that is not the one of --as: whoever administers it decides what it means. */
static const char *name_of(struct ck_cli *cli, const struct ck_cli_entry *entry)
{
	const char *name = ck_cli_safe(ck_cli_entry_text(entry, entry->kind == CK_KIND_STAFF ? "uid" : "ckName"));
	if (unique_over_the_directory(entry->kind) || !cli->home_known || ck_id_equal(entry->authority, cli->home)) return name;
	const struct ck_cli_entry *authority = entry_of(cli, CK_KIND_AUTHORITY, entry->authority);
	return authority == NULL ? name : ck_cli_print("%s/%s", ck_cli_safe(ck_cli_entry_text(authority, "ckName")), name);
}

static const struct {
	const char *attribute;
	enum ck_kind kind;
} references[] = {
	{ "ckStaffId", CK_KIND_STAFF },       { "ckGrantedById", CK_KIND_STAFF },       { "ckIssuerId", CK_KIND_STAFF },
	{ "ckRoleId", CK_KIND_ROLE },         { "ckMemberRoleId", CK_KIND_ROLE },       { "ckAdminRoleId", CK_KIND_ROLE },
	{ "ckTarget", CK_KIND_SYSTEM },       { "ckTarget", CK_KIND_SYSTEM_GROUP },     { "ckGroupId", CK_KIND_SYSTEM_GROUP },
	{ "ckAllStaffOfId", CK_KIND_AUTHORITY },
};

const char *ck_resolve_name(struct ck_cli *cli, const struct ck_plan *plan, const char *attribute, struct ck_bytes value)
{
	struct ck_id id;
	if (ck_id_parse((struct ck_text){ (const char *)value.at, value.length }, &id) != CK_OK) return NULL;
	for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
		if (strcasecmp(references[i].attribute, attribute) != 0) continue;
		for (size_t j = 0; plan != NULL && j < plan->count; j++)
			if (plan->items[j].kind == references[i].kind && ck_id_equal(ck_plan_item_id(&plan->items[j]), id)) return plan->items[j].name;
		const struct ck_cli_entry *entry = entry_of(cli, references[i].kind, id);
		if (entry != NULL) return name_of(cli, entry);
	}
	return NULL;
}

/* ---- names to ids ---- */

enum ck_error ck_resolve_entry(struct ck_cli *cli, enum ck_kind kind, const char *name, const char *authority, struct ck_cli_entry **out)
{
	struct ck_errmsg err;
	struct ck_id id, owner;
	const struct ck_id *use = NULL;
	enum ck_error error = ck_cli_identify(cli);
	if (error != CK_OK) return error;
	if (ck_id_parse(ck_text_of(name), &id) == CK_OK) {
		error = ck_cli_entry_get(cli, kind, (struct ck_text){ NULL, 0 }, &id, NULL, out, &err);
	} else {
		if (!unique_over_the_directory(kind)) name = split(name, &authority);
		error = scope(cli, NULL, kind, authority, &owner, &use);
		if (error != CK_OK) return error;
		error = ck_cli_entry_get(cli, kind, ck_text_of(name), NULL, use, out, &err);
	}
	if (error == CK_OK) remember(*out);
	if (error == CK_ERR_NOT_FOUND)
		(void)ck_cli_complain(error, "there is no %s '%s'%s%s", ck_kind_name(kind), name, use != NULL ? " in that authority" : "",
		                      use != NULL && authority == NULL ? " (name another with --authority)" : "");
	else if (error != CK_OK)
		(void)ck_cli_complain(error, "%s", err.text);
	return error;
}

enum ck_error ck_resolve(struct ck_cli *cli, const struct ck_plan *plan, enum ck_kind kind, const char *name, const char *authority,
                         struct ck_id *out_id, struct ck_id *out_authority)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_id owner;
	const struct ck_id *use = NULL;
	if (plan != NULL && plan->count > 0) {
		const char *local = unique_over_the_directory(kind) ? name : split(name, &authority);
		enum ck_error error = scope(cli, plan, kind, authority, &owner, &use);
		if (error != CK_OK) return error;
		const struct ck_plan_item *item = planned(plan, kind, local, use);
		if (item != NULL) {
			*out_id = ck_plan_item_id(item);
			*out_authority = item->authority;
			return CK_OK;
		}
	}
	enum ck_error error = ck_resolve_entry(cli, kind, name, authority, &entry);
	if (error != CK_OK) return error;
	memcpy(out_id->bytes, entry->id, sizeof out_id->bytes);
	*out_authority = entry->authority;
	return CK_OK;
}

static const char *self_name(struct ck_cli *cli)
{
	if (cli->as == NULL && getuid() != 0) {
		struct passwd *person = getpwuid(getuid());
		if (person != NULL) cli->as = ck_cli_copy(ck_text_of(person->pw_name));
	}
	return cli->as;
}

enum ck_error ck_resolve_self(struct ck_cli *cli, struct ck_id *out)
{
	struct ck_cli_entry *entry = NULL;
	if (self_name(cli) == NULL) {
		(void)ck_cli_complain(CK_ERR_INVALID, "say on whose behalf with --as UID: a change is ordered by a person's touch, not by root");
		return CK_ERR_INVALID;
	}
	enum ck_error error = ck_resolve_entry(cli, CK_KIND_STAFF, cli->as, NULL, &entry);
	if (error != CK_OK) return error;
	memcpy(out->bytes, entry->id, sizeof out->bytes);
	cli->home = entry->authority;
	cli->home_known = true;
	return CK_OK;
}

enum ck_error ck_resolve_authority(struct ck_cli *cli, const struct ck_plan *plan, const char *name, struct ck_id *out)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_id self;
	if (name != NULL) {
		const struct ck_plan_item *item = planned(plan, CK_KIND_AUTHORITY, name, NULL);
		if (item != NULL) {
			*out = ck_plan_item_id(item);
			return CK_OK;
		}
		enum ck_error error = ck_resolve_entry(cli, CK_KIND_AUTHORITY, name, NULL, &entry);
		if (error == CK_OK) memcpy(out->bytes, entry->id, sizeof out->bytes);
		return error;
	}
	if (!cli->home_known && self_name(cli) == NULL) {
		(void)ck_cli_complain(CK_ERR_INVALID, "say which authority with --authority NAME (or AUTHORITY/NAME)");
		return CK_ERR_INVALID;
	}
	if (!cli->home_known) {
		enum ck_error error = ck_resolve_self(cli, &self);
		if (error != CK_OK) return error;
	}
	*out = cli->home;
	return CK_OK;
}
