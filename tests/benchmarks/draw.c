/* Drawing people who can be found: not ex-directory, not suspended, within their dates by today's clock, which is the daemon's. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/benchmarks/draw.h"
#include "tests/data/data.h"

static int is_findable(const struct ck_data_person *person)
{
	return person->listed && person->status == CK_STATUS_ACTIVE && ck_window_contains(person->window, (struct ck_moment){ .s = time(NULL) });
}

static int is_wanted(const struct ck_data_person *person, uint64_t authorities)
{
	return is_findable(person) && (authorities == 0 || person->authority->number < authorities);
}

void bench_draw_people(uint64_t seed, uint64_t purpose, uint64_t staff, const struct bench_drawn *out)
{
	static struct ck_data_person person;
	char number[24];
	struct ck_data *data = ck_data_new(&(struct ck_data_options){ .seed = seed, .staff = staff });
	struct ck_dice dice = ck_dice_of(seed, purpose, 0);
	for (size_t i = 0; i < out->count; i++) {
		do ck_data_person_at(data, ck_dice_below(&dice, staff), &person);
		while (!is_wanted(&person, out->authorities));
		snprintf(number, sizeof number, "%llu", (unsigned long long)person.uid_number);
		out->uids[i] = strdup(person.uid);
		if (out->mails != NULL) out->mails[i] = strdup(person.mail);
		if (out->numbers != NULL) out->numbers[i] = strdup(number);
	}
	ck_data_free(&data);
}
