/* The PIN: asked only for the key that serves, checked with it before the touch is asked for, kept in locked memory in that key's own place,
   wiped when the key is let go. Trusts the key to count the tries. */
#include "pam_module/token_device.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define PIN_MIN_BYTES 4 /* CTAP 2.1, 6.5.1 */
#define FEW_TRIES 3     /* said when so few are left at the first question */
#define UNKNOWN_COUNT (-1)
#define ASKED_LIMIT 16  /* a client that only sends what is no PIN */

static enum ck_token_outcome send_pin_wanted(const struct ck_token *token, int tries, const char *message)
{
	struct ck_frame_out frame;
	uint8_t bytes[256];
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN_WANTED);
	ck_field_string(&frame.map, CK_F_MESSAGE, message);
	ck_field_uint(&frame.map, CK_F_COUNT, (uint64_t)tries);
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}

/* "" when what came has not the length of a PIN. */
static enum ck_token_outcome receive_pin(struct ck_token *token, char pin[CK_PIN_LIMIT_BYTES + 1])
{
	struct ck_map map;
	struct ck_token_memory *memory = token->memory;
	enum ck_token_outcome outcome = ck_token_receive(token, memory->answer, sizeof memory->answer, token->deadline_ms, &map);
	pin[0] = '\0';
	if (outcome != CK_TOKEN_OK) goto out;
	outcome = CK_TOKEN_GARBAGE;
	uint64_t type;
	if (ck_map_expect(&map, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_CODE), 0) != CK_OK
	    || ck_map_uint(&map, CK_F_TYPE, CK_TOKEN_PIN, CK_TOKEN_PIN, &type) != CK_OK)
		goto out;
	const struct ck_item *item = &map.at[CK_F_CODE];
	if (item->type != CK_CBOR_TEXT && item->type != CK_CBOR_BYTES) goto out;
	if (item->span.length > CK_PIN_LIMIT_BYTES || memchr(item->span.at, 0, item->span.length) != NULL) goto out;
	outcome = CK_TOKEN_OK;
	if (item->span.length < PIN_MIN_BYTES) goto out;
	memcpy(pin, item->span.at, item->span.length);
	pin[item->span.length] = '\0';
out:
	ck_wipe(memory->answer, sizeof memory->answer);
	ck_wipe(&map, sizeof map);
	return outcome;
}

static enum ck_token_outcome count_tries(struct ck_token *token, struct ck_token_device *device, int *out_tries)
{
	struct ck_token_result result;
	enum ck_token_outcome outcome = ck_token_device_do(token, device, (struct ck_token_order){.job = CK_TOKEN_COUNT_TRIES}, &result);
	if (outcome == CK_TOKEN_OK) outcome = ck_token_outcome_of(&result);
	*out_tries = result.count;
	if (outcome == CK_TOKEN_OK && *out_tries <= 0) outcome = CK_TOKEN_PIN_BLOCKED;
	return outcome;
}

/* OK, PIN_WRONG, or what else the key says; the PIN stays only if it is right. */
static enum ck_token_outcome check(struct ck_token *token, struct ck_token_device *device, char *pin)
{
	struct ck_token_result result;
	enum ck_token_outcome outcome = ck_token_device_do(token, device, (struct ck_token_order){.job = CK_TOKEN_CHECK_PIN}, &result);
	if (outcome != CK_TOKEN_OK) return outcome; /* the key may be at it still: its PIN is wiped when it is let go */
	outcome = ck_token_outcome_of(&result);
	if (outcome != CK_TOKEN_OK) ck_wipe(pin, CK_PIN_LIMIT_BYTES + 1);
	return outcome;
}

enum ck_token_outcome ck_token_ask_pin(struct ck_token *token, struct ck_token_device *device)
{
	char message[80], *pin = token->memory->pins[device - token->board->devices];
	bool first = true;
	for (int asked = 0; asked < ASKED_LIMIT; asked++) {
		int tries = 0;
		enum ck_token_outcome outcome = count_tries(token, device, &tries);
		if (outcome != CK_TOKEN_OK) return outcome;
		snprintf(message, sizeof message, "Only %d PIN %s left", tries, tries == 1 ? "try is" : "tries are");
		outcome = send_pin_wanted(token, tries, first && tries <= FEW_TRIES ? message : NULL);
		if (outcome == CK_TOKEN_OK) outcome = receive_pin(token, pin);
		if (outcome != CK_TOKEN_OK) return outcome;
		first = false;
		if (pin[0] == '\0') {
			ck_token_say(token, "pin-wrong", "That is no PIN: it has at least 4 characters");
			continue;
		}
		outcome = check(token, device, pin);
		if (outcome != CK_TOKEN_PIN_WRONG) return outcome;
		outcome = count_tries(token, device, &tries);
		if (outcome != CK_TOKEN_OK) return outcome;
		snprintf(message, sizeof message, "PIN wrong, %d %s left", tries, tries == 1 ? "try" : "tries");
		ck_token_say(token, "pin-wrong", message);
	}
	return CK_TOKEN_GARBAGE;
}

enum ck_token_outcome ck_token_judge_finger(struct ck_token *token, struct ck_token_device *device, enum ck_token_outcome outcome)
{
	char message[80];
	struct ck_token_result result = {.count = 0};
	const struct ck_token_order count = {.job = CK_TOKEN_COUNT_FINGERS};
	if (outcome == CK_TOKEN_FINGER_WRONG) {
		outcome = ck_token_device_do(token, device, count, &result);
		if (outcome != CK_TOKEN_OK) return outcome;
		/* a key that cannot count, and has nothing else, says itself when it has enough */
		if (result.fido != FIDO_OK) result.count = device->key.has_pin ? 0 : UNKNOWN_COUNT;
	}
	if (result.count != 0) {
		snprintf(message, sizeof message, "Not recognised, %d %s left", result.count, result.count == 1 ? "try" : "tries");
		if (result.count == UNKNOWN_COUNT) snprintf(message, sizeof message, "Not recognised: try again");
		ck_token_say(token, "finger-wrong", message);
		return CK_TOKEN_FINGER_WRONG;
	}
	if (!device->key.has_pin) return CK_TOKEN_FINGER_BLOCKED;
	ck_token_say(token, "finger-blocked", "Not recognised too often: your security key wants its PIN");
	return CK_TOKEN_PIN_DEMANDED;
}
