/* A slapd after a crash, the embedded one or one that was lost in the middle of a write. It keeps its contextCSN in memory and writes it down now and then (and not at all behind a write with an
   assertion, which its own checkpoint inherits and fails), so that it comes back older than it is: the copy would wait for root, and what it
   committed last without telling would never be followed. What it holds says how far it was; it is believed only if that reaches what was
   seen, so that a directory from a backup is still found out. */
#include <stdio.h>
#include <string.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define MEND_LIMIT_MS 1500
#define LOG_SUFFIX "cn=accesslog" /* holds what was removed, too */

static void collect(const struct ck_entry *entry, void *context)
{
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!ck_text_is(attribute->name, "entryCSN") || attribute->count != 1) continue;
		struct ck_text csn = {(const char *)attribute->values[0].at, attribute->values[0].length};
		if (ck_csn_set_add(context, csn) != CK_OK) ck_log(CK_LOG_WARNING, "an entryCSN of the provider is malformed");
	}
}

static enum ck_error look_beyond(struct ck_replica *r, struct ck_text csn, int64_t deadline_ms, struct ck_csn_set *found, struct ck_errmsg *err)
{
	const char *const bases[] = {r->config->suffix, LOG_SUFFIX};
	enum ck_error error = CK_OK;
	for (size_t i = 0; error == CK_OK && i < sizeof bases / sizeof bases[0]; i++) {
		int64_t left_ms = deadline_ms - ck_clock_monotonic_ms();
		error = ck_ldap_each_since(r->writer, bases[i], csn, collect, found, left_ms < 1 ? 1 : (int)left_ms, err);
		if (error == CK_ERR_NOT_FOUND) error = CK_OK; /* there is no log, or it is empty */
	}
	return error;
}

static enum ck_error nudge(struct ck_replica *r, int64_t deadline_ms, struct ck_errmsg *err)
{
	char when[CK_TIME_TEXT_BYTES], text[CK_TIME_TEXT_BYTES + 64];
	int64_t left_ms = deadline_ms - ck_clock_monotonic_ms();
	(void)snprintf(text, sizeof text, "counted anew after a crash, %s", ck_time_format(ck_wall_now(&r->wall).s, when));
	ck_log(CK_LOG_WARNING, "the directory came back with an older change number than it holds: it is made to count anew");
	return ck_ldap_describe(r->writer, r->config->suffix, text, left_ms < 1 ? 1 : (int)left_ms, err);
}

bool ck_replica_mend_is_due(struct ck_replica *r)
{
	const struct ck_provider *lost = &r->providers.at[r->providers.current];
	bool embedded = r->config->slapd[0] != '\0';
	if (ck_wall_now(&r->wall).behind) return false; /* what it would count by such a clock is older still; once that is right it is mended */
	return embedded || (lost->doubted && ck_replica_write_provider(r) == r->providers.current);
}

void ck_replica_mend_provider(struct ck_replica *r)
{
	struct ck_errmsg err = {""};
	struct ck_csn_set provider, floor, found = {0};
	const struct ck_csn_set *seen = ck_follower_highest(r->follower);
	int64_t deadline_ms = ck_clock_monotonic_ms() + MEND_LIMIT_MS;
	struct ck_provider *lost = &r->providers.at[r->providers.current];
	if (!ck_replica_mend_is_due(r)) return;
	if (ck_replica_writer(r, deadline_ms, &err) == NULL) return;
	if (ck_replica_context(r, deadline_ms, &provider) != CK_OK) return;
	floor = provider;
	enum ck_error error = ck_csn_set_merge(&floor, seen);
	for (size_t i = 0; error == CK_OK && i < floor.count; i++) error = look_beyond(r, ck_text_of(floor.at[i].csn), deadline_ms, &found, &err);
	if (error == CK_OK) lost->doubted = false;
	if (error == CK_OK && ck_csn_set_covers(&provider, &found)) return; /* it knows all that it holds */
	if (error == CK_OK) error = ck_csn_set_merge(&found, &provider);
	if (error == CK_OK && !ck_csn_set_covers(&found, seen)) return; /* it went back: that is root's to say */
	if (error == CK_OK) error = nudge(r, deadline_ms, &err);
	if (error == CK_OK) return;
	ck_log(CK_LOG_WARNING, "the directory could not be asked how far it is: %s", err.text[0] != '\0' ? err.text : ck_error_name(error));
	ck_replica_drop_writer(r);
}
