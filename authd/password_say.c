/* Sentences about passwords. Pure. */
#include "authd/password_say.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define DAY_S 86400
#define HOUR_S 3600
#define MINUTE_S 60

static void say(struct ck_errmsg *out, const char *text) { (void)snprintf(out->text, sizeof out->text, "%s", text); }

static const char *plural(int64_t count) { return count == 1 ? "" : "s"; }

/* Rounded up: nobody is told that there is less left than there is not. */
static void say_span(int64_t seconds, char *out, size_t out_bytes)
{
	int64_t unit_s = seconds > 2 * DAY_S ? DAY_S : seconds > 2 * HOUR_S ? HOUR_S : MINUTE_S;
	const char *unit = unit_s == DAY_S ? "day" : unit_s == HOUR_S ? "hour" : "minute";
	int64_t count = (seconds + unit_s - 1) / unit_s;
	(void)snprintf(out, out_bytes, "%lld %s%s", (long long)count, unit, plural(count));
}

static void say_expiring(int64_t seconds_left, struct ck_errmsg *out)
{
	char span[48];
	int64_t unit_s = seconds_left > 2 * DAY_S ? DAY_S : seconds_left > 2 * HOUR_S ? HOUR_S : MINUTE_S;
	say_span(seconds_left - seconds_left % unit_s, span, sizeof span); /* rounded down */
	if (seconds_left < MINUTE_S) say(out, "Your password expires within a minute; " CK_PASSWORD_CHANGE_HINT ".");
	else (void)snprintf(out->text, sizeof out->text, "Your password expires in %s; " CK_PASSWORD_CHANGE_HINT ".", span);
}

static void say_grace(unsigned left, struct ck_errmsg *out)
{
	static const char last[] = "Your password has expired, and this was the last time that it opened anything: " CK_PASSWORD_CHANGE_HINT
	                           ", while you are in.";
	static const char more[] = "Your password has expired; it opens %u time%s more. " CK_PASSWORD_CHANGE_HINT ".";
	if (left == 0) say(out, last);
	else (void)snprintf(out->text, sizeof out->text, more, left, plural(left));
}

void ck_password_say(const struct ck_password_answer *answer, struct ck_errmsg *out)
{
	out->text[0] = '\0';
	switch (answer->outcome) {
	case CK_PASSWORD_UNAVAILABLE: say(out, "the directory does not answer, so nobody can check the password"); break;
	case CK_PASSWORD_WRONG: say(out, "the password is wrong, or you have none; an administrator of your authority gives a new one"); break;
	case CK_PASSWORD_LOCKED: say(out, "the password is locked, by too many wrong ones or by an administrator; see your administrator, or wait"); break;
	case CK_PASSWORD_EXPIRED: say(out, "the password has expired; an administrator of your authority gives a new one"); break;
	case CK_PASSWORD_EXPIRING: say_expiring(answer->seconds_left, out); break;
	case CK_PASSWORD_GRACE: say_grace(answer->grace_left, out); break;
	case CK_PASSWORD_MUST_CHANGE: say(out, "The password was chosen by somebody else: choose your own before you go on."); break;
	case CK_PASSWORD_TOO_SHORT: say(out, "the new password is too short"); break;
	case CK_PASSWORD_TOO_LONG: say(out, "the new password is too long"); break;
	case CK_PASSWORD_TOO_SIMPLE: say(out, "the new password is too simple, or the old one again"); break;
	case CK_PASSWORD_TOO_YOUNG: say(out, "the password was changed only just now; it may be changed again later"); break;
	case CK_PASSWORD_USED_BEFORE: say(out, "the new password was yours before; choose one that was not"); break;
	case CK_PASSWORD_FIXED: say(out, "the directory's policy lets nobody change this password; see your administrator"); break;
	case CK_PASSWORD_RIGHT:
	case CK_PASSWORD_CHANGED: break;
	}
}

void ck_password_say_wait(int64_t again_s, int64_t now_s, struct ck_errmsg *out)
{
	char span[48], at[CK_TIME_TEXT_BYTES];
	say_span(again_s > now_s ? again_s - now_s : 1, span, sizeof span);
	(void)snprintf(out->text, sizeof out->text, "too many wrong passwords were tried; try again in %s, after %s", span, ck_time_format(again_s, at));
}

const char *ck_password_reason(enum ck_password_outcome outcome)
{
	switch (outcome) {
	case CK_PASSWORD_WRONG: return "password-wrong";
	case CK_PASSWORD_LOCKED: return "password-locked";
	case CK_PASSWORD_EXPIRED: return "password-expired";
	case CK_PASSWORD_TOO_SHORT: return "password-too-short";
	case CK_PASSWORD_TOO_LONG: return "password-too-long";
	case CK_PASSWORD_TOO_SIMPLE: return "password-too-simple";
	case CK_PASSWORD_TOO_YOUNG: return "password-too-young";
	case CK_PASSWORD_USED_BEFORE: return "password-used-before";
	case CK_PASSWORD_FIXED: return "password-fixed";
	case CK_PASSWORD_UNAVAILABLE:
	case CK_PASSWORD_RIGHT:
	case CK_PASSWORD_EXPIRING:
	case CK_PASSWORD_GRACE:
	case CK_PASSWORD_MUST_CHANGE:
	case CK_PASSWORD_CHANGED: break;
	}
	return "unavailable";
}
