/* People: what each is called, does, and holds; and their records. A person follows from their number alone. */
#include "tests/data/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define NAMESAKE_PERMILLE 6 /* who bear the name of a colleague, beside those who do by chance */
#define NAMESAKE_REACH 40   /* among so many colleagues before them */
#define SCHOOLS_PERCENT 9   /* whose mail address is of the second domain */
#define TELEPHONE_PERCENT 88
#define TELEPHONES 1000000  /* numbers below an area code that is nobody's: some desks are shared */
#define EX_DIRECTORY_PERMILLE 15
#define ADMINISTRATORS 2    /* the first of each authority */

/* ---- who ---- */

static void own_name(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t number, struct ck_data_name *out)
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_NAME, number);
	ck_data_name_draw(data->names, authority->region, &dice, out);
}

static void give_name(const struct ck_data *data, struct ck_data_person *p)
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_NAMESAKE, p->number);
	uint64_t whose = p->number;
	if (p->serial > 0 && ck_dice_permille(&dice, NAMESAKE_PERMILLE))
		whose -= 1 + ck_dice_below(&dice, p->serial < NAMESAKE_REACH ? p->serial : NAMESAKE_REACH);
	own_name(data, p->authority, whose, &p->name);
	snprintf(p->cn, sizeof p->cn, "%s%s%s %s", p->name.given, p->name.middle[0] != '\0' ? " " : "", p->name.middle, p->name.family);
}

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

/* jsmith1204: the number makes it unique over the directory. */
static void give_uid(struct ck_data_person *p)
{
	char given[CK_DATA_GIVEN_BYTES], family[CK_DATA_FAMILY_BYTES], letters[12];
	size_t used = 0;
	ck_data_fold(p->name.given, given, sizeof given);
	ck_data_fold(p->name.family, family, sizeof family);
	letters[used++] = given[0];
	for (const char *at = family; *at != '\0' && used < sizeof letters - 1; at++)
		if (is_letter(*at)) letters[used++] = *at;
	letters[used] = '\0';
	snprintf(p->uid, sizeof p->uid, "%s%llu", letters, (unsigned long long)p->number + 1);
	snprintf(p->home, sizeof p->home, "/home/%s", p->uid);
}

/* jane.smith-jones217@…: the serial makes it unique within the domain. */
static void give_mail(const struct ck_data *data, struct ck_data_person *p)
{
	char local[CK_DATA_GIVEN_BYTES + CK_DATA_FAMILY_BYTES + 1];
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_WORK, p->number + CK_DATA_STAFF_LIMIT);
	ck_data_fold(p->name.given, local, sizeof local);
	size_t given = strlen(local);
	local[given] = '.';
	ck_data_fold(p->name.family, local + given + 1, sizeof local - given - 1);
	for (char *at = local; *at != '\0'; at++)
		if (!is_letter(*at) && *at != '.') *at = '-';
	snprintf(p->mail, sizeof p->mail, "%s%llu@%s", local, (unsigned long long)p->serial + 1,
	         p->authority->domains[ck_dice_percent(&dice, SCHOOLS_PERCENT)]);
}

/* ---- what they do ---- */

static void give_work(const struct ck_data *data, struct ck_data_person *p)
{
	static const char *const levels[] = {"", "", "", "", "Senior ", "Senior ", "Principal ", "Assistant ", "Lead ", "Trainee "};
	static const char *const jobs[] = {"Officer", "Officer",  "Manager",      "Adviser",       "Analyst",    "Assistant",
	                                   "Officer", "Inspector", "Coordinator", "Administrator", "Caseworker", "Support Worker"};
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_WORK, p->number);
	const char *short_name;
	/* the lower of two: the first departments are the largest */
	uint64_t one = ck_dice_below(&dice, CK_DATA_DEPARTMENTS), other = ck_dice_below(&dice, CK_DATA_DEPARTMENTS);
	p->department = ck_data_department(one < other ? one : other, &short_name);
	const char *level = levels[ck_dice_below(&dice, sizeof levels / sizeof levels[0])];
	snprintf(p->title, sizeof p->title, "%s%s %s", level, short_name, jobs[ck_dice_below(&dice, sizeof jobs / sizeof jobs[0])]);
	if (ck_dice_percent(&dice, TELEPHONE_PERCENT))
		snprintf(p->telephone, sizeof p->telephone, "+44 1632 %06llu", (unsigned long long)ck_dice_below(&dice, TELEPHONES));
	snprintf(p->staff_number, sizeof p->staff_number, "%s%06llu", p->authority->number % 3 == 0 ? "E" : "",
	         (unsigned long long)(100000 + 3 * p->serial));
	p->uid_number = p->authority->uid_number_first + p->serial;
	p->listed = p->serial < ADMINISTRATORS || !ck_dice_permille(&dice, EX_DIRECTORY_PERMILLE);
}

/* ---- when they are here ---- */

static enum ck_data_stay draw_stay(const struct ck_data_person *p, struct ck_dice *dice)
{
	uint64_t drawn = ck_dice_below(dice, 1000);
	if (p->serial < ADMINISTRATORS) return CK_DATA_PERMANENT;
	if (drawn < 30) return CK_DATA_LEFT;
	if (drawn < 40) return CK_DATA_TO_COME;
	if (drawn < 48) return CK_DATA_ON_LEAVE;
	return drawn < 110 ? CK_DATA_FIXED_TERM : CK_DATA_PERMANENT;
}

static int64_t midnight(int64_t time_s) { return time_s - time_s % CK_DATA_DAY_S; }

static void give_stay(const struct ck_data *data, struct ck_data_person *p)
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_STAY, p->number);
	int64_t today_s = midnight(data->options.now_s);
	p->stay = draw_stay(p, &dice);
	/* the longer ago, the fewer: of two draws from 30 years the later; nobody who has left came within the last four */
	int64_t one = (int64_t)ck_dice_below(&dice, 30 * 365), other = (int64_t)ck_dice_below(&dice, 30 * 365);
	p->window = (struct ck_window){today_s - CK_DATA_DAY_S * (4 * 365 * (p->stay == CK_DATA_LEFT) + 1 + (one < other ? one : other)), CK_TIME_UNLIMITED};
	p->status = CK_STATUS_ACTIVE;
	switch (p->stay) {
	case CK_DATA_PERMANENT: break;
	case CK_DATA_FIXED_TERM: p->window.until_s = today_s + CK_DATA_DAY_S * (91 + (int64_t)ck_dice_below(&dice, 730)); break;
	case CK_DATA_ON_LEAVE: p->status = CK_STATUS_SUSPENDED; break;
	case CK_DATA_LEFT:
		p->status = CK_STATUS_SUSPENDED;
		p->window.until_s = today_s - CK_DATA_DAY_S * (90 + (int64_t)ck_dice_below(&dice, 3 * 365));
		break;
	case CK_DATA_TO_COME: p->window.from_s = today_s + CK_DATA_DAY_S * (1 + (int64_t)ck_dice_below(&dice, 90)); break;
	}
}

/* ---- what they hold ---- */

static void give_counts(const struct ck_data *data, struct ck_data_person *p)
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_COUNTS, p->number);
	uint64_t keys = ck_dice_below(&dice, 100), grants = ck_dice_below(&dice, 100);
	p->keys = keys < 5 ? 0 : keys < 73 ? 1 : keys < 97 ? 2 : 3;
	p->grants = grants < 31 ? 0 : grants < 67 ? 1 : grants < 85 ? 2 : grants < 96 ? 3 : 5;
	if (p->serial >= ADMINISTRATORS) return;
	if (p->keys == 0) p->keys = 1;
	if (p->grants == 0) p->grants = 1; /* the first is the administrators' */
}

void ck_data_person_at(const struct ck_data *data, uint64_t number, struct ck_data_person *out)
{
	memset(out, 0, sizeof *out);
	out->number = number;
	out->authority = ck_data_authority_of(data, number);
	out->serial = number - out->authority->staff_first;
	give_name(data, out);
	give_uid(out);
	give_mail(data, out);
	give_work(data, out);
	give_stay(data, out);
	give_counts(data, out);
}

/* ---- records ---- */

static struct ck_text text_or_absent(const char *text)
{
	return text[0] != '\0' ? ck_text_of(text) : (struct ck_text){NULL, 0};
}

void ck_data_put_staff(const struct ck_data *data, uint64_t number, struct ck_data_entry *out)
{
	struct ck_data_person *p = &out->person;
	ck_data_person_at(data, number, p);
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_STAFF, number, 0, p->authority->number);
	record->as.staff = (struct ck_staff){.uid = ck_text_of(p->uid),
	                                     .cn = ck_text_of(p->cn),
	                                     .given_name = ck_text_of(p->name.given),
	                                     .sn = ck_text_of(p->name.family),
	                                     .mail = ck_text_of(p->mail),
	                                     .telephone = text_or_absent(p->telephone),
	                                     .title = ck_text_of(p->title),
	                                     .department = ck_text_of(p->department),
	                                     .staff_number = ck_text_of(p->staff_number),
	                                     .uid_number = p->uid_number,
	                                     .gid_number = p->uid_number,
	                                     .home = ck_text_of(p->home),
	                                     .shell = ck_text_of("/bin/bash"),
	                                     .status = p->status,
	                                     .window = p->window,
	                                     .listed = p->listed};
}

static const struct ck_soft_credential *pool_of(const struct ck_data *data, const struct ck_data_person *person, unsigned key)
{
	return &data->pool[(person->number * CK_DATA_KEYS_LIMIT + key) % CK_DATA_POOL];
}

static void draw_credential_id(const struct ck_data *data, const struct ck_data_person *person, unsigned key, uint8_t out[CK_SOFT_ID_BYTES])
{
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_CREDENTIAL, person->number * CK_DATA_KEYS_LIMIT + key);
	for (size_t i = 0; i < CK_SOFT_ID_BYTES; i += 8) {
		uint64_t bits = ck_dice_next(&dice);
		for (size_t k = 0; k < 8; k++) out[i + k] = (uint8_t)(bits >> (8 * k));
	}
}

void ck_data_credential(const struct ck_data *data, const struct ck_data_person *person, unsigned key, struct ck_soft_credential *out)
{
	*out = *pool_of(data, person, key);
	draw_credential_id(data, person, key, out->id);
	out->id_length = CK_SOFT_ID_BYTES;
}

void ck_data_put_key(const struct ck_data *data, unsigned key, struct ck_data_entry *out)
{
	static const char *const labels[CK_DATA_KEYS_LIMIT] = {"my key", "spare, at home", "old one"};
	static const unsigned traits[] = {CK_TRAIT_USB, CK_TRAIT_USB | CK_TRAIT_NFC, CK_TRAIT_USB | CK_TRAIT_NFC | CK_TRAIT_PROTECTED_2,
	                                  CK_TRAIT_USB | CK_TRAIT_BIOMETRIC};
	const struct ck_data_person *p = &out->person;
	const struct ck_soft_credential *pool = pool_of(data, p, key);
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_KEY, p->number * CK_DATA_KEYS_LIMIT + key);
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_KEY, p->number, key, p->authority->number);
	struct ck_key *k = &record->as.key;
	draw_credential_id(data, p, key, out->credential_id);
	crypto_hash_sha256(k->hash, out->credential_id, sizeof out->credential_id);
	memcpy(record->id.bytes, k->hash, sizeof record->id.bytes);
	k->staff = ck_data_id(data, CK_KIND_STAFF, p->number, 0);
	k->credential_id = (struct ck_bytes){out->credential_id, sizeof out->credential_id};
	k->public_key = (struct ck_bytes){pool->cose, pool->cose_length};
	k->rp_id = ck_text_of(data->options.rp_id);
	k->label = ck_text_of(labels[key]);
	k->attestation = ck_text_of(CK_ATTESTATION_NONE);
	memcpy(k->aaguid, ck_soft_aaguid, sizeof k->aaguid);
	k->can_verify = !ck_dice_percent(&dice, 3); /* the others have no PIN */
	k->traits = traits[ck_dice_below(&dice, sizeof traits / sizeof traits[0])];
	k->status = p->stay == CK_DATA_LEFT || key == 2 || (key == 1 && ck_dice_percent(&dice, 5)) ? CK_STATUS_REVOKED : CK_STATUS_ACTIVE;
	k->window = (struct ck_window){CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
}

/* The first grant of the first people is the administrators' role; of 100 others 6 are of another authority's role. */
static const struct ck_data_authority *draw_granted(const struct ck_data *data, const struct ck_data_person *p, unsigned grant, uint64_t *out_role)
{
	struct ck_dice person = ck_data_dice(data, CK_DATA_FOR_GRANT, p->number * 16), each = ck_data_dice(data, CK_DATA_FOR_GRANT, p->number * 16 + 1 + grant);
	const struct ck_data_authority *authority = p->authority;
	uint64_t first = ck_dice_next(&person) >> 16; /* theirs follow upon each other: none twice */
	*out_role = CK_DATA_ROLE_ADMINISTRATORS;
	if (p->serial < ADMINISTRATORS && grant == 0) return authority;
	if (grant == 0 && ck_dice_percent(&each, 6)) authority = ck_data_other(data, authority, &each);
	*out_role = ck_data_team_role(authority, first + grant);
	return authority;
}

static struct ck_window draw_grant_window(const struct ck_data *data, const struct ck_data_person *p, struct ck_dice *dice)
{
	int64_t today_s = midnight(data->options.now_s);
	uint64_t drawn = ck_dice_below(dice, 100);
	struct ck_window window = {p->window.from_s, p->window.until_s};
	if (p->serial < ADMINISTRATORS || p->stay == CK_DATA_LEFT || p->stay == CK_DATA_TO_COME || drawn >= 30) return window;
	window.until_s = drawn < 20 ? today_s + CK_DATA_DAY_S * (91 + (int64_t)ck_dice_below(dice, 365)) : today_s;
	return window;
}

void ck_data_put_grant(const struct ck_data *data, unsigned grant, struct ck_data_entry *out)
{
	static const char *const reasons[] = {"on the rota", "joined the team", "covers for a colleague", "asked for by their manager", "yearly review",
	                                      "project work, agreed with both authorities"};
	const struct ck_data_person *p = &out->person;
	struct ck_dice dice = ck_data_dice(data, CK_DATA_FOR_GRANT, p->number * 16 + 8 + grant);
	uint64_t ordinal;
	const struct ck_data_authority *authority = draw_granted(data, p, grant, &ordinal);
	struct ck_record *record = ck_data_begin(data, out, CK_KIND_GRANT, p->number, grant, authority->number);
	record->as.grant = (struct ck_grant){.role = ck_data_id(data, CK_KIND_ROLE, authority->roles_first + ordinal, 0),
	                                     .staff = ck_data_id(data, CK_KIND_STAFF, p->number, 0),
	                                     .window = draw_grant_window(data, p, &dice),
	                                     .granted_by = ck_data_id(data, CK_KIND_STAFF, authority->staff_first, 0),
	                                     .reason = ck_text_of(reasons[ck_dice_below(&dice, sizeof reasons / sizeof reasons[0])])};
}
