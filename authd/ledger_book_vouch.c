/* What the book does about vouches: who guesses, who comes too late, and that both are written down. */
#include "authd/ledger_book_state.h"

#include "directory/base/clock.h"
#include "directory/base/log.h"

#define ALARM_BYTES 200

bool ck_book_refuse_vouch(struct ck_book *book, const struct ck_map *message, struct ck_book_answer *answer)
{
	ck_event_fields_begin(&book->fields);
	ck_vouch_act_fields(&book->act, message, &book->fields);
	ck_event_fields_text(&book->fields, "refused", ck_text_of(answer->reason));
	(void)ck_book_add(book, "vouch-refused", false);
	return false;
}

/* What is wrong is counted by the table; here it is written down. A guess too many, and a code that was made for somebody else, are alarms. */
static void record_guess(struct ck_book *book, const struct ck_map *message, const struct ck_vouch_guess *guess)
{
	char detail[ALARM_BYTES];
	if (guess->found == CK_VOUCH_TOO_MANY && ck_book_coalesced(book, message)) return;
	ck_event_fields_begin(&book->fields);
	ck_vouch_guess_fields(guess, message, &book->fields);
	(void)ck_book_add(book, "vouch-refused", false);
	if (!ck_vouch_guess_alarm(guess, message, detail, sizeof detail)) return;
	ck_log(CK_LOG_ALARM, "%s", detail);
	ck_book_alarm(book, ck_text_of(detail));
}

enum ck_error ck_book_find_vouch(struct ck_book *book, const struct ck_map *message, struct ck_book_answer *out,
                                 const struct ck_vouch **out_found, const uint8_t **out_id)
{
	struct ck_vouch_guess guess;
	*out = (struct ck_book_answer){ .verdict = false };
	*out_found = NULL;
	if (!ck_vouch_guess_read(message, &guess)) return CK_ERR_INVALID;
	ck_vouch_guess_look(&guess, book->vouches, ck_clock_boot_ms());
	*out_id = guess.id;
	if (guess.found == CK_VOUCH_FOUND) *out_found = guess.vouch;
	out->reason = guess.reason;
	if (guess.found != CK_VOUCH_FOUND) record_guess(book, message, &guess);
	return CK_OK;
}

const struct ck_vouch *ck_book_vouch(struct ck_book *book, const uint8_t id[CK_VOUCH_ID_BYTES])
{
	return ck_vouches_get(book->vouches, id, ck_clock_boot_ms());
}
