/* `crosskeys init`: makes an instance once: folders, configuration, an embedded directory with the founding authority and its first
   administrator. Root only. What the caller gave is checked by the same rules as every later change, before anything is written. */
#include "authd/cli/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "authd/cli/cli.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"
#include "directory/model/entry.h"

#define DIRECTORY_LIMIT_BYTES 60 /* the sockets below it must fit a unix address (108 bytes) */
#define SUFFIX_LIMIT_BYTES 200   /* leaves room for the longest DN below it */
#define CODE_LIFE_LIMIT_S 604800

static const struct ck_option options[] = {
	{"suffix", CK_OPTION_ONE, "DN", "base of the directory tree, such as dc=example,dc=org (fixed for good)"},
	{"rp-id", CK_OPTION_ONE, "HOST", "exact host of the portal; keys are enrolled for it (fixed for good)"},
	{"portal-origin", CK_OPTION_ONE, "URL", "https://HOST of the portal (fixed for good)"},
	{"system", CK_OPTION_ONE, "NAME", "this machine's name in the directory (fixed for good)"},
	{"authority", CK_OPTION_ONE, "NAME", "the founding authority (fixed for good)"},
	{"authority-kind", CK_OPTION_ONE, "KIND", "council, department, supplier, … (default council)"},
	{"mail-domain", CK_OPTION_MANY, "DOMAIN", "mail domain of the authority; \"*\" is every one (default: the administrator's)"},
	{"uid-range", CK_OPTION_ONE, "FIRST-LAST", "uidNumbers of the authority (default 200000-299999)"},
	{"zone", CK_OPTION_ONE, "ZONE", "time zone of the authority's weekly hours, such as Europe/London (default: this machine's)"},
	{"admin", CK_OPTION_ONE, "UID", "login name of the first administrator"},
	{"admin-name", CK_OPTION_ONE, "NAME", "full name (default: UID)"},
	{"admin-mail", CK_OPTION_ONE, "ADDRESS", "mail address (default: UID@HOST)"},
	{"admin-number", CK_OPTION_ONE, "NUMBER", "staff number (default 1)"},
	{"admin-shell", CK_OPTION_ONE, "PATH", "login shell (default /bin/bash)"},
	{"code-life", CK_OPTION_ONE, "SECONDS", "how long one-time codes stay valid (default 86400)"},
	{"provider", CK_OPTION_MANY, "URI", "the directory is elsewhere: ldaps://HOST, or ldap://HOST for STARTTLS; up to 4, in order"},
	{"provider-mechanism", CK_OPTION_ONE, "WORD", "external (the default), scram-sha-256, gssapi or simple"},
	{"provider-identity", CK_OPTION_ONE, "TEXT", "who this is there: certificate's subject, user, principal or DN"},
	{"provider-tls", CK_OPTION_ONE, "VERSION", "the oldest TLS spoken with it: 1.3 (the default) or 1.2"},
	{"slapd", CK_OPTION_ONE, "PATH", "slapd program (default /usr/sbin/slapd)"},
	{"ldap-schema", CK_OPTION_ONE, "DIR", "OpenLDAP's own schema folder (default: found)"},
	{"ldap-modules", CK_OPTION_ONE, "DIR", "OpenLDAP's module folder (default: found)"},
	{"token-helper", CK_OPTION_ONE, "PATH", "program that talks to FIDO keys (default: as installed)"},
	{"token-group", CK_OPTION_ONE, "GROUP", "group that may open the keys' hidraw devices"},
	{"user-gate", CK_OPTION_ONE, "USER", "user of the gates (default crosskeys-gate)"},
	{"user-replica", CK_OPTION_ONE, "USER", "user of the replica (default crosskeys-replica)"},
	{"user-ledger", CK_OPTION_ONE, "USER", "user of the ledger (default crosskeys-ledger)"},
	{"user-token", CK_OPTION_ONE, "USER", "user of token helpers (default crosskeys-token)"},
	{"user-directory", CK_OPTION_ONE, "USER", "user of slapd (default crosskeys-directory)"},
	{NULL, CK_OPTION_FLAG, NULL, NULL},
};
static const struct ck_command_help help = {
	.name = "init",
	.words = "DIR",
	.what = "Makes an instance in DIR, an absolute path that is absent or empty: an embedded directory with the founding\n"
	        "authority and its first administrator, and DIR/crosskeys.conf. Prints a one-time code for the administrator's\n"
	        "first key. Root only. With --provider the directory is somebody else's: DIR/operator holds what they install.\n"
	        "--suffix, --rp-id, --portal-origin, --system, --authority and --admin must be given.",
	.words_min = 1,
	.words_max = 1,
	.options = options,
};

/* ---- reading the call ---- */

static const char *option(const struct ck_arguments *arguments, const char *name, const char *otherwise)
{
	const char *value = ck_argument(&help, arguments, name);
	return value != NULL ? value : otherwise;
}

static enum ck_error check_required(const struct ck_arguments *arguments, struct ck_errmsg *err)
{
	static const char *const required[] = {"suffix", "rp-id", "portal-origin", "system", "authority", "admin"};
	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if (ck_argument(&help, arguments, required[i]) == NULL)
			return ck_fail(err, CK_ERR_INVALID, "--%s must be given; --help says what it is", required[i]);
	return CK_OK;
}

static enum ck_error read_range(const char *range, struct ck_init *init, struct ck_errmsg *err)
{
	const char *dash = strchr(range, '-');
	struct ck_text first = {range, dash != NULL ? (size_t)(dash - range) : 0};
	if (dash == NULL || ck_uint_parse(first, CK_UID_NUMBER_FIRST, CK_UID_NUMBER_LAST, &init->uid_number_first) != CK_OK ||
	    ck_uint_parse(ck_text_of(dash + 1), init->uid_number_first, CK_UID_NUMBER_LAST, &init->uid_number_last) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "--uid-range takes FIRST-LAST from %d to %d, got %s", CK_UID_NUMBER_FIRST, CK_UID_NUMBER_LAST, range);
	return CK_OK;
}

static void read_users(const struct ck_arguments *arguments, struct ck_init *init)
{
	init->users[CK_INIT_GATE] = option(arguments, "user-gate", "crosskeys-gate");
	init->users[CK_INIT_REPLICA] = option(arguments, "user-replica", "crosskeys-replica");
	init->users[CK_INIT_LEDGER] = option(arguments, "user-ledger", "crosskeys-ledger");
	init->users[CK_INIT_TOKEN] = option(arguments, "user-token", "crosskeys-token");
	init->users[CK_INIT_DIRECTORY] = option(arguments, "user-directory", "crosskeys-directory");
}

static void read_admin(const struct ck_arguments *arguments, struct ck_init *init)
{
	init->admin = option(arguments, "admin", NULL);
	init->admin_name = option(arguments, "admin-name", init->admin);
	const char *space = strrchr(init->admin_name, ' ');
	init->admin_surname = space != NULL && space[1] != '\0' ? space + 1 : init->admin_name;
	init->admin_mail = option(arguments, "admin-mail", NULL);
	if (init->admin_mail == NULL) init->admin_mail = ck_cli_print("%s@%s", init->admin, init->rp_id);
	init->staff_number = option(arguments, "admin-number", "1");
	init->home = ck_cli_print("/home/%s", init->admin);
	init->shell = option(arguments, "admin-shell", "/bin/bash");
}

static void read_mail_domains(const struct ck_arguments *arguments, struct ck_init *init)
{
	const struct ck_values *given = ck_arguments_of(&help, arguments, "mail-domain");
	for (size_t i = 0; i < given->count; i++) init->mail_domains[init->mail_domains_count++] = given->at[i];
	if (init->mail_domains_count > 0) return;
	const char *at = strchr(init->admin_mail, '@');
	char *domain = ck_cli_copy(ck_text_of(at != NULL ? at + 1 : ""));
	for (char *c = domain; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
	init->mail_domains[init->mail_domains_count++] = domain;
}

static void read_providers(const struct ck_arguments *arguments, struct ck_init *init)
{
	const struct ck_values *given = ck_arguments_of(&help, arguments, "provider");
	for (size_t i = 0; i < given->count; i++) init->providers[init->providers_count++] = given->at[i];
	init->provider_mechanism = option(arguments, "provider-mechanism", "external");
	init->provider_identity = option(arguments, "provider-identity", "");
	init->provider_tls = option(arguments, "provider-tls", "1.3");
	if (init->provider_identity[0] == '\0' && strcmp(init->provider_mechanism, "simple") == 0)
		init->provider_identity = ck_cli_print("cn=crosskeysd,%s", init->suffix);
}

static enum ck_error read_arguments(const struct ck_arguments *arguments, struct ck_init *init, struct ck_errmsg *err)
{
	enum ck_error error = check_required(arguments, err);
	if (error != CK_OK) return error;
	init->directory = arguments->words[0];
	init->suffix = option(arguments, "suffix", NULL);
	init->rp_id = option(arguments, "rp-id", NULL);
	init->portal_origin = option(arguments, "portal-origin", NULL);
	init->system = option(arguments, "system", NULL);
	init->authority = option(arguments, "authority", NULL);
	init->authority_kind = option(arguments, "authority-kind", "council");
	init->zone = option(arguments, "zone", ck_zone_of_machine(ck_cli_allocate(CK_ZONE_NAME_LIMIT_BYTES + 1)));
	init->slapd = option(arguments, "slapd", "/usr/sbin/slapd");
	init->schema_directory = option(arguments, "ldap-schema", NULL);
	init->module_directory = option(arguments, "ldap-modules", NULL);
	init->token_helper = option(arguments, "token-helper", NULL);
	init->token_group = option(arguments, "token-group", NULL);
	read_providers(arguments, init);
	read_users(arguments, init);
	read_admin(arguments, init);
	read_mail_domains(arguments, init);
	if (ck_uint_parse(ck_text_of(option(arguments, "code-life", "86400")), 10, CODE_LIFE_LIMIT_S, &init->code_life_s) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "--code-life takes 10 to %d seconds", CODE_LIFE_LIMIT_S);
	return read_range(option(arguments, "uid-range", "200000-299999"), init, err);
}

/* ---- checking what was given ---- */

static bool plain_word(struct ck_text text, const char *more)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(more, c) != NULL);
		if (!plain) return false;
	}
	return text.length > 0;
}

/* It is written into slapd's configuration, where a quote or a dollar would mean something. */
static enum ck_error check_suffix(const char *suffix, struct ck_errmsg *err)
{
	bool well = strlen(suffix) <= SUFFIX_LIMIT_BYTES &&
	            (strncmp(suffix, "dc=", 3) == 0 || strncmp(suffix, "o=", 2) == 0 || strncmp(suffix, "ou=", 3) == 0);
	for (const char *at = suffix; well; at++) {
		size_t length = strcspn(at, ","), name = strcspn(at, "=");
		well = name > 0 && name < length && plain_word((struct ck_text){at, name}, "") &&
		       plain_word((struct ck_text){at + name + 1, length - name - 1}, "._- ") && at[name + 1] != ' ' && at[length - 1] != ' ';
		at += length;
		if (*at == '\0') break;
	}
	return well ? CK_OK
	            : ck_fail(err, CK_ERR_INVALID, "--suffix takes a DN that begins with dc, o or ou, of at most %d letters, digits, "
	                      "'.', '_', '-', without spaces around ',', got %s", SUFFIX_LIMIT_BYTES, suffix);
}

static enum ck_error check_portal(const struct ck_init *init, struct ck_errmsg *err)
{
	static const char scheme[] = "https://";
	size_t host = strlen(init->rp_id), skip = sizeof scheme - 1;
	uint64_t port;
	if (!ck_model_system_name_valid(ck_text_of(init->rp_id)))
		return ck_fail(err, CK_ERR_INVALID, "--rp-id takes a host name in lower case, without scheme and port, got %s", init->rp_id);
	const char *rest = strncmp(init->portal_origin, scheme, skip) == 0 && strncmp(init->portal_origin + skip, init->rp_id, host) == 0
	                       ? init->portal_origin + skip + host
	                       : "/";
	if (rest[0] != '\0' && (rest[0] != ':' || ck_uint_parse(ck_text_of(rest + 1), 1, 65535, &port) != CK_OK))
		return ck_fail(err, CK_ERR_INVALID, "--portal-origin takes https://%s or https://%s:PORT, without a path, got %s", init->rp_id,
		               init->rp_id, init->portal_origin);
	return CK_OK;
}

static enum ck_error check_path(const char *name, const char *path, size_t limit_bytes, struct ck_errmsg *err)
{
	bool well = path[0] == '/' && strlen(path) > 1 && strlen(path) <= limit_bytes && plain_word(ck_text_of(path), "/._-+@") &&
	            path[strlen(path) - 1] != '/' && strstr(path, "//") == NULL && strstr(path, "/.") == NULL;
	return well ? CK_OK
	            : ck_fail(err, CK_ERR_INVALID, "%s takes an absolute path of at most %zu letters, digits, '.', '_', '-', got %s", name,
	                      limit_bytes, path);
}

/* The entries to be, under the rules that every later change meets. */
static enum ck_error check_records(const struct ck_init *init, struct ck_errmsg *err)
{
	struct ck_window always = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
	struct ck_record authority = {.kind = CK_KIND_AUTHORITY, .id = init->authority_id, .authority = init->authority_id};
	authority.as.authority_of = (struct ck_authority){.name = ck_text_of(init->authority), .kind = ck_text_of(init->authority_kind),
		.status = CK_STATUS_ACTIVE, .window = always, .admin_role = init->role_id, .uid_number_first = init->uid_number_first,
		.uid_number_last = init->uid_number_last, .mail_domains = {.count = init->mail_domains_count},
		.zone = ck_text_of(init->zone)};
	for (size_t i = 0; i < init->mail_domains_count; i++) authority.as.authority_of.mail_domains.at[i] = ck_text_of(init->mail_domains[i]);

	struct ck_record staff = {.kind = CK_KIND_STAFF, .id = init->staff_id, .authority = init->authority_id};
	staff.as.staff = (struct ck_staff){.uid = ck_text_of(init->admin), .cn = ck_text_of(init->admin_name),
		.sn = ck_text_of(init->admin_surname), .mail = ck_text_of(init->admin_mail), .staff_number = ck_text_of(init->staff_number),
		.uid_number = init->uid_number_first, .gid_number = init->uid_number_first, .home = ck_text_of(init->home),
		.shell = ck_text_of(init->shell), .status = CK_STATUS_ACTIVE, .window = always};

	struct ck_record system = {.kind = CK_KIND_SYSTEM, .id = init->system_id, .authority = init->authority_id};
	system.as.system = (struct ck_system){.name = ck_text_of(init->system), .status = CK_STATUS_ACTIVE};

	struct ck_errmsg why = {""};
	if (ck_model_validate(&staff, &why) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the administrator: %s", why.text);
	if (ck_model_validate(&authority, &why) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the founding authority: %s", why.text);
	if (ck_model_validate(&system, &why) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "--system: %s", why.text);
	return CK_OK;
}

/* The daemon runs on this machine: what it does not know here it does not know there. */
static enum ck_error check_zone(const struct ck_init *init, struct ck_errmsg *err)
{
	struct ck_zone_table table;
	struct ck_errmsg why = {""};
	int64_t from_s, until_s;
	ck_zone_span(ck_clock_wall_s(), &from_s, &until_s);
	if (ck_zone_read(CK_ZONE_DIRECTORY, ck_text_of(init->zone), from_s, until_s, &table, &why) == CK_OK) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "--zone takes a time zone of this machine (package tzdata), such as Europe/London, or UTC: %s", why.text);
}

static enum ck_error check(const struct ck_init *init, struct ck_errmsg *err)
{
	enum ck_error error = check_path("DIR", init->directory, DIRECTORY_LIMIT_BYTES, err);
	if (error == CK_OK) error = check_suffix(init->suffix, err);
	if (error == CK_OK) error = check_portal(init, err);
	if (error == CK_OK) error = check_records(init, err);
	if (error == CK_OK) error = check_zone(init, err);
	if (error == CK_OK && init->providers_count > 0) error = ck_init_check_providers(init, err);
	if (error == CK_OK) error = check_path("--slapd", init->slapd, 200, err);
	if (error == CK_OK && init->schema_directory != NULL) error = check_path("--ldap-schema", init->schema_directory, 200, err);
	if (error == CK_OK && init->module_directory != NULL) error = check_path("--ldap-modules", init->module_directory, 200, err);
	if (error == CK_OK && init->token_helper != NULL) error = check_path("--token-helper", init->token_helper, 200, err);
	if (error == CK_OK && init->token_group != NULL && !plain_word(ck_text_of(init->token_group), "_-."))
		error = ck_fail(err, CK_ERR_INVALID, "--token-group takes a group of this machine");
	for (size_t i = 0; i < CK_INIT_USERS && error == CK_OK; i++)
		if (!plain_word(ck_text_of(init->users[i]), "_-.") || strlen(init->users[i]) > 63)
			error = ck_fail(err, CK_ERR_INVALID, "a user of this machine, by name or number, was expected instead of \"%s\"", init->users[i]);
	return error;
}

/* ---- making it ---- */

/* RFC 4122 version 4. */
static struct ck_id random_id(void)
{
	struct ck_id id;
	randombytes_buf(id.bytes, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static enum ck_error make(const struct ck_init *init, struct ck_errmsg *err)
{
	enum ck_error error = ck_init_make_folders(init, err);
	if (error == CK_OK) error = init->providers_count > 0 ? ck_init_write_operator(init, err) : ck_init_make_directory(init, err);
	if (error == CK_OK) error = ck_init_write_files(init, err); /* last: without it nothing starts */
	if (error != CK_OK) ck_init_undo(init);
	return error;
}

static void print_result(const struct ck_init *init)
{
	char time[CK_TIME_TEXT_BYTES], id[CK_ID_TEXT_BYTES];
	printf("Made %s.\n\n", init->directory);
	printf("Fixed for good; the keys, the tree and the audit log rest on them:\n"
	       "  rp-id               %s\n  portal origin       %s\n  suffix              %s\n  system              %s\n"
	       "  founding authority  %s (%s)\n\n",
	       init->rp_id, init->portal_origin, init->suffix, init->system, init->authority, ck_id_format(init->authority_id, id));
	printf("Weekly hours are meant by the clock of %s (crosskeys authority change %s --zone ZONE changes that).\n\n", init->zone,
	       init->authority);
	printf("One-time code for %s: %s\n  (for a first key, until %s; it is not shown again)\n\n", init->admin, init->code.text,
	       ck_time_format(init->code_until_s, time));
	if (init->providers_count > 0)
		printf("First: whoever runs the directory installs what is in %s/operator (README there), and\n"
		       "%s/providers gets what proves to it who this is (crosskeys.conf(5)).\n\n", init->directory, init->directory);
	printf("Next: start the daemon, then enrol the key, as %s or as root:\n"
	       "  crosskeysd --config %s/crosskeys.conf\n  crosskeys key add %s --code CODE --dir %s\n",
	       init->admin, init->directory, init->admin, init->directory);
}

static int fail(enum ck_error error, const struct ck_errmsg *err)
{
	fprintf(stderr, "crosskeys init: %s\n", err->text);
	return error == CK_ERR_INVALID ? CK_EXIT_USAGE : CK_EXIT_FAILED;
}

int ck_cli_init(int argc, char **argv)
{
	struct ck_cli cli = {.pin_fd = -1};
	struct ck_arguments arguments;
	static struct ck_init init;
	struct ck_errmsg err = {""};
	enum ck_error error = ck_arguments_parse(&cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	CK_ASSERT(sodium_init() >= 0);
	(void)umask(022);
	init.authority_id = random_id();
	init.role_id = random_id();
	init.staff_id = random_id();
	init.grant_id = random_id();
	init.code_id = random_id();
	init.system_id = random_id();

	error = read_arguments(&arguments, &init, &err);
	if (error == CK_OK) error = check(&init, &err);
	if (error == CK_OK && ck_clock_wall_s() < CK_CLOCK_EPOCH_S)
		error = ck_fail(&err, CK_ERR_UNAVAILABLE, "this machine's clock says a time before this program was made: set it first, the code goes by it");
	if (error == CK_OK && geteuid() != 0) error = ck_fail(&err, CK_ERR_DENIED, "only root can make an instance: it owns what clients trust");
	if (error == CK_OK) error = ck_init_find_users(&init, &err);
	if (error == CK_OK && init.providers_count == 0) error = ck_init_find_openldap(&init, &err);
	if (error == CK_OK) error = ck_init_check_place(&init, &err);
	if (error != CK_OK) return fail(error, &err);

	ck_code_make(&init.code);
	init.now_s = ck_clock_wall_s();
	init.code_until_s = init.now_s + (int64_t)init.code_life_s;
	error = make(&init, &err);
	if (error == CK_OK) print_result(&init);
	ck_wipe(&init.code, sizeof init.code);
	return error == CK_OK ? CK_EXIT_OK : fail(error, &err);
}
