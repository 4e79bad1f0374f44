/* `crosskeys audit show`, and what the other commands about the log share with it. */
#ifndef CK_CLI_AUDIT_SHOW_H
#define CK_CLI_AUDIT_SHOW_H

#include "authd/audit/audit.h"
#include "authd/cli/cli.h"

extern const struct ck_command_help ck_audit_show_help;
int ck_audit_show(struct ck_cli *cli, int argc, char **argv);
/* The log's directory: named, or of the instance that --dir names, or of the one installed. */
const char *ck_audit_directory_of(const struct ck_cli *cli, const struct ck_arguments *arguments);
void ck_audit_print_json(const struct ck_audit_record *record);

#endif
