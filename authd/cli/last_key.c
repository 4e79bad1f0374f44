/* Whether a plan takes from whoever orders it the last key they have. The daemon refuses that to all
   but administrators, and of those lets it stand: it may be meant. */
#include <string.h>

#include "authd/cli/plan.h"
#include "directory/base/clock.h"

struct count {
	const struct ck_plan *plan;
	size_t lost, left;
};

static bool takes_it(const struct ck_plan_item *item)
{
	if (item->kind != CK_KIND_KEY) return false;
	if (strcmp(item->operation, "key.remove") == 0) return true;
	for (size_t i = 0; i < item->count; i++) {
		const struct ck_cli_attribute *value = &item->values[i];
		bool status = strcmp(value->name, "ckStatus") == 0 && value->count == 1;
		if (status && !ck_text_is((struct ck_text){ (const char *)value->values[0].at, value->values[0].length }, "active")) return true;
	}
	return false;
}

static void count_key(struct ck_cli_entry *entry, void *context)
{
	struct count *count = context;
	int64_t until_s = 0;
	bool lost = false;
	if (!ck_text_is(ck_cli_entry_text(entry, "ckStatus"), "active")) return;
	if (ck_time_parse_generalized(ck_cli_entry_text(entry, "ckValidUntil"), &until_s) != CK_OK || until_s <= ck_clock_wall_s()) return;
	for (size_t i = 0; i < count->plan->count; i++) {
		const struct ck_plan_item *item = &count->plan->items[i];
		bool this_one = item->target_length == entry->id_length && memcmp(item->target, entry->id, entry->id_length) == 0;
		if (this_one && takes_it(item)) lost = true;
	}
	if (lost) count->lost++;
	else count->left++;
}

enum ck_error ck_plan_takes_last_key(struct ck_cli *cli, const struct ck_plan *plan, struct ck_id self, bool *out)
{
	struct count count = { .plan = plan };
	bool any = false;
	for (size_t i = 0; i < plan->count; i++) any = any || takes_it(&plan->items[i]);
	*out = false;
	if (!any) return CK_OK;
	enum ck_error error = ck_cli_entry_list(cli, CK_KIND_KEY, NULL, &self, count_key, &count);
	*out = error == CK_OK && count.lost > 0 && count.left == 0;
	return error;
}
