/* The number of a change in a quarter of its bytes. Pure. */
#ifndef CK_STORE_FLAT_CSN_H
#define CK_STORE_FLAT_CSN_H

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

#endif
