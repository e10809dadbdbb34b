// SPDX-License-Identifier: Apache-2.0
#include "proxy/egress_path.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "proxy/http1_internal.h"

static bool is_escape(const char *p, size_t n)
{
	return n >= 3 && p[0] == '%' && http1_is(p[1], HTTP1_C_HEX) && http1_is(p[2], HTTP1_C_HEX);
}

static char escape_value(const char *p)
{
	return (char)(http1_hex_value(p[1]) << 4 | http1_hex_value(p[2]));
}

static void put_escape(char c, char *ret, size_t *at)
{
	static const char digits[] = "0123456789ABCDEF";

	ret[(*at)++] = '%';
	ret[(*at)++] = digits[(uint8_t)c >> 4];
	ret[(*at)++] = digits[(uint8_t)c & 15];
}

/* RFC 3986 §6.2.2, and characters that some clients leave as they are. */
static int canonicalise(struct span path, char *ret)
{
	size_t at = 0;

	for (size_t i = 0; i < path.n; i++) {
		const char *p = path.p + i;
		char c = *p;

		if (at + 3 > HTTP1_PATH_MAX)
			return -EINVAL;
		if (c == '%' && !is_escape(p, path.n - i))
			return -EINVAL;
		if (c == '%') {
			c = escape_value(p);
			i += 2;
			if (http1_is(c, HTTP1_C_PLAIN))
				ret[at++] = c;
			else
				put_escape(c, ret, &at);
		} else if (http1_is(c, HTTP1_C_PATH)) {
			ret[at++] = c;
		} else if (http1_is(c, HTTP1_C_TARGET) && c != '\\' && c != '?') {
			put_escape(c, ret, &at);
		} else {
			return -EINVAL;
		}
	}
	ret[at] = '\0';
	return 0;
}

/* In place: it only shrinks. Return: whether there was an escape */
static bool decode_once(char *path, size_t *n)
{
	size_t at = 0;
	bool found = false;

	for (size_t i = 0; i < *n; i++) {
		bool escaped = is_escape(path + i, *n - i);

		path[at++] = escaped ? escape_value(path + i) : path[i];
		i += escaped ? 2 : 0;
		found = found || escaped;
	}
	*n = at;
	path[at] = '\0';
	return found;
}

static bool is_harmless(const char *path, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)path[i] < 0x20 || path[i] == 0x7f || path[i] == '\\')
			return false;
	return text_is_utf8(path, n);
}

/* A layer at a time, each looked at: what is no escape any more may have been one before. */
static int decode(char *path)
{
	size_t n = strlen(path);

	for (int depth = 0; decode_once(path, &n); depth++)
		if (depth == EGRESS_ESCAPES_MAX || !is_harmless(path, n))
			return -EINVAL;
	return 0;
}

static void join_slashes(char *path)
{
	size_t at = 0;

	for (size_t i = 0; path[i]; i++)
		if (path[i] != '/' || !at || path[at - 1] != '/')
			path[at++] = path[i];
	path[at] = '\0';
}

static void cut_parameters(char *path)
{
	bool skips = false;
	size_t at = 0;

	path[strcspn(path, "?#")] = '\0';
	for (size_t i = 0; path[i]; i++) {
		skips = path[i] == ';' || (skips && path[i] != '/');
		if (!skips)
			path[at++] = path[i];
	}
	path[at] = '\0';
}

/* Whatever a server cuts a segment at, with or without cutting the path at '?' and '#' before. */
static bool has_dot_segment(const char *path)
{
	for (const char *p = path; *p; p++) {
		size_t n;

		if (*p != '/')
			continue;
		n = strcspn(p + 1, "/;?#");
		if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return true;
	}
	return false;
}

/* The last reading again, to be changed; keep_if_new() says whether it was. */
static char *read_again(struct egress_path *path)
{
	return strcpy(path->readings[path->n], path->readings[path->n - 1]);
}

static void keep_if_new(struct egress_path *path)
{
	if (strcmp(path->readings[path->n], path->readings[path->n - 1]) != 0)
		path->n++;
}

int egress_path_read(struct span path, struct egress_path *ret)
{
	if (!path.n || path.p[0] != '/' || canonicalise(path, ret->readings[0]))
		return -EINVAL;
	ret->n = 1;
	if (decode(read_again(ret)))
		return -EINVAL;
	keep_if_new(ret);
	join_slashes(read_again(ret));
	keep_if_new(ret);
	cut_parameters(read_again(ret));
	keep_if_new(ret);
	for (size_t i = 0; i < ret->n; i++)
		if (has_dot_segment(ret->readings[i]))
			return -EINVAL;
	return 0;
}
