/* Which key serves: waits until one is plugged in, asks each silently whether it holds an allowed credential, and lets a touch choose where
   several do. Trusts the keys only to know themselves. */
#include "pam_module/token_internal.h"

#include <string.h>

#define LOOK_EVERY_MS 250
#define TOUCH_SLICE_MS 50

enum ck_token_outcome ck_token_outcome_of(const struct ck_token *token, int fido)
{
	switch (fido) {
	case FIDO_OK: return CK_TOKEN_OK;
	case FIDO_ERR_NO_CREDENTIALS:
	case FIDO_ERR_INVALID_CREDENTIAL: return CK_TOKEN_WRONG_KEY;
	case FIDO_ERR_CREDENTIAL_EXCLUDED: return CK_TOKEN_ENROLLED;
	case FIDO_ERR_PIN_INVALID: return CK_TOKEN_PIN_WRONG;
	case FIDO_ERR_PIN_AUTH_BLOCKED: return CK_TOKEN_PIN_PAUSED;
	case FIDO_ERR_PIN_BLOCKED: return CK_TOKEN_PIN_BLOCKED;
	case FIDO_ERR_PIN_NOT_SET: return CK_TOKEN_PIN_NOT_SET;
	case FIDO_ERR_PIN_REQUIRED: return CK_TOKEN_PIN_DEMANDED;
	case FIDO_ERR_USER_ACTION_TIMEOUT:
	case FIDO_ERR_ACTION_TIMEOUT: return CK_TOKEN_TIMEOUT;
	case FIDO_ERR_KEEPALIVE_CANCEL:
	case FIDO_ERR_OPERATION_DENIED: return CK_TOKEN_CANCELLED;
	case FIDO_ERR_RX: return ck_token_left_ms(token) == 0 ? CK_TOKEN_TIMEOUT : CK_TOKEN_DEVICE_ERROR;
	default: return CK_TOKEN_DEVICE_ERROR;
	}
}

void ck_token_set_timeout(const struct ck_token *token, fido_dev_t *device, bool user_is_needed)
{
	int ms = ck_token_left_ms(token);
	if (!user_is_needed && ms > CK_TOKEN_STEP_TIMEOUT_MS) ms = CK_TOKEN_STEP_TIMEOUT_MS;
	(void)fido_dev_set_timeout(device, ms);
}

void ck_token_close_key(struct ck_token_key *key)
{
	if (key->device == NULL) return;
	(void)fido_dev_close(key->device);
	fido_dev_free(&key->device);
}

/* Opens all that can be; *out_seen: how many there were. */
static size_t open_all(const struct ck_token *token, struct ck_token_key *keys, int *out_seen)
{
	char names[CK_TOKEN_DEVICES_LIMIT][256];
	size_t opened = 0;
	*out_seen = token->source->list(names, token->source->context);
	for (int i = 0; i < *out_seen && i < CK_TOKEN_DEVICES_LIMIT; i++) {
		keys[opened] = (struct ck_token_key){.device = token->source->open(names[i], token->source->context)};
		if (keys[opened].device != NULL) opened++;
	}
	return opened;
}

/* A device that was just plugged in may not be ours to open yet: udev gives it to our group a moment later. */
static enum ck_token_outcome wait_for_keys(const struct ck_token *token, struct ck_token_key *keys, size_t *out_count)
{
	bool said = false;
	for (;;) {
		int seen = 0;
		*out_count = open_all(token, keys, &seen);
		if (*out_count > 0) return CK_TOKEN_OK;
		if (!said && seen == 0) ck_token_say(token, "no-key", "No security key found: plug one in");
		said = said || seen == 0;
		enum ck_token_outcome outcome = ck_token_pause(token, LOOK_EVERY_MS);
		if (outcome == CK_TOKEN_TIMEOUT) return seen > 0 ? CK_TOKEN_DEVICE_ERROR : CK_TOKEN_NO_KEY;
		if (outcome != CK_TOKEN_OK) return outcome;
	}
}

/* One credential, without touch or PIN, over a challenge that is good for nothing. One at a time, since a list may be longer than the key
   takes. */
static int probe(const struct ck_token *token, fido_dev_t *device, struct ck_bytes id)
{
	static const uint8_t no_challenge[32];
	int fido = FIDO_ERR_INTERNAL;
	fido_assert_t *assertion = fido_assert_new();
	if (assertion == NULL) return fido;
	ck_token_set_timeout(token, device, false);
	if ((fido = fido_assert_set_rp(assertion, token->rp_id)) == FIDO_OK
	    && (fido = fido_assert_set_clientdata_hash(assertion, no_challenge, sizeof no_challenge)) == FIDO_OK
	    && (fido = fido_assert_set_up(assertion, FIDO_OPT_FALSE)) == FIDO_OK
	    && (fido = fido_assert_allow_cred(assertion, id.at, id.length)) == FIDO_OK)
		fido = fido_dev_get_assert(device, assertion, NULL);
	fido_assert_free(&assertion);
	return fido;
}

/* False: the key failed. */
static bool probe_all(const struct ck_token *token, struct ck_token_key *key)
{
	for (size_t i = 0; i < token->allow_count; i++) {
		switch (probe(token, key->device, token->allow[i])) {
		case FIDO_OK:
		case FIDO_ERR_UP_REQUIRED:
		case FIDO_ERR_USER_PRESENCE_REQUIRED: /* a U2F key that knows it */
		case FIDO_ERR_PIN_REQUIRED:           /* a key that says nothing without PIN: it may */
			key->holds[i] = true;
			key->held++;
			break;
		case FIDO_ERR_NO_CREDENTIALS:
		case FIDO_ERR_INVALID_CREDENTIAL: break;
		default: return false;
		}
	}
	return true;
}

/* Closes those that cannot serve. When creating, all can. */
static enum ck_token_outcome keep_those_that_serve(const struct ck_token *token, struct ck_token_key *keys, size_t *count)
{
	size_t kept = 0, failed = 0, total = *count;
	for (size_t i = 0; i < total; i++) {
		bool worked = probe_all(token, &keys[i]);
		if (!worked) failed++;
		if (worked && (token->create || keys[i].held > 0)) {
			keys[kept] = keys[i];
			if (kept != i) keys[i].device = NULL;
			kept++;
		} else {
			ck_token_close_key(&keys[i]);
		}
	}
	*count = kept;
	if (kept > 0) return CK_TOKEN_OK;
	return failed == total ? CK_TOKEN_DEVICE_ERROR : CK_TOKEN_WRONG_KEY;
}

/* Looks once at each; *chosen stays count while none was touched. A key that stopped waiting is closed. */
static enum ck_token_outcome look_for_touch(struct ck_token_key *keys, size_t count, size_t *chosen)
{
	size_t waiting = 0;
	for (size_t i = 0; i < count; i++) {
		int touched = 0;
		if (keys[i].device == NULL) continue;
		if (fido_dev_get_touch_status(keys[i].device, &touched, TOUCH_SLICE_MS) != FIDO_OK) {
			ck_token_close_key(&keys[i]);
		} else if (touched) {
			*chosen = i;
			return CK_TOKEN_OK;
		} else {
			waiting++;
		}
	}
	return waiting > 0 ? CK_TOKEN_OK : CK_TOKEN_TIMEOUT;
}

static enum ck_token_outcome choose_by_touch(const struct ck_token *token, struct ck_token_key *keys, size_t count, size_t *chosen)
{
	enum ck_token_outcome outcome = CK_TOKEN_OK;
	for (size_t i = 0; i < count; i++) {
		ck_token_set_timeout(token, keys[i].device, false);
		if (fido_dev_get_touch_begin(keys[i].device) != FIDO_OK) ck_token_close_key(&keys[i]);
	}
	ck_token_say(token, "touch-now", "Several security keys are plugged in: touch the one to use");
	for (*chosen = count; outcome == CK_TOKEN_OK && *chosen == count;) {
		outcome = ck_token_pause(token, 1);
		if (outcome == CK_TOKEN_OK) outcome = look_for_touch(keys, count, chosen);
	}
	for (size_t i = 0; i < count; i++)
		if (keys[i].device != NULL && i != *chosen) (void)fido_dev_cancel(keys[i].device);
	return outcome;
}

enum ck_token_outcome ck_token_find_key(const struct ck_token *token, struct ck_token_key *out)
{
	struct ck_token_key keys[CK_TOKEN_DEVICES_LIMIT];
	size_t count = 0, chosen = 0;
	*out = (struct ck_token_key){.device = NULL};
	enum ck_token_outcome outcome = wait_for_keys(token, keys, &count);
	if (outcome == CK_TOKEN_OK) outcome = keep_those_that_serve(token, keys, &count);
	if (outcome == CK_TOKEN_OK && count > 1) outcome = choose_by_touch(token, keys, count, &chosen);
	if (outcome == CK_TOKEN_OK) {
		*out = keys[chosen];
		keys[chosen].device = NULL;
	}
	for (size_t i = 0; i < count; i++) ck_token_close_key(&keys[i]);
	return outcome;
}
