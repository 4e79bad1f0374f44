/* What whoever runs a directory elsewhere installs there: slapd's configuration, the first entries, how two providers replicate. Written for
   a person with an editor: the @WORDS@ are theirs to replace. */
#include "authd/cli/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/config.h"

static bool by_password(const struct ck_init *init)
{
	return strcmp(init->provider_mechanism, "scram-sha-256") == 0 || strcmp(init->provider_mechanism, "simple") == 0;
}

static void print_readme(const struct ck_init *init, FILE *to)
{
	fprintf(to,
	        "For whoever runs the directory of this instance (OpenLDAP 2.5 or later, slapd).\n\n"
	        "slapd.ldif    the whole configuration of a provider: sed the @WORDS@, then, as slapd's user,\n"
	        "                  slapadd -n 0 -F FOLDER -l slapd.ldif\n"
	        "entries.ldif  the first entries, loaded once, into one provider:\n"
	        "                  slapadd -b %s -F FOLDER -l entries.ldif -w -S 1\n"
	        "mirror.ldif   for each of two or more providers, one olcSyncrepl for each other one:\n"
	        "                  slapmodify -n 0 -F FOLDER -l mirror.ldif\n\n"
	        "@SERVER_ID@             a number of this provider's own, from 1\n"
	        "@DATABASES@             a folder of slapd's user; make data and accesslog in it\n"
	        "@SCHEMA@, @MODULES@     OpenLDAP's own, such as /etc/ldap/schema and /usr/lib/ldap\n"
	        "@CA@                    PEM: who vouches for providers and for Crosskeys\n"
	        "@CERTIFICATE@, @KEY@    PEM: this provider's, with its name as subjectAltName\n"
	        "@HOST@                  of gssapi: this provider's name; slapd's keytab (KRB5_KTNAME) holds ldap/@HOST@\n"
	        "@PASSWORD@              of Crosskeys%s\n"
	        "@REPLICATION_PASSWORD@  of cn=replicator: as slappasswd prints it in entries.ldif, in clear in mirror.ldif\n"
	        "@OTHER@, @RID@          the other provider, ldaps://HOST; a number of that line's own, from 1\n",
	        init->suffix,
	        strcmp(init->provider_mechanism, "simple") == 0 ? ", as slappasswd prints it"
	        : by_password(init)                             ? ": in clear, or a SCRAM-SHA-256 verifier"
	                                                        : ": not used here");
}

static void print_identity(const char *name, const char *password, const struct ck_init *init, FILE *to)
{
	fprintf(to, "\ndn: cn=%s,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: %s\n"
	            "pwdPolicySubentry: cn=service-password-policy,%s\n", name, init->suffix, name, password, init->suffix);
}

static void print_entries(const struct ck_init *init, FILE *to)
{
	ck_init_print_entries(init, to);
	/* whoever tries their passwords must not lock them out */
	fprintf(to, "\ndn: cn=service-password-policy,%s\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: service-password-policy\n"
	            "pwdAttribute: userPassword\npwdLockout: FALSE\n", init->suffix);
	if (by_password(init)) print_identity("crosskeysd", "@PASSWORD@", init, to);
	print_identity("replicator", "@REPLICATION_PASSWORD@", init, to);
}

static void print_mirror(const struct ck_init *init, FILE *to)
{
	fprintf(to,
	        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcSyncrepl\n"
	        "olcSyncrepl: rid=@RID@ provider=@OTHER@ searchbase=\"%s\" type=refreshAndPersist retry=\"1 60 5 +\" keepalive=60:3:10\n"
	        "  network-timeout=2 timeout=5 bindmethod=simple binddn=\"cn=replicator,%s\" credentials=\"@REPLICATION_PASSWORD@\"\n"
	        "  tls_cacert=@CA@ tls_reqcert=demand\n"
	        "-\nreplace: olcMultiProvider\nolcMultiProvider: TRUE\n",
	        init->suffix, init->suffix);
}

enum ck_error ck_init_write_operator(const struct ck_init *init, struct ck_errmsg *err)
{
	struct ck_init there = *init;
	there.schema_directory = "@SCHEMA@";
	there.module_directory = "@MODULES@";
	enum ck_error error = ck_init_write_file(&there, "operator/README", 0600, print_readme, err);
	if (error == CK_OK) error = ck_init_write_file(&there, "operator/slapd.ldif", 0600, ck_init_print_slapd, err);
	if (error == CK_OK) error = ck_init_write_file(&there, "operator/entries.ldif", 0600, print_entries, err);
	if (error == CK_OK) error = ck_init_write_file(&there, "operator/mirror.ldif", 0600, print_mirror, err);
	return error;
}

enum ck_error ck_init_check_providers(const struct ck_init *init, struct ck_errmsg *err)
{
	static struct ck_config config;
	struct ck_errmsg why = {""};
	char *text = NULL;
	size_t length = 0;
	if (init->providers_count > CK_PROVIDERS_LIMIT) return ck_fail(err, CK_ERR_INVALID, "--provider may be given %d times", CK_PROVIDERS_LIMIT);
	/* its subject, or its principal, is what the operator's configuration knows it by */
	if (init->provider_identity[0] == '\0') return ck_fail(err, CK_ERR_INVALID, "--provider-identity must be given; --help says what it is");
	FILE *to = open_memstream(&text, &length);
	if (to == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory");
	ck_init_print_configuration(init, to);
	bool printed = fclose(to) == 0;
	enum ck_error error = printed ? ck_config_parse((struct ck_text){text, length}, "the configuration to be", &config, &why) : CK_ERR_MEMORY;
	free(text);
	return error == CK_OK ? CK_OK : ck_fail(err, CK_ERR_INVALID, "%s", why.text);
}
