// SPDX-License-Identifier: Apache-2.0
/*
 * For each path of the arguments: how often it was there, which kinds of values it had, and how
 * far they reached. All of it is kept in jansson's objects, by path.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy_init.h"

#define PATH_BYTES     256
#define DEPTH_MAX      4
#define VALUES_MAX     8  /* different ones that are remembered */
#define HOSTS_MAX      16 /* of URLs */
#define PREDICATES_MAX 32 /* of one tool */
#define LENGTH_LEAST                                                                               \
	64 /* a string's bound: what follows is text, which differs from call to call */
#define REDACTED "[redacted]" /* policy_redact_arguments() */

enum kind { KIND_OTHER = 1, KIND_BOOLEAN = 2, KIND_NUMBER = 4, KIND_STRING = 8, KIND_ARRAY = 16 };

static enum kind kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_TRUE:
	case JSON_FALSE:
		return KIND_BOOLEAN;
	case JSON_INTEGER:
	case JSON_REAL:
		return KIND_NUMBER;
	case JSON_STRING:
		return KIND_STRING;
	case JSON_ARRAY:
		return KIND_ARRAY;
	case JSON_OBJECT:
	case JSON_NULL:
		return KIND_OTHER;
	}
	return KIND_OTHER;
}

/* --- noting -------------------------------------------------------------------------- */

static int raise_to(json_t *range, const char *key, json_int_t value)
{
	json_int_t now = json_integer_value(json_object_get(range, key));

	return value > now ? json_object_set_new(range, key, json_integer(value)) : 0;
}

static int note_number(json_t *range, const json_t *value)
{
	json_t *least = json_object_get(range, "least"), *most = json_object_get(range, "most");
	int r = 0;

	if (!least || json_number_value(value) < json_number_value(least))
		r |= json_object_set(range, "least", (json_t *)(uintptr_t)value);
	if (!most || json_number_value(value) > json_number_value(most))
		r |= json_object_set(range, "most", (json_t *)(uintptr_t)value);
	return r;
}

/* The host of a URL without a user, lower case; false if it is no such URL. */
static bool url_host(const char *text, char ret[PATH_BYTES])
{
	size_t n = !strncasecmp(text, "https://", 8) ? 8 : 0, length;

	if (!n || strpbrk(text, "@\\ "))
		return false;
	length = strcspn(text + n, ":/?#");
	if (!length || length >= PATH_BYTES || text[n] == '[')
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[n + i];

		ret[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	ret[length] = '\0';
	return true;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int note_string(json_t *range, const json_t *value)
{
	const char *text = json_string_value(value);
	char host[PATH_BYTES];
	int r;

	if (!strcmp(text, REDACTED))
		return json_object_set_new(range, "redacted", json_true());
	r = raise_to(range, "length", (json_int_t)characters(text));
	if (!url_host(text, host))
		return r | json_object_set_new(range, "no_url", json_true());
	if (!json_object_get(range, "hosts"))
		r |= json_object_set_new(range, "hosts", json_object());
	return r | json_object_set_new(json_object_get(range, "hosts"), host, json_null());
}

static int note_distinct(json_t *range, const json_t *value)
{
	json_t *values = json_object_get(range, "values");
	const json_t *known;
	size_t i;

	if (!values) {
		values = json_array();
		if (json_object_set_new(range, "values", values))
			return -1;
	}
	json_array_foreach (values, i, known)
		if (json_equal(known, value))
			return 0;
	/* One more than are of use tells that there are too many. */
	return json_array_size(values) <= VALUES_MAX
		       ? json_array_append(values, (json_t *)(uintptr_t)value)
		       : 0;
}

static int note_value(json_t *ranges, const char *path, const json_t *value)
{
	json_t *range = json_object_get(ranges, path);
	enum kind kind = kind_of(value);
	int r = 0;

	if (!range) {
		range = json_object();
		if (json_object_set_new(ranges, path, range))
			return -ENOMEM;
	}
	r |= json_object_set_new(
		range, "kinds",
		json_integer(json_integer_value(json_object_get(range, "kinds")) | kind));
	r |= json_object_set_new(range, "n",
				 json_integer(json_integer_value(json_object_get(range, "n")) + 1));
	if (kind == KIND_NUMBER)
		r |= note_number(range, value);
	if (kind == KIND_STRING)
		r |= note_string(range, value);
	if (kind == KIND_ARRAY)
		r |= raise_to(range, "length", (json_int_t)json_array_size(value));
	if (kind == KIND_STRING || kind == KIND_BOOLEAN)
		r |= note_distinct(range, value);
	return r ? -ENOMEM : 0;
}

static bool is_plain_key(const char *key)
{
	return *key && !key[strcspn(key, ".[]*")];
}

static int note_below(json_t *ranges, const char *path, const json_t *value, unsigned depth)
{
	char below[PATH_BYTES];
	const json_t *member;
	const char *key;
	size_t i;
	int r = 0;

	if (depth == DEPTH_MAX)
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
		if (!is_plain_key(key) ||
		    (size_t)snprintf(below, sizeof(below), "%s.%s", path, key) >= sizeof(below))
			continue;
		r |= note_value(ranges, below, member);
		r |= note_below(ranges, below, member, depth + 1);
	}
	json_array_foreach (value, i, member) {
		if ((size_t)snprintf(below, sizeof(below), "%s[*]", path) >= sizeof(below))
			break;
		r |= note_value(ranges, below, member);
		r |= note_below(ranges, below, member, depth + 1);
	}
	return r ? -ENOMEM : 0;
}

int init_ranges_note(json_t *ranges, const json_t *arguments)
{
	return note_below(ranges, "args", arguments, 0);
}

/* --- predicates ------------------------------------------------------------------------- */

static int add(json_t *list, const char *path, const char *op, json_t *value, bool optional)
{
	json_t *predicate = json_pack("{s:s, s:s, s:o}", "path", path, "op", op, "value", value);

	if (predicate && optional)
		json_object_set_new(predicate, "optional", json_true());
	return json_array_append_new(list, predicate);
}

/* An `enum` in the schema of a first-level argument: its values are few, whatever was seen. */
static bool has_enum(const json_t *definition, const char *path)
{
	const json_t *properties =
		json_object_get(json_object_get(definition, "inputSchema"), "properties");

	return json_is_array(
		json_object_get(json_object_get(properties, path + strlen("args.")), "enum"));
}

/* A name such as `sessionId`: its value is given by the server, another in each call. */
static bool names_an_id(const char *path)
{
	size_t n = strlen(path);

	return (n > 2 && (!strcmp(path + n - 2, "Id") || !strcmp(path + n - 2, "ID"))) ||
	       (n > 3 && (!strcmp(path + n - 3, "_id") || !strcmp(path + n - 3, ".id"))) ||
	       (n > 5 && !strcasecmp(path + n - 5, "token"));
}

static json_t *host_list(const json_t *hosts)
{
	json_t *list = json_array();
	const json_t *value;
	const char *host;

	json_object_foreach ((json_t *)(uintptr_t)hosts, host, value)
		json_array_append_new(list, json_string(host));
	return list;
}

static json_int_t roomy(json_int_t length)
{
	json_int_t bound = LENGTH_LEAST;

	while (bound < 2 * length)
		bound *= 2;
	return bound;
}

static int require_string(json_t *list, const char *path, const json_t *range, bool optional,
			  const json_t *definition)
{
	const json_t *values = json_object_get(range, "values"),
		     *hosts = json_object_get(range, "hosts");
	size_t distinct = json_array_size(values);
	json_int_t n = json_integer_value(json_object_get(range, "n"));
	bool is_few = distinct && distinct <= VALUES_MAX && (json_int_t)distinct * 3 <= n;

	if (hosts && !json_object_get(range, "no_url") && json_object_size(hosts) <= HOSTS_MAX)
		return add(
			list, path, "url",
			json_pack("{s:[s], s:o}", "scheme", "https", "host_in", host_list(hosts)),
			optional);
	if (names_an_id(path))
		return 0;
	if (distinct <= VALUES_MAX && (is_few || has_enum(definition, path)))
		return add(list, path, "in", json_deep_copy(values), optional);
	return add(list, path, "len_lte",
		   json_integer(roomy(json_integer_value(json_object_get(range, "length")))),
		   optional);
}

static int require_range(json_t *list, const char *path, const json_t *range, size_t calls,
			 const json_t *definition)
{
	json_int_t kinds = json_integer_value(json_object_get(range, "kinds"));
	const json_t *values = json_object_get(range, "values");
	bool optional = strchr(path, '[') ||
			(size_t)json_integer_value(json_object_get(range, "n")) < calls;

	switch (kinds) {
	case KIND_BOOLEAN:
		/* Both were seen: nothing to require. */
		return json_array_size(values) == 1
			       ? add(list, path, "eq", json_incref(json_array_get(values, 0)),
				     optional)
			       : 0;
	case KIND_NUMBER:
		return add(list, path, "gte", json_incref(json_object_get(range, "least")),
			   optional) |
		       add(list, path, "lte", json_incref(json_object_get(range, "most")),
			   optional);
	case KIND_ARRAY:
		return add(list, path, "len_lte", json_incref(json_object_get(range, "length")),
			   optional);
	case KIND_STRING:
		return require_string(list, path, range, optional, definition);
	}
	/* Of several kinds, an object or null: nothing that holds for all of them. */
	return 0;
}

json_t *init_ranges_require(const json_t *ranges, size_t calls, const json_t *definition,
			    json_t *redact)
{
	autojson json_t *list = json_array();
	const json_t *range;
	const char *path;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)ranges, path, range) {
		if (json_object_get(range, "redacted"))
			r |= json_array_append_new(redact, json_string(path));
		else if (json_array_size(list) + 2 <= PREDICATES_MAX)
			r |= require_range(list, path, range, calls, definition);
	}
	return r ? NULL : ptr_take(&list);
}
