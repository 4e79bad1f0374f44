/* A service's lines with those of all files that it includes, in the order in which libpam calls them. Bounded in depth and number where
   libpam is not; trusts the source to give bytes, and nothing about them. */
#include <stdio.h>
#include <string.h>

#include "authd/cli/doctor_stack.h"

#define ANY CK_STACK_TYPES

struct load {
	const struct ck_stack_source *source;
	struct ck_stack *out;
	const char *open[CK_STACK_DEPTH_LIMIT]; /* the files that are being read, each in the one before */
	unsigned depth;
	const char *service; /* of pam.conf; NULL otherwise */
};

static void complain(struct load *load, const char *path, unsigned number, const char *sentence)
{
	if (load->source->fault != NULL) load->source->fault(load->source->context, path, number, sentence);
}

static bool read_file(struct load *load, const char *name, enum ck_stack_type type, unsigned level, const char *from, unsigned number);

static bool is_being_read(const struct load *load, const char *path)
{
	for (unsigned i = 0; i < load->depth; i++)
		if (strcmp(load->open[i], path) == 0) return true;
	return false;
}

/* What stands in for a file that cannot be included. (For @include, in a file that is itself included for one type, libpam uses the control of
   the line before, whatever it was. That is an error which is told; what such a stack comes to is not.) */
static void make_failure(struct ck_stack_line *line, enum ck_stack_type type, unsigned level)
{
	line->kind = CK_LINE_FAILS;
	line->type = type;
	line->level = level;
	for (size_t i = 0; i < CK_STACK_CODES; i++) line->actions[i] = CK_ACTION_BAD;
}

/* A place at the end of the stack, or NULL: full. */
static struct ck_stack_line *place(struct load *load, const char *path, unsigned number)
{
	if (load->out->count < CK_STACK_LINES_LIMIT) return &load->out->lines[load->out->count];
	complain(load, path, number, "is one of more lines than this program follows; the service is not judged");
	load->out->broken = true;
	return NULL;
}

/* An include, a substack or @include, decoded at the end of the stack. False: libpam gives up the file that it stands in. */
static bool include(struct load *load, struct ck_stack_line *line, enum ck_stack_type type, unsigned level)
{
	char name[CK_STACK_LINE_BYTES];
	const char *path = line->path;
	unsigned number = line->number;
	bool all = line->kind == CK_LINE_ALL, substack = line->kind == CK_LINE_SUBSTACK, named = line->target != NULL;
	enum ck_stack_type wanted = all ? type : line->type;
	(void)snprintf(name, sizeof name, "%s", named ? line->target : "");
	if (substack) {
		line->level = level;
		load->out->count++;
	}
	if (!named && !all) complain(load, path, number, "names no file to include");
	if (named && read_file(load, name, wanted, level + (substack ? 1 : 0), path, number)) return true;
	if (all && type == ANY) return false;
	line = place(load, path, number);
	if (line == NULL) return false;
	memset(line, 0, sizeof *line);
	line->path = path;
	line->number = number;
	make_failure(line, wanted, level);
	load->out->count++;
	return true;
}

static bool take(struct load *load, struct ck_stack_line *line, enum ck_stack_type type, unsigned level)
{
	if (line->kind == CK_LINE_ALL) return include(load, line, type, level);
	if (!line->typed) line->type = type != ANY ? type : CK_STACK_AUTH;
	if (type != ANY && line->type != type) return true;
	if (line->kind == CK_LINE_FAILS || line->kind == CK_LINE_MODULE) {
		line->level = level;
		load->out->count++;
		return true;
	}
	return include(load, line, type, level);
}

static bool parse(struct load *load, struct ck_text text, const char *path, enum ck_stack_type type, unsigned level)
{
	unsigned number = 0;
	const char *service = load->depth == 1 ? load->service : NULL;
	for (;;) {
		const char *fault;
		struct ck_stack_line *line = place(load, path, number);
		if (line == NULL) return false;
		enum ck_line_read read = ck_line_assemble(&text, &number, line, &fault);
		line->path = path;
		bool ours = read == CK_LINE_READ && ck_line_decode(line, service, &fault);
		if (fault != NULL) complain(load, path, read == CK_LINE_READ ? line->number : number, fault);
		if (read != CK_LINE_READ) return read == CK_LINE_END;
		if (ours && !take(load, line, type, level)) return false;
	}
}

static bool read_file(struct load *load, const char *name, enum ck_stack_type type, unsigned level, const char *from, unsigned number)
{
	struct ck_text text;
	const char *path = name;
	if (level >= CK_STACK_SUBSTACKS_LIMIT || load->depth == CK_STACK_DEPTH_LIMIT) {
		complain(load, from, number, "includes deeper than libpam follows");
		return false;
	}
	enum ck_error error = load->source->open(load->source->context, name, &text, &path);
	if (error != CK_OK) {
		load->out->unread |= error != CK_ERR_NOT_FOUND;
		bool absent = error == CK_ERR_NOT_FOUND;
		if (from != NULL) complain(load, from, number, absent ? "includes a file that is not there" : "includes a file that cannot be read");
		return false;
	}
	if (is_being_read(load, path)) {
		complain(load, from, number, "includes a file that includes this one: the program that asks PAM crashes, or refuses");
		return false;
	}
	load->open[load->depth++] = path;
	bool fine = parse(load, text, path, type, level);
	load->depth--;
	return fine;
}

void ck_stack_load(const struct ck_stack_source *source, const char *service, struct ck_stack *out)
{
	struct load load = { .source = source, .out = out, .service = source->one_file ? service : NULL };
	struct ck_text text;
	const char *path, *name = source->one_file ? "" : service;
	out->count = 0;
	out->broken = false;
	enum ck_error error = source->open(source->context, name, &text, &path);
	out->found = error == CK_OK;
	out->unread = error != CK_OK && error != CK_ERR_NOT_FOUND;
	if (error == CK_OK && !read_file(&load, name, ANY, 0, NULL, 0)) out->broken = true;
}
