/* The configuration file: one table, read strictly. The file is root's, so its words are trusted; but a typing error must stop the start
   and say where, since a default taken instead of a restriction would open a door. */
#include "authd/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/config_check.h"
#include "directory/base/buffer.h"

#define FILE_LIMIT_BYTES 65536
#define HERE "<directory>" /* at the start of a default: the value of the key directory */
#define REQUIRED "(required)"

#define TEXT(key) offsetof(struct ck_config, key), sizeof(((struct ck_config *)0)->key)
#define NUMBER(key) offsetof(struct ck_config, key), sizeof(uint64_t)
#define SOCKET_PATH_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define PATH_BYTES 200

static const struct row {
	const char *key;
	const char *type;
	ck_config_check check; /* of a text; NULL: a number */
	const char *fallback;
	uint64_t min, max; /* of the value; of a text: of its length in bytes */
	size_t at, size;
	const char *help;
} rows[] = {
	{ "system", "name", ck_config_check_system, REQUIRED, 1, 128, TEXT(system),
	  "This system's name in the directory; fixed for good by crosskeys init." },
	{ "system_id", "id", ck_config_check_id, REQUIRED, 36, 36, TEXT(system_id),
	  "This system's ckId in the directory: no other entry of its name counts; fixed for good by crosskeys init." },
	{ "rp_id", "host", ck_config_check_host, REQUIRED, 1, 253, TEXT(rp_id),
	  "The relying party that keys are enrolled for; fixed for good by crosskeys init." },
	{ "portal_origin", "origin", ck_config_check_origin, REQUIRED, 9, 255, TEXT(portal_origin),
	  "The portal's origin, https:// and exactly the host of rp_id; fixed for good by crosskeys init." },
	{ "suffix", "dn", ck_config_check_dn, REQUIRED, 3, 255, TEXT(suffix),
	  "The base DN of the directory tree; fixed for good by crosskeys init." },
	{ "founding_authority", "id", ck_config_check_id, REQUIRED, 36, 36, TEXT(founding_authority),
	  "The ckId of the founding authority; fixed for good by crosskeys init." },
	{ "directory", "path", ck_config_check_path, REQUIRED, 2, 100, TEXT(directory),
	  "Where everything of this instance lies; root's." },
	{ "socket", "path", ck_config_check_path, HERE "/run/gate.sock", 2, SOCKET_PATH_BYTES, TEXT(socket),
	  "The socket that PAM, NSS, sshd and the command talk to; below root-owned directories only." },
	{ "token_helper", "path", ck_config_check_path, "/usr/local/sbin/crosskeys-token", 0, PATH_BYTES, TEXT(token_helper),
	  "The program that talks to FIDO keys of this machine; empty: no local keys." },
	{ "attestation_roots", "path", ck_config_check_path, "", 0, PATH_BYTES, TEXT(attestation_roots),
	  "A PEM file of makers' root certificates: keys whose attestation leads to one are attested; empty: none is." },
	{ "slapd", "path", ck_config_check_path, "/usr/sbin/slapd", 0, PATH_BYTES, TEXT(slapd),
	  "The slapd program of the embedded directory; empty: the directory is not embedded." },
	{ "directory_uri", "uri", ck_config_check_ldapi, "ldapi://" HERE "/run-directory/ldapi", 9, 255, TEXT(directory_uri),
	  "The embedded directory's LDAP URI, with / written %2F in the socket's path." },
	{ "provider_1", "provider", ck_config_check_provider, "", 0, 190, TEXT(providers[0]),
	  "The first provider of a directory elsewhere: ldaps://HOST[:PORT], or ldap://HOST[:PORT] for STARTTLS; empty: it is embedded." },
	{ "provider_2", "provider", ck_config_check_provider, "", 0, 190, TEXT(providers[1]),
	  "The provider that is followed when the first cannot be." },
	{ "provider_3", "provider", ck_config_check_provider, "", 0, 190, TEXT(providers[2]),
	  "The provider that is followed when the first two cannot be." },
	{ "provider_4", "provider", ck_config_check_provider, "", 0, 190, TEXT(providers[3]),
	  "The provider that is followed when the first three cannot be." },
	{ "provider_mechanism", "word", ck_config_check_mechanism, "external", 1, 31, TEXT(provider_mechanism),
	  "How providers are told who this is: external (certificate), scram-sha-256, gssapi, simple; always inside TLS." },
	{ "provider_identity", "text", ck_config_check_identity, "", 0, 170, TEXT(provider_identity),
	  "Who this is: the user of scram-sha-256, the DN of simple; of gssapi nothing, as the keytab says it." },
	{ "provider_tls", "version", ck_config_check_tls, "1.3", 3, 3, TEXT(provider_tls),
	  "The oldest version of TLS that is spoken with a provider." },
	{ "write_provider", "number", NULL, "0", 0, CK_PROVIDERS_LIMIT, NUMBER(write_provider),
	  "The one provider that changes are written to, counted from 1; 0: the one that is followed." },
	{ "user_gate", "user", ck_config_check_user, "crosskeys-gate", 1, 63, TEXT(user_gate),
	  "The user that gates run as, by name or number; used for nothing else." },
	{ "user_replica", "user", ck_config_check_user, "crosskeys-replica", 1, 63, TEXT(user_replica),
	  "The user that the replica runs as; the directory knows it as the one that may read and write." },
	{ "user_ledger", "user", ck_config_check_user, "crosskeys-ledger", 1, 63, TEXT(user_ledger),
	  "The user that the ledger runs as; owns the audit log." },
	{ "user_token", "user", ck_config_check_user, "crosskeys-token", 1, 63, TEXT(user_token),
	  "The user that token helpers run as." },
	{ "user_directory", "user", ck_config_check_user, "crosskeys-directory", 1, 63, TEXT(user_directory),
	  "The user that the embedded slapd runs as." },
	{ "group_token_devices", "group", ck_config_check_user, "", 0, 63, TEXT(group_token_devices),
	  "The one supplementary group of token helpers: may open the keys' hidraw devices; empty for none." },
	{ "find_switchboard_role", "name", ck_config_check_role, "switchboard", 0, 128, TEXT(find_switchboard_role),
	  "Who holds a role of this name in their own authority has find_switchboard_per_day; empty: nobody has." },
	{ "gates", "number", NULL, "0", 0, 64, NUMBER(gates),
	  "How many gates; 0: one a core." },
	{ "as_of_limit_s", "number", NULL, "604800", 0, 31536000, NUMBER(as_of_limit_s),
	  "Seconds since the copy was last in step with its source, past which everything is refused; 0: never for age." },
	{ "challenge_limit_s", "number", NULL, "120", 5, 600, NUMBER(challenge_limit_s),
	  "Seconds a challenge may be answered in." },
	{ "vouch_limit_s", "number", NULL, "120", 5, 120, NUMBER(vouch_limit_s),
	  "Seconds a code that vouches for somebody is good." },
	{ "clients_limit", "number", NULL, "4096", 16, 16000, NUMBER(clients_limit),
	  "Connections that one gate keeps at a time." },
	{ "recovery_delay_s", "number", NULL, "86400", 1, 2592000, NUMBER(recovery_delay_s),
	  "Seconds before a code that root issued becomes valid." },
	{ "code_life_s", "number", NULL, "86400", 10, 604800, NUMBER(code_life_s),
	  "Seconds a one-time code stays valid." },
	{ "refresh_removal_percent", "number", NULL, "5", 0, 100, NUMBER(refresh_removal_percent),
	  "A full refresh that would remove more than this stops until root confirms." },
	{ "tries_per_minute", "number", NULL, "30", 1, 100000, NUMBER(tries_per_minute),
	  "Logins begun from one source or by one user that no key proves; past it, who comes from there waits." },
	{ "logins_per_minute", "number", NULL, "60", 1, 100000, NUMBER(logins_per_minute),
	  "Logins of one person that their key proves; past it, their key waits." },
	{ "refusals_per_minute", "number", NULL, "30", 1, 100000, NUMBER(refusals_per_minute),
	  "Refusals of one name from one source that are recorded one by one; those above are counted." },
	{ "password_attempts", "number", NULL, "5", 1, 1000, NUMBER(password_attempts),
	  "Wrong passwords of one person in a window; then theirs is not tried. Keep it below the policy's pwdMaxFailure." },
	{ "password_source_attempts", "number", NULL, "50", 1, 100000, NUMBER(password_source_attempts),
	  "Wrong passwords from one remote host or terminal in a window, whoever they are." },
	{ "password_window_s", "number", NULL, "900", 1, 86400, NUMBER(password_window_s),
	  "Seconds from the first wrong password after which they are counted anew." },
	{ "audit_segment_bytes", "number", NULL, "67108864", 65536, UINT64_C(1) << 40, NUMBER(audit_segment_bytes),
	  "Size past which the audit log begins a new file." },
	{ "audit_reserve_bytes", "number", NULL, "8388608", 65536, UINT64_C(1) << 40, NUMBER(audit_reserve_bytes),
	  "Space kept preallocated for grants and changes." },
	{ "checkpoint_interval_s", "number", NULL, "300", 1, 86400, NUMBER(checkpoint_interval_s),
	  "Seconds between signed checkpoints of the audit log." },
	{ "key_use_interval_s", "number", NULL, "86400", 1, 2592000, NUMBER(key_use_interval_s),
	  "Seconds, at least, between two writes of one key's counter and last use to the directory." },
	{ "find_person_per_day", "number", NULL, "200", 1, 100000000, NUMBER(find_person_per_day),
	  "People of other authorities that one person may look up in a day." },
	{ "find_switchboard_per_day", "number", NULL, "5000", 1, 100000000, NUMBER(find_switchboard_per_day),
	  "The same for one who holds find_switchboard_role." },
	{ "find_authority_per_day", "number", NULL, "20000", 1, 100000000, NUMBER(find_authority_per_day),
	  "People of other authorities that all of one authority together may look up in a day." },
	{ "log_level", "number", NULL, "3", 0, 4, NUMBER(log_level),
	  "Operational log: 0 alarms only, 1 errors, 2 warnings, 3 information, 4 all." },
};
#define ROWS (sizeof rows / sizeof *rows)

struct parse {
	const char *name;
	struct ck_text rest; /* not read yet */
	unsigned line;
	unsigned seen_at[ROWS]; /* the line that set it; 0: none */
	struct ck_config *config;
	enum ck_error error; /* the first fault */
	struct ck_errmsg *err;
};

/* ---- values ---- */

static enum ck_error set_text(const struct row *row, const char *value, struct ck_config *config, struct ck_errmsg *err)
{
	struct ck_text text = ck_text_of(value);
	if (text.length < row->min || text.length > row->max)
		return ck_fail(err, CK_ERR_LIMIT, "%s: expected %llu to %llu bytes, got %zu", row->key, (unsigned long long)row->min,
		               (unsigned long long)row->max, text.length);
	struct ck_errmsg why = { "" };
	if (text.length > 0 && row->check(text, &why) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "%s: expected %s", row->key, why.text);
	void *at = (char *)config + row->at;
	if (row->check == ck_config_check_id) return ck_id_parse(text, at);
	return ck_text_copy(at, row->size, text);
}

static enum ck_error set_number(const struct row *row, const char *value, struct ck_config *config, struct ck_errmsg *err)
{
	uint64_t number;
	if (ck_uint_parse(ck_text_of(value), row->min, row->max, &number) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "%s: expected a number from %llu to %llu, got \"%.64s\"", row->key,
		               (unsigned long long)row->min, (unsigned long long)row->max, value);
	memcpy((char *)config + row->at, &number, sizeof number);
	return CK_OK;
}

static enum ck_error set_value(const struct row *row, const char *value, struct ck_config *config, struct ck_errmsg *err)
{
	return row->check != NULL ? set_text(row, value, config, err) : set_number(row, value, config, err);
}

/* The default, with the directory put where it says so; inside a URI its slashes are encoded. */
static enum ck_error set_fallback(const struct row *row, struct ck_config *config, struct ck_errmsg *err)
{
	const char *here = strstr(row->fallback, HERE);
	if (here == NULL) return set_value(row, row->fallback, config, err);
	char value[CK_CONFIG_TEXT_BYTES];
	char path[CK_CONFIG_TEXT_BYTES];
	int length = snprintf(path, sizeof path, "%s%s", config->directory, here + strlen(HERE));
	if (length < 0 || (size_t)length >= sizeof path)
		return ck_fail(err, CK_ERR_LIMIT, "%s: the directory's path is too long for it", row->key);
	int prefix = (int)(here - row->fallback);
	if (prefix == 0) return set_value(row, path, config, err);
	struct ck_writer w;
	ck_writer_init(&w, (uint8_t *)value, sizeof value);
	ck_put_bytes(&w, row->fallback, (size_t)prefix);
	for (const char *at = path; *at != '\0'; at++) {
		if (*at == '/')
			ck_put_bytes(&w, "%2F", 3);
		else
			ck_put_u8(&w, (uint8_t)*at);
	}
	ck_put_u8(&w, 0);
	if (w.failed) return ck_fail(err, CK_ERR_LIMIT, "%s: the directory's path is too long for it", row->key);
	return set_value(row, value, config, err);
}

/* ---- lines ---- */

CK_PRINTF(3, 4) static void fault(struct parse *parse, enum ck_error error, const char *format, ...)
{
	if (parse->error != CK_OK) return;
	char what[sizeof parse->err->text];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	parse->error = ck_fail(parse->err, error, "%s:%u: %s", parse->name, parse->line, what);
}

/* inih's reader: one line into `out`. Counts them, and refuses here what inih would quietly take: sections, cut lines, continued lines. */
static char *read_line(char *out, int out_bytes, void *context)
{
	struct parse *parse = context;
	if (parse->rest.length == 0 || parse->error != CK_OK) return NULL;
	parse->line++;
	const char *newline = memchr(parse->rest.at, '\n', parse->rest.length);
	struct ck_text line = { parse->rest.at, newline == NULL ? parse->rest.length : (size_t)(newline - parse->rest.at) };
	size_t used = line.length + (newline == NULL ? 0 : 1);
	parse->rest.at += used;
	parse->rest.length -= used;
	while (line.length > 0 && (line.at[0] == ' ' || line.at[0] == '\t')) {
		line.at++;
		line.length--;
	}
	while (line.length > 0 && (line.at[line.length - 1] == ' ' || line.at[line.length - 1] == '\t' || line.at[line.length - 1] == '\r'))
		line.length--;
	if (line.length + 2 > (size_t)out_bytes) {
		fault(parse, CK_ERR_LIMIT, "expected a line of at most %d bytes, got %zu", out_bytes - 2, line.length);
		return NULL;
	}
	bool comment = line.length > 0 && (line.at[0] == '#' || line.at[0] == ';');
	if (line.length > 0 && line.at[0] == '[') fault(parse, CK_ERR_INVALID, "expected key = value; there are no [sections]");
	if (!comment && memchr(line.at, '\t', line.length) == NULL && !ck_text_is_printable_utf8(line))
		fault(parse, CK_ERR_INVALID, "expected printable UTF-8");
	if (parse->error != CK_OK) return NULL;
	memcpy(out, comment ? "#" : line.at, comment ? 1 : line.length);
	memcpy(out + (comment ? 1 : line.length), "\n", 2);
	return out;
}

/* inih's handler: one key. Returns non-zero for "taken". */
static int take_key(void *context, const char *section, const char *key, const char *value)
{
	(void)section;
	struct parse *parse = context;
	if (parse->error != CK_OK) return 0;
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].key, key) != 0) continue;
		if (parse->seen_at[i] != 0) {
			fault(parse, CK_ERR_EXISTS, "%s is already set in line %u; each key stands once", key, parse->seen_at[i]);
			return 0;
		}
		parse->seen_at[i] = parse->line;
		struct ck_errmsg why = { "" };
		enum ck_error error = set_value(&rows[i], value, parse->config, &why);
		if (error != CK_OK) fault(parse, error, "%s", why.text);
		return error == CK_OK;
	}
	fault(parse, CK_ERR_NOT_FOUND, "\"%.64s\" is no key; crosskeysd --print-config-table lists them", key);
	return 0;
}

/* ---- the whole ---- */

/* A directory is embedded or elsewhere; who this is, is said where the mechanism needs it. */
static enum ck_error check_providers(const struct ck_config *config, const char *name, struct ck_errmsg *err)
{
	size_t count = ck_config_providers(config);
	bool by_name = strcmp(config->provider_mechanism, "scram-sha-256") == 0 || strcmp(config->provider_mechanism, "simple") == 0;
	for (size_t i = count; i < CK_PROVIDERS_LIMIT; i++)
		if (config->providers[i][0] != '\0')
			return ck_fail(err, CK_ERR_INVALID, "%s: provider_%zu is named and one before it is not", name, i + 1);
	if (count > 0 && config->slapd[0] != '\0')
		return ck_fail(err, CK_ERR_INVALID, "%s: with provider_1 the directory is elsewhere: slapd must be empty", name);
	if (config->write_provider > count)
		return ck_fail(err, CK_ERR_INVALID, "%s: write_provider is %llu, and there are %zu providers", name,
		               (unsigned long long)config->write_provider, count);
	if (count > 0 && by_name && config->provider_identity[0] == '\0')
		return ck_fail(err, CK_ERR_INVALID, "%s: provider_mechanism %s needs provider_identity", name, config->provider_mechanism);
	return CK_OK;
}

/* What follows from two keys together. */
static enum ck_error check_whole(const struct ck_config *config, const char *name, struct ck_errmsg *err)
{
	size_t host = strlen(config->rp_id);
	const char *origin = config->portal_origin + strlen("https://");
	if (strncmp(origin, config->rp_id, host) != 0 || (origin[host] != '\0' && origin[host] != ':'))
		return ck_fail(err, CK_ERR_INVALID, "%s: portal_origin must be https:// and exactly the host of rp_id (%s), got %s", name,
		               config->rp_id, config->portal_origin);
	const char *users[] = { config->user_gate, config->user_replica, config->user_ledger, config->user_token, config->user_directory };
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		for (size_t k = i + 1; k < sizeof users / sizeof *users; k++)
			if (strcmp(users[i], users[k]) == 0)
				return ck_fail(err, CK_ERR_INVALID, "%s: user %s is named twice; each process needs a user of its own", name,
				               users[i]);
	return check_providers(config, name, err);
}

enum ck_error ck_config_parse(struct ck_text text, const char *name, struct ck_config *out, struct ck_errmsg *err)
{
	struct ck_errmsg unused;
	struct parse parse = { .name = name, .rest = text, .config = out, .err = err != NULL ? err : &unused };
	memset(out, 0, sizeof *out);
	int bad_line = ini_parse_stream(read_line, &parse, take_key, &parse);
	if (parse.error == CK_OK && bad_line != 0) {
		parse.line = bad_line > 0 ? (unsigned)bad_line : parse.line;
		fault(&parse, CK_ERR_INVALID, "expected key = value");
	}
	for (size_t i = 0; i < ROWS && parse.error == CK_OK; i++) {
		if (parse.seen_at[i] != 0) continue;
		struct ck_errmsg why = { "" };
		if (strcmp(rows[i].fallback, REQUIRED) == 0)
			parse.error = ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s is missing; crosskeys init writes it", name, rows[i].key);
		else if (set_fallback(&rows[i], out, &why) != CK_OK)
			parse.error = ck_fail(err, CK_ERR_INVALID, "%s: %s", name, why.text);
	}
	if (parse.error == CK_OK) parse.error = check_whole(out, name, err);
	if (parse.error != CK_OK) memset(out, 0, sizeof *out);
	return parse.error;
}

/* Opened once, then judged by the descriptor: what is read is what was checked. */
enum ck_error ck_config_load(const char *path, struct ck_config *out, struct ck_errmsg *err)
{
	static char bytes[FILE_LIMIT_BYTES + 1];
	memset(out, 0, sizeof *out);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s; expected the configuration file that crosskeys init wrote", path,
		               strerror(errno));
	enum ck_error error = CK_ERR_IO;
	struct stat st;
	size_t length = 0;
	ssize_t got = 1;
	if (fstat(fd, &st) != 0) {
		error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		error = ck_fail(err, CK_ERR_DENIED, "%s: expected a file of root's that nobody else may write, got uid %u, mode %04o", path,
		                (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	} else {
		while (got > 0 && length < sizeof bytes) {
			got = read(fd, bytes + length, sizeof bytes - length);
			if (got > 0) length += (size_t)got;
		}
		if (got < 0)
			error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
		else if (length == sizeof bytes)
			error = ck_fail(err, CK_ERR_LIMIT, "%s: longer than %d bytes", path, FILE_LIMIT_BYTES);
		else
			error = ck_config_parse((struct ck_text){ bytes, length }, path, out, err);
	}
	close(fd);
	return error;
}

void ck_config_print_table(void (*line)(const char *text, void *context), void *context)
{
	for (size_t i = 0; i < ROWS; i++) {
		char text[512];
		(void)snprintf(text, sizeof text, "%s\t%s\t%s\t%llu\t%llu\t%s", rows[i].key, rows[i].type, rows[i].fallback,
		               (unsigned long long)rows[i].min, (unsigned long long)rows[i].max, rows[i].help);
		line(text, context);
	}
}
