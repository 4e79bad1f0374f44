/* What one snapshot was already asked for, so that it is decoded once: what each decision needs, whoever it is about, which is the system, its authority,
   its rules and their roles. Nothing of persons is kept: how long an answer takes would tell who was asked about before. A snapshot never changes, and
   while a reader is at it its pages are nobody else's; with the next one everything is forgotten. */
#ifndef CK_STORE_RECALL_H
#define CK_STORE_RECALL_H

#include "directory/store/internal.h"

#define CK_RECALL_LIST_LIMIT 16 /* rules of one target; longer lists are read again */

struct ck_recall;

/* Of a view that begins: another snapshot than before. Without memory nothing is kept, and nothing else changes. */
void ck_recall_begin(struct ck_view *view);
void ck_recall_free(struct ck_view *view);

/* False: not known of this snapshot, or a kind that is not kept. What is copied out borrows from the view as if it had been read. */
bool ck_recall_record(const struct ck_view *view, enum ck_kind kind, struct ck_id id, struct ck_record *out);
void ck_recall_note_record(struct ck_view *view, const struct ck_record *record);
bool ck_recall_state(const struct ck_view *view, struct ck_store_state *out);
void ck_recall_note_state(struct ck_view *view, const struct ck_store_state *state);
/* The system that was asked for by its name last. */
bool ck_recall_system(const struct ck_view *view, struct ck_text name, struct ck_id *out);
void ck_recall_note_system(struct ck_view *view, struct ck_text name, struct ck_id id);
/* How many blocks the people index has. */
bool ck_recall_blocks(const struct ck_view *view, uint32_t *out);
void ck_recall_note_blocks(struct ck_view *view, uint32_t blocks);
/* The ids of a whole list, in its order. */
bool ck_recall_list(const struct ck_view *view, enum ck_table table, struct ck_id of, struct ck_id out[CK_RECALL_LIST_LIMIT], size_t *out_count);
void ck_recall_note_list(struct ck_view *view, enum ck_table table, struct ck_id of, const struct ck_id *ids, size_t count);

#endif
