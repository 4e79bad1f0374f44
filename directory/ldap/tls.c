/* TLS to a provider that is not on this machine. Every option is set on the handle, then made sure of: options set globally, or without a
   context made anew behind them, count for nothing in libldap. Trusts nobody but who the file of ours names. */
#include "directory/ldap/internal.h"

#include <errno.h>
#include <string.h>

#include "directory/base/fiber.h"

#define AEAD_ONLY ":-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:-RSA:%PROFILE_MEDIUM"

/* libldap is built with either library, and each has its own words for the same. */
static const struct {
	const char *package, *with_1_3, *with_1_2;
} suites[] = {
	{"GnuTLS", "SECURE128:-VERS-ALL:+VERS-TLS1.3" AEAD_ONLY, "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" AEAD_ONLY},
	{"OpenSSL", "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2", "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"},
};

bool ck_ldap_is_local(const char *uri) { return strncmp(uri, "ldapi://", 8) == 0; }

static const char *suite_of(LDAP *handle, bool tls_1_2)
{
	char *package = NULL;
	const char *found = NULL;
	if (ldap_get_option(handle, LDAP_OPT_X_TLS_PACKAGE, &package) != LDAP_OPT_SUCCESS || package == NULL) return NULL;
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		if (strcmp(suites[i].package, package) == 0) found = tls_1_2 ? suites[i].with_1_2 : suites[i].with_1_3;
	ldap_memfree(package);
	return found;
}

static enum ck_error set_options(LDAP *handle, const struct ck_ldap_target *target, struct ck_errmsg *err)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
	int least = target->tls_1_2 ? LDAP_OPT_X_TLS_PROTOCOL_TLS1_2 : LDAP_OPT_X_TLS_PROTOCOL_TLS1_3;
	const struct {
		int option;
		const void *value;
	} options[] = {
		{LDAP_OPT_X_TLS_REQUIRE_CERT, &demand},
		{LDAP_OPT_X_TLS_REQUIRE_SAN, &demand}, /* the name stands where names belong, not in the subject */
		{LDAP_OPT_X_TLS_PROTOCOL_MIN, &least},
		{LDAP_OPT_X_TLS_CIPHER_SUITE, suite_of(handle, target->tls_1_2)},
		{LDAP_OPT_X_TLS_CACERTDIR, NULL},
		{LDAP_OPT_X_TLS_CACERTFILE, target->ca_file},
		{LDAP_OPT_X_TLS_CERTFILE, target->certificate_file},
		{LDAP_OPT_X_TLS_KEYFILE, target->key_file},
		{LDAP_OPT_X_TLS_NEWCTX, &client},
	};
	if (target->ca_file == NULL || target->ca_file[0] == '\0')
		return ck_fail(err, CK_ERR_INVALID, "nobody is named who may vouch for %s", target->uri);
	if (suite_of(handle, target->tls_1_2) == NULL) return ck_fail(err, CK_ERR_INTERNAL, "libldap has a TLS library that is not known here");
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (ldap_set_option(handle, options[i].option, options[i].value) != LDAP_OPT_SUCCESS)
			return ck_fail(err, CK_ERR_UNAVAILABLE, "TLS to %s cannot be set up (option %x): %s or our own certificate or key cannot be used",
			               target->uri, (unsigned)options[i].option, target->ca_file);
	return CK_OK;
}

static enum ck_error ask_for_tls(LDAP *handle, int64_t deadline_ms, struct ck_errmsg *err)
{
	int id = 0;
	int code = ldap_start_tls(handle, NULL, NULL, &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "asking for STARTTLS", NULL);
	return ck_ldap_wait(handle, id, deadline_ms, NULL, NULL, "asking for STARTTLS", err);
}

/* What libldap was told to demand is looked at: nothing that names us or proves who we are is sent before. */
static enum ck_error make_sure(LDAP *handle, const struct ck_ldap_target *target, struct ck_errmsg *err)
{
	struct berval certificate = {0, NULL};
	char *version = NULL;
	bool stands = ldap_tls_inplace(handle) == 1;
	bool certified = stands && ldap_get_option(handle, LDAP_OPT_X_TLS_PEERCERT, &certificate) == LDAP_OPT_SUCCESS && certificate.bv_len > 0;
	ldap_memfree(certificate.bv_val);
	if (!certified || ldap_get_option(handle, LDAP_OPT_X_TLS_VERSION, &version) != LDAP_OPT_SUCCESS || version == NULL)
		return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: there is no TLS with a certificate", target->uri);
	/* "TLS1.3" or "TLSv1.3" */
	size_t length = strlen(version);
	bool new_enough = length > 3 && (strcmp(version + length - 3, "1.3") == 0 || (target->tls_1_2 && strcmp(version + length - 3, "1.2") == 0));
	enum ck_error error = new_enough ? CK_OK : ck_fail(err, CK_ERR_UNAVAILABLE, "%s: %.20s is not enough", target->uri, version);
	ldap_memfree(version);
	return error;
}

/* ---- a handshake that ends ---- */

/* libldap waits for a handshake for ever, whatever its time-outs are set to, and in a circle when the descriptor does not block. So what it
   reads and writes meanwhile goes through here, waits here (and lets others go on, where there is a fiber for it: opening.c), and fails once
   time is up. */
struct patience {
	int fd;
	int64_t deadline_ms;
};
#define PATIENCE_LEVEL (LBER_SBIOD_LEVEL_PROVIDER + 1) /* above the socket, below TLS */

static bool wait_for(Sockbuf_IO_Desc *layer, bool writes)
{
	const struct patience *patience = layer->sbiod_pvt;
	if (ck_wait_for(patience->fd, writes, patience->deadline_ms)) return true;
	errno = ETIMEDOUT;
	return false;
}

static int patience_setup(Sockbuf_IO_Desc *layer, void *context)
{
	layer->sbiod_pvt = context;
	return 0;
}

static int patience_remove(Sockbuf_IO_Desc *layer)
{
	layer->sbiod_pvt = NULL;
	return 0;
}

static int patience_control(Sockbuf_IO_Desc *layer, int option, void *value)
{
	return LBER_SBIOD_CTRL_NEXT(layer, option, value);
}

static ber_slen_t patience_read(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length)
{
	return wait_for(layer, false) ? LBER_SBIOD_READ_NEXT(layer, bytes, length) : -1;
}

static ber_slen_t patience_write(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length)
{
	return wait_for(layer, true) ? LBER_SBIOD_WRITE_NEXT(layer, bytes, length) : -1;
}

static Sockbuf_IO patience_io = {.sbi_setup = patience_setup, .sbi_remove = patience_remove, .sbi_ctrl = patience_control,
                                 .sbi_read = patience_read, .sbi_write = patience_write};

static int handshake(LDAP *handle, int64_t deadline_ms)
{
	struct patience patience = {.fd = -1, .deadline_ms = deadline_ms};
	Sockbuf *sockbuf = NULL;
	if (ldap_get_option(handle, LDAP_OPT_DESC, &patience.fd) != LDAP_OPT_SUCCESS || patience.fd < 0 ||
	    ldap_get_option(handle, LDAP_OPT_SOCKBUF, &sockbuf) != LDAP_OPT_SUCCESS || sockbuf == NULL ||
	    ber_sockbuf_add_io(sockbuf, &patience_io, PATIENCE_LEVEL, &patience) != 0)
		return LDAP_LOCAL_ERROR;
	int code = ldap_install_tls(handle);
	if (ber_sockbuf_remove_io(sockbuf, &patience_io, PATIENCE_LEVEL) != 0) code = LDAP_LOCAL_ERROR;
	return code;
}

enum ck_error ck_ldap_begin_tls(LDAP *handle, const struct ck_ldap_target *target, int64_t deadline_ms, struct ck_errmsg *err)
{
	enum ck_error error = CK_OK;
	if (strncmp(target->uri, "ldap://", 7) == 0) error = ask_for_tls(handle, deadline_ms, err);
	if (error == CK_OK) error = set_options(handle, target, err);
	if (error != CK_OK) return error;
	int code = handshake(handle, deadline_ms);
	if (code != LDAP_SUCCESS) {
		char *diagnostic = NULL;
		(void)ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
		error = ck_ldap_fail(err, code, "TLS", diagnostic);
		ldap_memfree(diagnostic);
		return error;
	}
	return make_sure(handle, target, err);
}
