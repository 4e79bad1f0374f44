/* This machine's own devices: which report descriptor is a FIDO key's, and why one cannot be opened. That a real one is found and opened is
   shown in a guest machine. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pam_module/token_helper.h"
#include "tests/unit/suite.h"

static const struct {
	const char *what;
	uint8_t bytes[64];
	size_t length;
	bool fido;
} descriptors[] = {
	{"a key as they come", {0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81,
	                        0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0}, 34, true},
	{"the page in four bytes", {0x07, 0xd0, 0xf1, 0x00, 0x00, 0x09, 0x01}, 7, true},
	{"after another collection", {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0, 0x06, 0xd0, 0xf1, 0x09, 0x01}, 12, true},
	{"a keyboard", {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0xc0}, 17, false},
	{"a maximum of that value", {0x26, 0xd0, 0xf1, 0x09, 0x01}, 5, false},
	{"the bytes inside an item", {0x27, 0x06, 0xd0, 0xf1, 0x00}, 5, false},
	{"the other way round", {0x06, 0xf1, 0xd0}, 3, false},
	{"more in the high bytes", {0x07, 0xd0, 0xf1, 0x01, 0x00}, 5, false},
	{"cut", {0x06, 0xd0}, 2, false},
	{"cut in another item", {0x27, 0x00, 0x06, 0xd0}, 4, false},
	{"behind a long item", {0xfe, 0x01, 0x00, 0x00, 0x06, 0xd0, 0xf1}, 7, false},
	{"nothing", {0}, 0, false},
};

START_TEST(descriptor)
{
	ck_assert_msg(ck_token_hid_is_fido(descriptors[_i].bytes, descriptors[_i].length) == descriptors[_i].fido, "%s", descriptors[_i].what);
}
END_TEST

START_TEST(listed)
{
	static char names[CK_TOKEN_DEVICES_LIMIT][256];
	int count = ck_token_hid_list(names, NULL);
	ck_assert_int_ge(count, 0);
	for (int i = 0; i < count; i++) ck_assert_int_eq(access(names[i], F_OK), 0);
}
END_TEST

START_TEST(not_there)
{
	enum ck_token_opening opening = CK_TOKEN_OPENED;
	ck_assert_ptr_null(ck_token_hid_open("/dev/there-is-no-such-key", 100, &opening, NULL));
	ck_assert_int_eq(opening, CK_TOKEN_NOT_OPENED);
}
END_TEST

START_TEST(held)
{
	/* at once: libfido2 alone would wait for twenty seconds and more */
	char path[] = "/tmp/ck-hid-XXXXXX";
	int fd = mkstemp(path);
	enum ck_token_opening opening = CK_TOKEN_OPENED;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_ptr_null(ck_token_hid_open(path, 100, &opening, NULL));
	ck_assert_int_eq(opening, CK_TOKEN_IN_USE);
	close(fd);
	ck_assert_ptr_null(ck_token_hid_open(path, 100, &opening, NULL)); /* free, and no key */
	ck_assert_int_eq(opening, CK_TOKEN_NOT_OPENED);
	unlink(path);
}
END_TEST

START_TEST(forbidden)
{
	char path[] = "/tmp/ck-hid-XXXXXX";
	int fd = mkstemp(path);
	enum ck_token_opening opening = CK_TOKEN_OPENED;
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(chmod(path, 0), 0);
	pid_t child = fork();
	if (child == 0) { /* root may open everything */
		if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
		_exit(ck_token_hid_open(path, 100, &opening, NULL) == NULL && opening == CK_TOKEN_NOT_PERMITTED ? 0 : 1);
	}
	int status = 1;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token helper's HID devices");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, descriptor, 0, sizeof descriptors / sizeof descriptors[0]);
	tcase_add_test(tcase, listed);
	tcase_add_test(tcase, not_there);
	tcase_add_test(tcase, held);
	tcase_add_test(tcase, forbidden);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
