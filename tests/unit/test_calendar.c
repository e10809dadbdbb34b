// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "state/calendar.h"
#include "state/limits.h"

#define DAY INT64_C(86400000)

/* Every day of eight hundred years, by libc's idea of it, there and back. */
static void test_calendar_agrees_with_libc(void **state)
{
	(void)state;
	for (int64_t day = -170000; day < 122000; day++) {
		int64_t ms = day * DAY + (day * 7919 % 86400 + 86400) % 86400 * 1000 + 7, back;
		time_t s = (time_t)((ms - 7) / 1000);
		char text[CALENDAR_TEXT + 1], expected[CALENDAR_TEXT + 1];
		struct tm tm;

		calendar_format(ms, text);
		assert_non_null(gmtime_r(&s, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
		assert_string_equal(text, expected);
		assert_true(calendar_parse(text, &back));
		assert_int_equal(back, ms);
	}
}

static void test_calendar_cuts_what_has_no_four_digits(void **state)
{
	char text[CALENDAR_TEXT + 1];

	(void)state;
	calendar_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	calendar_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void test_calendar_parse_takes_only_its_own_form(void **state)
{
	static const char *const rows[] = {
		"2026-11-22 17:34:25.123Z", "2026-11-22T17:34:25.123+", "2026-13-22T17:34:25.123Z",
		"2026-00-22T17:34:25.123Z", "2026-11-00T17:34:25.123Z", "2026-11-32T17:34:25.123Z",
		"2026-11-22T24:34:25.123Z", "2026-11-22T17:60:25.123Z", "2026-11-22T17:34:60.123Z",
		"+026-11-22T17:34:25.123Z", "2026-11-22T17:34:25.12Z ",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (calendar_parse(rows[i], &ms))
			fail_msg("taken: %s", rows[i]);
}

static void test_windows_meet_without_a_gap(void **state)
{
	static const uint64_t windows[] = {1000,           90000,           DAY,
					   LIMITS_WEEK_MS, LIMITS_MONTH_MS, LIMITS_WINDOW_MAX_MS};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		struct calendar_window w = calendar_window_at(-5 * DAY, windows[i]);

		for (int n = 0; n < 1000; n++) {
			struct calendar_window next = calendar_window_at(w.end_ms, windows[i]);
			struct calendar_window last = calendar_window_at(w.end_ms - 1, windows[i]);

			assert_int_equal(next.start_ms, w.end_ms);
			assert_int_equal(last.start_ms, w.start_ms);
			assert_int_equal(last.end_ms, w.end_ms);
			w = next;
		}
	}
}

static void test_weeks_begin_on_monday_and_months_with_the_first(void **state)
{
	static const struct {
		const char *at, *start, *end;
		uint64_t window_ms;
	} rows[] = {
		{"2024-02-29T12:00:00.000Z", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z",
		 LIMITS_MONTH_MS},
		{"2023-12-31T23:59:59.999Z", "2023-12-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z",
		 LIMITS_MONTH_MS},
		{"2026-11-22T23:59:59.999Z", "2026-11-16T00:00:00.000Z", "2026-11-23T00:00:00.000Z",
		 LIMITS_WEEK_MS},
		{"2026-11-23T00:00:00.000Z", "2026-11-23T00:00:00.000Z", "2026-11-30T00:00:00.000Z",
		 LIMITS_WEEK_MS},
	};
	char text[CALENDAR_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct calendar_window w;
		int64_t at;

		assert_true(calendar_parse(rows[i].at, &at));
		w = calendar_window_at(at, rows[i].window_ms);
		calendar_format(w.start_ms, text);
		assert_string_equal(text, rows[i].start);
		calendar_format(w.end_ms, text);
		assert_string_equal(text, rows[i].end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar_agrees_with_libc),
		cmocka_unit_test(test_calendar_cuts_what_has_no_four_digits),
		cmocka_unit_test(test_calendar_parse_takes_only_its_own_form),
		cmocka_unit_test(test_windows_meet_without_a_gap),
		cmocka_unit_test(test_weeks_begin_on_monday_and_months_with_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
