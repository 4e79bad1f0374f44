/* The closed words of a record (kinds, states, what was proved) and its window. Trusts nothing but its own tables. */
#include "directory/model/record.h"

#include "directory/base/clock.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[CK_KIND_LAST + 1] = {
	[CK_KIND_NONE] = "none",           [CK_KIND_AUTHORITY] = "authority", [CK_KIND_STAFF] = "staff",
	[CK_KIND_KEY] = "key",             [CK_KIND_ROLE] = "role",           [CK_KIND_GRANT] = "grant",
	[CK_KIND_SYSTEM] = "system",       [CK_KIND_SYSTEM_GROUP] = "system-group",
	[CK_KIND_RULE] = "rule",           [CK_KIND_CODE] = "code",           [CK_KIND_KEY_USE] = "key-use",
};

static const char *const status_names[] = {
	[CK_STATUS_NONE] = "none",
	[CK_STATUS_ACTIVE] = "active",
	[CK_STATUS_SUSPENDED] = "suspended",
	[CK_STATUS_REVOKED] = "revoked",
};

static const struct {
	unsigned bit;
	const char *name;
} proved_names[] = {
	{CK_PROVED_TOUCH, "touch"},
	{CK_PROVED_PASSWORD, "password"},
	{CK_PROVED_VERIFIED, "verified"},
	{CK_PROVED_ATTESTED, "attested"},
};

static const char *const trait_names[] = {"discoverable",    "biometric", "protected-2", "protected-3", "backup-eligible",
                                          "backed-up",       "usb",       "nfc",         "ble",         "smart-card",
                                          "hybrid",          "internal"};
_Static_assert(CK_TRAITS_ALL == (1u << sizeof trait_names / sizeof trait_names[0]) - 1, "every trait has its name");

const char *ck_kind_name(enum ck_kind kind)
{
	size_t at = (size_t)kind;
	return at <= CK_KIND_LAST ? kind_names[at] : "none";
}

enum ck_kind ck_kind_of_name(struct ck_text name)
{
	for (size_t i = CK_KIND_AUTHORITY; i <= CK_KIND_LAST; i++)
		if (ck_text_is(name, kind_names[i])) return (enum ck_kind)i;
	return CK_KIND_NONE;
}

const char *ck_status_name(enum ck_status status)
{
	size_t at = (size_t)status;
	return at <= CK_STATUS_REVOKED ? status_names[at] : "none";
}

enum ck_status ck_status_of_name(struct ck_text name)
{
	for (size_t i = CK_STATUS_ACTIVE; i <= CK_STATUS_REVOKED; i++)
		if (ck_text_is(name, status_names[i])) return (enum ck_status)i;
	return CK_STATUS_NONE;
}

bool ck_window_contains(struct ck_window window, struct ck_moment now)
{
	return window.from_s <= now.s && now.s < window.until_s && (!now.behind || window.until_s == CK_TIME_UNLIMITED);
}

bool ck_window_doubted(struct ck_window window, struct ck_moment now)
{
	return now.behind && !ck_window_contains(window, now) && ck_window_contains(window, (struct ck_moment){.s = now.s});
}

enum ck_error ck_proved_parse(struct ck_text word, unsigned *out_bit)
{
	*out_bit = CK_PROVED_NOTHING;
	if (ck_text_is(word, "none")) return CK_OK;
	for (size_t i = 0; i < sizeof proved_names / sizeof proved_names[0]; i++) {
		if (ck_text_is(word, proved_names[i].name)) {
			*out_bit = proved_names[i].bit;
			return CK_OK;
		}
	}
	return CK_ERR_INVALID;
}

const char *ck_proved_format(unsigned proved, char out[CK_PROVED_TEXT_BYTES])
{
	size_t length = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof proved_names / sizeof proved_names[0]; i++) {
		if ((proved & proved_names[i].bit) == 0) continue;
		length += (size_t)snprintf(out + length, CK_PROVED_TEXT_BYTES - length, "%s%s", length > 0 ? "+" : "",
		                           proved_names[i].name);
	}
	if (length == 0) memcpy(out, "none", sizeof "none");
	return out;
}

unsigned ck_trait_of_name(struct ck_text name)
{
	for (size_t i = 0; i < sizeof trait_names / sizeof trait_names[0]; i++)
		if (ck_text_is(name, trait_names[i])) return 1u << i;
	return 0;
}

const char *ck_trait_name(unsigned bit)
{
	for (size_t i = 0; i < sizeof trait_names / sizeof trait_names[0]; i++)
		if (bit == 1u << i) return trait_names[i];
	return NULL;
}

bool ck_traits_valid(unsigned traits)
{
	const unsigned protections = CK_TRAIT_PROTECTED_2 | CK_TRAIT_PROTECTED_3;
	if ((traits & ~CK_TRAITS_ALL) != 0 || (traits & protections) == protections) return false;
	return (traits & CK_TRAIT_BACKED_UP) == 0 || (traits & CK_TRAIT_BACKUP_ELIGIBLE) != 0;
}
