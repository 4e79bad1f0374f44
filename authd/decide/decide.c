/* Who may enter. Every step narrows; nothing but the end of ck_decide widens. Parents are checked here and not trusted from the store:
   they may be missing, suspended, or somebody else's. */
#include "authd/decide/decide.h"

#include <string.h>

#include "authd/decide/role.h"

struct near_miss {
	bool found;
	struct ck_id rule;
	unsigned demanded;
	int missing;
};

struct chain {
	bool (*visit)(const struct ck_record *rule, void *chain);
	struct ck_view *view;
	const struct ck_question *question;
	struct ck_trace *trace;
	enum ck_reason furthest;
	enum ck_error error; /* of the store: whatever was found, nothing is allowed */
	struct ck_subject subject;
	struct ck_id system, system_authority;
	struct ck_zone_table zone; /* of the system's authority: what its rules' hours are meant by */
	int64_t until_s; /* of the person, the system and their authorities */
	bool doubted; /* something would have counted, were the clock to be trusted */
	/* what rules were already asked for: one that names several is looked at once */
	struct ck_id asked[2 + CK_LIST_LIMIT];
	size_t asked_count;
	/* the allowing rule that lasts longest, of equals the one with the smallest id */
	bool granted;
	struct ck_id rule;
	int64_t rule_until_s;
	unsigned demanded;
	struct near_miss near;
	bool lenient; /* of ck_decide_asks_less */
};

static const struct ck_id no_id;

/* A step that is to be filled further, or NULL. */
static struct ck_trace_step *note(struct chain *chain, enum ck_step step, bool passed, struct ck_id rule, struct ck_id about, int64_t until_s)
{
	struct ck_trace *trace = chain->trace;
	if (trace == NULL) return NULL;
	if (trace->count == CK_TRACE_LIMIT) {
		trace->dropped++;
		return NULL;
	}
	struct ck_trace_step *at = &trace->at[trace->count++];
	memset(at, 0, sizeof *at);
	at->step = step;
	at->passed = passed;
	at->rule = rule;
	at->about = about;
	at->until_s = until_s;
	return at;
}

static void reached(struct chain *chain, enum ck_reason reason)
{
	if (reason > chain->furthest) chain->furthest = reason;
}

/* False when it is not there; what the store could not read ends the whole chain. */
static bool found(struct chain *chain, enum ck_error error)
{
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) chain->error = error;
	return error == CK_OK;
}

static void doubt(struct chain *chain, const struct ck_record *record)
{
	if (ck_doubted(record, chain->question->now)) chain->doubted = true;
}

/* ---- before rules ---- */

static enum ck_reason check_copy(struct chain *chain)
{
	const struct ck_question *question = chain->question;
	struct ck_store_state state;
	if (!found(chain, ck_view_state(chain->view, &state)) || !state.finished) return CK_REASON_UNAVAILABLE;
	int64_t now_s = question->now.s;
	int64_t as_of_s = question->as_of_s;
	/* unsigned: no difference of two times overflows */
	uint64_t age_s = now_s > as_of_s ? (uint64_t)now_s - (uint64_t)as_of_s : 0;
	uint64_t ahead_s = as_of_s > now_s ? (uint64_t)as_of_s - (uint64_t)now_s : 0;
	if (question->as_of_limit_s < 0) return CK_REASON_STALE;
	if (question->as_of_limit_s > 0 && age_s > (uint64_t)question->as_of_limit_s) return CK_REASON_STALE;
	if (now_s <= 0 || ahead_s > CK_CLOCK_TOLERANCE_S) return CK_REASON_CLOCK;
	return CK_REASON_GRANTED;
}

/* Whoever they are; under "self" of rules their own uid is meant. */
static enum ck_reason check_person(struct chain *chain, const struct ck_record *person)
{
	struct ck_moment now = chain->question->now;
	struct ck_record record;
	uint64_t uid_number = person->as.staff.uid_number;
	bool active = ck_staff_active(person, now);
	doubt(chain, person);
	chain->subject = (struct ck_subject){person->id, person->authority, person->as.staff.window.until_s};
	(void)note(chain, CK_STEP_STAFF, active, no_id, person->id, person->as.staff.window.until_s);
	if (!active) return CK_REASON_STAFF_NOT_ACTIVE;

	if (!found(chain, ck_view_get(chain->view, CK_KIND_AUTHORITY, chain->subject.authority, &record))) {
		(void)note(chain, CK_STEP_STAFF_AUTHORITY, false, no_id, chain->subject.authority, 0);
		return CK_REASON_AUTHORITY_NOT_ACTIVE;
	}
	const struct ck_authority *authority = &record.as.authority_of;
	bool in_range = uid_number >= CK_UID_NUMBER_FIRST && uid_number >= authority->uid_number_first && uid_number <= authority->uid_number_last;
	active = ck_authority_active(&record, now);
	doubt(chain, &record);
	(void)note(chain, CK_STEP_STAFF_AUTHORITY, in_range && active, no_id, record.id, authority->window.until_s);
	if (!in_range) return CK_REASON_STAFF_INVALID;
	chain->subject.until_s = ck_earlier(chain->subject.until_s, authority->window.until_s);
	return active ? CK_REASON_GRANTED : CK_REASON_AUTHORITY_NOT_ACTIVE;
}

static enum ck_reason check_staff(struct chain *chain)
{
	struct ck_record record;
	if (found(chain, ck_view_staff_by_uid(chain->view, chain->question->uid, &record))) return check_person(chain, &record);
	(void)note(chain, CK_STEP_STAFF, false, no_id, no_id, 0);
	return CK_REASON_UNKNOWN_STAFF;
}

/* A name can be taken once its system is removed, an id cannot: the one that is asked about has both. */
static enum ck_reason find_system(struct chain *chain, struct ck_record *out)
{
	const struct ck_question *question = chain->question;
	bool known = found(chain, ck_view_system_by_name(chain->view, question->system, out));
	bool other = known && !ck_id_is_zero(question->system_id) && !ck_id_equal(out->id, question->system_id);
	if (known && !other) return CK_REASON_GRANTED;
	(void)note(chain, CK_STEP_SYSTEM, false, no_id, known ? out->id : no_id, 0);
	return other ? CK_REASON_OTHER_SYSTEM : CK_REASON_UNKNOWN_SYSTEM;
}

/* `system` keeps the groups. */
static enum ck_reason check_system(struct chain *chain, struct ck_record *system)
{
	struct ck_record record;
	enum ck_reason reason = find_system(chain, system);
	if (reason != CK_REASON_GRANTED) return reason;
	bool active = system->as.system.status == CK_STATUS_ACTIVE;
	chain->system = system->id;
	chain->system_authority = system->authority;
	(void)note(chain, CK_STEP_SYSTEM, active, no_id, system->id, INT64_MAX);

	bool known = found(chain, ck_view_get(chain->view, CK_KIND_AUTHORITY, system->authority, &record));
	bool authority_active = known && ck_authority_active(&record, chain->question->now);
	int64_t until_s = known ? record.as.authority_of.window.until_s : 0;
	if (known) doubt(chain, &record);
	(void)note(chain, CK_STEP_SYSTEM_AUTHORITY, authority_active, no_id, system->authority, until_s);
	if (!authority_active) return CK_REASON_AUTHORITY_NOT_ACTIVE;
	chain->until_s = ck_earlier(chain->subject.until_s, until_s);
	chain->zone = record.as.authority_of.zone_table;
	return active ? CK_REASON_GRANTED : CK_REASON_SYSTEM_NOT_ACTIVE;
}

/* ---- one rule ---- */

static bool names_service(const struct ck_rule *rule, struct ck_text service)
{
	for (size_t i = 0; i < rule->services.count && service.length > 0; i++) {
		if (ck_text_is(rule->services.at[i], "*") || ck_text_equal(rule->services.at[i], service)) return true;
	}
	return false;
}

static bool names_account(const struct ck_rule *rule, struct ck_text account, struct ck_text uid)
{
	for (size_t i = 0; i < rule->accounts.count && account.length > 0; i++) {
		struct ck_text name = rule->accounts.at[i];
		if (ck_text_equal(ck_text_is(name, "self") ? uid : name, account)) return true;
	}
	return false;
}

static void note_role(struct chain *chain, struct ck_id rule, const struct ck_holding *holding)
{
	struct ck_trace_step *step = note(chain, CK_STEP_ROLE, holding->held, rule, holding->root, holding->until_s);
	if (step == NULL) return;
	step->grant = holding->grant;
	step->path_count = holding->path_count;
	memcpy(step->path, holding->path, sizeof step->path);
}

static bool before(struct ck_id a, struct ck_id b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) < 0;
}

static void note_near_miss(struct chain *chain, struct ck_id rule, unsigned demanded)
{
	int missing = __builtin_popcount(demanded & ~chain->question->proved);
	struct near_miss *near = &chain->near;
	if (near->found && (near->missing < missing || (near->missing == missing && before(near->rule, rule)))) return;
	*near = (struct near_miss){true, rule, demanded, missing};
}

static void prefer(struct chain *chain, struct ck_id rule, unsigned demanded, int64_t until_s)
{
	bool better = !chain->granted || until_s > chain->rule_until_s || (until_s == chain->rule_until_s && before(rule, chain->rule));
	if (!better) return;
	chain->granted = true;
	chain->rule = rule;
	chain->demanded = demanded;
	chain->rule_until_s = until_s;
}

/* Of the system's own authority, active and in its dates. */
static bool counts(struct chain *chain, const struct ck_record *rule)
{
	if (!ck_id_equal(rule->authority, chain->system_authority)) return false;
	doubt(chain, rule);
	return rule->as.rule.status == CK_STATUS_ACTIVE && ck_window_contains(rule->as.rule.window, chain->question->now);
}

/* How far this rule leads; CK_REASON_GRANTED: all the way. */
static enum ck_reason check_rule(struct chain *chain, const struct ck_record *record, int64_t *out_until_s)
{
	const struct ck_question *question = chain->question;
	const struct ck_rule *rule = &record->as.rule;
	struct ck_holding holding;
	int64_t hours_s;
	bool passed = counts(chain, record);
	(void)note(chain, CK_STEP_RULE, passed, record->id, record->id, rule->window.until_s);
	if (!passed) return CK_REASON_NO_RULE;
	passed = names_service(rule, question->service);
	(void)note(chain, CK_STEP_SERVICE, passed, record->id, no_id, INT64_MAX);
	if (!passed) return CK_REASON_SERVICE;
	passed = names_account(rule, question->account, question->uid);
	(void)note(chain, CK_STEP_ACCOUNT, passed, record->id, no_id, INT64_MAX);
	if (!passed) return CK_REASON_ACCOUNT;
	if (!found(chain, ck_role_find(chain->view, &chain->subject, &rule->roles, question->now, &holding))) return CK_REASON_NO_ROLE;
	note_role(chain, record->id, &holding);
	if (holding.doubted) chain->doubted = true;
	if (!holding.held) return CK_REASON_NO_ROLE;
	passed = ck_networks_match(&rule->sources, &question->source);
	(void)note(chain, CK_STEP_SOURCE, passed, record->id, no_id, INT64_MAX);
	if (!passed) return CK_REASON_SOURCE;
	passed = ck_weekly_contains(&rule->weekly, &chain->zone, question->now.s, &hours_s) && (rule->weekly.always || !question->now.behind);
	(void)note(chain, CK_STEP_HOURS, passed, record->id, chain->system_authority, hours_s);
	if (!passed) return CK_REASON_HOURS;
	passed = (rule->proved & ~question->proved) == 0;
	struct ck_trace_step *step = note(chain, CK_STEP_PROOF, passed, record->id, no_id, INT64_MAX);
	if (step != NULL) step->value = rule->proved;
	if (!passed) return CK_REASON_PROOF;
	*out_until_s = ck_earlier(ck_earlier(ck_earlier(chain->until_s, rule->window.until_s), holding.until_s), hours_s);
	return CK_REASON_GRANTED;
}

static bool asked_before(const struct chain *chain, const struct ck_rule *rule)
{
	/* the last one asked for is the one being asked for */
	for (size_t i = 0; i + 1 < chain->asked_count; i++) {
		for (size_t k = 0; k < rule->targets.count; k++) {
			if (ck_id_equal(chain->asked[i], rule->targets.at[k])) return true;
		}
	}
	return false;
}

static bool visit_rule(const struct ck_record *record, void *context)
{
	struct chain *chain = context;
	int64_t until_s = 0;
	if (asked_before(chain, &record->as.rule)) return true;
	enum ck_reason reason = check_rule(chain, record, &until_s);
	reached(chain, reason);
	if (reason == CK_REASON_PROOF) note_near_miss(chain, record->id, record->as.rule.proved);
	if (reason == CK_REASON_GRANTED) prefer(chain, record->id, record->as.rule.proved, until_s);
	return chain->error == CK_OK;
}

/* ---- all rules ---- */

static void ask(struct chain *chain, struct ck_id target)
{
	for (size_t i = 0; i < chain->asked_count; i++) {
		if (ck_id_equal(chain->asked[i], target)) return;
	}
	chain->asked[chain->asked_count++] = target;
	if (chain->error == CK_OK) (void)found(chain, ck_view_rules_for(chain->view, target, chain->visit, chain));
}

static void ask_group(struct chain *chain, struct ck_id group)
{
	struct ck_record record;
	if (!found(chain, ck_view_get(chain->view, CK_KIND_SYSTEM_GROUP, group, &record))) return;
	bool counts = record.as.system_group.status == CK_STATUS_ACTIVE && ck_id_equal(record.authority, chain->system_authority);
	if (counts) ask(chain, group);
}

static void ask_all(struct chain *chain, const struct ck_record *system)
{
	const struct ck_ids *groups = &system->as.system.groups;
	reached(chain, CK_REASON_NO_RULE);
	ask(chain, chain->system);
	for (size_t i = 0; i < groups->count && chain->error == CK_OK; i++) ask_group(chain, groups->at[i]);
	if (chain->error != CK_OK) return;
	/* a place of its own, so that the last group counts as asked before */
	chain->asked[chain->asked_count++] = no_id;
	(void)found(chain, ck_view_rules_for_all(chain->view, chain->system_authority, chain->visit, chain));
}

static void follow(struct chain *chain)
{
	struct ck_record system;
	enum ck_reason reason = check_copy(chain);
	(void)note(chain, CK_STEP_STORE, reason == CK_REASON_GRANTED, no_id, no_id, INT64_MAX);
	if (reason == CK_REASON_GRANTED) reason = check_staff(chain);
	if (reason == CK_REASON_GRANTED) reason = check_system(chain, &system);
	if (reason == CK_REASON_GRANTED) ask_all(chain, &system);
	else chain->furthest = reason;
}

struct ck_verdict ck_decide(struct ck_view *view, const struct ck_question *question, struct ck_trace *trace, bool *out_corrupt)
{
	struct ck_verdict verdict = {.allow = false, .reason = CK_REASON_NOT_DECIDED};
	struct chain chain = {.visit = visit_rule, .view = view, .question = question, .trace = trace, .furthest = CK_REASON_NOT_DECIDED,
	                      .error = CK_OK};
	if (trace != NULL) trace->count = trace->dropped = 0;
	follow(&chain);
	if (out_corrupt != NULL) *out_corrupt = chain.error == CK_ERR_CORRUPT;
	verdict.staff = chain.subject.staff;
	if (chain.error != CK_OK) {
		verdict.reason = CK_REASON_UNAVAILABLE;
		return verdict;
	}
	verdict.reason = chain.furthest;
	/* the clock is to blame, as far as anybody can tell; past this, the place could still help */
	if (chain.doubted && chain.furthest < CK_REASON_SOURCE) verdict.reason = CK_REASON_CLOCK;
	if (chain.furthest == CK_REASON_PROOF) {
		verdict.rule = chain.near.rule;
		verdict.demanded = chain.near.demanded;
	}
	if (chain.furthest == CK_REASON_GRANTED && chain.granted) {
		verdict.rule = chain.rule;
		verdict.demanded = chain.demanded;
		verdict.until_s = chain.rule_until_s;
		verdict.allow = true;
	}
	return verdict;
}

/* ---- what is asked of everybody ---- */

static bool visit_lenient(const struct ck_record *record, void *context)
{
	struct chain *chain = context;
	const struct ck_rule *rule = &record->as.rule;
	const struct ck_question *question = chain->question;
	if (ck_id_equal(record->authority, chain->system_authority) && rule->status == CK_STATUS_ACTIVE && names_service(rule, question->service) &&
	    names_account(rule, question->account, question->uid) && (rule->proved & CK_PROVED_TOUCH) != 0 && (rule->proved & CK_PROVED_VERIFIED) == 0)
		chain->lenient = true;
	return !chain->lenient;
}

bool ck_decide_asks_less(struct ck_view *view, const struct ck_question *question)
{
	struct chain chain = {.visit = visit_lenient, .view = view, .question = question, .error = CK_OK};
	struct ck_record system;
	if (check_system(&chain, &system) == CK_REASON_GRANTED) ask_all(&chain, &system);
	return chain.lenient;
}

/* ---- who has an account ---- */

static bool visit_account(const struct ck_record *record, void *context)
{
	struct chain *chain = context;
	const struct ck_rule *rule = &record->as.rule;
	const struct ck_question *question = chain->question;
	struct ck_holding holding;
	if (chain->granted) return false; /* one is enough; whom none lets in costs all of them, whoever it is */
	if (asked_before(chain, rule) || !counts(chain, record) || !names_account(rule, question->uid, question->uid)) return true;
	if (!found(chain, ck_role_find(chain->view, &chain->subject, &rule->roles, question->now, &holding))) return false;
	if (holding.held) chain->granted = true;
	return true;
}

enum ck_error ck_decide_account(struct ck_view *view, const struct ck_question *question, const struct ck_record *staff)
{
	struct chain chain = {.visit = visit_account, .view = view, .question = question, .error = CK_OK};
	struct ck_record system;
	enum ck_error error = CK_ERR_NOT_FOUND;
	bool fresh = check_copy(&chain) == CK_REASON_GRANTED;
	bool person = staff != NULL && check_person(&chain, staff) == CK_REASON_GRANTED;
	/* whose roles, where it is nobody's turn: nobody's, so that both take as long */
	if (!person) chain.subject = (struct ck_subject){.until_s = 0};
	if (check_system(&chain, &system) == CK_REASON_GRANTED) ask_all(&chain, &system);
	if (chain.error != CK_OK) return chain.error == CK_ERR_CORRUPT ? CK_ERR_CORRUPT : CK_ERR_UNAVAILABLE;
	if (!fresh) return CK_ERR_UNAVAILABLE;
	if (person && chain.granted) error = CK_OK;
	/* for everybody alike: that it is only the clock would tell that there is somebody */
	else if (question->now.behind) error = CK_ERR_UNAVAILABLE;
	return error;
}
