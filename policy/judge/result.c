// SPDX-License-Identifier: Apache-2.0
/*
 * Values told apart, and found again in what a tool returned.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/crypto.h"
#include "policy/decimal.h"
#include "policy/explain.h"
#include "policy/json/json_auto.h"
#include "policy/judge/values.h"

#define TEXT_MAX (16u << 20) /* of values in their one spelling */

/* --- digests ---------------------------------------------------------------- */

static int append_value(struct buf *b, const json_t *value);

/* Its length first, so that no two rows of strings spell the same bytes. */
static int append_string(struct buf *b, const char *p, size_t n)
{
	char length[32];
	int head = snprintf(length, sizeof(length), "s%zu:", n);
	int r = buf_append(b, length, (size_t)head);

	return r ? r : buf_append(b, p, n);
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int append_object(struct buf *b, const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value), i = 0;
	autofree const char **keys = calloc(n ? n : 1, sizeof(*keys));
	int r = keys ? buf_append(b, "{", 1) : -ENOMEM;

	for (void *at = keys ? json_object_iter(object) : NULL; at;
	     at = json_object_iter_next(object, at))
		keys[i++] = json_object_iter_key(at);
	if (n)
		qsort(keys, keys ? n : 0, sizeof(*keys), compare_keys);
	for (i = 0; !r && i < n; i++) {
		r = append_string(b, keys[i], strlen(keys[i]));
		if (!r)
			r = append_value(b, json_object_get(value, keys[i]));
	}
	return r ? r : buf_append(b, "}", 1);
}

static int append_array(struct buf *b, const json_t *value)
{
	int r = buf_append(b, "[", 1);

	for (size_t i = 0; !r && i < json_array_size(value); i++)
		r = append_value(b, json_array_get(value, i));
	return r ? r : buf_append(b, "]", 1);
}

static int append_value(struct buf *b, const json_t *value)
{
	char number[DECIMAL_TEXT_MAX + 1] = "n";
	struct decimal d;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(b, value);
	case JSON_ARRAY:
		return append_array(b, value);
	case JSON_STRING:
		return append_string(b, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		d = decimal_of(value);
		decimal_format(&d, number + 1);
		return buf_append(b, number, strlen(number) + 1);
	case JSON_TRUE:
		return buf_append(b, "t", 1);
	case JSON_FALSE:
		return buf_append(b, "f", 1);
	case JSON_NULL:
		break;
	}
	return buf_append(b, "0", 1);
}

int policy_values_digest(const json_t *const *values, size_t n, uint8_t ret[32])
{
	autobuf struct buf text = BUF_INIT(TEXT_MAX);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = append_value(&text, values[i]);
	if (r)
		return -ENOMEM;
	crypto_sha256(text.data, text.len, ret);
	return 0;
}

/* --- what a result returned ------------------------------------------------- */

static bool holds_string(const json_t *value, struct span string)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	struct span text = value_text(value);

	if (json_is_string(value))
		return text.n == string.n && !memcmp(text.p, string.p, text.n);
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		if (holds_string(json_object_iter_value(i), string))
			return true;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (holds_string(json_array_get(value, i), string))
			return true;
	return false;
}

/* What stands around words in prose and in lists of names and values. */
static bool is_between_words(char c)
{
	return (unsigned char)c <= 0x20 || strchr("\"'`()[]{}<>,;=|", c);
}

static bool holds_word(struct span text, struct span word)
{
	for (size_t i = 0, n; i < text.n; i += n + 1) {
		size_t kept;

		for (n = 0; i + n < text.n && !is_between_words(text.p[i + n]);)
			n++;
		/* A sentence's end is no part of its last word, unless it is of the one sought. */
		for (kept = n; kept > word.n && strchr(".:!?", text.p[i + kept - 1]);)
			kept--;
		if (kept == word.n && !memcmp(text.p + i, word.p, word.n))
			return true;
	}
	return false;
}

static bool text_yields(const json_t *content, struct span string)
{
	const char *type = json_string_value(json_object_get(content, "type"));
	struct span text = value_text(json_object_get(content, "text"));
	autojson json_t *within = NULL;

	if (!type || strcmp(type, "text") || !text.n)
		return false;
	within = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	return within ? holds_string(within, string) : holds_word(text, string);
}

bool policy_result_yields(const json_t *result, const char *string, size_t n)
{
	const json_t *structured = json_object_get(result, "structuredContent");
	const json_t *content = json_object_get(result, "content");
	struct span sought = {string, n};

	if (!n)
		return false;
	if (structured && holds_string(structured, sought))
		return true;
	for (size_t i = 0; i < json_array_size(content); i++)
		if (text_yields(json_array_get(content, i), sought))
			return true;
	return false;
}
