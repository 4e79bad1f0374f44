/* What the token helper calls besides: threads, locked memory, and libfido2 with a device behind it, which in tests is a software key within
   this program: while it is asked, nothing else fails. */
#include <errno.h>
#include <fido.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "tests/fakes/faults.h"

static atomic_int objects;

int ck_faults_fido_objects(void) { return objects; }

/* ---- threads: new ones are not to be had, and who waits is woken for nothing ---- */
#define WRAP_POSIX(name, parameters, arguments, failure)                                                                                  \
	int __real_##name parameters;                                                                                                     \
	int __wrap_##name parameters;                                                                                                     \
	int __wrap_##name parameters { return ck_faults_next() ? (failure) : __real_##name arguments; }

WRAP_POSIX(pthread_create, (pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context),
           (thread, attributes, run, context), EAGAIN)
WRAP_POSIX(pthread_mutex_init, (pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes), (mutex, attributes), ENOMEM)
WRAP_POSIX(pthread_cond_init, (pthread_cond_t *condition, const pthread_condattr_t *attributes), (condition, attributes), ENOMEM)
WRAP_POSIX(pthread_condattr_init, (pthread_condattr_t *attributes), (attributes), ENOMEM)

static int wake(pthread_mutex_t *mutex)
{
	pthread_mutex_unlock(mutex);
	return pthread_mutex_lock(mutex);
}
WRAP_POSIX(pthread_cond_wait, (pthread_cond_t *condition, pthread_mutex_t *mutex), (condition, mutex), wake(mutex))
WRAP_POSIX(pthread_cond_timedwait, (pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until), (condition, mutex, until),
           wake(mutex))

/* ---- memory that is locked ---- */
static int fail_with(int error)
{
	errno = error;
	return -1;
}
WRAP_POSIX(mlock, (const void *at, size_t length), (at, length), fail_with(ENOMEM))
WRAP_POSIX(madvise, (void *at, size_t length, int advice), (at, length, advice), fail_with(EINVAL))

void *__real_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	if (!ck_faults_next()) return __real_mmap(at, length, protection, flags, fd, offset);
	(void)fail_with(ENOMEM);
	return MAP_FAILED;
}

/* ---- what libfido2 keeps of its own ---- */
#define WRAP_SET(name, parameters, arguments)                                                                                             \
	int __real_##name parameters;                                                                                                     \
	int __wrap_##name parameters;                                                                                                     \
	int __wrap_##name parameters { return ck_faults_next() ? FIDO_ERR_INTERNAL : __real_##name arguments; }

WRAP_SET(fido_assert_set_rp, (fido_assert_t * assertion, const char *id), (assertion, id))
WRAP_SET(fido_assert_set_clientdata, (fido_assert_t * assertion, const unsigned char *at, size_t length), (assertion, at, length))
WRAP_SET(fido_assert_set_clientdata_hash, (fido_assert_t * assertion, const unsigned char *at, size_t length), (assertion, at, length))
WRAP_SET(fido_assert_set_up, (fido_assert_t * assertion, fido_opt_t up), (assertion, up))
WRAP_SET(fido_assert_set_uv, (fido_assert_t * assertion, fido_opt_t uv), (assertion, uv))
WRAP_SET(fido_assert_allow_cred, (fido_assert_t * assertion, const unsigned char *at, size_t length), (assertion, at, length))
WRAP_SET(fido_cred_set_type, (fido_cred_t * credential, int algorithm), (credential, algorithm))
WRAP_SET(fido_cred_set_rp, (fido_cred_t * credential, const char *id, const char *name), (credential, id, name))
WRAP_SET(fido_cred_set_user,
         (fido_cred_t * credential, const unsigned char *id, size_t length, const char *name, const char *display, const char *icon),
         (credential, id, length, name, display, icon))
WRAP_SET(fido_cred_set_clientdata_hash, (fido_cred_t * credential, const unsigned char *at, size_t length), (credential, at, length))
WRAP_SET(fido_cred_set_rk, (fido_cred_t * credential, fido_opt_t rk), (credential, rk))
WRAP_SET(fido_cred_set_prot, (fido_cred_t * credential, int protection), (credential, protection))
WRAP_SET(fido_cred_exclude, (fido_cred_t * credential, const unsigned char *at, size_t length), (credential, at, length))
WRAP_SET(fido_dev_set_timeout, (fido_dev_t * device, int limit_ms), (device, limit_ms))

/* ---- so many of its objects are there ---- */
#define WRAP_OBJECT(type, kind, make)                                                                                                     \
	type *__real_##make(void);                                                                                                        \
	type *__wrap_##make(void);                                                                                                        \
	type *__wrap_##make(void)                                                                                                         \
	{                                                                                                                                 \
		type *made = ck_faults_next() ? NULL : __real_##make();                                                                   \
		if (made != NULL) objects++;                                                                                              \
		return made;                                                                                                              \
	}                                                                                                                                 \
	void __real_##kind##_free(type **object);                                                                                         \
	void __wrap_##kind##_free(type **object);                                                                                         \
	void __wrap_##kind##_free(type **object)                                                                                          \
	{                                                                                                                                 \
		if (object != NULL && *object != NULL) objects--;                                                                         \
		__real_##kind##_free(object);                                                                                             \
	}
WRAP_OBJECT(fido_assert_t, fido_assert, fido_assert_new)
WRAP_OBJECT(fido_cred_t, fido_cred, fido_cred_new)
WRAP_OBJECT(fido_cbor_info_t, fido_cbor_info, fido_cbor_info_new)
WRAP_OBJECT(fido_dev_t, fido_dev, fido_dev_new)

/* ---- the device ---- */
#define WRAP_DEVICE(name, parameters, arguments, ...)                                                                                     \
	int __real_##name parameters;                                                                                                     \
	int __wrap_##name parameters;                                                                                                     \
	int __wrap_##name parameters                                                                                                      \
	{                                                                                                                                 \
		static const int failures[] = {__VA_ARGS__};                                                                              \
		if (ck_faults_next()) return failures[ck_faults_random(sizeof failures / sizeof *failures)];                              \
		ck_faults_pass();                                                                                                         \
		int result = __real_##name arguments;                                                                                     \
		ck_faults_back();                                                                                                         \
		return result;                                                                                                            \
	}
WRAP_DEVICE(fido_dev_get_assert, (fido_dev_t * device, fido_assert_t *assertion, const char *pin), (device, assertion, pin), FIDO_ERR_RX, FIDO_ERR_TX,
            FIDO_ERR_INTERNAL, FIDO_ERR_PIN_AUTH_INVALID, FIDO_ERR_NO_CREDENTIALS, FIDO_ERR_ACTION_TIMEOUT)
WRAP_DEVICE(fido_dev_make_cred, (fido_dev_t * device, fido_cred_t *credential, const char *pin), (device, credential, pin), FIDO_ERR_RX, FIDO_ERR_TX,
            FIDO_ERR_INTERNAL, FIDO_ERR_KEY_STORE_FULL, FIDO_ERR_UNSUPPORTED_ALGORITHM, FIDO_ERR_ACTION_TIMEOUT)
WRAP_DEVICE(fido_dev_get_cbor_info, (fido_dev_t * device, fido_cbor_info_t *info), (device, info), FIDO_ERR_RX, FIDO_ERR_TX, FIDO_ERR_INTERNAL)
WRAP_DEVICE(fido_dev_get_touch_begin, (fido_dev_t * device), (device), FIDO_ERR_RX, FIDO_ERR_TX, FIDO_ERR_INTERNAL)
WRAP_DEVICE(fido_dev_get_touch_status, (fido_dev_t * device, int *touched, int ms), (device, touched, ms), FIDO_ERR_RX, FIDO_ERR_TX)
WRAP_DEVICE(fido_dev_get_retry_count, (fido_dev_t * device, int *count), (device, count), FIDO_ERR_RX, FIDO_ERR_INVALID_COMMAND)
WRAP_DEVICE(fido_dev_get_uv_retry_count, (fido_dev_t * device, int *count), (device, count), FIDO_ERR_RX, FIDO_ERR_INVALID_COMMAND)
WRAP_DEVICE(fido_dev_cancel, (fido_dev_t * device), (device), FIDO_ERR_TX)

/* Cannot fail, but calls the device. */
int __real_fido_dev_close(fido_dev_t *device);
int __wrap_fido_dev_close(fido_dev_t *device);
int __wrap_fido_dev_close(fido_dev_t *device)
{
	ck_faults_pass();
	int result = __real_fido_dev_close(device);
	ck_faults_back();
	return result;
}
