/* What the follower does not take: kept with its reason, told, and read again when the reason may be over without a change of the entry
   itself. */
#include <stdio.h>
#include <string.h>

#include "authd/replica_follow_state.h"
#include "directory/base/log.h"

#define ANNOUNCED_LIMIT 100 /* quarantined entries told one by one in one stream; the store knows them all */

/* ---- clashes ---- */

struct ck_clash *ck_follower_find_clash(struct ck_follower *f, const uint8_t uuid[16])
{
	for (size_t i = 0; i < f->clash_count; i++)
		if (memcmp(f->clashes[i].uuid, uuid, 16) == 0) return &f->clashes[i];
	return NULL;
}

bool ck_follower_forget_clash(struct ck_follower *f, const uint8_t uuid[16])
{
	struct ck_clash *clash = ck_follower_find_clash(f, uuid);
	if (clash == NULL) return false;
	*clash = f->clashes[--f->clash_count];
	return true;
}

static void remember_clash(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, bool zone)
{
	struct ck_clash clash = {.zone = zone};
	(void)ck_follower_forget_clash(f, uuid);
	if (f->clash_count == CK_CLASHES_LIMIT || ck_text_copy(clash.dn, sizeof clash.dn, dn) != CK_OK) return;
	memcpy(clash.uuid, uuid, sizeof clash.uuid);
	f->clashes[f->clash_count++] = clash;
}

static bool begins_with(struct ck_text text, const char *prefix)
{
	return text.length >= strlen(prefix) && memcmp(text.at, prefix, strlen(prefix)) == 0;
}

bool ck_follower_load_clash(const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason, void *context)
{
	struct ck_follower *f = context;
	bool zone = begins_with(reason, CK_ZONE_PREFIX);
	if (zone || begins_with(reason, CK_CLASH_PREFIX) || begins_with(reason, CK_DELEGATION_PREFIX)) remember_clash(f, entry_uuid, dn, zone);
	return f->clash_count < CK_CLASHES_LIMIT;
}

void ck_follower_want_clashes(struct ck_follower *f)
{
	for (size_t i = 0; i < f->clash_count; i++)
		if (!f->clashes[i].zone) f->clashes[i].wanted = true;
}

/* ---- quarantine ---- */

/* prefix: of a fault that may be over without a change of the entry, which is then read again; "" of others. claims: what it holds all the same. */
enum ck_error ck_follower_quarantine(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *prefix, const char *why,
                                const struct ck_record *claims)
{
	char reason[sizeof(struct ck_errmsg) + 16], shown[256];
	snprintf(reason, sizeof reason, "%s%s", prefix, why);
	enum ck_error error = ck_batch_quarantine(f->batch, uuid, dn, ck_text_of(reason), claims);
	if (error != CK_OK) return error;
	if (prefix[0] != '\0') remember_clash(f, uuid, dn, strcmp(prefix, CK_ZONE_PREFIX) == 0);
	f->announced++;
	if (f->announced > ANNOUNCED_LIMIT + 1) return CK_OK;
	if (f->announced == ANNOUNCED_LIMIT + 1) {
		ck_follower_alarm(f, "more entries are quarantined than are told one by one: crosskeys status counts them");
		return CK_OK;
	}
	ck_log(CK_LOG_ALARM, "quarantined %s: %s", ck_escape(ck_bytes_of(dn), shown, sizeof shown), reason);
	if (f->settings.on_quarantine != NULL) f->settings.on_quarantine(dn, reason, f->settings.context);
	return CK_OK;
}

enum ck_error ck_follower_quarantine_faulty(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry, const char *why)
{
	struct ck_record claims;
	bool claimed = ck_entry_claims(entry, ck_text_of(f->settings.suffix), &claims);
	return ck_follower_quarantine(f, uuid, entry->dn, "", why, claimed ? &claims : NULL);
}

/* ---- reading again ---- */

static void on_read(const uint8_t uuid[16], const struct ck_entry *entry, void *context)
{
	struct ck_follower *f = context;
	struct ck_clash *clash = entry != NULL ? ck_follower_find_clash(f, uuid) : NULL;
	/* Not asked any more: something newer about it came by the stream while this answer was on its way. */
	if (clash == NULL || !clash->asked || f->state != CK_FOLLOWER_PERSISTING) return;
	enum ck_error error = ck_follower_take_entry(f, uuid, entry, true);
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "an entry that was read again does not go in: %s", ck_error_name(error));
}

void ck_follower_pump(struct ck_follower *f, struct ck_follow *follow)
{
	if (f->state != CK_FOLLOWER_PERSISTING) return;
	for (size_t i = 0; i < f->clash_count; i++) {
		struct ck_clash *clash = &f->clashes[i];
		if (!clash->wanted || clash->asked) continue;
		if (ck_follow_read(follow, clash->dn, on_read, f) != CK_OK) return; /* the next step makes room */
		clash->wanted = false;
		clash->asked = true;
	}
}
