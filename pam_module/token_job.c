/* What the thread of a device does with libfido2: opens it, learns what it can, asks it, waits for a touch. Trusts the key only to know
   itself; what it says decides what is asked of it, and nothing else. */
#include "pam_module/token_device.h"

#include <poll.h>
#include <string.h>

#include "directory/base/clock.h"

#define SLICE_MS 200        /* how often a wait for a touch looks whether it is still wanted */
#define U2F_SLICE_MS 1000   /* the same for U2F, which is asked again and again, and cannot be cancelled */
#define U2F_ID_LIMIT_BYTES 255
#define DISTURBED_LIMIT_MS 1000 /* another program's frames make a read fail: so long that is borne */

/* Never less than the conversation has left: that its time is up is the conversation's to say. */
static void wait_for_user(struct ck_token_device *device)
{
	(void)fido_dev_set_timeout(device->fido, ck_token_left_ms(device->board->token) + CK_TOKEN_STEP_TIMEOUT_MS);
}

static void wait_for_key(struct ck_token_device *device)
{
	(void)fido_dev_set_timeout(device->fido, CK_TOKEN_STEP_TIMEOUT_MS);
}

/* From here on the call may be cancelled from outside; false: it is not wanted any more. */
static bool begin_call(struct ck_token_device *device)
{
	pthread_mutex_lock(&device->call);
	device->calling = !atomic_load(&device->cancelled);
	bool begun = device->calling;
	pthread_mutex_unlock(&device->call);
	return begun;
}

static void end_call(struct ck_token_device *device)
{
	pthread_mutex_lock(&device->call);
	device->calling = false;
	pthread_mutex_unlock(&device->call);
}

void ck_token_job_forget(struct ck_token_device *device)
{
	fido_assert_free(&device->assertion);
	fido_cred_free(&device->credential);
}

void ck_token_job_close(struct ck_token_device *device)
{
	ck_token_job_forget(device);
	if (device->fido == NULL) return;
	(void)fido_dev_close(device->fido);
	fido_dev_free(&device->fido);
}

/* ---- opening ---- */
static unsigned algorithm_of(int cose)
{
	switch (cose) {
	case COSE_ES256: return 1u << CK_TOKEN_ES256;
	case COSE_EDDSA: return 1u << CK_TOKEN_EDDSA;
	case COSE_RS256: return 1u << CK_TOKEN_RS256;
	default: return 0;
	}
}

static unsigned transport_of(const char *name)
{
	static const struct {
		const char *name;
		unsigned told;
	} transports[] = {{"usb", CK_TOLD_USB}, {"nfc", CK_TOLD_NFC}, {"ble", CK_TOLD_BLE}, {"smart-card", CK_TOLD_SMART_CARD},
	                  {"hybrid", CK_TOLD_HYBRID}, {"internal", CK_TOLD_INTERNAL}};
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++)
		if (strcmp(transports[i].name, name) == 0) return transports[i].told;
	return 0;
}

static void learn(struct ck_token_key *key, const fido_cbor_info_t *info)
{
	char **options = fido_cbor_info_options_name_ptr(info), **transports = fido_cbor_info_transports_ptr(info);
	for (size_t i = 0; i < fido_cbor_info_options_len(info); i++)
		if (strcmp(options[i], "rk") == 0) key->keeps = fido_cbor_info_options_value_ptr(info)[i];
	for (size_t i = 0; i < fido_cbor_info_transports_len(info); i++) key->told |= transport_of(transports[i]);
	for (size_t i = 0; i < fido_cbor_info_algorithm_count(info); i++) key->algorithms |= algorithm_of(fido_cbor_info_algorithm_cose(info, i));
}

/* libfido2 takes a key for U2F alone when its answer to getInfo did not come (busy, disturbed): such a one is not believed, else its
   owner would hear that it has no PIN. */
static int ask_what_it_can(struct ck_token_device *device)
{
	struct ck_token_key *key = &device->key;
	fido_cbor_info_t *info = fido_cbor_info_new();
	if (info == NULL) return FIDO_ERR_INTERNAL;
	*key = (struct ck_token_key){.fido2 = fido_dev_is_fido2(device->fido), .takes_pin = fido_dev_supports_pin(device->fido),
	                             .has_pin = fido_dev_has_pin(device->fido), .has_finger = fido_dev_has_uv(device->fido),
	                             .protects = fido_dev_supports_cred_prot(device->fido)};
	if (!key->fido2) fido_dev_force_fido2(device->fido);
	int fido = fido_dev_get_cbor_info(device->fido, info);
	if (!key->fido2) {
		fido_dev_force_u2f(device->fido);
		key->algorithms = 1u << CK_TOKEN_ES256;
		fido = fido == FIDO_OK ? FIDO_ERR_RX : FIDO_OK;
	} else if (fido == FIDO_OK) {
		learn(key, info);
	}
	if ((key->told & CK_TOLD_TRANSPORTS) == 0) key->told |= CK_TOLD_USB; /* it is plugged in */
	if (key->has_finger) key->told |= CK_TOLD_BIOMETRIC;
	fido_cbor_info_free(&info);
	return fido;
}

/* One at a time, since a list may be longer than the key takes. */
static int probe_all(struct ck_token_device *device)
{
	const struct ck_token *token = device->board->token;
	struct ck_token_key *key = &device->key;
	for (size_t i = 0; i < token->allow_count && (token->create || key->held == 0); i++) {
		if (!key->fido2 && token->allow[i].length > U2F_ID_LIMIT_BYTES) continue;
		wait_for_key(device);
		int fido = ck_token_probe(device, token->allow[i]);
		switch (fido) {
		case FIDO_OK:
		case FIDO_ERR_UP_REQUIRED:
		case FIDO_ERR_USER_PRESENCE_REQUIRED: /* a U2F key that knows it */
		case FIDO_ERR_PIN_REQUIRED:           /* a key that says nothing without PIN: it may */
			if (key->held++ == 0) key->first = i;
			key->holds[i] = true;
			break;
		case FIDO_ERR_NO_CREDENTIALS:
		case FIDO_ERR_INVALID_CREDENTIAL:
		case FIDO_ERR_CREDENTIAL_EXCLUDED: break; /* the last is libfido2's word for a U2F key that does not know it */
		default: return fido;
		}
	}
	return FIDO_OK;
}

static int open_device(struct ck_token_device *device, struct ck_token_result *out)
{
	const struct ck_token_source *source = device->board->token->source;
	ck_token_job_close(device);
	device->fido = source->open(device->name, CK_TOKEN_STEP_TIMEOUT_MS, &out->opening, source->context);
	if (device->fido == NULL) return FIDO_ERR_RX;
	if (!begin_call(device)) return FIDO_ERR_KEEPALIVE_CANCEL;
	wait_for_key(device);
	int fido = ask_what_it_can(device);
	if (fido == FIDO_OK) fido = probe_all(device);
	end_call(device);
	/* another program may want it */
	if (fido != FIDO_OK || (!device->board->token->create && device->key.held == 0)) ck_token_job_close(device);
	return fido;
}

/* ---- choosing ---- */
static int wait_for_touch(struct ck_token_device *device)
{
	int touched = 0, fido = FIDO_OK;
	int64_t disturbed_since_ms = 0, unwanted_since_ms = 0;
	while (ck_token_left_ms(device->board->token) > 0) {
		int64_t began_ms = ck_clock_monotonic_ms();
		fido = fido_dev_get_touch_status(device->fido, &touched, SLICE_MS);
		int64_t now_ms = ck_clock_monotonic_ms();
		if (fido != FIDO_OK || touched) return fido;
		if (atomic_load(&device->cancelled)) {
			/* what it answers to that must not be taken for the answer to what comes next */
			if (unwanted_since_ms == 0) unwanted_since_ms = now_ms;
			if (!device->key.fido2 || now_ms - unwanted_since_ms >= DISTURBED_LIMIT_MS) return FIDO_ERR_KEEPALIVE_CANCEL;
		}
		/* libfido2 keeps a failed read to itself; one that comes back early is one */
		if (now_ms - began_ms >= SLICE_MS / 2 || !device->key.fido2) {
			disturbed_since_ms = 0;
			continue;
		}
		if (disturbed_since_ms == 0) disturbed_since_ms = now_ms;
		if (now_ms - disturbed_since_ms >= DISTURBED_LIMIT_MS) return FIDO_ERR_RX;
		(void)poll(NULL, 0, SLICE_MS / 4);
	}
	return FIDO_ERR_ACTION_TIMEOUT;
}

static int choose(struct ck_token_device *device)
{
	wait_for_key(device);
	int fido = fido_dev_get_touch_begin(device->fido);
	return fido == FIDO_OK ? wait_for_touch(device) : fido;
}

/* ---- what needs the person ---- */
static int (*const doing[])(struct ck_token_device *device, const struct ck_token_order *order) = {[CK_TOKEN_SIGN] = ck_token_sign,
                                                                                                   [CK_TOKEN_MAKE] = ck_token_make};

/* U2F is asked again and again, in slices, so that the thread hears that it is not wanted any more. */
static int do_with_user(struct ck_token_device *device, const struct ck_token_order *order)
{
	if (device->key.fido2) {
		wait_for_user(device);
		return doing[order->job](device, order);
	}
	while (!atomic_load(&device->cancelled) && ck_token_left_ms(device->board->token) > 0) {
		int64_t began_ms = ck_clock_monotonic_ms();
		(void)fido_dev_set_timeout(device->fido, U2F_SLICE_MS);
		int fido = doing[order->job](device, order);
		if (fido != FIDO_ERR_RX || ck_clock_monotonic_ms() - began_ms < U2F_SLICE_MS / 2) return fido;
	}
	return FIDO_ERR_ACTION_TIMEOUT;
}

static int run(struct ck_token_device *device, const struct ck_token_order *order, struct ck_token_result *out)
{
	if (order->job == CK_TOKEN_OPEN) return open_device(device, out);
	ck_token_job_forget(device);
	if (device->fido == NULL) return FIDO_ERR_INTERNAL;
	if (!begin_call(device)) return FIDO_ERR_KEEPALIVE_CANCEL;
	int fido = FIDO_ERR_INTERNAL;
	wait_for_key(device);
	switch (order->job) {
	case CK_TOKEN_OPEN: break;
	case CK_TOKEN_CHOOSE: fido = choose(device); break;
	case CK_TOKEN_COUNT_TRIES: fido = fido_dev_get_retry_count(device->fido, &out->count); break;
	case CK_TOKEN_COUNT_FINGERS: fido = fido_dev_get_uv_retry_count(device->fido, &out->count); break;
	case CK_TOKEN_CHECK_PIN: fido = ck_token_check_pin(device); break;
	case CK_TOKEN_SIGN:
	case CK_TOKEN_MAKE: fido = do_with_user(device, order); break;
	}
	end_call(device);
	return fido;
}

static bool needs_user(enum ck_token_job job)
{
	return job == CK_TOKEN_CHOOSE || job == CK_TOKEN_SIGN || job == CK_TOKEN_MAKE;
}

void ck_token_job_run(struct ck_token_device *device, const struct ck_token_order *order, struct ck_token_result *out)
{
	int64_t began_ms = ck_clock_monotonic_ms();
	*out = (struct ck_token_result){.fido = FIDO_ERR_INTERNAL};
	out->fido = run(device, order, out);
	out->late = !needs_user(order->job) && ck_clock_monotonic_ms() - began_ms >= CK_TOKEN_STEP_TIMEOUT_MS;
}

enum ck_token_outcome ck_token_outcome_of(const struct ck_token_result *result)
{
	switch (result->opening) {
	case CK_TOKEN_OPENED: break;
	case CK_TOKEN_IN_USE: return CK_TOKEN_BUSY;
	case CK_TOKEN_NOT_PERMITTED: return CK_TOKEN_FORBIDDEN;
	case CK_TOKEN_NOT_OPENED: return CK_TOKEN_SILENT;
	}
	switch (result->fido) {
	case FIDO_OK: return CK_TOKEN_OK;
	case FIDO_ERR_NO_CREDENTIALS:
	case FIDO_ERR_INVALID_CREDENTIAL: return CK_TOKEN_WRONG_KEY;
	case FIDO_ERR_CREDENTIAL_EXCLUDED: return CK_TOKEN_ENROLLED;
	case FIDO_ERR_PIN_INVALID: return CK_TOKEN_PIN_WRONG;
	case FIDO_ERR_PIN_AUTH_BLOCKED: return CK_TOKEN_PIN_PAUSED;
	case FIDO_ERR_PIN_BLOCKED: return CK_TOKEN_PIN_BLOCKED;
	case FIDO_ERR_PIN_NOT_SET: return CK_TOKEN_PIN_NOT_SET;
	case FIDO_ERR_PIN_REQUIRED: return CK_TOKEN_PIN_DEMANDED;
	case FIDO_ERR_UV_INVALID: return CK_TOKEN_FINGER_WRONG;
	case FIDO_ERR_UV_BLOCKED: return CK_TOKEN_FINGER_BLOCKED;
	case FIDO_ERR_USER_ACTION_TIMEOUT:
	case FIDO_ERR_ACTION_TIMEOUT: return CK_TOKEN_TIMEOUT;
	case FIDO_ERR_KEEPALIVE_CANCEL:
	case FIDO_ERR_OPERATION_DENIED: return CK_TOKEN_CANCELLED;
	case FIDO_ERR_TX:
	case FIDO_ERR_RX: return CK_TOKEN_SILENT;
	default: return CK_TOKEN_DEVICE_ERROR;
	}
}
