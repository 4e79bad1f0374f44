/* The frame of a generated directory: how many authorities, how large each is, which numbers it has; ids; and what every record begins with. */
#include "tests/data/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes by rank: SMALL and what of LARGE is left, falling with the cube. At the target's size a few have 30 000 staff and half fewer than 1 200. */
#define SMALL 800
#define LARGE 29200
#define FALL 61
#define STAFF_PER_ROLE 60
#define STAFF_PER_SYSTEM 240
#define SYSTEMS_LEAST 2
#define UID_NUMBER_STEP 1000 /* ranges begin at round numbers and have room for as many again */

enum ck_error ck_data_check(const struct ck_data_options *options, struct ck_errmsg *err)
{
	if (options->staff < CK_DATA_STAFF_LEAST || options->staff > CK_DATA_STAFF_LIMIT)
		return ck_fail(err, CK_ERR_INVALID, "staff: must be %d to %d", CK_DATA_STAFF_LEAST, CK_DATA_STAFF_LIMIT);
	if (options->authorities > CK_DATA_AUTHORITIES_LIMIT || options->authorities * 10 > options->staff)
		return ck_fail(err, CK_ERR_INVALID, "authorities: must be up to %d, of 10 staff each at least", CK_DATA_AUTHORITIES_LIMIT);
	if (options->uid_number_first != 0 && (options->uid_number_first < CK_UID_NUMBER_FIRST || options->uid_number_first > CK_UID_NUMBER_LAST / 2))
		return ck_fail(err, CK_ERR_INVALID, "first uid number: must be %d to %d", CK_UID_NUMBER_FIRST, CK_UID_NUMBER_LAST / 2);
	return CK_OK;
}

/* Below the target with the root of the staff, so that a small directory has several, too; above it, more of the same. */
static uint64_t usual_authorities(uint64_t staff)
{
	uint64_t count = 4, squares = (uint64_t)CK_DATA_TARGET_AUTHORITIES * CK_DATA_TARGET_AUTHORITIES * staff / CK_DATA_TARGET_STAFF;
	if (staff > CK_DATA_TARGET_STAFF) return staff * CK_DATA_TARGET_AUTHORITIES / CK_DATA_TARGET_STAFF;
	while ((count + 1) * (count + 1) <= squares) count++;
	return count;
}

static uint64_t weight(uint64_t number, uint64_t count)
{
	uint64_t rank = FALL + number * CK_DATA_TARGET_AUTHORITIES / count;
	return SMALL + (uint64_t)LARGE * FALL * FALL * FALL / (rank * rank * rank);
}

/* Sums are rounded, not parts, so that the parts add up. */
static void give_sizes(struct ck_data *data)
{
	uint64_t total = 0, sum = 0, staff = data->options.staff;
	uint64_t roles = staff / STAFF_PER_ROLE, systems = staff / STAFF_PER_SYSTEM, roles_least = CK_DATA_ROLES_LEAST * data->count,
	         systems_least = SYSTEMS_LEAST * data->count;
	uint64_t more_roles = roles > roles_least ? roles - roles_least : 0, more_systems = systems > systems_least ? systems - systems_least : 0;
	for (uint64_t i = 0; i < data->count; i++) total += weight(i, data->count);
	for (uint64_t i = 0; i < data->count; i++) {
		struct ck_data_authority *a = &data->authorities[i];
		uint64_t first = staff * sum / total, end = staff * (sum + weight(i, data->count)) / total;
		sum += weight(i, data->count);
		a->staff_first = first;
		a->staff = end - first;
		a->roles_first = CK_DATA_ROLES_LEAST * i + more_roles * first / staff;
		a->roles = CK_DATA_ROLES_LEAST * (i + 1) + more_roles * end / staff - a->roles_first;
		a->systems_first = SYSTEMS_LEAST * i + more_systems * first / staff;
		a->systems = SYSTEMS_LEAST * (i + 1) + more_systems * end / staff - a->systems_first;
		CK_ASSERT(a->staff >= 1);
	}
}

static void give_numbers(struct ck_data *data)
{
	uint64_t next = data->options.uid_number_first;
	for (uint64_t i = 0; i < data->count; i++) {
		struct ck_data_authority *a = &data->authorities[i];
		a->uid_number_first = next;
		next += (2 * a->staff + UID_NUMBER_STEP) / UID_NUMBER_STEP * UID_NUMBER_STEP;
		a->uid_number_last = next - 1;
	}
}

static void make_pool(struct ck_data *data)
{
	char seed[64];
	for (unsigned i = 0; i < CK_DATA_POOL; i++) {
		snprintf(seed, sizeof seed, "crosskeys data %llu %u", (unsigned long long)data->options.seed, i);
		CK_ASSERT(ck_soft_make_credential(&data->pool[i], data->options.rp_id, CK_SOFT_ES256, seed));
	}
}

struct ck_data *ck_data_new(const struct ck_data_options *options)
{
	struct ck_errmsg err;
	struct ck_data *data = calloc(1, sizeof *data);
	CK_ASSERT(data != NULL && sodium_init() >= 0 && ck_data_check(options, &err) == CK_OK);
	data->options = *options;
	if (data->options.now_s == 0) data->options.now_s = CK_DATA_NOW_S;
	if (data->options.uid_number_first == 0) data->options.uid_number_first = CK_DATA_UID_NUMBER_FIRST;
	if (data->options.rp_id == NULL) data->options.rp_id = CK_DATA_RP_ID;
	data->count = options->authorities != 0 ? options->authorities : usual_authorities(options->staff);
	data->authorities = calloc(data->count, sizeof *data->authorities);
	CK_ASSERT(data->authorities != NULL);
	for (uint64_t i = 0; i < data->count; i++) {
		data->authorities[i].number = i;
		ck_data_name_authority(&data->authorities[i]);
	}
	give_sizes(data);
	give_numbers(data);
	make_pool(data);
	data->names = ck_data_names_new();
	return data;
}

void ck_data_free(struct ck_data **data)
{
	if (*data == NULL) return;
	ck_data_names_free(&(*data)->names);
	free((*data)->authorities);
	free(*data);
	*data = NULL;
}

struct ck_data_counts ck_data_count(const struct ck_data *data)
{
	const struct ck_data_authority *last = &data->authorities[data->count - 1];
	uint64_t systems = last->systems_first + last->systems;
	return (struct ck_data_counts){.authorities = data->count,
	                               .staff = data->options.staff,
	                               .roles = last->roles_first + last->roles,
	                               .groups = CK_DATA_GROUPS * data->count,
	                               .systems = systems,
	                               .rules = systems + CK_DATA_RULES_MORE * data->count};
}

int64_t ck_data_now(const struct ck_data *data) { return data->options.now_s; }

const struct ck_data_authority *ck_data_authority_at(const struct ck_data *data, uint64_t number)
{
	CK_ASSERT(number < data->count);
	return &data->authorities[number];
}

const struct ck_data_authority *ck_data_authority_of(const struct ck_data *data, uint64_t person)
{
	uint64_t low = 0, high = data->count - 1;
	CK_ASSERT(person < data->options.staff);
	while (low < high) {
		uint64_t middle = (low + high + 1) / 2;
		if (data->authorities[middle].staff_first <= person)
			low = middle;
		else
			high = middle - 1;
	}
	return &data->authorities[low];
}

const struct ck_data_authority *ck_data_other(const struct ck_data *data, const struct ck_data_authority *authority, struct ck_dice *dice)
{
	if (data->count == 1) return authority;
	return &data->authorities[(authority->number + 1 + ck_dice_below(dice, data->count - 1)) % data->count];
}

/* ---- records ---- */

/* As if random: version 4 (RFC 4122). */
static void draw_uuid(const struct ck_data *data, uint64_t purpose, uint64_t number, unsigned part, uint8_t out[16])
{
	struct ck_dice dice = ck_dice_of(data->options.seed, purpose, number * 16 + part);
	for (size_t i = 0; i < 16; i += 8) {
		uint64_t bits = ck_dice_next(&dice);
		for (size_t k = 0; k < 8; k++) out[i + k] = (uint8_t)(bits >> (8 * k));
	}
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

struct ck_id ck_data_id(const struct ck_data *data, enum ck_kind kind, uint64_t number, unsigned part)
{
	struct ck_id id;
	CK_ASSERT(kind != CK_KIND_KEY && part < 16);
	draw_uuid(data, (uint64_t)kind, number, part, id.bytes);
	return id;
}

struct ck_record *ck_data_begin(const struct ck_data *data, struct ck_data_entry *out, enum ck_kind kind, uint64_t number, unsigned part,
                                uint64_t authority)
{
	struct ck_record *record = &out->record;
	memset(record, 0, sizeof *record);
	record->kind = kind;
	if (kind != CK_KIND_KEY) record->id = ck_data_id(data, kind, number, part);
	record->authority = ck_data_id(data, CK_KIND_AUTHORITY, authority, 0);
	draw_uuid(data, CK_DATA_FOR_UUID + (uint64_t)kind, number, part, record->entry_uuid);
	/* long ago, so that whatever the directory writes later is later */
	snprintf(out->csn, sizeof out->csn, "20260101000000.000000Z#000000#001#000000");
	record->csn = ck_text_of(out->csn);
	return record;
}

void ck_data_add_text(struct ck_texts *texts, const char *text)
{
	CK_ASSERT(texts->count < CK_LIST_LIMIT);
	texts->at[texts->count++] = ck_text_of(text);
}
