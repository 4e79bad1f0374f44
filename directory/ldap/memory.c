/* Memory for liblber and libldap that is wiped when it is given back: passwords pass through their buffers, and they do not wipe. Each block
   begins with its size. */
#include "directory/ldap/internal.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "directory/base/secret.h"

struct head {
	_Alignas(max_align_t) size_t bytes; /* behind it, as aligned as malloc's own */
};

static void *take(ber_len_t bytes, void *context)
{
	(void)context;
	if (bytes > PTRDIFF_MAX - sizeof(struct head)) return NULL;
	struct head *head = malloc(sizeof *head + bytes);
	if (head == NULL) return NULL;
	head->bytes = bytes;
	return head + 1;
}

static void *take_zeroed(ber_len_t count, ber_len_t bytes, void *context)
{
	ber_len_t total;
	if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
	void *at = take(total, context);
	if (at != NULL && total > 0) memset(at, 0, total);
	return at;
}

static void give_back(void *at, void *context)
{
	(void)context;
	if (at == NULL) return;
	struct head *head = (struct head *)at - 1;
	ck_wipe(at, head->bytes);
	free(head);
}

static void *change(void *at, ber_len_t bytes, void *context)
{
	if (at == NULL) return take(bytes, context);
	size_t before = ((struct head *)at - 1)->bytes;
	void *other = take(bytes, context);
	if (other == NULL) return NULL;
	memcpy(other, at, before < bytes ? before : bytes);
	give_back(at, context);
	return other;
}

void ck_ldap_wipe_memory(void)
{
	static BerMemoryFunctions functions = {.bmf_malloc = take, .bmf_calloc = take_zeroed, .bmf_realloc = change, .bmf_free = give_back};
	/* Refused when it was done before; must come before anything was taken. */
	(void)ber_set_option(NULL, LBER_OPT_MEMORY_FNS, &functions);
}
