/* clientPIN of the software authenticator (CTAP 2.1, 6.5): PIN, tokens by PIN and by finger, retries. */
#include "tests/fakes/soft_device.h"

#include <fido/err.h>
#include <sodium.h>
#include <string.h>

enum subcommand { GET_PIN_RETRIES = 1, GET_AGREEMENT, SET_PIN, CHANGE_PIN, GET_PIN_TOKEN, GET_TOKEN_BY_UV, GET_UV_RETRIES, GET_TOKEN_BY_PIN = 9 };

/* One request, taken apart. */
struct request {
	int64_t protocol, command, permissions;
	const cbor_item_t *agreement;
	struct ck_bytes auth, new_pin, pin_hash;
	char rp_id[254];
	uint8_t shared[64];
	bool touched;
};

bool ck_soft_renew_agreement(struct ck_soft_device *device)
{
	randombytes_buf(device->pin_token, sizeof device->pin_token);
	randombytes_buf(device->agreement_secret, sizeof device->agreement_secret);
	device->agreement_secret[0] = (uint8_t)((device->agreement_secret[0] & 0x7f) | 1);
	return ck_soft_p256_public(device->agreement_secret, device->agreement_public);
}

static size_t token_bytes(int64_t protocol)
{
	return protocol == 2 ? CK_SOFT_TOKEN_BYTES : CK_SOFT_TOKEN_BYTES / 2;
}

bool ck_soft_pin_auth_valid(const struct ck_soft_device *device, int64_t protocol, struct ck_bytes pin_auth, struct ck_bytes client_data_hash)
{
	return ck_soft_mac_is(device->pin_token, token_bytes(protocol), protocol, client_data_hash, (struct ck_bytes){NULL, 0}, pin_auth);
}

bool ck_soft_token_permits(const struct ck_soft_device *device, unsigned permission, const char *rp_id)
{
	return (device->permissions & permission) && (device->permitted_rp_id[0] == '\0' || strcmp(device->permitted_rp_id, rp_id) == 0);
}

/* ---- tries ---- */
struct pin_try {
	const uint8_t *hash;
	uint8_t status;
};

/* Counts the try down before it looks, as the standard demands. */
static void try_pin(struct ck_soft_state *state, void *context)
{
	struct pin_try *attempt = context;
	state->pins_seen++;
	if (!state->pin_set) attempt->status = FIDO_ERR_PIN_NOT_SET;
	else if (state->retries == 0) attempt->status = FIDO_ERR_PIN_BLOCKED;
	else if (state->wrong_in_a_row >= CK_SOFT_PIN_TRIES_IN_A_ROW) attempt->status = FIDO_ERR_PIN_AUTH_BLOCKED;
	else if (sodium_memcmp(state->pin_hash, attempt->hash, sizeof state->pin_hash) == 0) {
		state->retries = CK_SOFT_PIN_TRIES;
		state->uv_retries = CK_SOFT_UV_TRIES;
		state->wrong_in_a_row = 0;
		attempt->status = FIDO_OK;
	} else {
		state->retries--;
		state->wrong_in_a_row++;
		if (state->retries == 0) attempt->status = FIDO_ERR_PIN_BLOCKED;
		else if (state->wrong_in_a_row >= CK_SOFT_PIN_TRIES_IN_A_ROW) attempt->status = FIDO_ERR_PIN_AUTH_BLOCKED;
		else attempt->status = FIDO_ERR_PIN_INVALID;
	}
}

static unsigned check_pin_hash(struct ck_soft_device *device, const struct request *request)
{
	uint8_t hash[64];
	struct pin_try attempt = {hash, FIDO_ERR_ERR_OTHER};
	if (ck_soft_decrypt(request->shared, request->protocol, request->pin_hash, hash) != 16) return FIDO_ERR_MISSING_PARAMETER;
	if (ck_soft_update(device->path, try_pin, &attempt, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	if (attempt.status != FIDO_OK && !ck_soft_renew_agreement(device)) return FIDO_ERR_ERR_OTHER;
	return attempt.status;
}

struct finger_try {
	uint8_t status;
};

static void try_finger(struct ck_soft_state *state, void *context)
{
	struct finger_try *attempt = context;
	attempt->status = FIDO_ERR_UV_BLOCKED;
	if (state->uv_retries == 0) return;
	if (state->wrong_fingers > 0) {
		state->wrong_fingers--;
		state->uv_retries--;
		attempt->status = state->uv_retries == 0 ? FIDO_ERR_UV_BLOCKED : FIDO_ERR_UV_INVALID;
		if (state->abilities & CK_SOFT_UV_DENIES) attempt->status = FIDO_ERR_OPERATION_DENIED;
	} else {
		state->uv_retries = CK_SOFT_UV_TRIES;
		attempt->status = FIDO_OK;
	}
}

unsigned ck_soft_check_finger(struct ck_soft_device *device, bool touched)
{
	struct finger_try attempt = {FIDO_ERR_ERR_OTHER};
	if (device->state.uv_retries == 0) return FIDO_ERR_UV_BLOCKED;
	if (!touched) return CK_SOFT_NEEDS_TOUCH;
	if (ck_soft_update(device->path, try_finger, &attempt, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	return attempt.status;
}

/* ---- subcommands ---- */
struct new_pin {
	char pin[65];
	bool done;
};

static void store_pin(struct ck_soft_state *state, void *context)
{
	struct new_pin *new_pin = context;
	new_pin->done = ck_soft_set_pin(state, new_pin->pin);
}

static unsigned set_pin(struct ck_soft_device *device, const struct request *request, bool change)
{
	struct new_pin new_pin = {{0}, false};
	struct ck_bytes old_hash = request->pin_hash;
	if (!change) old_hash.length = 0;
	if (!ck_soft_mac_is(request->shared, 32, request->protocol, request->new_pin, old_hash, request->auth)) return FIDO_ERR_PIN_AUTH_INVALID;
	if (change) {
		unsigned status = check_pin_hash(device, request);
		if (status != FIDO_OK) return status;
	} else if (device->state.pin_set) {
		return FIDO_ERR_PIN_AUTH_INVALID;
	}
	if (ck_soft_decrypt(request->shared, request->protocol, request->new_pin, (uint8_t *)new_pin.pin) != 64) return FIDO_ERR_ERR_OTHER;
	if (ck_soft_update(device->path, store_pin, &new_pin, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	sodium_memzero(new_pin.pin, sizeof new_pin.pin);
	return new_pin.done ? FIDO_OK : FIDO_ERR_PIN_POLICY_VIOLATION;
}

static unsigned put_token(struct ck_soft_device *device, const struct request *request, struct ck_writer *out)
{
	uint8_t encrypted[80];
	const struct ck_bytes token = {device->pin_token, token_bytes(request->protocol)};
	size_t length = ck_soft_encrypt(request->shared, request->protocol, token, encrypted);
	if (length == 0) return FIDO_ERR_ERR_OTHER;
	ck_soft_put_head(out, 5, 1);
	ck_put_u8(out, 2);
	ck_soft_put_bytes(out, encrypted, length);
	return FIDO_OK;
}

/* The old way: any permission, any relying party. */
static unsigned get_pin_token(struct ck_soft_device *device, const struct request *request, struct ck_writer *out)
{
	unsigned status = check_pin_hash(device, request);
	if (status != FIDO_OK) return status;
	device->permissions = CK_SOFT_MAY_CREATE | CK_SOFT_MAY_ASSERT;
	device->permitted_rp_id[0] = '\0';
	return put_token(device, request, out);
}

static unsigned get_permitted_token(struct ck_soft_device *device, const struct request *request, struct ck_writer *out)
{
	const unsigned known = CK_SOFT_MAY_CREATE | CK_SOFT_MAY_ASSERT;
	unsigned status;
	if (!(device->state.abilities & CK_SOFT_UV_TOKEN)) return FIDO_ERR_INVALID_COMMAND;
	if (request->permissions <= 0 || ((unsigned)request->permissions & ~known) != 0 || request->rp_id[0] == '\0')
		return FIDO_ERR_INVALID_PARAMETER;
	if (request->command == GET_TOKEN_BY_UV && !ck_soft_has_uv(&device->state)) return FIDO_ERR_NOT_ALLOWED;
	status = request->command == GET_TOKEN_BY_UV ? ck_soft_check_finger(device, request->touched) : check_pin_hash(device, request);
	if (status != FIDO_OK) return status;
	device->permissions = (unsigned)request->permissions;
	memcpy(device->permitted_rp_id, request->rp_id, sizeof device->permitted_rp_id);
	return put_token(device, request, out);
}

static unsigned get_retries(unsigned number, uint8_t field, struct ck_writer *out)
{
	ck_soft_put_head(out, 5, 1);
	ck_put_u8(out, field);
	ck_soft_put_head(out, 0, number);
	return FIDO_OK;
}

static unsigned get_agreement(const struct ck_soft_device *device, struct ck_writer *out)
{
	static const uint8_t head[] = {0xa1, 1, 0xa5, 1, 2, 3, 0x38, 0x18, 0x20, 1, 0x21}; /* kty EC2, alg ECDH-ES+HKDF-256, crv P-256 */
	ck_put_bytes(out, head, sizeof head);
	ck_soft_put_bytes(out, device->agreement_public + 1, 32);
	ck_put_u8(out, 0x22);
	ck_soft_put_bytes(out, device->agreement_public + 33, 32);
	return FIDO_OK;
}

static bool speaks(const struct ck_soft_state *state, int64_t protocol)
{
	if (protocol == 2) return state->abilities & (CK_SOFT_PROTOCOL_2 | CK_SOFT_ONLY_PROTOCOL_2);
	return protocol == 1 && !(state->abilities & CK_SOFT_ONLY_PROTOCOL_2);
}

unsigned ck_soft_run_client_pin(struct ck_soft_device *device, const cbor_item_t *map, bool touched, struct ck_writer *out)
{
	struct request request = {.protocol = ck_soft_integer(ck_soft_at(map, 1)), .command = ck_soft_integer(ck_soft_at(map, 2)),
	                          .agreement = ck_soft_at(map, 3), .auth = ck_soft_bytes(ck_soft_at(map, 4)),
	                          .new_pin = ck_soft_bytes(ck_soft_at(map, 5)), .pin_hash = ck_soft_bytes(ck_soft_at(map, 6)),
	                          .permissions = ck_soft_integer(ck_soft_at(map, 9)), .touched = touched};
	const struct ck_soft_state *state = &device->state;
	(void)ck_soft_text(ck_soft_at(map, 10), request.rp_id, sizeof request.rp_id);
	if ((state->abilities & CK_SOFT_NO_PIN) && !(state->abilities & CK_SOFT_UV_TOKEN)) return FIDO_ERR_INVALID_COMMAND;
	/* libfido2 asks for the number of tries with protocol 1 whatever the key speaks, and keys do not look at it */
	if (request.command == GET_PIN_RETRIES) return get_retries(state->retries, 3, out);
	if (request.command == GET_UV_RETRIES) return get_retries(state->uv_retries, 5, out);
	if (!speaks(state, request.protocol)) return FIDO_ERR_INVALID_PARAMETER;
	if (request.command == GET_AGREEMENT) return get_agreement(device, out);
	if (!ck_soft_share_secret(device, request.protocol, request.agreement, request.shared)) return FIDO_ERR_MISSING_PARAMETER;
	switch (request.command) {
	case SET_PIN:
	case CHANGE_PIN: return set_pin(device, &request, request.command == CHANGE_PIN);
	case GET_PIN_TOKEN: return get_pin_token(device, &request, out);
	case GET_TOKEN_BY_UV:
	case GET_TOKEN_BY_PIN: return get_permitted_token(device, &request, out);
	default: return FIDO_ERR_UNSUPPORTED_OPTION;
	}
}
