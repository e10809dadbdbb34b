// SPDX-License-Identifier: Apache-2.0
/*
 * One recursive descent serves both users: scan_check() looks at syntax and keys,
 * scan_locate() at the pointer that the walk carries along. Recursion is bounded by
 * POLICY_DEPTH_MAX, checked before descending.
 */
#include "policy/json/scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/json/json_auto.h"
#include "policy/policy.h"
#include "policy/json/scan_walk.h"

static int scan_value(struct scan *s, size_t key_at);

static void scan_skip_space(struct scan *s)
{
	for (; s->at < s->n; s->at++) {
		char c = s->text[s->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return;
	}
}

static size_t scan_line_of(const struct scan *s, size_t at)
{
	size_t line, column;

	scan_place(s->text, s->n, at, &line, &column);
	return line;
}

/* --- objects and arrays ----------------------------------------------------- */

static int scan_push(struct scan *s, const char *segment)
{
	int r = buf_append(&s->pointer, "/", 1);

	while (!r && *segment) {
		size_t plain = strcspn(segment, "~/");

		r = buf_append(&s->pointer, segment, plain);
		segment += plain;
		if (r || !*segment)
			break;
		r = buf_append(&s->pointer, *segment == '~' ? "~0" : "~1", 2);
		segment++;
	}
	return r;
}

/* Report a key that its object already has. @seen holds each key with its offset. */
static int scan_note_key(struct scan *s, json_t *seen, size_t key_at)
{
	const char *key = (const char *)s->key.data;
	const json_t *first = json_object_get(seen, key);
	char what[160];

	if (first) {
		snprintf(what, sizeof(what), "duplicate key, the first is in line %zu",
			 scan_line_of(s, (size_t)json_integer_value(first)));
		scan_report(s, key_at, what, "keep one of them");
		return 0;
	}
	return json_object_set_new(seen, key, json_integer((json_int_t)key_at)) ? -ENOMEM : 0;
}

/* "key": value, from the key's quotation mark on. */
static int scan_member(struct scan *s, json_t *seen)
{
	size_t key_at = s->at, mark = s->pointer.len;
	int r;

	s->key.len = 0;
	r = scan_lexeme_string(s, &s->key);
	if (!r)
		r = buf_append(&s->key, "", 1);
	if (!r)
		r = scan_push(s, (const char *)s->key.data);
	if (!r && seen)
		r = scan_note_key(s, seen, key_at);
	if (r)
		return r;
	scan_skip_space(s);
	if (scan_peek(s) != ':')
		return scan_fail(s, s->at, NULL, "a `:` is missing after the key, found %s",
				 scan_found(s).text);
	s->at++;
	r = scan_value(s, key_at);
	s->pointer.len = mark;
	return r;
}

/*
 * What stands behind a member or element: 1 if another follows, 0 at the end of the
 * container, which @close closes.
 */
static int scan_continues(struct scan *s, size_t open_at, char close)
{
	size_t comma = s->at;

	scan_skip_space(s);
	if (scan_peek(s) == close) {
		s->at++;
		return 0;
	}
	if (scan_peek(s) < 0)
		return scan_fail(s, s->at, NULL,
				 "a `%c` is missing: what opens in line %zu never closes", close,
				 scan_line_of(s, open_at));
	if (scan_peek(s) == '/' || scan_peek(s) == '#')
		return scan_no_value(s);
	if (scan_peek(s) != ',')
		return scan_fail(s, s->at, NULL, "a `,` or `%c` is missing before %s", close,
				 scan_found(s).text);
	comma = s->at++;
	scan_skip_space(s);
	if (scan_peek(s) == close)
		return scan_fail(s, comma, "remove the comma", "a comma before `%c`", close);
	return 1;
}

static int scan_object(struct scan *s)
{
	size_t open_at = s->at++;
	autojson json_t *seen = s->on_problem ? json_object() : NULL;
	int more = 1;

	if (s->on_problem && !seen)
		return -ENOMEM;
	scan_skip_space(s);
	if (scan_peek(s) == '}') {
		s->at++;
		return 0;
	}
	while (more > 0) {
		int r;

		if (scan_peek(s) == '/' || scan_peek(s) == '#')
			return scan_no_value(s);
		if (scan_peek(s) != '"')
			return scan_fail(s, s->at, NULL,
					 "a key in double quotes or `}` is missing here, found %s",
					 scan_found(s).text);
		r = scan_member(s, seen);
		if (r)
			return r;
		more = scan_continues(s, open_at, '}');
	}
	return more;
}

static int scan_array(struct scan *s)
{
	size_t open_at = s->at++, mark = s->pointer.len;
	int more = 1;

	scan_skip_space(s);
	if (scan_peek(s) == ']') {
		s->at++;
		return 0;
	}
	for (size_t i = 0; more > 0; i++) {
		char index[24];
		int r;

		snprintf(index, sizeof(index), "%zu", i);
		r = scan_push(s, index);
		if (!r)
			r = scan_value(s, SIZE_MAX);
		s->pointer.len = mark;
		if (r)
			return r;
		more = scan_continues(s, open_at, ']');
	}
	return more;
}

/* Remember the value at hand if it is the nearest yet to the one that is looked for. */
static void scan_compare(struct scan *s, size_t key_at)
{
	size_t n = s->pointer.len;
	bool is_prefix = n <= s->target.n && (!n || !memcmp(s->pointer.data, s->target.p, n)) &&
			 (n == s->target.n || s->target.p[n] == '/');

	if (!is_prefix || n < s->best_bytes)
		return;
	s->best_bytes = n;
	s->best_at = s->part == SCAN_KEY && n == s->target.n && key_at != SIZE_MAX ? key_at : s->at;
}

/* @key_at: where the value's key begins, SIZE_MAX if it has none. */
static int scan_value(struct scan *s, size_t key_at)
{
	int c, r;

	scan_skip_space(s);
	c = scan_peek(s);
	if (s->target.p)
		scan_compare(s, key_at);
	if (c == '"')
		return scan_lexeme_string(s, NULL);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	if (c != '{' && c != '[')
		return scan_word(s);
	if (s->depth == POLICY_DEPTH_MAX)
		return scan_fail(s, s->at, NULL, "nested more than %d deep", POLICY_DEPTH_MAX);
	s->depth++;
	r = c == '{' ? scan_object(s) : scan_array(s);
	s->depth--;
	return r;
}

/* --- the whole text --------------------------------------------------------- */

static int scan_check_encoding(struct scan *s)
{
	if (s->n >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3))
		return scan_fail(s, 0, "save it as UTF-8 without one", "a byte order mark");
	if (text_is_utf8(s->text, s->n))
		return 0;
	for (size_t at = 0, len; at < s->n; at += len) {
		for (len = 1; len <= 4 && at + len <= s->n; len++)
			if (text_is_utf8(s->text + at, len))
				break;
		if (len > 4 || at + len > s->n)
			return scan_fail(s, at, "save it as UTF-8", "byte 0x%02x is not UTF-8",
					 (uint8_t)s->text[at]);
	}
	return 0;
}

static int scan_document(struct scan *s)
{
	int r;

	scan_skip_space(s);
	if (s->at == s->n)
		return scan_fail(s, 0,
				 "the least policy is {\"version\":\"1\",\"default\":\"deny\"}",
				 "there is nothing in it");
	r = scan_value(s, SIZE_MAX);
	if (r)
		return r;
	scan_skip_space(s);
	if (s->at < s->n)
		return scan_fail(s, s->at, "one policy is one JSON object",
				 "%s after the end of the JSON", scan_found(s).text);
	return 0;
}

static void scan_free(struct scan *s)
{
	buf_free(&s->pointer);
	buf_free(&s->key);
}

#define autoscan __attribute__((cleanup(scan_free)))

/* A pointer doubles its keys at worst, and is never longer than twice the text. */
static struct scan scan_begin(const char *text, size_t n)
{
	return (struct scan){
		.text = text,
		.n = n,
		.pointer = BUF_INIT(2 * n + 32 * POLICY_DEPTH_MAX),
		.key = BUF_INIT(n + 1),
	};
}

int scan_check(const char *text, size_t n,
	       void (*on_problem)(void *context, const struct scan_problem *problem), void *context)
{
	autoscan struct scan s = scan_begin(text, n);
	int r;

	s.on_problem = on_problem;
	s.context = context;
	r = scan_check_encoding(&s);
	return r ? r : scan_document(&s);
}

size_t scan_locate(const char *text, size_t n, const char *pointer, enum scan_part part)
{
	autoscan struct scan s = scan_begin(text, n);

	s.target = span_of(pointer);
	s.part = part;
	if (scan_document(&s) && !s.best_bytes)
		return 0;
	return s.best_at;
}

void scan_place(const char *text, size_t n, size_t at, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < n; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((uint8_t)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}
