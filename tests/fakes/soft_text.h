/* Inside the software key's state: its text form, a line a thing. */
#ifndef CK_TESTS_SOFT_TEXT_H
#define CK_TESTS_SOFT_TEXT_H

#include <stdio.h>

#include "tests/fakes/soft_key.h"

#define CK_SOFT_LINE_BYTES 10240 /* a credential with an RSA key of 4096 bits */

/* False: it is not what was printed. */
bool ck_soft_parse_line(const char *line, struct ck_soft_state *out);
void ck_soft_print_state(FILE *file, const struct ck_soft_state *state);

#endif
