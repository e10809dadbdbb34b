// SPDX-License-Identifier: Apache-2.0
/*
 * A writer of our own beside jansson's, for three things that jansson's can not do: reals
 * with the fewest digits, escapes for what line-oriented readers (Python's splitlines() in
 * SSE clients) break at, and output into a bounded buffer.
 */
#include "mcp/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/number.h"

/* Far above what parsing admits; holds for trees that were built in the program as well. */
#define WRITE_DEPTH_MAX 256

/*
 * Length of the character at @p if it has to be escaped, else 0. The strings of a json_t
 * are well-formed UTF-8, so the lead byte and what follows can be compared as they are.
 */
static size_t escape_length(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;

	if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
		return 1;
	if (c == 0xc2 && n >= 2 && p[1] == '\x85')
		return 2;
	if (c == 0xe2 && n >= 3 && p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9'))
		return 3;
	return 0;
}

static int append_escape(struct buf *b, const char *p, size_t len)
{
	if (len == 2)
		return buf_puts(b, "\\u0085");
	if (len == 3)
		return buf_puts(b, p[2] == '\xa8' ? "\\u2028" : "\\u2029");
	if (*p == '"' || *p == '\\')
		return buf_append(b, (const char[]){'\\', *p}, 2);
	if (*p == '\n')
		return buf_puts(b, "\\n");
	if (*p == '\t')
		return buf_puts(b, "\\t");
	return buf_printf(b, "\\u%04x", (unsigned)*p);
}

static int append_string(struct buf *b, const char *p, size_t n)
{
	int r = buf_append(b, "\"", 1);

	for (size_t i = 0, run; !r && i < n; i = run) {
		size_t escaped = 0;

		for (run = i; run < n; run++) {
			escaped = escape_length(p + run, n - run);
			if (escaped)
				break;
		}
		r = buf_append(b, p + i, run - i);
		if (!r && escaped) {
			r = append_escape(b, p + run, escaped);
			run += escaped;
		}
	}
	return r ? r : buf_append(b, "\"", 1);
}

static int append_integer(struct buf *b, json_int_t value)
{
	char text[MCP_NUMBER_TEXT_MAX];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value);
	return buf_puts(b, text);
}

static int append_real(struct buf *b, double value)
{
	char text[MCP_NUMBER_TEXT_MAX];

	mcp_number_format(value, text);
	return buf_puts(b, text);
}

static int append_value(struct buf *b, const json_t *value, enum mcp_json_order order,
			unsigned depth);

static int append_array(struct buf *b, const json_t *array, enum mcp_json_order order,
			unsigned depth)
{
	int r = buf_append(b, "[", 1);

	for (size_t i = 0; !r && i < json_array_size(array); i++) {
		if (i)
			r = buf_append(b, ",", 1);
		if (!r)
			r = append_value(b, json_array_get(array, i), order, depth);
	}
	return r ? r : buf_append(b, "]", 1);
}

struct member {
	const char *key; /* never holds a NUL: parsing refuses those */
	const json_t *value;
};

static int member_compare(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static size_t list_members(const json_t *object, struct member *ret)
{
	/* The iterators change nothing, but take an object that is not const. */
	json_t *o = (json_t *)(uintptr_t)object;
	size_t n = 0;

	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
		ret[n++] = (struct member){json_object_iter_key(it), json_object_iter_value(it)};
	return n;
}

static int append_object(struct buf *b, const json_t *object, enum mcp_json_order order,
			 unsigned depth)
{
	autofree struct member *members = calloc(json_object_size(object) + 1, sizeof(*members));
	int r = buf_append(b, "{", 1);
	size_t n;

	if (!members)
		return -ENOMEM;
	n = list_members(object, members);
	if (order == MCP_JSON_SORTED)
		qsort(members, n, sizeof(*members), member_compare);
	for (size_t i = 0; !r && i < n; i++) {
		if (i)
			r = buf_append(b, ",", 1);
		if (!r)
			r = append_string(b, members[i].key, strlen(members[i].key));
		if (!r)
			r = buf_append(b, ":", 1);
		if (!r)
			r = append_value(b, members[i].value, order, depth);
	}
	return r ? r : buf_append(b, "}", 1);
}

static int append_value(struct buf *b, const json_t *value, enum mcp_json_order order,
			unsigned depth)
{
	if (depth >= WRITE_DEPTH_MAX)
		return -EMSGSIZE;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(b, value, order, depth + 1);
	case JSON_ARRAY:
		return append_array(b, value, order, depth + 1);
	case JSON_STRING:
		return append_string(b, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return append_integer(b, json_integer_value(value));
	case JSON_REAL:
		return append_real(b, json_real_value(value));
	case JSON_TRUE:
		return buf_puts(b, "true");
	case JSON_FALSE:
		return buf_puts(b, "false");
	case JSON_NULL:
		return buf_puts(b, "null");
	}
	return -EINVAL;
}

int mcp_json_append(struct buf *b, const json_t *value, enum mcp_json_order order)
{
	return append_value(b, value, order, 0);
}
