/* Makes library and system calls of our own code fail, from a seed: a test program whose name begins with test_faults_ (or main_faulty_) is
   linked so that each such call of ours comes by here. Calls within other libraries are left alone. One thread. */
#ifndef CK_FAKES_FAULTS_H
#define CK_FAKES_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CK_FAULTS_EXPORT __attribute__((visibility("default"))) /* a host asks its PAM module for them */

/* From now on one call in `one_in` fails, as the seed has it; the same seed and the same calls fail alike. */
CK_FAULTS_EXPORT void ck_faults_begin(uint64_t seed, unsigned one_in);
CK_FAULTS_EXPORT void ck_faults_end(void);
bool ck_faults_next(void); /* for wrappers: whether this call fails */
uint64_t ck_faults_random(uint64_t below);
CK_FAULTS_EXPORT uint64_t ck_faults_count(void); /* so many have failed since ck_faults_begin */

/* What our code has allocated since, and not freed. 0 where a leak is to be looked for. */
CK_FAULTS_EXPORT void ck_faults_track(void);
CK_FAULTS_EXPORT size_t ck_faults_untracked(void);
/* Descriptors open in this process. */
CK_FAULTS_EXPORT unsigned ck_faults_descriptors(void);

#endif
