/* The embedded directory: slapd's own configuration (init_slapd.c) and the first entries, loaded offline as the user that slapd will run as, so that
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
	enum ck_error error = load_printed(init, "its configuration", NULL, ck_init_print_slapd, err);
	if (error == CK_OK) error = load_printed(init, "the first entries", init->suffix, ck_init_print_entries, err);
	return error;
}
