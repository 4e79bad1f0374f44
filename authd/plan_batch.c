/* One batch of a plan: that it is the one that was signed, and how it stands with each of its statements. A statement does its work at most
   once, whenever and however often it comes: an add by its id, a change by the entryCSN that it names; what is there already as it wants it
   is done. So the order in which batches come, and that they come again, changes nothing. */
#include <string.h>
#include <strings.h>

#include "authd/fido/fido.h"
#include "authd/plan.h"
#include "authd/record_wire.h"

enum ck_error ck_plan_check_batch(const struct ck_signed_plan *plan, const struct ck_plan_orderer *orderer, uint64_t number,
                                  struct ck_order *order, struct ck_plan_batch *out, struct ck_denial *denial)
{
	uint8_t digests[CK_CHANGES_LIMIT][32];
	memset(out, 0, sizeof *out);
	denial->reason = "";
	if (number >= plan->batches || order->count == 0) return ck_deny(denial, "not-in-plan", "the plan has no such batch");
	for (size_t i = 0; i < order->count; i++) memcpy(digests[i], order->items[i].digest, 32);
	ck_plan_root(ck_sha256, (const uint8_t(*)[32])digests, order->count, out->root);
	if (memcmp(out->root, plan->roots[number], sizeof out->root) != 0)
		return ck_deny(denial, "not-in-plan", "these statements are not that batch of the plan that was signed");
	for (size_t i = 0; i < order->count; i++) {
		const struct ck_order_item *item = &order->items[i];
		if (item->rule->kind != CK_KIND_STAFF || (item->rule->verb != CK_VERB_ADD && item->rule->verb != CK_VERB_CHANGE))
			return ck_deny(denial, "not-in-plan", "%s: a plan adds and changes staff, and nothing else", item->rule->name);
		if (!ck_id_equal(item->statement.authority, plan->statement.authority))
			return ck_deny(denial, "not-in-plan", "%s: the statement is of another authority than the plan", item->rule->name);
	}
	out->number = number;
	order->orderer = orderer->id;
	memcpy(order->user, plan->user, sizeof order->user);
	memcpy(order->key_hash, plan->key_hash, sizeof order->key_hash);
	return CK_OK;
}

/* ---- what is there now ---- */

#define RECORD_ATTRIBUTES 32

struct current {
	uint8_t wire_bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count;
	/* as an entry */
	struct ck_attribute attributes[RECORD_ATTRIBUTES];
	struct ck_bytes classes[8], id_value, uuid_value, csn_value, derived_value;
	char id[CK_ID_TEXT_BYTES], uuid[CK_ID_TEXT_BYTES], csn[CK_CSN_LIMIT_BYTES + 1], derived[CK_DERIVED_LIMIT_BYTES];
	size_t attribute_count;
};

static enum ck_error read_record(struct ck_view *view, const struct ck_order_item *item, struct current *out, struct ck_record *record)
{
	struct ck_wire_entry wire;
	struct ck_id id;
	size_t length = 0;
	memcpy(id.bytes, item->statement.target.at, sizeof id.bytes);
	enum ck_error error = ck_view_get(view, CK_KIND_STAFF, id, record);
	if (error == CK_OK) error = ck_record_wire_encode(record, NULL, CK_WIRE_WHOLE, out->wire_bytes, sizeof out->wire_bytes, &length);
	if (error == CK_OK) error = ck_wire_entry_decode((struct ck_bytes){out->wire_bytes, length}, &wire);
	if (error == CK_OK) error = ck_change_values_decode(wire.values, out->values, &out->count);
	return error;
}

static const struct ck_change_value *value_of(const struct current *current, struct ck_text name)
{
	for (size_t i = 0; i < current->count; i++)
		if (current->values[i].attribute.length == name.length && strncasecmp(current->values[i].attribute.at, name.at, name.length) == 0)
			return &current->values[i];
	return NULL;
}

static bool holds(const struct current *current, const struct ck_change_value *wanted)
{
	const struct ck_change_value *there = value_of(current, wanted->attribute);
	if (there == NULL || wanted->count == 0) return there == NULL && wanted->count == 0;
	if (there->count != wanted->count) return false;
	for (size_t i = 0; i < wanted->count; i++)
		if (!ck_bytes_equal(there->values[i], wanted->values[i])) return false;
	return true;
}

bool ck_plan_item_is_done(const struct ck_order_item *item, struct ck_view *view)
{
	static struct current current;
	static struct ck_change_value wanted[CK_CHANGE_VALUES_LIMIT];
	struct ck_record record;
	size_t count = 0;
	if (read_record(view, item, &current, &record) != CK_OK || !ck_id_equal(record.authority, item->statement.authority)) return false;
	/* nobody else makes an entry of that id; it may have been changed since, and that stays */
	if (item->rule->verb == CK_VERB_ADD) return true;
	if (ck_change_values_decode(item->values, wanted, &count) != CK_OK) return false;
	for (size_t i = 0; i < count; i++)
		if (!holds(&current, &wanted[i])) return false;
	return true;
}

/* ---- the entry as the copy has it: its CSN is asserted again when it is written ---- */

static void put(struct current *c, const char *name, const struct ck_bytes *values, size_t count)
{
	CK_ASSERT(c->attribute_count < RECORD_ATTRIBUTES);
	c->attributes[c->attribute_count++] = (struct ck_attribute){.name = ck_text_of(name), .values = values, .count = count};
}

static void put_operational(struct current *c, const struct ck_record *record)
{
	struct ck_id uuid;
	const char *derived_name = NULL;
	memcpy(uuid.bytes, record->entry_uuid, sizeof uuid.bytes);
	c->id_value = ck_bytes_of(ck_text_of(ck_id_format(record->id, c->id)));
	c->uuid_value = ck_bytes_of(ck_text_of(ck_id_format(uuid, c->uuid)));
	if (ck_text_copy(c->csn, sizeof c->csn, record->csn) != CK_OK) c->csn[0] = '\0';
	c->csn_value = ck_bytes_of(ck_text_of(c->csn));
	put(c, "ckId", &c->id_value, 1);
	put(c, "entryUUID", &c->uuid_value, 1);
	put(c, "entryCSN", &c->csn_value, 1);
	if (ck_entry_derive(CK_KIND_STAFF, record->authority, ck_text_of("employeeNumber"), record->as.staff.staff_number, &derived_name, c->derived) != CK_OK)
		return;
	c->derived_value = ck_bytes_of(ck_text_of(c->derived));
	put(c, derived_name, &c->derived_value, 1);
}

struct copy_source {
	struct ck_batch *trial;
	const struct ck_order_item *item;
};

static enum ck_error read_copy(const char *dn, ck_entry_visitor each, void *visitor_context, void *context, struct ck_errmsg *err)
{
	static struct current c;
	const struct copy_source *source = context;
	struct ck_record record;
	size_t classes = 0;
	enum ck_error error = read_record(ck_batch_view(source->trial), source->item, &c, &record);
	if (error != CK_OK) return ck_fail(err, error, "the copy has no such person");
	c.attribute_count = 0;
	for (size_t i = 0; i < c.count; i++) {
		CK_ASSERT(c.attribute_count < RECORD_ATTRIBUTES);
		c.attributes[c.attribute_count++] = (struct ck_attribute){.name = c.values[i].attribute, .values = c.values[i].values, .count = c.values[i].count};
	}
	for (const char *const *at = ck_entry_object_classes(CK_KIND_STAFF); *at != NULL; at++) c.classes[classes++] = ck_bytes_of(ck_text_of(*at));
	put(&c, "objectClass", c.classes, classes);
	put_operational(&c, &record);
	struct ck_entry entry = {.dn = ck_text_of(dn), .attributes = c.attributes, .count = c.attribute_count};
	each(&entry, visitor_context);
	return CK_OK;
}

/* ---- one by one ---- */

static void refuse(struct ck_batch_item *item, const struct ck_denial *denial)
{
	item->state = CK_ITEM_REFUSED;
	item->reason = denial->reason;
	item->message = denial->message;
}

void ck_plan_try_batch(struct ck_order *order, const struct ck_change_place *place, struct ck_view *view, struct ck_batch *trial,
                       struct ck_plan_batch *out)
{
	static struct ck_order one; /* an order of this statement alone: the others stand whatever becomes of it */
	one.orderer = order->orderer;
	memcpy(one.user, order->user, sizeof one.user);
	one.count = 1;
	for (size_t i = 0; i < order->count; i++) {
		struct ck_denial denial = {.reason = ""};
		struct copy_source context = {.trial = trial, .item = &order->items[i]};
		struct ck_change_source source = {.read = read_copy, .context = &context};
		one.items[0] = order->items[i];
		enum ck_error error = ck_order_authorise(&one, place, view, &denial);
		if (error == CK_OK) error = ck_order_try(&one, place, trial, &source, &denial);
		if (error == CK_OK) {
			out->items[i].state = CK_ITEM_READY;
		} else if ((strcmp(denial.reason, "exists") == 0 || strcmp(denial.reason, "conflict") == 0) && ck_plan_item_is_done(&order->items[i], view)) {
			out->items[i].state = CK_ITEM_DONE;
		} else {
			refuse(&out->items[i], &denial);
		}
	}
}
