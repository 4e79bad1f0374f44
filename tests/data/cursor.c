/* Every record in turn, parents first. */
#include "tests/data/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum stage { AUTHORITIES, ROLES, GROUPS, SYSTEMS, RULES, PEOPLE, KEYS, GRANTS, DONE };

struct ck_data_cursor {
	const struct ck_data *data;
	enum stage stage;
	uint64_t authority, ordinal; /* of roles, groups, systems, rules */
	uint64_t person;
	unsigned part;
	uint64_t written;
	struct ck_data_entry entry;
};

struct ck_data_cursor *ck_data_cursor_new(const struct ck_data *data)
{
	struct ck_data_cursor *cursor = calloc(1, sizeof *cursor);
	CK_ASSERT(cursor != NULL);
	cursor->data = data;
	return cursor;
}

void ck_data_cursor_free(struct ck_data_cursor **cursor)
{
	free(*cursor);
	*cursor = NULL;
}

const struct ck_data_person *ck_data_cursor_person(const struct ck_data_cursor *cursor) { return &cursor->entry.person; }

static uint64_t count_of(const struct ck_data_authority *authority, enum stage stage)
{
	switch (stage) {
	case ROLES: return authority->roles;
	case GROUPS: return CK_DATA_GROUPS;
	case SYSTEMS: return authority->systems;
	default: return authority->systems + CK_DATA_RULES_MORE;
	}
}

/* False: of this stage there is no more. */
static bool put_owned(struct ck_data_cursor *c)
{
	static void (*const put[])(const struct ck_data *, const struct ck_data_authority *, uint64_t, struct ck_data_entry *) = {
		[ROLES] = ck_data_put_role, [GROUPS] = ck_data_put_group, [SYSTEMS] = ck_data_put_system, [RULES] = ck_data_put_rule};
	const struct ck_data_authority *authority = ck_data_authority_at(c->data, c->authority);
	if (c->ordinal == count_of(authority, c->stage)) {
		c->ordinal = 0;
		return false;
	}
	put[c->stage](c->data, authority, c->ordinal++, &c->entry);
	return true;
}

/* Once through the stages of what an authority owns, for each of them. */
static void next_owned(struct ck_data_cursor *c)
{
	if (c->stage != RULES) {
		c->stage++;
		return;
	}
	c->stage = ++c->authority < c->data->count ? ROLES : PEOPLE;
}

static bool put_held(struct ck_data_cursor *c)
{
	bool keys = c->stage == KEYS;
	if (c->part == (keys ? c->entry.person.keys : c->entry.person.grants)) {
		c->part = 0;
		c->stage = keys ? GRANTS : PEOPLE;
		return false;
	}
	(keys ? ck_data_put_key : ck_data_put_grant)(c->data, c->part++, &c->entry);
	return true;
}

static bool step(struct ck_data_cursor *c)
{
	switch (c->stage) {
	case AUTHORITIES:
		if (c->authority < c->data->count) {
			ck_data_put_authority(c->data, c->authority++, &c->entry);
			return true;
		}
		c->authority = 0;
		c->stage = ROLES;
		return false;
	case ROLES:
	case GROUPS:
	case SYSTEMS:
	case RULES:
		if (put_owned(c)) return true;
		next_owned(c);
		return false;
	case PEOPLE:
		if (c->person == c->data->options.staff) {
			c->stage = DONE;
			return false;
		}
		ck_data_put_staff(c->data, c->person++, &c->entry);
		c->stage = KEYS;
		return true;
	case KEYS:
	case GRANTS: return put_held(c);
	case DONE: break;
	}
	return false;
}

/* A CSN of its own for each, in order: a million a second from the first of the year. */
static void stamp(struct ck_data_cursor *c)
{
	unsigned long long n = c->written++, s = n / 1000000;
	snprintf(c->entry.csn, sizeof c->entry.csn, "20260101%02llu%02llu%02llu.%06lluZ#000000#001#000000", s / 3600 % 24, s / 60 % 60, s % 60, n % 1000000);
	c->entry.record.csn = ck_text_of(c->entry.csn);
}

const struct ck_record *ck_data_next(struct ck_data_cursor *cursor)
{
	while (cursor->stage != DONE)
		if (step(cursor)) {
			stamp(cursor);
			return &cursor->entry.record;
		}
	return NULL;
}
