/* Verifies a log, from a copy and without the daemon: that each record follows on, and that each checkpoint is signed by the key that the
   checkpoint before named. Believes two things: the file genesis (if it is there), and the anchor that the caller kept elsewhere. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "authd/audit/key.h"
#include "authd/audit/read.h"

struct verification {
	struct ck_audit_report *report;
	bool key_known;
	uint8_t key[32]; /* the next checkpoint must be signed by it */
	uint64_t index;
	struct ck_text anchor;
	uint64_t anchor_seq; /* 0: no anchor */
};

static enum ck_error take_checkpoint(struct verification *v, const struct ck_audit_record *record, const struct ck_walk_at *at,
                                     struct ck_errmsg *err)
{
	struct ck_checkpoint checkpoint;
	unsigned long long line = at->line_number, seq = record->seq;
	if (ck_checkpoint_parse(record, &checkpoint) != CK_OK)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu is no well-formed checkpoint", at->file, line, seq);
	if (checkpoint.index != v->index)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu is checkpoint %llu, where checkpoint %llu must be", at->file, line, seq,
		               (unsigned long long)checkpoint.index, (unsigned long long)v->index);
	if (v->key_known && memcmp(checkpoint.key, v->key, sizeof v->key) != 0)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu is signed by another key than %s", at->file, line, seq,
		               v->index == 0 ? "genesis holds" : "the checkpoint before it names");
	if (crypto_sign_verify_detached(checkpoint.signature, (const unsigned char *)checkpoint.signed_part.at, checkpoint.signed_part.length,
	                                checkpoint.key) != 0)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: the signature of record %llu does not fit", at->file, line, seq);
	memcpy(v->key, checkpoint.next, sizeof v->key);
	v->key_known = true;
	v->index++;
	v->report->checkpoints++;
	v->report->last_checkpoint_seq = record->seq;
	v->report->after_checkpoint = 0;
	return CK_OK;
}

static enum ck_error verify_one(const struct ck_audit_record *record, const struct ck_walk_at *at, void *context, struct ck_errmsg *err)
{
	struct verification *v = context;
	v->report->records++;
	v->report->last_seq = record->seq;
	v->report->after_checkpoint++;
	if (record->seq == v->anchor_seq) {
		if (!ck_text_equal(record->line, v->anchor))
			return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu is not the anchor: the log was rewritten here or before", at->file,
			               (unsigned long long)at->line_number, (unsigned long long)record->seq);
		v->report->anchored = true;
	}
	return ck_text_is(record->event, CK_AUDIT_CHECKPOINT) ? take_checkpoint(v, record, at, err) : CK_OK;
}

/* One checkpoint, as it was printed: surrounding blanks are not part of it. */
static enum ck_error take_anchor(struct verification *v, struct ck_text anchor, struct ck_errmsg *err)
{
	struct ck_audit_record record;
	struct ck_checkpoint checkpoint;
	if (anchor.at == NULL) return CK_OK;
	while (anchor.length > 0 && strchr(" \t\r\n", anchor.at[0]) != NULL) anchor = (struct ck_text){ anchor.at + 1, anchor.length - 1 };
	while (anchor.length > 0 && strchr(" \t\r\n", anchor.at[anchor.length - 1]) != NULL) anchor.length--;
	if (ck_audit_parse(anchor, &record) != CK_OK || ck_checkpoint_parse(&record, &checkpoint) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "the anchor is no checkpoint: one line, as `crosskeys audit checkpoint` printed it");
	v->anchor = anchor;
	v->anchor_seq = record.seq;
	return CK_OK;
}

static enum ck_error pin_first_key(struct verification *v, const char *directory, struct ck_errmsg *err)
{
	int fd;
	enum ck_error error = ck_directory_open(directory, &fd, err);
	if (error != CK_OK) return error;
	error = ck_genesis_load(fd, v->key, err);
	close(fd);
	v->key_known = error == CK_OK;
	if (error != CK_ERR_NOT_FOUND) return error;
	if (v->anchor_seq == 0)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s holds no genesis, and there is no anchor: nothing says which key signed first", directory);
	return CK_OK;
}

enum ck_error ck_audit_verify(const char *directory, struct ck_text anchor, struct ck_audit_report *out, struct ck_errmsg *err)
{
	*out = (struct ck_audit_report){ 0 };
	struct verification v = { .report = out };
	struct ck_walk walk = { .chained = true, .each = verify_one, .context = &v };
	enum ck_error error = take_anchor(&v, anchor, err);
	if (error == CK_OK) error = pin_first_key(&v, directory, err);
	if (error == CK_OK) error = ck_walk_log(directory, &walk, err);
	if (error == CK_OK && v.anchor_seq > 0 && !out->anchored)
		error = ck_fail(err, CK_ERR_CORRUPT, "the log ends at record %llu, before the anchor (record %llu): its end was cut off",
		                (unsigned long long)out->last_seq, (unsigned long long)v.anchor_seq);
	return error;
}
