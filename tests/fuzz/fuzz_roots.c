/* The file of roots: PEM from anywhere. Read twice it is the same set; refused it says why, and leaves nothing. */
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_fido_roots *roots = NULL, *again = NULL;
	struct ck_errmsg err = { "" };
	struct ck_text pem = { (const char *)data, size };
	enum ck_error error = ck_fido_roots_read(pem, &roots, &err);
	if ((error == CK_OK) != (roots != NULL) || (error != CK_OK && err.text[0] == '\0')) abort();
	if (error == CK_OK && ck_fido_roots_read(pem, &again, &err) == CK_OK) {
		if (memcmp(ck_fido_roots_digest(roots), ck_fido_roots_digest(again), 32) != 0) abort();
	} else if (error == CK_OK && !fuzz_failing) {
		abort();
	}
	ck_fido_roots_free(&roots);
	ck_fido_roots_free(&again);
}
