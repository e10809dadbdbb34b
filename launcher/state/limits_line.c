// SPDX-License-Identifier: Apache-2.0
#include "state/limits_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "state/calendar.h"

#define CHECK_DIGITS 8
#define BOOT_DIGITS  16
#define KEY_DIGITS   ((size_t)2 * LIMITS_KEY_BYTES)

enum shape { SHAPE_BARE, SHAPE_NAME, SHAPE_KEPT, SHAPE_REFUND, SHAPE_BUCKET, SHAPE_TTL, SHAPE_KEY };

static const struct {
	const char *word;
	enum shape shape;
} words[] = {
	[LINE_CLOCK] = {"clock", SHAPE_BARE},   [LINE_NAME] = {"name", SHAPE_NAME},
	[LINE_CHARGE] = {"charge", SHAPE_KEPT}, [LINE_REFUND] = {"refund", SHAPE_REFUND},
	[LINE_BEFORE] = {"before", SHAPE_KEPT}, [LINE_BUCKET] = {"bucket", SHAPE_BUCKET},
	[LINE_TOKEN] = {"token", SHAPE_TTL},    [LINE_TAKE] = {"take", SHAPE_KEY},
};

uint32_t line_sum(struct span text)
{
	uint64_t hash = 0x6d63706a61696c32u ^ text.n;

	for (size_t i = 0; i < text.n; i += sizeof(uint64_t)) {
		uint64_t word = 0;
		size_t left = text.n - i;

		memcpy(&word, text.p + i, left < sizeof(word) ? left : sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

/* --- writing ------------------------------------------------------------------ */

struct writer {
	char *p;
	size_t n;
	bool is_full;
};

static void put_bytes(struct writer *w, const char *bytes, size_t n)
{
	if (n > LINE_MAX_BYTES - w->n) {
		w->is_full = true;
		return;
	}
	memcpy(w->p + w->n, bytes, n);
	w->n += n;
}

static void put_text(struct writer *w, const char *text)
{
	put_bytes(w, text, strlen(text));
}

static void put_number(struct writer *w, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put_bytes(w, digits + at, sizeof(digits) - at);
}

static void put_time(struct writer *w, int64_t at_ms, int64_t wall_ms)
{
	char wall[CALENDAR_TEXT + 1];

	put_text(w, at_ms < 0 ? " -" : " ");
	put_number(w, at_ms < 0 ? 0 - (uint64_t)at_ms : (uint64_t)at_ms);
	calendar_format(wall_ms, wall);
	put_text(w, " ");
	put_text(w, wall);
}

static void put_key(struct writer *w, char before, const uint8_t key[LIMITS_KEY_BYTES])
{
	char hex[KEY_DIGITS + 1];

	text_hex(key, LIMITS_KEY_BYTES, hex);
	put_bytes(w, &before, 1);
	put_bytes(w, hex, KEY_DIGITS);
}

/* Nothing in a name may look like the end of it. */
static void put_name(struct writer *w, struct span name)
{
	for (size_t i = 0; i < name.n && i < LIMITS_LABEL_MAX; i++) {
		bool is_plain = name.p[i] >= 0x20 && name.p[i] < 0x7f && name.p[i] != ';';

		put_bytes(w, is_plain ? &name.p[i] : "?", 1);
	}
}

static void put_item(struct writer *w, const struct line_item *item)
{
	enum shape shape = words[item->kind].shape;

	put_text(w, "; ");
	put_text(w, words[item->kind].word);
	if (shape == SHAPE_BARE)
		return;
	put_key(w, ' ', item->key);
	if (item->has_value)
		put_key(w, '/', item->value);
	if (shape == SHAPE_KEY)
		return;
	put_text(w, " ");
	if (shape == SHAPE_NAME)
		put_name(w, item->name);
	else
		put_number(w, shape == SHAPE_TTL ? item->keep_ms : item->amount);
	if (shape == SHAPE_BUCKET) {
		put_text(w, "+");
		put_number(w, item->part);
	}
	if (shape == SHAPE_BUCKET || shape == SHAPE_KEPT) {
		put_text(w, shape == SHAPE_BUCKET ? "/" : " ");
		put_number(w, item->keep_ms);
	}
	if (shape == SHAPE_KEPT && item->for_ever)
		put_text(w, "+");
	if (shape == SHAPE_REFUND)
		put_time(w, item->at_ms, item->wall_ms);
}

size_t line_write(const struct line_time *time, const struct line_item *items, size_t n, char *ret)
{
	struct writer w = {ret, CHECK_DIGITS + 1, false};
	char head[BOOT_DIGITS + 1], check[CHECK_DIGITS + 1];

	snprintf(head, sizeof(head), "%016llx", (unsigned long long)time->boot);
	put_bytes(&w, head, BOOT_DIGITS);
	put_time(&w, time->at_ms, time->wall_ms);
	for (size_t i = 0; i < n; i++)
		put_item(&w, &items[i]);
	snprintf(check, sizeof(check), "%08x",
		 line_sum(span_bytes(ret + CHECK_DIGITS + 1, w.n - CHECK_DIGITS - 1)));
	memcpy(ret, check, CHECK_DIGITS);
	ret[CHECK_DIGITS] = ' ';
	put_text(&w, "\n");
	return w.is_full ? 0 : w.n;
}

/* --- reading ------------------------------------------------------------------ */

static void skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool take_text(struct span *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n))
		return false;
	skip(s, n);
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(struct span *s, size_t digits, uint64_t *ret)
{
	uint64_t value = 0;

	if (s->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int digit = digit_of(s->p[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	skip(s, digits);
	*ret = value;
	return true;
}

static bool take_number(struct span *s, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < s->n && n < 20 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s->p[n] - '0'), &value))
			return false;
	if (!n)
		return false;
	skip(s, n);
	*ret = value;
	return true;
}

static bool take_time(struct span *s, int64_t *ret_at_ms, int64_t *ret_wall_ms)
{
	bool is_negative;
	uint64_t at;

	if (!take_text(s, " "))
		return false;
	is_negative = take_text(s, "-");
	if (!take_number(s, &at) || at > INT64_MAX || !take_text(s, " ") || s->n < CALENDAR_TEXT ||
	    !calendar_parse(s->p, ret_wall_ms))
		return false;
	skip(s, CALENDAR_TEXT);
	*ret_at_ms = is_negative ? -(int64_t)at : (int64_t)at;
	return true;
}

static bool take_key(struct span *s, const char *before, uint8_t ret[LIMITS_KEY_BYTES])
{
	if (!take_text(s, before) || s->n < KEY_DIGITS)
		return false;
	for (size_t i = 0; i < LIMITS_KEY_BYTES; i++) {
		int high = digit_of(s->p[2 * i]), low = digit_of(s->p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	skip(s, KEY_DIGITS);
	return true;
}

bool line_is_sound(struct span line)
{
	struct span rest = line;
	uint64_t check;

	return take_hex(&rest, CHECK_DIGITS, &check) && take_text(&rest, " ") &&
	       check == line_sum(rest);
}

bool line_read(struct span line, struct line_time *ret, struct span *ret_items)
{
	struct line_time time;
	struct span rest = line;

	skip(&rest, CHECK_DIGITS + 1);
	if (!take_hex(&rest, BOOT_DIGITS, &time.boot) ||
	    !take_time(&rest, &time.at_ms, &time.wall_ms))
		return false;
	*ret = time;
	*ret_items = rest;
	return true;
}

static bool take_fields(struct span *s, enum shape shape, struct line_item *item)
{
	const char *end;

	if (shape == SHAPE_BARE)
		return true;
	if (!take_key(s, " ", item->key))
		return false;
	item->has_value =
		(shape == SHAPE_KEPT || shape == SHAPE_REFUND) && take_key(s, "/", item->value);
	switch (shape) {
	case SHAPE_BARE:
	case SHAPE_KEY:
		return true;
	case SHAPE_NAME:
		if (!take_text(s, " "))
			return false;
		end = memchr(s->p, ';', s->n);
		item->name = span_bytes(s->p, end ? (size_t)(end - s->p) : s->n);
		skip(s, item->name.n);
		return true;
	case SHAPE_TTL:
		return take_text(s, " ") && take_number(s, &item->keep_ms);
	case SHAPE_REFUND:
		return take_text(s, " ") && take_number(s, &item->amount) &&
		       take_time(s, &item->at_ms, &item->wall_ms);
	case SHAPE_KEPT:
		if (!take_text(s, " ") || !take_number(s, &item->amount) || !take_text(s, " ") ||
		    !take_number(s, &item->keep_ms))
			return false;
		item->for_ever = take_text(s, "+");
		return true;
	case SHAPE_BUCKET:
		return take_text(s, " ") && take_number(s, &item->amount) && take_text(s, "+") &&
		       take_number(s, &item->part) && take_text(s, "/") &&
		       take_number(s, &item->keep_ms) && item->part < item->keep_ms;
	}
	return false;
}

int line_next(struct span *items, struct line_item *ret)
{
	struct span rest = *items;

	if (!rest.n)
		return 0;
	if (!take_text(&rest, "; "))
		return -EPROTONOSUPPORT;
	for (size_t kind = LINE_CLOCK; kind < ARRAY_SIZE(words); kind++) {
		struct line_item item = {.kind = (enum line_kind)kind};
		struct span s = rest;

		if (!take_text(&s, words[kind].word) ||
		    !take_fields(&s, words[kind].shape, &item) || (s.n && s.p[0] != ';'))
			continue;
		*ret = item;
		*items = s;
		return 1;
	}
	return -EPROTONOSUPPORT;
}
