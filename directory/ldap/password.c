/* Passwords over libldap's asynchronous calls. Trusts the provider for the verdict and for nothing else: an answer that is no clear yes is no.
   The connection begins as nobody, is bound as the person, and is never the follower's; for a change it becomes the daemon's afterwards,
   since persons may not write. What is sent is wiped from libldap's buffers too (memory.c). */
#include "directory/ldap/password.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/buffer.h"
#include "directory/ldap/internal.h"
#include "directory/ldap/policy.h"

#define CONNECT_TIMEOUT_MS 2000 /* a unix socket answers at once or not at all; TLS takes some round trips */

enum stage { STAGE_BINDING = 0, STAGE_BECOMING, STAGE_CHANGING };
struct ck_password_check {
	LDAP *handle;
	enum stage stage;
	int id; /* of the request that waits for its answer */
	struct ck_ldap_bind bind; /* as the daemon, for a change */
	struct ck_ldap_target target;
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_secret *password, *wanted; /* of a change; else NULL */
	bool sent_new;
};

/* ---- what the policy says ---- */

static enum ck_error read_policy(LDAPControl **controls, struct ck_policy *out)
{
	*out = CK_POLICY_SILENT;
	const LDAPControl *found = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
	if (found == NULL) return CK_OK; /* no policy */
	return ck_policy_decode((struct ck_bytes){(const uint8_t *)found->ldctl_value.bv_val, found->ldctl_value.bv_len}, out);
}

static void answer_right(const struct ck_policy *policy, struct ck_password_answer *out)
{
	if (policy->error == CK_POLICY_CHANGE_AFTER_RESET) {
		out->outcome = CK_PASSWORD_MUST_CHANGE;
	} else if (policy->grace_left >= 0) {
		out->outcome = CK_PASSWORD_GRACE;
		out->grace_left = (unsigned)policy->grace_left;
	} else if (policy->expires_s >= 0) {
		out->outcome = CK_PASSWORD_EXPIRING;
		out->seconds_left = policy->expires_s;
	} else {
		out->outcome = CK_PASSWORD_RIGHT;
	}
}

static void answer_bind(int code, const struct ck_policy *policy, struct ck_password_answer *out)
{
	bool grace = policy->error == CK_POLICY_EXPIRED && policy->grace_left >= 0;
	*out = (struct ck_password_answer){.outcome = CK_PASSWORD_UNAVAILABLE};
	if (code != LDAP_SUCCESS && code != LDAP_INVALID_CREDENTIALS && code != LDAP_INAPPROPRIATE_AUTH) return;
	/* whatever the code: a policy that says no means no */
	if (policy->error == CK_POLICY_LOCKED) out->outcome = CK_PASSWORD_LOCKED;
	else if (policy->error == CK_POLICY_EXPIRED && !grace) out->outcome = CK_PASSWORD_EXPIRED;
	else if (code != LDAP_SUCCESS) out->outcome = CK_PASSWORD_WRONG;
	else if (policy->error == CK_POLICY_FINE || policy->error == CK_POLICY_CHANGE_AFTER_RESET || grace) answer_right(policy, out);
}

static void answer_change(int code, const struct ck_policy *policy, struct ck_password_answer *out)
{
	static const enum ck_password_outcome outcomes[] = {
		[CK_POLICY_EXPIRED] = CK_PASSWORD_EXPIRED,
		[CK_POLICY_LOCKED] = CK_PASSWORD_LOCKED,
		[CK_POLICY_CHANGE_AFTER_RESET] = CK_PASSWORD_UNAVAILABLE,
		[CK_POLICY_CHANGE_NOT_ALLOWED] = CK_PASSWORD_FIXED,
		[CK_POLICY_OLD_ONE_NEEDED] = CK_PASSWORD_WRONG,
		[CK_POLICY_TOO_SIMPLE] = CK_PASSWORD_TOO_SIMPLE,
		[CK_POLICY_TOO_SHORT] = CK_PASSWORD_TOO_SHORT,
		[CK_POLICY_TOO_YOUNG] = CK_PASSWORD_TOO_YOUNG,
		[CK_POLICY_USED_BEFORE] = CK_PASSWORD_USED_BEFORE,
		[CK_POLICY_TOO_LONG] = CK_PASSWORD_TOO_LONG,
	};
	*out = (struct ck_password_answer){.outcome = CK_PASSWORD_UNAVAILABLE};
	if (policy->error != CK_POLICY_FINE) out->outcome = outcomes[policy->error];
	else if (code == LDAP_SUCCESS) out->outcome = CK_PASSWORD_CHANGED;
	else if (code == LDAP_CONSTRAINT_VIOLATION) out->outcome = CK_PASSWORD_TOO_SIMPLE;
	else if (code == LDAP_UNWILLING_TO_PERFORM) out->outcome = CK_PASSWORD_WRONG; /* changed by somebody else since the bind */
}

/* ---- sending ---- */

static struct berval berval_of(const struct ck_secret *secret)
{
	return (struct berval){secret->length, (char *)(uintptr_t)secret->bytes};
}

static enum ck_error send_bind(struct ck_password_check *check, const struct ck_secret *password, struct ck_errmsg *err)
{
	struct berval credentials = berval_of(password);
	LDAPControl *control = NULL;
	if (!ck_ldap_is_local(check->target.uri) && ldap_tls_inplace(check->handle) != 1)
		return ck_fail(err, CK_ERR_DENIED, "%s: no password leaves without TLS", check->target.uri);
	int code = ldap_create_passwordpolicy_control(check->handle, &control);
	if (code == LDAP_SUCCESS) {
		LDAPControl *controls[] = {control, NULL};
		code = ldap_sasl_bind(check->handle, check->dn, LDAP_SASL_SIMPLE, &credentials, controls, NULL, &check->id);
	}
	if (control != NULL) ldap_control_free(control);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "connecting to the provider to check a password", NULL);
	return ck_ldap_bound_messages(check->handle, err);
}

/* PasswdModifyRequestValue (RFC 3062, 2): SEQUENCE { userIdentity [0], oldPasswd [1], newPasswd [2] }. Encoded here: ldap_passwd would leave a
   copy behind that nothing wipes. */
#define TAG_SEQUENCE 0x30
#define TAG_USER 0x80
#define TAG_OLD 0x81
#define TAG_NEW 0x82
#define HEAD_BYTES 4 /* tag, and a length below 65536 in the one long form that always fits */
#define VALUE_LIMIT_BYTES (4 * HEAD_BYTES + CK_DN_LIMIT_BYTES + 2 * CK_SECRET_LIMIT_BYTES)
_Static_assert(VALUE_LIMIT_BYTES < 65536, "lengths have two bytes");

static void put_head(struct ck_writer *w, uint8_t tag, size_t length)
{
	const uint8_t head[HEAD_BYTES] = {tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length};
	ck_put_bytes(w, head, sizeof head);
}

static void put_part(struct ck_writer *w, uint8_t tag, const void *bytes, size_t length)
{
	put_head(w, tag, length);
	ck_put_bytes(w, bytes, length);
}

static void put_value(const struct ck_password_check *check, struct ck_writer *w)
{
	size_t user = strlen(check->dn);
	put_head(w, TAG_SEQUENCE, 3 * HEAD_BYTES + user + check->password->length + check->wanted->length);
	put_part(w, TAG_USER, check->dn, user);
	put_part(w, TAG_OLD, check->password->bytes, check->password->length);
	put_part(w, TAG_NEW, check->wanted->bytes, check->wanted->length);
}

static bool send_change(struct ck_password_check *check)
{
	uint8_t bytes[VALUE_LIMIT_BYTES];
	struct ck_writer w;
	LDAPControl *control = NULL;
	ck_writer_init(&w, bytes, sizeof bytes);
	put_value(check, &w);
	int code = w.failed ? LDAP_ENCODING_ERROR : ldap_create_passwordpolicy_control(check->handle, &control);
	if (code == LDAP_SUCCESS) {
		LDAPControl *controls[] = {control, NULL};
		struct berval value = {ck_writer_length(&w), (char *)bytes};
		code = ldap_extended_operation(check->handle, LDAP_EXOP_MODIFY_PASSWD, &value, controls, NULL, &check->id);
		check->sent_new = true;
	}
	ck_wipe(bytes, sizeof bytes);
	if (control != NULL) ldap_control_free(control);
	ck_secret_free(&check->password);
	ck_secret_free(&check->wanted);
	return code == LDAP_SUCCESS;
}

static struct ck_secret *copy_of(const struct ck_secret *secret)
{
	struct ck_secret *copy = ck_secret_new();
	if (copy != NULL) CK_ASSERT(ck_secret_set(copy, secret->bytes, secret->length) == CK_OK);
	return copy;
}

static bool may_be_sent(const struct ck_secret *secret) { return ck_password_may_be_sent(secret->bytes, secret->length); }

enum ck_error ck_password_check_open(const struct ck_ldap_target *target, const char *dn, const struct ck_secret *password, const struct ck_secret *wanted,
                                     struct ck_password_check **out, struct ck_errmsg *err)
{
	*out = NULL;
	bool sendable = may_be_sent(password) && (wanted == NULL || may_be_sent(wanted));
	struct ck_password_check *check = sendable ? calloc(1, sizeof *check) : NULL;
	if (check == NULL) {
		ck_ldap_target_drop(target);
		return sendable ? ck_fail(err, CK_ERR_MEMORY, "no memory to check a password")
		                : ck_fail(err, CK_ERR_INVALID, "a password has 1 to %d bytes and no NUL", CK_SECRET_LIMIT_BYTES);
	}
	check->target = *target;
	check->target.fd = -1;
	check->target.opening = NULL;
	enum ck_error error = ck_text_copy(check->dn, sizeof check->dn, ck_text_of(dn));
	/* without a name the bind would be one of nobody in particular */
	if (error != CK_OK || dn[0] == '\0') error = ck_fail(err, CK_ERR_INVALID, "expected the DN of a password");
	if (error == CK_OK && wanted != NULL) {
		check->password = copy_of(password);
		check->wanted = copy_of(wanted);
		if (check->password == NULL || check->wanted == NULL) error = ck_fail(err, CK_ERR_MEMORY, "no memory to change a password");
	}
	if (error != CK_OK) ck_ldap_target_drop(target);
	if (error == CK_OK) error = ck_ldap_open(target, CONNECT_TIMEOUT_MS, &check->handle, err);
	if (error == CK_OK) error = ck_ldap_wipe_sent(check->handle, err);
	if (error == CK_OK) error = send_bind(check, password, err);
	if (error != CK_OK) ck_password_check_close(&check);
	*out = check;
	return error;
}

/* ---- answers ---- */

/* The result of what was asked; false: none can be had of it. Frees the message. */
static bool take_result(struct ck_password_check *check, LDAPMessage *message, int *out_code, struct ck_policy *out_policy)
{
	LDAPControl **controls = NULL;
	bool ours = ldap_msgid(message) == check->id;
	*out_code = LDAP_OTHER;
	bool whole = ldap_parse_result(check->handle, message, out_code, NULL, NULL, NULL, &controls, 1) == LDAP_SUCCESS && ours;
	if (whole && read_policy(controls, out_policy) != CK_OK) whole = false;
	ldap_controls_free(controls);
	return whole;
}

/* True: it is over. */
static bool go_on(struct ck_password_check *check, int code, const struct ck_policy *policy, struct ck_password_answer *out)
{
	switch (check->stage) {
	case STAGE_BINDING:
		answer_bind(code, policy, out);
		if (check->wanted == NULL || !ck_password_is_right(out->outcome)) return true;
		check->stage = STAGE_BECOMING;
		out->outcome = CK_PASSWORD_UNAVAILABLE;
		return ck_ldap_bind_begin(check->handle, &check->target, &check->bind, NULL) != CK_OK;
	case STAGE_BECOMING: return true; /* become */
	case STAGE_CHANGING: answer_change(code, policy, out); return true;
	}
	return true;
}

/* True: it is over. Frees the message. */
static bool become(struct ck_password_check *check, LDAPMessage *message)
{
	bool done = false;
	if (ldap_msgid(message) != check->bind.id) {
		ldap_msgfree(message);
		return true;
	}
	if (ck_ldap_bind_step(check->handle, &check->bind, message, &done, NULL) != CK_OK) return true;
	if (!done) return false;
	check->stage = STAGE_CHANGING;
	return !send_change(check);
}

bool ck_password_check_step(struct ck_password_check *check, struct ck_password_answer *out)
{
	*out = (struct ck_password_answer){.outcome = CK_PASSWORD_UNAVAILABLE};
	for (;;) {
		struct timeval now = {0, 0};
		struct ck_policy policy;
		LDAPMessage *message = NULL;
		int code;
		int type = ldap_result(check->handle, LDAP_RES_ANY, LDAP_MSG_ALL, &now, &message);
		if (type == 0) return false;
		if (type > 0 && check->stage == STAGE_BECOMING) {
			if (become(check, message)) return true;
			continue;
		}
		if (type < 0 || !take_result(check, message, &code, &policy) || go_on(check, code, &policy, out)) return true;
	}
}

int ck_password_check_fd(const struct ck_password_check *check)
{
	int fd = -1;
	return ldap_get_option(check->handle, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

bool ck_password_check_changes(const struct ck_password_check *check) { return check->sent_new; }

void ck_password_check_close(struct ck_password_check **check)
{
	if (*check == NULL) return;
	if ((*check)->handle != NULL) ldap_unbind_ext((*check)->handle, NULL, NULL);
	ck_secret_free(&(*check)->password);
	ck_secret_free(&(*check)->wanted);
	free(*check);
	*check = NULL;
}

bool ck_password_is_right(enum ck_password_outcome outcome)
{
	return outcome == CK_PASSWORD_RIGHT || outcome == CK_PASSWORD_EXPIRING || outcome == CK_PASSWORD_GRACE ||
	       outcome == CK_PASSWORD_MUST_CHANGE;
}

const char *ck_password_outcome_name(enum ck_password_outcome outcome)
{
	static const char *const names[] = {
		[CK_PASSWORD_UNAVAILABLE] = "unavailable", [CK_PASSWORD_WRONG] = "wrong",           [CK_PASSWORD_LOCKED] = "locked",
		[CK_PASSWORD_EXPIRED] = "expired",         [CK_PASSWORD_RIGHT] = "right",           [CK_PASSWORD_EXPIRING] = "expiring",
		[CK_PASSWORD_GRACE] = "grace",             [CK_PASSWORD_MUST_CHANGE] = "must-change", [CK_PASSWORD_CHANGED] = "changed",
		[CK_PASSWORD_TOO_SHORT] = "too-short",     [CK_PASSWORD_TOO_LONG] = "too-long",     [CK_PASSWORD_TOO_SIMPLE] = "too-simple",
		[CK_PASSWORD_TOO_YOUNG] = "too-young",     [CK_PASSWORD_USED_BEFORE] = "used-before", [CK_PASSWORD_FIXED] = "fixed",
	};
	return (size_t)outcome < sizeof names / sizeof names[0] ? names[outcome] : names[CK_PASSWORD_UNAVAILABLE];
}
