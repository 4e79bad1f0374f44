/* What messages about vouches say, what they do to the table, and what is written of them. */
#ifndef CK_AUTHD_LEDGER_VOUCH_ACT_H
#define CK_AUTHD_LEDGER_VOUCH_ACT_H

#include "authd/ledger_event.h"
#include "authd/ledger_vouch.h"

/* One of the events with CK_EVENT_VOUCHES. Borrows from its message and from the table. */
struct ck_vouch_act {
	enum ck_event event;
	bool refers;  /* to a vouch: a refusal may be of one that was never made */
	uint8_t id[CK_VOUCH_ID_BYTES];
	struct ck_vouch_new made; /* of CK_EVENT_VOUCH_MADE */
	struct ck_vouch_checker checker;
	const uint8_t *digest;
	struct ck_text user;
	struct ck_vouch *vouch; /* of the others, once it was looked up */
};
/* Of a message that ck_event_check has passed. False: it contradicts itself, and is malformed. */
CK_MUST_USE bool ck_vouch_act_read(const struct ck_map *message, enum ck_event event, struct ck_vouch_act *out);
/* NULL, or the name of the reason why it does not stand. */
const char *ck_vouch_act_refuse(struct ck_vouch_act *act, struct ck_vouches *vouches, int64_t now_ms);
/* What is recorded: the message without the code's digest, and names that people look for. */
void ck_vouch_act_fields(const struct ck_vouch_act *act, const struct ck_map *message, struct ck_event_fields *fields);
/* After it was not refused, and its record is in the batch. CK_ERR_MEMORY. */
CK_MUST_USE enum ck_error ck_vouch_act_take(const struct ck_vouch_act *act, struct ck_vouches *vouches, int64_t now_ms, int64_t life_ms,
                                            int64_t wall_s);

/* A code that somebody entered. */
struct ck_vouch_guess {
	struct ck_vouch_checker checker;
	const uint8_t *digest;
	enum ck_vouch_found found;
	bool exhausted;
	const char *reason;           /* that is answered; the same for a code that nobody has and for one that is somebody else's */
	const uint8_t *id;            /* of the vouch, if there is one */
	const struct ck_vouch *vouch;
};
/* Of a CK_MSG_VOUCH_FIND. False: malformed. */
CK_MUST_USE bool ck_vouch_guess_read(const struct ck_map *message, struct ck_vouch_guess *out);
void ck_vouch_guess_look(struct ck_vouch_guess *guess, struct ck_vouches *vouches, int64_t now_ms);
void ck_vouch_guess_fields(const struct ck_vouch_guess *guess, const struct ck_map *message, struct ck_event_fields *fields);
/* Whether somebody should look at this, and what to tell them. */
bool ck_vouch_guess_alarm(const struct ck_vouch_guess *guess, const struct ck_map *message, char *out, size_t out_bytes);

#endif
