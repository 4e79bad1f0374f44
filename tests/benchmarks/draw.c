/* Drawing people who can be found: not ex-directory, not suspended, within their dates by today's clock, which is the daemon's. */
#include <string.h>
#include <time.h>

#include "tests/benchmarks/draw.h"
#include "tests/data/data.h"

static int is_findable(const struct ck_data_person *person)
{
	return person->listed && person->status == CK_STATUS_ACTIVE && ck_window_contains(person->window, (struct ck_moment){ .s = time(NULL) });
}

void bench_draw_people(uint64_t seed, uint64_t purpose, uint64_t staff, size_t count, const char **uids, const char **mails)
{
	static struct ck_data_person person;
	struct ck_data *data = ck_data_new(&(struct ck_data_options){ .seed = seed, .staff = staff });
	struct ck_dice dice = ck_dice_of(seed, purpose, 0);
	for (size_t i = 0; i < count; i++) {
		do ck_data_person_at(data, ck_dice_below(&dice, staff), &person);
		while (!is_findable(&person));
		uids[i] = strdup(person.uid);
		if (mails != NULL) mails[i] = strdup(person.mail);
	}
	ck_data_free(&data);
}
