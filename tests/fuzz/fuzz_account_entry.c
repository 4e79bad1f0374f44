/* What a name service is answered: whatever it is, what is taken of it is of whom was asked for, belongs to no name of the machine itself, ends no field
   of passwd(5), and has one form. The first byte: its length; so many bytes of a name (none: a number is asked for), then the answer. */
#include <string.h>

#include "authd/protocol/account.h"
#include "authd/protocol/frame.h"
#include "tests/fuzz/fuzz.h"

#define ASKED 200011

static bool ends_field(struct ck_text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] == ':' || text.at[i] == '\n' || text.at[i] == '\0') return true;
	return text.length == 0;
}

/* Only what the entry says: an answer may hold more. */
static void check_again(const struct ck_account_entry *entry)
{
	static struct ck_map map;
	struct ck_account_entry again;
	struct ck_frame_out frame;
	uint8_t bytes[1024];
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_account_entry_put(&frame.map, entry);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	CK_ASSERT(ck_map_parse((struct ck_bytes){ bytes + CK_FRAME_HEAD_BYTES, length - CK_FRAME_HEAD_BYTES }, &map) == CK_OK);
	CK_ASSERT(ck_account_entry_read(&map, entry->name, 0, &again) == CK_OK);
	CK_ASSERT(ck_text_equal(again.home, entry->home) && ck_text_equal(again.shell, entry->shell) && again.gid_number == entry->gid_number);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_map reply;
	struct ck_account_entry entry;
	if (size == 0 || size - 1 < data[0]) return;
	struct ck_text name = { data[0] > 0 ? (const char *)data + 1 : NULL, data[0] };
	struct ck_bytes answer = { data + 1 + data[0], size - 1 - data[0] };
	if (ck_map_parse(answer, &reply) != CK_OK || ck_account_entry_read(&reply, name, ASKED, &entry) != CK_OK) return;
	CK_ASSERT(name.at != NULL ? ck_text_equal(entry.name, name) : entry.uid_number == ASKED);
	CK_ASSERT(entry.uid_number >= 200000 && entry.gid_number >= 200000 && entry.uid_number < UINT32_MAX && entry.gid_number < UINT32_MAX);
	CK_ASSERT(!ends_field(entry.name) && !ends_field(entry.home) && !ends_field(entry.shell));
	check_again(&entry);
}
