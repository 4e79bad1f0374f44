/* People in a plain slapd with indices for it: what most directories do today. place: "URI SUFFIX", or "". */
#include <ldap.h>
#include <stdio.h>
#include <string.h>

#include "tests/benchmarks/search.h"
#include "tests/benchmarks/write.h"

static LDAP *ldap;
static char base[256];

static bool open_slapd(const struct ck_data *data, const char *place)
{
	char uri[512];
	const char *space = strchr(place, ' ');
	(void)data;
	if (space == NULL) return false;
	snprintf(uri, sizeof uri, "%.*s", (int)(space - place), place);
	snprintf(base, sizeof base, "%s", space + 1);
	ldap = bench_connect_as(uri, NULL);
	return ldap != NULL;
}

static void close_slapd(void) { ldap_unbind_ext_s(ldap, NULL, NULL); }

static void write_filter(const struct search_question *q, char *out, size_t out_bytes)
{
	char place[128] = "";
	if (q->place[0] != '\0') snprintf(place, sizeof place, "(o=%s*)", q->place);
	switch (q->kind) {
	case SEARCH_EXACT:
	case SEARCH_ACCENT_FREE: snprintf(out, out_bytes, "(&(cn=%s)%s)", q->name, place); break;
	case SEARCH_PREFIX: snprintf(out, out_bytes, "(&(givenName=%s*)(sn=%s*)%s)", q->first, q->rest, place); break;
	case SEARCH_TWO_WORDS: snprintf(out, out_bytes, "(&(sn=%s)(departmentNumber=*%s*)%s)", q->first, q->rest, place); break;
	case SEARCH_MISSPELT: snprintf(out, out_bytes, "(&(cn~=%s)%s)", q->name, place); break;
	}
}

static bool ask_slapd(const struct search_question *q, struct search_found *out)
{
	char filter[800];
	char *attributes[] = { (char[]){ "uid" }, (char[]){ "cn" }, (char[]){ "mail" }, (char[]){ "title" }, (char[]){ "o" }, NULL };
	LDAPMessage *result = NULL;
	struct timeval limit = { .tv_sec = 30 };
	write_filter(q, filter, sizeof filter);
	int code = ldap_search_ext_s(ldap, base, LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL, NULL, &limit, SEARCH_FOUND_LIMIT, &result);
	for (LDAPMessage *entry = ldap_first_entry(ldap, result); entry != NULL; entry = ldap_next_entry(ldap, entry)) {
		struct berval **values = ldap_get_values_len(ldap, entry, "uid");
		char uid[40] = "";
		if (values != NULL && values[0] != NULL) snprintf(uid, sizeof uid, "%.*s", (int)values[0]->bv_len, values[0]->bv_val);
		ldap_value_free_len(values);
		search_add(out, uid);
	}
	ldap_msgfree(result);
	return code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED;
}

const struct search_peer search_slapd = { "slapd", open_slapd, ask_slapd, close_slapd };
