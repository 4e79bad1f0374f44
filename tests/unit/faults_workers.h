/* Seeds of failing calls in several processes at once: most of their time is waiting, for the kernel or for each other. Each has places of its own;
   what they count together lies in memory that they share. */
#ifndef CK_TESTS_FAULTS_WORKERS_H
#define CK_TESTS_FAULTS_WORKERS_H

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 8

/* Check has one file for what a test reports, and more than one writer would spoil it: in a worker nothing is reported but a failure, here. */
static bool is_worker;

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line)
{
	if (!is_worker) __real__mark_point(file, line);
}

_Noreturn void __real__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...);
__attribute__((format(printf, 4, 5))) _Noreturn void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...);
_Noreturn void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
	char text[512] = "";
	va_list args;
	va_start(args, message);
	if (message != NULL) (void)vsnprintf(text, sizeof text, message, args);
	va_end(args);
	if (!is_worker) __real__ck_assert_failed(file, line, expression, "%s", text);
	printf("%s:%d: %s %s\n", file, line, expression, text);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

/* CK_FAULT_SEEDS says how many, CK_FAULT_FIRST from which on. */
static inline uint64_t seeds_asked_for(uint64_t usual, uint64_t *out_first)
{
	const char *wanted = getenv("CK_FAULT_SEEDS"), *first = getenv("CK_FAULT_FIRST");
	*out_first = first != NULL ? strtoull(first, NULL, 10) : 1;
	return wanted != NULL ? strtoull(wanted, NULL, 10) : usual;
}

/* Zeros. */
static inline void *share(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

static inline void count_up(unsigned long *total)
{
	__atomic_add_fetch(total, 1, __ATOMIC_SEQ_CST);
}

/* run has the seeds from `first` on, before `end`. */
static inline void share_out(uint64_t first, uint64_t count, void (*run)(uint64_t first, uint64_t end))
{
	pid_t workers[WORKERS];
	fflush(NULL);
	for (uint64_t i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		ck_assert_int_ge(workers[i], 0);
		if (workers[i] != 0) continue;
		is_worker = true;
		run(first + count * i / WORKERS, first + count * (i + 1) / WORKERS);
		fflush(NULL);
		_exit(EXIT_SUCCESS);
	}
	bool failed = false;
	for (size_t i = 0; i < WORKERS; i++) {
		int status = -1;
		ck_assert_int_eq(waitpid(workers[i], &status, 0), workers[i]);
		failed |= !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
	}
	if (failed) ck_abort_msg("one of the processes that ran the seeds has failed; what it said is above");
}

#endif
