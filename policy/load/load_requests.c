// SPDX-License-Identifier: Apache-2.0
/*
 * What an entry of `egress` says about the heads of requests. Patterns and values are kept in
 * the form that requests have when they are judged, so that what could never match is refused.
 */
#include "policy/load/load_requests.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/glob.h"
#include "policy/load/load_names.h"

#define METHOD_MAX  32   /* bytes of a method */
#define FIELD_MAX   64   /* bytes of a field's name */
#define VALUE_MAX   1024 /* bytes of a field's value */
#define HEADERS_MAX 32   /* fields of an entry */

_Static_assert(POLICY_PATTERN_MAX <= GLOB_MAX, "every pattern that loads can match");

/* --- methods and paths ------------------------------------------------------ */

/* An empty list would match nothing; people mean any by it. */
static void load_choices(struct load *l, const json_t *value, const char *write, load_reader read,
			 struct policy_names *list)
{
	if (json_is_array(value) && !json_array_size(value))
		load_error(l, "leave the key out for any", "the list is empty");
	else
		load_names(l, value, write, read, list);
}

static const char *load_method(struct load *l, const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	if (!strcmp(text, "*"))
		load_error(l, "leave `methods` out for any", "`*` is no method");
	else if (!strcasecmp(text, "CONNECT"))
		load_error(l, NULL, "CONNECT is for proxies, no request to the host");
	else if (!n || n > METHOD_MAX || text[n])
		load_error(l, "GET, POST, … in upper case", "`%.60s` is no method", text);
	else
		return load_keep(l, text);
	return NULL;
}

void load_methods(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;

	load_choices(l, value, "[\"GET\",\"POST\"]", load_method, &entry->methods);
}

/* Bytes that the normal form of a path has as they are (RFC 3986 §3.3). */
static const char path_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "-._~!$&'()*+,;=:@/%";

static bool is_unreserved(int c)
{
	return isalnum(c) || (c && strchr("-._~", c));
}

/* Escapes as the proxy has them in a path: none of unreserved characters, upper-case digits. */
static const char *escapes_normalise(char *path)
{
	for (char *p = path; (p = strchr(p, '%')); p += 3) {
		unsigned code;

		if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
			return "a `%` without two hexadecimal digits";
		p[1] = (char)toupper((unsigned char)p[1]);
		p[2] = (char)toupper((unsigned char)p[2]);
		sscanf(p + 1, "%2x", &code);
		if (is_unreserved((int)code))
			return "an escape of a character that needs none";
		if (code < 0x20 || code == 0x7f || code == '%' || code == '\\')
			return "an escape that no request may have";
	}
	return NULL;
}

static const char *pattern_normalise(char *pattern)
{
	static const struct {
		const char *piece, *what;
	} unsound[] = {
		{"?", "a query or a `?`; only paths are matched"},
		{"***", "more than two `*` in a row"},
		{"//", "an empty segment, which no request may have"},
		{"/./", "a `.` segment, which no request may have"},
		{"/../", "a `..` segment, which no request may have"},
	};
	size_t n = strlen(pattern);
	char padded[POLICY_PATTERN_MAX + 2];

	if (pattern[0] != '/' && strncmp(pattern, "**", 2))
		return "a path begins with `/`";
	/* With a slash behind it, a dot segment at the end looks like one in the middle. */
	snprintf(padded, sizeof(padded), "%s%s", pattern, pattern[n - 1] == '.' ? "/" : "");
	for (size_t i = 0; i < ARRAY_SIZE(unsound); i++)
		if (strstr(padded, unsound[i].piece))
			return unsound[i].what;
	if (strspn(pattern, path_bytes) != n)
		return "a character that no path has; write it as an escape, %XX";
	return escapes_normalise(pattern);
}

static const char *load_pattern(struct load *l, const char *text)
{
	char pattern[POLICY_PATTERN_MAX + 1];
	const char *what = "the path is empty";

	if (!span_copy(span_of(text), pattern, sizeof(pattern)))
		what = "a pattern has at most 512 bytes";
	else if (text[0])
		what = pattern_normalise(pattern);
	if (!what)
		return load_keep(l, pattern);
	load_error(l, "/v1/messages, /v1/*, /repos/**", "`%.60s`: %s", text, what);
	return NULL;
}

void load_paths(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;

	load_choices(l, value, "[\"/v1/messages\"]", load_pattern, &entry->paths);
}

/* --- headers ---------------------------------------------------------------- */

static const char *load_field_value(struct load *l, const char *text)
{
	size_t n = strlen(text);
	bool is_sound = n <= VALUE_MAX;

	for (size_t i = 0; i < n; i++)
		is_sound = is_sound && (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
	if (is_sound && (!n || (text[0] != ' ' && text[n - 1] != ' ')))
		return load_keep(l, text);
	load_error(l, "leave blanks around it out", "no field has this value");
	return NULL;
}

/* A token (RFC 9110 §5.6.2), in lower case; not one of those that the proxy writes itself. */
static const char *load_field_name(struct load *l, const char *text)
{
	static const char *const own[] = {"host",    "connection",        "content-length",
					  "upgrade", "transfer-encoding", "expect",
					  "te",      "keep-alive",        "trailer"};
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
	char name[FIELD_MAX + 1];

	if (!text[0] || !span_copy(span_of(text), name, sizeof(name))) {
		load_error_key(l, NULL, "a field's name has 1 to %d bytes", FIELD_MAX);
		return NULL;
	}
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (name[strspn(name, bytes)]) {
		load_error_key(l, NULL, "`%.60s` is no name of a field", text);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (!strcmp(name, own[i])) {
			load_error_key(l, NULL, "mcpjail writes this field itself");
			return NULL;
		}
	}
	return load_keep(l, name);
}

static void load_field_values(struct load *l, const json_t *list, struct egress_header *header)
{
	size_t n = json_array_size(list);
	const char **values = NULL;

	if (!n || n > POLICY_NAMES_MAX)
		load_error(l, "null: the field must be absent", "%zu values; 1 to %d", n,
			   POLICY_NAMES_MAX);
	else
		values = load_reserve(l, NULL, 0, n, sizeof(*values));
	header->values.items = values;
	for (size_t i = 0; values && i < n; i++) {
		const json_t *value = json_array_get(list, i);
		size_t mark = load_enter_index(l, i);
		const char *text;

		if (json_is_null(value))
			header->may_be_absent = true;
		else if (load_string(l, value, &text))
			values[header->values.n++] = load_field_value(l, text);
		load_leave(l, mark);
	}
}

/* "value", ["value", …], or null: absent; in a list, null lets the field be absent too. */
static void load_field(struct load *l, const json_t *value, struct egress_header *header)
{
	const char **one;

	if (json_is_null(value)) {
		header->may_be_absent = true;
	} else if (json_is_string(value)) {
		one = load_reserve(l, NULL, 0, 1, sizeof(*one));
		if (one)
			one[0] = load_field_value(l, json_string_value(value));
		header->values = (struct policy_names){.items = one, .n = one != NULL};
	} else if (load_is_array(l, value, "\"value\", [\"value\",\"other\"] or null")) {
		load_field_values(l, value, header);
	}
}

static bool header_is_met(const struct policy_egress *entry, const char *name)
{
	for (size_t i = 0; i < entry->n_headers; i++)
		if (!strcmp(entry->headers[i].name, name))
			return true;
	return false;
}

void load_headers(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);

	if (!load_is_object(l, value, "{\"x-name\":\"value\"}"))
		return;
	if (n > HEADERS_MAX) {
		load_error(l, NULL, "%zu fields; at most %d", n, HEADERS_MAX);
		return;
	}
	entry->headers = load_reserve(l, NULL, 0, n, sizeof(*entry->headers));
	for (void *i = entry->headers ? json_object_iter(object) : NULL; i;
	     i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));
		const char *name = load_field_name(l, json_object_iter_key(i));

		if (name && header_is_met(entry, name)) {
			load_error_key(l, "give one a list of values", "the field is there twice");
		} else if (name) {
			entry->headers[entry->n_headers].name = name;
			load_field(l, json_object_iter_value(i),
				   &entry->headers[entry->n_headers++]);
		}
		load_leave(l, mark);
	}
}
