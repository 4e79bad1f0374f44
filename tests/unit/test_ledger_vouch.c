/* What the ledger keeps of vouches: first the table with its budgets, then as events of the book over a real log, with a clock that is moved. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"
#include "authd/ledger_book.h"
#include "authd/vouch.h"
#include "directory/base/log.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/suite.h"

#define LIFE_S 120
#define LIFE_MS (LIFE_S * 1000)
enum { ADA = 1, BOB = 2, EVE = 3, NORTHTOWN = 100, SOUTHPORT = 101 };

static struct ck_id id_of(unsigned number) { return (struct ck_id){{(uint8_t)number, (uint8_t)(number >> 8), 9}}; }
static struct ck_vouch_checker checker_of(unsigned staff, unsigned authority) { return (struct ck_vouch_checker){id_of(staff), id_of(authority)}; }

/* ---- the table ---- */

static struct ck_vouches *vouches;
static uint8_t digest[CK_VOUCH_DIGEST_BYTES];
static int64_t now_ms;

static void set_up_table(void)
{
	ck_assert_int_eq(ck_vouches_new(&vouches), CK_OK);
	now_ms = 5000;
}
static void tear_down_table(void) { ck_vouches_free(&vouches); }

static const uint8_t *digest_of(unsigned code)
{
	memset(digest, 0, sizeof digest);
	memcpy(digest, &code, sizeof code);
	return digest;
}

static struct ck_vouch_new new_of(unsigned number, unsigned voucher, const char *kind, unsigned for_whom, unsigned code)
{
	struct ck_vouch_new made = {.voucher = id_of(voucher), .digest = digest_of(code), .proof = {(const uint8_t *)"proof", 5}};
	made.statement = (struct ck_vouch_statement){.user = ck_text_of("ada"), .kind = ck_text_of(kind), .id = id_of(for_whom)};
	memcpy(made.id, &number, sizeof number);
	return made;
}

static void add(unsigned number, unsigned voucher, const char *kind, unsigned for_whom, unsigned code)
{
	struct ck_vouch_new made = new_of(number, voucher, kind, for_whom, code);
	ck_assert_ptr_null(ck_vouches_refuse(vouches, &made, now_ms));
	ck_assert_int_eq(ck_vouches_add(vouches, &made, now_ms, LIFE_MS), CK_OK);
}

static struct ck_vouch *get(unsigned number)
{
	uint8_t id[CK_VOUCH_ID_BYTES] = {0};
	memcpy(id, &number, sizeof number);
	return ck_vouches_get(vouches, id, now_ms);
}

static enum ck_vouch_found find(unsigned staff, unsigned authority, unsigned code)
{
	const uint8_t *id;
	bool exhausted;
	struct ck_vouch_checker checker = checker_of(staff, authority);
	return ck_vouches_find(vouches, &checker, digest_of(code), now_ms, &id, &exhausted);
}

START_TEST(only_whom_it_is_for_finds_it)
{
	add(1, ADA, "staff", BOB, 77);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_FOUND);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_FOUND); /* looking uses nothing up */
	ck_assert_int_eq(find(BOB, SOUTHPORT, 78), CK_VOUCH_WRONG);
	ck_assert_int_eq(find(EVE, SOUTHPORT, 77), CK_VOUCH_ELSEWHERE);
	ck_assert_int_eq(find(ADA, NORTHTOWN, 77), CK_VOUCH_ELSEWHERE);
	add(2, ADA, "authority", NORTHTOWN, 79);
	ck_assert_int_eq(find(EVE, NORTHTOWN, 79), CK_VOUCH_FOUND);
	ck_assert_int_eq(find(EVE, SOUTHPORT, 79), CK_VOUCH_ELSEWHERE);
	ck_assert_int_eq(find(ADA, NORTHTOWN, 79), CK_VOUCH_ELSEWHERE); /* not oneself */
	ck_assert_int_eq(find(NORTHTOWN, SOUTHPORT, 79), CK_VOUCH_ELSEWHERE); /* a person whose id is the authority's */
}
END_TEST

START_TEST(its_time_ends_to_the_millisecond_and_it_is_remembered_for_a_while)
{
	struct ck_vouch_checker bob = checker_of(BOB, SOUTHPORT);
	add(1, ADA, "staff", BOB, 77);
	now_ms += LIFE_MS - 1;
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_FOUND);
	now_ms++;
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_OVER);
	ck_assert_str_eq(ck_vouch_refuse_check(get(1), &bob, digest_of(77)), "vouch-expired");
	ck_assert_ptr_null(get(1)->proof);
	ck_assert_int_eq(find(EVE, SOUTHPORT, 77), CK_VOUCH_WRONG);
	struct ck_vouch_new again = new_of(1, ADA, "staff", BOB, 88);
	ck_assert_str_eq(ck_vouches_refuse(vouches, &again, now_ms), "vouch-again");
	struct ck_vouch_new same = new_of(3, ADA, "staff", BOB, 77);
	ck_assert_str_eq(ck_vouches_refuse(vouches, &same, now_ms), "vouch-taken");
	now_ms += CK_VOUCH_REMEMBERED_MS;
	ck_assert_ptr_null(ck_vouches_refuse(vouches, &same, now_ms));
	ck_assert_ptr_null(get(1));
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_WRONG);
}
END_TEST

START_TEST(each_end_is_told_apart_and_is_one)
{
	static const struct {
		enum ck_vouch_state state;
		const char *reason, *name;
	} ends[] = {{CK_VOUCH_CHECKED, "vouch-used", "checked"},
	            {CK_VOUCH_REFUSED, "vouch-used", "refused"},
	            {CK_VOUCH_WITHDRAWN, "vouch-withdrawn", "withdrawn"},
	            {CK_VOUCH_REPLACED, "vouch-withdrawn", "replaced"},
	            {CK_VOUCH_EXPIRED, "vouch-expired", "expired"}};
	struct ck_vouch_checker bob = checker_of(BOB, SOUTHPORT), eve = checker_of(EVE, SOUTHPORT);
	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		add(10 + i, ADA + 1000 + i, "staff", BOB, 100 + i);
		ck_assert_ptr_null(ck_vouch_refuse_check(get(10 + i), &bob, digest_of(100 + i)));
		ck_vouch_end(get(10 + i), ends[i].state, &bob.staff, 1);
		ck_assert_str_eq(ck_vouch_refuse_check(get(10 + i), &bob, digest_of(100 + i)), ends[i].reason);
		ck_assert_str_eq(ck_vouch_refuse_check(get(10 + i), &eve, digest_of(100 + i)), "vouch-wrong");
		ck_assert_str_eq(ck_vouch_refuse_check(get(10 + i), &bob, digest_of(1)), "vouch-wrong");
		ck_assert_str_eq(ck_vouch_state_name(get(10 + i)->state), ends[i].name);
		ck_assert_int_eq(find(BOB, SOUTHPORT, 100 + i), CK_VOUCH_OVER);
	}
	ck_assert_str_eq(ck_vouch_refuse_check(NULL, &bob, digest_of(1)), "vouch-wrong");
}
END_TEST

START_TEST(a_person_has_one_at_a_time)
{
	add(1, ADA, "staff", BOB, 77);
	add(2, EVE, "staff", BOB, 78);
	add(3, ADA, "staff", EVE, 79);
	ck_assert_int_eq(get(1)->state, CK_VOUCH_REPLACED);
	ck_assert_int_eq(get(2)->state, CK_VOUCH_OPEN);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_OVER);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 78), CK_VOUCH_FOUND);
	ck_assert_int_eq(find(EVE, SOUTHPORT, 79), CK_VOUCH_FOUND);
}
END_TEST

START_TEST(who_guesses_is_heard_no_more_for_a_while_and_others_are)
{
	const uint8_t *id;
	bool exhausted;
	struct ck_vouch_checker bob = checker_of(BOB, SOUTHPORT);
	add(1, ADA, "staff", BOB, 77);
	add(2, EVE, "authority", SOUTHPORT, 78);
	for (unsigned i = 1; i <= CK_VOUCH_TRIES; i++) {
		ck_assert_int_eq(ck_vouches_find(vouches, &bob, digest_of(1000 + i), now_ms, &id, &exhausted), CK_VOUCH_WRONG);
		ck_assert_int_eq(exhausted, i == CK_VOUCH_TRIES);
	}
	ck_assert_int_eq(ck_vouches_find(vouches, &bob, digest_of(77), now_ms, &id, &exhausted), CK_VOUCH_TOO_MANY);
	ck_assert(!exhausted && id == NULL);
	ck_assert_int_eq(find(50, SOUTHPORT, 78), CK_VOUCH_FOUND);
	now_ms += CK_VOUCH_WINDOW_MS - 1;
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_TOO_MANY);
	now_ms++;
	add(3, ADA, "staff", BOB, 80);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 80), CK_VOUCH_FOUND);
}
END_TEST

START_TEST(all_together_have_a_budget_too)
{
	unsigned wrong = 0;
	add(1, ADA, "staff", BOB, 77);
	for (unsigned person = 1000; find(person, SOUTHPORT, 5) == CK_VOUCH_WRONG; person++) ck_assert_uint_le(++wrong, CK_VOUCH_TRIES_ALL);
	ck_assert_uint_eq(wrong, CK_VOUCH_TRIES_ALL);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_TOO_MANY);
	now_ms += CK_VOUCH_WINDOW_MS;
	add(2, ADA, "staff", BOB, 78);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 78), CK_VOUCH_FOUND);
}
END_TEST

START_TEST(a_code_for_somebody_else_counts_as_a_guess)
{
	add(1, ADA, "staff", BOB, 77);
	for (unsigned i = 0; i < CK_VOUCH_TRIES; i++) ck_assert_int_eq(find(EVE, SOUTHPORT, 77), CK_VOUCH_ELSEWHERE);
	ck_assert_int_eq(find(EVE, SOUTHPORT, 77), CK_VOUCH_TOO_MANY);
}
END_TEST

START_TEST(the_table_is_bounded_and_what_is_open_makes_no_room)
{
	for (unsigned i = 0; i < CK_VOUCHES_LIMIT; i++) add(i, 10000 + i, "staff", BOB, i);
	struct ck_vouch_new more = new_of(CK_VOUCHES_LIMIT, 9999, "staff", BOB, CK_VOUCHES_LIMIT);
	ck_assert_str_eq(ck_vouches_refuse(vouches, &more, now_ms), "vouch-limit");
	now_ms += LIFE_MS;
	add(CK_VOUCHES_LIMIT, 9999, "staff", BOB, CK_VOUCHES_LIMIT);
	ck_assert_ptr_null(get(0));
	ck_assert_ptr_nonnull(get(1));
	ck_assert_int_eq(find(BOB, SOUTHPORT, CK_VOUCHES_LIMIT), CK_VOUCH_FOUND);
}
END_TEST

START_TEST(many_checkers_are_bounded_too)
{
	for (unsigned person = 2000; person < 2000 + 2 * CK_VOUCH_CHECKERS_LIMIT; person++) {
		(void)find(person, SOUTHPORT, 5);
		now_ms += CK_VOUCH_WINDOW_MS / CK_VOUCH_TRIES_ALL + 1;
	}
	add(1, ADA, "staff", BOB, 77);
	ck_assert_int_eq(find(BOB, SOUTHPORT, 77), CK_VOUCH_FOUND);
}
END_TEST

/* ---- the book ---- */

static struct ck_book *book;
static struct ck_book_settings settings;
static uint32_t counter;
static uint8_t nonce;

static void open_book(void)
{
	struct ck_errmsg err = {""};
	ck_assert_msg(ck_book_open(&settings, &book, &err) == CK_OK, "%s", err.text);
}

static void set_up_book(void)
{
	fixture_make();
	settings = (struct ck_book_settings){.limits = fixture_limits(0), .refusals_per_minute = 3, .tries_per_minute = 1000,
	                                     .logins_per_minute = 1000, .checkpoint_interval_s = 300,
	                                     .key_use_interval_s = 3600, .challenge_limit_s = 120, .vouch_limit_s = LIFE_S, .boot = "boot-1"};
	strcpy(settings.directory, fixture_directory);
	ck_log_init("test", CK_LOG_ALARM);
	open_book();
}
static void tear_down_book(void)
{
	ck_book_free(&book);
	fixture_remove_all();
}

/* What a message says, all of it right unless it is changed. */
struct said {
	const char *user, *signed_user;
	unsigned staff, authority, code;
	const uint8_t *id;
	uint8_t key;      /* the key's hash */
	bool no_digest, wrong_id, short_target, no_reason;
	bool for_authority, no_budget_but_said, budget_text;
	unsigned budget; /* 0: not said */
};

static uint8_t proof_bytes[CK_VOUCH_PROOF_LIMIT_BYTES], made_id[CK_VOUCH_ID_BYTES];
static uint8_t key_hash[32] = {5};

static size_t make_proof(const struct said *s)
{
	static const uint8_t auth_data[37] = {1}, signature[8] = {2};
	static uint8_t statement[CK_VOUCH_STATEMENT_LIMIT_BYTES];
	uint8_t hash[32];
	size_t length;
	struct ck_vouch_statement signed_statement = {.system = ck_text_of("core1"), .user = ck_text_of(s->signed_user != NULL ? s->signed_user : s->user),
	                                              .kind = ck_text_of("staff"), .name = ck_text_of("bob"), .id = id_of(BOB), .nonce = {nonce}};
	ck_assert_int_eq(ck_vouch_statement_encode(&signed_statement, statement, sizeof statement, &length), CK_OK);
	ck_assert_int_eq(ck_vouch_hash(&signed_statement, hash), CK_OK);
	memcpy(made_id, hash, sizeof made_id);
	struct ck_vouch_proof proof = {{statement, length}, {key_hash, 32}, {auth_data, sizeof auth_data}, {signature, sizeof signature}};
	ck_assert_int_eq(ck_vouch_proof_encode(&proof, proof_bytes, sizeof proof_bytes, &length), CK_OK);
	return length;
}

static struct ck_map *encode(unsigned event, const struct said *s)
{
	static uint8_t bytes[8192];
	static struct ck_map map;
	struct ck_writer w;
	struct ck_map_writer m;
	struct ck_id staff = id_of(s->staff), authority = id_of(s->authority);
	uint8_t id[CK_VOUCH_ID_BYTES], hash[32] = {5};
	bool made = event == CK_EVENT_VOUCH_MADE, find_it = event == 0;
	size_t proof_length = made ? make_proof(s) : 0;
	memcpy(id, s->id != NULL ? s->id : made_id, sizeof id);
	if (s->wrong_id) id[0] ^= 1;
	hash[1] = s->key;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, find_it ? CK_MSG_VOUCH_FIND : CK_MSG_RECORD);
	ck_field_uint(&m, CK_F_REQUEST, 1);
	ck_field_string(&m, CK_F_USER, s->user);
	if (event == CK_EVENT_VOUCH_REFUSED && !s->no_reason) ck_field_string(&m, CK_F_REASON, "vouch-ended");
	if (!find_it) ck_field_bytes(&m, CK_F_ID, id, sizeof id);
	if ((!made || s->for_authority) && event != CK_EVENT_VOUCH_WITHDRAWN) ck_field_bytes(&m, CK_F_AUTHORITY, authority.bytes, sizeof authority.bytes);
	if (made) ck_field_uint(&m, CK_F_PROVED, CK_PROVED_DEFAULT);
	if (!find_it) ck_field_uint(&m, CK_F_EVENT, event);
	if (made) ck_field_bytes(&m, CK_F_HASH, hash, sizeof hash);
	if (made) ck_field_uint(&m, CK_F_COUNT, ++counter);
	ck_field_uint(&m, CK_F_PEER_UID, 0);
	if (event != CK_EVENT_VOUCH_WITHDRAWN) ck_field_bytes(&m, CK_F_TARGET, staff.bytes, s->short_target ? 15 : sizeof staff.bytes);
	if (event != CK_EVENT_VOUCH_WITHDRAWN && !s->no_digest) ck_field_bytes(&m, CK_F_DIGEST, digest_of(s->code), CK_VOUCH_DIGEST_BYTES);
	if (made) ck_field_bytes(&m, CK_F_PROOF, proof_bytes, proof_length);
	if (s->budget_text) ck_field_string(&m, CK_F_BUDGET, "person");
	else if (s->budget != 0 || s->no_budget_but_said) ck_field_uint(&m, CK_F_BUDGET, s->budget);
	ck_map_end(&m);
	ck_assert(!w.failed);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){bytes, ck_writer_length(&w)}, &map), CK_OK);
	return &map;
}

static enum ck_error record(unsigned event, const struct said *s, struct ck_book_answer *out)
{
	struct ck_errmsg err;
	enum ck_error error = ck_book_record(book, CK_PROCESS_GATE, encode(event, s), out);
	ck_assert_int_eq(ck_book_write(book, &err), CK_OK);
	ck_assert_int_eq(ck_book_flush(book, &err), CK_OK);
	return error;
}

static const char *stands(unsigned event, const struct said *s)
{
	struct ck_book_answer answer;
	ck_assert_int_eq(record(event, s, &answer), CK_OK);
	ck_assert(answer.verdict == (answer.reason == NULL));
	ck_assert(answer.flush_first == (event == CK_EVENT_VOUCH_MADE || event == CK_EVENT_VOUCH_CHECKED));
	return answer.reason;
}

static const char *looked_for(const struct said *s)
{
	struct ck_book_answer answer;
	struct ck_errmsg err;
	const struct ck_vouch *found;
	const uint8_t *id;
	ck_assert_int_eq(ck_book_find_vouch(book, encode(0, s), &answer, &found, &id), CK_OK);
	ck_assert_int_eq(ck_book_write(book, &err), CK_OK);
	ck_assert(!answer.verdict);
	if (found != NULL) ck_assert_mem_eq(id, made_id, sizeof made_id);
	return found != NULL ? "found" : answer.reason;
}

static const char *state(void)
{
	const struct ck_vouch *vouch = ck_book_vouch(book, made_id);
	return vouch == NULL ? "gone" : ck_vouch_state_name(vouch->state);
}

/* The newest record that holds all of it. */
static void recorded(const char *event, const char *a, const char *b)
{
	char line[16384];
	unsigned count = fixture_line_count();
	for (unsigned n = count; n > 0; n--) {
		fixture_line(n, line, sizeof line);
		if (strstr(line, event) != NULL && strstr(line, a) != NULL && strstr(line, b) != NULL) return;
	}
	ck_abort_msg("not recorded: %s %s %s", event, a, b);
}

static const struct said adas = {.user = "ada", .staff = ADA, .code = 77};
static const struct said bobs = {.user = "bob", .staff = BOB, .authority = SOUTHPORT, .code = 77};
static const struct said eves = {.user = "eve", .staff = EVE, .authority = SOUTHPORT, .code = 77};

static void make(void)
{
	nonce++;
	ck_assert_ptr_null(stands(CK_EVENT_VOUCH_MADE, &adas));
	ck_assert_str_eq(state(), "open");
}

START_TEST(a_code_is_made_found_checked_once_and_written_down)
{
	make();
	recorded(" vouch-made ", "user=ada", "for-kind=staff for-name=bob");
	ck_assert_str_eq(looked_for(&bobs), "found");
	ck_assert_ptr_null(stands(CK_EVENT_VOUCH_CHECKED, &bobs));
	recorded(" vouch-checked ", "user=bob", "voucher=ada");
	ck_assert_str_eq(state(), "checked");
	ck_assert(ck_id_equal(ck_book_vouch(book, made_id)->checker, id_of(BOB)));
	ck_assert_str_eq(looked_for(&bobs), "vouch-used");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_CHECKED, &bobs), "vouch-used");
	recorded(" vouch-refused ", "user=bob", "refused=vouch-used");
	ck_assert(!fixture_any_file_holds((const uint8_t *)"digest=", 7));
}
END_TEST

/* Whose card is shown with the code is paid for: by whom and out of which budget is said as a whole, or not at all. */
START_TEST(a_budget_is_said_whole_or_not_at_all)
{
	struct ck_book_answer answer;
	struct said wrong[7];
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		wrong[i] = adas;
		wrong[i].for_authority = true;
		wrong[i].budget = CK_FIND_BUDGET_PERSON;
	}
	wrong[0].for_authority = false;
	wrong[1].budget = 0; /* an authority, and no budget */
	wrong[2].budget = 0;
	wrong[2].no_budget_but_said = true;
	wrong[3].budget = CK_FIND_BUDGET_SWITCHBOARD + 1;
	wrong[4].budget = UINT32_MAX;
	wrong[5].budget_text = true;
	wrong[6].short_target = true;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ck_assert_msg(record(CK_EVENT_VOUCH_MADE, &wrong[i], &answer) == CK_ERR_INVALID, "%zu", i);
		ck_assert(!answer.verdict);
	}
	struct said right = adas;
	right.for_authority = true;
	right.budget = CK_FIND_BUDGET_PERSON;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_MADE, &right), "budget"); /* well said; but here nobody may look up anybody elsewhere */
}
END_TEST

START_TEST(what_is_said_beside_the_proof_must_be_in_it)
{
	struct ck_book_answer answer;
	struct said wrong[] = {adas, adas, adas, adas, adas};
	wrong[0].signed_user = "eve";
	wrong[1].wrong_id = true;
	wrong[2].key = 1;
	wrong[3].short_target = true;
	wrong[4].no_digest = true;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ck_assert_int_eq(record(CK_EVENT_VOUCH_MADE, &wrong[i], &answer), CK_ERR_INVALID);
		ck_assert(!answer.verdict);
	}
	struct said bad = bobs;
	make();
	bad.no_digest = true;
	ck_assert_int_eq(record(CK_EVENT_VOUCH_CHECKED, &bad, &answer), CK_ERR_INVALID);
	bad = bobs;
	bad.short_target = true;
	ck_assert_int_eq(record(CK_EVENT_VOUCH_CHECKED, &bad, &answer), CK_ERR_INVALID);
	bad = bobs;
	bad.no_reason = true;
	ck_assert_int_eq(record(CK_EVENT_VOUCH_REFUSED, &bad, &answer), CK_ERR_INVALID);
	ck_assert_int_eq(ck_book_record(book, CK_PROCESS_REPLICA, encode(CK_EVENT_VOUCH_MADE, &adas), &answer), CK_ERR_DENIED);
	ck_assert_str_eq(state(), "open");
}
END_TEST

START_TEST(a_malformed_question_is_none)
{
	struct ck_book_answer answer;
	const struct ck_vouch *found;
	const uint8_t *id;
	struct said bad = bobs;
	bad.no_digest = true;
	ck_assert_int_eq(ck_book_find_vouch(book, encode(0, &bad), &answer, &found, &id), CK_ERR_INVALID);
	bad = bobs;
	bad.short_target = true;
	ck_assert_int_eq(ck_book_find_vouch(book, encode(0, &bad), &answer, &found, &id), CK_ERR_INVALID);
	ck_assert(found == NULL && !answer.verdict);
}
END_TEST

START_TEST(the_same_signature_is_good_once)
{
	make();
	struct said again = adas;
	again.code = 78;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_MADE, &again), "vouch-again");
	ck_assert_str_eq(state(), "open");
	ck_assert_ptr_null(stands(CK_EVENT_VOUCH_WITHDRAWN, &adas));
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_MADE, &again), "vouch-again");
	ck_assert_str_eq(state(), "withdrawn");
}
END_TEST

START_TEST(a_counter_that_went_back_makes_no_code)
{
	make();
	struct said next = adas;
	next.code = 78;
	nonce++;
	counter -= 2;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_MADE, &next), "counter");
	ck_assert_str_eq(state(), "gone");
	recorded(" counter-alarm ", "event=vouch-made", "outcome=refused");
	ck_assert(!fixture_any_file_holds((const uint8_t *)"digest=", 7));
}
END_TEST

START_TEST(a_person_has_so_many_touches_a_minute_for_codes_too)
{
	struct said next = adas;
	ck_book_free(&book);
	settings.logins_per_minute = 1;
	open_book();
	make();
	next.code = 78;
	nonce++;
	struct ck_book_answer answer;
	ck_assert_int_eq(record(CK_EVENT_VOUCH_MADE, &next, &answer), CK_OK);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "too-many-logins");
	ck_assert_str_eq(state(), "gone");
	recorded(" login-limited ", "event=vouch-made", "user=ada");
	ck_assert(!fixture_any_file_holds((const uint8_t *)"digest=", 7));
}
END_TEST

START_TEST(the_counter_is_known_after_a_start_and_the_code_is_not)
{
	struct ck_errmsg err;
	make();
	ck_assert_int_eq(ck_book_stop(book, &err), CK_OK);
	ck_book_free(&book);
	fixture_remove_all();
	set_up_book();
	make();
	ck_book_free(&book);
	open_book(); /* from the records alone */
	ck_assert_str_eq(state(), "gone");
	ck_assert_str_eq(looked_for(&bobs), "vouch-wrong");
	nonce++;
	counter--;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_MADE, &adas), "counter");
}
END_TEST

START_TEST(two_minutes_go_by_the_clock_that_nobody_sets)
{
	make();
	ck_fake_wall_s += 3600;
	ck_assert_str_eq(looked_for(&bobs), "found");
	ck_fake_boot_ms += LIFE_MS - 5000;
	ck_assert_str_eq(looked_for(&bobs), "found");
	ck_fake_boot_ms += 5000;
	ck_assert_str_eq(looked_for(&bobs), "vouch-expired");
	recorded(" vouch-refused ", "user=bob", "reason=vouch-expired");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_CHECKED, &bobs), "vouch-expired");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_WITHDRAWN, &adas), "vouch-over");
	ck_assert_str_eq(state(), "expired");
}
END_TEST

START_TEST(only_who_made_it_withdraws_it)
{
	make();
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_WITHDRAWN, &eves), "vouch-gone");
	struct said nothing = adas;
	uint8_t other[CK_VOUCH_ID_BYTES] = {1};
	nothing.id = other;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_WITHDRAWN, &nothing), "vouch-gone");
	ck_assert_ptr_null(stands(CK_EVENT_VOUCH_WITHDRAWN, &adas));
	ck_assert_str_eq(looked_for(&bobs), "vouch-withdrawn");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_CHECKED, &bobs), "vouch-withdrawn");
}
END_TEST

START_TEST(who_it_is_not_for_learns_nothing_and_is_an_alarm)
{
	make();
	ck_assert_str_eq(looked_for(&eves), "vouch-wrong");
	recorded(" vouch-refused ", "user=eve", "reason=vouch-elsewhere voucher=ada");
	recorded(" alarm ", "eve\\x20entered", "ada\\x20made");
	struct said none = eves;
	none.code = 1;
	ck_assert_str_eq(looked_for(&none), "vouch-wrong");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_CHECKED, &eves), "vouch-wrong");
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_REFUSED, &eves), "vouch-wrong");
	ck_assert_str_eq(state(), "open");
	struct said other_code = bobs;
	other_code.code = 1;
	ck_assert_str_eq(stands(CK_EVENT_VOUCH_CHECKED, &other_code), "vouch-wrong");
	ck_assert_str_eq(state(), "open");
}
END_TEST

START_TEST(what_has_ended_meanwhile_uses_it_up)
{
	make();
	ck_assert_ptr_null(stands(CK_EVENT_VOUCH_REFUSED, &bobs));
	ck_assert_str_eq(state(), "refused");
	ck_assert_str_eq(looked_for(&bobs), "vouch-used");
}
END_TEST

START_TEST(guesses_are_recorded_until_they_are_counted_and_end_in_an_alarm)
{
	struct said guess = bobs;
	make();
	for (unsigned i = 0; i < CK_VOUCH_TRIES; i++) {
		guess.code = 1000 + i;
		ck_assert_str_eq(looked_for(&guess), "vouch-wrong");
	}
	recorded(" alarm ", "bob", "wrong\\x20codes");
	unsigned lines = fixture_line_count();
	for (unsigned i = 0; i < 500; i++) ck_assert_str_eq(looked_for(&bobs), "vouch-tries");
	ck_assert_uint_le(fixture_line_count(), lines + 3); /* refusals_per_minute */
	recorded(" vouch-refused ", "user=bob", "reason=vouch-tries");
	ck_assert_str_eq(state(), "open");
	ck_fake_boot_ms += CK_VOUCH_WINDOW_MS;
	make();
	ck_assert_str_eq(looked_for(&bobs), "found");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger_vouch");
	TCase *table = tcase_create("table"), *events = tcase_create("events");
	if (sodium_init() < 0) return EXIT_FAILURE;
	tcase_add_checked_fixture(table, set_up_table, tear_down_table);
	tcase_add_test(table, only_whom_it_is_for_finds_it);
	tcase_add_test(table, its_time_ends_to_the_millisecond_and_it_is_remembered_for_a_while);
	tcase_add_test(table, each_end_is_told_apart_and_is_one);
	tcase_add_test(table, a_person_has_one_at_a_time);
	tcase_add_test(table, who_guesses_is_heard_no_more_for_a_while_and_others_are);
	tcase_add_test(table, all_together_have_a_budget_too);
	tcase_add_test(table, a_code_for_somebody_else_counts_as_a_guess);
	tcase_add_test(table, the_table_is_bounded_and_what_is_open_makes_no_room);
	tcase_add_test(table, many_checkers_are_bounded_too);
	tcase_add_checked_fixture(events, set_up_book, tear_down_book);
	tcase_add_test(events, a_code_is_made_found_checked_once_and_written_down);
	tcase_add_test(events, a_budget_is_said_whole_or_not_at_all);
	tcase_add_test(events, what_is_said_beside_the_proof_must_be_in_it);
	tcase_add_test(events, a_malformed_question_is_none);
	tcase_add_test(events, the_same_signature_is_good_once);
	tcase_add_test(events, a_counter_that_went_back_makes_no_code);
	tcase_add_test(events, a_person_has_so_many_touches_a_minute_for_codes_too);
	tcase_add_test(events, the_counter_is_known_after_a_start_and_the_code_is_not);
	tcase_add_test(events, two_minutes_go_by_the_clock_that_nobody_sets);
	tcase_add_test(events, only_who_made_it_withdraws_it);
	tcase_add_test(events, who_it_is_not_for_learns_nothing_and_is_an_alarm);
	tcase_add_test(events, what_has_ended_meanwhile_uses_it_up);
	tcase_add_test(events, guesses_are_recorded_until_they_are_counted_and_end_in_an_alarm);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, events);
	return suite_run(suite);
}
