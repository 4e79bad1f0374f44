/* Inside the software key's credentials: what its OpenSSL parts share. */
#ifndef CK_TESTS_SOFT_CRYPTO_H
#define CK_TESTS_SOFT_CRYPTO_H

#include <openssl/evp.h>

#include "directory/base/buffer.h"
#include "tests/fakes/soft_key.h"

/* NULL: the library failed. */
EVP_PKEY *ck_soft_p256_key(const uint8_t secret[32]);

/* soft_rsa.c */
bool ck_soft_draw_rsa(struct ck_soft_credential *credential, unsigned bits, unsigned exponent);
bool ck_soft_put_rsa_public_key(const struct ck_soft_credential *credential, struct ck_writer *w);
size_t ck_soft_sign_rsa(const struct ck_soft_credential *credential, const uint8_t *message, size_t length, uint8_t *signature);

/* soft_cbor.c */
void ck_soft_put_head(struct ck_writer *w, unsigned major, size_t number);
void ck_soft_put_bytes(struct ck_writer *w, const void *bytes, size_t length);
void ck_soft_put_text(struct ck_writer *w, const char *text);
void ck_soft_put_negative(struct ck_writer *w, int number);

#endif
