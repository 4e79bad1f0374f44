/* LDAP result codes to ours, in one table: a code that is not in it is never a success. */
#include "directory/ldap/internal.h"

static const struct {
	int code;
	enum ck_error error;
} table[] = {
	{LDAP_SUCCESS, CK_OK},
	{LDAP_NO_SUCH_OBJECT, CK_ERR_NOT_FOUND},
	{LDAP_NO_SUCH_ATTRIBUTE, CK_ERR_NOT_FOUND},
	{LDAP_ALREADY_EXISTS, CK_ERR_EXISTS},
	{LDAP_TYPE_OR_VALUE_EXISTS, CK_ERR_EXISTS},
	{LDAP_CONSTRAINT_VIOLATION, CK_ERR_EXISTS}, /* what slapo-unique answers */
	{LDAP_NOT_ALLOWED_ON_NONLEAF, CK_ERR_EXISTS}, /* something lies below it */
	{LDAP_ASSERTION_FAILED, CK_ERR_CONFLICT},
	{LDAP_SYNC_REFRESH_REQUIRED, CK_ERR_CONFLICT},
	{LDAP_INSUFFICIENT_ACCESS, CK_ERR_DENIED},
	{LDAP_INVALID_CREDENTIALS, CK_ERR_DENIED},
	{LDAP_INAPPROPRIATE_AUTH, CK_ERR_DENIED},
	{LDAP_STRONG_AUTH_REQUIRED, CK_ERR_DENIED},
	{LDAP_CONFIDENTIALITY_REQUIRED, CK_ERR_DENIED},
	{LDAP_UNWILLING_TO_PERFORM, CK_ERR_DENIED},
	{LDAP_AUTH_METHOD_NOT_SUPPORTED, CK_ERR_DENIED},
	{LDAP_REFERRAL, CK_ERR_UNAVAILABLE}, /* never followed */
	{LDAP_BUSY, CK_ERR_UNAVAILABLE},
	{LDAP_UNAVAILABLE, CK_ERR_UNAVAILABLE},
	{LDAP_UNAVAILABLE_CRITICAL_EXTENSION, CK_ERR_UNAVAILABLE},
	{LDAP_SERVER_DOWN, CK_ERR_UNAVAILABLE},
	{LDAP_CONNECT_ERROR, CK_ERR_UNAVAILABLE},
	{LDAP_CANCELLED, CK_ERR_CANCELLED},
	{LDAP_USER_CANCELLED, CK_ERR_CANCELLED},
	{LDAP_TIMEOUT, CK_ERR_TIMEOUT},
	{LDAP_TIMELIMIT_EXCEEDED, CK_ERR_TIMEOUT},
	{LDAP_SIZELIMIT_EXCEEDED, CK_ERR_LIMIT},
	{LDAP_ADMINLIMIT_EXCEEDED, CK_ERR_LIMIT},
	{LDAP_INVALID_SYNTAX, CK_ERR_INVALID},
	{LDAP_UNDEFINED_TYPE, CK_ERR_INVALID},
	{LDAP_INVALID_DN_SYNTAX, CK_ERR_INVALID},
	{LDAP_NAMING_VIOLATION, CK_ERR_INVALID},
	{LDAP_OBJECT_CLASS_VIOLATION, CK_ERR_INVALID},
	{LDAP_NOT_ALLOWED_ON_RDN, CK_ERR_INVALID},
	{LDAP_DECODING_ERROR, CK_ERR_INVALID},
	{LDAP_FILTER_ERROR, CK_ERR_INVALID},
	{LDAP_PARAM_ERROR, CK_ERR_INVALID},
	{LDAP_NO_MEMORY, CK_ERR_MEMORY},
};

enum ck_error ck_ldap_error(int code)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].code == code) return table[i].error;
	return CK_ERR_INTERNAL;
}

enum ck_error ck_ldap_fail(struct ck_errmsg *err, int code, const char *doing, const char *diagnostic)
{
	enum ck_error error = ck_ldap_error(code);
	if (error == CK_OK) return CK_OK;
	bool more = diagnostic != NULL && diagnostic[0] != '\0';
	return ck_fail(err, error, "%s: %s%s%s%s", doing, ldap_err2string(code), more ? " (" : "", more ? diagnostic : "", more ? ")" : "");
}
