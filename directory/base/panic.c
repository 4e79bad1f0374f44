/* The end of the process for broken promises of our own. A file of its own, so that what does not assert does not link it. */
#include <stdio.h>
#include <stdlib.h>

#include "directory/base/error.h"

noreturn void ck_panic(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "PANIC %s:%d: %s does not hold; this is a bug in Crosskeys\n", file, line, what);
	abort();
}
