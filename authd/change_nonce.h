/* The nonces that a change or an enrolment must carry: issued to a name, good once, for a short while. Bounded in all and for each asker,
   so that nobody's flood takes another's place. Pure but for the randomness. */
#ifndef CK_AUTHD_CHANGE_NONCE_H
#define CK_AUTHD_CHANGE_NONCE_H

#include "authd/protocol/message.h"
#include "directory/model/record.h"

#define CK_NONCES_LIMIT 1024
#define CK_NONCES_PER_PEER_LIMIT 64 /* of one kernel uid; then its oldest makes room */

enum ck_nonce_purpose { CK_NONCE_CHANGE = 1, CK_NONCE_ENROL = 2, CK_NONCE_PASSWORD = 3 };
struct ck_nonce {
	enum ck_nonce_purpose purpose; /* 0: free */
	uint8_t bytes[CK_NONCE_BYTES];
	char user[CK_UID_LIMIT_BYTES + 1];
	uint64_t peer_uid;
	int64_t issued_ms; /* monotonic */
	int64_t time_s;    /* what the statement says */
};
struct ck_nonces {
	struct ck_nonce at[CK_NONCES_LIMIT];
};

/* CK_ERR_LIMIT: too many are open; try again. user: at most CK_UID_LIMIT_BYTES. */
CK_MUST_USE enum ck_error ck_nonce_issue(struct ck_nonces *nonces, enum ck_nonce_purpose purpose, struct ck_text user, uint64_t peer_uid,
                                         int64_t now_ms, int64_t now_s, int64_t life_ms, struct ck_nonce *out);
/* Uses it up, whatever comes of it. CK_ERR_NOT_FOUND: never issued, used, or for something else. CK_ERR_TIMEOUT: too old. */
CK_MUST_USE enum ck_error ck_nonce_take(struct ck_nonces *nonces, enum ck_nonce_purpose purpose, const uint8_t bytes[CK_NONCE_BYTES],
                                        int64_t now_ms, int64_t life_ms, struct ck_nonce *out);

#endif
