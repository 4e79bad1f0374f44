/* `crosskeys login`: one whole PAM login of a named service, for trying things out. */
#ifndef CK_AUTHD_CLI_LOGIN_H
#define CK_AUTHD_CLI_LOGIN_H

/* Exit codes are those of all of crosskeys (enum ck_exit): 1 for whatever PAM refused, 3 for PAM_AUTHINFO_UNAVAIL, 6 for what is neither;
   a COMMAND that ran gives its own. */

/* argv[0] is "login". */
int ck_cli_login(int argc, char **argv);

#endif
