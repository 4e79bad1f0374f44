/* Token helpers: one for each local login that waits for a key, under a user of its own, with the one group that may open the devices and
   nothing else. A helper is believed nothing; here it is only bounded, in number and in time. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/supervisor.h"
#include "directory/base/log.h"

#define TOKEN_DESCRIPTORS 64 /* sixteen devices, a socket, and some */

struct helper {
	pid_t pid; /* 0: free */
	struct ck_token_want want;
	struct event *life;
};
struct ck_tokens {
	struct event_base *base;
	const char *program; /* "": none */
	struct ck_identity identity;
	struct helper helpers[CK_TOKENS_LIMIT];
};

static void on_life_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct helper *helper = context;
	if (helper->pid <= 0) return;
	ck_log(CK_LOG_WARNING, "a token helper of gate %u was not done after %d s: killed", helper->want.gate, CK_TOKEN_LIFE_S);
	(void)kill(helper->pid, SIGKILL);
}

enum ck_error ck_tokens_new(struct event_base *base, const struct ck_config *config, struct ck_tokens **out, struct ck_errmsg *err)
{
	*out = NULL;
	struct ck_tokens *tokens = calloc(1, sizeof *tokens);
	if (tokens == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory");
	tokens->base = base;
	tokens->program = config->token_helper;
	struct ck_identity *identity = &tokens->identity;
	identity->with_group = config->group_token_devices[0] != '\0';
	enum ck_error error = ck_config_user(config->user_token, &identity->uid, &identity->gid, err);
	if (error == CK_OK && identity->with_group) error = ck_config_group(config->group_token_devices, &identity->group, err);
	for (size_t i = 0; i < CK_TOKENS_LIMIT && error == CK_OK; i++) {
		tokens->helpers[i].life = event_new(base, -1, 0, on_life_over, &tokens->helpers[i]);
		if (tokens->helpers[i].life == NULL) error = ck_fail(err, CK_ERR_MEMORY, "no memory");
	}
	if (error != CK_OK) ck_tokens_free(&tokens);
	*out = tokens;
	return error;
}

static unsigned three_quarters(unsigned limit) { return limit - limit / 4; }

/* A free place, unless this gate, this source or, of the last quarter, all users have too many: who sits down at a console finds one. */
static struct helper *find_place(struct ck_tokens *tokens, const struct ck_token_want *want)
{
	struct helper *place = NULL;
	unsigned of_gate = 0, of_source = 0, of_users = 0, of_users_of_gate = 0;
	for (size_t i = 0; i < CK_TOKENS_LIMIT; i++) {
		const struct helper *helper = &tokens->helpers[i];
		if (helper->pid == 0) {
			place = &tokens->helpers[i];
			continue;
		}
		bool same_gate = helper->want.gate == want->gate;
		of_gate += same_gate;
		of_source += memcmp(helper->want.source, want->source, sizeof want->source) == 0;
		of_users += helper->want.owner != 0;
		of_users_of_gate += same_gate && helper->want.owner != 0;
	}
	if (of_gate >= CK_TOKENS_PER_GATE_LIMIT || of_source >= CK_TOKENS_PER_SOURCE_LIMIT) return NULL;
	bool crowded = of_users >= three_quarters(CK_TOKENS_LIMIT) || of_users_of_gate >= three_quarters(CK_TOKENS_PER_GATE_LIMIT);
	return want->owner != 0 && crowded ? NULL : place;
}

enum ck_error ck_tokens_start(struct ck_tokens *tokens, const struct ck_token_want *want, int *out_fd, struct ck_errmsg *err)
{
	static const char *const arguments[] = { "crosskeys-token", "--fd", "3", NULL };
	*out_fd = -1;
	if (tokens->program[0] == '\0') return ck_fail(err, CK_ERR_UNAVAILABLE, "token_helper is not configured");
	struct helper *place = find_place(tokens, want);
	if (place == NULL) return ck_fail(err, CK_ERR_LIMIT, "too many token helpers are alive");
	enum ck_error error = ck_place_check_program(tokens->program, err);
	if (error != CK_OK) return error;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return ck_fail(err, CK_ERR_IO, "socketpair failed");
	struct ck_launch launch = {
		.program = tokens->program,
		.arguments = arguments,
		.identity = &tokens->identity,
		.fds = { pair[1], -1, -1 },
		.output_fd = -1,
		.descriptors = TOKEN_DESCRIPTORS,
	};
	error = ck_launch(&launch, &place->pid, err);
	close(pair[1]);
	if (error != CK_OK) {
		place->pid = 0;
		close(pair[0]);
		return error;
	}
	place->want = *want;
	if (event_add(place->life, &(struct timeval){ .tv_sec = CK_TOKEN_LIFE_S }) != 0) (void)kill(place->pid, SIGKILL);
	*out_fd = pair[0];
	return CK_OK;
}

/* How it ended the client has been told by the helper, or sees as its socket closes; only what nobody else can know is said here. */
bool ck_tokens_reaped(struct ck_tokens *tokens, const struct ck_death *death)
{
	for (size_t i = 0; i < CK_TOKENS_LIMIT; i++) {
		if (tokens->helpers[i].pid != death->pid) continue;
		if (death->refused) ck_log(CK_LOG_ALARM, "the token helper of gate %u[%d] %s", tokens->helpers[i].want.gate, (int)death->pid, death->how);
		tokens->helpers[i].pid = 0;
		event_del(tokens->helpers[i].life);
		return true;
	}
	return false;
}

void ck_tokens_kill(struct ck_tokens *tokens)
{
	for (size_t i = 0; i < CK_TOKENS_LIMIT; i++)
		if (tokens->helpers[i].pid > 0) (void)kill(tokens->helpers[i].pid, SIGKILL);
}

void ck_tokens_free(struct ck_tokens **tokens)
{
	if (*tokens == NULL) return;
	ck_tokens_kill(*tokens);
	for (size_t i = 0; i < CK_TOKENS_LIMIT; i++)
		if ((*tokens)->helpers[i].life != NULL) event_free((*tokens)->helpers[i].life);
	free(*tokens);
	*tokens = NULL;
}
