// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define LOG_LINE_BYTES 4096

static enum log_level shown_level = LOG_NOTICE;

void log_set_level(enum log_level level)
{
	shown_level = level;
}

enum log_level log_get_level(void)
{
	return shown_level;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char prefix[] = "mcpjail: ";
	char raw[LOG_LINE_BYTES], line[LOG_LINE_BYTES];
	size_t used = sizeof(prefix) - 1;
	va_list ap;

	if (level > shown_level)
		return;
	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	memcpy(line, prefix, used);
	text_escape_terminal(raw, strlen(raw), line + used, sizeof(line) - used - 1);
	used = strlen(line);
	line[used++] = '\n';
	/* stderr that has gone away is nothing to act on. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}
