/* One account question. */
#include "tests/benchmarks/ask.h"

#include "directory/base/clock.h"

int bench_ask_account(struct ck_client *client, const char *socket_path, const char *uid, const char *service)
{
	struct ck_frame_out frame;
	struct ck_map reply;
	uint8_t bytes[256];
	uint64_t answer = 0;
	size_t length = 0;
	int64_t deadline_ms = ck_clock_monotonic_ms() + 2000;
	if (client->fd < 0 && ck_client_connect(client, socket_path, deadline_ms, NULL) != CK_OK) return 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_ACCOUNT);
	ck_field_string(&frame.map, CK_F_USER, uid);
	ck_field_string(&frame.map, CK_F_ACCOUNT, uid);
	ck_field_string(&frame.map, CK_F_SERVICE, service);
	if (ck_frame_end(&frame, &length) != CK_OK || ck_client_call(client, bytes, length, &reply, deadline_ms) != CK_OK ||
	    ck_map_uint(&reply, CK_F_TYPE, 1, 9, &answer) != CK_OK) {
		ck_client_close(client);
		return 0;
	}
	return (int)answer;
}
