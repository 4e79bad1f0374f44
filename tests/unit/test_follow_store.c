/* What each message of a stream does to the store, without a provider: the handlers are called as the stream would call them. */
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
static unsigned quarantined, released, alarms, refreshed, committed;
static uint64_t removed;
static const struct ck_follow_handlers *h = &ck_follower_handlers;

static void on_quarantine(struct ck_text dn, const char *reason, void *context)
{
	(void)dn;
	(void)context;
	if (reason != NULL) quarantined++;
	else released++;
}

static void on_alarm(const char *detail, void *context)
{
	(void)detail;
	(void)context;
	alarms++;
}

static void on_refreshed(bool full, uint64_t entries, uint64_t gone, void *context)
{
	(void)full;
	(void)entries;
	(void)context;
	refreshed++;
	removed = gone;
}

static void on_committed(void *context)
{
	(void)context;
	committed++;
}

/* "+count" for a use that came, "-" for one that went. */
static char uses[64];
static void on_key_use(const struct ck_record *use, bool there, void *context)
{
	(void)context;
	ck_assert_int_eq(use->kind, CK_KIND_KEY_USE);
	ck_assert_uint_eq(use->as.key_use.hash[31], 0x66);
	size_t used = strlen(uses);
	if (there) snprintf(uses + used, sizeof uses - used, "+%u", use->as.key_use.count);
	else snprintf(uses + used, sizeof uses - used, "-");
}

static void open_follower(void)
{
	struct ck_follower_settings settings = {.store_directory = directory, .suffix = SUFFIX, .removal_percent = 5, .removal_floor = 3,
	                                        .zone_directory = zones, .wall = &wall,
	                                        .on_quarantine = on_quarantine, .on_alarm = on_alarm, .on_refreshed = on_refreshed,
	                                        .on_committed = on_committed, .on_key_use = on_key_use};
	ck_assert_msg(ck_follower_open(&settings, &follower, &err) == CK_OK, "%s", err.text);
}

static void begin(void)
{
	ck_assert_msg(ck_follower_begin(follower, &resume_from, &err) == CK_OK, "%s", err.text);
}

static void set_up(void)
{
	quarantined = released = alarms = refreshed = committed = 0;
	removed = 0;
	snprintf(zones, sizeof zones, "%s", CK_ZONE_DIRECTORY);
	uses[0] = '\0';
	snprintf(directory, sizeof directory, "/tmp/ck-follow-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	open_follower();
}

static void tear_down(void)
{
	char command[128];
	ck_follower_close(&follower);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* ---- entries ---- */

static void uuid_of(unsigned number, uint8_t out[16])
{
	memset(out, 0x55, 16);
	memcpy(out, &number, sizeof number);
}

struct pair {
	const char *name, *value;
};

static enum ck_error give(unsigned number, const char *dn, const struct pair *pairs)
{
	struct ck_attribute attributes[24];
	struct ck_bytes values[24];
	struct ck_id id;
	uint8_t uuid[16];
	char uuid_text[CK_ID_TEXT_BYTES];
	size_t count = 0;
	uuid_of(number, uuid);
	memcpy(id.bytes, uuid, 16);
	for (; pairs[count].name != NULL; count++) {
		values[count] = ck_bytes_of(ck_text_of(pairs[count].value));
		attributes[count] = (struct ck_attribute){ck_text_of(pairs[count].name), &values[count], 1};
	}
	values[count] = ck_bytes_of(ck_text_of(ck_id_format(id, uuid_text)));
	attributes[count] = (struct ck_attribute){ck_text_of("entryUUID"), &values[count], 1};
	struct ck_entry entry = {.dn = ck_text_of(dn), .attributes = attributes, .count = count + 1};
	return h->on_entry(uuid, &entry, follower);
}

static enum ck_error give_role(unsigned number, const char *name)
{
	char dn[256], id[40];
	snprintf(id, sizeof id, "22222222-2222-4222-8222-%012u", number);
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX, id);
	return give(number, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", name}, {"ckStatus", "active"}, {NULL, NULL}});
}

static void give_roles(unsigned first, unsigned last)
{
	char name[32];
	for (unsigned i = first; i <= last; i++) {
		snprintf(name, sizeof name, "role-%u", i);
		ck_assert_int_eq(give_role(i, name), CK_OK);
	}
}

static enum ck_error give_use(unsigned number, const char *count)
{
	static const char dn[] = "cn=use,ckKeyHash=6666666666666666666666666666666666666666666666666666666666666666,"
	                         "ckId=33333333-3333-4333-8333-333333333333,ou=staff,ckId=" AUTHORITY ",ou=authorities," SUFFIX;
	return give(number, dn, (struct pair[]){{"objectClass", "ckKeyUse"}, {"cn", "use"}, {"ckCounter", count}, {"ckLastUse", "20260102030405Z"}, {NULL, NULL}});
}

static enum ck_error take(unsigned number)
{
	uint8_t uuid[16];
	uuid_of(number, uuid);
	return h->on_delete(uuid, follower);
}

static enum ck_error present(unsigned number)
{
	uint8_t uuid[16];
	uuid_of(number, uuid);
	return h->on_present(uuid, follower);
}

#define REFRESHED(purge, cookie) h->on_refreshed((purge), ck_bytes_of(ck_text_of(cookie)), follower)

/* A first refresh of so many roles, then the persist stage. */
static void filled(unsigned roles)
{
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, roles);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
}

/* What is committed; nothing while there is no finished copy. By the follower's own handle: LMDB wants one for each process. */
static struct ck_store_state state_now(void)
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

/* ---- time zones ---- */

static enum ck_error give_authority(unsigned number, const char *id, const char *zone)
{
	char dn[128], name[32];
	snprintf(dn, sizeof dn, "ckId=%s,ou=authorities," SUFFIX, id);
	snprintf(name, sizeof name, "authority %u", number);
	return give(number, dn, (struct pair[]){{"objectClass", "ckAuthority"}, {"ckId", id}, {"ckName", name}, {"ckAuthorityKind", "council"},
	                        {"ckStatus", "active"}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                        {"ckAdminRoleId", "22222222-2222-4222-8222-000000000001"}, {"ckUidNumberFirst", "200000"},
	                        {"ckUidNumberLast", "299999"}, {"ckMailDomain", "*"}, {"ckZone", zone}, {NULL, NULL}});
}

/* The offset of its first shift; 0 when it knows nothing. */
static int32_t first_shift(const char *id)
{
	struct ck_view *view;
	struct ck_record found;
	struct ck_id key;
	int32_t offset_s = 0;
	ck_assert_int_eq(ck_id_parse(ck_text_of(id), &key), CK_OK);
	ck_assert_int_eq(ck_follower_view(follower, &view), CK_OK);
	if (ck_view_get(view, CK_KIND_AUTHORITY, key, &found) == CK_OK && found.as.authority_of.zone_table.count > 0)
		offset_s = found.as.authority_of.zone_table.at[0].offset_s;
	ck_view_end(&view);
	return offset_s;
}

static void own_zone(const char *like)
{
	char command[512];
	snprintf(zones, sizeof zones, "%s/zones", directory);
	snprintf(command, sizeof command, "mkdir -p %s && cp " CK_ZONE_DIRECTORY "/%s %s/Home", zones, like, zones);
	ck_assert_int_eq(system(command), 0);
}

static void lose_zone(void)
{
	char path[192];
	snprintf(path, sizeof path, "%s/Home", zones);
	ck_assert_int_eq(unlink(path), 0);
}

START_TEST(an_authority_comes_with_its_clock)
{
	begin();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Europe/London"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Europe/Paris"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 7200);
	ck_assert_uint_eq(alarms + quarantined, 0);
}
END_TEST

START_TEST(a_zone_that_is_not_known_quarantines)
{
	filled(1);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Mars/Base"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_uint_eq(state_now().counts[CK_KIND_AUTHORITY], 0);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Europe/London"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(released, 1);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	/* it was known, under another zone */
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Mars/Base"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
}
END_TEST

START_TEST(a_zone_that_is_lost_goes_on_as_it_was)
{
	own_zone("Europe/London");
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	lose_zone();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK); /* something else of it was changed */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(alarms, 1);
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(alarms, 1); /* once */
	/* a full refresh into a second file */
	ck_follower_require_full(follower);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(quarantined, 0);
}
END_TEST

START_TEST(a_tz_database_that_learns_is_noticed)
{
	own_zone("Europe/London");
	begin();
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_ERR_UNAVAILABLE); /* in the middle of a refresh */
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(give_authority(2, "33333333-3333-4333-8333-333333333333", "UTC"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	uint64_t before = state_now().generation;
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_uint_eq(state_now().generation, before); /* nothing new, nothing written */
	own_zone("Europe/Paris");
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 7200);
	ck_assert_uint_eq(state_now().generation, before + 1);
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
	ck_assert_uint_eq(alarms, 0);
}
END_TEST

START_TEST(a_file_that_is_no_zone_is_not_read_as_utc)
{
	char command[512];
	own_zone("Europe/London");
	filled(1);
	snprintf(command, sizeof command, "truncate -s 100 %s/Home", zones);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
}
END_TEST

/* ---- tests ---- */

START_TEST(nothing_is_finished_before_the_refresh_is)
{
	struct ck_view *view;
	begin();
	give_roles(1, 10);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert(!state_now().finished);
	ck_assert_roles(0);
	ck_assert_int_eq(ck_follower_view(follower, &view), CK_ERR_UNAVAILABLE);
	ck_assert_int_eq(REFRESHED(false, COOKIE(1)), CK_OK);
	ck_assert(state_now().finished);
	ck_assert_roles(10);
	ck_assert_uint_eq(refreshed, 1);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_PERSISTING);
}
END_TEST

static enum ck_error give_role_as(unsigned number, const char *id, const char *authority, const char *name, const char *status)
{
	char dn[256];
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=%s,ou=authorities," SUFFIX, id, authority);
	return give(number, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", name}, {"ckStatus", status}, {NULL, NULL}});
}

/* Its grants name it by its id: whoever could have that would be given them all. */
START_TEST(nobody_takes_the_place_of_an_entry_that_became_faulty)
{
	static const char id[] = "22222222-2222-4222-8222-000000000001", other[] = "33333333-3333-4333-8333-333333333333";
	filled(1);
	ck_assert_int_eq(give_role_as(1, id, AUTHORITY, "role-1", "perhaps"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_uint_eq(quarantined, 2);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(0);
	/* nor its name within its authority */
	ck_assert_int_eq(give_role_as(3, "22222222-2222-4222-8222-000000000003", AUTHORITY, "role-1", "active"), CK_OK);
	ck_assert_uint_eq(quarantined, 3);
	/* mended, it is as it was */
	ck_assert_int_eq(give_role_as(1, id, AUTHORITY, "role-1", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(1);
	ck_assert_uint_eq(state_now().quarantined, 2);
	/* gone, it is in nobody's way */
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(1);
	ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(an_entry_that_was_never_well_keeps_its_id_too)
{
	static const char id[] = "22222222-2222-4222-8222-000000000009", other[] = "33333333-3333-4333-8333-333333333333";
	filled(1);
	ck_assert_int_eq(give_role_as(9, id, AUTHORITY, "nine", "perhaps"), CK_OK);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 2);
	ck_assert_roles(1);
	/* across a restart */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(1);
}
END_TEST

/* Two that exchanged their names while nobody followed: neither waits for the other for good. */
START_TEST(names_may_be_exchanged_behind_the_back)
{
	filled(2);
	begin();
	ck_assert_int_eq(give_role(1, "role-2"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_role(2, "role-1"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_int_eq(give_role(1, "role-2"), CK_OK); /* which is read again because of that */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(2);
	ck_assert_uint_eq(state_now().quarantined, 0);
}
END_TEST

START_TEST(the_use_of_a_key_is_told_as_it_comes_and_goes)
{
	begin();
	ck_assert_int_eq(give_use(1, "7"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_str_eq(uses, ""); /* after a refresh all of them are looked at */
	ck_assert_uint_eq(state_now().counts[CK_KIND_KEY_USE], 1);
	ck_assert_int_eq(give_use(1, "8"), CK_OK);
	ck_assert_str_eq(uses, "-+8");
	ck_assert_int_eq(give_use(1, "nine"), CK_OK);
	ck_assert_str_eq(uses, "-+8-");
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_use(1, "9"), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9");
	ck_assert_int_eq(give_use(2, "10"), CK_OK); /* the one known first stays */
	ck_assert_str_eq(uses, "-+8-+9");
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9-");
	give_roles(1, 1);
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9-");
}
END_TEST

START_TEST(a_refresh_without_cookie_is_not_finished)
{
	begin();
	give_roles(1, 3);
	ck_assert_int_eq(h->on_refreshed(false, (struct ck_bytes){NULL, 0}, follower), CK_ERR_UNAVAILABLE);
	ck_assert(!state_now().finished);
}
END_TEST

START_TEST(a_stream_that_breaks_leaves_nothing)
{
	filled(10);
	begin();
	ck_assert_str_eq((const char *)resume_from.at, COOKIE(1));
	ck_assert_int_eq(take(1), CK_OK);
	give_roles(11, 12);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK); /* a resumed refresh goes in as a whole */
	ck_follower_end(follower);
	ck_assert_roles(10);
	ck_assert_str_eq((const char *)state_now().cookie.at, COOKIE(1));
}
END_TEST

START_TEST(a_full_refresh_that_breaks_leaves_the_old_copy)
{
	filled(10);
	ck_follower_require_full(follower);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 5);
	ck_follower_end(follower);
	ck_assert_roles(10);
	ck_assert(state_now().finished);
}
END_TEST

START_TEST(changes_and_cookie_go_in_together)
{
	filled(3);
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_roles(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(2))), follower), CK_OK);
	committed = 0;
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(committed, 1);
	ck_assert_roles(4);
	ck_assert_str_eq((const char *)state_now().cookie.at, COOKIE(2));
	ck_assert_int_eq(take(4), CK_OK);
	ck_assert_int_eq(take(99), CK_OK); /* what was never known */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(3);
}
END_TEST

START_TEST(survives_a_restart)
{
	filled(7);
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_str_eq((const char *)resume_from.at, COOKIE(1));
	ck_assert_roles(7);
}
END_TEST

START_TEST(present_phase_removes_what_was_not_named)
{
	filled(10);
	begin();
	for (unsigned i = 1; i <= 8; i++) ck_assert_int_eq(present(i), CK_OK);
	give_roles(9, 9);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_roles(9);
	ck_assert_uint_eq(removed, 1);
}
END_TEST

START_TEST(delete_phase_removes_only_what_was_named)
{
	filled(10);
	begin();
	ck_assert_int_eq(take(3), CK_OK);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(9);
}
END_TEST

START_TEST(present_phase_that_removes_too_much)
{
	uint64_t would;
	filled(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_ERR_NOT_FOUND);
	begin();
	for (unsigned i = 1; i <= 30; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_HELD);
	ck_assert_uint_eq(alarms, 1);
	ck_follower_end(follower);
	ck_assert_roles(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	ck_assert_uint_eq(would, 10);
	begin();
	for (unsigned i = 1; i <= 30; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_roles(30);
	/* once */
	begin();
	for (unsigned i = 1; i <= 20; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(3)), CK_ERR_DENIED);
}
END_TEST

START_TEST(full_refresh_that_removes_too_much)
{
	uint64_t would;
	filled(40);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 30);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_HELD);
	ck_follower_end(follower);
	ck_assert_roles(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 30);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(30);
}
END_TEST

START_TEST(a_few_may_always_go)
{
	filled(10);
	begin();
	for (unsigned i = 1; i <= 7; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK); /* 30 %, and the floor is 3 */
	ck_assert_roles(7);
}
END_TEST

START_TEST(provider_behind)
{
	uint64_t would;
	filled(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(5))), follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(5)), follower), CK_OK);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(6)), follower), CK_OK);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_BEHIND);
	/* it is remembered across a restart */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	/* another server's number is no substitute */
	ck_assert_int_eq(h->on_provider(ck_text_of("20290102030405.000000Z#000000#002#000000"), follower), CK_ERR_CONFLICT);
	/* root lets it go back: by a full refresh */
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_OK);
}
END_TEST

START_TEST(a_full_refresh_remembers_the_highest)
{
	filled(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(5))), follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 3);
	ck_assert_int_eq(REFRESHED(false, COOKIE(3)), CK_OK); /* a cookie need not be the newest */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
}
END_TEST

START_TEST(probe_counts_when_its_changes_are_there)
{
	struct ck_csn_set csns = {0};
	int64_t now_s = ck_clock_wall_s();
	filled(3);
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(1)), &(struct ck_as_of){.wall_s = now_s + 100}), CK_OK);
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 100);
	/* the provider has one change more than came by the stream */
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(2)), &(struct ck_as_of){.wall_s = now_s + 200}), CK_OK);
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 100);
	ck_assert(ck_follower_lags(follower));
	ck_assert_int_eq(ck_csn_set_add(&csns, ck_text_of(CONTEXT(2))), CK_OK);
	ck_assert(!ck_follower_holds(follower, &csns));
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(2))), follower), CK_OK);
	ck_assert(!ck_follower_holds(follower, &csns)); /* not committed */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert(ck_follower_holds(follower, &csns));
	ck_assert(!ck_follower_lags(follower));
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 200);
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(1)), &(struct ck_as_of){.wall_s = now_s + 300}), CK_ERR_CONFLICT);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_BEHIND);
}
END_TEST

START_TEST(what_does_not_fit_is_quarantined)
{
	filled(3);
	ck_assert_int_eq(give_role(4, ""), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_uint_eq(quarantined, 1);
	/* a good one that turns bad is gone */
	ck_assert_int_eq(give_role(1, ""), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 2);
	ck_assert_roles(2);
	/* … and good again */
	ck_assert_int_eq(give_role(1, "role-1"), CK_OK);
	ck_assert_int_eq(take(4), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_roles(3);
}
END_TEST

START_TEST(the_entry_known_first_stays)
{
	filled(3);
	ck_assert_int_eq(give_role(4, "role-1"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_roles(3);
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(released, 1);
	ck_assert_roles(4);
}
END_TEST

START_TEST(an_entry_under_anothers_uuid)
{
	uint8_t other[16];
	struct ck_bytes value = ck_bytes_of(ck_text_of("ckRole"));
	struct ck_attribute attribute = {ck_text_of("objectClass"), &value, 1};
	struct ck_entry entry = {.dn = ck_text_of("ckId=" AUTHORITY ",ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX),
	                         .attributes = &attribute, .count = 1};
	filled(3);
	uuid_of(9, other);
	ck_assert_int_eq(h->on_entry(other, &entry, follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
}
END_TEST

START_TEST(an_unreadable_entry)
{
	uint8_t uuid[16];
	filled(3);
	uuid_of(2, uuid);
	ck_assert_int_eq(h->on_unreadable(uuid, ck_text_of("ckId=x," SUFFIX), "has too many values", follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_roles(2);
}
END_TEST

START_TEST(containers_are_nothing)
{
	filled(3);
	ck_assert_int_eq(give(50, "ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX,
	                      (struct pair[]){{"objectClass", "organizationalUnit"}, {"ou", "roles"}, {NULL, NULL}}), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(state_now().counts[CK_KIND_ROLE], 3);
}
END_TEST

START_TEST(a_moved_subtree_is_read_again)
{
	char dn[256];
	static const char id[] = "22222222-2222-4222-8222-000000000001";
	filled(3);
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=99999999-9999-4999-8999-999999999999,ou=authorities," SUFFIX, id);
	ck_assert_int_eq(give(1, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", "role-1"}, {"ckStatus", "active"}, {NULL, NULL}}), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_ERR_CONFLICT);
	begin();
	ck_assert_ptr_null(resume_from.at);
}
END_TEST

START_TEST(a_trial_is_only_for_a_copy_in_step)
{
	struct ck_batch *batch;
	begin();
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_ERR_UNAVAILABLE);
	give_roles(1, 2);
	ck_assert_int_eq(REFRESHED(false, COOKIE(1)), CK_OK);
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_OK);
	ck_batch_abort(&batch);
	ck_assert_int_eq(give_role(3, "role-3"), CK_OK); /* the batch is open */
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_ERR_UNAVAILABLE);
}
END_TEST

START_TEST(a_marked_copy_is_made_anew)
{
	char path[96];
	filled(5);
	ck_follower_close(&follower);
	snprintf(path, sizeof path, "%s/" CK_FOLLOWER_DAMAGED_FILE, directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 1);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert(!state_now().finished);
}
END_TEST

static void mark_suspect(char path[96])
{
	snprintf(path, 96, "%s/" CK_FOLLOWER_SUSPECT_FILE, directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

START_TEST(a_suspect_copy_that_is_whole_is_kept)
{
	char path[96];
	filled(5);
	ck_follower_close(&follower);
	mark_suspect(path);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 0);
	begin();
	ck_assert_ptr_nonnull(resume_from.at);
	ck_assert(state_now().finished);
}
END_TEST

START_TEST(a_suspect_copy_that_is_damaged_is_made_anew)
{
	char path[96], store[96];
	static char bytes[1 << 20];
	filled(5);
	ck_follower_close(&follower);
	mark_suspect(path);
	snprintf(store, sizeof store, "%s/" CK_STORE_FILE, directory);
	FILE *file = fopen(store, "r+");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(bytes, 1, sizeof bytes, file);
	for (const char *at = bytes; (at = memmem(at, length - (size_t)(at - bytes), "role-3", 6)) != NULL; at++) {
		ck_assert_int_eq(fseek(file, at - bytes, SEEK_SET), 0);
		ck_assert_int_eq(fputc('R', file), 'R');
	}
	fclose(file);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 1);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert(!state_now().finished);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow store");
	TCase *c = tcase_create("follow");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, an_authority_comes_with_its_clock);
	tcase_add_test(c, a_zone_that_is_not_known_quarantines);
	tcase_add_test(c, a_zone_that_is_lost_goes_on_as_it_was);
	tcase_add_test(c, a_tz_database_that_learns_is_noticed);
	tcase_add_test(c, a_file_that_is_no_zone_is_not_read_as_utc);
	tcase_add_test(c, nothing_is_finished_before_the_refresh_is);
	tcase_add_test(c, a_refresh_without_cookie_is_not_finished);
	tcase_add_test(c, a_stream_that_breaks_leaves_nothing);
	tcase_add_test(c, a_full_refresh_that_breaks_leaves_the_old_copy);
	tcase_add_test(c, changes_and_cookie_go_in_together);
	tcase_add_test(c, survives_a_restart);
	tcase_add_test(c, present_phase_removes_what_was_not_named);
	tcase_add_test(c, delete_phase_removes_only_what_was_named);
	tcase_add_test(c, present_phase_that_removes_too_much);
	tcase_add_test(c, full_refresh_that_removes_too_much);
	tcase_add_test(c, a_few_may_always_go);
	tcase_add_test(c, provider_behind);
	tcase_add_test(c, a_full_refresh_remembers_the_highest);
	tcase_add_test(c, probe_counts_when_its_changes_are_there);
	tcase_add_test(c, what_does_not_fit_is_quarantined);
	tcase_add_test(c, the_entry_known_first_stays);
	tcase_add_test(c, an_entry_under_anothers_uuid);
	tcase_add_test(c, an_unreadable_entry);
	tcase_add_test(c, containers_are_nothing);
	tcase_add_test(c, a_moved_subtree_is_read_again);
	tcase_add_test(c, nobody_takes_the_place_of_an_entry_that_became_faulty);
	tcase_add_test(c, an_entry_that_was_never_well_keeps_its_id_too);
	tcase_add_test(c, names_may_be_exchanged_behind_the_back);
	tcase_add_test(c, the_use_of_a_key_is_told_as_it_comes_and_goes);
	tcase_add_test(c, a_trial_is_only_for_a_copy_in_step);
	tcase_add_test(c, a_marked_copy_is_made_anew);
	tcase_add_test(c, a_suspect_copy_that_is_whole_is_kept);
	tcase_add_test(c, a_suspect_copy_that_is_damaged_is_made_anew);
	suite_add_tcase(suite, c);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
