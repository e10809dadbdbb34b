/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/log.h - mcpjail's own words on stderr
 *
 * Each line begins "mcpjail: ". Only main, commands and roles log; library code
 * returns errors. Control characters in arguments are escaped, so that nothing
 * an agent or a server named can drive the person's terminal.
 */
#ifndef MCPJAIL_BASE_LOG_H
#define MCPJAIL_BASE_LOG_H

enum log_level {
	LOG_ERROR = 0, /* always shown */
	LOG_NOTICE,    /* shown unless --quiet */
	LOG_DECISION,  /* -v: each decision */
	LOG_PROTOCOL,  /* -vv: the protocol */
};

/** log_set_level() - What is shown from now on; LOG_NOTICE to begin with */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/** log_line() - Write one line, in a single write(2), if @level is shown */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)    log_line(LOG_ERROR, __VA_ARGS__)
#define log_notice(...)   log_line(LOG_NOTICE, __VA_ARGS__)
#define log_decision(...) log_line(LOG_DECISION, __VA_ARGS__)
#define log_protocol(...) log_line(LOG_PROTOCOL, __VA_ARGS__)

#endif
