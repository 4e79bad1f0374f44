/* The entry of an account on the wire. */
#include "authd/protocol/account.h"

#include "authd/protocol/message.h"

void ck_account_entry_put(struct ck_map_writer *m, const struct ck_account_entry *entry)
{
	ck_field_text(m, CK_F_USER, entry->name);
	ck_field_uint(m, CK_F_UID_NUMBER, entry->uid_number);
	ck_field_uint(m, CK_F_GID_NUMBER, entry->gid_number);
	ck_field_key(m, CK_F_PATHS);
	ck_cbor_put_array(m->w, 2);
	ck_cbor_put_text(m->w, entry->home);
	ck_cbor_put_text(m->w, entry->shell);
}

/* [a-z][a-z0-9_-]{1,31} */
static bool is_name(struct ck_text name)
{
	if (name.length < 2 || name.length > CK_ACCOUNT_NAME_LIMIT_BYTES || name.at[0] < 'a' || name.at[0] > 'z') return false;
	for (size_t i = 1; i < name.length; i++) {
		char c = name.at[i];
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-') return false;
	}
	return true;
}

/* Absolute, and nothing in it that ends a field or a line of passwd(5). */
static bool is_path(struct ck_text path)
{
	if (path.length == 0 || path.length > CK_ACCOUNT_PATH_LIMIT_BYTES || path.at[0] != '/') return false;
	for (size_t i = 0; i < path.length; i++)
		if ((unsigned char)path.at[i] < 0x20 || path.at[i] == 0x7f || path.at[i] == ':') return false;
	return true;
}

static bool next_path(struct ck_items *items, struct ck_text *out)
{
	struct ck_item item;
	if (!ck_items_next(items, &item) || item.type != CK_CBOR_TEXT) return false;
	*out = (struct ck_text){ (const char *)item.span.at, item.span.length };
	return is_path(*out);
}

static bool read_paths(const struct ck_map *reply, struct ck_account_entry *out)
{
	struct ck_items items;
	return ck_map_array(reply, CK_F_PATHS, 2, &items) == CK_OK && reply->at[CK_F_PATHS].number == 2 && next_path(&items, &out->home) &&
	       next_path(&items, &out->shell);
}

enum ck_error ck_account_entry_read(const struct ck_map *reply, struct ck_text name, uint64_t number, struct ck_account_entry *out)
{
	bool fine = ck_map_text(reply, CK_F_USER, CK_ACCOUNT_NAME_LIMIT_BYTES, &out->name) == CK_OK && is_name(out->name) &&
	            ck_map_uint(reply, CK_F_UID_NUMBER, CK_ACCOUNT_NUMBER_FIRST, CK_ACCOUNT_NUMBER_LAST, &out->uid_number) == CK_OK &&
	            ck_map_uint(reply, CK_F_GID_NUMBER, CK_ACCOUNT_NUMBER_FIRST, CK_ACCOUNT_NUMBER_LAST, &out->gid_number) == CK_OK &&
	            read_paths(reply, out) && (name.at != NULL ? ck_text_equal(out->name, name) : out->uid_number == number);
	return fine ? CK_OK : CK_ERR_INVALID;
}
