/* What is said in fewer bytes than it has: numbers of changes, public keys, texts that nearly everybody has. Each has one form only: what can be packed
   is. Pure. */
#ifndef CK_STORE_FLAT_PACK_H
#define CK_STORE_FLAT_PACK_H

#include "directory/model/record.h"

/* An entryCSN as OpenLDAP writes it: 20260102030405.678901Z#000000#0a1#000000. */
#define CK_PACKED_CSN_TEXT_BYTES 40
struct ck_packed_csn {
	uint64_t at_us; /* since 1970 */
	uint64_t count, server, change;
};
#define CK_PACKED_CSN_LIMIT_US ((uint64_t)1 << 56) /* seven bytes: until the year 4253 */
/* False: another form, which is kept as it is. */
bool ck_csn_pack(struct ck_text csn, struct ck_packed_csn *out);
void ck_csn_unpack(const struct ck_packed_csn *packed, char out[CK_PACKED_CSN_TEXT_BYTES]);
bool ck_packed_csn_valid(const struct ck_packed_csn *packed);

/* A COSE_Key of which only the coordinates are kept: all else follows from its form. */
enum ck_cose_form { CK_COSE_AS_IT_IS = 0, CK_COSE_ES256 = 1, CK_COSE_EDDSA = 2 };
#define CK_COSE_FORM_LAST CK_COSE_EDDSA
#define CK_COSE_COORDINATE_BYTES 32
#define CK_COSE_TEXT_LIMIT_BYTES 77
enum ck_cose_form ck_cose_form_of(struct ck_bytes cose);
size_t ck_cose_coordinates(enum ck_cose_form form); /* 1 or 2 */
/* Between the whole and its coordinates; returns the length of the whole. */
void ck_cose_pack(enum ck_cose_form form, struct ck_bytes cose, uint8_t coordinates[2 * CK_COSE_COORDINATE_BYTES]);
size_t ck_cose_unpack(enum ck_cose_form form, const uint8_t coordinates[2 * CK_COSE_COORDINATE_BYTES], uint8_t out[CK_COSE_TEXT_LIMIT_BYTES]);

#endif
