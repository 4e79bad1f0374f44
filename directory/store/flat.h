/* The flat form of a record in the store: little-endian, versioned, canonical (one record has one form), with a CRC-32C bound to the
   kind and id it is filed under. Decoding borrows texts and id lists from the bytes. */
#ifndef CK_STORE_FLAT_H
#define CK_STORE_FLAT_H

#include "directory/model/record.h"

#define CK_FLAT_VERSION 4
/* The largest rule (64 of everything) is just over 10 000 bytes. */
#define CK_FLAT_LIMIT_BYTES 16384
#define CK_FLAT_CRC_BYTES 4

/* CK_ERR_INVALID: a text, list or number is longer or larger than the model allows, or there is no such kind or status. */
CK_MUST_USE enum ck_error ck_flat_encode(const struct ck_record *record, uint8_t out[CK_FLAT_LIMIT_BYTES], size_t *out_length);
/* CK_ERR_CORRUPT on whatever ck_flat_encode does not write for this kind and id. Entries of `out` past a list's count are not set. */
CK_MUST_USE enum ck_error ck_flat_decode(enum ck_kind kind, struct ck_id id, struct ck_bytes bytes, struct ck_record *out);
/* The checksum that belongs at the end: of the bytes before it, and of where they are filed, so that a record in another's place is found. */
uint32_t ck_flat_seal(struct ck_bytes filed_under, struct ck_bytes body);
uint32_t ck_flat_crc(enum ck_kind kind, struct ck_id id, struct ck_bytes body);

#endif
