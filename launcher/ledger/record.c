// SPDX-License-Identifier: Apache-2.0
#include "ledger/record.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "ledger/scan.h"

static void put(struct record *r, const char *text)
{
	if (!r->error)
		r->error = buf_puts(&r->line, text);
}

static void put_string(struct record *r, struct span text)
{
	if (!r->error)
		r->error = text_append_json_string(&r->line, text.p, text.n);
}

static void put_key(struct record *r, const char *key)
{
	if (r->needs_comma)
		put(r, ",");
	r->needs_comma = true;
	put_string(r, span_of(key));
	put(r, ":");
}

void record_open(struct record *r)
{
	buf_clear(&r->line);
	r->error = 0;
	r->needs_comma = false;
	put(r, "{");
}

void record_string(struct record *r, const char *key, struct span text)
{
	put_key(r, key);
	put_string(r, text);
}

/* By hand: a record has a dozen numbers, and printf() would be a third of its cost. */
void record_u64(struct record *r, const char *key, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	put_key(r, key);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (!r->error)
		r->error = buf_append(&r->line, digits + at, sizeof(digits) - at);
}

void record_ms(struct record *r, const char *key, uint64_t us)
{
	put_key(r, key);
	if (!r->error)
		r->error = buf_printf(&r->line, "%lu.%03lu", (unsigned long)(us / 1000),
				      (unsigned long)(us % 1000));
}

void record_bool(struct record *r, const char *key, bool value)
{
	put_key(r, key);
	put(r, value ? "true" : "false");
}

void record_null(struct record *r, const char *key)
{
	put_key(r, key);
	put(r, "null");
}

void record_hex(struct record *r, const char *key, struct span bytes)
{
	char *to;

	put_key(r, key);
	put(r, "\"");
	to = r->error ? NULL : buf_reserve(&r->line, 2 * bytes.n + 1);
	if (to) {
		text_hex((const uint8_t *)bytes.p, bytes.n, to);
		buf_commit(&r->line, 2 * bytes.n);
	} else if (!r->error) {
		r->error = -EMSGSIZE;
	}
	put(r, "\"");
}

void record_json(struct record *r, const char *key, struct span text)
{
	if (!text.n) {
		record_null(r, key);
	} else if (!scan_is_value(text)) {
		record_string(r, key, text);
	} else {
		put_key(r, key);
		if (!r->error)
			r->error = buf_append(&r->line, text.p, text.n);
	}
}

void record_begin_list(struct record *r, const char *key)
{
	put_key(r, key);
	put(r, "[");
	r->needs_comma = false;
}

void record_begin_item(struct record *r)
{
	put(r, r->needs_comma ? ",{" : "{");
	r->needs_comma = false;
}

void record_end_item(struct record *r)
{
	put(r, "}");
	r->needs_comma = true;
}

void record_end_list(struct record *r)
{
	put(r, "]");
	r->needs_comma = true;
}

void record_close(struct record *r)
{
	put(r, "}");
}

/* Days to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
 */
void record_format_time(uint64_t unix_ns, char ret[RECORD_TIME_SIZE])
{
	uint64_t s = unix_ns / 1000000000u;
	uint64_t days = s / 86400 + 719468, in_day = s % 86400;
	uint64_t era = days / 146097, doe = days % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;
	unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	unsigned year = (unsigned)(yoe + era * 400 + (month <= 2)) % 10000;

	snprintf(ret, RECORD_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year, month,
		 (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100, (unsigned)(in_day / 3600),
		 (unsigned)(in_day / 60 % 60), (unsigned)(in_day % 60),
		 (unsigned)(unix_ns / 1000 % 1000000));
}
