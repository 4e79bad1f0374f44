/* Providers elsewhere, and the files that prove to them who this is. The configuration is root's; the files are judged here, since a secret
   that others read is none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/config.h"

#define LDAPS_PORT 636
#define LDAP_PORT 389

static const struct {
	const char *name;
	const char *mechanism; /* that needs it; NULL: all */
	bool secret;
} files[CK_PROVIDER_FILES] = {
	[CK_PROVIDER_CA] = { "ca.pem", NULL, false },
	[CK_PROVIDER_CERTIFICATE] = { "client.pem", "external", false },
	[CK_PROVIDER_KEY] = { "client.key", "external", true },
	[CK_PROVIDER_PASSWORD] = { "password", "scram-sha-256 simple", true },
	[CK_PROVIDER_KEYTAB] = { "keytab", "gssapi", true },
};

size_t ck_config_providers(const struct ck_config *config)
{
	size_t count = 0;
	while (count < CK_PROVIDERS_LIMIT && config->providers[count][0] != '\0') count++;
	return count;
}

enum ck_error ck_config_address(struct ck_text uri, struct ck_config_address *out)
{
	static const struct {
		const char *scheme;
		uint64_t port;
	} schemes[] = { { "ldaps://", LDAPS_PORT }, { "ldap://", LDAP_PORT } };
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t skip = strlen(schemes[i].scheme);
		if (uri.length <= skip || memcmp(uri.at, schemes[i].scheme, skip) != 0) continue;
		struct ck_text host = { uri.at + skip, uri.length - skip };
		const char *colon = memchr(host.at, ':', host.length);
		out->port = schemes[i].port;
		if (colon != NULL) {
			struct ck_text digits = { colon + 1, (size_t)(host.at + host.length - colon - 1) };
			if (ck_uint_parse(digits, 1, UINT16_MAX, &out->port) != CK_OK) return CK_ERR_INVALID;
			host.length = (size_t)(colon - host.at);
		}
		return host.length > 0 && ck_text_copy(out->host, sizeof out->host, host) == CK_OK ? CK_OK : CK_ERR_INVALID;
	}
	return CK_ERR_INVALID;
}

const char *ck_config_provider_file(const struct ck_config *config, enum ck_provider_file file, char out[CK_CONFIG_TEXT_BYTES])
{
	(void)snprintf(out, CK_CONFIG_TEXT_BYTES, "%.100s/providers/%s", config->directory, files[file].name);
	return out;
}

bool ck_config_provider_needs(const struct ck_config *config, enum ck_provider_file file)
{
	return ck_config_providers(config) > 0 && (files[file].mechanism == NULL || strstr(files[file].mechanism, config->provider_mechanism) != NULL);
}

enum ck_error ck_config_provider_check(const struct ck_config *config, enum ck_provider_file file, unsigned replica_uid, int *out_fd,
                                       struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES];
	struct stat st;
	ck_config_provider_file(config, file, path);
	int fd = open(path, (out_fd != NULL ? O_RDONLY : O_PATH) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) return ck_fail(err, errno == EACCES ? CK_ERR_DENIED : CK_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	enum ck_error error = CK_ERR_DENIED;
	mode_t others = files[file].secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
	bool owned = fstat(fd, &st) == 0 && (st.st_uid == replica_uid || (!files[file].secret && st.st_uid == 0));
	if (owned && S_ISREG(st.st_mode) && st.st_size > 0 && (st.st_mode & others) == 0)
		error = CK_OK;
	else
		error = ck_fail(err, error, "%s: expected a regular file of %s, not empty, mode %s", path,
		                files[file].secret ? config->user_replica : "root", files[file].secret ? "0400" : "0444");
	if (error == CK_OK && out_fd != NULL) *out_fd = fd;
	else close(fd);
	return error;
}

enum ck_error ck_config_provider_check_all(const struct ck_config *config, struct ck_errmsg *err)
{
	unsigned uid, gid;
	enum ck_error error = ck_config_user(config->user_replica, &uid, &gid, err);
	for (int file = 0; error == CK_OK && file < CK_PROVIDER_FILES; file++)
		if (ck_config_provider_needs(config, (enum ck_provider_file)file))
			error = ck_config_provider_check(config, (enum ck_provider_file)file, uid, NULL, err);
	return error;
}
