/* SEQUENCE { warning [0] CHOICE { timeBeforeExpiration [0], graceAuthNsRemaining [1] } OPTIONAL, error [1] ENUMERATED OPTIONAL }: from a provider,
   which is not believed; leftovers are an error. */
#include "directory/ldap/policy.h"

#include "directory/ldap/ber.h"

#define TAG_SEQUENCE 0x30
#define TAG_WARNING 0xa0
#define TAG_EXPIRES 0x80
#define TAG_GRACE 0x81
#define TAG_ERROR 0x81

/* INTEGER (0 .. maxInt) (RFC 4511, 4.1.1). */
static bool read_number(struct ck_bytes content, int64_t *out)
{
	if (content.length == 0 || content.length > 4 || (content.at[0] & 0x80) != 0) return false;
	*out = 0;
	for (size_t i = 0; i < content.length; i++) *out = *out << 8 | content.at[i];
	return true;
}

static bool read_warning(struct ck_bytes content, struct ck_policy *out)
{
	struct ck_reader r = ck_ber_reader_of(content);
	struct ck_bytes number;
	if (ck_ber_take(&r, TAG_EXPIRES, &number)) return read_number(number, &out->expires_s) && ck_reader_done(&r);
	return ck_ber_take(&r, TAG_GRACE, &number) && read_number(number, &out->grace_left) && ck_reader_done(&r);
}

static bool read_error(struct ck_bytes content, struct ck_policy *out)
{
	if (content.length != 1 || content.at[0] > CK_POLICY_TOO_LONG) return false;
	out->error = (enum ck_policy_error)content.at[0];
	return true;
}

enum ck_error ck_policy_decode(struct ck_bytes value, struct ck_policy *out)
{
	struct ck_reader outer = ck_ber_reader_of(value), inner;
	struct ck_bytes sequence, part;
	struct ck_policy policy = CK_POLICY_SILENT;
	*out = policy;
	if (value.at == NULL || !ck_ber_take(&outer, TAG_SEQUENCE, &sequence) || !ck_reader_done(&outer)) return CK_ERR_INVALID;
	inner = ck_ber_reader_of(sequence);
	if (ck_ber_next_is(&inner, TAG_WARNING) && (!ck_ber_take(&inner, TAG_WARNING, &part) || !read_warning(part, &policy))) return CK_ERR_INVALID;
	if (ck_ber_next_is(&inner, TAG_ERROR) && (!ck_ber_take(&inner, TAG_ERROR, &part) || !read_error(part, &policy))) return CK_ERR_INVALID;
	if (!ck_reader_done(&inner)) return CK_ERR_INVALID;
	*out = policy;
	return CK_OK;
}
