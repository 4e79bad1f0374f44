/* Authorities' own records, and what they make: roles, nested; system groups and systems; rules, some of which let other authorities' people in. */
#include "tests/data/internal.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define NEST 6          /* roles a department's role can list: four steps deep at 500 roles */
#define NEST_PERCENT 60 /* of those that could */
#define LENT_PERCENT 4  /* lowest roles that list one of another authority */
#define FOREIGN_PERCENT 25 /* rules that name a role of another authority */

static const struct ck_window always = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};

void ck_data_put_authority(const struct ck_data *data, uint64_t number, struct ck_data_entry *out)
{
	const struct ck_data_authority *a = ck_data_authority_at(data, number);
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_AUTHORITY, number, 0, number);
	struct ck_authority *authority = &record->as.authority_of;
	authority->name = ck_text_of(a->name);
	authority->kind = ck_text_of(a->kind);
	authority->status = CK_STATUS_ACTIVE;
	authority->window = always;
	authority->admin_role = ck_data_id(data, CK_KIND_ROLE, a->roles_first + CK_DATA_ROLE_ADMINISTRATORS, 0);
	authority->uid_number_first = a->uid_number_first;
	authority->uid_number_last = a->uid_number_last;
	ck_data_add_text(&authority->mail_domains, a->domains[0]);
	ck_data_add_text(&authority->mail_domains, a->domains[1]);
	authority->zone = ck_text_of("Europe/London");
}

/* ---- roles ---- */

uint64_t ck_data_team_role(const struct ck_data_authority *authority, uint64_t drawn)
{
	return CK_DATA_ROLE_TEAMS + drawn % (authority->roles - CK_DATA_ROLE_TEAMS);
}

static void name_role(uint64_t ordinal, char *out, size_t out_bytes)
{
	static const char *const fixed[] = {"administrators", "all staff", "partners"};
	static const char *const ranks[] = {"officers", "managers", "users", "approvers", "operators", "on call", "readers"};
	enum { RANKS = sizeof ranks / sizeof ranks[0] };
	if (ordinal < CK_DATA_ROLE_TEAMS) {
		snprintf(out, out_bytes, "%s", fixed[ordinal]);
		return;
	}
	uint64_t team = ordinal - CK_DATA_ROLE_TEAMS, round = team / (CK_DATA_DEPARTMENTS * RANKS);
	snprintf(out, out_bytes, "%s %s", ck_data_department(team / RANKS, NULL), ranks[team % RANKS]);
	size_t used = strlen(out);
	if (round > 0) snprintf(out + used, out_bytes - used, " %llu", (unsigned long long)round + 1);
}

/* A heap: role t lists the roles 6t+1 to 6t+6, so that no role comes round to itself. The last of an authority lists none and may be lent: a lowest
   role of another authority lists it. */
static size_t nest(const struct ck_data *data, const struct ck_data_authority *a, uint64_t ordinal, struct ck_id *out)
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_ROLE, a->roles_first + ordinal);
	uint64_t teams = a->roles - CK_DATA_ROLE_TEAMS, team = ordinal - CK_DATA_ROLE_TEAMS;
	size_t count = 0;
	if (team == teams - 1) return 0;
	if (NEST * team + 1 >= teams && ck_dice_percent(&dice, LENT_PERCENT)) {
		const struct ck_data_authority *other = ck_data_other(data, a, &dice);
		if (other != a) out[count++] = ck_data_id(data, CK_KIND_ROLE, other->roles_first + other->roles - 1, 0);
	} else if (ck_dice_percent(&dice, NEST_PERCENT)) {
		for (uint64_t child = NEST * team + 1; child <= NEST * team + NEST && child < teams; child++)
			out[count++] = ck_data_id(data, CK_KIND_ROLE, a->roles_first + CK_DATA_ROLE_TEAMS + child, 0);
	}
	return count;
}

void ck_data_put_role(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out)
{
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_ROLE, authority->roles_first + ordinal, 0, authority->number);
	struct ck_role *role = &record->as.role;
	name_role(ordinal, out->texts[0], sizeof out->texts[0]);
	role->name = ck_text_of(out->texts[0]);
	role->status = CK_STATUS_ACTIVE;
	if (ordinal >= CK_DATA_ROLE_TEAMS) {
		role->member_roles = (struct ck_ids){out->ids[0], nest(data, authority, ordinal, out->ids[0])};
	} else if (ordinal == CK_DATA_ROLE_ALL_STAFF) {
		out->ids[1][0] = record->authority;
		role->all_staff_of = (struct ck_ids){out->ids[1], 1};
	} else if (ordinal == CK_DATA_ROLE_PARTNERS) {
		struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_ROLE, authority->roles_first + ordinal);
		out->ids[1][0] = ck_data_id(data, CK_KIND_AUTHORITY, ck_data_other(data, authority, &dice)->number, 0);
		role->all_staff_of = (struct ck_ids){out->ids[1], 1};
	}
}

/* ---- systems ---- */

void ck_data_put_group(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out)
{
	static const char *const names[CK_DATA_GROUPS] = {"production", "test", "desktops"};
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_SYSTEM_GROUP, authority->number, (unsigned)ordinal, authority->number);
	record->as.system_group = (struct ck_system_group){.name = ck_text_of(names[ordinal]), .status = CK_STATUS_ACTIVE};
}

void ck_data_put_system(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out)
{
	static const char *const uses[] = {"web", "db", "files", "mail", "gis", "housing", "social", "payroll", "print", "backup", "revenues", "desk"};
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_SYSTEM, authority->systems_first + ordinal);
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_SYSTEM, authority->systems_first + ordinal, 0, authority->number);
	snprintf(out->texts[0], sizeof out->texts[0], "%s%02llu.%s", uses[ck_dice_below(&dice, sizeof uses / sizeof uses[0])], (unsigned long long)ordinal + 1,
	         authority->slug);
	out->ids[0][0] = ck_data_id(data, CK_KIND_SYSTEM_GROUP, authority->number, (unsigned)ck_dice_below(&dice, CK_DATA_GROUPS));
	record->as.system = (struct ck_system){.name = ck_text_of(out->texts[0]),
	                                       .status = ck_dice_percent(&dice, 2) ? CK_STATUS_SUSPENDED : CK_STATUS_ACTIVE,
	                                       .groups = {out->ids[0], 1}};
}

/* ---- rules ---- */

static void add_network(struct ck_networks *networks, const char *text)
{
	networks->any = false;
	CK_ASSERT(ck_network_parse(ck_text_of(text), &networks->at[networks->count]) == CK_OK);
	networks->count++;
}

/* What each authority has: administrators everywhere, all staff at desktops, partners on test systems at working hours. */
static void put_fixed_rule(const struct ck_data *data, const struct ck_data_authority *a, uint64_t ordinal, struct ck_data_entry *out)
{
	static const char *const names[CK_DATA_RULES_MORE] = {"administrators", "desktops", "partners"};
	static const uint64_t roles[CK_DATA_RULES_MORE] = {CK_DATA_ROLE_ADMINISTRATORS, CK_DATA_ROLE_ALL_STAFF, CK_DATA_ROLE_PARTNERS};
	struct ck_rule *rule = &out->record.as.rule;
	snprintf(out->texts[0], sizeof out->texts[0], "%s", names[ordinal]);
	out->ids[1][0] = ck_data_id(data, CK_KIND_ROLE, a->roles_first + roles[ordinal], 0);
	rule->roles = (struct ck_ids){out->ids[1], 1};
	rule->all_systems = ordinal == 0;
	out->ids[0][0] = ck_data_id(data, CK_KIND_SYSTEM_GROUP, a->number, ordinal == 1 ? 2 : 1);
	rule->targets = (struct ck_ids){out->ids[0], ordinal == 0 ? 0 : 1};
	ck_data_add_text(&rule->accounts, ordinal == 0 ? "root" : "self");
	ck_data_add_text(&rule->services, ordinal == 0 ? "sudo" : ordinal == 1 ? "login" : "sshd");
	if (ordinal == 1) rule->sources = (struct ck_networks){.local = true};
	if (ordinal == 2) {
		struct ck_weekly_span span;
		rule->weekly.always = false;
		CK_ASSERT(ck_weekly_parse(ck_text_of("mon-fri 07:00-19:00"), &span) == CK_OK && ck_weekly_add(&rule->weekly, &span));
	}
}

static void put_system_rule(const struct ck_data *data, const struct ck_data_authority *a, uint64_t system, struct ck_data_entry *out)
{
	static const unsigned demanded[] = {CK_PROVED_DEFAULT, CK_PROVED_DEFAULT, CK_PROVED_DEFAULT, CK_PROVED_DEFAULT, CK_PROVED_TOUCH,
	                                    CK_PROVED_DEFAULT | CK_PROVED_PASSWORD, CK_PROVED_DEFAULT | CK_PROVED_ATTESTED, CK_PROVED_NOTHING};
	static const char *const services[] = {"sshd", "login", "sudo", "*"};
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_RULE, a->systems_first + system);
	struct ck_rule *rule = &out->record.as.rule;
	uint64_t first = ck_dice_next(&dice) >> 16;
	size_t roles = 0, own = 1 + ck_dice_below(&dice, 3);
	snprintf(out->texts[0], sizeof out->texts[0], "into system %llu", (unsigned long long)system + 1);
	for (; roles < own; roles++) out->ids[1][roles] = ck_data_id(data, CK_KIND_ROLE, a->roles_first + ck_data_team_role(a, first + roles), 0);
	if (ck_dice_percent(&dice, FOREIGN_PERCENT)) {
		const struct ck_data_authority *other = ck_data_other(data, a, &dice);
		if (other != a) out->ids[1][roles++] = ck_data_id(data, CK_KIND_ROLE, other->roles_first + ck_data_team_role(other, first), 0);
	}
	rule->roles = (struct ck_ids){out->ids[1], roles};
	out->ids[0][0] = ck_data_id(data, CK_KIND_SYSTEM, a->systems_first + system, 0);
	rule->targets = (struct ck_ids){out->ids[0], 1};
	ck_data_add_text(&rule->accounts, "self");
	if (ck_dice_percent(&dice, 15)) ck_data_add_text(&rule->accounts, "app");
	ck_data_add_text(&rule->services, services[ck_dice_below(&dice, sizeof services / sizeof services[0])]);
	if (ck_dice_percent(&dice, 30)) add_network(&rule->sources, "10.0.0.0/8");
	if (rule->sources.count > 0 && ck_dice_percent(&dice, 30)) add_network(&rule->sources, "2001:db8::/32");
	rule->proved = demanded[ck_dice_below(&dice, sizeof demanded / sizeof demanded[0])];
	if (ck_dice_percent(&dice, 10)) rule->window.until_s = data->options.now_s + CK_DATA_DAY_S * 365;
}

void ck_data_put_rule(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out)
{
	uint64_t first = authority->systems_first + CK_DATA_RULES_MORE * authority->number;
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_RULE, first + ordinal, 0, authority->number);
	struct ck_rule *rule = &record->as.rule;
	rule->status = CK_STATUS_ACTIVE;
	rule->window = always;
	rule->sources.any = true;
	rule->proved = CK_PROVED_DEFAULT;
	rule->weekly.always = true;
	if (ordinal < CK_DATA_RULES_MORE)
		put_fixed_rule(data, authority, ordinal, out);
	else
		put_system_rule(data, authority, ordinal - CK_DATA_RULES_MORE, out);
	rule->name = ck_text_of(out->texts[0]);
}
