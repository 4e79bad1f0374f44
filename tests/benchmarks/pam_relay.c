/* The least a PAM module that asks somebody can do: connect, send, receive, close. pam_relay.so PATH. The yardstick for pam_crosskeys.so. */
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	char bytes[128] = "";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t have = 0;
	(void)pamh;
	(void)flags;
	if (argc != 1) return PAM_SERVICE_ERR;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[0]);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes) {
		if (fd >= 0) close(fd);
		return PAM_PERM_DENIED;
	}
	while (have < sizeof bytes) {
		ssize_t n = recv(fd, bytes + have, sizeof bytes - have, 0);
		if (n <= 0) break;
		have += (size_t)n;
	}
	close(fd);
	return have == sizeof bytes ? PAM_SUCCESS : PAM_PERM_DENIED;
}
