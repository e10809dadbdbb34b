// SPDX-License-Identifier: Apache-2.0
#include "ledger/scan.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct scanner {
	const char *p, *end;
};

static bool at(const struct scanner *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static bool take(struct scanner *s, char c)
{
	if (!at(s, c))
		return false;
	s->p++;
	return true;
}

static void skip_spaces(struct scanner *s)
{
	while (at(s, ' '))
		s->p++;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, c | 0x20) : NULL;

	if (!found || (c < '0') || (c > '9' && c < 'A'))
		return -1;
	return (int)(found - digits);
}

/* Four hexadecimal digits behind "\u". */
static bool take_hex4(struct scanner *s, uint32_t *ret)
{
	uint32_t code = 0;

	if (s->end - s->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(s->p[i]);

		if (digit < 0)
			return false;
		code = code << 4 | (uint32_t)digit;
	}
	s->p += 4;
	*ret = code;
	return true;
}

/* What follows a reverse solidus. RFC 8259 §7; a surrogate must come with its other half. */
static bool take_escape(struct scanner *s, uint32_t *ret_code)
{
	static const char names[] = "\"\\/bfnrt";
	static const char codes[] = "\"\\/\b\f\n\r\t";
	const char *name;
	uint32_t low;

	if (s->p == s->end)
		return false;
	if (take(s, 'u')) {
		if (!take_hex4(s, ret_code))
			return false;
		if (*ret_code < 0xd800 || *ret_code > 0xdfff)
			return true;
		if (*ret_code > 0xdbff || !take(s, '\\') || !take(s, 'u') || !take_hex4(s, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return false;
		*ret_code = 0x10000 + ((*ret_code - 0xd800) << 10) + (low - 0xdc00);
		return true;
	}
	name = *s->p ? strchr(names, *s->p) : NULL;
	if (!name)
		return false;
	s->p++;
	*ret_code = (uint32_t)codes[name - names];
	return true;
}

static bool skip_string(struct scanner *s)
{
	if (!take(s, '"'))
		return false;
	while (s->p < s->end) {
		uint8_t c = (uint8_t)*s->p++;
		uint32_t code;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !take_escape(s, &code)))
			return false;
	}
	return false;
}

static bool skip_digits(struct scanner *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool skip_number(struct scanner *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !skip_digits(s))
		return false;
	if (take(s, '.') && !skip_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			(void)take(s, '-');
		return skip_digits(s);
	}
	return true;
}

static bool skip_word(struct scanner *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n))
		return false;
	s->p += n;
	return true;
}

static bool skip_value(struct scanner *s, int depth);

static bool skip_object(struct scanner *s, int depth)
{
	skip_spaces(s);
	if (take(s, '}'))
		return true;
	do {
		skip_spaces(s);
		if (!skip_string(s))
			return false;
		skip_spaces(s);
		if (!take(s, ':') || !skip_value(s, depth))
			return false;
	} while (take(s, ','));
	return take(s, '}');
}

static bool skip_array(struct scanner *s, int depth)
{
	skip_spaces(s);
	if (take(s, ']'))
		return true;
	do {
		if (!skip_value(s, depth))
			return false;
	} while (take(s, ','));
	return take(s, ']');
}

/* A value with the spaces around it. Recursion is bounded by @depth. */
static bool skip_value(struct scanner *s, int depth)
{
	bool is_sound;

	skip_spaces(s);
	if (s->p == s->end || depth >= SCAN_DEPTH_MAX)
		return false;
	if (take(s, '{'))
		is_sound = skip_object(s, depth + 1);
	else if (take(s, '['))
		is_sound = skip_array(s, depth + 1);
	else if (at(s, '"'))
		is_sound = skip_string(s);
	else
		is_sound = skip_word(s, "true") || skip_word(s, "false") || skip_word(s, "null") ||
			   skip_number(s);
	skip_spaces(s);
	return is_sound;
}

bool scan_is_value(struct span text)
{
	struct scanner s = {text.p, text.p + text.n};

	return text.n && *text.p != ' ' && text.p[text.n - 1] != ' ' &&
	       text_is_utf8(text.p, text.n) && skip_value(&s, 0) && s.p == s.end;
}

bool scan_member(struct span *cursor, struct span *ret_key, struct span *ret_value)
{
	struct scanner s = {cursor->p, cursor->p + cursor->n};
	struct span key, value;

	if (!take(&s, '{') && !take(&s, ','))
		return false;
	skip_spaces(&s);
	key.p = s.p + 1;
	if (!skip_string(&s))
		return false;
	key.n = (size_t)(s.p - key.p) - 1;
	skip_spaces(&s);
	if (!take(&s, ':'))
		return false;
	skip_spaces(&s);
	value.p = s.p;
	if (!skip_value(&s, 0))
		return false;
	value.n = (size_t)(s.p - value.p);
	while (value.n && value.p[value.n - 1] == ' ')
		value.n--;
	*cursor = (struct span){s.p, (size_t)(s.end - s.p)};
	*ret_key = key;
	*ret_value = value;
	return true;
}

struct span scan_find(struct span object, const char *key)
{
	struct span found, value;

	while (scan_member(&object, &found, &value))
		if (span_equals(found, key))
			return value;
	return (struct span){NULL, 0};
}

static int append_utf8(struct buf *b, uint32_t code)
{
	uint8_t utf8[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--) {
		utf8[i] = (uint8_t)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	utf8[0] = (uint8_t)(lead[n] | code);
	return buf_append(b, utf8, n);
}

int scan_string(struct span raw, struct buf *ret)
{
	struct scanner s = {raw.p, raw.n ? raw.p + raw.n : raw.p};

	if (!take(&s, '"'))
		return -EINVAL;
	while (s.p < s.end && *s.p != '"') {
		const char *from = s.p;
		uint32_t code;
		int r;

		while (s.p < s.end && *s.p != '"' && *s.p != '\\')
			s.p++;
		r = buf_append(ret, from, (size_t)(s.p - from));
		if (!r && take(&s, '\\'))
			r = take_escape(&s, &code) ? append_utf8(ret, code) : -EINVAL;
		if (r)
			return r;
	}
	return take(&s, '"') && s.p == s.end ? 0 : -EINVAL;
}

bool scan_copy_string(struct span raw, char *ret, size_t size)
{
	autobuf struct buf text = BUF_INIT(size ? size - 1 : 0);

	if (!size || scan_string(raw, &text) || (text.len && memchr(text.data, '\0', text.len)))
		return false;
	return span_copy(span_bytes(text.data, text.len), ret, size);
}

bool scan_u64(struct span raw, uint64_t *ret)
{
	uint64_t value = 0;

	if (!raw.n || (raw.n > 1 && raw.p[0] == '0'))
		return false;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] < '0' || raw.p[i] > '9' ||
		    __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(raw.p[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}
