/* Software keys as a source for the token helper; context is the path of their directory. */
#ifndef CK_TESTS_TOKEN_SOURCE_H
#define CK_TESTS_TOKEN_SOURCE_H

#include <errno.h>

#include "pam_module/token_helper.h"
#include "tests/fakes/soft_key.h"

static inline int ck_soft_source_list(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	return ck_soft_list(names, CK_TOKEN_DEVICES_LIMIT, context);
}

static inline fido_dev_t *ck_soft_source_open(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context)
{
	(void)context;
	fido_dev_t *device = ck_soft_open_within(name, limit_ms);
	*out_opening = device != NULL ? CK_TOKEN_OPENED : errno == EBUSY ? CK_TOKEN_IN_USE : errno == EACCES ? CK_TOKEN_NOT_PERMITTED : CK_TOKEN_NOT_OPENED;
	return device;
}

#endif
