/* Who holds a role: by a grant, by a role further down its member roles, or as staff of an authority that all hold it. */
#ifndef CK_DECIDE_ROLE_H
#define CK_DECIDE_ROLE_H

#include "authd/decide/decide.h"

/* The person whose roles are asked for; already found active. */
struct ck_subject {
	struct ck_id staff, authority;
	int64_t until_s; /* the earliest end of the person and their authority */
};
struct ck_holding {
	bool held;
	struct ck_id root;  /* which of the roles asked for */
	struct ck_id grant; /* zero: all staff of their authority hold it */
	uint8_t path_count;
	struct ck_id path[CK_ROLE_DEPTH_LIMIT]; /* from below root down to the role that is granted */
	int64_t until_s;
	bool doubted; /* something would have given it, were the clock to be trusted */
};

bool ck_authority_active(const struct ck_record *record, struct ck_moment now);
bool ck_staff_active(const struct ck_record *record, struct ck_moment now);
/* Of an authority, staff, rule or grant: it would count, were the clock to be trusted. */
bool ck_doubted(const struct ck_record *record, struct ck_moment now);
int64_t ck_earlier(int64_t a_s, int64_t b_s);

/* Whether the subject holds one of these roles now. Of several ways the one that lasts longest, of equals the one nearest to the roles
   asked for. Roles are looked at once each and at most CK_ROLE_VISITS_LIMIT: cycles end, and what lies past the limit is not held.
   Not CK_OK: the store is damaged or unreadable, and nothing is held. */
CK_MUST_USE enum ck_error ck_role_find(struct ck_view *view, const struct ck_subject *subject, const struct ck_ids *roles, struct ck_moment now,
                                       struct ck_holding *out);

#endif
