/* The replica and the machine's clock: what the ledger says of it, what is not done while it is behind, and root's word that it is right. The
   client's socket says who is root; the ledger decides whether there is anything to confirm. */
#include "authd/replica_state.h"

#include <string.h>

bool ck_replica_take_clock(struct ck_replica *r, const struct ck_map *message)
{
	int64_t at_s;
	bool confirmed;
	if (ck_map_int(message, CK_F_TIME, &at_s) != CK_OK || ck_map_bool(message, CK_F_VERDICT, &confirmed) != CK_OK) return false;
	if (confirmed) ck_wall_confirm(&r->wall);
	ck_wall_raise(&r->wall, at_s);
	return true;
}

/* The directory numbers its changes by the clock: one that is made now would be older than what the copy has, and the copy could miss it. */
bool ck_replica_clock_fails(struct ck_replica *r, const struct ck_asker *asker)
{
	if (!ck_wall_now(&r->wall).behind) return false;
	ck_replica_refuse(r, asker, "clock", "this machine's clock is behind what was recorded: nothing is changed until it is set, or root says "
	                  "that it is right (crosskeys confirm-clock)");
	return true;
}

void ck_replica_confirm_clock(struct ck_replica *r, const struct ck_asker *asker, int fd)
{
	if (!ck_replica_is_root(fd)) {
		ck_replica_refuse_not_root(r, asker, "confirm-clock");
		return;
	}
	if (r->ledger == NULL) {
		ck_replica_refuse(r, asker, "audit", "there is no ledger");
		return;
	}
	r->clock_asker = *asker;
	r->clock_record = ck_replica_record(r, &(struct ck_replica_event){.event = CK_EVENT_CLOCK_CONFIRMED, .asker = asker});
}

bool ck_replica_clock_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason)
{
	struct ck_answer_out a;
	if (r->clock_record == 0 || number != r->clock_record) return false;
	r->clock_record = 0;
	if (stands) {
		(void)ck_replica_answer(r, &a, CK_ANSWER_GRANTED);
		ck_replica_send(r, &a, &r->clock_asker);
	} else if (reason[0] != '\0' && strcmp(reason, "unrecorded") != 0) {
		ck_replica_refuse(r, &r->clock_asker, reason, strcmp(reason, "clock-unset") == 0
		                  ? "this clock cannot be right: it says a time before this program was made; set it first"
		                  : "the clock is not behind anything that was recorded");
	} else {
		ck_replica_refuse(r, &r->clock_asker, "audit", "it could not be recorded");
	}
	return true;
}
