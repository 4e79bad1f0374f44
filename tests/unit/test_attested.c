/* Whether a key is attested: found out from what it signed and the roots of this machine, when it enters the copy; taken back when the roots
   change. The words of the directory make no key attested. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/attested.h"
#include "authd/protocol/statement.h"
#include "authd/replica_follow.h"
#include "tests/unit/attestation_fixture.h"
#include "tests/unit/suite.h"

static EVP_PKEY *root_key, *leaf_key, *credential_key, *other_key;
static X509 *root, *leaf, *plain_leaf, *other_root;
static struct ck_fido_roots *roots, *other_roots;
static struct made m;
static struct ck_person_statement statement;
static uint8_t statement_bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES], kept[CK_REGISTRATION_LIMIT_BYTES + 1];
static size_t statement_length, kept_length;
static struct ck_key key;
static struct ck_errmsg err;

static struct ck_fido_roots *read_roots(X509 *certificate)
{
	struct ck_fido_roots *read = NULL;
	char *bytes;
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert(PEM_write_bio_X509(bio, certificate) == 1);
	long length = BIO_get_mem_data(bio, &bytes);
	ck_assert_int_eq(ck_fido_roots_read((struct ck_text){bytes, (size_t)length}, &read, &err), CK_OK);
	BIO_free(bio);
	return read;
}

static void make_keys(void)
{
	root_key = new_ec_key("P-256");
	leaf_key = new_ec_key("P-256");
	credential_key = new_ec_key("P-256");
	other_key = new_ec_key("P-256");
	struct certificate_wish authority = wish_authority("Key Makers Root"), wish = wish_leaf();
	root = new_certificate(&authority, root_key, NULL, NULL);
	other_root = new_certificate(&authority, other_key, NULL, NULL);
	leaf = new_certificate(&wish, leaf_key, root, root_key);
	wish.model = NULL;
	plain_leaf = new_certificate(&wish, leaf_key, root, root_key);
	roots = read_roots(root);
	other_roots = read_roots(other_root);
}

static void free_keys(void)
{
	EVP_PKEY *const keys[] = {root_key, leaf_key, credential_key, other_key};
	X509 *const certificates[] = {root, leaf, plain_leaf, other_root};
	for (size_t i = 0; i < 4; i++) EVP_PKEY_free(keys[i]);
	for (size_t i = 0; i < 4; i++) X509_free(certificates[i]);
	ck_fido_roots_free(&roots);
	ck_fido_roots_free(&other_roots);
}

static void keep(void)
{
	const struct ck_registration registration = {.statement = {statement_bytes, statement_length}, .format = ck_text_of(m.format),
	                                             .auth_data = {m.auth_data, m.auth_data_length}, .attestation = {m.statement, m.statement_length}};
	ck_assert_int_eq(ck_registration_encode(&registration, kept, sizeof kept, &kept_length), CK_OK);
	key.registration = (struct ck_bytes){kept, kept_length};
}

/* As the replica enrols it. */
static void enrol(void)
{
	static const char tag[] = CK_TAG_ENROL;
	ck_assert_int_eq(ck_person_statement_encode(&statement, statement_bytes, sizeof statement_bytes, &statement_length), CK_OK);
	ck_sha256(challenge, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, {statement_bytes, statement_length}}, 2);
	make_all(&m);
	key = (struct ck_key){.credential_id = {m.id, m.id_length}, .public_key = {m.cose, m.cose_length}, .rp_id = ck_text_of(RP),
	                      .label = ck_text_of("blue"), .attestation = ck_text_of(CK_ATTESTATION_CERTIFICATE), .status = CK_STATUS_ACTIVE};
	memcpy(key.aaguid, m.aaguid, sizeof key.aaguid);
	ck_sha256(key.hash, &key.credential_id, 1);
	keep();
}

static void setup(void)
{
	statement = (struct ck_person_statement){.system = ck_text_of("core1"), .user = ck_text_of("bob"), .nonce = {1, 2, 3}, .time_s = NOW};
	m = (struct made){.rp_id = RP, .format = "packed", .flags = UP | UV, .id = {1, 2, 3}, .id_length = 64, .credential = credential_key,
	                  .signer = leaf_key, .algorithm = CK_FIDO_ES256, .chain = {leaf}, .chain_length = 1};
	memcpy(m.aaguid, model, sizeof model);
	enrol();
}

static void expect(bool attested, const char *sentence)
{
	enum ck_error error = ck_attestation_check(&key, roots, &err);
	ck_assert_msg(error == (attested ? CK_OK : CK_ERR_DENIED), "%s: %s", ck_error_name(error), err.text);
	if (!attested) ck_assert_msg(strstr(err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", err.text, sentence);
}

START_TEST(good)
{
	expect(true, "");
}
END_TEST

START_TEST(good_u2f)
{
	m.format = "fido-u2f";
	m.chain[0] = plain_leaf;
	memset(m.aaguid, 0, sizeof m.aaguid);
	enrol();
	expect(true, "");
}
END_TEST

START_TEST(other_roots_are_trusted)
{
	ck_assert_int_eq(ck_attestation_check(&key, other_roots, &err), CK_ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(err.text, "not trusted here"));
}
END_TEST

START_TEST(attested_by_another_word)
{
	static const char *const words[] = {CK_ATTESTATION_NONE, CK_ATTESTATION_SELF, "attested", ""};
	key.attestation = ck_text_of(words[_i]);
	expect(false, "no certificate");
}
END_TEST

START_TEST(registration_missing_or_malformed)
{
	key.registration = (struct ck_bytes){NULL, 0};
	expect(false, "was not kept");
	for (size_t length = 0; length < kept_length; length += 7) {
		key.registration = (struct ck_bytes){kept, length};
		expect(false, "was not kept");
	}
	kept[kept_length] = 0;
	key.registration = (struct ck_bytes){kept, kept_length + 1};
	expect(false, "was not kept");
}
END_TEST

/* _i: each byte of what the person's statement says */
START_TEST(statement_changed)
{
	for (size_t i = 0; i < statement_length; i++) {
		statement_bytes[i] ^= 1;
		keep();
		expect(false, "");
		statement_bytes[i] ^= 1;
	}
	keep();
	expect(true, "");
}
END_TEST

START_TEST(enrolled_when_the_certificate_was_not_valid)
{
	statement.time_s = _i == 0 ? NOW - DAY - 1 : NOW + DAY;
	enrol();
	expect(false, _i == 0 ? "not yet valid" : "expired");
}
END_TEST

START_TEST(another_credential_in_the_entry)
{
	uint8_t id[64];
	memcpy(id, m.id, sizeof id);
	id[63] ^= 1;
	key.credential_id.at = id;
	expect(false, "another key");
}
END_TEST

/* Whoever writes the directory puts their own public key beside a real registration. */
START_TEST(another_public_key_in_the_entry)
{
	uint8_t cose[128];
	key.public_key = (struct ck_bytes){cose, put_cose(other_key, cose, sizeof cose)};
	expect(false, "another key");
}
END_TEST

START_TEST(another_model_in_the_entry)
{
	memcpy(key.aaguid, other_model, sizeof key.aaguid);
	expect(false, "another key");
}
END_TEST

START_TEST(another_rp_in_the_entry)
{
	key.rp_id = ck_text_of("other.example");
	expect(false, "another rp-id");
}
END_TEST

START_TEST(self_signed_registration)
{
	m.chain_length = 0;
	m.signer = credential_key;
	enrol();
	expect(false, "no maker's certificate");
}
END_TEST

/* ---- the file ---- */

static char directory[64], path[96];

static void write_file(const void *bytes, size_t length, mode_t mode)
{
	FILE *file = fopen(path, "w");
	ck_assert(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0 && chmod(path, mode) == 0);
}

static void write_roots(void)
{
	char *bytes;
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert(PEM_write_bio_X509(bio, root) == 1);
	long length = BIO_get_mem_data(bio, &bytes);
	write_file(bytes, (size_t)length, 0644);
	BIO_free(bio);
}

static void make_directory(void)
{
	snprintf(directory, sizeof directory, "/run/ck-attested.XXXXXX"); /* below /tmp nothing is trusted */
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/roots.pem", directory);
}

static void remove_directory(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void expect_load(enum ck_error wanted, const char *sentence)
{
	struct ck_fido_roots *read = NULL;
	err.text[0] = '\0';
	enum ck_error error = ck_attestation_load(path, &read, &err);
	ck_assert_msg(error == wanted, "%s: %s", ck_error_name(error), err.text);
	ck_assert((read != NULL) == (wanted == CK_OK));
	ck_assert_msg(strstr(err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", err.text, sentence);
	ck_fido_roots_free(&read);
}

START_TEST(file_good)
{
	struct ck_fido_roots *read = roots;
	write_roots();
	expect_load(CK_OK, "");
	ck_assert_int_eq(ck_attestation_load("", &read, &err), CK_OK);
	ck_assert_ptr_null(read);
}
END_TEST

START_TEST(file_missing)
{
	expect_load(CK_ERR_UNAVAILABLE, "attestation_roots");
}
END_TEST

START_TEST(file_of_others)
{
	write_roots();
	ck_assert_int_eq(chmod(path, 0664), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots");
	ck_assert_int_eq(chmod(path, 0646), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(chown(path, 65534, 0), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots");
}
END_TEST

START_TEST(directory_of_others)
{
	write_roots();
	ck_assert_int_eq(chmod(directory, 0777), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots");
}
END_TEST

START_TEST(file_is_none)
{
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots"); /* and does not wait for a writer */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	expect_load(CK_ERR_DENIED, "attestation_roots");
}
END_TEST

START_TEST(file_too_long)
{
	static char bytes[1024 * 1024 + 1];
	memset(bytes, '\n', sizeof bytes);
	write_file(bytes, sizeof bytes, 0644);
	expect_load(CK_ERR_LIMIT, "longer than");
	write_file(bytes, sizeof bytes - 1, 0644);
	expect_load(CK_ERR_INVALID, "at least one certificate");
}
END_TEST

/* ---- into the copy ---- */

#define SUFFIX "dc=example,dc=org"
#define BELOW_PERSON ",ckId=22222222-2222-4222-8222-222222222222,ou=staff,ckId=11111111-1111-4111-8111-111111111111,ou=authorities," SUFFIX
#define COOKIE(n) "rid=000,csn=20260102030405.00000" #n "Z#000000#001#000000"

static struct ck_wall wall;
static struct ck_follower *follower;
static struct ck_bytes resume_from;

static bool judge(const struct ck_key *candidate, void *context)
{
	return ck_attestation_check(candidate, context, &err) == CK_OK;
}

static void open_with(struct ck_fido_roots *trusted)
{
	struct ck_follower_settings settings = {.store_directory = directory, .suffix = SUFFIX, .removal_percent = 5, .removal_floor = 3, .wall = &wall,
	                                        .context = trusted};
	if (trusted != NULL) {
		settings.is_attested = judge;
		memcpy(settings.roots_digest, ck_fido_roots_digest(trusted), 32);
	}
	ck_follower_close(&follower);
	ck_assert_msg(ck_follower_open(&settings, &follower, &err) == CK_OK, "%s", err.text);
	ck_assert_int_eq(ck_follower_begin(follower, &resume_from, &err), CK_OK);
}

static void give_key(void)
{
	char dn[512], hash[65];
	static const uint8_t uuid[16] = {0x55, 1};
	ck_hex_encode(key.hash, sizeof key.hash, hash, sizeof hash);
	snprintf(dn, sizeof dn, "ckKeyHash=%s%s", hash, BELOW_PERSON);
	const struct {
		const char *name;
		struct ck_bytes value;
	} pairs[] = {
		{"objectClass", ck_bytes_of(ck_text_of("ckKey"))},        {"ckKeyHash", ck_bytes_of(ck_text_of(hash))},
		{"ckCredentialId", key.credential_id},                    {"ckPublicKey", key.public_key},
		{"ckRpId", ck_bytes_of(key.rp_id)},                       {"ckAaguid", ck_bytes_of(ck_text_of("74686973-206d-6f64-656c-277320696400"))},
		{"ckLabel", ck_bytes_of(key.label)},                      {"ckAttestation", ck_bytes_of(key.attestation)},
		{"ckCanVerify", ck_bytes_of(ck_text_of("TRUE"))},         {"ckStatus", ck_bytes_of(ck_text_of("active"))},
		{"ckValidFrom", ck_bytes_of(ck_text_of("00010101000000Z"))}, {"ckValidUntil", ck_bytes_of(ck_text_of("99991231235959Z"))},
		{"ckRegistration", key.registration},                     {"entryUUID", ck_bytes_of(ck_text_of("55010000-0000-0000-0000-000000000000"))},
	};
	struct ck_attribute attributes[14];
	for (size_t i = 0; i < 14; i++) attributes[i] = (struct ck_attribute){ck_text_of(pairs[i].name), &pairs[i].value, 1};
	struct ck_entry entry = {.dn = ck_text_of(dn), .attributes = attributes, .count = 14};
	ck_assert_int_eq(ck_follower_handlers.on_entry(uuid, &entry, follower), CK_OK);
}

static void refresh(void)
{
	give_key();
	ck_assert_int_eq(ck_follower_handlers.on_refreshed(true, ck_bytes_of(ck_text_of(COOKIE(1))), follower), CK_OK);
}

static bool is_attested_in_copy(void)
{
	struct ck_view *view;
	struct ck_record record;
	ck_assert_int_eq(ck_follower_view(follower, &view), CK_OK);
	ck_assert_int_eq(ck_view_key(view, key.hash, &record), CK_OK);
	bool attested = record.as.key.attested;
	ck_assert_uint_eq(record.as.key.registration.length, 0); /* the copy needs it no more */
	ck_view_end(&view);
	return attested;
}

static void copy_setup(void)
{
	make_directory();
	setup();
}

static void copy_teardown(void)
{
	ck_follower_close(&follower);
	remove_directory();
}

START_TEST(found_out_when_it_enters_the_copy)
{
	open_with(roots);
	refresh();
	ck_assert(is_attested_in_copy());
	/* a change of the entry: found out again, from what the entry is now */
	key.registration.length--;
	give_key();
	ck_assert_int_eq(ck_follower_handlers.on_batch_end(follower), CK_OK);
	ck_assert(!is_attested_in_copy());
}
END_TEST

START_TEST(without_roots_none_is)
{
	open_with(NULL);
	refresh();
	ck_assert(!is_attested_in_copy());
}
END_TEST

START_TEST(the_same_roots_again)
{
	open_with(roots);
	refresh();
	open_with(roots);
	ck_assert_ptr_nonnull(resume_from.at);
	ck_assert(is_attested_in_copy());
}
END_TEST

START_TEST(roots_are_added)
{
	open_with(NULL);
	refresh();
	open_with(roots);
	ck_assert_ptr_null(resume_from.at); /* a full refresh */
	ck_assert(!is_attested_in_copy());
	refresh();
	ck_assert(is_attested_in_copy());
}
END_TEST

START_TEST(roots_are_exchanged)
{
	open_with(roots);
	refresh();
	open_with(other_roots);
	ck_assert(!is_attested_in_copy()); /* at once, before the directory is asked */
	ck_assert_ptr_null(resume_from.at);
	open_with(other_roots); /* stopped in between: it begins again */
	ck_assert_ptr_null(resume_from.at);
	refresh();
	ck_assert(!is_attested_in_copy());
	open_with(other_roots);
	ck_assert_ptr_nonnull(resume_from.at);
	open_with(roots);
	refresh();
	ck_assert(is_attested_in_copy());
}
END_TEST

START_TEST(roots_are_taken_away)
{
	open_with(roots);
	refresh();
	open_with(NULL);
	ck_assert(!is_attested_in_copy());
	ck_assert_ptr_nonnull(resume_from.at); /* by none nothing is to be found out */
	open_with(roots);
	ck_assert_ptr_null(resume_from.at);
	ck_assert(!is_attested_in_copy());
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("attested");
	TCase *check = tcase_create("check"), *file = tcase_create("file"), *copy = tcase_create("copy");
	TCase *const cases[] = {check, file, copy};
	for (size_t i = 0; i < 3; i++) tcase_add_unchecked_fixture(cases[i], make_keys, free_keys);
	tcase_add_checked_fixture(check, setup, NULL);
	tcase_add_test(check, good);
	tcase_add_test(check, good_u2f);
	tcase_add_test(check, other_roots_are_trusted);
	tcase_add_loop_test(check, attested_by_another_word, 0, 4);
	tcase_add_test(check, registration_missing_or_malformed);
	tcase_add_test(check, statement_changed);
	tcase_add_loop_test(check, enrolled_when_the_certificate_was_not_valid, 0, 2);
	tcase_add_test(check, another_credential_in_the_entry);
	tcase_add_test(check, another_public_key_in_the_entry);
	tcase_add_test(check, another_model_in_the_entry);
	tcase_add_test(check, another_rp_in_the_entry);
	tcase_add_test(check, self_signed_registration);
	tcase_add_checked_fixture(file, make_directory, remove_directory);
	tcase_add_test(file, file_good);
	tcase_add_test(file, file_missing);
	tcase_add_test(file, file_of_others);
	tcase_add_test(file, directory_of_others);
	tcase_add_test(file, file_is_none);
	tcase_add_test(file, file_too_long);
	tcase_add_checked_fixture(copy, copy_setup, copy_teardown);
	tcase_add_test(copy, found_out_when_it_enters_the_copy);
	tcase_add_test(copy, without_roots_none_is);
	tcase_add_test(copy, the_same_roots_again);
	tcase_add_test(copy, roots_are_added);
	tcase_add_test(copy, roots_are_exchanged);
	tcase_add_test(copy, roots_are_taken_away);
	for (size_t i = 0; i < 3; i++) suite_add_tcase(suite, cases[i]);
	return suite_run(suite);
}
