/* Files of a machine that `crosskeys doctor` looks at: sshd_config, sudoers, passwd, nsswitch.conf, shadow and the list of local names, cut at 0xff;
   each may include the others. The reading ends, and each finding is a sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/doctor.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

#define FILES 6
#define FINDINGS_LIMIT 100000
static const char *const names[FILES] = { "sshd_config", "sudoers", "passwd", "nsswitch.conf", "shadow", "names" };

static const char *root;

/* All files lie in one folder; /etc and /etc/ssh of the machine lead back to it. */
static void lead_back(const char *name)
{
	char path[64];
	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	if (symlink(".", path) != 0) abort();
}

static void look(void)
{
	static struct ck_doctor doctor;
	static struct ck_cli cli;
	doctor = (struct ck_doctor){ .cli = &cli, .root = root, .local_names = "/etc/names", .services_count = 2 };
	for (size_t i = 0; i < 2; i++)
		doctor.services[i] = (struct ck_service){ .name = i == 0 ? "sudo" : "sshd", .path = "", .asks_auth = true, .asks_account = true };
	ck_doctor_sshd(&doctor);
	ck_doctor_sudo(&doctor);
	ck_doctor_names(&doctor);
	if (doctor.count > FINDINGS_LIMIT) abort();
	for (size_t i = 0; i < doctor.count; i++) {
		const struct ck_finding *finding = &doctor.findings[i];
		if (finding->code[0] == '\0' || finding->expected[0] == '\0' || finding->found[0] == '\0' || finding->advice[0] == '\0') abort();
	}
}

void fuzz_one(const uint8_t *data, size_t size)
{
	root = fuzz_directory(FUZZ_MEMORY);
	for (size_t i = 0; i < FILES; i++) fuzz_put_file(names[i], fuzz_cut(&data, &size));
	ck_faults_pass();
	lead_back("etc");
	lead_back("ssh");
	ck_faults_back();
	fuzz_program(look);
}
