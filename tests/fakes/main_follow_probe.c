/* Follows a provider into a store without the daemon around it, and says on standard output what happens, a line each: for the tests.
   follow-probe STORE URI SUFFIX [PERCENT FLOOR]   follows until it is killed; "confirm" on standard input confirms a refresh
   follow-probe --dump STORE                       what the store holds */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/replica_follow.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

static struct ck_wall wall;
static void say(const char *what, const char *detail)
{
	printf("%s%s%s\n", what, detail[0] != '\0' ? " " : "", detail);
	fflush(stdout);
}

static void on_quarantine(struct ck_text dn, const char *reason, void *context)
{
	(void)context;
	printf("%s %.*s %s\n", reason != NULL ? "quarantined" : "released", (int)dn.length, dn.at, reason != NULL ? reason : "");
	fflush(stdout);
}

static void on_alarm(const char *detail, void *context)
{
	(void)context;
	say("alarm", detail);
}

static void on_refreshed(bool full, uint64_t entries, uint64_t removed, void *context)
{
	(void)context;
	printf("refreshed %s named=%llu removed=%llu\n", full ? "full" : "resumed", (unsigned long long)entries, (unsigned long long)removed);
	fflush(stdout);
}

static void on_probe(bool alive, struct ck_bytes context_csn, void *context)
{
	struct ck_follower *follower = context;
	struct ck_text csns = {(const char *)context_csn.at, context_csn.length};
	struct ck_as_of now;
	ck_wall_stamp(&wall, &now);
	if (!alive || ck_follower_probed(follower, csns, &now) != CK_OK) say("probe-failed", "");
}

static bool print_staff(const struct ck_record *record, void *context)
{
	(void)context;
	printf("staff %.*s %s\n", (int)record->as.staff.uid.length, record->as.staff.uid.at, ck_status_name(record->as.staff.status));
	return true;
}

static bool print_quarantined(const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason, void *context)
{
	(void)entry_uuid;
	(void)context;
	printf("quarantined %.*s %.*s\n", (int)dn.length, dn.at, (int)reason.length, reason.at);
	return true;
}

static int dump(const char *directory)
{
	struct ck_store *store;
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_errmsg err;
	struct ck_id zero = {{0}};
	if (ck_store_open(directory, &store, &err) != CK_OK || ck_view_begin(store, &view) != CK_OK || ck_view_state(view, &state) != CK_OK) {
		fprintf(stderr, "no store\n");
		return 1;
	}
	printf("finished %d\nquarantined-count %llu\ncookie %.*s\nas-of-age %lld\n", state.finished, (unsigned long long)state.quarantined,
	       (int)state.cookie.length, (const char *)state.cookie.at, (long long)(ck_clock_wall_s() - state.as_of.wall_s));
	for (int kind = CK_KIND_AUTHORITY; kind <= CK_KIND_LAST; kind++)
		printf("count %s %llu\n", ck_kind_name((enum ck_kind)kind), (unsigned long long)state.counts[kind]);
	if (ck_view_each(view, CK_KIND_STAFF, zero, zero, print_staff, NULL) != CK_OK || ck_view_each_quarantined(view, print_quarantined, NULL) != CK_OK)
		return 1;
	ck_view_end(&view);
	ck_store_close(&store);
	return 0;
}

static void confirm(struct ck_follower *follower)
{
	char line[64];
	uint64_t removed;
	ssize_t length = read(STDIN_FILENO, line, sizeof line);
	if (length >= 7 && memcmp(line, "confirm", 7) == 0) say(ck_follower_confirm(follower, &removed) == CK_OK ? "confirmed" : "nothing-to-confirm", "");
}

/* One stream, from opening to its end. */
static enum ck_error follow_once(struct ck_follower *follower, const char *uri, const char *suffix, struct ck_errmsg *err)
{
	struct ck_bytes cookie;
	struct ck_follow *follow = NULL;
	int64_t next_probe_ms = 0;
	enum ck_error error = ck_follower_begin(follower, &cookie, err);
	if (error == CK_OK) error = ck_follow_open(&(struct ck_ldap_target){.uri = uri, .fd = -1}, suffix, cookie, &ck_follower_handlers, follower, &follow, err);
	while (error == CK_OK) {
		struct pollfd fds[2] = {{.fd = ck_follow_fd(follow), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
		(void)poll(fds, 2, ck_follow_more(follow) ? 0 : 100);
		if ((fds[1].revents & POLLIN) != 0) confirm(follower);
		error = ck_follow_step(follow, err);
		if (error == CK_OK) ck_follower_pump(follower, follow);
		if (error == CK_OK && ck_follower_state(follower) == CK_FOLLOWER_BEHIND) error = CK_ERR_CONFLICT;
		if (error == CK_OK && ck_follow_persists(follow) && ck_clock_monotonic_ms() >= next_probe_ms) {
			next_probe_ms = ck_clock_monotonic_ms() + 500;
			if (ck_follow_probe(follow, on_probe, follower) != CK_OK) say("probe-not-sent", "");
		}
	}
	if (follow != NULL && ck_follow_provider_behind(follow)) ck_follower_set_behind(follower);
	ck_follow_stop(&follow);
	return error;
}

int main(int argc, char **argv)
{
	struct ck_errmsg err = {""};
	struct ck_follower *follower = NULL;
	ck_log_init("follow-probe", CK_LOG_WARNING);
	if (argc == 3 && strcmp(argv[1], "--dump") == 0) return dump(argv[2]);
	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: follow-probe STORE URI SUFFIX [PERCENT FLOOR] | --dump STORE\n");
		return 2;
	}
	ck_wall_begin(&wall);
	struct ck_follower_settings settings = {.store_directory = argv[1],
	                                        .zone_directory = CK_ZONE_DIRECTORY, .wall = &wall,
	                                        .suffix = argv[3],
	                                        .removal_percent = argc == 6 ? (unsigned)atoi(argv[4]) : 5,
	                                        .removal_floor = argc == 6 ? (unsigned)atoi(argv[5]) : 20,
	                                        .on_quarantine = on_quarantine,
	                                        .on_alarm = on_alarm,
	                                        .on_refreshed = on_refreshed};
	if (ck_follower_open(&settings, &follower, &err) != CK_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (;;) {
		enum ck_error error = follow_once(follower, argv[2], argv[3], &err);
		enum ck_follower_state state = ck_follower_state(follower);
		printf("lost %s %s: %s\n", ck_error_name(error), ck_follower_state_name(state), err.text);
		fflush(stdout);
		if (error == CK_ERR_CONFLICT && state != CK_FOLLOWER_BEHIND && state != CK_FOLLOWER_HELD) ck_follower_require_full(follower);
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
		if (poll(&input, 1, 200) > 0 && (input.revents & POLLIN) != 0) confirm(follower);
		else if ((input.revents & POLLHUP) != 0) usleep(200000);
	}
}
