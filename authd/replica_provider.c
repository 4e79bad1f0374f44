/* Providers as the replica reaches them: which one, over which socket, and as whom. The password is read anew for each connection, so that
   one that was changed counts, and wiped when the next takes its place. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

static enum ck_ldap_auth auth_of(const char *mechanism)
{
	if (strcmp(mechanism, "scram-sha-256") == 0) return CK_LDAP_SCRAM;
	if (strcmp(mechanism, "gssapi") == 0) return CK_LDAP_GSSAPI;
	return strcmp(mechanism, "simple") == 0 ? CK_LDAP_SIMPLE : CK_LDAP_EXTERNAL;
}

enum ck_error ck_replica_providers_open(struct ck_replica *r)
{
	size_t count = ck_config_providers(r->config);
	r->providers.count = count > 0 ? count : 1;
	r->providers.at[0].uri = r->config->directory_uri;
	for (size_t i = 0; i < count; i++) r->providers.at[i].uri = r->config->providers[i];
	for (int file = 0; file < CK_PROVIDER_FILES; file++) ck_config_provider_file(r->config, (enum ck_provider_file)file, r->provider_files[file]);
	r->last_followed = r->providers.count;
	r->password = ck_secret_new();
	return r->password != NULL ? CK_OK : CK_ERR_MEMORY;
}

void ck_replica_providers_close(struct ck_replica *r) { ck_secret_free(&r->password); }

/* The whole file, but for the newline that editors leave. */
static enum ck_error read_password(struct ck_replica *r, struct ck_errmsg *err)
{
	uint8_t bytes[CK_SECRET_LIMIT_BYTES + 2];
	int fd = -1;
	enum ck_error error = ck_config_provider_check(r->config, CK_PROVIDER_PASSWORD, (unsigned)getuid(), &fd, err);
	if (error != CK_OK) return error;
	ssize_t length = read(fd, bytes, sizeof bytes);
	close(fd);
	if (length > 0 && bytes[length - 1] == '\n') length--;
	bool fits = length > 0 && (size_t)length <= CK_SECRET_LIMIT_BYTES && ck_secret_set(r->password, bytes, (size_t)length) == CK_OK;
	ck_wipe(bytes, sizeof bytes);
	return fits ? CK_OK : ck_fail(err, CK_ERR_INVALID, "%s: expected a password of 1 to %d bytes", r->provider_files[CK_PROVIDER_PASSWORD],
	                              CK_SECRET_LIMIT_BYTES);
}

enum ck_error ck_replica_target(struct ck_replica *r, size_t index, int fd, struct ck_ldap_target *out, struct ck_errmsg *err)
{
	const struct ck_config *config = r->config;
	*out = (struct ck_ldap_target){.uri = r->providers.at[index].uri, .fd = -1};
	if (ck_config_providers(config) == 0) return CK_OK;
	enum ck_error error = ck_config_provider_needs(config, CK_PROVIDER_PASSWORD) ? read_password(r, err) : CK_OK;
	if (error == CK_OK && ck_config_provider_needs(config, CK_PROVIDER_KEY))
		error = ck_config_provider_check(config, CK_PROVIDER_KEY, (unsigned)getuid(), NULL, err);
	if (error != CK_OK) {
		if (fd >= 0) close(fd);
		return error;
	}
	out->fd = fd;
	out->auth = auth_of(config->provider_mechanism);
	out->identity = config->provider_identity;
	out->password = r->password;
	out->ca_file = r->provider_files[CK_PROVIDER_CA];
	bool certificate = ck_config_provider_needs(config, CK_PROVIDER_CERTIFICATE);
	out->certificate_file = certificate ? r->provider_files[CK_PROVIDER_CERTIFICATE] : NULL;
	out->key_file = certificate ? r->provider_files[CK_PROVIDER_KEY] : NULL;
	out->tls_1_2 = strcmp(config->provider_tls, "1.2") == 0;
	return CK_OK;
}

size_t ck_replica_write_provider(const struct ck_replica *r)
{
	return r->config->write_provider > 0 ? (size_t)r->config->write_provider - 1 : r->providers.current;
}

void ck_replica_provider_arrived(struct ck_replica *r)
{
	size_t now = r->providers.current, before = r->last_followed;
	ck_providers_arrived(&r->providers, now, ck_clock_monotonic_ms());
	ck_log(CK_LOG_INFO, "following %s", r->providers.at[now].uri);
	r->last_followed = now;
	if (before != now) ck_replica_drop_writer(r);
	if (r->dials != NULL && r->writer == NULL) ck_replica_reach_writer(r); /* so that the first change does not wait for it */
	if (before == now || before == r->providers.count) return;
	const char *why = r->providers.at[before].why;
	struct ck_replica_event event = {.event = CK_EVENT_PROVIDER, .name = r->providers.at[now].uri,
	                                 .detail = why[0] != '\0' ? why : "one that comes before in the order is well again"};
	(void)ck_replica_record(r, &event);
}

void ck_replica_describe_providers(const struct ck_replica *r, char *out, size_t out_bytes)
{
	char line[CK_CONFIG_TEXT_BYTES + CK_PROVIDER_WHY_BYTES + 64], shown[sizeof line];
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < r->providers.count; i++) {
		bool wrong = ck_providers_describe(&r->providers, i, ck_clock_monotonic_ms(), line, sizeof line);
		bool printable = ck_text_is_printable_utf8(ck_text_of(line));
		int length = snprintf(out + used, out_bytes - used, "%s: %s\n", wrong ? "trouble" : "provider",
		                      printable ? line : ck_escape(ck_bytes_of(ck_text_of(line)), shown, sizeof shown));
		if (length < 0 || (size_t)length >= out_bytes - used) return;
		used += (size_t)length;
	}
}
