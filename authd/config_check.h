/* The forms that values of the configuration have. Each says what it expected. Used by config.c and config_provider.c only. */
#ifndef CK_AUTHD_CONFIG_CHECK_H
#define CK_AUTHD_CONFIG_CHECK_H

#include "authd/config.h"

typedef enum ck_error (*ck_config_check)(struct ck_text value, struct ck_errmsg *err);

CK_MUST_USE enum ck_error ck_config_check_system(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_host(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_origin(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_dn(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_id(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_path(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_ldapi(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_provider(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_mechanism(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_identity(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_tls(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_role(struct ck_text value, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_check_user(struct ck_text value, struct ck_errmsg *err);

#endif
