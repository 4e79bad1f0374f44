/* Shows a plan, has it signed by one touch, sends it. What is signed is computed here from what was shown, not taken from the daemon. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/output.h"
#include "authd/cli/plan.h"
#include "directory/base/clock.h"

struct ck_plan_item *ck_plan_add(struct ck_plan *plan, const char *operation, enum ck_kind kind, const char *name, struct ck_id authority)
{
	if (plan->count == CK_CHANGES_LIMIT) {
		(void)ck_cli_complain(CK_ERR_LIMIT, "one touch orders at most %d changes: split them", CK_CHANGES_LIMIT);
		return NULL;
	}
	struct ck_plan_item *item = &plan->items[plan->count++];
	*item = (struct ck_plan_item){ .operation = operation, .kind = kind, .name = name, .authority = authority, .csn = "", .target_length = 16 };
	randombytes_buf(item->target, 16);
	item->target[6] = (uint8_t)((item->target[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4 */
	item->target[8] = (uint8_t)((item->target[8] & 0x3f) | 0x80);
	if (kind == CK_KIND_AUTHORITY) memcpy(item->authority.bytes, item->target, 16);
	return item;
}

/* A grant hangs below its role, a key and a code below their person: the statement says so. */
static bool put_parent(const struct ck_cli_entry *entry, struct ck_plan_item *item)
{
	const char *attribute = NULL;
	if (entry->kind == CK_KIND_GRANT) attribute = "ckRoleId";
	if (entry->kind == CK_KIND_KEY || entry->kind == CK_KIND_CODE) attribute = "ckStaffId";
	if (attribute == NULL) return true;
	item->has_parent = ck_id_parse(ck_cli_entry_text(entry, attribute), &item->parent) == CK_OK;
	return item->has_parent;
}

struct ck_plan_item *ck_plan_touch(struct ck_plan *plan, const char *operation, const struct ck_cli_entry *entry)
{
	struct ck_plan_item *item = ck_plan_add(plan, operation, entry->kind, NULL, entry->authority);
	if (item == NULL) return NULL;
	memcpy(item->target, entry->id, entry->id_length);
	item->target_length = entry->id_length;
	item->authority = entry->authority;
	item->csn = entry->csn;
	item->before = entry;
	if (put_parent(entry, item)) return item;
	(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say whose this %s is", ck_kind_name(entry->kind));
	return NULL;
}

void ck_plan_value(struct ck_plan_item *item, const char *attribute, const char *value)
{
	struct ck_cli_attribute *found = NULL;
	for (size_t i = 0; i < item->count; i++)
		if (strcmp(item->values[i].name, attribute) == 0) found = &item->values[i];
	if (found == NULL) {
		CK_ASSERT(item->count < CK_CHANGE_VALUES_LIMIT);
		found = &item->values[item->count++];
		found->name = attribute;
	}
	if (value != NULL && found->count < CK_LIST_LIMIT) found->values[found->count++] = ck_bytes_of(ck_text_of(value));
}

struct ck_id ck_plan_item_id(const struct ck_plan_item *item)
{
	struct ck_id id;
	memcpy(id.bytes, item->target, sizeof id.bytes);
	return id;
}

/* ---- showing ---- */

static const struct ck_cli_attribute *attribute_of(const struct ck_cli_entry *entry, const char *name)
{
	for (size_t i = 0; entry != NULL && i < entry->count; i++)
		if (strcasecmp(entry->attributes[i].name, name) == 0) return &entry->attributes[i];
	return NULL;
}

static void print_values(struct ck_cli *cli, const struct ck_plan *plan, const struct ck_cli_attribute *attribute)
{
	if (attribute == NULL || attribute->count == 0) fputs("(none)", stderr);
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		const char *name = ck_resolve_name(cli, plan, attribute->name, attribute->values[i]);
		fprintf(stderr, "%s%s", i > 0 ? ", " : "", ck_output_value(attribute->name, attribute->values[i]));
		if (name != NULL) fprintf(stderr, " (%s)", name);
	}
}

static void show(struct ck_cli *cli, const struct ck_plan *plan)
{
	fprintf(stderr, "This will:\n");
	for (size_t i = 0; i < plan->count; i++) {
		const struct ck_plan_item *item = &plan->items[i];
		fprintf(stderr, "  %zu. %s\n", i + 1, item->summary);
		for (size_t j = 0; j < item->count; j++) {
			fprintf(stderr, "       %-18s ", item->values[j].name);
			if (strcmp(item->values[j].name, "userPassword") == 0) {
				fputs("(a new one, shown when it is done)\n", stderr);
				continue;
			}
			if (item->before != NULL) {
				print_values(cli, plan, attribute_of(item->before, item->values[j].name));
				fputs("  ->  ", stderr);
			}
			print_values(cli, plan, &item->values[j]);
			fputc('\n', stderr);
		}
	}
}

/* Elsewhere the touch is the order, and the question only spares a mistake. Here the touch is the key's last: somebody must have said so. */
static bool confirmed(const struct ck_cli *cli, bool last_key)
{
	char answer[16];
	if (last_key)
		fprintf(stderr, "This is your last key that counts. Without it you enter nothing, order nothing, and cannot add another: an administrator\n"
		                "has to issue a code (crosskeys key code %s), and if there is none left, root of the core machine (crosskeys key recover).\n", cli->as);
	if (cli->yes) return true;
	if (!isatty(STDIN_FILENO) && last_key) fputs("If that is meant, say --yes.\n", stderr);
	if (!isatty(STDIN_FILENO)) return !last_key;
	fputs("Go on? [y/N] ", stderr);
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* ---- signing ---- */

struct signing {
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
	char system[CK_SYSTEM_LIMIT_BYTES + 1];
	char rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	struct ck_bytes allow;
	uint8_t challenge[32];
	uint8_t statements[CK_CHANGES_LIMIT][CK_CHANGE_STATEMENT_LIMIT_BYTES];
	size_t statement_lengths[CK_CHANGES_LIMIT];
	uint8_t values[CK_FRAME_LIMIT_BYTES];
	size_t value_at[CK_CHANGES_LIMIT + 1];
};

/* The daemon's terms: nonce, time and system that go into the list, and which keys may sign. */
static enum ck_error take_terms(const struct ck_map *reply, struct signing *s)
{
	if (ck_map_fixed(reply, CK_F_NONCE, s->nonce, sizeof s->nonce) != CK_OK || ck_map_int(reply, CK_F_TIME, &s->time_s) != CK_OK ||
	    ck_map_string(reply, CK_F_SYSTEM, s->system, sizeof s->system) != CK_OK ||
	    ck_map_string(reply, CK_F_RP_ID, s->rp_id, sizeof s->rp_id) != CK_OK || (reply->present & CK_KEY(CK_F_ALLOW)) == 0) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say how to sign");
		return CK_ERR_INTERNAL;
	}
	struct ck_bytes allow = reply->at[CK_F_ALLOW].encoded;
	s->allow = ck_bytes_of((struct ck_text){ ck_cli_copy((struct ck_text){ (const char *)allow.at, allow.length }), allow.length });
	return CK_OK;
}

static enum ck_error encode_item(const struct ck_plan_item *item, struct signing *s, size_t index)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_change_statement statement = { .operation = ck_text_of(item->operation),
		                                 .target = { item->target, item->target_length },
		                                 .parent = { item->parent.bytes, item->has_parent ? sizeof item->parent.bytes : 0 },
		                                 .csn = ck_text_of(item->csn),
		                                 .authority = item->authority };
	size_t at = s->value_at[index], length = 0;
	for (size_t i = 0; i < item->count; i++) {
		values[i].attribute = ck_text_of(item->values[i].name);
		values[i].count = item->values[i].count;
		memcpy(values[i].values, item->values[i].values, item->values[i].count * sizeof values[i].values[0]);
	}
	enum ck_error error = ck_change_values_encode(values, item->count, s->values + at, sizeof s->values - at, &length);
	if (error != CK_OK) return error;
	s->value_at[index + 1] = at + length;
	crypto_hash_sha256(statement.digest, s->values + at, length);
	return ck_change_statement_encode(&statement, s->statements[index], sizeof s->statements[index], &s->statement_lengths[index]);
}

static enum ck_error make_challenge(const struct ck_cli *cli, const struct ck_plan *plan, struct signing *s)
{
	static uint8_t list_bytes[CK_CHANGE_LIST_LIMIT_BYTES];
	static uint8_t digests[CK_CHANGES_LIMIT][32];
	struct ck_change_list list = { .digests = (const uint8_t(*)[32])digests, .count = plan->count, .system = ck_text_of(s->system),
		                       .user = ck_text_of(cli->as), .time_s = s->time_s };
	size_t length = 0;
	memcpy(list.nonce, s->nonce, sizeof list.nonce);
	for (size_t i = 0; i < plan->count; i++) {
		enum ck_error error = encode_item(&plan->items[i], s, i);
		if (error != CK_OK) return error;
		crypto_hash_sha256(digests[i], s->statements[i], s->statement_lengths[i]);
	}
	enum ck_error error = ck_change_list_encode(&list, list_bytes, sizeof list_bytes, &length);
	if (error != CK_OK) return error;
	ck_challenge_of(CK_TAG_CHANGE, sizeof CK_TAG_CHANGE, list_bytes, length, s->challenge);
	return CK_OK;
}

static enum ck_error commit(struct ck_cli *cli, const struct ck_plan *plan, const struct signing *s, const struct ck_touch *touch,
                            bool *out_pending)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_CHANGE_COMMIT);
	ck_field_touch(&ask.frame.map, touch);
	ck_field_key(&ask.frame.map, CK_F_STATEMENTS);
	ck_cbor_put_array(&ask.frame.w, plan->count);
	for (size_t i = 0; i < plan->count; i++) ck_cbor_put_bytes(&ask.frame.w, s->statements[i], s->statement_lengths[i]);
	ck_field_key(&ask.frame.map, CK_F_VALUES);
	ck_cbor_put_array(&ask.frame.w, plan->count);
	for (size_t i = 0; i < plan->count; i++)
		ck_cbor_put_bytes(&ask.frame.w, s->values + s->value_at[i], s->value_at[i + 1] - s->value_at[i]);
	ck_field_bytes(&ask.frame.map, CK_F_NONCE, s->nonce, sizeof s->nonce);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	*out_pending = ck_map_bool_or(&reply, CK_F_PENDING, false);
	return answer == CK_ANSWER_GRANTED ? CK_OK : CK_ERR_DENIED;
}

static void print_done(const struct ck_cli *cli, const struct ck_plan *plan, bool pending)
{
	if (cli->json) {
		json_t *codes = json_object();
		printf("{\"changed\": %zu, \"visible\": %s", plan->count, pending ? "false" : "true");
		for (size_t i = 0; i < plan->code_count; i++) json_object_set_new(codes, plan->codes[i].uid, json_string(plan->codes[i].code));
		char *text = plan->code_count > 0 ? json_dumps(codes, JSON_PRESERVE_ORDER) : NULL;
		printf("%s%s", text != NULL ? ", \"codes\": " : "", text != NULL ? text : "");
		if (plan->password != NULL) printf(", \"password\": \"%s\"", plan->password);
		puts("}");
		free(text);
		json_decref(codes);
		return;
	}
	printf("Done: %zu change%s%s.\n", plan->count, plan->count == 1 ? "" : "s", pending ? ", written, not yet visible here" : "");
	for (size_t i = 0; i < plan->code_count; i++) {
		char until[CK_TIME_TEXT_BYTES];
		printf("One-time code for %s: %s\n  (for a first key, until %s; it is not shown again)\n", plan->codes[i].uid, plan->codes[i].code,
		       ck_time_format(plan->codes[i].until_s, until));
	}
	if (plan->password != NULL)
		printf("Initial password for %s: %s\n  (to be changed at its first use; it is not shown again)\n", plan->password_for, plan->password);
}

int ck_plan_sign(struct ck_cli *cli, const struct ck_plan *plan, const struct ck_map *terms)
{
	static struct signing s;
	static struct ck_touch touch;
	bool pending = false;
	enum ck_error error = take_terms(terms, &s);
	if (error != CK_OK) return ck_exit_of(error);
	error = make_challenge(cli, plan, &s);
	if (error != CK_OK) return ck_cli_complain(error, "that is more than fits into one request (%d bytes): split it", CK_FRAME_LIMIT_BYTES);
	fprintf(stderr, "Touch the key of %s to order %s.\n", cli->as, plan->count == 1 ? "this" : "all of this");
	struct ck_token_request request = { .challenge = s.challenge, .rp_id = ck_text_of(s.rp_id), .allow = s.allow, .verify = true };
	error = ck_token_assert(cli, &request, &touch);
	if (error == CK_OK) error = commit(cli, plan, &s, &touch, &pending);
	if (error != CK_OK) return ck_exit_of(error);
	print_done(cli, plan, pending);
	return CK_EXIT_OK;
}

int ck_plan_order(struct ck_cli *cli, struct ck_plan *plan)
{
	static struct ck_ask ask;
	static struct ck_map terms;
	enum ck_answer answer;
	struct ck_id self;
	bool last_key = false;
	if (plan->count == 0) return ck_cli_complain(CK_ERR_INVALID, "there is nothing to change");
	/* for its name, and for the sentence when it is nobody's */
	enum ck_error error = ck_resolve_self(cli, &self);
	if (error != CK_OK) return ck_exit_of(error);
	show(cli, plan);
	error = ck_plan_takes_last_key(cli, plan, self, &last_key);
	if (error != CK_OK) return ck_exit_of(error);
	if (!confirmed(cli, last_key)) {
		fputs("Nothing was changed.\n", stderr);
		return CK_EXIT_REFUSED;
	}
	ck_ask_begin(&ask, CK_OP_CHANGE_BEGIN);
	ck_field_string(&ask.frame.map, CK_F_AS, cli->as);
	error = ck_ask_call(cli, &ask, &terms, &answer);
	if (error != CK_OK) return ck_exit_of(error);
	if (answer != CK_ANSWER_NEED_TOKEN) return ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not ask for a touch");
	return ck_plan_sign(cli, plan, &terms);
}
