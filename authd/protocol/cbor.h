/* The wire's codec: a strict, bounded, allocation-free subset of deterministic CBOR (RFC 8949 section 4.2.1).
   Items: unsigned and negative integers, byte strings, text strings (UTF-8), arrays, maps, false, true. Map keys are unsigned
   integers, strictly ascending. Shortest forms only, definite lengths only, depth at most CK_CBOR_DEPTH_LIMIT, no tags, floats, null.
   libc only: the PAM and NSS modules carry it into other people's processes. */
#ifndef CK_PROTOCOL_CBOR_H
#define CK_PROTOCOL_CBOR_H

#include "directory/base/buffer.h"

#define CK_CBOR_DEPTH_LIMIT 4 /* nested arrays and maps; the outermost map is depth 1 */
#define CK_CBOR_KEY_LIMIT 95  /* the largest map key; a map's keys fit the mask below, and a map on the stack stays under 5 KiB */

/* ---- writing: into a struct ck_writer; overflow is sticky there ---- */
void ck_cbor_put_uint(struct ck_writer *w, uint64_t value);
void ck_cbor_put_int(struct ck_writer *w, int64_t value);
void ck_cbor_put_bytes(struct ck_writer *w, const void *bytes, size_t length);
void ck_cbor_put_text(struct ck_writer *w, struct ck_text text);
void ck_cbor_put_string(struct ck_writer *w, const char *string);
void ck_cbor_put_bool(struct ck_writer *w, bool value);
void ck_cbor_put_array(struct ck_writer *w, size_t count); /* then that many items */

/* A map of which the number of pairs is not known before: begin, put pairs with the _field calls in ascending key order, end.
   At most 23 pairs (one head byte); misuse sets failed. */
struct ck_map_writer {
	struct ck_writer *w;
	uint8_t *head;
	unsigned pairs;
	int last_key;
};
void ck_map_begin(struct ck_map_writer *m, struct ck_writer *w);
void ck_map_end(struct ck_map_writer *m);
/* Ends the map and says how long all is that was written: CK_ERR_LIMIT and 0 if it did not fit, or was misused. */
CK_MUST_USE enum ck_error ck_map_finish(struct ck_map_writer *m, size_t *out_length);
void ck_field_uint(struct ck_map_writer *m, unsigned key, uint64_t value);
void ck_field_int(struct ck_map_writer *m, unsigned key, int64_t value);
void ck_field_bytes(struct ck_map_writer *m, unsigned key, const void *bytes, size_t length);
void ck_field_text(struct ck_map_writer *m, unsigned key, struct ck_text text); /* the absent text puts nothing */
void ck_field_any_text(struct ck_map_writer *m, unsigned key, struct ck_text text); /* the absent text is the empty one: statements name every field */
void ck_field_string(struct ck_map_writer *m, unsigned key, const char *string); /* NULL puts nothing */
void ck_field_bool(struct ck_map_writer *m, unsigned key, bool value);
void ck_field_key(struct ck_map_writer *m, unsigned key); /* the caller puts the item itself */

/* ---- reading ---- */
enum ck_cbor_type { CK_CBOR_NONE = 0, CK_CBOR_UINT, CK_CBOR_NEGATIVE, CK_CBOR_BYTES, CK_CBOR_TEXT, CK_CBOR_ARRAY, CK_CBOR_MAP, CK_CBOR_BOOL };
struct ck_item {
	enum ck_cbor_type type;
	uint64_t number;        /* uint; bool 0 or 1; of a negative -1 - number; of array and map the count */
	struct ck_bytes span;   /* bytes and text: the content; array and map: the items, encoded */
	struct ck_bytes encoded; /* the whole item with its head */
};

/* Checks all of `bytes`: one item, nothing left over, everything as said above. */
CK_MUST_USE enum ck_error ck_cbor_check(struct ck_bytes bytes);

/* A set of map keys: bit k is key k. gcc and clang have the type, ISO C has not. */
__extension__ typedef unsigned __int128 ck_keys;
#define CK_KEY(k) ((ck_keys)1 << (k))
#define CK_KEYS_1_TO(n) (((ck_keys)2 << (n)) - 2)
/* Takes the lowest key out of a set that is not empty. */
unsigned ck_keys_take(ck_keys *left);

/* A checked map, its items by key. Parsing checks everything inside, nested items too. Borrows from the bytes. */
struct ck_map {
	ck_keys present; /* which keys are there */
	struct ck_item at[CK_CBOR_KEY_LIMIT + 1];
};
CK_MUST_USE enum ck_error ck_map_parse(struct ck_bytes bytes, struct ck_map *out);
/* No keys but these, and all of `required`. */
CK_MUST_USE enum ck_error ck_map_expect(const struct ck_map *map, ck_keys required, ck_keys optional);

/* Absent keys: CK_ERR_NOT_FOUND. Wrong type or out of range: CK_ERR_INVALID / CK_ERR_LIMIT. */
CK_MUST_USE enum ck_error ck_map_uint(const struct ck_map *map, unsigned key, uint64_t min, uint64_t max, uint64_t *out);
CK_MUST_USE enum ck_error ck_map_int(const struct ck_map *map, unsigned key, int64_t *out);
CK_MUST_USE enum ck_error ck_map_bool(const struct ck_map *map, unsigned key, bool *out);
CK_MUST_USE enum ck_error ck_map_text(const struct ck_map *map, unsigned key, size_t limit_bytes, struct ck_text *out);
CK_MUST_USE enum ck_error ck_map_bytes(const struct ck_map *map, unsigned key, size_t min_bytes, size_t limit_bytes, struct ck_bytes *out);
/* Exactly this many bytes, copied. */
CK_MUST_USE enum ck_error ck_map_fixed(const struct ck_map *map, unsigned key, void *out, size_t length);
/* A NUL-terminated copy; no NUL inside. */
CK_MUST_USE enum ck_error ck_map_string(const struct ck_map *map, unsigned key, char *out, size_t out_bytes);

/* What is there and right, else `otherwise`: for fields that only decorate, never for what decides. */
struct ck_text ck_map_text_or(const struct ck_map *map, unsigned key, size_t limit_bytes, struct ck_text otherwise);
bool ck_map_bool_or(const struct ck_map *map, unsigned key, bool otherwise);

/* Walks an array (or the values and keys of a map as they come) that was checked: false at its end. */
struct ck_items {
	struct ck_reader r;
	uint64_t left;
};
CK_MUST_USE enum ck_error ck_map_array(const struct ck_map *map, unsigned key, size_t limit, struct ck_items *out);
CK_MUST_USE enum ck_error ck_items_of(const struct ck_item *array, size_t limit, struct ck_items *out);
bool ck_items_next(struct ck_items *items, struct ck_item *out);

#endif
