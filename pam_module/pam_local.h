/* Which names belong to the machine itself: those, and no others, are left to the other modules of a stack. Asked before the daemon,
   whether it lives or not. libc only. */
#ifndef CK_PAM_MODULE_PAM_LOCAL_H
#define CK_PAM_MODULE_PAM_LOCAL_H

#include <stdbool.h>

#include "directory/base/error.h"

#define CK_PAM_LOCAL_UID_END 200000           /* the directory's uid numbers begin here */
#define CK_PAM_LOCAL_FILE_LIMIT_BYTES 1048576 /* a list of names that people keep by hand */

/* root; the names in list_path, if that file is root's and writable by nobody else; the names in /etc/passwd itself (not NSS, which may
   hold the directory's own people) with a uid below CK_PAM_LOCAL_UID_END.
   *out_problem: CK_OK, or why a file was not believed (the sentence is in err): then it named nobody. An absent list is no problem. */
bool ck_pam_name_is_local(const char *name, const char *list_path, enum ck_error *out_problem, struct ck_errmsg *err);

#endif
