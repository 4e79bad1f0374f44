/* Account decisions through the gate, recorded, against the bare relay: connection kept and one each, 1 and 8 clients, alternating rounds.
   usage: bench_account GATE-SOCKET UID SERVICE SCRATCH-DIR */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/protocol/frame.h"
#include "authd/protocol/message.h"
#include "tests/benchmarks/bench.h"

#define CLIENTS_LIMIT 8
#define ROUND_US 400000.0
#define SAMPLES_LIMIT 200000

struct target {
	const char *name, *path;
	uint8_t request[256];
	size_t request_length;
	int fixed_reply; /* bytes of a reply without a frame; 0: framed, and it must be granted */
};
struct client {
	const struct target *target;
	int keep;
	double *samples;
	size_t count;
	pthread_t thread;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_connection(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die(path);
	return fd;
}

static void receive_reply(const struct target *target, int fd)
{
	uint8_t bytes[1024];
	size_t have = 0, used = 0;
	struct ck_bytes map_bytes;
	for (;;) {
		ssize_t n = recv(fd, bytes + have, sizeof bytes - have, 0);
		if (n <= 0) die("reply");
		have += (size_t)n;
		if (target->fixed_reply > 0 && have >= (size_t)target->fixed_reply) return;
		if (target->fixed_reply > 0 || ck_frame_find((struct ck_bytes){ bytes, have }, &map_bytes, &used) != CK_OK) continue;
		struct ck_map map;
		uint64_t answer = 0;
		if (ck_map_parse(map_bytes, &map) != CK_OK || ck_map_uint(&map, CK_F_TYPE, 0, 99, &answer) != CK_OK || answer != CK_ANSWER_GRANTED) {
			fprintf(stderr, "the gate did not grant (answer %d)\n", (int)answer);
			exit(1);
		}
		return;
	}
}

static void *run_client(void *context)
{
	struct client *client = context;
	const struct target *target = client->target;
	double end = bench_now_us() + ROUND_US;
	int fd = client->keep ? open_connection(target->path) : -1;
	while (client->count < SAMPLES_LIMIT) {
		double begin = bench_now_us();
		if (begin > end) break;
		if (!client->keep) fd = open_connection(target->path);
		if (send(fd, target->request, target->request_length, MSG_NOSIGNAL) != (ssize_t)target->request_length) die("send");
		receive_reply(target, fd);
		if (!client->keep) close(fd);
		client->samples[client->count++] = bench_now_us() - begin;
	}
	if (client->keep) close(fd);
	return NULL;
}

/* One round: p50 in microseconds and requests a second of all clients together. */
static void run_round(const struct target *target, int clients, int keep, double *out_p50, double *out_rate)
{
	static struct client all[CLIENTS_LIMIT];
	static double *merged;
	size_t count = 0;
	if (merged == NULL) merged = malloc(sizeof(double) * SAMPLES_LIMIT * CLIENTS_LIMIT);
	double begin = bench_now_us();
	for (int i = 0; i < clients; i++) {
		if (all[i].samples == NULL) all[i].samples = malloc(sizeof(double) * SAMPLES_LIMIT);
		if (merged == NULL || all[i].samples == NULL) die("malloc");
		all[i].target = target;
		all[i].keep = keep;
		all[i].count = 0;
		if (pthread_create(&all[i].thread, NULL, run_client, &all[i]) != 0) die("thread");
	}
	for (int i = 0; i < clients; i++) {
		pthread_join(all[i].thread, NULL);
		memcpy(merged + count, all[i].samples, all[i].count * sizeof(double));
		count += all[i].count;
	}
	*out_rate = (double)count / ((bench_now_us() - begin) / 1e6);
	*out_p50 = bench_quantile(merged, count, 0.5);
}

static void make_request(struct target *gate, const char *uid, const char *service)
{
	struct ck_frame_out frame;
	ck_frame_begin(&frame, gate->request, sizeof gate->request);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_ACCOUNT);
	ck_field_string(&frame.map, CK_F_USER, uid);
	ck_field_string(&frame.map, CK_F_ACCOUNT, uid);
	ck_field_string(&frame.map, CK_F_SERVICE, service);
	ck_field_string(&frame.map, CK_F_REMOTE_HOST, "192.0.2.10");
	if (ck_frame_end(&frame, &gate->request_length) != CK_OK) die("request");
}

static void compare(const struct target *targets, int clients, int keep)
{
	double p50[3][BENCH_ROUNDS], rate[3][BENCH_ROUNDS];
	char name[64];
	for (int round = 0; round < BENCH_ROUNDS; round++)
		for (int t = 0; t < 3; t++) run_round(&targets[t], clients, keep, &p50[t][round], &rate[t][round]);
	const char *how = keep ? "kept" : "each";
	double ours = bench_median(p50[0], BENCH_ROUNDS), relay = bench_median(p50[1], BENCH_ROUNDS);
	printf("# account, connection %s, %d client%s: p50 ours %.1f us, relay %.1f us, echo %.1f us; rate ours %.0f/s, relay %.0f/s, echo %.0f/s\n", how,
	       clients, clients > 1 ? "s" : "", ours, relay, bench_median(p50[2], BENCH_ROUNDS), bench_median(rate[0], BENCH_ROUNDS),
	       bench_median(rate[1], BENCH_ROUNDS), bench_median(rate[2], BENCH_ROUNDS));
	snprintf(name, sizeof name, "account-%s-%d-p50", how, clients);
	bench_print(name, ours, "us", relay, 1.5, 0);
	if (clients == 1) return;
	snprintf(name, sizeof name, "account-%s-%d-rate", how, clients);
	bench_print(name, bench_median(rate[0], BENCH_ROUNDS), "/s", bench_median(rate[1], BENCH_ROUNDS), 0.6, 1);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: bench_account GATE-SOCKET UID SERVICE SCRATCH-DIR\n", stderr);
		return 2;
	}
	static char relay_path[108], echo_path[108], file[256], echo_file[256];
	snprintf(relay_path, sizeof relay_path, "%s/relay.sock", argv[4]);
	snprintf(echo_path, sizeof echo_path, "%s/echo.sock", argv[4]);
	snprintf(file, sizeof file, "%s/relay.log", argv[4]);
	snprintf(echo_file, sizeof echo_file, "%s/echo.log", argv[4]);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int fronts = cores > 4 ? 4 : (int)cores;
	int relay = bench_relay_start(relay_path, file, fronts, BENCH_RELAY), echo = bench_relay_start(echo_path, echo_file, fronts, BENCH_ECHO);
	struct target targets[3] = { { .name = "gate", .path = argv[1] },
		                     { .name = "relay", .path = relay_path, .request_length = 128, .fixed_reply = 128 },
		                     { .name = "echo", .path = echo_path, .request_length = 128, .fixed_reply = 128 } };
	make_request(&targets[0], argv[2], argv[3]);
	usleep(100000);
	for (int keep = 1; keep >= 0; keep--)
		for (int clients = 1; clients <= CLIENTS_LIMIT; clients *= CLIENTS_LIMIT) compare(targets, clients, keep);
	bench_relay_stop(relay);
	bench_relay_stop(echo);
	return 0;
}
