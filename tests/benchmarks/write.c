/* The daemon's identity at slapd. */
#include <grp.h>
#include <pwd.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/benchmarks/write.h"

static int interact(LDAP *ldap, unsigned flags, void *defaults, void *interactions)
{
	(void)ldap;
	(void)flags;
	(void)defaults;
	for (sasl_interact_t *i = interactions; i->id != SASL_CB_LIST_END; i++) {
		i->result = "";
		i->len = 0;
	}
	return LDAP_SUCCESS;
}

LDAP *bench_connect_as(const char *uri, const char *user)
{
	LDAP *ldap = NULL;
	int version = LDAP_VERSION3;
	struct passwd *identity = user != NULL ? getpwnam(user) : NULL;
	if (user != NULL && (identity == NULL || setgroups(0, NULL) != 0 || setresgid(identity->pw_gid, identity->pw_gid, identity->pw_gid) != 0 ||
	                     setresuid(identity->pw_uid, identity->pw_uid, identity->pw_uid) != 0))
		return NULL;
	if (ldap_initialize(&ldap, uri) != LDAP_SUCCESS) return NULL;
	ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (ldap_sasl_interactive_bind_s(ldap, NULL, "EXTERNAL", NULL, NULL, LDAP_SASL_QUIET, interact, NULL) != LDAP_SUCCESS) return NULL;
	return ldap;
}

int bench_send_status(LDAP *ldap, const char *dn, const char *status)
{
	int id = 0;
	char value[16];
	snprintf(value, sizeof value, "%s", status);
	char *values[] = { value, NULL };
	LDAPMod mod = { .mod_op = LDAP_MOD_REPLACE, .mod_type = (char[]){ "ckStatus" }, .mod_values = values }, *mods[] = { &mod, NULL };
	return ldap_modify_ext(ldap, dn, mods, NULL, NULL, &id) == LDAP_SUCCESS ? id : 0;
}

void bench_drain(LDAP *ldap)
{
	struct timeval none = { 0, 0 };
	LDAPMessage *result = NULL;
	while (ldap_result(ldap, LDAP_RES_ANY, 1, &none, &result) > 0) {
		int code = LDAP_OTHER;
		if (ldap_parse_result(ldap, result, &code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS || code != LDAP_SUCCESS) {
			fprintf(stderr, "slapd refuses a change: %s\n", ldap_err2string(code));
			exit(1);
		}
		result = NULL;
	}
}
