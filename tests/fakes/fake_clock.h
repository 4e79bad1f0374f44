/* The clocks of a test program: the real ones, moved. Whoever names one of these has clock_gettime(2) replaced in the whole program. */
#ifndef CK_FAKES_FAKE_CLOCK_H
#define CK_FAKES_FAKE_CLOCK_H

#include <stdint.h>

extern int64_t ck_fake_wall_s;  /* added to the wall clock, … */
extern int64_t ck_fake_boot_ms; /* … and to what counts since boot (CLOCK_BOOTTIME, CLOCK_MONOTONIC) */
extern int64_t ck_fake_step_ms; /* each look at CLOCK_MONOTONIC moves what counts since boot on by so much */
/* Sets the wall clock to that moment, from where it goes on. */
void ck_fake_wall_is(int64_t time_s);

#endif
