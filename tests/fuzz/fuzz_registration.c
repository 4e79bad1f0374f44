/* What the directory keeps of a key's enrolment, from anywhere: it has one form, and a key is not attested unless it is the one inside. */
#include <string.h>

#include "authd/attested.h"
#include "authd/protocol/statement.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/root.h"

static void check_form(struct ck_bytes all, const struct ck_registration *registration)
{
	static uint8_t again[CK_REGISTRATION_LIMIT_BYTES];
	struct ck_person_statement statement;
	size_t length;
	CK_ASSERT(ck_registration_encode(registration, again, sizeof again, &length) == CK_OK);
	CK_ASSERT(ck_bytes_equal(all, (struct ck_bytes){again, length}));
	if (ck_person_statement_decode(registration->statement, &statement) != CK_OK) return;
	CK_ASSERT(ck_person_statement_encode(&statement, again, sizeof again, &length) == CK_OK);
	CK_ASSERT(ck_bytes_equal(registration->statement, (struct ck_bytes){again, length}));
}

/* The entry says what the registration says: the best that whoever writes it can do. */
static void check_key(struct ck_bytes all, const struct ck_registration *registration)
{
	static struct ck_fido_roots *roots;
	struct ck_errmsg err;
	struct ck_auth_data inside;
	struct ck_key key = {.rp_id = ck_text_of("portal.example"), .attestation = ck_text_of(CK_ATTESTATION_CERTIFICATE), .registration = all};
	ck_faults_pass();
	if (roots == NULL) CK_ASSERT(ck_fido_roots_read(ck_text_of(fuzz_root), &roots, &err) == CK_OK);
	ck_faults_back();
	if (ck_fido_parse_auth_data(registration->auth_data, &inside) != CK_OK || !inside.attested) return;
	key.credential_id = inside.credential_id;
	key.public_key = inside.public_key;
	memcpy(key.aaguid, inside.aaguid, sizeof key.aaguid);
	if (ck_attestation_check(&key, roots, &err) != CK_OK) return;
	key.aaguid[0] ^= 1;
	enum ck_error error = ck_attestation_check(&key, roots, &err);
	CK_ASSERT(error == CK_ERR_DENIED || (fuzz_failing && error != CK_OK));
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_registration registration;
	struct ck_bytes all = {data, size};
	if (ck_registration_decode(all, &registration) != CK_OK) return;
	check_form(all, &registration);
	check_key(all, &registration);
}
