/* Plugs a virtual key into this machine as a HID device behind /dev/uhid, for as long as `soft-key unplug` leaves it in: to the kernel,
   udev and libfido2 it is a key like any other. Carries frames and nothing else; what they mean is soft_hid.c's. Never installed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/soft_device.h"

#define REPORT_BYTES 64
#define LOOK_EVERY_MS 20      /* whether it was touched or unplugged */
#define VENDOR 0x1209         /* pid.codes, 0001: for tests at home */
#define PRODUCT 0x0001

/* CTAP 2.1, 11.2.8.1: 64 bytes in, 64 bytes out. The second and third byte are the usage page. */
static uint8_t descriptor[] = {
	0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
	0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
};

static bool send_event(int uhid, const struct uhid_event *event)
{
	if (write(uhid, event, sizeof *event) == (ssize_t)sizeof *event) return true;
	perror("soft-uhid: /dev/uhid");
	return false;
}

static bool plug(int uhid, const char *name)
{
	struct uhid_event event = {.type = UHID_CREATE2};
	(void)snprintf((char *)event.u.create2.name, sizeof event.u.create2.name, "Crosskeys software key %s", name);
	memcpy(event.u.create2.rd_data, descriptor, sizeof descriptor);
	event.u.create2.rd_size = sizeof descriptor;
	event.u.create2.bus = BUS_USB;
	event.u.create2.vendor = VENDOR;
	event.u.create2.product = PRODUCT;
	return send_event(uhid, &event);
}

/* What the machine wrote: the report's id, 0, and the frame. */
static bool take_event(int uhid, void *key)
{
	struct uhid_event event = {.type = UHID_STOP}, answer = {.type = UHID_STOP};
	if (read(uhid, &event, sizeof event) <= 0) return false;
	switch (event.type) {
	case UHID_OUTPUT:
		if (event.u.output.size == REPORT_BYTES + 1) (void)ck_soft_io.write(key, event.u.output.data, REPORT_BYTES + 1);
		return true;
	case UHID_GET_REPORT:
		answer.type = UHID_GET_REPORT_REPLY;
		answer.u.get_report_reply.id = event.u.get_report.id;
		answer.u.get_report_reply.err = EIO; /* there are no feature reports */
		return send_event(uhid, &answer);
	case UHID_SET_REPORT:
		answer.type = UHID_SET_REPORT_REPLY;
		answer.u.set_report_reply.id = event.u.set_report.id;
		answer.u.set_report_reply.err = EIO;
		return send_event(uhid, &answer);
	default: return true; /* started, opened, closed, stopped */
	}
}

static bool is_unplugged(const char *path)
{
	struct ck_soft_state state;
	return ck_soft_load(path, &state, NULL) != CK_OK || (state.misbehaviour & CK_SOFT_REMOVED) != 0;
}

static bool carry(int uhid, void *key, const char *path)
{
	struct pollfd poller = {.fd = uhid, .events = POLLIN};
	while (!is_unplugged(path)) {
		struct uhid_event frame = {.type = UHID_INPUT2, .u.input2.size = REPORT_BYTES};
		if (poll(&poller, 1, LOOK_EVERY_MS) > 0 && !take_event(uhid, key)) return false;
		while (ck_soft_io.read(key, frame.u.input2.data, REPORT_BYTES, 1) == REPORT_BYTES)
			if (!send_event(uhid, &frame)) return false;
	}
	return true;
}

static int usage(void)
{
	fputs("usage: soft-uhid --keys DIR [--no-key] NAME\n"
	      "Plugs in the software key NAME of DIR, and ends when it is unplugged. --no-key: as a device that does not say it is one.\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"keys", required_argument, NULL, 'k'},
		{"no-key", no_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	const char *root = NULL;
	char path[512];
	for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		if (option == 'k') root = optarg;
		else if (option == 'n') descriptor[1] = 0x00, descriptor[2] = 0xff; /* the first page that belongs to any maker */
		else return usage();
	}
	if (root == NULL || optind + 1 != argc || snprintf(path, sizeof path, "%s/%s", root, argv[optind]) >= (int)sizeof path) return usage();
	int uhid = open("/dev/uhid", O_RDWR | O_CLOEXEC);
	void *key = uhid >= 0 ? ck_soft_io.open(path) : NULL;
	if (key == NULL) {
		fprintf(stderr, "soft-uhid: %s cannot be opened\n", uhid >= 0 ? path : "/dev/uhid");
		return 1;
	}
	bool done = plug(uhid, argv[optind]) && carry(uhid, key, path);
	ck_soft_io.close(key);
	return close(uhid) == 0 && done ? 0 : 1; /* closing is what pulls it out */
}
