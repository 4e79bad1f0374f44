/* The token helper with a client that goes away, or talks nonsense: it stops soon, and never answers nonsense. */
#include "tests/unit/test_token_helper.h"

static void expect_soon_over(struct talk *talk, int code)
{
	int64_t began_ms = ck_clock_monotonic_ms();
	shutdown(talk->client.fd, SHUT_WR);
	for (;;) {
		enum ck_error error = ck_client_receive(&talk->client, &talk->map, began_ms + WAIT_MS, -1);
		if (error != CK_OK) break;
		ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &talk->type), CK_OK);
		take_text(talk, CK_F_REASON, talk->reason, sizeof talk->reason);
	}
	expect_exit(talk, code);
	ck_assert_int_lt(ck_clock_monotonic_ms() - began_ms, WAIT_MS / 2); /* a request's time is WAIT_MS */
}

START_TEST(closed_while_touching)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = WAIT_MS;
	request.create = _i == 1;
	if (request.create) request.count = 0;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	if (request.create) {
		expect_pin_wanted(&talk, 8);
		send_pin(&talk, "1234", true);
		expect(&talk, CK_TOKEN_SAY, "touch-now");
	}
	expect_soon_over(&talk, 1);
	ck_assert_str_eq(talk.reason, "cancelled");
}
END_TEST

START_TEST(closed_while_choosing)
{
	struct talk talk;
	create_key("a", "1111", CK_SOFT_NO_TOUCH, NULL);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = WAIT_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_soon_over(&talk, 1);
	ck_assert_str_eq(talk.reason, "cancelled");
}
END_TEST

START_TEST(closed_while_asking)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = WAIT_MS;
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	expect_soon_over(&talk, 1);
	ck_assert_str_eq(talk.reason, "cancelled");
}
END_TEST

START_TEST(closed_while_waiting_for_a_key)
{
	struct talk talk;
	struct request request = {.time_ms = WAIT_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	expect_soon_over(&talk, 1);
	ck_assert_str_eq(talk.reason, "cancelled");
}
END_TEST

START_TEST(closed_at_once)
{
	struct talk talk;
	begin(&talk);
	expect_soon_over(&talk, 1);
}
END_TEST

static void expect_silent_end(struct talk *talk)
{
	enum ck_error error = ck_client_receive(&talk->client, &talk->map, ck_clock_monotonic_ms() + WAIT_MS, -1);
	ck_assert_int_ne(error, CK_OK);
	ck_assert_int_ne(error, CK_ERR_TIMEOUT);
	expect_exit(talk, 2);
}

static const struct {
	const char *bytes;
	size_t length;
} nonsense[] = {
	{"GET / HTTP/1.0\r\n\r\n", 18},
	{"\xff\xff\xff\xff", 4},
	{"\0\0\0\0", 4},
	{"\0\0\x60\0", 4},                /* longer than any request */
	{"\0\0\0\1\xa0", 5},              /* an empty map */
	{"\0\0\0\4\xa1\x00\x18\x81", 8},  /* a PIN that nobody asked for */
	{"\0\0\0\4\xa1\x00\x18\x80", 8},  /* an assertion without anything */
	{"\0\0\0\4\xa1\x00\x18\x80x", 9}, /* leftover */
	{"\0\0\0\2\xa1\x00", 6},          /* cut CBOR */
};

START_TEST(talks_nonsense)
{
	struct talk talk;
	begin(&talk);
	ck_assert_int_eq(ck_client_send(&talk.client, (const uint8_t *)nonsense[_i].bytes, nonsense[_i].length, -1,
	                                ck_clock_monotonic_ms() + WAIT_MS), CK_OK);
	expect_silent_end(&talk);
}
END_TEST

START_TEST(too_many_credentials)
{
	struct talk talk;
	struct request request = {.time_ms = 1000};
	while (request.count < 17) request.ids[request.count++] = (struct ck_bytes){other_id, 16};
	ask(&talk, &request);
	expect_silent_end(&talk);
}
END_TEST

START_TEST(empty_credential)
{
	struct talk talk;
	struct request request = {.time_ms = 1000, .count = 1, .ids = {{other_id, 0}}};
	ask(&talk, &request);
	expect_silent_end(&talk);
}
END_TEST

START_TEST(nonsense_instead_of_pin)
{
	static const char *const wrong[] = {"\0\0\0\4\xa1\x00\x18\x80", "\0\0\0\7\xa2\x00\x18\x81\x18\x1f\x01"};
	static const size_t lengths[] = {8, 11};
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	ck_assert_int_eq(ck_client_send(&talk.client, (const uint8_t *)wrong[_i], lengths[_i], -1, ck_clock_monotonic_ms() + WAIT_MS), CK_OK);
	expect_silent_end(&talk);
}
END_TEST

START_TEST(speaks_out_of_turn)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = WAIT_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	send_pin(&talk, "1234", true);
	expect_silent_end(&talk);
}
END_TEST

START_TEST(noise_while_waiting_for_a_key)
{
	struct talk talk;
	struct request request = {.time_ms = WAIT_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	send_pin(&talk, "1234", true);
	expect_silent_end(&talk);
}
END_TEST

int main(void)
{
	const TTest *const twice[] = {closed_while_touching, nonsense_instead_of_pin};
	const TTest *const once[] = {
		closed_while_choosing, closed_while_asking, closed_while_waiting_for_a_key, closed_at_once, too_many_credentials,
		empty_credential, speaks_out_of_turn, noise_while_waiting_for_a_key};
	Suite *suite = suite_create("token helper's client");
	TCase *tcase = tcase_create("conversations");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 180);
	add_all(tcase, twice, sizeof twice / sizeof twice[0], 2);
	add_all(tcase, once, sizeof once / sizeof once[0], 1);
	tcase_add_loop_test(tcase, talks_nonsense, 0, sizeof nonsense / sizeof nonsense[0]);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
