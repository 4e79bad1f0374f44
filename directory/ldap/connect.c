/* Connections to a provider. Every option is set explicitly: libldap follows referrals, reads the user's ldaprc and LDAP* environment and
   waits for ever unless it is told not to. The provider is trusted for its data only as far as the mapping checks it. */
#include "directory/ldap/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/fiber.h"

#define NETWORK_TIMEOUT_MS 1000 /* to connect; a unix socket answers at once or not at all */
#define HANDSHAKE_TIMEOUT_MS 2000 /* STARTTLS and TLS, a few round trips */

static struct timeval timeval_of(int64_t ms)
{
	if (ms < 0) ms = 0;
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

static int set_options(LDAP *handle, int timeout_ms)
{
	int version = LDAP_VERSION3;
	int deref = LDAP_DEREF_NEVER;
	int no_limit = LDAP_NO_LIMIT;
	struct timeval network = timeval_of(timeout_ms < NETWORK_TIMEOUT_MS ? timeout_ms : NETWORK_TIMEOUT_MS);
	struct timeval each = timeval_of(timeout_ms);
	const struct {
		int option;
		const void *value;
	} options[] = {
		{LDAP_OPT_PROTOCOL_VERSION, &version},     {LDAP_OPT_REFERRALS, LDAP_OPT_OFF},   {LDAP_OPT_RESTART, LDAP_OPT_ON},
		{LDAP_OPT_DEREF, &deref},                  {LDAP_OPT_SIZELIMIT, &no_limit},      {LDAP_OPT_TIMELIMIT, &no_limit},
		{LDAP_OPT_NETWORK_TIMEOUT, &network},      {LDAP_OPT_TIMEOUT, &each},            {LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON},
		/* no layer of SASL's own: what is not local has TLS */
		{LDAP_OPT_X_SASL_SECPROPS, "noanonymous,noplain,maxssf=0"}, {LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_OFF},
	};
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		int code = ldap_set_option(handle, options[i].option, options[i].value);
		if (code != LDAP_OPT_SUCCESS) return code;
	}
	return LDAP_SUCCESS;
}

enum ck_error ck_ldap_prepare(struct ck_errmsg *err)
{
	int level = 0;
	/* Read by libldap at its first use, before any option can be set. */
	if (setenv("LDAPNOINIT", "1", 1) != 0) return ck_fail(err, CK_ERR_MEMORY, "no memory for the environment");
	if (ldap_set_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level) != LDAP_OPT_SUCCESS)
		return ck_fail(err, CK_ERR_INTERNAL, "libldap does not start");
	return CK_OK;
}

static enum ck_error open_local(const struct ck_ldap_target *target, int timeout_ms, LDAP **out, struct ck_errmsg *err)
{
	int code = ldap_initialize(out, target->uri);
	if (code == LDAP_SUCCESS) code = set_options(*out, timeout_ms);
	if (code == LDAP_SUCCESS) return CK_OK;
	ck_ldap_fail(err, code, target->uri, NULL);
	return CK_ERR_INTERNAL;
}

static enum ck_error open_remote(const struct ck_ldap_target *target, int timeout_ms, LDAP **out, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + (timeout_ms < HANDSHAKE_TIMEOUT_MS ? timeout_ms : HANDSHAKE_TIMEOUT_MS);
	int fd = target->fd;
	int code = fd < 0 ? LDAP_CONNECT_ERROR : ldap_init_fd(fd, LDAP_PROTO_TCP, target->uri, out);
	if (code != LDAP_SUCCESS) {
		if (fd >= 0) close(fd); /* not libldap's yet */
		return ck_ldap_fail(err, code, target->uri, NULL);
	}
	code = set_options(*out, timeout_ms);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, target->uri, NULL);
	enum ck_error error = ck_ldap_bound_messages(*out, err);
	if (error == CK_OK) error = ck_ldap_begin_tls(*out, target, deadline_ms, err);
	return error == CK_OK ? ck_ldap_bound_messages(*out, err) : error; /* whatever the handshake left */
}

void ck_ldap_target_drop(const struct ck_ldap_target *target)
{
	struct ck_opening *opening = target->opening;
	ck_opening_close(&opening);
	if (target->fd >= 0) close(target->fd);
}

enum ck_error ck_ldap_open(const struct ck_ldap_target *target, int timeout_ms, LDAP **out, struct ck_errmsg *err)
{
	*out = NULL;
	if (target->opening != NULL) return ck_opening_take(target->opening, out, err);
	bool local = ck_ldap_is_local(target->uri);
	bool known = local || strncmp(target->uri, "ldaps://", 8) == 0 || strncmp(target->uri, "ldap://", 7) == 0;
	enum ck_error error = ck_ldap_prepare(err);
	if (error == CK_OK && !known) error = ck_fail(err, CK_ERR_INVALID, "expected a provider ldapi://, ldaps:// or ldap://, got \"%.100s\"", target->uri);
	if (error != CK_OK) {
		if (target->fd >= 0) close(target->fd);
		return error;
	}
	error = local ? open_local(target, timeout_ms, out, err) : open_remote(target, timeout_ms, out, err);
	if (error != CK_OK && *out != NULL) ldap_unbind_ext(*out, NULL, NULL);
	if (error != CK_OK) *out = NULL;
	return error;
}

enum ck_error ck_ldap_bound_messages(LDAP *handle, struct ck_errmsg *err)
{
	Sockbuf *sockbuf = NULL;
	int fd = -1;
	ber_len_t limit = CK_LDAP_MESSAGE_LIMIT_BYTES;
	if (ldap_get_option(handle, LDAP_OPT_SOCKBUF, &sockbuf) != LDAP_OPT_SUCCESS || sockbuf == NULL ||
	    ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &limit) < 0)
		return ck_fail(err, CK_ERR_INTERNAL, "libldap does not take a message limit");
	if (ldap_get_option(handle, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS || fd < 0)
		return ck_fail(err, CK_ERR_INTERNAL, "libldap has no descriptor after a bind was sent");
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return ck_fail(err, CK_ERR_IO, "fcntl on the connection to the provider: %s", strerror(errno));
	return CK_OK;
}

enum ck_error ck_ldap_result_of(LDAP *handle, LDAPMessage *message, const char *doing, struct ck_errmsg *err)
{
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	int parsed = ldap_parse_result(handle, message, &code, NULL, &diagnostic, NULL, NULL, 1);
	enum ck_error error = ck_ldap_fail(err, parsed != LDAP_SUCCESS ? parsed : code, doing, diagnostic);
	ldap_memfree(diagnostic);
	return error;
}

static void visit(LDAP *handle, LDAPMessage *message, ck_entry_visitor each, void *context)
{
	struct ck_ldap_entry entry;
	if (each != NULL && ck_ldap_entry_decode(handle, message, &entry) == CK_OK) each(&entry.entry, context);
	if (each != NULL) ck_ldap_entry_clear(&entry);
}

/* The next message of this operation. libldap's own timeout goes by the wall clock, and one that is set back makes it wait that much longer:
   so it is never left to wait. 0: none by then. */
static int next_message(LDAP *handle, int id, int64_t deadline_ms, LDAPMessage **out)
{
	for (;;) {
		struct timeval at_once = {0, 0};
		int fd = -1, type = ldap_result(handle, id, LDAP_MSG_ONE, &at_once, out);
		if (type != 0) return type;
		if (ldap_get_option(handle, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS || fd < 0) return -1;
		if (!ck_wait_for(fd, false, deadline_ms)) return 0;
	}
}

enum ck_error ck_ldap_wait(LDAP *handle, int id, int64_t deadline_ms, ck_entry_visitor each, void *context, const char *doing,
                           struct ck_errmsg *err)
{
	for (;;) {
		LDAPMessage *message = NULL;
		int type = next_message(handle, id, deadline_ms, &message);
		if (type == 0) {
			ldap_abandon_ext(handle, id, NULL, NULL);
			return ck_fail(err, CK_ERR_TIMEOUT, "%s: the provider did not answer in time", doing);
		}
		if (type < 0) {
			int code = LDAP_SERVER_DOWN;
			(void)ldap_get_option(handle, LDAP_OPT_RESULT_CODE, &code);
			return ck_ldap_fail(err, code != LDAP_SUCCESS ? code : LDAP_SERVER_DOWN, doing, NULL);
		}
		if (type == LDAP_RES_SEARCH_ENTRY) visit(handle, message, each, context);
		if (type != LDAP_RES_SEARCH_ENTRY && type != LDAP_RES_SEARCH_REFERENCE && type != LDAP_RES_INTERMEDIATE)
			return ck_ldap_result_of(handle, message, doing, err);
		ldap_msgfree(message);
	}
}

/* Every answer of the bind by then, until it is bound. */
static enum ck_error wait_bound(LDAP *handle, struct ck_ldap_bind *bind, int64_t deadline_ms, struct ck_errmsg *err)
{
	bool done = false;
	enum ck_error error = CK_OK;
	while (error == CK_OK && !done) {
		LDAPMessage *message = NULL;
		int type = next_message(handle, bind->id, deadline_ms, &message);
		if (type == 0) return ck_fail(err, CK_ERR_TIMEOUT, "binding to the provider: it did not answer in time");
		if (type < 0) return ck_ldap_fail(err, LDAP_SERVER_DOWN, "binding to the provider", NULL);
		error = ck_ldap_bind_step(handle, bind, message, &done, err);
	}
	return error;
}

enum ck_error ck_ldap_connect(const struct ck_ldap_target *target, int timeout_ms, struct ck_ldap **out, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	struct ck_ldap_bind bind;
	*out = NULL;
	struct ck_ldap *ldap = calloc(1, sizeof *ldap);
	if (ldap == NULL) {
		ck_ldap_target_drop(target);
		return ck_fail(err, CK_ERR_MEMORY, "no memory for a connection");
	}
	enum ck_error error = ck_ldap_open(target, timeout_ms, &ldap->handle, err);
	if (error == CK_OK) error = ck_ldap_bind_begin(ldap->handle, target, &bind, err);
	if (error == CK_OK) error = wait_bound(ldap->handle, &bind, deadline_ms, err);
	if (error != CK_OK) {
		ck_ldap_close(&ldap);
		return error;
	}
	*out = ldap;
	return CK_OK;
}

void ck_ldap_close(struct ck_ldap **ldap)
{
	if (*ldap == NULL) return;
	if ((*ldap)->handle != NULL) ldap_unbind_ext((*ldap)->handle, NULL, NULL);
	free(*ldap);
	*ldap = NULL;
}
