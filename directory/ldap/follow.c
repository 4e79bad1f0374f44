/* The consumer of RFC 4533 refreshAndPersist, on one connection, without a wait: bind, ask for the contextCSN, search with the sync
   control, then whatever comes. libldap's ldap_sync_* is not used: it hides which refresh phase ended and lags behind by a message.
   The provider is trusted for content only; every control and message is checked, and anything unexpected ends the follow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/ldap/csn.h"
#include "directory/ldap/internal.h"
#include "directory/ldap/sync.h"

#define STEP_MESSAGES_LIMIT 2048 /* handled before other work gets its turn */
#define STEP_LIMIT_MS 10         /* the longest a commit waits for more to come */
#define READS_LIMIT 32
#define REFERENCES_LIMIT 64 /* never followed; a directory has a few, and who sends more sends for ever */
#define CONNECT_TIMEOUT_MS 2000
#define COOKIE_LIMIT_BYTES CK_CSN_LIST_LIMIT_BYTES /* no more servers than are kept */

enum stage { STAGE_BINDING, STAGE_ASKING, STAGE_REFRESHING, STAGE_PERSISTING };

struct pending_read {
	int id; /* 0: free */
	bool found;
	void (*on_read)(const uint8_t uuid[16], const struct ck_entry *entry, void *context);
	void *context;
};

struct ck_follow {
	LDAP *handle;
	enum stage stage;
	struct ck_ldap_bind bind;
	int question_id, sync_id, probe_id;
	char suffix[CK_DN_LIMIT_BYTES];
	char base[CK_DN_LIMIT_BYTES]; /* of what is followed, below it */
	uint8_t cookie[COOKIE_LIMIT_BYTES];
	size_t cookie_length;
	bool has_cookie;
	bool purge_absent;
	bool touched; /* something was handled since the last batch end */
	bool more;
	bool heard;
	bool behind;
	unsigned references;
	struct ck_csn_set seen; /* what the cookie says; grows with the cookies that come */
	char answer[CK_CSN_LIST_LIMIT_BYTES]; /* contextCSN of the question or probe under way */
	struct ck_follow_handlers handlers;
	void *context;
	void (*on_probe)(bool alive, struct ck_bytes context_csn, void *context);
	void *probe_context;
	struct pending_read reads[READS_LIMIT];
};

/* ---- requests ---- */

static enum ck_error ask(struct ck_follow *f, const char *dn, const char *const *attributes, int *out_id, struct ck_errmsg *err)
{
	char *list[4] = {NULL};
	for (size_t i = 0; i < 3 && attributes[i] != NULL; i++) list[i] = (char *)(uintptr_t)attributes[i];
	int code = ldap_search_ext(f->handle, dn, LDAP_SCOPE_BASE, "(objectClass=*)", list, 0, NULL, NULL, NULL, 1, out_id);
	return ck_ldap_fail(err, code, "asking the provider", NULL);
}

static enum ck_error ask_context(struct ck_follow *f, int *out_id, struct ck_errmsg *err)
{
	static const char *const attributes[] = {"contextCSN", NULL};
	f->answer[0] = '\0';
	return ask(f, f->suffix, attributes, out_id, err);
}

static enum ck_error begin_sync(struct ck_follow *f, struct ck_errmsg *err)
{
	uint8_t value[COOKIE_LIMIT_BYTES + 64];
	size_t length = 0;
	struct ck_bytes cookie = {f->has_cookie ? f->cookie : NULL, f->has_cookie ? f->cookie_length : 0};
	if (ck_sync_request_encode(cookie, value, sizeof value, &length) != CK_OK)
		return ck_fail(err, CK_ERR_INTERNAL, "the cookie does not fit the request");
	char oid[] = LDAP_CONTROL_SYNC;
	char all[] = "*", uuid[] = "entryUUID", csn[] = "entryCSN";
	LDAPControl control = {.ldctl_oid = oid, .ldctl_value = {length, (char *)value}, .ldctl_iscritical = 1};
	int code = ldap_search_ext(f->handle, f->base, LDAP_SCOPE_SUBTREE, "(objectClass=*)", (char *[]){all, uuid, csn, NULL}, 0,
	                           (LDAPControl *[]){&control, NULL}, NULL, NULL, LDAP_NO_LIMIT, &f->sync_id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "asking the provider for its content", NULL);
	f->stage = STAGE_REFRESHING;
	return CK_OK;
}

/* ---- the parts of a message ---- */

/* The one control of this kind; CK_ERR_INVALID when there is none or more than one. */
static enum ck_error state_of(LDAPControl **controls, struct ck_sync_state *out)
{
	LDAPControl *found = NULL;
	for (size_t i = 0; controls != NULL && controls[i] != NULL; i++) {
		if (strcmp(controls[i]->ldctl_oid, LDAP_CONTROL_SYNC_STATE) != 0) continue;
		if (found != NULL) return CK_ERR_INVALID;
		found = controls[i];
	}
	if (found == NULL) return CK_ERR_INVALID;
	return ck_sync_state_decode((struct ck_bytes){(const uint8_t *)found->ldctl_value.bv_val, found->ldctl_value.bv_len}, out);
}

/* Merged into what was seen, since in the persist stage a cookie names only the server that changed something. */
static enum ck_error merge_cookie(struct ck_follow *f, struct ck_bytes cookie)
{
	/* A cookie in the middle of a refresh carries the place in a log of deletions: resuming from it would lose changes. */
	if (memmem(cookie.at, cookie.length, "delcsn=", 7) != NULL) return CK_ERR_NOT_FOUND;
	return ck_csn_set_add_cookie(&f->seen, cookie);
}

static struct ck_bytes seen_cookie(const struct ck_follow *f, char out[CK_CSN_LIST_LIMIT_BYTES])
{
	size_t length = ck_csn_set_cookie(&f->seen, out);
	return (struct ck_bytes){length > 0 ? (const uint8_t *)out : NULL, length};
}

static enum ck_error take_cookie(struct ck_follow *f, struct ck_bytes cookie, struct ck_errmsg *err)
{
	char text[CK_CSN_LIST_LIMIT_BYTES];
	if (cookie.at == NULL || f->stage != STAGE_PERSISTING) return CK_OK;
	enum ck_error error = merge_cookie(f, cookie);
	if (error == CK_ERR_NOT_FOUND) return CK_OK;
	if (error != CK_OK) return ck_fail(err, error, "the provider sent a cookie that holds no CSN of the known form");
	return f->handlers.on_cookie(seen_cookie(f, text), f->context);
}

static enum ck_error handle_content(struct ck_follow *f, LDAPMessage *message, const uint8_t uuid[16])
{
	struct ck_ldap_entry entry;
	enum ck_error error = ck_ldap_entry_decode(f->handle, message, &entry);
	if (error == CK_OK)
		error = f->handlers.on_entry(uuid, &entry.entry, f->context);
	else if (error == CK_ERR_LIMIT)
		error = f->handlers.on_unreadable(uuid, entry.entry.dn, "has more attributes or values than an entry may have", f->context);
	ck_ldap_entry_clear(&entry);
	return error;
}

static enum ck_error handle_entry(struct ck_follow *f, LDAPMessage *message, struct ck_errmsg *err)
{
	LDAPControl **controls = NULL;
	struct ck_sync_state state;
	enum ck_error error = CK_ERR_INVALID;
	if (ldap_get_entry_controls(f->handle, message, &controls) != LDAP_SUCCESS || state_of(controls, &state) != CK_OK) {
		error = ck_fail(err, CK_ERR_INVALID, "the provider sent an entry without a well-formed sync state");
		goto out;
	}
	f->touched = true;
	switch (state.state) {
	case CK_SYNC_ADD:
	case CK_SYNC_MODIFY: error = handle_content(f, message, state.uuid); break;
	case CK_SYNC_PRESENT: error = f->handlers.on_present(state.uuid, f->context); break;
	case CK_SYNC_DELETE: error = f->handlers.on_delete(state.uuid, f->context); break;
	}
	if (error == CK_OK) error = take_cookie(f, state.cookie, err);
out:
	ldap_controls_free(controls);
	return error;
}

static enum ck_error finish_refresh(struct ck_follow *f, struct ck_bytes cookie, struct ck_errmsg *err)
{
	char text[CK_CSN_LIST_LIMIT_BYTES];
	if (f->stage != STAGE_REFRESHING) return ck_fail(err, CK_ERR_INVALID, "the provider ended a refresh that was not under way");
	enum ck_error error = cookie.at != NULL ? merge_cookie(f, cookie) : CK_OK;
	if (error != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the refresh ended with a cookie that cannot be resumed from");
	f->stage = STAGE_PERSISTING;
	return f->handlers.on_refreshed(f->purge_absent, seen_cookie(f, text), f->context);
}

static enum ck_error handle_id_set(struct ck_follow *f, const struct ck_sync_info *info)
{
	struct ck_bytes uuids = info->uuids;
	uint8_t uuid[CK_SYNC_UUID_BYTES];
	enum ck_error error = CK_OK;
	while (error == CK_OK && ck_sync_next_uuid(&uuids, uuid) == CK_OK)
		error = info->refresh_deletes ? f->handlers.on_delete(uuid, f->context) : f->handlers.on_present(uuid, f->context);
	return error;
}

static enum ck_error handle_info(struct ck_follow *f, struct ck_bytes value, struct ck_errmsg *err)
{
	struct ck_sync_info info;
	enum ck_error error = CK_ERR_INVALID;
	if (ck_sync_info_decode(value, &info) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the provider sent a malformed sync info message");
	f->touched = true;
	switch (info.kind) {
	case CK_SYNC_NEW_COOKIE: return take_cookie(f, info.cookie, err);
	case CK_SYNC_REFRESH_PRESENT: f->purge_absent = true; /* also when a delete phase follows: what was not named is gone */
		return info.refresh_done ? finish_refresh(f, info.cookie, err) : CK_OK;
	case CK_SYNC_REFRESH_DELETE: return info.refresh_done ? finish_refresh(f, info.cookie, err) : CK_OK;
	case CK_SYNC_ID_SET:
		error = handle_id_set(f, &info);
		return error == CK_OK ? take_cookie(f, info.cookie, err) : error;
	}
	return error;
}

static enum ck_error handle_intermediate(struct ck_follow *f, LDAPMessage *message, struct ck_errmsg *err)
{
	char *oid = NULL;
	struct berval *data = NULL;
	enum ck_error error = CK_ERR_INVALID;
	if (ldap_parse_intermediate(f->handle, message, &oid, &data, NULL, 0) != LDAP_SUCCESS || oid == NULL ||
	    strcmp(oid, LDAP_SYNC_INFO) != 0 || data == NULL)
		error = ck_fail(err, CK_ERR_INVALID, "the provider sent an intermediate message that is no sync info");
	else
		error = handle_info(f, (struct ck_bytes){(const uint8_t *)data->bv_val, data->bv_len}, err);
	ldap_memfree(oid);
	ber_bvfree(data);
	return error;
}

/* refreshAndPersist has no good end: it goes on until somebody refuses. */
static enum ck_error handle_end(struct ck_follow *f, LDAPMessage *message, struct ck_errmsg *err)
{
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	int parsed = ldap_parse_result(f->handle, message, &code, NULL, &diagnostic, NULL, NULL, 0);
	if (parsed != LDAP_SUCCESS) code = parsed;
	enum ck_error error = CK_ERR_UNAVAILABLE;
	if (code == LDAP_SUCCESS)
		error = ck_fail(err, CK_ERR_UNAVAILABLE, "the provider ended the stream");
	else
		error = ck_ldap_fail(err, code, "following the provider", diagnostic);
	if (code == LDAP_UNWILLING_TO_PERFORM) {
		f->behind = true;
		error = CK_ERR_CONFLICT;
	}
	ldap_memfree(diagnostic);
	return error;
}

static enum ck_error handle_sync(struct ck_follow *f, int type, LDAPMessage *message, struct ck_errmsg *err)
{
	switch (type) {
	case LDAP_RES_SEARCH_ENTRY: return handle_entry(f, message, err);
	case LDAP_RES_SEARCH_REFERENCE: return CK_OK; /* never followed */
	case LDAP_RES_INTERMEDIATE: return handle_intermediate(f, message, err);
	case LDAP_RES_SEARCH_RESULT: return handle_end(f, message, err);
	default: return ck_fail(err, CK_ERR_INVALID, "the provider sent an unexpected message (%d)", type);
	}
}

/* ---- the question and the probe: contextCSN of the suffix ---- */

static enum ck_error collect_context(struct ck_follow *f, LDAPMessage *message)
{
	struct ck_ldap_entry entry;
	struct ck_csn_set set = {0};
	enum ck_error error = ck_ldap_entry_decode(f->handle, message, &entry);
	const struct ck_attribute *values = error == CK_OK ? ck_ldap_entry_find(&entry.entry, "contextCSN") : NULL;
	for (size_t i = 0; error == CK_OK && values != NULL && i < values->count; i++)
		error = ck_csn_set_add(&set, (struct ck_text){(const char *)values->values[i].at, values->values[i].length});
	ck_ldap_entry_clear(&entry);
	if (error == CK_OK) ck_csn_set_format(&set, f->answer);
	return error;
}

static enum ck_error handle_question(struct ck_follow *f, int type, LDAPMessage *message, struct ck_errmsg *err)
{
	if (type == LDAP_RES_SEARCH_ENTRY) {
		if (collect_context(f, message) == CK_OK) return CK_OK;
		return ck_fail(err, CK_ERR_INVALID, "the provider's contextCSN is not of the known form");
	}
	if (type != LDAP_RES_SEARCH_RESULT) return CK_OK;
	LDAPMessage *result = message;
	enum ck_error error = ck_ldap_result_of(f->handle, result, "asking for the provider's contextCSN", err);
	if (error != CK_OK) return error;
	if (f->answer[0] == '\0') return ck_fail(err, CK_ERR_UNAVAILABLE, "the provider has no contextCSN that we may read");
	if (f->handlers.on_provider != NULL) error = f->handlers.on_provider(ck_text_of(f->answer), f->context);
	return error == CK_OK ? begin_sync(f, err) : error;
}

static enum ck_error handle_probe(struct ck_follow *f, int type, LDAPMessage *message)
{
	if (type == LDAP_RES_SEARCH_ENTRY) {
		if (collect_context(f, message) != CK_OK) f->answer[0] = '\0';
		return CK_OK;
	}
	if (type != LDAP_RES_SEARCH_RESULT) return CK_OK;
	bool alive = ck_ldap_result_of(f->handle, message, "probing", NULL) == CK_OK && f->answer[0] != '\0';
	f->probe_id = 0;
	f->on_probe(alive, ck_bytes_of(ck_text_of(f->answer)), f->probe_context);
	return CK_OK;
}

static bool uuid_of(const struct ck_entry *entry, uint8_t out[16])
{
	struct ck_id id;
	const struct ck_attribute *values = ck_ldap_entry_find(entry, "entryUUID");
	if (values == NULL || values->count != 1) return false;
	if (ck_id_parse((struct ck_text){(const char *)values->values[0].at, values->values[0].length}, &id) != CK_OK) return false;
	memcpy(out, id.bytes, sizeof id.bytes);
	return true;
}

static enum ck_error handle_read(struct ck_follow *f, struct pending_read *pending, int type, LDAPMessage *message)
{
	struct pending_read read = *pending;
	static const uint8_t nobody[16] = {0};
	if (type == LDAP_RES_SEARCH_ENTRY && !read.found) {
		struct ck_ldap_entry entry;
		uint8_t uuid[16];
		pending->found = true;
		f->touched = true;
		bool whole = ck_ldap_entry_decode(f->handle, message, &entry) == CK_OK && uuid_of(&entry.entry, uuid);
		if (whole) read.on_read(uuid, &entry.entry, read.context);
		ck_ldap_entry_clear(&entry);
	}
	if (type == LDAP_RES_SEARCH_RESULT) {
		memset(pending, 0, sizeof *pending);
		if (!read.found) read.on_read(nobody, NULL, read.context);
	}
	return CK_OK;
}

/* ---- steps ---- */

static enum ck_error handle_bound(struct ck_follow *f, LDAPMessage *message, struct ck_errmsg *err)
{
	bool done = false;
	enum ck_error error = ck_ldap_bind_step(f->handle, &f->bind, message, &done, err);
	if (error != CK_OK || !done) return error;
	f->stage = STAGE_ASKING;
	return ask_context(f, &f->question_id, err);
}

/* The handlers of results free the message themselves; *out_freed says so. */
static enum ck_error dispatch(struct ck_follow *f, int type, LDAPMessage *message, bool *out_freed, struct ck_errmsg *err)
{
	int id = ldap_msgid(message);
	*out_freed = false;
	if (type == LDAP_RES_SEARCH_REFERENCE && ++f->references > REFERENCES_LIMIT)
		return ck_fail(err, CK_ERR_LIMIT, "the provider sends referrals without end");
	if (f->sync_id != 0 && id == f->sync_id) return handle_sync(f, type, message, err);
	if (f->stage == STAGE_BINDING && id == f->bind.id) {
		*out_freed = true;
		return handle_bound(f, message, err);
	}
	if (f->stage == STAGE_ASKING && id == f->question_id) {
		*out_freed = type == LDAP_RES_SEARCH_RESULT;
		return handle_question(f, type, message, err);
	}
	if (f->probe_id != 0 && id == f->probe_id) {
		*out_freed = type == LDAP_RES_SEARCH_RESULT;
		return handle_probe(f, type, message);
	}
	for (size_t i = 0; i < READS_LIMIT; i++)
		if (f->reads[i].id != 0 && f->reads[i].id == id) return handle_read(f, &f->reads[i], type, message);
	/* Message id 0 is a notice of disconnection (RFC 4511, 4.4.1); anything else was never asked. */
	return ck_fail(err, CK_ERR_UNAVAILABLE, id == 0 ? "the provider is closing the connection" : "the provider answered what was not asked");
}

static enum ck_error connection_lost(struct ck_follow *f, struct ck_errmsg *err)
{
	int code = LDAP_SERVER_DOWN;
	(void)ldap_get_option(f->handle, LDAP_OPT_RESULT_CODE, &code);
	return ck_ldap_fail(err, code != LDAP_SUCCESS ? code : LDAP_SERVER_DOWN, "following the provider", NULL);
}

enum ck_error ck_follow_step(struct ck_follow *follow, struct ck_errmsg *err)
{
	enum ck_error error = CK_OK;
	int64_t until_ms = ck_clock_monotonic_ms() + STEP_LIMIT_MS;
	if (err != NULL) err->text[0] = '\0';
	follow->more = follow->heard = false;
	for (unsigned handled = 0; error == CK_OK; handled++) {
		if (handled >= STEP_MESSAGES_LIMIT || (handled % 64 == 63 && ck_clock_monotonic_ms() >= until_ms)) {
			follow->more = true;
			break;
		}
		struct timeval now = {0, 0};
		LDAPMessage *message = NULL;
		bool freed = false;
		int type = ldap_result(follow->handle, LDAP_RES_ANY, LDAP_MSG_ONE, &now, &message);
		if (type == 0) break;
		if (type < 0) {
			error = connection_lost(follow, err);
			break;
		}
		error = dispatch(follow, type, message, &freed, err);
		follow->heard = follow->heard || type != LDAP_RES_SEARCH_REFERENCE;
		if (!freed) ldap_msgfree(message);
	}
	if (error == CK_OK && follow->touched) {
		follow->touched = false;
		error = follow->handlers.on_batch_end(follow->context);
	}
	return error;
}

static enum ck_error new_follow(const char *suffix, struct ck_bytes cookie, const struct ck_follow_handlers *handlers, void *context,
                                struct ck_follow **out, struct ck_errmsg *err)
{
	*out = NULL;
	if (cookie.length > COOKIE_LIMIT_BYTES) return ck_fail(err, CK_ERR_LIMIT, "the cookie is too long");
	struct ck_follow *f = calloc(1, sizeof *f);
	if (f == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory to follow");
	f->handlers = *handlers;
	f->context = context;
	f->has_cookie = cookie.at != NULL && cookie.length > 0;
	f->cookie_length = cookie.length;
	if (f->has_cookie) memcpy(f->cookie, cookie.at, cookie.length);
	int length = snprintf(f->base, sizeof f->base, "ou=authorities,%s", suffix);
	if (ck_text_copy(f->suffix, sizeof f->suffix, ck_text_of(suffix)) != CK_OK || length < 0 || (size_t)length >= sizeof f->base ||
	    (f->has_cookie && ck_csn_set_add_cookie(&f->seen, cookie) != CK_OK)) {
		free(f);
		return ck_fail(err, CK_ERR_INVALID, "the suffix or the stored cookie is malformed");
	}
	*out = f;
	return CK_OK;
}

enum ck_error ck_follow_open(const struct ck_ldap_target *target, const char *suffix, struct ck_bytes cookie, const struct ck_follow_handlers *handlers,
                             void *context, struct ck_follow **out, struct ck_errmsg *err)
{
	enum ck_error error = new_follow(suffix, cookie, handlers, context, out, err);
	if (error != CK_OK) ck_ldap_target_drop(target);
	if (error == CK_OK) error = ck_ldap_open(target, CONNECT_TIMEOUT_MS, &(*out)->handle, err);
	if (error == CK_OK) error = ck_ldap_bind_begin((*out)->handle, target, &(*out)->bind, err);
	if (error != CK_OK) ck_follow_stop(out);
	return error;
}

int ck_follow_fd(const struct ck_follow *follow)
{
	int fd = -1;
	return ldap_get_option(follow->handle, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

bool ck_follow_more(const struct ck_follow *follow)
{
	return follow->more;
}

bool ck_follow_provider_behind(const struct ck_follow *follow)
{
	return follow->behind;
}

bool ck_follow_refreshes(const struct ck_follow *follow)
{
	return follow->stage >= STAGE_REFRESHING;
}

bool ck_follow_heard(const struct ck_follow *follow)
{
	return follow->heard;
}

bool ck_follow_persists(const struct ck_follow *follow)
{
	return follow->stage == STAGE_PERSISTING;
}

enum ck_error ck_follow_probe(struct ck_follow *follow, void (*on_probe)(bool alive, struct ck_bytes context_csn, void *context), void *context)
{
	if (follow->stage != STAGE_PERSISTING || follow->probe_id != 0) return CK_ERR_UNAVAILABLE;
	follow->on_probe = on_probe;
	follow->probe_context = context;
	return ask_context(follow, &follow->probe_id, NULL);
}

enum ck_error ck_follow_read(struct ck_follow *follow, const char *dn,
                             void (*on_read)(const uint8_t uuid[16], const struct ck_entry *entry, void *context), void *context)
{
	static const char *const attributes[] = {"*", "entryUUID", "entryCSN"};
	if (follow->stage != STAGE_PERSISTING) return CK_ERR_UNAVAILABLE;
	for (size_t i = 0; i < READS_LIMIT; i++) {
		struct pending_read *pending = &follow->reads[i];
		if (pending->id != 0) continue;
		enum ck_error error = ask(follow, dn, attributes, &pending->id, NULL);
		if (error != CK_OK) {
			pending->id = 0;
			return error;
		}
		pending->found = false;
		pending->on_read = on_read;
		pending->context = context;
		return CK_OK;
	}
	return CK_ERR_LIMIT;
}

void ck_follow_stop(struct ck_follow **follow)
{
	if (*follow == NULL) return;
	if ((*follow)->handle != NULL) ldap_unbind_ext((*follow)->handle, NULL, NULL);
	free(*follow);
	*follow = NULL;
}
