/* Attestation statements (WebAuthn Level 2, 8.2, 8.6), taken apart in place. Trusts nothing. */
#include "authd/fido/internal.h"

#include <string.h>

static void get_certificates(struct ck_reader *r, struct ck_fido_statement *out)
{
	uint64_t count, length;
	struct ck_bytes content;
	ck_fido_expect_text(r, "x5c");
	if (ck_fido_get_head(r, &count, &content) != CK_FIDO_ARRAY || count < 1 || count > CK_FIDO_CERTIFICATES_LIMIT) r->failed = true;
	for (uint64_t i = 0; i < count && !r->failed; i++) {
		if (ck_fido_get_head(r, &length, &out->certificates[i]) != CK_FIDO_BYTES || length == 0) r->failed = true;
		out->certificate_count++;
	}
}

static void get_algorithm(struct ck_reader *r, struct ck_fido_statement *out)
{
	uint64_t number;
	struct ck_bytes content;
	ck_fido_expect_text(r, "alg");
	if (ck_fido_get_head(r, &number, &content) != CK_FIDO_NEGATIVE || number > 65535) r->failed = true;
	out->algorithm = -1 - (int64_t)number;
}

/* packed: alg, sig [, x5c]. fido-u2f: [alg,] sig, x5c; libfido2 puts the alg there, browsers do not. Nothing else, in canonical order. */
enum ck_error ck_fido_parse_statement(struct ck_bytes bytes, bool u2f, struct ck_fido_statement *out, struct ck_errmsg *err)
{
	struct ck_reader r;
	struct ck_bytes content;
	uint64_t pairs, length;
	*out = (struct ck_fido_statement){.algorithm = CK_FIDO_ES256};
	ck_reader_init(&r, bytes.at, bytes.length);
	if (ck_fido_get_head(&r, &pairs, &content) != CK_FIDO_MAP || pairs < 2 || pairs > 3) r.failed = true;
	if (!r.failed && (!u2f || pairs == 3)) get_algorithm(&r, out);
	ck_fido_expect_text(&r, "sig");
	if (ck_fido_get_head(&r, &length, &out->signature) != CK_FIDO_BYTES) r.failed = true;
	if (!r.failed && (u2f || pairs == 3)) get_certificates(&r, out);
	if (!ck_reader_done(&r) || out->signature.length < 1 || out->signature.length > CK_FIDO_SIGNATURE_LIMIT_BYTES) {
		*out = (struct ck_fido_statement){0};
		return ck_fail(err, CK_ERR_DENIED, "the attestation statement is malformed; %s was expected",
		               u2f ? "{\"sig\", \"x5c\"}" : "{\"alg\", \"sig\"}, or with \"x5c\"");
	}
	return CK_OK;
}
