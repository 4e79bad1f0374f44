/* What the daemon answers to the command, each input one answer: bytes that are no whole proper answer give no entry. And a key.add that the
   daemon wants signed for a key that was just made. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/cli/made.h"
#include "authd/cli/output.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

static struct ck_bytes input;
static struct ck_cli cli;
static int other;

static void show(struct ck_cli_entry *entry, void *context)
{
	(void)context;
	if (entry->count > CK_CHANGE_VALUES_LIMIT || entry->id_length > sizeof entry->id) abort();
	for (size_t i = 0; i < entry->count; i++) {
		if (!ck_text_is_printable_utf8(ck_text_of(entry->attributes[i].name))) abort();
		for (size_t j = 0; j < entry->attributes[i].count; j++)
			if (!ck_text_is_printable_utf8(ck_text_of(ck_output_value(entry->attributes[i].name, entry->attributes[i].values[j])))) abort();
	}
	json_t *json = ck_output_json(entry);
	char *text = json != NULL ? json_dumps(json, 0) : NULL;
	if (text == NULL && !fuzz_failing) abort();
	ck_faults_pass();
	free(text);
	ck_faults_back();
	json_decref(json);
}

static void hear(void)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_errmsg err = { "" };
	int pair[2];
	ck_faults_pass();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
	(void)!send(pair[1], input.at + 1, input.length - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(pair[1], SHUT_WR);
	other = pair[1];
	cli = (struct ck_cli){ .socket = "/nowhere/gate.sock", .pin_fd = -1, .connected = true };
	if (ck_client_adopt(&cli.client, pair[0]) != CK_OK) abort();
	ck_faults_back();
	if (input.at[0] % 2 == 0) {
		enum ck_error error = ck_cli_entry_get(&cli, CK_KIND_STAFF, ck_text_of("ann"), NULL, NULL, &entry, &err);
		if ((error == CK_OK) != (entry != NULL)) abort();
		if (entry != NULL) show(entry, NULL);
	} else {
		(void)!ck_cli_entry_list(&cli, CK_KIND_STAFF, NULL, NULL, show, NULL);
	}
	ck_client_close(&cli.client);
	close(other);
	other = -1;
}

/* auth_data, then the values: what passes is inside, byte for byte. */
static void check_made(void)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	static const uint8_t target[CK_HASH_BYTES];
	struct ck_reader r;
	size_t count = 0;
	ck_reader_init(&r, input.at + 1, input.length - 1);
	size_t length = ck_get_u16be(&r);
	struct ck_bytes auth_data = { ck_get_bytes(&r, length), length };
	if (r.failed || ck_change_values_decode((struct ck_bytes){ r.at, ck_reader_left(&r) }, values, &count) != CK_OK) return;
	if (ck_made_is(auth_data, target, values, count)) abort(); /* nobody has found what hashes to zeros */
}

void fuzz_one(const uint8_t *data, size_t size)
{
	if (size == 0) return;
	input = (struct ck_bytes){ data, size };
	if (data[0] % 4 == 3) check_made();
	else fuzz_program(hear);
}
