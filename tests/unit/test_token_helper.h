/* Harness of the token helper's tests: software keys in a directory of their own, the helper in a child as in production, and the client's
   half of the conversation. What the helper hands over is verified as the gate would. */
#ifndef CK_TESTS_TEST_TOKEN_HELPER_H
#define CK_TESTS_TEST_TOKEN_HELPER_H

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
#include "tests/fakes/token_source.h"

#define RP "portal.example"
#define WAIT_MS 60000
#define LONG_MS 60000 /* for what ends sooner; no busy machine uses it up */
#define LIMIT_MS 5000 /* for what is said when time is up: long enough for what has to be said before, on a busy machine, too */
static const uint8_t challenge[32] = "a challenge of thirty-two bytes";
static const uint8_t *signed_hash = challenge; /* what an assertion must be over */
static const uint8_t other_id[64] = "another credential";
static char root[64];

/* ---- keys ---- */
static struct ck_token_source source = {.list = ck_soft_source_list, .open = ck_soft_source_open, .context = root, .grace_ms = 30000};

/* As in production: a slow key is not waited for long. */
static inline void be_hasty(void)
{
	source.grace_ms = 0;
}

static inline void set_up(void)
{
	strcpy(root, "/tmp/ck-token-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static inline void tear_down(void)
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
static inline void create_key(const char *name, const char *pin, unsigned misbehaviour, struct ck_soft_credential *out)
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

/* A key of another kind: the state as init_kind made it and the test changed it. */
static struct ck_soft_state kind;

static inline void init_kind(const char *pin)
{
	ck_soft_init_state(&kind);
	if (pin != NULL) ck_assert(ck_soft_set_pin(&kind, pin));
	ck_assert(ck_soft_make_credential(&kind.credentials[0], RP, CK_SOFT_ES256, NULL));
	kind.count = 1;
}

static inline void create_kind(const char *name, struct ck_soft_credential *out)
{
	struct ck_errmsg err = {""};
	if (out != NULL) *out = kind.credentials[0];
	enum ck_error error = ck_soft_create_key(root, name, &kind, -1, -1, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
}

static inline void update(const char *name, ck_soft_change change, void *context)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	ck_assert_int_eq(ck_soft_update(path, change, context, NULL), CK_OK);
}

static inline void put_misbehaviour(struct ck_soft_state *state, void *context)
{
	state->misbehaviour = *(unsigned *)context;
}

static inline void misbehave(const char *name, unsigned bits)
{
	update(name, put_misbehaviour, &bits);
}

struct trouble {
	enum ck_soft_trouble what;
	enum ck_soft_moment when;
	unsigned slow_ms;
};

static inline void put_trouble(struct ck_soft_state *state, void *context)
{
	const struct trouble *trouble = context;
	state->trouble = trouble->what;
	state->trouble_at = trouble->when;
	state->slow_ms = trouble->slow_ms;
}

static inline void put_retries(struct ck_soft_state *state, void *context)
{
	state->retries = *(unsigned *)context;
}

static inline void put_builtin(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->builtin_uv = true;
}

static inline void put_only_eddsa(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->only_eddsa = true;
}

static inline void put_other_algorithm(struct ck_soft_state *state, void *context)
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

static inline void begin(struct talk *talk)
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

static inline void expect_exit(struct talk *talk, int code)
{
	int status = 0;
	ck_assert_int_eq(waitpid(talk->pid, &status, 0), talk->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %x, expected exit %d", (unsigned)status, code);
	ck_client_close(&talk->client);
}

static inline void send_frame(struct talk *talk, struct ck_frame_out *frame, const uint8_t *bytes)
{
	size_t length = 0;
	ck_assert_int_eq(ck_frame_end(frame, &length), CK_OK);
	ck_assert_int_eq(ck_client_send(&talk->client, bytes, length, -1, ck_clock_monotonic_ms() + WAIT_MS), CK_OK);
}

struct request {
	bool create, verify, hashed_there; /* hashed_there: what is to be signed goes whole */
	unsigned time_ms;
	struct ck_bytes ids[17];
	size_t count;
};

static inline void put_request(struct ck_frame_out *frame, const struct request *request)
{
	ck_field_uint(&frame->map, CK_F_TYPE, request->create ? CK_TOKEN_CREATE : CK_TOKEN_ASSERT);
	if (request->create) ck_field_string(&frame->map, CK_F_USER, "ann");
	if (!request->hashed_there) ck_field_bytes(&frame->map, CK_F_CHALLENGE, challenge, sizeof challenge);
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
	if (request->hashed_there) ck_field_bytes(&frame->map, CK_F_BODY, "tag\0statement", 13);
}

static inline void ask(struct talk *talk, const struct request *request)
{
	static uint8_t bytes[32768];
	struct ck_frame_out frame;
	begin(talk);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	put_request(&frame, request);
	send_frame(talk, &frame, bytes);
}

static inline struct request request_for(const struct ck_soft_credential *credential, bool verify)
{
	struct request request = {.verify = verify, .time_ms = LONG_MS};
	if (credential != NULL) {
		request.ids[0] = (struct ck_bytes){credential->id, credential->id_length};
		request.count = 1;
	}
	return request;
}

/* "" when there is none. */
static inline void take_text(struct talk *talk, unsigned field, char *out, size_t out_bytes)
{
	if (ck_map_string(&talk->map, field, out, out_bytes) != CK_OK) out[0] = '\0';
}

static inline void next(struct talk *talk)
{
	enum ck_error error = ck_client_receive(&talk->client, &talk->map, ck_clock_monotonic_ms() + WAIT_MS, -1);
	ck_assert_msg(error == CK_OK, "receive: %s", ck_error_name(error));
	ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &talk->type), CK_OK);
	take_text(talk, CK_F_REASON, talk->reason, sizeof talk->reason);
	take_text(talk, CK_F_MESSAGE, talk->message, sizeof talk->message);
}

static inline void expect(struct talk *talk, enum ck_token_message type, const char *reason)
{
	do next(talk); /* on a busy machine any key may be slow to answer */
	while (strcmp(talk->reason, "key-silent") == 0 && talk->type == CK_TOKEN_SAY && strcmp(reason, "key-silent") != 0);
	ck_assert_msg(talk->type == type && strcmp(talk->reason, reason) == 0, "got %u %s (%s), expected %u %s", (unsigned)talk->type,
	              talk->reason, talk->message, (unsigned)type, reason);
	if (type == CK_TOKEN_SAY || type == CK_TOKEN_FAILED) ck_assert_str_ne(talk->message, "");
}

static inline void expect_failed(struct talk *talk, const char *reason)
{
	expect(talk, CK_TOKEN_FAILED, reason);
	expect_exit(talk, 1);
}

/* Said, with exactly this sentence. */
static inline void expect_said(struct talk *talk, const char *reason, const char *message)
{
	expect(talk, CK_TOKEN_SAY, reason);
	ck_assert_str_eq(talk->message, message);
}

static inline void expect_last(struct talk *talk, const char *reason, const char *message)
{
	expect(talk, CK_TOKEN_FAILED, reason);
	ck_assert_str_eq(talk->message, message);
	expect_exit(talk, 1);
}

/* The rest does not matter. */
static inline void give_up(struct talk *talk)
{
	shutdown(talk->client.fd, SHUT_WR);
	expect_failed(talk, "cancelled");
}

static inline void expect_touch(struct talk *talk)
{
	expect_said(talk, "touch-now", "Touch your security key now");
}

static inline void expect_pin_wanted(struct talk *talk, uint64_t tries)
{
	uint64_t count = 0;
	expect(talk, CK_TOKEN_PIN_WANTED, "");
	ck_assert_int_eq(ck_map_uint(&talk->map, CK_F_COUNT, 0, 100, &count), CK_OK);
	ck_assert_uint_eq(count, tries);
}

static inline void send_pin(struct talk *talk, const char *pin, bool as_text)
{
	uint8_t bytes[128];
	struct ck_frame_out frame;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN);
	if (as_text) ck_field_string(&frame.map, CK_F_CODE, pin);
	else ck_field_bytes(&frame.map, CK_F_CODE, pin, strlen(pin));
	send_frame(talk, &frame, bytes);
}

static inline void check_asserted(struct talk *talk, const struct ck_soft_credential *credential, bool verified)
{
	struct ck_fido_result result;
	struct ck_errmsg err = {""};
	struct ck_key key = {.credential_id = {credential->id, credential->id_length}, .public_key = {credential->cose, credential->cose_length},
	                     .rp_id = ck_text_of(RP)};
	struct ck_fido_assertion assertion = {.rp_id = ck_text_of(RP), .client_data_hash = signed_hash, .verify = verified};
	expect(talk, CK_TOKEN_ASSERTED, "");
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_CREDENTIAL, 1, 1023, &assertion.credential_id), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_AUTH_DATA, 37, CK_AUTH_DATA_LIMIT_BYTES, &assertion.auth_data), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &assertion.signature), CK_OK);
	enum ck_error error = ck_fido_verify_assertion(&key, &assertion, &result, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	ck_assert(result.verified == verified);
}

static inline void expect_asserted(struct talk *talk, const struct ck_soft_credential *credential, bool verified)
{
	check_asserted(talk, credential, verified);
	expect_exit(talk, 0);
}

static inline void expect_created(struct talk *talk, bool verified, int algorithm, const char *attestation)
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
	ck_assert_str_eq(credential.attestation, attestation);
	ck_assert(credential.verified == verified);
	ck_assert_int_eq(ck_fido_check_public_key(credential.public_key, &made, &err), CK_OK);
	ck_assert_int_eq(made, algorithm);
	expect_exit(talk, 0);
}

static inline void add_all(TCase *tcase, const TTest *const *tests, size_t count, int times)
{
	for (size_t i = 0; i < count; i++) tcase_add_loop_test(tcase, tests[i], 0, times);
}

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
