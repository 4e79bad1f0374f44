/* A Kerberos ticket for a provider, fetched ahead of the bind that shows it: whoever may talk to a key distribution centre does this, and the
   bind finds the ticket in the cache that both know. libkrb5 takes keytab, cache and configuration from the environment. */
#include <sasl/sasl.h>

#include "directory/ldap/internal.h"

static int say_nobody(void *context, int id, const char **out_result, unsigned *out_length)
{
	(void)context;
	(void)id;
	*out_result = ""; /* whoever the ticket says */
	if (out_length != NULL) *out_length = 0;
	return SASL_OK;
}

enum ck_error ck_ldap_fetch_ticket(const char *host, struct ck_errmsg *err)
{
	const sasl_callback_t callbacks[] = {{SASL_CB_USER, (int (*)(void))(void (*)(void))say_nobody, NULL}, {SASL_CB_LIST_END, NULL, NULL}};
	const sasl_security_properties_t properties = {.max_ssf = 0, .security_flags = SASL_SEC_NOANONYMOUS};
	const char *message = NULL, *mechanism = NULL;
	unsigned length = 0;
	sasl_conn_t *connection = NULL;
	int code = sasl_client_new("ldap", host, NULL, NULL, callbacks, 0, &connection);
	if (code == SASL_OK) code = sasl_setprop(connection, SASL_SEC_PROPS, &properties);
	if (code == SASL_OK) code = sasl_client_start(connection, "GSSAPI", NULL, &message, &length, &mechanism);
	bool fetched = code == SASL_OK || code == SASL_CONTINUE;
	enum ck_error error = fetched ? CK_OK
	                              : ck_fail(err, CK_ERR_UNAVAILABLE, "no ticket for ldap/%s: %s", host,
	                                        connection != NULL ? sasl_errdetail(connection) : sasl_errstring(code, NULL, NULL));
	sasl_dispose(&connection);
	return error;
}
