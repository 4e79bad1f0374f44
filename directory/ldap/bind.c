/* Saying who we are: asynchronously, a message and an answer at a time. Nothing leaves that is not on this machine or inside TLS. Cyrus SASL
   makes the messages of SCRAM and GSSAPI, and checks there that the provider knows the secret, too. */
#include "directory/ldap/internal.h"

#include <sasl/sasl.h>
#include <string.h>

static enum ck_error send_external(LDAP *handle, struct ck_ldap_bind *bind, struct ck_errmsg *err)
{
	struct berval nobody = {0, (char *)(uintptr_t)""}; /* whoever the socket or the certificate says */
	int code = ldap_sasl_bind(handle, "", "EXTERNAL", &nobody, NULL, NULL, &bind->id);
	return ck_ldap_fail(err, code, "connecting to the provider", NULL);
}

static enum ck_error send_simple(LDAP *handle, struct ck_ldap_bind *bind, struct ck_errmsg *err)
{
	const struct ck_secret *password = bind->target.password;
	/* without a name or a password it would be a bind of nobody in particular, which succeeds */
	if (bind->target.identity == NULL || bind->target.identity[0] == '\0' || password == NULL ||
	    !ck_password_may_be_sent(password->bytes, password->length))
		return ck_fail(err, CK_ERR_INVALID, "a simple bind needs a DN and a password");
	struct berval credentials = {password->length, (char *)(uintptr_t)password->bytes};
	int code = ldap_sasl_bind(handle, bind->target.identity, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, &bind->id);
	return ck_ldap_fail(err, code, "connecting to the provider", NULL);
}

/* What a mechanism of Cyrus SASL asks for; anything else ends the bind. */
static int interact(LDAP *handle, unsigned flags, void *defaults, void *questions)
{
	const struct ck_ldap_target *target = defaults;
	(void)handle;
	(void)flags;
	for (sasl_interact_t *asked = questions; asked->id != SASL_CB_LIST_END; asked++) {
		switch (asked->id) {
		case SASL_CB_USER:
		case SASL_CB_GETREALM:
			asked->result = "";
			asked->len = 0;
			break;
		case SASL_CB_AUTHNAME:
			if (target->identity == NULL) return LDAP_PARAM_ERROR;
			asked->result = target->identity;
			asked->len = (unsigned)strlen(target->identity);
			break;
		case SASL_CB_PASS:
			if (target->password == NULL || !ck_password_may_be_sent(target->password->bytes, target->password->length)) return LDAP_PARAM_ERROR;
			asked->result = target->password->bytes;
			asked->len = (unsigned)target->password->length;
			break;
		default: return LDAP_PARAM_ERROR;
		}
	}
	return LDAP_SUCCESS;
}

/* message NULL: the first one. */
static enum ck_error send_sasl(LDAP *handle, struct ck_ldap_bind *bind, LDAPMessage *message, const char *mechanism, bool *out_done,
                               struct ck_errmsg *err)
{
	int code = ldap_sasl_interactive_bind(handle, NULL, mechanism, NULL, NULL, LDAP_SASL_QUIET, interact, &bind->target, message,
	                                      &bind->mechanism, &bind->id);
	*out_done = code == LDAP_SUCCESS;
	if (code == LDAP_SASL_BIND_IN_PROGRESS || code == LDAP_SUCCESS) return CK_OK;
	char *diagnostic = NULL;
	(void)ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	enum ck_error error = ck_ldap_fail(err, code, "binding to the provider", diagnostic);
	ldap_memfree(diagnostic);
	return error;
}

enum ck_error ck_ldap_bind_begin(LDAP *handle, const struct ck_ldap_target *target, struct ck_ldap_bind *bind, struct ck_errmsg *err)
{
	bool done = false;
	enum ck_error error = CK_ERR_INVALID;
	*bind = (struct ck_ldap_bind){.target = *target};
	bind->target.fd = -1;
	bind->target.opening = NULL;
	if (!ck_ldap_is_local(target->uri) && ldap_tls_inplace(handle) != 1)
		return ck_fail(err, CK_ERR_DENIED, "%s: nothing is said without TLS", target->uri);
	switch (target->auth) {
	case CK_LDAP_EXTERNAL: error = send_external(handle, bind, err); break;
	case CK_LDAP_SIMPLE: error = send_simple(handle, bind, err); break;
	case CK_LDAP_SCRAM: error = send_sasl(handle, bind, NULL, "SCRAM-SHA-256", &done, err); break;
	case CK_LDAP_GSSAPI: error = send_sasl(handle, bind, NULL, "GSSAPI", &done, err); break;
	}
	if (error == CK_OK && done) error = ck_fail(err, CK_ERR_INTERNAL, "a bind ended before it began");
	return error == CK_OK ? ck_ldap_bound_messages(handle, err) : error;
}

enum ck_error ck_ldap_bind_step(LDAP *handle, struct ck_ldap_bind *bind, LDAPMessage *message, bool *out_done, struct ck_errmsg *err)
{
	*out_done = false;
	if (ldap_msgtype(message) != LDAP_RES_BIND) {
		ldap_msgfree(message);
		return ck_fail(err, CK_ERR_INVALID, "the provider answered a bind with something else");
	}
	if (bind->mechanism == NULL) {
		enum ck_error error = ck_ldap_result_of(handle, message, "binding to the provider", err);
		*out_done = error == CK_OK;
		return error;
	}
	enum ck_error error = send_sasl(handle, bind, message, NULL, out_done, err);
	ldap_msgfree(message);
	return error;
}
