/* The one table of operations and the one table of changes. The gate checks every request against the first before a handler sees it;
   the replica authorises every write by the second. Socket, command and reference are drawn from both; nothing else authorises. */
#include "authd/operation.h"

#define F(field) CK_KEY(CK_F_##field)

#define LOGIN_PLACE (F(TTY) | F(REMOTE_HOST))
#define PROMPT (F(SYSTEM) | F(CHALLENGE) | F(RP_ID) | F(ALLOW) | F(VERIFY) | F(TIME) | F(NONCE) | F(LOCAL))
#define ASSERTION (F(CREDENTIAL) | F(AUTH_DATA) | F(SIGNATURE))
#define ENTITLED (F(LOGIN_ID) | F(UNTIL))

/* In the order of enum ck_op: ck_operation_of indexes it. */
static const struct ck_operation operations[] = {
	{CK_OP_STATUS, "status", 0, 0, F(STATE) | F(TIME) | F(AGE) | F(COUNT) | F(INDEX) | F(SYSTEM) | F(RP_ID) | F(TEXT), CK_WHO_ANYONE,
	 CK_HANDLER_GATE, "How this machine's copy stands: STATE, TIME (as_of), AGE, COUNT (quarantined), INDEX (gate), lines of TEXT."},
	{CK_OP_LOGIN_BEGIN, "login-begin", F(USER) | F(ACCOUNT) | F(SERVICE), LOGIN_PLACE, PROMPT, CK_WHO_SELF_OR_ROOT,
	 CK_HANDLER_GATE, "Begins a login; answers with the challenge that a key must sign."},
	{CK_OP_LOGIN_TOKEN, "login-token", 0, 0, 0, CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "Hands out the socket of a token helper for the login that was begun, if it is local."},
	{CK_OP_LOGIN_ASSERT, "login-assert", ASSERTION, 0, ENTITLED | F(USER) | F(ENTRIES) | F(CODE), CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "Ends a login, an identification or the beginning of a vouch with the key's answer; each challenge is good once."},
	{CK_OP_ACCOUNT, "account", F(USER) | F(ACCOUNT) | F(SERVICE), LOGIN_PLACE, ENTITLED, CK_WHO_SELF_OR_ROOT, CK_HANDLER_GATE,
	 "Decides whether this person may enter this account now, with what was proved on this connection."},
	{CK_OP_SESSION_OPEN, "session-open", F(LOGIN_ID) | F(ACCOUNT) | F(SERVICE), LOGIN_PLACE, 0, CK_WHO_ROOT, CK_HANDLER_GATE,
	 "Registers the caller as the leader of a session that a granted login opened."},
	{CK_OP_SESSION_CLOSE, "session-close", F(LOGIN_ID), 0, 0, CK_WHO_ROOT, CK_HANDLER_GATE, "Ends a registered session."},
	{CK_OP_IDENTIFY, "identify", F(AS), 0, PROMPT, CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "Begins to make this connection that person's; login-assert ends it."},
	{CK_OP_FIND, "find", F(NAME), F(PURPOSE) | F(CURSOR), F(ENTRIES) | F(CURSOR) | F(CUT), CK_WHO_STAFF, CK_HANDLER_GATE,
	 "Finds staff by words in any order, or a login name, mail address, telephone or (of one's own authority) staff number; the best 20 first."},
	{CK_OP_EXPLAIN, "explain", F(USER) | F(SYSTEM) | F(SERVICE), F(ACCOUNT) | F(FROM) | F(TIME) | F(PROVED),
	 F(TEXT) | F(VERDICT) | F(UNTIL), CK_WHO_SELF_OR_ADMINISTRATOR, CK_HANDLER_GATE,
	 "Prints the chain that decides, for granted and for refused."},
	{CK_OP_SHOW, "show", F(KIND), F(ID) | F(NAME) | F(AUTHORITY), F(ENTRIES), CK_WHO_SELF_OR_ADMINISTRATOR, CK_HANDLER_GATE,
	 "One entry, by ID (of a key its hash) or by NAME (authority, staff, system: over the directory; else within AUTHORITY)."},
	{CK_OP_LIST, "list", F(KIND), F(AUTHORITY) | F(CURSOR) | F(ABOUT), F(ENTRIES) | F(CURSOR), CK_WHO_SELF_OR_ADMINISTRATOR,
	 CK_HANDLER_GATE, "Entries of a kind, a page at a time; CURSOR is there while there may be more."},
	{CK_OP_CHANGE_BEGIN, "change-begin", F(AS), 0, F(NONCE) | F(TIME) | F(SYSTEM) | F(RP_ID) | F(ALLOW) | F(CHALLENGE) | F(VERIFY),
	 CK_WHO_TOUCH, CK_HANDLER_REPLICA, "Begins a change: what the touch must cover besides the statements."},
	{CK_OP_CHANGE_COMMIT, "change-commit", F(NONCE) | F(STATEMENTS) | F(VALUES) | ASSERTION, 0, F(PENDING) | F(ID) | F(COUNT),
	 CK_WHO_TOUCH, CK_HANDLER_REPLICA, "Orders up to 64 changes under one touch."},
	{CK_OP_ENROL_BEGIN, "enrol-begin", F(USER), F(CODE),
	 F(NONCE) | F(TIME) | F(SYSTEM) | F(CHALLENGE) | F(RP_ID) | F(ID) | F(USER) | F(NAME) | F(ALLOW) | F(VERIFY), CK_WHO_TOUCH,
	 CK_HANDLER_REPLICA, "Begins to enrol a key: the first by a one-time code, a later one to be signed by an existing key."},
	{CK_OP_ENROL_FINISH, "enrol-finish", F(NONCE) | F(AUTH_DATA) | F(FORMAT) | F(ATT_STMT) | F(LABEL), F(CODE) | F(TRAITS),
	 F(ID) | F(PENDING) | F(NONCE) | F(TIME) | F(SYSTEM) | F(RP_ID) | F(ALLOW) | F(CHALLENGE) | F(VERIFY) | F(STATEMENTS) | F(VALUES),
	 CK_WHO_TOUCH, CK_HANDLER_REPLICA,
	 "The new key's answer; granted with a code, else need-token: the change that an existing key must sign."},
	{CK_OP_RECOVER, "recover", F(USER) | F(HASH), 0, F(TIME) | F(UNTIL) | F(PENDING), CK_WHO_ROOT, CK_HANDLER_REPLICA_WITH_PEER,
	 "Root of the core machine issues a code to an existing administrator: delayed, announced, audited as an alarm."},
	{CK_OP_CHECKPOINT, "checkpoint", 0, 0, F(TEXT), CK_WHO_ROOT, CK_HANDLER_LEDGER,
	 "Signs the audit log up to now; TEXT is for somebody else to keep."},
	{CK_OP_CONFIRM_REFRESH, "confirm-refresh", 0, 0, F(COUNT), CK_WHO_ROOT, CK_HANDLER_REPLICA_WITH_PEER,
	 "Lets a refresh that would remove more than the limit go in."},
	{CK_OP_COUNTER_RESET, "counter-reset", F(HASH), 0, 0, CK_WHO_ROOT, CK_HANDLER_REPLICA_WITH_PEER,
	 "Forgets what is known of a key's counter, here and in the directory; audited as an alarm."},
	{CK_OP_CONFIRM_CLOCK, "confirm-clock", 0, 0, 0, CK_WHO_ROOT, CK_HANDLER_REPLICA_WITH_PEER,
	 "Says that the clock is right, though later times were recorded."},
	{CK_OP_LOGIN_PASSWORD, "login-password", F(PASSWORD), 0, ENTITLED, CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "Ends a login whose key was right, where login-assert answered need-password; a touch is good for one password."},
	{CK_OP_PASSWORD_BEGIN, "password-begin", F(AS), 0, F(NONCE) | F(TIME) | F(SYSTEM) | F(RP_ID) | F(ALLOW) | F(VERIFY), CK_WHO_TOUCH,
	 CK_HANDLER_REPLICA, "Begins to change that person's own password: what the touch must cover."},
	{CK_OP_PASSWORD_CHANGE, "password-change", F(NONCE) | ASSERTION | F(PASSWORD) | F(NEW_PASSWORD), 0, F(USER), CK_WHO_TOUCH,
	 CK_HANDLER_REPLICA, "Changes one's own password, by the old one and a touch."},
	{CK_OP_PLAN_COMMIT, "plan-commit", F(NONCE) | F(ID) | F(AUTHORITY) | F(COUNT) | F(ROOTS) | ASSERTION, 0, F(PENDING), CK_WHO_TOUCH,
	 CK_HANDLER_REPLICA, "Orders a plan: more statements than a list holds, in batches that follow; begun by change-begin."},
	{CK_OP_PLAN_BATCH, "plan-batch", F(ID) | F(INDEX) | F(STATEMENTS) | F(VALUES), 0, F(COUNT) | F(OUTCOMES) | F(PENDING), CK_WHO_TOUCH,
	 CK_HANDLER_REPLICA, "One batch of a plan that was ordered; what was written before is seen as done."},
	{CK_OP_VOUCH_BEGIN, "vouch-begin", F(AS) | F(KIND) | F(NAME), 0, PROMPT | F(ID), CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "Begins to vouch for oneself to a colleague (KIND staff) or an authority; login-assert gives the code to say."},
	{CK_OP_VOUCH_STATE, "vouch-state", 0, 0, F(STATE) | F(TIME) | F(ENTRIES), CK_WHO_ANYONE, CK_HANDLER_GATE,
	 "What became of the vouch that was made on this connection: STATE, and who checked it, when."},
	{CK_OP_VOUCH_WITHDRAW, "vouch-withdraw", 0, 0, 0, CK_WHO_ANYONE, CK_HANDLER_GATE, "Takes back the vouch that was made on this connection."},
	{CK_OP_CHECK, "check", F(CODE), 0, F(TIME) | F(ENTRIES) | F(PROVED), CK_WHO_PERSON, CK_HANDLER_GATE,
	 "Uses up a code that somebody said: who they are (staff, authority), what they PROVED, and when."},
	{CK_OP_ACCOUNT_ENTRY, "account-entry", 0, F(USER) | F(UID_NUMBER), F(USER) | F(UID_NUMBER) | F(GID_NUMBER) | F(PATHS), CK_WHO_ANYONE,
	 CK_HANDLER_GATE, "The account on this system of a login name or a number, as passwd(5) has it; not recorded. There is no list of them."},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])
_Static_assert(OPERATIONS == CK_OP_LAST, "every operation has its line");

const struct ck_operation *ck_operation_of(uint64_t op)
{
	if (op == 0 || op > OPERATIONS) return NULL;
	const struct ck_operation *found = &operations[op - 1];
	CK_ASSERT((uint64_t)found->op == op);
	return found;
}

const struct ck_operation *ck_operations(size_t *out_count)
{
	*out_count = OPERATIONS;
	return operations;
}

/* Staff and authorities are never removed, only suspended: what they did must stay attributable, and an id is never reused.
   FIRST: what the founding authority needs to hand a new authority to its first administrator, and nothing else. */
#define OWN CK_CHANGE_ADMINISTRATOR
#define FIRST (CK_CHANGE_ADMINISTRATOR | CK_CHANGE_FOUNDING_FIRST)

static const struct ck_change_rule rules[] = {
	{"authority.add", CK_KIND_AUTHORITY, CK_VERB_ADD, CK_CHANGE_FOUNDING,
	 "Creates an authority and delegates uid numbers and mail domains to it."},
	{"authority.change", CK_KIND_AUTHORITY, CK_VERB_CHANGE, CK_CHANGE_FOUNDING,
	 "Suspends an authority, or changes what is delegated to it."},
	{"staff.add", CK_KIND_STAFF, CK_VERB_ADD, FIRST, "Adds a person to an authority."},
	{"staff.change", CK_KIND_STAFF, CK_VERB_CHANGE, FIRST, "Changes, suspends or reinstates a person."},
	{"staff.password", CK_KIND_STAFF, CK_VERB_PASSWORD, OWN, "Gives a person an initial password, to be changed at its first use."},
	{"key.add", CK_KIND_KEY, CK_VERB_ADD, CK_CHANGE_SELF, "A later key of one's own, signed by an existing one."},
	{"key.change", CK_KIND_KEY, CK_VERB_CHANGE, CK_CHANGE_SELF | OWN, "Labels or revokes a key."},
	{"key.remove", CK_KIND_KEY, CK_VERB_REMOVE, CK_CHANGE_SELF | OWN, "Removes a key."},
	{"role.add", CK_KIND_ROLE, CK_VERB_ADD, FIRST, "Adds a role."},
	{"role.change", CK_KIND_ROLE, CK_VERB_CHANGE, OWN, "Changes a role: its name, status, member roles."},
	{"role.remove", CK_KIND_ROLE, CK_VERB_REMOVE, OWN, "Removes a role."},
	{"grant.add", CK_KIND_GRANT, CK_VERB_ADD, FIRST, "Gives a role to a person, from and until, with the reason."},
	{"grant.change", CK_KIND_GRANT, CK_VERB_CHANGE, OWN, "Changes a grant's window or reason."},
	{"grant.remove", CK_KIND_GRANT, CK_VERB_REMOVE, OWN, "Takes a role back."},
	{"system.add", CK_KIND_SYSTEM, CK_VERB_ADD, OWN, "Adds a system."},
	{"system.change", CK_KIND_SYSTEM, CK_VERB_CHANGE, OWN, "Suspends a system, or changes its groups."},
	{"system.remove", CK_KIND_SYSTEM, CK_VERB_REMOVE, OWN, "Removes a system."},
	{"system-group.add", CK_KIND_SYSTEM_GROUP, CK_VERB_ADD, OWN, "Adds a group of systems."},
	{"system-group.change", CK_KIND_SYSTEM_GROUP, CK_VERB_CHANGE, OWN, "Changes a group's name or status."},
	{"system-group.remove", CK_KIND_SYSTEM_GROUP, CK_VERB_REMOVE, OWN, "Removes a group of systems."},
	{"rule.add", CK_KIND_RULE, CK_VERB_ADD, OWN, "Adds a rule for systems of one's own authority."},
	{"rule.change", CK_KIND_RULE, CK_VERB_CHANGE, OWN, "Changes a rule."},
	{"rule.remove", CK_KIND_RULE, CK_VERB_REMOVE, OWN, "Removes a rule."},
	{"code.add", CK_KIND_CODE, CK_VERB_ADD, FIRST, "Issues a one-time code for a person's first key."},
	{"code.remove", CK_KIND_CODE, CK_VERB_REMOVE, FIRST, "Withdraws a code that was not used."},
};
#define RULES (sizeof rules / sizeof rules[0])

const struct ck_change_rule *ck_change_rule_of(struct ck_text name)
{
	for (size_t i = 0; i < RULES; i++) {
		if (ck_text_is(name, rules[i].name)) return &rules[i];
	}
	return NULL;
}

const struct ck_change_rule *ck_change_rules(size_t *out_count)
{
	*out_count = RULES;
	return rules;
}
