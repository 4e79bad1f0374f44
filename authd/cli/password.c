/* `crosskeys staff password UID`: an initial password, made and hashed here, so that nobody but who reads it off this terminal ever has it. */
#include <sodium.h>
#include <string.h>

#include "authd/cli/plan.h"
#include "authd/protocol/password.h"
#include "directory/base/secret.h"

#define SYMBOLS 20 /* of 5 bits */

static void make_password(char out[SYMBOLS + SYMBOLS / 5])
{
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	size_t used = 0;
	_Static_assert(sizeof alphabet == 33, "five bits a symbol");
	for (size_t i = 0; i < SYMBOLS; i++) {
		if (i > 0 && i % 5 == 0) out[used++] = '-';
		out[used++] = alphabet[randombytes_uniform(32)];
	}
	out[used] = '\0';
}

static enum ck_error plan_password(struct ck_cli *cli, const char *uid, struct ck_plan *plan)
{
	static char password[SYMBOLS + SYMBOLS / 5], hash[CK_PASSWORD_HASH_LIMIT_BYTES] = CK_PASSWORD_HASH_SCHEME;
	struct ck_cli_entry *entry = NULL;
	size_t scheme = sizeof CK_PASSWORD_HASH_SCHEME - 1;
	_Static_assert(sizeof CK_PASSWORD_HASH_SCHEME + crypto_pwhash_STRBYTES <= CK_PASSWORD_HASH_LIMIT_BYTES, "the hash fits");
	enum ck_error error = ck_resolve_entry(cli, CK_KIND_STAFF, uid, NULL, &entry);
	if (error != CK_OK) return error;
	struct ck_plan_item *item = ck_plan_touch(plan, "staff.password", entry);
	if (item == NULL) return CK_ERR_LIMIT;
	item->before = NULL; /* nobody can read it */
	CK_ASSERT(sodium_init() >= 0);
	make_password(password);
	if (crypto_pwhash_str_alg(hash + scheme, password, strlen(password), CK_PASSWORD_HASH_ROUNDS, CK_PASSWORD_HASH_MEMORY_BYTES,
	                          crypto_pwhash_ALG_ARGON2ID13) != 0) {
		(void)ck_cli_complain(CK_ERR_MEMORY, "there is not enough memory to hash a password");
		return CK_ERR_MEMORY;
	}
	ck_plan_value(item, "userPassword", hash);
	item->summary = ck_cli_print("give %s an initial password; the one before, if there is one, opens nothing any more", uid);
	plan->password_for = uid;
	plan->password = password;
	return CK_OK;
}

int ck_cli_staff_password(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_option options[] = { { NULL, 0, NULL, NULL } };
	static const struct ck_command_help help = { "staff password", "UID",
		"Gives a person an initial password, for rules that demand one beside the touch. It must be changed at its first use. Hand it over so that "
		"nobody else sees it.", 1, 1, options };
	static struct ck_plan plan;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 2, argv + 2, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = plan_password(cli, arguments.words[0], &plan);
	int code = error == CK_OK ? ck_plan_order(cli, &plan) : ck_exit_of(error);
	ck_wipe((void *)(uintptr_t)plan.password, plan.password != NULL ? strlen(plan.password) : 0);
	return code;
}
