/* Whether keys are attested, by the roots that this machine's administrator trusts. The replica decides it, once, when a key enters the copy. */
#ifndef CK_AUTHD_ATTESTED_H
#define CK_AUTHD_ATTESTED_H

#include "authd/fido/fido.h"

/* The certificates in a file of root's; path "": none, and *out is NULL. Before privileges are given up. */
CK_MUST_USE enum ck_error ck_attestation_load(const char *path, struct ck_fido_roots **out, struct ck_errmsg *err);
/* Verifies what the key answered when it was enrolled (ckRegistration), as of then: CK_OK if its certificate leads to a root and it is this
   credential, public key and model that are attested. CK_ERR_DENIED with the reason. */
CK_MUST_USE enum ck_error ck_attestation_check(const struct ck_key *key, const struct ck_fido_roots *roots, struct ck_errmsg *err);

#endif
