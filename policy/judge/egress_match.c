// SPDX-License-Identifier: Apache-2.0
#include "policy/judge/egress_match.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/glob.h"

#define PATH_MAX_BYTES 8192 /* of a path that is judged; the proxy reads shorter ones */

bool egress_host_covers(const char *host, bool is_wildcard, const char *name)
{
	size_t n = strlen(host), m = strlen(name);

	if (!is_wildcard)
		return !strcmp(host, name);
	return m > n && !strcmp(name + m - n, host);
}

bool egress_has_port(const struct policy_egress *entry, uint16_t port)
{
	for (size_t i = 0; i < entry->n_ports; i++)
		if (entry->ports[i] == port)
			return true;
	return false;
}

bool egress_is_for(const struct policy_egress *entry, const char *host, uint16_t port)
{
	return egress_has_port(entry, port) &&
	       egress_host_covers(entry->host, entry->is_wildcard, host);
}

/* --- methods ---------------------------------------------------------------- */

static bool method_is_listed(const struct policy_names *methods, struct span method,
			     enum glob_case letters)
{
	for (size_t i = 0; i < methods->n; i++) {
		const char *listed = methods->items[i];

		if (letters == GLOB_CASE_EXACT ? span_equals(method, listed)
					       : method.n == strlen(listed) &&
							 !strncasecmp(method.p, listed, method.n))
			return true;
	}
	return !methods->n;
}

/* --- paths ------------------------------------------------------------------ */

/* Escaped separators taken for what they stand for. Return: false if it does not fit. */
static bool path_decode(const char *path, char *ret, size_t size)
{
	for (; *path; path++) {
		if (!size--)
			return false;
		if (!strncasecmp(path, "%2f", 3) || !strncasecmp(path, "%5c", 3)) {
			*ret++ = '/';
			path += 2;
		} else {
			*ret++ = *path;
		}
	}
	if (!size)
		return false;
	*ret = '\0';
	return true;
}

/* Whether a server that resolves segments would look elsewhere. */
static bool path_has_dots(const char *path)
{
	for (const char *segment = path; segment; segment = strchr(segment, '/')) {
		size_t n;

		segment += *segment == '/';
		n = strcspn(segment, "/");
		if ((n == 1 || n == 2) && !strncmp(segment, "..", n))
			return true;
		if (!n && segment[n] == '/')
			return true;
	}
	return false;
}

static bool path_is_listed(const struct policy_names *paths, struct span path,
			   enum glob_case letters)
{
	for (size_t i = 0; i < paths->n; i++)
		if (glob_matches(paths->items[i], path, letters))
			return true;
	return false;
}

static bool path_is_allowed(const struct policy_names *paths, const char *path)
{
	char decoded[PATH_MAX_BYTES];

	if (!paths->n)
		return true;
	return path_decode(path, decoded, sizeof(decoded)) && !path_has_dots(decoded) &&
	       path_is_listed(paths, span_of(path), GLOB_CASE_EXACT) &&
	       (strlen(decoded) == strlen(path) ||
		path_is_listed(paths, span_of(decoded), GLOB_CASE_EXACT));
}

/* What cannot be read is taken for a match. */
static bool path_is_restricted(const struct policy_names *paths, const char *path)
{
	char decoded[PATH_MAX_BYTES];
	struct span bare;

	if (!paths->n || !path_decode(path, decoded, sizeof(decoded)) || path_has_dots(decoded))
		return true;
	bare = span_of(decoded);
	while (bare.n > 1 && bare.p[bare.n - 1] == '/')
		bare.n--;
	return path_is_listed(paths, span_of(path), GLOB_CASE_FOLDED) ||
	       path_is_listed(paths, span_of(decoded), GLOB_CASE_FOLDED) ||
	       path_is_listed(paths, bare, GLOB_CASE_FOLDED);
}

/* --- headers ---------------------------------------------------------------- */

static struct span trim(struct span text)
{
	while (text.n && (text.p[0] == ' ' || text.p[0] == '\t')) {
		text.p++;
		text.n--;
	}
	while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
		text.n--;
	return text;
}

static bool value_is_listed(const struct policy_names *values, struct span value)
{
	for (size_t i = 0; i < values->n; i++)
		if (span_equals(value, values->items[i]))
			return true;
	return false;
}

/* The whole value, or each element of it as a list (RFC 9110 §5.6.1). */
static bool value_is_allowed(const struct policy_names *values, struct span value)
{
	const char *end = value.p + value.n, *p = value.p;

	if (value_is_listed(values, trim(value)))
		return true;
	while (value.n) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t n = (size_t)((comma ? comma : end) - p);

		if (!value_is_listed(values, trim(span_bytes(p, n))))
			return false;
		if (!comma)
			return true;
		p = comma + 1;
	}
	return false;
}

static bool header_matches(const struct egress_header *header,
			   const struct policy_egress_request *request)
{
	struct span value;
	size_t n = 0;

	for (; request->header && request->header(request->arg, header->name, n, &value); n++)
		if (!value_is_allowed(&header->values, value))
			return false;
	return n || header->may_be_absent;
}

static const struct egress_header *other_header(const struct policy_egress *entry,
						const struct policy_egress_request *request)
{
	for (size_t i = 0; i < entry->n_headers; i++)
		if (!header_matches(&entry->headers[i], request))
			return &entry->headers[i];
	return NULL;
}

/* --- the whole head --------------------------------------------------------- */

enum egress_match egress_match(const struct policy_egress *entry,
			       const struct policy_egress_request *request,
			       const struct egress_header **ret_header)
{
	const struct egress_header *other;

	if (!egress_is_for(entry, request->host, request->port))
		return EGRESS_OTHER_HOST;
	if (!method_is_listed(&entry->methods, request->method, GLOB_CASE_EXACT))
		return EGRESS_OTHER_METHOD;
	if (!path_is_allowed(&entry->paths, request->path))
		return EGRESS_OTHER_PATH;
	other = other_header(entry, request);
	if (other) {
		if (ret_header)
			*ret_header = other;
		return EGRESS_OTHER_HEADER;
	}
	return request->websocket && !entry->allows_websocket ? EGRESS_NO_WEBSOCKET
							      : EGRESS_MATCHES;
}

bool egress_restricts(const struct policy_egress *entry,
		      const struct policy_egress_request *request)
{
	return entry->n_deny_body && egress_is_for(entry, request->host, request->port) &&
	       (request->websocket ||
		method_is_listed(&entry->methods, request->method, GLOB_CASE_FOLDED)) &&
	       path_is_restricted(&entry->paths, request->path);
}
