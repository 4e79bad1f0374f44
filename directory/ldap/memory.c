/* What was sent is wiped: passwords pass through libldap's buffers, and it does not wipe them (its memory functions are asked for blocks with
   a context only, which libldap's have none of). The uppermost layer of a connection sees each request in the buffer that it was encoded in,
   and nobody reads that again: referrals are not followed, and no request is sent twice. */
#include "directory/ldap/internal.h"

#include "directory/base/secret.h"

static int layer_control(Sockbuf_IO_Desc *layer, int option, void *argument) { return LBER_SBIOD_CTRL_NEXT(layer, option, argument); }

static ber_slen_t layer_read(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length) { return LBER_SBIOD_READ_NEXT(layer, bytes, length); }

static ber_slen_t layer_write(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length)
{
	ber_slen_t sent = LBER_SBIOD_WRITE_NEXT(layer, bytes, length);
	if (sent > 0) ck_wipe(bytes, (size_t)sent);
	return sent;
}

enum ck_error ck_ldap_wipe_sent(LDAP *handle, struct ck_errmsg *err)
{
	static Sockbuf_IO wiping = {.sbi_ctrl = layer_control, .sbi_read = layer_read, .sbi_write = layer_write};
	Sockbuf *socket = NULL;
	if (ldap_get_option(handle, LDAP_OPT_SOCKBUF, &socket) != LDAP_OPT_SUCCESS || socket == NULL ||
	    ber_sockbuf_add_io(socket, &wiping, LBER_SBIOD_LEVEL_APPLICATION, NULL) != 0)
		return ck_fail(err, CK_ERR_INTERNAL, "libldap takes no layer that wipes what was sent");
	return CK_OK;
}
