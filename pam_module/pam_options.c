/* Parses the module's options. Trusts nothing about them but that they are strings: root wrote the file, and people mistype. */
#include "pam_module/pam_options.h"

#include <string.h>

#include "directory/base/text.h"

static bool consists_of_name_bytes(const char *name)
{
	for (; *name != '\0'; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '_' || *name == '-')) return false;
	return true;
}

bool ck_pam_is_account(const char *name)
{
	size_t length = strlen(name);
	return length >= 1 && length <= CK_PAM_NAME_LIMIT_BYTES && ((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_') &&
	       consists_of_name_bytes(name) && strcmp(name, "self") != 0;
}

bool ck_pam_is_staff_name(const char *name)
{
	size_t length = strlen(name);
	return length >= 2 && length <= CK_PAM_NAME_LIMIT_BYTES && name[0] >= 'a' && name[0] <= 'z' && consists_of_name_bytes(name);
}

static enum ck_error take_path(const char *option, const char *value, char *out, size_t out_bytes, struct ck_errmsg *err)
{
	if (value[0] != '/' || strlen(value) >= out_bytes)
		return ck_fail(err, CK_ERR_INVALID, "%s= wants an absolute path of at most %zu bytes", option, out_bytes - 1);
	memcpy(out, value, strlen(value) + 1);
	return CK_OK;
}

static enum ck_error take_socket(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	return take_path("socket", value, out->socket, sizeof out->socket, err);
}

static enum ck_error take_local(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	return take_path("local", value, out->local, sizeof out->local, err);
}

static enum ck_error take_account(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	if (!ck_pam_is_account(value)) return ck_fail(err, CK_ERR_INVALID, "account= wants the name of a local account");
	memcpy(out->account, value, strlen(value) + 1);
	return CK_OK;
}

static enum ck_error take_subject(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	if (strcmp(value, "user") == 0) {
		out->subject = CK_PAM_IS_USER;
	} else if (strcmp(value, "caller") == 0) {
		out->subject = CK_PAM_IS_CALLER;
	} else {
		return ck_fail(err, CK_ERR_INVALID, "subject= wants \"user\" or \"caller\"");
	}
	return CK_OK;
}

static enum ck_error take_timeout(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	uint64_t seconds = 0;
	if (ck_uint_parse(ck_text_of(value), CK_PAM_TIMEOUT_MIN_S, CK_PAM_TIMEOUT_MAX_S, &seconds) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "timeout= wants seconds from %d to %d", CK_PAM_TIMEOUT_MIN_S, CK_PAM_TIMEOUT_MAX_S);
	out->timeout_ms = (int64_t)seconds * 1000;
	return CK_OK;
}

static enum ck_error take_debug(const char *value, struct ck_pam_options *out, struct ck_errmsg *err)
{
	(void)value;
	(void)err;
	out->debug = true;
	return CK_OK;
}

static const struct option_row {
	const char *name; /* with its '=' if it has a value */
	enum ck_error (*take)(const char *value, struct ck_pam_options *out, struct ck_errmsg *err);
} rows[] = {
	{ "socket=", take_socket }, { "local=", take_local },     { "account=", take_account },
	{ "subject=", take_subject }, { "timeout=", take_timeout }, { "debug", take_debug },
};
#define ROWS (sizeof rows / sizeof rows[0])

static size_t find_row(const char *option)
{
	size_t i = 0;
	for (; i < ROWS; i++) {
		size_t length = strlen(rows[i].name);
		bool valued = rows[i].name[length - 1] == '=';
		if (valued ? strncmp(option, rows[i].name, length) == 0 : strcmp(option, rows[i].name) == 0) break;
	}
	return i;
}

static void set_defaults(struct ck_pam_options *out)
{
	*out = (struct ck_pam_options){ .socket = CK_PAM_SOCKET_DEFAULT, .local = CK_PAM_LOCAL_DEFAULT,
	                                .timeout_ms = CK_PAM_TIMEOUT_DEFAULT_S * 1000 };
}

enum ck_error ck_pam_options_parse(int argc, const char **argv, struct ck_pam_options *out, struct ck_errmsg *err)
{
	bool seen[ROWS] = { false };
	enum ck_error error = CK_OK;
	set_defaults(out);
	for (int i = 0; i < argc && error == CK_OK; i++) {
		size_t row = find_row(argv[i]);
		if (row == ROWS) {
			char escaped[64];
			error = ck_fail(err, CK_ERR_INVALID, "unknown option \"%s\"",
			                ck_escape(ck_bytes_of(ck_text_of(argv[i])), escaped, sizeof escaped));
		} else if (seen[row]) {
			error = ck_fail(err, CK_ERR_INVALID, "%s is given twice", rows[row].name);
		} else {
			seen[row] = true;
			error = rows[row].take(argv[i] + strlen(rows[row].name), out, err);
		}
	}
	if (error != CK_OK) set_defaults(out);
	return error;
}
