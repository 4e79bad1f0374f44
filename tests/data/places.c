/* What authorities and their departments are called. No real authority: the names are made of parts of real places. */
#include "tests/data/internal.h"

#include <stdio.h>
#include <string.h>

#define ENGLISH_BEGINS 44
#define ENGLISH_ENDS 20
static const char *const english_begins[ENGLISH_BEGINS] = {
	"Ash",  "Brad", "Thorn", "Hart", "Whit", "Stan", "Wal",  "Nor",  "Sut",  "Brom", "Birch", "Elm",  "Oak", "Beck", "Mar",
	"Mers", "Shel", "Stock", "Swan", "Tame", "Wake", "Wen",  "Wick", "Win",  "Bar",  "Bex",   "Brent", "Buck", "Cal", "Chel",
	"Clay", "Dar",  "East",  "Fair", "Glo",  "Had",  "Hal",  "Hun",  "Kirk", "Lang", "Mid",   "Red",  "Sale", "Tor"};
static const char *const english_ends[ENGLISH_ENDS] = {"wick",  "ford", "ton",  "ley",  "ham",  "bury", "side", "mouth", "borough", "chester",
                                                      "field", "pool", "stead", "dale", "worth", "combe", "mere", "bridge", "minster", "shaw"};
#define WELSH_BEGINS 10
#define WELSH_ENDS 11
static const char *const welsh_begins[WELSH_BEGINS] = {"Aber", "Llan", "Caer", "Pen", "Tre", "Pont", "Rhyd", "Cwm", "Bryn", "Maes"};
static const char *const welsh_ends[WELSH_ENDS] = {"tawe", "fechan", "mawr", "gwyn", "ddu", "teifi", "dulais", "garw", "wern", "dyfi", "glas"};
#define SCOTTISH_BEGINS 10
#define SCOTTISH_ENDS 11
static const char *const scottish_begins[SCOTTISH_BEGINS] = {"Inver", "Strath", "Glen", "Dun", "Kil", "Bal", "Aucht", "Kin", "Loch", "Ard"};
static const char *const scottish_ends[SCOTTISH_ENDS] = {"ness", "more", "garry", "keith", "clyde", "nairn", "gask", "ross", "tay", "avon", "bruaich"};
#define IRISH_BEGINS 8
#define IRISH_ENDS 9
static const char *const irish_begins[IRISH_BEGINS] = {"Bally", "Carrick", "Derry", "Ennis", "Clon", "Magher", "Letter", "Drum"};
static const char *const irish_ends[IRISH_ENDS] = {"mena", "fergus", "nagh", "killen", "more", "felt", "bane", "lough", "castle"};

static const struct {
	const char *kind, *suffix, *domain;
} kinds[] = {
	{"council", "Borough Council", "gov"},  {"council", "County Council", "gov"},     {"council", "Council", "gov"},
	{"council", "City Council", "gov"},     {"department", "Health Board", "health"}, {"department", "Fire and Rescue", "fire"},
	{"council", "District Council", "gov"}, {"supplier", "Services Ltd", "co"},       {"department", "Housing Agency", "agency"},
	{"supplier", "Care Partnership", "co"},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Of 25 authorities two are Welsh, two Scottish and one Irish. *out_nth: a number that no other of the region has. */
static enum ck_data_region region_of(uint64_t number, uint64_t *out_nth)
{
	uint64_t round = number / 25, at = number % 25;
	*out_nth = number;
	if (at == 7 || at == 19) {
		*out_nth = 2 * round + (at == 19);
		return CK_DATA_WALES;
	}
	if (at == 12 || at == 17) {
		*out_nth = 2 * round + (at == 17);
		return CK_DATA_SCOTLAND;
	}
	if (at != 22) return CK_DATA_ENGLAND;
	*out_nth = round;
	return CK_DATA_IRELAND;
}

/* The nth pair: beginnings change each time, the endings shift by a round, so that neighbours differ in both. */
static void pair(char *out, size_t out_bytes, const char *const *begins, size_t begin_count, const char *const *ends, size_t end_count, uint64_t nth)
{
	CK_ASSERT(nth < begin_count * end_count);
	uint64_t begin = nth % begin_count, end = (nth / begin_count + 3 * begin) % end_count;
	snprintf(out, out_bytes, "%s%s", begins[begin], ends[end]);
}

void ck_data_name_authority(struct ck_data_authority *authority)
{
	uint64_t nth;
	authority->region = region_of(authority->number, &nth);
	switch (authority->region) {
	case CK_DATA_WALES: pair(authority->place, sizeof authority->place, welsh_begins, WELSH_BEGINS, welsh_ends, WELSH_ENDS, nth); break;
	case CK_DATA_SCOTLAND: pair(authority->place, sizeof authority->place, scottish_begins, SCOTTISH_BEGINS, scottish_ends, SCOTTISH_ENDS, nth); break;
	case CK_DATA_IRELAND: pair(authority->place, sizeof authority->place, irish_begins, IRISH_BEGINS, irish_ends, IRISH_ENDS, nth); break;
	case CK_DATA_ENGLAND: pair(authority->place, sizeof authority->place, english_begins, ENGLISH_BEGINS, english_ends, ENGLISH_ENDS, nth); break;
	}
	const size_t at = (size_t)(authority->number * 7 % KINDS);
	authority->kind = kinds[at].kind;
	snprintf(authority->name, sizeof authority->name, "%s %s", authority->place, kinds[at].suffix);
	ck_data_fold(authority->place, authority->slug, sizeof authority->slug);
	snprintf(authority->domains[0], sizeof authority->domains[0], "%s.%s.example", authority->slug, kinds[at].domain);
	snprintf(authority->domains[1], sizeof authority->domains[1], "schools.%s.example", authority->slug);
}

/* ---- departments ---- */

static const struct {
	const char *name, *short_name;
} departments[CK_DATA_DEPARTMENTS] = {
	{"Housing", "Housing"}, {"Adult Social Care", "Social Care"}, {"Children's Services", "Children's Services"}, {"Education", "Education"},
	{"Planning", "Planning"}, {"Highways", "Highways"}, {"Revenues and Benefits", "Benefits"}, {"Environmental Health", "Environmental Health"},
	{"Customer Contact", "Customer"}, {"Finance", "Finance"}, {"Human Resources", "HR"}, {"Information Technology", "IT"},
	{"Parks, Leisure and Culture", "Parks"}, {"Waste and Recycling", "Waste"}, {"Libraries", "Library"}, {"Legal Services", "Legal"},
	{"Public Health", "Public Health"}, {"Licensing", "Licensing"}, {"Registrars", "Registration"}, {"Electoral Services", "Elections"},
	{"Community Safety", "Community Safety"}, {"Procurement", "Procurement"}, {"Building Control", "Building Control"}, {"Transport", "Transport"},
	{"Trading Standards", "Trading Standards"}, {"Audit", "Audit"}, {"Facilities", "Facilities"}, {"Communications", "Communications"},
	{"Emergency Planning", "Resilience"}, {"Museums and Archives", "Museum"},
};

const char *ck_data_department(uint64_t rank, const char **out_short)
{
	rank %= CK_DATA_DEPARTMENTS;
	if (out_short != NULL) *out_short = departments[rank].short_name;
	return departments[rank].name;
}
