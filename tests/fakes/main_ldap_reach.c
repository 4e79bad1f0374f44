/* Reaches a provider as the replica does, in steps, without the daemon around it, and says how it ended: for the tests.
   ldap-reach URI MECHANISM KEY=VALUE…    keys: ca, certificate, key, identity, password, tls (1.2), suffix (then it is followed), seconds,
   at (the address, whatever the name means)
   Says "bound", "entry UUID", "refreshed", "refused: REASON"; exits 0 if it was bound (and, followed, refreshed). */
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/ldap/ldap.h"

static bool refreshed;

static int dial(const char *uri, const char *address)
{
	char host[256] = "", port[16] = "";
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	int fd = -1;
	const char *rest = strstr(uri, "://");
	if (strncmp(uri, "ldapi:", 6) == 0 || rest == NULL || sscanf(rest + 3, "%255[^:]:%15[0-9]", host, port) < 1) return -1;
	if (getaddrinfo(address != NULL ? address : host, port[0] != '\0' ? port : strncmp(uri, "ldaps", 5) == 0 ? "636" : "389", &hints, &found) != 0) return -1;
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

static enum ck_error on_entry(const uint8_t uuid[16], const struct ck_entry *entry, void *context)
{
	(void)entry;
	(void)context;
	printf("entry %02x%02x\n", uuid[0], uuid[1]);
	return CK_OK;
}
static enum ck_error on_uuid(const uint8_t uuid[16], void *context)
{
	(void)uuid;
	(void)context;
	return CK_OK;
}
static enum ck_error on_refreshed(bool purge_absent, struct ck_bytes cookie, void *context)
{
	(void)purge_absent;
	(void)cookie;
	(void)context;
	refreshed = true;
	puts("refreshed");
	return CK_OK;
}
static enum ck_error on_cookie(struct ck_bytes cookie, void *context)
{
	(void)cookie;
	(void)context;
	return CK_OK;
}
static enum ck_error on_batch_end(void *context)
{
	(void)context;
	return CK_OK;
}
static enum ck_error on_unreadable(const uint8_t uuid[16], struct ck_text dn, const char *reason, void *context)
{
	(void)uuid;
	(void)dn;
	(void)context;
	printf("unreadable %s\n", reason);
	return CK_OK;
}

/* TLS, in steps: what the loop of the replica does. */
static enum ck_error open_in_steps(struct ck_ldap_target *target, int seconds, struct ck_errmsg *err)
{
	struct ck_opening *opening = NULL;
	if (strncmp(target->uri, "ldapi:", 6) == 0) return CK_OK;
	enum ck_error error = ck_opening_begin(target, false, seconds * 1000, &opening, err);
	target->fd = -1;
	while (error == CK_OK && !ck_opening_step(opening)) {
		struct pollfd fd = {.fd = ck_opening_fd(opening), .events = ck_opening_writes(opening) ? POLLOUT : POLLIN};
		(void)poll(&fd, 1, 100);
	}
	target->opening = opening;
	return error;
}

static enum ck_error follow(const struct ck_ldap_target *target, const char *suffix, int seconds, struct ck_errmsg *err)
{
	static const struct ck_follow_handlers handlers = {.on_entry = on_entry, .on_present = on_uuid, .on_delete = on_uuid,
		.on_refreshed = on_refreshed, .on_cookie = on_cookie, .on_batch_end = on_batch_end, .on_unreadable = on_unreadable};
	struct ck_follow *f = NULL;
	int64_t until_ms = ck_clock_monotonic_ms() + seconds * 1000;
	enum ck_error error = ck_follow_open(target, suffix, (struct ck_bytes){NULL, 0}, &handlers, NULL, &f, err);
	while (error == CK_OK && !refreshed) {
		struct pollfd fd = {.fd = ck_follow_fd(f), .events = POLLIN};
		int64_t left_ms = until_ms - ck_clock_monotonic_ms();
		if (left_ms <= 0) error = ck_fail(err, CK_ERR_TIMEOUT, "nothing came of it in %d s", seconds);
		else if (poll(&fd, 1, ck_follow_more(f) ? 0 : (int)left_ms) >= 0) error = ck_follow_step(f, err);
	}
	ck_follow_stop(&f);
	return error;
}

int main(int argc, char **argv)
{
	struct ck_errmsg err = {""};
	struct ck_ldap *ldap = NULL;
	struct ck_ldap_target target = {.fd = -1};
	const char *suffix = NULL, *address = NULL;
	int seconds = 5;
	static const char *const mechanisms[] = {"external", "scram-sha-256", "gssapi", "simple"};
	struct ck_secret *password = ck_secret_new();
	if (argc < 3 || password == NULL) return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	target.uri = argv[1];
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(argv[2], mechanisms[i]) == 0) target.auth = (enum ck_ldap_auth)i;
	for (int i = 3; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (value == NULL) return 2;
		*value++ = '\0';
		if (strcmp(argv[i], "ca") == 0) target.ca_file = value;
		else if (strcmp(argv[i], "certificate") == 0) target.certificate_file = value;
		else if (strcmp(argv[i], "key") == 0) target.key_file = value;
		else if (strcmp(argv[i], "identity") == 0) target.identity = value;
		else if (strcmp(argv[i], "tls") == 0) target.tls_1_2 = strcmp(value, "1.2") == 0;
		else if (strcmp(argv[i], "suffix") == 0) suffix = value;
		else if (strcmp(argv[i], "at") == 0) address = value;
		else if (strcmp(argv[i], "seconds") == 0) seconds = atoi(value);
		else if (strcmp(argv[i], "password") == 0 && ck_secret_set(password, value, strlen(value)) == CK_OK) target.password = password;
		else return 2;
	}
	if (ck_ldap_prepare(&err) != CK_OK) return 2;
	target.fd = dial(target.uri, address);
	int64_t begun_ms = ck_clock_monotonic_ms();
	enum ck_error error = open_in_steps(&target, seconds, &err);
	if (error == CK_OK) error = suffix != NULL ? follow(&target, suffix, seconds, &err) : ck_ldap_connect(&target, seconds * 1000, &ldap, &err);
	if (error == CK_OK) puts("bound");
	else printf("refused: %s: %s\n", ck_error_name(error), err.text);
	printf("took %lld ms\n", (long long)(ck_clock_monotonic_ms() - begun_ms));
	ck_ldap_close(&ldap);
	ck_secret_free(&password);
	return error == CK_OK ? 0 : 1;
}
