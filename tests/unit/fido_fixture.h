/* One good assertion of each algorithm and its key, and what is said of it when a test has made one thing wrong. */
#ifndef CK_TESTS_FIDO_FIXTURE_H
#define CK_TESTS_FIDO_FIXTURE_H

#include <check.h>
#include <string.h>

#include "authd/fido/internal.h"
#include "tests/fakes/soft_key.h"

#define RP "portal.example"
static const uint8_t challenge[32] = "a challenge of thirty-two bytes";

struct fixture {
	struct ck_soft_credential credential;
	struct ck_soft_assertion made;
	struct ck_key key;
	struct ck_fido_assertion assertion;
	struct ck_fido_result result;
	struct ck_errmsg err;
};

static inline void refresh_key(struct fixture *f)
{
	f->key = (struct ck_key){0};
	f->key.credential_id = (struct ck_bytes){f->credential.id, f->credential.id_length};
	f->key.public_key = (struct ck_bytes){f->credential.cose, f->credential.cose_length};
	f->key.rp_id = ck_text_of(RP);
	f->key.status = CK_STATUS_ACTIVE;
}

static inline void set_up(struct fixture *f, int algorithm)
{
	memset(f, 0, sizeof *f);
	ck_assert(ck_soft_make_credential(&f->credential, RP, algorithm, "assertion"));
	ck_assert(ck_soft_make_assertion(&f->credential, challenge, true, &f->made));
	refresh_key(f);
	f->assertion.rp_id = ck_text_of(RP);
	f->assertion.client_data_hash = challenge;
	f->assertion.credential_id = (struct ck_bytes){f->credential.id, f->credential.id_length};
	f->assertion.auth_data = (struct ck_bytes){f->made.auth_data, f->made.auth_data_length};
	f->assertion.signature = (struct ck_bytes){f->made.signature, f->made.signature_length};
	f->assertion.verify = true;
}

/* ES256 without extensions is verified without libfido2: it must say the same of whatever passes the checks before it. */
static inline void compare_ways(const struct fixture *f)
{
	struct ck_auth_data data;
	struct ck_fido_public_key key;
	struct ck_errmsg err;
	if (ck_fido_parse_auth_data(f->assertion.auth_data, &data) != CK_OK || data.extensions || data.attested) return;
	if (ck_fido_check_common(&data, f->assertion.rp_id, f->assertion.verify, &err) != CK_OK) return;
	if (ck_fido_parse_public_key(f->key.public_key, &key, &err) != CK_OK || key.algorithm != CK_FIDO_ES256) return;
	ck_assert_int_eq(ck_fido_verify_es256(&f->assertion, &key, &err), ck_fido_verify_native(&f->assertion, &key, &err));
}

static inline void expect_granted(struct fixture *f)
{
	compare_ways(f);
	enum ck_error error = ck_fido_verify_assertion(&f->key, &f->assertion, &f->result, &f->err);
	ck_assert_msg(error == CK_OK, "%s: %s", ck_error_name(error), f->err.text);
}

static inline void expect_denied(struct fixture *f, const char *sentence)
{
	compare_ways(f);
	f->result = (struct ck_fido_result){7, true};
	ck_assert_int_eq(ck_fido_verify_assertion(&f->key, &f->assertion, &f->result, &f->err), CK_ERR_DENIED);
	ck_assert_msg(strstr(f->err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", f->err.text, sentence);
	ck_assert_uint_eq(f->result.count, 0);
	ck_assert(!f->result.verified);
}

static const int algorithms[] = {CK_SOFT_ES256, CK_SOFT_EDDSA};
#define EACH_ALGORITHM(f) set_up(&(f), algorithms[_i])

static inline void add_each_algorithm(TCase *tcase, const TTest *const *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) tcase_add_loop_test(tcase, tests[i], 0, 2);
}

#endif
