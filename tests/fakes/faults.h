/* Makes library and system calls of our own code fail, from a seed: a test program whose name begins with test_faults_ (or main_faulty_) is
   linked so that each such call of ours comes by here. Calls within other libraries are left alone. Any number of threads. */
#ifndef CK_FAKES_FAULTS_H
#define CK_FAKES_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CK_FAULTS_EXPORT __attribute__((visibility("default"))) /* a host asks its PAM module for them */

/* From now on one call in `one_in` fails (0: none, they are counted), as the seed has it; the same seed and the same calls fail alike. */
CK_FAULTS_EXPORT void ck_faults_begin(uint64_t seed, unsigned one_in);
CK_FAULTS_EXPORT void ck_faults_end(void);
bool ck_faults_next(void); /* for wrappers: whether this call fails */
uint64_t ck_faults_random(uint64_t below);
/* Between these two nothing fails in this thread: what it calls there is not ours. */
void ck_faults_pass(void);
void ck_faults_back(void);
/* The clocks never fail: for what ends its process when time seems to be up. */
void ck_faults_spare_clock(void);
CK_FAULTS_EXPORT uint64_t ck_faults_count(void); /* so many have failed since ck_faults_begin */
uint64_t ck_faults_asked(void); /* so many could have */

/* What our code has allocated since, and not freed. 0 where a leak is to be looked for. */
CK_FAULTS_EXPORT void ck_faults_track(void);
CK_FAULTS_EXPORT size_t ck_faults_untracked(void);
void ck_faults_free_tracked(void); /* as the end of a program does */
/* Of libfido2's objects, so many were made and not freed by our code (faults_token.c). */
int ck_faults_fido_objects(void);
/* Descriptors open in this process. */
CK_FAULTS_EXPORT unsigned ck_faults_descriptors(void);

#endif
