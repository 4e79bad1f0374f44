/* The maker whom the fuzz targets trust; the corpora hold keys that it attests. Its private key was thrown away. */
#ifndef CK_FUZZ_ROOT_H
#define CK_FUZZ_ROOT_H

static const char fuzz_root[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBKzCB0qADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCUZ1enogUm9v\n"
	"dDAgFw0yMDA5MTMxMjI2NDBaGA8yMDkzMDgwMTIxMjAwMFowFDESMBAGA1UEAwwJ\n"
	"RnV6eiBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaORRCVcBTAiVJK/C\n"
	"j1lB/rr/h/OdWy1heaTHWaZhhM/MbxfoUOfL4OqahwpUwVXzQMKZ+WoJG48DZfT+\n"
	"MYlNcqMTMBEwDwYDVR0TAQH/BAUwAwEBATAKBggqhkjOPQQDAgNIADBFAiEA7QNz\n"
	"yk2g1RYgbtGBDp3Udac9WvrDMWpUdc0MNDpzh+wCIGdte1l5DR7x44E+NuIw0qfm\n"
	"Ie3tddZKeNauh7/mkWMb\n"
	"-----END CERTIFICATE-----\n";

#endif
