/* The program crosskeys-token with the HID devices of this machine. Trusts libfido2 to tell FIDO devices from others. */
#include "pam_module/token_helper.h"

#include <stdio.h>

#define OPEN_TIMEOUT_MS 3000

static int list_hid(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	(void)context;
	int count = 0;
	size_t found = 0;
	fido_dev_info_t *devices = fido_dev_info_new(CK_TOKEN_DEVICES_LIMIT);
	if (devices == NULL) return 0;
	if (fido_dev_info_manifest(devices, CK_TOKEN_DEVICES_LIMIT, &found) != FIDO_OK) found = 0;
	for (size_t i = 0; i < found; i++) {
		const char *path = fido_dev_info_path(fido_dev_info_ptr(devices, i));
		if (path != NULL && snprintf(names[count], 256, "%s", path) < 256) count++;
	}
	fido_dev_info_free(&devices, CK_TOKEN_DEVICES_LIMIT);
	return count;
}

static fido_dev_t *open_hid(const char *name, void *context)
{
	(void)context;
	fido_dev_t *device = fido_dev_new();
	/* a device that never answers must not keep the others from being asked */
	if (device != NULL) (void)fido_dev_set_timeout(device, OPEN_TIMEOUT_MS);
	if (device != NULL && fido_dev_open(device, name) != FIDO_OK) fido_dev_free(&device);
	return device;
}

int main(int argc, char **argv)
{
	const struct ck_token_source source = {.list = list_hid, .open = open_hid};
	return ck_token_main(argc, argv, &source);
}
