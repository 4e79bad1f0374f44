/* Where a client sits: may the keys in this machine's own USB ports be used, and from which address does it come? The terminal and the
   remote host that root's programs name (PAM) are believed; those that anybody else names are not. The rest is found by walking up the
   client's ancestors and asking the ledger which of them leads a registered session. Nothing found is "not local". */
#include "authd/gate_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "directory/base/log.h"

#define FIND_TIMEOUT_MS 2000

/* Field 2 is the command in parentheses and may hold anything, more parentheses too, so count from the last. */
bool ck_gate_parse_process(char *text, struct ck_gate_process *out)
{
	char *at = strrchr(text, ')');
	uint64_t parent = 0, start = 0;
	unsigned field = 2;
	if (at == NULL) return false;
	for (char *rest = NULL, *word = strtok_r(at + 1, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		field++;
		if (field == 4 && ck_uint_parse(ck_text_of(word), 0, INT32_MAX, &parent) != CK_OK) return false;
		if (field == 22) {
			if (ck_uint_parse(ck_text_of(word), 0, UINT64_MAX, &start) != CK_OK) return false;
			*out = (struct ck_gate_process){.parent = (pid_t)parent, .start_ticks = start};
			return true;
		}
	}
	return false;
}

static bool read_process(pid_t pid, struct ck_gate_process *out)
{
	char path[32], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	ssize_t length = read(fd, text, sizeof text - 1);
	close(fd);
	if (length <= 0) return false;
	text[length] = '\0';
	return ck_gate_parse_process(text, out);
}

enum ck_error ck_gate_process_start(pid_t pid, uint64_t *out_ticks)
{
	struct ck_gate_process process;
	if (!read_process(pid, &process)) return CK_ERR_NOT_FOUND;
	*out_ticks = process.start_ticks;
	return CK_OK;
}

uint64_t ck_gate_boot_ticks(void)
{
	struct timespec now;
	uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
	return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec * per_second / 1000000000u;
}

/* pid, start, pid, start … of the client and its parents, up to but not including process 1. A process that began after its child is
   another one under a number that was used again: the walk ends. */
static size_t ancestors(const struct ck_gate_client *client, uint64_t out[2 * CK_ANCESTORS_LIMIT])
{
	size_t count = 0;
	uint64_t latest = client->accepted_ticks;
	struct ck_gate_process process;
	for (pid_t pid = client->pid; pid > 1 && count < CK_ANCESTORS_LIMIT; pid = process.parent) {
		if (!read_process(pid, &process) || process.start_ticks > latest) break;
		out[2 * count] = (uint64_t)pid;
		out[2 * count + 1] = process.start_ticks;
		latest = process.start_ticks;
		count++;
	}
	return count;
}

static void come_from(struct ck_gate_origin *origin, const char *remote_host)
{
	origin->source.present = ck_address_parse(ck_text_of(remote_host), &origin->source.address) == CK_OK;
	if (!origin->source.present) memset(&origin->source, 0, sizeof origin->source);
}

static void sit_here(struct ck_gate_origin *origin)
{
	origin->local = true;
	origin->source = (struct ck_source){.present = true, .local = true};
}

bool ck_gate_locate_at_once(struct ck_gate_client *client)
{
	memset(&client->origin, 0, sizeof client->origin);
	client->origin_known = false;
	if (client->uid != 0 || client->operator_claims) return false;
	if (client->ask.remote_host[0] != '\0') {
		come_from(&client->origin, client->ask.remote_host);
		client->origin_known = true;
	} else if (ck_login_terminal(client->ask.tty) == CK_TERMINAL_SEAT) {
		sit_here(&client->origin);
		client->origin_known = true;
	}
	return client->origin_known;
}

static void session_answered(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate_origin *origin = &client->origin;
	bool found = false;
	if (reply == NULL || ck_map_bool(reply, CK_F_VERDICT, &found) != CK_OK) {
		ck_log(CK_LOG_WARNING, "the ledger did not say whether the client sits here: taken for not local");
	} else if (found && ck_map_string(reply, CK_F_REMOTE_HOST, origin->remote_host, sizeof origin->remote_host) == CK_ERR_NOT_FOUND) {
		sit_here(origin);
	} else if (found) {
		come_from(origin, origin->remote_host);
	} else if (client->uid == 0 && client->operator_claims) {
		/* Root outside every registered session, at a command of its own: it reaches these ports anyway. */
		sit_here(origin);
	}
	/* Somebody who says that they are remote is taken at their word: it only makes things less. */
	if (client->ask.remote_host[0] != '\0' && !client->operator_claims) origin->local = false;
	client->origin_known = true;
	client->then(client);
}

void ck_gate_locate(struct ck_gate_client *client, bool operator, ck_gate_then then)
{
	uint64_t chain[2 * CK_ANCESTORS_LIMIT];
	client->then = then;
	client->operator_claims = operator;
	if (ck_gate_locate_at_once(client)) {
		then(client);
		return;
	}
	size_t count = ancestors(client, chain);
	if (count == 0) { /* it is gone already, or not the one that connected */
		client->origin_known = true;
		then(client);
		return;
	}
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_SESSION_FIND);
	ck_field_key(m, CK_F_ANCESTORS);
	ck_cbor_put_array(m->w, 2 * count);
	for (size_t i = 0; i < 2 * count; i++) ck_cbor_put_uint(m->w, chain[i]);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, FIND_TIMEOUT_MS, -1, session_answered);
}
