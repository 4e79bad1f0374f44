/* What clients ask: the gate, slapd, the bare relay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/protocol/account.h"
#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "tests/benchmarks/clients.h"
#include "tests/benchmarks/write.h"

#define ANSWER_MS 10000
#define RELAY_BYTES 128 /* as in relay.c */

/* ---- the gate ---- */

void *bench_find_open(const struct bench_target *target)
{
	struct ck_client *client = calloc(1, sizeof *client);
	if (client == NULL || ck_client_connect(client, target->path, ck_clock_monotonic_ms() + ANSWER_MS, NULL) != CK_OK) return NULL;
	return client;
}

int bench_find_ask(void *connection, const struct bench_target *target, size_t question)
{
	struct ck_client *client = connection;
	struct ck_frame_out frame;
	struct ck_map reply;
	uint8_t bytes[256];
	size_t length = 0;
	uint64_t answer = 0;
	const char *word = target->words[question];
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_FIND);
	ck_field_string(&frame.map, CK_F_NAME, word);
	if (ck_frame_end(&frame, &length) != CK_OK || ck_client_call(client, bytes, length, &reply, ck_clock_monotonic_ms() + ANSWER_MS) != CK_OK ||
	    ck_map_uint(&reply, CK_F_TYPE, 1, 9, &answer) != CK_OK || answer != CK_ANSWER_GRANTED)
		return 0;
	return memmem(client->bytes, client->used, word, strlen(word)) != NULL;
}

int bench_account_ask(void *connection, const struct bench_target *target, size_t question)
{
	struct ck_client *client = connection;
	struct ck_frame_out frame;
	struct ck_map reply;
	struct ck_account_entry entry;
	uint8_t bytes[256];
	size_t length = 0;
	uint64_t answer = 0, number = 0;
	struct ck_text word = ck_text_of(target->words[question]), name = { NULL, 0 };
	if (strcmp(target->form, "uid") == 0) name = word;
	else if (ck_uint_parse(word, 1, UINT32_MAX, &number) != CK_OK) return 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_ACCOUNT_ENTRY);
	ck_field_text(&frame.map, CK_F_USER, name);
	if (name.at == NULL) ck_field_uint(&frame.map, CK_F_UID_NUMBER, number);
	return ck_frame_end(&frame, &length) == CK_OK && ck_client_call(client, bytes, length, &reply, ck_clock_monotonic_ms() + ANSWER_MS) == CK_OK &&
	       ck_map_uint(&reply, CK_F_TYPE, 1, 9, &answer) == CK_OK && answer == CK_ANSWER_GRANTED &&
	       ck_account_entry_read(&reply, name, number, &entry) == CK_OK;
}

/* ---- slapd ---- */

struct ldap_connection {
	LDAP *ldap;
	const char *suffix;
};

void *bench_slapd_open(const struct bench_target *target)
{
	char uri[512];
	struct ldap_connection *connection = calloc(1, sizeof *connection);
	const char *space = strchr(target->path, ' ');
	if (connection == NULL || space == NULL) return NULL;
	snprintf(uri, sizeof uri, "%.*s", (int)(space - target->path), target->path);
	connection->suffix = space + 1;
	connection->ldap = bench_connect_as(uri, target->user);
	return connection->ldap != NULL ? connection : NULL;
}

int bench_slapd_ask(void *connection, const struct bench_target *target, size_t question)
{
	struct ldap_connection *c = connection;
	char filter[256];
	LDAPMessage *result = NULL;
	struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	/* form is one attribute's name: (uid=…) */
	snprintf(filter, sizeof filter, "(%s=%s)", target->form, target->words[question]);
	int code = ldap_search_ext_s(c->ldap, c->suffix, LDAP_SCOPE_SUBTREE, filter, target->attributes, 0, NULL, NULL, &limit, 0, &result);
	int found = code == LDAP_SUCCESS && ldap_count_entries(c->ldap, result) == 1;
	ldap_msgfree(result);
	return found;
}

/* ---- the bare relay ---- */

void *bench_relay_open(const struct bench_target *target)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int *fd = malloc(sizeof *fd);
	if (fd == NULL) return NULL;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", target->path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return *fd >= 0 && connect(*fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : NULL;
}

int bench_relay_ask(void *connection, const struct bench_target *target, size_t question)
{
	int fd = *(int *)connection;
	char bytes[RELAY_BYTES] = "";
	size_t have = 0;
	(void)target;
	(void)question;
	if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) != (ssize_t)sizeof bytes) return 0;
	while (have < sizeof bytes) {
		ssize_t n = recv(fd, bytes + have, sizeof bytes - have, 0);
		if (n <= 0) return 0;
		have += (size_t)n;
	}
	return 1;
}
