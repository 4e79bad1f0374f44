/* Messages between processes that fit on the stack: put together and sent in one go. */
#include "authd/channel.h"

struct ck_map_writer *ck_message_begin(struct ck_message_out *out, enum ck_message type)
{
	ck_frame_begin(&out->frame, out->bytes, sizeof out->bytes);
	ck_field_uint(&out->frame.map, CK_F_TYPE, type);
	return &out->frame.map;
}

void ck_channel_send_message(struct ck_channel *channel, struct ck_message_out *message)
{
	size_t length;
	CK_ASSERT(ck_frame_end(&message->frame, &length) == CK_OK);
	if (channel != NULL) ck_channel_send(channel, message->bytes, length, -1);
}
