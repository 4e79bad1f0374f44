/* `crosskeys doctor`: what its files share. It looks and changes nothing; what it cannot read it says. Memory lives until the program ends. */
#ifndef CK_CLI_DOCTOR_H
#define CK_CLI_DOCTOR_H

#include "authd/cli/cli.h"
#include "authd/cli/doctor_module.h"
#include "authd/config.h"

enum ck_severity { CK_SEVERITY_NOTE, CK_SEVERITY_WARNING, CK_SEVERITY_ERROR };

struct ck_finding {
	enum ck_severity severity;
	const char *code;  /* stable, for programs */
	const char *where; /* a file, with its line where there is one */
	const char *expected, *found, *advice;
	const char *services; /* whose PAM services, as "login, sshd"; "": none's */
};

struct ck_service {
	const char *name, *path;
	bool asks_auth, asks_account, asks_session; /* us, in these stages */
	bool unread;                                /* nothing is known */
	/* By what each gets in, as words; NULL: not at all. `alone`: who is let through by the account stage where authentication is skipped. */
	const char *login[CK_PERSONS][CK_STATES];
	bool alone[CK_PERSONS][CK_STATES];
};

#define CK_DOCTOR_SERVICES_LIMIT 256
#define CK_DOCTOR_INCLUDES_LIMIT 4096 /* of sshd's and sudo's files: two that name each other twice would double with each step */
struct ck_doctor {
	struct ck_cli *cli;
	const char *root;         /* before every path of the machine; "" for this one */
	const char *pam_dir;      /* in place of /etc/pam.d, or NULL */
	const char *module_dir;   /* where modules without a path are */
	const char *config_path;
	const char *local_names;  /* of the lines of the module, or its default */
	const char *socket;       /* the same */
	const char *only_service; /* or NULL: all */
	const char *judged;       /* the service that is being judged; NULL: none */
	bool have_config;
	struct ck_config config;
	struct ck_finding *findings;
	size_t count, room;
	unsigned included; /* files that others named, in all */
	struct ck_service services[CK_DOCTOR_SERVICES_LIMIT];
	size_t services_count;
};

/* ---- doctor_finding.c ---- */
/* The strings are kept, not copied: ck_cli_print makes them. The same finding in several services is one. */
void ck_doctor_find(struct ck_doctor *doctor, enum ck_severity severity, const char *code, const char *where, const char *expected,
                    const char *found, const char *advice);
size_t ck_doctor_count(const struct ck_doctor *doctor, enum ck_severity severity);
void ck_doctor_print(struct ck_doctor *doctor);
const char *ck_doctor_person_name(enum ck_person person);
/* How somebody comes to the account stage of this service without authentication; NULL: not at all, as far as is known. */
const char *ck_doctor_alone_label(const char *service);

/* ---- doctor_files.c ---- */
/* A path of the machine that is looked at. */
const char *ck_doctor_path(const struct ck_doctor *doctor, const char *path);
/* A regular file of at most limit_bytes. CK_ERR_NOT_FOUND, CK_ERR_DENIED (we may not), CK_ERR_LIMIT, CK_ERR_IO. */
CK_MUST_USE enum ck_error ck_doctor_read(const char *path, size_t limit_bytes, struct ck_text *out);
/* The same of a file that may include others: CK_ERR_LIMIT at depth_limit, or once there were CK_DOCTOR_INCLUDES_LIMIT of them. */
CK_MUST_USE enum ck_error ck_doctor_read_included(struct ck_doctor *doctor, const char *path, size_t limit_bytes, unsigned depth,
                                                  unsigned depth_limit, struct ck_text *out);
/* Says what cannot be read, once. */
void ck_doctor_unreadable(struct ck_doctor *doctor, const char *path, const char *what_for);
/* A finding unless the file and every directory above it are root's and writable by nobody else. */
bool ck_doctor_check_owner(struct ck_doctor *doctor, enum ck_severity severity, const char *code, const char *path, const char *advice);
/* The next line, without its newline, comments and blanks around it; lines with nothing on them are passed over. NULL: the end. The text is
   cut in place. */
char *ck_doctor_next_line(char **text);
/* "Keyword value", "Keyword=value", the value perhaps in quotes: cuts the line behind the keyword, and returns the value. */
char *ck_doctor_split(char *line);
/* The service of that name, once the services are judged; NULL: there is none. */
const struct ck_service *ck_doctor_service(const struct ck_doctor *doctor, const char *name);

/* ---- one folder of questions each ---- */
void ck_doctor_pam(struct ck_doctor *doctor);
void ck_doctor_sshd(struct ck_doctor *doctor);
void ck_doctor_sudo(struct ck_doctor *doctor);
void ck_doctor_names(struct ck_doctor *doctor);
void ck_doctor_instance(struct ck_doctor *doctor);
void ck_doctor_certificates(struct ck_doctor *doctor);
void ck_doctor_daemon(struct ck_doctor *doctor);
void ck_doctor_machine(struct ck_doctor *doctor);

/* ---- doctor_pam*.c among themselves ---- */
struct ck_verdict {
	bool in;    /* gets through authentication and account */
	bool alone; /* through the account stage */
	bool auth;  /* through authentication, by */
	uint32_t auth_way;
	bool unclear;
	uint32_t ways[8]; /* each: what it takes, all of it */
	size_t count;
};
struct ck_pam_service { /* one that is being judged */
	const char *name, *path;
	const struct ck_stack *service, *other;
	struct ck_means means;
	struct ck_verdict verdicts[CK_PERSONS][CK_STATES];
	bool by_caller;
	bool asks[CK_STACK_TYPES];
};
/* doctor_who.c */
void ck_who_judge(struct ck_pam_service *s, const char *local_names, bool (*is_missing)(const struct ck_stack_line *));
/* One way in words, and all of a verdict's. */
const char *ck_who_way(const struct ck_pam_service *s, uint32_t means);
const char *ck_who_ways(const struct ck_pam_service *s, const struct ck_verdict *verdict);
/* doctor_holes.c: what is wrong with who gets in */
void ck_doctor_judge_service(struct ck_doctor *doctor, const struct ck_pam_service *s);
/* Services that do not ask us, once all are known. */
void ck_doctor_judge_unruled(struct ck_doctor *doctor);
/* doctor_lines.c: what is wrong with single lines */
void ck_doctor_judge_lines(struct ck_doctor *doctor, const struct ck_pam_service *s);
bool ck_doctor_module_is_missing(const struct ck_stack_line *line);
/* Where lines without a path look for their module; once, before the rest. */
void ck_doctor_find_modules(struct ck_doctor *doctor);
/* The first line of ours in this stage, or NULL. */
const struct ck_stack_line *ck_doctor_our_line(const struct ck_pam_service *s, enum ck_stack_type type);
const char *ck_doctor_line_place(const struct ck_stack_line *line);

#endif
