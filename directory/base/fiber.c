/* Second stacks by ucontext: libc saves and restores what a call must keep, and the kernel is asked for nothing but the signal mask. */
#include "directory/base/fiber.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "directory/base/clock.h"

#ifdef CK_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (1024 * 1024) /* a TLS handshake or a bind by Kerberos, with room; only what is touched is there */

struct ck_fiber {
	ucontext_t inside, outside;
	void *pages; /* a page that may not be touched, and the stack above it */
	size_t pages_bytes, guard_bytes;
	void (*work)(void *context);
	void *context;
	bool active, done, ending; /* active: it runs, or what it resumed does */
	int fd;
	bool writes;
	int64_t deadline_ms, resumed_ms;
	/* where the address sanitizer remembers the other stack, and how far that reaches */
	void *fake_outside, *fake_inside;
	const void *outside_bottom;
	size_t outside_bytes;
};

static struct ck_fiber *running; /* NULL: nobody is on a second stack */

/* ---- going over ---- */

#ifdef CK_SANITIZED
static void leaves_outside(struct ck_fiber *f)
{
	__sanitizer_start_switch_fiber(&f->fake_outside, (char *)f->pages + f->guard_bytes, f->pages_bytes - f->guard_bytes);
}
static void is_outside(struct ck_fiber *f) { __sanitizer_finish_switch_fiber(f->fake_outside, NULL, NULL); }
static void leaves_inside(struct ck_fiber *f)
{
	__sanitizer_start_switch_fiber(f->done ? NULL : &f->fake_inside, f->outside_bottom, f->outside_bytes);
}
static void is_inside(struct ck_fiber *f) { __sanitizer_finish_switch_fiber(f->fake_inside, &f->outside_bottom, &f->outside_bytes); }
#else
static void leaves_outside(struct ck_fiber *f) { (void)f; }
static void is_outside(struct ck_fiber *f) { (void)f; }
static void leaves_inside(struct ck_fiber *f) { (void)f; }
static void is_inside(struct ck_fiber *f) { (void)f; }
#endif

static void go_in(struct ck_fiber *f)
{
	struct ck_fiber *before = running; /* the one that resumes this one */
	CK_ASSERT(!f->active && !f->done);
	f->active = true;
	running = f;
	f->resumed_ms = ck_clock_monotonic_ms();
	leaves_outside(f);
	CK_ASSERT(swapcontext(&f->outside, &f->inside) == 0);
	is_outside(f);
	running = before;
	f->active = false;
}

static void go_out(struct ck_fiber *f)
{
	leaves_inside(f);
	CK_ASSERT(swapcontext(&f->inside, &f->outside) == 0);
	is_inside(f);
}

static void run(void)
{
	struct ck_fiber *f = running;
	is_inside(f);
	f->work(f->context);
	f->done = true;
	go_out(f); /* for good: a fiber that is done is not resumed */
}

/* ---- from outside ---- */

enum ck_error ck_fiber_start(void (*work)(void *context), void *context, struct ck_fiber **out)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	*out = NULL;
	struct ck_fiber *f = calloc(1, sizeof *f);
	if (f == NULL) return CK_ERR_MEMORY;
	f->pages_bytes = guard + STACK_BYTES;
	f->guard_bytes = guard;
	f->pages = mmap(NULL, f->pages_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (f->pages == MAP_FAILED || mprotect(f->pages, guard, PROT_NONE) != 0 || getcontext(&f->inside) != 0) {
		if (f->pages != MAP_FAILED) (void)munmap(f->pages, f->pages_bytes);
		free(f);
		return CK_ERR_MEMORY;
	}
	f->inside.uc_stack.ss_sp = (char *)f->pages + guard;
	f->inside.uc_stack.ss_size = STACK_BYTES;
	f->work = work;
	f->context = context;
	f->fd = -1;
	makecontext(&f->inside, run, 0);
	go_in(f);
	*out = f;
	return CK_OK;
}

void ck_fiber_resume(struct ck_fiber *fiber)
{
	if (!fiber->done) go_in(fiber);
}

bool ck_fiber_is_done(const struct ck_fiber *fiber) { return fiber->done; }
int ck_fiber_fd(const struct ck_fiber *fiber) { return fiber->fd; }
bool ck_fiber_writes(const struct ck_fiber *fiber) { return fiber->writes; }
int64_t ck_fiber_deadline_ms(const struct ck_fiber *fiber) { return fiber->deadline_ms; }

void ck_fiber_end(struct ck_fiber **fiber)
{
	struct ck_fiber *f = *fiber;
	if (f == NULL) return;
	f->ending = true;
	while (!f->done) go_in(f);
	(void)munmap(f->pages, f->pages_bytes);
	free(f);
	*fiber = NULL;
}

/* ---- from inside ---- */

static bool is_ready(int fd, bool writes, int wait_ms)
{
	struct pollfd ready = {.fd = fd, .events = writes ? POLLOUT : POLLIN};
	return poll(&ready, 1, wait_ms) > 0;
}

static int left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - ck_clock_monotonic_ms();
	return left > INT_MAX ? INT_MAX : left > 0 ? (int)left : 0;
}

bool ck_wait_for(int fd, bool writes, int64_t deadline_ms)
{
	struct ck_fiber *f = running;
	while (left_ms(deadline_ms) > 0) {
		if (f != NULL && f->ending) return false;
		if (is_ready(fd, writes, f != NULL ? 0 : left_ms(deadline_ms))) return true;
		if (f == NULL) continue; /* interrupted, or the time is up */
		f->fd = fd;
		f->writes = writes;
		f->deadline_ms = deadline_ms;
		go_out(f);
	}
	return false;
}

bool ck_pause(void)
{
	struct ck_fiber *f = running;
	if (f == NULL) return true;
	if (!f->ending && ck_clock_monotonic_ms() - f->resumed_ms >= CK_FIBER_SLICE_MS) {
		f->fd = -1;
		f->deadline_ms = 0;
		go_out(f);
	}
	return !f->ending;
}
