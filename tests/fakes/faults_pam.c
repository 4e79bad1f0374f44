/* The calls of libpam that fail from a seed, for the PAM module. */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdarg.h>

#include "tests/fakes/faults.h"

#define WRAP(name, parameters, arguments, failure)                                                                                        \
	int __real_##name parameters;                                                                                                     \
	int __wrap_##name parameters;                                                                                                     \
	int __wrap_##name parameters { return ck_faults_next() ? (failure) : __real_##name arguments; }

WRAP(pam_get_item, (const pam_handle_t *pamh, int item, const void **out), (pamh, item, out), ck_faults_random(2) ? PAM_SYSTEM_ERR : PAM_BUF_ERR)
WRAP(pam_set_data, (pam_handle_t *pamh, const char *name, void *data, void (*cleanup)(pam_handle_t *pamh, void *data, int status)),
     (pamh, name, data, cleanup), PAM_BUF_ERR)
WRAP(pam_get_data, (const pam_handle_t *pamh, const char *name, const void **out), (pamh, name, out), PAM_NO_MODULE_DATA)
WRAP(pam_get_user, (pam_handle_t *pamh, const char **out, const char *prompt), (pamh, out, prompt), ck_faults_random(2) ? PAM_CONV_ERR : PAM_CONV_AGAIN)
WRAP(pam_putenv, (pam_handle_t *pamh, const char *pair), (pamh, pair), PAM_BUF_ERR)

const char *__real_pam_getenv(pam_handle_t *pamh, const char *name);
const char *__wrap_pam_getenv(pam_handle_t *pamh, const char *name);
const char *__wrap_pam_getenv(pam_handle_t *pamh, const char *name) { return ck_faults_next() ? NULL : __real_pam_getenv(pamh, name); }

struct passwd *__real_pam_modutil_getpwuid(pam_handle_t *pamh, uid_t uid);
struct passwd *__wrap_pam_modutil_getpwuid(pam_handle_t *pamh, uid_t uid);
struct passwd *__wrap_pam_modutil_getpwuid(pam_handle_t *pamh, uid_t uid)
{
	return ck_faults_next() ? NULL : __real_pam_modutil_getpwuid(pamh, uid);
}

int __wrap_pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...) __attribute__((format(printf, 4, 5)));
int __wrap_pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...)
{
	if (response != NULL) *response = NULL;
	if (ck_faults_next()) return PAM_CONV_ERR;
	va_list args;
	va_start(args, format);
	int code = pam_vprompt(pamh, style, response, format, args);
	va_end(args);
	return code;
}
