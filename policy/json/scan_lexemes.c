// SPDX-License-Identifier: Apache-2.0
/*
 * Strings, numbers and words of JSON, and what to say where something else stands.
 */
#include "policy/json/scan_walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/decimal.h"

void scan_report(struct scan *s, size_t at, const char *what, const char *mend)
{
	const struct scan_problem problem = {
		.at = at,
		.pointer = span_bytes(s->pointer.data, s->pointer.len),
		.what = what,
		.mend = mend,
	};

	if (s->on_problem)
		s->on_problem(s->context, &problem);
}

int scan_fail(struct scan *s, size_t at, const char *mend, const char *what, ...)
{
	char sentence[256];
	va_list ap;

	va_start(ap, what);
	vsnprintf(sentence, sizeof(sentence), what, ap);
	va_end(ap);
	scan_report(s, at, sentence, mend);
	return -EINVAL;
}

struct found scan_found(const struct scan *s)
{
	uint8_t c = s->at < s->n ? (uint8_t)s->text[s->at] : 0;
	struct found f;

	if (s->at >= s->n)
		snprintf(f.text, sizeof(f.text), "the end of the text");
	else if (c > 0x20 && c < 0x7f)
		snprintf(f.text, sizeof(f.text), "`%c`", c);
	else
		snprintf(f.text, sizeof(f.text), "byte 0x%02x", c);
	return f;
}

/* --- strings ---------------------------------------------------------------- */

static int scan_hex4(struct scan *s, uint32_t *ret_code)
{
	char digits[5] = "";
	uint8_t bytes[2];

	if (s->n - s->at >= 4)
		memcpy(digits, s->text + s->at, 4);
	if (text_unhex(digits, bytes, 2))
		return scan_fail(s, s->at, "write \\u and four hexadecimal digits",
				 "not four hexadecimal digits after \\u");
	s->at += 4;
	*ret_code = (uint32_t)(bytes[0] << 8 | bytes[1]);
	return 0;
}

static int append_utf8(struct buf *b, uint32_t code)
{
	uint8_t bytes[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
	bytes[0] = (uint8_t)(lead[n] | code);
	return buf_append(b, bytes, n);
}

/* \uXXXX, or two of them for what lies beyond the basic plane (RFC 8259 §7). */
static int scan_unicode_escape(struct scan *s, struct buf *decoded)
{
	size_t begin = s->at - 2;
	uint32_t code, low;
	int r = scan_hex4(s, &code);

	if (r)
		return r;
	if (!code)
		return scan_fail(s, begin, "remove it", "U+0000 in a string");
	if (code >= 0xd800 && code < 0xe000) {
		if (code >= 0xdc00 || s->n - s->at < 6 || memcmp(s->text + s->at, "\\u", 2))
			return scan_fail(s, begin, NULL, "half of a surrogate pair");
		s->at += 2;
		r = scan_hex4(s, &low);
		if (r)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return scan_fail(s, begin, NULL, "half of a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	return decoded ? append_utf8(decoded, code) : 0;
}

static int scan_escape(struct scan *s, struct buf *decoded)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	int c = scan_peek(s);
	const char *hit = c > 0 ? strchr(names, c) : NULL;

	if (c == 'u') {
		s->at++;
		return scan_unicode_escape(s, decoded);
	}
	if (!hit)
		return scan_fail(s, s->at - 1, "a reverse solidus itself is written \\\\",
				 "%s after a reverse solidus is no escape", scan_found(s).text);
	s->at++;
	return decoded ? buf_append(decoded, &means[hit - names], 1) : 0;
}

/* Bytes from here on that stand for themselves. */
static size_t scan_plain(const struct scan *s)
{
	size_t at = s->at;

	while (at < s->n && s->text[at] != '"' && s->text[at] != '\\' &&
	       (uint8_t)s->text[at] >= 0x20)
		at++;
	return at - s->at;
}

int scan_lexeme_string(struct scan *s, struct buf *decoded)
{
	size_t begin = s->at++;
	int r = 0;

	while (!r) {
		size_t plain = scan_plain(s);
		int c;

		if (plain && decoded)
			r = buf_append(decoded, s->text + s->at, plain);
		if (r)
			return r;
		s->at += plain;
		c = scan_peek(s);
		if (c < 0 || c == '\n')
			return scan_fail(s, begin, "end it with a quotation mark",
					 "the string that begins here does not end on its line");
		s->at++;
		if (c == '"')
			return 0;
		if (c < 0x20)
			return scan_fail(s, s->at - 1, "write it as an escape, \\t or \\u00XX",
					 "control character 0x%02x in a string", c);
		r = scan_escape(s, decoded);
	}
	return r;
}

/* --- numbers and words ------------------------------------------------------ */

static size_t scan_digits(struct scan *s)
{
	size_t begin = s->at;

	while (s->at < s->n && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at - begin;
}

/* Integers past their range are the parser's to refuse. */
static int scan_number_value(struct scan *s, size_t begin)
{
	struct span number = span_bytes(s->text + begin, s->at - begin);

	if (!memchr(number.p, '.', number.n) && !memchr(number.p, 'e', number.n) &&
	    !memchr(number.p, 'E', number.n))
		return 0;
	if (decimal_survives(number))
		return 0;
	return scan_fail(s, begin, "at most 17 digits, within what a double holds",
			 "a number that readers of JSON would change");
}

int scan_number(struct scan *s)
{
	size_t begin = s->at, digits;
	bool zero;

	if (scan_peek(s) == '-')
		s->at++;
	zero = scan_peek(s) == '0';
	digits = scan_digits(s);
	if (!digits)
		return scan_fail(s, begin, NULL, "a number needs a digit here, found %s",
				 scan_found(s).text);
	if (zero && digits > 1)
		return scan_fail(s, begin, "leave the zeros out", "a number with leading zeros");
	if (scan_peek(s) == '.') {
		s->at++;
		if (!scan_digits(s))
			return scan_fail(s, begin, NULL, "a number without digits after its point");
	}
	if (scan_peek(s) == 'e' || scan_peek(s) == 'E') {
		s->at++;
		if (scan_peek(s) == '+' || scan_peek(s) == '-')
			s->at++;
		if (!scan_digits(s))
			return scan_fail(s, begin, NULL, "a number without digits in its exponent");
	}
	return scan_number_value(s, begin);
}

int scan_no_value(struct scan *s)
{
	int c = scan_peek(s);

	if (c == '\'')
		return scan_fail(s, s->at, "write \"…\"", "strings are in double quotes in JSON");
	if (c == '/' || c == '#')
		return scan_fail(s, s->at, "remove it", "JSON has no comments");
	if (c == '+' || c == '.')
		return scan_fail(s, s->at, NULL, "a number begins with a digit or `-` in JSON");
	return scan_fail(s, s->at, NULL, "a value is missing here, found %s", scan_found(s).text);
}

int scan_word(struct scan *s)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t begin = s->at;
	struct span word;

	while (s->at < s->n && ((s->text[s->at] | 32) >= 'a' && (s->text[s->at] | 32) <= 'z'))
		s->at++;
	word = span_bytes(s->text + begin, s->at - begin);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_equals(word, words[i]))
			return 0;
		if (word.n == strlen(words[i]) && !strncasecmp(word.p, words[i], word.n))
			return scan_fail(s, begin, words[i], "written in lower case in JSON");
	}
	if (!word.n)
		return scan_no_value(s);
	return scan_fail(s, begin, "text goes into double quotes", "`%.*s` is no JSON value",
			 (int)(word.n > 40 ? 40 : word.n), word.p);
}
