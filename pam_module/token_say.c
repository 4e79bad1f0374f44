/* What is said to the person: each sentence under its stable name, in ASCII, with what to do about it. */
#include "pam_module/token_device.h"

/* `said` goes on waiting, `ending` is the last word; where one is NULL that is never said. */
static const struct {
	enum ck_token_outcome outcome;
	const char *reason, *said, *ending;
} sentences[] = {
	{CK_TOKEN_NO_KEY, "no-key", "No security key found: plug one in", "No security key was plugged in"},
	{CK_TOKEN_WRONG_KEY, "wrong-key", "The security key that is plugged in is not enrolled for this: plug in one that is",
	 "No security key that is enrolled for this was plugged in"},
	{CK_TOKEN_REMOVED, "key-removed", "The security key was taken out: plug it in again", "The security key was taken out"},
	{CK_TOKEN_BUSY, "key-busy",
	 "A security key is in use by another program: end that program, or take the key out and plug it in again, or use another one",
	 "The security key is in use by another program: end that program, and begin anew"},
	{CK_TOKEN_SILENT, "key-silent", "A security key does not answer: take it out and plug it in again, or use another one",
	 "The security key does not answer: take it out, plug it in again, and begin anew"},
	{CK_TOKEN_FORBIDDEN, "key-forbidden",
	 "A security key is there and may not be opened: whoever runs this machine has to give its device to the group of crosskeys-token",
	 "The security key may not be opened: whoever runs this machine has to give its device to the group of crosskeys-token"},
	{CK_TOKEN_PIN_PAUSED, "pin-blocked", "PIN wrong too often: take the security key out and plug it in again",
	 "PIN wrong too often: take the security key out, plug it in again, and begin anew"},
	{CK_TOKEN_PIN_BLOCKED, "pin-blocked",
	 "The PIN of this security key is blocked, your account is not: use another key",
	 "The PIN of this security key is blocked, your account is not: use another key; this one must be reset (fido2-token -R) and enrolled anew"},
	{CK_TOKEN_PIN_NOT_SET, "pin-not-set", "This security key has no PIN, and one is demanded here: use another key",
	 "This security key has no PIN, and one is demanded here: set one (fido2-token -S) and begin anew, or use another key"},
	{CK_TOKEN_CANNOT_VERIFY, "cannot-verify", "This security key takes no PIN, and one is demanded here: use another key",
	 "This security key takes no PIN, and one is demanded here: use another key"},
	{CK_TOKEN_FINGER_BLOCKED, "finger-blocked", "This security key recognised nobody too often, and has no PIN: use another key",
	 "This security key recognised nobody too often, and has no PIN: set one (fido2-token -S) and begin anew, or use another key"},
	{CK_TOKEN_ENROLLED, "already-enrolled", NULL, "This security key is enrolled already: use another one"},
	{CK_TOKEN_TIMEOUT, "timeout", NULL, "Time is up: the security key was not touched"},
	{CK_TOKEN_CANCELLED, "cancelled", NULL, "Cancelled"},
	{CK_TOKEN_DEVICE_ERROR, "device-error", "A security key does not answer as it should: take it out and plug it in again, or use another one",
	 "The security key does not answer as it should: take it out, plug it in again, and begin anew"},
};
#define SENTENCES (sizeof sentences / sizeof sentences[0])

static size_t place_of(enum ck_token_outcome outcome)
{
	for (size_t i = 0; i < SENTENCES; i++)
		if (sentences[i].outcome == outcome) return i;
	return SENTENCES - 1;
}

static void send(const struct ck_token *token, enum ck_token_message type, const char *reason, const char *message)
{
	struct ck_frame_out frame;
	uint8_t bytes[512];
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, type);
	ck_field_string(&frame.map, CK_F_MESSAGE, message);
	ck_field_string(&frame.map, CK_F_REASON, reason);
	/* a client that is gone is noticed where something is awaited */
	if (ck_frame_end(&frame, &length) == CK_OK) (void)ck_token_send(token, bytes, length);
}

void ck_token_say(const struct ck_token *token, const char *reason, const char *message)
{
	send(token, CK_TOKEN_SAY, reason, message);
}

void ck_token_say_problem(const struct ck_token *token, enum ck_token_outcome problem)
{
	size_t i = place_of(problem);
	if (sentences[i].said != NULL) ck_token_say(token, sentences[i].reason, sentences[i].said);
}

void ck_token_say_failed(const struct ck_token *token, enum ck_token_outcome outcome)
{
	size_t i = place_of(outcome);
	send(token, CK_TOKEN_FAILED, sentences[i].reason, sentences[i].ending);
}
