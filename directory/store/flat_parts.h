/* What records in their flat form are made of. Each function runs in both directions; a failure is sticky in the writer or reader. */
#ifndef CK_STORE_FLAT_PARTS_H
#define CK_STORE_FLAT_PARTS_H

#include "directory/base/buffer.h"
#include "directory/model/record.h"

/* The flags byte: the status in the low bits, then what saves space or has no room elsewhere. */
#define FLAG_STATUS 0x03u
#define FLAG_FROM_ALWAYS 0x04u
#define FLAG_UNTIL_UNLIMITED 0x08u
#define FLAG_OF_KIND 0x10u /* staff: listed; key: can verify; rule: all systems */
#define FLAG_ANY 0x20u     /* rule: from anywhere */
#define FLAG_LOCAL 0x40u   /* rule: from the machine itself */
#define FLAG_ATTESTED FLAG_ANY /* key: by a root that is trusted here */
#define FLAG_TRAITS 0x80u  /* key: they follow, at its end; records of earlier releases have none */
#define FLAG_HOME FLAG_ANY   /* staff: "/home/" and the login name */
#define FLAG_GROUP FLAG_LOCAL /* staff: the group's number is the person's */
#define FLAG_NAMED 0x80u     /* staff: the name is given name, a space, surname */
#define FLAG_WEEKLY 0x80u  /* rule: at some hours of the week only */
#define FLAGS_WINDOW (FLAG_FROM_ALWAYS | FLAG_UNTIL_UNLIMITED)

/* One direction or the other; a failure is sticky in the writer or reader. */
struct ck_flat {
	struct ck_writer *out; /* NULL when reading */
	struct ck_reader *in;
	uint8_t flags;
};

void ck_flat_fail(struct ck_flat *f);
void ck_flat_fixed(struct ck_flat *f, uint8_t *bytes, size_t length);
void ck_flat_id(struct ck_flat *f, struct ck_id *id);
/* Seven bits a byte, lowest first; only the shortest form is read. */
void ck_flat_uint(struct ck_flat *f, uint64_t *value);
/* A number up to the limit; 0 after a failed read. */
size_t ck_flat_count(struct ck_flat *f, size_t count, size_t limit);
void ck_flat_bytes(struct ck_flat *f, struct ck_bytes *bytes, size_t limit_bytes);
void ck_flat_text(struct ck_flat *f, struct ck_text *text, size_t limit_bytes);
void ck_flat_texts(struct ck_flat *f, struct ck_texts *texts, size_t limit_bytes);
void ck_flat_ids(struct ck_flat *f, struct ck_ids *ids);
void ck_flat_time(struct ck_flat *f, int64_t *time_s);
void ck_flat_window(struct ck_flat *f, struct ck_window *window);
void ck_flat_networks(struct ck_flat *f, struct ck_networks *networks);
void ck_flat_zone(struct ck_flat *f, struct ck_zone_table *table);
void ck_flat_weekly(struct ck_flat *f, struct ck_weekly *weekly);

/* One of a few texts that most have, or any other. Each is a number below the lengths of the others. */
struct ck_common_texts {
	const char *const *at;
	size_t count;
};
void ck_flat_common(struct ck_flat *f, struct ck_text *text, size_t limit_bytes, const struct ck_common_texts *common);
/* Read into what the record itself holds. */
void ck_flat_csn(struct ck_flat *f, struct ck_record *record);

#endif
