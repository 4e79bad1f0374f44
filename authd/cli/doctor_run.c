/* What a stack comes to, for every combination of what its modules can answer. Follows libpam's rules for a stack that is called for the
   first time; states that differ in nothing are one, so that the work stays small. */
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/cli.h"
#include "authd/cli/doctor_stack.h"

#define STATES_LIMIT 512 /* at one line; past it, or past that many comparisons of two, the result is called unclear */
#define COMPARISONS_LIMIT 2000000 /* some hundredths of a second; stacks that people write need some thousand */
#define REFUSED PAM_PERM_DENIED /* libpam's answer where no module gave one */

enum impression { UNDECIDED, POSITIVE, NEGATIVE };
struct mark {
	uint8_t impression, status;
};
struct state { /* bytes, so that two are compared whole */
	struct mark now;
	struct mark entered[CK_STACK_SUBSTACKS_LIMIT]; /* how it stood when the substack of that level was entered */
	uint8_t level; /* of the line before */
	uint8_t unused[1];
	uint32_t means;
};
struct states {
	struct state *at;
	size_t count, room;
};
struct run {
	const struct ck_stack_line *chain[CK_STACK_LINES_LIMIT];
	size_t length;
	struct states states[CK_STACK_LINES_LIMIT + 1]; /* before each line, and at the end */
	unsigned long comparisons;
	struct ck_results *out;
};

static void add_result(struct ck_results *results, uint8_t code, uint32_t means)
{
	size_t kept = 0;
	for (size_t i = 0; i < results->count; i++) {
		const struct ck_outcome *one = &results->at[i];
		if (one->code == code && (one->means & means) == one->means) return; /* takes no more than this */
	}
	for (size_t i = 0; i < results->count; i++)
		if (results->at[i].code != code || (results->at[i].means & means) != means) results->at[kept++] = results->at[i];
	results->count = kept;
	if (kept == CK_RESULTS_LIMIT) {
		results->unclear = true;
		return;
	}
	results->at[results->count++] = (struct ck_outcome){ means, code };
}

static bool same_but_means(const struct state *a, const struct state *b)
{
	return memcmp(a, b, offsetof(struct state, means)) == 0;
}

static void put(struct run *run, size_t index, const struct state *state)
{
	struct states *states = &run->states[index];
	run->comparisons += states->count;
	for (size_t i = 0; i < states->count; i++)
		if (same_but_means(&states->at[i], state) && (states->at[i].means & state->means) == states->at[i].means) return;
	if (states->count == STATES_LIMIT || run->comparisons > COMPARISONS_LIMIT) {
		run->out->unclear = true;
		return;
	}
	if (states->count == states->room) {
		size_t room = states->room == 0 ? 8 : 2 * states->room;
		struct state *grown = ck_cli_allocate(room * sizeof *grown);
		if (states->count > 0) memcpy(grown, states->at, states->count * sizeof *grown);
		free(states->at);
		states->at = grown;
		states->room = room;
	}
	states->at[states->count++] = *state;
}

/* The last line before the walk leaves the substack that line `index` is in. */
static size_t last_of_level(const struct run *run, size_t index)
{
	unsigned level = run->chain[index]->level;
	while (index + 1 < run->length && run->chain[index + 1]->level >= level) index++;
	return index;
}

/* Over `count` modules, a substack with all in it being one. False: there are not so many. */
static bool jump(const struct run *run, size_t *index, int count)
{
	unsigned level = run->chain[*index]->level;
	while (*index + 1 < run->length && run->chain[*index + 1]->level >= level && count > 0) {
		do ++*index;
		while (*index + 1 < run->length && run->chain[*index + 1]->level > level);
		count--;
	}
	return count == 0;
}

static void count_as_fine(struct mark *now, uint8_t code)
{
	bool fine = now->impression == POSITIVE && now->status == PAM_SUCCESS;
	if (now->impression == UNDECIDED || fine) *now = (struct mark){ POSITIVE, code };
}

static void count_as_bad(struct mark *now, uint8_t code)
{
	if (now->impression != NEGATIVE) *now = (struct mark){ NEGATIVE, code == PAM_IGNORE ? REFUSED : code };
}

static void follow(struct run *run, size_t index, struct state state, const struct ck_outcome *outcome)
{
	const struct ck_stack_line *line = run->chain[index];
	int action = line->actions[outcome->code];
	state.means |= outcome->means;
	if (outcome->code == PAM_INCOMPLETE) {
		add_result(run->out, PAM_INCOMPLETE, state.means);
		return;
	}
	switch (action) {
	case CK_ACTION_IGNORE: break;
	case CK_ACTION_RESET: state.now = state.entered[line->level]; break;
	case CK_ACTION_OK: count_as_fine(&state.now, outcome->code); break;
	case CK_ACTION_DONE:
		count_as_fine(&state.now, outcome->code);
		if (state.now.impression == POSITIVE) index = last_of_level(run, index);
		break;
	case CK_ACTION_DIE:
		count_as_bad(&state.now, outcome->code);
		index = last_of_level(run, index);
		break;
	default:
		if (action < 0)
			count_as_bad(&state.now, outcome->code);
		else if (!jump(run, &index, action))
			state.now = (struct mark){ NEGATIVE, REFUSED };
	}
	put(run, index + 1, &state);
}

static void step(struct run *run, size_t index, struct state state, ck_stack_ask ask, void *context)
{
	const struct ck_stack_line *line = run->chain[index];
	struct ck_outcomes outcomes = { .count = 0 };
	if (state.level < line->level) state.entered[line->level] = state.now;
	state.level = (uint8_t)line->level;
	if (line->kind == CK_LINE_SUBSTACK) {
		put(run, index + 1, &state);
		return;
	}
	if (line->kind == CK_LINE_FAILS)
		outcomes = (struct ck_outcomes){ { { 0, REFUSED } }, 1 };
	else
		ask(line, context, &outcomes);
	for (size_t i = 0; i < outcomes.count; i++) follow(run, index, state, &outcomes.at[i]);
}

const struct ck_stack *ck_stack_of(const struct ck_stack *service, const struct ck_stack *other, enum ck_stack_type type)
{
	for (size_t i = 0; i < service->count; i++)
		if (service->lines[i].type == type) return service;
	return other;
}

void ck_stack_run(const struct ck_stack *service, const struct ck_stack *other, enum ck_stack_type type, ck_stack_ask ask, void *context,
                  struct ck_results *out)
{
	struct run *run = ck_cli_allocate(sizeof *run);
	const struct ck_stack *stack = ck_stack_of(service, other, type);
	struct state first = { .now = { UNDECIDED, REFUSED } };
	first.entered[0] = first.now;
	*out = (struct ck_results){ .count = 0 };
	run->out = out;
	for (size_t i = 0; i < stack->count; i++)
		if (stack->lines[i].type == type) run->chain[run->length++] = &stack->lines[i];
	if (service->broken || other->broken || (!service->found && !other->found)) {
		add_result(out, PAM_ABORT, 0);
	} else {
		put(run, 0, &first);
		for (size_t i = 0; i < run->length; i++)
			for (size_t j = 0; j < run->states[i].count; j++) step(run, i, run->states[i].at[j], ask, context);
		for (size_t j = 0; j < run->states[run->length].count; j++) {
			const struct state *state = &run->states[run->length].at[j];
			bool unfounded = state->now.status == PAM_SUCCESS && state->now.impression != POSITIVE;
			add_result(out, unfounded ? REFUSED : state->now.status, state->means);
		}
	}
	for (size_t i = 0; i <= run->length; i++) free(run->states[i].at);
	free(run);
}
