/* The software key's CTAPHID framing (CTAP 2.0, 8.1), frame by frame, beneath libfido2. */
#include <check.h>
#include <fido/err.h>
#include <fido/param.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/soft_device.h"
#include "tests/unit/suite.h"

#define CHANNEL 0x01020304u
#define PING (CTAP_FRAME_INIT | CTAP_CMD_PING)
#define CBOR (CTAP_FRAME_INIT | CTAP_CMD_CBOR)
#define ERROR_FRAME (CTAP_FRAME_INIT | 0x3f)
#define KEEPALIVE_FRAME (CTAP_FRAME_INIT | CTAP_KEEPALIVE)

static char root[64], path[128];
static void *device;
static uint8_t frame[64];

static void set_misbehaviour(struct ck_soft_state *state, void *context)
{
	state->misbehaviour = *(unsigned *)context;
	state->touch_limit_ms = 10000;
}

static void set_up(void)
{
	static struct ck_soft_state state;
	unsigned no_touch = CK_SOFT_NO_TOUCH;
	strcpy(root, "/tmp/ck-frames-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(path, sizeof path, "%s/mine", root);
	ck_soft_init_state(&state);
	ck_assert_int_eq(ck_soft_create_key(root, "mine", &state, -1, -1, NULL), CK_OK);
	ck_assert_int_eq(ck_soft_update(path, set_misbehaviour, &no_touch, NULL), CK_OK);
	device = ck_soft_io.open(path);
	ck_assert_ptr_nonnull(device);
}

static void tear_down(void)
{
	static const char *const files[] = {"state", "lock"};
	char name[256];
	ck_soft_io.close(device);
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s/%s", path, files[i]);
		unlink(name);
	}
	rmdir(path);
	rmdir(root);
}

static void put(uint32_t channel, uint8_t command, size_t announced, const void *bytes, size_t length)
{
	uint8_t report[65] = {0};
	memcpy(report + 1, &channel, 4);
	report[5] = command;
	size_t head = 6;
	if (command & CTAP_FRAME_INIT) {
		report[6] = (uint8_t)(announced >> 8);
		report[7] = (uint8_t)announced;
		head = 8;
	}
	memcpy(report + head, bytes, length);
	ck_assert_int_eq(ck_soft_io.write(device, report, sizeof report), 65);
}

static void get(uint8_t command, size_t length)
{
	uint32_t channel;
	ck_assert_int_eq(ck_soft_io.read(device, frame, sizeof frame, 1000), 64);
	memcpy(&channel, frame, 4);
	ck_assert_uint_eq(channel, CHANNEL);
	ck_assert_uint_eq(frame[4], command);
	if (command & CTAP_FRAME_INIT) ck_assert_uint_eq((size_t)(frame[5] << 8 | frame[6]), length);
}

static void get_error(uint8_t error)
{
	get(ERROR_FRAME, 1);
	ck_assert_uint_eq(frame[7], error);
}

START_TEST(ping_of_three_frames)
{
	uint8_t bytes[57 + 59 + 10];
	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
	put(CHANNEL, PING, sizeof bytes, bytes, 57);
	put(CHANNEL, 0, 0, bytes + 57, 59);
	put(CHANNEL, 1, 0, bytes + 116, 10);
	get(PING, sizeof bytes);
	ck_assert_mem_eq(frame + 7, bytes, 57);
	get(0, 0);
	ck_assert_mem_eq(frame + 5, bytes + 57, 59);
	get(1, 0);
	ck_assert_mem_eq(frame + 5, bytes + 116, 10);
	ck_assert_int_eq(ck_soft_io.read(device, frame, sizeof frame, 20), -1);
}
END_TEST

START_TEST(ping_of_nothing)
{
	put(CHANNEL, PING, 0, "", 0);
	get(PING, 0);
}
END_TEST

START_TEST(wrong_sequence)
{
	uint8_t bytes[64] = {0};
	put(CHANNEL, PING, 100, bytes, 57);
	put(CHANNEL, 1, 0, bytes, 43);
	get_error(FIDO_ERR_INVALID_SEQ);
}
END_TEST

START_TEST(too_long)
{
	uint8_t bytes[57] = {0};
	put(CHANNEL, PING, 7610, bytes, 57);
	get_error(FIDO_ERR_INVALID_LENGTH);
}
END_TEST

START_TEST(unknown_command)
{
	put(CHANNEL, CTAP_FRAME_INIT | 0x7d, 0, "", 0);
	get_error(FIDO_ERR_INVALID_COMMAND);
}
END_TEST

START_TEST(init_of_wrong_length)
{
	put(CHANNEL, CTAP_FRAME_INIT | CTAP_CMD_INIT, 7, "1234567", 7);
	get_error(FIDO_ERR_INVALID_LENGTH);
}
END_TEST

START_TEST(init_echoes_the_nonce)
{
	put(CHANNEL, CTAP_FRAME_INIT | CTAP_CMD_INIT, 8, "12345678", 8);
	get(CTAP_FRAME_INIT | CTAP_CMD_INIT, 17);
	ck_assert_mem_eq(frame + 7, "12345678", 8);
	ck_assert_uint_eq(frame[7 + 16], FIDO_CAP_CBOR | FIDO_CAP_NMSG);
}
END_TEST

START_TEST(report_of_wrong_size)
{
	uint8_t report[65] = {0};
	ck_assert_int_eq(ck_soft_io.write(device, report, 64), -1);
	report[0] = 1;
	ck_assert_int_eq(ck_soft_io.write(device, report, 65), -1);
	ck_assert_int_eq(ck_soft_io.read(device, frame, 63, 10), -1);
}
END_TEST

static void begin_waiting(void)
{
	static const uint8_t touch_only[] = {CTAP_CBOR_MAKECRED, 0xa1, 0x08, 0x40};
	put(CHANNEL, CBOR, sizeof touch_only, touch_only, sizeof touch_only);
	get(KEEPALIVE_FRAME, 1);
	ck_assert_uint_eq(frame[7], 2);
}

START_TEST(cancelled)
{
	begin_waiting();
	put(CHANNEL, CTAP_FRAME_INIT | CTAP_CMD_CANCEL, 0, "", 0);
	get(CBOR, 1);
	ck_assert_uint_eq(frame[7], FIDO_ERR_KEEPALIVE_CANCEL);
}
END_TEST

START_TEST(busy_while_waiting)
{
	begin_waiting();
	put(CHANNEL, PING, 1, "x", 1);
	get_error(FIDO_ERR_CHANNEL_BUSY);
	put(CHANNEL, CTAP_FRAME_INIT | CTAP_CMD_INIT, 8, "12345678", 8); /* which gives up what waited */
	get(CTAP_FRAME_INIT | CTAP_CMD_INIT, 17);
	ck_assert_int_eq(ck_soft_io.read(device, frame, sizeof frame, 20), -1);
}
END_TEST

START_TEST(touched_at_last)
{
	unsigned none = 0;
	begin_waiting();
	ck_assert_int_eq(ck_soft_update(path, set_misbehaviour, &none, NULL), CK_OK);
	get(CBOR, 1);
	ck_assert_uint_eq(frame[7], FIDO_ERR_PIN_NOT_SET);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
	uint8_t status;
} commands[] = {
	{"", 0, FIDO_ERR_INVALID_LENGTH},
	{"\x33", 1, FIDO_ERR_INVALID_COMMAND},
	{"\x01\xff", 2, FIDO_ERR_INVALID_CBOR},
	{"\x01\xa1\x01", 3, FIDO_ERR_INVALID_CBOR},
	{"\x01\xa0\x00", 3, FIDO_ERR_INVALID_CBOR},
	{"\x01\xa0", 2, FIDO_ERR_MISSING_PARAMETER},
	{"\x02\xa0", 2, FIDO_ERR_MISSING_PARAMETER},
	{"\x06\xa0", 2, FIDO_ERR_INVALID_PARAMETER},
	{"\x06\xa2\x01\x01\x02\x05", 6, FIDO_ERR_MISSING_PARAMETER},
};

START_TEST(malformed_commands)
{
	put(CHANNEL, CBOR, commands[_i].length, commands[_i].bytes, commands[_i].length);
	get(CBOR, 1);
	ck_assert_uint_eq(frame[7], commands[_i].status);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {ping_of_three_frames, ping_of_nothing, wrong_sequence, too_long, unknown_command, init_of_wrong_length,
	                              init_echoes_the_nonce, report_of_wrong_size, cancelled, busy_while_waiting, touched_at_last};
	Suite *suite = suite_create("soft key's frames");
	TCase *tcase = tcase_create("frames");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, malformed_commands, 0, sizeof commands / sizeof commands[0]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
