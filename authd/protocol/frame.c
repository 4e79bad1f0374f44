/* Frames: found at the start of a buffer that bytes from anybody were read into. */
#include "authd/protocol/frame.h"

void ck_frame_begin(struct ck_frame_out *f, uint8_t *bytes, size_t limit_bytes)
{
	ck_writer_init(&f->w, bytes, limit_bytes);
	ck_put_u32be(&f->w, 0);
	ck_map_begin(&f->map, &f->w);
}

enum ck_error ck_frame_end(struct ck_frame_out *f, size_t *out_length)
{
	ck_map_end(&f->map);
	size_t length = ck_writer_length(&f->w);
	*out_length = 0;
	if (f->w.failed || length - CK_FRAME_HEAD_BYTES > CK_FRAME_LIMIT_BYTES) return CK_ERR_LIMIT;
	struct ck_writer head;
	ck_writer_init(&head, f->w.start, CK_FRAME_HEAD_BYTES);
	ck_put_u32be(&head, (uint32_t)(length - CK_FRAME_HEAD_BYTES));
	*out_length = length;
	return CK_OK;
}

enum ck_error ck_frame_find(struct ck_bytes bytes, struct ck_bytes *out_map_bytes, size_t *out_used)
{
	struct ck_reader r;
	*out_map_bytes = (struct ck_bytes){ NULL, 0 };
	*out_used = CK_FRAME_HEAD_BYTES;
	if (bytes.length < CK_FRAME_HEAD_BYTES) return CK_ERR_NOT_FOUND;
	ck_reader_init(&r, bytes.at, bytes.length);
	size_t length = ck_get_u32be(&r);
	if (length == 0 || length > CK_FRAME_LIMIT_BYTES) return CK_ERR_LIMIT;
	*out_used = CK_FRAME_HEAD_BYTES + length;
	if (ck_reader_left(&r) < length) return CK_ERR_NOT_FOUND;
	*out_map_bytes = (struct ck_bytes){ r.at, length };
	return CK_OK;
}
