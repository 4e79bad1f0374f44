/* Names of people: of many origins, each with its own lists, frequencies and habits. */
#ifndef CK_DATA_NAMES_H
#define CK_DATA_NAMES_H

#include "directory/base/text.h"
#include "tests/data/random.h"

#define CK_DATA_GIVEN_BYTES 32
#define CK_DATA_FAMILY_BYTES 60
#define CK_DATA_ORIGINS 21

/* Lists are words between spaces, commonest first; '_' in a word stands for a space. */
struct ck_data_origin {
	const char *name;
	const char *female, *male;
	const char *surnames;
	const char *begins, *ends; /* rarer surnames are one of each; NULL: there are none */
	char join;                 /* between the two of a double surname */
	unsigned tail_percent;     /* how many have such a rarer surname */
	unsigned double_percent;   /* how many have two surnames */
	bool feminine;             /* surnames in -ki are -ka of women */
};
extern const struct ck_data_origin ck_data_english, ck_data_scottish, ck_data_gaelic, ck_data_irish, ck_data_welsh, ck_data_polish, ck_data_romanian,
	ck_data_iberian, ck_data_italian, ck_data_turkish, ck_data_punjabi, ck_data_gujarati, ck_data_pakistani, ck_data_bengali, ck_data_tamil,
	ck_data_chinese, ck_data_yoruba, ck_data_igbo, ck_data_akan, ck_data_mande, ck_data_somali;

enum ck_data_region { CK_DATA_ENGLAND, CK_DATA_WALES, CK_DATA_SCOTLAND, CK_DATA_IRELAND };

struct ck_data_name {
	unsigned origin; /* below CK_DATA_ORIGINS */
	bool female;
	char given[CK_DATA_GIVEN_BYTES];
	char middle[CK_DATA_GIVEN_BYTES]; /* "" for most */
	char family[CK_DATA_FAMILY_BYTES];
};

struct ck_data_names;
struct ck_data_names *ck_data_names_new(void);
void ck_data_names_free(struct ck_data_names **names);
/* Whatever the dice say; the same dice, the same name. */
void ck_data_name_draw(const struct ck_data_names *names, enum ck_data_region region, struct ck_dice *dice, struct ck_data_name *out);
const char *ck_data_origin_name(unsigned origin);
/* Of 1 000 people of that region. They add up to 1 000. */
unsigned ck_data_origin_share(unsigned origin, enum ck_data_region region);

/* What is left in ASCII, lower case: letters without their marks ("Łukasz Ó Briain" gives "lukasz o briain"), apostrophes gone. A letter that is
   not known ends the program: a list has one that this table lacks. The generator's own, so that it can be held against the product's. */
void ck_data_fold(const char *text, char *out, size_t out_bytes);

#endif
