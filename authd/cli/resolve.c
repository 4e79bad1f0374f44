/* Names to ids: what the plan adds itself comes first, then what the daemon knows. */
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
