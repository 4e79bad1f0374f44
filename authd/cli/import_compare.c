/* The file against who is there: who is new, who changed, who left. It never undoes a suspension by itself, never suspends whoever orders it, and
   suspends nobody as missing while a row does not say whose it is. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/cli/import.h"
#include "authd/cli/import_name.h"

#define LOOK_UPS_LIMIT 50 /* of a file that is tried: each costs one of a person's searches of the day, and past those is an alarm */
#define UID_TRIES 1000 /* people of one name in one authority */

struct run {
	struct ck_compare *c;
	struct ck_rows *rows;
	uint8_t *seen; /* of who is there: the file has them */
	struct ck_set *new_numbers;
	uint64_t next_uid_number;
	size_t looked_up;
	struct ck_errmsg *err;
};

/* ---- what others hold ---- */

/* Whether the daemon knows this name or address, in whatever authority. */
static bool is_held_elsewhere(struct run *run, enum ck_op op, struct ck_text what)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	struct ck_errmsg why;
	struct ck_items items;
	struct ck_item item;
	if (!run->c->look_up) return false;
	ck_ask_begin(&ask, op);
	if (op == CK_OP_SHOW) ck_field_string(&ask.frame.map, CK_F_KIND, ck_kind_name(CK_KIND_STAFF));
	ck_field_text(&ask.frame.map, CK_F_NAME, what);
	if (ck_ask_quietly(run->c->cli, &ask, &reply, &answer, &why) != CK_OK) return false;
	return ck_map_array(&reply, CK_F_ENTRIES, CK_FRAME_LIMIT_BYTES, &items) == CK_OK && ck_items_next(&items, &item);
}

static bool is_mail_held_elsewhere(struct run *run, struct ck_text mail)
{
	if (run->looked_up < LOOK_UPS_LIMIT) {
		run->looked_up++;
		return is_held_elsewhere(run, CK_OP_FIND, mail);
	}
	run->c->counts.unasked++;
	return false;
}

static bool find_uid(struct run *run, struct ck_person *wanted, struct ck_person_scratch *scratch)
{
	char uid[CK_UID_LIMIT_BYTES + 1];
	for (unsigned n = 1; n <= UID_TRIES; n++) {
		if (!ck_name_uid(run->c->mapping->uids, wanted->value[CK_IMPORT_GIVEN], wanted->value[CK_IMPORT_SURNAME], wanted->value[CK_IMPORT_NUMBER], n, uid))
			return false;
		if (ck_set_has(ck_current_uids(run->c->current), ck_text_of(uid), false)) continue;
		if (!is_held_elsewhere(run, CK_OP_SHOW, ck_text_of(uid))) return ck_person_set(wanted, scratch, CK_IMPORT_UID, ck_text_of(uid)) == CK_OK;
		(void)ck_set_add(ck_current_uids(run->c->current), ck_text_of(uid), false, UINT64_MAX);
	}
	return false;
}

/* The lowest one that is free, from the end of the last one given. */
static bool find_uid_number(struct run *run, struct ck_person *wanted, struct ck_person_scratch *scratch)
{
	char number[24];
	for (; run->next_uid_number <= run->c->home->last; run->next_uid_number++) {
		snprintf(number, sizeof number, "%llu", (unsigned long long)run->next_uid_number);
		if (ck_set_has(ck_current_uid_numbers(run->c->current), ck_text_of(number), false)) continue;
		return ck_person_set(wanted, scratch, CK_IMPORT_UID_NUMBER, ck_text_of(number)) == CK_OK;
	}
	return false;
}

static bool held_by_other(const struct ck_set *set, struct ck_text value, bool fold_case, uint64_t self)
{
	uint64_t holder = 0;
	return ck_set_find(set, value, fold_case, &holder) && holder != self;
}

/* self: index of the person, UINT64_MAX of a new one. */
static enum ck_error check_unique(struct run *run, const struct ck_person *wanted, uint64_t self, struct ck_errmsg *why)
{
	if (held_by_other(ck_current_uids(run->c->current), wanted->value[CK_IMPORT_UID], false, self))
		return ck_fail(why, CK_ERR_EXISTS, "uid: somebody else has this login name");
	if (held_by_other(ck_current_mails(run->c->current), wanted->value[CK_IMPORT_MAIL], true, self))
		return ck_fail(why, CK_ERR_EXISTS, "mail: somebody else has this address");
	if (held_by_other(ck_current_uid_numbers(run->c->current), wanted->value[CK_IMPORT_UID_NUMBER], false, self))
		return ck_fail(why, CK_ERR_EXISTS, "uid-number: somebody else has it");
	return CK_OK;
}

static void claim(struct run *run, const struct ck_person *wanted, uint64_t self)
{
	(void)ck_set_add(ck_current_uids(run->c->current), wanted->value[CK_IMPORT_UID], false, self);
	(void)ck_set_add(ck_current_mails(run->c->current), wanted->value[CK_IMPORT_MAIL], true, self);
	(void)ck_set_add(ck_current_uid_numbers(run->c->current), wanted->value[CK_IMPORT_UID_NUMBER], false, self);
}

/* ---- statements ---- */

static void put_value(struct ck_change_value *values, size_t *count, enum ck_import_field field, struct ck_text value)
{
	struct ck_change_value *to = &values[(*count)++];
	to->attribute = ck_text_of(ck_import_row_of(field)->attribute);
	to->values[0] = ck_bytes_of(value);
	to->count = value.length > 0 ? 1 : 0;
}

static bool is_attribute(enum ck_import_field field)
{
	return ck_import_row_of(field)->attribute != NULL && ck_import_field_known(field);
}

static void tell(struct run *run, const char *action, const struct ck_person *wanted, const struct ck_existing *before, const char *why)
{
	if (run->c->each != NULL) run->c->each(action, wanted, before, why, run->c->context);
}

static enum ck_error order_add(struct run *run, const struct ck_person *wanted)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count = 0;
	struct ck_id id;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++)
		if (is_attribute((enum ck_import_field)i) && wanted->value[i].length > 0) put_value(values, &count, (enum ck_import_field)i, wanted->value[i]);
	randombytes_buf(id.bytes, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4 */
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	run->c->counts.added++;
	tell(run, "add", wanted, NULL, NULL);
	return ck_batches_add(run->c->batches, id, "", values, count, wanted->line, run->err);
}

static bool differs(const struct ck_person *wanted, const struct ck_person *before, enum ck_import_field field)
{
	if (!is_attribute(field) || !wanted->given[field]) return false;
	if (wanted->value[field].length == 0 && before->value[field].length == 0) return false;
	return !ck_text_equal(wanted->value[field], before->value[field]);
}

static enum ck_error order_change(struct run *run, const struct ck_person *wanted, const struct ck_existing *before, const char *action, const char *why)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count = 0;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++)
		if (differs(wanted, &before->person, (enum ck_import_field)i)) put_value(values, &count, (enum ck_import_field)i, wanted->value[i]);
	tell(run, action, wanted, before, why);
	return ck_batches_add(run->c->batches, before->id, before->csn, values, count, wanted->line, run->err);
}

/* ---- rows ---- */

static void reject(struct run *run, const struct ck_person *person, const char *reason)
{
	run->c->counts.rejected++;
	ck_rejects_add(run->c->rejects, person->line, reason, ck_rows_raw(run->rows));
	tell(run, "reject", person, NULL, reason);
}

static enum ck_error take_new(struct run *run, struct ck_person *wanted)
{
	static struct ck_person_scratch scratch;
	struct ck_errmsg why = { "" };
	enum ck_error error = CK_OK;
	ck_person_complete(run->c->mapping, wanted, &scratch);
	bool own_uid = wanted->value[CK_IMPORT_UID].length > 0;
	if (wanted->value[CK_IMPORT_UID_NUMBER].length == 0 && !find_uid_number(run, wanted, &scratch))
		error = ck_fail(&why, CK_ERR_LIMIT, "uid-number: the authority's range is used up");
	if (error == CK_OK && !own_uid && !find_uid(run, wanted, &scratch))
		error = ck_fail(&why, CK_ERR_INVALID, "uid: no login name can be made of the name; give one in a column");
	if (error == CK_OK) ck_person_complete_uid(run->c->mapping, wanted, &scratch);
	if (error == CK_OK) error = ck_person_check(wanted, run->c->home, &why);
	if (error == CK_OK) error = check_unique(run, wanted, UINT64_MAX - 1, &why);
	/* where it is only tried, too, what the replica would refuse is told */
	if (error == CK_OK && own_uid && run->c->only_tried && is_held_elsewhere(run, CK_OP_SHOW, wanted->value[CK_IMPORT_UID]))
		error = ck_fail(&why, CK_ERR_EXISTS, "uid: somebody of another authority has this login name");
	if (error == CK_OK && run->c->only_tried && is_mail_held_elsewhere(run, wanted->value[CK_IMPORT_MAIL]))
		error = ck_fail(&why, CK_ERR_EXISTS, "mail: somebody of another authority has this address");
	if (error != CK_OK) {
		reject(run, wanted, why.text);
		return CK_OK;
	}
	claim(run, wanted, UINT64_MAX);
	return order_add(run, wanted);
}

/* What the file does not say stays as it is; what must have a value and has none in the file, too. */
static void overlay(struct ck_person *wanted, const struct ck_existing *before, struct ck_person *out)
{
	*out = before->person;
	out->line = wanted->line;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		const struct ck_import_row *row = ck_import_row_of((enum ck_import_field)i);
		out->given[i] = wanted->given[i] && row->attribute != NULL && (wanted->value[i].length > 0 || row->removable);
		if (out->given[i]) out->value[i] = wanted->value[i];
	}
}

/* A name that comes in parts is one all the same. */
static void overlay_name(const struct ck_person *row, struct ck_person *out, struct ck_person_scratch *scratch)
{
	struct ck_person parts = *row;
	struct ck_mapping none = { .separator = ',' };
	if (row->value[CK_IMPORT_NAME].length > 0 || row->value[CK_IMPORT_GIVEN].length + row->value[CK_IMPORT_SURNAME].length == 0) return;
	if (!row->given[CK_IMPORT_GIVEN]) parts.value[CK_IMPORT_GIVEN] = out->value[CK_IMPORT_GIVEN];
	if (!row->given[CK_IMPORT_SURNAME]) parts.value[CK_IMPORT_SURNAME] = out->value[CK_IMPORT_SURNAME];
	ck_person_complete(&none, &parts, scratch);
	out->given[CK_IMPORT_NAME] = true;
	out->value[CK_IMPORT_NAME] = parts.value[CK_IMPORT_NAME];
}

static bool differs_at_all(const struct ck_person *wanted, const struct ck_person *before)
{
	for (int i = 0; i < CK_IMPORT_FIELDS; i++)
		if (differs(wanted, before, (enum ck_import_field)i)) return true;
	return false;
}

/* Who is suspended stays so, whatever the file says, unless it was asked for: it may be for a reason that HR does not know. */
static const char *settle_status(struct run *run, struct ck_person *wanted, const struct ck_existing *before)
{
	bool listed_active = !wanted->given[CK_IMPORT_STATUS] || ck_text_is(wanted->value[CK_IMPORT_STATUS], "active");
	if (before->active) {
		if (listed_active) return "change";
		if (!ck_id_equal(before->id, run->c->self)) return "suspend";
		run->c->counts.self_missing = true;
		wanted->given[CK_IMPORT_STATUS] = false;
		return "change";
	}
	if (listed_active && run->c->reinstate) {
		wanted->given[CK_IMPORT_STATUS] = true;
		wanted->value[CK_IMPORT_STATUS] = ck_text_of("active");
		return "reinstate";
	}
	if (listed_active) run->c->counts.kept_suspended++;
	wanted->given[CK_IMPORT_STATUS] = false;
	wanted->value[CK_IMPORT_STATUS] = before->person.value[CK_IMPORT_STATUS];
	return "change";
}

static enum ck_error take_known(struct run *run, struct ck_person *row, size_t index)
{
	static struct ck_person_scratch scratch;
	static struct ck_existing before;
	struct ck_errmsg why = { "" };
	struct ck_person wanted;
	ck_current_at(run->c->current, index, &before);
	overlay(row, &before, &wanted);
	overlay_name(row, &wanted, &scratch);
	const char *action = settle_status(run, &wanted, &before);
	if (!differs_at_all(&wanted, &before.person)) {
		run->c->counts.unchanged++;
		return CK_OK;
	}
	enum ck_error error = ck_person_check(&wanted, run->c->home, &why);
	if (error == CK_OK) error = check_unique(run, &wanted, index, &why);
	if (error != CK_OK) {
		reject(run, row, why.text);
		return CK_OK;
	}
	claim(run, &wanted, index);
	if (strcmp(action, "suspend") == 0) run->c->counts.suspended++;
	else if (strcmp(action, "reinstate") == 0) run->c->counts.reinstated++;
	else run->c->counts.changed++;
	return order_change(run, &wanted, &before, action, NULL);
}

static bool is_elsewhere(const struct run *run, const struct ck_person *row)
{
	return row->given[CK_IMPORT_AUTHORITY] && !ck_text_is(row->value[CK_IMPORT_AUTHORITY], run->c->home->name);
}

static enum ck_error take_row(struct run *run, struct ck_person *row)
{
	size_t index = 0;
	uint64_t line = 0;
	char text[96];
	struct ck_text number = row->value[CK_IMPORT_NUMBER];
	if (is_elsewhere(run, row)) {
		reject(run, row, "the row is of another authority");
		return CK_OK;
	}
	if (!ck_set_add(run->new_numbers, number, false, row->line)) {
		(void)ck_set_find(run->new_numbers, number, false, &line);
		snprintf(text, sizeof text, "the staff number stands on line %llu already", (unsigned long long)line);
		reject(run, row, text);
		return CK_OK;
	}
	if (!ck_current_by_number(run->c->current, number, &index)) return take_new(run, row);
	return take_known(run, row, index);
}

/* Who has a bad row has a row all the same: they have not left. Numbers are an authority's own. */
static void mark_seen(struct run *run, const struct ck_person *row)
{
	size_t index = 0;
	if (is_elsewhere(run, row)) return;
	if (row->value[CK_IMPORT_NUMBER].length == 0) run->c->counts.unreadable++;
	else if (ck_current_by_number(run->c->current, row->value[CK_IMPORT_NUMBER], &index)) run->seen[index] = 1;
}

static enum ck_error take_rows(struct run *run, struct ck_progress *progress)
{
	static struct ck_person row;
	for (;;) {
		struct ck_errmsg why = { "" };
		enum ck_error error = ck_rows_next(run->rows, &row, &why);
		if (error == CK_ERR_NOT_FOUND) return CK_OK;
		if (error == CK_ERR_IO) return ck_fail(run->err, error, "%s", why.text);
		run->c->counts.rows++;
		mark_seen(run, &row);
		if (error != CK_OK) reject(run, &row, why.text);
		else error = take_row(run, &row);
		if (error == CK_ERR_LIMIT || error == CK_ERR_IO) return error;
		ck_progress_show(progress, ck_rows_done_bytes(run->rows));
	}
}

/* ---- who left ---- */

static enum ck_error suspend_missing(struct run *run)
{
	static struct ck_existing before;
	bool suspends = run->c->mapping->suspend_missing && run->c->counts.unreadable == 0 && run->c->counts.rows > 0;
	for (size_t i = 0; i < ck_current_count(run->c->current); i++) {
		if (run->seen[i] != 0) continue;
		ck_current_at(run->c->current, i, &before);
		if (!before.active) continue;
		if (!suspends || ck_id_equal(before.id, run->c->self)) {
			if (ck_id_equal(before.id, run->c->self)) run->c->counts.self_missing = true;
			else run->c->counts.missing_kept++;
			continue;
		}
		struct ck_person wanted = before.person;
		memset(wanted.given, 0, sizeof wanted.given);
		wanted.given[CK_IMPORT_STATUS] = true;
		wanted.value[CK_IMPORT_STATUS] = ck_text_of("suspended");
		run->c->counts.suspended++;
		enum ck_error error = order_change(run, &wanted, &before, "suspend", "missing from the file");
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

static void count_active(struct run *run)
{
	static struct ck_existing existing;
	for (size_t i = 0; i < ck_current_count(run->c->current); i++) {
		ck_current_at(run->c->current, i, &existing);
		run->c->counts.active += existing.active;
	}
}

enum ck_error ck_compare_run(struct ck_compare *compare, struct ck_rows *rows, struct ck_progress *progress, struct ck_errmsg *err)
{
	struct run run = { .c = compare, .rows = rows, .new_numbers = ck_set_new(), .next_uid_number = compare->home->first, .err = err };
	err->text[0] = '\0';
	run.seen = calloc(ck_current_count(compare->current) + 1, 1);
	CK_ASSERT(run.seen != NULL);
	compare->counts = (struct ck_import_counts){ 0 };
	count_active(&run);
	enum ck_error error = take_rows(&run, progress);
	if (error == CK_OK) error = suspend_missing(&run);
	if (error == CK_OK) error = ck_batches_finish(compare->batches, err);
	free(run.seen);
	ck_set_free(&run.new_numbers);
	return error;
}
