/* slapd's own configuration, as LDIF: of the embedded directory, and of a provider elsewhere, where its operator puts in what only they know
   (the @WORDS@). */
#include "authd/cli/init.h"

#include <string.h>

#define DATA_MAP_BYTES "68719476736"  /* 64 GiB of address space; the file grows as entries come */
#define LOG_MAP_BYTES "17179869184"
/* A tenth of a second for whoever guesses; a change is checked against old ones, so that it takes this some eight times. */
#define PASSWORD_COST "m=19456 t=3 p=1" /* KiB, rounds, lanes */

/* Where the databases lie. */
static const char *place_of(const struct ck_init *init)
{
	static char text[256];
	if (init->providers_count > 0) return "@DATABASES@";
	snprintf(text, sizeof text, "%.200s/directory", init->directory);
	return text;
}

static void print_local(const struct ck_init *init, FILE *to)
{
	fprintf(to, "olcServerID: 1\nolcPidFile: %s/run-directory/slapd.pid\nolcArgsFile: %s/run-directory/slapd.args\n", init->directory,
	        init->directory);
	/* Whoever connects as the replica's user is the daemon; every other peer stays the nobody that EXTERNAL makes of it. */
	fprintf(to, "olcAuthzRegexp: {0}\"^gidNumber=[0-9]+[+]uidNumber=%u,cn=peercred,cn=external,cn=auth$\" \"cn=crosskeysd,%s\"\n",
	        init->uids[CK_INIT_REPLICA], init->suffix);
}

/* Into a regular expression between quotes. */
static void print_literally(const char *text, FILE *to)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\^$.|?*+()[]{}\"", *text) != NULL) fprintf(to, "[%c]", *text);
		else fputc(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text, to);
	}
}

/* TLS for everybody, and which identity is the daemon's. slapd knows a certificate by its subject, the others by a name of their mechanism. */
static void print_network(const struct ck_init *init, FILE *to)
{
	static const char *const of_sasl[][2] = {{"scram-sha-256", ",cn=scram-sha-256,cn=auth"}, {"gssapi", ",cn=gssapi,cn=auth"}};
	fprintf(to, "olcServerID: @SERVER_ID@\nolcTLSCACertificateFile: @CA@\nolcTLSCertificateFile: @CERTIFICATE@\nolcTLSCertificateKeyFile: @KEY@\n"
	            "olcTLSVerifyClient: try\nolcTLSProtocolMin: 3.3\nolcSecurity: ssf=128\nolcLocalSSF: 256\n");
	if (strcmp(init->provider_mechanism, "gssapi") == 0) fprintf(to, "olcSaslHost: @HOST@\n"); /* its key is that of ldap/@HOST@ */
	if (strcmp(init->provider_mechanism, "simple") == 0) return; /* it binds as the entry itself */
	fprintf(to, "olcAuthzRegexp: {0}\"^");
	const char *behind = "";
	for (size_t i = 0; i < sizeof of_sasl / sizeof of_sasl[0]; i++)
		if (strcmp(init->provider_mechanism, of_sasl[i][0]) == 0) behind = of_sasl[i][1];
	if (behind[0] != '\0') fprintf(to, "uid=");
	print_literally(init->provider_identity, to);
	fprintf(to, "%s$\" \"cn=crosskeysd,%s\"\n", behind, init->suffix);
}

static void print_global(const struct ck_init *init, FILE *to)
{
	static const char *const schemas[] = {"core", "cosine", "inetorgperson", "nis"};
	fprintf(to, "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n"
	            "olcIdleTimeout: 0\nolcDisallows: bind_anon\nolcRequires: authc\nolcLogLevel: none\n");
	if (init->providers_count > 0) print_network(init, to);
	else print_local(init, to);
	if (init->module_directory != NULL)
		fprintf(to, "\ndn: cn=module{0},cn=config\nobjectClass: olcModuleList\ncn: module{0}\nolcModulePath: %s\n"
		            "olcModuleLoad: {0}back_mdb\nolcModuleLoad: {1}syncprov\nolcModuleLoad: {2}accesslog\nolcModuleLoad: {3}unique\n"
		            "olcModuleLoad: {4}ppolicy\nolcModuleLoad: {5}argon2 " PASSWORD_COST "\n",
		        init->module_directory);
	fprintf(to, "\ndn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n");
	for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
		fprintf(to, "\ninclude: file://%s/%s.ldif\n", init->schema_directory, schemas[i]);
	fprintf(to, "\n%s", ck_init_schema_ldif());
	fprintf(to, "\ndn: olcDatabase={-1}frontend,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcFrontendConfig\n"
	            "olcDatabase: {-1}frontend\nolcPasswordHash: {ARGON2}\nolcAccess: {0}to * by dn.exact=\"cn=crosskeysd,%s\" read by * none\n", init->suffix);
	/* elsewhere its operator's root changes it over the local socket */
	fprintf(to, "\ndn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
	            "olcAccess: {0}to * by %s* none\n",
	        init->providers_count > 0 ? "dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage by " : "");
}

/* A person's password lies in an entry of its own below theirs: slapd may check it for whoever binds, the daemon may try and set it, and nobody
   reads it. A password anywhere else is nobody's. */
static void print_access(const struct ck_init *init, FILE *to)
{
	if (init->providers_count > 0) {
		/* the other providers read everything; who binds by a password, or is looked up by SASL, may not be seen by anybody */
		fprintf(to, "olcAccess: to * by dn.exact=\"cn=replicator,%s\" read by * break\n"
		            "olcAccess: to dn.regex=\"^cn=(crosskeysd|replicator),%s$\" by anonymous auth by * none\n", init->suffix, init->suffix);
	}
	fprintf(to, "olcAccess: to dn.regex=\"^cn=password,ckId=[^,]+,ou=staff,ckId=[^,]+,ou=authorities,%s$\" attrs=userPassword"
	            " by anonymous auth by dn.exact=\"cn=crosskeysd,%s\" =xw by * none\n"
	            "olcAccess: to attrs=userPassword,pwdHistory by * none\n"
	            "olcAccess: to * by dn.exact=\"cn=crosskeysd,%s\" write by * none\n",
	        init->suffix, init->suffix, init->suffix);
}

/* No password is set for any rootdn, and no identity maps to one: they are what overlays search as. */
static void print_data_database(const struct ck_init *init, FILE *to)
{
	static const char *const indexed[] = {"objectClass", "entryUUID", "entryCSN", "ckId", "uid", "mail", "uidNumber", "ckKeyHash",
	                                      "ckCredentialId", "ckName", "ckStaffNumber"};
	fprintf(to, "\ndn: olcDatabase={1}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {1}mdb\n"
	            "olcSuffix: %s\nolcRootDN: cn=overlays,%s\nolcDbDirectory: %s/data\nolcDbMaxSize: " DATA_MAP_BYTES "\n"
	            "olcLimits: dn.regex=\"^cn=(crosskeysd|replicator),%s$\" size=unlimited time=unlimited\n",
	        init->suffix, init->suffix, place_of(init), init->suffix);
	print_access(init, to);
	for (size_t i = 0; i < sizeof indexed / sizeof indexed[0]; i++) fprintf(to, "olcDbIndex: %s eq\n", indexed[i]);
}

/* The daemon reads it: syncprov replays the log as whoever follows. Without that right every return is a present phase, silently. What was
   written is not needed for that, and there are hashes of passwords in it. */
static void print_log_database(const struct ck_init *init, FILE *to)
{
	fprintf(to, "\ndn: olcDatabase={2}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {2}mdb\n"
	            "olcSuffix: cn=accesslog\nolcRootDN: cn=overlays,cn=accesslog\nolcDbDirectory: %s/accesslog\n"
	            "olcDbMaxSize: " LOG_MAP_BYTES "\nolcAccess: {0}to attrs=reqMod,reqOld by * none\n"
	            "olcAccess: {1}to * by dn.regex=\"^cn=(crosskeysd|replicator),%s$\" read by * none\n"
	            "olcLimits: {0}dn.regex=\"^cn=(crosskeysd|replicator),%s$\" size=unlimited time=unlimited\n"
	            "olcDbIndex: objectClass eq\nolcDbIndex: entryCSN eq\nolcDbIndex: reqStart eq\nolcDbIndex: reqResult eq\n",
	        place_of(init), init->suffix, init->suffix);
}

/* The overlay that was configured last is asked first: unique refuses before anything is logged or followed. */
static void print_overlays(const struct ck_init *init, FILE *to)
{
	static const struct {
		const char *attribute, *filter;
	} unique[] = {{"uid", "(objectClass=ckStaff)"},   {"mail", "(objectClass=ckStaff)"}, {"uidNumber", "(objectClass=ckStaff)"},
	              {"ckStaffNumber", ""},              {"ckKeyHash", ""},                 {"ckCredentialId", ""},
	              {"ckId", ""},                       {"ckName", "(objectClass=ckSystem)"}, {"ckName", "(objectClass=ckAuthority)"}};
	/* A checkpoint a write: else contextCSN is kept in memory, and after a crash slapd looks older than it is (see replica_provider.c). */
	fprintf(to, "\ndn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcSyncProvConfig\n"
	            "olcOverlay: {0}syncprov\nolcSpCheckpoint: 1 1\nolcSpSessionlogSource: cn=accesslog\n"
	            "\ndn: olcOverlay={1}accesslog,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcAccessLogConfig\n"
	            "olcOverlay: {1}accesslog\nolcAccessLogDB: cn=accesslog\nolcAccessLogOps: writes\nolcAccessLogSuccess: TRUE\n"
	            "olcAccessLogPurge: 07+00:00 00+06:00\n"
	            "\ndn: olcOverlay={2}ppolicy,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcPPolicyConfig\n"
	            "olcOverlay: {2}ppolicy\nolcPPolicyDefault: cn=password-policy,%s\nolcPPolicyHashCleartext: TRUE\nolcPPolicyUseLockout: TRUE\n"
	            "\ndn: olcOverlay={3}unique,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcUniqueConfig\n"
	            "olcOverlay: {3}unique\n", init->suffix);
	for (size_t i = 0; i < sizeof unique / sizeof unique[0]; i++)
		fprintf(to, "olcUniqueURI: serialize ldap:///%s?%s?sub%s%s\n", init->suffix, unique[i].attribute,
		        unique[i].filter[0] != '\0' ? "?" : "", unique[i].filter);
}

void ck_init_print_slapd(const struct ck_init *init, FILE *to)
{
	print_global(init, to);
	print_data_database(init, to);
	print_log_database(init, to);
	print_overlays(init, to);
}
