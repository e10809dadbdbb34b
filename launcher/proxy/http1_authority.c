// SPDX-License-Identifier: Apache-2.0
/*
 * The one spelling of hosts and paths. SNI, Host, CONNECT, absolute targets, DNS
 * queries and policies all pass through here, so that no two places can be brought
 * to see two hosts in one name. What getaddrinfo() or a URL library would read as
 * an address without looking like one is refused, not rewritten.
 */
#include "proxy/http1_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static int normalise_ipv6(struct span host, char *ret_host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	/* inet_pton() stops at a NUL, and knows no zone ids. */
	if (memchr(host.p, '\0', host.n) || !span_copy(host, text, sizeof(text)) ||
	    inet_pton(AF_INET6, text, &address) != 1)
		return -EINVAL;
	inet_ntop(AF_INET6, &address, ret_host, HTTP1_HOST_MAX + 1);
	return 0;
}

/* WHATWG URL, "ends in a number": decimal, or hexadecimal behind 0x. */
static bool label_is_number(struct span label)
{
	if (label.n >= 2 && label.p[0] == '0' && (label.p[1] | 0x20) == 'x')
		return http1_span_is_class(span_bytes(label.p + 2, label.n - 2), HTTP1_C_HEX);
	return http1_span_is_class(label, HTTP1_C_DIGIT);
}

static bool label_is_valid(struct span label)
{
	return label.n >= 1 && label.n <= 63 && label.p[0] != '-' && label.p[label.n - 1] != '-' &&
	       http1_span_is_class(label, HTTP1_C_LABEL);
}

static int check_labels(struct span host, bool *ret_ends_in_number)
{
	struct span label = host;

	for (size_t i = 0; i <= host.n; i++) {
		if (i < host.n && host.p[i] != '.')
			continue;
		label.n = (size_t)(host.p + i - label.p);
		if (!label_is_valid(label))
			return -EINVAL;
		*ret_ends_in_number = label_is_number(label);
		label.p += label.n + 1;
	}
	return 0;
}

int http1_host_normalise(struct span host, char *ret_host, enum http1_host_kind *ret_kind)
{
	enum http1_host_kind kind = HTTP1_HOST_NAME;
	char text[HTTP1_HOST_MAX + 1];
	bool is_number = false;
	struct in_addr address;

	if (!host.n)
		return -EINVAL;
	if (memchr(host.p, ':', host.n)) {
		if (normalise_ipv6(host, ret_host))
			return -EINVAL;
		kind = HTTP1_HOST_IPV6;
	} else {
		if (host.p[host.n - 1] == '.')
			host.n--;
		if (!host.n || !span_copy(host, text, sizeof(text)) ||
		    check_labels(host, &is_number))
			return -EINVAL;
		if (is_number && inet_pton(AF_INET, text, &address) != 1)
			return -EINVAL;
		kind = is_number ? HTTP1_HOST_IPV4 : HTTP1_HOST_NAME;
		for (size_t i = 0; i <= host.n; i++)
			ret_host[i] = http1_lower(text[i]);
	}
	if (ret_kind)
		*ret_kind = kind;
	return 0;
}

static int read_port(struct span text, uint16_t *ret_port)
{
	unsigned int v = 0;

	if (!text.n || text.n > 5 || text.p[0] == '0')
		return -EINVAL;
	for (size_t i = 0; i < text.n; i++) {
		if (!http1_is(text.p[i], HTTP1_C_DIGIT))
			return -EINVAL;
		v = v * 10 + (unsigned int)(text.p[i] - '0');
	}
	if (v > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)v;
	return 0;
}

int http1_authority_parse(struct span text, uint16_t default_port, struct http1_authority *ret)
{
	struct http1_authority a = {.port = default_port};
	struct span host = text, port = {NULL, 0};
	const char *colon;

	if (!text.n)
		return -EINVAL;
	if (text.p[0] == '[') {
		const char *end = memchr(text.p, ']', text.n);

		if (!end)
			return -EINVAL;
		host = span_bytes(text.p + 1, (size_t)(end - text.p) - 1);
		colon = end + 1 < text.p + text.n ? end + 1 : NULL;
		if ((colon && *colon != ':') || !host.n || !memchr(host.p, ':', host.n))
			return -EINVAL;
	} else {
		colon = memchr(text.p, ':', text.n);
		if (colon)
			host.n = (size_t)(colon - text.p);
	}
	if (colon) {
		port = span_bytes(colon + 1, text.n - (size_t)(colon + 1 - text.p));
		if (read_port(port, &a.port))
			return -EINVAL;
		a.has_port = true;
	}
	if (http1_host_normalise(host, a.host, &a.kind))
		return -EINVAL;
	*ret = a;
	return 0;
}

int http1_authority_format(const struct http1_authority *a, uint16_t default_port, char *ret,
			   size_t size)
{
	const char *open = a->kind == HTTP1_HOST_IPV6 ? "[" : "";
	const char *close = a->kind == HTTP1_HOST_IPV6 ? "]" : "";
	int n;

	if (a->port == default_port)
		n = snprintf(ret, size, "%s%s%s", open, a->host, close);
	else
		n = snprintf(ret, size, "%s%s%s:%u", open, a->host, close, a->port);
	return n < 0 || (size_t)n >= size ? -EMSGSIZE : 0;
}

int http1_request_authority(const struct http1_head *h, uint16_t default_port,
			    struct http1_authority *ret, struct http1_refusal *ret_refusal)
{
	bool in_target = h->form == HTTP1_ABSOLUTE || h->form == HTTP1_AUTHORITY;
	struct span host_field = http1_head_known(h, HTTP1_F_HOST);
	struct http1_authority target, host;

	if (h->scheme)
		default_port = h->scheme == HTTP1_SCHEME_HTTPS ? HTTPS_PORT : HTTP_PORT;
	if (in_target &&
	    http1_authority_parse(http1_head_span(h, h->authority), default_port, &target))
		return http1_refuse(ret_refusal, 400, "the request target names no valid host");
	if (h->form == HTTP1_AUTHORITY) {
		if (!target.has_port)
			return http1_refuse(ret_refusal, 400, "CONNECT without a port");
		/* Some clients leave the port out of the Host beside a CONNECT. */
		default_port = target.port;
	}
	if (!http1_head_has(h, HTTP1_F_HOST)) {
		if (!in_target)
			return http1_refuse(ret_refusal, 400, "no Host");
		*ret = target;
		return 0;
	}
	if (http1_authority_parse(host_field, default_port, &host))
		return http1_refuse(ret_refusal, 400, "Host is not a valid host");
	if (in_target && (strcmp(target.host, host.host) != 0 || target.port != host.port))
		return http1_refuse(ret_refusal, 421, "the request target and Host name two hosts");
	*ret = in_target ? target : host;
	return 0;
}

/*
 * One percent escape. RFC 3986 §6.2.2.2 decodes those of unreserved characters; the
 * dot and what could become a separator, an escape or a terminator further on have
 * no honest use.
 */
static int append_escape(const char *p, char *out, size_t *used)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned int c;

	if (!http1_is(p[1], HTTP1_C_HEX) || !http1_is(p[2], HTTP1_C_HEX))
		return -EINVAL;
	c = http1_hex_value(p[1]) << 4 | http1_hex_value(p[2]);
	if (c < 0x20 || c == 0x7f || c == '.' || c == '/' || c == '\\' || c == '%')
		return -EINVAL;
	if (http1_is((char)c, HTTP1_C_PLAIN)) {
		out[(*used)++] = (char)c;
		return 0;
	}
	out[(*used)++] = '%';
	out[(*used)++] = digits[c >> 4];
	out[(*used)++] = digits[c & 15];
	return 0;
}

/* No empty segment but the last, no "." and no "..". */
static bool segments_are_plain(const char *path, size_t n)
{
	size_t from = 1;

	for (size_t i = 1; i <= n; i++) {
		size_t len = i - from;

		if (i < n && path[i] != '/')
			continue;
		if ((!len && i < n) || (len == 1 && path[from] == '.') ||
		    (len == 2 && path[from] == '.' && path[from + 1] == '.'))
			return false;
		from = i + 1;
	}
	return true;
}

/* @path begins with '/' and is no longer than HTTP1_PATH_MAX; escapes only shrink it. */
static int normalise_escaped(struct span path, char *ret_path)
{
	char out[HTTP1_PATH_MAX] = "/";
	size_t used = 1;

	for (size_t i = 1; i < path.n; i++) {
		if (path.p[i] == '%') {
			if (path.n - i < 3 || append_escape(path.p + i, out, &used))
				return -EINVAL;
			i += 2;
		} else if (http1_is(path.p[i], HTTP1_C_PATH)) {
			out[used++] = path.p[i];
		} else {
			return -EINVAL;
		}
	}
	return segments_are_plain(out, used) &&
			       span_copy(span_bytes(out, used), ret_path, HTTP1_PATH_MAX + 1)
		       ? 0
		       : -EINVAL;
}

int http1_path_normalise(struct span path, char *ret_path)
{
	if (!path.n || path.n > HTTP1_PATH_MAX || path.p[0] != '/')
		return -EINVAL;
	/* Most paths are in normal form already, and need no second buffer. */
	if (!http1_span_is_class(path, HTTP1_C_PATH))
		return normalise_escaped(path, ret_path);
	if (!segments_are_plain(path.p, path.n))
		return -EINVAL;
	memcpy(ret_path, path.p, path.n);
	ret_path[path.n] = '\0';
	return 0;
}

int http1_request_path(const struct http1_head *h, char *ret_path,
		       struct http1_refusal *ret_refusal)
{
	struct span path = http1_head_span(h, h->path);

	if (h->form == HTTP1_AUTHORITY || h->form == HTTP1_ASTERISK) {
		ret_path[0] = '\0';
		return 0;
	}
	if (h->form == HTTP1_ABSOLUTE && !path.n)
		path = span_of("/");
	if (http1_path_normalise(path, ret_path))
		return http1_refuse(ret_refusal, 400,
				    "a path with dot segments, empty segments or odd escapes");
	return 0;
}
