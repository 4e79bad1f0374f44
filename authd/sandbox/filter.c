/* From a table of system calls to the kernel's filter, by libseccomp: it knows the numbers of each architecture, kills what comes by
   another one's door (32 bit, x32), and sorts the list into a tree. Trusts the tables. */
#include "authd/sandbox/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CALLS_LIMIT 1024 /* entries of a table and of those that it includes */
#define BINARY_TREE 2

/* Every entry once. Where a call is allowed whatever its arguments are, its other entries say nothing. */
struct list {
	const struct ck_call *at[CALLS_LIMIT];
	size_t count;
	bool full;
};

static bool is_unconditional(const struct ck_call *call)
{
	return call->when[0].compare == CK_ALWAYS && call->answer == 0;
}

static bool are_equal(const struct ck_call *a, const struct ck_call *b)
{
	bool equal = a == b || (strcmp(a->name, b->name) == 0 && a->answer == b->answer);
	for (size_t i = 0; equal && i < CK_CONDITIONS_LIMIT; i++)
		equal = a->when[i].compare == b->when[i].compare && a->when[i].argument == b->when[i].argument &&
		        a->when[i].mask == b->when[i].mask && a->when[i].value == b->when[i].value;
	return equal;
}

static void list_add(struct list *list, const struct ck_call *call)
{
	for (size_t i = 0; i < list->count; i++)
		if (are_equal(list->at[i], call) || (strcmp(list->at[i]->name, call->name) == 0 && is_unconditional(list->at[i]))) return;
	for (size_t i = 0; is_unconditional(call) && i < list->count;) {
		if (strcmp(list->at[i]->name, call->name) == 0)
			list->at[i] = list->at[--list->count];
		else
			i++;
	}
	list->full = list->count == CALLS_LIMIT;
	if (!list->full) list->at[list->count++] = call;
}

/* included: what children are allowed. What one of them is refused, another may be allowed: each has its own filter for that. */
static void list_add_filter(struct list *list, const struct ck_filter *filter, bool included)
{
	for (size_t i = 0; i < CK_GROUPS_LIMIT && filter->groups[i] != NULL; i++)
		for (const struct ck_call *call = filter->groups[i]; call->name != NULL && !list->full; call++)
			if (!included || call->answer == 0) list_add(list, call);
}

static unsigned conditions_of(const struct ck_call *call, bool own, struct scmp_arg_cmp out[CK_CONDITIONS_LIMIT])
{
	unsigned count = 0;
	for (size_t i = 0; i < CK_CONDITIONS_LIMIT; i++) {
		const struct ck_condition *when = &call->when[i];
		if (when->compare == CK_BITS)
			out[count++] = SCMP_CMP(when->argument, SCMP_CMP_MASKED_EQ, when->mask, when->value);
		else if (when->compare == CK_SELF && own)
			out[count++] = SCMP_CMP(when->argument, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	}
	return count;
}

static int add_calls(scmp_filter_ctx context, const struct list *list, int otherwise, bool own)
{
	int result = 0;
	for (size_t i = 0; i < list->count && result == 0; i++) {
		struct scmp_arg_cmp conditions[CK_CONDITIONS_LIMIT];
		const struct ck_call *call = list->at[i];
		int number = seccomp_syscall_resolve_name(call->name);
		if (number == __NR_SCMP_ERROR) continue; /* this libseccomp is older than the call, and so are its users */
		if (call->answer != 0 && call->answer == otherwise) continue;
		unsigned count = conditions_of(call, own, conditions);
		result = seccomp_rule_add_array(context, call->answer == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)call->answer), number, count,
		                                conditions);
	}
	return result;
}

static int add_deadly(scmp_filter_ctx context, const struct ck_filter *filter)
{
	int result = 0;
	for (const char *const *name = filter->deadly; name != NULL && *name != NULL && result == 0; name++) {
		int number = seccomp_syscall_resolve_name(*name);
#ifdef CK_SANITIZED
		if (strcmp(*name, "ptrace") == 0 || strcmp(*name, "process_vm_readv") == 0) continue;
#endif
		if (number != __NR_SCMP_ERROR) result = seccomp_rule_add(context, filter->foreign ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP, number, 0);
	}
	return result;
}

static int fill(scmp_filter_ctx context, const struct ck_filter *filter, const struct ck_filter *more)
{
	struct list *list = calloc(1, sizeof *list);
	if (list == NULL) return -ENOMEM;
	list_add_filter(list, filter, false);
	if (more != NULL) list_add_filter(list, more, true);
	for (size_t i = 0; i < CK_INCLUDES_LIMIT && filter->includes[i] != NULL; i++) list_add_filter(list, filter->includes[i], true);
	/* a filter that programs inherit cannot name a pid */
	int result = list->full ? -E2BIG : add_calls(context, list, filter->otherwise, filter->includes[0] == NULL && !filter->foreign);
	free(list);
	return result == 0 ? add_deadly(context, filter) : result;
}

static enum ck_error build(const struct ck_filter *filter, const struct ck_filter *more, uint32_t architecture, scmp_filter_ctx *out,
                           struct ck_errmsg *err)
{
	*out = seccomp_init(filter->otherwise != 0 ? SCMP_ACT_ERRNO((uint32_t)filter->otherwise) : SCMP_ACT_TRAP);
	if (*out == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the system call filter");
	int result = seccomp_attr_set(*out, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0) result = seccomp_attr_set(*out, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
	if (result == 0 && architecture != 0) result = seccomp_arch_remove(*out, seccomp_arch_native());
	if (result == 0 && architecture != 0) result = seccomp_arch_add(*out, architecture);
	if (result == 0) result = fill(*out, filter, more);
	if (result == 0) return CK_OK;
	seccomp_release(*out);
	*out = NULL;
	return ck_fail(err, CK_ERR_INTERNAL, "the system call filter of %s cannot be made: %s", filter->process, strerror(-result));
}

enum ck_error ck_filter_install(const struct ck_filter *filter, const struct ck_filter *more, struct ck_errmsg *err)
{
	scmp_filter_ctx context;
	enum ck_error error = build(filter, more, 0, &context, err);
	if (error != CK_OK) return error;
	int result = ck_refused_announce() ? seccomp_load(context) : -errno;
	seccomp_release(context);
	return result == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "the system call filter was not installed: %s", strerror(-result));
}

enum ck_error ck_filter_export(const struct ck_filter *filter, uint32_t architecture, int fd, struct ck_errmsg *err)
{
	scmp_filter_ctx context;
	enum ck_error error = build(filter, NULL, architecture, &context, err);
	if (error != CK_OK) return error;
	int result = seccomp_export_bpf(context, fd);
	seccomp_release(context);
	return result == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "the system call filter cannot be written: %s", strerror(-result));
}

enum ck_error ck_filter_compile(const struct ck_filter *filter, struct sock_fprog *out, struct ck_errmsg *err)
{
	*out = (struct sock_fprog){ 0 };
	int fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "memfd_create: %s", strerror(errno));
	enum ck_error error = ck_filter_export(filter, 0, fd, err);
	off_t size = error == CK_OK ? lseek(fd, 0, SEEK_END) : -1;
	struct sock_filter *program = size > 0 && size / (off_t)sizeof *program <= BPF_MAXINSNS ? malloc((size_t)size) : NULL;
	if (error == CK_OK && (program == NULL || pread(fd, program, (size_t)size, 0) != size))
		error = ck_fail(err, CK_ERR_MEMORY, "the system call filter cannot be kept");
	close(fd);
	if (error != CK_OK) {
		free(program);
		return error;
	}
	*out = (struct sock_fprog){ .len = (unsigned short)((size_t)size / sizeof *program), .filter = program };
	return CK_OK;
}

bool ck_filter_load(const struct sock_fprog *program)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0;
}

void ck_filter_free(struct sock_fprog *program)
{
	free(program->filter);
	*program = (struct sock_fprog){ 0 };
}
