/* The FIDO devices of this machine: found by their report descriptors in sysfs, so that to list them none has to be opened (a device that
   hangs may hang whoever opens it), and told from others as libfido2 does. Trusts the kernel; the descriptors are the devices'. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pam_module/token_helper.h"

#define CLASS "/sys/class/hidraw"
#define DESCRIPTOR_LIMIT_BYTES 4096 /* HID_MAX_DESCRIPTOR_SIZE */
#define FIDO_USAGE_PAGE 0xf1d0
#define ITEM_LONG 0xfe
#define ITEM_USAGE_PAGE 0x04

bool ck_token_hid_is_fido(const uint8_t *descriptor, size_t length)
{
	static const size_t sizes[] = {0, 1, 2, 4};
	for (size_t at = 0; at < length;) {
		uint8_t head = descriptor[at++];
		size_t size = sizes[head & 3];
		uint32_t value = 0;
		if (head == ITEM_LONG) return false; /* nobody uses them (HID 1.11, 6.2.2.3) */
		if (size > length - at) return false;
		for (size_t i = 0; i < size; i++) value |= (uint32_t)descriptor[at + i] << (8 * i);
		if ((head & 0xfc) == ITEM_USAGE_PAGE && value == FIDO_USAGE_PAGE) return true;
		at += size;
	}
	return false;
}

static bool is_fido(const char *name)
{
	char path[512];
	uint8_t descriptor[DESCRIPTOR_LIMIT_BYTES];
	if (snprintf(path, sizeof path, CLASS "/%s/device/report_descriptor", name) >= (int)sizeof path) return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	ssize_t length = read(fd, descriptor, sizeof descriptor);
	close(fd);
	return length > 0 && ck_token_hid_is_fido(descriptor, (size_t)length);
}

int ck_token_hid_list(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	(void)context;
	int count = 0;
	DIR *dir = opendir(CLASS);
	for (struct dirent *entry; dir != NULL && count < CK_TOKEN_DEVICES_LIMIT && (entry = readdir(dir)) != NULL;) {
		if (strncmp(entry->d_name, "hidraw", 6) != 0 || !is_fido(entry->d_name)) continue;
		if (snprintf(names[count], 256, "/dev/%s", entry->d_name) < 256) count++;
	}
	if (dir != NULL) closedir(dir);
	return count;
}

/* libfido2 locks what it opens, and waits many seconds for who has locked it before. */
static enum ck_token_opening look_whether_free(const char *name)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0) return errno == EACCES || errno == EPERM ? CK_TOKEN_NOT_PERMITTED : errno == EBUSY ? CK_TOKEN_IN_USE : CK_TOKEN_NOT_OPENED;
	bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return locked ? CK_TOKEN_OPENED : CK_TOKEN_IN_USE;
}

fido_dev_t *ck_token_hid_open(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context)
{
	(void)context;
	*out_opening = look_whether_free(name);
	fido_dev_t *device = *out_opening == CK_TOKEN_OPENED ? fido_dev_new() : NULL;
	if (device == NULL) return NULL;
	if (fido_dev_set_timeout(device, limit_ms) == FIDO_OK && fido_dev_open(device, name) == FIDO_OK) return device;
	fido_dev_free(&device);
	*out_opening = CK_TOKEN_NOT_OPENED;
	return NULL;
}
