/* The certificates by which providers elsewhere are known, and by which they know this machine: when they begin and end, and whether our key is
   the one of our certificate. Whom the providers believe is theirs to say. */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "authd/cli/doctor.h"
#include "directory/base/clock.h"

#define FILE_LIMIT_BYTES 1048576 /* of PEM; a bundle of all public authorities is a fifth of that */
#define ENDING_S (30 * 86400)    /* time for somebody else to issue the next one */
#define ADVICE_NEXT "have the next one issued, and put it in its place, and restart the daemon"

struct certificate_file {
	const char *path;
	const char *what; /* "the authority of the providers" */
	bool all_needed;  /* else one that is good does */
	size_t count, good;
};

/* Nobody is asked for a passphrase: the daemon has none. */
static int no_passphrase(char *out, int size, int writes, void *context)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)context;
	return -1;
}

static bool time_of(const ASN1_TIME *asn1, int64_t *out_s)
{
	struct tm parts;
	if (ASN1_TIME_to_tm(asn1, &parts) != 1) return false;
	*out_s = (int64_t)timegm(&parts);
	return true;
}

static const char *name_of(const X509 *certificate)
{
	char name[256], shown[sizeof name];
	if (X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name) == NULL) return "somebody";
	return ck_cli_print("%s", ck_escape(ck_bytes_of(ck_text_of(name)), shown, sizeof shown));
}

static void find(struct ck_doctor *doctor, const struct certificate_file *file, bool error, const char *code, const X509 *certificate,
                 const char *how, int64_t when_s, const char *advice)
{
	char when[CK_TIME_TEXT_BYTES];
	ck_doctor_find(doctor, error ? CK_SEVERITY_ERROR : CK_SEVERITY_WARNING, code, file->path, ck_cli_print("a certificate of %s that is good now and in 30 days", file->what),
	               ck_cli_print("that of %s %s %s", name_of(certificate), how, ck_time_format(when_s, when)), advice);
}

static bool is_good(const X509 *certificate, int64_t now_s)
{
	int64_t from_s, until_s;
	return time_of(X509_get0_notBefore(certificate), &from_s) && time_of(X509_get0_notAfter(certificate), &until_s) && from_s <= now_s && now_s < until_s;
}

static void judge_span(struct ck_doctor *doctor, const struct certificate_file *file, const X509 *certificate, int64_t now_s)
{
	int64_t from_s, until_s;
	bool fatal = file->all_needed || file->good == 0;
	if (!time_of(X509_get0_notBefore(certificate), &from_s) || !time_of(X509_get0_notAfter(certificate), &until_s)) return;
	if (now_s >= until_s)
		find(doctor, file, fatal, "certificate-expired", certificate, "ended on", until_s, ADVICE_NEXT);
	else if (now_s < from_s)
		find(doctor, file, fatal, "certificate-early", certificate, "begins on", from_s,
		     "see that this machine's clock is right; else wait, or have one issued that counts from now");
	else if (until_s - now_s < ENDING_S)
		find(doctor, file, false, "certificate-ending", certificate, "ends on", until_s, ADVICE_NEXT);
}

static BIO *open_pem(struct ck_doctor *doctor, const char *path)
{
	struct ck_text text;
	enum ck_error error = ck_doctor_read(path, FILE_LIMIT_BYTES, &text);
	if (error == CK_ERR_DENIED) ck_doctor_unreadable(doctor, path, "whether it is good, is not known");
	return error == CK_OK ? BIO_new_mem_buf(text.at, (int)text.length) : NULL; /* what is not there is another finding */
}

/* The first certificate of the file is returned, if it is ours; the caller frees it. NULL: there is none to speak of. */
static X509 *judge_file(struct ck_doctor *doctor, struct certificate_file *file)
{
	X509 *first = NULL;
	int64_t now_s = ck_clock_wall_s();
	for (int round = 0; round < 2; round++) { /* how severe one is, depends on the others */
		BIO *pem = open_pem(doctor, file->path);
		if (pem == NULL) return NULL;
		for (X509 *next; (next = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL;) {
			if (round == 0) file->count++;
			if (round == 0 && is_good(next, now_s)) file->good++;
			if (round == 1) judge_span(doctor, file, next, now_s);
			if (first == NULL) first = next;
			else X509_free(next);
		}
		BIO_free(pem);
	}
	if (file->count == 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "certificate-unread", file->path, ck_cli_print("a certificate of %s, as PEM", file->what),
		               "there is none in it that can be read", "put it there as PEM: it begins with -----BEGIN CERTIFICATE-----");
	return first;
}

static void judge_key(struct ck_doctor *doctor, const char *path, const X509 *certificate)
{
	BIO *pem = open_pem(doctor, path);
	if (pem == NULL) return;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	if (key == NULL)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "certificate-key", path, "a private key, as PEM and without a passphrase",
		               "it cannot be read as one", "take the passphrase off (openssl pkey), or put the right file there");
	else if (X509_check_private_key(certificate, key) != 1)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "certificate-key", path, "the private key of the certificate beside it",
		               "it is that of another one", "put the two there that were made together");
	EVP_PKEY_free(key);
	BIO_free(pem);
}

void ck_doctor_certificates(struct ck_doctor *doctor)
{
	char authority[CK_CONFIG_TEXT_BYTES], own[CK_CONFIG_TEXT_BYTES], key[CK_CONFIG_TEXT_BYTES];
	const struct ck_config *config = &doctor->config;
	if (ck_config_providers(config) == 0) return;
	struct certificate_file file = { .path = ck_cli_print("%s", ck_config_provider_file(config, CK_PROVIDER_CA, authority)),
		                             .what = "the providers' authority" };
	X509_free(judge_file(doctor, &file));
	if (!ck_config_provider_needs(config, CK_PROVIDER_CERTIFICATE)) return;
	file = (struct certificate_file){ .path = ck_cli_print("%s", ck_config_provider_file(config, CK_PROVIDER_CERTIFICATE, own)),
		                              .what = "this machine", .all_needed = true };
	X509 *certificate = judge_file(doctor, &file);
	if (certificate != NULL) judge_key(doctor, ck_cli_print("%s", ck_config_provider_file(config, CK_PROVIDER_KEY, key)), certificate);
	X509_free(certificate);
}
