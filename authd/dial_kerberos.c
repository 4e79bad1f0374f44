/* What libkrb5 is told by the environment: names are taken as they are configured, never as a name server turns them; the keytab and the
   cache are the instance's own. */
#include "authd/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char fixed[] = "# Made by crosskeysd at each start. Read before the machine's own krb5.conf.\n"
                            "[libdefaults]\n\tdns_canonicalize_hostname = false\n\trdns = false\n\tforwardable = false\n";

bool ck_dial_set_kerberos(const struct ck_config *config, bool with_keytab)
{
	char files[3 * CK_CONFIG_TEXT_BYTES], own[CK_CONFIG_TEXT_BYTES], cache[CK_CONFIG_TEXT_BYTES], keytab[CK_CONFIG_TEXT_BYTES];
	if (!ck_config_provider_needs(config, CK_PROVIDER_KEYTAB)) return true;
	(void)snprintf(own, sizeof own, "%.100s/providers/krb5.conf", config->directory);
	(void)snprintf(files, sizeof files, "%.100s/run/krb5.conf:%s", config->directory, access(own, F_OK) == 0 ? own : "/etc/krb5.conf");
	(void)snprintf(cache, sizeof cache, "FILE:%.100s/tickets/cache", config->directory);
	(void)snprintf(keytab, sizeof keytab, "FILE:%.100s/%s", config->directory, with_keytab ? "providers/keytab" : "tickets/none");
	return setenv("KRB5_CONFIG", files, 1) == 0 && setenv("KRB5CCNAME", cache, 1) == 0 && setenv("KRB5_CLIENT_KTNAME", keytab, 1) == 0;
}

enum ck_error ck_dial_make_tickets(const struct ck_config *config, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES], fresh[CK_CONFIG_TEXT_BYTES];
	unsigned uid, gid;
	if (!ck_config_provider_needs(config, CK_PROVIDER_KEYTAB)) return CK_OK;
	enum ck_error error = ck_config_user(config->user_replica, &uid, &gid, err);
	if (error != CK_OK) return error;
	(void)snprintf(path, sizeof path, "%.100s/tickets", config->directory);
	if ((mkdir(path, 0700) != 0 && errno != EEXIST) || chown(path, uid, gid) != 0)
		return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	(void)snprintf(path, sizeof path, "%.100s/run/krb5.conf", config->directory);
	(void)snprintf(fresh, sizeof fresh, "%.100s/run/krb5.conf~", config->directory);
	(void)unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool done = fd >= 0 && write(fd, fixed, sizeof fixed - 1) == (ssize_t)sizeof fixed - 1 && fchmod(fd, 0644) == 0 && rename(fresh, path) == 0;
	int why = errno;
	if (fd >= 0) close(fd);
	return done ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(why));
}
