/* The program crosskeys-token with the HID devices of this machine. */
#include "pam_module/token_helper.h"

int main(int argc, char **argv)
{
	const struct ck_token_source source = {.list = ck_token_hid_list, .open = ck_token_hid_open};
	return ck_token_main(argc, argv, &source);
}
