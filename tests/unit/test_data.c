/* The generator: what it makes is valid, the same each time, and has the shape it promises. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/store/store.h"
#include "tests/data/output.h"
#include "tests/unit/suite.h"

#define MANY 20000

static struct ck_data *make(uint64_t seed, uint64_t staff)
{
	return ck_data_new(&(struct ck_data_options){.seed = seed, .staff = staff});
}

/* ---- a set of texts: whether one was there before ---- */

struct set {
	char **at;
	size_t limit;
};

static struct set set_new(size_t limit)
{
	struct set set = {.at = calloc(2 * limit, sizeof *set.at), .limit = 2 * limit};
	ck_assert_ptr_nonnull(set.at);
	return set;
}

static bool set_add(struct set *set, const char *text)
{
	uint64_t hash = 1;
	for (const char *c = text; *c != '\0'; c++) hash = ck_data_mix(hash ^ (unsigned char)*c);
	size_t at = hash % set->limit;
	for (; set->at[at] != NULL; at = (at + 1) % set->limit)
		if (strcmp(set->at[at], text) == 0) return false;
	set->at[at] = strdup(text);
	return true;
}

static void set_free(struct set *set)
{
	for (size_t i = 0; i < set->limit; i++) free(set->at[i]);
	free(set->at);
}

/* ---- records ---- */

START_TEST(every_record_is_valid_and_its_parent_came_before)
{
	struct ck_data *data = make(3, MANY);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	struct set known = set_new(5 * MANY);
	uint64_t counts[CK_KIND_LAST + 1] = {0};
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) {
		struct ck_errmsg err = {""};
		char text[CK_ID_TEXT_BYTES];
		ck_assert_msg(ck_model_validate(record, &err) == CK_OK, "%s %llu: %s", ck_kind_name(record->kind), (unsigned long long)counts[record->kind],
		              err.text);
		ck_assert_msg(set_add(&known, ck_id_format(record->id, text)), "%s is there twice", text);
		struct ck_id parent = record->kind == CK_KIND_KEY     ? record->as.key.staff
		                      : record->kind == CK_KIND_GRANT ? record->as.grant.role
		                                                      : record->authority;
		ck_assert_msg(!set_add(&known, ck_id_format(parent, text)), "parent %s of a %s is not there yet", text, ck_kind_name(record->kind));
		counts[record->kind]++;
	}
	struct ck_data_counts promised = ck_data_count(data);
	ck_assert_uint_eq(counts[CK_KIND_AUTHORITY], promised.authorities);
	ck_assert_uint_eq(counts[CK_KIND_STAFF], MANY);
	ck_assert_uint_eq(counts[CK_KIND_ROLE], promised.roles);
	ck_assert_uint_eq(counts[CK_KIND_SYSTEM], promised.systems);
	ck_assert_uint_eq(counts[CK_KIND_SYSTEM_GROUP], promised.groups);
	ck_assert_uint_eq(counts[CK_KIND_RULE], promised.rules);
	/* 1.25 a person */
	ck_assert_uint_gt(counts[CK_KIND_KEY], MANY * 122 / 100);
	ck_assert_uint_lt(counts[CK_KIND_KEY], MANY * 128 / 100);
	ck_assert_uint_gt(counts[CK_KIND_GRANT], MANY * 122 / 100);
	ck_assert_uint_lt(counts[CK_KIND_GRANT], MANY * 128 / 100);
	set_free(&known);
	ck_data_cursor_free(&cursor);
	ck_data_free(&data);
}
END_TEST

/* The store refuses whoever takes what another has: uid, mail, number, staff number, credential, name. */
START_TEST(a_store_takes_every_record)
{
	char directory[] = "/tmp/ck-data-XXXXXX", command[64];
	struct ck_data *data = make(4, 3000);
	struct ck_errmsg err = {""};
	struct ck_store *store;
	struct ck_view *view;
	struct ck_store_state state;
	static struct ck_data_person person;
	static struct ck_record found;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_msg(ck_data_fill_store(data, directory, &err) == CK_OK, "%s", err.text);
	ck_assert_int_eq(ck_store_open(directory, &store, &err), CK_OK);
	ck_assert_int_eq(ck_view_begin(store, &view), CK_OK);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert(state.finished);
	ck_assert_uint_eq(state.counts[CK_KIND_STAFF], 3000);
	ck_assert_uint_eq(state.quarantined, 0);
	ck_data_person_at(data, 2999, &person);
	ck_assert_int_eq(ck_view_staff_by_uid(view, ck_text_of(person.uid), &found), CK_OK);
	ck_assert(ck_id_equal(found.id, ck_data_id(data, CK_KIND_STAFF, 2999, 0)));
	ck_assert_int_eq(ck_view_staff_by_mail(view, ck_text_of(person.mail), &found), CK_OK);
	ck_assert(ck_id_equal(found.id, ck_data_id(data, CK_KIND_STAFF, 2999, 0)));
	ck_view_end(&view);
	ck_store_close(&store);
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
	ck_data_free(&data);
}
END_TEST

static void digest(uint64_t seed, uint64_t staff, uint8_t out[32])
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&bytes, &length);
	struct ck_data *data = make(seed, staff);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	ck_data_ldif_root(to, "dc=example,dc=org");
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) ck_data_ldif_entry(to, "dc=example,dc=org", record);
	ck_data_cursor_free(&cursor);
	ck_data_queries(to, data, 20);
	ck_data_free(&data);
	fclose(to);
	crypto_hash_sha256(out, (const uint8_t *)bytes, length);
	free(bytes);
}

START_TEST(the_same_seed_gives_the_same_bytes_and_another_others)
{
	uint8_t one[32], again[32], other[32];
	char hex[65];
	digest(7, 500, one);
	digest(7, 500, again);
	digest(8, 500, other);
	ck_assert_mem_eq(one, again, 32);
	ck_assert_mem_ne(one, other, 32);
	/* On every machine and with every compiler: what changes this changes everybody's data. */
	ck_assert_str_eq(ck_hex_encode(one, 32, hex, sizeof hex), "e69f39b1f8bbaa1b52720e94603acdb0461c2dc27849f5cf4c6e2737b954e554");
}
END_TEST

START_TEST(a_person_is_the_same_alone_and_in_turn)
{
	static struct ck_data_entry alone;
	struct ck_data *data = make(5, 400);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	uint64_t number = 0;
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) {
		if (record->kind != CK_KIND_STAFF) continue;
		ck_data_put_staff(data, number, &alone);
		ck_assert(ck_id_equal(alone.record.id, record->id));
		ck_assert(ck_text_equal(alone.record.as.staff.mail, record->as.staff.mail));
		ck_assert(record->as.staff.listed == alone.person.listed);
		ck_assert_str_eq(alone.person.cn, ck_data_cursor_person(cursor)->cn);
		number++;
	}
	ck_assert_uint_eq(number, 400);
	ck_data_cursor_free(&cursor);
	ck_data_free(&data);
}
END_TEST

/* ---- sizes ---- */

START_TEST(the_target_has_the_sizes_of_the_target)
{
	struct ck_data *data = make(1, CK_DATA_TARGET_STAFF);
	struct ck_data_counts counts = ck_data_count(data);
	uint64_t large = 0, small = 0;
	ck_assert_uint_eq(counts.authorities, 388);
	ck_assert_uint_eq(counts.roles, 20000);
	ck_assert_uint_eq(counts.systems, 5000);
	for (uint64_t i = 0; i < counts.authorities; i++) {
		uint64_t staff = ck_data_authority_at(data, i)->staff;
		large += staff > 20000;
		small += staff < 1300;
		ck_assert(i == 0 || staff <= ck_data_authority_at(data, i - 1)->staff + 1);
	}
	ck_assert_uint_ge(ck_data_authority_at(data, 0)->staff, 29000);
	ck_assert_uint_lt(ck_data_authority_at(data, 387)->staff, 900);
	ck_assert_uint_lt(large, 15);
	ck_assert_uint_gt(small, 170);
	ck_data_free(&data);
}
END_TEST

START_TEST(twice_the_target_is_within_the_limits)
{
	struct ck_data *data = make(1, CK_DATA_STAFF_LIMIT);
	struct ck_data_counts counts = ck_data_count(data);
	static struct ck_data_person person;
	ck_assert_uint_eq(counts.authorities, CK_DATA_AUTHORITIES_LIMIT);
	ck_data_person_at(data, counts.staff - 1, &person);
	ck_assert(ck_model_uid_valid(ck_text_of(person.uid)));
	ck_assert_uint_le(person.uid_number, CK_UID_NUMBER_LAST);
	ck_data_free(&data);
}
END_TEST

START_TEST(sizes_outside_the_limits_are_refused)
{
	struct ck_errmsg err;
	ck_assert_int_eq(ck_data_check(&(struct ck_data_options){.staff = 49}, &err), CK_ERR_INVALID);
	ck_assert_int_eq(ck_data_check(&(struct ck_data_options){.staff = CK_DATA_STAFF_LIMIT + 1}, &err), CK_ERR_INVALID);
	ck_assert_int_eq(ck_data_check(&(struct ck_data_options){.staff = 100, .authorities = 11}, &err), CK_ERR_INVALID);
	ck_assert_int_eq(ck_data_check(&(struct ck_data_options){.staff = 100, .uid_number_first = 1000}, &err), CK_ERR_INVALID);
	ck_assert_int_eq(ck_data_check(&(struct ck_data_options){.staff = 100}, &err), CK_OK);
}
END_TEST

START_TEST(authorities_have_names_and_ranges_of_their_own)
{
	struct ck_data *data = make(1, CK_DATA_STAFF_LIMIT);
	struct ck_data_counts counts = ck_data_count(data);
	struct set places = set_new(counts.authorities), domains = set_new(2 * counts.authorities);
	uint64_t next = CK_DATA_UID_NUMBER_FIRST;
	unsigned regions[4] = {0};
	for (uint64_t i = 0; i < counts.authorities; i++) {
		const struct ck_data_authority *a = ck_data_authority_at(data, i);
		ck_assert_msg(set_add(&places, a->slug), "%s is there twice", a->slug);
		ck_assert(set_add(&domains, a->domains[0]) && set_add(&domains, a->domains[1]));
		ck_assert_uint_eq(a->uid_number_first, next);
		ck_assert_uint_gt(a->uid_number_last - a->uid_number_first, a->staff);
		next = a->uid_number_last + 1;
		regions[a->region]++;
	}
	for (int i = 0; i < 4; i++) ck_assert_uint_gt(regions[i], 20);
	set_free(&places);
	set_free(&domains);
	ck_data_free(&data);
}
END_TEST

/* ---- people ---- */

START_TEST(what_must_be_unique_is)
{
	struct ck_data *data = make(2, MANY);
	struct set uids = set_new(MANY), mails = set_new(MANY), numbers = set_new(MANY), staff_numbers = set_new(MANY);
	static struct ck_data_person p;
	for (uint64_t i = 0; i < MANY; i++) {
		char number[64];
		ck_data_person_at(data, i, &p);
		ck_assert_msg(ck_model_uid_valid(ck_text_of(p.uid)), "%s", p.uid);
		ck_assert_msg(set_add(&uids, p.uid), "%s", p.uid);
		ck_assert_msg(set_add(&mails, p.mail), "%s", p.mail);
		ck_assert_msg(strcmp(strchr(p.mail, '@') + 1, p.authority->domains[0]) == 0 || strcmp(strchr(p.mail, '@') + 1, p.authority->domains[1]) == 0,
		              "%s is not of its authority", p.mail);
		ck_assert(p.uid_number >= p.authority->uid_number_first && p.uid_number <= p.authority->uid_number_last);
		snprintf(number, sizeof number, "%llu", (unsigned long long)p.uid_number);
		ck_assert(set_add(&numbers, number));
		snprintf(number, sizeof number, "%llu %s", (unsigned long long)p.authority->number, p.staff_number);
		ck_assert(set_add(&staff_numbers, number));
	}
	set_free(&uids);
	set_free(&mails);
	set_free(&numbers);
	set_free(&staff_numbers);
	ck_data_free(&data);
}
END_TEST

/* Within a quarter of the share, where there are enough for chance to be small. */
START_TEST(origins_are_as_frequent_as_they_should_be)
{
	struct ck_data *data = make(2, 400000);
	uint64_t people[4] = {0}, of[4][CK_DATA_ORIGINS] = {{0}};
	static struct ck_data_person p;
	for (uint64_t i = 0; i < 400000; i += 2) {
		ck_data_person_at(data, i, &p);
		people[p.authority->region]++;
		of[p.authority->region][p.name.origin]++;
	}
	for (int region = 0; region < 4; region++) {
		for (unsigned origin = 0; origin < CK_DATA_ORIGINS; origin++) {
			uint64_t expected = people[region] * ck_data_origin_share(origin, (enum ck_data_region)region) / 1000;
			if (expected < 200) continue;
			ck_assert_msg(of[region][origin] * 4 > expected * 3 && of[region][origin] * 4 < expected * 5, "%s: %llu, expected %llu",
			              ck_data_origin_name(origin), (unsigned long long)of[region][origin], (unsigned long long)expected);
		}
	}
	ck_data_free(&data);
}
END_TEST

static bool has_marks(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80) return true;
	return false;
}

START_TEST(names_repeat_and_vary_as_in_life)
{
	struct ck_data *data = make(2, 120000);
	static struct ck_data_person p;
	struct set words = set_new(120000), names_here = set_new(120000);
	uint64_t surnames = 0, smiths = 0, doubles = 0, marks = 0, namesakes = 0;
	for (uint64_t i = 0; i < 120000; i++) {
		char here[256];
		ck_data_person_at(data, i, &p);
		surnames += set_add(&words, p.name.family);
		smiths += strcmp(p.name.family, "Smith") == 0;
		doubles += strchr(p.name.family, '-') != NULL;
		marks += has_marks(p.cn);
		snprintf(here, sizeof here, "%llu %s %s", (unsigned long long)p.authority->number, p.name.given, p.name.family);
		namesakes += !set_add(&names_here, here);
	}
	ck_assert_uint_gt(surnames, 5000);  /* many different ones … */
	ck_assert_uint_gt(smiths, 120000 / 200); /* … and one that more than 5 in 1 000 have */
	ck_assert_uint_lt(smiths, 120000 / 40);
	ck_assert_uint_gt(doubles, 120000 / 50);
	ck_assert_uint_lt(doubles, 120000 / 10);
	ck_assert_uint_gt(marks, 120000 / 100);
	ck_assert_uint_gt(namesakes, 120000 / 200); /* the same name in the same authority */
	set_free(&words);
	set_free(&names_here);
	ck_data_free(&data);
}
END_TEST

START_TEST(people_leave_and_join)
{
	struct ck_data *data = make(2, MANY);
	static struct ck_data_person p;
	uint64_t stays[CK_DATA_TO_COME + 1] = {0}, hidden = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		ck_data_person_at(data, i, &p);
		stays[p.stay]++;
		hidden += !p.listed;
		bool here = ck_window_contains(p.window, (struct ck_moment){.s = CK_DATA_NOW_S});
		ck_assert(here == (p.stay != CK_DATA_LEFT && p.stay != CK_DATA_TO_COME));
		if (p.stay == CK_DATA_LEFT) ck_assert(p.window.until_s <= CK_DATA_NOW_S - 90 * 86400 + 86400 && p.status == CK_STATUS_SUSPENDED);
		if (p.stay == CK_DATA_TO_COME) ck_assert(p.window.from_s > CK_DATA_NOW_S && p.status == CK_STATUS_ACTIVE);
		if (p.stay == CK_DATA_ON_LEAVE) ck_assert(p.status == CK_STATUS_SUSPENDED && p.window.until_s == CK_TIME_UNLIMITED);
		if (p.stay == CK_DATA_PERMANENT || p.stay == CK_DATA_FIXED_TERM) ck_assert_int_eq(p.status, CK_STATUS_ACTIVE);
	}
	ck_assert(stays[CK_DATA_LEFT] > MANY * 2 / 100 && stays[CK_DATA_LEFT] < MANY * 4 / 100);
	ck_assert(stays[CK_DATA_TO_COME] > MANY * 5 / 1000 && stays[CK_DATA_TO_COME] < MANY * 15 / 1000);
	ck_assert(hidden > MANY * 11 / 1000 && hidden < MANY * 19 / 1000); /* 1.5 % are ex-directory */
	ck_data_free(&data);
}
END_TEST

START_TEST(roles_are_nested_and_rules_reach_other_authorities)
{
	struct ck_data *data = make(2, MANY);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	struct set roles = set_new(10000);
	uint64_t nested = 0, lent = 0, foreign_rules = 0, foreign_grants = 0, grants = 0;
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) {
		char text[2 * CK_ID_TEXT_BYTES], owner[CK_ID_TEXT_BYTES];
		ck_id_format(record->authority, owner);
		size_t used = (size_t)snprintf(text, sizeof text, "%s", owner);
		if (record->kind == CK_KIND_ROLE) {
			ck_id_format(record->id, text + used);
			set_add(&roles, text);
			nested += record->as.role.member_roles.count > 1;
			lent += record->as.role.member_roles.count == 1;
		} else if (record->kind == CK_KIND_RULE) {
			/* a role that is known under this authority is its own; those of later authorities are not known yet: foreign, too */
			for (size_t i = 0; i < record->as.rule.roles.count; i++) {
				ck_id_format(record->as.rule.roles.at[i], text + used);
				foreign_rules += set_add(&roles, text);
			}
		} else if (record->kind == CK_KIND_GRANT) {
			grants++;
			foreign_grants += !ck_id_equal(record->authority, ck_data_id(data, CK_KIND_AUTHORITY, ck_data_cursor_person(cursor)->authority->number, 0));
		}
	}
	ck_assert_uint_gt(nested, 20);
	ck_assert_uint_gt(lent, 3);
	ck_assert_uint_gt(foreign_rules, 10);
	ck_assert(foreign_grants > grants / 50 && foreign_grants < grants / 10);
	set_free(&roles);
	ck_data_cursor_free(&cursor);
	ck_data_free(&data);
}
END_TEST

START_TEST(a_key_signs_for_its_credential)
{
	static struct ck_data_entry entry;
	struct ck_data *data = make(2, 100);
	static struct ck_soft_credential credential;
	uint8_t hash[CK_HASH_BYTES];
	ck_data_put_staff(data, 0, &entry);
	ck_data_put_key(data, 0, &entry);
	ck_data_credential(data, &entry.person, 0, &credential);
	crypto_hash_sha256(hash, credential.id, credential.id_length);
	ck_assert_mem_eq(hash, entry.record.as.key.hash, sizeof hash);
	ck_assert(ck_bytes_equal(entry.record.as.key.public_key, (struct ck_bytes){credential.cose, credential.cose_length}));
	/* and the public key is that of the secret */
	struct ck_soft_credential derived = credential;
	ck_assert(ck_soft_derive_public_key(&derived));
	ck_assert_mem_eq(derived.cose, credential.cose, credential.cose_length);
	ck_data_free(&data);
}
END_TEST

/* ---- forms ---- */

START_TEST(a_row_quotes_what_must_be_quoted)
{
	static struct ck_data_person p;
	char *bytes = NULL;
	size_t length = 0;
	struct ck_data *data = make(2, 100);
	ck_data_person_at(data, 5, &p);
	p.department = "Parks, Leisure and \"Culture\"";
	FILE *to = open_memstream(&bytes, &length);
	ck_data_csv_row(to, &p);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(bytes, ",\"Parks, Leisure and \"\"Culture\"\"\","));
	ck_assert_str_eq(bytes + length - 2, "\r\n");
	free(bytes);
	ck_data_free(&data);
}
END_TEST

START_TEST(marks_are_folded)
{
	char out[64];
	ck_data_fold("Łukasz Ó'Briain-Şükrü Llŷr", out, sizeof out);
	ck_assert_str_eq(out, "lukasz obriain-sukru llyr");
	ck_data_fold("Tèmítọ́pẹ́", out, sizeof out);
	ck_assert_str_eq(out, "temitope");
}
END_TEST

/* Counted again by hand: whoever has all words of an exact question in their name, department, title or authority. */
START_TEST(questions_say_how_many_share_them)
{
	struct ck_data *data = make(9, 5000);
	char *bytes = NULL, *rest = NULL;
	size_t length = 0;
	static struct ck_data_person p;
	unsigned kinds = 0, exact = 0;
	FILE *to = open_memstream(&bytes, &length);
	ck_data_queries(to, data, 10);
	fclose(to);
	for (char *line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char kind[32], query[256], uid[64], id[64];
		unsigned shared = 0, found = 0, same = 0;
		ck_assert_int_eq(sscanf(line, "%31[^\t]\t%255[^\t]\t%63[^\t]\t%63[^\t]\t%u", kind, query, uid, id, &shared), 5);
		ck_assert_uint_ge(shared, 1);
		ck_assert_uint_le(shared, CK_DATA_SHARED_LIMIT);
		kinds++;
		bool is_exact = strcmp(kind, "exact") == 0;
		exact += is_exact;
		for (uint64_t i = 0; i < 5000; i++) {
			ck_data_person_at(data, i, &p);
			if (strcmp(p.uid, uid) == 0) {
				found++;
				ck_assert(p.listed && p.status == CK_STATUS_ACTIVE);
			}
			same += is_exact && strcmp(p.cn, query) == 0 && p.listed && p.status == CK_STATUS_ACTIVE && p.stay != CK_DATA_TO_COME;
		}
		ck_assert_uint_eq(found, 1);
		if (is_exact) ck_assert_uint_le(same, shared);
	}
	ck_assert_uint_eq(kinds, 50);
	ck_assert_uint_eq(exact, 10);
	free(bytes);
	ck_data_free(&data);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("data");
	TCase *c = tcase_create("data");
	tcase_add_test(c, every_record_is_valid_and_its_parent_came_before);
	tcase_add_test(c, a_store_takes_every_record);
	tcase_add_test(c, the_same_seed_gives_the_same_bytes_and_another_others);
	tcase_add_test(c, a_person_is_the_same_alone_and_in_turn);
	tcase_add_test(c, the_target_has_the_sizes_of_the_target);
	tcase_add_test(c, twice_the_target_is_within_the_limits);
	tcase_add_test(c, sizes_outside_the_limits_are_refused);
	tcase_add_test(c, authorities_have_names_and_ranges_of_their_own);
	tcase_add_test(c, what_must_be_unique_is);
	tcase_add_test(c, origins_are_as_frequent_as_they_should_be);
	tcase_add_test(c, names_repeat_and_vary_as_in_life);
	tcase_add_test(c, people_leave_and_join);
	tcase_add_test(c, roles_are_nested_and_rules_reach_other_authorities);
	tcase_add_test(c, a_key_signs_for_its_credential);
	tcase_add_test(c, a_row_quotes_what_must_be_quoted);
	tcase_add_test(c, marks_are_folded);
	tcase_add_test(c, questions_say_how_many_share_them);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
