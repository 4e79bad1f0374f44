/* `crosskeys login`: one whole PAM login of a named service, for trying things out. */
#ifndef CK_AUTHD_CLI_LOGIN_H
#define CK_AUTHD_CLI_LOGIN_H

/* Exit codes: the stage that failed. A COMMAND that ran gives its own. */
enum ck_login_exit {
	CK_LOGIN_EXIT_OK = 0,
	CK_LOGIN_EXIT_USAGE = 2,
	CK_LOGIN_EXIT_START = 110,
	CK_LOGIN_EXIT_AUTHENTICATE = 111,
	CK_LOGIN_EXIT_ACCOUNT = 112,
	CK_LOGIN_EXIT_SETCRED = 113,
	CK_LOGIN_EXIT_OPEN = 114,
	CK_LOGIN_EXIT_CLOSE = 115,
	CK_LOGIN_EXIT_COMMAND = 116 /* COMMAND could not be run as the user */
};

/* argv[0] is "login". */
int ck_cli_login(int argc, char **argv);

#endif
