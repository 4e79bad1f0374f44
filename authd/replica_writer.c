/* The directory's second connection, for reads and writes that the loop waits for. Elsewhere it is made while the loop goes on, and whoever
   needs it waits for that (replica_work.c, replica_stream.c). */
#include <stdlib.h>
#include <string.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define WRITER_CONNECT_MS 2000 /* a unix socket answers at once or not at all; a provider that is there, after a round trip */

void ck_replica_drop_writer(struct ck_replica *r)
{
	ck_ldap_close(&r->writer);
}

void ck_replica_doubt(struct ck_replica *r) { ck_replica_doubt_at(r, ck_replica_write_provider(r)); }

void ck_replica_doubt_at(struct ck_replica *r, size_t provider)
{
	ck_replica_drop_writer(r);
	/* Elsewhere another provider may be followed next, whose copy of that write is whole or not there: the lost one is looked at when it is
	   back (replica_mend.c). */
	if (ck_config_providers(r->config) > 0) r->providers.at[provider].doubted = true;
	else ck_follower_require_full(r->follower);
}

static int left_ms(int64_t deadline_ms, int most_ms)
{
	int64_t left = deadline_ms - ck_clock_monotonic_ms();
	return left < 1 ? 1 : left > most_ms ? most_ms : (int)left;
}

static void collect_csns(const struct ck_entry *entry, void *context)
{
	struct ck_csn_set *set = context;
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!ck_text_is(attribute->name, "contextCSN")) continue;
		for (size_t k = 0; k < attribute->count; k++)
			if (ck_csn_set_add(set, (struct ck_text){(const char *)attribute->values[k].at, attribute->values[k].length}) != CK_OK)
				ck_log(CK_LOG_WARNING, "a contextCSN of the provider is malformed");
	}
}

enum ck_error ck_replica_context(struct ck_replica *r, int64_t deadline_ms, struct ck_csn_set *out)
{
	struct ck_errmsg err;
	memset(out, 0, sizeof *out);
	if (r->writer == NULL) return CK_ERR_UNAVAILABLE;
	enum ck_error error = ck_ldap_read(r->writer, r->config->suffix, collect_csns, out, left_ms(deadline_ms, WRITER_CONNECT_MS), &err);
	if (error == CK_OK && out->count == 0) error = CK_ERR_UNAVAILABLE;
	return error;
}

/* It leads to the provider that takes writes by now, and that answers: one that was kept may be to a provider that is gone. */
static bool is_good(struct ck_replica *r, int64_t deadline_ms)
{
	struct ck_csn_set ignored;
	return r->writer != NULL && r->writer_provider == ck_replica_write_provider(r) && ck_replica_context(r, deadline_ms, &ignored) == CK_OK;
}

struct ck_ldap *ck_replica_writer(struct ck_replica *r, int64_t deadline_ms, struct ck_errmsg *err)
{
	struct ck_ldap_target target;
	if (is_good(r, deadline_ms)) return r->writer;
	ck_replica_drop_writer(r);
	r->writer_provider = ck_replica_write_provider(r);
	if (r->dials != NULL) {
		(void)ck_fail(err, CK_ERR_UNAVAILABLE, "%s", r->writer_trouble.text[0] != '\0' ? r->writer_trouble.text : "it is being connected to; try again");
		return NULL;
	}
	if (ck_replica_target(r, 0, -1, &target, err) != CK_OK) return NULL;
	return ck_ldap_connect(&target, left_ms(deadline_ms, WRITER_CONNECT_MS), &r->writer, err) == CK_OK ? r->writer : NULL;
}

bool ck_replica_writer_is_there(struct ck_replica *r)
{
	if (r->dials == NULL || is_good(r, ck_clock_monotonic_ms() + WRITER_CONNECT_MS)) return true;
	ck_replica_drop_writer(r); /* the next that asks is not to wait for it again */
	return false;
}

static void on_reached(struct ck_replica *r, enum ck_error error, const char *why, void *context)
{
	struct ck_replica_reach *reach = context;
	r->writer_trouble.text[0] = '\0';
	ck_replica_drop_writer(r);
	r->writer_provider = reach->provider;
	if (error == CK_OK) error = ck_opening_take_bound(&reach->opening, &r->writer, &r->writer_trouble);
	else (void)ck_fail(&r->writer_trouble, error, "%s", why);
	ck_replica_stream_writer_came(r);
	ck_replica_works_writer_came(r, error == CK_OK);
}

void ck_replica_reach_writer(struct ck_replica *r)
{
	size_t provider = ck_replica_write_provider(r);
	if (r->writer_reach.under_way && r->writer_reach.provider == provider) return;
	ck_replica_reach_end(&r->writer_reach);
	ck_replica_reach(r, &r->writer_reach, provider, true, on_reached, &r->writer_reach);
}
