/* Error names and the error sentence. Trusts nothing; allocates nothing. */
#include "directory/base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
	[CK_OK] = "ok",
	[CK_ERR_INVALID] = "invalid",
	[CK_ERR_LIMIT] = "limit",
	[CK_ERR_NOT_FOUND] = "not-found",
	[CK_ERR_EXISTS] = "exists",
	[CK_ERR_DENIED] = "denied",
	[CK_ERR_CONFLICT] = "conflict",
	[CK_ERR_UNAVAILABLE] = "unavailable",
	[CK_ERR_TIMEOUT] = "timeout",
	[CK_ERR_CANCELLED] = "cancelled",
	[CK_ERR_CORRUPT] = "corrupt",
	[CK_ERR_IO] = "io",
	[CK_ERR_MEMORY] = "memory",
	[CK_ERR_INTERNAL] = "internal",
};

const char *ck_error_name(enum ck_error error)
{
	if ((unsigned)error >= sizeof names / sizeof names[0]) return "internal";
	return names[error];
}

enum ck_error ck_fail(struct ck_errmsg *err, enum ck_error error, const char *format, ...)
{
	if (err != NULL) {
		va_list args;
		va_start(args, format);
		(void)vsnprintf(err->text, sizeof err->text, format, args);
		va_end(args);
	}
	return error;
}
