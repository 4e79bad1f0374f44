/* PAM's configuration as libpam reads it, and what a stack comes to: lines, stacks with what they include, and every result that a stack
   can have when each module can answer in several ways. Own code after pam.conf(5) and the behaviour of Linux-PAM 1.5 as Debian ships it,
   which tests/unit/test_doctor_libpam.c compares it with. No memory is allocated by the readers. */
#ifndef CK_CLI_DOCTOR_STACK_H
#define CK_CLI_DOCTOR_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/text.h"

#define CK_STACK_CODES 32              /* PAM_SUCCESS … PAM_INCOMPLETE */
#define CK_STACK_LINE_BYTES 1024       /* libpam's buffer: a longer line is two lines to it */
#define CK_STACK_FILE_LIMIT_BYTES 65536
#define CK_STACK_LINES_LIMIT 192       /* of a service, with all it includes; Debian's login has 40 */
#define CK_STACK_ARGUMENTS_LIMIT 32
#define CK_STACK_SUBSTACKS_LIMIT 16    /* libpam's own */
#define CK_STACK_DEPTH_LIMIT 32        /* files in files; libpam has none, and crashes */
#define CK_STACK_JUMP_LIMIT 1000       /* longer jumps leave every stack alike */

enum ck_stack_type { CK_STACK_AUTH, CK_STACK_ACCOUNT, CK_STACK_SESSION, CK_STACK_PASSWORD, CK_STACK_TYPES };

/* What follows a module's answer; above 0: how many modules are jumped over. */
enum ck_stack_action {
	CK_ACTION_IGNORE = 0,
	CK_ACTION_OK = -1,
	CK_ACTION_DONE = -2,
	CK_ACTION_BAD = -3,
	CK_ACTION_DIE = -4,
	CK_ACTION_RESET = -5,
	CK_ACTION_UNSET = -6
};

enum ck_line_kind {
	CK_LINE_MODULE,
	CK_LINE_FAILS,    /* not understood: libpam takes it for a module that refuses */
	CK_LINE_INCLUDE,  /* `TYPE include FILE` */
	CK_LINE_SUBSTACK, /* the same; in a loaded stack the mark before its lines */
	CK_LINE_ALL       /* `@include FILE`, lines of every type */
};

struct ck_stack_line { /* points into itself: not to be copied */
	enum ck_stack_type type;
	enum ck_line_kind kind;
	bool typed;  /* the type was understood */
	bool silent; /* "-": may be missing */
	int16_t actions[CK_STACK_CODES];
	const char *target; /* the module or file; NULL if there is none */
	const char *arguments[CK_STACK_ARGUMENTS_LIMIT];
	size_t count;
	unsigned level;   /* of substacks */
	const char *path; /* the file it stands in, and where */
	unsigned number;
	char text[CK_STACK_LINE_BYTES];
};

/* ---- doctor_line.c: one line ---- */
enum ck_line_read { CK_LINE_READ, CK_LINE_END, CK_LINE_BROKEN /* libpam gives up this file */ };
/* Takes the next line with what continues it from *rest; *number counts. *out_fault: what is wrong with it, NULL if nothing is. */
enum ck_line_read ck_line_assemble(struct ck_text *rest, unsigned *number, struct ck_stack_line *out, const char **out_fault);
/* Takes it apart. service: the lines begin with a service (pam.conf); false: it is of another. *out_fault as above. */
bool ck_line_decode(struct ck_stack_line *line, const char *service, const char **out_fault);
/* The name of a return code or an action, as they are written. */
const char *ck_line_code_name(unsigned code);
/* "pam_unix" of its target. */
struct ck_text ck_line_module(const struct ck_stack_line *line);

/* ---- doctor_load.c: a service with all it includes ---- */
struct ck_stack {
	struct ck_stack_line lines[CK_STACK_LINES_LIMIT];
	size_t count;
	bool found;  /* there is such a service */
	bool broken; /* libpam would not start with it */
	bool unread; /* something of it could not be read by us: nothing is known */
};
struct ck_stack_source {
	/* The file that is meant by the name in a service file; CK_ERR_NOT_FOUND, CK_ERR_DENIED, …. The text lives as long as the source. */
	enum ck_error (*open)(void *context, const char *name, struct ck_text *out_text, const char **out_path);
	void (*fault)(void *context, const char *path, unsigned number, const char *sentence);
	void *context;
	bool one_file; /* all services in pam.conf, whose name is "" */
};
void ck_stack_load(const struct ck_stack_source *source, const char *service, struct ck_stack *out);

/* ---- doctor_run.c: what it comes to ---- */
#define CK_OUTCOMES_LIMIT 8
#define CK_RESULTS_LIMIT 128
/* An answer, and what it takes: bits whose meaning is the caller's. A module that can always fail gives that answer with no bits. */
struct ck_outcome {
	uint32_t means;
	uint8_t code;
};
struct ck_outcomes {
	struct ck_outcome at[CK_OUTCOMES_LIMIT];
	size_t count;
};
struct ck_results { /* each code with the smallest means that lead to it */
	struct ck_outcome at[CK_RESULTS_LIMIT];
	size_t count;
	bool unclear; /* too many ways to follow: there may be others */
};
typedef void (*ck_stack_ask)(const struct ck_stack_line *line, void *context, struct ck_outcomes *out);
/* The lines of one type, of `other` where the service has none. */
void ck_stack_run(const struct ck_stack *service, const struct ck_stack *other, enum ck_stack_type type, ck_stack_ask ask, void *context,
                  struct ck_results *out);
/* The stack that counts for this type. */
const struct ck_stack *ck_stack_of(const struct ck_stack *service, const struct ck_stack *other, enum ck_stack_type type);

#endif
