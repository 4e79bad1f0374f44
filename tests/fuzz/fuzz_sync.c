/* RFC 4533 messages and cookies from a provider: the first byte chooses which decoder gets the rest. */
#include <stdint.h>

#include "directory/ldap/csn.h"
#include "directory/ldap/sync.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_sync_state state;
	struct ck_sync_info info;
	struct ck_csn_set set = {0};
	char text[CK_CSN_LIST_LIMIT_BYTES];
	uint8_t uuid[CK_SYNC_UUID_BYTES];
	if (size == 0) return;
	struct ck_bytes rest = {data + 1, size - 1};
	switch (data[0] & 3) {
	case 0: (void)!ck_sync_state_decode(rest, &state); break;
	case 1:
		if (ck_sync_info_decode(rest, &info) != CK_OK) break;
		while (info.uuids.length > 0) CK_ASSERT(ck_sync_next_uuid(&info.uuids, uuid) == CK_OK);
		break;
	default:
		if (ck_csn_set_add_cookie(&set, rest) != CK_OK) break;
		size_t length = ck_csn_set_cookie(&set, text);
		struct ck_csn_set again = {0};
		CK_ASSERT(ck_csn_set_add_cookie(&again, (struct ck_bytes){(const uint8_t *)text, length}) == CK_OK);
		CK_ASSERT(ck_csn_set_covers(&again, &set) && ck_csn_set_covers(&set, &again));
		break;
	}
}
