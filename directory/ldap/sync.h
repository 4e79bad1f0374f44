/* The messages of content synchronisation (RFC 4533): BER in and out, nothing else. Decoded parts borrow from the bytes given. */
#ifndef CK_LDAP_SYNC_H
#define CK_LDAP_SYNC_H

#include "directory/model/record.h"

#define CK_SYNC_UUID_BYTES 16

/* 2.2: the request control's value, refreshAndPersist; cookie absent: none. CK_ERR_LIMIT if it does not fit. */
CK_MUST_USE enum ck_error ck_sync_request_encode(struct ck_bytes cookie, uint8_t *out, size_t out_bytes, size_t *out_length);

enum ck_sync_entry { CK_SYNC_PRESENT = 0, CK_SYNC_ADD = 1, CK_SYNC_MODIFY = 2, CK_SYNC_DELETE = 3 };
/* 2.3: the state control of an entry. */
struct ck_sync_state {
	enum ck_sync_entry state;
	uint8_t uuid[CK_SYNC_UUID_BYTES];
	struct ck_bytes cookie; /* absent: {NULL, 0} */
};
CK_MUST_USE enum ck_error ck_sync_state_decode(struct ck_bytes value, struct ck_sync_state *out);

enum ck_sync_kind { CK_SYNC_NEW_COOKIE, CK_SYNC_REFRESH_DELETE, CK_SYNC_REFRESH_PRESENT, CK_SYNC_ID_SET };
/* 2.5: the info message. */
struct ck_sync_info {
	enum ck_sync_kind kind;
	struct ck_bytes cookie;
	bool refresh_done;    /* of the two ends of a phase; TRUE unless it says otherwise */
	bool refresh_deletes; /* of an id set: these are gone; else these are present */
	struct ck_bytes uuids; /* of an id set: the items, still encoded */
};
CK_MUST_USE enum ck_error ck_sync_info_decode(struct ck_bytes value, struct ck_sync_info *out);
/* Takes the next id off `uuids`; CK_ERR_NOT_FOUND at its end. A decoded info's set is well-formed. */
CK_MUST_USE enum ck_error ck_sync_next_uuid(struct ck_bytes *uuids, uint8_t out[CK_SYNC_UUID_BYTES]);

#endif
