/* The follower over a store of its own, without a provider: its handlers are called as the stream would call them, and what it says is counted. */
#ifndef CK_TESTS_FOLLOW_FIXTURE_H
#define CK_TESTS_FOLLOW_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/replica_follow.h"
#include "directory/base/clock.h"

#define SUFFIX "dc=example,dc=org"
#define AUTHORITY "11111111-1111-4111-8111-111111111111"
#define COOKIE(n) "rid=000,csn=20260102030405.00000" #n "Z#000000#001#000000"
#define CONTEXT(n) "20260102030405.00000" #n "Z#000000#001#000000"

static char directory[64], zones[128];
static struct ck_follower *follower;
static struct ck_wall wall;
static struct ck_errmsg err;
static struct ck_bytes resume_from;
static unsigned quarantined, released, alarms, refreshed, committed, replacing;
static uint64_t removed;
static const struct ck_follow_handlers *h = &ck_follower_handlers;

static inline void on_quarantine(struct ck_text dn, const char *reason, void *context)
{
	(void)dn;
	(void)context;
	if (reason != NULL) quarantined++;
	else released++;
}

static inline void on_alarm(const char *detail, void *context)
{
	(void)detail;
	(void)context;
	alarms++;
}

static inline void on_refreshed(bool full, uint64_t entries, uint64_t gone, void *context)
{
	(void)full;
	(void)entries;
	(void)context;
	refreshed++;
	removed = gone;
}

static inline void on_replacing(void *context)
{
	(void)context;
	replacing++;
}

static inline void on_committed(void *context)
{
	(void)context;
	committed++;
}

/* "+count" for a use that came, "-" for one that went. */
static char uses[64];
static inline void on_key_use(const struct ck_record *use, bool there, void *context)
{
	(void)context;
	ck_assert_int_eq(use->kind, CK_KIND_KEY_USE);
	ck_assert_uint_eq(use->as.key_use.hash[31], 0x66);
	size_t used = strlen(uses);
	if (there) snprintf(uses + used, sizeof uses - used, "+%u", use->as.key_use.count);
	else snprintf(uses + used, sizeof uses - used, "-");
}

static inline void open_follower(void)
{
	struct ck_follower_settings settings = {.store_directory = directory, .suffix = SUFFIX, .removal_percent = 5, .removal_floor = 3,
	                                        .zone_directory = zones, .wall = &wall,
	                                        .on_quarantine = on_quarantine, .on_alarm = on_alarm, .on_refreshed = on_refreshed,
	                                        .on_replacing = on_replacing, .on_committed = on_committed, .on_key_use = on_key_use};
	ck_assert_msg(ck_follower_open(&settings, &follower, &err) == CK_OK, "%s", err.text);
}

static inline void begin(void)
{
	ck_assert_msg(ck_follower_begin(follower, &resume_from, &err) == CK_OK, "%s", err.text);
}

static inline void set_up(void)
{
	quarantined = released = alarms = refreshed = committed = 0;
	removed = 0;
	snprintf(zones, sizeof zones, "%s", CK_ZONE_DIRECTORY);
	uses[0] = '\0';
	snprintf(directory, sizeof directory, "/tmp/ck-follow-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	open_follower();
}

static inline void tear_down(void)
{
	char command[128];
	ck_follower_close(&follower);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static inline void uuid_of(unsigned number, uint8_t out[16])
{
	memset(out, 0x55, 16);
	memcpy(out, &number, sizeof number);
}

struct pair {
	const char *name, *value;
};

static inline enum ck_error give(unsigned number, const char *dn, const struct pair *pairs)
{
	struct ck_attribute attributes[24];
	struct ck_bytes values[24];
	struct ck_id id;
	uint8_t uuid[16];
	char uuid_text[CK_ID_TEXT_BYTES];
	size_t count = 0, used = 0;
	uuid_of(number, uuid);
	memcpy(id.bytes, uuid, 16);
	for (; pairs->name != NULL; pairs++) {
		values[used] = ck_bytes_of(ck_text_of(pairs->value));
		/* the same name again: one more value */
		if (count > 0 && ck_text_is(attributes[count - 1].name, pairs->name)) attributes[count - 1].count++;
		else attributes[count++] = (struct ck_attribute){ck_text_of(pairs->name), &values[used], 1};
		used++;
	}
	values[used] = ck_bytes_of(ck_text_of(ck_id_format(id, uuid_text)));
	attributes[count++] = (struct ck_attribute){ck_text_of("entryUUID"), &values[used], 1};
	struct ck_entry entry = {.dn = ck_text_of(dn), .attributes = attributes, .count = count};
	return h->on_entry(uuid, &entry, follower);
}

static inline enum ck_error give_role(unsigned number, const char *name)
{
	char dn[256], id[40];
	snprintf(id, sizeof id, "22222222-2222-4222-8222-%012u", number);
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX, id);
	return give(number, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", name}, {"ckStatus", "active"}, {NULL, NULL}});
}

static inline enum ck_error give_role_as(unsigned number, const char *id, const char *authority, const char *name, const char *status)
{
	char dn[256];
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=%s,ou=authorities," SUFFIX, id, authority);
	return give(number, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", name}, {"ckStatus", status}, {NULL, NULL}});
}

static inline enum ck_error give_authority(unsigned number, const char *id, const char *zone)
{
	char dn[128], name[32];
	snprintf(dn, sizeof dn, "ckId=%s,ou=authorities," SUFFIX, id);
	snprintf(name, sizeof name, "authority %u", number);
	return give(number, dn, (struct pair[]){{"objectClass", "ckAuthority"}, {"ckId", id}, {"ckName", name}, {"ckAuthorityKind", "council"},
	                        {"ckStatus", "active"}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                        {"ckAdminRoleId", "22222222-2222-4222-8222-000000000001"}, {"ckUidNumberFirst", "200000"},
	                        {"ckUidNumberLast", "299999"}, {"ckMailDomain", "*"}, {"ckZone", zone}, {NULL, NULL}});
}

static inline void give_roles(unsigned first, unsigned last)
{
	char name[32];
	for (unsigned i = first; i <= last; i++) {
		snprintf(name, sizeof name, "role-%u", i);
		ck_assert_int_eq(give_role(i, name), CK_OK);
	}
}

static inline enum ck_error take(unsigned number)
{
	uint8_t uuid[16];
	uuid_of(number, uuid);
	return h->on_delete(uuid, follower);
}

static inline enum ck_error present(unsigned number)
{
	uint8_t uuid[16];
	uuid_of(number, uuid);
	return h->on_present(uuid, follower);
}

#define REFRESHED(purge, cookie) h->on_refreshed((purge), ck_bytes_of(ck_text_of(cookie)), follower)

/* A first refresh of so many roles, then the persist stage. */
static inline void filled(unsigned roles)
{
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, roles);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
}

/* What is committed; nothing while there is no finished copy. By the follower's own handle: LMDB wants one for each process. */
static inline struct ck_store_state state_now(void)
{
	struct ck_view *view;
	struct ck_store_state state = {.finished = false};
	static char cookie[CK_COOKIE_LIMIT_BYTES];
	enum ck_error error = ck_follower_view(follower, &view);
	if (error == CK_ERR_UNAVAILABLE) return state;
	ck_assert_int_eq(error, CK_OK);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	memcpy(cookie, state.cookie.length > 0 ? (const char *)state.cookie.at : "", state.cookie.length);
	cookie[state.cookie.length] = '\0';
	state.cookie.at = (const uint8_t *)cookie;
	ck_view_end(&view);
	return state;
}
#define ck_assert_roles(n) ck_assert_uint_eq(state_now().counts[CK_KIND_ROLE], (n))

#endif
