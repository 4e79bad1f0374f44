/* The state of a virtual key as text, and the names of what it can and does. Trusts what it wrote itself. */
#include "tests/fakes/soft_text.h"

#include <sodium.h>
#include <string.h>

struct name {
	const char *name;
	unsigned value;
};

static const struct name misbehaviours[] = {
	{"wrong-counter", CK_SOFT_WRONG_COUNTER}, {"no-uv", CK_SOFT_NO_UV},       {"no-up", CK_SOFT_NO_UP},
	{"other-rp", CK_SOFT_OTHER_RP},           {"garbage", CK_SOFT_GARBAGE},   {"bad-signature", CK_SOFT_BAD_SIGNATURE},
	{"no-touch", CK_SOFT_NO_TOUCH},           {"removed", CK_SOFT_REMOVED},   {"other-credential", CK_SOFT_OTHER_CREDENTIAL},
	{"certificate", CK_SOFT_CERTIFICATE},
};
static const struct name abilities[] = {
	{"u2f-only", CK_SOFT_U2F_ONLY},     {"u2f-too", CK_SOFT_U2F_TOO},       {"no-rk", CK_SOFT_NO_RK},
	{"no-protection", CK_SOFT_NO_PROTECTION}, {"no-pin", CK_SOFT_NO_PIN},   {"uv-token", CK_SOFT_UV_TOKEN},
	{"protocol-2", CK_SOFT_PROTOCOL_2}, {"only-protocol-2", CK_SOFT_ONLY_PROTOCOL_2}, {"always-uv", CK_SOFT_ALWAYS_UV},
	{"uv-denies", CK_SOFT_UV_DENIES},   {"no-finger", CK_SOFT_NO_FINGER},
};
static const struct name troubles[] = {{"hung", CK_SOFT_HUNG}, {"stuck", CK_SOFT_STUCK}, {"busy", CK_SOFT_BUSY}, {"gone", CK_SOFT_GONE},
                                       {"slow", CK_SOFT_SLOW}};
static const struct name moments[] = {
	{"open", CK_SOFT_AT_OPEN},     {"init", CK_SOFT_AT_INIT}, {"info", CK_SOFT_AT_INFO},     {"probe", CK_SOFT_AT_PROBE},
	{"assert", CK_SOFT_AT_ASSERT}, {"create", CK_SOFT_AT_CREATE}, {"pin", CK_SOFT_AT_PIN}, {"choice", CK_SOFT_AT_CHOICE},
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

static unsigned value_of(const struct name *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0) return table[i].value;
	return 0;
}

unsigned ck_soft_misbehaviour_of_name(const char *name)
{
	return value_of(misbehaviours, COUNT(misbehaviours), name);
}

unsigned ck_soft_ability_of_name(const char *name)
{
	return value_of(abilities, COUNT(abilities), name);
}

bool ck_soft_trouble_of_names(const char *what, const char *when, enum ck_soft_trouble *out_trouble, enum ck_soft_moment *out_at)
{
	*out_trouble = (enum ck_soft_trouble)value_of(troubles, COUNT(troubles), what);
	*out_at = (enum ck_soft_moment)value_of(moments, COUNT(moments), when);
	return *out_trouble != CK_SOFT_WELL && *out_at != CK_SOFT_AT_NONE;
}

const char *ck_soft_misbehaviour_name(unsigned bit)
{
	for (size_t i = 0; i < COUNT(misbehaviours); i++)
		if (misbehaviours[i].value == bit) return misbehaviours[i].name;
	return NULL;
}

void ck_soft_init_state(struct ck_soft_state *out)
{
	*out = (struct ck_soft_state){.retries = CK_SOFT_PIN_TRIES, .uv_retries = CK_SOFT_UV_TRIES, .touch_limit_ms = 30000};
}

bool ck_soft_set_pin(struct ck_soft_state *state, const char *pin)
{
	uint8_t hash[32];
	size_t length = strlen(pin);
	if (length < 4 || length > 63) return false; /* CTAP 2.1, 6.5.1 */
	crypto_hash_sha256(hash, (const uint8_t *)pin, length);
	memcpy(state->pin_hash, hash, sizeof state->pin_hash);
	state->pin_set = true;
	state->retries = CK_SOFT_PIN_TRIES;
	state->wrong_in_a_row = 0;
	return true;
}

/* "-" for nothing, so that a line keeps its number of words. */
static void print_bytes(FILE *file, const uint8_t *bytes, size_t length)
{
	fputc(' ', file);
	if (length == 0) fputc('-', file);
	for (size_t i = 0; i < length; i++) fprintf(file, "%02x", bytes[i]);
}

static bool next_word(const char **at, struct ck_text *out)
{
	*at += strspn(*at, " \n");
	*out = (struct ck_text){*at, strcspn(*at, " \n")};
	*at += out->length;
	return out->length > 0;
}

static bool next_bytes(const char **at, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_text word;
	*out_length = 0;
	if (!next_word(at, &word)) return false;
	if (ck_text_is(word, "-")) return true;
	*out_length = word.length / 2;
	return *out_length <= limit_bytes && ck_hex_decode(word, out, *out_length) == CK_OK;
}

static bool parse_credential(const char *line, struct ck_soft_credential *out)
{
	static const struct ck_soft_credential empty;
	int resident, used = 0;
	size_t length;
	struct ck_text rp_id;
	*out = empty;
	if (sscanf(line, "credential %d %u %d %u%n", &out->algorithm, &out->count, &resident, &out->protection, &used) != 4) return false;
	line += used;
	out->resident = resident != 0;
	return next_bytes(&line, out->secret, sizeof out->secret, &length) && next_bytes(&line, out->user_id, sizeof out->user_id, &out->user_id_length)
	       && next_word(&line, &rp_id) && ck_text_copy(out->rp_id, sizeof out->rp_id, rp_id) == CK_OK
	       && next_bytes(&line, out->id, sizeof out->id, &out->id_length) && next_bytes(&line, out->rsa, sizeof out->rsa, &out->rsa_length)
	       && ck_soft_derive_public_key(out);
}

static void print_credential(FILE *file, const struct ck_soft_credential *c)
{
	fprintf(file, "credential %d %u %d %u", c->algorithm, c->count, c->resident, c->protection);
	print_bytes(file, c->secret, sizeof c->secret);
	print_bytes(file, c->user_id, c->user_id_length);
	fprintf(file, " %s", c->rp_id);
	print_bytes(file, c->id, c->id_length);
	print_bytes(file, c->rsa, c->rsa_length);
	fputc('\n', file);
}

static bool parse_maker(const char *line, struct ck_soft_maker *out)
{
	size_t length;
	return next_bytes(&line, out->secret, sizeof out->secret, &length)
	       && next_bytes(&line, out->certificate, sizeof out->certificate, &out->certificate_length)
	       && next_bytes(&line, out->middle, sizeof out->middle, &out->middle_length)
	       && next_bytes(&line, out->root, sizeof out->root, &out->root_length);
}

static void print_maker(FILE *file, const struct ck_soft_maker *maker)
{
	fputs("maker", file);
	print_bytes(file, maker->secret, sizeof maker->secret);
	print_bytes(file, maker->certificate, maker->certificate_length);
	print_bytes(file, maker->middle, maker->middle_length);
	print_bytes(file, maker->root, maker->root_length);
	fputc('\n', file);
}

bool ck_soft_load_maker(const char *path, struct ck_soft_maker *out)
{
	char line[CK_SOFT_LINE_BYTES];
	FILE *file = fopen(path, "re");
	if (file == NULL) return false;
	bool done = fgets(line, sizeof line, file) != NULL && strncmp(line, "maker ", 6) == 0 && parse_maker(line + 6, out);
	fclose(file);
	return done;
}

bool ck_soft_save_maker(const char *path, const struct ck_soft_maker *maker)
{
	char name[512], base64[sodium_base64_ENCODED_LEN(CK_SOFT_CERTIFICATE_LIMIT_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	FILE *file = fopen(path, "we");
	if (file == NULL) return false;
	print_maker(file, maker);
	if (fclose(file) != 0 || snprintf(name, sizeof name, "%s.root.pem", path) >= (int)sizeof name) return false;
	if ((file = fopen(name, "we")) == NULL) return false;
	sodium_bin2base64(base64, sizeof base64, maker->root, maker->root_length, sodium_base64_VARIANT_ORIGINAL);
	fputs("-----BEGIN CERTIFICATE-----\n", file);
	for (size_t i = 0; i < strlen(base64); i += 64) fprintf(file, "%.64s\n", base64 + i);
	fputs("-----END CERTIFICATE-----\n", file);
	return fclose(file) == 0;
}

bool ck_soft_parse_line(const char *line, struct ck_soft_state *out)
{
	char text[65];
	int builtin_uv, only_eddsa;
	unsigned trouble, trouble_at;
	if (sscanf(line, "pin %32s", text) == 1) {
		out->pin_set = strcmp(text, "-") != 0;
		return !out->pin_set || ck_hex_decode(ck_text_of(text), out->pin_hash, sizeof out->pin_hash) == CK_OK;
	}
	if (sscanf(line, "tries %u %u", &out->retries, &out->wrong_in_a_row) == 2) return true;
	if (sscanf(line, "seen %u", &out->pins_seen) == 1) return true;
	if (sscanf(line, "fingers %u %u", &out->uv_retries, &out->wrong_fingers) == 2) return true;
	if (sscanf(line, "behaviour %u %u %u", &out->misbehaviour, &out->slow_ms, &out->touch_limit_ms) == 3) return true;
	if (sscanf(line, "trouble %u %u", &trouble, &trouble_at) == 2) {
		out->trouble = (enum ck_soft_trouble)trouble;
		out->trouble_at = (enum ck_soft_moment)trouble_at;
		return true;
	}
	if (sscanf(line, "able %d %d %u %u", &builtin_uv, &only_eddsa, &out->abilities, &out->only_rsa_bits) == 4) {
		out->builtin_uv = builtin_uv != 0;
		out->only_eddsa = only_eddsa != 0;
		return true;
	}
	if (strncmp(line, "maker ", 6) == 0) return parse_maker(line + 6, &out->maker);
	return out->count < CK_SOFT_CREDENTIALS_LIMIT && parse_credential(line, &out->credentials[out->count]) && ++out->count > 0;
}

void ck_soft_print_state(FILE *file, const struct ck_soft_state *state)
{
	fputs("pin", file);
	print_bytes(file, state->pin_hash, state->pin_set ? sizeof state->pin_hash : 0);
	fprintf(file, "\ntries %u %u\n", state->retries, state->wrong_in_a_row);
	fprintf(file, "seen %u\n", state->pins_seen);
	fprintf(file, "fingers %u %u\n", state->uv_retries, state->wrong_fingers);
	fprintf(file, "behaviour %u %u %u\n", state->misbehaviour, state->slow_ms, state->touch_limit_ms);
	fprintf(file, "trouble %u %u\n", (unsigned)state->trouble, (unsigned)state->trouble_at);
	fprintf(file, "able %d %d %u %u\n", state->builtin_uv, state->only_eddsa, state->abilities, state->only_rsa_bits);
	if (state->maker.certificate_length > 0) print_maker(file, &state->maker);
	for (size_t i = 0; i < state->count; i++) print_credential(file, &state->credentials[i]);
}
