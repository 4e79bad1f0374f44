/* The token helper over a socketpair, with software keys: each reason, and what is asked in which order. What it hands over is verified as
   the gate would. The helper runs in a child, as it does in production. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "authd/fido/fido.h"
#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "pam_module/token_helper.h"
#include "tests/fakes/soft_key.h"

#define RP "portal.example"
#define WAIT_MS 20000
static const uint8_t challenge[32] = "a challenge of thirty-two bytes";
static const uint8_t other_id[64] = "another credential";
static char root[64];

/* ---- keys ---- */
static int list_soft(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	(void)context;
	return ck_soft_list(names, CK_TOKEN_DEVICES_LIMIT, root);
}

static fido_dev_t *open_soft(const char *name, void *context)
{
	(void)context;
	return ck_soft_open(name);
}

static const struct ck_token_source source = {list_soft, open_soft, NULL};

static void set_up(void)
{
	strcpy(root, "/tmp/ck-token-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
	static const char *const files[] = {"state", "lock", "state.new"};
	DIR *dir = opendir(root);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		char name[512];
		if (entry->d_name[0] == '.') continue;
		for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
			snprintf(name, sizeof name, "%s/%s/%s", root, entry->d_name, files[i]);
			unlink(name);
		}
		snprintf(name, sizeof name, "%s/%s", root, entry->d_name);
		rmdir(name);
	}
	if (dir != NULL) closedir(dir);
	rmdir(root);
}

/* A key with a credential for RP already on it. */
static void create_key(const char *name, const char *pin, unsigned misbehaviour, struct ck_soft_credential *out)
{
	static struct ck_soft_state state;
	struct ck_errmsg err = {""};
	ck_soft_init_state(&state);
	if (pin != NULL) ck_assert(ck_soft_set_pin(&state, pin));
	state.misbehaviour = misbehaviour;
	state.touch_limit_ms = 400;
	ck_assert(ck_soft_make_credential(&state.credentials[0], RP, CK_SOFT_ES256, NULL));
	state.count = 1;
	if (out != NULL) *out = state.credentials[0];
	enum ck_error error = ck_soft_create_key(root, name, &state, -1, -1, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
}

static void update(const char *name, ck_soft_change change, void *context)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	ck_assert_int_eq(ck_soft_update(path, change, context, NULL), CK_OK);
}

static void put_misbehaviour(struct ck_soft_state *state, void *context)
{
	state->misbehaviour = *(unsigned *)context;
}

static void misbehave(const char *name, unsigned bits)
{
	update(name, put_misbehaviour, &bits);
}

static void put_retries(struct ck_soft_state *state, void *context)
{
	state->retries = *(unsigned *)context;
}

static void put_builtin(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->builtin_uv = true;
}

static void put_only_eddsa(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->only_eddsa = true;
}

static void put_other_algorithm(struct ck_soft_state *state, void *context)
{
	ck_assert(ck_soft_make_credential(&state->credentials[0], RP, CK_SOFT_EDDSA, NULL));
	*(struct ck_soft_credential *)context = state->credentials[0];
}

/* ---- the conversation ---- */
struct talk {
	pid_t pid;
	struct ck_client client;
	struct ck_map map;
	uint64_t type;
	char reason[64], message[256];
};

static void begin(struct talk *talk)
{
	int pair[2];
	memset(talk, 0, sizeof *talk);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	talk->pid = fork();
	ck_assert_int_ge(talk->pid, 0);
	if (talk->pid == 0) {
		close(pair[0]);
		_exit(ck_token_run(pair[1], &source));
	}
	close(pair[1]);
	ck_assert_int_eq(ck_client_adopt(&talk->client, pair[0]), CK_OK);
}

static void expect_exit(struct talk *talk, int code)
{
	int status = 0;
	ck_assert_int_eq(waitpid(talk->pid, &status, 0), talk->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %x, expected exit %d", (unsigned)status, code);
	ck_client_close(&talk->client);
}

static void send_frame(struct talk *talk, struct ck_frame_out *frame, const uint8_t *bytes)
{
	size_t length = 0;
	ck_assert_int_eq(ck_frame_end(frame, &length), CK_OK);
	ck_assert_int_eq(ck_client_send(&talk->client, bytes, length, -1, ck_clock_monotonic_ms() + WAIT_MS), CK_OK);
}

struct request {
	bool create, verify;
	unsigned time_ms;
	struct ck_bytes ids[17];
	size_t count;
};

static void put_request(struct ck_frame_out *frame, const struct request *request)
{
	ck_field_uint(&frame->map, CK_F_TYPE, request->create ? CK_TOKEN_CREATE : CK_TOKEN_ASSERT);
	if (request->create) ck_field_string(&frame->map, CK_F_USER, "ann");
	ck_field_bytes(&frame->map, CK_F_CHALLENGE, challenge, sizeof challenge);
	ck_field_string(&frame->map, CK_F_RP_ID, RP);
	ck_field_key(&frame->map, CK_F_ALLOW);
	ck_cbor_put_array(&frame->w, request->count);
	for (size_t i = 0; i < request->count; i++) ck_cbor_put_bytes(&frame->w, request->ids[i].at, request->ids[i].length);
	ck_field_bool(&frame->map, CK_F_VERIFY, request->verify);
	ck_field_uint(&frame->map, CK_F_TIME, request->time_ms);
	if (request->create) {
		ck_field_bytes(&frame->map, CK_F_ID, challenge, 16);
		ck_field_string(&frame->map, CK_F_NAME, "Ann Other");
	}
}

static void ask(struct talk *talk, const struct request *request)
{
	static uint8_t bytes[32768];
	struct ck_frame_out frame;
	begin(talk);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	put_request(&frame, request);
	send_frame(talk, &frame, bytes);
}

static struct request request_for(const struct ck_soft_credential *credential, bool verify)
{
	struct request request = {.verify = verify, .time_ms = 5000};
	if (credential != NULL) {
		request.ids[0] = (struct ck_bytes){credential->id, credential->id_length};
		request.count = 1;
	}
	return request;
}

/* "" when there is none. */
static void take_text(struct talk *talk, unsigned field, char *out, size_t out_bytes)
{
	if (ck_map_string(&talk->map, field, out, out_bytes) != CK_OK) out[0] = '\0';
}

static void next(struct talk *talk)
{
	enum ck_error error = ck_client_receive(&talk->client, &talk->map, ck_clock_monotonic_ms() + WAIT_MS, -1);
	ck_assert_msg(error == CK_OK, "receive: %s", ck_error_name(error));
	ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &talk->type), CK_OK);
	take_text(talk, CK_F_REASON, talk->reason, sizeof talk->reason);
	take_text(talk, CK_F_MESSAGE, talk->message, sizeof talk->message);
}

static void expect(struct talk *talk, enum ck_token_message type, const char *reason)
{
	next(talk);
	ck_assert_msg(talk->type == type && strcmp(talk->reason, reason) == 0, "got %u %s (%s), expected %u %s", (unsigned)talk->type,
	              talk->reason, talk->message, (unsigned)type, reason);
	if (type == CK_TOKEN_SAY || type == CK_TOKEN_FAILED) ck_assert_str_ne(talk->message, "");
}

static void expect_failed(struct talk *talk, const char *reason)
{
	expect(talk, CK_TOKEN_FAILED, reason);
	expect_exit(talk, 1);
}

static void expect_pin_wanted(struct talk *talk, uint64_t tries)
{
	uint64_t count = 0;
	expect(talk, CK_TOKEN_PIN_WANTED, "");
	ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_COUNT, 0, 100, &count), CK_OK);
	ck_assert_uint_eq(count, tries);
}

static void send_pin(struct talk *talk, const char *pin, bool as_text)
{
	uint8_t bytes[128];
	struct ck_frame_out frame;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN);
	if (as_text) ck_field_string(&frame.map, CK_F_CODE, pin);
	else ck_field_bytes(&frame.map, CK_F_CODE, pin, strlen(pin));
	send_frame(talk, &frame, bytes);
}

static void expect_asserted(struct talk *talk, const struct ck_soft_credential *credential, bool verified)
{
	struct ck_fido_result result;
	struct ck_errmsg err = {""};
	struct ck_key key = {.credential_id = {credential->id, credential->id_length}, .public_key = {credential->cose, credential->cose_length},
	                     .rp_id = ck_text_of(RP)};
	struct ck_fido_assertion assertion = {.rp_id = ck_text_of(RP), .client_data_hash = challenge, .verify = verified};
	expect(talk, CK_TOKEN_ASSERTED, "");
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_CREDENTIAL, 1, 1023, &assertion.credential_id), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_AUTH_DATA, 37, CK_AUTH_DATA_LIMIT_BYTES, &assertion.auth_data), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &assertion.signature), CK_OK);
	enum ck_error error = ck_fido_verify_assertion(&key, &assertion, &result, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	ck_assert(result.verified == verified);
	expect_exit(talk, 0);
}

static void expect_created(struct talk *talk, bool verified, int algorithm)
{
	struct ck_fido_credential credential;
	struct ck_errmsg err = {""};
	enum ck_fido_algorithm made;
	struct ck_fido_registration registration = {.rp_id = ck_text_of(RP), .client_data_hash = challenge, .verify = verified};
	expect(talk, CK_TOKEN_CREATED, "");
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_AUTH_DATA, 37, CK_AUTH_DATA_LIMIT_BYTES, &registration.auth_data), CK_OK);
	ck_assert_int_eq(ck_map_text(&talk->map, CK_F_FORMAT, 32, &registration.format), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_ATT_STMT, 1, CK_ATT_STMT_LIMIT_BYTES, &registration.statement), CK_OK);
	enum ck_error error = ck_fido_verify_registration(&registration, &credential, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	ck_assert_str_eq(credential.attestation, "self");
	ck_assert(credential.verified == verified);
	ck_assert_int_eq(ck_fido_check_public_key(credential.public_key, &made, &err), CK_OK);
	ck_assert_int_eq(made, algorithm);
	expect_exit(talk, 0);
}

/* ---- assertions ---- */
START_TEST(touched)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	if (_i == 1) update("mine", put_other_algorithm, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now"); /* no PIN: it is not demanded */
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(verified_by_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", _i == 0);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(verified_by_itself)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_builtin, NULL);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	ck_assert_ptr_nonnull(strstr(talk.message, "Verify yourself"));
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_wrong_then_right)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "0000", true);
	expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	ck_assert_str_eq(talk.message, "PIN wrong, 7 tries left");
	expect_pin_wanted(&talk, 7);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_too_short_costs_no_try)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "123", true);
	expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_wrong_three_times)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	for (unsigned i = 0; i < 3; i++) {
		expect_pin_wanted(&talk, 8 - i);
		send_pin(&talk, "0000", true);
		if (i < 2) expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	}
	expect(&talk, CK_TOKEN_FAILED, "pin-blocked");
	ck_assert_ptr_nonnull(strstr(talk.message, "plug it in again"));
	expect_exit(&talk, 1);
}
END_TEST

START_TEST(pin_last_try)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_retries, &(unsigned){1});
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 1);
	ck_assert_str_eq(talk.message, "Only 1 PIN try is left");
	send_pin(&talk, "0000", true);
	expect(&talk, CK_TOKEN_FAILED, "pin-blocked");
	ck_assert_ptr_nonnull(strstr(talk.message, "must be reset"));
	expect_exit(&talk, 1);
}
END_TEST

START_TEST(pin_blocked_before)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_retries, &(unsigned){0});
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_failed(&talk, "pin-blocked");
}
END_TEST

START_TEST(pin_not_set)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_failed(&talk, "pin-not-set");
}
END_TEST

START_TEST(no_key_at_all)
{
	struct talk talk;
	struct request request = request_for(NULL, false);
	request.time_ms = 400;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	ck_assert_str_eq(talk.message, "No security key found: plug one in");
	expect_failed(&talk, "no-key");
}
END_TEST

START_TEST(key_plugged_in_late)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_REMOVED, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	misbehave("mine", 0);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(wrong_key)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = request_for(NULL, true);
	request.ids[request.count++] = (struct ck_bytes){other_id, sizeof other_id};
	ask(&talk, &request);
	expect_failed(&talk, "wrong-key"); /* and no PIN was asked for */
}
END_TEST

START_TEST(empty_allow_list)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = request_for(NULL, false);
	ask(&talk, &request);
	expect_failed(&talk, "wrong-key");
}
END_TEST

START_TEST(long_allow_list)
{
	/* sixteen ids are more than the key takes in one message */
	static uint8_t ids[15][1023];
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = {.time_ms = 5000};
	for (unsigned i = 0; i < 15; i++) {
		ids[i][0] = (uint8_t)i;
		request.ids[request.count++] = (struct ck_bytes){ids[i], i == 3 ? 1023 : 200};
	}
	request.ids[request.count++] = (struct ck_bytes){credential.id, credential.id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(not_touched)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	if (_i == 1) request.time_ms = 200; /* our limit comes before the key's */
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "timeout");
}
END_TEST

START_TEST(touched_late)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave("mine", 0);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(pin_not_answered)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = 200;
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	expect_failed(&talk, "timeout");
}
END_TEST

START_TEST(noise_from_the_key)
{
	/* at the touch; the probe was answered well */
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave("mine", CK_SOFT_GARBAGE);
	expect_failed(&talk, "device-error");
}
END_TEST

START_TEST(noise_from_the_start)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_GARBAGE, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect_failed(&talk, "device-error");
}
END_TEST

START_TEST(pulled_out)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave("mine", CK_SOFT_REMOVED);
	expect_failed(&talk, "device-error");
}
END_TEST

/* ---- several keys ---- */
START_TEST(the_one_that_holds_it)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("a", "1111", 0, NULL);
	create_key("b", "1234", 0, &credential);
	create_key("c", "2222", 0, NULL);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(chosen_by_touch)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	ck_assert_ptr_nonnull(strstr(talk.message, "Several"));
	misbehave(_i == 0 ? "a" : "b", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, _i == 0 ? "1111" : "2222", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential[_i], true);
}
END_TEST

START_TEST(none_chosen)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "timeout");
}
END_TEST

/* ---- creating ---- */
START_TEST(created)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = 5000};
	if (_i == 1) update("mine", put_only_eddsa, NULL);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, _i == 0 ? CK_SOFT_ES256 : CK_SOFT_EDDSA);
}
END_TEST

START_TEST(created_without_pin)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	struct request request = {.create = true, .time_ms = 5000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, false, CK_SOFT_ES256);
}
END_TEST

START_TEST(created_with_pin_that_the_key_demands)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = {.create = true, .time_ms = 5000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256);
}
END_TEST

START_TEST(created_by_itself)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	update("mine", put_builtin, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = 5000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256);
}
END_TEST

START_TEST(created_already)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.create = true;
	request.ids[request.count++] = (struct ck_bytes){other_id, sizeof other_id};
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "already-enrolled");
}
END_TEST

START_TEST(created_not_touched)
{
	struct talk talk;
	create_key("mine", NULL, CK_SOFT_NO_TOUCH, NULL);
	struct request request = {.create = true, .time_ms = 5000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "timeout");
}
END_TEST

START_TEST(created_pin_not_set)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = 5000};
	ask(&talk, &request);
	expect_failed(&talk, "pin-not-set");
}
END_TEST

START_TEST(created_and_chosen)
{
	struct talk talk;
	create_key("a", "1111", CK_SOFT_NO_TOUCH, NULL);
	create_key("b", "2222", 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = 5000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256);
}
END_TEST

/* ---- the client goes away, or talks nonsense ---- */
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
	ck_assert_int_lt(ck_clock_monotonic_ms() - began_ms, 3000);
}

START_TEST(closed_while_touching)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = 60000;
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
	struct request request = {.create = true, .verify = true, .time_ms = 60000};
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
	request.time_ms = 60000;
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	expect_soon_over(&talk, 1);
	ck_assert_str_eq(talk.reason, "cancelled");
}
END_TEST

START_TEST(closed_while_waiting_for_a_key)
{
	struct talk talk;
	struct request request = {.time_ms = 60000};
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
	request.time_ms = 60000;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	send_pin(&talk, "1234", true);
	expect_failed(&talk, "cancelled");
}
END_TEST

START_TEST(noise_while_waiting_for_a_key)
{
	struct talk talk;
	struct request request = {.time_ms = 60000};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	send_pin(&talk, "1234", true);
	expect_silent_end(&talk);
}
END_TEST

static void add_all(TCase *tcase, const TTest *const *tests, size_t count, int times)
{
	for (size_t i = 0; i < count; i++) tcase_add_loop_test(tcase, tests[i], 0, times);
}

int main(void)
{
	const TTest *const twice[] = {touched, verified_by_pin, not_touched, chosen_by_touch, created, closed_while_touching,
	                                     nonsense_instead_of_pin};
	const TTest *const once[] = {
		verified_by_itself, pin_wrong_then_right, pin_too_short_costs_no_try, pin_wrong_three_times, pin_last_try, pin_blocked_before,
		pin_not_set, no_key_at_all, key_plugged_in_late, wrong_key, empty_allow_list, long_allow_list, touched_late, pin_not_answered,
		noise_from_the_key, noise_from_the_start, pulled_out, the_one_that_holds_it, none_chosen, created_without_pin,
		created_with_pin_that_the_key_demands, created_by_itself, created_already, created_not_touched, created_pin_not_set,
		created_and_chosen, closed_while_choosing, closed_while_asking, closed_while_waiting_for_a_key, closed_at_once,
		too_many_credentials, empty_credential, speaks_out_of_turn, noise_while_waiting_for_a_key};
	Suite *suite = suite_create("token helper");
	TCase *tcase = tcase_create("conversations");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 30);
	add_all(tcase, twice, sizeof twice / sizeof twice[0], 2);
	add_all(tcase, once, sizeof once / sizeof once[0], 1);
	tcase_add_loop_test(tcase, talks_nonsense, 0, sizeof nonsense / sizeof nonsense[0]);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
