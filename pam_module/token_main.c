/* The program crosskeys-token with the HID devices of this machine. */
#include "pam_module/token_helper.h"

#ifdef CK_SANITIZED
/* The leak checker starts a thread that traces the process, which the sandbox forbids: it would wait for it for ever. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

int main(int argc, char **argv)
{
	const struct ck_token_source source = {.list = ck_token_hid_list, .open = ck_token_hid_open};
	return ck_token_main(argc, argv, &source);
}
