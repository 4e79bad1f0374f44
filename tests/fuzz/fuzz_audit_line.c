/* One line of an audit log, as somebody may have changed it: parsed, and what parses says the same when it is put together again. */
#include <stdint.h>
#include <string.h>

#include "authd/audit/record.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_audit_record record;
	struct ck_checkpoint checkpoint;
	if (ck_audit_parse((struct ck_text){ (const char *)data, size }, &record) != CK_OK) return;
	CK_ASSERT(record.seq > 0 && record.count <= CK_AUDIT_FIELDS_LIMIT && record.line.length == size);
	CK_ASSERT(memchr(data, '\n', size) == NULL && memchr(data, '\0', size) == NULL);
	if (ck_checkpoint_parse(&record, &checkpoint) == CK_OK) {
		CK_ASSERT(checkpoint.signed_part.length < size);
		return;
	}
	if (ck_text_is(record.event, CK_AUDIT_CHECKPOINT)) return;
	/* put together again from what was parsed: the same bytes, where the writer could have written them */
	static uint8_t values[CK_AUDIT_FIELDS_LIMIT][CK_AUDIT_RECORD_LIMIT_BYTES];
	static char names[CK_AUDIT_FIELDS_LIMIT][CK_AUDIT_RECORD_LIMIT_BYTES];
	static char event[CK_AUDIT_RECORD_LIMIT_BYTES], time[64], line[CK_AUDIT_RECORD_LIMIT_BYTES];
	struct ck_audit_field fields[CK_AUDIT_FIELDS_LIMIT];
	for (size_t i = 0; i < record.count; i++) {
		CK_ASSERT(ck_text_copy(names[i], sizeof names[i], record.fields[i].name) == CK_OK);
		fields[i].name = names[i];
		fields[i].value.at = values[i];
		CK_ASSERT(ck_unescape(record.fields[i].value, values[i], sizeof values[i], &fields[i].value.length) == CK_OK);
	}
	CK_ASSERT(ck_text_copy(event, sizeof event, record.event) == CK_OK && ck_text_copy(time, sizeof time, record.time) == CK_OK);
	size_t length = ck_record_format(line, sizeof line, 0, record.seq, time, event, fields, record.count, record.prev);
	/* an escape that was not needed (\x41) reads, but is not written */
	CK_ASSERT(length > 0 && length <= size);
	CK_ASSERT(length < size || memcmp(line, data, size) == 0);
}
