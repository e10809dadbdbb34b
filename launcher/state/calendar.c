// SPDX-License-Identifier: Apache-2.0
#include "state/calendar.h"

#include <stdio.h>

#include "state/limits.h"

#define DAY_MS      INT64_C(86400000)
#define MONDAY_DAYS 4 /* 1970-01-05 */
#define YEAR_MAX    9999

struct date {
	int64_t year;
	int month, day; /* from 1 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years that begin in March have their leap day at the end, in eras of 400 that are alike. */
static int64_t days_of(const struct date *d)
{
	int64_t year = d->year - (d->month <= 2);
	int64_t era = floor_div(year, 400), of_era = year - era * 400;
	int64_t of_year = (153 * (d->month + (d->month > 2 ? -3 : 9)) + 2) / 5 + d->day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int64_t days)
{
	int64_t era = floor_div(days + 719468, 146097), of_era = days + 719468 - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	return (struct date){.year = year + era * 400 + (month >= 10),
			     .month = (int)(month < 10 ? month + 3 : month - 9),
			     .day = (int)(of_year - (153 * month + 2) / 5 + 1)};
}

void calendar_format(int64_t ms, char ret[CALENDAR_TEXT + 1])
{
	const struct date first = {0, 1, 1}, past = {YEAR_MAX + 1, 1, 1};
	int64_t least = days_of(&first) * DAY_MS, most = days_of(&past) * DAY_MS - 1;
	int64_t at = ms < least ? least : ms > most ? most : ms;
	int64_t days = floor_div(at, DAY_MS);
	struct date d = date_of(days);
	unsigned of_day = (unsigned)(at - days * DAY_MS), s = of_day / 1000;

	snprintf(ret, CALENDAR_TEXT + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned)d.year % (YEAR_MAX + 1), (unsigned)d.month % 100, (unsigned)d.day % 100,
		 s / 3600 % 24, s / 60 % 60, s % 60, of_day % 1000);
}

static int number(const char *digits, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		value = value * 10 + digits[i] - '0';
	}
	return value;
}

bool calendar_parse(const char text[CALENDAR_TEXT], int64_t *ret_ms)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	static const struct {
		int at, n;
	} parts[] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}};
	int v[7];
	struct date d;

	for (int i = 0; i < CALENDAR_TEXT; i++)
		if (form[i] != '0' && text[i] != form[i])
			return false;
	for (int i = 0; i < 7; i++) {
		v[i] = number(text + parts[i].at, parts[i].n);
		if (v[i] < 0)
			return false;
	}
	if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 59)
		return false;
	d = (struct date){v[0], v[1], v[2]};
	*ret_ms = days_of(&d) * DAY_MS + ((v[3] * 60 + v[4]) * 60 + v[5]) * INT64_C(1000) + v[6];
	return true;
}

static struct calendar_window month_at(int64_t ms)
{
	struct date d = date_of(floor_div(ms, DAY_MS));
	struct date next = {d.year + (d.month == 12), d.month % 12 + 1, 1};

	d.day = 1;
	return (struct calendar_window){days_of(&d) * DAY_MS, days_of(&next) * DAY_MS};
}

struct calendar_window calendar_window_at(int64_t ms, uint64_t window_ms)
{
	int64_t from = window_ms == LIMITS_WEEK_MS ? MONDAY_DAYS * DAY_MS : 0;
	int64_t start;

	if (window_ms == LIMITS_MONTH_MS)
		return month_at(ms);
	start = from + floor_div(ms - from, (int64_t)window_ms) * (int64_t)window_ms;
	return (struct calendar_window){start, start + (int64_t)window_ms};
}
