/* Frames: a 32-bit big-endian length, then that many bytes of one CBOR map. The same on the client socket, between the daemon's
   processes and towards crosskeys-token. libc only. */
#ifndef CK_PROTOCOL_FRAME_H
#define CK_PROTOCOL_FRAME_H

#include "authd/protocol/cbor.h"

#define CK_FRAME_HEAD_BYTES 4
#define CK_FRAME_LIMIT_BYTES 65536 /* of the map; holds a change of 64 entries; a client that announces more is cut off */

/* Where a frame is put together: begin writes room for the head, end fills it in; CK_ERR_LIMIT if it did not fit.
   struct ck_frame_out f; ck_frame_begin(&f, bytes, sizeof bytes); ck_field_…(&f.map, …); ck_frame_end(&f, &length). */
struct ck_frame_out {
	struct ck_writer w;
	struct ck_map_writer map;
};
void ck_frame_begin(struct ck_frame_out *f, uint8_t *bytes, size_t limit_bytes);
CK_MUST_USE enum ck_error ck_frame_end(struct ck_frame_out *f, size_t *out_length);

/* Looks for one whole frame at the start of `bytes`. CK_OK: *out_map_bytes is its map, *out_used what to drop. CK_ERR_NOT_FOUND: not
   whole yet, *out_used is how many bytes the whole one needs (at least 4). CK_ERR_LIMIT: longer than CK_FRAME_LIMIT_BYTES or empty. */
CK_MUST_USE enum ck_error ck_frame_find(struct ck_bytes bytes, struct ck_bytes *out_map_bytes, size_t *out_used);

#endif
