/* HID report descriptors from anywhere: no byte outside the input is read, and nothing without the FIDO usage page is taken for a key. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "directory/base/error.h"
#include "pam_module/token_helper.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	bool there = false;
	for (size_t i = 0; i + 1 < size && !there; i++) there = data[i] == 0xd0 && data[i + 1] == 0xf1;
	CK_ASSERT(!ck_token_hid_is_fido(data, size) || there);
}
