/* The two tables: complete, unambiguous, and no wider than the design says. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/operation.h"
#include "tests/unit/suite.h"

START_TEST(every_operation_has_its_own_row)
{
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	ck_assert_uint_eq(count, CK_OP_LAST);
	for (uint64_t op = 1; op <= CK_OP_LAST; op++) {
		const struct ck_operation *row = ck_operation_of(op);
		ck_assert_ptr_nonnull(row);
		ck_assert_uint_eq((uint64_t)row->op, op);
		ck_assert_ptr_eq(row, &rows[op - 1]);
	}
}
END_TEST

START_TEST(unknown_numbers_have_none)
{
	ck_assert_ptr_null(ck_operation_of(0));
	ck_assert_ptr_null(ck_operation_of(CK_OP_LAST + 1));
	ck_assert_ptr_null(ck_operation_of(64));
	ck_assert_ptr_null(ck_operation_of(UINT64_MAX));
}
END_TEST

START_TEST(names_are_unique_and_plain)
{
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(strspn(rows[i].name, "abcdefghijklmnopqrstuvwxyz-"), strlen(rows[i].name));
		ck_assert_uint_gt(strlen(rows[i].help), 10);
		for (size_t j = 0; j < i; j++) ck_assert_str_ne(rows[i].name, rows[j].name);
	}
}
END_TEST

START_TEST(fields_are_told_apart)
{
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	ck_keys always = CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST);
	for (size_t i = 0; i < count; i++) {
		ck_assert((rows[i].required & rows[i].optional) == 0);
		ck_assert(((rows[i].required | rows[i].optional | rows[i].reply) & always) == 0);
	}
}
END_TEST

/* What only root may do, and what names another person, never becomes anybody's by an edit of one row. */
START_TEST(who_may_is_as_narrow_as_designed)
{
	static const enum ck_op root_only[] = {CK_OP_SESSION_OPEN, CK_OP_SESSION_CLOSE, CK_OP_RECOVER, CK_OP_CHECKPOINT,
	                                       CK_OP_CONFIRM_REFRESH, CK_OP_COUNTER_RESET, CK_OP_CONFIRM_CLOCK};
	static const enum ck_op own_name_only[] = {CK_OP_LOGIN_BEGIN, CK_OP_ACCOUNT};
	for (size_t i = 0; i < sizeof root_only / sizeof root_only[0]; i++)
		ck_assert_int_eq(ck_operation_of(root_only[i])->who, CK_WHO_ROOT);
	for (size_t i = 0; i < sizeof own_name_only / sizeof own_name_only[0]; i++)
		ck_assert_int_eq(ck_operation_of(own_name_only[i])->who, CK_WHO_SELF_OR_ROOT);
	ck_assert_int_eq(ck_operation_of(CK_OP_FIND)->who, CK_WHO_STAFF);
	/* anybody may ask for an account: so nothing else may come of it, and not all of them */
	const struct ck_operation *entry = ck_operation_of(CK_OP_ACCOUNT_ENTRY);
	ck_assert(entry->required == 0 && entry->optional == (CK_KEY(CK_F_USER) | CK_KEY(CK_F_UID_NUMBER)));
	ck_assert(entry->reply == (CK_KEY(CK_F_USER) | CK_KEY(CK_F_UID_NUMBER) | CK_KEY(CK_F_GID_NUMBER) | CK_KEY(CK_F_PATHS)));
}
END_TEST

START_TEST(what_only_root_orders_goes_with_its_socket)
{
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].who == CK_WHO_ROOT && rows[i].handler != CK_HANDLER_GATE && rows[i].handler != CK_HANDLER_LEDGER)
			ck_assert_int_eq(rows[i].handler, CK_HANDLER_REPLICA_WITH_PEER);
		if (rows[i].handler == CK_HANDLER_REPLICA) ck_assert_int_eq(rows[i].who, CK_WHO_TOUCH);
	}
}
END_TEST

START_TEST(change_rules_are_unique_and_named_after_kind_and_verb)
{
	static const char *const verbs[] = {NULL, "add", "change", "remove", "password"};
	size_t count;
	const struct ck_change_rule *rules = ck_change_rules(&count);
	ck_assert_uint_gt(count, 20);
	for (size_t i = 0; i < count; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "%s.%s", ck_kind_name(rules[i].kind), verbs[rules[i].verb]);
		ck_assert_str_eq(rules[i].name, name);
		ck_assert_uint_ne(rules[i].who, CK_CHANGE_NOBODY);
		ck_assert_ptr_eq(ck_change_rule_of(ck_text_of(rules[i].name)), &rules[i]);
		for (size_t j = 0; j < i; j++) ck_assert_str_ne(rules[i].name, rules[j].name);
	}
}
END_TEST

START_TEST(what_is_not_offered_is_not_there)
{
	static const char *const names[] = {"staff.remove", "authority.remove", "code.change", "",
	                                    "grant",        "grant.",           "Grant.add",   "grant.add "};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) ck_assert_ptr_null(ck_change_rule_of(ck_text_of(names[i])));
	ck_assert_ptr_null(ck_change_rule_of((struct ck_text){NULL, 0}));
}
END_TEST

/* The founding authority founds, and hands an authority to its first administrator: nothing else inside it. */
START_TEST(founding_reaches_no_further)
{
	static const char *const first[] = {"staff.add", "staff.change", "role.add", "grant.add", "code.add", "code.remove"};
	size_t count;
	const struct ck_change_rule *rules = ck_change_rules(&count);
	for (size_t i = 0; i < count; i++) {
		bool expected = false;
		for (size_t j = 0; j < sizeof first / sizeof first[0]; j++) expected = expected || strcmp(rules[i].name, first[j]) == 0;
		ck_assert_msg(((rules[i].who & CK_CHANGE_FOUNDING_FIRST) != 0) == expected, "%s", rules[i].name);
		ck_assert_msg(((rules[i].who & CK_CHANGE_FOUNDING) != 0) == (rules[i].kind == CK_KIND_AUTHORITY), "%s", rules[i].name);
		ck_assert_msg((rules[i].who & CK_CHANGE_SELF) == 0 || rules[i].kind == CK_KIND_KEY, "%s", rules[i].name);
	}
	ck_assert_uint_eq(ck_change_rule_of(ck_text_of("key.add"))->who, CK_CHANGE_SELF);
}
END_TEST

/* ---- the pages that say the same ---- */

static char *read_page(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s: run this from the root of the tree", path);
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

START_TEST(the_protocol_page_has_every_operation)
{
	static const char *const who[] = {"", "anyone", "self or root", "root", "staff", "touch", "self or administrator", "person"};
	const char *page = read_page("docs/protocol.md");
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	for (size_t i = 0; i < count; i++) {
		char row[128];
		(void)snprintf(row, sizeof row, "| %d | `%s` | %s | ", (int)rows[i].op, rows[i].name, who[rows[i].who]);
		ck_assert_msg(strstr(page, row) != NULL, "docs/protocol.md lacks: %s", row);
	}
}
END_TEST

START_TEST(the_protocol_page_has_every_change)
{
	const char *page = read_page("docs/protocol.md");
	size_t count;
	const struct ck_change_rule *rules = ck_change_rules(&count);
	for (size_t i = 0; i < count; i++) {
		char name[64], who[128] = "";
		(void)snprintf(name, sizeof name, "`%s`", rules[i].name);
		const char *at = strstr(page, name);
		ck_assert_msg(at != NULL, "docs/protocol.md lacks %s", name);
		if ((rules[i].who & CK_CHANGE_FOUNDING) != 0) strcat(who, ", founding");
		if ((rules[i].who & CK_CHANGE_SELF) != 0) strcat(who, ", self");
		if ((rules[i].who & CK_CHANGE_ADMINISTRATOR) != 0) strcat(who, ", owner");
		if ((rules[i].who & CK_CHANGE_FOUNDING_FIRST) != 0) strcat(who, ", founding first");
		at = strstr(at, "| ");
		ck_assert_ptr_nonnull(at);
		strcat(who, " |");
		ck_assert_msg(strncmp(at + 2, who + 2, strlen(who + 2)) == 0, "%s: %s", name, who);
	}
}
END_TEST

START_TEST(the_grammar_has_every_operation)
{
	const char *page = read_page("schema/crosskeys.cddl");
	size_t count;
	const struct ck_operation *rows = ck_operations(&count);
	for (size_t i = 0; i < count; i++) {
		char name[64], number[32];
		(void)snprintf(name, sizeof name, "\n%s ", rows[i].name);
		(void)snprintf(number, sizeof number, "= {0: %d", (int)rows[i].op);
		const char *at = strstr(page, name);
		ck_assert_msg(at != NULL, "schema/crosskeys.cddl lacks %s", rows[i].name);
		at = strchr(at, '=');
		ck_assert_ptr_nonnull(at);
		ck_assert_msg(strncmp(at, number, strlen(number)) == 0 && strchr(",}", at[strlen(number)]) != NULL, "%s", rows[i].name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operation");
	TCase *cases = tcase_create("tables");
	tcase_add_test(cases, every_operation_has_its_own_row);
	tcase_add_test(cases, unknown_numbers_have_none);
	tcase_add_test(cases, names_are_unique_and_plain);
	tcase_add_test(cases, fields_are_told_apart);
	tcase_add_test(cases, who_may_is_as_narrow_as_designed);
	tcase_add_test(cases, what_only_root_orders_goes_with_its_socket);
	tcase_add_test(cases, change_rules_are_unique_and_named_after_kind_and_verb);
	tcase_add_test(cases, what_is_not_offered_is_not_there);
	tcase_add_test(cases, founding_reaches_no_further);
	tcase_add_test(cases, the_protocol_page_has_every_operation);
	tcase_add_test(cases, the_protocol_page_has_every_change);
	tcase_add_test(cases, the_grammar_has_every_operation);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
