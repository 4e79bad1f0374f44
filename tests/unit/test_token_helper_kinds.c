/* The token helper with each kind of key: fingers that are known or not, PINs that are set or not, U2F, RSA; and what it makes on each. */
#include "tests/unit/test_token_helper.h"

#define VERIFY "Verify yourself on your security key now"
#define NO_PIN "This security key has no PIN, and one is demanded here: set one (fido2-token -S) and begin anew, or use another key"
#define TAKES_NO_PIN "This security key takes no PIN, and one is demanded here: use another key"

static const unsigned protocols[] = {0, CK_SOFT_PROTOCOL_2, CK_SOFT_UV_TOKEN, CK_SOFT_UV_TOKEN | CK_SOFT_PROTOCOL_2,
                                     CK_SOFT_UV_TOKEN | CK_SOFT_ONLY_PROTOCOL_2};
#define PROTOCOLS (sizeof protocols / sizeof protocols[0])

static void load(const char *name, struct ck_soft_state *out)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	ck_assert_int_eq(ck_soft_load(path, out, NULL), CK_OK);
}

static void start(struct talk *talk, const struct ck_soft_credential *credential, bool verify)
{
	struct request request = request_for(credential, verify);
	request.time_ms = LONG_MS;
	ask(talk, &request);
}

/* ---- by PIN and by finger ---- */
START_TEST(pin_by_each_protocol)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = protocols[_i];
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "0000", true);
	expect_said(&talk, "pin-wrong", "PIN wrong, 7 tries left");
	expect_pin_wanted(&talk, 7);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(right_finger)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = protocols[_i];
	kind.builtin_uv = true;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(wrong_finger_then_right)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = protocols[_i];
	kind.builtin_uv = true;
	kind.wrong_fingers = 2;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect_said(&talk, "finger-wrong", "Not recognised, 2 tries left");
	expect_said(&talk, "finger-wrong", "Not recognised, 1 try left");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(wrong_fingers_then_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = protocols[_i];
	kind.builtin_uv = true;
	kind.wrong_fingers = 3;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect_said(&talk, "finger-blocked", "Not recognised too often: your security key wants its PIN");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(finger_denied_then_pin)
{
	/* CTAP 2.0 */
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = CK_SOFT_UV_DENIES;
	kind.builtin_uv = true;
	kind.wrong_fingers = 1;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-blocked");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(fingers_blocked_before)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = protocols[_i];
	kind.builtin_uv = true;
	kind.uv_retries = 0;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-blocked");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(fingers_blocked_and_no_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.builtin_uv = true;
	kind.wrong_fingers = 3;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect_last(&talk, "finger-blocked",
	            "This security key recognised nobody too often, and has no PIN: set one (fido2-token -S) and begin anew, or use another key");
}
END_TEST

START_TEST(pin_blocked_after_fingers)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.builtin_uv = true;
	kind.uv_retries = 0;
	kind.retries = 0;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-blocked");
	expect_failed(&talk, "pin-blocked");
}
END_TEST

START_TEST(no_finger_enrolled)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(_i == 0 ? "1234" : NULL);
	kind.builtin_uv = true;
	kind.abilities = CK_SOFT_NO_FINGER;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	if (_i == 0) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1234", true);
		expect_touch(&talk);
		expect_asserted(&talk, &credential, true);
	} else {
		expect_last(&talk, "pin-not-set", NO_PIN);
	}
}
END_TEST

START_TEST(two_with_fingers)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	static const char *const names[] = {"a", "b"};
	struct request request = {.verify = true, .time_ms = LONG_MS};
	for (size_t i = 0; i < 2; i++) {
		init_kind("1234");
		kind.abilities = protocols[3];
		kind.builtin_uv = true;
		kind.wrong_fingers = 1;
		kind.misbehaviour = CK_SOFT_NO_TOUCH;
		create_kind(names[i], &credential[i]);
		request.ids[request.count++] = (struct ck_bytes){credential[i].id, credential[i].id_length};
	}
	ask(&talk, &request);
	expect_said(&talk, "touch-now", "Several security keys are plugged in: touch the one to use");
	misbehave(names[_i], 0);
	expect_said(&talk, "finger-wrong", "Not recognised, 2 tries left");
	expect_asserted(&talk, &credential[_i], true);
}
END_TEST

START_TEST(one_with_finger_and_one_with_pin)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	struct request request;
	create_key("a-pin", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	init_kind("2222");
	kind.builtin_uv = true;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("b-finger", &credential[1]);
	request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_said(&talk, "touch-now", "Several security keys are plugged in: touch the one to use");
	misbehave(_i == 0 ? "a-pin" : "b-finger", 0);
	if (_i == 0) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1111", true);
		expect_touch(&talk);
	}
	expect_asserted(&talk, &credential[_i], true);
}
END_TEST

START_TEST(always_verifies)
{
	/* although it is not demanded: by finger where there is one, else by PIN */
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.abilities = CK_SOFT_ALWAYS_UV;
	kind.builtin_uv = _i == 1;
	create_kind("mine", &credential);
	start(&talk, &credential, false);
	expect_touch(&talk);
	if (_i == 0) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1234", true);
		expect_touch(&talk);
	} else {
		expect_said(&talk, "touch-now", VERIFY);
	}
	expect(&talk, CK_TOKEN_ASSERTED, "");
	expect_exit(&talk, 0);
}
END_TEST

START_TEST(one_of_several_always_verifies)
{
	/* its PIN is not asked for before it is chosen */
	struct talk talk;
	struct ck_soft_credential credential[2];
	init_kind("1111");
	kind.abilities = CK_SOFT_ALWAYS_UV;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("a-strict", &credential[0]);
	create_key("b", NULL, CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], false);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave(_i == 0 ? "a-strict" : "b", 0);
	if (_i == 0) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1111", true);
		expect_touch(&talk);
	}
	expect(&talk, CK_TOKEN_ASSERTED, "");
	expect_exit(&talk, 0);
}
END_TEST

START_TEST(no_pin_and_another_key)
{
	/* the one that can is used, without a word */
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", NULL, 0, &credential[0]);
	create_key("b", "2222", 0, &credential[1]);
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
}
END_TEST

START_TEST(pin_blocked_and_another_key)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", 0, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	update("a", put_retries, &(unsigned){0});
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now"); /* a is touched */
	expect_said(&talk, "pin-blocked", "The PIN of this security key is blocked, your account is not: use another key");
	expect_pin_wanted(&talk, 8);
	misbehave("b", 0);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
}
END_TEST

START_TEST(takes_no_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = CK_SOFT_NO_PIN;
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_last(&talk, "cannot-verify", TAKES_NO_PIN);
}
END_TEST

/* ---- U2F, RSA ---- */
START_TEST(u2f)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	create_kind("mine", &credential);
	start(&talk, &credential, _i == 1);
	if (_i == 0) {
		expect_touch(&talk);
		expect_asserted(&talk, &credential, false);
	} else {
		expect_last(&talk, "cannot-verify", TAKES_NO_PIN);
	}
}
END_TEST

START_TEST(u2f_not_enrolled)
{
	/* an id that is longer than U2F's may be is no reason to fail */
	static const uint8_t longer[300];
	struct talk talk;
	struct request request = {.time_ms = LONG_MS, .count = 2, .ids = {{longer, sizeof longer}, {other_id, sizeof other_id}}};
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	create_kind("mine", NULL);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "wrong-key");
	give_up(&talk);
}
END_TEST

START_TEST(u2f_touched_late)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("mine", &credential);
	start(&talk, &credential, false);
	expect_touch(&talk);
	if (_i == 1) {
		misbehave("mine", CK_SOFT_NO_TOUCH | CK_SOFT_REMOVED);
		expect(&talk, CK_TOKEN_SAY, "key-removed");
		misbehave("mine", CK_SOFT_NO_TOUCH);
		expect_touch(&talk);
	}
	misbehave("mine", 0);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(u2f_and_client_goes_away)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("mine", &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	give_up(&talk);
}
END_TEST

START_TEST(u2f_beside_another)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("a-u2f", &credential[0]);
	create_key("b", "1234", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], false);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave(_i == 0 ? "a-u2f" : "b", 0);
	expect_asserted(&talk, &credential[_i], false);
}
END_TEST

START_TEST(rsa)
{
	static const unsigned bits[] = {2048, 3072, 4096};
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	ck_assert(ck_soft_make_rsa_credential(&kind.credentials[0], RP, bits[_i], 65537));
	create_kind("mine", &credential);
	start(&talk, &credential, true);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

/* ---- making ---- */
static void make(struct talk *talk, bool verify)
{
	struct request request = {.create = true, .verify = verify, .time_ms = LONG_MS};
	ask(talk, &request);
}

static void expect_traits(const struct talk *talk, unsigned traits)
{
	uint64_t told = 0;
	ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_TRAITS, 0, UINT32_MAX, &told), CK_OK);
	ck_assert_uint_eq(told, traits);
}

/* As the key kept it. */
static void expect_kept(bool resident, unsigned protection)
{
	static struct ck_soft_state state;
	load("mine", &state);
	ck_assert_uint_eq(state.count, 2);
	ck_assert(state.credentials[1].resident == resident);
	ck_assert_uint_eq(state.credentials[1].protection, protection);
}

START_TEST(made_as_good_as_it_can)
{
	static const struct {
		unsigned abilities, traits, protection;
		bool finger, resident;
	} cases[] = {
		{0, CK_TOLD_DISCOVERABLE | CK_TOLD_USB, 2, false, true},
		{CK_SOFT_NO_RK, CK_TOLD_USB, 2, false, false},
		{CK_SOFT_NO_PROTECTION, CK_TOLD_DISCOVERABLE | CK_TOLD_USB, 1, false, true},
		{CK_SOFT_NO_RK | CK_SOFT_NO_PROTECTION, CK_TOLD_USB, 1, false, false},
		{CK_SOFT_UV_TOKEN | CK_SOFT_PROTOCOL_2, CK_TOLD_DISCOVERABLE | CK_TOLD_BIOMETRIC | CK_TOLD_USB, 2, true, true},
	};
	struct talk talk;
	init_kind("1234");
	kind.abilities = cases[_i].abilities;
	kind.builtin_uv = cases[_i].finger;
	create_kind("mine", NULL);
	make(&talk, true);
	if (!cases[_i].finger) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1234", true);
	}
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256, "self");
	expect_traits(&talk, cases[_i].traits);
	expect_kept(cases[_i].resident, cases[_i].protection);
}
END_TEST

START_TEST(made_with_wrong_fingers)
{
	struct talk talk;
	init_kind("1234");
	kind.abilities = protocols[_i];
	kind.builtin_uv = true;
	kind.wrong_fingers = 3;
	create_kind("mine", NULL);
	make(&talk, true);
	expect_said(&talk, "touch-now", VERIFY);
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect(&talk, CK_TOKEN_SAY, "finger-wrong");
	expect(&talk, CK_TOKEN_SAY, "finger-blocked");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_created(&talk, true, CK_SOFT_ES256, "self");
}
END_TEST

START_TEST(made_by_rsa)
{
	/* where the key says what it can, and where it has to be tried */
	struct talk talk;
	init_kind(NULL);
	kind.only_rsa_bits = 2048;
	kind.abilities = _i == 0 ? 0 : CK_SOFT_UV_TOKEN;
	create_kind("mine", NULL);
	make(&talk, false);
	expect_touch(&talk);
	expect_created(&talk, false, CK_SOFT_RS256, "self");
}
END_TEST

START_TEST(made_by_rsa_beyond_libfido2)
{
	/* libfido2 1.12 takes RS256 keys of 2048 bits only; a longer one, enrolled elsewhere, signs all the same */
	struct talk talk;
	init_kind(NULL);
	kind.only_rsa_bits = 3072;
	create_kind("mine", NULL);
	struct request request = {.create = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect_touch(&talk);
	expect(&talk, CK_TOKEN_SAY, "device-error");
	give_up(&talk);
}
END_TEST

START_TEST(made_by_u2f)
{
	struct talk talk;
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	create_kind("mine", NULL);
	make(&talk, false);
	expect_touch(&talk);
	misbehave("mine", 0);
	expect_created(&talk, false, CK_SOFT_ES256, "certificate");
	expect_traits(&talk, CK_TOLD_USB);
}
END_TEST

START_TEST(made_with_a_certificate)
{
	struct talk talk;
	const struct ck_soft_maker_wish wish = {.with_middle = _i == 1};
	init_kind(NULL);
	ck_assert(ck_soft_make_maker(&kind.maker, &wish));
	create_kind("mine", NULL);
	make(&talk, false);
	expect_touch(&talk);
	expect_created(&talk, false, CK_SOFT_ES256, "certificate");
}
END_TEST

START_TEST(made_already_on_u2f)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind(NULL);
	kind.abilities = CK_SOFT_U2F_ONLY;
	create_kind("mine", &credential);
	struct request request = request_for(&credential, false);
	request.create = true;
	ask(&talk, &request);
	expect_touch(&talk);
	expect_failed(&talk, "already-enrolled");
}
END_TEST

int main(void)
{
	const struct {
		const TTest *test;
		int times;
	} tests[] = {{pin_by_each_protocol, PROTOCOLS},
	             {right_finger, PROTOCOLS},
	             {wrong_finger_then_right, PROTOCOLS},
	             {wrong_fingers_then_pin, PROTOCOLS},
	             {finger_denied_then_pin, 1},
	             {fingers_blocked_before, PROTOCOLS},
	             {fingers_blocked_and_no_pin, 1},
	             {pin_blocked_after_fingers, 1},
	             {no_finger_enrolled, 2},
	             {two_with_fingers, 2},
	             {one_with_finger_and_one_with_pin, 2},
	             {always_verifies, 2},
	             {one_of_several_always_verifies, 2},
	             {no_pin_and_another_key, 1},
	             {pin_blocked_and_another_key, 1},
	             {takes_no_pin, 1},
	             {u2f, 2},
	             {u2f_not_enrolled, 1},
	             {u2f_touched_late, 2},
	             {u2f_and_client_goes_away, 1},
	             {u2f_beside_another, 2},
	             {rsa, 3},
	             {made_as_good_as_it_can, 5},
	             {made_with_wrong_fingers, PROTOCOLS},
	             {made_by_rsa, 2},
	             {made_by_rsa_beyond_libfido2, 1},
	             {made_by_u2f, 1},
	             {made_with_a_certificate, 2},
	             {made_already_on_u2f, 1}};
	Suite *suite = suite_create("token helper with each kind of key");
	TCase *tcase = tcase_create("conversations");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 180);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].times);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
