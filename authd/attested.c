/* Finds out whether a key is attested from what it signed, and nothing else: the directory's word is not taken for it, nor a gate's. Trusts the
   roots' file, which is root's. */
#include "authd/attested.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/statement.h"

#define FILE_LIMIT_BYTES (1024 * 1024) /* all certified makers' are 400 KB */

/* Opened once, then judged by the descriptor: what is read is what was checked. */
static enum ck_error read_file(int fd, const char *path, char *out, size_t *out_length, struct ck_errmsg *err)
{
	struct stat st;
	ssize_t got = 1;
	*out_length = 0;
	if (fstat(fd, &st) != 0) return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ck_fail(err, CK_ERR_DENIED, "%s: expected a file of root's that nobody else may write", path);
	while (got > 0 && *out_length <= FILE_LIMIT_BYTES) {
		got = read(fd, out + *out_length, FILE_LIMIT_BYTES + 1 - *out_length);
		if (got > 0) *out_length += (size_t)got;
	}
	if (got < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	return *out_length <= FILE_LIMIT_BYTES ? CK_OK : ck_fail(err, CK_ERR_LIMIT, "%s: longer than %d bytes", path, FILE_LIMIT_BYTES);
}

enum ck_error ck_attestation_load(const char *path, struct ck_fido_roots **out, struct ck_errmsg *err)
{
	struct ck_errmsg why = {""};
	size_t length = 0;
	*out = NULL;
	if (path[0] == '\0') return CK_OK;
	enum ck_error error = ck_path_is_trusted(path, &why);
	if (error != CK_OK) return ck_fail(err, error, "attestation_roots: %s", why.text);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) return ck_fail(err, CK_ERR_NOT_FOUND, "attestation_roots: %s: %s", path, strerror(errno));
	char *pem = malloc(FILE_LIMIT_BYTES + 1);
	error = pem != NULL ? read_file(fd, path, pem, &length, &why) : ck_fail(&why, CK_ERR_MEMORY, "no memory");
	close(fd);
	if (error == CK_OK) error = ck_fido_roots_read((struct ck_text){pem, length}, out, &why);
	free(pem);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "attestation_roots: %s", why.text);
}

static bool is_same(const struct ck_key *key, const struct ck_fido_credential *credential)
{
	return ck_bytes_equal(key->credential_id, credential->credential_id) && ck_bytes_equal(key->public_key, credential->public_key) &&
	       memcmp(key->aaguid, credential->aaguid, sizeof key->aaguid) == 0;
}

enum ck_error ck_attestation_check(const struct ck_key *key, const struct ck_fido_roots *roots, struct ck_errmsg *err)
{
	static const char tag[] = CK_TAG_ENROL;
	struct ck_registration kept;
	struct ck_person_statement statement;
	struct ck_fido_credential credential;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	if (!ck_text_is(key->attestation, CK_ATTESTATION_CERTIFICATE))
		return ck_fail(err, CK_ERR_DENIED, "no certificate attests the key");
	if (ck_registration_decode(key->registration, &kept) != CK_OK || ck_person_statement_decode(kept.statement, &statement) != CK_OK)
		return ck_fail(err, CK_ERR_DENIED, "what it answered when it was enrolled was not kept");
	ck_sha256(challenge, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, kept.statement}, 2);
	const struct ck_fido_registration registration = {.rp_id = key->rp_id,
	                                                  .client_data_hash = challenge,
	                                                  .format = kept.format,
	                                                  .auth_data = kept.auth_data,
	                                                  .statement = kept.attestation};
	enum ck_error error = ck_fido_verify_attested(&registration, roots, statement.time_s, &credential, err);
	if (error != CK_OK) return error;
	return is_same(key, &credential) ? CK_OK : ck_fail(err, CK_ERR_DENIED, "it is another key that is attested");
}
