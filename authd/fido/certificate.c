/* Attestation certificates: what a maker's has to say (WebAuthn Level 2, 8.2.1). Whether anybody vouches for it is another question
   (roots.c). Trusts OpenSSL to read X.509; nothing that it reads. */
#include "authd/fido/internal.h"

#include <limits.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

/* id-fido-gen-ce-aaguid: the model that the certificate is for */
#define AAGUID_OID "1.3.6.1.4.1.45724.1.1.4"

X509 *ck_fido_read_certificate(struct ck_bytes der)
{
	const unsigned char *at = der.at;
	if (der.length == 0 || der.length > LONG_MAX) return NULL;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.length);
	if (certificate != NULL && at != der.at + der.length) {
		X509_free(certificate);
		certificate = NULL;
	}
	return certificate;
}

static enum ck_error refuse(struct ck_errmsg *err, const char *what)
{
	return ck_fail(err, CK_ERR_DENIED, "the attestation certificate %s", what);
}

/* The one value of this kind in the subject; NULL if there is none, or more than one. */
static const ASN1_STRING *only_name(X509 *certificate, int nid)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, nid, -1);
	if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0) return NULL;
	return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
}

static bool is_there(const ASN1_STRING *text) { return text != NULL && ASN1_STRING_length(text) > 0; }

static bool is_country(const ASN1_STRING *text)
{
	if (text == NULL || ASN1_STRING_length(text) != 2) return false;
	const unsigned char *at = ASN1_STRING_get0_data(text);
	return at[0] >= 'A' && at[0] <= 'Z' && at[1] >= 'A' && at[1] <= 'Z';
}

static enum ck_error check_subject(X509 *certificate, struct ck_errmsg *err)
{
	static const char unit[] = "Authenticator Attestation";
	if (!is_country(only_name(certificate, NID_countryName))) return refuse(err, "does not name its maker's country by two letters");
	if (!is_there(only_name(certificate, NID_organizationName))) return refuse(err, "does not name its maker");
	const ASN1_STRING *text = only_name(certificate, NID_organizationalUnitName);
	if (text == NULL || ASN1_STRING_length(text) != (int)sizeof unit - 1 || memcmp(ASN1_STRING_get0_data(text), unit, sizeof unit - 1) != 0)
		return refuse(err, "is not for \"Authenticator Attestation\"");
	if (!is_there(only_name(certificate, NID_commonName))) return refuse(err, "has no common name");
	return CK_OK;
}

static enum ck_error check_no_authority(X509 *certificate, struct ck_errmsg *err)
{
	BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(certificate, NID_basic_constraints, NULL, NULL);
	if (constraints == NULL) return refuse(err, "has no basic constraints, or malformed ones");
	bool authority = constraints->ca != 0;
	BASIC_CONSTRAINTS_free(constraints);
	return authority ? refuse(err, "is one of a certification authority") : CK_OK;
}

/* Where the extension is there, it binds the certificate to one model: that of the authenticator data. */
static enum ck_error check_model(X509 *certificate, const uint8_t aaguid[16], struct ck_errmsg *err)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(AAGUID_OID, 1);
	if (oid == NULL) return CK_ERR_MEMORY;
	int at = X509_get_ext_by_OBJ(certificate, oid, -1);
	int again = at < 0 ? -1 : X509_get_ext_by_OBJ(certificate, oid, at);
	ASN1_OBJECT_free(oid);
	if (at < 0) return CK_OK;
	X509_EXTENSION *extension = X509_get_ext(certificate, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
	const unsigned char *bytes = ASN1_STRING_get0_data(value); /* an OCTET STRING (04) of 16 bytes within */
	if (again >= 0) return refuse(err, "names its model twice");
	if (X509_EXTENSION_get_critical(extension)) return refuse(err, "names its model in a critical extension");
	if (ASN1_STRING_length(value) != 18 || bytes[0] != 0x04 || bytes[1] != 16) return refuse(err, "names its model in a malformed extension");
	if (memcmp(bytes + 2, aaguid, 16) != 0) return refuse(err, "is for another model (AAGUID) than the key says it is");
	return CK_OK;
}

enum ck_error ck_fido_check_certificate(X509 *certificate, const uint8_t aaguid[16], struct ck_errmsg *err)
{
	if (X509_get_version(certificate) != X509_VERSION_3) return refuse(err, "is not of version 3");
	enum ck_error error = check_subject(certificate, err);
	if (error == CK_OK) error = check_no_authority(certificate, err);
	if (error == CK_OK) error = check_model(certificate, aaguid, err);
	return error;
}
