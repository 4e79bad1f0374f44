/* Writing a change to the directory: each statement with the assertion on what was read and with its proof beside what it wrote. Called
   only for what was verified, recorded and authorised. Synchronous in this release, under one deadline for the whole. */
#include "authd/change.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"

#define CONTAINERS 4
#define REMOVE_TRIES 4

static int left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - ck_clock_monotonic_ms();
	return left < 1 ? 1 : left > 60000 ? 60000 : (int)left;
}

/* An authority's subtree has its four containers from the beginning; they carry nothing of ours. */
static enum ck_error add_containers(const char *authority_dn, struct ck_ldap *ldap, int64_t deadline_ms, struct ck_errmsg *err)
{
	static const char *const names[CONTAINERS] = {"staff", "roles", "systems", "rules"};
	struct ck_bytes class = ck_bytes_of(ck_text_of("organizationalUnit"));
	for (size_t i = 0; i < CONTAINERS; i++) {
		char dn[CK_DN_LIMIT_BYTES + 16];
		struct ck_bytes name = ck_bytes_of(ck_text_of(names[i]));
		struct ck_ldap_value values[] = {{"objectClass", &class, 1}, {"ou", &name, 1}};
		snprintf(dn, sizeof dn, "ou=%s,%s", names[i], authority_dn);
		enum ck_error error = ck_ldap_add(ldap, dn, values, 2, left_ms(deadline_ms), err);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

static enum ck_error discard_use(const struct ck_order_item *item, struct ck_text suffix, struct ck_ldap *ldap, int64_t deadline_ms,
                                 struct ck_errmsg *err)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_id id, staff;
	if (item->statement.parent.length != sizeof staff.bytes) return ck_fail(err, CK_ERR_INVALID, "a key is below its person");
	memcpy(id.bytes, item->statement.target.at, sizeof id.bytes);
	memcpy(staff.bytes, item->statement.parent.at, sizeof staff.bytes);
	enum ck_error error = ck_entry_dn(CK_KIND_KEY_USE, id, item->statement.target.at, staff, item->statement.authority, suffix, dn);
	if (error == CK_OK) error = ck_ldap_discard(ldap, dn, left_ms(deadline_ms), err);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

/* A key goes with its use below it; one that is written at this very moment makes slapd refuse, and goes with the next try. */
static enum ck_error remove_key(const struct ck_order_item *item, const char *dn, const char *csn, struct ck_text suffix, struct ck_ldap *ldap,
                                int64_t deadline_ms, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_EXISTS;
	for (int i = 0; i < REMOVE_TRIES && error == CK_ERR_EXISTS; i++) {
		error = discard_use(item, suffix, ldap, deadline_ms, err);
		if (error == CK_OK) error = ck_ldap_remove(ldap, dn, csn, left_ms(deadline_ms), err);
	}
	return error;
}

static enum ck_error remove_item(const struct ck_order_item *item, const char *dn, const char *csn, struct ck_text suffix, struct ck_ldap *ldap,
                                 int64_t deadline_ms, struct ck_errmsg *err)
{
	if (item->rule->kind == CK_KIND_KEY) return remove_key(item, dn, csn, suffix, ldap, deadline_ms, err);
	return ck_ldap_remove(ldap, dn, csn, left_ms(deadline_ms), err);
}

/* What is written, its proof (which must live as long) beside it, and the CSN that is asserted. */
static enum ck_error make_write(const struct ck_order_item *item, const struct ck_bytes *proof, struct ck_text suffix, struct ck_change_build *build,
                                char csn[CK_CSN_LIMIT_BYTES + 1], struct ck_errmsg *err)
{
	struct ck_denial denial = {.reason = ""};
	if (ck_change_build(item, suffix, build, &denial) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "%s", denial.message.text);
	if (ck_text_copy(csn, CK_CSN_LIMIT_BYTES + 1, item->statement.csn) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the CSN is malformed");
	if (item->rule->verb == CK_VERB_REMOVE || proof->length == 0) return CK_OK;
	CK_ASSERT(build->count < sizeof build->values / sizeof build->values[0]);
	build->values[build->count++] = (struct ck_ldap_value){"ckProof", proof, 1};
	return CK_OK;
}

enum ck_error ck_change_write_later(const struct ck_order_item *item, struct ck_bytes proof, struct ck_text suffix, struct ck_later *later,
                                    uint64_t number, struct ck_errmsg *err)
{
	static struct ck_change_build build;
	char csn[CK_CSN_LIMIT_BYTES + 1];
	if (item->rule->verb != CK_VERB_ADD && item->rule->verb != CK_VERB_CHANGE) return ck_fail(err, CK_ERR_INVALID, "this verb is waited for");
	enum ck_error error = make_write(item, &proof, suffix, &build, csn, err);
	if (error != CK_OK) return error;
	return ck_later_write(later, number, build.dn, item->rule->verb == CK_VERB_ADD ? NULL : csn, build.values, build.count, err);
}

enum ck_error ck_change_write_item(const struct ck_order_item *item, struct ck_bytes proof, struct ck_text suffix,
                                   struct ck_ldap *ldap, int64_t deadline_ms, struct ck_errmsg *err)
{
	static struct ck_change_build build; /* too large for the stack; one thread */
	char csn[CK_CSN_LIMIT_BYTES + 1];
	enum ck_error error = make_write(item, &proof, suffix, &build, csn, err);
	if (error != CK_OK) return error;
	if (ck_clock_monotonic_ms() >= deadline_ms) return ck_fail(err, CK_ERR_TIMEOUT, "no time was left to write it");
	error = CK_ERR_INTERNAL;
	switch (item->rule->verb) {
	case CK_VERB_ADD: error = ck_ldap_add(ldap, build.dn, build.values, build.count, left_ms(deadline_ms), err); break;
	case CK_VERB_CHANGE: error = ck_ldap_modify(ldap, build.dn, csn, build.values, build.count, left_ms(deadline_ms), err); break;
	case CK_VERB_REMOVE: error = remove_item(item, build.dn, csn, suffix, ldap, deadline_ms, err); break;
	case CK_VERB_PASSWORD: error = ck_change_write_password(&build, ldap, deadline_ms, err); break;
	}
	if (error == CK_OK && item->rule->kind == CK_KIND_AUTHORITY && item->rule->verb == CK_VERB_ADD)
		error = add_containers(build.dn, ldap, deadline_ms, err);
	return error;
}

const char *ck_change_reason_of(enum ck_error error)
{
	switch (error) {
	case CK_ERR_CONFLICT:
	case CK_ERR_NOT_FOUND: return "conflict";
	case CK_ERR_EXISTS: return "exists";
	case CK_ERR_TIMEOUT: return "timeout";
	case CK_ERR_UNAVAILABLE: return "unavailable";
	default: return "refused-by-directory";
	}
}

enum ck_error ck_order_proof(const struct ck_order *order, const struct ck_order_item *item, uint8_t *out, size_t out_bytes, size_t *out_length)
{
	const struct ck_proof parts = {.statement = item->encoded,
	                               .list = {order->list, order->list_length},
	                               .key_hash = {order->key_hash, sizeof order->key_hash},
	                               .auth_data = order->auth_data,
	                               .signature = order->signature};
	return ck_proof_encode(&parts, out, out_bytes, out_length);
}

enum ck_error ck_order_write(const struct ck_order *order, struct ck_text suffix, struct ck_ldap *ldap, int64_t deadline_ms,
                             struct ck_write_result *out)
{
	static uint8_t proof[CK_PROOF_LIMIT_BYTES];
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < order->count; i++) {
		const struct ck_order_item *item = &order->items[i];
		size_t length = 0;
		enum ck_error error = ck_order_proof(order, item, proof, sizeof proof, &length);
		if (error == CK_OK)
			error = ck_change_write_item(item, (struct ck_bytes){proof, length}, suffix, ldap, deadline_ms, &out->message);
		if (error != CK_OK) {
			ck_log(CK_LOG_WARNING, "%s did not go in: %s", item->rule->name, out->message.text);
			out->reason = ck_change_reason_of(error);
			return error;
		}
		out->written++;
	}
	return CK_OK;
}
