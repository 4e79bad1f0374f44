/* The makers that this machine's administrator trusts, and whether a certificate leads to one of them. Trusts the file, which is root's;
   no certificate that comes with a key. Nothing is fetched: revocation is taking a root out of the file. */
#include "authd/fido/internal.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define ROOTS_LIMIT 1024 /* the metadata of all certified makers names some three hundred */
#define CHAIN_LIMIT 5    /* certificates between the key's and the root */
#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, no RSA below 2048 */

struct ck_fido_roots {
	X509_STORE *store;
	size_t count;
	uint8_t digest[32];
};

void ck_fido_roots_free(struct ck_fido_roots **roots)
{
	if (*roots == NULL) return;
	X509_STORE_free((*roots)->store);
	free(*roots);
	*roots = NULL;
}

const uint8_t *ck_fido_roots_digest(const struct ck_fido_roots *roots) { return roots->digest; }

static enum ck_error add_root(struct ck_fido_roots *roots, struct ck_bytes der, struct ck_errmsg *err)
{
	X509 *certificate = ck_fido_read_certificate(der);
	if (certificate == NULL) return ck_fail(err, CK_ERR_INVALID, "certificate %zu is none", roots->count + 1);
	int added = X509_STORE_add_cert(roots->store, certificate);
	X509_free(certificate);
	if (added != 1) return ck_fail(err, CK_ERR_MEMORY, "certificate %zu is not taken", roots->count + 1);
	if (roots->count == ROOTS_LIMIT) return ck_fail(err, CK_ERR_LIMIT, "more than %d certificates", ROOTS_LIMIT);
	roots->count++;
	ck_sha256(roots->digest, (struct ck_bytes[]){{roots->digest, sizeof roots->digest}, der}, 2);
	return CK_OK;
}

/* Block after block; whatever is no certificate is a mistake of whoever wrote the file. */
static enum ck_error add_all(struct ck_fido_roots *roots, BIO *pem, struct ck_errmsg *err)
{
	enum ck_error error = CK_OK;
	while (error == CK_OK) {
		char *name = NULL, *header = NULL;
		unsigned char *der = NULL;
		long length = 0;
		if (PEM_read_bio(pem, &name, &header, &der, &length) != 1) {
			bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
			ERR_clear_error();
			return end ? CK_OK : ck_fail(err, CK_ERR_INVALID, "what follows certificate %zu is malformed", roots->count);
		}
		if (strcmp(name, PEM_STRING_X509) != 0 || length < 1)
			error = ck_fail(err, CK_ERR_INVALID, "expected certificates only, got \"%.40s\"", name);
		else
			error = add_root(roots, (struct ck_bytes){der, (size_t)length}, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	return error;
}

/* OpenSSL takes the first of the right name; makers renew their roots, and two may have thought of the same name. So: one that did sign it,
   and of those one that is valid then. */
static int find_issuer(X509 **out, X509_STORE_CTX *context, X509 *certificate)
{
	STACK_OF(X509) *named = X509_STORE_CTX_get1_certs(context, X509_get_issuer_name(certificate));
	X509 *found = NULL;
	bool valid = false;
	for (int i = 0; i < sk_X509_num(named) && !valid; i++) {
		X509 *candidate = sk_X509_value(named, i);
		EVP_PKEY *key = X509_get0_pubkey(candidate);
		if (key == NULL || X509_check_issued(candidate, certificate) != X509_V_OK || X509_verify(certificate, key) != 1) continue;
		valid = X509_cmp_timeframe(X509_STORE_CTX_get0_param(context), X509_get0_notBefore(candidate), X509_get0_notAfter(candidate)) == 0;
		if (found == NULL || valid) found = candidate;
	}
	if (found != NULL && X509_up_ref(found) != 1) found = NULL;
	sk_X509_pop_free(named, X509_free);
	*out = found;
	return found != NULL;
}

enum ck_error ck_fido_roots_read(struct ck_text pem, struct ck_fido_roots **out, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_MEMORY;
	struct ck_fido_roots *roots = calloc(1, sizeof *roots);
	BIO *bio = pem.length <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.length) : NULL;
	*out = NULL;
	if (roots != NULL) roots->store = X509_STORE_new();
	if (roots == NULL || bio == NULL || roots->store == NULL) {
		(void)ck_fail(err, error, "no memory for the certificates");
		goto out;
	}
	error = add_all(roots, bio, err);
	if (error == CK_OK && roots->count == 0) error = ck_fail(err, CK_ERR_INVALID, "expected at least one certificate in PEM");
out:
	BIO_free(bio);
	if (error == CK_OK) X509_STORE_set_get_issuer(roots->store, find_issuer);
	if (error == CK_OK) *out = roots;
	else ck_fido_roots_free(&roots);
	return error;
}

static bool verify_chain(const struct ck_fido_roots *roots, X509 *leaf, STACK_OF(X509) *between, int64_t at_s, const char **out_why)
{
	bool reached = false;
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	*out_why = "no memory";
	if (context == NULL || X509_STORE_CTX_init(context, roots->store, leaf, between) != 1) goto out;
	X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(parameters, (time_t)at_s);
	X509_VERIFY_PARAM_set_depth(parameters, CHAIN_LIMIT);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	/* every certificate in the file is trusted for itself, whether it signed itself or not */
	if (X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) != 1) goto out;
	reached = X509_verify_cert(context) == 1;
	*out_why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
out:
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return reached;
}

enum ck_error ck_fido_roots_reach(const struct ck_fido_roots *roots, const struct ck_fido_statement *statement, int64_t at_s,
                                  struct ck_errmsg *err)
{
	const char *why = "a certificate is malformed";
	bool reached = false, whole = true;
	X509 *leaf = statement->certificate_count > 0 ? ck_fido_read_certificate(statement->certificates[0]) : NULL;
	STACK_OF(X509) *between = sk_X509_new_null();
	for (size_t i = 1; i < statement->certificate_count && between != NULL && whole; i++) {
		X509 *certificate = ck_fido_read_certificate(statement->certificates[i]);
		whole = certificate != NULL && sk_X509_push(between, certificate) > 0;
		if (!whole) X509_free(certificate);
	}
	if (leaf != NULL && between != NULL && whole) reached = verify_chain(roots, leaf, between, at_s, &why);
	sk_X509_pop_free(between, X509_free);
	X509_free(leaf);
	return reached ? CK_OK : ck_fail(err, CK_ERR_DENIED, "its maker's certificate is not trusted here: %s", why);
}
