/* One line of a PAM service file: put together from its continuations, cut into words, its control understood, all as libpam does it.
   Trusts nothing about the bytes; what libpam takes silently for something else is said in a sentence. */
#include <string.h>
#include <strings.h>

#include "authd/cli/doctor_stack.h"

#define BLANKS " \n\t"

static const char *const code_names[CK_STACK_CODES] = {
	"success",        "open_err",        "symbol_err",    "service_err",       "system_err",          "buf_err",      "perm_denied",
	"auth_err",       "cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries",            "new_authtok_reqd", "acct_expired",
	"session_err",    "cred_unavail",    "cred_expired",  "cred_err",          "no_module_data",      "conv_err",     "authtok_err",
	"authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore",       "abort",        "authtok_expired",
	"module_unknown", "bad_item",        "conv_again",    "incomplete",
};
static const char *const action_names[] = { "ignore", "ok", "done", "bad", "die", "reset" };
static const char *const type_names[CK_STACK_TYPES] = { "auth", "account", "session", "password" };

#define SUCCESS 0
#define NEW_AUTHTOK_REQD 12
#define IGNORE 25

const char *ck_line_code_name(unsigned code)
{
	return code < CK_STACK_CODES ? code_names[code] : "?";
}

struct ck_text ck_line_module(const struct ck_stack_line *line)
{
	struct ck_text name = ck_text_of(line->target != NULL ? line->target : "");
	const char *slash = line->target != NULL ? strrchr(line->target, '/') : NULL;
	if (slash != NULL) name = ck_text_of(slash + 1);
	if (name.length > 3 && memcmp(name.at + name.length - 3, ".so", 3) == 0) name.length -= 3;
	return name;
}

/* ---- assembling ---- */

/* The next line of the file, with its newline. False at the end. */
static bool take_line(struct ck_text *rest, unsigned *number, struct ck_text *out)
{
	if (rest->length == 0) return false;
	const char *newline = memchr(rest->at, '\n', rest->length);
	*out = (struct ck_text){ rest->at, newline != NULL ? (size_t)(newline - rest->at) + 1 : rest->length };
	rest->at += out->length;
	rest->length -= out->length;
	++*number;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The part of a line that counts: without a comment, and whether it goes on. Empty if nothing counts. */
static struct ck_text cut(struct ck_text line, bool *out_continues)
{
	const char *comment = line.length > 0 ? memchr(line.at, '#', line.length) : NULL;
	*out_continues = false;
	while (line.length > 0 && is_blank(line.at[0])) {
		line.at++;
		line.length--;
	}
	if (line.length == 0 || line.at[0] == '#') return (struct ck_text){ line.at, 0 };
	if (comment != NULL) {
		line.length = (size_t)(comment - line.at);
		return line;
	}
	while (line.length > 0 && is_blank(line.at[line.length - 1])) line.length--;
	*out_continues = line.at[line.length - 1] == '\\';
	if (*out_continues) line.length--;
	return line;
}

enum ck_line_read ck_line_assemble(struct ck_text *rest, unsigned *number, struct ck_stack_line *out, const char **out_fault)
{
	struct ck_text line;
	size_t used = 0;
	bool continues = false, begun = false;
	memset(out, 0, offsetof(struct ck_stack_line, text));
	*out_fault = NULL;
	while (take_line(rest, number, &line)) {
		if (memchr(line.at, '\0', line.length) != NULL) {
			*out_fault = "has a NUL byte in it, where the line ends for libpam";
			line.length = strnlen(line.at, line.length);
		}
		bool goes_on;
		struct ck_text part = cut(line, &goes_on);
		if (part.length == 0 && !goes_on) continue; /* nothing, in the middle of a line as well */
		continues = goes_on;
		if (!begun) out->number = *number;
		begun = true;
		if (used + line.length + 1 >= CK_STACK_LINE_BYTES) {
			*out_fault = "is longer than the 1023 bytes that libpam takes for one line";
			return CK_LINE_BROKEN;
		}
		memcpy(out->text + used, part.at, part.length);
		used += part.length;
		out->text[used++] = ' ';
		if (!continues) break;
	}
	out->text[used] = '\0';
	if (begun && continues) {
		*out_fault = "ends the file with a backslash: libpam takes no line of the file";
		return CK_LINE_BROKEN;
	}
	return begun ? CK_LINE_READ : CK_LINE_END;
}

/* ---- words ---- */

/* The next word, cut in place; "[…]" is one, without its brackets. NULL: there is none. */
static char *next_word(char **at, bool *out_open)
{
	char *word = *at != NULL ? *at + strspn(*at, BLANKS) : NULL, *end;
	if (word == NULL || *word == '\0') {
		*at = NULL;
		return NULL;
	}
	if (*word == '[') {
		char *to = ++word;
		for (end = word; *end != '\0' && *end != ']'; end++) {
			if (*end == '\\' && end[1] == ']') end++;
			*to++ = *end;
		}
		if (*end == '\0') *out_open = true;
		bool more = *end != '\0';
		*to = '\0';
		*at = more ? end + 1 : NULL;
		return word;
	}
	end = word + strcspn(word, BLANKS);
	*at = *end != '\0' ? end + 1 : NULL;
	*end = '\0';
	return word;
}

/* ---- controls ---- */

static void set_unset(struct ck_stack_line *line, enum ck_stack_action action)
{
	for (size_t i = 0; i < CK_STACK_CODES; i++)
		if (line->actions[i] == CK_ACTION_UNSET) line->actions[i] = (int16_t)action;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\n\v\f\r");
}

/* The code at *at; CK_STACK_CODES for "default"; above: none of them. */
static size_t take_code(const char **at)
{
	size_t code = 0;
	while (code < CK_STACK_CODES && strncmp(*at, code_names[code], strlen(code_names[code])) != 0) code++;
	const char *name = code < CK_STACK_CODES ? code_names[code] : "default";
	if (strncmp(*at, name, strlen(name)) != 0) return CK_STACK_CODES + 1;
	*at += strlen(name);
	return code;
}

static bool take_action(const char **at, int16_t *out)
{
	int number = 0;
	for (size_t i = 0; i < sizeof action_names / sizeof *action_names; i++) {
		size_t length = strlen(action_names[i]);
		if (strncmp(*at, action_names[i], length) != 0) continue;
		*at += length;
		*out = (int16_t)-(int)i;
		return true;
	}
	for (; **at >= '0' && **at <= '9'; ++*at)
		if (number < CK_STACK_JUMP_LIMIT) number = 10 * number + (**at - '0');
	*out = (int16_t)number;
	return number > 0;
}

/* "[success=ok default=die]" without the brackets. What is not understood makes every answer a bad one. */
static bool parse_bracket(struct ck_stack_line *line, const char *at)
{
	bool fine = true;
	for (at = skip_blanks(at); fine && *at != '\0'; at = skip_blanks(at)) {
		int16_t action;
		size_t code = take_code(&at);
		at = skip_blanks(at);
		fine = code <= CK_STACK_CODES && *at == '=';
		if (!fine) break;
		at = skip_blanks(at + 1);
		fine = take_action(&at, &action);
		if (fine && code < CK_STACK_CODES)
			line->actions[code] = action;
		else if (fine)
			set_unset(line, (enum ck_stack_action)action);
	}
	for (size_t i = 0; i < CK_STACK_CODES && !fine; i++) line->actions[i] = CK_ACTION_BAD;
	set_unset(line, CK_ACTION_BAD);
	return fine;
}

static bool parse_control(struct ck_stack_line *line, const char *word)
{
	static const struct {
		const char *word;
		enum ck_stack_action success, otherwise;
		bool ignores;
	} words[] = { { "required", CK_ACTION_OK, CK_ACTION_BAD, true },
		      { "requisite", CK_ACTION_OK, CK_ACTION_DIE, true },
		      { "optional", CK_ACTION_OK, CK_ACTION_IGNORE, true },
		      { "sufficient", CK_ACTION_DONE, CK_ACTION_IGNORE, true } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(word, words[i].word) != 0) continue;
		line->actions[SUCCESS] = line->actions[NEW_AUTHTOK_REQD] = (int16_t)words[i].success;
		line->actions[IGNORE] = CK_ACTION_IGNORE;
		set_unset(line, words[i].otherwise);
		return true;
	}
	if (strcasecmp(word, "include") == 0) line->kind = CK_LINE_INCLUDE;
	else if (strcasecmp(word, "substack") == 0) line->kind = CK_LINE_SUBSTACK;
	else return parse_bracket(line, word);
	return true;
}

/* ---- the whole line ---- */

static bool parse_type(struct ck_stack_line *line, char *word)
{
	if (word == NULL) return false;
	if (word[0] == '-') {
		line->silent = true;
		word++;
	}
	if (strcasecmp(word, "@include") == 0) {
		line->kind = CK_LINE_ALL;
		line->typed = true;
		return true;
	}
	for (size_t i = 0; i < CK_STACK_TYPES; i++) {
		if (strcasecmp(word, type_names[i]) != 0) continue;
		line->type = (enum ck_stack_type)i;
		line->typed = true;
	}
	return line->typed;
}

static void fail_line(struct ck_stack_line *line, const char **out_fault, const char *sentence)
{
	line->kind = CK_LINE_FAILS;
	set_unset(line, CK_ACTION_BAD);
	if (*out_fault == NULL) *out_fault = sentence;
}

static void take_arguments(struct ck_stack_line *line, char *rest, const char **out_fault)
{
	bool open = false;
	for (char *word; (word = next_word(&rest, &open)) != NULL;) {
		if (line->count == CK_STACK_ARGUMENTS_LIMIT) {
			*out_fault = "has more arguments than anything sensible";
			return;
		}
		line->arguments[line->count++] = word;
	}
	if (open) *out_fault = "has a [ without its ]";
}

bool ck_line_decode(struct ck_stack_line *line, const char *service, const char **out_fault)
{
	char *rest = line->text;
	bool open = false;
	if (service != NULL) {
		const char *of = next_word(&rest, &open);
		if (of == NULL || strcasecmp(of, service) != 0) return false;
	}
	for (size_t i = 0; i < CK_STACK_CODES; i++) line->actions[i] = CK_ACTION_UNSET;
	bool typed = parse_type(line, next_word(&rest, &open));
	if (line->kind == CK_LINE_ALL) {
		line->target = next_word(&rest, &open);
		if (line->target == NULL) *out_fault = "names no file to include: the program crashes";
		return true;
	}
	const char *control = next_word(&rest, &open);
	bool understood = control != NULL && parse_control(line, control);
	line->target = next_word(&rest, &open);
	if (line->kind == CK_LINE_MODULE) take_arguments(line, rest, out_fault);
	if (!typed)
		fail_line(line, out_fault, "begins with none of auth, account, session, password: libpam takes it for a module that refuses");
	if (control == NULL) fail_line(line, out_fault, "has no control: libpam takes it for a module that refuses");
	if (!understood && *out_fault == NULL)
		*out_fault = "has a control that is not understood: every answer of the module, success too, counts as a refusal";
	if (line->target == NULL && line->kind == CK_LINE_MODULE)
		fail_line(line, out_fault, "names no module: libpam takes it for a module that refuses");
	if (open && *out_fault == NULL) *out_fault = "has a [ without its ]";
	return true;
}
