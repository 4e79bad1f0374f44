/* Sets of change sequence numbers. Trusts nothing about the texts: each number is checked digit by digit before it is kept. */
#include "directory/ldap/csn.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define CSN_SERVER_AT 30 /* where the three hex digits of the server id stand */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c)) return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return -1;
}

/* d: a decimal digit, x: a hexadecimal one, the rest stands for itself. */
static bool csn_matches(struct ck_text csn, const char *pattern)
{
	if (csn.at == NULL || csn.length != CK_CSN_BYTES) return false;
	for (size_t i = 0; i < CK_CSN_BYTES; i++) {
		bool fits = false;
		switch (pattern[i]) {
		case 'd': fits = is_digit(csn.at[i]); break;
		case 'x': fits = hex_value(csn.at[i]) >= 0; break;
		default: fits = csn.at[i] == pattern[i]; break;
		}
		if (!fits) return false;
	}
	return true;
}

#define FORM "dddddddddddddd.ddddddZ#xxxxxx#xxx#xxxxxx"

enum ck_error ck_csn_time(struct ck_text csn, int64_t *out_s)
{
	char time[] = "YYYYMMDDHHMMSSZ";
	if (!csn_matches(csn, FORM)) return CK_ERR_INVALID;
	memcpy(time, csn.at, sizeof time - 2);
	return ck_time_parse_generalized(ck_text_of(time), out_s);
}

enum ck_error ck_csn_set_add(struct ck_csn_set *set, struct ck_text csn)
{
	if (!csn_matches(csn, FORM)) return CK_ERR_INVALID;
	unsigned server = 0;
	for (size_t i = 0; i < 3; i++) server = server * 16 + (unsigned)hex_value(csn.at[CSN_SERVER_AT + i]);

	size_t place = 0;
	while (place < set->count && set->at[place].server < server) place++;
	bool known = place < set->count && set->at[place].server == server;
	if (known && memcmp(set->at[place].csn, csn.at, CK_CSN_BYTES) >= 0) return CK_OK;
	if (!known) {
		if (set->count == CK_CSN_SERVERS_LIMIT) return CK_ERR_LIMIT;
		memmove(&set->at[place + 1], &set->at[place], (set->count - place) * sizeof set->at[0]);
		set->count++;
	}
	set->at[place].server = server;
	return ck_text_copy(set->at[place].csn, sizeof set->at[place].csn, csn);
}

enum ck_error ck_csn_set_add_list(struct ck_csn_set *set, struct ck_text list)
{
	bool more = list.length > 0;
	while (more) {
		const char *end = list.length > 0 ? memchr(list.at, ';', list.length) : NULL;
		size_t length = end != NULL ? (size_t)(end - list.at) : list.length;
		enum ck_error error = ck_csn_set_add(set, (struct ck_text){list.at, length});
		if (error != CK_OK) return error;
		more = end != NULL;
		if (more) list = (struct ck_text){end + 1, list.length - length - 1};
	}
	return CK_OK;
}

enum ck_error ck_csn_set_add_cookie(struct ck_csn_set *set, struct ck_bytes cookie)
{
	struct ck_text left = {(const char *)cookie.at, cookie.length};
	while (left.length > 0) {
		const char *end = memchr(left.at, ',', left.length);
		size_t length = end != NULL ? (size_t)(end - left.at) : left.length;
		if (length > 4 && memcmp(left.at, "csn=", 4) == 0) {
			enum ck_error error = ck_csn_set_add_list(set, (struct ck_text){left.at + 4, length - 4});
			if (error != CK_OK) return error;
		}
		if (end == NULL) break;
		left = (struct ck_text){end + 1, left.length - length - 1};
	}
	return CK_OK;
}

enum ck_error ck_csn_set_merge(struct ck_csn_set *set, const struct ck_csn_set *other)
{
	for (size_t i = 0; i < other->count; i++) {
		enum ck_error error = ck_csn_set_add(set, ck_text_of(other->at[i].csn));
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

bool ck_csn_set_covers(const struct ck_csn_set *set, const struct ck_csn_set *other)
{
	size_t at = 0;
	for (size_t i = 0; i < other->count; i++) {
		while (at < set->count && set->at[at].server < other->at[i].server) at++;
		if (at == set->count || set->at[at].server != other->at[i].server) return false;
		if (memcmp(set->at[at].csn, other->at[i].csn, CK_CSN_BYTES) < 0) return false;
	}
	return true;
}

bool ck_csn_set_drop_after(struct ck_csn_set *set, int64_t time_s)
{
	char limit[CK_TIME_TEXT_BYTES];
	size_t kept = 0;
	ck_time_format_generalized(time_s, limit);
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(set->at[i].csn, limit, strlen("20260102030405")) <= 0) set->at[kept++] = set->at[i];
	bool dropped = kept < set->count;
	set->count = kept;
	return dropped;
}

void ck_csn_set_format(const struct ck_csn_set *set, char out[CK_CSN_LIST_LIMIT_BYTES])
{
	size_t used = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (i > 0) out[used++] = ';';
		memcpy(out + used, set->at[i].csn, CK_CSN_BYTES);
		used += CK_CSN_BYTES;
	}
	out[used] = '\0';
}

size_t ck_csn_set_cookie(const struct ck_csn_set *set, char out[CK_CSN_LIST_LIMIT_BYTES])
{
	if (set->count == 0) {
		out[0] = '\0';
		return 0;
	}
	char list[CK_CSN_LIST_LIMIT_BYTES];
	ck_csn_set_format(set, list);
	int length = snprintf(out, CK_CSN_LIST_LIMIT_BYTES, "rid=000,csn=%s", list);
	CK_ASSERT(length > 0 && length < CK_CSN_LIST_LIMIT_BYTES);
	return (size_t)length;
}
