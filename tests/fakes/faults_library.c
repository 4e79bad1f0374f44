/* The calls of the libraries that we build on, failing from a seed with what their manuals have. What verifies never succeeds here. */
#include <errno.h>
#include <event2/event.h>
#include <fido.h>
#include <ldap.h>
#include <lmdb.h>
#include <openssl/evp.h>

#include "tests/fakes/faults.h"

#define WRAP(type, name, parameters, arguments, failure)                                                                                  \
	type __real_##name parameters;                                                                                                    \
	type __wrap_##name parameters;                                                                                                    \
	type __wrap_##name parameters { return ck_faults_next() ? (failure) : __real_##name arguments; }

/* ---- LMDB ---- */
WRAP(int, mdb_env_create, (MDB_env **out), (out), ENOMEM)
WRAP(int, mdb_env_open, (MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode), (env, path, flags, mode), ck_faults_random(2) ? EIO : ENOSPC)
WRAP(int, mdb_txn_begin, (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out), (env, parent, flags, out),
     ck_faults_random(2) ? ENOMEM : MDB_READERS_FULL)
WRAP(int, mdb_env_sync, (MDB_env *env, int force), (env, force), ck_faults_random(2) ? EIO : ENOSPC)
WRAP(int, mdb_txn_renew, (MDB_txn *txn), (txn), MDB_READERS_FULL)
WRAP(int, mdb_get, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *out), (txn, dbi, key, out), ck_faults_random(2) ? EIO : MDB_CORRUPTED)
WRAP(int, mdb_put, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags), (txn, dbi, key, value, flags),
     ck_faults_random(2) ? ENOSPC : MDB_MAP_FULL)
WRAP(int, mdb_del, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value), (txn, dbi, key, value), EIO)
WRAP(int, mdb_cursor_open, (MDB_txn *txn, MDB_dbi dbi, MDB_cursor **out), (txn, dbi, out), ENOMEM)

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (!ck_faults_next()) return __real_mdb_txn_commit(txn);
	mdb_txn_abort(txn); /* a commit frees it, however it ends */
	return ck_faults_random(2) ? EIO : ENOSPC;
}

/* ---- libevent ---- */
WRAP(struct event_base *, event_base_new, (void), (), NULL)
WRAP(struct event *, event_new, (struct event_base *base, evutil_socket_t fd, short what, event_callback_fn call, void *context),
     (base, fd, what, call, context), NULL)
WRAP(int, event_add, (struct event *event, const struct timeval *timeout), (event, timeout), -1)

/* ---- OpenLDAP ---- */
WRAP(int, ldap_initialize, (LDAP **out, const char *uri), (out, uri), LDAP_NO_MEMORY)
WRAP(int, ldap_set_option, (LDAP *ld, int option, const void *value), (ld, option, value), LDAP_OPT_ERROR)
WRAP(int, ldap_get_option, (LDAP *ld, int option, void *value), (ld, option, value), LDAP_OPT_ERROR)
WRAP(int, ldap_sasl_bind, (LDAP *ld, const char *dn, const char *mechanism, struct berval *credentials, LDAPControl **server, LDAPControl **client, int *out),
     (ld, dn, mechanism, credentials, server, client, out), LDAP_SERVER_DOWN)
WRAP(int, ldap_search_ext,
     (LDAP *ld, const char *base, int scope, const char *filter, char **attributes, int types_only, LDAPControl **server, LDAPControl **client,
      struct timeval *timeout, int limit, int *out),
     (ld, base, scope, filter, attributes, types_only, server, client, timeout, limit, out), LDAP_SERVER_DOWN)
WRAP(int, ldap_result, (LDAP *ld, int id, int all, struct timeval *timeout, LDAPMessage **out), (ld, id, all, timeout, out), -1)
WRAP(int, ldap_parse_result,
     (LDAP *ld, LDAPMessage *message, int *code, char **dn, char **text, char ***referrals, LDAPControl ***controls, int free_it),
     (ld, message, code, dn, text, referrals, controls, free_it), LDAP_DECODING_ERROR)
WRAP(int, ldap_parse_intermediate, (LDAP *ld, LDAPMessage *message, char **oid, struct berval **data, LDAPControl ***controls, int free_it),
     (ld, message, oid, data, controls, free_it), LDAP_NO_MEMORY)
WRAP(int, ldap_add_ext, (LDAP *ld, const char *dn, LDAPMod **mods, LDAPControl **server, LDAPControl **client, int *out),
     (ld, dn, mods, server, client, out), LDAP_SERVER_DOWN)
WRAP(int, ldap_modify_ext, (LDAP *ld, const char *dn, LDAPMod **mods, LDAPControl **server, LDAPControl **client, int *out),
     (ld, dn, mods, server, client, out), LDAP_SERVER_DOWN)
WRAP(int, ldap_delete_ext, (LDAP *ld, const char *dn, LDAPControl **server, LDAPControl **client, int *out), (ld, dn, server, client, out),
     LDAP_SERVER_DOWN)
WRAP(BerElement *, ber_alloc_t, (int options), (options), NULL)

/* ---- libfido2, OpenSSL ---- */
WRAP(fido_assert_t *, fido_assert_new, (void), (), NULL)
WRAP(fido_cred_t *, fido_cred_new, (void), (), NULL)
WRAP(int, fido_assert_set_count, (fido_assert_t *assert, size_t count), (assert, count), FIDO_ERR_INTERNAL)
WRAP(int, fido_assert_verify, (const fido_assert_t *assert, size_t index, int algorithm, const void *key), (assert, index, algorithm, key),
     ck_faults_random(2) ? FIDO_ERR_INTERNAL : FIDO_ERR_INVALID_SIG)
WRAP(int, EVP_PKEY_verify_init, (EVP_PKEY_CTX *context), (context), ck_faults_random(2) ? 0 : -2)
WRAP(int, EVP_PKEY_verify,
     (EVP_PKEY_CTX *context, const unsigned char *signature, size_t signature_length, const unsigned char *hash, size_t hash_length),
     (context, signature, signature_length, hash, hash_length), ck_faults_random(2) ? 0 : -1)
WRAP(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX *library, EVP_PKEY *key, const char *query), (library, key, query), NULL)
