/* Writes whose end nobody waits for. The provider is believed in nothing but the result codes; a connection that is lost leaves open how its
   writes ended, and the caller finds that out from what is there. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/ldap/internal.h"

#define CONNECT_TIMEOUT_MS 2000
#define STEP_MESSAGES_LIMIT (CK_LATER_LIMIT + 1)

struct under_way {
	int id; /* of the message; 0: free */
	uint64_t number;
};
struct ck_later {
	LDAP *handle;
	struct ck_ldap_bind bind;
	bool bound;
	size_t count;
	struct under_way at[CK_LATER_LIMIT];
};

enum ck_error ck_later_open(const struct ck_ldap_target *target, struct ck_later **out, struct ck_errmsg *err)
{
	*out = NULL;
	struct ck_later *later = calloc(1, sizeof *later);
	if (later == NULL) {
		ck_ldap_target_drop(target);
		return ck_fail(err, CK_ERR_MEMORY, "no memory for a connection");
	}
	enum ck_error error = ck_ldap_open(target, CONNECT_TIMEOUT_MS, &later->handle, err);
	if (error == CK_OK) error = ck_ldap_bind_begin(later->handle, target, &later->bind, err);
	if (error != CK_OK) {
		ck_later_close(&later);
		return error;
	}
	*out = later;
	return CK_OK;
}

void ck_later_close(struct ck_later **later)
{
	if (*later == NULL) return;
	if ((*later)->handle != NULL) ldap_unbind_ext((*later)->handle, NULL, NULL);
	free(*later);
	*later = NULL;
}

int ck_later_fd(const struct ck_later *later)
{
	int fd = -1;
	return ldap_get_option(later->handle, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

bool ck_later_has_room(const struct ck_later *later)
{
	return later->bound && later->count < CK_LATER_LIMIT;
}

enum ck_error ck_later_write(struct ck_later *later, uint64_t number, const char *dn, const char *csn, const struct ck_ldap_value *values,
                             size_t count, struct ck_errmsg *err)
{
	size_t place = 0;
	int id = 0;
	if (!ck_later_has_room(later)) return ck_fail(err, CK_ERR_LIMIT, "too many writes are under way");
	while (later->at[place].id != 0) place++;
	enum ck_error error = csn != NULL ? ck_ldap_send_modify(later->handle, dn, csn, values, count, &id, err)
	                                  : ck_ldap_send_add(later->handle, dn, values, count, &id, err);
	if (error != CK_OK) return error;
	later->at[place] = (struct under_way){.id = id, .number = number};
	later->count++;
	return CK_OK;
}

static enum ck_error take(struct ck_later *later, LDAPMessage *message, ck_later_done done, void *context, struct ck_errmsg *err)
{
	struct ck_errmsg why = {""};
	int id = ldap_msgid(message);
	if (id <= 0) { /* a notice that it is about to end */
		ldap_msgfree(message);
		return ck_fail(err, CK_ERR_UNAVAILABLE, "the provider is ending the connection");
	}
	if (!later->bound && id == later->bind.id) return ck_ldap_bind_step(later->handle, &later->bind, message, &later->bound, err);
	enum ck_error error = ck_ldap_result_of(later->handle, message, "writing", &why);
	for (size_t i = 0; i < CK_LATER_LIMIT; i++) {
		if (later->at[i].id != id) continue;
		uint64_t number = later->at[i].number;
		later->at[i].id = 0;
		later->count--;
		done(number, error, &why, context);
		return CK_OK;
	}
	return ck_fail(err, CK_ERR_INVALID, "the provider answered what it was not asked");
}

enum ck_error ck_later_step(struct ck_later *later, ck_later_done done, void *context, struct ck_errmsg *err)
{
	for (int i = 0; i < STEP_MESSAGES_LIMIT; i++) {
		LDAPMessage *message = NULL;
		struct timeval none = {0};
		int type = ldap_result(later->handle, LDAP_RES_ANY, LDAP_MSG_ONE, &none, &message);
		if (type == 0) return CK_OK;
		if (type < 0) {
			int code = LDAP_SERVER_DOWN;
			(void)ldap_get_option(later->handle, LDAP_OPT_RESULT_CODE, &code);
			return ck_ldap_fail(err, code != LDAP_SUCCESS ? code : LDAP_SERVER_DOWN, "writing", NULL);
		}
		enum ck_error error = take(later, message, done, context, err);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}
