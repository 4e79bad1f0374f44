/* What a client says to the token helper, on a machine without any key: it ends, whatever was asked, and hands out no assertion. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/protocol/frame.h"
#include "authd/protocol/message.h"
#include "pam_module/token_device.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

/* Where a thread seems to hang, the helper ends its process; here a machine that is busy otherwise is waited for. */
bool __real_ck_token_board_close(struct ck_token_board *board);
bool __wrap_ck_token_board_close(struct ck_token_board *board);
bool __wrap_ck_token_board_close(struct ck_token_board *board)
{
	while (!__real_ck_token_board_close(board)) {}
	return true;
}

static int list(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	(void)names;
	(void)context;
	return 0;
}

static fido_dev_t *open_none(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context)
{
	(void)name;
	(void)limit_ms;
	(void)context;
	*out_opening = CK_TOKEN_NOT_OPENED;
	return NULL;
}

static void check_said(int fd)
{
	static uint8_t bytes[32768];
	struct ck_map map;
	struct ck_bytes left = { bytes, 0 }, encoded;
	ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (got > 0) left.length = (size_t)got;
	for (size_t used; ck_frame_find(left, &encoded, &used) == CK_OK; left.at += used, left.length -= used) {
		if (ck_map_parse(encoded, &map) != CK_OK && fuzz_failing) return; /* what a send that failed half way left, and what came after */
		if (ck_map_parse(encoded, &map) != CK_OK) abort();
		if (map.at[CK_F_TYPE].number != CK_TOKEN_SAY && map.at[CK_F_TYPE].number != CK_TOKEN_FAILED) abort();
	}
	if (left.length > 0 && !fuzz_failing) abort();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	const struct ck_token_source source = { .list = list, .open = open_none, .patience_ms = 1 };
	int pair[2];
	ck_faults_spare_clock();
	ck_faults_pass();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
	(void)!send(pair[1], data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(pair[1], SHUT_WR);
	ck_faults_back();
	int code = ck_token_run(pair[0], &source);
	if (code != 1 && code != 2) abort();
	close(pair[0]);
	ck_faults_pass();
	check_said(pair[1]);
	ck_faults_back();
	close(pair[1]);
}
