/* One account question on a fresh or kept connection, for the benchmarks that wait for an answer to change. */
#ifndef CK_BENCH_ASK_H
#define CK_BENCH_ASK_H

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"

/* The answer (enum ck_answer), or 0 when there was none. Connects when it is not connected. */
int bench_ask_account(struct ck_client *client, const char *socket_path, const char *uid, const char *service);

#endif
