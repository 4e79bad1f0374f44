/* `crosskeys doctor`: why somebody is let in, or nobody. Looks at the machine's files and asks the daemon, which may be dead; changes nothing.
   Trusts nothing of what it reads to be well-formed. */
#include <string.h>
#include <unistd.h>

#include "authd/cli/doctor.h"

#define CONFIG_NAME "crosskeys.conf"
#define SOCKET_NAME "/run/gate.sock"

static const struct ck_option options[] = {
	{ "root", CK_OPTION_ONE, "DIR", "look at the machine whose file system is mounted there (from a rescue system)" },
	{ "pam-dir", CK_OPTION_ONE, "DIR", "read the services there, in place of /etc/pam.d" },
	{ "service", CK_OPTION_ONE, "NAME", "judge this service alone" },
	{ "config", CK_OPTION_ONE, "FILE", "the daemon's configuration (default: crosskeys.conf of the instance)" },
	{ "pam-only", CK_OPTION_FLAG, NULL, "judge the PAM services and nothing else" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help help = { "doctor", "",
	"Reads the machine's PAM configuration and says who would be let in by what, what would lock out whom, and what is wrong with sockets, permissions, "
	"clocks, udev and configuration. Changes nothing. Exits 1 when something is wrong, 0 otherwise.", 0, 0, options };

/* The instance's folder is that of its socket. */
static const char *config_of(const char *socket)
{
	size_t length = strlen(socket), name = strlen(SOCKET_NAME);
	if (length <= name || strcmp(socket + length - name, SOCKET_NAME) != 0) return "/var/lib/crosskeys/" CONFIG_NAME;
	return ck_cli_print("%.*s/%s", (int)(length - name), socket, CONFIG_NAME);
}

int ck_cli_doctor(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_doctor doctor;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *root = ck_argument(&help, &arguments, "root"), *config = ck_argument(&help, &arguments, "config");
	doctor.cli = cli;
	doctor.root = root != NULL && strcmp(root, "/") != 0 ? root : "";
	doctor.pam_dir = ck_argument(&help, &arguments, "pam-dir");
	doctor.only_service = ck_argument(&help, &arguments, "service");
	doctor.config_path = ck_doctor_path(&doctor, config != NULL ? config : config_of(cli->socket));
	ck_doctor_find_modules(&doctor);
	ck_doctor_pam(&doctor);
	if (ck_arguments_of(&help, &arguments, "pam-only")->count == 0) {
		ck_doctor_sshd(&doctor);
		ck_doctor_sudo(&doctor);
		ck_doctor_names(&doctor);
		ck_doctor_instance(&doctor);
		ck_doctor_machine(&doctor);
		ck_doctor_daemon(&doctor);
	}
	ck_doctor_print(&doctor);
	return ck_doctor_count(&doctor, CK_SEVERITY_ERROR) > 0 ? CK_EXIT_REFUSED : CK_EXIT_OK;
}
