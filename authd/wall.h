/* The time that decisions go by: the machine's clock, as long as it is not earlier than what is known to have been. A clock can be set, jump,
   or begin at 1970 on a machine that lost its battery; what was recorded cannot be undone by that. Each process has its own, and the ledger
   tells them what was recorded last. Whatever waits or expires within minutes goes by the monotonic clock and does not come here. */
#ifndef CK_AUTHD_WALL_H
#define CK_AUTHD_WALL_H

#include "directory/model/record.h"
#include "directory/store/store.h"

/* A clock that was set back by less is believed: it stands still until it has caught up. */
#define CK_WALL_TOLERANCE_S 300

/* An age that nobody can tell: past any as_of_limit_s that can be configured. */
#define CK_WALL_LONG_AGO_S (INT64_C(1) << 40)

struct ck_wall {
	int64_t floor_s;    /* it cannot be earlier */
	struct ck_id boot;  /* of the running kernel; zero: not known */
};

/* Before the process is confined: it reads /proc. */
void ck_wall_begin(struct ck_wall *wall);
/* Now; and from now on it is not earlier than that. */
struct ck_moment ck_wall_now(struct ck_wall *wall);
/* It was recorded that it was that late. */
void ck_wall_raise(struct ck_wall *wall, int64_t at_s);
/* Root says that the clock is right: what was known is forgotten. */
void ck_wall_confirm(struct ck_wall *wall);

/* When a copy is proved in step: by both clocks, since one of them cannot be set and the other outlives a boot. */
void ck_wall_stamp(struct ck_wall *wall, struct ck_as_of *out);
/* The same moment as seconds before or after now. From another boot it is only as good as the clock: where that is behind, it was
   CK_WALL_LONG_AGO_S ago. */
int64_t ck_wall_as_of(const struct ck_wall *wall, const struct ck_as_of *as_of, struct ck_moment now);
/* A copy that was proved before this boot says how late it was then. */
void ck_wall_heed(struct ck_wall *wall, const struct ck_as_of *as_of);

#endif
