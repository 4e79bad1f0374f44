/* The dialler (dial.h). It believes the replica in nothing but which provider is wanted; what it reaches is the configuration's. It never
   reads from the connections that it makes. */
#include "authd/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/process.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/ldap/ldap.h"

#define ADDRESS_LIMIT_MS 1500  /* one address that does not answer */
#define PROVIDER_LIMIT_MS 3000 /* all addresses of a provider */
#define UNSENT_LIMIT_MS 10000  /* what was sent and not acknowledged for so long: the provider is gone */
#define RESOLVER_OPTIONS "timeout:1 attempts:2" /* seconds; resolv.conf(5) */
#define DNS_PORT 53
#define KERBEROS_PORT 88

/* ---- connecting ---- */

static bool finish_connect(int fd, int64_t deadline_ms)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	int64_t left_ms = deadline_ms - ck_clock_monotonic_ms();
	int why = ETIMEDOUT;
	socklen_t length = sizeof why;
	if (left_ms > 0 && poll(&writable, 1, (int)left_ms) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) != 0) why = errno;
	errno = why;
	return why == 0;
}

static int connect_to(const struct addrinfo *address, int64_t deadline_ms)
{
	int yes = 1;
	unsigned unsent_ms = UNSENT_LIMIT_MS;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0) return -1;
	bool done = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes) == 0 &&
	            setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms) == 0;
	if (done && connect(fd, address->ai_addr, address->ai_addrlen) != 0) done = errno == EINPROGRESS && finish_connect(fd, deadline_ms);
	if (done) return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static int dial(const struct ck_config_address *address, struct ck_errmsg *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char port[8];
	int fd = -1;
	(void)snprintf(port, sizeof port, "%u", (unsigned)address->port);
	int code = getaddrinfo(address->host, port, &hints, &found);
	if (code != 0) {
		(void)ck_fail(err, CK_ERR_UNAVAILABLE, "%s has no address that could be found: %s", address->host, gai_strerror(code));
		return -1;
	}
	int64_t end_ms = ck_clock_monotonic_ms() + PROVIDER_LIMIT_MS;
	for (const struct addrinfo *at = found; at != NULL && fd < 0 && ck_clock_monotonic_ms() < end_ms; at = at->ai_next) {
		int64_t deadline_ms = ck_clock_monotonic_ms() + ADDRESS_LIMIT_MS;
		fd = connect_to(at, deadline_ms < end_ms ? deadline_ms : end_ms);
		if (fd < 0) (void)ck_fail(err, CK_ERR_UNAVAILABLE, "it cannot be connected to: %s", strerror(errno));
	}
	freeaddrinfo(found);
	return fd;
}

/* ---- the one message that it takes ---- */

static bool read_request(struct ck_bytes packet, const struct ck_config *config, uint64_t *out_request, uint64_t *out_index)
{
	static struct ck_map map;
	uint64_t type;
	return ck_map_parse(packet, &map) == CK_OK &&
	       ck_map_expect(&map, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_INDEX), 0) == CK_OK &&
	       ck_map_uint(&map, CK_F_TYPE, CK_MSG_DIAL, CK_MSG_DIAL, &type) == CK_OK &&
	       ck_map_uint(&map, CK_F_REQUEST, 1, UINT64_MAX, out_request) == CK_OK &&
	       ck_map_uint(&map, CK_F_INDEX, 0, ck_config_providers(config) - 1, out_index) == CK_OK;
}

static bool send_answer(int channel, uint64_t request, int fd, const struct ck_errmsg *why)
{
	uint8_t bytes[CK_DIAL_MESSAGE_LIMIT_BYTES];
	char shown[sizeof why->text];
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_DIALLED);
	ck_field_uint(&m, CK_F_REQUEST, request);
	ck_field_bool(&m, CK_F_VERDICT, fd >= 0);
	bool printable = ck_text_is_printable_utf8(ck_text_of(why->text));
	if (fd < 0) ck_field_string(&m, CK_F_DETAIL, printable ? why->text : ck_escape(ck_bytes_of(ck_text_of(why->text)), shown, sizeof shown));
	ck_map_end(&m);
	if (w.failed) return false;
	struct iovec part = { .iov_base = bytes, .iov_len = ck_writer_length(&w) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control.room;
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)part.iov_len;
}

static bool serve_one(int channel, const struct ck_config *config)
{
	uint8_t bytes[CK_DIAL_MESSAGE_LIMIT_BYTES];
	uint64_t request, index;
	struct ck_config_address address;
	struct ck_errmsg why = { "" };
	ssize_t got = recv(channel, bytes, sizeof bytes, 0);
	if (got < 0 && errno == EINTR) return true;
	if (got <= 0) return false; /* the replica is gone */
	if (!read_request((struct ck_bytes){ bytes, (size_t)got }, config, &request, &index)) {
		ck_log(CK_LOG_ALARM, "the replica sent the dialler a message that is not in its table");
		return false;
	}
	int fd = -1;
	enum ck_error error = ck_config_address(ck_text_of(config->providers[index]), &address);
	if (error == CK_OK && ck_config_provider_needs(config, CK_PROVIDER_KEYTAB)) error = ck_ldap_fetch_ticket(address.host, &why);
	if (error == CK_OK) fd = dial(&address, &why);
	bool sent = send_answer(channel, request, fd, &why);
	if (fd >= 0) close(fd);
	return sent;
}

/* ---- start ---- */

/* What getaddrinfo and libkrb5 read, and the ports that there is business with. */
static enum ck_error confine(const struct ck_config *config, struct ck_errmsg *err)
{
	char tickets[CK_CONFIG_TEXT_BYTES], kerberos[CK_CONFIG_TEXT_BYTES], folder[CK_CONFIG_TEXT_BYTES];
	struct ck_reach reach[8 + CK_PROVIDERS_LIMIT] = { { .path = "/etc", .kind = CK_REACH_READ },
		                                              { .path = "/run/systemd/resolve", .kind = CK_REACH_READ | CK_REACH_OPTIONAL },
		                                              { .kind = CK_REACH_PORT(DNS_PORT) } };
	size_t count = 3;
	struct ck_config_address address;
	for (size_t i = 0; i < ck_config_providers(config); i++)
		if (ck_config_address(ck_text_of(config->providers[i]), &address) == CK_OK)
			reach[count++] = (struct ck_reach){ .kind = CK_REACH_PORT(address.port) };
	if (ck_config_provider_needs(config, CK_PROVIDER_KEYTAB)) {
		(void)snprintf(tickets, sizeof tickets, "%.100s/tickets", config->directory);
		(void)snprintf(folder, sizeof folder, "%.100s/providers", config->directory);
		(void)snprintf(kerberos, sizeof kerberos, "%.100s/run/krb5.conf", config->directory);
		reach[count++] = (struct ck_reach){ .path = tickets, .kind = CK_REACH_WRITE };
		reach[count++] = (struct ck_reach){ .path = folder, .kind = CK_REACH_READ };
		reach[count++] = (struct ck_reach){ .path = kerberos, .kind = CK_REACH_READ };
		reach[count++] = (struct ck_reach){ .kind = CK_REACH_PORT(KERBEROS_PORT) };
	}
	const struct ck_confinement confinement = { .user = config->user_replica, .filter = &ck_filter_dialler, .reach = reach, .reach_count = count };
	return ck_process_confine(&confinement, err);
}

static _Noreturn void run(const struct ck_config *config, int channel)
{
	struct ck_errmsg err = { "" };
	ck_log_init("dialler", (enum ck_log_level)config->log_level);
	/* the replica's own: its channel to the supervisor, and the lock */
	for (int fd = CK_CONTROL_FD; fd < CK_CONTROL_FD + 3; fd++)
		if (fd != channel) close(fd);
	enum ck_error error = ck_dial_set_kerberos(config, true) && setenv("RES_OPTIONS", RESOLVER_OPTIONS, 1) == 0 ? CK_OK : CK_ERR_MEMORY;
	if (error == CK_OK) error = ck_ldap_prepare(&err);
	if (error == CK_OK) error = confine(config, &err);
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "the dialler does not start: %s", err.text[0] != '\0' ? err.text : ck_error_name(error));
	while (error == CK_OK && serve_one(channel, config)) continue;
	_exit(error == CK_OK ? 0 : 1);
}

enum ck_error ck_dialler_start(const struct ck_config *config, int *out_fd, struct ck_errmsg *err)
{
	int ends[2];
	*out_fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return ck_fail(err, CK_ERR_IO, "socketpair: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run(config, ends[1]);
	}
	int why = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return ck_fail(err, CK_ERR_IO, "fork: %s", strerror(why));
	}
	*out_fd = ends[0];
	return CK_OK;
}
