/* Prints the system calls that a process may make, one a line, as its table has them: `sandbox-calls gate`. For scripts that compare. */
#include <stdio.h>
#include <string.h>

#include "authd/sandbox/filter.h"

static const struct ck_filter *const all[] = { &ck_filter_gate,  &ck_filter_replica, &ck_filter_replica_elsewhere, &ck_filter_dialler, &ck_filter_ledger,
	                                       &ck_filter_token, &ck_filter_supervisor, &ck_filter_slapd };

static void print(const struct ck_filter *filter)
{
	for (size_t i = 0; i < CK_GROUPS_LIMIT && filter->groups[i] != NULL; i++)
		for (const struct ck_call *call = filter->groups[i]; call->name != NULL; call++)
			if (call->answer == 0) (void)puts(call->name);
	for (size_t i = 0; i < CK_INCLUDES_LIMIT && filter->includes[i] != NULL; i++) print(filter->includes[i]);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++) {
		if (strcmp(all[i]->process, argv[1]) != 0) continue;
		print(all[i]);
		return 0;
	}
	(void)fputs("usage: sandbox-calls gate|replica|ledger|crosskeys-token|supervisor|slapd\n", stderr);
	return 2;
}
