/* A record as it goes to a client: an entry with the directory's attribute names (schema/crosskeys.schema). */
#ifndef CK_AUTHD_RECORD_WIRE_H
#define CK_AUTHD_RECORD_WIRE_H

#include "directory/base/buffer.h"
#include "directory/model/record.h"

enum ck_wire_detail {
	CK_WIRE_NAMES = 1,   /* what anybody who may ask at all sees: names and status; of people how to reach them */
	CK_WIRE_COLLEAGUE = 3, /* of people of one's own authority: their staff number, too */
	CK_WIRE_WHOLE = 2    /* everything but what is nobody's business: the hash of a code */
};
#define CK_WIRE_ENTRY_LIMIT_BYTES 32768 /* of one; the longest lists of the longest values stay below it */

/* The wire entry's bytes. CK_ERR_LIMIT: out is too small. use: of a key, what the directory knows of its use, told with it; or NULL. */
CK_MUST_USE enum ck_error ck_record_wire_encode(const struct ck_record *record, const struct ck_key_use *use, enum ck_wire_detail detail,
                                                uint8_t *out, size_t limit_bytes, size_t *out_length);

/* Of a person: the name of their authority told with them, as the attribute "o". */
CK_MUST_USE enum ck_error ck_record_wire_encode_person(const struct ck_record *record, struct ck_text authority, enum ck_wire_detail detail,
                                                       uint8_t *out, size_t limit_bytes, size_t *out_length);

#endif
