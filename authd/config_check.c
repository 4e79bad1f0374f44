/* Forms of configured values, and users and groups of this machine. Trusts the machine's own user database. */
#include "authd/config_check.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

enum ck_error ck_config_check_system(struct ck_text value, struct ck_errmsg *err)
{
	if (ck_model_system_name_valid(value)) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "lower-case letters, digits, '.' and '-', beginning and ending with a letter or digit");
}

enum ck_error ck_config_check_role(struct ck_text value, struct ck_errmsg *err)
{
	if (ck_text_is_printable_utf8(value)) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "the name of a role, in UTF-8 without control characters");
}

/* RFC 1123 labels, lower case; a lone label is accepted for a closed network. */
static bool is_host(struct ck_text host)
{
	size_t label = 0;
	if (host.length == 0 || host.length > 253) return false;
	for (size_t i = 0; i < host.length; i++) {
		char c = host.at[i];
		bool last_of_label = i + 1 == host.length || host.at[i + 1] == '.';
		if (c == '.') {
			if (label == 0 || i + 1 == host.length) return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && label > 0 && !last_of_label))) return false;
		if (++label > 63) return false;
	}
	return true;
}

enum ck_error ck_config_check_host(struct ck_text value, struct ck_errmsg *err)
{
	if (is_host(value)) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "a host name in lower case, without scheme and port");
}

enum ck_error ck_config_check_origin(struct ck_text value, struct ck_errmsg *err)
{
	static const char scheme[] = "https://";
	size_t skip = sizeof scheme - 1;
	if (value.length > skip && memcmp(value.at, scheme, skip) == 0) {
		struct ck_text host = { value.at + skip, value.length - skip };
		const char *colon = memchr(host.at, ':', host.length);
		uint64_t port = 443;
		bool port_fine = true;
		if (colon != NULL) {
			struct ck_text digits = { colon + 1, (size_t)(host.at + host.length - colon - 1) };
			port_fine = ck_uint_parse(digits, 1, 65535, &port) == CK_OK;
			host.length = (size_t)(colon - host.at);
		}
		if (port_fine && is_host(host)) return CK_OK;
	}
	return ck_fail(err, CK_ERR_INVALID, "https://HOST or https://HOST:PORT, without a path");
}

enum ck_error ck_config_check_dn(struct ck_text value, struct ck_errmsg *err)
{
	if (memchr(value.at, '=', value.length) != NULL && value.at[0] != '=' && ck_text_is_printable_utf8(value)) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "a DN such as dc=example,dc=org");
}

enum ck_error ck_config_check_id(struct ck_text value, struct ck_errmsg *err)
{
	struct ck_id id;
	if (ck_id_parse(value, &id) == CK_OK && !ck_id_is_zero(id)) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "a UUID");
}

enum ck_error ck_config_check_path(struct ck_text value, struct ck_errmsg *err)
{
	bool fine = value.at[0] == '/' && value.length > 1 && value.at[value.length - 1] != '/';
	for (size_t i = 0; fine && i < value.length; i++) {
		if ((unsigned char)value.at[i] <= ' ' || value.at[i] == 0x7f) fine = false;
		if (value.at[i] != '/') continue;
		size_t left = value.length - i - 1;
		const char *part = value.at + i + 1;
		if (left > 0 && part[0] == '/') fine = false;
		if (left > 0 && part[0] == '.' && (left == 1 || part[1] == '/')) fine = false;
		if (left > 1 && part[0] == '.' && part[1] == '.' && (left == 2 || part[2] == '/')) fine = false;
	}
	return fine ? CK_OK : ck_fail(err, CK_ERR_INVALID, "an absolute path without spaces, '.', '..', '//' and a '/' at its end");
}

enum ck_error ck_config_check_ldapi(struct ck_text value, struct ck_errmsg *err)
{
	static const char scheme[] = "ldapi://%2F";
	size_t skip = sizeof scheme - 1;
	bool fine = value.length > skip && strncasecmp(value.at, scheme, skip) == 0;
	for (size_t i = skip; fine && i < value.length; i++)
		fine = isgraph((unsigned char)value.at[i]) && value.at[i] != '/' && value.at[i] != '?';
	return fine ? CK_OK : ck_fail(err, CK_ERR_INVALID, "ldapi:// and the socket's absolute path with each / written %%2F");
}

enum ck_error ck_config_check_provider(struct ck_text value, struct ck_errmsg *err)
{
	struct ck_config_address address;
	if (ck_config_address(value, &address) == CK_OK && ck_config_check_host(ck_text_of(address.host), err) == CK_OK &&
	    !ck_text_is(ck_text_of(address.host), "localhost"))
		return CK_OK;
	/* libldap takes localhost for this machine's own name when it looks at the certificate */
	return ck_fail(err, CK_ERR_INVALID, "ldaps://HOST[:PORT], or ldap://HOST[:PORT] for STARTTLS, by a name in lower case that its certificate has "
	               "(not localhost)");
}

enum ck_error ck_config_check_mechanism(struct ck_text value, struct ck_errmsg *err)
{
	static const char *const known[] = { "external", "scram-sha-256", "gssapi", "simple" };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (ck_text_is(value, known[i])) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "external, scram-sha-256, gssapi or simple");
}

enum ck_error ck_config_check_identity(struct ck_text value, struct ck_errmsg *err)
{
	return ck_text_is_printable_utf8(value) ? CK_OK : ck_fail(err, CK_ERR_INVALID, "printable UTF-8");
}

enum ck_error ck_config_check_tls(struct ck_text value, struct ck_errmsg *err)
{
	if (ck_text_is(value, "1.2") || ck_text_is(value, "1.3")) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "1.2 or 1.3");
}

enum ck_error ck_config_check_user(struct ck_text value, struct ck_errmsg *err)
{
	bool fine = value.length > 0 && value.at[0] != '-';
	for (size_t i = 0; fine && i < value.length; i++) {
		char c = value.at[i];
		fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
	}
	return fine ? CK_OK : ck_fail(err, CK_ERR_INVALID, "a user or group of this machine, by name or number");
}

/* 2^32 - 1 means "no change" to the kernel. */
static bool is_number(const char *name, unsigned *out)
{
	uint64_t number;
	if (ck_uint_parse(ck_text_of(name), 0, UINT32_MAX - 1, &number) != CK_OK) return false;
	*out = (unsigned)number;
	return true;
}

enum ck_error ck_config_user(const char *name, unsigned *out_uid, unsigned *out_gid, struct ck_errmsg *err)
{
	unsigned uid;
	bool number = is_number(name, &uid);
	errno = 0;
	const struct passwd *entry = number ? getpwuid(uid) : getpwnam(name);
	if (entry != NULL) {
		*out_uid = entry->pw_uid;
		*out_gid = entry->pw_gid;
		return CK_OK;
	}
	if (!number)
		return ck_fail(err, CK_ERR_NOT_FOUND, "there is no user %s; create it, or name another in the configuration", name);
	*out_uid = uid;
	*out_gid = uid;
	return CK_OK;
}

enum ck_error ck_config_group(const char *name, unsigned *out_gid, struct ck_errmsg *err)
{
	if (is_number(name, out_gid)) return CK_OK;
	const struct group *entry = getgrnam(name);
	if (entry == NULL) return ck_fail(err, CK_ERR_NOT_FOUND, "there is no group %s; create it, or name another in the configuration", name);
	*out_gid = entry->gr_gid;
	return CK_OK;
}
