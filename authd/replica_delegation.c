/* Delegated uid-number ranges and mail domains, at the copy: the provider that wrote an entry may have let it pass, since replication passes
   what checks it. */
#include "authd/replica_follow_state.h"

enum ck_error ck_follower_check_delegation(struct ck_follower *f, const struct ck_record *record, struct ck_errmsg *why)
{
	struct ck_record home;
	if (record->kind != CK_KIND_STAFF || ck_view_get(ck_batch_view(f->batch), CK_KIND_AUTHORITY, record->authority, &home) != CK_OK) return CK_OK;
	return ck_model_check_delegation(&home.as.authority_of, &record->as.staff, why);
}
