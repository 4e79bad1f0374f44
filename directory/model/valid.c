/* What a record may say by itself: every rule that needs no other entry. Trusts nothing in the record but its lengths and pointers.
   The answer starts as a fault; a kind's check is one chain that ends in CK_OK. */
#include "directory/base/clock.h"
#include "directory/model/record.h"

#include <string.h>

/* Names of the machine itself, and of user-private groups that would meet a group of the machine. They belong to /etc/passwd. */
static const char *const reserved_names[] = {
	"root",     "daemon",  "bin",     "sys",      "sync",    "games",    "man",      "lp",       "mail",    "news",     "uucp",
	"proxy",    "www-data", "backup", "list",     "irc",     "gnats",    "nobody",   "nogroup",  "operator", "halt",    "shutdown",
	"ftp",      "http",    "dbus",    "polkitd",  "sshd",    "messagebus", "postfix", "adm",     "admin",   "wheel",    "sudo",
	"shadow",   "tty",     "disk",    "dialout",  "fax",     "voice",    "cdrom",    "floppy",   "tape",    "audio",    "dip",
	"src",      "utmp",    "video",   "sasl",     "plugdev", "staff",    "users",    "input",    "kvm",     "render",   "sgx",
	"kmem",     "netdev",  "docker",  "lxd",      "openldap", "ssh",     "crontab",  "mlocate",  "self",    "none",     "any",
};
/* Families of such names. */
static const char *const reserved_beginnings[] = {"systemd-", "crosskeys", "_"};

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/* Every byte is a-z, 0-9 or one of `more`. */
static bool consists_of(struct ck_text text, const char *more)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		if (!is_lower(c) && !is_digit(c) && (c == '\0' || strchr(more, c) == NULL)) return false;
	}
	return true;
}

static bool begins_with(struct ck_text text, const char *beginning)
{
	size_t length = strlen(beginning);
	return text.length >= length && memcmp(text.at, beginning, length) == 0;
}

static bool is_reserved(struct ck_text name)
{
	for (size_t i = 0; i < sizeof reserved_names / sizeof reserved_names[0]; i++)
		if (ck_text_is(name, reserved_names[i])) return true;
	for (size_t i = 0; i < sizeof reserved_beginnings / sizeof reserved_beginnings[0]; i++)
		if (begins_with(name, reserved_beginnings[i])) return true;
	return false;
}

bool ck_model_uid_valid(struct ck_text uid)
{
	return uid.length >= 2 && uid.length <= CK_UID_LIMIT_BYTES && is_lower(uid.at[0]) && consists_of(uid, "_-") && !is_reserved(uid);
}

bool ck_model_account_valid(struct ck_text account)
{
	return account.length >= 1 && account.length <= CK_UID_LIMIT_BYTES && (is_lower(account.at[0]) || account.at[0] == '_') &&
	       consists_of(account, "_-") && !ck_text_is(account, "self");
}

bool ck_model_service_valid(struct ck_text service)
{
	if (service.length < 1 || service.length > 64) return false;
	for (size_t i = 0; i < service.length; i++) {
		char c = service.at[i];
		if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_' && c != '.' && c != '-') return false;
	}
	return true;
}

static bool host_like(struct ck_text name, size_t limit_bytes)
{
	return name.length >= 1 && name.length <= limit_bytes && consists_of(name, ".-") && name.at[0] != '.' && name.at[0] != '-' &&
	       name.at[name.length - 1] != '.' && name.at[name.length - 1] != '-';
}

bool ck_model_system_name_valid(struct ck_text name) { return host_like(name, CK_NAME_LIMIT_BYTES); }

static enum ck_error fault(struct ck_errmsg *err, const char *attribute, const char *expected)
{
	return ck_fail(err, CK_ERR_INVALID, "%s: must be %s", attribute, expected);
}

/* ---- parts; each true if it is well ---- */

static bool name_ok(struct ck_text name)
{
	return name.length >= 1 && name.length <= CK_NAME_LIMIT_BYTES && ck_text_is_printable_utf8(name) && name.at[0] != ' ' &&
	       name.at[name.length - 1] != ' ';
}

static bool name_ok_or_absent(struct ck_text name) { return name.length == 0 || name_ok(name); }

static bool mail_ok(struct ck_text mail)
{
	if (mail.length < 3 || mail.length > CK_NAME_LIMIT_BYTES) return false;
	size_t ats = 0;
	for (size_t i = 0; i < mail.length; i++) {
		char c = mail.at[i];
		if (c <= ' ' || c > '~' || strchr("<>()[]\\,;:\"", c) != NULL) return false;
		if (c == '@') ats++;
	}
	return ats == 1 && mail.at[0] != '@' && mail.at[mail.length - 1] != '@';
}

/* Absolute, no step upwards, and nothing that would end a field of passwd(5). */
static bool path_ok(struct ck_text path)
{
	if (path.length < 2 || path.length > CK_NAME_LIMIT_BYTES || path.at[0] != '/' || !ck_text_is_printable_utf8(path)) return false;
	for (size_t i = 0; i < path.length; i++) {
		if (path.at[i] == ':') return false;
		struct ck_text rest = {path.at + i, path.length - i};
		if (begins_with(rest, "/..") && (rest.length == 3 || rest.at[3] == '/')) return false;
	}
	return true;
}

static bool ids_ok(struct ck_ids ids, size_t least)
{
	if (ids.count < least || ids.count > CK_LIST_LIMIT || (ids.count > 0 && ids.at == NULL)) return false;
	for (size_t i = 0; i < ids.count; i++)
		if (ck_id_is_zero(ids.at[i])) return false;
	return true;
}

static bool window_ok(struct ck_window window) { return window.from_s < window.until_s; }

static bool status_ok(enum ck_status status) { return status == CK_STATUS_ACTIVE || status == CK_STATUS_SUSPENDED; }

/* "*" alone, or each one `ok`. */
static bool words_ok(const struct ck_texts *words, bool (*ok)(struct ck_text), const char *alone)
{
	if (words->count < 1 || words->count > CK_LIST_LIMIT) return false;
	for (size_t i = 0; i < words->count; i++) {
		bool is_alone = alone != NULL && ck_text_is(words->at[i], alone);
		if (is_alone ? words->count != 1 : !ok(words->at[i])) return false;
	}
	return true;
}

static bool domain_ok(struct ck_text domain) { return host_like(domain, CK_NAME_LIMIT_BYTES); }
static bool rule_account_ok(struct ck_text account) { return ck_text_is(account, "self") || ck_model_account_valid(account); }

static bool authority_kind_ok(struct ck_text kind)
{
	if (kind.length < 1 || kind.length > 32) return false;
	for (size_t i = 0; i < kind.length; i++)
		if (!is_lower(kind.at[i]) && kind.at[i] != '-') return false;
	return true;
}

static bool sources_ok(const struct ck_networks *sources)
{
	if (sources->count > CK_LIST_LIMIT) return false;
	if (sources->any) return !sources->local && sources->count == 0;
	for (size_t i = 0; i < sources->count; i++) {
		const struct ck_network *n = &sources->at[i];
		if (!(n->family == 4 && n->prefix_bits <= 32) && !(n->family == 6 && n->prefix_bits <= 128)) return false;
	}
	return sources->local || sources->count > 0;
}

/* ---- kinds ---- */

static const char *const expected_name = "1 to 128 bytes of printable UTF-8 without a space at either end";
static const char *const expected_window = "later than ckValidFrom";
static const char *const expected_status = "active or suspended";

static enum ck_error validate_authority(const struct ck_authority *a, struct ck_errmsg *err)
{
	if (!name_ok(a->name)) return fault(err, "ckName", expected_name);
	if (!authority_kind_ok(a->kind)) return fault(err, "ckAuthorityKind", "1 to 32 of a-z and -");
	if (!status_ok(a->status)) return fault(err, "ckStatus", expected_status);
	if (!window_ok(a->window)) return fault(err, "ckValidUntil", expected_window);
	if (ck_id_is_zero(a->admin_role)) return fault(err, "ckAdminRoleId", "the ckId of a role");
	if (a->uid_number_first < CK_UID_NUMBER_FIRST || a->uid_number_first > CK_UID_NUMBER_LAST)
		return fault(err, "ckUidNumberFirst", "200000 to 2147483646");
	if (a->uid_number_last < a->uid_number_first || a->uid_number_last > CK_UID_NUMBER_LAST)
		return fault(err, "ckUidNumberLast", "at least ckUidNumberFirst and at most 2147483646");
	if (!words_ok(&a->mail_domains, domain_ok, "*")) return fault(err, "ckMailDomain", "\"*\" alone, or 1 to 64 domains in lower case");
	if (!ck_zone_name_valid(a->zone)) return fault(err, "ckZone", "the name of a time zone, such as Europe/London or UTC");
	if (!ck_zone_table_valid(&a->zone_table)) return fault(err, "ckZone", "one whose shifts are in order");
	return CK_OK;
}

static enum ck_error validate_person(const struct ck_staff *s, struct ck_errmsg *err)
{
	if (!name_ok(s->cn)) return fault(err, "cn", expected_name);
	if (!name_ok(s->sn)) return fault(err, "sn", expected_name);
	if (!name_ok_or_absent(s->given_name)) return fault(err, "givenName", expected_name);
	if (!mail_ok(s->mail)) return fault(err, "mail", "one plain address (local@domain) of at most 128 bytes");
	if (!name_ok_or_absent(s->telephone)) return fault(err, "telephoneNumber", expected_name);
	if (!name_ok_or_absent(s->title)) return fault(err, "title", expected_name);
	if (!name_ok_or_absent(s->department)) return fault(err, "departmentNumber", expected_name);
	if (!name_ok(s->staff_number)) return fault(err, "employeeNumber", expected_name);
	return CK_OK;
}

static enum ck_error validate_staff(const struct ck_staff *s, struct ck_errmsg *err)
{
	if (!ck_model_uid_valid(s->uid)) return fault(err, "uid", "[a-z][a-z0-9_-]{1,31} and no reserved name");
	if (s->uid_number < CK_UID_NUMBER_FIRST || s->uid_number > CK_UID_NUMBER_LAST)
		return fault(err, "uidNumber", "200000 to 2147483646: lower ones belong to the machine");
	if (s->gid_number < CK_UID_NUMBER_FIRST || s->gid_number > CK_UID_NUMBER_LAST)
		return fault(err, "gidNumber", "200000 to 2147483646: lower ones belong to the machine");
	if (!path_ok(s->home)) return fault(err, "homeDirectory", "an absolute path of at most 128 bytes without \"..\" or \":\"");
	if (!path_ok(s->shell)) return fault(err, "loginShell", "an absolute path of at most 128 bytes without \"..\" or \":\"");
	if (!status_ok(s->status)) return fault(err, "ckStatus", expected_status);
	if (!window_ok(s->window)) return fault(err, "ckValidUntil", expected_window);
	return validate_person(s, err);
}

static bool attestation_ok(struct ck_text word)
{
	return ck_text_is(word, CK_ATTESTATION_NONE) || ck_text_is(word, CK_ATTESTATION_SELF) || ck_text_is(word, CK_ATTESTATION_CERTIFICATE);
}

static enum ck_error validate_key(const struct ck_key *k, struct ck_errmsg *err)
{
	if (ck_id_is_zero(k->staff)) return fault(err, "dn", "below its staff");
	if (k->credential_id.length < 1 || k->credential_id.length > CK_CREDENTIAL_ID_LIMIT_BYTES)
		return fault(err, "ckCredentialId", "1 to 1023 bytes");
	if (k->public_key.length < 1 || k->public_key.length > CK_PUBLIC_KEY_LIMIT_BYTES) return fault(err, "ckPublicKey", "1 to 600 bytes");
	if (!host_like(k->rp_id, CK_RP_ID_NAME_LIMIT_BYTES)) return fault(err, "ckRpId", "a host name in lower case");
	if (!name_ok(k->label)) return fault(err, "ckLabel", expected_name);
	if (!attestation_ok(k->attestation)) return fault(err, "ckAttestation", "none, self or certificate");
	if (k->registration.length > CK_KEY_REGISTRATION_LIMIT_BYTES) return fault(err, "ckRegistration", "at most 12288 bytes");
	if (!ck_traits_valid(k->traits)) return fault(err, "ckTrait", "traits that go together");
	if (!status_ok(k->status) && k->status != CK_STATUS_REVOKED) return fault(err, "ckStatus", "active, suspended or revoked");
	if (!window_ok(k->window)) return fault(err, "ckValidUntil", expected_window);
	return CK_OK;
}

static enum ck_error validate_role(const struct ck_role *r, struct ck_errmsg *err)
{
	if (!name_ok(r->name)) return fault(err, "ckName", expected_name);
	if (!status_ok(r->status)) return fault(err, "ckStatus", expected_status);
	if (!ids_ok(r->member_roles, 0)) return fault(err, "ckMemberRoleId", "at most 64 ckIds of roles");
	if (!ids_ok(r->all_staff_of, 0)) return fault(err, "ckAllStaffOfId", "at most 64 ckIds of authorities");
	return CK_OK;
}

static enum ck_error validate_grant(const struct ck_grant *g, struct ck_errmsg *err)
{
	if (ck_id_is_zero(g->role)) return fault(err, "dn", "below its role");
	if (ck_id_is_zero(g->staff)) return fault(err, "ckStaffId", "the ckId of staff");
	if (!window_ok(g->window)) return fault(err, "ckValidUntil", expected_window);
	if (g->reason.length < 1 || g->reason.length > CK_REASON_LIMIT_BYTES || !ck_text_is_printable_utf8(g->reason))
		return fault(err, "ckReason", "1 to 512 bytes of printable UTF-8");
	return CK_OK;
}

static enum ck_error validate_system(const struct ck_system *s, struct ck_errmsg *err)
{
	if (!ck_model_system_name_valid(s->name)) return fault(err, "ckName", "[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?");
	if (!status_ok(s->status)) return fault(err, "ckStatus", expected_status);
	if (!ids_ok(s->groups, 0)) return fault(err, "ckGroupId", "at most 64 ckIds of system groups");
	return CK_OK;
}

static enum ck_error validate_system_group(const struct ck_system_group *g, struct ck_errmsg *err)
{
	if (!name_ok(g->name)) return fault(err, "ckName", expected_name);
	if (!status_ok(g->status)) return fault(err, "ckStatus", expected_status);
	return CK_OK;
}

static enum ck_error validate_rule(const struct ck_rule *r, struct ck_errmsg *err)
{
	if (!name_ok(r->name)) return fault(err, "ckName", expected_name);
	if (!status_ok(r->status)) return fault(err, "ckStatus", expected_status);
	if (!window_ok(r->window)) return fault(err, "ckValidUntil", expected_window);
	if (r->all_systems ? r->targets.count != 0 : !ids_ok(r->targets, 1))
		return fault(err, "ckTarget", "\"*\" alone, or 1 to 64 ckIds of systems and groups");
	if (!ids_ok(r->roles, 1)) return fault(err, "ckRoleId", "1 to 64 ckIds of roles");
	if (!words_ok(&r->accounts, rule_account_ok, NULL)) return fault(err, "ckAccount", "1 to 64 of \"self\" and account names");
	if (!words_ok(&r->services, ck_model_service_valid, "*")) return fault(err, "ckService", "\"*\" alone, or 1 to 64 service names");
	if (!sources_ok(&r->sources)) return fault(err, "ckSource", "\"*\" alone, or 1 to 64 of \"local\" and networks");
	if ((r->proved & ~CK_PROVED_ALL) != 0) return fault(err, "ckProved", "\"none\" alone, or of touch, password, verified, attested");
	if (!ck_weekly_valid(&r->weekly)) return fault(err, "ckWeekly", "\"always\" alone, or 1 to 32 hours that do not overlap");
	return CK_OK;
}

static enum ck_error validate_code(const struct ck_code *c, struct ck_errmsg *err)
{
	if (ck_id_is_zero(c->staff)) return fault(err, "dn", "below its staff");
	if (!window_ok(c->window)) return fault(err, "ckValidUntil", expected_window);
	if (c->window.from_s == CK_TIME_ALWAYS || c->window.until_s == CK_TIME_UNLIMITED)
		return fault(err, "ckValidUntil", "a real end, as ckValidFrom a real beginning: codes are short-lived");
	return CK_OK;
}

/* The time of a touch: neither of the two that say "no end". */
static enum ck_error validate_key_use(const struct ck_key_use *u, struct ck_errmsg *err)
{
	if (ck_id_is_zero(u->staff)) return fault(err, "dn", "below a key of its staff");
	if (u->used_s == CK_TIME_ALWAYS || u->used_s == CK_TIME_UNLIMITED) return fault(err, "ckLastUse", "a real time");
	return CK_OK;
}

static enum ck_error validate_kind(const struct ck_record *record, struct ck_errmsg *err)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: return validate_authority(&record->as.authority_of, err);
	case CK_KIND_STAFF: return validate_staff(&record->as.staff, err);
	case CK_KIND_KEY: return validate_key(&record->as.key, err);
	case CK_KIND_ROLE: return validate_role(&record->as.role, err);
	case CK_KIND_GRANT: return validate_grant(&record->as.grant, err);
	case CK_KIND_SYSTEM: return validate_system(&record->as.system, err);
	case CK_KIND_SYSTEM_GROUP: return validate_system_group(&record->as.system_group, err);
	case CK_KIND_RULE: return validate_rule(&record->as.rule, err);
	case CK_KIND_CODE: return validate_code(&record->as.code, err);
	case CK_KIND_KEY_USE: return validate_key_use(&record->as.key_use, err);
	case CK_KIND_NONE: break;
	}
	return ck_fail(err, CK_ERR_INVALID, "kind: %d is none of ours", (int)record->kind);
}

enum ck_error ck_model_validate(const struct ck_record *record, struct ck_errmsg *err)
{
	if (ck_id_is_zero(record->id)) return fault(err, "ckId", "a random UUID, not zero");
	if (ck_id_is_zero(record->authority)) return fault(err, "dn", "below its authority");
	if (record->csn.length > CK_CSN_LIMIT_BYTES) return fault(err, "entryCSN", "at most 48 bytes");
	if (record->kind == CK_KIND_AUTHORITY && !ck_id_equal(record->id, record->authority))
		return fault(err, "dn", "an authority's own");
	if (record->kind == CK_KIND_KEY && memcmp(record->id.bytes, record->as.key.hash, sizeof record->id.bytes) != 0)
		return fault(err, "ckKeyHash", "what the key's id begins with");
	if (record->kind == CK_KIND_KEY_USE && memcmp(record->id.bytes, record->as.key_use.hash, sizeof record->id.bytes) != 0)
		return fault(err, "ckKeyHash", "what the key's id begins with");
	return validate_kind(record, err);
}
