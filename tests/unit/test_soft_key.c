/* The software key through the real libfido2: what it makes is good, and each misbehaviour does what it says. */
#include <check.h>
#include <dirent.h>
#include <fido.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/fido/fido.h"
#include "tests/fakes/soft_key.h"
#include "tests/unit/suite.h"

#define RP "portal.example"
static const uint8_t challenge[32] = "a challenge of thirty-two bytes";
static char root[64], path[128];
static struct ck_soft_state state;

static void set_up(void)
{
	strcpy(root, "/tmp/ck-soft-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(path, sizeof path, "%s/mine", root);
	ck_soft_init_state(&state);
	state.touch_limit_ms = 300;
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

static void create(const char *pin)
{
	struct ck_errmsg err = {""};
	if (pin != NULL) ck_assert(ck_soft_set_pin(&state, pin));
	enum ck_error error = ck_soft_create_key(root, "mine", &state, -1, -1, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
}

static void put_misbehaviour(struct ck_soft_state *changed, void *context)
{
	changed->misbehaviour = *(unsigned *)context;
}

static void misbehave(unsigned bits)
{
	ck_assert_int_eq(ck_soft_update(path, put_misbehaviour, &bits, NULL), CK_OK);
}

static fido_dev_t *opened(void)
{
	fido_dev_t *device = ck_soft_open(path);
	ck_assert_ptr_nonnull(device);
	ck_assert(fido_dev_is_fido2(device));
	return device;
}

static void close_device(fido_dev_t *device)
{
	ck_assert_int_eq(fido_dev_close(device), FIDO_OK);
	fido_dev_free(&device);
}

static fido_cred_t *new_cred(int algorithm)
{
	fido_cred_t *cred = fido_cred_new();
	ck_assert_int_eq(fido_cred_set_type(cred, algorithm), FIDO_OK);
	ck_assert_int_eq(fido_cred_set_rp(cred, RP, "Portal"), FIDO_OK);
	ck_assert_int_eq(fido_cred_set_user(cred, challenge, 16, "ann", "Ann", NULL), FIDO_OK);
	ck_assert_int_eq(fido_cred_set_clientdata_hash(cred, challenge, 32), FIDO_OK);
	return cred;
}

/* What the key gave, kept apart from libfido2. */
struct enrolled {
	uint8_t id[1023], cose[600];
	struct ck_key key;
	struct ck_fido_credential credential;
};

static void check_registration(const fido_cred_t *cred, bool verify, struct enrolled *out)
{
	struct ck_errmsg err = {""};
	struct ck_fido_registration registration = {
		.rp_id = ck_text_of(RP), .client_data_hash = challenge, .format = ck_text_of(fido_cred_fmt(cred)), .verify = verify,
		.auth_data = {fido_cred_authdata_raw_ptr(cred), fido_cred_authdata_raw_len(cred)},
		.statement = {fido_cred_attstmt_ptr(cred), fido_cred_attstmt_len(cred)}};
	enum ck_error error = ck_fido_verify_registration(&registration, &out->credential, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	ck_assert_str_eq(out->credential.attestation, "self");
	memcpy(out->id, out->credential.credential_id.at, out->credential.credential_id.length);
	memcpy(out->cose, out->credential.public_key.at, out->credential.public_key.length);
	out->key = (struct ck_key){.credential_id = {out->id, out->credential.credential_id.length}, .rp_id = ck_text_of(RP),
	                           .public_key = {out->cose, out->credential.public_key.length}};
}

static void enrol(fido_dev_t *device, int algorithm, const char *pin, struct enrolled *out)
{
	fido_cred_t *cred = new_cred(algorithm);
	int fido = fido_dev_make_cred(device, cred, pin);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	check_registration(cred, pin != NULL, out);
	fido_cred_free(&cred);
}

/* Asserts, and gives libfido2's answer or, if it was OK, that of our verification. */
static int assertion(fido_dev_t *device, const struct enrolled *enrolled, const char *pin, struct ck_fido_result *out,
                     enum ck_error *out_error)
{
	struct ck_errmsg err = {""};
	fido_assert_t *native = fido_assert_new();
	*out_error = CK_ERR_INTERNAL;
	fido_assert_set_rp(native, RP);
	fido_assert_set_clientdata_hash(native, challenge, 32);
	fido_assert_allow_cred(native, enrolled->id, enrolled->key.credential_id.length);
	int fido = fido_dev_get_assert(device, native, pin);
	if (fido == FIDO_OK) {
		const unsigned char *data = fido_assert_authdata_ptr(native, 0);
		struct ck_fido_assertion made = {
			.rp_id = ck_text_of(RP), .client_data_hash = challenge, .verify = pin != NULL,
			.credential_id = {fido_assert_id_ptr(native, 0), fido_assert_id_len(native, 0)},
			.auth_data = {data + 2, fido_assert_authdata_len(native, 0) - 2}, /* 58 25: 37 bytes */
			.signature = {fido_assert_sig_ptr(native, 0), fido_assert_sig_len(native, 0)}};
		*out_error = ck_fido_verify_assertion(&enrolled->key, &made, out, &err);
	}
	fido_assert_free(&native);
	return fido;
}

static void expect_verdict(const struct enrolled *enrolled, const char *pin, enum ck_error expected)
{
	struct ck_fido_result result;
	enum ck_error error;
	fido_dev_t *device = opened();
	int fido = assertion(device, enrolled, pin, &result, &error);
	close_device(device);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	ck_assert_int_eq(error, expected);
}

static const int algorithms[] = {CK_SOFT_ES256, CK_SOFT_EDDSA};

START_TEST(makes_and_asserts)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, algorithms[_i], "1234", &enrolled);
	ck_assert(enrolled.credential.verified);
	close_device(device);
	/* another process's opening finds the same credential, and counts on */
	for (unsigned count = 2; count < 4; count++) {
		device = opened();
		ck_assert_int_eq(assertion(device, &enrolled, "1234", &result, &error), FIDO_OK);
		ck_assert_int_eq(error, CK_OK);
		ck_assert_uint_eq(result.count, count);
		ck_assert(result.verified);
		ck_assert_int_eq(assertion(device, &enrolled, NULL, &result, &error), FIDO_OK);
		ck_assert_int_eq(error, CK_OK);
		ck_assert(!result.verified);
		count++;
		close_device(device);
	}
}
END_TEST

START_TEST(without_pin)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(!fido_dev_has_pin(device));
	enrol(device, CK_SOFT_ES256, NULL, &enrolled);
	ck_assert(!enrolled.credential.verified);
	ck_assert_int_eq(assertion(device, &enrolled, "1234", &result, &error), FIDO_ERR_PIN_NOT_SET);
	close_device(device);
}
END_TEST

START_TEST(creating_demands_the_pin)
{
	create("1234");
	fido_dev_t *device = opened();
	fido_cred_t *cred = new_cred(CK_SOFT_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_ERR_PIN_REQUIRED);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

START_TEST(exclude_list)
{
	struct enrolled enrolled;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, "1234", &enrolled);
	fido_cred_t *cred = new_cred(CK_SOFT_ES256);
	fido_cred_exclude(cred, enrolled.id, enrolled.key.credential_id.length);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, "1234"), FIDO_ERR_CREDENTIAL_EXCLUDED);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

START_TEST(only_eddsa)
{
	state.only_eddsa = true;
	create(NULL);
	fido_dev_t *device = opened();
	fido_cred_t *cred = new_cred(CK_SOFT_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_ERR_UNSUPPORTED_ALGORITHM);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

START_TEST(resident_and_protected)
{
	struct enrolled enrolled;
	create("1234");
	fido_dev_t *device = opened();
	fido_cred_t *cred = new_cred(algorithms[_i]);
	ck_assert(fido_dev_supports_cred_prot(device));
	fido_cred_set_rk(cred, FIDO_OPT_TRUE);
	fido_cred_set_prot(cred, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, "1234"), FIDO_OK);
	check_registration(cred, true, &enrolled);
	fido_cred_free(&cred);
	fido_assert_t *native = fido_assert_new();
	fido_assert_set_rp(native, RP);
	fido_assert_set_clientdata_hash(native, challenge, 32);
	ck_assert_int_eq(fido_dev_get_assert(device, native, NULL), FIDO_ERR_NO_CREDENTIALS); /* protected: not without its id or the PIN */
	ck_assert_int_eq(fido_dev_get_assert(device, native, "1234"), FIDO_OK);
	fido_assert_free(&native);
	close_device(device);
}
END_TEST

START_TEST(wrong_pin_counts_down)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	int tries = 0;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, "1234", &enrolled);
	ck_assert_int_eq(assertion(device, &enrolled, "0000", &result, &error), FIDO_ERR_PIN_INVALID);
	ck_assert_int_eq(fido_dev_get_retry_count(device, &tries), FIDO_OK);
	ck_assert_int_eq(tries, 7);
	ck_assert_int_eq(assertion(device, &enrolled, "0000", &result, &error), FIDO_ERR_PIN_INVALID);
	/* the third in a row: the right one does not help until it is plugged in anew */
	ck_assert_int_eq(assertion(device, &enrolled, "0000", &result, &error), FIDO_ERR_PIN_AUTH_BLOCKED);
	ck_assert_int_eq(assertion(device, &enrolled, "1234", &result, &error), FIDO_ERR_PIN_AUTH_BLOCKED);
	ck_assert_int_eq(fido_dev_get_retry_count(device, &tries), FIDO_OK);
	ck_assert_int_eq(tries, 5);
	close_device(device);
}
END_TEST

static void one_try_left(struct ck_soft_state *changed, void *context)
{
	(void)context;
	changed->retries = 1;
}

START_TEST(pin_blocked)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, "1234", &enrolled);
	ck_assert_int_eq(ck_soft_update(path, one_try_left, NULL, NULL), CK_OK);
	ck_assert_int_eq(assertion(device, &enrolled, "0000", &result, &error), FIDO_ERR_PIN_BLOCKED);
	ck_assert_int_eq(assertion(device, &enrolled, "1234", &result, &error), FIDO_ERR_PIN_BLOCKED);
	close_device(device);
}
END_TEST

START_TEST(right_pin_restores_the_tries)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	int tries = 0;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, "1234", &enrolled);
	ck_assert_int_eq(assertion(device, &enrolled, "0000", &result, &error), FIDO_ERR_PIN_INVALID);
	ck_assert_int_eq(assertion(device, &enrolled, "1234", &result, &error), FIDO_OK);
	ck_assert_int_eq(fido_dev_get_retry_count(device, &tries), FIDO_OK);
	ck_assert_int_eq(tries, CK_SOFT_PIN_TRIES);
	close_device(device);
}
END_TEST

START_TEST(pin_set_and_changed_by_libfido2)
{
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert_int_eq(fido_dev_set_pin(device, "1234", NULL), FIDO_OK);
	ck_assert_int_eq(fido_dev_set_pin(device, "5678", NULL), FIDO_ERR_PIN_AUTH_INVALID);
	ck_assert_int_eq(fido_dev_set_pin(device, "5678", "0000"), FIDO_ERR_PIN_INVALID);
	ck_assert_int_eq(fido_dev_set_pin(device, "5678", "1234"), FIDO_OK);
	close_device(device);
	device = opened();
	ck_assert(fido_dev_has_pin(device));
	struct enrolled enrolled;
	enrol(device, CK_SOFT_ES256, "5678", &enrolled);
	close_device(device);
}
END_TEST

START_TEST(verifies_its_user_by_itself)
{
	struct enrolled enrolled;
	state.builtin_uv = true;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(fido_dev_has_uv(device));
	fido_cred_t *cred = new_cred(CK_SOFT_ES256);
	fido_cred_set_uv(cred, FIDO_OPT_TRUE);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_OK);
	check_registration(cred, true, &enrolled);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

static const struct {
	unsigned bit;
	enum ck_error expected;
} misbehaviours[] = {
	{CK_SOFT_NO_UV, CK_ERR_DENIED},         {CK_SOFT_NO_UP, CK_ERR_DENIED},            {CK_SOFT_OTHER_RP, CK_ERR_DENIED},
	{CK_SOFT_BAD_SIGNATURE, CK_ERR_DENIED}, {CK_SOFT_OTHER_CREDENTIAL, CK_ERR_DENIED}, {0, CK_OK},
};

START_TEST(misbehaves_at_assertions)
{
	struct enrolled enrolled;
	create("1234");
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, "1234", &enrolled);
	close_device(device);
	misbehave(misbehaviours[_i].bit);
	expect_verdict(&enrolled, "1234", misbehaviours[_i].expected);
}
END_TEST

START_TEST(wrong_counter)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create(NULL);
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, NULL, &enrolled);
	misbehave(CK_SOFT_WRONG_COUNTER);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(assertion(device, &enrolled, NULL, &result, &error), FIDO_OK);
		ck_assert_int_eq(error, CK_OK); /* the ledger's to refuse */
		ck_assert_uint_eq(result.count, 1);
	}
	close_device(device);
}
END_TEST

START_TEST(garbage)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create(NULL);
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, NULL, &enrolled);
	misbehave(CK_SOFT_GARBAGE);
	ck_assert_int_ne(assertion(device, &enrolled, NULL, &result, &error), FIDO_OK);
	close_device(device);
}
END_TEST

START_TEST(not_touched)
{
	struct enrolled enrolled;
	struct ck_fido_result result;
	enum ck_error error;
	create(NULL);
	fido_dev_t *device = opened();
	enrol(device, CK_SOFT_ES256, NULL, &enrolled);
	misbehave(CK_SOFT_NO_TOUCH);
	ck_assert_int_eq(assertion(device, &enrolled, NULL, &result, &error), FIDO_ERR_USER_ACTION_TIMEOUT);
	close_device(device);
}
END_TEST

START_TEST(unplugged)
{
	create(NULL);
	char names[4][256];
	ck_assert_int_eq(ck_soft_list(names, 4, root), 1);
	ck_assert_str_eq(names[0], path);
	misbehave(CK_SOFT_REMOVED);
	ck_assert_int_eq(ck_soft_list(names, 4, root), 0);
	ck_assert_ptr_null(ck_soft_open(path));
}
END_TEST

START_TEST(touch_to_choose)
{
	int touched = 0;
	create("1234");
	fido_dev_t *device = opened();
	misbehave(CK_SOFT_NO_TOUCH);
	ck_assert_int_eq(fido_dev_get_touch_begin(device), FIDO_OK);
	ck_assert_int_eq(fido_dev_get_touch_status(device, &touched, 30), FIDO_OK);
	ck_assert_int_eq(touched, 0);
	misbehave(0);
	for (int i = 0; i < 50 && !touched; i++) ck_assert_int_eq(fido_dev_get_touch_status(device, &touched, 30), FIDO_OK);
	ck_assert_int_eq(touched, 1);
	close_device(device);
}
END_TEST

START_TEST(no_such_key)
{
	ck_assert_ptr_null(ck_soft_open(path));
	create(NULL);
	ck_assert_int_eq(ck_soft_create_key(root, "mine", &state, -1, -1, NULL), CK_ERR_EXISTS);
	ck_assert_int_eq(ck_soft_create_key(root, "../other", &state, -1, -1, NULL), CK_ERR_INVALID);
}
END_TEST

START_TEST(request_too_large)
{
	/* the helper must not send all allowed credentials at once */
	create(NULL);
	fido_dev_t *device = opened();
	fido_assert_t *native = fido_assert_new();
	fido_assert_set_rp(native, RP);
	fido_assert_set_clientdata_hash(native, challenge, 32);
	uint8_t id[200] = {0};
	for (int i = 0; i < 8; i++) ck_assert_int_eq(fido_assert_allow_cred(native, id, sizeof id), FIDO_OK);
	ck_assert_int_ne(fido_dev_get_assert(device, native, NULL), FIDO_OK);
	fido_assert_free(&native);
	close_device(device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("soft key");
	TCase *tcase = tcase_create("through libfido2");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, makes_and_asserts, 0, 2);
	tcase_add_test(tcase, without_pin);
	tcase_add_test(tcase, creating_demands_the_pin);
	tcase_add_test(tcase, exclude_list);
	tcase_add_test(tcase, only_eddsa);
	tcase_add_loop_test(tcase, resident_and_protected, 0, 2);
	tcase_add_test(tcase, wrong_pin_counts_down);
	tcase_add_test(tcase, pin_blocked);
	tcase_add_test(tcase, right_pin_restores_the_tries);
	tcase_add_test(tcase, pin_set_and_changed_by_libfido2);
	tcase_add_test(tcase, verifies_its_user_by_itself);
	tcase_add_loop_test(tcase, misbehaves_at_assertions, 0, sizeof misbehaviours / sizeof misbehaviours[0]);
	tcase_add_test(tcase, wrong_counter);
	tcase_add_test(tcase, garbage);
	tcase_add_test(tcase, not_touched);
	tcase_add_test(tcase, unplugged);
	tcase_add_test(tcase, touch_to_choose);
	tcase_add_test(tcase, no_such_key);
	tcase_add_test(tcase, request_too_large);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
