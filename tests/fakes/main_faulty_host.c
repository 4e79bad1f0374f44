/* A host of the PAM module in which any call of the module's may fail: pam_crosskeys_faulty.so is the module linked so that its calls come by
   tests/fakes/faults.c, loaded by the real libpam, with a real daemon behind it. Each seed is one PAM session from pam_start to pam_end.

   faulty-host MODULE CONFDIR SERVICE USER FIRST LAST STEPS PIN
   STEPS: a letter a stage: a(uthenticate) s(etcred) m(anage the account) o(pen) c(lose) d(elete credentials) p(assword)
   Prints how often each stage succeeded; "LEAK", "DESCRIPTOR", "CODE" and "SLOW" lines are failures, and so is the exit code then. A seed
   that hangs is ended by SIGALRM. */
#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>


#define HANG_S 60
#define CPU_LIMIT_US 2000000 /* a login costs the module some hundred microseconds: this is a loop */

static const char *pin;

/* A password is asked for in that word; CK_PASSWORD, beside the PIN. */
static const char *answer_to(const char *prompt)
{
	const char *password = getenv("CK_PASSWORD");
	return password != NULL && prompt != NULL && strstr(prompt, "assword") != NULL ? password : pin;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
	(void)context;
	struct pam_response *responses = calloc((size_t)count, sizeof *responses);
	if (responses == NULL) return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF) responses[i].resp = strdup(answer_to(messages[i]->msg));
	*out = responses;
	return PAM_SUCCESS;
}

static const struct stage {
	char letter;
	const char *name;
	int (*run)(pam_handle_t *pamh, int flags);
	int flags;
} stages[] = {
	{'a', "auth", pam_authenticate, 0}, {'s', "setcred", pam_setcred, (int)PAM_ESTABLISH_CRED}, {'m', "acct", pam_acct_mgmt, 0},
	{'o', "open", pam_open_session, 0}, {'c', "close", pam_close_session, 0},                   {'d', "delete", pam_setcred, (int)PAM_DELETE_CRED},
	{'p', "password", pam_chauthtok, 0},
};
#define STAGES (sizeof stages / sizeof *stages)

/* The module's own count of what fails in it. */
static struct {
	void (*begin)(uint64_t seed, unsigned one_in);
	void (*end)(void);
	uint64_t (*count)(void);
	void (*track)(void);
	size_t (*untracked)(void);
	unsigned (*descriptors)(void);
} faults;

static bool load(const char *module)
{
	void *handle = dlopen(module, RTLD_NOW); /* stays, so that libpam finds it loaded, with its state */
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return false;
	}
	const struct {
		const char *name;
		void *place;
	} symbols[] = {{"ck_faults_begin", &faults.begin}, {"ck_faults_end", &faults.end},             {"ck_faults_count", &faults.count},
	               {"ck_faults_track", &faults.track}, {"ck_faults_untracked", &faults.untracked}, {"ck_faults_descriptors", &faults.descriptors}};
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		void *symbol = dlsym(handle, symbols[i].name);
		if (symbol == NULL) return false;
		memcpy(symbols[i].place, &symbol, sizeof symbol); /* POSIX has it that this works; ISO C has no cast for it */
	}
	return true;
}

static unsigned long successes[STAGES], unknown[STAGES], failures, failed_calls;

static const struct stage *stage_of(char letter)
{
	for (size_t i = 0; i < STAGES; i++)
		if (stages[i].letter == letter) return &stages[i];
	return NULL;
}

static long cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void complain(unsigned long seed, const char *what, long number)
{
	printf("%s seed %lu: %ld\n", what, seed, number);
	failures++;
}

static void run_stages(pam_handle_t *pamh, unsigned long seed, const char *letters)
{
	for (; *letters != '\0'; letters++) {
		const struct stage *stage = stage_of(*letters);
		if (stage == NULL) exit(2);
		int code = stage->run(pamh, stage->flags);
		if (code == PAM_SUCCESS) successes[stage - stages]++;
		if (code == PAM_USER_UNKNOWN) unknown[stage - stages]++;
		if (code == PAM_IGNORE || code < 0 || code >= _PAM_RETURN_VALUES) complain(seed, "CODE", code);
	}
}

static void run_seed(unsigned long seed, const char *confdir, const char *service, const char *user, const char *letters)
{
	static const unsigned rates[] = {6, 15, 40, 120, 400};
	const struct pam_conv conversation = {converse, NULL};
	pam_handle_t *pamh = NULL;
	unsigned descriptors = faults.descriptors();
	long begun_us = cpu_us();
	if (pam_start_confdir(service, user, &conversation, confdir, &pamh) != PAM_SUCCESS) exit(2);
	(void)pam_set_item(pamh, PAM_TTY, "tty1");
	if (getenv("CK_RHOST") != NULL) (void)pam_set_item(pamh, PAM_RHOST, getenv("CK_RHOST")); /* who comes from elsewhere is not asked for a key */
	alarm(HANG_S);
	faults.track();
	faults.begin(seed, rates[seed % (sizeof rates / sizeof *rates)]);
	run_stages(pamh, seed, letters);
	failed_calls += faults.count();
	faults.end();
	(void)pam_end(pamh, PAM_SUCCESS);
	alarm(0);
	size_t left = faults.untracked();
	if (left > 0) complain(seed, "LEAK", (long)left);
	if (faults.descriptors() != descriptors) complain(seed, "DESCRIPTOR", (long)faults.descriptors() - (long)descriptors);
	if (cpu_us() - begun_us > CPU_LIMIT_US) complain(seed, "SLOW", cpu_us() - begun_us);
}

int main(int argc, char **argv)
{
	if (argc != 9) {
		fputs("usage: see the top of main_faulty_host.c\n", stderr);
		return 2;
	}
	if (!load(argv[1])) return 2;
	unsigned long first = strtoul(argv[5], NULL, 10), last = strtoul(argv[6], NULL, 10);
	pin = argv[8];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned long seed = first; seed <= last; seed++) run_seed(seed, argv[2], argv[3], argv[4], argv[7]);
	printf("seeds %lu\nfailed-calls %lu\n", last - first + 1, failed_calls);
	for (size_t i = 0; i < STAGES; i++)
		if (strchr(argv[7], stages[i].letter) != NULL) printf("%s %lu unknown %lu\n", stages[i].name, successes[i], unknown[i]);
	return failures == 0 ? 0 : 1;
}
