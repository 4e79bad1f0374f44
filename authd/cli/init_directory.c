/* The embedded directory: slapd's own configuration and the first entries, loaded offline as the user that slapd will run as, so that
   everything it will write is its own from the first byte. Trusts the slapd program that the configuration names. */
#include "authd/cli/init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 512
#define OUTPUT_LIMIT_BYTES 4096       /* of what slapd says when it refuses; the rest is cut */
#define DATA_MAP_BYTES "68719476736"  /* 64 GiB of address space; the file grows as entries come */
#define LOG_MAP_BYTES "17179869184"
/* A tenth of a second for whoever guesses; a change is checked against old ones, so that it takes this some eight times. */
#define PASSWORD_COST "m=19456 t=3 p=1" /* KiB, rounds, lanes */

/* ---- what OpenLDAP has where ---- */

static const char *first_with(const char *const *folders, const char *file)
{
	char path[PATH_BYTES];
	for (size_t i = 0; folders[i] != NULL; i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], file);
		if (access(path, R_OK) == 0) return folders[i];
	}
	return NULL;
}

enum ck_error ck_init_find_openldap(struct ck_init *init, struct ck_errmsg *err)
{
	static const char *const schemas[] = {"/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema", NULL};
	static const char *const modules[] = {"/usr/lib/ldap", "/usr/lib64/openldap", "/usr/libexec/openldap", "/usr/local/libexec/openldap",
	                                      NULL};
	if (access(init->slapd, X_OK) != 0)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s; install OpenLDAP's slapd, or name it with --slapd", init->slapd, strerror(errno));
	if (init->schema_directory == NULL) init->schema_directory = first_with(schemas, "inetorgperson.ldif");
	if (init->schema_directory == NULL)
		return ck_fail(err, CK_ERR_NOT_FOUND, "cannot find OpenLDAP's own schema (inetorgperson.ldif); name its folder with --ldap-schema");
	if (init->module_directory == NULL) init->module_directory = first_with(modules, "back_mdb.so");
	return CK_OK;
}

/* ---- cn=config ---- */

static void print_global(const struct ck_init *init, FILE *to)
{
	static const char *const schemas[] = {"core", "cosine", "inetorgperson", "nis"};
	fprintf(to, "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n"
	            "olcPidFile: %s/run-directory/slapd.pid\nolcArgsFile: %s/run-directory/slapd.args\n"
	            "olcServerID: 1\nolcIdleTimeout: 0\nolcDisallows: bind_anon\nolcRequires: authc\nolcLogLevel: none\n",
	        init->directory, init->directory);
	/* Whoever connects as the replica's user is the daemon; every other peer stays the nobody that EXTERNAL makes of it. */
	fprintf(to, "olcAuthzRegexp: {0}\"^gidNumber=[0-9]+[+]uidNumber=%u,cn=peercred,cn=external,cn=auth$\" \"cn=crosskeysd,%s\"\n",
	        init->uids[CK_INIT_REPLICA], init->suffix);
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
	fprintf(to, "\ndn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
	            "olcAccess: {0}to * by * none\n");
}

/* A person's password lies in an entry of its own below theirs: slapd may check it for whoever binds, the daemon may try and set it, and nobody
   reads it. A password anywhere else is nobody's. */
static void print_access(const struct ck_init *init, FILE *to)
{
	fprintf(to, "olcAccess: {0}to dn.regex=\"^cn=password,ckId=[^,]+,ou=staff,ckId=[^,]+,ou=authorities,%s$\" attrs=userPassword"
	            " by anonymous auth by dn.exact=\"cn=crosskeysd,%s\" =xw by * none\n"
	            "olcAccess: {1}to attrs=userPassword,pwdHistory by * none\n"
	            "olcAccess: {2}to * by dn.exact=\"cn=crosskeysd,%s\" write by * none\n",
	        init->suffix, init->suffix, init->suffix);
}

/* No password is set for any rootdn, and no identity maps to one: they are what overlays search as. */
static void print_data_database(const struct ck_init *init, FILE *to)
{
	static const char *const indexed[] = {"objectClass", "entryUUID", "entryCSN", "ckId", "uid", "mail", "uidNumber", "ckKeyHash",
	                                      "ckCredentialId", "ckName", "ckStaffNumber"};
	fprintf(to, "\ndn: olcDatabase={1}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {1}mdb\n"
	            "olcSuffix: %s\nolcRootDN: cn=overlays,%s\nolcDbDirectory: %s/directory/data\nolcDbMaxSize: " DATA_MAP_BYTES "\n"
	            "olcLimits: {0}dn.exact=\"cn=crosskeysd,%s\" size=unlimited time=unlimited\n",
	        init->suffix, init->suffix, init->directory, init->suffix);
	print_access(init, to);
	for (size_t i = 0; i < sizeof indexed / sizeof indexed[0]; i++) fprintf(to, "olcDbIndex: %s eq\n", indexed[i]);
}

/* The daemon reads it: syncprov replays the log as whoever follows. Without that right every return is a present phase, silently. What was
   written is not needed for that, and there are hashes of passwords in it. */
static void print_log_database(const struct ck_init *init, FILE *to)
{
	fprintf(to, "\ndn: olcDatabase={2}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {2}mdb\n"
	            "olcSuffix: cn=accesslog\nolcRootDN: cn=overlays,cn=accesslog\nolcDbDirectory: %s/directory/accesslog\n"
	            "olcDbMaxSize: " LOG_MAP_BYTES "\nolcAccess: {0}to attrs=reqMod,reqOld by * none\n"
	            "olcAccess: {1}to * by dn.exact=\"cn=crosskeysd,%s\" read by * none\n"
	            "olcLimits: {0}dn.exact=\"cn=crosskeysd,%s\" size=unlimited time=unlimited\n"
	            "olcDbIndex: objectClass eq\nolcDbIndex: entryCSN eq\nolcDbIndex: reqStart eq\nolcDbIndex: reqResult eq\n",
	        init->directory, init->suffix, init->suffix);
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

static void print_configuration(const struct ck_init *init, FILE *to)
{
	print_global(init, to);
	print_data_database(init, to);
	print_log_database(init, to);
	print_overlays(init, to);
}

/* ---- loading ---- */

static void child(const struct ck_init *init, const char *const *arguments, int input_fd, int output_fd)
{
	gid_t gid = init->gids[CK_INIT_DIRECTORY];
	uid_t uid = init->uids[CK_INIT_DIRECTORY];
	if (dup2(input_fd, 0) < 0 || dup2(output_fd, 1) < 0 || dup2(output_fd, 2) < 0 || setgroups(0, NULL) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 || chdir("/") != 0)
		_exit(126);
	char *const environment[] = {NULL}; /* libldap reads LDAP* variables */
	execve(init->slapd, (char *const *)(uintptr_t)arguments, environment);
	_exit(127);
}

/* Feeds the text to `slapd -T add`; what it says is quoted when it fails. */
static enum ck_error load(const struct ck_init *init, const char *what, const char *base, FILE *text, struct ck_errmsg *err)
{
	char configuration[PATH_BYTES], said[OUTPUT_LIMIT_BYTES];
	bool is_configuration = base == NULL;
	snprintf(configuration, sizeof configuration, "%s/directory/slapd.d", init->directory);
	const char *const arguments[] = {"slapadd", "-F", configuration, is_configuration ? "-n" : "-b", is_configuration ? "0" : base,
	                                 is_configuration ? NULL : "-w", "-S", "1", NULL};
	FILE *output = tmpfile();
	if (output == NULL || fflush(text) != 0 || lseek(fileno(text), 0, SEEK_SET) != 0) {
		if (output != NULL) fclose(output);
		return ck_fail(err, CK_ERR_IO, "a temporary file: %s", strerror(errno));
	}
	pid_t pid = fork();
	if (pid == 0) child(init, arguments, fileno(text), fileno(output));
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
	rewind(output);
	size_t length = fread(said, 1, sizeof said - 1, output);
	fclose(output);
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return CK_OK;
	said[length] = '\0';
	fprintf(stderr, "%s", said);
	return ck_fail(err, CK_ERR_IO, "%s did not take %s (status %d); what it said is above", init->slapd, what, status);
}

static enum ck_error load_printed(const struct ck_init *init, const char *what, const char *base,
                                  void (*print)(const struct ck_init *, FILE *), struct ck_errmsg *err)
{
	FILE *text = tmpfile();
	if (text == NULL) return ck_fail(err, CK_ERR_IO, "a temporary file: %s", strerror(errno));
	print(init, text);
	enum ck_error error = load(init, what, base, text, err);
	fclose(text);
	return error;
}

enum ck_error ck_init_make_directory(const struct ck_init *init, struct ck_errmsg *err)
{
	enum ck_error error = load_printed(init, "its configuration", NULL, print_configuration, err);
	if (error == CK_OK) error = load_printed(init, "the first entries", init->suffix, ck_init_print_entries, err);
	return error;
}
