/* `crosskeys import --offline`: the first load of an embedded directory, by root, through slapadd. Allowed while nobody has a key: until then
   there is nobody who could order it by a touch, and root makes the instance. slapadd asks no overlay, so what must be unique is seen to here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "authd/cli/import_name.h"
#include "authd/cli/import_offline.h"
#include "directory/model/entry.h"

#define UID_TRIES 100000

/* ---- what is there ---- */

static struct ck_text scoped(struct ck_id authority, struct ck_text number, char out[CK_DERIVED_LIMIT_BYTES])
{
	const char *name;
	if (ck_entry_derive(CK_KIND_STAFF, authority, ck_text_of("employeeNumber"), number, &name, out) != CK_OK) out[0] = '\0';
	return ck_text_of(out);
}

static void take_authority(struct ck_offline_run *run, const struct ck_ldif_record *record)
{
	if (run->home_count == CK_OFFLINE_HOMES_LIMIT) return;
	struct ck_offline_home *at = &run->homes[run->home_count];
	memset(at, 0, sizeof *at);
	if (ck_id_parse(ck_ldif_value(record, "ckId"), &at->home.id) != CK_OK ||
	    ck_text_copy(at->home.name, sizeof at->home.name, ck_ldif_value(record, "ckName")) != CK_OK ||
	    ck_uint_parse(ck_ldif_value(record, "ckUidNumberFirst"), 0, UINT32_MAX, &at->home.first) != CK_OK ||
	    ck_uint_parse(ck_ldif_value(record, "ckUidNumberLast"), 0, UINT32_MAX, &at->home.last) != CK_OK)
		return;
	for (size_t i = 0; i < record->count && at->home.domain_count < CK_LIST_LIMIT; i++) {
		struct ck_text name = record->values[i].name, value = { (const char *)record->values[i].value.at, record->values[i].value.length };
		if (name.length != strlen("ckMailDomain") || strncasecmp(name.at, "ckMailDomain", name.length) != 0) continue;
		if (ck_text_copy(at->home.domains[at->home.domain_count], sizeof at->home.domains[0], value) == CK_OK) at->home.domain_count++;
	}
	at->next_uid_number = at->home.first;
	if (ck_id_equal(at->home.id, run->config.founding_authority)) run->default_home = run->home_count;
	run->home_count++;
}

static void take_entry(const struct ck_ldif_record *record, void *context)
{
	struct ck_offline_run *run = context;
	if (ck_ldif_has_class(record, "ckKey")) run->keys++;
	if (ck_ldif_has_class(record, "ckAuthority")) take_authority(run, record);
	if (!ck_ldif_has_class(record, "ckStaff")) return;
	run->staff++;
	(void)ck_set_add(run->numbers, ck_ldif_value(record, "ckStaffNumber"), false, 1);
	(void)ck_set_add(run->uids, ck_ldif_value(record, "uid"), false, 1);
	(void)ck_set_add(run->mails, ck_ldif_value(record, "mail"), true, 1);
	(void)ck_set_add(run->uid_numbers, ck_ldif_value(record, "uidNumber"), false, 1);
}

/* ---- a person ---- */

static bool give_uid_number(struct ck_offline_run *run, struct ck_offline_home *home, struct ck_person *person, struct ck_person_scratch *scratch)
{
	char number[24];
	for (; home->next_uid_number <= home->home.last; home->next_uid_number++) {
		snprintf(number, sizeof number, "%llu", (unsigned long long)home->next_uid_number);
		if (ck_set_has(run->uid_numbers, ck_text_of(number), false)) continue;
		return ck_person_set(person, scratch, CK_IMPORT_UID_NUMBER, ck_text_of(number)) == CK_OK;
	}
	return false;
}

static bool give_uid(struct ck_offline_run *run, struct ck_person *person, struct ck_person_scratch *scratch)
{
	char uid[CK_UID_LIMIT_BYTES + 1];
	for (unsigned n = 1; n < UID_TRIES; n++) {
		if (!ck_name_uid(run->call->mapping->uids, person->value[CK_IMPORT_GIVEN], person->value[CK_IMPORT_SURNAME], person->value[CK_IMPORT_NUMBER], n, uid))
			return false;
		if (!ck_set_has(run->uids, ck_text_of(uid), false)) return ck_person_set(person, scratch, CK_IMPORT_UID, ck_text_of(uid)) == CK_OK;
	}
	return false;
}

static enum ck_error settle(struct ck_offline_run *run, struct ck_offline_home *home, struct ck_person *person, struct ck_errmsg *why)
{
	static struct ck_person_scratch scratch;
	ck_person_complete(run->call->mapping, person, &scratch);
	if (person->value[CK_IMPORT_UID_NUMBER].length == 0 && !give_uid_number(run, home, person, &scratch))
		return ck_fail(why, CK_ERR_LIMIT, "uid-number: the authority's range is used up");
	if (person->value[CK_IMPORT_UID].length == 0 && !give_uid(run, person, &scratch))
		return ck_fail(why, CK_ERR_INVALID, "uid: no login name can be made of the name; give one in a column");
	ck_person_complete_uid(run->call->mapping, person, &scratch);
	enum ck_error error = ck_person_check(person, &home->home, why);
	if (error != CK_OK) return error;
	if (ck_set_has(run->uids, person->value[CK_IMPORT_UID], false)) return ck_fail(why, CK_ERR_EXISTS, "uid: somebody else has this login name");
	if (ck_set_has(run->mails, person->value[CK_IMPORT_MAIL], true)) return ck_fail(why, CK_ERR_EXISTS, "mail: somebody else has this address");
	if (ck_set_has(run->uid_numbers, person->value[CK_IMPORT_UID_NUMBER], false)) return ck_fail(why, CK_ERR_EXISTS, "uid-number: somebody else has it");
	return CK_OK;
}

static void claim(struct ck_offline_run *run, const struct ck_person *person)
{
	(void)ck_set_add(run->uids, person->value[CK_IMPORT_UID], false, 1);
	(void)ck_set_add(run->mails, person->value[CK_IMPORT_MAIL], true, 1);
	(void)ck_set_add(run->uid_numbers, person->value[CK_IMPORT_UID_NUMBER], false, 1);
}

static void print_entry(struct ck_offline_run *run, const struct ck_offline_home *home, const struct ck_person *person, struct ck_text number, FILE *to)
{
	char dn[CK_DN_LIMIT_BYTES], id_text[CK_ID_TEXT_BYTES];
	struct ck_id id;
	randombytes_buf(id.bytes, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4 */
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	enum ck_error error = ck_entry_dn(CK_KIND_STAFF, id, NULL, id, home->home.id, ck_text_of(run->config.suffix), dn);
	CK_ASSERT(error == CK_OK);
	fprintf(to, "\ndn: %s\n", dn);
	for (const char *const *class = ck_entry_object_classes(CK_KIND_STAFF); *class != NULL; class++) fprintf(to, "objectClass: %s\n", *class);
	fprintf(to, "ckId: %s\n", ck_id_format(id, id_text));
	ck_ldif_print(to, "ckStaffNumber", ck_bytes_of(number));
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		const char *attribute = ck_import_row_of((enum ck_import_field)i)->attribute;
		if (attribute == NULL || !ck_import_field_known((enum ck_import_field)i) || person->value[i].length == 0) continue;
		ck_ldif_print(to, attribute, ck_bytes_of(person->value[i]));
	}
}

static struct ck_offline_home *home_of(struct ck_offline_run *run, const struct ck_person *person)
{
	if (!person->given[CK_IMPORT_AUTHORITY]) return &run->homes[run->default_home];
	for (size_t i = 0; i < run->home_count; i++)
		if (ck_text_is(person->value[CK_IMPORT_AUTHORITY], run->homes[i].home.name)) return &run->homes[i];
	return NULL;
}

static void reject(struct ck_offline_run *run, const struct ck_rows *rows, const struct ck_person *person, const char *why)
{
	run->rejected++;
	ck_rejects_add(run->rejects, person->line, why, ck_rows_raw(rows));
}

static void take_person(struct ck_offline_run *run, const struct ck_rows *rows, struct ck_person *person, FILE *to)
{
	char number_text[CK_DERIVED_LIMIT_BYTES];
	struct ck_errmsg why = { "" };
	struct ck_offline_home *home = home_of(run, person);
	if (home == NULL) {
		reject(run, rows, person, "authority: there is none of this name");
		return;
	}
	struct ck_text number = scoped(home->home.id, person->value[CK_IMPORT_NUMBER], number_text);
	uint64_t before = 0;
	if (ck_set_find(run->numbers, number, false, &before)) {
		if (before == 1) run->known++;
		else reject(run, rows, person, "the staff number stands on an earlier line already");
		return;
	}
	if (settle(run, home, person, &why) != CK_OK) {
		reject(run, rows, person, why.text);
		return;
	}
	claim(run, person);
	(void)ck_set_add(run->numbers, number, false, 2);
	print_entry(run, home, person, number, to);
	run->added++;
}

/* ---- the run ---- */

static enum ck_error take_file(struct ck_offline_run *run, const char *path, FILE *to, struct ck_errmsg *err)
{
	static struct ck_person person;
	struct ck_rows *rows = NULL;
	struct ck_progress progress;
	enum ck_error error = ck_rows_open(path, ck_rows_format_of(path), run->call->mapping, &rows, err);
	if (error != CK_OK) return error;
	ck_progress_begin(&progress, "Loading (bytes)", ck_rows_total_bytes(rows));
	for (;;) {
		struct ck_errmsg why;
		error = ck_rows_next(rows, &person, &why);
		if (error == CK_ERR_NOT_FOUND || error == CK_ERR_IO) break;
		run->rows++;
		if (error != CK_OK) reject(run, rows, &person, why.text);
		else take_person(run, rows, &person, to);
		ck_progress_show(&progress, ck_rows_done_bytes(rows));
		if (ferror(to)) break;
	}
	ck_progress_end(&progress, ck_rows_done_bytes(rows));
	if (error == CK_ERR_IO) (void)ck_fail(err, error, "%s cannot be read", path);
	ck_rows_close(&rows);
	return error == CK_ERR_IO ? error : CK_OK;
}

static enum ck_error load(struct ck_offline_run *run, struct ck_errmsg *err)
{
	struct ck_offline_load to = { .to = NULL };
	char detail[256];
	if (run->call->dry_run) {
		FILE *nowhere = fopen("/dev/null", "we");
		if (nowhere == NULL) return ck_fail(err, CK_ERR_IO, "/dev/null: %s", strerror(errno));
		enum ck_error tried = CK_OK;
		for (size_t i = 0; tried == CK_OK && i < run->call->file_count; i++) tried = take_file(run, run->call->files[i], nowhere, err);
		fclose(nowhere);
		return tried;
	}
	snprintf(detail, sizeof detail, "root loads %s%s without the daemon", run->call->files[0], run->call->file_count > 1 ? " and more" : "");
	enum ck_error error = ck_offline_record(run, "intent", detail, run->staff, err);
	if (error == CK_OK) error = ck_offline_begin(run, &to, err);
	if (error != CK_OK) return error;
	for (size_t i = 0; error == CK_OK && i < run->call->file_count; i++) error = take_file(run, run->call->files[i], to.to, err);
	enum ck_error ended = ck_offline_end(run, &to, error == CK_OK, err);
	if (error == CK_OK) error = ended;
	snprintf(detail, sizeof detail, "%s: %llu people added, %llu rows rejected", error == CK_OK ? "loaded" : "undone", (unsigned long long)run->added,
	         (unsigned long long)run->rejected);
	enum ck_error recorded = ck_offline_record(run, error == CK_OK ? "loaded" : "undone", detail, error == CK_OK ? run->added : 0, err);
	return error == CK_OK ? recorded : error;
}

static enum ck_error lock(const struct ck_offline_run *run, int *out_fd, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES + 16];
	snprintf(path, sizeof path, "%s/lock", run->config.directory);
	*out_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*out_fd >= 0 && flock(*out_fd, LOCK_EX | LOCK_NB) == 0) return CK_OK;
	return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: the daemon runs: stop it first, or import through it", run->config.directory);
}

static enum ck_error prepare(struct ck_offline_run *run, int *out_lock, struct ck_errmsg *err)
{
	char path[512];
	snprintf(path, sizeof path, "%s/crosskeys.conf", run->call->directory);
	if (geteuid() != 0) return ck_fail(err, CK_ERR_DENIED, "only root loads a directory without its daemon");
	enum ck_error error = ck_config_load(path, &run->config, err);
	if (error == CK_OK && run->config.slapd[0] == '\0') error = ck_fail(err, CK_ERR_INVALID, "the directory of this instance is not embedded");
	if (error == CK_OK) error = ck_config_user(run->config.user_directory, &run->uid, &run->gid, err);
	if (error == CK_OK) error = lock(run, out_lock, err);
	if (error == CK_OK) error = ck_offline_undo(run, err);
	if (error == CK_OK) error = ck_offline_read(run, take_entry, err);
	if (error == CK_OK && run->home_count == 0) error = ck_fail(err, CK_ERR_NOT_FOUND, "the directory has no authority");
	if (error == CK_OK && run->keys > 0)
		error = ck_fail(err, CK_ERR_DENIED, "somebody has a key in this directory: start the daemon, and order the import by a touch");
	if (error == CK_OK) error = ck_rejects_open(run->call->rejects_path, &run->rejects, err);
	return error;
}

static int finish(struct ck_offline_run *run)
{
	struct ck_errmsg err = { "" };
	uint64_t bad = run->rejected;
	enum ck_error error = ck_rejects_close(&run->rejects, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	if (run->call->json)
		printf("{\"rows\": %llu, \"add\": %llu, \"unchanged\": %llu, \"rejected\": %llu}\n", (unsigned long long)run->rows, (unsigned long long)run->added,
		       (unsigned long long)run->known, (unsigned long long)bad);
	else
		printf("%s: %llu added, %llu were there already, %llu rejected.\n", run->call->dry_run ? "Tried" : "Loaded", (unsigned long long)run->added,
		       (unsigned long long)run->known, (unsigned long long)bad);
	if (bad > 0 && run->call->rejects_path != NULL)
		fprintf(stderr, "%llu rows were not taken: %s says which, and why.\n", (unsigned long long)bad, run->call->rejects_path);
	if (bad == 0 && run->call->rejects_path != NULL) (void)unlink(run->call->rejects_path);
	return bad > 0 ? CK_EXIT_PARTLY : CK_EXIT_OK;
}

int ck_import_offline(const struct ck_offline *offline)
{
	static struct ck_offline_run run;
	struct ck_errmsg err = { "" };
	int lock_fd = -1;
	CK_ASSERT(sodium_init() >= 0);
	(void)signal(SIGPIPE, SIG_IGN); /* slapadd that ends early is found out when it is waited for */
	run = (struct ck_offline_run){ .call = offline, .numbers = ck_set_new(), .uids = ck_set_new(), .mails = ck_set_new(), .uid_numbers = ck_set_new() };
	run.homes = ck_cli_allocate(CK_OFFLINE_HOMES_LIMIT * sizeof *run.homes);
	enum ck_error error = prepare(&run, &lock_fd, &err);
	if (error == CK_OK) error = load(&run, &err);
	int code = error == CK_OK ? finish(&run) : ck_cli_complain(error, "%s", err.text);
	if (lock_fd >= 0) close(lock_fd);
	return code;
}
