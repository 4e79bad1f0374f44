/* Whole registrations and assertions from anywhere. Input: a byte (bit 0: "packed", else "none"; bit 3: "fido-u2f"; bit 1: verified; bit 2:
   an assertion; bit 4: by the RSA key), the statement's or signature's length (16 bit, big-endian), the statement or signature, the rest is
   authenticator data. The key of an assertion is the one whose secret is 1: its public key is the base point of P-256; or an RSA key whose
   private half nobody has any more. */
#include <string.h>

#include "authd/fido/fido.h"
#include "directory/base/buffer.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/root.h"

static const uint8_t challenge[32] = "a challenge of thirty-two bytes";

#define ENROLLED_S 1800000000

static const char rsa_cose[] =
	"a401030339010020590100d35d473ec842a62d809fbe9b57840899f15e78b43145bd99996359753327d229a4a5baef0bcc0c5daf148b216f70bd67af5a7b5ab6"
	"bdb882492b8abdc454600abe8ade47ace71c194eecaed76c44dd805381f31b7fc411bb59071ae5b08e3d12d0ead8959fe70e50e3b8a962a0631f8c9f0feafe0b"
	"2dce0add7983d5de59f8bb2664adc3264cb8bdb71086b3e652a44f8d2832b06374d2daec6dd3c5d404e873ca6f0731844e403f2fca25fe31c63066d004e09393"
	"bacc410d51bb9b3c7ef732f8703c3f64e727d5e1510c6f982831b3977970493c2a07cf479f793c7734a77672afb42075c38867cb430883c01a3b87c49d46520b"
	"1e8836ff0f68486a539b732143010001";

/* Only a certificate makes a key attested, and only by this root. */
static void try_attested(const struct ck_fido_registration *registration, const struct ck_fido_credential *granted)
{
	static struct ck_fido_roots *roots;
	struct ck_fido_credential credential;
	struct ck_errmsg err = {""};
	ck_faults_pass();
	if (roots == NULL) CK_ASSERT(ck_fido_roots_read(ck_text_of(fuzz_root), &roots, &err) == CK_OK);
	ck_faults_back();
	if (ck_fido_verify_attested(registration, roots, ENROLLED_S, &credential, &err) != CK_OK) {
		CK_ASSERT(credential.credential_id.at == NULL);
		return;
	}
	CK_ASSERT(strcmp(credential.attestation, CK_ATTESTATION_CERTIFICATE) == 0);
	CK_ASSERT(granted == NULL || ck_bytes_equal(granted->public_key, credential.public_key));
}

static void try_registration(uint8_t how, struct ck_bytes statement, struct ck_bytes auth_data)
{
	struct ck_fido_credential credential;
	struct ck_errmsg err = {""};
	struct ck_fido_registration registration = {.rp_id = ck_text_of("portal.example"), .client_data_hash = challenge,
	                                            .format = ck_text_of(how & 8 ? "fido-u2f" : how & 1 ? "packed" : "none"), .auth_data = auth_data,
	                                            .statement = statement, .verify = how & 2};
	enum ck_error error = ck_fido_verify_registration(&registration, &credential, &err);
	try_attested(&registration, error == CK_OK ? &credential : NULL);
	if (error == CK_OK) CK_ASSERT(credential.attestation != NULL && (!(how & 2) || credential.verified));
	else CK_ASSERT(credential.attestation == NULL && credential.credential_id.at == NULL);
}

static void try_assertion(uint8_t how, struct ck_bytes signature, struct ck_bytes auth_data)
{
	static uint8_t cose[77] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, [42] = 0x22, 0x58, 32};
	static const uint8_t id[1] = {1};
	static const char x[] = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
	static const char y[] = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
	struct ck_fido_result result;
	struct ck_errmsg err = {""};
	CK_ASSERT(ck_hex_decode(ck_text_of(x), cose + 10, 32) == CK_OK && ck_hex_decode(ck_text_of(y), cose + 45, 32) == CK_OK);
	static uint8_t rsa[sizeof rsa_cose / 2];
	CK_ASSERT(ck_hex_decode(ck_text_of(rsa_cose), rsa, sizeof rsa) == CK_OK);
	struct ck_key key = {.credential_id = {id, 1}, .public_key = {cose, sizeof cose}, .rp_id = ck_text_of("portal.example")};
	if (how & 16) key.public_key = (struct ck_bytes){rsa, sizeof rsa};
	struct ck_fido_assertion assertion = {.rp_id = key.rp_id, .client_data_hash = challenge, .credential_id = key.credential_id,
	                                      .auth_data = auth_data, .signature = signature, .verify = how & 2};
	if (ck_fido_verify_assertion(&key, &assertion, &result, &err) == CK_OK) CK_ASSERT(!(how & 2) || result.verified);
	else CK_ASSERT(result.count == 0 && !result.verified);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_reader r;
	ck_reader_init(&r, data, size);
	uint8_t how = ck_get_u8(&r);
	size_t length = ck_get_u16be(&r);
	struct ck_bytes first = {ck_get_bytes(&r, length), length};
	if (r.failed) return;
	struct ck_bytes rest = {r.at, ck_reader_left(&r)};
	if (how & 4) try_assertion(how, first, rest);
	else try_registration(how, first, rest);
}
