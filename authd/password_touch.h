/* The touch that a password goes with, as the replica sees it: verified here and not believed of a gate, and good for one password. So who
   has taken a gate can try one for each touch of the person's own key, and no more. Pure: clock and view are given. */
#ifndef CK_AUTHD_PASSWORD_TOUCH_H
#define CK_AUTHD_PASSWORD_TOUCH_H

#include "authd/change.h"
#include "authd/login.h"

/* ---- used ones ---- */
#define CK_TOUCHES_LIMIT 4096        /* remembered for as long as their statement could be believed */
#define CK_TOUCHES_PER_PERSON_LIMIT 64 /* a person of whose key more is asked is no person; nobody takes all places */
struct ck_used_touches {
	struct {
		uint8_t digest[CK_CHALLENGE_BYTES];
		struct ck_id staff;
		int64_t until_ms; /* 0: free */
	} at[CK_TOUCHES_LIMIT];
};
/* Uses it up. CK_ERR_EXISTS: it was used before. CK_ERR_LIMIT: too many are remembered, of this person or of all. */
CK_MUST_USE enum ck_error ck_touch_use(struct ck_used_touches *touches, const uint8_t digest[CK_CHALLENGE_BYTES], struct ck_id staff,
                                       int64_t now_ms, int64_t life_ms);

/* ---- verifying ---- */
struct ck_password_touch {
	/* what is said of it */
	struct ck_login_ask ask; /* of a change the user only */
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
	struct ck_bytes credential, auth_data, signature; /* borrowed */
	/* what was found */
	uint8_t digest[CK_CHALLENGE_BYTES]; /* of what was signed */
	uint8_t key_hash[CK_HASH_BYTES];
	uint32_t count;
	struct ck_id staff, authority;
};
/* CK_ERR_INVALID: the fields of an assertion are not there or of the wrong size. */
CK_MUST_USE enum ck_error ck_password_touch_read(const struct ck_map *message, struct ck_password_touch *out);
/* That an active key of this active person signed the login's statement (change: that of changing the password, with PIN or biometric).
   CK_ERR_DENIED: not, in one sentence for all causes. */
CK_MUST_USE enum ck_error ck_password_touch_verify(struct ck_password_touch *touch, bool change, const struct ck_change_place *place,
                                                   struct ck_view *view, struct ck_denial *denial);

#endif
