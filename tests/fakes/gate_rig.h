/* A rig for unit tests of the gate: starts ck_gate_main in a process of its own over a store in a temporary directory, and plays everybody
   else. Failures end the test. Needs root, as the daemon does. */
#ifndef CK_FAKES_GATE_RIG_H
#define CK_FAKES_GATE_RIG_H

#include <check.h>

#include "authd/config.h"
#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "authd/protocol/vouch.h"
#include "directory/base/clock.h"
#include "tests/fakes/soft_key.h"
#include "tests/fakes/store_builder.h"

#define RP "portal.example.gov.uk"
#define PATIENCE_MS 10000
#define RIG_AS_OF_LIMIT_S 600
/* Alice: ops and an administrator of leeds, a key. Bob: batch, no key. Carol: a key and no role. Dave: of rochdale.
   Erin and Fran: the vault, by an attested key and by one that is not.
   db1 lets in ops by a touch, batch with nothing proved, ops by service "seat" from the machine itself with nothing proved, and those of
   the vault with an attested key, by service "kiosk" with a touch alone, by "safe" with a password beside the touch. */
enum { LEEDS = 1, ROCHDALE = 2, ADMINS = 1000001, ALICE = 11, BOB = 12, CAROL = 13, DAVE = 14, ERIN = 15, FRAN = 16, OPS = 21, BATCH = 22, VAULT = 23, DB1 = 31 };

/* What the ledger and the replica say of themselves; zeros: all is well. */
struct rig_state {
	bool bad, silent;
	const char *detail;
};

struct rig {
	struct ck_builder *builder;
	char directory[64], socket[96];
	pid_t pid;
	struct ck_client control, ledger, replica;
	struct ck_soft_credential alice, carol, erin, fran, twin; /* twin: names alice, but is filed under rochdale */
	/* what the ledger does */
	bool ledger_silent, inside;
	bool tolerant; /* a peer that is gone is no failure of the test */
	void (*in_gate)(bool begins); /* called in the gate's process before it does anything, and when it has ended */
	struct rig_state ledger_state, replica_state;
	const char *refuse; /* the reason; NULL: it stands */
	const char *session_host;
	/* vouches: the last one made, as its record said; refuse_find: why a code is not found, NULL: it is */
	uint8_t vouch_id[CK_VOUCH_ID_BYTES], vouch_digest[CK_VOUCH_DIGEST_BYTES], vouch_proof[CK_VOUCH_PROOF_LIMIT_BYTES];
	size_t vouch_proof_length;
	const char *refuse_find, *vouch_state; /* state: NULL: open */
	struct ck_id vouch_checker;            /* zero: nobody yet */
	unsigned vouch_finds;
	bool find_silent;
	/* what it was told last; the texts live until it is told something else */
	struct ck_map event;
	unsigned events, finds;
	/* what it was asked about sources: so many tries, of which the last SOURCE, and so many that were proved; asked: that waited for an answer and
	   are no records */
	unsigned tries, proved, asked;
	uint8_t source[CK_SOURCE_BYTES];
	uint64_t try_wait_ms, wait_ms; /* a try is refused for so long; a record that is refused says so */
	uint64_t find_ancestors;
};
extern struct rig rig;

/* ---- frames ---- */
struct rig_frame {
	struct ck_frame_out frame;
	uint8_t bytes[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
};
struct ck_map_writer *rig_begin(struct rig_frame *out, uint64_t type);
void rig_send(struct ck_client *to, struct rig_frame *out, int fd);
uint64_t rig_number(const struct ck_map *map, unsigned field);
bool rig_text_is(const struct ck_map *map, unsigned field, const char *expected);
/* Takes one message of the gate's to the ledger, and answers it. */
void rig_serve_ledger(void);
/* The answer of the gate, with the ledger served meanwhile. False: it hung up, or nothing came in time. */
bool rig_receive(struct ck_client *client, struct ck_map *reply);
/* The same, and the replica answers a question about its state meanwhile; it is asked nothing else. */
enum ck_answer rig_ask(struct ck_client *client, struct rig_frame *out, struct ck_map *reply);

/* ---- clients ---- */
void rig_connect(struct ck_client *client, uid_t uid);
void rig_put_login(struct rig_frame *out, enum ck_op op, const char *user, const char *account, const char *service, const char *tty,
                   const char *remote_host);
enum ck_answer rig_login_begin(struct ck_client *client, const char *user, const char *tty, const char *remote_host, struct ck_map *reply);
enum ck_answer rig_account(struct ck_client *client, const char *user, const char *name, const char *service, struct ck_map *reply);
/* Signs the challenge in the reply; `spoil` turns a bit of the signature. */
enum ck_answer rig_touch(struct ck_client *client, struct ck_soft_credential *key, struct ck_map *reply, bool verified, bool spoil);
/* Both, from a console and with everything right. */
enum ck_answer rig_login(struct ck_client *client, const char *user, struct ck_soft_credential *key, struct ck_map *reply);
/* Alice's, which the ledger refuses for this reason: she is told so, in these words (NULL: in whichever), and has proved nothing. */
void rig_login_refused(struct ck_client *client, const char *reason, const char *message);
void rig_identify(struct ck_client *client, const char *user, struct ck_soft_credential *key);

/* ---- the daemon around it ---- */
void rig_give_peer(enum ck_process process, struct ck_client *mine);
void rig_set_up(void);
/* With a copy that was last proved a minute and a half ago; longer ago than as_of_limit_s; in an hour. */
void rig_set_up_old(void);
void rig_set_up_stale(void);
void rig_set_up_ahead(void);
void rig_set_up_unfinished(void);
void rig_tear_down(void);
/* A gate over the same store: rig_set_up has started one. False: it did not come up. rig_end_gate: how it ended, as waitpid has it. */
bool rig_start_gate(void);
/* What that takes, for who runs one otherwise: its configuration, its listening socket, and both where a gate finds them. */
void rig_configure(struct ck_config *config);
int rig_listen(void);
void rig_place(int control, int listening);
int rig_end_gate(void);
void rig_add_case(Suite *suite, const char *name, void (*setup)(void), const TTest *const *tests, size_t count);
int rig_run(Suite *suite);

#endif
