/* Passwords: shown beside the key at a login, and changed. They are typed into the application's conversation and go to the gate, nowhere
   else: not to PAM_AUTHTOK, where another module would find them. */
#ifndef CK_PAM_MODULE_PAM_PASSWORD_H
#define CK_PAM_MODULE_PAM_PASSWORD_H

#include "pam_module/pam_gate.h"
#include "pam_module/pam_talk.h"

/* After ck_pam_gate_assert said WANTS_PASSWORD. An empty one and one that is too long is never sent. hint: who may be told that it is about
   to expire. */
enum ck_pam_outcome ck_pam_password_show(const struct ck_pam_talk *talk, const struct ck_pam_talk *hint, struct ck_pam_gate *gate,
                                         int64_t deadline_ms);
/* Whether the subject's password could be changed now. */
enum ck_pam_outcome ck_pam_password_ready(struct ck_pam_gate *gate, int64_t deadline_ms);
/* A touch, the old password, a new one. */
enum ck_pam_outcome ck_pam_password_change(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, int64_t deadline_ms);
/* Of a change that was refused: it was for the old password. */
bool ck_pam_password_old_failed(const struct ck_pam_gate *gate);

#endif
