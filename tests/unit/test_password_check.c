/* Checking a password by a bind: what goes over the wire, and that nothing but a clear yes is one. The provider is played here, byte by byte;
   tests/system/test_password.sh has the real one. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "directory/ldap/internal.h"
#include "directory/ldap/password.h"
#include "tests/unit/suite.h"

#define DN "cn=password,ckId=1,ou=staff,dc=example"
#define PATIENCE_MS 10000

static char directory[64], uri[256];
static int listener = -1, peer = -1;
static struct ck_password_check *check;
static struct ck_errmsg err;

static void set_up(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(directory, "/tmp/ck-password.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
	snprintf(uri, sizeof uri, "ldapi://%%2Ftmp%%2F%s%%2Fs", strrchr(directory, '/') + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(ck_ldap_prepare(&err), CK_OK);
}

static void tear_down(void)
{
	char path[80];
	ck_password_check_close(&check);
	if (peer >= 0) close(peer);
	close(listener);
	peer = listener = -1;
	snprintf(path, sizeof path, "%s/s", directory);
	unlink(path);
	rmdir(directory);
}

static struct ck_secret secret_of(const char *bytes, size_t length)
{
	struct ck_secret secret = {.length = 0};
	ck_assert_int_eq(ck_secret_set(&secret, bytes, length), CK_OK);
	return secret;
}

static enum ck_error open_check(const char *password, size_t length, const char *wanted)
{
	struct ck_secret old = secret_of(password, length), new = secret_of(wanted != NULL ? wanted : "", wanted != NULL ? strlen(wanted) : 0);
	return ck_password_check_open(&(struct ck_ldap_target){.uri = uri, .fd = -1}, DN, &old, wanted != NULL ? &new : NULL, &check, &err);
}

/* What the provider was sent: one LDAP message. */
static size_t read_request(uint8_t *out, size_t limit_bytes)
{
	if (peer < 0) peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	struct pollfd wait = {.fd = peer, .events = POLLIN};
	ck_assert_int_eq(poll(&wait, 1, PATIENCE_MS), 1);
	ssize_t got = recv(peer, out, limit_bytes, 0);
	ck_assert_int_gt(got, 0);
	return (size_t)got;
}

static void nobody_connected(void) { ck_assert_int_lt(accept(listener, NULL, NULL), 0); }

/* The number that an answer must carry (RFC 4511, 4.1.1). */
static int id_of(const uint8_t *request, size_t length)
{
	struct berval bytes = {length, (char *)(uintptr_t)request};
	ber_int_t id = -1;
	BerElement *ber = ber_init(&bytes);
	ck_assert_ptr_nonnull(ber);
	ck_assert(ber_scanf(ber, "{i", &id) != LBER_ERROR);
	ber_free(ber, 1);
	return id;
}

struct reply {
	int id, code;
	ber_tag_t tag;
	const void *control; /* the value of ppolicy's; NULL: none */
	size_t control_length;
};

static void answer(const struct reply *reply)
{
	struct berval *bytes = NULL, control = {reply->control_length, (char *)(uintptr_t)reply->control};
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	ck_assert(ber_printf(ber, "{it{ess}", reply->id, reply->tag, reply->code, "", "") >= 0);
	if (reply->control != NULL)
		ck_assert(ber_printf(ber, "t{{sO}}", (ber_tag_t)LDAP_TAG_CONTROLS, LDAP_CONTROL_PASSWORDPOLICYRESPONSE, &control) >= 0);
	ck_assert(ber_printf(ber, "}") >= 0);
	ck_assert_int_eq(ber_flatten(ber, &bytes), 0);
	ck_assert_int_eq(send(peer, bytes->bv_val, bytes->bv_len, MSG_NOSIGNAL), (ssize_t)bytes->bv_len);
	ber_bvfree(bytes);
	ber_free(ber, 1);
}

/* Steps until it is over. */
static enum ck_password_outcome ended(struct ck_password_answer *out)
{
	struct pollfd wait = {.fd = ck_password_check_fd(check), .events = POLLIN};
	while (!ck_password_check_step(check, out)) ck_assert_int_eq(poll(&wait, 1, PATIENCE_MS), 1);
	return out->outcome;
}

static enum ck_password_outcome bind_answered(int code, const void *control, size_t length)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("correct horse", 13, NULL), CK_OK);
	size_t got = read_request(request, sizeof request);
	answer(&(struct reply){id_of(request, got), code, LDAP_RES_BIND, control, length});
	enum ck_password_outcome outcome = ended(&out);
	ck_password_check_close(&check);
	close(peer);
	peer = -1;
	return outcome;
}

static bool holds(const uint8_t *bytes, size_t length, const void *part, size_t part_length)
{
	return memmem(bytes, length, part, part_length) != NULL;
}

/* ---- what is sent ---- */

START_TEST(an_empty_password_is_never_sent)
{
	ck_assert_int_eq(open_check("", 0, NULL), CK_ERR_INVALID);
	ck_assert_ptr_null(check);
	nobody_connected();
	ck_assert_int_eq(open_check("old", 3, ""), CK_ERR_INVALID);
	nobody_connected();
	struct ck_secret secret = secret_of("x", 1);
	ck_assert_int_eq(ck_password_check_open(&(struct ck_ldap_target){.uri = uri, .fd = -1}, "", &secret, NULL, &check, &err), CK_ERR_INVALID); /* nor without a name */
	nobody_connected();
}
END_TEST

START_TEST(a_nul_is_never_sent)
{
	ck_assert_int_eq(open_check("abc\0def", 7, NULL), CK_ERR_INVALID);
	nobody_connected();
}
END_TEST

START_TEST(too_long_is_never_sent)
{
	char long_one[CK_SECRET_LIMIT_BYTES + 1];
	struct ck_secret secret = {.length = 0};
	memset(long_one, 'x', sizeof long_one);
	ck_assert_int_eq(ck_secret_set(&secret, long_one, sizeof long_one), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_password_check_open(&(struct ck_ldap_target){.uri = uri, .fd = -1}, DN, &secret, NULL, &check, &err), CK_ERR_INVALID); /* it is empty now */
	secret.length = sizeof long_one;
	ck_assert_int_eq(ck_password_check_open(&(struct ck_ldap_target){.uri = uri, .fd = -1}, DN, &secret, NULL, &check, &err), CK_ERR_INVALID);
	nobody_connected();
}
END_TEST

START_TEST(the_longest_one_goes_whole)
{
	char long_one[CK_SECRET_LIMIT_BYTES];
	uint8_t request[2048];
	memset(long_one, 'y', sizeof long_one);
	ck_assert_int_eq(open_check(long_one, sizeof long_one, NULL), CK_OK);
	size_t got = read_request(request, sizeof request);
	ck_assert(holds(request, got, long_one, sizeof long_one));
	ck_assert(holds(request, got, DN, strlen(DN)));
	ck_assert(holds(request, got, LDAP_CONTROL_PASSWORDPOLICYREQUEST, strlen(LDAP_CONTROL_PASSWORDPOLICYREQUEST)));
}
END_TEST

START_TEST(utf8_goes_as_it_is)
{
	static const char word[] = "gorau awen gwir; \xc5\xb5ylo\xe2\x82\xac\xf0\x9f\x94\x91";
	uint8_t request[2048];
	ck_assert_int_eq(open_check(word, sizeof word - 1, NULL), CK_OK);
	ck_assert(holds(request, read_request(request, sizeof request), word, sizeof word - 1));
}
END_TEST

START_TEST(nothing_in_the_clear_leaves_the_machine)
{
	static const char *const elsewhere[] = {"ldap://127.0.0.1", "ldaps://127.0.0.1", "ldap:///", "http://x", ""};
	struct ck_secret secret = secret_of("correct horse", 13);
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		ck_assert_int_ne(ck_password_check_open(&(struct ck_ldap_target){.uri = elsewhere[i], .fd = -1}, DN, &secret, NULL, &check, &err), CK_OK);
}
END_TEST

START_TEST(no_provider)
{
	close(listener);
	listener = -1;
	ck_assert_int_eq(open_check("correct horse", 13, NULL), CK_ERR_UNAVAILABLE);
}
END_TEST

/* ---- what is answered ---- */

static const uint8_t no_word[] = {0x30, 0};
static const uint8_t locked[] = {0x30, 3, 0x81, 1, 1}, expired[] = {0x30, 3, 0x81, 1, 0}, reset[] = {0x30, 3, 0x81, 1, 2};
static const uint8_t grace_2[] = {0x30, 5, 0xa0, 3, 0x81, 1, 2}, expires[] = {0x30, 6, 0xa0, 4, 0x80, 2, 1, 0};
static const uint8_t expired_grace_0[] = {0x30, 8, 0xa0, 3, 0x81, 1, 0, 0x81, 1, 0};

START_TEST(right_ones)
{
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, NULL, 0), CK_PASSWORD_RIGHT);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, no_word, sizeof no_word), CK_PASSWORD_RIGHT);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, reset, sizeof reset), CK_PASSWORD_MUST_CHANGE);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, grace_2, sizeof grace_2), CK_PASSWORD_GRACE);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, expired_grace_0, sizeof expired_grace_0), CK_PASSWORD_GRACE);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, expires, sizeof expires), CK_PASSWORD_EXPIRING);
}
END_TEST

START_TEST(refused_ones)
{
	ck_assert_int_eq(bind_answered(LDAP_INVALID_CREDENTIALS, NULL, 0), CK_PASSWORD_WRONG);
	ck_assert_int_eq(bind_answered(LDAP_INAPPROPRIATE_AUTH, NULL, 0), CK_PASSWORD_WRONG);
	ck_assert_int_eq(bind_answered(LDAP_INVALID_CREDENTIALS, grace_2, sizeof grace_2), CK_PASSWORD_WRONG);
	ck_assert_int_eq(bind_answered(LDAP_INVALID_CREDENTIALS, reset, sizeof reset), CK_PASSWORD_WRONG);
	ck_assert_int_eq(bind_answered(LDAP_INVALID_CREDENTIALS, locked, sizeof locked), CK_PASSWORD_LOCKED);
	ck_assert_int_eq(bind_answered(LDAP_INVALID_CREDENTIALS, expired, sizeof expired), CK_PASSWORD_EXPIRED);
	/* a policy that says no beside a code that says yes */
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, locked, sizeof locked), CK_PASSWORD_LOCKED);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, expired, sizeof expired), CK_PASSWORD_EXPIRED);
}
END_TEST

START_TEST(every_other_code_is_no_answer)
{
	for (int code = 1; code < 128; code++) {
		if (code == LDAP_INVALID_CREDENTIALS || code == LDAP_INAPPROPRIATE_AUTH) continue;
		ck_assert_int_eq(bind_answered(code, NULL, 0), CK_PASSWORD_UNAVAILABLE);
	}
	ck_assert_int_eq(bind_answered(LDAP_SASL_BIND_IN_PROGRESS, reset, sizeof reset), CK_PASSWORD_UNAVAILABLE);
}
END_TEST

START_TEST(a_control_that_is_none_is_no_answer)
{
	static const uint8_t bad[][4] = {{0x30, 9, 0x81, 1}, {0x04, 2, 1, 1}, {0xff, 0xff, 0xff, 0xff}, {0x30, 2, 0x81, 9}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_int_eq(bind_answered(LDAP_SUCCESS, bad[i], sizeof bad[i]), CK_PASSWORD_UNAVAILABLE);
	static const uint8_t unknown[] = {0x30, 3, 0x81, 1, 77}, modified[] = {0x30, 3, 0x81, 1, 3};
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, unknown, sizeof unknown), CK_PASSWORD_UNAVAILABLE);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, modified, sizeof modified), CK_PASSWORD_UNAVAILABLE);
	ck_assert_int_eq(bind_answered(LDAP_SUCCESS, "", 0), CK_PASSWORD_UNAVAILABLE);
}
END_TEST

START_TEST(somebody_elses_answer_is_none)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("correct horse", 13, NULL), CK_OK);
	size_t got = read_request(request, sizeof request);
	answer(&(struct reply){id_of(request, got) + 1, LDAP_SUCCESS, LDAP_RES_BIND, NULL, 0});
	usleep(1000);
	bool over = ck_password_check_step(check, &out); /* libldap drops it, or hands it over */
	ck_assert_int_eq(out.outcome, CK_PASSWORD_UNAVAILABLE);
	if (over) return;
	close(peer);
	peer = -1;
	ck_assert_int_eq(ended(&out), CK_PASSWORD_UNAVAILABLE);
}
END_TEST

START_TEST(a_provider_that_hangs_up_or_talks_nonsense)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(open_check("correct horse", 13, NULL), CK_OK);
		(void)read_request(request, sizeof request);
		if (i == 1) ck_assert_int_eq(send(peer, "\xff\xff\xff\xff\xff\xff", 6, MSG_NOSIGNAL), 6);
		close(peer);
		peer = -1;
		ck_assert_int_eq(ended(&out), CK_PASSWORD_UNAVAILABLE);
		ck_password_check_close(&check);
	}
}
END_TEST

START_TEST(a_silent_provider_keeps_nobody)
{
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("correct horse", 13, NULL), CK_OK);
	for (int i = 0; i < 100; i++) ck_assert(!ck_password_check_step(check, &out)); /* returns at once */
	ck_assert_int_ne(fcntl(ck_password_check_fd(check), F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

/* ---- changing ---- */

static void bound(uint8_t *request, size_t limit_bytes)
{
	struct ck_password_answer out;
	struct pollfd wait = {.fd = ck_password_check_fd(check), .events = POLLIN};
	size_t got = read_request(request, limit_bytes);
	answer(&(struct reply){id_of(request, got), LDAP_SUCCESS, LDAP_RES_BIND, NULL, 0});
	ck_assert_int_eq(poll(&wait, 1, PATIENCE_MS), 1);
	ck_assert(!ck_password_check_step(check, &out));
}

static enum ck_password_outcome change_answered(int code, const void *control, size_t length)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("the old one", 11, "the new one"), CK_OK);
	bound(request, sizeof request);
	ck_assert(!ck_password_check_changes(check));
	bound(request, sizeof request); /* as the daemon */
	ck_assert(ck_password_check_changes(check));
	size_t got = read_request(request, sizeof request);
	ck_assert(holds(request, got, "the old one", 11) && holds(request, got, "the new one", 11) && holds(request, got, DN, strlen(DN)));
	ck_assert(holds(request, got, LDAP_EXOP_MODIFY_PASSWD, strlen(LDAP_EXOP_MODIFY_PASSWD)));
	answer(&(struct reply){id_of(request, got), code, LDAP_RES_EXTENDED, control, length});
	enum ck_password_outcome outcome = ended(&out);
	ck_password_check_close(&check);
	close(peer);
	peer = -1;
	return outcome;
}

START_TEST(changes)
{
	static const struct {
		uint8_t error;
		enum ck_password_outcome outcome;
	} said[] = {{0, CK_PASSWORD_EXPIRED},    {1, CK_PASSWORD_LOCKED},    {2, CK_PASSWORD_UNAVAILABLE}, {3, CK_PASSWORD_FIXED},
	            {4, CK_PASSWORD_WRONG},      {5, CK_PASSWORD_TOO_SIMPLE}, {6, CK_PASSWORD_TOO_SHORT},   {7, CK_PASSWORD_TOO_YOUNG},
	            {8, CK_PASSWORD_USED_BEFORE}, {9, CK_PASSWORD_TOO_LONG},  {10, CK_PASSWORD_UNAVAILABLE}};
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		const uint8_t control[] = {0x30, 3, 0x81, 1, said[i].error};
		ck_assert_int_eq(change_answered(LDAP_CONSTRAINT_VIOLATION, control, sizeof control), said[i].outcome);
		ck_assert_int_eq(change_answered(LDAP_SUCCESS, control, sizeof control), said[i].outcome);
	}
	ck_assert_int_eq(change_answered(LDAP_SUCCESS, NULL, 0), CK_PASSWORD_CHANGED);
	ck_assert_int_eq(change_answered(LDAP_CONSTRAINT_VIOLATION, NULL, 0), CK_PASSWORD_TOO_SIMPLE);
	ck_assert_int_eq(change_answered(LDAP_UNWILLING_TO_PERFORM, NULL, 0), CK_PASSWORD_WRONG);
	ck_assert_int_eq(change_answered(LDAP_INSUFFICIENT_ACCESS, NULL, 0), CK_PASSWORD_UNAVAILABLE);
}
END_TEST

START_TEST(a_wrong_old_one_changes_nothing)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("the old one", 11, "the new one"), CK_OK);
	size_t got = read_request(request, sizeof request);
	ck_assert(!holds(request, got, "the new one", 11));
	answer(&(struct reply){id_of(request, got), LDAP_INVALID_CREDENTIALS, LDAP_RES_BIND, NULL, 0});
	ck_assert_int_eq(ended(&out), CK_PASSWORD_WRONG);
	ck_assert(!ck_password_check_changes(check));
	ck_assert_int_lt(recv(peer, request, sizeof request, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(who_is_not_the_daemon_changes_nothing)
{
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check("the old one", 11, "the new one"), CK_OK);
	bound(request, sizeof request);
	size_t got = read_request(request, sizeof request);
	answer(&(struct reply){id_of(request, got), LDAP_INVALID_CREDENTIALS, LDAP_RES_BIND, NULL, 0});
	ck_assert_int_eq(ended(&out), CK_PASSWORD_UNAVAILABLE);
	ck_assert(!ck_password_check_changes(check));
}
END_TEST

/* ---- names, and memory ---- */

START_TEST(names_and_what_is_right)
{
	for (int i = CK_PASSWORD_UNAVAILABLE; i <= CK_PASSWORD_FIXED; i++)
		for (int k = CK_PASSWORD_UNAVAILABLE; k < i; k++)
			ck_assert_str_ne(ck_password_outcome_name((enum ck_password_outcome)i), ck_password_outcome_name((enum ck_password_outcome)k));
	ck_assert_str_eq(ck_password_outcome_name((enum ck_password_outcome)99), "unavailable");
	ck_assert(ck_password_is_right(CK_PASSWORD_RIGHT) && ck_password_is_right(CK_PASSWORD_GRACE));
	ck_assert(ck_password_is_right(CK_PASSWORD_EXPIRING) && ck_password_is_right(CK_PASSWORD_MUST_CHANGE));
	for (int i = CK_PASSWORD_UNAVAILABLE; i <= CK_PASSWORD_FIXED; i++)
		if (i < CK_PASSWORD_RIGHT || i > CK_PASSWORD_MUST_CHANGE) ck_assert(!ck_password_is_right((enum ck_password_outcome)i));
}
END_TEST

/* Every readable byte of this process that libldap could have left it in. */
static unsigned times_in_heap(const char *word, size_t length)
{
	char line[512];
	unsigned long from, to;
	unsigned found = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof line, maps) != NULL) {
		if (strstr(line, "[heap]") == NULL || sscanf(line, "%lx-%lx", &from, &to) != 2) continue;
		for (const char *at = (const char *)from; (at = memmem(at, to - (size_t)at, word, length)) != NULL; at++) found++;
	}
	fclose(maps);
	return found;
}

START_TEST(nothing_is_left_of_it)
{
	char word[] = "Ysgymun1234567890abcdefgh";
	uint8_t request[2048];
	size_t length = sizeof word - 1;
	ck_assert_int_eq(open_check(word, length, NULL), CK_OK);
	ck_assert_uint_eq(times_in_heap(word, length), 0); /* sent is gone, before anybody answers */
	size_t got = read_request(request, sizeof request);
	answer(&(struct reply){id_of(request, got), LDAP_SUCCESS, LDAP_RES_BIND, NULL, 0});
	struct ck_password_answer out;
	ck_assert_int_eq(ended(&out), CK_PASSWORD_RIGHT);
	ck_password_check_close(&check);
	ck_assert_uint_eq(times_in_heap(word, length), 0);
}
END_TEST

START_TEST(nothing_is_left_of_a_change)
{
	char old[] = "Ysgymun1234567890abcdefgh", wanted[] = "Mochyn1234567890abcdefghij";
	uint8_t request[2048];
	struct ck_password_answer out;
	ck_assert_int_eq(open_check(old, sizeof old - 1, wanted), CK_OK);
	for (int i = 0; i < 2; i++) { /* as the person, then as the daemon */
		size_t got = read_request(request, sizeof request);
		answer(&(struct reply){id_of(request, got), LDAP_SUCCESS, LDAP_RES_BIND, NULL, 0});
		struct pollfd wait = {.fd = ck_password_check_fd(check), .events = POLLIN};
		ck_assert_int_eq(poll(&wait, 1, PATIENCE_MS), 1);
		ck_assert(!ck_password_check_step(check, &out));
	}
	size_t got = read_request(request, sizeof request);
	ck_assert(holds(request, got, old, sizeof old - 1) && holds(request, got, wanted, sizeof wanted - 1));
	ck_assert_uint_eq(times_in_heap(old, sizeof old - 1), 0);
	ck_assert_uint_eq(times_in_heap(wanted, sizeof wanted - 1), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_empty_password_is_never_sent, a_nul_is_never_sent, too_long_is_never_sent, the_longest_one_goes_whole, utf8_goes_as_it_is,
		nothing_in_the_clear_leaves_the_machine, no_provider, right_ones, refused_ones, every_other_code_is_no_answer,
		a_control_that_is_none_is_no_answer, somebody_elses_answer_is_none, a_provider_that_hangs_up_or_talks_nonsense,
		a_silent_provider_keeps_nobody, changes, a_wrong_old_one_changes_nothing, who_is_not_the_daemon_changes_nothing,
		names_and_what_is_right, nothing_is_left_of_it, nothing_is_left_of_a_change,
	};
	Suite *suite = suite_create("password check");
	TCase *tc = tcase_create("password check");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
