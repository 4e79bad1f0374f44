/* authenticatorGetInfo of the software authenticator: what this key says it can (CTAP 2.1, 6.4). */
#include "tests/fakes/soft_device.h"

#include <fido/err.h>

bool ck_soft_has_uv(const struct ck_soft_state *state)
{
	return state->builtin_uv && !(state->abilities & CK_SOFT_NO_FINGER);
}

struct option {
	const char *name;
	bool there, value;
};

static void put_texts(struct ck_writer *out, const char *const *texts, const bool *there, size_t count)
{
	size_t number = 0;
	for (size_t i = 0; i < count; i++) number += there[i];
	ck_soft_put_head(out, 4, number);
	for (size_t i = 0; i < count; i++)
		if (there[i]) ck_soft_put_text(out, texts[i]);
}

/* In canonical order: shorter names first. */
static void put_options(struct ck_writer *out, const struct ck_soft_state *state)
{
	const bool token = state->abilities & CK_SOFT_UV_TOKEN;
	const struct option options[] = {
		{"rk", true, !(state->abilities & CK_SOFT_NO_RK)},
		{"up", true, true},
		{"uv", state->builtin_uv, ck_soft_has_uv(state)},
		{"plat", true, false},
		{"alwaysUv", (state->abilities & CK_SOFT_ALWAYS_UV) != 0, true},
		{"clientPin", !(state->abilities & CK_SOFT_NO_PIN), state->pin_set},
		{"pinUvAuthToken", token, true},
	};
	size_t count = 0;
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) count += options[i].there;
	ck_soft_put_head(out, 5, count);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (!options[i].there) continue;
		ck_soft_put_text(out, options[i].name);
		ck_put_u8(out, options[i].value ? 0xf5 : 0xf4);
	}
}

static void put_protocols(struct ck_writer *out, unsigned abilities)
{
	if (abilities & CK_SOFT_ONLY_PROTOCOL_2) ck_put_bytes(out, "\x81\x02", 2);
	else if (abilities & CK_SOFT_PROTOCOL_2) ck_put_bytes(out, "\x82\x02\x01", 3);
	else ck_put_bytes(out, "\x81\x01", 2);
}

static void put_algorithm(struct ck_writer *out, int algorithm)
{
	ck_soft_put_head(out, 5, 2);
	ck_soft_put_text(out, "alg");
	ck_soft_put_negative(out, algorithm);
	ck_soft_put_text(out, "type");
	ck_soft_put_text(out, "public-key");
}

static void put_algorithms(struct ck_writer *out, const struct ck_soft_state *state)
{
	if (state->only_rsa_bits > 0 || state->only_eddsa) {
		ck_soft_put_head(out, 4, 1);
		put_algorithm(out, state->only_rsa_bits > 0 ? CK_SOFT_RS256 : CK_SOFT_EDDSA);
	} else {
		ck_soft_put_head(out, 4, 2);
		put_algorithm(out, CK_SOFT_ES256);
		put_algorithm(out, CK_SOFT_EDDSA);
	}
}

unsigned ck_soft_get_info(const struct ck_soft_state *state, struct ck_writer *out)
{
	static const char *const versions[] = {"U2F_V2", "FIDO_2_0", "FIDO_2_1"}, *const extensions[] = {"credProtect"};
	const bool newer = state->abilities & CK_SOFT_UV_TOKEN, protects = !(state->abilities & CK_SOFT_NO_PROTECTION);
	const bool speaks[] = {(state->abilities & CK_SOFT_U2F_TOO) != 0, true, newer};
	const bool verifies = !(state->abilities & CK_SOFT_NO_PIN) || newer;
	ck_soft_put_head(out, 5, 6u + protects + verifies + 2u * newer);
	ck_put_u8(out, 1);
	put_texts(out, versions, speaks, 3);
	if (protects) {
		ck_put_u8(out, 2);
		put_texts(out, extensions, &protects, 1);
	}
	ck_put_u8(out, 3);
	ck_soft_put_bytes(out, ck_soft_aaguid, sizeof ck_soft_aaguid);
	ck_put_u8(out, 4);
	put_options(out, state);
	ck_put_u8(out, 5);
	ck_soft_put_head(out, 0, CK_SOFT_MESSAGE_LIMIT_BYTES);
	if (verifies) {
		ck_put_u8(out, 6);
		put_protocols(out, state->abilities);
	}
	ck_put_u8(out, 7);
	ck_soft_put_head(out, 0, 8);
	ck_put_u8(out, 8);
	ck_soft_put_head(out, 0, CK_SOFT_ID_BYTES);
	if (newer) {
		ck_put_u8(out, 9);
		ck_soft_put_head(out, 4, 1);
		ck_soft_put_text(out, "usb");
		ck_put_u8(out, 10);
		put_algorithms(out, state);
	}
	return FIDO_OK;
}
