/* Plans: one that is good, then one test for each single thing that is wrong with the touch, the time, or a batch; and what is done once, however
   often it is sent. */
#include "authd/plan.h"
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

static struct ck_signed_plan plan;
static struct ck_plan_orderer orderer;
static struct ck_plan_batch batch;

static const struct draft add = {.operation = "staff.add", .target = FRESH,
	.values = {{"uid", "dora"}, {"uidNumber", "201100"}, {"gidNumber", "201100"}, {"homeDirectory", "/home/dora"}, {"loginShell", "/bin/bash"},
	           {"cn", "Dora York"}, {"sn", "York"}, {"mail", "dora@example.gov.uk"}, {"employeeNumber", "900"}, {"ckStatus", "active"}, {"ckListed", "TRUE"},
	           {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"}}};
static const struct draft suspend = {.operation = "staff.change", .target = BOB, .csn = CSN, .values = {{"ckStatus", "suspended"}}};

/* What a test makes different between compiling and signing: by default there is one batch of all statements. */
struct wrong {
	unsigned authority; /* of the plan */
	int64_t time_s;
	const char *tag;
	size_t tag_length;
	bool flip_root_before, flip_root_after;
};

static void sign(const struct wrong *wrong)
{
	static const char tag[] = CK_TAG_PLAN;
	uint8_t digests[8][32], challenge[32], statement[CK_PLAN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	struct ck_plan_statement s = {.system = ck_text_of(f.system), .user = ck_text_of(f.user), .time_s = wrong->time_s != 0 ? wrong->time_s : f.nonce.time_s,
	                              .plan = ck_builder_id(FRESH5), .authority = ck_builder_id(wrong->authority != 0 ? wrong->authority : YORK), .count = f.count};
	for (size_t i = 0; i < f.count; i++) ck_sha256(digests[i], &(struct ck_bytes){f.statements[i], f.statement_lengths[i]}, 1);
	memset(&plan, 0, sizeof plan);
	ck_plan_root(ck_sha256, (const uint8_t(*)[32])digests, f.count, plan.roots[0]);
	if (wrong->flip_root_before) plan.roots[0][0] ^= 1;
	plan.batches = 1;
	ck_sha256(s.digest, &(struct ck_bytes){plan.roots[0], 32}, 1);
	memcpy(s.nonce, f.nonce_bytes, sizeof s.nonce);
	ck_assert_int_eq(ck_plan_statement_encode(&s, statement, sizeof statement, &length), CK_OK);
	const char *with = wrong->tag != NULL ? wrong->tag : tag;
	ck_sha256(challenge, (struct ck_bytes[]){{(const uint8_t *)with, wrong->tag != NULL ? wrong->tag_length : sizeof tag}, {statement, length}}, 2);
	ck_assert(ck_soft_make_assertion(&f.keys[f.signer], challenge, f.verified, &f.touch));
	if (wrong->flip_root_after) plan.roots[0][0] ^= 1;
}

static void make_plan_request(const struct wrong *wrong)
{
	struct ck_writer w;
	struct ck_map_writer m;
	struct ck_id id = ck_builder_id(FRESH5), authority = ck_builder_id(wrong->authority != 0 ? wrong->authority : YORK);
	ck_writer_init(&w, f.body, sizeof f.body);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_OP_PLAN_COMMIT);
	ck_field_bytes(&m, CK_F_CREDENTIAL, f.keys[f.signer].id, f.keys[f.signer].id_length);
	ck_field_bytes(&m, CK_F_AUTH_DATA, f.touch.auth_data, f.touch.auth_data_length);
	ck_field_bytes(&m, CK_F_SIGNATURE, f.touch.signature, f.touch.signature_length);
	ck_field_bytes(&m, CK_F_ID, id.bytes, sizeof id.bytes);
	ck_field_bytes(&m, CK_F_AUTHORITY, authority.bytes, sizeof authority.bytes);
	ck_field_bytes(&m, CK_F_NONCE, f.nonce_bytes, sizeof f.nonce_bytes);
	ck_field_uint(&m, CK_F_COUNT, f.count);
	ck_field_bytes(&m, CK_F_ROOTS, plan.roots[0], 32);
	ck_map_end(&m);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){f.body, ck_writer_length(&w)}, &f.map), CK_OK);
}

/* As the replica takes it; "" when all is well. */
static const char *take_plan(const struct wrong *wrong)
{
	struct ck_nonce taken;
	make_plan_request(wrong);
	if (ck_plan_decode(&f.map, &plan, &f.denial) != CK_OK) return f.denial.reason;
	if (ck_nonce_take(&f.nonces, CK_NONCE_CHANGE, plan.statement.nonce, f.commit_ms, LIFE_MS, &taken) != CK_OK) return "nonce";
	if (wrong->time_s != 0) taken.time_s = wrong->time_s;
	if (ck_plan_state(&plan, &taken, f.place.system, &f.denial) != CK_OK) return f.denial.reason;
	return ck_plan_verify(&plan, &f.place, ck_builder_view(f.b), &orderer, &f.denial) == CK_OK ? "" : f.denial.reason;
}

static const char *order_plan(const struct wrong *wrong)
{
	begin_as(f.user);
	if (f.count == 0) {
		add_statement(&add);
		add_statement(&suspend);
	}
	sign(wrong);
	return take_plan(wrong);
}

/* A batch of what stands in the fixture, under this number. The plan comes back from where it is kept. */
static const char *take_batch(uint64_t number)
{
	static uint8_t kept[CK_PLAN_PROOF_LIMIT_BYTES];
	static struct ck_signed_plan loaded;
	size_t length = 0;
	ck_assert_int_eq(ck_plan_store(&plan, kept, sizeof kept, &length), CK_OK);
	ck_assert_int_eq(ck_plan_load((struct ck_bytes){kept, length}, &loaded), CK_OK);
	make_request(); /* of a change: its statements and values are a batch's */
	memset(&f.order, 0, sizeof f.order);
	if (ck_order_decode_statements(&f.map, &f.order, &f.denial) != CK_OK) return f.denial.reason;
	if (ck_plan_verify(&loaded, &f.place, ck_builder_view(f.b), &orderer, &f.denial) != CK_OK) return f.denial.reason;
	if (ck_plan_check_batch(&loaded, &orderer, number, &f.order, &batch, &f.denial) != CK_OK) return f.denial.reason;
	return "";
}

static void try_batch(void)
{
	struct ck_batch *trial = NULL;
	struct ck_errmsg err;
	struct ck_view *view = NULL;
	ck_builder_commit(f.b);
	ck_assert_int_eq(ck_view_begin(ck_builder_store(f.b), &view), CK_OK);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(f.b), &trial, &err), CK_OK);
	ck_plan_try_batch(&f.order, &f.place, view, trial, &batch);
	ck_batch_abort(&trial);
	ck_view_end(&view);
}

static void put_bob(enum ck_status status, const char *csn)
{
	struct ck_record *record = ck_builder_staff(f.b, BOB, YORK, "bob", 201002);
	record->as.staff.status = status;
	record->csn = ck_text_of(csn);
	ck_builder_put(f.b, record);
}

static void plan_setup(void)
{
	change_setup();
	put_bob(CK_STATUS_ACTIVE, CSN);
}

static const struct wrong nothing;

/* ---- the plan ---- */

START_TEST(good)
{
	expect_fine(order_plan(&nothing));
	ck_assert(ck_id_equal(orderer.id, ck_builder_id(ALICE)));
	ck_assert_uint_eq(orderer.counter, 1);
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[0].state, CK_ITEM_READY);
	ck_assert_int_eq(batch.items[1].state, CK_ITEM_READY);
}
END_TEST

START_TEST(replayed)
{
	expect_fine(order_plan(&nothing));
	expect_reason(take_plan(&nothing), "nonce");
}
END_TEST

START_TEST(another_persons_key)
{
	f.signer = KEY_BOB;
	expect_reason(order_plan(&nothing), "assertion");
}
END_TEST

START_TEST(without_verification)
{
	f.verified = false;
	expect_reason(order_plan(&nothing), "assertion");
}
END_TEST

START_TEST(for_another_system)
{
	f.system = "core2";
	expect_reason(order_plan(&nothing), "assertion");
}
END_TEST

START_TEST(in_another_name)
{
	begin_as("alice");
	add_statement(&add);
	f.user = "ada";
	sign(&nothing);
	expect_reason(take_plan(&nothing), "assertion");
}
END_TEST

/* What was touched was a change, or a login. */
START_TEST(under_another_tag)
{
	static const char change[] = CK_TAG_CHANGE, login[] = CK_TAG_LOGIN;
	expect_reason(order_plan(&(struct wrong){.tag = change, .tag_length = sizeof change}), "assertion");
	f.count = 0;
	expect_reason(order_plan(&(struct wrong){.tag = login, .tag_length = sizeof login}), "assertion");
}
END_TEST

START_TEST(other_batches_than_signed)
{
	expect_reason(order_plan(&(struct wrong){.flip_root_after = true}), "assertion");
}
END_TEST

START_TEST(of_an_authority_one_does_not_administer)
{
	expect_reason(order_plan(&(struct wrong){.authority = BATH}), "not-permitted");
}
END_TEST

START_TEST(by_no_administrator)
{
	f.user = "bob";
	f.signer = KEY_BOB;
	expect_reason(order_plan(&nothing), "not-permitted");
}
END_TEST

START_TEST(counts_that_do_not_fit)
{
	begin_as("alice");
	add_statement(&add);
	sign(&nothing);
	f.count = 0;
	expect_reason(take_plan(&nothing), "malformed");
}
END_TEST

/* ---- later ---- */

START_TEST(at_the_last_moment)
{
	expect_fine(order_plan(&nothing));
	f.place.now.s = f.nonce.time_s + CK_PLAN_LIFE_S;
	expect_fine(take_batch(0));
}
END_TEST

START_TEST(expired)
{
	expect_fine(order_plan(&nothing));
	f.place.now.s = f.nonce.time_s + CK_PLAN_LIFE_S + 1;
	expect_reason(take_batch(0), "expired");
}
END_TEST

START_TEST(from_the_future)
{
	expect_reason(order_plan(&(struct wrong){.time_s = NOW + 301}), "expired");
}
END_TEST

START_TEST(clock_is_behind)
{
	expect_fine(order_plan(&nothing));
	f.place.now.behind = true;
	ck_assert_str_ne(take_batch(0), "");
}
END_TEST

START_TEST(key_was_revoked)
{
	expect_fine(order_plan(&nothing));
	alter_alices_key(CK_STATUS_REVOKED, always);
	expect_reason(take_batch(0), "assertion");
}
END_TEST

START_TEST(right_was_taken_back)
{
	expect_fine(order_plan(&nothing));
	ck_builder_remove(f.b, CK_KIND_GRANT, 31);
	expect_reason(take_batch(0), "not-permitted");
}
END_TEST

START_TEST(kept_bytes_were_altered)
{
	static uint8_t kept[CK_PLAN_PROOF_LIMIT_BYTES];
	static struct ck_signed_plan loaded;
	size_t length = 0;
	expect_fine(order_plan(&nothing));
	ck_assert_int_eq(ck_plan_store(&plan, kept, sizeof kept, &length), CK_OK);
	struct ck_view *view = ck_builder_view(f.b);
	for (size_t i = 0; i < length; i++) {
		kept[i] ^= 1;
		bool refused = ck_plan_load((struct ck_bytes){kept, length}, &loaded) != CK_OK ||
		               ck_plan_verify(&loaded, &f.place, view, &orderer, &f.denial) != CK_OK;
		ck_assert_msg(refused, "byte %zu may be another", i);
		kept[i] ^= 1;
	}
}
END_TEST

/* ---- batches ---- */

START_TEST(another_number)
{
	expect_fine(order_plan(&nothing));
	expect_reason(take_batch(1), "not-in-plan");
	plan.batches = 2; /* a second batch of which nobody signed anything */
	expect_reason(take_batch(0), "digest");
}
END_TEST

START_TEST(another_order_of_statements)
{
	expect_fine(order_plan(&nothing));
	f.count = 0;
	add_statement(&suspend);
	add_statement(&add);
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

START_TEST(a_statement_less)
{
	expect_fine(order_plan(&nothing));
	f.count = 1;
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

START_TEST(a_statement_more)
{
	struct draft more = suspend;
	expect_fine(order_plan(&nothing));
	more.target = ALICE;
	add_statement(&more);
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

START_TEST(another_statement)
{
	struct draft other = add;
	expect_fine(order_plan(&nothing));
	f.count = 0;
	other.target = FRESH2;
	add_statement(&other);
	add_statement(&suspend);
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

START_TEST(other_values)
{
	expect_fine(order_plan(&nothing));
	f.values[0][f.value_lengths[0] - 2] ^= 1;
	expect_reason(take_batch(0), "digest");
}
END_TEST

/* Signed as it is, and still not what a plan may hold. */
START_TEST(statement_of_another_authority)
{
	struct draft foreign = add;
	foreign.authority = BATH;
	begin_as("alice");
	add_statement(&foreign);
	sign(&nothing);
	expect_fine(take_plan(&nothing));
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

START_TEST(statement_of_another_kind)
{
	static const struct draft role = ROLE_ADD;
	begin_as("alice");
	add_statement(&role);
	sign(&nothing);
	expect_fine(take_plan(&nothing));
	expect_reason(take_batch(0), "not-in-plan");
}
END_TEST

/* ---- one bad statement costs no other ---- */

START_TEST(refused_alone)
{
	struct draft taken = add;
	taken.values[7].text = "bob@york.gov.uk"; /* outside of the authority's domains */
	begin_as("alice");
	add_statement(&taken);
	add_statement(&suspend);
	sign(&nothing);
	expect_fine(take_plan(&nothing));
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[0].state, CK_ITEM_REFUSED);
	ck_assert_str_eq(batch.items[0].reason, "reference");
	ck_assert_int_eq(batch.items[1].state, CK_ITEM_READY);
}
END_TEST

START_TEST(name_that_is_taken)
{
	struct draft taken = add;
	taken.values[0].text = "carol"; /* of another authority */
	begin_as("alice");
	add_statement(&taken);
	sign(&nothing);
	expect_fine(take_plan(&nothing));
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[0].state, CK_ITEM_REFUSED);
	ck_assert_str_eq(batch.items[0].reason, "exists");
}
END_TEST

/* ---- once ---- */

START_TEST(add_is_done_once)
{
	expect_fine(order_plan(&nothing));
	struct ck_record *record = ck_builder_staff(f.b, FRESH, YORK, "dora", 201100);
	ck_builder_put(f.b, record);
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[0].state, CK_ITEM_DONE);
}
END_TEST

START_TEST(change_is_done_once)
{
	expect_fine(order_plan(&nothing));
	put_bob(CK_STATUS_SUSPENDED, "20270115090000.000000Z#000000#001#000000");
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[1].state, CK_ITEM_DONE);
}
END_TEST

/* Somebody reinstated the person since: sent again, the plan does not undo that. */
START_TEST(change_is_not_done_again)
{
	expect_fine(order_plan(&nothing));
	put_bob(CK_STATUS_ACTIVE, "20270115100000.000000Z#000000#001#000000");
	expect_fine(take_batch(0));
	try_batch();
	ck_assert_int_eq(batch.items[1].state, CK_ITEM_REFUSED);
	ck_assert_str_eq(batch.items[1].reason, "conflict");
}
END_TEST

/* ---- the tree and what is kept of it ---- */

START_TEST(every_member_leads_to_the_root)
{
	uint8_t digests[CK_CHANGES_LIMIT][32], root[32], climbed[32], path[CK_PLAN_STEPS_LIMIT][32];
	for (size_t i = 0; i < CK_CHANGES_LIMIT; i++) memset(digests[i], (int)i, 32);
	for (size_t count = 1; count <= CK_CHANGES_LIMIT; count++) {
		ck_plan_root(ck_sha256, (const uint8_t(*)[32])digests, count, root);
		for (size_t i = 0; i < count; i++) {
			size_t steps = ck_plan_path(ck_sha256, (const uint8_t(*)[32])digests, count, i, path);
			ck_assert(ck_plan_climb(ck_sha256, digests[i], i, count, (struct ck_bytes){path[0], steps * 32}, climbed));
			ck_assert_mem_eq(climbed, root, 32);
			/* a wrong place, a wrong leaf, a wrong step, a wrong length */
			if (count > 1) {
				ck_assert(!ck_plan_climb(ck_sha256, digests[i], (i + 1) % count, count, (struct ck_bytes){path[0], steps * 32}, climbed) ||
				          memcmp(climbed, root, 32) != 0);
				ck_assert(!ck_plan_climb(ck_sha256, digests[i], i, count, (struct ck_bytes){path[0], steps * 32 - 32}, climbed));
			}
			ck_assert(ck_plan_climb(ck_sha256, digests[(i + 1) % CK_CHANGES_LIMIT], i, count, (struct ck_bytes){path[0], steps * 32}, climbed));
			ck_assert_mem_ne(climbed, root, 32);
		}
	}
	ck_assert(!ck_plan_climb(ck_sha256, digests[0], 0, 0, (struct ck_bytes){NULL, 0}, climbed));
	ck_assert(!ck_plan_climb(ck_sha256, digests[0], 3, 3, (struct ck_bytes){path[0], 32}, climbed));
}
END_TEST

/* The roots of RFC 6962 over its own leaves differ from ours only in what a leaf is: checked against a tree made by hand. */
START_TEST(tree_of_three)
{
	uint8_t digests[3][32], leaf[3][32], left[32], wanted[32], root[32];
	static const uint8_t zero = 0, one = 1;
	for (int i = 0; i < 3; i++) {
		memset(digests[i], 'a' + i, 32);
		ck_sha256(leaf[i], (struct ck_bytes[]){{&zero, 1}, {digests[i], 32}}, 2);
	}
	ck_sha256(left, (struct ck_bytes[]){{&one, 1}, {leaf[0], 32}, {leaf[1], 32}}, 3);
	ck_sha256(wanted, (struct ck_bytes[]){{&one, 1}, {left, 32}, {leaf[2], 32}}, 3);
	ck_plan_root(ck_sha256, (const uint8_t(*)[32])digests, 3, root);
	ck_assert_mem_eq(root, wanted, 32);
}
END_TEST

START_TEST(proof_of_a_member)
{
	uint8_t bytes[CK_MEMBER_PROOF_LIMIT_BYTES], digest[32], root[32];
	struct ck_member_proof proof;
	size_t length = 0;
	expect_fine(order_plan(&nothing));
	expect_fine(take_batch(0));
	ck_assert_int_eq(ck_plan_member_proof(&plan, &f.order, 0, 1, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_uint_lt(length, 400);
	ck_assert_int_eq(ck_member_proof_decode((struct ck_bytes){bytes, length}, &proof), CK_OK);
	ck_assert(ck_id_equal(proof.plan, plan.statement.plan));
	ck_sha256(digest, &proof.statement, 1);
	ck_assert(ck_plan_climb(ck_sha256, digest, (size_t)proof.index, (size_t)proof.count, proof.path, root));
	ck_assert_mem_eq(root, plan.roots[proof.batch], 32);
	for (size_t cut = 0; cut < length; cut++) ck_assert_int_ne(ck_member_proof_decode((struct ck_bytes){bytes, cut}, &proof), CK_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tests = tcase_create("plan");
	tcase_add_checked_fixture(tests, plan_setup, change_teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, good);
	tcase_add_test(tests, replayed);
	tcase_add_test(tests, another_persons_key);
	tcase_add_test(tests, without_verification);
	tcase_add_test(tests, for_another_system);
	tcase_add_test(tests, in_another_name);
	tcase_add_test(tests, under_another_tag);
	tcase_add_test(tests, other_batches_than_signed);
	tcase_add_test(tests, of_an_authority_one_does_not_administer);
	tcase_add_test(tests, by_no_administrator);
	tcase_add_test(tests, counts_that_do_not_fit);
	tcase_add_test(tests, at_the_last_moment);
	tcase_add_test(tests, expired);
	tcase_add_test(tests, from_the_future);
	tcase_add_test(tests, clock_is_behind);
	tcase_add_test(tests, key_was_revoked);
	tcase_add_test(tests, right_was_taken_back);
	tcase_add_test(tests, kept_bytes_were_altered);
	tcase_add_test(tests, another_number);
	tcase_add_test(tests, another_order_of_statements);
	tcase_add_test(tests, a_statement_less);
	tcase_add_test(tests, a_statement_more);
	tcase_add_test(tests, another_statement);
	tcase_add_test(tests, other_values);
	tcase_add_test(tests, statement_of_another_authority);
	tcase_add_test(tests, statement_of_another_kind);
	tcase_add_test(tests, refused_alone);
	tcase_add_test(tests, name_that_is_taken);
	tcase_add_test(tests, add_is_done_once);
	tcase_add_test(tests, change_is_done_once);
	tcase_add_test(tests, change_is_not_done_again);
	tcase_add_test(tests, every_member_leads_to_the_root);
	tcase_add_test(tests, tree_of_three);
	tcase_add_test(tests, proof_of_a_member);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
