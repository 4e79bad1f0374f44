/* Planning in the command: the uid numbers that a list draws for the people it adds. The authority is added by the same list, so that nobody has
   to be asked for its range. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "authd/cli/kind.h"
#include "tests/unit/suite.h"

#define FIRST 200000

static struct ck_cli cli;
static struct ck_plan plan;

static void set_up(void)
{
	cli = (struct ck_cli){ .pin_fd = -1 };
	memset(&plan, 0, sizeof plan);
}

/* York, with so many numbers. */
static void put_york(unsigned numbers)
{
	struct ck_plan_item *york = ck_plan_add(&plan, "authority.add", CK_KIND_AUTHORITY, "york", (struct ck_id){ { 0 } });
	ck_assert_ptr_nonnull(york);
	ck_plan_value(york, "ckUidNumberFirst", ck_cli_print("%d", FIRST));
	ck_plan_value(york, "ckUidNumberLast", ck_cli_print("%u", FIRST + numbers - 1));
}

/* `number`: NULL: one is drawn. */
static enum ck_error put_person(unsigned i, const char *number)
{
	char *words[] = { "staff",  "add", ck_cli_print("p%u", i), "--authority", "york", "--name", "Some Body", "--mail", ck_cli_print("p%u@york.example", i),
		          "--number", ck_cli_print("%u", i), "--uid-number", ck_cli_print("%s", number != NULL ? number : "") };
	return ck_kind_plan(&cli, number != NULL ? 13 : 11, words, &plan);
}

/* How often each number of the range was planned. */
static void count_numbers(unsigned numbers, unsigned *times)
{
	memset(times, 0, numbers * sizeof *times);
	for (size_t i = 1; i < plan.count; i++) {
		for (size_t j = 0; j < plan.items[i].count; j++) {
			uint64_t number = 0;
			if (strcmp(plan.items[i].values[j].name, "uidNumber") != 0) continue;
			struct ck_bytes text = plan.items[i].values[j].values[0];
			ck_assert_int_eq(ck_uint_parse((struct ck_text){ (const char *)text.at, text.length }, FIRST, FIRST + numbers - 1, &number), CK_OK);
			times[number - FIRST]++;
		}
	}
}

/* As many as one list holds, in a range that holds no more: every one is drawn, and none twice. */
START_TEST(each_number_of_a_list_is_drawn_once)
{
	enum { PEOPLE = CK_CHANGES_LIMIT - 1 };
	unsigned times[PEOPLE];
	put_york(PEOPLE);
	for (unsigned i = 0; i < PEOPLE; i++) ck_assert_int_eq(put_person(i, NULL), CK_OK);
	count_numbers(PEOPLE, times);
	for (unsigned i = 0; i < PEOPLE; i++) ck_assert_msg(times[i] == 1, "the number %u is planned %u times", FIRST + i, times[i]);
}
END_TEST

START_TEST(a_number_that_was_given_is_not_drawn)
{
	unsigned times[3];
	for (int round = 0; round < 20; round++) {
		set_up();
		put_york(3);
		ck_assert_int_eq(put_person(1, "200001"), CK_OK);
		ck_assert_int_eq(put_person(2, NULL), CK_OK);
		ck_assert_int_eq(put_person(3, NULL), CK_OK);
		count_numbers(3, times);
		ck_assert(times[0] == 1 && times[1] == 1 && times[2] == 1);
	}
}
END_TEST

START_TEST(a_list_that_is_larger_than_the_range_is_not_planned)
{
	put_york(2);
	ck_assert_int_eq(put_person(1, NULL), CK_OK);
	ck_assert_int_eq(put_person(2, NULL), CK_OK);
	ck_assert_int_eq(put_person(3, NULL), CK_ERR_LIMIT);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("kind_plan");
	TCase *numbers = tcase_create("numbers");
	tcase_add_checked_fixture(numbers, set_up, NULL);
	tcase_add_test(numbers, each_number_of_a_list_is_drawn_once);
	tcase_add_test(numbers, a_number_that_was_given_is_not_drawn);
	tcase_add_test(numbers, a_list_that_is_larger_than_the_range_is_not_planned);
	suite_add_tcase(suite, numbers);
	return suite_run(suite);
}
