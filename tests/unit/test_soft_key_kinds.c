/* The kinds of key that the software key can be, through the real libfido2: what each makes, libfido2 verifies; and each kind of trouble. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"
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
	static const char *const files[] = {"state", "lock", "state.new", ""};
	char name[256];
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", path, files[i]);
		unlink(name);
	}
	rmdir(path);
	rmdir(root);
}

static void create(const char *pin)
{
	struct ck_errmsg err = {""};
	if (pin != NULL) ck_assert(ck_soft_set_pin(&state, pin));
	enum ck_error error = ck_soft_create_key(root, "mine", &state, -1, -1, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
}

static fido_dev_t *opened(void)
{
	fido_dev_t *device = ck_soft_open_within(path, 5000);
	ck_assert_ptr_nonnull(device);
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

static fido_assert_t *new_assert(const fido_cred_t *cred)
{
	fido_assert_t *assertion = fido_assert_new();
	ck_assert_int_eq(fido_assert_set_rp(assertion, RP), FIDO_OK);
	ck_assert_int_eq(fido_assert_set_clientdata_hash(assertion, challenge, 32), FIDO_OK);
	if (cred != NULL) ck_assert_int_eq(fido_assert_allow_cred(assertion, fido_cred_id_ptr(cred), fido_cred_id_len(cred)), FIDO_OK);
	return assertion;
}

static void check_assertion(fido_assert_t *assertion, const fido_cred_t *cred, bool verified)
{
	const unsigned char *key = fido_cred_pubkey_ptr(cred);
	size_t length = fido_cred_pubkey_len(cred);
	es256_pk_t *es256 = es256_pk_new();
	rs256_pk_t *rs256 = rs256_pk_new();
	int fido = FIDO_ERR_INTERNAL;
	ck_assert_int_eq(fido_assert_set_up(assertion, FIDO_OPT_TRUE), FIDO_OK);
	ck_assert_int_eq(fido_assert_set_uv(assertion, verified ? FIDO_OPT_TRUE : FIDO_OPT_OMIT), FIDO_OK);
	if (fido_cred_type(cred) == COSE_RS256) {
		ck_assert_int_eq(rs256_pk_from_ptr(rs256, key, length), FIDO_OK);
		fido = fido_assert_verify(assertion, 0, COSE_RS256, rs256);
	} else {
		ck_assert_int_eq(es256_pk_from_ptr(es256, key, length), FIDO_OK);
		fido = fido_assert_verify(assertion, 0, COSE_ES256, es256);
	}
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	ck_assert(!!(fido_assert_flags(assertion, 0) & CK_SOFT_UV) == verified);
	es256_pk_free(&es256);
	rs256_pk_free(&rs256);
}

/* Makes and asserts, and lets libfido2 verify both. uv: by itself. */
static void make_and_assert(fido_dev_t *device, int algorithm, const char *pin, bool uv)
{
	fido_cred_t *cred = new_cred(algorithm);
	if (uv) ck_assert_int_eq(fido_cred_set_uv(cred, FIDO_OPT_TRUE), FIDO_OK);
	int fido = fido_dev_make_cred(device, cred, pin);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	fido = fido_cred_x5c_len(cred) > 0 ? fido_cred_verify(cred) : fido_cred_verify_self(cred);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	fido_assert_t *assertion = new_assert(cred);
	if (uv) ck_assert_int_eq(fido_assert_set_uv(assertion, FIDO_OPT_TRUE), FIDO_OK);
	fido = fido_dev_get_assert(device, assertion, pin);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	check_assertion(assertion, cred, uv || pin != NULL);
	fido_assert_free(&assertion);
	fido_cred_free(&cred);
}

START_TEST(rsa)
{
	static const unsigned bits[] = {1024, 2048, 3072};
	state.only_rsa_bits = bits[_i];
	create("1234");
	fido_dev_t *device = opened();
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, "1234"), FIDO_ERR_UNSUPPORTED_ALGORITHM);
	fido_cred_free(&cred);
	if (bits[_i] == 2048) make_and_assert(device, COSE_RS256, "1234", false); /* libfido2 1.12 knows this size alone */
	close_device(device);
}
END_TEST

START_TEST(rsa_without_a_device)
{
	static struct ck_soft_credential credential;
	struct ck_soft_assertion made;
	ck_assert(ck_soft_make_rsa_credential(&credential, RP, _i == 0 ? 2048 : 1024, _i == 0 ? 65537 : 3));
	ck_assert(ck_soft_make_assertion(&credential, challenge, true, &made));
	ck_assert_uint_eq(made.signature_length, _i == 0 ? 256 : 128);
}
END_TEST

START_TEST(certified)
{
	const struct ck_soft_maker_wish wish = {.with_middle = _i == 1};
	ck_assert(ck_soft_make_maker(&state.maker, &wish));
	create("1234");
	fido_dev_t *device = opened();
	make_and_assert(device, COSE_ES256, "1234", false);
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, "1234"), FIDO_OK);
	ck_assert_str_eq(fido_cred_fmt(cred), "packed");
	ck_assert_uint_eq(fido_cred_x5c_len(cred), state.maker.certificate_length);
	ck_assert_mem_eq(fido_cred_x5c_ptr(cred), state.maker.certificate, state.maker.certificate_length);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

/* The chain holds up to the root, and the unusual certificates are unusual in that one way. */
START_TEST(chain)
{
	static const struct {
		struct ck_soft_maker_wish wish;
		int verdict;
	} wishes[] = {{{.with_middle = false}, X509_V_OK}, {{.with_middle = true}, X509_V_OK}, {{.expired = true}, X509_V_ERR_CERT_HAS_EXPIRED},
	              {{.not_yet_valid = true}, X509_V_ERR_CERT_NOT_YET_VALID}, {{.unit = "Other"}, X509_V_OK}};
	static struct ck_soft_maker maker;
	ck_assert(ck_soft_make_maker(&maker, &wishes[_i].wish));
	const unsigned char *at = maker.root, *leaf_at = maker.certificate, *middle_at = maker.middle;
	X509 *top = d2i_X509(NULL, &at, (long)maker.root_length), *leaf = d2i_X509(NULL, &leaf_at, (long)maker.certificate_length);
	X509 *middle = maker.middle_length > 0 ? d2i_X509(NULL, &middle_at, (long)maker.middle_length) : NULL;
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	ck_assert_int_eq(X509_STORE_add_cert(store, top), 1);
	if (middle != NULL) ck_assert_int_gt(sk_X509_push(between, middle), 0);
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	ck_assert_int_eq(X509_STORE_CTX_init(context, store, leaf, between), 1);
	ck_assert_int_eq(X509_verify_cert(context) == 1, wishes[_i].verdict == X509_V_OK);
	ck_assert_int_eq(X509_STORE_CTX_get_error(context), wishes[_i].verdict);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_free(between);
	X509_free(top);
	X509_free(middle);
	X509_free(leaf);
}
END_TEST

START_TEST(maker_in_a_file)
{
	static struct ck_soft_maker maker, again;
	char file[160], pem[180];
	const struct ck_soft_maker_wish wish = {.with_middle = true};
	ck_assert(ck_soft_make_maker(&maker, &wish));
	snprintf(file, sizeof file, "%s/maker", root);
	snprintf(pem, sizeof pem, "%s.root.pem", file);
	ck_assert(ck_soft_save_maker(file, &maker));
	ck_assert(ck_soft_load_maker(file, &again));
	ck_assert_mem_eq(&maker, &again, sizeof maker);
	ck_assert_int_eq(access(pem, R_OK), 0);
	unlink(pem);
	unlink(file);
}
END_TEST

START_TEST(certified_without_a_device)
{
	static struct ck_soft_credential credential;
	static struct ck_soft_maker maker;
	static struct ck_soft_registration made;
	const struct ck_soft_maker_wish wish = {.with_middle = false};
	ck_assert(ck_soft_make_maker(&maker, &wish));
	ck_assert(ck_soft_make_credential(&credential, RP, CK_SOFT_ES256, "seed"));
	ck_assert(ck_soft_make_certified(&credential, challenge, _i == 0, &maker, _i == 1, &made));
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_cred_set_authdata_raw(cred, made.auth_data, made.auth_data_length), FIDO_OK);
	ck_assert_int_eq(fido_cred_set_fmt(cred, made.format), FIDO_OK);
	ck_assert_int_eq(fido_cred_set_attstmt(cred, made.statement, made.statement_length), FIDO_OK);
	int fido = fido_cred_verify(cred);
	ck_assert_msg(fido == FIDO_OK, "%s", fido_strerr(fido));
	made.statement[60] ^= 1;
	fido_cred_free(&cred);
}
END_TEST

/* ---- U2F ---- */
START_TEST(u2f_only)
{
	state.abilities = CK_SOFT_U2F_ONLY;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(!fido_dev_is_fido2(device));
	make_and_assert(device, COSE_ES256, NULL, false);
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_OK);
	ck_assert_str_eq(fido_cred_fmt(cred), "fido-u2f");
	/* the silent question */
	fido_assert_t *assertion = new_assert(cred);
	ck_assert_int_eq(fido_assert_set_up(assertion, FIDO_OPT_FALSE), FIDO_OK);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_ERR_USER_PRESENCE_REQUIRED);
	fido_assert_free(&assertion);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

static void put_misbehaviour(struct ck_soft_state *changed, void *context)
{
	changed->misbehaviour = *(unsigned *)context;
}

START_TEST(u2f_not_touched)
{
	unsigned bits = CK_SOFT_NO_TOUCH;
	state.abilities = CK_SOFT_U2F_ONLY;
	state.misbehaviour = bits;
	create(NULL);
	fido_dev_t *device = opened();
	fido_dev_set_timeout(device, 300);
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_ERR_RX);
	bits = 0;
	ck_assert_int_eq(ck_soft_update(path, put_misbehaviour, &bits, NULL), CK_OK);
	fido_dev_set_timeout(device, 5000);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_OK);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

START_TEST(u2f_too)
{
	/* registered by the one, used by the other */
	state.abilities = CK_SOFT_U2F_TOO;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(fido_dev_is_fido2(device));
	fido_dev_force_u2f(device);
	fido_cred_t *cred = new_cred(COSE_ES256);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_OK);
	fido_dev_force_fido2(device);
	fido_assert_t *assertion = new_assert(cred);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_OK);
	check_assertion(assertion, cred, false);
	fido_assert_free(&assertion);
	fido_cred_free(&cred);
	close_device(device);
}
END_TEST

/* ---- verification ---- */
START_TEST(tokens)
{
	static const unsigned abilities[] = {CK_SOFT_UV_TOKEN, CK_SOFT_UV_TOKEN | CK_SOFT_PROTOCOL_2, CK_SOFT_UV_TOKEN | CK_SOFT_ONLY_PROTOCOL_2,
	                                     CK_SOFT_PROTOCOL_2};
	state.abilities = abilities[_i];
	state.builtin_uv = true;
	create("1234");
	fido_dev_t *device = opened();
	ck_assert(fido_dev_has_uv(device) && fido_dev_has_pin(device));
	ck_assert(fido_dev_supports_permissions(device) == (_i < 3));
	make_and_assert(device, COSE_ES256, "1234", false);
	make_and_assert(device, COSE_ES256, NULL, true);
	close_device(device);
}
END_TEST

START_TEST(wrong_fingers)
{
	static const int codes[][3] = {{FIDO_ERR_UV_INVALID, FIDO_ERR_UV_INVALID, FIDO_ERR_UV_BLOCKED},
	                               {FIDO_ERR_UV_INVALID, FIDO_ERR_UV_INVALID, FIDO_ERR_UV_BLOCKED},
	                               {FIDO_ERR_OPERATION_DENIED, FIDO_ERR_OPERATION_DENIED, FIDO_ERR_OPERATION_DENIED}};
	static const unsigned abilities[] = {CK_SOFT_UV_TOKEN | CK_SOFT_PROTOCOL_2, 0, CK_SOFT_UV_DENIES};
	int left = 0;
	state.abilities = abilities[_i];
	state.builtin_uv = true;
	state.wrong_fingers = 3;
	ck_assert(ck_soft_make_credential(&state.credentials[0], RP, CK_SOFT_ES256, NULL));
	state.count = 1;
	create("1234");
	fido_dev_t *device = opened();
	fido_assert_t *assertion = new_assert(NULL);
	fido_assert_allow_cred(assertion, state.credentials[0].id, state.credentials[0].id_length);
	fido_assert_set_uv(assertion, FIDO_OPT_TRUE);
	for (int i = 0; i < 3; i++) ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), codes[_i][i]);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_ERR_UV_BLOCKED); /* the right finger comes too late */
	ck_assert_int_eq(fido_dev_get_uv_retry_count(device, &left), FIDO_OK);
	ck_assert_int_eq(left, 0);
	fido_assert_set_uv(assertion, FIDO_OPT_OMIT);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, "1234"), FIDO_OK); /* the PIN gives the fingers back */
	fido_assert_set_uv(assertion, FIDO_OPT_TRUE);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_OK);
	fido_assert_free(&assertion);
	close_device(device);
}
END_TEST

START_TEST(always_uv)
{
	state.abilities = CK_SOFT_ALWAYS_UV;
	ck_assert(ck_soft_make_credential(&state.credentials[0], RP, CK_SOFT_ES256, NULL));
	state.count = 1;
	create("1234");
	fido_dev_t *device = opened();
	fido_assert_t *assertion = new_assert(NULL);
	fido_assert_allow_cred(assertion, state.credentials[0].id, state.credentials[0].id_length);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_ERR_PIN_REQUIRED);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, "1234"), FIDO_OK);
	fido_assert_free(&assertion);
	close_device(device);
}
END_TEST

START_TEST(no_pin_no_rk_no_protection)
{
	state.abilities = CK_SOFT_NO_PIN | CK_SOFT_NO_RK | CK_SOFT_NO_PROTECTION;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(!fido_dev_supports_pin(device) && !fido_dev_supports_cred_prot(device));
	fido_cred_t *cred = new_cred(COSE_ES256);
	fido_cred_set_rk(cred, FIDO_OPT_TRUE);
	ck_assert_int_eq(fido_dev_make_cred(device, cred, NULL), FIDO_ERR_UNSUPPORTED_OPTION);
	fido_cred_free(&cred);
	make_and_assert(device, COSE_ES256, NULL, false);
	close_device(device);
}
END_TEST

START_TEST(no_finger_enrolled)
{
	state.builtin_uv = true;
	state.abilities = CK_SOFT_NO_FINGER;
	create(NULL);
	fido_dev_t *device = opened();
	ck_assert(fido_dev_supports_uv(device) && !fido_dev_has_uv(device));
	close_device(device);
}
END_TEST

/* ---- trouble ---- */
static void make_trouble(enum ck_soft_trouble trouble, enum ck_soft_moment at)
{
	state.trouble = trouble;
	state.trouble_at = at;
	ck_assert(ck_soft_make_credential(&state.credentials[0], RP, CK_SOFT_ES256, NULL));
	state.count = 1;
	create(NULL);
}

START_TEST(opens_not)
{
	static const struct {
		enum ck_soft_trouble trouble;
		enum ck_soft_moment at;
	} troubles[] = {{CK_SOFT_HUNG, CK_SOFT_AT_INIT}, {CK_SOFT_BUSY, CK_SOFT_AT_OPEN}, {CK_SOFT_BUSY, CK_SOFT_AT_INIT},
	                {CK_SOFT_GONE, CK_SOFT_AT_OPEN}, {CK_SOFT_GONE, CK_SOFT_AT_INIT}};
	make_trouble(troubles[_i].trouble, troubles[_i].at);
	int64_t began_ms = ck_clock_monotonic_ms();
	ck_assert_ptr_null(ck_soft_open_within(path, 300));
	if (_i == 0) ck_assert_int_ge(ck_clock_monotonic_ms() - began_ms, 300);
	if (_i == 1) ck_assert_int_eq(errno, EBUSY);
}
END_TEST

START_TEST(fails_at_the_assertion)
{
	static const enum ck_soft_trouble troubles[] = {CK_SOFT_HUNG, CK_SOFT_BUSY, CK_SOFT_GONE};
	char names[4][256];
	make_trouble(troubles[_i], CK_SOFT_AT_ASSERT);
	fido_dev_t *device = opened();
	fido_dev_set_timeout(device, 300);
	fido_assert_t *assertion = new_assert(NULL);
	fido_assert_allow_cred(assertion, state.credentials[0].id, state.credentials[0].id_length);
	fido_assert_set_up(assertion, FIDO_OPT_FALSE);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_OK); /* not at the probe */
	fido_assert_set_up(assertion, FIDO_OPT_OMIT);
	ck_assert_int_eq(fido_dev_get_assert(device, assertion, NULL), FIDO_ERR_RX);
	ck_assert_int_eq(ck_soft_list(names, 4, root), troubles[_i] == CK_SOFT_GONE ? 0 : 1);
	fido_assert_free(&assertion);
	close_device(device);
}
END_TEST

START_TEST(slow)
{
	state.slow_ms = 400;
	make_trouble(CK_SOFT_SLOW, CK_SOFT_AT_INFO);
	int64_t began_ms = ck_clock_monotonic_ms();
	fido_dev_t *device = opened();
	ck_assert_int_ge(ck_clock_monotonic_ms() - began_ms, 400);
	ck_assert(fido_dev_is_fido2(device));
	close_device(device);
}
END_TEST

static void get_well(struct ck_soft_state *changed, void *context)
{
	(void)context;
	changed->trouble = CK_SOFT_WELL;
}

START_TEST(stuck)
{
	/* whatever time it is given */
	make_trouble(CK_SOFT_STUCK, _i == 0 ? CK_SOFT_AT_INIT : CK_SOFT_AT_OPEN);
	pid_t child = fork();
	if (child == 0) {
		usleep(500000);
		_exit(ck_soft_update(path, get_well, NULL, NULL) == CK_OK ? 0 : 1);
	}
	int64_t began_ms = ck_clock_monotonic_ms();
	fido_dev_t *device = ck_soft_open_within(path, 100);
	ck_assert_int_ge(ck_clock_monotonic_ms() - began_ms, 400);
	if (_i == 1) {
		ck_assert_ptr_nonnull(device);
		close_device(device);
	} else {
		ck_assert_ptr_null(device);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("soft key's kinds");
	TCase *tcase = tcase_create("through libfido2");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, rsa, 0, 3);
	tcase_add_loop_test(tcase, rsa_without_a_device, 0, 2);
	tcase_add_loop_test(tcase, certified, 0, 2);
	tcase_add_loop_test(tcase, chain, 0, 5);
	tcase_add_test(tcase, maker_in_a_file);
	tcase_add_loop_test(tcase, certified_without_a_device, 0, 2);
	tcase_add_test(tcase, u2f_only);
	tcase_add_test(tcase, u2f_not_touched);
	tcase_add_test(tcase, u2f_too);
	tcase_add_loop_test(tcase, tokens, 0, 4);
	tcase_add_loop_test(tcase, wrong_fingers, 0, 3);
	tcase_add_test(tcase, always_uv);
	tcase_add_test(tcase, no_pin_no_rk_no_protection);
	tcase_add_test(tcase, no_finger_enrolled);
	tcase_add_loop_test(tcase, opens_not, 0, 5);
	tcase_add_loop_test(tcase, fails_at_the_assertion, 0, 3);
	tcase_add_test(tcase, slow);
	tcase_add_loop_test(tcase, stuck, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
