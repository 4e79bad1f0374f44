/* What the files of the replica share: its state, the requests under way, and the verbs between them. One thread. */
#ifndef CK_AUTHD_REPLICA_STATE_H
#define CK_AUTHD_REPLICA_STATE_H

#include "authd/attested.h"
#include "authd/enrol.h"
#include "authd/plan.h"
#include "authd/process.h"
#include "authd/provider.h"
#include "authd/replica_follow.h"
#include "authd/slices.h"

#define CK_REPLICA_GATES_LIMIT 64
#define CK_WORKS_LIMIT 64          /* changes and enrolments under way */
#define CK_WORKS_PER_GATE_LIMIT 32 /* so that one gate cannot take them all */
#define CK_EARLY_RECORDS_BYTES 65536

struct ck_replica;
struct ck_replica_uses;      /* replica_uses.c */
struct ck_replica_passwords; /* replica_password.c */
struct ck_replica_dials; /* replica_dial.c */

/* Who waits for an answer. */
struct ck_asker {
	unsigned gate;
	uint64_t epoch; /* of the gate's channel: an answer for an earlier one is nobody's */
	uint64_t request;
	uint64_t peer_uid, peer_pid; /* as the gate says: for limits and the log, never for a right */
};

enum ck_work_kind { CK_WORK_CHANGE = 1, CK_WORK_ENROL, CK_WORK_RECOVER, CK_WORK_RESET, CK_WORK_PLAN, CK_WORK_BATCH };
enum ck_work_step {
	CK_STEP_INTENT = 1, /* waits for the ledger before anything is written */
	CK_STEP_REACHING,   /* waits for the writer; of a batch: before it is looked at */
	CK_STEP_WRITING,    /* of a batch: waits for the directory */
	CK_STEP_OUTCOME,    /* waits for the ledger after it */
	CK_STEP_VISIBLE     /* waits for the store to hold it */
};
struct ck_reset { /* of a key's counter */
	uint8_t hash[CK_HASH_BYTES];
	char use_dn[CK_DN_LIMIT_BYTES];
};
struct ck_work {
	enum ck_work_kind kind; /* 0: free */
	enum ck_work_step step;
	struct ck_asker asker;
	uint64_t awaited; /* the record whose answer it waits for */
	int64_t begun_ms, deadline_ms;
	int64_t issued_ms; /* of a change: the challenge that was signed, monotonic */
	uint8_t *body; /* of the request; the order borrows from it */
	size_t body_length;
	struct ck_order *order;
	struct ck_enrolment *enrolment;
	struct ck_recovery *recovery;
	struct ck_reset *reset;
	struct ck_signed_plan *plan; /* of a plan, and of a batch the one it is of */
	struct ck_plan_batch *batch;
	struct ck_found_code code;
	char user[CK_UID_LIMIT_BYTES + 1];
	size_t intents; /* statements whose intent was sent */
	bool written;
	size_t written_count;
	bool known_csns;
	struct ck_csn_set wanted;
	const char *reason; /* why not; NULL: nothing is wrong */
	struct ck_errmsg message;
};

/* A connection that is being made (replica_reach.c). Called once; error: why there is none. The place may be used again within. */
typedef void (*ck_reach_done)(struct ck_replica *r, enum ck_error error, const char *why, void *context);
struct ck_replica_reach { /* zeroed: free */
	struct ck_replica *replica;
	size_t provider;
	bool bind, under_way;
	int64_t deadline_ms;
	struct ck_opening *opening;
	struct event *ready;
	ck_reach_done done;
	void *context;
};

struct ck_gate_link {
	struct ck_channel *channel;
	struct ck_replica *replica;
	unsigned index;
	uint64_t epoch;
};

struct ck_replica {
	const struct ck_start *start;
	const struct ck_config *config;
	struct event_base *base;
	struct ck_peers *peers;
	struct ck_gate_link gates[CK_REPLICA_GATES_LIMIT];
	struct ck_channel *ledger;
	uint8_t *early; /* records that were made before there was a ledger to send them to */
	size_t early_length;
	char store_directory[CK_CONFIG_TEXT_BYTES + 16];
	/* following */
	struct ck_follower *follower;
	struct ck_fido_roots *roots; /* NULL: no key is attested */
	struct ck_follow *follow;
	struct event *readable, *tick;
	struct ck_slices step; /* of a refresh, which goes on while others get their turns */
	enum ck_error step_error;
	struct ck_errmsg step_why;
	struct ck_providers providers;
	size_t last_followed; /* the number of providers: none yet */
	char provider_files[CK_PROVIDER_FILES][CK_CONFIG_TEXT_BYTES];
	struct ck_secret *password; /* that providers want of us, as last read */
	struct ck_replica_dials *dials; /* NULL: the provider is on this machine */
	struct ck_replica_reach reach; /* for the stream */
	bool reaching, reaching_better;
	bool mending; /* reached, and waits for the writer before it is opened */
	int64_t opened_ms, heard_ms, probe_ms, next_probe_ms, lags_since_ms, lost_ms, looked_ms;
	struct ck_as_of probe_asked;
	struct ck_wall wall;
	struct ck_asker clock_asker; /* root, who confirms the clock; waits for the record of that number */
	uint64_t clock_record;
	bool persisted; /* this stream got past its refresh */
	bool verify_wanted;
	int64_t zones_ms, zones_until_s; /* when the authorities' zones are looked up again; up to when they were */
	int64_t verify_ms, verify_began_ms; /* when the whole copy is read again (0: at once); when that began */
	struct ck_slices verification;
	enum ck_error verify_error;
	int exit_code;
	char trouble[320]; /* the last reason why there is no stream; "" while there is one */
	/* changing */
	struct ck_ldap *writer;
	size_t writer_provider; /* that it leads to */
	struct ck_replica_reach writer_reach;
	struct ck_errmsg writer_trouble; /* why it could not be reached when that was last tried; "": it could */
	struct ck_nonces nonces;
	struct ck_code_tries tries;
	struct ck_prepared_keys prepared;
	uint8_t secret[CK_LOGIN_SECRET_BYTES];
	uint64_t sequence;
	struct ck_replica_uses *uses;
	struct ck_replica_passwords *passwords;
	struct ck_replica_plans *plans;
	struct ck_work works[CK_WORKS_LIMIT];
	struct ck_frame_out frame;
	uint8_t out[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
	uint8_t body[CK_FRAME_LIMIT_BYTES];
};

/* ---- replica_dial.c: connected sockets from the dialler ---- */
/* Starts it, where there are providers elsewhere. As root, before anything secret is known. */
CK_MUST_USE enum ck_error ck_replica_dials_start(struct ck_replica *r, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_replica_dials_open(struct ck_replica *r);
void ck_replica_dials_close(struct ck_replica *r);
void ck_replica_mind_dials(struct ck_replica *r, int64_t now_ms);
/* fd: connected, the callee's; -1: why not. Called from the loop, once. */
typedef void (*ck_dial_done)(int fd, const char *why, void *context);
CK_MUST_USE enum ck_error ck_replica_dial(struct ck_replica *r, unsigned provider, ck_dial_done done, void *context, struct ck_errmsg *err);
/* Nobody of this context waits for it any more. */
void ck_replica_dial_forget(struct ck_replica *r, const void *context);

/* ---- replica_reach.c: a connection to a provider, made while the loop goes on ---- */
/* bind: until it is bound. On this machine done is called at once, before this returns; elsewhere as soon as it cannot even be asked for. */
void ck_replica_reach(struct ck_replica *r, struct ck_replica_reach *reach, size_t provider, bool bind, ck_reach_done done, void *context);
/* After done, without an error: what to open over. Taken once. */
CK_MUST_USE enum ck_error ck_replica_reached(struct ck_replica_reach *reach, struct ck_ldap_target *out, struct ck_errmsg *err);
/* Whatever it is at: done is not called any more. */
void ck_replica_reach_end(struct ck_replica_reach *reach);

/* ---- replica_provider.c ---- */
CK_MUST_USE enum ck_error ck_replica_providers_open(struct ck_replica *r);
void ck_replica_providers_close(struct ck_replica *r);
/* How that provider is reached over fd (-1: it is on this machine), and as whom. Borrows from r until the next call. fd is taken over. */
CK_MUST_USE enum ck_error ck_replica_target(struct ck_replica *r, size_t index, int fd, struct ck_ldap_target *out, struct ck_errmsg *err);
/* The one that takes writes. */
size_t ck_replica_write_provider(const struct ck_replica *r);
/* The stream is in step with the current one; a change of provider is recorded. */
void ck_replica_provider_arrived(struct ck_replica *r);
#define CK_PROVIDERS_TEXT_BYTES 2048
/* "provider: …" or "trouble: …", a line each. */
void ck_replica_describe_providers(const struct ck_replica *r, char *out, size_t out_bytes);

/* ---- replica_line.c: connections for writes that nobody waits for ---- */
struct ck_replica_line {
	struct ck_later *later; /* NULL: there is none, or it is being reached */
	struct event *readable;
	size_t provider; /* that it leads to */
	struct ck_replica_reach reach;
	event_callback_fn on_readable;
	void (*on_end)(struct ck_replica *r, const char *why);
};
/* To the provider that takes writes. on_readable gets the replica; on_end: it could not be reached (perhaps called at once). */
void ck_replica_line_open(struct ck_replica *r, struct ck_replica_line *line, event_callback_fn on_readable,
                          void (*on_end)(struct ck_replica *r, const char *why));
void ck_replica_line_close(struct ck_replica_line *line);
/* Open, or being reached. */
bool ck_replica_line_is_begun(const struct ck_replica_line *line);
/* There is one, and it leads to a provider that takes no writes by now. */
bool ck_replica_line_is_astray(const struct ck_replica *r, const struct ck_replica_line *line);

/* ---- replica_stream.c: following ---- */
/* A step of time: connects, probes, gives up what is dead. */
void ck_replica_mind_stream(struct ck_replica *r, int64_t now_ms);
void ck_replica_stop_stream(struct ck_replica *r);
/* The copy is: the process ends, and the next one begins anew. */
void ck_replica_stream_damaged(struct ck_replica *r);
/* Or could not be reached. */
void ck_replica_stream_writer_came(struct ck_replica *r);

/* ---- replica_verify.c: reading the whole copy, in slices ---- */
/* Begins it when it is due; ck_replica_stream_damaged is called if damage is found. */
void ck_replica_mind_verification(struct ck_replica *r, int64_t now_ms);
/* Before the copy is closed. */
void ck_replica_end_verification(struct ck_replica *r);

/* ---- replica_mend.c ---- */
/* Before the stream is opened: an embedded slapd, or one that was lost in the middle of a write, that forgot in a crash how far it was is
   made to count anew. Waits, but not for long. */
void ck_replica_mend_provider(struct ck_replica *r);
/* It will want the writer. */
CK_MUST_USE bool ck_replica_mend_is_due(struct ck_replica *r);

/* ---- replica_answer.c: answers to gates, records to the ledger ---- */
struct ck_answer_out {
	struct ck_writer w;
	struct ck_map_writer map;
};
/* Begins an answer (TYPE is put); fields follow in ascending order. */
struct ck_map_writer *ck_replica_answer(struct ck_replica *r, struct ck_answer_out *a, enum ck_answer answer);
void ck_replica_send(struct ck_replica *r, struct ck_answer_out *a, const struct ck_asker *asker);
/* The answer to CK_MSG_STATE: whether the directory is followed, and why not. */
void ck_replica_send_state(struct ck_replica *r, const struct ck_asker *asker);
/* Denied, or unavailable where the reason is that. */
void ck_replica_refuse(struct ck_replica *r, const struct ck_asker *asker, const char *reason, const char *message);

struct ck_replica_event { /* absent texts NULL, absent bytes {NULL, 0} */
	enum ck_event event;
	const char *user, *reason, *name, *operation, *detail;
	const struct ck_login_ask *ask; /* of a password: ACCOUNT SERVICE TTY REMOTE_HOST, those that are not "" */
	const char *system;
	struct ck_bytes target, proof, hash, digest;
	const struct ck_asker *asker;
	bool with_count;
	uint64_t count;
	bool with_window, with_age, with_index;
	uint64_t index;
	int64_t from_s, until_s, age_ms;
};
/* Returns the record's number; its answer comes to ck_replica_recorded if somebody waits for it. */
uint64_t ck_replica_record(struct ck_replica *r, const struct ck_replica_event *event);
void ck_replica_send_early(struct ck_replica *r);

/* ---- replica_writer.c: the directory's second connection, for what the loop waits for ---- */
/* Whether ck_replica_writer can have it. Elsewhere: it was reached, and is tried out. */
CK_MUST_USE bool ck_replica_writer_is_there(struct ck_replica *r);
/* Elsewhere: begins to reach it, unless that is under way. Whoever waits is told, perhaps at once: ck_replica_stream_writer_came,
   ck_replica_works_writer_came. */
void ck_replica_reach_writer(struct ck_replica *r);
/* The connection for reads and writes, tried out; NULL and the sentence if there is none by then. */
struct ck_ldap *ck_replica_writer(struct ck_replica *r, int64_t deadline_ms, struct ck_errmsg *err);
void ck_replica_drop_writer(struct ck_replica *r);
/* A write whose end is not known. If slapd died of it, it may have committed and told nobody: the next stream is a full refresh. */
void ck_replica_doubt(struct ck_replica *r);
/* The same of a write on a line, which may lead to another provider than the one that takes writes by now. */
void ck_replica_doubt_at(struct ck_replica *r, size_t provider);
/* The provider's change numbers now: when the store holds these, it holds what was written. */
CK_MUST_USE enum ck_error ck_replica_context(struct ck_replica *r, int64_t deadline_ms, struct ck_csn_set *out);
void ck_replica_place(struct ck_replica *r, struct ck_change_place *out);

/* ---- replica_work.c: requests under way ---- */
/* What a key shall sign in that person's name: NONCE TIME SYSTEM RP_ID ALLOW VERIFY. */
void ck_replica_begin_signing(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, enum ck_nonce_purpose purpose);
void ck_replica_change_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
void ck_replica_change_commit(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, struct ck_bytes encoded);
/* The ledger's answer to a record. */
void ck_replica_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason);
/* Something new is in the store. */
void ck_replica_look_visible(struct ck_replica *r);
/* The writer is there, or could not be reached: what waits for it goes on. */
void ck_replica_works_writer_came(struct ck_replica *r, bool there);
/* Gives up what waited too long; forgets those whose gate is gone. */
void ck_replica_mind_works(struct ck_replica *r, int64_t now_ms);
/* A free place, begun; NULL (and an answer) if there is none. */
struct ck_work *ck_work_begin(struct ck_replica *r, enum ck_work_kind kind, const struct ck_asker *asker);
void ck_work_end(struct ck_work *work);
/* Refused before anything was begun: recorded and answered; the work is over. */
void ck_work_refuse(struct ck_replica *r, struct ck_work *work, const struct ck_denial *denial);
/* All of the batch's statements have their end. */
void ck_work_batch_written(struct ck_replica *r, struct ck_work *work);
/* Sends the outcome to the ledger and goes on with it. */
void ck_work_conclude(struct ck_replica *r, struct ck_work *work);

/* ---- replica_uses.c: the use of keys, between the ledger and the directory ---- */
CK_MUST_USE enum ck_error ck_replica_uses_open(struct ck_replica *r);
void ck_replica_uses_close(struct ck_replica *r);
/* All that the directory has is to be told to the ledger: a new one came, or a refresh is done. */
void ck_replica_uses_tell_all(struct ck_replica *r);
/* One that came, or (there false) went. */
void ck_replica_use_came(struct ck_replica *r, const struct ck_record *use, bool there);
/* The ledger's CK_MSG_KEY_USES_DUE; false: it is not what was asked for. */
CK_MUST_USE bool ck_replica_uses_due(struct ck_replica *r, const struct ck_map *message, uint64_t number);
/* The ledger is gone: what it was asked is not answered any more. */
void ck_replica_uses_unheard(struct ck_replica *r);
void ck_replica_mind_uses(struct ck_replica *r, int64_t now_ms);
/* The use of this key shall not be written from now on. False: it is being written just now. */
CK_MUST_USE bool ck_replica_uses_leave(struct ck_replica *r, const uint8_t hash[CK_HASH_BYTES]);

/* ---- replica_plan.c: plans and their batches, up to what is written; replica_batch.c: writing them ---- */
#define CK_PLAN_OPERATION "plan.order"
#define CK_BATCH_OPERATION "plan.batch"
CK_MUST_USE enum ck_error ck_replica_plans_open(struct ck_replica *r);
void ck_replica_plans_close(struct ck_replica *r);
void ck_replica_plan_commit(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
void ck_replica_plan_batch(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, struct ck_bytes encoded);
/* That one, once there is a writer to look its plan up by, or none to be had. */
void ck_plan_batch_go(struct ck_replica *r, struct ck_work *work);
/* Whether a batch may have its plan looked up, which costs the loop a read; given back if it was of that plan. */
CK_MUST_USE bool ck_batch_may_look(struct ck_replica *r, const struct ck_asker *asker);
void ck_batch_was_right(struct ck_replica *r, const struct ck_asker *asker);
/* Keeps the plan in the directory; sets the work's result. */
void ck_plan_write(struct ck_replica *r, struct ck_work *work);
/* Authorises, tries out, and begins to write; the work goes on with ck_work_batch_written. */
void ck_batch_write_begin(struct ck_replica *r, struct ck_work *work);
/* What is not written by now is not waited for. */
void ck_batch_give_up(struct ck_replica *r, struct ck_work *work);
/* What was refused as being there or changed may be there as it was wanted: looked at again when the copy is in step. */
void ck_batch_look_again(struct ck_replica *r, struct ck_work *work);
void ck_batch_put_outcomes(const struct ck_work *work, struct ck_map_writer *m);

/* ---- replica_reset.c: forgetting a key's counter ---- */
#define CK_RESET_OPERATION "key.reset-counter"
void ck_replica_counter_reset(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, int fd);
void ck_reset_write(struct ck_replica *r, struct ck_work *work);

/* ---- replica_enrol.c: enrolment and recovery ---- */
void ck_replica_enrol_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
void ck_replica_enrol_finish(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
/* fd: the client's socket, whose credentials are read here. */
void ck_replica_recover(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, int fd);
void ck_replica_confirm_refresh(struct ck_replica *r, const struct ck_asker *asker, int fd);
/* Whether this is root's socket, as the kernel says. */
bool ck_replica_is_root(int fd);
/* A gate that is as it should be asks such things for root only: refused and recorded. */
void ck_replica_refuse_not_root(struct ck_replica *r, const struct ck_asker *asker, const char *operation);
/* Writes what the intent announced; sets the work's result. */
void ck_enrol_write(struct ck_replica *r, struct ck_work *work);
void ck_recovery_write(struct ck_replica *r, struct ck_work *work);

/* ---- replica_password.c ---- */
CK_MUST_USE enum ck_error ck_replica_passwords_open(struct ck_replica *r);
void ck_replica_passwords_close(struct ck_replica *r);
/* A gate's CK_MSG_PASSWORD; false: malformed. */
CK_MUST_USE bool ck_replica_password_login(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *message);
void ck_replica_password_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
void ck_replica_password_change(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request);
/* Whether it was the record of a password; then it was gone on with. wait_ms: until the next may be tried; 0: not said. */
bool ck_replica_password_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason, int64_t wait_ms);
void ck_replica_mind_passwords(struct ck_replica *r, int64_t now_ms);

/* ---- replica_clock.c ---- */
/* False: malformed. */
bool ck_replica_take_clock(struct ck_replica *r, const struct ck_map *message);
/* While the clock is behind: refuses, and nothing must be written. */
bool ck_replica_clock_fails(struct ck_replica *r, const struct ck_asker *asker);
void ck_replica_confirm_clock(struct ck_replica *r, const struct ck_asker *asker, int fd);
/* Whether it was the record of a confirmation; then it was answered. */
bool ck_replica_clock_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason);

#endif
