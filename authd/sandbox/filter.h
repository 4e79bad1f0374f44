/* How the tables of system calls are written. A table is a list of groups, a group a list of calls with the one reason for all of them. */
#ifndef CK_AUTHD_SANDBOX_FILTER_H
#define CK_AUTHD_SANDBOX_FILTER_H

#include "authd/sandbox/sandbox.h"

enum ck_compare {
	CK_ALWAYS = 0,
	CK_BITS, /* (argument & mask) == value */
	CK_SELF  /* the argument is this process's own pid */
};
struct ck_condition {
	enum ck_compare compare;
	unsigned argument; /* from 0 */
	uint64_t mask, value;
};
#define CK_CONDITIONS_LIMIT 2
struct ck_call {
	const char *name;                              /* as the kernel calls it; one that this architecture lacks is left out */
	struct ck_condition when[CK_CONDITIONS_LIMIT]; /* all must hold; several entries of one name: one of them */
	int answer;                                    /* 0: allowed; else refused with this errno, and nobody dies */
};
#define CK_CALL(call) { .name = #call }
#define CK_CALL_WHEN(call, ...) { .name = #call, .when = { __VA_ARGS__ } }
#define CK_CALL_ANSWER(call, error, ...) { .name = #call, .when = { __VA_ARGS__ }, .answer = (error) }
#define CK_NOTHING { .compare = CK_ALWAYS }
#define CK_CALLS_END { .name = NULL }
/* The kernel reads 32 bits of what C calls an int, whatever lies above them. */
#define CK_IS(at, number) { .compare = CK_BITS, .argument = (at), .mask = UINT32_MAX, .value = (uint32_t)(number) }
#define CK_IS_NULL(at) { .compare = CK_BITS, .argument = (at), .mask = UINT64_MAX }
#define CK_IS_SELF(at) { .compare = CK_SELF, .argument = (at) }
#define CK_WITHOUT(at, bits) { .compare = CK_BITS, .argument = (at), .mask = (uint64_t)(bits) }
#define CK_WITH(at, bits) { .compare = CK_BITS, .argument = (at), .mask = (uint64_t)(bits), .value = (uint64_t)(bits) }

#define CK_GROUPS_LIMIT 12
#define CK_INCLUDES_LIMIT 6
struct ck_filter {
	const char *process;
	const struct ck_call *groups[CK_GROUPS_LIMIT]; /* each ends with a NULL name */
	int otherwise;                                 /* 0: the process is killed; else this errno */
	const char *const *deadly;                     /* killed although `otherwise` is an errno; NULL at the end */
	bool foreign;                                  /* not our program: it has no handler that names the call, and must have none */
	const struct ck_filter *includes[CK_INCLUDES_LIMIT]; /* allowed, too: what its children are allowed */
};

/* calls.c: groups that several tables have */
extern const struct ck_call ck_calls_life[], ck_calls_memory[], ck_calls_clock[], ck_calls_channels[], ck_calls_store[], ck_calls_files[],
	ck_calls_threads[];
extern const struct ck_call ck_calls_sanitizer[]; /* empty but in the sanitizers' build */
extern const char *const ck_calls_hostile[];

/* The filter as the kernel would get it, for another architecture (an SCMP_ARCH_ token; 0: this one), written to fd. For tests. */
CK_MUST_USE enum ck_error ck_filter_export(const struct ck_filter *filter, uint32_t architecture, int fd, struct ck_errmsg *err);

#endif
