/* CPU time of the daemon's processes for one whole login (challenge, assertion, decision, record), ES256, 64 in flight, against the CPU time
   of fido_assert_verify alone; OpenSSL's verification with the key kept is reported. To be started right below init, as login(1) is.
   usage: bench_login GATE-SOCKET RP-ID DAEMON-PID */
#include <dirent.h>
#include <fido.h>
#include <fido/es256.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "tests/benchmarks/bench.h"
#include "tests/fakes/soft_key.h"

#define IN_FLIGHT 64
#define LOGINS_EACH 12
#define ROUNDS 5

static const char *socket_path, *rp_id;

struct person {
	unsigned number;
	struct ck_soft_credential credential;
	pthread_t thread;
	int failed;
};

static int call(struct ck_client *client, struct ck_frame_out *frame, const uint8_t *bytes, struct ck_map *reply, uint64_t want)
{
	size_t length = 0;
	uint64_t answer = 0;
	return ck_frame_end(frame, &length) == CK_OK &&
	       ck_client_call(client, bytes, length, reply, ck_clock_monotonic_ms() + 20000) == CK_OK &&
	       ck_map_uint(reply, CK_F_TYPE, 0, 99, &answer) == CK_OK && answer == want;
}

static int log_in(struct person *person)
{
	struct ck_client client;
	struct ck_frame_out frame;
	struct ck_map reply;
	struct ck_bytes challenge = { NULL, 0 };
	struct ck_soft_assertion assertion;
	uint8_t bytes[2048];
	char uid[32];
	snprintf(uid, sizeof uid, "bench%u", person->number);
	if (ck_client_connect(&client, socket_path, ck_clock_monotonic_ms() + 20000, NULL) != CK_OK) return 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_LOGIN_BEGIN);
	ck_field_string(&frame.map, CK_F_USER, uid);
	ck_field_string(&frame.map, CK_F_ACCOUNT, uid);
	ck_field_string(&frame.map, CK_F_SERVICE, "bench-login");
	ck_field_string(&frame.map, CK_F_TTY, "tty1");
	int good = call(&client, &frame, bytes, &reply, CK_ANSWER_NEED_TOKEN) &&
	           ck_map_bytes(&reply, CK_F_CHALLENGE, 32, 32, &challenge) == CK_OK &&
	           ck_soft_make_assertion(&person->credential, challenge.at, true, &assertion);
	if (good) {
		ck_frame_begin(&frame, bytes, sizeof bytes);
		ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_LOGIN_ASSERT);
		ck_field_bytes(&frame.map, CK_F_CREDENTIAL, person->credential.id, person->credential.id_length);
		ck_field_bytes(&frame.map, CK_F_AUTH_DATA, assertion.auth_data, assertion.auth_data_length);
		ck_field_bytes(&frame.map, CK_F_SIGNATURE, assertion.signature, assertion.signature_length);
		good = call(&client, &frame, bytes, &reply, CK_ANSWER_GRANTED);
	}
	ck_client_close(&client);
	return good;
}

static void *run_person(void *context)
{
	struct person *person = context;
	for (int i = 0; i < LOGINS_EACH; i++)
		if (!log_in(person)) person->failed++;
	return NULL;
}

/* Nanoseconds on a processor of the supervisor's children so far. */
static double children_cpu_us(const char *supervisor)
{
	char path[64], line[512];
	double sum_ns = 0;
	snprintf(path, sizeof path, "/proc/%s/task/%s/children", supervisor, supervisor);
	FILE *children = fopen(path, "r");
	int pid = 0;
	if (children == NULL) exit(1);
	while (fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof path, "/proc/%d/comm", pid);
		FILE *file = fopen(path, "r");
		int slapd = file != NULL && fgets(line, sizeof line, file) != NULL && strncmp(line, "slapd", 5) == 0;
		if (file != NULL) fclose(file);
		if (slapd) continue;
		snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
		file = fopen(path, "r");
		double ns = 0;
		if (file != NULL && fscanf(file, "%lf", &ns) == 1) sum_ns += ns;
		if (file != NULL) fclose(file);
	}
	fclose(children);
	return sum_ns / 1000;
}

static double thread_cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* fido_assert_verify alone, everything prepared before. */
static double verify_alone_us(struct ck_soft_credential *credential, double *out_openssl_us)
{
	struct ck_soft_assertion made;
	uint8_t hash[32] = { 7 }, point[65];
	es256_pk_t *key = es256_pk_new();
	fido_assert_t *assert = fido_assert_new();
	int runs = 1000;
	if (!ck_soft_make_assertion(credential, hash, true, &made) || !ck_soft_p256_public(credential->secret, point)) exit(1);
	if (es256_pk_from_ptr(key, point, sizeof point) != FIDO_OK || fido_assert_set_clientdata_hash(assert, hash, 32) != FIDO_OK ||
	    fido_assert_set_rp(assert, rp_id) != FIDO_OK || fido_assert_set_up(assert, FIDO_OPT_TRUE) != FIDO_OK ||
	    fido_assert_set_uv(assert, FIDO_OPT_TRUE) != FIDO_OK || fido_assert_set_count(assert, 1) != FIDO_OK ||
	    fido_assert_set_authdata_raw(assert, 0, made.auth_data, made.auth_data_length) != FIDO_OK ||
	    fido_assert_set_sig(assert, 0, made.signature, made.signature_length) != FIDO_OK)
		exit(1);
	double begin = thread_cpu_us();
	for (int i = 0; i < runs; i++)
		if (fido_assert_verify(assert, 0, COSE_ES256, key) != FIDO_OK) exit(1);
	double took = (thread_cpu_us() - begin) / runs;
	EVP_PKEY *pkey = es256_pk_to_EVP_PKEY(key);
	uint8_t signed_bytes[128];
	memcpy(signed_bytes, made.auth_data, made.auth_data_length);
	memcpy(signed_bytes + made.auth_data_length, hash, 32);
	begin = thread_cpu_us();
	for (int i = 0; i < runs; i++) {
		EVP_MD_CTX *context = EVP_MD_CTX_new();
		if (EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey) != 1 ||
		    EVP_DigestVerify(context, made.signature, made.signature_length, signed_bytes, made.auth_data_length + 32) != 1)
			exit(1);
		EVP_MD_CTX_free(context);
	}
	*out_openssl_us = (thread_cpu_us() - begin) / runs;
	EVP_PKEY_free(pkey);
	fido_assert_free(&assert);
	es256_pk_free(&key);
	return took;
}

int main(int argc, char **argv)
{
	static struct person people[IN_FLIGHT];
	double ours[ROUNDS], alone[ROUNDS], openssl[ROUNDS];
	if (argc != 4) {
		fputs("usage: bench_login GATE-SOCKET RP-ID DAEMON-PID\n", stderr);
		return 2;
	}
	socket_path = argv[1];
	rp_id = argv[2];
	fido_init(0);
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		char seed[32];
		snprintf(seed, sizeof seed, "bench%u", i);
		people[i].number = i;
		if (!ck_soft_make_credential(&people[i].credential, rp_id, CK_SOFT_ES256, seed)) return 1;
		/* above whatever an earlier run of this benchmark counted to */
		people[i].credential.count = (uint32_t)(time(NULL) - 1700000000) * 16;
	}
	for (int round = 0; round < ROUNDS; round++) {
		double begin = children_cpu_us(argv[3]);
		for (int i = 0; i < IN_FLIGHT; i++)
			if (pthread_create(&people[i].thread, NULL, run_person, &people[i]) != 0) return 1;
		int failed = 0;
		for (int i = 0; i < IN_FLIGHT; i++) {
			pthread_join(people[i].thread, NULL);
			failed += people[i].failed;
		}
		if (failed > 0) {
			fprintf(stderr, "%d logins were not granted\n", failed);
			return 1;
		}
		ours[round] = (children_cpu_us(argv[3]) - begin) / (IN_FLIGHT * LOGINS_EACH);
		alone[round] = verify_alone_us(&people[0].credential, &openssl[round]);
	}
	double reference = bench_median(alone, ROUNDS);
	if (getppid() != 1) printf("# login: not right below init, so the gates look at the processes between, too\n");
	printf("# login: CPU of the daemon's processes for one login %.1f us; fido_assert_verify alone %.1f us; OpenSSL with the key kept %.1f us\n",
	       bench_median(ours, ROUNDS), reference, bench_median(openssl, ROUNDS));
	bench_print("login-cpu", bench_median(ours, ROUNDS), "us", reference, 1.25, 0);
	return 0;
}
