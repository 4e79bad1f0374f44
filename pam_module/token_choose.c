/* Which key serves: waits until one is there that may, lets the touch choose where there are several, and takes the next where one fails.
   Every key that may serve waits for its touch at once; the PIN is asked for when it is clear for which. */
#include "pam_module/token_device.h"

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define TROUBLED_AFTER_MS 700 /* what passes sooner is not worth a word: udev gives a new device to our group a moment after it came */
#define AGAIN_AFTER_MS 250    /* a key that gives up by itself at once must not be asked in a loop */
#define FAILURES_LIMIT 3      /* at work, of one key: it is not asked any more until it was taken out */

/* While nobody has been chosen. */
struct waiting {
	size_t said_for;  /* so many keys were said to wait */
	bool said_absent; /* that none is there, or that one was taken out */
	int64_t idle_since_ms; /* none of those that are there can serve; 0: that is not so */
};

static bool waits(const struct ck_token_device *device)
{
	if (device->phase == CK_TOKEN_AT_WORK) return device->problem == CK_TOKEN_OK && !atomic_load(&device->cancelled);
	return device->phase == CK_TOKEN_READY || device->phase == CK_TOKEN_DONE;
}

static size_t count_waiting(struct ck_token_board *board)
{
	size_t count = 0;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(board, device)) != NULL;) count += waits(device);
	return count;
}

/* ---- keys that cannot serve ---- */
static bool is_hopeless(enum ck_token_outcome problem)
{
	return problem == CK_TOKEN_PIN_NOT_SET || problem == CK_TOKEN_PIN_BLOCKED || problem == CK_TOKEN_FINGER_BLOCKED
	       || problem == CK_TOKEN_CANNOT_VERIFY;
}

/* What ends the conversation at once: all keys that are plugged in are known, and what keeps one of them from serving cannot be put right
   here. OK: nothing does. */
static enum ck_token_outcome find_hopeless(struct ck_token_board *board)
{
	enum ck_token_outcome found = CK_TOKEN_OK;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(board, device)) != NULL;) {
		if (device->phase != CK_TOKEN_USELESS || (device->problem != CK_TOKEN_WRONG_KEY && !is_hopeless(device->problem))) return CK_TOKEN_OK;
		if (is_hopeless(device->problem)) found = device->problem;
	}
	return found;
}

/* What is said at the end when time is up. */
static enum ck_token_outcome find_reason(struct ck_token_board *board)
{
	enum ck_token_outcome found = CK_TOKEN_NO_KEY;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(board, device)) != NULL;) {
		if (waits(device)) return CK_TOKEN_TIMEOUT;
		if (device->problem == CK_TOKEN_OK && ck_clock_monotonic_ms() - device->began_ms < ck_token_grace_ms(board->token)) return CK_TOKEN_TIMEOUT;
		enum ck_token_outcome problem = device->problem != CK_TOKEN_OK ? device->problem : CK_TOKEN_SILENT;
		if (found == CK_TOKEN_NO_KEY || found == CK_TOKEN_WRONG_KEY) found = problem;
	}
	return found;
}

static void say_wrong(const struct ck_token *token)
{
	size_t wrong = 0, untold = 0;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(token->board, device)) != NULL;) {
		if (device->problem != CK_TOKEN_WRONG_KEY) continue;
		wrong++;
		untold += !device->told_problem;
		device->told_problem = true;
	}
	if (untold == 0) return;
	if (wrong == 1) ck_token_say_problem(token, CK_TOKEN_WRONG_KEY);
	else ck_token_say(token, "wrong-key", "None of the security keys that are plugged in is enrolled for this: plug in one that is");
}

static void say_problem(const struct ck_token *token, struct ck_token_device *device, bool others_wait)
{
	int64_t now_ms = ck_clock_monotonic_ms(), since_ms = device->failing_since_ms > 0 ? device->failing_since_ms : device->began_ms;
	enum ck_token_outcome problem = device->problem;
	if (device->told_problem || problem == CK_TOKEN_WRONG_KEY || waits(device)) return;
	if (problem == CK_TOKEN_OK) problem = CK_TOKEN_SILENT; /* it still opens, or a call has not come back */
	if ((device->phase == CK_TOKEN_OPENING || device->phase == CK_TOKEN_AT_WORK) && now_ms - since_ms < ck_token_grace_ms(token)) return;
	if (device->phase == CK_TOKEN_CLOSED && now_ms - since_ms < TROUBLED_AFTER_MS) return;
	if (device->phase == CK_TOKEN_USELESS && !ck_token_board_is_settled(token->board)) return; /* another may serve */
	if (device->phase == CK_TOKEN_CLOSED && token->board->looked_ms <= device->closed_ms) return; /* it may not be there any more */
	if (others_wait && problem != CK_TOKEN_BUSY) return;
	device->told_problem = true;
	ck_token_say_problem(token, problem);
}

static void say_problems(const struct ck_token *token, struct waiting *waiting)
{
	const bool others_wait = count_waiting(token->board) > 0, some = ck_token_board_next(token->board, NULL) != NULL;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(token->board, device)) != NULL;)
		say_problem(token, device, others_wait);
	if (!others_wait && ck_token_board_is_settled(token->board)) say_wrong(token);
	if (!some && !waiting->said_absent) ck_token_say_problem(token, CK_TOKEN_NO_KEY);
	waiting->said_absent = !some;
}

/* What went wrong with a key that served, or was to; the others are asked now. */
static void set_aside(struct ck_token *token, struct ck_token_device *device, enum ck_token_outcome outcome, struct waiting *waiting)
{
	*waiting = (struct waiting){.said_for = 0};
	if (outcome == CK_TOKEN_SILENT || outcome == CK_TOKEN_DEVICE_ERROR) { /* it may have been pulled out just now */
		token->board->looked_ms = 0;
		ck_token_board_look(token->board);
		if (!device->listed) outcome = CK_TOKEN_REMOVED;
	}
	if (outcome == CK_TOKEN_REMOVED) { /* its place may be another's already */
		ck_token_say_problem(token, outcome);
		waiting->said_absent = true;
		return;
	}
	device->problem = outcome;
	if (device->phase != CK_TOKEN_AT_WORK) { /* else it hangs; its PIN is wiped once it has ended */
		ck_wipe(token->memory->pins[device - token->board->devices], CK_PIN_LIMIT_BYTES + 1);
		device->phase = CK_TOKEN_USELESS;
		if (outcome == CK_TOKEN_SILENT && ++device->failures < FAILURES_LIMIT) {
			device->phase = CK_TOKEN_CLOSED;
			device->closed_ms = ck_clock_monotonic_ms();
			device->retry_ms = ck_clock_monotonic_ms() + AGAIN_AFTER_MS;
		} else if (outcome == CK_TOKEN_SILENT) {
			device->problem = CK_TOKEN_DEVICE_ERROR;
		}
	}
	/* what it is if it does not get better, and the last word, is said elsewhere */
	device->told_problem = device->phase != CK_TOKEN_CLOSED && (!is_hopeless(outcome) || count_waiting(token->board) > 0);
	if (device->told_problem) ck_token_say_problem(token, device->problem);
}

/* ---- keys that may ---- */
/* Whether the key itself is asked now, or only chosen by a touch; false: it serves, without any. */
static bool find_order(const struct ck_token *token, const struct ck_token_device *device, bool several, struct ck_token_order *out)
{
	*out = (struct ck_token_order){.job = CK_TOKEN_CHOOSE};
	if (token->create || device->way == CK_TOKEN_BY_PIN) return several;
	*out = (struct ck_token_order){.job = CK_TOKEN_SIGN, .by_finger = device->way == CK_TOKEN_BY_FINGER};
	return true;
}

static void say_waiting(const struct ck_token *token, size_t count, bool by_finger)
{
	if (count > 1) ck_token_say(token, "touch-now", "Several security keys are plugged in: touch the one to use");
	else ck_token_say(token, "touch-now", by_finger ? "Verify yourself on your security key now" : "Touch your security key now");
}

/* Has every key that may serve wait for its touch. The one that need not: in *out_device. */
static void begin_waiting(struct ck_token *token, struct waiting *waiting, struct ck_token_device **out_device)
{
	struct ck_token_board *board = token->board;
	size_t count = count_waiting(board);
	bool by_finger = false;
	struct ck_token_order order;
	if (count == 0 || !ck_token_board_is_settled(board)) return;
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(board, device)) != NULL;) {
		if (waits(device)) by_finger = device->way == CK_TOKEN_BY_FINGER;
		if (device->phase != CK_TOKEN_READY || ck_clock_monotonic_ms() < device->retry_ms) continue;
		if (find_order(token, device, count > 1, &order)) {
			ck_token_device_give(device, order);
		} else {
			*out_device = device;
			return;
		}
	}
	if (count != waiting->said_for) say_waiting(token, count, by_finger);
	waiting->said_for = count;
}

/* A key has answered while all wait. True: it is chosen. */
static bool judge_first_answer(struct ck_token *token, struct ck_token_device *device, struct waiting *waiting)
{
	enum ck_token_outcome outcome = ck_token_outcome_of(&device->result);
	const bool signing = device->order.job == CK_TOKEN_SIGN, alone = count_waiting(token->board) == 1;
	switch (outcome) {
	case CK_TOKEN_OK: return true;
	case CK_TOKEN_TIMEOUT:
		device->phase = CK_TOKEN_READY;
		device->retry_ms = ck_clock_monotonic_ms() + AGAIN_AFTER_MS;
		return false;
	case CK_TOKEN_FINGER_WRONG:
	case CK_TOKEN_CANCELLED:
	case CK_TOKEN_ENROLLED: return signing; /* nobody says that without having been touched */
	case CK_TOKEN_PIN_DEMANDED:
	case CK_TOKEN_FINGER_BLOCKED:
		if (!signing || alone) return signing;
		/* said without a touch, while others wait: its PIN is asked for only if it is chosen */
		if (!device->key.has_pin) break;
		device->way = CK_TOKEN_BY_PIN;
		device->phase = CK_TOKEN_READY;
		return false;
	default: break;
	}
	set_aside(token, device, outcome, waiting);
	return false;
}

static struct ck_token_device *find_chosen(struct ck_token *token, struct waiting *waiting)
{
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(token->board, device)) != NULL;)
		if (device->phase == CK_TOKEN_DONE && judge_first_answer(token, device, waiting)) return device;
	return NULL;
}

static void release_others(struct ck_token_board *board, const struct ck_token_device *chosen)
{
	for (struct ck_token_device *device = NULL; (device = ck_token_board_next(board, device)) != NULL;) {
		if (device == chosen) continue;
		if (device->phase == CK_TOKEN_AT_WORK) {
			device->began_ms = ck_clock_monotonic_ms();
			ck_token_device_cancel(device);
		} else if (device->phase == CK_TOKEN_DONE) {
			device->phase = CK_TOKEN_READY;
		}
	}
}

/* Says when a key that waited is gone. */
static void notice_removed(const struct ck_token *token, size_t waited, struct waiting *waiting)
{
	if (waited == 0 || count_waiting(token->board) >= waited) return;
	ck_token_say_problem(token, CK_TOKEN_REMOVED);
	waiting->said_absent = true;
}

static bool loses_patience(const struct ck_token *token, struct waiting *waiting)
{
	int64_t now_ms = ck_clock_monotonic_ms();
	bool idle = count_waiting(token->board) == 0 && ck_token_board_next(token->board, NULL) != NULL && ck_token_board_is_settled(token->board);
	if (!idle) waiting->idle_since_ms = 0;
	else if (waiting->idle_since_ms == 0) waiting->idle_since_ms = now_ms;
	return idle && token->source->patience_ms > 0 && now_ms - waiting->idle_since_ms >= token->source->patience_ms;
}

static enum ck_token_outcome choose(struct ck_token *token, struct waiting *waiting, struct ck_token_device **out_device)
{
	enum ck_token_outcome outcome = CK_TOKEN_OK;
	struct ck_token_board *board = token->board;
	*out_device = NULL;
	while (outcome == CK_TOKEN_OK) {
		size_t waited = count_waiting(board);
		ck_token_board_look(board);
		notice_removed(token, waited, waiting);
		*out_device = find_chosen(token, waiting);
		if (*out_device == NULL) begin_waiting(token, waiting, out_device);
		if (*out_device != NULL) break;
		if (ck_token_board_is_settled(board) && (outcome = find_hopeless(board)) != CK_TOKEN_OK) return outcome;
		say_problems(token, waiting);
		if (loses_patience(token, waiting)) return find_reason(board);
		outcome = ck_token_pause(token, board->news_fd, ck_token_board_wait_ms(board));
	}
	if (outcome == CK_TOKEN_OK) release_others(board, *out_device);
	return outcome == CK_TOKEN_TIMEOUT ? find_reason(board) : outcome;
}

static bool is_last(enum ck_token_outcome outcome)
{
	return outcome == CK_TOKEN_OK || outcome == CK_TOKEN_TIMEOUT || outcome == CK_TOKEN_CANCELLED || outcome == CK_TOKEN_GARBAGE
	       || outcome == CK_TOKEN_ENROLLED;
}

enum ck_token_outcome ck_token_serve(struct ck_token *token)
{
	struct waiting waiting = {.said_for = 0};
	for (;;) {
		struct ck_token_device *device = NULL;
		enum ck_token_outcome outcome = choose(token, &waiting, &device);
		if (outcome != CK_TOKEN_OK) return outcome;
		outcome = ck_token_work(token, device);
		if (is_last(outcome)) return outcome;
		set_aside(token, device, outcome, &waiting);
	}
}
