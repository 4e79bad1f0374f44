/* The instance: its configuration, read by the daemon's own parser; users, folders and programs; what is left of the disk; and the daemon, if it
   lives. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "authd/cli/doctor.h"
#include "directory/base/clock.h"

/* ---- configuration and users ---- */

static void check_configuration(struct ck_doctor *doctor)
{
	struct ck_errmsg why = { "" };
	struct ck_text text;
	enum ck_error error = ck_doctor_read(doctor->config_path, 65536, &text);
	if (error == CK_ERR_DENIED) {
		ck_doctor_unreadable(doctor, doctor->config_path, "nothing of the instance is known");
	} else if (error == CK_ERR_NOT_FOUND) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "config-missing", doctor->config_path, "the configuration of an instance",
		               "there is none",
		               "make an instance with crosskeys init, or name its folder with --dir, or the file with --config");
	} else {
		doctor->have_config = ck_config_load(doctor->config_path, &doctor->config, &why) == CK_OK;
		if (!doctor->have_config)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "config-wrong", doctor->config_path,
			               "a configuration with which crosskeysd starts", ck_cli_print("%s", why.text),
			               "correct it; crosskeys.conf(5) has every key");
	}
}

struct user {
	const char *name;
	unsigned uid, gid;
	bool known;
};
enum { GATE, REPLICA, LEDGER, TOKEN, DIRECTORY, USERS };

static void check_users(struct ck_doctor *doctor, struct user users[USERS])
{
	const struct ck_config *config = &doctor->config;
	const char *names[USERS] = { config->user_gate, config->user_replica, config->user_ledger, config->user_token,
	                             config->user_directory };
	struct ck_errmsg why = { "" };
	unsigned gid;
	for (size_t i = 0; i < USERS; i++) {
		users[i] = (struct user){ .name = names[i] };
		users[i].known = ck_config_user(names[i], &users[i].uid, &users[i].gid, &why) == CK_OK;
		const char *found = !users[i].known ? ck_cli_print("%s", why.text) : users[i].uid == 0 ? ck_cli_print("%s is root", names[i]) : NULL;
		for (size_t j = 0; j < i && found == NULL; j++)
			if (users[j].known && users[j].uid == users[i].uid) found = ck_cli_print("%s and %s are one", names[j], names[i]);
		if (found != NULL)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "user-wrong", doctor->config_path,
			               "a user of its own for each process, none of them root", found,
			               "make the users with contrib/create-users, or name others");
	}
	if (config->group_token_devices[0] != '\0' && ck_config_group(config->group_token_devices, &gid, &why) != CK_OK)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "user-wrong", doctor->config_path, "the group group_token_devices names",
		               ck_cli_print("%s", why.text),
		               "make the group, or take the key out: the udev rule in crosskeys-token(8) needs none");
}

/* ---- folders and programs ---- */

static void check_folder(struct ck_doctor *doctor, const char *name, const struct user *owner, const struct user *group, unsigned mode)
{
	const char *path = ck_cli_print("%s/%s", doctor->config.directory, name);
	struct stat st;
	unsigned uid = owner != NULL ? owner->uid : 0, gid = group != NULL ? group->gid : 0;
	if ((owner != NULL && !owner->known) || (group != NULL && !group->known)) return;
	if (lstat(path, &st) != 0) {
		if (errno == EACCES) ck_doctor_unreadable(doctor, path, "whose it is, is not known");
		else ck_doctor_find(doctor, CK_SEVERITY_ERROR, "folder-missing", path, "a folder that crosskeys init made", strerror(errno),
		                    "restore it from a backup, with its owner and mode");
	} else if (!S_ISDIR(st.st_mode) || st.st_uid != uid || st.st_gid != gid || (st.st_mode & 07777) != mode) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "folder-owner", path,
		               ck_cli_print("a folder of uid %u, gid %u, mode %04o", uid, gid, mode),
		               ck_cli_print("%suid %u, gid %u, mode %04o", S_ISDIR(st.st_mode) ? "" : "no folder; ", (unsigned)st.st_uid,
		                            (unsigned)st.st_gid,
		                            (unsigned)(st.st_mode & 07777)),
		               ck_cli_print("chown %u:%u and chmod %04o", uid, gid, mode));
	}
}

static void check_folders(struct ck_doctor *doctor, const struct user users[USERS])
{
	(void)ck_doctor_check_owner(doctor, CK_SEVERITY_ERROR, "instance-owner", ck_cli_print("%s/.", doctor->config.directory),
	                            "chown root and chmod go-w: clients believe no daemon below it");
	check_folder(doctor, "store", &users[REPLICA], &users[GATE], 02750);
	check_folder(doctor, "audit", &users[LEDGER], &users[LEDGER], 0700);
	if (doctor->config.slapd[0] == '\0') return;
	check_folder(doctor, "directory", &users[DIRECTORY], &users[DIRECTORY], 0700);
	check_folder(doctor, "run-directory", &users[DIRECTORY], &users[REPLICA], 0710);
}

/* What proves to providers elsewhere who this is. */
static void check_providers(struct ck_doctor *doctor, const struct user *replica)
{
	char path[CK_CONFIG_TEXT_BYTES];
	struct ck_errmsg why = { "" };
	if (ck_config_providers(&doctor->config) == 0 || !replica->known) return;
	const struct user owner = { .name = "root", .uid = 0, .gid = 0, .known = true };
	check_folder(doctor, "providers", &owner, replica, 0750);
	for (int i = 0; i < CK_PROVIDER_FILES; i++) {
		enum ck_provider_file file = (enum ck_provider_file)i;
		if (!ck_config_provider_needs(&doctor->config, file)) continue;
		enum ck_error error = ck_config_provider_check(&doctor->config, file, replica->uid, NULL, &why);
		const char *kept = ck_cli_print("%s", ck_config_provider_file(&doctor->config, file, path));
		if (error == CK_ERR_DENIED && access(doctor->config.directory, W_OK) != 0) ck_doctor_unreadable(doctor, kept, "whose it is, is not known");
		else if (error != CK_OK)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "provider-file", kept, "a file with which crosskeysd starts", ck_cli_print("%s", why.text),
			               "put it there as crosskeys.conf(5) says");
	}
}

static void check_program(struct ck_doctor *doctor, const char *key, const char *path, const char *lost)
{
	struct stat st;
	if (path[0] == '\0') return;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IXUSR) == 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "program-missing", path, ck_cli_print("the program that %s names", key),
		               ck_cli_print("there is none: %s", lost),
		               "install it, or correct the configuration");
	else
		(void)ck_doctor_check_owner(doctor, CK_SEVERITY_ERROR, "program-owner", path,
		                            "chown root and chmod go-w: crosskeysd does not start it else");
}

static void check_disk(struct ck_doctor *doctor)
{
	struct statvfs fs;
	const char *path = ck_cli_print("%s/audit", doctor->config.directory);
	uint64_t reserve = doctor->config.audit_reserve_bytes, segment = doctor->config.audit_segment_bytes;
	if (statvfs(path, &fs) != 0) return;
	uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < segment || (fs.f_files > 0 && fs.f_favail < 16))
		ck_doctor_find(doctor, left < reserve ? CK_SEVERITY_ERROR : CK_SEVERITY_WARNING, "audit-disk", path,
		               ck_cli_print("room for the next file of the audit log, %llu bytes", (unsigned long long)segment),
		               ck_cli_print("%llu bytes are left: without the log nothing is granted", (unsigned long long)left),
		               "make room, or move old files of the log away");
}

void ck_doctor_instance(struct ck_doctor *doctor)
{
	struct user users[USERS];
	check_configuration(doctor);
	if (!doctor->have_config) return;
	if (doctor->root[0] != '\0') return; /* its users, and paths in its configuration, mean that machine */
	check_users(doctor, users);
	check_folders(doctor, users);
	check_providers(doctor, &users[REPLICA]);
	ck_doctor_certificates(doctor);
	check_program(doctor, "token_helper", doctor->config.token_helper, "no key of this machine can be used");
	check_program(doctor, "slapd", doctor->config.slapd, "the directory does not start");
	check_disk(doctor);
	if (doctor->socket != NULL && strcmp(doctor->socket, doctor->config.socket) != 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "socket-differs", doctor->config_path,
		               ck_cli_print("the socket that the lines of pam_crosskeys name, %s", doctor->socket),
		               doctor->config.socket, "give both the same path: socket= in the lines, or socket in the configuration");
}

/* ---- the daemon ---- */

static void judge_state(struct ck_doctor *doctor, const char *socket, const char *state, char *lines)
{
	const char *problems = "";
	bool stale = strcmp(state, "running") != 0 && strcmp(state, "degraded") != 0;
	for (char *line; (line = strsep(&lines, "\n")) != NULL;) {
		int64_t as_of_s;
		if (strncmp(line, "problem: ", 9) == 0) problems = ck_cli_print("%s; %s", problems, line + 9);
		if (strncmp(line, "as of: ", 7) != 0 || ck_time_parse(ck_text_of(line + 7), 0, &as_of_s) != CK_OK) continue;
		if (as_of_s > ck_clock_wall_s() + 60)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "clock-copy", socket, "a copy that was in step at some time before now",
			               ck_cli_print("it was at %s: this machine's clock is behind", line + 7),
			               "set the clock, and see that it is kept");
	}
	if (strcmp(state, "running") != 0)
		ck_doctor_find(doctor, stale ? CK_SEVERITY_ERROR : CK_SEVERITY_WARNING, "daemon-state", socket, "a daemon that is running",
		               ck_cli_print("it is %s%s", state, problems),
		               "crosskeys status says more; crosskeysd's log says why");
}

void ck_doctor_daemon(struct ck_doctor *doctor)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_errmsg why = { "" };
	enum ck_answer answer;
	struct stat st;
	const char *socket = doctor->have_config ? doctor->config.socket : doctor->cli->socket;
	if (doctor->root[0] != '\0') return;
	doctor->cli->socket = socket;
	if (lstat(socket, &st) == 0 && (!S_ISSOCK(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0666) != 0666))
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "socket-owner", socket, "a socket of root's that everybody may connect to",
		               ck_cli_print("%suid %u, mode %04o", S_ISSOCK(st.st_mode) ? "" : "no socket; ", (unsigned)st.st_uid,
		                            (unsigned)(st.st_mode & 07777)), "restart crosskeysd, which makes it");
	ck_ask_begin(&ask, CK_OP_STATUS);
	if (ck_ask_quietly(doctor->cli, &ask, &reply, &answer, &why) != CK_OK) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "daemon-unreachable", socket, "a daemon that answers",
		               ck_cli_print("%s", why.text),
		               "start crosskeysd; until then staff do not get in, and the machine's own names do as the tables above say");
		return;
	}
	judge_state(doctor, socket, ck_cli_copy(ck_map_text_or(&reply, CK_F_STATE, 256, ck_text_of("unknown"))),
	            ck_cli_copy(ck_map_text_or(&reply, CK_F_TEXT, CK_FRAME_LIMIT_BYTES, ck_text_of(""))));
}
