/* The machine below the instance: keys and their udev rule, the clock, what the kernel can confine. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "authd/audit/audit.h"
#include "authd/cli/doctor.h"
#include "directory/base/clock.h"

#define RULE "71-crosskeys-token.rules"
#define DAY_S 86400
#define CLOCK_SLACK_S 300
#define TAIL_BYTES (4 * CK_AUDIT_RECORD_LIMIT_BYTES)

/* ---- keys ---- */

static void check_rule(struct ck_doctor *doctor)
{
	static const char *const folders[] = { "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	struct stat st;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const char *path = ck_doctor_path(doctor, ck_cli_print("%s/%s", folders[i], RULE));
		if (stat(path, &st) != 0) continue;
		if (st.st_size == 0)
			ck_doctor_find(doctor, CK_SEVERITY_WARNING, "udev-rule", path,
			               "the rule that gives FIDO keys to the token helper's group",
			               "the file is empty, which switches the rule off", "remove it");
		return;
	}
	ck_doctor_find(doctor, CK_SEVERITY_WARNING, "udev-rule", ck_doctor_path(doctor, "/usr/lib/udev/rules.d"),
	               ck_cli_print("%s, which gives FIDO keys to the token helper's group", RULE),
	               "it is in no folder of udev's",
	               "install contrib/udev, then: udevadm control --reload && udevadm trigger --subsystem-match=hidraw");
}

/* A FIDO key's report descriptor begins with its usage page (CTAP 2.1, 11.2.8.1). */
static bool is_fido(const char *name)
{
	unsigned char head[3] = { 0 };
	int fd = open(ck_cli_print("/sys/class/hidraw/%s/device/report_descriptor", name), O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head && head[0] == 0x06 && head[1] == 0xd0 && head[2] == 0xf1;
	if (fd >= 0) close(fd);
	return is;
}

static void check_device(struct ck_doctor *doctor, const char *name)
{
	struct ck_errmsg why;
	unsigned uid = 0, own = 0, extra = 0;
	struct stat st;
	const char *path = ck_cli_print("/dev/%s", name);
	if (stat(path, &st) != 0 || ck_config_user(doctor->config.user_token, &uid, &own, &why) != CK_OK) return;
	const char *devices = doctor->config.group_token_devices;
	bool more = devices[0] != '\0' && ck_config_group(devices, &extra, &why) == CK_OK;
	bool group = st.st_gid == own || (more && st.st_gid == extra);
	if (!(group && (st.st_mode & 0060) == 0060) && st.st_uid != uid && (st.st_mode & 0006) != 0006)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "key-group", path,
		               ck_cli_print("a key that the group %u of %s may read and write", own, doctor->config.user_token),
		               ck_cli_print("group %u, mode %04o: the token helper cannot talk to it", (unsigned)st.st_gid,
		                            (unsigned)(st.st_mode & 07777)),
		               "udevadm trigger --subsystem-match=hidraw, when the rule is installed");
}

static void check_devices(struct ck_doctor *doctor)
{
	size_t keys = 0;
	DIR *dir = opendir("/sys/class/hidraw");
	for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		if (strncmp(entry->d_name, "hidraw", 6) != 0 || !is_fido(entry->d_name)) continue;
		keys++;
		check_device(doctor, entry->d_name);
	}
	if (dir != NULL) closedir(dir);
	if (keys == 0)
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "no-key", "/dev", "a FIDO key, to see whether the token helper may use it",
		               "none is plugged in", "plug one in and ask again, if people log in at this machine");
}

/* ---- the clock ---- */

/* The newest file of the log; NULL: none. */
static const char *last_segment(const char *folder)
{
	const char *last = NULL;
	DIR *dir = opendir(folder);
	if (dir == NULL) return NULL;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strncmp(entry->d_name, "audit-", 6) == 0 && (last == NULL || strcmp(entry->d_name, last) > 0)) last = ck_cli_print("%s", entry->d_name);
	closedir(dir);
	return last != NULL ? ck_cli_print("%s/%s", folder, last) : NULL;
}

/* The newest time among the last records; 0: none. What is no record (the tail begins in the middle of one) is passed over. */
static int64_t last_record_s(const char *path)
{
	static char bytes[TAIL_BYTES];
	struct ck_audit_record record;
	int64_t last_s = 0, time_s;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0) close(fd);
		return 0;
	}
	ssize_t length = pread(fd, bytes, sizeof bytes, st.st_size > (off_t)sizeof bytes ? st.st_size - (off_t)sizeof bytes : 0);
	close(fd);
	struct ck_text rest = { bytes, length > 0 ? (size_t)length : 0 };
	while (rest.length > 0) {
		const char *newline = memchr(rest.at, '\n', rest.length);
		if (newline == NULL) break;
		struct ck_text line = { rest.at, (size_t)(newline - rest.at) };
		rest = (struct ck_text){ newline + 1, rest.length - line.length - 1 };
		if (ck_audit_parse(line, &record) != CK_OK || record.time.length < 20) continue;
		const char *seconds = ck_cli_print("%.19sZ", record.time.at);
		if (ck_time_parse(ck_text_of(seconds), 0, &time_s) == CK_OK && time_s > last_s) last_s = time_s;
	}
	return last_s;
}

static void check_clock(struct ck_doctor *doctor)
{
	char now[CK_TIME_TEXT_BYTES], then[CK_TIME_TEXT_BYTES];
	struct stat st;
	int64_t now_s = ck_clock_wall_s();
	const char *folder = ck_doctor_path(doctor, ck_cli_print("%s/audit", doctor->config.directory));
	const char *expected = "a clock that goes on from what was recorded";
	const char *advice = "set the clock, and see that it is kept: rules and grants with an end depend on it";
	errno = 0;
	const char *path = last_segment(folder);
	if (path == NULL) {
		if (errno == EACCES) ck_doctor_unreadable(doctor, folder, "whether the clock goes on from the last record is not known");
	} else if (last_record_s(path) > now_s + CLOCK_SLACK_S) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "clock-behind", path, expected,
		               ck_cli_print("it is %s, and the last record is of %s", ck_time_format(now_s, now),
		                            ck_time_format(last_record_s(path), then)), advice);
	}
	if (stat(doctor->config_path, &st) == 0 && st.st_mtime > now_s + DAY_S)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "clock-behind", doctor->config_path, expected,
		               ck_cli_print("it is %s, and the configuration was written at %s", ck_time_format(now_s, now),
		                            ck_time_format(st.st_mtime, then)), advice);
}

/* ---- the kernel ---- */

static void check_kernel(struct ck_doctor *doctor)
{
	struct ck_text text;
	unsigned action = SECCOMP_RET_KILL_PROCESS;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "landlock", "the kernel",
		               "Landlock, which keeps the daemon's processes to their files", strerror(errno),
		               "boot with lsm=landlock,… or a newer kernel");
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "seccomp", "the kernel",
		               "seccomp filters, without which no process of crosskeysd starts", strerror(errno),
		               "boot a kernel that has them");
	if (ck_doctor_read("/proc/sys/kernel/yama/ptrace_scope", 64, &text) != CK_OK || text.length == 0 || text.at[0] == '0')
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "ptrace", "/proc/sys/kernel/yama/ptrace_scope", "1 or above",
		               "people may look into the memory of their own programs: an ssh-agent, a browser, a PIN being typed",
		               "sysctl kernel.yama.ptrace_scope=1");
}

void ck_doctor_machine(struct ck_doctor *doctor)
{
	bool here = doctor->root[0] == '\0';
	if (!doctor->have_config || doctor->config.token_helper[0] != '\0') check_rule(doctor);
	if (doctor->have_config && here && doctor->config.token_helper[0] != '\0') check_devices(doctor);
	if (doctor->have_config) check_clock(doctor);
	if (here) check_kernel(doctor);
}
