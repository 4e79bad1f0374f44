/* What a fuzz target is: one function, called with an input as it is, and again with calls of our own code failing, from a seed that the
   input gives (failing.c). An input thus finds the same again, with libFuzzer and where the corpora are replayed. */
#ifndef CK_FUZZ_FUZZ_H
#define CK_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/text.h"

void fuzz_one(const uint8_t *data, size_t size);

/* Whether calls fail: then what makes any of them may come to nothing, but never to something else. What the target does for itself goes
   between ck_faults_pass and ck_faults_back (tests/fakes/faults.h). */
extern bool fuzz_failing;

/* A thread goes on between inputs, and opens and closes on its own: the target looks after that itself. */
extern bool fuzz_has_thread;

/* What is of the command, where memory lives until the program ends, and the program may end: it does so here, too. */
void fuzz_program(void (*body)(void));

/* Inputs of several parts: the next one, up to a byte 0xff, or the rest. */
struct ck_bytes fuzz_cut(const uint8_t **at, size_t *size);

/* A directory of the target's own, emptied; and a file in it. FUZZ_MEMORY: quick, even where much is flushed; FUZZ_ROOTS: below directories that
   only root can write. */
#define FUZZ_MEMORY "/dev/shm"
#define FUZZ_ROOTS "/run"
const char *fuzz_directory(const char *below);
void fuzz_put_file(const char *name, struct ck_bytes content);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
