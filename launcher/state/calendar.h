/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/calendar.h - UTC: times as text, and the windows of the calendar
 *
 * Times are milliseconds since 1970, without leap seconds. Libc's functions would read the
 * time zone's file, which a confined role may not.
 */
#ifndef MCPJAIL_STATE_CALENDAR_H
#define MCPJAIL_STATE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_TEXT 24 /* "2026-11-22T17:34:25.123Z" */

/** calendar_format() - CALENDAR_TEXT bytes and a NUL; what is before year 0 or past 9999 is cut */
void calendar_format(int64_t ms, char ret[CALENDAR_TEXT + 1]);

/** calendar_parse() - What calendar_format() writes. Return: false if it is not that */
bool calendar_parse(const char text[CALENDAR_TEXT], int64_t *ret_ms);

struct calendar_window {
	int64_t start_ms, end_ms; /* the end is the next one's start */
};

/**
 * calendar_window_at() - The window that a time is in
 * @window_ms: LIMITS_MONTH_MS: a month; LIMITS_WEEK_MS: a week from Monday; else multiples
 */
struct calendar_window calendar_window_at(int64_t ms, uint64_t window_ms);

#endif
