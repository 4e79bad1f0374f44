/* CTAP1 of the software authenticator: U2F's register, authenticate and version as ISO 7816 messages (U2F raw messages 1.2). U2F does not
   wait for a touch: it answers that there was none, and is asked again. */
#include "tests/fakes/soft_device.h"

#include <sodium.h>
#include <string.h>

#include "directory/base/clock.h"

#define REGISTER 1
#define AUTHENTICATE 2
#define VERSION 3
#define CHECK_ONLY 7
#define DATA_AT 7 /* CLA INS P1 P2, and a length of three bytes */
enum word { DONE = 0x9000, NOT_TOUCHED = 0x6985, WRONG_DATA = 0x6a80, WRONG_LENGTH = 0x6700, UNKNOWN = 0x6d00, BROKEN = 0x6f00 };

bool ck_soft_u2f_is_check(const uint8_t *request, size_t length)
{
	return length > 2 && request[1] == AUTHENTICATE && request[2] == CHECK_ONLY;
}

static bool touched(const struct ck_soft_device *device)
{
	return !(device->state.misbehaviour & CK_SOFT_NO_TOUCH);
}

static bool is_for(const struct ck_soft_credential *credential, const uint8_t hash[32])
{
	uint8_t own[32];
	ck_soft_hash_rp_id(credential->rp_id, own);
	return memcmp(own, hash, 32) == 0;
}

struct registration {
	char rp_id[254];
	struct ck_soft_credential made;
	bool stored;
};

static void store(struct ck_soft_state *state, void *context)
{
	struct registration *registration = context;
	if (state->count >= CK_SOFT_CREDENTIALS_LIMIT) return;
	if (!ck_soft_make_credential(&registration->made, registration->rp_id, CK_SOFT_ES256, NULL)) return;
	state->credentials[state->count++] = registration->made;
	registration->stored = true;
}

static enum word run_register(struct ck_soft_device *device, const uint8_t *data, size_t length, struct ck_writer *out)
{
	struct registration registration = {{'#'}, {.count = 0}, false};
	struct ck_soft_maker *maker = &device->state.maker;
	const struct ck_soft_maker_wish usual = {.without_aaguid = true};
	uint8_t point[65], signature[80];
	if (length != 64) return WRONG_LENGTH;
	if (!touched(device)) return NOT_TOUCHED;
	ck_hex_encode(data + 32, 32, registration.rp_id + 1, sizeof registration.rp_id - 1);
	/* U2F knows no attestation without a certificate */
	if (maker->certificate_length == 0 && !ck_soft_make_maker(maker, &usual)) return BROKEN;
	if (ck_soft_update(device->path, store, &registration, NULL) != CK_OK || !registration.stored) return BROKEN;
	if (!ck_soft_p256_public(registration.made.secret, point)) return BROKEN;
	size_t signed_length = ck_soft_sign_u2f_registration(&registration.made, data, maker, signature);
	if (signed_length == 0) return BROKEN;
	if (device->state.misbehaviour & CK_SOFT_BAD_SIGNATURE) signature[signed_length - 1] ^= 1;
	ck_put_u8(out, 5);
	ck_put_bytes(out, point, sizeof point);
	ck_put_u8(out, (uint8_t)registration.made.id_length);
	ck_put_bytes(out, registration.made.id, registration.made.id_length);
	ck_put_bytes(out, maker->certificate, maker->certificate_length);
	ck_put_bytes(out, signature, signed_length);
	return DONE;
}

static void count_up(struct ck_soft_state *state, void *context)
{
	struct ck_soft_credential *used = context;
	for (size_t i = 0; i < state->count; i++) {
		struct ck_soft_credential *c = &state->credentials[i];
		if (c->id_length == used->id_length && memcmp(c->id, used->id, c->id_length) == 0) used->count = ++c->count;
	}
}

static enum word run_authenticate(struct ck_soft_device *device, uint8_t how, const uint8_t *data, size_t length, struct ck_writer *out)
{
	uint8_t auth_data[64], signature[CK_SOFT_SIGNATURE_LIMIT_BYTES];
	if (length < 65 || length != 65 + (size_t)data[64]) return WRONG_LENGTH;
	const struct ck_bytes id = {data + 65, data[64]};
	struct ck_soft_credential *found = NULL;
	for (size_t i = 0; i < device->state.count && found == NULL; i++) {
		struct ck_soft_credential *c = &device->state.credentials[i];
		if (ck_bytes_equal(id, (struct ck_bytes){c->id, c->id_length}) && c->algorithm == CK_SOFT_ES256 && is_for(c, data + 32)) found = c;
	}
	if (found == NULL) return WRONG_DATA;
	if (how == CHECK_ONLY || !touched(device)) return NOT_TOUCHED;
	if (ck_soft_update(device->path, count_up, found, NULL) != CK_OK) return BROKEN;
	uint32_t count = device->state.misbehaviour & CK_SOFT_WRONG_COUNTER ? 1 : found->count;
	unsigned flags = device->state.misbehaviour & CK_SOFT_NO_UP ? 0 : CK_SOFT_UP;
	size_t data_length = ck_soft_put_assertion_data(found->rp_id, flags, count, auth_data, sizeof auth_data);
	size_t signed_length = ck_soft_sign(found, (struct ck_bytes){auth_data, data_length}, data, signature);
	if (data_length == 0 || signed_length == 0) return BROKEN;
	if (device->state.misbehaviour & CK_SOFT_BAD_SIGNATURE) signature[signed_length - 1] ^= 1;
	ck_put_u8(out, (uint8_t)flags);
	ck_put_u32be(out, count);
	ck_put_bytes(out, signature, signed_length);
	return DONE;
}

static enum word run(struct ck_soft_device *device, const uint8_t *request, size_t length, struct ck_writer *out)
{
	size_t data_length = length >= DATA_AT ? (size_t)(request[5] << 8 | request[6]) : 0;
	if (length < 4 || request[0] != 0 || (length >= DATA_AT && (request[4] != 0 || data_length > length - DATA_AT))) return WRONG_LENGTH;
	if (ck_soft_load(device->path, &device->state, NULL) != CK_OK) return BROKEN;
	switch (request[1]) {
	case REGISTER: return run_register(device, request + DATA_AT, data_length, out);
	case AUTHENTICATE: return run_authenticate(device, request[2], request + DATA_AT, data_length, out);
	case VERSION: ck_put_bytes(out, "U2F_V2", 6); return DONE;
	default: return UNKNOWN;
	}
}

void ck_soft_run_u2f(struct ck_soft_device *device, const uint8_t *request, size_t length, struct ck_writer *out)
{
	uint8_t *start = out->at;
	enum word word = run(device, request, length, out);
	if (word != DONE) out->at = start;
	ck_put_u16be(out, (uint16_t)word);
}
