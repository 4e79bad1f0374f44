/* A small store in a temporary directory, filled record by record, for unit tests of whatever reads one. Everything it cannot do ends the
   test by abort. A record is made with sound defaults; the test changes what it is about, then puts it.

       struct ck_builder *b = ck_builder_new();
       ck_builder_put(b, ck_builder_staff(b, ALICE, LEEDS, "alice", 200001));
       struct ck_view *view = ck_builder_view(b);
       …
       ck_builder_free(&b);
*/
#ifndef CK_FAKES_STORE_BUILDER_H
#define CK_FAKES_STORE_BUILDER_H

#include "directory/store/store.h"

struct ck_builder;

/* Begins an empty store; what is put is committed by ck_builder_view or ck_builder_commit. */
struct ck_builder *ck_builder_new(void);
/* Ends the view, removes the directory. */
void ck_builder_free(struct ck_builder **builder);
const char *ck_builder_directory(const struct ck_builder *builder);
/* The writer, for tests that do more. */
struct ck_store *ck_builder_store(struct ck_builder *builder);
/* Off: the store stays without a finished cookie. On by default, with as_of CK_BUILDER_NOW_S. */
void ck_builder_finish(struct ck_builder *builder, bool finished);
/* Commits what was put so far; ends the view. */
void ck_builder_commit(struct ck_builder *builder);
/* Commits, and a fresh view. It lasts until the next put, commit or view. */
struct ck_view *ck_builder_view(struct ck_builder *builder);
/* Closes the writer, so that another process (or another handle) may open the directory alone. */
void ck_builder_close(struct ck_builder *builder);

#define CK_BUILDER_NOW_S INT64_C(1800000000) /* 2027-01-15 */

/* A ckId that tests can name by a small number; the same number for two kinds is two things, for one kind the same. */
struct ck_id ck_builder_id(unsigned number);

/* Records: active, without end, with an entryUUID that follows from kind and number. Valid until the next call; texts are borrowed from
   the caller or live as long as the builder. */
struct ck_record *ck_builder_authority(struct ck_builder *b, unsigned number, const char *name);
struct ck_record *ck_builder_staff(struct ck_builder *b, unsigned number, unsigned authority, const char *uid, uint64_t uid_number);
/* The credential id is the text; its hash is not SHA-256 here but follows from number. */
struct ck_record *ck_builder_key(struct ck_builder *b, unsigned number, unsigned authority, unsigned staff, const char *credential);
struct ck_record *ck_builder_role(struct ck_builder *b, unsigned number, unsigned authority, const char *name);
struct ck_record *ck_builder_grant(struct ck_builder *b, unsigned number, unsigned authority, unsigned role, unsigned staff);
struct ck_record *ck_builder_system(struct ck_builder *b, unsigned number, unsigned authority, const char *name);
struct ck_record *ck_builder_group(struct ck_builder *b, unsigned number, unsigned authority, const char *name);
/* Account "self", service "*", from anywhere, touch and verified; one role, and one target (0: all systems). */
struct ck_record *ck_builder_rule(struct ck_builder *b, unsigned number, unsigned authority, const char *name, unsigned target, unsigned role);
struct ck_record *ck_builder_code(struct ck_builder *b, unsigned number, unsigned authority, unsigned staff);
/* Of the key with this number. */
struct ck_record *ck_builder_key_use(struct ck_builder *b, unsigned key, unsigned authority, unsigned staff, uint32_t count, int64_t used_s);

/* Lists for a record, living as long as the builder; the numbers end with 0. */
struct ck_ids ck_builder_ids(struct ck_builder *b, const unsigned *numbers);

/* Puts it, and expects it to be taken. The whole record must be one that ck_model_validate takes. */
void ck_builder_put(struct ck_builder *b, const struct ck_record *record);
/* Removes what was put with this kind and number. */
void ck_builder_remove(struct ck_builder *b, enum ck_kind kind, unsigned number);
void ck_builder_uuid(enum ck_kind kind, unsigned number, uint8_t out[16]);

#endif
