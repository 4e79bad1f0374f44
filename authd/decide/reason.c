/* The words for why. The names are stable: clients and the audit log carry them. */
#include "authd/decide/decide.h"

static const struct {
	const char *name, *sentence;
} reasons[CK_REASON_LAST + 1] = {
	[CK_REASON_NOT_DECIDED] = {"not-decided", "nothing was decided"},
	[CK_REASON_UNAVAILABLE] = {"unavailable", "this machine has no whole copy of the directory yet"},
	[CK_REASON_STALE] = {"stale", "this machine's copy of the directory is too old"},
	[CK_REASON_CLOCK] = {"clock", "this machine's clock is wrong"},
	[CK_REASON_UNKNOWN_STAFF] = {"unknown-staff", "nobody of that name is on the staff"},
	[CK_REASON_STAFF_NOT_ACTIVE] = {"staff-not-active", "the person is suspended, or outside their dates"},
	[CK_REASON_STAFF_INVALID] = {"staff-invalid", "the person's uidNumber is outside their authority's range"},
	[CK_REASON_AUTHORITY_NOT_ACTIVE] = {"authority-not-active", "the authority is missing, suspended, or outside its dates"},
	[CK_REASON_UNKNOWN_SYSTEM] = {"unknown-system", "no system of that name is in the directory"},
	[CK_REASON_OTHER_SYSTEM] = {"other-system", "the system of that name in the directory is not this machine"},
	[CK_REASON_SYSTEM_NOT_ACTIVE] = {"system-not-active", "the system is suspended"},
	[CK_REASON_NO_RULE] = {"no-rule", "no active rule names this system"},
	[CK_REASON_SERVICE] = {"service", "no rule of this system allows this service"},
	[CK_REASON_ACCOUNT] = {"account", "no rule of this system opens this account by this service"},
	[CK_REASON_NO_ROLE] = {"no-role", "no role lets you in here"},
	[CK_REASON_SOURCE] = {"source", "a role lets you in here, but not from where you are"},
	[CK_REASON_HOURS] = {"hours", "a role lets you in here, but not in these hours of the week"},
	[CK_REASON_PROOF] = {"proof", "a role lets you in here, once more is proved"},
	[CK_REASON_GRANTED] = {"granted", "granted"}
};

const char *ck_reason_name(enum ck_reason reason)
{
	return reason >= CK_REASON_NOT_DECIDED && reason <= CK_REASON_LAST ? reasons[reason].name : reasons[CK_REASON_NOT_DECIDED].name;
}

const char *ck_reason_sentence(enum ck_reason reason)
{
	return reason >= CK_REASON_NOT_DECIDED && reason <= CK_REASON_LAST ? reasons[reason].sentence : reasons[CK_REASON_NOT_DECIDED].sentence;
}
