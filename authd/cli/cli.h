/* The `crosskeys` command: what its files share. Every subcommand is a row in main.c; changes are planned first, shown, and ordered by one
   touch. Memory lives until the program ends unless said otherwise: it is one short run. */
#ifndef CK_CLI_CLI_H
#define CK_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "authd/protocol/statement.h"
#include "directory/model/record.h"

#define CK_CLI_SOCKET "/var/lib/crosskeys/run/gate.sock"

/* Exit codes; crosskeys(1) lists them. */
enum ck_exit {
	CK_EXIT_OK = 0,
	CK_EXIT_REFUSED = 1,     /* the daemon said no, explain found no, or doctor found something wrong */
	CK_EXIT_USAGE = 2,       /* the call's words are off; nothing was changed */
	CK_EXIT_UNAVAILABLE = 3, /* the daemon, or a part of it, is not there */
	CK_EXIT_CONFLICT = 4,    /* it changed since it was read: look again */
	CK_EXIT_NOT_FOUND = 5,
	CK_EXIT_FAILED = 6,      /* anything else; the message says what */
	CK_EXIT_DEGRADED = 7,    /* status: people are let in, but something else does not work */
	CK_EXIT_PARTLY = 8       /* import: done, but for rows that were rejected or not understood */
};

/* ---- options: one table a command; --help is made from it ---- */
enum ck_option_type { CK_OPTION_FLAG, CK_OPTION_ONE, CK_OPTION_MANY };
struct ck_option {
	const char *name; /* without the dashes */
	enum ck_option_type type;
	const char *value_name;
	const char *help;
};
#define CK_OPTIONS_LIMIT 32
struct ck_values {
	const char *at[CK_LIST_LIMIT];
	size_t count; /* of a flag: 1 when given */
};
struct ck_arguments {
	struct ck_values options[CK_OPTIONS_LIMIT]; /* in the order of the table */
	const char *words[16];
	size_t count;
};
struct ck_command_help {
	const char *name;  /* "grant add" */
	const char *words; /* "UID ROLE" */
	const char *what;  /* one or two sentences */
	size_t words_min, words_max;
	const struct ck_option *options; /* ended by a NULL name */
};
/* Parses; the words of the command itself are already gone. Global options may stand anywhere. CK_ERR_CANCELLED: help was printed.
   CK_ERR_INVALID: said on stderr. */
struct ck_cli;
CK_MUST_USE enum ck_error ck_arguments_parse(struct ck_cli *cli, const struct ck_command_help *help, int argc, char **argv,
                                             struct ck_arguments *out);
/* The exit code when the parse, or a plan made of what was parsed, did not end in CK_OK. */
int ck_arguments_exit(enum ck_error error);
/* Whether the word is an option that every command takes, --help among them. */
bool ck_option_is_global(const char *word);
/* The one value of an option, or NULL. */
const char *ck_argument(const struct ck_command_help *help, const struct ck_arguments *arguments, const char *name);
const struct ck_values *ck_arguments_of(const struct ck_command_help *help, const struct ck_arguments *arguments, const char *name);

/* ---- the run ---- */
struct ck_cli {
	const char *socket;
	const char *as;  /* --as, or NULL */
	bool json;
	bool yes;        /* --yes: do not ask before the touch */
	int pin_fd;      /* --pin-fd: PIN and passwords come from here, -1: the terminal */
	struct ck_client client;
	bool connected;
	bool identified;
	struct ck_id home; /* of --as, once known */
	bool home_known;
};

/* Fails with a sentence on stderr; returns the exit code that fits. */
int ck_cli_complain(enum ck_error error, const char *format, ...) CK_PRINTF(2, 3);
void *ck_cli_allocate(size_t bytes);
char *ck_cli_copy(struct ck_text text);
char *ck_cli_print(const char *format, ...) CK_PRINTF(1, 2);
/* For terminals: control characters and malformed UTF-8 escaped. */
const char *ck_cli_safe(struct ck_text text);

/* ---- private_file.c: files about people ---- */
/* Regular, one's own, of one name, and nobody else's to read from then on; else CK_ERR_DENIED, and it stays as it is. */
CK_MUST_USE enum ck_error ck_cli_open_private(const char *path, int flags, int *out_fd, struct ck_errmsg *err);
/* To be written anew. */
CK_MUST_USE enum ck_error ck_cli_write_private(const char *path, FILE **out, struct ck_errmsg *err);

/* ---- link.c: asking the daemon ---- */
struct ck_ask {
	struct ck_frame_out frame;
	uint8_t bytes[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
};
void ck_ask_begin(struct ck_ask *ask, enum ck_op op);
/* Sends and waits. Granted: CK_OK. need-token: CK_OK too, *out_answer tells. Denied, unavailable and error: the daemon's sentence is on
   stderr and the error is returned. */
CK_MUST_USE enum ck_error ck_ask_call(struct ck_cli *cli, struct ck_ask *ask, struct ck_map *reply, enum ck_answer *out_answer);
/* The same without a word on stderr; err gets the sentence. */
CK_MUST_USE enum ck_error ck_ask_quietly(struct ck_cli *cli, struct ck_ask *ask, struct ck_map *reply, enum ck_answer *out_answer,
                                         struct ck_errmsg *err);
/* The same of a frame that was made before. */
CK_MUST_USE enum ck_error ck_ask_frame(struct ck_cli *cli, const uint8_t *frame, size_t length, struct ck_map *reply, enum ck_answer *out_answer,
                                       struct ck_errmsg *err);
int ck_exit_of(enum ck_error error);
/* With --as and not root: shows who is asking, by a touch, once. */
CK_MUST_USE enum ck_error ck_cli_identify(struct ck_cli *cli);
/* The same for root, too: where it matters who asks, and not only what they may see. */
CK_MUST_USE enum ck_error ck_cli_become(struct ck_cli *cli);
/* The touch that the daemon's prompt wants, over this challenge; reply: what was granted then. It may be the same map. */
CK_MUST_USE enum ck_error ck_cli_prove(struct ck_cli *cli, const struct ck_map *prompt, const uint8_t challenge[CK_CHALLENGE_BYTES],
                                       struct ck_map *reply);

/* ---- token.c: the person's key ---- */
struct ck_touch {
	uint8_t credential[CK_CREDENTIAL_ID_LIMIT_BYTES];
	size_t credential_length;
	uint8_t auth_data[CK_AUTH_DATA_LIMIT_BYTES];
	size_t auth_data_length;
	uint8_t signature[CK_SIGNATURE_LIMIT_BYTES];
	size_t signature_length;
};
/* What a key is to sign: SHA-256 of the tag, its NUL included, and the statement. */
void ck_challenge_of(const char *tag, size_t tag_bytes, const uint8_t *statement, size_t length, uint8_t out[CK_CHALLENGE_BYTES]);
/* CREDENTIAL AUTH_DATA SIGNATURE. */
void ck_field_touch(struct ck_map_writer *map, const struct ck_touch *touch);
struct ck_made { /* a registration */
	uint8_t auth_data[CK_AUTH_DATA_LIMIT_BYTES];
	size_t auth_data_length;
	char format[32];
	uint8_t statement[CK_ATT_STMT_LIMIT_BYTES];
	size_t statement_length;
	unsigned traits; /* as the helper says */
};
/* What a key is asked to sign or make; the allow list is the encoded array item of the daemon's reply. */
struct ck_token_request {
	const uint8_t *challenge;
	struct ck_text rp_id;
	struct ck_bytes allow;
	bool verify;
	struct ck_bytes user_handle; /* of a registration */
	struct ck_text user, name;
};
CK_MUST_USE enum ck_error ck_token_assert(struct ck_cli *cli, const struct ck_token_request *request, struct ck_touch *out);
CK_MUST_USE enum ck_error ck_token_create(struct ck_cli *cli, const struct ck_token_request *request, struct ck_made *out);

/* One line without echo, or from --pin-fd; what does not fit is cut. False: there is nobody to ask. The caller wipes it. */
bool ck_cli_ask_hidden(const struct ck_cli *cli, const char *prompt, char *out, size_t out_bytes);

/* ---- entry.c: what the daemon shows ---- */
struct ck_cli_attribute {
	const char *name;
	struct ck_bytes values[CK_LIST_LIMIT];
	size_t count;
};
struct ck_cli_entry {
	enum ck_kind kind;
	uint8_t id[32];
	size_t id_length;
	struct ck_id authority;
	char csn[CK_CSN_LIMIT_BYTES + 1];
	struct ck_cli_attribute attributes[CK_CHANGE_VALUES_LIMIT];
	size_t count;
};
CK_MUST_USE enum ck_error ck_cli_entry_decode(struct ck_bytes bytes, struct ck_cli_entry **out);
/* The first value, or the absent text. */
struct ck_text ck_cli_entry_text(const struct ck_cli_entry *entry, const char *attribute);
/* Shows one (SHOW); CK_ERR_NOT_FOUND. Exactly one of name and id is given. */
CK_MUST_USE enum ck_error ck_cli_entry_get(struct ck_cli *cli, enum ck_kind kind, struct ck_text name, const struct ck_id *id,
                                           const struct ck_id *authority, struct ck_cli_entry **out, struct ck_errmsg *err);
/* Lists all pages; each is called with every entry. */
CK_MUST_USE enum ck_error ck_cli_entry_list(struct ck_cli *cli, enum ck_kind kind, const struct ck_id *authority, const struct ck_id *about,
                                            void (*each)(struct ck_cli_entry *entry, void *context), void *context);

/* ---- subcommands: each returns an exit code ---- */
int ck_cli_init(int argc, char **argv);
int ck_cli_login(int argc, char **argv);
int ck_cli_audit(int argc, char **argv);
int ck_cli_status(struct ck_cli *cli, int argc, char **argv);
int ck_cli_doctor(struct ck_cli *cli, int argc, char **argv);
int ck_cli_find(struct ck_cli *cli, int argc, char **argv);
int ck_cli_account(struct ck_cli *cli, int argc, char **argv);
int ck_cli_explain(struct ck_cli *cli, int argc, char **argv);
int ck_cli_kind(struct ck_cli *cli, int argc, char **argv); /* argv[0]: the kind's name */
int ck_cli_apply(struct ck_cli *cli, int argc, char **argv);
int ck_cli_import(struct ck_cli *cli, int argc, char **argv);
int ck_cli_export(struct ck_cli *cli, int argc, char **argv);
int ck_cli_key(struct ck_cli *cli, int argc, char **argv);
int ck_cli_staff_password(struct ck_cli *cli, int argc, char **argv);
int ck_cli_passwd(struct ck_cli *cli, int argc, char **argv);
int ck_cli_vouch(struct ck_cli *cli, int argc, char **argv);
int ck_cli_check(struct ck_cli *cli, int argc, char **argv);
int ck_cli_confirm(struct ck_cli *cli, int argc, char **argv);
int ck_cli_confirm_clock(struct ck_cli *cli, int argc, char **argv);

#endif
