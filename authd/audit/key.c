/* The signing key's files. Trusts the directory to be the ledger's alone; a torn or damaged file is found by its digest, not used. */
#include "authd/audit/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/base/buffer.h"
#include "directory/base/secret.h"

#define MAGIC "CKAUDIT1"
#define MAGIC_BYTES 8
#define BODY_BYTES (MAGIC_BYTES + 8 + 8 + 32)
#define FILE_BYTES (BODY_BYTES + 32)
#define NEW_SUFFIX ".new"

static void derive_public(struct ck_audit_key *key)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	CK_ASSERT(crypto_sign_seed_keypair(key->public_half, secret, key->seed) == 0);
	ck_wipe(secret, sizeof secret);
}

void ck_audit_key_make(uint64_t index, uint64_t since_seq, struct ck_audit_key *out)
{
	out->index = index;
	out->since_seq = since_seq;
	randombytes_buf(out->seed, sizeof out->seed);
	derive_public(out);
}

void ck_audit_key_sign(const struct ck_audit_key *key, struct ck_text message, uint8_t out[64])
{
	uint8_t public_half[32], secret[crypto_sign_SECRETKEYBYTES];
	CK_ASSERT(crypto_sign_seed_keypair(public_half, secret, key->seed) == 0);
	CK_ASSERT(crypto_sign_detached(out, NULL, (const unsigned char *)message.at, message.length, secret) == 0);
	ck_wipe(secret, sizeof secret);
}

void ck_audit_key_wipe(struct ck_audit_key *key)
{
	ck_wipe(key, sizeof *key);
}

/* ---- files ---- */

static enum ck_error write_all(int fd, const char *name, const void *bytes, size_t length, struct ck_errmsg *err)
{
	ssize_t written = pwrite(fd, bytes, length, 0);
	if (written == (ssize_t)length) return CK_OK;
	return ck_fail(err, CK_ERR_IO, "%s: %s", name, written < 0 ? strerror(errno) : "written in part");
}

/* A whole new file under the name, or the old one: written beside it, fsynced, renamed, and the directory fsynced. */
static enum ck_error store_file(int directory_fd, const char *name, mode_t mode, const void *bytes, size_t length, struct ck_errmsg *err)
{
	char beside[64];
	(void)snprintf(beside, sizeof beside, "%s" NEW_SUFFIX, name);
	(void)unlinkat(directory_fd, beside, 0); /* left over from a crash, or put there */
	int fd = openat(directory_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", beside, strerror(errno));
	enum ck_error error = write_all(fd, beside, bytes, length, err);
	if (error == CK_OK && fsync(fd) != 0) error = ck_fail(err, CK_ERR_IO, "%s: %s", beside, strerror(errno));
	close(fd);
	if (error == CK_OK && renameat(directory_fd, beside, directory_fd, name) != 0)
		error = ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	if (error != CK_OK)
		(void)unlinkat(directory_fd, beside, 0);
	else if (fsync(directory_fd) != 0)
		error = ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	return error;
}

/* The file's bytes; one byte more than length is looked for, so that a longer file does not pass. */
static enum ck_error load_file(int directory_fd, const char *name, uint8_t *out, size_t length, struct ck_errmsg *err)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a FIFO would keep it waiting */
	if (fd < 0) return errno == ENOENT ? CK_ERR_NOT_FOUND : ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	struct stat st;
	ssize_t got = fstat(fd, &st) == 0 && st.st_size == (off_t)length ? pread(fd, out, length, 0) : 0;
	close(fd);
	if (got < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	return (size_t)got == length ? CK_OK : ck_fail(err, CK_ERR_CORRUPT, "%s is not %zu bytes long", name, length);
}

enum ck_error ck_audit_key_load(int directory_fd, const char *name, struct ck_audit_key *out, struct ck_errmsg *err)
{
	uint8_t bytes[FILE_BYTES], digest[32];
	memset(out, 0, sizeof *out);
	enum ck_error error = load_file(directory_fd, name, bytes, sizeof bytes, err);
	if (error == CK_OK) {
		crypto_hash_sha256(digest, bytes, BODY_BYTES);
		if (!ck_constant_time_equal(bytes, MAGIC, MAGIC_BYTES) || !ck_constant_time_equal(digest, bytes + BODY_BYTES, sizeof digest))
			error = ck_fail(err, CK_ERR_CORRUPT, "%s is damaged", name);
	}
	if (error == CK_OK) {
		struct ck_reader r;
		ck_reader_init(&r, bytes + MAGIC_BYTES, BODY_BYTES - MAGIC_BYTES);
		out->index = ck_get_u64le(&r);
		out->since_seq = ck_get_u64le(&r);
		memcpy(out->seed, ck_get_bytes(&r, sizeof out->seed), sizeof out->seed);
		derive_public(out);
	}
	ck_wipe(bytes, sizeof bytes);
	return error;
}

enum ck_error ck_audit_key_store(int directory_fd, const char *name, const struct ck_audit_key *key, struct ck_errmsg *err)
{
	uint8_t bytes[FILE_BYTES];
	struct ck_writer w;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_put_bytes(&w, MAGIC, MAGIC_BYTES);
	ck_put_u64le(&w, key->index);
	ck_put_u64le(&w, key->since_seq);
	ck_put_bytes(&w, key->seed, sizeof key->seed);
	crypto_hash_sha256(bytes + BODY_BYTES, bytes, BODY_BYTES);
	enum ck_error error = store_file(directory_fd, name, 0600, bytes, sizeof bytes, err);
	ck_wipe(bytes, sizeof bytes);
	return error;
}

/* Through a descriptor taken before the rename: the name is gone, the bytes of the old seed are not yet. */
static void overwrite(int fd)
{
	static const uint8_t zeros[FILE_BYTES];
	ssize_t written = pwrite(fd, zeros, sizeof zeros, 0);
	(void)written;
	(void)fdatasync(fd);
}

enum ck_error ck_audit_key_advance(int directory_fd, struct ck_errmsg *err)
{
	int old = openat(directory_fd, CK_KEY_FILE, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum ck_error error = CK_OK;
	if (renameat(directory_fd, CK_KEY_NEXT_FILE, directory_fd, CK_KEY_FILE) != 0 || fsync(directory_fd) != 0)
		error = ck_fail(err, CK_ERR_IO, "the next key cannot take its place: %s", strerror(errno));
	if (old >= 0) {
		if (error == CK_OK) overwrite(old);
		close(old);
	}
	return error;
}

void ck_audit_key_discard_next(int directory_fd)
{
	(void)unlinkat(directory_fd, CK_KEY_NEXT_FILE, 0);
}

#define GENESIS_BYTES 65 /* 64 digits and a newline */

enum ck_error ck_genesis_load(int directory_fd, uint8_t out[32], struct ck_errmsg *err)
{
	uint8_t bytes[GENESIS_BYTES];
	enum ck_error error = load_file(directory_fd, CK_GENESIS_FILE, bytes, sizeof bytes, err);
	if (error != CK_OK) return error;
	if (bytes[GENESIS_BYTES - 1] == '\n' && ck_hex_decode((struct ck_text){ (const char *)bytes, GENESIS_BYTES - 1 }, out, 32) == CK_OK)
		return CK_OK;
	return ck_fail(err, CK_ERR_CORRUPT, "genesis does not hold a public key in hex");
}

enum ck_error ck_genesis_store(int directory_fd, const uint8_t key[32], struct ck_errmsg *err)
{
	char text[GENESIS_BYTES + 1];
	ck_hex_encode(key, 32, text, sizeof text);
	text[GENESIS_BYTES - 1] = '\n';
	return store_file(directory_fd, CK_GENESIS_FILE, 0644, text, GENESIS_BYTES, err);
}
