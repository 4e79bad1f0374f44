/* The conversation with crosskeys-token over the socket that the gate handed out: what the key says, the PIN, the assertion. */
#ifndef CK_PAM_MODULE_PAM_TOKEN_H
#define CK_PAM_MODULE_PAM_TOKEN_H

#include "pam_module/pam_gate.h"
#include "pam_module/pam_talk.h"

struct ck_pam_token {
	struct ck_client client;
	struct ck_pam_assertion assertion; /* borrowed from client's buffer, until it is closed */
};

/* Owns helper_fd. gate_fd: when it is closed or speaks meanwhile, there is nobody to bring an assertion to (-1: none). GRANTED: the
   assertion is in *out. In every case: ck_pam_token_close(out). */
enum ck_pam_outcome ck_pam_token_assert(const struct ck_pam_talk *talk, int helper_fd, int gate_fd,
                                        const struct ck_pam_challenge *challenge, int64_t deadline_ms, struct ck_pam_token *out);
void ck_pam_token_close(struct ck_pam_token *token);

#endif
