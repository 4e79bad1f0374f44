/* Escaping for search filters (RFC 4515). DNs hold only ids and hex of ours (ck_entry_dn), so they need none. */
#include "directory/ldap/internal.h"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '#' || c == '-' || c == '_';
}

enum ck_error ck_ldap_escape_filter(struct ck_text value, char *out, size_t out_bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;
	for (size_t i = 0; i < value.length; i++) {
		size_t needed = is_plain(value.at[i]) ? 1 : 3;
		if (used + needed >= out_bytes) return CK_ERR_LIMIT;
		if (needed == 1) {
			out[used++] = value.at[i];
			continue;
		}
		unsigned byte = (unsigned char)value.at[i];
		out[used++] = '\\';
		out[used++] = digits[byte >> 4];
		out[used++] = digits[byte & 15];
	}
	if (used >= out_bytes) return CK_ERR_LIMIT;
	out[used] = '\0';
	return CK_OK;
}
