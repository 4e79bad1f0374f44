/* The book and the machine's clock: what is recorded when it goes back or jumps, and what stands meanwhile. */
#include "authd/ledger_book_state.h"

#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/model/record.h"

static void add_clock(struct ck_book *book, const char *event, int64_t clock_s, int64_t known_s)
{
	char clock[CK_TIME_TEXT_BYTES], known[CK_TIME_TEXT_BYTES];
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "clock", ck_text_of(ck_time_format(clock_s, clock)));
	ck_event_fields_text(&book->fields, "known", ck_text_of(ck_time_format(known_s, known)));
	(void)ck_book_add(book, event, true);
	ck_log(CK_LOG_ALARM, "%s: the machine's clock says %s, and it is known to have been %s", event, clock, known);
}

/* A clock that goes forward may be right; where it is not, what begins later has begun already. */
static void mind_jump(struct ck_book *book)
{
	int64_t wall_ms = ck_clock_wall_us() / 1000, boot_ms = ck_clock_boot_ms();
	if (wall_ms <= 0 || boot_ms <= 0) return; /* one of them cannot be read */
	int64_t expected_ms = book->seen_wall_ms + boot_ms - book->seen_boot_ms;
	if (book->seen_boot_ms != 0 && wall_ms - expected_ms > CK_WALL_TOLERANCE_S * 1000)
		add_clock(book, "clock-jumped", wall_ms / 1000, expected_ms / 1000);
	book->seen_wall_ms = wall_ms;
	book->seen_boot_ms = boot_ms;
}

void ck_book_mind_clock(struct ck_book *book)
{
	mind_jump(book);
	struct ck_moment now = ck_wall_now(&book->wall);
	if (now.behind != book->behind) add_clock(book, now.behind ? "clock-behind" : "clock-caught-up", ck_clock_wall_s(), now.s);
	book->behind = now.behind;
}

/* Root says that the clock is right. From here on records carry its time; the first of them is this one. */
bool ck_book_confirm_clock(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, struct ck_book_answer *answer)
{
	char known[CK_TIME_TEXT_BYTES];
	int64_t clock_s = ck_clock_wall_s();
	struct ck_moment now = ck_wall_now(&book->wall);
	answer->reason = !now.behind ? "clock-right" : clock_s < CK_CLOCK_EPOCH_S ? "clock-unset" : book->in_batch > 0 ? "unrecorded" : NULL;
	if (answer->reason != NULL) return false;
	ck_log(CK_LOG_ALARM, "root says that the machine's clock is right, though it was %s", ck_time_format(now.s, known));
	ck_wall_confirm(&book->wall);
	ck_chain_set_clock_back(book->chain);
	book->behind = false;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	ck_event_fields_text(&book->fields, "known", ck_text_of(known));
	if (ck_book_add(book, rule->name, true)) return true;
	answer->reason = "unrecorded";
	return false;
}

/* The gate decides by what it was told of the clock; here is where it is known. */
bool ck_book_outlasts_doubt(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	int64_t until_s = 0;
	if ((rule->what & CK_EVENT_GRANTS) == 0 || !ck_wall_now(&book->wall).behind) return true;
	return ck_map_int(message, CK_F_UNTIL, &until_s) == CK_OK && until_s == CK_TIME_UNLIMITED;
}
