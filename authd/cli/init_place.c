/* Where an instance lies: its users, folders and configuration file. Runs as root before anything else of the instance exists; trusts only
   a way to the folder that root alone can change. */
#include "authd/cli/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "authd/protocol/client.h"
#include "directory/base/secret.h"

#define PATH_BYTES 512

enum ck_error ck_init_find_users(struct ck_init *init, struct ck_errmsg *err)
{
	char missing[200] = "";
	for (size_t i = 0; i < CK_INIT_USERS; i++) {
		uint64_t number = 0;
		bool is_number = ck_uint_parse(ck_text_of(init->users[i]), 0, UINT32_MAX - 1, &number) == CK_OK;
		const struct passwd *entry = is_number ? getpwuid((uid_t)number) : getpwnam(init->users[i]);
		if (entry == NULL) {
			size_t used = strlen(missing);
			snprintf(missing + used, sizeof missing - used, " %s", init->users[i]);
			continue;
		}
		if (entry->pw_uid == 0)
			return ck_fail(err, CK_ERR_INVALID, "user %s is root; each process needs a user that holds nothing else", init->users[i]);
		init->uids[i] = entry->pw_uid;
		init->gids[i] = entry->pw_gid;
	}
	if (missing[0] != '\0')
		return ck_fail(err, CK_ERR_NOT_FOUND, "missing users:%s; create them with contrib/create-users, or name others (--user-gate …)",
		               missing);
	for (size_t i = 0; i < CK_INIT_USERS; i++)
		for (size_t j = 0; j < i; j++)
			if (init->uids[i] == init->uids[j])
				return ck_fail(err, CK_ERR_INVALID, "users %s and %s are one; each process needs a user of its own", init->users[j],
				               init->users[i]);
	return CK_OK;
}

static enum ck_error check_empty(const char *path, struct ck_errmsg *err)
{
	struct stat st;
	if (lstat(path, &st) != 0) return errno == ENOENT ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	DIR *dir = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	if (dir == NULL) return ck_fail(err, CK_ERR_EXISTS, "%s is there and is no folder", path);
	bool empty = true;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) empty = false;
	closedir(dir);
	return empty ? CK_OK : ck_fail(err, CK_ERR_EXISTS, "%s is not empty; an instance is made once, in a folder of its own", path);
}

/* Every folder on the way can be walked by the daemon's users, who are neither its owner nor in its group. */
static enum ck_error check_walkable(const char *path, struct ck_errmsg *err)
{
	char part[PATH_BYTES];
	for (size_t i = 1; path[i] != '\0'; i++) {
		if (path[i] != '/') continue;
		struct stat st;
		memcpy(part, path, i);
		part[i] = '\0';
		if (stat(part, &st) != 0) return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s", part, strerror(errno));
		if ((st.st_mode & S_IXOTH) == 0)
			return ck_fail(err, CK_ERR_DENIED, "%s: mode %04o keeps the daemon's users out; chmod o+x it, or choose another folder", part,
			               (unsigned)(st.st_mode & 07777));
	}
	return CK_OK;
}

enum ck_error ck_init_check_place(const struct ck_init *init, struct ck_errmsg *err)
{
	char parent[PATH_BYTES];
	struct ck_errmsg why = {""};
	const char *slash = strrchr(init->directory, '/');
	snprintf(parent, sizeof parent, "%.*s/.", (int)(slash - init->directory), init->directory);
	if (ck_path_is_trusted(parent, &why) != CK_OK)
		return ck_fail(err, CK_ERR_DENIED, "%s; clients trust a daemon only below folders that root alone can change (not below /tmp)", why.text);
	enum ck_error error = check_walkable(init->directory, err);
	if (error == CK_OK) error = check_empty(init->directory, err);
	return error;
}

static enum ck_error make_folder(const struct ck_init *init, const char *name, uid_t uid, gid_t gid, mode_t mode, struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "%s%s%s", init->directory, name[0] != '\0' ? "/" : "", name);
	bool made = mkdir(path, 0700) == 0 || (errno == EEXIST && name[0] == '\0');
	int fd = made ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	bool done = fd >= 0 && fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0; /* in this order: chown clears setgid */
	int why = errno;
	if (fd >= 0) close(fd);
	return done ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(why));
}

enum ck_error ck_init_make_folders(const struct ck_init *init, struct ck_errmsg *err)
{
	const unsigned *uids = init->uids, *gids = init->gids;
	const struct {
		const char *name;
		uid_t uid;
		gid_t gid;
		mode_t mode;
		enum { ALWAYS, EMBEDDED, ELSEWHERE } when;
	} folders[] = {
		{"", 0, 0, 0755, ALWAYS},
		{"run", 0, 0, 0755, ALWAYS},
		{"log", 0, 0, 0750, ALWAYS},
		/* Written by the replica; the gates, by group, read it and share LMDB's lock file. */
		{"store", uids[CK_INIT_REPLICA], gids[CK_INIT_GATE], 02750, ALWAYS},
		{"audit", uids[CK_INIT_LEDGER], gids[CK_INIT_LEDGER], 0700, ALWAYS},
		{"directory", uids[CK_INIT_DIRECTORY], gids[CK_INIT_DIRECTORY], 0700, EMBEDDED},
		{"directory/slapd.d", uids[CK_INIT_DIRECTORY], gids[CK_INIT_DIRECTORY], 0700, EMBEDDED},
		{"directory/data", uids[CK_INIT_DIRECTORY], gids[CK_INIT_DIRECTORY], 0700, EMBEDDED},
		{"directory/accesslog", uids[CK_INIT_DIRECTORY], gids[CK_INIT_DIRECTORY], 0700, EMBEDDED},
		/* Nobody but the replica reaches slapd's socket: each wrong password that is tried there counts against its owner. */
		{"run-directory", uids[CK_INIT_DIRECTORY], gids[CK_INIT_REPLICA], 0710, EMBEDDED},
		/* What proves to providers who this is: root puts it there, the replica alone reads it. */
		{"providers", 0, gids[CK_INIT_REPLICA], 0750, ELSEWHERE},
		{"operator", 0, 0, 0700, ELSEWHERE},
	};
	enum ck_error error = CK_OK;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0] && error == CK_OK; i++)
		if (folders[i].when != (init->providers_count > 0 ? EMBEDDED : ELSEWHERE)) error = make_folder(init, folders[i].name, folders[i].uid, folders[i].gid, folders[i].mode, err);
	return error;
}

void ck_init_print_configuration(const struct ck_init *init, FILE *to)
{
	char id[CK_ID_TEXT_BYTES];
	fprintf(to, "# Made by crosskeys init. Every key is in crosskeys.conf(5). These six are fixed for good:\n");
	fprintf(to, "system = %s\nsystem_id = %s\n", init->system, ck_id_format(init->system_id, id));
	fprintf(to, "rp_id = %s\nportal_origin = %s\nsuffix = %s\n", init->rp_id, init->portal_origin, init->suffix);
	fprintf(to, "founding_authority = %s\n\n", ck_id_format(init->authority_id, id));
	fprintf(to, "directory = %s\nslapd = %s\n", init->directory, init->providers_count > 0 ? "" : init->slapd);
	for (size_t i = 0; i < init->providers_count; i++) fprintf(to, "provider_%zu = %s\n", i + 1, init->providers[i]);
	if (init->providers_count > 0)
		fprintf(to, "provider_mechanism = %s\nprovider_identity = %s\nprovider_tls = %s\n", init->provider_mechanism, init->provider_identity,
		        init->provider_tls);
	if (init->token_helper != NULL) fprintf(to, "token_helper = %s\n", init->token_helper);
	fprintf(to, "\nuser_gate = %s\nuser_replica = %s\nuser_ledger = %s\nuser_token = %s\nuser_directory = %s\n", init->users[CK_INIT_GATE],
	        init->users[CK_INIT_REPLICA], init->users[CK_INIT_LEDGER], init->users[CK_INIT_TOKEN], init->users[CK_INIT_DIRECTORY]);
	if (init->token_group != NULL) fprintf(to, "group_token_devices = %s\n", init->token_group);
	fprintf(to, "\ncode_life_s = %llu\n", (unsigned long long)init->code_life_s);
}

enum ck_error ck_init_write_file(const struct ck_init *init, const char *name, mode_t mode, void (*print)(const struct ck_init *, FILE *),
                                 struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "%s/%s", init->directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (to == NULL) {
		if (fd >= 0) close(fd);
		return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	}
	print(init, to);
	bool written = fflush(to) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int why = errno;
	if (fclose(to) != 0) written = false;
	return written ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(why));
}

static void print_secret(const struct ck_init *init, FILE *to)
{
	uint8_t secret[32];
	(void)init;
	randombytes_buf(secret, sizeof secret);
	(void)fwrite(secret, 1, sizeof secret, to); /* a failure stays with the stream until it is flushed */
	ck_wipe(secret, sizeof secret);
}

enum ck_error ck_init_write_files(const struct ck_init *init, struct ck_errmsg *err)
{
	/* What decoys are made of: a name that nobody has looks the same at each asking, and on no other machine. */
	enum ck_error error = ck_init_write_file(init, "secret", 0600, print_secret, err);
	if (error == CK_OK) error = ck_init_write_file(init, "crosskeys.conf", 0644, ck_init_print_configuration, err);
	return error;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void ck_init_undo(const struct ck_init *init) { (void)nftw(init->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }
