/* Errors: one enum for every module. Foreign codes (LDAP, SASL, FIDO, LMDB, errno) are translated where they enter. */
#ifndef CK_BASE_ERROR_H
#define CK_BASE_ERROR_H

#include <stdnoreturn.h>

#define CK_MUST_USE __attribute__((warn_unused_result))
#define CK_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

enum ck_error {
	CK_OK = 0,
	CK_ERR_INVALID,     /* the input is malformed or breaks a rule of its format */
	CK_ERR_LIMIT,       /* the input is larger, deeper or more than a named limit */
	CK_ERR_NOT_FOUND,   /* there is no such thing */
	CK_ERR_EXISTS,      /* there is one already */
	CK_ERR_DENIED,      /* the caller may not do this */
	CK_ERR_CONFLICT,    /* it changed since it was read */
	CK_ERR_UNAVAILABLE, /* a part that must answer is not there (yet) */
	CK_ERR_TIMEOUT,     /* the deadline passed */
	CK_ERR_CANCELLED,   /* the person or the caller gave up */
	CK_ERR_CORRUPT,     /* what we stored ourselves does not check out */
	CK_ERR_IO,          /* the operating system refused; errno was logged where it happened */
	CK_ERR_MEMORY,
	CK_ERR_INTERNAL     /* cannot happen; never a success */
};

/* The error sentence: what was expected, what came, what to do. Always NUL-terminated, possibly cut. */
struct ck_errmsg {
	char text[320];
};

/* The stable lower-case name of a code, as printed in logs ("not-found"). Never NULL. */
const char *ck_error_name(enum ck_error error);

/* Sets the sentence (err may be NULL) and returns `error`, so that a failure is one statement: return ck_fail(...). */
enum ck_error ck_fail(struct ck_errmsg *err, enum ck_error error, const char *format, ...) CK_PRINTF(3, 4);

/* A broken promise of our own code: says where and aborts, in release builds too. Not for the PAM and NSS modules. */
noreturn void ck_panic(const char *file, int line, const char *what);
#define CK_ASSERT(condition)                                                                                           \
	do {                                                                                                           \
		if (!(condition)) ck_panic(__FILE__, __LINE__, #condition);                                            \
	} while (0)

#endif
