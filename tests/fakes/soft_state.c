/* Virtual keys on disk: a directory <root>/<name> with a text file `state`, replaced as a whole under `lock`, so that a key survives
   between processes and two of them can use it. Trusts what it wrote itself. */
#include "tests/fakes/soft_key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512

static const struct {
	const char *name;
	unsigned bit;
} misbehaviours[] = {
	{"wrong-counter", CK_SOFT_WRONG_COUNTER}, {"no-uv", CK_SOFT_NO_UV},       {"no-up", CK_SOFT_NO_UP},
	{"other-rp", CK_SOFT_OTHER_RP},           {"garbage", CK_SOFT_GARBAGE},   {"bad-signature", CK_SOFT_BAD_SIGNATURE},
	{"no-touch", CK_SOFT_NO_TOUCH},           {"removed", CK_SOFT_REMOVED},   {"other-credential", CK_SOFT_OTHER_CREDENTIAL},
	{"certificate", CK_SOFT_CERTIFICATE},
};
#define MISBEHAVIOURS (sizeof misbehaviours / sizeof misbehaviours[0])

unsigned ck_soft_misbehaviour_of_name(const char *name)
{
	for (size_t i = 0; i < MISBEHAVIOURS; i++)
		if (strcmp(misbehaviours[i].name, name) == 0) return misbehaviours[i].bit;
	return 0;
}

const char *ck_soft_misbehaviour_name(unsigned bit)
{
	for (size_t i = 0; i < MISBEHAVIOURS; i++)
		if (misbehaviours[i].bit == bit) return misbehaviours[i].name;
	return NULL;
}

void ck_soft_init_state(struct ck_soft_state *out)
{
	*out = (struct ck_soft_state){.retries = CK_SOFT_PIN_TRIES, .touch_limit_ms = 30000};
}

bool ck_soft_set_pin(struct ck_soft_state *state, const char *pin)
{
	uint8_t hash[32];
	size_t length = strlen(pin);
	if (length < 4 || length > 63) return false; /* CTAP 2.1, 6.5.1 */
	crypto_hash_sha256(hash, (const uint8_t *)pin, length);
	memcpy(state->pin_hash, hash, sizeof state->pin_hash);
	state->pin_set = true;
	state->retries = CK_SOFT_PIN_TRIES;
	state->wrong_in_a_row = 0;
	return true;
}

static bool file_path(char out[PATH_BYTES], const char *key_path, const char *file)
{
	int length = snprintf(out, PATH_BYTES, "%s/%s", key_path, file);
	return length > 0 && length < PATH_BYTES;
}

/* ---- the text ---- */
static bool parse_credential(const char *line, struct ck_soft_credential *out)
{
	static const struct ck_soft_credential empty;
	char id[2049], secret[65], user[129];
	int algorithm, resident;
	unsigned count, protection;
	*out = empty;
	if (sscanf(line, "credential %d %u %d %u %64s %128s %253s %2048s", &algorithm, &count, &resident, &protection, secret, user, out->rp_id,
	           id) != 8)
		return false;
	out->algorithm = algorithm;
	out->count = count;
	out->resident = resident != 0;
	out->protection = protection;
	out->id_length = strlen(id) / 2;
	out->user_id_length = strlen(user) / 2;
	return ck_hex_decode(ck_text_of(id), out->id, out->id_length) == CK_OK
	       && ck_hex_decode(ck_text_of(user), out->user_id, out->user_id_length) == CK_OK
	       && ck_hex_decode(ck_text_of(secret), out->secret, 32) == CK_OK && ck_soft_derive_public_key(out);
}

static bool parse_line(const char *line, struct ck_soft_state *out)
{
	char text[65];
	int builtin_uv, only_eddsa;
	if (sscanf(line, "pin %32s", text) == 1) {
		out->pin_set = strcmp(text, "-") != 0;
		return !out->pin_set || ck_hex_decode(ck_text_of(text), out->pin_hash, sizeof out->pin_hash) == CK_OK;
	}
	if (sscanf(line, "tries %u %u", &out->retries, &out->wrong_in_a_row) == 2) return true;
	if (sscanf(line, "behaviour %u %u %u", &out->misbehaviour, &out->slow_ms, &out->touch_limit_ms) == 3) return true;
	if (sscanf(line, "able %d %d", &builtin_uv, &only_eddsa) == 2) {
		out->builtin_uv = builtin_uv != 0;
		out->only_eddsa = only_eddsa != 0;
		return true;
	}
	return out->count < CK_SOFT_CREDENTIALS_LIMIT && parse_credential(line, &out->credentials[out->count]) && ++out->count > 0;
}

static enum ck_error read_state(const char *key_path, struct ck_soft_state *out, struct ck_errmsg *err)
{
	char path[PATH_BYTES], line[4096];
	enum ck_error error = CK_OK;
	ck_soft_init_state(out);
	FILE *file = file_path(path, key_path, "state") ? fopen(path, "re") : NULL;
	if (file == NULL) return ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	while (error == CK_OK && fgets(line, sizeof line, file) != NULL)
		if (!parse_line(line, out)) error = ck_fail(err, CK_ERR_CORRUPT, "%s is damaged at \"%.40s\"", path, line);
	fclose(file);
	return error;
}

static void print_state(FILE *file, const struct ck_soft_state *state)
{
	char hex[2049], secret[65], user[129];
	fprintf(file, "pin %s\n", state->pin_set ? ck_hex_encode(state->pin_hash, sizeof state->pin_hash, hex, sizeof hex) : "-");
	fprintf(file, "tries %u %u\n", state->retries, state->wrong_in_a_row);
	fprintf(file, "behaviour %u %u %u\n", state->misbehaviour, state->slow_ms, state->touch_limit_ms);
	fprintf(file, "able %d %d\n", state->builtin_uv, state->only_eddsa);
	for (size_t i = 0; i < state->count; i++) {
		const struct ck_soft_credential *c = &state->credentials[i];
		fprintf(file, "credential %d %u %d %u %s %s %s %s\n", c->algorithm, c->count, c->resident, c->protection,
		        ck_hex_encode(c->secret, 32, secret, sizeof secret), ck_hex_encode(c->user_id, c->user_id_length, user, sizeof user), c->rp_id,
		        ck_hex_encode(c->id, c->id_length, hex, sizeof hex));
	}
}

/* Root may have run this for a key of the helper's user: what is made belongs to whoever owns the directory. */
static bool give_to_owner_of(const char *key_path, int fd)
{
	struct stat st;
	if (stat(key_path, &st) != 0) return false;
	return geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0;
}

static enum ck_error write_state(const char *key_path, const struct ck_soft_state *state, struct ck_errmsg *err)
{
	char path[PATH_BYTES], temporary[PATH_BYTES];
	if (!file_path(path, key_path, "state") || !file_path(temporary, key_path, "state.new")) return CK_ERR_LIMIT;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL || !give_to_owner_of(key_path, fd)) {
		if (file != NULL) fclose(file);
		else if (fd >= 0) close(fd);
		return ck_fail(err, CK_ERR_IO, "cannot write %s: %s", temporary, strerror(errno));
	}
	print_state(file, state);
	if (fclose(file) != 0 || rename(temporary, path) != 0) return ck_fail(err, CK_ERR_IO, "cannot write %s: %s", path, strerror(errno));
	return CK_OK;
}

static int lock_key(const char *key_path, int how)
{
	char path[PATH_BYTES];
	if (!file_path(path, key_path, "lock")) return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return -1;
	if (give_to_owner_of(key_path, fd) && flock(fd, how) == 0) return fd;
	close(fd);
	return -1;
}

/* ---- the calls ---- */
enum ck_error ck_soft_load(const char *key_path, struct ck_soft_state *out, struct ck_errmsg *err)
{
	int lock = lock_key(key_path, LOCK_SH);
	if (lock < 0) return ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	enum ck_error error = read_state(key_path, out, err);
	close(lock);
	return error;
}

enum ck_error ck_soft_update(const char *key_path, ck_soft_change change, void *context, struct ck_errmsg *err)
{
	struct ck_soft_state *state = malloc(sizeof *state);
	if (state == NULL) return CK_ERR_MEMORY;
	int lock = lock_key(key_path, LOCK_EX);
	enum ck_error error;
	if (lock < 0) error = ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	else error = read_state(key_path, state, err);
	if (error == CK_OK) {
		change(state, context);
		error = write_state(key_path, state, err);
	}
	if (lock >= 0) close(lock);
	sodium_memzero(state, sizeof *state);
	free(state);
	return error;
}

enum ck_error ck_soft_create_key(const char *root, const char *name, const struct ck_soft_state *initial, long owner_uid, long owner_gid,
                                 struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || !file_path(path, root, name))
		return ck_fail(err, CK_ERR_INVALID, "\"%s\" is no name for a key", name);
	if (mkdir(root, 0755) != 0 && errno != EEXIST) return ck_fail(err, CK_ERR_IO, "cannot make %s: %s", root, strerror(errno));
	if (mkdir(path, 0700) != 0) {
		if (errno == EEXIST) return ck_fail(err, CK_ERR_EXISTS, "there is a key %s already", path);
		return ck_fail(err, CK_ERR_IO, "cannot make %s: %s", path, strerror(errno));
	}
	if (owner_uid >= 0 && chown(path, (uid_t)owner_uid, (gid_t)owner_gid) != 0)
		return ck_fail(err, CK_ERR_IO, "cannot give %s away: %s", path, strerror(errno));
	int lock = lock_key(path, LOCK_EX);
	if (lock < 0) return ck_fail(err, CK_ERR_IO, "cannot lock %s: %s", path, strerror(errno));
	enum ck_error error = write_state(path, initial, err);
	close(lock);
	return error;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int ck_soft_list(char names[][256], int limit, const char *root)
{
	int count = 0;
	DIR *dir = opendir(root);
	struct ck_soft_state *state = malloc(sizeof *state);
	if (dir == NULL || state == NULL) goto out;
	for (struct dirent *entry; count < limit && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.') continue;
		int length = snprintf(names[count], 256, "%s/%s", root, entry->d_name);
		if (length <= 0 || length >= 256 || ck_soft_load(names[count], state, NULL) != CK_OK) continue;
		if (!(state->misbehaviour & CK_SOFT_REMOVED)) count++;
	}
	qsort(names, (size_t)count, 256, by_name);
out:
	if (dir != NULL) closedir(dir);
	free(state);
	return count;
}
