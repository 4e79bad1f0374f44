/* The conversation with the key that serves: its PIN or its user's finger, the touch, the answer. Nothing here is asked of another key. */
#include "pam_module/token_device.h"

#include <poll.h>

#include "directory/base/clock.h"

#define AGAIN_AFTER_MS 250 /* a key that gives up by itself at once must not be asked in a loop */

static void say_touch(const struct ck_token *token, enum ck_token_way way)
{
	ck_token_say(token, "touch-now", way == CK_TOKEN_BY_FINGER ? "Verify yourself on your security key now" : "Touch your security key now");
}

static bool has_pin_typed(const struct ck_token *token, const struct ck_token_device *device)
{
	return token->memory->pins[device - token->board->devices][0] != '\0';
}

static struct ck_token_order first_order(const struct ck_token *token, const struct ck_token_device *device)
{
	struct ck_token_order order = {.job = token->create ? CK_TOKEN_MAKE : CK_TOKEN_SIGN, .discoverable = device->key.keeps};
	/* the first that the key can, in the order of enum ck_token_algorithm */
	while (device->key.algorithms != 0 && (device->key.algorithms & (1u << order.algorithm)) == 0) order.algorithm++;
	return order;
}

/* With less, where the key cannot do what we would like best. False: there is nothing less. */
static bool ask_less(struct ck_token_order *order, int fido)
{
	switch (fido) {
	case FIDO_ERR_UNSUPPORTED_ALGORITHM: return order->job == CK_TOKEN_MAKE && ++order->algorithm < CK_TOKEN_ALGORITHMS;
	case FIDO_ERR_KEY_STORE_FULL:
	case FIDO_ERR_LIMIT_EXCEEDED:
	case FIDO_ERR_UNSUPPORTED_OPTION:
	case FIDO_ERR_INVALID_OPTION:
		if (!order->discoverable || order->job != CK_TOKEN_MAKE) return false;
		order->discoverable = false;
		return true;
	default: return false;
	}
}

/* A key that will not do it by finger after all, or not without one. */
static enum ck_token_outcome find_other_way(struct ck_token *token, struct ck_token_device *device, enum ck_token_outcome outcome)
{
	if (outcome == CK_TOKEN_FINGER_WRONG || outcome == CK_TOKEN_FINGER_BLOCKED) outcome = ck_token_judge_finger(token, device, outcome);
	if (outcome == CK_TOKEN_FINGER_WRONG) return CK_TOKEN_OK;
	if (outcome != CK_TOKEN_PIN_DEMANDED) return outcome;
	if (device->way == CK_TOKEN_BY_TOUCH && device->key.has_finger) device->way = CK_TOKEN_BY_FINGER;
	else if (device->way == CK_TOKEN_BY_PIN) return CK_TOKEN_DEVICE_ERROR;
	else if (!device->key.has_pin) return device->key.takes_pin ? CK_TOKEN_PIN_NOT_SET : CK_TOKEN_CANNOT_VERIFY;
	else device->way = CK_TOKEN_BY_PIN;
	return CK_TOKEN_OK;
}

/* What the key answered. OK: the conversation is over, *out_done; or it is to be asked again. */
static enum ck_token_outcome judge(struct ck_token *token, struct ck_token_device *device, struct ck_token_order *order, bool *out_done)
{
	enum ck_token_outcome outcome = ck_token_outcome_of(&device->result);
	const bool by_finger = device->way == CK_TOKEN_BY_FINGER;
	*out_done = outcome == CK_TOKEN_OK;
	if (*out_done) return token->create ? ck_token_send_created(token, device) : ck_token_send_asserted(token, device);
	/* CTAP 2.0's word for a wrong finger; and CTAP 2.1's for a key without any */
	if (by_finger && device->key.has_pin && outcome == CK_TOKEN_CANCELLED) outcome = CK_TOKEN_FINGER_BLOCKED;
	if (by_finger && device->result.fido == FIDO_ERR_NOT_ALLOWED) outcome = CK_TOKEN_PIN_DEMANDED;
	switch (outcome) {
	case CK_TOKEN_TIMEOUT: return ck_token_pause(token, token->board->news_fd, AGAIN_AFTER_MS); /* the key's own limit, not ours */
	case CK_TOKEN_FINGER_WRONG:
	case CK_TOKEN_FINGER_BLOCKED:
	case CK_TOKEN_PIN_DEMANDED: return find_other_way(token, device, outcome);
	default: return ask_less(order, device->result.fido) ? CK_TOKEN_OK : outcome;
	}
}

enum ck_token_outcome ck_token_work(struct ck_token *token, struct ck_token_device *device)
{
	struct ck_token_order order = first_order(token, device);
	enum ck_token_outcome outcome = CK_TOKEN_OK;
	enum ck_token_way said = device->way;
	bool answered = device->phase == CK_TOKEN_DONE && device->order.job == order.job, done = false, silent = answered;
	while (outcome == CK_TOKEN_OK && !done) {
		if (!answered) {
			order.by_finger = device->way == CK_TOKEN_BY_FINGER;
			order.by_pin = device->way == CK_TOKEN_BY_PIN;
			if (order.by_pin && !has_pin_typed(token, device)) outcome = ck_token_ask_pin(token, device);
			if (outcome == CK_TOKEN_OK && (!silent || said != device->way)) say_touch(token, device->way);
			silent = true;
			said = device->way;
			if (outcome == CK_TOKEN_OK) outcome = ck_token_device_do(token, device, order, &device->result);
		}
		answered = false;
		if (outcome == CK_TOKEN_OK) outcome = judge(token, device, &order, &done);
	}
	return outcome;
}
