/* The CTAP2 commands of the software authenticator: getInfo, makeCredential, getAssertion (CTAP 2.0, 5). It misbehaves on demand. */
#include "tests/fakes/soft_device.h"

#include <fido/err.h>
#include <fido/param.h>
#include <sodium.h>
#include <string.h>

#define COMMAND_SELECTION 0x0b /* CTAP 2.1, 6.9 */

static bool misbehaves(const struct ck_soft_device *device, enum ck_soft_misbehaviour how)
{
	return device->state.misbehaviour & how;
}

/* An empty pinAuth asks for a touch only, to choose between keys (CTAP 2.0, 5.1 step 8). */
static bool is_touch_request(const cbor_item_t *pin_auth)
{
	return pin_auth != NULL && cbor_isa_bytestring(pin_auth) && cbor_bytestring_length(pin_auth) == 0;
}

/* How the user is verified for this command. */
struct verification {
	const cbor_item_t *pin_auth, *protocol, *options;
	struct ck_bytes client_data_hash;
	const char *rp_id;
	unsigned permission;
	bool touched;
};

static unsigned check_user(struct ck_soft_device *device, const struct verification *v, bool *out_verified)
{
	const struct ck_soft_state *state = &device->state;
	unsigned status = FIDO_OK;
	*out_verified = false;
	if (v->pin_auth != NULL) {
		if (!state->pin_set && !state->builtin_uv) return FIDO_ERR_PIN_NOT_SET;
		if (!ck_soft_pin_auth_valid(device, ck_soft_integer(v->protocol), ck_soft_bytes(v->pin_auth), v->client_data_hash)
		    || !ck_soft_token_permits(device, v->permission, v->rp_id))
			return FIDO_ERR_PIN_AUTH_INVALID;
	} else if (ck_soft_option(v->options, "uv", false)) {
		if (!ck_soft_has_uv(state)) return FIDO_ERR_UNSUPPORTED_OPTION;
		status = ck_soft_check_finger(device, v->touched);
	} else {
		return FIDO_OK;
	}
	*out_verified = status == FIDO_OK;
	return status;
}

/* One that U2F made knows only the hash. */
static bool is_for(const struct ck_soft_credential *credential, const char *rp_id)
{
	uint8_t own[32], theirs[32];
	if (credential->rp_id[0] != '#') return strcmp(credential->rp_id, rp_id) == 0;
	ck_soft_hash_rp_id(credential->rp_id, own);
	ck_soft_hash_rp_id(rp_id, theirs);
	return memcmp(own, theirs, sizeof own) == 0;
}

static struct ck_soft_credential *find(struct ck_soft_state *state, struct ck_bytes id, const char *rp_id, bool verified)
{
	for (size_t i = 0; i < state->count; i++) {
		struct ck_soft_credential *c = &state->credentials[i];
		if (ck_bytes_equal(id, (struct ck_bytes){c->id, c->id_length}) && is_for(c, rp_id) && (verified || c->protection < 3)) return c;
	}
	return NULL;
}

static struct ck_soft_credential *find_listed(struct ck_soft_state *state, const cbor_item_t *list, const char *rp_id, bool verified)
{
	if (list == NULL || !cbor_isa_array(list)) return NULL;
	for (size_t i = 0; i < cbor_array_size(list); i++) {
		struct ck_bytes id = ck_soft_bytes(ck_soft_named(cbor_array_handle(list)[i], "id"));
		struct ck_soft_credential *c = id.length > 0 ? find(state, id, rp_id, verified) : NULL;
		if (c != NULL) return c;
	}
	return NULL;
}

static unsigned flags_of(const struct ck_soft_device *device, bool present, bool verified)
{
	unsigned flags = 0;
	if (present && !misbehaves(device, CK_SOFT_NO_UP)) flags |= CK_SOFT_UP;
	if (verified && !misbehaves(device, CK_SOFT_NO_UV)) flags |= CK_SOFT_UV;
	return flags;
}

static void put_noise(struct ck_writer *out)
{
	uint8_t noise[120];
	randombytes_buf(noise, sizeof noise);
	noise[0] = 0xbf; /* whatever follows, this is not the definite map that was promised */
	ck_put_bytes(out, noise, sizeof noise);
}

/* ---- makeCredential ---- */
struct creation {
	const char *rp_id;
	struct ck_bytes client_data_hash, user_id;
	int algorithm;
	bool resident, verified;
	unsigned protection;
	struct ck_soft_credential made;
	bool stored;
};

static bool makes(const struct ck_soft_state *state, int64_t algorithm)
{
	if (state->only_rsa_bits > 0) return algorithm == CK_SOFT_RS256;
	return algorithm == CK_SOFT_EDDSA || (algorithm == CK_SOFT_ES256 && !state->only_eddsa);
}

static int choose_algorithm(const struct ck_soft_device *device, const cbor_item_t *params)
{
	if (params == NULL || !cbor_isa_array(params)) return 0;
	for (size_t i = 0; i < cbor_array_size(params); i++) {
		int64_t algorithm = ck_soft_integer(ck_soft_named(cbor_array_handle(params)[i], "alg"));
		if (makes(&device->state, algorithm)) return (int)algorithm;
	}
	return 0;
}

static void store_credential(struct ck_soft_state *state, void *context)
{
	struct creation *creation = context;
	struct ck_soft_credential *made = &creation->made;
	if (creation->algorithm == CK_SOFT_RS256 ? !ck_soft_make_rsa_credential(made, creation->rp_id, state->only_rsa_bits, 65537)
	                                         : !ck_soft_make_credential(made, creation->rp_id, creation->algorithm, NULL))
		return;
	made->resident = creation->resident;
	made->protection = creation->protection;
	made->count = 1;
	made->user_id_length = creation->user_id.length;
	memcpy(made->user_id, creation->user_id.at, creation->user_id.length);
	if (state->count >= CK_SOFT_CREDENTIALS_LIMIT) return;
	state->credentials[state->count++] = *made;
	creation->stored = true;
}

static size_t put_statement(const struct ck_soft_device *device, const struct ck_soft_credential *shown, struct ck_bytes data,
                            const uint8_t *client_data_hash, uint8_t *out, size_t limit_bytes)
{
	uint8_t signature[CK_SOFT_SIGNATURE_LIMIT_BYTES], message[2048];
	const struct ck_soft_maker *maker = &device->state.maker;
	bool certified = maker->certificate_length > 0;
	size_t length = 0;
	if (certified && data.length + 32 <= sizeof message) {
		memcpy(message, data.at, data.length);
		memcpy(message + data.length, client_data_hash, 32);
		length = ck_soft_sign_p256(maker->secret, message, data.length + 32, signature);
	} else if (!certified) {
		length = ck_soft_sign(shown, data, client_data_hash, signature);
	}
	if (length == 0) return 0;
	if (misbehaves(device, CK_SOFT_BAD_SIGNATURE)) signature[length - 1] ^= 1;
	return ck_soft_put_packed_statement(certified ? CK_SOFT_ES256 : shown->algorithm, signature, length, maker, out, limit_bytes);
}

static void put_attestation(const struct ck_soft_device *device, const struct creation *creation, struct ck_writer *out)
{
	struct ck_soft_credential shown = creation->made;
	uint8_t data[2000], statement[4096], extensions[16];
	struct ck_writer w;
	unsigned flags = flags_of(device, true, creation->verified) | CK_SOFT_AT;
	ck_writer_init(&w, extensions, sizeof extensions);
	if (creation->protection > 1) {
		flags |= CK_SOFT_ED;
		ck_soft_put_head(&w, 5, 1);
		ck_soft_put_text(&w, "credProtect");
		ck_put_u8(&w, (uint8_t)creation->protection);
	}
	if (misbehaves(device, CK_SOFT_OTHER_RP)) memcpy(shown.rp_id, "other.invalid", 14);
	size_t length = ck_soft_put_registration_data(&shown, flags, (struct ck_bytes){extensions, ck_writer_length(&w)}, data, sizeof data);
	size_t statement_length = put_statement(device, &shown, (struct ck_bytes){data, length}, creation->client_data_hash.at, statement,
	                                        sizeof statement);
	ck_soft_put_head(out, 5, 3);
	ck_put_u8(out, 1);
	ck_soft_put_text(out, "packed");
	ck_put_u8(out, 2);
	ck_soft_put_bytes(out, data, length);
	ck_put_u8(out, 3);
	if (misbehaves(device, CK_SOFT_CERTIFICATE)) statement[0] = 0xa3;
	ck_put_bytes(out, statement, statement_length);
	if (misbehaves(device, CK_SOFT_CERTIFICATE)) ck_put_bytes(out, "\x63" "x5c\x81\x42\x30\x00", 8);
}

/* What the request asks for; FIDO_OK or what is wrong with it. */
static unsigned read_creation(const struct ck_soft_device *device, const cbor_item_t *map, char rp_id[254], struct creation *out)
{
	const cbor_item_t *options = ck_soft_at(map, 7);
	out->client_data_hash = ck_soft_bytes(ck_soft_at(map, 1));
	out->user_id = ck_soft_bytes(ck_soft_named(ck_soft_at(map, 3), "id"));
	if (out->client_data_hash.length != 32 || !ck_soft_text(ck_soft_named(ck_soft_at(map, 2), "id"), rp_id, 254)
	    || out->user_id.length < 1 || out->user_id.length > 64)
		return FIDO_ERR_MISSING_PARAMETER;
	out->algorithm = choose_algorithm(device, ck_soft_at(map, 4));
	if (out->algorithm == 0) return FIDO_ERR_UNSUPPORTED_ALGORITHM;
	out->resident = ck_soft_option(options, "rk", false);
	if (out->resident && (device->state.abilities & CK_SOFT_NO_RK)) return FIDO_ERR_UNSUPPORTED_OPTION;
	int64_t protection = ck_soft_integer(ck_soft_named(ck_soft_at(map, 6), "credProtect"));
	if (protection >= 1 && protection <= 3 && !(device->state.abilities & CK_SOFT_NO_PROTECTION)) out->protection = (unsigned)protection;
	return FIDO_OK;
}

static unsigned make_credential(struct ck_soft_device *device, const cbor_item_t *map, bool touched, struct ck_writer *out)
{
	char rp_id[254];
	struct creation creation = {.rp_id = rp_id, .protection = 1};
	struct verification v = {.pin_auth = ck_soft_at(map, 8), .protocol = ck_soft_at(map, 9), .options = ck_soft_at(map, 7), .rp_id = rp_id,
	                         .permission = CK_SOFT_MAY_CREATE, .touched = touched};
	if (is_touch_request(v.pin_auth)) {
		if (!touched) return CK_SOFT_NEEDS_TOUCH;
		return device->state.pin_set ? FIDO_ERR_PIN_INVALID : FIDO_ERR_PIN_NOT_SET;
	}
	unsigned status = read_creation(device, map, rp_id, &creation);
	if (status != FIDO_OK) return status;
	v.client_data_hash = creation.client_data_hash;
	status = check_user(device, &v, &creation.verified);
	if (status != FIDO_OK) return status;
	if (!creation.verified && (device->state.pin_set || (device->state.abilities & CK_SOFT_ALWAYS_UV))) return FIDO_ERR_PIN_REQUIRED;
	if (!touched) return CK_SOFT_NEEDS_TOUCH;
	if (find_listed(&device->state, ck_soft_at(map, 5), rp_id, true) != NULL) return FIDO_ERR_CREDENTIAL_EXCLUDED;
	if (ck_soft_update(device->path, store_credential, &creation, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	if (!creation.stored) return FIDO_ERR_KEY_STORE_FULL;
	if (misbehaves(device, CK_SOFT_GARBAGE)) put_noise(out);
	else put_attestation(device, &creation, out);
	return FIDO_OK;
}

/* ---- getAssertion ---- */
struct counting {
	struct ck_bytes id;
	uint32_t count;
};

static void count_up(struct ck_soft_state *state, void *context)
{
	struct counting *counting = context;
	for (size_t i = 0; i < state->count; i++) {
		struct ck_soft_credential *c = &state->credentials[i];
		if (ck_bytes_equal(counting->id, (struct ck_bytes){c->id, c->id_length})) counting->count = ++c->count;
	}
}

static struct ck_soft_credential *find_resident(struct ck_soft_state *state, const char *rp_id, bool verified)
{
	for (size_t i = state->count; i-- > 0;) {
		struct ck_soft_credential *c = &state->credentials[i];
		if (c->resident && strcmp(c->rp_id, rp_id) == 0 && (verified || c->protection < 2)) return c;
	}
	return NULL;
}

static unsigned put_assertion(struct ck_soft_device *device, const struct ck_soft_credential *credential, struct ck_bytes client_data_hash,
                              unsigned flags, struct ck_writer *out)
{
	uint8_t data[64], signature[CK_SOFT_SIGNATURE_LIMIT_BYTES], id[sizeof credential->id];
	struct counting counting = {{credential->id, credential->id_length}, 0};
	if (ck_soft_update(device->path, count_up, &counting, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	if (misbehaves(device, CK_SOFT_GARBAGE)) {
		put_noise(out);
		return FIDO_OK;
	}
	if (misbehaves(device, CK_SOFT_WRONG_COUNTER)) counting.count = 1;
	const char *rp_id = misbehaves(device, CK_SOFT_OTHER_RP) ? "other.invalid" : credential->rp_id;
	size_t length = ck_soft_put_assertion_data(rp_id, flags, counting.count, data, sizeof data);
	size_t signed_length = ck_soft_sign(credential, (struct ck_bytes){data, length}, client_data_hash.at, signature);
	if (signed_length == 0) return FIDO_ERR_ERR_OTHER;
	if (misbehaves(device, CK_SOFT_BAD_SIGNATURE)) signature[signed_length - 1] ^= 1;
	memcpy(id, credential->id, credential->id_length);
	if (misbehaves(device, CK_SOFT_OTHER_CREDENTIAL)) id[0] ^= 1;
	ck_soft_put_head(out, 5, 3);
	ck_put_u8(out, 1);
	ck_soft_put_head(out, 5, 2);
	ck_soft_put_text(out, "id");
	ck_soft_put_bytes(out, id, credential->id_length);
	ck_soft_put_text(out, "type");
	ck_soft_put_text(out, "public-key");
	ck_put_u8(out, 2);
	ck_soft_put_bytes(out, data, length);
	ck_put_u8(out, 3);
	ck_soft_put_bytes(out, signature, signed_length);
	return FIDO_OK;
}

static unsigned get_assertion(struct ck_soft_device *device, const cbor_item_t *map, bool touched, struct ck_writer *out)
{
	char rp_id[254];
	bool verified;
	const cbor_item_t *options = ck_soft_at(map, 5), *allow = ck_soft_at(map, 3);
	struct ck_bytes client_data_hash = ck_soft_bytes(ck_soft_at(map, 2));
	const struct verification v = {.pin_auth = ck_soft_at(map, 6), .protocol = ck_soft_at(map, 7), .options = options, .rp_id = rp_id,
	                               .client_data_hash = client_data_hash, .permission = CK_SOFT_MAY_ASSERT, .touched = touched};
	if (is_touch_request(v.pin_auth)) {
		if (!touched) return CK_SOFT_NEEDS_TOUCH;
		return device->state.pin_set ? FIDO_ERR_PIN_INVALID : FIDO_ERR_PIN_NOT_SET;
	}
	if (client_data_hash.length != 32 || !ck_soft_text(ck_soft_at(map, 1), rp_id, sizeof rp_id)) return FIDO_ERR_MISSING_PARAMETER;
	unsigned status = check_user(device, &v, &verified);
	if (status != FIDO_OK) return status;
	bool present = ck_soft_option(options, "up", true);
	if (present && !verified && (device->state.abilities & CK_SOFT_ALWAYS_UV)) return FIDO_ERR_PIN_REQUIRED;
	struct ck_soft_credential *credential = allow != NULL ? find_listed(&device->state, allow, rp_id, verified)
	                                                      : find_resident(&device->state, rp_id, verified);
	if (credential == NULL) return FIDO_ERR_NO_CREDENTIALS;
	if (present && !touched) return CK_SOFT_NEEDS_TOUCH;
	return put_assertion(device, credential, client_data_hash, flags_of(device, present, verified), out);
}

/* ---- all ---- */
static unsigned run(struct ck_soft_device *device, uint8_t command, const cbor_item_t *map, bool touched, struct ck_writer *out)
{
	switch (command) {
	case CTAP_CBOR_GETINFO: return ck_soft_get_info(&device->state, out);
	case CTAP_CBOR_MAKECRED: return make_credential(device, map, touched, out);
	case CTAP_CBOR_ASSERT: return get_assertion(device, map, touched, out);
	case CTAP_CBOR_CLIENT_PIN: return ck_soft_run_client_pin(device, map, touched, out);
	case COMMAND_SELECTION: return touched ? (unsigned)FIDO_OK : (unsigned)CK_SOFT_NEEDS_TOUCH;
	default: return FIDO_ERR_INVALID_COMMAND;
	}
}

bool ck_soft_run_command(struct ck_soft_device *device, const uint8_t *request, size_t length, bool touched, struct ck_writer *out)
{
	struct cbor_load_result loaded = {0};
	cbor_item_t *map = NULL;
	unsigned status = FIDO_ERR_INVALID_LENGTH;
	uint8_t *status_byte = out->at;
	ck_put_u8(out, FIDO_ERR_ERR_OTHER);
	if (length > CK_SOFT_MESSAGE_LIMIT_BYTES) status = FIDO_ERR_REQUEST_TOO_LARGE;
	if (length < 1 || length > CK_SOFT_MESSAGE_LIMIT_BYTES) goto out;
	if (length > 1) map = cbor_load(request + 1, length - 1, &loaded);
	if (length > 1 && (map == NULL || !cbor_isa_map(map) || loaded.read != length - 1)) {
		status = FIDO_ERR_INVALID_CBOR;
		goto out;
	}
	if (ck_soft_load(device->path, &device->state, NULL) != CK_OK) {
		status = FIDO_ERR_ERR_OTHER;
		goto out;
	}
	status = run(device, request[0], map, touched, out);
out:
	if (map != NULL) cbor_decref(&map);
	if (status == CK_SOFT_NEEDS_TOUCH) {
		out->at = status_byte;
		return false;
	}
	if (status != FIDO_OK) out->at = status_byte + 1;
	*status_byte = (uint8_t)status;
	return true;
}

/* ---- what a message is, before it is run ---- */
enum ck_soft_moment ck_soft_moment_of(const uint8_t *request, size_t length)
{
	struct cbor_load_result loaded = {0};
	enum ck_soft_moment moment = CK_SOFT_AT_NONE;
	if (length < 1) return moment;
	cbor_item_t *map = length > 1 ? cbor_load(request + 1, length - 1, &loaded) : NULL;
	switch (request[0]) {
	case CTAP_CBOR_GETINFO: moment = CK_SOFT_AT_INFO; break;
	case CTAP_CBOR_MAKECRED: moment = is_touch_request(ck_soft_at(map, 8)) ? CK_SOFT_AT_CHOICE : CK_SOFT_AT_CREATE; break;
	case CTAP_CBOR_ASSERT: moment = ck_soft_option(ck_soft_at(map, 5), "up", true) ? CK_SOFT_AT_ASSERT : CK_SOFT_AT_PROBE; break;
	case CTAP_CBOR_CLIENT_PIN: moment = CK_SOFT_AT_PIN; break;
	case COMMAND_SELECTION: moment = CK_SOFT_AT_CHOICE; break;
	default: break;
	}
	if (map != NULL) cbor_decref(&map);
	return moment;
}
