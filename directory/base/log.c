/* The operational log: one write(2) of one escaped line, so that lines of several processes do not mix. */
#include "directory/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/text.h"

#define LINE_LIMIT_BYTES 1000

static const char *process_name = "crosskeys";
static enum ck_log_level most_level = CK_LOG_INFO;

void ck_log_init(const char *process, enum ck_log_level most)
{
	process_name = process;
	most_level = most;
}

void ck_log(enum ck_log_level level, const char *format, ...)
{
	static const char *const words[] = { "ALARM", "error", "warning", "info", "debug" };
	char text[LINE_LIMIT_BYTES - 100], line[LINE_LIMIT_BYTES];
	if (level > most_level || (unsigned)level >= sizeof words / sizeof words[0]) return;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
	int length = snprintf(line, sizeof line, "%s %s[%d]: %s\n", words[level], process_name, (int)getpid(), text);
	if (length <= 0) return;
	if ((size_t)length >= sizeof line) length = (int)sizeof line - 1;
	line[length - 1] = '\n';
	/* nobody can be told that telling failed */
	ssize_t ignored = write(STDERR_FILENO, line, (size_t)length);
	(void)ignored;
}
