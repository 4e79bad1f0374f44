/* The entry of every fuzz target: each input is run as it is, and, if our own code made a call that can fail, once more with calls failing. What
   either leaves open is found here; what it leaks, by the sanitizer. */
#include "tests/fuzz/fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "directory/base/log.h"
#include "tests/fakes/faults.h"

bool fuzz_failing, fuzz_has_thread;

/* FNV-1a: the seed is the input's own, so that whoever has the input has the failures too. */
static uint64_t seed_of(const uint8_t *data, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++) sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* ---- programs that end ---- */

static jmp_buf ended;
static bool may_end;

_Noreturn void __real_exit(int code);
_Noreturn void __wrap_exit(int code);
_Noreturn void __wrap_exit(int code)
{
	if (!may_end) __real_exit(code);
	if (!fuzz_failing) abort(); /* it only ends by itself when there is no memory */
	longjmp(ended, 1);
}

static int first_free(void)
{
	int fd = dup(STDERR_FILENO);
	if (fd < 0 || close(fd) != 0) abort();
	return fd;
}

void fuzz_program(void (*body)(void))
{
	int from = first_free();
	ck_faults_track();
	if (setjmp(ended) == 0) {
		may_end = true;
		body();
	} else {
		closefrom(from);
	}
	may_end = false;
	ck_faults_free_tracked();
}

/* Put together, as what it is told may come from the input; not written. */
void __wrap_ck_log(enum ck_log_level level, const char *format, ...) CK_PRINTF(2, 3);
void __wrap_ck_log(enum ck_log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;
	(void)level;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
}

/* ---- one input ---- */

static void run(const uint8_t *data, size_t size, uint64_t seed, unsigned one_in)
{
	fuzz_failing = one_in > 0;
	ck_faults_begin(seed, one_in);
	fuzz_one(data, size);
	ck_faults_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool has_begun; /* the first input may leave open what the target keeps for all of them */
	uint64_t seed = seed_of(data, size);
	int from = first_free();
	run(data, size, seed, 0);
	uint64_t calls = ck_faults_asked();
	/* from about half of them to one in some of the runs */
	if (calls > 0) run(data, size, seed, 2 + (unsigned)(seed % (2 * calls)));
	if (has_begun && !fuzz_has_thread && first_free() > from) abort();
	has_begun = true;
	return 0;
}
