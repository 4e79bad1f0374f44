/* The codec, frames, statements and the client's trust in a socket. One right form, then each wrong one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/statement.h"
#include "directory/base/clock.h"
#include "tests/unit/suite.h"

static enum ck_error check(const char *bytes, size_t length)
{
	return ck_cbor_check((struct ck_bytes){ (const uint8_t *)bytes, length });
}
#define WRONG(s) ck_assert_msg(check(s, sizeof(s) - 1) != CK_OK, "accepted: %s", #s)
#define RIGHT(s) ck_assert_msg(check(s, sizeof(s) - 1) == CK_OK, "refused: %s", #s)

START_TEST(cbor_takes_only_the_shortest_forms)
{
	RIGHT("\x17");
	RIGHT("\x18\x18");
	WRONG("\x18\x17");
	RIGHT("\x19\x01\x00");
	WRONG("\x19\x00\xff");
	RIGHT("\x1a\x00\x01\x00\x00");
	WRONG("\x1a\x00\x00\xff\xff");
	RIGHT("\x1b\x00\x00\x00\x01\x00\x00\x00\x00");
	WRONG("\x1b\x00\x00\x00\x00\xff\xff\xff\xff");
	WRONG("\x1c");
	WRONG("\x18");
	WRONG("");
	WRONG("\x00\x00");
}
END_TEST

START_TEST(cbor_has_no_other_types)
{
	RIGHT("\xf4");
	RIGHT("\xf5");
	WRONG("\xf6");             /* null */
	WRONG("\xf7");             /* undefined */
	WRONG("\xf8\x20");         /* other simple values */
	WRONG("\xf9\x00\x00");     /* floats */
	WRONG("\xfb\x00\x00\x00\x00\x00\x00\x00\x00");
	WRONG("\xc0\x00");         /* tags */
	WRONG("\x5f\x41\x00\xff"); /* indefinite lengths */
	WRONG("\x9f\xff");
	WRONG("\xbf\xff");
	RIGHT("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff");
	WRONG("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"); /* below INT64_MIN */
}
END_TEST

START_TEST(cbor_maps_are_ascending_by_small_integers)
{
	RIGHT("\xa2\x00\x00\x01\x00");
	WRONG("\xa2\x01\x00\x00\x00"); /* descending */
	WRONG("\xa2\x01\x00\x01\x00"); /* twice */
	WRONG("\xa1\x20\x00");         /* negative key */
	WRONG("\xa1\x61\x61\x00");     /* text key */
	RIGHT("\xa1\x18\x5f\x00");
	WRONG("\xa1\x18\x60\x00");     /* past the limit */
	WRONG("\xa1\x00");             /* value missing */
	WRONG("\xb8\x61");             /* more pairs than keys exist */
}
END_TEST

START_TEST(keys_past_the_64th_are_known_apart)
{
	/* {1: 0, 64: 1, 95: 2} */
	static const uint8_t bytes[] = "\xa3\x01\x00\x18\x40\x01\x18\x5f\x02";
	struct ck_map map;
	uint64_t number = 0;
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes, sizeof bytes - 1 }, &map), CK_OK);
	ck_assert_int_eq(ck_map_uint(&map, 95, 0, 9, &number), CK_OK);
	ck_assert_uint_eq(number, 2);
	ck_assert_int_eq(ck_map_uint(&map, 31, 0, 9, &number), CK_ERR_NOT_FOUND); /* 95 - 64 */
	ck_assert_int_eq(ck_map_uint(&map, 0, 0, 9, &number), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(1) | CK_KEY(64), CK_KEY(95)), CK_OK);
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(1) | CK_KEY(64), CK_KEY(31)), CK_ERR_INVALID);
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(1) | CK_KEY(65), CK_KEY(64) | CK_KEY(95)), CK_ERR_INVALID);
	ck_keys left = map.present;
	ck_assert_uint_eq(ck_keys_take(&left), 1);
	ck_assert_uint_eq(ck_keys_take(&left), 64);
	ck_assert_uint_eq(ck_keys_take(&left), 95);
	ck_assert(left == 0);
}
END_TEST

START_TEST(cbor_is_bounded)
{
	RIGHT("\x81\x81\x81\x81\x00");
	WRONG("\x81\x81\x81\x81\x80"); /* depth 5 */
	WRONG("\x9a\xff\xff\xff\xff");
	WRONG("\x5a\xff\xff\xff\xff\x00");
	WRONG("\x62\xc3\x28");         /* not UTF-8 */
	WRONG("\x61\x00");             /* NUL in text */
	RIGHT("\x41\x00");
	WRONG("\x43\x00\x00");
}
END_TEST

START_TEST(map_getters_check_type_and_range)
{
	/* {0: 5, 1: "ab", 2: h'0102', 3: true, 4: -3, 5: [1, 2]} */
	static const uint8_t bytes[] = "\xa6\x00\x05\x01\x62" "ab\x02\x42\x01\x02\x03\xf5\x04\x22\x05\x82\x01\x02";
	struct ck_map map;
	uint64_t number = 0;
	int64_t signed_number = 0;
	bool truth = false;
	struct ck_text text;
	struct ck_bytes span;
	struct ck_items items;
	struct ck_item item;
	char copy[3];
	uint8_t fixed[2];
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes, sizeof bytes - 1 }, &map), CK_OK);
	ck_assert_int_eq(ck_map_uint(&map, 0, 0, 5, &number), CK_OK);
	ck_assert_int_eq(ck_map_uint(&map, 0, 0, 4, &number), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_uint(&map, 1, 0, 4, &number), CK_ERR_INVALID);
	ck_assert_int_eq(ck_map_uint(&map, 9, 0, 4, &number), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_map_int(&map, 4, &signed_number), CK_OK);
	ck_assert_int_eq(signed_number, -3);
	ck_assert_int_eq(ck_map_bool(&map, 3, &truth), CK_OK);
	ck_assert(truth);
	ck_assert_int_eq(ck_map_bool(&map, 0, &truth), CK_ERR_INVALID);
	ck_assert_int_eq(ck_map_text(&map, 1, 2, &text), CK_OK);
	ck_assert_int_eq(ck_map_text(&map, 1, 1, &text), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_text(&map, 2, 9, &text), CK_ERR_INVALID);
	ck_assert_int_eq(ck_map_string(&map, 1, copy, sizeof copy), CK_OK);
	ck_assert_int_eq(ck_map_string(&map, 1, copy, 2), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_bytes(&map, 2, 1, 2, &span), CK_OK);
	ck_assert_int_eq(ck_map_bytes(&map, 2, 3, 9, &span), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_fixed(&map, 2, fixed, 2), CK_OK);
	ck_assert_int_eq(ck_map_fixed(&map, 2, fixed, 1), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_array(&map, 5, 1, &items), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_map_array(&map, 5, 2, &items), CK_OK);
	ck_assert(ck_items_next(&items, &item) && item.number == 1);
	ck_assert(ck_items_next(&items, &item) && item.number == 2);
	ck_assert(!ck_items_next(&items, &item));
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(0), 62), CK_OK);
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(0), 30), CK_ERR_INVALID);
	ck_assert_int_eq(ck_map_expect(&map, CK_KEY(6), 63), CK_ERR_INVALID);
}
END_TEST

START_TEST(frames_are_found_whole_or_not)
{
	uint8_t bytes[64];
	struct ck_frame_out frame;
	struct ck_bytes map_bytes;
	size_t length = 0, used = 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, 0, 1);
	ck_field_string(&frame.map, 2, "ann");
	ck_assert_int_eq(ck_frame_end(&frame, &length), CK_OK);
	for (size_t have = 0; have < length; have++)
		ck_assert_int_eq(ck_frame_find((struct ck_bytes){ bytes, have }, &map_bytes, &used), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_frame_find((struct ck_bytes){ bytes, sizeof bytes }, &map_bytes, &used), CK_OK);
	ck_assert_uint_eq(used, length);
	ck_assert_int_eq(ck_frame_find((struct ck_bytes){ (const uint8_t *)"\0\0\0\0", 4 }, &map_bytes, &used), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_frame_find((struct ck_bytes){ (const uint8_t *)"\0\1\0\1", 4 }, &map_bytes, &used), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_frame_find((struct ck_bytes){ (const uint8_t *)"\0\1\0\0", 4 }, &map_bytes, &used), CK_ERR_NOT_FOUND);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, 3, 1);
	ck_field_uint(&frame.map, 2, 1); /* not ascending */
	ck_assert_int_eq(ck_frame_end(&frame, &length), CK_ERR_LIMIT);
	ck_frame_begin(&frame, bytes, 8);
	ck_field_string(&frame.map, 2, "longer than eight bytes");
	ck_assert_int_eq(ck_frame_end(&frame, &length), CK_ERR_LIMIT);
}
END_TEST

START_TEST(statements_come_back_as_they_went)
{
	uint8_t bytes[CK_CHANGE_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	uint8_t target[32] = { 1 }, parent[16] = { 2 };
	struct ck_change_statement statement = { .operation = ck_text_of("key.add"), .target = { target, 32 }, .parent = { parent, 16 },
		                                 .csn = ck_text_of("") }, back;
	ck_assert_int_eq(ck_change_statement_encode(&statement, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_change_statement_decode((struct ck_bytes){ bytes, length }, &back), CK_OK);
	ck_assert(ck_text_is(back.operation, "key.add") && back.target.length == 32 && back.parent.length == 16 && back.csn.length == 0);
	for (size_t cut = 0; cut < length; cut++)
		ck_assert_int_ne(ck_change_statement_decode((struct ck_bytes){ bytes, cut }, &back), CK_OK);
	statement.target.length = 17;
	ck_assert_int_eq(ck_change_statement_encode(&statement, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_ne(ck_change_statement_decode((struct ck_bytes){ bytes, length }, &back), CK_OK);
}
END_TEST

START_TEST(values_come_back_as_they_went)
{
	static struct ck_change_value in[2], out[CK_CHANGE_VALUES_LIMIT];
	uint8_t bytes[256];
	size_t length = 0, count = 0;
	in[0] = (struct ck_change_value){ .attribute = ck_text_of("cn"), .values = { { (const uint8_t *)"Ann", 3 } }, .count = 1 };
	in[1] = (struct ck_change_value){ .attribute = ck_text_of("title"), .count = 0 };
	ck_assert_int_eq(ck_change_values_encode(in, 2, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_change_values_decode((struct ck_bytes){ bytes, length }, out, &count), CK_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(ck_text_is(out[0].attribute, "cn") && out[0].count == 1 && out[1].count == 0);
	static const char *const wrong[] = { "\x00", "\x81\x81\x62" "cn", "\x81\x82\x42" "cn\x80", "\x81\x82\x62" "cn\x81\x61" "A", "\x81\x82\x60\x80" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_int_ne(ck_change_values_decode((struct ck_bytes){ (const uint8_t *)wrong[i], strlen(wrong[i]) + (i == 0) }, out, &count), CK_OK);
}
END_TEST

START_TEST(login_statement_is_the_documented_bytes)
{
	struct ck_login_statement s = { .system = ck_text_of("s"), .user = ck_text_of("u"), .account = ck_text_of("a"), .service = ck_text_of("v"),
		                        .time_s = 1 };
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	ck_assert_int_eq(ck_login_statement_encode(&s, bytes, sizeof bytes, &length), CK_OK);
	static const uint8_t begin[] = "\xa8\x01\x61s\x02\x61u\x03\x61" "a\x04\x61v\x05\x60\x06\x60\x07\x58\x20";
	ck_assert_uint_eq(length, sizeof begin - 1 + 32 + 2);
	ck_assert_mem_eq(bytes, begin, sizeof begin - 1);
	ck_assert_uint_eq(bytes[length - 2], 8);
	ck_assert_uint_eq(bytes[length - 1], 1);
}
END_TEST

/* ---- the client ---- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

START_TEST(client_trusts_only_roots_paths)
{
	if (geteuid() != 0) return;
	char directory[] = "/run/ck-unit.XXXXXX", path[64];
	struct ck_client client;
	struct ck_errmsg err;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/s", directory);
	int listener = listen_at(path);
	int64_t deadline_ms = ck_clock_monotonic_ms() + 1000;
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(ck_client_connect(&client, path, deadline_ms, &err), CK_OK);
	ck_client_close(&client);
	ck_assert_int_eq(chmod(directory, 0777), 0);
	ck_assert_int_eq(ck_client_connect(&client, path, deadline_ms, &err), CK_ERR_DENIED);
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(chown(directory, 12345, 0), 0);
	ck_assert_int_eq(ck_client_connect(&client, path, deadline_ms, &err), CK_ERR_DENIED);
	ck_assert_int_eq(chown(directory, 0, 0), 0);
	ck_assert_int_eq(lchown(path, 12345, 0), 0);
	ck_assert_int_eq(ck_client_connect(&client, path, deadline_ms, &err), CK_ERR_DENIED);
	ck_assert_int_eq(ck_client_connect(&client, "relative", deadline_ms, &err), CK_ERR_INVALID);
	ck_assert_int_eq(client.fd, -1);
	close(listener);
	unlink(path);
	ck_assert_int_eq(ck_client_connect(&client, path, deadline_ms, &err), CK_ERR_UNAVAILABLE);
	rmdir(directory);
}
END_TEST

START_TEST(client_refuses_a_listener_that_is_not_root)
{
	if (geteuid() != 0) return;
	char directory[] = "/run/ck-unit.XXXXXX", path[64];
	struct ck_client client;
	int ready[2], done[2];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	snprintf(path, sizeof path, "%s/s", directory);
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(done), 0);
	/* the socket file is root's, as if bound by root; another uid listens */
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	pid_t child = fork();
	if (child == 0) {
		char byte = 0;
		if (setresgid(12345, 12345, 12345) != 0 || setresuid(12345, 12345, 12345) != 0 || listen(fd, 1) != 0) _exit(1);
		if (write(ready[1], "r", 1) != 1) _exit(1);
		_exit(read(done[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(fd);
	char byte;
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(ck_client_connect(&client, path, ck_clock_monotonic_ms() + 1000, NULL), CK_ERR_DENIED);
	ck_assert_int_eq(write(done[1], "d", 1), 1);
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	unlink(path);
	rmdir(directory);
}
END_TEST

START_TEST(client_reads_frame_by_frame)
{
	int pair[2];
	struct ck_client client;
	struct ck_map map;
	uint64_t number = 0;
	int64_t deadline_ms = ck_clock_monotonic_ms() + 1000;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(ck_client_adopt(&client, pair[0]), CK_OK);
	static const uint8_t two[] = "\0\0\0\3\xa1\0\1\0\0\0\3\xa1\0\2";
	ck_assert_int_eq(write(pair[1], two, sizeof two - 1), (int)sizeof two - 1);
	for (uint64_t want = 1; want <= 2; want++) {
		ck_assert_int_eq(ck_client_receive(&client, &map, deadline_ms, -1), CK_OK);
		ck_assert_int_eq(ck_map_uint(&map, 0, 0, 9, &number), CK_OK);
		ck_assert_uint_eq(number, want);
	}
	ck_assert_int_eq(ck_client_receive(&client, &map, ck_clock_monotonic_ms() + 30, -1), CK_ERR_TIMEOUT);
	ck_assert_int_eq(write(pair[1], "\0\0\0\3\xa1\0", 6), 6); /* half a frame */
	ck_assert_int_eq(ck_client_receive(&client, &map, ck_clock_monotonic_ms() + 30, -1), CK_ERR_TIMEOUT);
	ck_assert_int_eq(write(pair[1], "\xf6", 1), 1); /* null is no value of ours */
	ck_assert_int_eq(ck_client_receive(&client, &map, deadline_ms, -1), CK_ERR_INVALID);
	close(pair[1]);
	ck_client_close(&client);
	ck_assert_int_eq(client.fd, -1);
}
END_TEST

START_TEST(client_takes_one_descriptor)
{
	int pair[2];
	struct ck_client left, right;
	struct ck_map map;
	int64_t deadline_ms = ck_clock_monotonic_ms() + 1000;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(ck_client_adopt(&left, pair[0]), CK_OK);
	ck_assert_int_eq(ck_client_adopt(&right, pair[1]), CK_OK);
	ck_assert_int_eq(ck_client_send(&left, (const uint8_t *)"\0\0\0\3\xa1\0\1", 7, STDIN_FILENO, deadline_ms), CK_OK);
	ck_assert_int_eq(ck_client_receive(&right, &map, deadline_ms, -1), CK_OK);
	ck_assert_int_ge(right.passed_fd, 0);
	ck_client_close(&right);
	ck_assert_int_eq(ck_client_send(&left, (const uint8_t *)"\0\0\0\3\xa1\0\1", 7, -1, deadline_ms), CK_ERR_UNAVAILABLE);
	ck_client_close(&left);
}
END_TEST

/* A pair is root's if root made it; a connection to a socket with a name, and a listener's own end, is not, whoever runs it. */
START_TEST(client_tells_roots_pair)
{
	char path[] = "/tmp/ck-pair-XXXXXX";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(ck_client_is_roots_pair(pair[0]) == (getuid() == 0));
	close(pair[0]);
	close(pair[1]);
	ck_assert(!ck_client_is_roots_pair(-1));
	ck_assert(!ck_client_is_roots_pair(STDIN_FILENO));

	ck_assert_ptr_nonnull(mkdtemp(path));
	(void)snprintf(name.sun_path, sizeof name.sun_path, "%s/s", path);
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&name, sizeof name), 0);
	ck_assert_int_eq(listen(listening, 1), 0);
	ck_assert_int_eq(connect(caller, (struct sockaddr *)&name, sizeof name), 0);
	ck_assert(!ck_client_is_roots_pair(caller));
	close(caller);
	close(listening);
	unlink(name.sun_path);
	rmdir(path);
	if (getuid() != 0) return;
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) { /* as a taken gate */
		bool refused = setgid(65534) == 0 && setuid(65534) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && !ck_client_is_roots_pair(pair[0]);
		_exit(refused ? 0 : 1);
	}
	int status = -1;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protocol");
	TCase *all = tcase_create("all");
	tcase_add_test(all, cbor_takes_only_the_shortest_forms);
	tcase_add_test(all, cbor_has_no_other_types);
	tcase_add_test(all, cbor_maps_are_ascending_by_small_integers);
	tcase_add_test(all, keys_past_the_64th_are_known_apart);
	tcase_add_test(all, cbor_is_bounded);
	tcase_add_test(all, map_getters_check_type_and_range);
	tcase_add_test(all, frames_are_found_whole_or_not);
	tcase_add_test(all, statements_come_back_as_they_went);
	tcase_add_test(all, values_come_back_as_they_went);
	tcase_add_test(all, login_statement_is_the_documented_bytes);
	tcase_add_test(all, client_trusts_only_roots_paths);
	tcase_add_test(all, client_refuses_a_listener_that_is_not_root);
	tcase_add_test(all, client_reads_frame_by_frame);
	tcase_add_test(all, client_takes_one_descriptor);
	tcase_add_test(all, client_tells_roots_pair);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
