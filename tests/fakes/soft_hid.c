/* CTAPHID framing of the software authenticator (CTAP 2.0, 8.1) behind libfido2's I/O hook: writes are 65 bytes with the report id,
   reads 64. One thread writes and reads; another may write CANCEL meanwhile. */
#include "tests/fakes/soft_device.h"

#include <errno.h>
#include <fido/err.h>
#include <fido/param.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "directory/base/clock.h"

#define REPORT_BYTES 64
#define KEEPALIVE_MS 100
#define STEP_MS 5 /* how often it looks whether it was touched, cancelled, unplugged */
#define COMMAND_ERROR 0x3f
#define KEEPALIVE_UP_NEEDED 2

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
}

static bool is_removed(struct ck_soft_device *device)
{
	return ck_soft_load(device->path, &device->state, NULL) != CK_OK || (device->state.misbehaviour & CK_SOFT_REMOVED);
}

static bool has_trouble(const struct ck_soft_device *device, enum ck_soft_trouble trouble, enum ck_soft_moment at)
{
	return device->state.trouble == trouble && device->state.trouble_at == at;
}

static void pull_out(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->misbehaviour |= CK_SOFT_REMOVED;
	state->trouble = CK_SOFT_WELL;
}

/* Whether it opens, sooner or later; errno says why not. */
static bool comes_open(struct ck_soft_device *device)
{
	const enum ck_soft_moment at = CK_SOFT_AT_OPEN;
	int64_t until_ms = ck_clock_monotonic_ms() + (has_trouble(device, CK_SOFT_SLOW, at) ? (int64_t)device->state.slow_ms : 0);
	if (has_trouble(device, CK_SOFT_GONE, at) && ck_soft_update(device->path, pull_out, NULL, NULL) != CK_OK) return false;
	while (!is_removed(device)
	       && (has_trouble(device, CK_SOFT_HUNG, at) || has_trouble(device, CK_SOFT_STUCK, at) || ck_clock_monotonic_ms() < until_ms))
		nap();
	errno = has_trouble(device, CK_SOFT_BUSY, at) ? EBUSY : ENODEV;
	return !(device->state.misbehaviour & CK_SOFT_REMOVED) && !has_trouble(device, CK_SOFT_BUSY, at);
}

static void *soft_open(const char *path)
{
	struct ck_soft_device *device = calloc(1, sizeof *device);
	if (device == NULL) return NULL;
	if (sodium_init() < 0 || ck_text_copy(device->path, sizeof device->path, ck_text_of(path)) != CK_OK
	    || ck_soft_load(path, &device->state, NULL) != CK_OK || !comes_open(device) || !ck_soft_renew_agreement(device)) {
		int why = errno;
		free(device);
		errno = why;
		return NULL;
	}
	return device;
}

static void soft_close(void *handle)
{
	sodium_memzero(handle, sizeof(struct ck_soft_device));
	free(handle);
}

static void respond(struct ck_soft_device *device, uint32_t channel, uint8_t command, const void *bytes, size_t length)
{
	if (length > 0) memmove(device->response, bytes, length);
	device->response_channel = channel;
	device->response_command = command;
	device->response_length = length;
	device->response_sent = 0;
	device->response_sequence = 0;
	device->responding = true;
}

static void respond_error(struct ck_soft_device *device, uint32_t channel, uint8_t error)
{
	respond(device, channel, COMMAND_ERROR, &error, 1);
}

/* ---- commands ---- */
static void run_init(struct ck_soft_device *device)
{
	uint8_t reply[17] = {0};
	if (device->request_length != 8) {
		respond_error(device, device->channel, FIDO_ERR_INVALID_LENGTH);
		return;
	}
	memcpy(reply, device->request, 8);
	randombytes_buf(reply + 8, 4);
	reply[8] &= 0x7f; /* never the broadcast channel */
	reply[12] = 2; /* CTAPHID protocol version */
	reply[16] = FIDO_CAP_CBOR | FIDO_CAP_NMSG;
	if (device->state.abilities & CK_SOFT_U2F_TOO) reply[16] = FIDO_CAP_CBOR;
	if (device->state.abilities & CK_SOFT_U2F_ONLY) reply[16] = 0;
	device->waiting = false;
	respond(device, device->channel, CTAP_CMD_INIT, reply, sizeof reply);
}

static bool run_cbor(struct ck_soft_device *device, bool touched)
{
	struct ck_writer w;
	ck_writer_init(&w, device->response, sizeof device->response);
	if (!ck_soft_run_command(device, device->request, device->request_length, touched, &w)) return false;
	if (w.failed) {
		uint8_t status = FIDO_ERR_ERR_OTHER;
		respond(device, device->channel, CTAP_CMD_CBOR, &status, 1);
	} else {
		respond(device, device->channel, CTAP_CMD_CBOR, device->response, ck_writer_length(&w));
	}
	return true;
}

static void run_u2f(struct ck_soft_device *device)
{
	struct ck_writer w;
	ck_writer_init(&w, device->response, sizeof device->response);
	ck_soft_run_u2f(device, device->request, device->request_length, &w);
	respond(device, device->channel, CTAP_CMD_MSG, device->response, ck_writer_length(&w));
}

static enum ck_soft_moment moment_of(const struct ck_soft_device *device)
{
	switch (device->command) {
	case CTAP_CMD_INIT: return CK_SOFT_AT_INIT;
	case CTAP_CMD_CBOR: return ck_soft_moment_of(device->request, device->request_length);
	case CTAP_CMD_MSG: return ck_soft_u2f_is_check(device->request, device->request_length) ? CK_SOFT_AT_PROBE : CK_SOFT_AT_ASSERT;
	default: return CK_SOFT_AT_NONE;
	}
}

/* True: that is all that comes of this message. */
static bool meets_trouble(struct ck_soft_device *device)
{
	enum ck_soft_moment moment = moment_of(device);
	device->mute = false;
	device->answer_at_ms = 0;
	device->gone = is_removed(device);
	if (device->gone) return true;
	if (device->state.trouble == CK_SOFT_WELL || device->state.trouble_at != moment) return false;
	switch (device->state.trouble) {
	case CK_SOFT_BUSY: respond_error(device, device->channel, FIDO_ERR_CHANNEL_BUSY); return true;
	case CK_SOFT_GONE:
		device->gone = ck_soft_update(device->path, pull_out, NULL, NULL) == CK_OK;
		return true;
	case CK_SOFT_SLOW: device->answer_at_ms = ck_clock_monotonic_ms() + device->state.slow_ms; return false;
	default: device->mute = true; return true;
	}
}

static void run_message(struct ck_soft_device *device)
{
	if (meets_trouble(device)) return;
	const bool cbor = !(device->state.abilities & CK_SOFT_U2F_ONLY), u2f = device->state.abilities & (CK_SOFT_U2F_ONLY | CK_SOFT_U2F_TOO);
	if (device->command == CTAP_CMD_INIT) {
		run_init(device);
	} else if (device->command == CTAP_CMD_PING) {
		respond(device, device->channel, CTAP_CMD_PING, device->request, device->request_length);
	} else if (device->command == CTAP_CMD_CBOR && cbor) {
		atomic_store(&device->cancelled, false);
		device->waiting = !run_cbor(device, false);
		device->began_ms = device->last_keepalive_ms = ck_clock_monotonic_ms();
	} else if (device->command == CTAP_CMD_MSG && u2f) {
		run_u2f(device);
	} else {
		respond_error(device, device->channel, FIDO_ERR_INVALID_COMMAND);
	}
}

/* ---- frames in ---- */
static void take_first(struct ck_soft_device *device, uint32_t channel, const uint8_t *frame)
{
	uint8_t command = frame[4] & 0x7f;
	if (device->waiting && command != CTAP_CMD_INIT) {
		respond_error(device, channel, FIDO_ERR_CHANNEL_BUSY);
		return;
	}
	device->channel = channel;
	device->command = command;
	device->request_length = (size_t)(frame[5] << 8 | frame[6]);
	device->request_got = device->request_length < REPORT_BYTES - 7 ? device->request_length : REPORT_BYTES - 7;
	device->next_sequence = 0;
	if (device->request_length > sizeof device->request) {
		device->request_length = device->request_got = 0;
		respond_error(device, channel, FIDO_ERR_INVALID_LENGTH);
		return;
	}
	memcpy(device->request, frame + 7, device->request_got);
	if (device->request_got == device->request_length) run_message(device);
}

static void take_next(struct ck_soft_device *device, uint32_t channel, const uint8_t *frame)
{
	size_t left = device->request_length - device->request_got;
	if (channel != device->channel || left == 0) return;
	if (frame[4] != device->next_sequence) {
		device->request_length = device->request_got = 0;
		respond_error(device, channel, FIDO_ERR_INVALID_SEQ);
		return;
	}
	size_t length = left < REPORT_BYTES - 5 ? left : REPORT_BYTES - 5;
	memcpy(device->request + device->request_got, frame + 5, length);
	device->request_got += length;
	device->next_sequence++;
	if (device->request_got == device->request_length) run_message(device);
}

static int soft_write(void *handle, const unsigned char *bytes, size_t length)
{
	struct ck_soft_device *device = handle;
	uint32_t channel;
	if (length != REPORT_BYTES + 1 || bytes[0] != 0) return -1;
	const uint8_t *frame = bytes + 1;
	memcpy(&channel, frame, sizeof channel);
	if (frame[4] == (CTAP_FRAME_INIT | CTAP_CMD_CANCEL)) atomic_store(&device->cancelled, true);
	else if (frame[4] & CTAP_FRAME_INIT) take_first(device, channel, frame);
	else take_next(device, channel, frame);
	return (int)length;
}

/* ---- frames out ---- */
static void put_response_frame(struct ck_soft_device *device, uint8_t *frame)
{
	size_t head = 5, left = device->response_length - device->response_sent;
	memset(frame, 0, REPORT_BYTES);
	memcpy(frame, &device->response_channel, 4);
	if (device->response_sent == 0 && device->response_sequence == 0) {
		frame[4] = (uint8_t)(CTAP_FRAME_INIT | device->response_command);
		frame[5] = (uint8_t)(device->response_length >> 8);
		frame[6] = (uint8_t)device->response_length;
		head = 7;
		device->response_sequence = 0x100; /* the first continuation is number 0 */
	} else {
		frame[4] = (uint8_t)(device->response_sequence++ & 0x7f);
	}
	size_t length = left < REPORT_BYTES - head ? left : REPORT_BYTES - head;
	memcpy(frame + head, device->response + device->response_sent, length);
	device->response_sent += length;
	if (device->response_sent == device->response_length) device->responding = false;
}

static void put_keepalive(struct ck_soft_device *device, uint8_t *frame)
{
	memset(frame, 0, REPORT_BYTES);
	memcpy(frame, &device->channel, 4);
	frame[4] = CTAP_FRAME_INIT | CTAP_KEEPALIVE;
	frame[6] = 1;
	frame[7] = KEEPALIVE_UP_NEEDED;
}

static void finish_waiting(struct ck_soft_device *device, uint8_t status)
{
	device->waiting = false;
	respond(device, device->channel, CTAP_CMD_CBOR, &status, 1);
}

/* False: it was unplugged. */
static bool look_for_touch(struct ck_soft_device *device, int64_t now_ms)
{
	if (atomic_load(&device->cancelled)) {
		finish_waiting(device, FIDO_ERR_KEEPALIVE_CANCEL);
		return true;
	}
	if (is_removed(device)) return false;
	int64_t waited_ms = now_ms - device->began_ms;
	if (!(device->state.misbehaviour & CK_SOFT_NO_TOUCH) && waited_ms >= (device->state.trouble == CK_SOFT_SLOW ? 0 : device->state.slow_ms)) {
		device->waiting = false;
		(void)run_cbor(device, true);
	} else if (waited_ms >= device->state.touch_limit_ms) {
		finish_waiting(device, FIDO_ERR_USER_ACTION_TIMEOUT);
	}
	return true;
}

/* Nothing comes; whether to go on waiting. */
static bool stays_mute(struct ck_soft_device *device, int ms, int64_t waited_ms)
{
	if (is_removed(device)) return false;
	if (device->state.trouble == CK_SOFT_STUCK) return true;
	return ms < 0 ? device->state.trouble == CK_SOFT_HUNG : waited_ms < ms;
}

/* Something is being worked at: a frame that says so is due. */
static bool put_due_keepalive(struct ck_soft_device *device, uint8_t *frame, int64_t now_ms)
{
	if (device->command != CTAP_CMD_CBOR || now_ms - device->last_keepalive_ms < KEEPALIVE_MS) return false;
	device->last_keepalive_ms = now_ms;
	put_keepalive(device, frame);
	return true;
}

static int soft_read(void *handle, unsigned char *frame, size_t length, int ms)
{
	struct ck_soft_device *device = handle;
	int64_t began_ms = ck_clock_monotonic_ms();
	if (length != REPORT_BYTES) return -1;
	if (ms == 0 && device->response_sent == 0) return -1; /* no key has answered already when its time is up */
	for (;;) {
		int64_t now_ms = ck_clock_monotonic_ms();
		if (device->gone || (device->mute && !stays_mute(device, ms, now_ms - began_ms))) return -1;
		if (!device->responding && device->waiting && !look_for_touch(device, now_ms)) return -1;
		bool early = now_ms < device->answer_at_ms;
		if (device->responding && !early) {
			put_response_frame(device, frame);
			return REPORT_BYTES;
		}
		if ((device->waiting || early) && put_due_keepalive(device, frame, now_ms)) return REPORT_BYTES;
		if (!device->waiting && !device->mute && !early && ms < 0) return -1; /* nothing will ever come */
		if (!device->mute && ms >= 0 && now_ms - began_ms >= ms) return -1;
		nap();
	}
}

const fido_dev_io_t ck_soft_io = {soft_open, soft_close, soft_read, soft_write};

fido_dev_t *ck_soft_open_within(const char *key_path, int limit_ms)
{
	fido_dev_t *device = fido_dev_new();
	if (device == NULL) return NULL;
	errno = 0;
	if (fido_dev_set_timeout(device, limit_ms) != FIDO_OK || fido_dev_set_io_functions(device, &ck_soft_io) != FIDO_OK
	    || fido_dev_open(device, key_path) != FIDO_OK)
		fido_dev_free(&device);
	return device;
}

fido_dev_t *ck_soft_open(const char *key_path)
{
	return ck_soft_open_within(key_path, -1);
}
