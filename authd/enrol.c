/* Enrolment: who, the registration, and the key.add that comes of it. The client and the gate are not believed: the registration is verified
   here, over a nonce of ours, and what is written is made from what was verified. */
#include "authd/enrol.h"

#include <sodium.h>
#include <string.h>

#include "authd/decide/decide.h"
#include "authd/fido/fido.h"
#include "directory/base/clock.h"

/* ---- who ---- */

struct gathering {
	struct ck_enrol_person *person;
	struct ck_moment now;
};

static bool gather_key(const struct ck_record *record, void *context)
{
	struct gathering *gathering = context;
	struct ck_enrol_person *person = gathering->person;
	const struct ck_key *key = &record->as.key;
	if (!ck_id_equal(record->authority, person->authority)) return true; /* filed under another authority: none of theirs */
	if (!ck_key_is_active(key, gathering->now) || key->credential_id.length > CK_CREDENTIAL_ID_LIMIT_BYTES) return true;
	memcpy(person->allow[person->allow_count], key->credential_id.at, key->credential_id.length);
	person->allow_lengths[person->allow_count++] = key->credential_id.length;
	return person->allow_count < CK_ALLOW_LIMIT;
}

static struct ck_id decoy_id(const uint8_t secret[CK_LOGIN_SECRET_BYTES], const char *tag, struct ck_text uid)
{
	struct ck_id id;
	crypto_generichash_state state;
	crypto_generichash_init(&state, secret, CK_LOGIN_SECRET_BYTES, sizeof id.bytes);
	crypto_generichash_update(&state, (const unsigned char *)tag, strlen(tag) + 1);
	crypto_generichash_update(&state, (const unsigned char *)uid.at, uid.length);
	crypto_generichash_final(&state, id.bytes, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* RFC 4122, 4.4: as a random one looks */
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static void fill_decoys(struct ck_enrol_person *out, struct ck_text uid, const uint8_t secret[CK_LOGIN_SECRET_BYTES])
{
	struct ck_decoys decoys;
	ck_login_decoys(secret, uid, &decoys);
	out->allow_count = decoys.count;
	for (size_t i = 0; i < decoys.count; i++) {
		out->allow_lengths[i] = decoys.lengths[i];
		memcpy(out->allow[i], decoys.ids[i], decoys.lengths[i]);
	}
}

enum ck_error ck_enrol_person(struct ck_view *view, struct ck_text uid, const uint8_t secret[CK_LOGIN_SECRET_BYTES], struct ck_moment now,
                              uint64_t asker_uid, struct ck_enrol_person *out)
{
	struct ck_record staff;
	struct gathering gathering = {.person = out, .now = now};
	memset(out, 0, sizeof *out);
	enum ck_error error = ck_text_copy(out->uid, sizeof out->uid, uid);
	if (error != CK_OK) return error;
	error = ck_view_staff_by_uid(view, uid, &staff);
	if (error == CK_OK && ck_person_is_active(view, &staff, now)) {
		out->known = true;
		out->staff = staff.id;
		out->authority = staff.authority;
		error = ck_view_keys_of(view, staff.id, gather_key, &gathering);
		if (asker_uid != 0 && asker_uid != staff.as.staff.uid_number) out->allow_count = 0;
	} else if (error == CK_OK || error == CK_ERR_NOT_FOUND) {
		error = CK_OK;
		out->staff = decoy_id(secret, "staff", uid);
		out->authority = decoy_id(secret, "authority", uid);
	}
	if (error == CK_OK && out->allow_count == 0) fill_decoys(out, uid, secret);
	return error;
}

/* ---- the registration ---- */

static enum ck_error person_statement(const struct ck_change_place *place, const struct ck_nonce *nonce, uint8_t *out, size_t limit_bytes,
                                      size_t *out_length)
{
	struct ck_person_statement statement = {.system = place->system, .user = ck_text_of(nonce->user), .time_s = nonce->time_s};
	memcpy(statement.nonce, nonce->bytes, sizeof statement.nonce);
	return ck_person_statement_encode(&statement, out, limit_bytes, out_length);
}

enum ck_error ck_enrol_challenge(const struct ck_change_place *place, const struct ck_nonce *nonce, uint8_t out[CK_CHALLENGE_BYTES])
{
	static const char tag[] = CK_TAG_ENROL;
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = person_statement(place, nonce, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	ck_sha256(out, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, {bytes, length}}, 2);
	return CK_OK;
}

struct request {
	struct ck_bytes auth_data, statement;
	struct ck_text format, label;
	unsigned traits; /* told */
};

static enum ck_error read_request(const struct ck_map *map, struct request *out, struct ck_denial *denial)
{
	if (ck_map_bytes(map, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_text(map, CK_F_FORMAT, 32, &out->format) != CK_OK ||
	    ck_map_bytes(map, CK_F_ATT_STMT, 1, CK_ATT_STMT_LIMIT_BYTES, &out->statement) != CK_OK ||
	    ck_map_text(map, CK_F_LABEL, CK_NAME_LIMIT_BYTES, &out->label) != CK_OK)
		return ck_deny(denial, "malformed", "the enrolment carries no well-formed registration");
	uint64_t traits = 0;
	bool told = (map->present & CK_KEY(CK_F_TRAITS)) != 0;
	if (told && (ck_map_uint(map, CK_F_TRAITS, 0, CK_TRAITS_ALL, &traits) != CK_OK || (traits & ~(uint64_t)CK_TRAITS_TOLD) != 0))
		return ck_deny(denial, "malformed", "the enrolment tells traits that a helper cannot know");
	out->traits = (unsigned)traits;
	if (out->label.length == 0 || !ck_text_is_printable_utf8(out->label))
		return ck_deny(denial, "label", "a label is 1 to %d bytes of printable text", CK_NAME_LIMIT_BYTES);
	return CK_OK;
}

static enum ck_error verify_registration(const struct request *request, const struct ck_change_place *place, const struct ck_nonce *nonce,
                                         struct ck_fido_credential *out, struct ck_denial *denial)
{
	uint8_t challenge[CK_CHALLENGE_BYTES];
	struct ck_errmsg why;
	if (ck_enrol_challenge(place, nonce, challenge) != CK_OK) return ck_deny(denial, "malformed", "the enrolment's statement does not fit");
	struct ck_fido_registration registration = {.rp_id = place->rp_id,
	                                            .client_data_hash = challenge,
	                                            .format = request->format,
	                                            .auth_data = request->auth_data,
	                                            .statement = request->statement,
	                                            .verify = false};
	if (ck_fido_verify_registration(&registration, out, &why) != CK_OK) return ck_deny(denial, "registration", "%s", why.text);
	return CK_OK;
}

/* ---- the key.add ---- */

static void put_value(struct ck_change_value *values, size_t *count, const char *attribute, struct ck_bytes bytes)
{
	values[*count].attribute = ck_text_of(attribute);
	values[*count].values[0] = bytes;
	values[*count].count = 1;
	(*count)++;
}

static void put_text(struct ck_change_value *values, size_t *count, const char *attribute, const char *text)
{
	put_value(values, count, attribute, ck_bytes_of(ck_text_of(text)));
}

static void put_traits(struct ck_change_value *values, size_t *count, unsigned traits)
{
	struct ck_change_value *value = &values[*count];
	if (traits == 0) return;
	value->attribute = ck_text_of("ckTrait");
	value->count = 0;
	for (unsigned bit = 1; bit <= traits; bit <<= 1)
		if ((traits & bit) != 0) value->values[value->count++] = ck_bytes_of(ck_text_of(ck_trait_name(bit)));
	(*count)++;
}

/* What the key answered, kept where there is a certificate that somebody may come to trust. */
static enum ck_error keep_registration(const struct ck_fido_credential *credential, const struct request *request,
                                       const struct ck_change_place *place, const struct ck_nonce *nonce, struct ck_enrolment *out)
{
	uint8_t statement[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	_Static_assert(CK_REGISTRATION_LIMIT_BYTES <= CK_KEY_REGISTRATION_LIMIT_BYTES, "the model takes what the protocol carries");
	out->registration_length = 0;
	if (strcmp(credential->attestation, CK_ATTESTATION_CERTIFICATE) != 0) return CK_OK;
	enum ck_error error = person_statement(place, nonce, statement, sizeof statement, &length);
	if (error != CK_OK) return error;
	const struct ck_registration kept = {.statement = {statement, length}, .format = request->format, .auth_data = request->auth_data,
	                                     .attestation = request->statement};
	return ck_registration_encode(&kept, out->registration, sizeof out->registration, &out->registration_length);
}

static enum ck_error encode_values(const struct ck_fido_credential *credential, const struct ck_change_place *place,
                                   const struct request *request, struct ck_enrolment *out)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	char aaguid[CK_ID_TEXT_BYTES], from[CK_TIME_TEXT_BYTES], until[CK_TIME_TEXT_BYTES];
	struct ck_id id;
	size_t count = 0;
	memcpy(id.bytes, credential->aaguid, sizeof id.bytes);
	put_value(values, &count, "ckCredentialId", credential->credential_id);
	put_value(values, &count, "ckPublicKey", credential->public_key);
	put_value(values, &count, "ckRpId", ck_bytes_of(place->rp_id));
	put_text(values, &count, "ckAaguid", ck_id_format(id, aaguid));
	put_value(values, &count, "ckLabel", ck_bytes_of(request->label));
	put_text(values, &count, "ckAttestation", credential->attestation);
	put_text(values, &count, "ckCanVerify", credential->verified ? "TRUE" : "FALSE");
	put_text(values, &count, "ckStatus", ck_status_name(CK_STATUS_ACTIVE));
	put_text(values, &count, "ckValidFrom", ck_time_format_generalized(CK_TIME_ALWAYS, from));
	put_text(values, &count, "ckValidUntil", ck_time_format_generalized(CK_TIME_UNLIMITED, until));
	put_traits(values, &count, credential->traits | request->traits);
	if (out->registration_length > 0)
		put_value(values, &count, "ckRegistration", (struct ck_bytes){out->registration, out->registration_length});
	return ck_change_values_encode(values, count, out->values_bytes, sizeof out->values_bytes, &out->values_length);
}

/* The statement over the values, as an order of one, already verified: by the registration and the code, or to be signed. */
static enum ck_error make_order(const struct ck_enrol_person *person, struct ck_enrolment *out)
{
	struct ck_order_item *item = &out->order.items[0];
	struct ck_bytes values = {out->values_bytes, out->values_length};
	item->statement = (struct ck_change_statement){.operation = ck_text_of("key.add"),
	                                               .target = {out->hash, sizeof out->hash},
	                                               .parent = {person->staff.bytes, sizeof person->staff.bytes},
	                                               .csn = {"", 0},
	                                               .authority = person->authority};
	ck_sha256(item->statement.digest, &values, 1);
	enum ck_error error = ck_change_statement_encode(&item->statement, out->statement_bytes, sizeof out->statement_bytes, &out->statement_length);
	if (error != CK_OK) return error;
	item->encoded = (struct ck_bytes){out->statement_bytes, out->statement_length};
	/* decoded again, so that it borrows from bytes that stay */
	error = ck_change_statement_decode(item->encoded, &item->statement);
	if (error != CK_OK) return error;
	item->values = values;
	ck_sha256(item->digest, &item->encoded, 1);
	item->rule = ck_change_rule_of(item->statement.operation);
	out->order.count = 1;
	out->order.orderer = person->staff;
	return item->rule != NULL ? CK_OK : CK_ERR_INTERNAL;
}

/* A first key vouches for itself; which code let it in is in the audit log. */
static enum ck_error make_proof(const struct request *request, const struct ck_change_place *place, const struct ck_nonce *nonce,
                                struct ck_enrolment *out)
{
	uint8_t statement[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = person_statement(place, nonce, statement, sizeof statement, &length);
	if (error != CK_OK) return error;
	uint8_t digest[32];
	struct ck_bytes statement_or_digest = request->statement; /* with certificates it is too long */
	if (request->statement.length > CK_SIGNATURE_LIMIT_BYTES) {
		ck_sha256(digest, &request->statement, 1);
		statement_or_digest = (struct ck_bytes){digest, sizeof digest};
	}
	struct ck_proof proof = {.statement = out->order.items[0].encoded,
	                         .list = {statement, length},
	                         .key_hash = {out->hash, sizeof out->hash},
	                         .auth_data = request->auth_data,
	                         .signature = statement_or_digest};
	return ck_proof_encode(&proof, out->proof, sizeof out->proof, &out->proof_length);
}

enum ck_error ck_enrol_prepare(const struct ck_map *request, const struct ck_nonce *nonce, const struct ck_enrol_person *person,
                               const struct ck_change_place *place, struct ck_view *view, struct ck_enrolment *out, struct ck_denial *denial)
{
	struct request fields;
	struct ck_fido_credential credential;
	struct ck_record known;
	memset(out, 0, sizeof *out);
	denial->reason = "";
	enum ck_error error = read_request(request, &fields, denial);
	if (error == CK_OK) error = verify_registration(&fields, place, nonce, &credential, denial);
	if (error != CK_OK) return error;
	error = ck_view_key(view, credential.hash, &known);
	if (error == CK_OK) return ck_deny(denial, "known-key", "this credential is enrolled already");
	if (error != CK_ERR_NOT_FOUND) return ck_deny(denial, "unavailable", "the copy cannot be read");
	memcpy(out->hash, credential.hash, sizeof out->hash);
	out->count = credential.count;
	if (keep_registration(&credential, &fields, place, nonce, out) != CK_OK || encode_values(&credential, place, &fields, out) != CK_OK || make_order(person, out) != CK_OK ||
	    make_proof(&fields, place, nonce, out) != CK_OK)
		return ck_deny(denial, "malformed", "the registration does not fit an entry");
	return CK_OK;
}

/* ---- recovery ---- */

struct administrations {
	struct ck_view *view;
	struct ck_id staff;
	struct ck_moment now;
	bool found;
};

static bool look_at_authority(const struct ck_record *record, void *context)
{
	struct administrations *search = context;
	search->found = ck_is_administrator(search->view, search->staff, record->id, search->now);
	return !search->found;
}

static enum ck_error encode_recovery(const struct ck_change_place *place, const struct ck_record *staff,
                                     const uint8_t code_hash[CK_HASH_BYTES], uint64_t delay_s, struct ck_recovery *out)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	char issuer[CK_ID_TEXT_BYTES], hash[2 * CK_HASH_BYTES + 1], from[CK_TIME_TEXT_BYTES], until[CK_TIME_TEXT_BYTES];
	size_t count = 0, length = 0;
	out->from_s = place->now.s + (int64_t)delay_s;
	out->until_s = out->from_s + (int64_t)place->code_life_s;
	put_text(values, &count, "ckIssuerId", ck_id_format((struct ck_id){{0}}, issuer)); /* zero: root of the core machine */
	put_text(values, &count, "ckCodeHash", ck_hex_encode(code_hash, CK_HASH_BYTES, hash, sizeof hash));
	put_text(values, &count, "ckValidFrom", ck_time_format_generalized(out->from_s, from));
	put_text(values, &count, "ckValidUntil", ck_time_format_generalized(out->until_s, until));
	enum ck_error error = ck_change_values_encode(values, count, out->values_bytes, sizeof out->values_bytes, &length);
	if (error != CK_OK) return error;
	out->item.values = (struct ck_bytes){out->values_bytes, length};
	randombytes_buf(out->id.bytes, sizeof out->id.bytes);
	out->id.bytes[6] = (uint8_t)((out->id.bytes[6] & 0x0f) | 0x40); /* RFC 4122, 4.4 */
	out->id.bytes[8] = (uint8_t)((out->id.bytes[8] & 0x3f) | 0x80);
	out->item.statement = (struct ck_change_statement){.operation = ck_text_of("code.add"),
	                                                   .target = {out->id.bytes, sizeof out->id.bytes},
	                                                   .parent = {staff->id.bytes, sizeof staff->id.bytes},
	                                                   .csn = {"", 0},
	                                                   .authority = staff->authority};
	ck_sha256(out->item.statement.digest, &out->item.values, 1);
	error = ck_change_statement_encode(&out->item.statement, out->statement_bytes, sizeof out->statement_bytes, &length);
	out->item.encoded = (struct ck_bytes){out->statement_bytes, length};
	if (error == CK_OK) error = ck_change_statement_decode(out->item.encoded, &out->item.statement);
	out->item.rule = ck_change_rule_of(ck_text_of("code.add"));
	return error;
}

enum ck_error ck_recovery_prepare(const struct ck_change_place *place, struct ck_view *view, struct ck_text uid,
                                  const uint8_t code_hash[CK_HASH_BYTES], uint64_t delay_s, struct ck_recovery *out, struct ck_denial *denial)
{
	struct ck_record staff;
	struct ck_id beginning = {{0}};
	memset(out, 0, sizeof *out);
	denial->reason = "";
	if (ck_view_staff_by_uid(view, uid, &staff) != CK_OK) return ck_deny(denial, "not-found", "there is no such person");
	struct administrations search = {.view = view, .staff = staff.id, .now = place->now};
	if (ck_view_each(view, CK_KIND_AUTHORITY, beginning, beginning, look_at_authority, &search) != CK_OK)
		return ck_deny(denial, "unavailable", "the copy cannot be read");
	if (!search.found) return ck_deny(denial, "not-administrator", "a code by root is for existing, active administrators only");
	if (encode_recovery(place, &staff, code_hash, delay_s, out) != CK_OK || out->item.rule == NULL)
		return ck_deny(denial, "malformed", "the code does not fit an entry");
	return CK_OK;
}
