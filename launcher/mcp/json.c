// SPDX-License-Identifier: Apache-2.0
/*
 * Strict parsing in three steps, each of which only sees what the one before let through:
 *   1. the bytes: length, byte order mark, UTF-8, no NUL. jansson (2.14) skips a NUL behind
 *      a number or literal, and so would read [1<NUL>,2];
 *   2. a lexical scan for what jansson would accept but changes or does not bound: the
 *      decimal value of numbers, depth, the number of values. It does not check grammar;
 *   3. jansson, with exact duplicate keys refused, which checks the grammar.
 * The scan may misread only text that jansson refuses anyway: outside of strings it looks
 * at single bytes that mean the same wherever grammar allows them.
 */
#include "mcp/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "mcp/number.h"

/*
 * A tree costs up to some 75 bytes for each value, an object about as much as four: this
 * bounds a hostile text's at 40 MB and lets 4 MiB of ordinary JSON through.
 */
#define VALUES_MAX    524288
#define OBJECT_WEIGHT 4

#define KEYS_ON_STACK 64 /* of an object whose keys are compared; more need memory */

const struct mcp_json_limits mcp_request_limits = {
	.bytes = 4 * 1024 * 1024,
	.depth = 64,
	.values = VALUES_MAX,
	.allow_nul = false,
};

const struct mcp_json_limits mcp_response_limits = {
	.bytes = 4 * 1024 * 1024,
	.depth = 64,
	.values = VALUES_MAX,
	.allow_nul = true,
};

static int fault(struct error *err, int r, size_t at, const char *what)
{
	char where[32];

	snprintf(where, sizeof(where), "byte %zu", at);
	error_set(err, where, NULL, "%s", what);
	return r;
}

/* Length of the string whose quotation mark is at @p, both marks included; 0: it does not end. */
static size_t string_length(const char *p, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == '"')
			return i + 1;
	}
	return 0;
}

static size_t number_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] && strchr("+-.0123456789eE", p[i]))
		i++;
	return i;
}

struct scan {
	const struct mcp_json_limits *limits;
	size_t depth;
	size_t values;
};

/*
 * Account for one byte of structure: before each key or value stands one of { [ , and :
 * so counting those bounds the values. Return: what is wrong with it, or NULL
 */
static const char *scan_structure(struct scan *s, char c)
{
	if ((c == '}' || c == ']') && s->depth)
		s->depth--;
	if (c == '{' || c == '[')
		s->depth++;
	else if (c != ',' && c != ':')
		return NULL;
	s->values += c == '{' ? OBJECT_WEIGHT : 1;
	if (s->depth > s->limits->depth)
		return "arrays and objects are nested too deeply";
	if (s->values > s->limits->values)
		return "it has too many values";
	return NULL;
}

static int scan_text(struct span text, const struct mcp_json_limits *limits, struct error *err)
{
	struct scan s = {.limits = limits};
	size_t len;

	for (size_t i = 0; i < text.n; i += len) {
		const char *p = text.p + i, *wrong;

		len = 1;
		if (*p == '"') {
			len = string_length(p, text.n - i);
			if (!len)
				return fault(err, -EBADMSG, i, "a string does not end");
		} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
			len = number_length(p, text.n - i);
			if (!mcp_number_survives(span_bytes(p, len)))
				return fault(
					err, -EBADMSG, i,
					"a number could not be passed on with its exact value");
		} else {
			wrong = scan_structure(&s, *p);
			if (wrong)
				return fault(err, -EMSGSIZE, i, wrong);
		}
	}
	return 0;
}

static int jansson_fault(const json_error_t *e, struct error *err)
{
	static const struct {
		enum json_error_code code;
		int r;
		const char *what;
	} faults[] = {
		{json_error_out_of_memory, -ENOMEM, "out of memory"},
		{json_error_duplicate_key, -EBADMSG, "an object has the same key twice"},
		{json_error_null_character, -EBADMSG, "a string holds a NUL character"},
		{json_error_null_byte_in_key, -EBADMSG, "a key holds a NUL character"},
		{json_error_premature_end_of_input, -EBADMSG, "the JSON text ends too early"},
		{json_error_end_of_input_expected, -EBADMSG,
		 "there is something after the JSON text"},
	};
	size_t at = e->position > 0 ? (size_t)e->position : 0;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (faults[i].code == json_error_code(e))
			return fault(err, faults[i].r, at, faults[i].what);
	return fault(err, -EBADMSG, at, "it is not valid JSON");
}

int mcp_json_parse(struct span text, const struct mcp_json_limits *limits, json_t **ret,
		   struct error *err)
{
	size_t flags = JSON_REJECT_DUPLICATES | (limits->allow_nul ? JSON_ALLOW_NUL : 0);
	json_error_t e;
	json_t *root;
	int r;

	if (text.n > limits->bytes)
		return fault(err, -EMSGSIZE, limits->bytes, "it is too long");
	if (text.n >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3))
		return fault(err, -EBADMSG, 0, "it begins with a byte order mark");
	if (!text_is_utf8(text.p, text.n))
		return fault(err, -EBADMSG, 0, "it is not UTF-8");
	if (text.n && memchr(text.p, '\0', text.n))
		return fault(err, -EBADMSG, 0, "it holds a NUL byte");
	r = scan_text(text, limits, err);
	if (r)
		return r;
	root = json_loadb(text.n ? text.p : "", text.n, flags, &e);
	if (!root)
		return jansson_fault(&e, err);
	*ret = root;
	return 0;
}

bool mcp_json_is_text(const json_t *value, const char *text)
{
	struct span s = span_bytes(json_string_value(value), json_string_length(value));

	/* By length, because a string of the server's may hold a NUL. */
	return json_is_string(value) && span_equals(s, text);
}

/* --- keys that differ in case only ------------------------------------------ */

/*
 * The next character of a key, folded. Only U+017F (c5 bf) and U+212A (e2 84 aa) fold to
 * ASCII letters (Unicode CaseFolding.txt, C and S). Letters beyond ASCII are not folded.
 */
static char fold_next(const char **p)
{
	char c = **p;

	if ((unsigned char)c >= 0x80 && !strncmp(*p, "\xc5\xbf", 2)) {
		*p += 2;
		return 's';
	}
	if ((unsigned char)c >= 0x80 && !strncmp(*p, "\xe2\x84\xaa", 3)) {
		*p += 3;
		return 'k';
	}
	++*p;
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_folded(const void *a, const void *b)
{
	const char *p = *(const char *const *)a, *q = *(const char *const *)b;
	char c, d;

	do {
		if (!*p || !*q)
			return (*p != '\0') - (*q != '\0');
		c = fold_next(&p);
		d = fold_next(&q);
	} while (c == d);
	return c < d ? -1 : 1;
}

/* Sorted, because the arguments of a call may be an object of a hundred thousand members. */
static bool sort_finds_no_pair(json_t *object, const char **keys)
{
	size_t n = 0;

	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
		keys[n++] = json_object_iter_key(it);
	qsort(keys, n, sizeof(*keys), compare_folded);
	for (size_t i = 1; i < n; i++)
		if (!compare_folded(&keys[i - 1], &keys[i]))
			return false;
	return true;
}

bool mcp_json_keys_are_distinct(const json_t *object)
{
	/* The iterators change nothing, but take an object that is not const. */
	json_t *o = (json_t *)(uintptr_t)object;
	const char *few[KEYS_ON_STACK] = {NULL}, **many;
	bool distinct;

	if (json_object_size(o) <= KEYS_ON_STACK)
		return sort_finds_no_pair(o, few);
	many = calloc(json_object_size(o), sizeof(*many));
	if (!many)
		return false;
	distinct = sort_finds_no_pair(o, many);
	free(many);
	return distinct;
}

bool mcp_json_all_keys_are_distinct(const json_t *value)
{
	json_t *v = (json_t *)(uintptr_t)value, *child;
	const char *key;
	size_t i;

	if (json_is_object(v) && !mcp_json_keys_are_distinct(v))
		return false;
	json_object_foreach (v, key, child)
		if (!mcp_json_all_keys_are_distinct(child))
			return false;
	json_array_foreach (v, i, child)
		if (!mcp_json_all_keys_are_distinct(child))
			return false;
	return true;
}
