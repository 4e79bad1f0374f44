/* The configuration's text. What is accepted must be whole, and be accepted the same way twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/config.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_config first, second;
	struct ck_errmsg err;
	struct ck_text text = { (const char *)data, size };
	enum ck_error error = ck_config_parse(text, "fuzz", &first, &err);
	enum ck_error again = ck_config_parse(text, "fuzz", &second, NULL);
	if (!fuzz_failing && (again != error || memcmp(&first, &second, sizeof first) != 0)) abort();
	if (error != CK_OK) {
		if (err.text[0] == '\0' || first.system[0] != '\0') abort();
		return;
	}
	if (first.directory[0] != '/' || first.socket[0] != '/' || first.rp_id[0] == '\0' || ck_id_is_zero(first.founding_authority) ||
	    ck_id_is_zero(first.system_id)) abort();
	if (strcmp(first.user_gate, first.user_ledger) == 0 || first.gates > 64) abort();
}
