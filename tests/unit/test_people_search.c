/* Searching: whom the words find, in which order, page by page; who is never found; and many random changes against a plain model. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory/store/people_internal.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

enum { CAROL = 12, DAN = 13, EVE = 14, FRANK = 15, MANY = 1000 };

static struct ck_people_page page;

static struct ck_record *person(unsigned number, unsigned authority, const char *uid, const char *name)
{
	struct ck_record *record = ck_builder_staff(b, number, authority, uid, 200000 + number);
	const char *space = strrchr(name, ' ');
	record->as.staff.cn = t(name);
	record->as.staff.sn = t(space != NULL ? space + 1 : name);
	record->as.staff.given_name = (struct ck_text){name, space != NULL ? (size_t)(space - name) : strlen(name)};
	return record;
}

static void put(unsigned number, unsigned authority, const char *uid, const char *name)
{
	ck_builder_put(b, person(number, authority, uid, name));
}

static enum ck_error search_in(const char *words, unsigned own, struct ck_bytes cursor)
{
	struct ck_people_query query = {.words = t(words), .cursor = cursor};
	if (own != 0) query.own = ck_builder_id(own);
	return ck_people_search(ck_builder_view(b), &query, &page);
}

/* Whom the first page shows, in order; the numbers end with 0. */
static void finds_for(unsigned own, const char *words, const unsigned *expected)
{
	ck_assert_int_eq(search_in(words, own, (struct ck_bytes){NULL, 0}), CK_OK);
	for (size_t i = 0; i < page.count; i++) {
		ck_assert_msg(expected[i] != 0, "'%s' finds somebody more", words);
		ck_assert_msg(ck_id_equal(page.staff[i], ck_builder_id(expected[i])), "'%s' finds another at %zu: %02x", words, i, page.staff[i].bytes[15]);
	}
	ck_assert_msg(expected[page.count] == 0, "'%s' finds only %zu", words, page.count);
}
#define finds(words, ...) finds_for(0, words, (const unsigned[]){__VA_ARGS__ 0})
#define finds_own(own, words, ...) finds_for(own, words, (const unsigned[]){__VA_ARGS__ 0})

static void begin(void)
{
	(void)found;
	(void)err;
	b = ck_builder_new();
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Leeds City Council"));
	ck_builder_put(b, ck_builder_authority(b, YORK, "City of York"));
}

START_TEST(words_in_any_order)
{
	put(ALICE, LEEDS, "alice", "Alice Example");
	put(BOB, YORK, "bob", "Bob Stone");
	finds("alice example", ALICE,);
	finds("example alice", ALICE,);
	finds("bob york", BOB,);
	finds("bob leeds", );
	finds("alice bob", );
	finds("planning officer bob", BOB,);
}
END_TEST

START_TEST(beginnings)
{
	put(ALICE, LEEDS, "alice", "Alexandra Fotheringham");
	finds("a foth", ALICE,);
	finds("al", ALICE,);
	finds("fotheringh", ALICE,);
	finds("alexandra coun", ALICE,);
	finds("exandra", );
}
END_TEST

START_TEST(one_edit)
{
	put(ALICE, LEEDS, "alice", "Alexandra Fotheringham");
	finds("alexandra fothringham", ALICE,);
	finds("alexandra fotheringhham", ALICE,);
	finds("aelxandra", ALICE,);
	finds("alexandra fotherimgham leedz", ALICE,);
	finds("alexandra fothrimgham", );
}
END_TEST

START_TEST(accents_and_variants)
{
	put(ALICE, LEEDS, "alice", "Siân Wŷn");
	put(BOB, YORK, "bob", "Jon MacDonald");
	finds("sian wyn", ALICE,);
	finds("SIÂN", ALICE,);
	finds("john mcdonald", BOB,);
}
END_TEST

START_TEST(exact_before_variant_before_beginning_before_misspelt)
{
	put(DAN, LEEDS, "dd", "Joon Stone");
	put(CAROL, LEEDS, "cc", "Jonas Stone");
	put(BOB, LEEDS, "bb", "John Stone");
	put(ALICE, LEEDS, "aa", "Jon Stone");
	finds("jon stone", ALICE, DAN, BOB, CAROL,);
	ck_assert(page.more); /* what is only similar is on the next page of whoever typed it right */
	ck_assert_int_eq(search_in("jon stone", 0, (struct ck_bytes){page.cursor, sizeof page.cursor}), CK_OK);
	ck_assert_uint_eq(page.count, 0); /* a doubled letter is a variant */
}
END_TEST

START_TEST(misspelt_come_last_and_on_the_next_page)
{
	put(DAN, LEEDS, "dd", "Joan Stone");
	put(ALICE, LEEDS, "aa", "Jon Stone");
	finds("jon stone", ALICE,);
	ck_assert(page.more);
	ck_assert_int_eq(search_in("jon stone", 0, (struct ck_bytes){page.cursor, sizeof page.cursor}), CK_OK);
	ck_assert_uint_eq(page.count, 1);
	ck_assert_id(page.staff[0], DAN);
	ck_assert(!page.more);
	finds("joan ston", DAN,);
	finds("joam stone", DAN,); /* nobody fits: what is misspelt comes at once */
}
END_TEST

START_TEST(two_misspelt_words_come_after_one)
{
	put(ALICE, LEEDS, "aa", "Joan Storm");
	put(BOB, YORK, "bb", "Joan Stone");
	finds_own(LEEDS, "joam stone", BOB,); /* though Alice is of one's own */
	ck_assert(page.more);
	ck_assert_int_eq(search_in("joam stone", LEEDS, (struct ck_bytes){page.cursor, sizeof page.cursor}), CK_OK);
	ck_assert_uint_eq(page.count, 0); /* storm is two letters away */
	ck_assert(!page.more);
	put(CAROL, LEEDS, "cc", "Joan Stoney");
	put(DAN, LEEDS, "dd", "Joan Stoke");
	finds_own(LEEDS, "joam stone", BOB, CAROL,); /* what begins with it is as typed, and less well */
	ck_assert_int_eq(search_in("joam stone", LEEDS, (struct ck_bytes){page.cursor, sizeof page.cursor}), CK_OK);
	ck_assert_uint_eq(page.count, 1);
	ck_assert_id(page.staff[0], DAN);
	finds("joam stome", DAN, BOB,); /* nobody has one of them as typed: both at once */
	finds("joam", ALICE, CAROL, DAN, BOB,);
	ck_assert(!page.more); /* a single word is not misspelt twice */
}
END_TEST

START_TEST(one_word_of_a_name_a_job_and_an_authority)
{
	ck_builder_put(b, ck_builder_authority(b, 3, "Stone"));
	struct ck_record *record = person(CAROL, YORK, "cc", "Ann Rivers");
	record->as.staff.title = t("Stone mason");
	ck_builder_put(b, record);
	put(ALICE, LEEDS, "aa", "Ann Stone");
	put(BOB, 3, "bb", "Ann Hill");
	finds("stone", ALICE, BOB, CAROL,);
	finds("ston", ALICE, BOB, CAROL,);
	finds("ann stome", ALICE, BOB, CAROL,);
	/* each of the three goes, and the word stays as long as one is there */
	ck_builder_remove(b, CK_KIND_STAFF, ALICE);
	finds("stone", BOB, CAROL,);
	ck_builder_put(b, ck_builder_authority(b, 3, "Hull"));
	finds("stone", CAROL,);
	finds("ann stome", CAROL,);
	put(CAROL, YORK, "cc", "Ann Rivers");
	finds("stone", );
	finds("ann stome", );
	put(ALICE, LEEDS, "aa", "Ann Stone");
	finds("ann stome", ALICE,);
	ck_assert_int_eq(ck_view_verify(ck_builder_view(b)), CK_OK);
}
END_TEST

START_TEST(own_authority_first_among_equals)
{
	put(ALICE, LEEDS, "aa", "Pat Stone");
	put(BOB, YORK, "bb", "Pat Stone");
	put(CAROL, YORK, "cc", "Patricia Stone");
	finds("pat stone", ALICE, BOB, CAROL,);
	finds_own(YORK, "pat stone", BOB, ALICE, CAROL,);
	finds_own(LEEDS, "pat stone", ALICE, BOB, CAROL,);
}
END_TEST

START_TEST(a_name_before_a_job)
{
	struct ck_record *record = person(ALICE, LEEDS, "aa", "Ann Stone");
	record->as.staff.title = t("Baker");
	ck_builder_put(b, record);
	put(BOB, LEEDS, "bb", "Tom Baker");
	finds("baker", BOB, ALICE,);
}
END_TEST

START_TEST(in_full)
{
	put(ALICE, LEEDS, "ann12", "Ann Stone");
	put(BOB, LEEDS, "ann123", "Ann Stone");
	finds("ann12", ALICE, BOB,); /* the whole login name first, whatever else fits */
	finds("ann123@example.gov.uk", BOB,);
	finds("ANN123@Example.gov.uk", BOB,);
	finds("0113 0000010", ALICE,);
	finds("+44 113 0000011", BOB,);
	finds("0113 00000", ALICE, BOB,);
	struct ck_record *carol = person(CAROL, LEEDS, "carol", "Myfanwy Owain");
	carol->as.staff.mail = t("myfanwy.ap-huw-ab-owain686@north.thornside.health.example"); /* nine words */
	ck_builder_put(b, carol);
	finds(" myfanwy.ap-huw-ab-owain686@north.thornside.health.example", CAROL,);
	ck_assert(!page.more);
	finds("myfanwy.ap-huw-ab-owain687@north.thornside.health.example",);
	ck_assert_int_eq(search_in("myfanwy ap huw ab owain686 north thornside health example", 0, (struct ck_bytes){NULL, 0}), CK_ERR_INVALID);
}
END_TEST

START_TEST(staff_numbers_are_ones_own_authoritys_business)
{
	struct ck_record *record = person(ALICE, LEEDS, "aa", "Ann Stone");
	record->as.staff.staff_number = t("X77");
	ck_builder_put(b, record);
	finds("X77", );
	finds_own(YORK, "X77", );
	finds_own(LEEDS, "x77", ALICE,);
}
END_TEST

START_TEST(who_is_unlisted_or_suspended_is_not_there)
{
	struct ck_record *record = person(ALICE, LEEDS, "alice", "Ann Stone");
	record->as.staff.listed = false;
	ck_builder_put(b, record);
	record = person(BOB, LEEDS, "bob", "Ann Stone");
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	for (unsigned own = 0; own <= LEEDS; own += LEEDS) {
		finds_own(own, "ann", );
		finds_own(own, "alice", );
		finds_own(own, "bob@example.gov.uk", );
		finds_own(own, "10", );
		finds_own(own, "0113 0000010", );
	}
	/* nor anything of them: not a page of the index */
	struct ck_store_size size;
	ck_assert_int_eq(ck_view_size(ck_builder_view(b), &size), CK_OK);
	ck_assert_uint_eq(size.people, 0);
	ck_assert_uint_eq(size.people_bytes, 0);
}
END_TEST

START_TEST(coming_and_going)
{
	struct ck_store_size size;
	put(ALICE, LEEDS, "alice", "Ann Stone");
	finds("ann", ALICE,);
	struct ck_record *record = person(ALICE, LEEDS, "alice", "Ann Rivers");
	ck_builder_put(b, record);
	finds("stone", );
	finds("ann rivers", ALICE,);
	record = person(ALICE, LEEDS, "alice", "Ann Rivers");
	record->as.staff.listed = false;
	ck_builder_put(b, record);
	finds("rivers", );
	put(ALICE, YORK, "alice", "Ann Rivers");
	finds("rivers york", ALICE,);
	ck_builder_remove(b, CK_KIND_STAFF, ALICE);
	finds("rivers", );
	ck_assert_int_eq(ck_view_verify(ck_builder_view(b)), CK_OK);
	ck_assert_int_eq(ck_view_size(ck_builder_view(b), &size), CK_OK);
	ck_assert_uint_eq(size.people, 0);
}
END_TEST

START_TEST(an_authority_that_is_renamed_and_one_that_comes_late)
{
	put(ALICE, LEEDS, "alice", "Ann Stone");
	put(BOB, 3, "bob", "Ann Stone"); /* of an authority that is not known yet */
	finds("ann hull", );
	ck_builder_put(b, ck_builder_authority(b, 3, "Hull"));
	finds("ann hull", BOB,);
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Bradford"));
	finds("ann leeds", );
	finds("ann bradford", ALICE,);
	finds("bradford", ALICE,); /* all of them */
	ck_builder_remove(b, CK_KIND_AUTHORITY, LEEDS);
	finds("ann bradford", );
	finds("stone", ALICE, BOB,);
}
END_TEST

START_TEST(what_is_no_query)
{
	char longest[CK_PEOPLE_QUERY_LIMIT_BYTES + 2];
	put(ALICE, LEEDS, "alice", "Ann Stone");
	struct ck_bytes none = {NULL, 0};
	ck_assert_int_eq(search_in("", 0, none), CK_ERR_INVALID);
	ck_assert_int_eq(search_in(" - ", 0, none), CK_ERR_INVALID);
	ck_assert_int_eq(search_in("a b c d e f g h i", 0, none), CK_ERR_INVALID);
	ck_assert_int_eq(search_in("a b c d e f g h", 0, none), CK_OK);
	ck_assert_int_eq(search_in("st\xffone", 0, none), CK_ERR_INVALID);
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	ck_assert_int_eq(search_in(longest, 0, none), CK_ERR_INVALID);
	longest[sizeof longest - 2] = '\0';
	ck_assert_int_eq(search_in(longest, 0, none), CK_OK);
}
END_TEST

START_TEST(a_cursor_of_another_copy_or_none)
{
	uint8_t cursor[CK_PEOPLE_CURSOR_BYTES + 1] = {0};
	put(ALICE, LEEDS, "alice", "Ann Stone");
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){cursor, CK_PEOPLE_CURSOR_BYTES}), CK_ERR_INVALID);
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){NULL, 0}), CK_OK);
	ck_assert(page.more);
	memcpy(cursor, page.cursor, sizeof page.cursor);
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){cursor, CK_PEOPLE_CURSOR_BYTES - 1}), CK_ERR_INVALID);
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){cursor, CK_PEOPLE_CURSOR_BYTES + 1}), CK_ERR_INVALID);
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){cursor, CK_PEOPLE_CURSOR_BYTES}), CK_OK);
	cursor[4] = 4;
	ck_assert_int_eq(search_in("ann", 0, (struct ck_bytes){cursor, CK_PEOPLE_CURSOR_BYTES}), CK_ERR_INVALID);
}
END_TEST

/* ---- many ---- */

static const char *const firsts[] = {"John", "Jon", "Joan", "Siân", "Sian", "Ann", "Anne", "Mohammed", "Muhammad", "Philip", "Phillip", "Jo", "Ewa", "Łucja"};
static const char *const lasts[] = {"Smith", "Smyth", "Smithson", "Jones", "Jonas", "MacDonald", "McDonald", "Ó Briain", "Wójcik", "Patel", "Smit", "Li"};
static const char *const titles[] = {"Housing Officer", "Planner", "Smith", "Social Worker", "Head of Housing"};
static const char *const queries[] = {"john", "j", "jo", "smith", "jon smyth", "sian housing", "s h", "smith leeds", "york officer", "ann mcdonald", "mohamed",
                                      "smiht", "jnoes", "phillip li", "lucja wojcik", "obriain", "briain", "housing", "city", "leds jones", "john smith planner",
                                      "smi", "smit", "so wo", "li", "zzz", "anne 1", "uid1", "uid12"};
#define CROWD 300
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What the model knows of a person: their words, or that they are not there. */
struct known {
	bool there;
	unsigned authority;
	struct ck_words words;
	struct ck_text uid;
};
static struct known crowd[CROWD];
static uint32_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void change_one(unsigned i)
{
	static char uids[CROWD][16], names[CROWD][64];
	char *uid = uids[i], *name = names[i];
	struct known *k = &crowd[i];
	if (any(10) == 0) {
		if (k->there) ck_builder_remove(b, CK_KIND_STAFF, MANY + i);
		k->there = false;
		return;
	}
	snprintf(uid, 16, "uid%u", i);
	snprintf(name, 64, "%s %s", firsts[any(COUNT(firsts))], lasts[any(COUNT(lasts))]);
	k->authority = 1 + any(2);
	struct ck_record *record = person(MANY + i, k->authority, uid, name);
	record->as.staff.title = t(titles[any(COUNT(titles))]);
	record->as.staff.listed = any(8) != 0;
	record->as.staff.status = any(8) != 0 ? CK_STATUS_ACTIVE : CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	k->there = record->as.staff.listed && record->as.staff.status == CK_STATUS_ACTIVE;
	k->uid = record->as.staff.uid;
	ck_words_of_staff(&k->words, &record->as.staff);
}

/* 0 fits as typed … 7; 8 and more: not at all. Even: by the name. */
static unsigned fit_of(const struct ck_word *asked, const struct ck_word *has)
{
	struct ck_variants variants;
	unsigned fit = 8;
	if (ck_words_equal(asked, has)) return 0;
	ck_word_variants(asked, &variants);
	for (size_t n = 0; n < variants.count; n++)
		if (ck_words_equal(&variants.at[n], has)) return 2;
	if (has->length > asked->length && memcmp(asked->at, has->at, asked->length) == 0) return 4;
	bool letters = asked->at[0] > '9' && ck_word_letters(asked) >= CK_NEAR_LETTERS;
	if (letters && ck_words_near(asked, has)) fit = 6;
	return fit;
}

static uint64_t rank_of(const struct known *k, const struct ck_words *asked, unsigned own)
{
	static const char *const names[] = {"", "Leeds City Council", "City of York"};
	struct ck_words authority = {.count = 0};
	uint64_t rank = k->authority == own ? 0 : 1;
	ck_words_add(&authority, t(names[k->authority]), true);
	for (size_t i = 0; i < asked->count; i++) {
		unsigned best = 8;
		for (size_t j = 0; j < k->words.count; j++) {
			unsigned fit = fit_of(&asked->at[i], &k->words.at[j]) + !k->words.at[j].name;
			if (fit < best) best = fit;
		}
		for (size_t j = 0; j < authority.count; j++) {
			unsigned fit = fit_of(&asked->at[i], &authority.at[j]);
			if (fit == 2) fit = 8; /* authorities have no variants; but what is near is */
			if (fit == 8 && ck_words_near(&asked->at[i], &authority.at[j]) && ck_word_letters(&asked->at[i]) >= CK_NEAR_LETTERS) fit = 6;
			if (fit < best) best = fit;
		}
		if (best >= 8) return UINT64_MAX;
		rank += best / 2 == 3 ? 1000000 : (uint64_t)(best / 2) * 1000;
		rank += best % 2 * 10;
	}
	return rank;
}

static void compare(const char *query, unsigned own)
{
	static bool seen[CROWD];
	struct ck_words asked = {.count = 0};
	size_t expected = 0, count = 0, pages = 0;
	uint64_t before = 0;
	uint8_t cursor[CK_PEOPLE_CURSOR_BYTES];
	struct ck_bytes from = {NULL, 0};
	memset(seen, 0, sizeof seen);
	ck_words_of_query(&asked, t(query));
	for (size_t i = 0; i < CROWD; i++) expected += crowd[i].there && (rank_of(&crowd[i], &asked, own) != UINT64_MAX || ck_text_is(crowd[i].uid, query));
	do {
		ck_assert_int_eq(search_in(query, own, from), CK_OK);
		ck_assert(!page.cut);
		ck_assert_uint_lt(pages++, CROWD);
		for (size_t i = 0; i < page.count; i++) {
			unsigned at = 0;
			while (at < CROWD && !ck_id_equal(page.staff[i], ck_builder_id(MANY + at))) at++;
			ck_assert_uint_lt(at, CROWD);
			ck_assert(crowd[at].there);
			ck_assert_msg(!seen[at], "'%s' shows somebody twice", query);
			seen[at] = true;
			count++;
			if (ck_text_is(crowd[at].uid, query)) continue; /* in full: before all */
			uint64_t rank = rank_of(&crowd[at], &asked, own);
			ck_assert_msg(rank != UINT64_MAX, "'%s' finds somebody whom it does not fit", query);
			ck_assert_msg(rank >= before, "'%s': a better one comes later", query);
			before = rank;
		}
		memcpy(cursor, page.cursor, sizeof cursor);
		from = (struct ck_bytes){cursor, sizeof cursor};
	} while (page.more);
	ck_assert_msg(count == expected, "'%s' finds %zu of %zu", query, count, expected);
}

START_TEST(random_changes_against_a_model)
{
	seed = (uint32_t)_i * 7919u + 1;
	memset(crowd, 0, sizeof crowd);
	for (int round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 250; i++) change_one(any(CROWD));
		for (size_t q = 0; q < COUNT(queries); q++) compare(queries[q], (unsigned)q % 3);
		ck_assert_int_eq(ck_view_verify(ck_builder_view(b)), CK_OK);
	}
	for (unsigned i = 0; i < CROWD; i++) {
		if (crowd[i].there) ck_builder_remove(b, CK_KIND_STAFF, MANY + i);
		crowd[i].there = false;
	}
	for (size_t q = 0; q < COUNT(queries); q++) compare(queries[q], 1);
}
END_TEST

/* Everybody, page by page: York's own first (the odd ones), in the order in which they came. */
static void read_all(const char *query, size_t people)
{
	size_t count = 0;
	uint8_t cursor[CK_PEOPLE_CURSOR_BYTES];
	struct ck_bytes from = {NULL, 0};
	do {
		ck_assert_int_eq(search_in(query, YORK, from), CK_OK);
		for (size_t i = 0; i < page.count; i++, count++) {
			unsigned at = (unsigned)(count < people / 2 ? 2 * count + 1 : 2 * (count - people / 2));
			ck_assert_msg(ck_id_equal(page.staff[i], ck_builder_id(MANY + at)), "%s: another at %zu than %u", query, count, at);
		}
		memcpy(cursor, page.cursor, sizeof cursor);
		from = (struct ck_bytes){cursor, sizeof cursor};
	} while (page.more && count < people);
	ck_assert_uint_eq(count, people);
}

/* Lists that are split, shrink and end; and more people than one page of any list. */
START_TEST(lists_of_many_chunks)
{
	enum { PEOPLE = 5000 };
	static char uids[PEOPLE][16];
	for (unsigned i = 0; i < PEOPLE; i++) {
		char *uid = uids[i];
		snprintf(uid, 16, "u%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'x');
		put(MANY + i, 1 + i % 2, uid, "Mary Common");
	}
	read_all("mary common", PEOPLE);
	/* every third goes, and is in nothing any more */
	for (unsigned i = 0; i < PEOPLE; i += 3) ck_builder_remove(b, CK_KIND_STAFF, MANY + i);
	ck_assert_int_eq(search_in("common", 0, (struct ck_bytes){NULL, 0}), CK_OK);
	ck_assert_id(page.staff[0], MANY + 2);
	ck_assert_int_eq(ck_view_verify(ck_builder_view(b)), CK_OK);
}
END_TEST

/* More lists of several chunks than a view has walkers: what is read without one comes at the same place. */
START_TEST(many_lists_of_many_chunks)
{
	enum { PEOPLE = 12000, NAMES = 20 }; /* 600 of each name, a chunk of both authorities holds 475 */
	static char uids[PEOPLE][16];
	for (unsigned i = 0; i < PEOPLE; i++) {
		char name[] = "Mary Commons.";
		snprintf(uids[i], 16, "u%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'x');
		name[12] = (char)('a' + i / 2 % NAMES);
		put(MANY + i, 1 + i % 2, uids[i], name);
	}
	read_all("common", PEOPLE);
	read_all("mary common", PEOPLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("people search");
	TCase *c = tcase_create("people search");
	tcase_add_checked_fixture(c, begin, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, words_in_any_order);
	tcase_add_test(c, beginnings);
	tcase_add_test(c, one_edit);
	tcase_add_test(c, accents_and_variants);
	tcase_add_test(c, exact_before_variant_before_beginning_before_misspelt);
	tcase_add_test(c, misspelt_come_last_and_on_the_next_page);
	tcase_add_test(c, two_misspelt_words_come_after_one);
	tcase_add_test(c, one_word_of_a_name_a_job_and_an_authority);
	tcase_add_test(c, own_authority_first_among_equals);
	tcase_add_test(c, a_name_before_a_job);
	tcase_add_test(c, in_full);
	tcase_add_test(c, staff_numbers_are_ones_own_authoritys_business);
	tcase_add_test(c, who_is_unlisted_or_suspended_is_not_there);
	tcase_add_test(c, coming_and_going);
	tcase_add_test(c, an_authority_that_is_renamed_and_one_that_comes_late);
	tcase_add_test(c, what_is_no_query);
	tcase_add_test(c, a_cursor_of_another_copy_or_none);
	tcase_add_loop_test(c, random_changes_against_a_model, 0, 4);
	tcase_add_test(c, lists_of_many_chunks);
	tcase_add_test(c, many_lists_of_many_chunks);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
