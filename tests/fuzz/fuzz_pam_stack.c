/* PAM service files: four of them in one input, cut at bytes 0xff, of which the first is the service and the second "other", and which may include each
   other by the names a, b, c, d. Whatever they hold: the reading ends, its lines lie within their text, each walk through them gives a result, and a
   service without a line of ours never lets in by a key. */
#include <stdlib.h>
#include <string.h>

#include "authd/cli/doctor_module.h"
#include "tests/fuzz/fuzz.h"

#define FILES 4

static struct ck_text files[FILES];

static enum ck_error open_file(void *context, const char *name, struct ck_text *out_text, const char **out_path)
{
	static const char *const paths[FILES] = { "a", "b", "c", "d" };
	const bool *whole = context;
	size_t which = *whole && name[0] == '\0' ? 0 : (size_t)(unsigned char)name[0] - 'a';
	if (which >= FILES || (name[0] != '\0' && name[1] != '\0')) return CK_ERR_NOT_FOUND;
	*out_text = files[which];
	*out_path = paths[which];
	return CK_OK;
}

static void check_inside(const struct ck_stack_line *line, const char *at)
{
	if (at < line->text || at >= line->text + sizeof line->text || memchr(at, '\0', (size_t)(line->text + sizeof line->text - at)) == NULL) abort();
}

static void check_lines(const struct ck_stack *stack)
{
	if (stack->count > CK_STACK_LINES_LIMIT) abort();
	for (size_t i = 0; i < stack->count; i++) {
		const struct ck_stack_line *line = &stack->lines[i];
		if (line->level >= CK_STACK_SUBSTACKS_LIMIT || line->type >= CK_STACK_TYPES || line->count > CK_STACK_ARGUMENTS_LIMIT) abort();
		if (line->target != NULL) check_inside(line, line->target);
		for (size_t j = 0; j < line->count; j++) check_inside(line, line->arguments[j]);
		for (size_t j = 0; j < CK_STACK_CODES && (line->kind == CK_LINE_MODULE || line->kind == CK_LINE_FAILS); j++)
			if (line->actions[j] < CK_ACTION_RESET) abort();
	}
}

static void walk(const struct ck_stack *service, const struct ck_stack *other, struct ck_means *means, enum ck_person person, enum ck_state state)
{
	static struct ck_results results;
	struct ck_module_question question = { .person = person, .state = state, .service = "login", .local_names = "/names", .means = means };
	for (int i = 0; i < 2; i++) {
		question.type = i == 0 ? CK_STACK_AUTH : CK_STACK_ACCOUNT;
		ck_stack_run(service, other, question.type, ck_module_answer, &question, &results);
		if ((results.count == 0 && !results.unclear) || results.count > CK_RESULTS_LIMIT) abort();
		for (size_t j = 0; j < results.count; j++)
			if (results.at[j].code >= CK_STACK_CODES || (means->count < CK_MEANS_LIMIT && results.at[j].means >> means->count != 0)) abort();
	}
}

static bool one_file;

static void judge(void)
{
	static struct ck_stack service, other;
	static struct ck_means means;
	const struct ck_stack_source source = { .open = open_file, .context = &one_file, .one_file = one_file };
	bool ours = false;
	means.count = 0;
	ck_stack_load(&source, "a", &service);
	ck_stack_load(&source, "b", &other);
	check_lines(&service);
	check_lines(&other);
	for (size_t i = 0; i < service.count; i++) ours |= ck_module_is_ours(&service.lines[i]);
	for (size_t i = 0; i < other.count; i++) ours |= ck_module_is_ours(&other.lines[i]);
	for (int p = 0; p < CK_PERSONS; p++) walk(&service, &other, &means, (enum ck_person)p, CK_STATE_ALIVE);
	walk(&service, &other, &means, CK_PERSON_GRANTED, CK_STATE_DEAD);
	for (size_t i = 0; i < means.count && !ours; i++)
		if (strcmp(means.at[i].name, "security key") == 0) abort();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	if (size > 4 * CK_STACK_LINE_BYTES) return; /* longer ones find nothing else, slowly */
	for (size_t i = 0; i < FILES; i++) {
		const char *end = size > 0 ? memchr(at, 0xff, size) : NULL;
		files[i] = (struct ck_text){ at, end != NULL ? (size_t)(end - at) : size };
		size -= files[i].length + (end != NULL ? 1 : 0);
		at += files[i].length + (end != NULL ? 1 : 0);
	}
	for (int i = 0; i < 2; i++) {
		one_file = i == 1;
		fuzz_program(judge);
	}
}
