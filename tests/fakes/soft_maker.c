/* A maker of keys for tests: a root of its own, and certificates that attest by it, good ones and ones with something wrong. */
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <string.h>

#include "tests/fakes/soft_crypto.h"

#define AAGUID_OID "1.3.6.1.4.1.45724.1.1.4" /* id-fido-gen-ce-aaguid (WebAuthn Level 2, 8.2.1) */

struct names {
	const char *country, *organisation, *unit, *name;
};

static X509_NAME *name_of(const struct names *names)
{
	X509_NAME *out = X509_NAME_new();
	const char *const fields[][2] = {{"C", names->country}, {"O", names->organisation}, {"OU", names->unit}, {"CN", names->name}};
	for (size_t i = 0; out != NULL && i < 4; i++) {
		if (fields[i][1] == NULL) continue;
		if (X509_NAME_add_entry_by_txt(out, fields[i][0], MBSTRING_UTF8, (const unsigned char *)fields[i][1], -1, -1, 0) != 1) {
			X509_NAME_free(out);
			return NULL;
		}
	}
	return out;
}

/* An OCTET STRING inside the extension's own. */
static bool add_aaguid(X509 *certificate, const uint8_t aaguid[16], bool critical)
{
	uint8_t value[18] = {0x04, 16};
	memcpy(value + 2, aaguid, 16);
	ASN1_OBJECT *oid = OBJ_txt2obj(AAGUID_OID, 1);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool done = oid != NULL && data != NULL && ASN1_OCTET_STRING_set(data, value, sizeof value) == 1
	            && (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, data)) != NULL && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(oid);
	return done;
}

static bool add_constraints(X509 *certificate, bool authority)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	if (constraints == NULL) return false;
	constraints->ca = authority ? 0xff : 0;
	bool done = X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, X509V3_ADD_DEFAULT) == 1;
	BASIC_CONSTRAINTS_free(constraints);
	return done;
}

/* One certificate. issuer NULL: signed by itself. */
struct plan {
	const struct names *subject, *issuer;
	const uint8_t *secret, *issuer_secret, *aaguid;
	const char *not_before, *not_after;
	bool authority, critical_aaguid, version_1;
	long serial;
};

static bool fill(X509 *certificate, const struct plan *plan, EVP_PKEY *key)
{
	bool done = false;
	X509_NAME *subject = name_of(plan->subject), *issuer = name_of(plan->issuer);
	if (subject == NULL || issuer == NULL) goto out;
	if (X509_set_version(certificate, plan->version_1 ? X509_VERSION_1 : X509_VERSION_3) != 1
	    || ASN1_INTEGER_set(X509_get_serialNumber(certificate), plan->serial) != 1 || X509_set_subject_name(certificate, subject) != 1
	    || X509_set_issuer_name(certificate, issuer) != 1 || X509_set_pubkey(certificate, key) != 1
	    || ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), plan->not_before) != 1
	    || ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), plan->not_after) != 1)
		goto out;
	if (!plan->version_1 && !add_constraints(certificate, plan->authority)) goto out;
	if (!plan->version_1 && plan->aaguid != NULL && !add_aaguid(certificate, plan->aaguid, plan->critical_aaguid)) goto out;
	done = true;
out:
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return done;
}

static bool issue(const struct plan *plan, uint8_t *out, size_t *out_length)
{
	bool done = false;
	X509 *certificate = X509_new();
	EVP_PKEY *key = ck_soft_p256_key(plan->secret), *issuer_key = ck_soft_p256_key(plan->issuer_secret);
	if (certificate == NULL || key == NULL || issuer_key == NULL || !fill(certificate, plan, key)
	    || X509_sign(certificate, issuer_key, EVP_sha256()) <= 0)
		goto out;
	int length = i2d_X509(certificate, NULL);
	if (length <= 0 || length > CK_SOFT_CERTIFICATE_LIMIT_BYTES) goto out;
	*out_length = (size_t)i2d_X509(certificate, &out);
	done = true;
out:
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
	X509_free(certificate);
	return done;
}

static void draw_scalar(uint8_t out[32])
{
	randombytes_buf(out, 32);
	out[0] = (uint8_t)((out[0] & 0x7f) | 1);
}

bool ck_soft_make_maker(struct ck_soft_maker *out, const struct ck_soft_maker_wish *wish)
{
	uint8_t root_secret[32], middle_secret[32];
	const struct names root = {"GB", "Crosskeys tests", NULL, "Test root"}, middle = {"GB", "Crosskeys tests", NULL, "Test intermediate"};
	const struct names leaf = {wish->without_country ? NULL : "GB", "Crosskeys tests",
	                           wish->unit != NULL ? wish->unit : "Authenticator Attestation",
	                           wish->name != NULL ? wish->name : "Crosskeys software key"};
	const uint8_t *aaguid = wish->aaguid != NULL ? wish->aaguid : ck_soft_aaguid;
	*out = (struct ck_soft_maker){.root_length = 0};
	if (sodium_init() < 0) return false;
	draw_scalar(root_secret);
	draw_scalar(middle_secret);
	draw_scalar(out->secret);
	/* far ends: a machine under test may not know the date */
	struct plan plan = {.subject = &root, .issuer = &root, .secret = root_secret, .issuer_secret = root_secret,
	                    .not_before = "19700101000000Z", .not_after = "20991231235959Z", .authority = true, .serial = 1};
	if (!issue(&plan, out->root, &out->root_length)) return false;
	plan.subject = &middle;
	plan.secret = middle_secret;
	plan.serial = 2;
	if (wish->with_middle && !issue(&plan, out->middle, &out->middle_length)) return false;
	plan = (struct plan){.subject = &leaf, .issuer = wish->with_middle ? &middle : &root, .secret = out->secret,
	                     .issuer_secret = wish->with_middle ? middle_secret : root_secret, .aaguid = wish->without_aaguid ? NULL : aaguid,
	                     .not_before = wish->not_yet_valid ? "20980101000000Z" : "19700101000000Z",
	                     .not_after = wish->expired ? "19710101000000Z" : "20991231235959Z", .authority = wish->is_authority,
	                     .critical_aaguid = wish->critical_aaguid, .version_1 = wish->version_1, .serial = 3};
	return issue(&plan, out->certificate, &out->certificate_length);
}

static void put_certificates(struct ck_writer *w, const struct ck_soft_maker *maker)
{
	ck_soft_put_text(w, "x5c");
	ck_soft_put_head(w, 4, maker->middle_length > 0 ? 2 : 1);
	ck_soft_put_bytes(w, maker->certificate, maker->certificate_length);
	if (maker->middle_length > 0) ck_soft_put_bytes(w, maker->middle, maker->middle_length);
}

size_t ck_soft_put_packed_statement(int algorithm, const uint8_t *signature, size_t length, const struct ck_soft_maker *maker, uint8_t *out,
                                    size_t limit_bytes)
{
	struct ck_writer w;
	ck_writer_init(&w, out, limit_bytes);
	ck_soft_put_head(&w, 5, maker->certificate_length > 0 ? 3 : 2);
	ck_soft_put_text(&w, "alg");
	ck_soft_put_negative(&w, algorithm);
	ck_soft_put_text(&w, "sig");
	ck_soft_put_bytes(&w, signature, length);
	if (maker->certificate_length > 0) put_certificates(&w, maker);
	return w.failed ? 0 : ck_writer_length(&w);
}

size_t ck_soft_put_u2f_statement(const uint8_t *signature, size_t length, const struct ck_soft_maker *maker, uint8_t *out, size_t limit_bytes)
{
	struct ck_writer w;
	ck_writer_init(&w, out, limit_bytes);
	ck_soft_put_head(&w, 5, 2);
	ck_soft_put_text(&w, "sig");
	ck_soft_put_bytes(&w, signature, length);
	put_certificates(&w, maker);
	return w.failed ? 0 : ck_writer_length(&w);
}

size_t ck_soft_sign_u2f_registration(const struct ck_soft_credential *credential, const uint8_t *client_data_hash,
                                     const struct ck_soft_maker *maker, uint8_t *signature)
{
	uint8_t message[2048], hash[32], point[65];
	struct ck_writer w;
	if (credential->algorithm != CK_SOFT_ES256 || !ck_soft_p256_public(credential->secret, point)) return 0;
	ck_soft_hash_rp_id(credential->rp_id, hash);
	ck_writer_init(&w, message, sizeof message);
	ck_put_u8(&w, 0);
	ck_put_bytes(&w, hash, sizeof hash);
	ck_put_bytes(&w, client_data_hash, 32);
	ck_put_bytes(&w, credential->id, credential->id_length);
	ck_put_bytes(&w, point, sizeof point);
	return w.failed ? 0 : ck_soft_sign_p256(maker->secret, message, ck_writer_length(&w), signature);
}

bool ck_soft_make_certified(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified,
                            const struct ck_soft_maker *maker, bool u2f, struct ck_soft_registration *out)
{
	uint8_t message[sizeof out->auth_data + 32], signature[80];
	size_t length;
	unsigned flags = CK_SOFT_UP | CK_SOFT_AT | (verified ? CK_SOFT_UV : 0u);
	*out = (struct ck_soft_registration){.statement_length = 0};
	if (u2f) credential->u2f = true;
	memcpy(out->format, u2f ? "fido-u2f" : "packed", u2f ? 9 : 7);
	out->auth_data_length = ck_soft_put_registration_data(credential, flags, (struct ck_bytes){NULL, 0}, out->auth_data,
	                                                      sizeof out->auth_data);
	if (out->auth_data_length == 0) return false;
	if (u2f) {
		length = ck_soft_sign_u2f_registration(credential, client_data_hash, maker, signature);
		out->statement_length = ck_soft_put_u2f_statement(signature, length, maker, out->statement, sizeof out->statement);
	} else {
		memcpy(message, out->auth_data, out->auth_data_length);
		memcpy(message + out->auth_data_length, client_data_hash, 32);
		length = ck_soft_sign_p256(maker->secret, message, out->auth_data_length + 32, signature);
		out->statement_length = ck_soft_put_packed_statement(CK_SOFT_ES256, signature, length, maker, out->statement, sizeof out->statement);
	}
	return length > 0 && out->statement_length > 0;
}
