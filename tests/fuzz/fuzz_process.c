/* What the kernel says of a process, in which the process names itself: whatever the name, parent and start are those behind it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/gate_process.h"
#include "tests/fuzz/fuzz.h"

#define NAME_BYTES 900 /* far more than a kernel gives */

void fuzz_one(const uint8_t *data, size_t size)
{
	char text[2048];
	struct ck_gate_process process = { 0 };
	if (size > NAME_BYTES) return;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)ck_gate_parse_process(text, &process);
	/* the same bytes as the name of a process whose line is whole */
	int length = snprintf(text, sizeof text, "4711 (%.*s) S 17 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21\n", (int)size, (const char *)data);
	if (length < 0 || (size_t)length >= sizeof text) abort();
	if (!ck_gate_parse_process(text, &process) || process.parent != 17 || process.start_ticks != 4242) abort();
}
