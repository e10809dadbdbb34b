// SPDX-License-Identifier: Apache-2.0
#include "server_url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "host.h"

#define HTTPS_PORT 443

static const struct complaint *port_parse(struct span text, uint16_t *ret_port)
{
	static const struct complaint bad = {"a port is a number from 1 to 65535",
					     "leave `:PORT` out for 443"};
	char digits[6];
	unsigned long port;

	if (!text.n || !span_copy(text, digits, sizeof(digits)) || digits[0] == '0' ||
	    digits[strspn(digits, "0123456789")])
		return &bad;
	port = strtoul(digits, NULL, 10);
	if (port > UINT16_MAX)
		return &bad;
	*ret_port = (uint16_t)port;
	return NULL;
}

/* HOST[:PORT] (RFC 3986 §3.2). */
static const struct complaint *authority_parse(struct span text, struct server_url *url)
{
	static const struct complaint userinfo = {"a user or password in the URL", "leave it out"};
	static const struct complaint open = {"the `]` of the IPv6 address is missing", NULL};
	static const struct complaint junk = {"only `:PORT` may stand behind the `]`", NULL};
	const struct complaint *wrong;
	const char *end = text.p + text.n, *colon;

	if (text.n && memchr(text.p, '@', text.n))
		return &userinfo;
	if (text.n && text.p[0] == '[') {
		const char *close = memchr(text.p, ']', text.n);

		if (!close)
			return &open;
		colon = close + 1;
		if (colon < end && *colon != ':')
			return &junk;
		wrong = host_parse_ipv6(span_bytes(text.p + 1, (size_t)(close - text.p - 1)),
					url->host);
	} else {
		colon = text.n ? memchr(text.p, ':', text.n) : NULL;
		if (!colon)
			colon = end;
		wrong = host_parse(span_bytes(text.p, (size_t)(colon - text.p)), url->host);
	}
	url->port = HTTPS_PORT;
	if (wrong || colon == end)
		return wrong;
	return port_parse(span_bytes(colon + 1, (size_t)(end - colon - 1)), &url->port);
}

/*
 * The proxy compares paths after it has normalised the request's, so a path that is not
 * in its normal form could never match.
 */
static const struct complaint *path_parse_exact(struct span text, char *ret_path)
{
	static const struct {
		const char *piece;
		struct complaint complaint;
	} refused[] = {
		{"%", {"percent-encoding in the path is not supported by this version yet", NULL}},
		{"\\", {"a reverse solidus in the path", "write `/`"}},
		{"//", {"an empty segment in the path", "write one `/`"}},
		{"/./", {"a `.` segment in the path", "leave it out"}},
		{"/../", {"a `..` segment in the path", "write the path it leads to"}},
		{"[", {"a bracket in the path", NULL}},
		{"]", {"a bracket in the path", NULL}},
	};
	static const struct complaint long_path = {"a path has at most 1024 characters", NULL};
	char padded[SERVER_PATH_MAX + 2];

	if (!span_copy(text.n ? text : span_of("/"), ret_path, SERVER_PATH_MAX + 1))
		return &long_path;
	/* With a slash behind it, a dot segment at the end looks like one in the middle. */
	snprintf(padded, sizeof(padded), "%s%s", ret_path,
		 ret_path[strlen(ret_path) - 1] == '.' ? "/" : "");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strstr(padded, refused[i].piece))
			return &refused[i].complaint;
	return NULL;
}

static const struct complaint *text_check(const char *text)
{
	static const struct {
		const char *piece;
		struct complaint complaint;
	} refused[] = {
		{"#", {"a fragment in the URL", "leave out what follows the `#`"}},
		{"?", {"a query in the URL", "leave out what follows the `?`"}},
	};
	static const struct complaint bytes = {"a blank, control or non-ASCII character in the URL",
					       "write an international host name in its xn-- form"};
	static const struct complaint scheme = {"the URL of an MCP server begins with https://",
						"https://promptfax.app/mcp"};
	static const struct complaint plain = {
		"plain http, which anyone on the way can read and change", "use https://"};

	for (const char *p = text; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"<>^`{|}", *p))
			return &bytes;
	if (!strncasecmp(text, "http://", 7))
		return &plain;
	if (strncasecmp(text, "https://", 8))
		return &scheme;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strstr(text, refused[i].piece))
			return &refused[i].complaint;
	return NULL;
}

/* @rest: what follows https:// */
static const struct complaint *parts_parse(struct span rest, struct server_url *url)
{
	size_t n = strcspn(rest.p, "/\\");
	const struct complaint *wrong = authority_parse(span_bytes(rest.p, n), url);

	return wrong ? wrong : path_parse_exact(span_bytes(rest.p + n, rest.n - n), url->path);
}

static void url_format(struct server_url *url)
{
	bool v6 = strchr(url->host, ':');
	char port[8] = "";

	if (url->port != HTTPS_PORT)
		snprintf(port, sizeof(port), ":%u", url->port);
	snprintf(url->url, sizeof(url->url), "https://%s%s%s%s%s", v6 ? "[" : "", url->host,
		 v6 ? "]" : "", port, url->path);
}

int server_url_parse(const char *text, struct server_url *ret, const char **ret_what,
		     const char **ret_mend)
{
	const struct complaint *wrong = text_check(text);
	struct server_url url = {0};

	if (!wrong)
		wrong = parts_parse(span_of(text + strlen("https://")), &url);
	if (wrong) {
		*ret_what = wrong->what;
		*ret_mend = wrong->mend;
		return -EINVAL;
	}
	url_format(&url);
	*ret = url;
	return 0;
}
