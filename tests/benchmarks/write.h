/* Writing to slapd as the daemon's identity, for benchmarks that change something. */
#ifndef CK_BENCH_WRITE_H
#define CK_BENCH_WRITE_H

#include <ldap.h>

/* Becomes that user for good, and binds by EXTERNAL. NULL: it cannot. */
LDAP *bench_connect_as(const char *uri, const char *user);
/* Sends ckStatus of the entry without waiting for the answer; its message id, 0: not sent. */
int bench_send_status(LDAP *ldap, const char *dn, const char *status);
/* Takes whatever answers are there; a refusal ends the program. */
void bench_drain(LDAP *ldap);

#endif
