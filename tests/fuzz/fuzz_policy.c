/* slapo-ppolicy's response control from a provider. */
#include <stdint.h>

#include "directory/ldap/policy.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_policy policy;
	if (ck_policy_decode((struct ck_bytes){data, size}, &policy) != CK_OK) return;
	CK_ASSERT(policy.error == CK_POLICY_FINE || policy.error <= CK_POLICY_TOO_LONG);
	CK_ASSERT(policy.expires_s >= -1 && policy.expires_s <= INT32_MAX && policy.grace_left >= -1 && policy.grace_left <= INT32_MAX);
	CK_ASSERT(policy.expires_s < 0 || policy.grace_left < 0);
}
