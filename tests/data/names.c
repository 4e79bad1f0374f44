/* Who is called what: origins by region, and a name made of an origin's lists. The shares are those of a country such as this one, rounded; they
   are meant to have the variety and the repetitions of real life, not to be a census. */
#include "tests/data/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/data/words.h"

/* How fast frequencies fall with rank: of the commonest surname about 1.5 % of its origin, of the commonest given name about 3 %. */
#define SURNAME_FLATNESS 16
#define GIVEN_FLATNESS 10
#define PART_FLATNESS 60 /* what rarer surnames are made of */
#define MIDDLE_PERCENT 8
#define BORN_HERE_PERCENT 12  /* of other origins, who have a given name of the country's */
#define OTHER_FAMILY_PERCENT 3 /* who have a surname of another origin, by marriage or descent */

enum { BRITISH = 5 }; /* the first so many of the table */

static const struct {
	const struct ck_data_origin *origin;
	unsigned share[4]; /* of 1 000, by region */
} origins[CK_DATA_ORIGINS] = {
	{&ck_data_english, {625, 330, 330, 240}}, {&ck_data_scottish, {45, 20, 380, 70}}, {&ck_data_gaelic, {2, 0, 60, 0}},
	{&ck_data_irish, {45, 20, 40, 560}},      {&ck_data_welsh, {50, 450, 10, 10}},    {&ck_data_polish, {28, 28, 28, 28}},
	{&ck_data_romanian, {14, 10, 10, 8}},     {&ck_data_iberian, {14, 10, 10, 8}},    {&ck_data_italian, {8, 8, 12, 4}},
	{&ck_data_turkish, {8, 4, 4, 2}},         {&ck_data_punjabi, {24, 16, 18, 8}},    {&ck_data_gujarati, {20, 14, 10, 6}},
	{&ck_data_pakistani, {38, 28, 40, 12}},   {&ck_data_bengali, {16, 14, 8, 6}},     {&ck_data_tamil, {10, 8, 6, 6}},
	{&ck_data_yoruba, {16, 12, 10, 8}},       {&ck_data_igbo, {9, 7, 6, 6}},          {&ck_data_akan, {9, 6, 4, 6}},
	{&ck_data_mande, {4, 3, 2, 2}},           {&ck_data_somali, {5, 4, 2, 2}},        {&ck_data_chinese, {10, 8, 10, 8}},
};

struct lists {
	struct ck_words female, male, surnames, begins, ends;
};
struct ck_data_names {
	struct lists of[CK_DATA_ORIGINS];
};

struct ck_data_names *ck_data_names_new(void)
{
	struct ck_data_names *names = calloc(1, sizeof *names);
	CK_ASSERT(names != NULL);
	for (size_t i = 0; i < CK_DATA_ORIGINS; i++) {
		const struct ck_data_origin *origin = origins[i].origin;
		ck_words_read(&names->of[i].female, origin->female, GIVEN_FLATNESS);
		ck_words_read(&names->of[i].male, origin->male, GIVEN_FLATNESS);
		ck_words_read(&names->of[i].surnames, origin->surnames, SURNAME_FLATNESS);
		ck_words_read(&names->of[i].begins, origin->begins, PART_FLATNESS);
		ck_words_read(&names->of[i].ends, origin->ends, PART_FLATNESS);
	}
	return names;
}

void ck_data_names_free(struct ck_data_names **names)
{
	if (*names == NULL) return;
	for (size_t i = 0; i < CK_DATA_ORIGINS; i++) {
		struct lists *of = &(*names)->of[i];
		ck_words_free(&of->female);
		ck_words_free(&of->male);
		ck_words_free(&of->surnames);
		ck_words_free(&of->begins);
		ck_words_free(&of->ends);
	}
	free(*names);
	*names = NULL;
}

const char *ck_data_origin_name(unsigned origin) { return origins[origin].origin->name; }
unsigned ck_data_origin_share(unsigned origin, enum ck_data_region region) { return origins[origin].share[region]; }

static unsigned draw_origin(enum ck_data_region region, struct ck_dice *dice)
{
	uint64_t drawn = ck_dice_below(dice, 1000), sum = 0;
	for (unsigned i = 0; i < CK_DATA_ORIGINS; i++) {
		sum += origins[i].share[region];
		if (drawn < sum) return i;
	}
	ck_panic(__FILE__, __LINE__, "shares add up to 1 000");
}

/* '_' is a space. */
static void append(char *out, size_t out_bytes, struct ck_text word)
{
	size_t used = strlen(out);
	CK_ASSERT(used + word.length < out_bytes);
	for (size_t i = 0; i < word.length; i++) out[used + i] = word.at[i] == '_' ? ' ' : word.at[i];
	out[used + word.length] = '\0';
}

static void append_surname(const struct ck_data_names *names, unsigned origin, bool female, struct ck_dice *dice, char *out, size_t out_bytes)
{
	const struct lists *of = &names->of[origin];
	if (ck_dice_percent(dice, origins[origin].origin->tail_percent)) {
		append(out, out_bytes, ck_words_draw(&of->begins, dice));
		append(out, out_bytes, ck_words_draw(&of->ends, dice));
	} else {
		append(out, out_bytes, ck_words_draw(&of->surnames, dice));
	}
	size_t length = strlen(out);
	if (female && origins[origin].origin->feminine && length > 2 && strcmp(out + length - 2, "ki") == 0) out[length - 1] = 'a';
}

static void draw_family(const struct ck_data_names *names, enum ck_data_region region, struct ck_dice *dice, struct ck_data_name *out)
{
	unsigned origin = ck_dice_percent(dice, OTHER_FAMILY_PERCENT) ? draw_origin(region, dice) : out->origin;
	const struct ck_data_origin *habits = origins[origin].origin;
	out->family[0] = '\0';
	append_surname(names, origin, out->female, dice, out->family, sizeof out->family);
	if (!ck_dice_percent(dice, habits->double_percent)) return;
	append(out->family, sizeof out->family, (struct ck_text){&habits->join, 1});
	append_surname(names, origin, out->female, dice, out->family, sizeof out->family);
}

static void draw_given(const struct ck_data_names *names, unsigned origin, bool female, struct ck_dice *dice, char *out)
{
	out[0] = '\0';
	append(out, CK_DATA_GIVEN_BYTES, ck_words_draw(female ? &names->of[origin].female : &names->of[origin].male, dice));
}

void ck_data_name_draw(const struct ck_data_names *names, enum ck_data_region region, struct ck_dice *dice, struct ck_data_name *out)
{
	memset(out, 0, sizeof *out);
	out->origin = draw_origin(region, dice);
	out->female = ck_dice_percent(dice, 56); /* more women than men work for public bodies */
	unsigned given_origin = out->origin >= BRITISH && ck_dice_percent(dice, BORN_HERE_PERCENT) ? 0 : out->origin;
	draw_given(names, given_origin, out->female, dice, out->given);
	if (ck_dice_percent(dice, MIDDLE_PERCENT)) draw_given(names, given_origin, out->female, dice, out->middle);
	if (strcmp(out->middle, out->given) == 0) out->middle[0] = '\0';
	draw_family(names, region, dice, out);
}
