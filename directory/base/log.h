/* Operational log: one escaped line to standard error, "LEVEL process[pid]: text". The audit log is another thing (authd/audit). */
#ifndef CK_BASE_LOG_H
#define CK_BASE_LOG_H

#include "directory/base/error.h"

enum ck_log_level { CK_LOG_ALARM, CK_LOG_ERROR, CK_LOG_WARNING, CK_LOG_INFO, CK_LOG_DEBUG };

/* `process` must live as long as the process ("gate-1"). Levels above `most` are dropped. */
void ck_log_init(const char *process, enum ck_log_level most);
/* Control characters are escaped and the line is cut at 1000 bytes: one call, one line. */
void ck_log(enum ck_log_level level, const char *format, ...) CK_PRINTF(2, 3);

#endif
