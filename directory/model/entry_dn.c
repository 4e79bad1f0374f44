/* Where an entry lives: DNs built and read in one place. The parts below the suffix are ckId, ckKeyHash, ou and cn=use with values that never
   need escaping, so anything escaped, multi-valued or spaced there is no place of ours. The suffix is compared as given. */
#include "directory/model/entry_table.h"

#include <stdio.h>
#include <string.h>

#define RDNS_LIMIT 6 /* use, key, staff, ou, authority, ou */

/* The RDNs before the suffix, nearest first; 0 if there are none or too many, or the DN is not below the suffix. */
static size_t split(struct ck_text dn, struct ck_text suffix, struct ck_text rdns[RDNS_LIMIT])
{
	if (suffix.length == 0 || dn.length > CK_DN_LIMIT_BYTES || dn.length < suffix.length + 2) return 0;
	struct ck_text head = {dn.at, dn.length - suffix.length - 1};
	struct ck_text tail = {dn.at + head.length + 1, suffix.length};
	if (dn.at[head.length] != ',' || !ck_entry_equal_without_case(tail, suffix)) return 0;

	size_t count = 0;
	for (size_t start = 0; start <= head.length; count++) {
		if (count == RDNS_LIMIT) return 0;
		size_t end = start;
		while (end < head.length && head.at[end] != ',') end++;
		rdns[count] = (struct ck_text){head.at + start, end - start};
		start = end + 1;
	}
	return count;
}

static bool rdn_value(struct ck_text rdn, const char *attribute, struct ck_text *out)
{
	const char *equals = rdn.length > 0 ? memchr(rdn.at, '=', rdn.length) : NULL;
	if (equals == NULL) return false;
	struct ck_text name = {rdn.at, (size_t)(equals - rdn.at)};
	*out = (struct ck_text){equals + 1, rdn.length - name.length - 1};
	return ck_entry_name_equal(name, attribute);
}

static bool rdn_id(struct ck_text rdn, struct ck_id *out)
{
	struct ck_text value;
	return rdn_value(rdn, "ckId", &value) && ck_id_parse(value, out) == CK_OK && !ck_id_is_zero(*out);
}

static bool rdn_is_ou(struct ck_text rdn, const char *name)
{
	struct ck_text value;
	return rdn_value(rdn, "ou", &value) && ck_entry_name_equal(value, name);
}

static bool place_container(struct ck_text rdn, struct ck_entry_place *place)
{
	static const char *const containers[] = {"staff", "roles", "systems", "rules"};
	for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++) {
		if (rdn_is_ou(rdn, containers[i])) {
			place->container = containers[i];
			return true;
		}
	}
	return false;
}

static bool rdn_is_use(struct ck_text rdn)
{
	struct ck_text value;
	return rdn_value(rdn, "cn", &value) && ck_entry_name_equal(value, "use");
}

static bool place_own(struct ck_text rdn, struct ck_entry_place *place)
{
	struct ck_text value;
	if (rdn_id(rdn, &place->id)) return true;
	if (!rdn_value(rdn, "ckKeyHash", &value) || ck_hex_decode(value, place->hash, sizeof place->hash) != CK_OK) return false;
	place->by_hash = true;
	memcpy(place->id.bytes, place->hash, sizeof place->id.bytes);
	return true;
}

enum ck_error ck_entry_place_of(struct ck_text dn, struct ck_text suffix, struct ck_entry_place *out)
{
	struct ck_text rdns[RDNS_LIMIT];
	struct ck_entry_place place = {0};
	memset(out, 0, sizeof *out);
	size_t count = split(dn, suffix, rdns);
	if (count < 2 || count == 3 || !rdn_is_ou(rdns[count - 1], "authorities")) return CK_ERR_INVALID;
	if (!rdn_id(rdns[count - 2], &place.authority)) return CK_ERR_INVALID;
	if (count == 2) {
		place.id = place.authority;
	} else {
		place.use = count == 6;
		const struct ck_text *own = place.use ? &rdns[1] : rdns;
		if (!place_container(rdns[count - 3], &place) || !place_own(own[0], &place)) return CK_ERR_INVALID;
		if (place.use && (!place.by_hash || !rdn_is_use(rdns[0]))) return CK_ERR_INVALID;
		place.below = count >= 5;
		if (place.below && !rdn_id(own[1], &place.parent)) return CK_ERR_INVALID;
	}
	*out = place;
	return CK_OK;
}

enum ck_error ck_entry_dn(enum ck_kind kind, struct ck_id id, const uint8_t *hash, struct ck_id parent, struct ck_id authority,
                          struct ck_text suffix, char out[CK_DN_LIMIT_BYTES])
{
	char own[2 * CK_HASH_BYTES + 1], above[CK_ID_TEXT_BYTES], owner[CK_ID_TEXT_BYTES], child[160] = "";
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	bool by_hash = kind == CK_KIND_KEY || kind == CK_KIND_KEY_USE;
	out[0] = '\0';
	if (row == NULL || by_hash != (hash != NULL) || suffix.length == 0) return CK_ERR_INVALID;

	if (kind == CK_KIND_AUTHORITY)
		authority = id;
	else if (by_hash)
		snprintf(child, sizeof child, "%sckKeyHash=%s,", kind == CK_KIND_KEY_USE ? "cn=use," : "",
		         ck_hex_encode(hash, CK_HASH_BYTES, own, sizeof own));
	else
		snprintf(child, sizeof child, "ckId=%s,", ck_id_format(id, own));
	if (row->parent != CK_KIND_NONE) {
		size_t used = strlen(child);
		snprintf(child + used, sizeof child - used, "ckId=%s,", ck_id_format(parent, above));
	}
	int length = snprintf(out, CK_DN_LIMIT_BYTES, "%s%s%s%sckId=%s,ou=authorities,%.*s", child, row->container != NULL ? "ou=" : "",
	                      row->container != NULL ? row->container : "", row->container != NULL ? "," : "", ck_id_format(authority, owner),
	                      (int)(suffix.length < CK_DN_LIMIT_BYTES ? suffix.length : CK_DN_LIMIT_BYTES), suffix.at);
	if (length < 0 || length >= CK_DN_LIMIT_BYTES) {
		out[0] = '\0';
		return CK_ERR_LIMIT;
	}
	return CK_OK;
}

enum ck_error ck_entry_password_dn(struct ck_id staff, struct ck_id authority, struct ck_text suffix, char out[CK_DN_LIMIT_BYTES])
{
	char person[CK_DN_LIMIT_BYTES];
	out[0] = '\0';
	enum ck_error error = ck_entry_dn(CK_KIND_STAFF, staff, NULL, staff, authority, suffix, person);
	if (error != CK_OK) return error;
	if (snprintf(out, CK_DN_LIMIT_BYTES, "cn=" CK_ENTRY_PASSWORD_NAME ",%s", person) < CK_DN_LIMIT_BYTES) return CK_OK;
	out[0] = '\0';
	return CK_ERR_LIMIT;
}

enum ck_error ck_entry_plan_dn(struct ck_id plan, struct ck_id authority, struct ck_text suffix, char out[CK_DN_LIMIT_BYTES])
{
	char owner[CK_DN_LIMIT_BYTES], own[CK_ID_TEXT_BYTES];
	out[0] = '\0';
	enum ck_error error = ck_entry_dn(CK_KIND_AUTHORITY, authority, NULL, authority, authority, suffix, owner);
	if (error != CK_OK) return error;
	if (snprintf(out, CK_DN_LIMIT_BYTES, "ckId=%s,%s", ck_id_format(plan, own), owner) < CK_DN_LIMIT_BYTES) return CK_OK;
	out[0] = '\0';
	return CK_ERR_LIMIT;
}
