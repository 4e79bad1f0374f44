/* schema/crosskeys.ldif inside the program, so that an instance never meets the schema of another release. */
#include "authd/cli/init.h"

extern const char ck_init_schema_bytes[];

/* The path is below the source root, which is an include folder of every file. */
__asm__(".section .rodata\n"
        ".global ck_init_schema_bytes\n"
        ".hidden ck_init_schema_bytes\n"
        ".type ck_init_schema_bytes, %object\n"
        "ck_init_schema_bytes:\n"
        ".incbin \"schema/crosskeys.ldif\"\n"
        ".byte 0\n"
        ".size ck_init_schema_bytes, . - ck_init_schema_bytes\n"
        ".previous\n");

const char *ck_init_schema_ldif(void) { return ck_init_schema_bytes; }
