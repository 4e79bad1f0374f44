/* What the files of the gate share: its state, the state of one client's connection, and the verbs between them. Requests of one
   connection are strictly one at a time; one that has to ask another process leaves `resume` behind and goes on when it is answered. */
#ifndef CK_AUTHD_GATE_STATE_H
#define CK_AUTHD_GATE_STATE_H

#include <sys/types.h>

#include "authd/decide/decide.h"
#include "authd/fido/fido.h"
#include "authd/gate_process.h"
#include "authd/login.h"
#include "authd/operation.h"
#include "authd/process.h"
#include "authd/vouch.h"
#include "authd/wall.h"
#include "directory/store/people.h"
#include "directory/store/store.h"

struct ck_gate_client;
/* reply: what the other process answered; NULL: nothing, in time. The client is still there. */
typedef void (*ck_gate_resume)(struct ck_gate_client *client, const struct ck_map *reply);
typedef void (*ck_gate_then)(struct ck_gate_client *client);

/* Where a client sits, as far as it is known. */
struct ck_gate_origin {
	bool local;               /* at the machine itself: its own USB may be used */
	struct ck_source source;  /* for the decision; absent where nothing is known or believed */
	char remote_host[CK_REMOTE_HOST_LIMIT_BYTES + 1]; /* of the session it is in; "" if none or not known */
};

/* Where it comes from, for what is limited. */
struct ck_gate_source {
	bool known;
	uid_t owner; /* who asks, or started what asks; 0: nobody but root */
	uint8_t hash[CK_SOURCE_BYTES]; /* of that, or of the host or terminal; zeros: nothing is known */
};

/* What was begun: counted at the ledger, until that is told that a key has proved it. */
enum ck_gate_tried { CK_GATE_UNTRIED = 0, CK_GATE_TRIED, CK_GATE_PROVED };

#define CK_GATE_TOKENS_LIMIT 4 /* helpers for one challenge: a key plugged in late, a PIN mistyped; each is a process */

/* What a key answered, where a password is wanted beside it: it goes to the replica together with the password, once. */
#define CK_GATE_MESSAGE_BYTES 321
struct ck_gate_shown {
	bool sent;
	int64_t since_ms;
	uint8_t digest[CK_CHALLENGE_BYTES]; /* of what was signed */
	unsigned proved;
	size_t credential_length, auth_data_length, signature_length;
	uint8_t credential[CK_CREDENTIAL_ID_LIMIT_BYTES], auth_data[CK_AUTH_DATA_LIMIT_BYTES], signature[CK_SIGNATURE_LIMIT_BYTES];
	/* what came back */
	char reason[64], message[CK_GATE_MESSAGE_BYTES];
};

/* What the challenge that is open is for. */
enum ck_gate_purpose { CK_GATE_LOGIN = 0, CK_GATE_IDENTIFY, CK_GATE_VOUCH };

/* Whom somebody is about to vouch for themself to, as they said it and as the prompt said it. */
struct ck_gate_vouching {
	bool for_authority;
	char name[CK_NAME_LIMIT_BYTES + 1];
	struct ck_id id;
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
	char code[CK_VOUCH_CODE_BYTES]; /* while it waits to be recorded */
};

/* What was begun and what was proved on a connection: lives and dies with it. */
struct ck_gate_login {
	struct ck_login_ask ask;
	struct ck_gate_origin origin;
	struct ck_challenge challenge;
	uint8_t nonce[CK_NONCE_BYTES]; /* of the statement */
	int64_t time_s;
	enum ck_gate_purpose purpose; /* of the challenge */
	struct ck_gate_vouching vouching;
	unsigned tokens_left;  /* token helpers that may still be asked for */
	bool tokens_here;      /* the keys of this machine may be used for them */
	unsigned proved;       /* enum ck_proved; of a granted login */
	int64_t proved_ms;
	bool must_change;      /* the password, before the account stage lets in */
	uint8_t key_hash[CK_HASH_BYTES]; /* what it was proved with */
};

/* A code that is being checked, until it is recorded who did. */
struct ck_gate_checking {
	uint8_t id[CK_VOUCH_ID_BYTES], digest[CK_VOUCH_DIGEST_BYTES];
	struct ck_id voucher;
	unsigned proved;
	int64_t time_s;
};

struct ck_gate_person {
	bool known;
	int64_t since_ms;
	struct ck_id staff;
	char uid[CK_UID_LIMIT_BYTES + 1];
	uint8_t key_hash[CK_HASH_BYTES];
};

/* What was found out about the client's rights within one view: a list asks the same thing a thousand times. */
struct ck_gate_access {
	bool any_known, any, one_known, one, good_known, good;
	struct ck_id one_authority;
};

struct ck_gate;
struct ck_gate_client {
	struct ck_gate *gate;
	struct ck_channel *channel;
	unsigned slot;
	uid_t uid; /* of the process that connected, as the kernel says */
	uid_t owner; /* whom its place is counted to: that, or who started root's program */
	pid_t pid;
	uint64_t accepted_ticks; /* boot time: a process that started later is not the one that connected */
	int64_t active_ms;
	bool spoke;
	/* the request under way */
	enum ck_op op;
	uint64_t pending; /* the number that another process was asked under; 0: none */
	enum ck_process waits_for;
	bool soon; /* what it waits for comes in microseconds */
	int64_t deadline_ms;
	ck_gate_resume resume;
	ck_gate_then then;
	struct ck_login_ask ask;
	struct ck_gate_origin origin;
	bool origin_known;
	bool operator_claims; /* locating for an operator's command: there is no login whose claims could be believed */
	struct ck_verdict verdict;
	unsigned proved;
	bool must_change;
	uint8_t login_id[CK_LOGIN_ID_BYTES];
	const struct ck_operation *relayed; /* what the replica was asked */
	uint8_t *kept; /* a look-up that waits to be recorded, and what then looks */
	size_t kept_bytes, kept_count;
	uint8_t kept_cursor[CK_PEOPLE_CURSOR_BYTES];
	bool kept_more, kept_cut;
	void (*look_up)(struct ck_gate_client *client, const struct ck_map *request);
	struct ck_gate_access access;
	struct ck_gate_checking checking;
	/* what stays between requests */
	struct ck_gate_source source; /* of what was begun last */
	enum ck_gate_tried tried;
	int64_t wait_ms; /* until it may be tried again */
	struct ck_gate_login login;
	struct ck_gate_shown *shown; /* NULL: no password is wanted */
	bool operator_challenge; /* the replica gave one, for a change or an enrolment */
	struct ck_gate_person person;
	bool vouched; /* made on this connection: */
	uint8_t vouch_id[CK_VOUCH_ID_BYTES];
	char voucher[CK_UID_LIMIT_BYTES + 1];
};

/* What an ordinary user may still have recorded: what is granted or looked up without a touch costs them nothing, and the log is everybody's. */
#define CK_GATE_BUDGETS 128
struct ck_gate_budget {
	uid_t uid; /* 0: free */
	unsigned left;
	int64_t since_ms;
};

/* What the ledger or the replica last said of itself, for status. */
struct ck_gate_peer_state {
	bool answers, fine;
	char state[32], detail[321];
	char providers[2048]; /* of the replica: "provider: …" or "trouble: …", a line each */
};

struct ck_gate {
	const struct ck_start *start;
	const struct ck_config *config;
	struct event_base *base;
	struct event *acceptable, *tick;
	struct ck_peers *peers;
	struct ck_channel *ledger, *replica;
	struct ck_gate_peer_state ledger_state, replica_state;
	unsigned replica_waiting;
	struct ck_wall wall;
	struct ck_store *store;
	char store_directory[CK_CONFIG_TEXT_BYTES + 16];
	int64_t store_tried_ms;
	uint8_t secret[CK_LOGIN_SECRET_BYTES];
	struct ck_gate_client **clients; /* by slot */
	uint32_t *owners;                /* by slot, beside them: counted at every accept */
	size_t clients_limit, clients_count, ordinary_count;
	struct ck_gate_budget budgets[CK_GATE_BUDGETS];
	/* gate_loop.c: how much came so far; who waits for another process, and who of them for what comes soon; whether staying awake paid */
	uint64_t came;
	size_t waiting, waiting_soon;
	bool paid_idle, paid_soon;
	long processors;
	bool accepting;
	bool failed; /* it ends, and the supervisor starts another */
	uint64_t sequence;
	uint8_t random[512];
	size_t random_left;
	struct ck_frame_out frame; /* the answer that is being put together */
	uint8_t out[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
};

/* ---- gate_answer.c: answers, the other processes, the store ---- */

/* Begins an answer (TYPE is put); fields follow in ascending order. */
struct ck_map_writer *ck_gate_answer(struct ck_gate_client *client, enum ck_answer answer);
void ck_gate_send(struct ck_gate_client *client, int pass_fd);
void ck_gate_deny(struct ck_gate_client *client, const char *reason, const char *message);
/* The one answer for everybody who has proved nothing: the same bytes whatever the cause. */
void ck_gate_deny_alike(struct ck_gate_client *client);
void ck_gate_unavailable(struct ck_gate_client *client, const char *what);
void ck_gate_error(struct ck_gate_client *client, const char *reason, const char *message);

/* The client waits for another process, and no more. */
void ck_gate_wait_begin(struct ck_gate_client *client);
void ck_gate_wait_end(struct ck_gate_client *client);
/* The answer comes in microseconds. */
void ck_gate_wait_soon(struct ck_gate_client *client);

/* Asks another process under a number of its own: begin, fields after REQUEST in ascending order, end. */
struct ck_map_writer *ck_gate_ask_begin(struct ck_gate_client *client, enum ck_message type);
void ck_gate_ask_end(struct ck_gate_client *client, enum ck_process process, int timeout_ms, int pass_fd, ck_gate_resume resume);
/* The client that waits for this answer; it waits no more. NULL: it is gone, or was answered otherwise. */
/* After ck_gate_ask_begin, in the place of ck_gate_ask_end: nobody waits for an answer. */
void ck_gate_tell_ledger(struct ck_gate_client *client);
struct ck_gate_client *ck_gate_answered(struct ck_gate *gate, uint64_t request, enum ck_process process);
/* Everybody who waits for this process, or for anybody past the deadline, goes on without an answer. */
void ck_gate_give_up(struct ck_gate *gate, enum ck_process process);
void ck_gate_give_up_late(struct ck_gate *gate, int64_t now_ms);

/* A view of a finished copy, and its state. CK_ERR_UNAVAILABLE: there is none now. A damaged store ends the process. */
CK_MUST_USE enum ck_error ck_gate_view(struct ck_gate *gate, struct ck_view **out, struct ck_store_state *out_state);
/* Passes an answer of the store on; damage ends the process. */
enum ck_error ck_gate_stored(struct ck_gate *gate, enum ck_error error);
void ck_gate_random(struct ck_gate *gate, uint8_t *out, size_t length);

/* ---- gate_loop.c ---- */

/* Until the gate is to end. CK_ERR_IO: the event loop failed. */
CK_MUST_USE enum ck_error ck_gate_loop(struct ck_gate *gate);

/* ---- gate_record.c: what is recorded ---- */
struct ck_gate_found {
	struct ck_id asker, authority; /* zero: root */
	enum ck_find_budget budget;
	uint64_t charged;     /* people of other authorities; of a look-up that found nobody one */
	const char *purpose;  /* NULL: not said */
	const char *people;
};
struct ck_gate_event {
	enum ck_event event;
	const struct ck_login_ask *ask;    /* USER ACCOUNT SERVICE TTY REMOTE_HOST */
	const char *user, *system, *remote_host, *reason, *detail, *name;
	const struct ck_gate_found *found; /* ID AUTHORITY COUNT PURPOSE BUDGET PEOPLE */
	const struct ck_verdict *verdict;  /* granted: UNTIL and RULE */
	const uint8_t *login_id, *key_hash;
	struct ck_bytes id, authority, target, digest, proof; /* of vouches; digest: of what was signed beside a password, too */
	bool with_proved, with_count, with_age, with_leader;
	enum ck_find_budget shown;         /* BUDGET: that pays for the person of another authority who is shown; none: nobody is */
	unsigned proved;
	uint64_t count, leader[2];
	int64_t age_ms;
};
void ck_gate_record(struct ck_gate_client *client, const struct ck_gate_event *event, ck_gate_resume resume);
/* The same for a refusal of which nobody waits to hear; the client may be about to go. */
void ck_gate_note(struct ck_gate_client *client, const struct ck_gate_event *event);
/* CK_OK: recorded, and it stands. CK_ERR_DENIED: it does not stand, out_reason says why. CK_ERR_UNAVAILABLE: it is not recorded. */
CK_MUST_USE enum ck_error ck_gate_recorded(const struct ck_map *reply, char out_reason[64]);

/* ---- gate_find.c ---- */
/* Whose budget it is when this person is shown people of other authorities. */
enum ck_find_budget ck_gate_find_budget(struct ck_gate_client *client, struct ck_view *view, struct ck_id person, struct ck_id authority);

/* ---- gate_access.c: who may ---- */

/* The table's `who`, before the handler. CK_ERR_DENIED; CK_ERR_UNAVAILABLE: without a copy of the directory nobody can tell. */
CK_MUST_USE enum ck_error ck_gate_permits(struct ck_gate_client *client, const struct ck_operation *operation,
                                          const struct ck_map *request);
/* Of one entry: root, the person it is about, an administrator of its authority. */
bool ck_gate_may_see(struct ck_gate_client *client, struct ck_view *view, struct ck_id authority, struct ck_id person);
/* Whether this person may act now: active, inside their dates, of an active authority. */
bool ck_gate_person_is_active(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *staff);
/* The same, and their authority, if they may. */
bool ck_gate_person_acts(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *staff, struct ck_record *out_authority);
/* The staff that this client is: by a touch on this connection that still counts, else by its kernel uid. False: nobody known. */
bool ck_gate_person_of(struct ck_gate_client *client, struct ck_view *view, struct ck_id *out);
/* The staff that this client is by a touch alone, of a key and a person that are still good; whatever its kernel uid. */
CK_MUST_USE bool ck_gate_person_touched(struct ck_gate_client *client, struct ck_view *view, struct ck_record *out);
/* The administrator that this client is by a touch: false if it is none, of any authority. */
bool ck_gate_is_any_administrator(struct ck_gate_client *client, struct ck_view *view);

/* ---- gate_local.c ---- */

/* Finds where the client sits and calls `then`, at once or when the ledger has answered. client->ask holds the claims.
   operator: a command of an operator, no login: there are no claims. */
void ck_gate_locate(struct ck_gate_client *client, bool operator, ck_gate_then then);
/* Without asking anybody: false if only the ledger could tell. */
bool ck_gate_locate_at_once(struct ck_gate_client *client, bool operator);
/* What the ledger is asked: ANCESTORS, and how many; 0: there is none, and nothing is put. */
size_t ck_gate_put_ancestors(struct ck_gate_client *client, struct ck_map_writer *m);
/* What it answered: INSIDE [REMOTE_HOST]. */
void ck_gate_take_session(struct ck_gate_client *client, const struct ck_map *reply);
/* ---- gate_source.c: what is limited, by where it comes from ---- */

/* client->source, of the client and what it claims in client->ask. */
void ck_gate_find_source(struct ck_gate_client *client);
/* Something is begun that a key is to prove. Goes on with `then`, or answers that there were too many. limited: false for root's own commands. */
void ck_gate_try(struct ck_gate_client *client, bool limited, ck_gate_then then);
/* The same, and finds where the client sits, as ck_gate_locate does. */
void ck_gate_try_here(struct ck_gate_client *client, bool limited, bool operator, ck_gate_then then);
/* A key has proved it: it does not count. The ledger hears of it with the record of what came of it (put, the last field); where there is none,
   tell. At the latest when something else is begun, or the connection ends. */
void ck_gate_proved(struct ck_gate_client *client);
void ck_gate_put_proved(struct ck_gate_client *client, struct ck_map_writer *m);
void ck_gate_tell_proved(struct ck_gate_client *client);
void ck_gate_deny_limited(struct ck_gate_client *client, const char *reason, const char *what, int64_t wait_ms);
#define CK_REASON_TRIES "too-many-tries"
#define CK_REASON_LOGINS "too-many-logins" /* the ledger's word */

/* ---- gate_find.c: people, as far as everybody may see them ---- */

/* One person by login name or ckId, for `show`: recorded and paid for like a search when they are of another authority. */
void ck_gate_show_person(struct ck_gate_client *client, const struct ck_record *record, struct ck_view **view, const char *name);

/* ---- gate_query.c ---- */

/* Keeps the request in client->kept until another process has answered. False: answered, it is too long. */
CK_MUST_USE bool ck_gate_keep(struct ck_gate_client *client, struct ck_bytes encoded);

/* Looking people up leaves a trace: `run` sees the request once the ledger has recorded it. name: what is written down. */
void ck_gate_look_up(struct ck_gate_client *client, enum ck_event event, const char *name, struct ck_bytes encoded,
                     void (*run)(struct ck_gate_client *client, const struct ck_map *request));
/* A record as this client may see it; nothing (CK_ERR_NOT_FOUND) if it may not see it at all. */
CK_MUST_USE enum ck_error ck_gate_put_entry(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *record,
                                            struct ck_writer *w);
/* The answer whose ENTRIES are these encoded byte strings; cursor empty: it was the last page. */
void ck_gate_send_entries(struct ck_gate_client *client, const uint8_t *items, size_t length, size_t count, struct ck_bytes cursor);
#define CK_GATE_ENTRIES_LIMIT_BYTES (CK_FRAME_LIMIT_BYTES - 128)

/* ---- the handlers, one an operation ---- */
typedef void (*ck_gate_handler)(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_status(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
/* What was begun on this connection and not answered by a key is recorded as such, and forgotten. */
void ck_gate_login_forget(struct ck_gate_client *client);
void ck_gate_login_begin(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_login_token(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_login_assert(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_account(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_login_password(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_session_open(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_session_close(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_identify(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_find(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_explain(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_show(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_list(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_vouch_begin(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_vouch_state(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_vouch_withdraw(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_check(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
void ck_gate_account_entry(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
/* Everything whose handler is another process. */
void ck_gate_relay(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded);
/* The token helper that the supervisor started; fd -1: none. */
void ck_gate_token_came(struct ck_gate *gate, uint64_t request, int fd);

/* ---- gate_password.c: a password beside the touch ---- */
/* Whether a password is all that is missing: client->verdict stays as it is. */
bool ck_gate_lacks_only_password(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state);
/* Keeps the key's answer and asks the client for the password. */
void ck_gate_want_password(struct ck_gate_client *client, const uint8_t digest[CK_CHALLENGE_BYTES], struct ck_bytes credential,
                           struct ck_bytes auth_data, struct ck_bytes signature);
/* Forgets and wipes it. */
void ck_gate_forget_shown(struct ck_gate_client *client);

/* ---- gate_login.c ---- */

/* What a key answered to the challenge, and what the store and libfido2 say of it. */
struct ck_gate_answered {
	struct ck_challenge challenge;
	struct ck_bytes credential, auth_data, signature;
	struct ck_fido_result result;
	bool attested; /* the replica found so, when the key entered the copy */
	uint8_t hash[CK_HASH_BYTES];
	struct ck_errmsg why;
};
/* Goes on to the prompt for client->ask's person, whom a key is to prove; what it is for is in client->login. */
void ck_gate_begin(struct ck_gate_client *client, enum ck_gate_purpose purpose);
/* The event of what came of client->login: who, where, by what; a grant with its id, the verdict and the key. */
struct ck_gate_event ck_gate_login_event(struct ck_gate_client *client, enum ck_event kind);
/* Whether that is the answer of a good key of client->login's person. As long for nobody's key as for somebody's. */
CK_MUST_USE bool ck_gate_verify(struct ck_gate_client *client, struct ck_view *view, struct ck_gate_answered *a, struct ck_record *out_staff);
unsigned ck_gate_proved_by(const struct ck_gate_answered *a);
/* Records a refusal of client->login's person and answers it: alike for all while client->proved is nothing. */
void ck_gate_record_refused(struct ck_gate_client *client, const char *reason, const char *detail);
/* What the ledger would not let stand. */
void ck_gate_not_granted(struct ck_gate_client *client, const struct ck_map *reply, enum ck_error error, const char *reason);

/* ---- gate_vouch.c ---- */

/* Whom client->login.vouching names. */
CK_MUST_USE enum ck_error ck_gate_vouch_audience(struct ck_gate_client *client, struct ck_view *view);
void ck_gate_vouch_assert(struct ck_gate_client *client, struct ck_gate_answered *a);
/* What client->login's person is to sign, or has signed; borrows from it. */
void ck_gate_vouch_statement(struct ck_gate_client *client, struct ck_vouch_statement *out);
/* Whether the copy is not older than as_of_limit_s. */
bool ck_gate_is_fresh(struct ck_gate *gate, const struct ck_store_state *state);
/* ENTRIES: what everybody may know of this person, and their authority's name; or of this authority. CK_ERR_NOT_FOUND: gone. */
CK_MUST_USE enum ck_error ck_gate_put_card(struct ck_gate_client *client, struct ck_view *view, enum ck_kind kind, struct ck_id id,
                                           struct ck_map_writer *m);

/* gate_account.c: the decision as this gate asks it, of client->ask, client->origin and client->proved: sets client->verdict. */
CK_MUST_USE enum ck_error ck_gate_decide(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state);
/* The same at the beginning of a login, and whether its key is to verify its user. */
CK_MUST_USE enum ck_error ck_gate_decide_prompt(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state,
                                                bool *out_verify);
/* A sentence for the person, when it may be told. */
const char *ck_gate_sentence(const struct ck_verdict *verdict, unsigned proved);

#endif
