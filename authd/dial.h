/* The dialler: the replica's other half, which has the network and no secret of the directory's. It looks names up, connects, fetches
   Kerberos tickets, and hands connected sockets over; the replica itself may make none. Forked from the replica before that knows anything. */
#ifndef CK_AUTHD_DIAL_H
#define CK_AUTHD_DIAL_H

#include "authd/config.h"

#define CK_DIAL_MESSAGE_LIMIT_BYTES 512

/* Starts it, as root, and keeps the end that is asked: sequenced packets of one map each, CK_MSG_DIAL and CK_MSG_DIALLED. The dialler dies
   with its parent. */
CK_MUST_USE enum ck_error ck_dialler_start(const struct ck_config *config, int *out_fd, struct ck_errmsg *err);

/* Of a gssapi identity, for libkrb5, which reads them from the environment: where tickets are, and in the dialler the keytab. */
CK_MUST_USE bool ck_dial_set_kerberos(const struct ck_config *config, bool with_keytab);
/* Makes <directory>/tickets, the replica's, with what libkrb5 is to know. As root. */
CK_MUST_USE enum ck_error ck_dial_make_tickets(const struct ck_config *config, struct ck_errmsg *err);

#endif
