// SPDX-License-Identifier: Apache-2.0
/*
 * Heads and bodies as we write them: one spelling, no field that was not chosen.
 * Our own values are checked on the way out, so that a mistake elsewhere cannot
 * become a split message; relayed ones were checked when they were read.
 */
#include "proxy/http1_internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define LITERAL(s) (s), sizeof(s) - 1

static const struct {
	uint16_t status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *http1_reason(unsigned int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* "name: value" CR LF, of bytes that were checked. */
static int put_field(struct buf *out, struct span name, struct span value)
{
	size_t n = name.n + 2 + value.n + 2;
	char *p = buf_reserve(out, n);

	if (!p)
		return n > out->max || out->len > out->max - n ? -EMSGSIZE : -ENOMEM;
	p = mempcpy(p, name.p, name.n);
	p = mempcpy(p, ": ", 2);
	if (value.n)
		p = mempcpy(p, value.p, value.n);
	memcpy(p, "\r\n", 2);
	buf_commit(out, n);
	return 0;
}

static int write_field(struct buf *out, struct span name, struct span value)
{
	if (!name.n || !http1_span_is_class(name, HTTP1_C_TOKEN) || !http1_span_is_text(value))
		return -EINVAL;
	return put_field(out, name, value);
}

static int write_length(struct buf *out, uint64_t length)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + length % 10);
		length /= 10;
	} while (length);
	return put_field(out, span_of("Content-Length"),
			 span_bytes(digits + at, sizeof(digits) - at));
}

/* Whether a Connection field of the head that is relayed from names this field. */
static bool is_named_by_connection(const struct http1_head *h, struct span name)
{
	for (size_t i = 0; h->drops_fields && i < h->n_fields; i++) {
		struct span list = http1_head_value(h, i), option;

		if (h->known[i] != HTTP1_F_CONNECTION)
			continue;
		while (http1_list_next(&list, &option))
			if (http1_span_is_any_case(option, name))
				return true;
	}
	return false;
}

bool http1_field_is_relayed(const struct http1_head *h, size_t i)
{
	return !(http1_known_flags(h->known[i]) & (HTTP1_HOP | HTTP1_OURS)) &&
	       !is_named_by_connection(h, http1_head_name(h, i));
}

static bool is_listed(const char *const *list, struct span name)
{
	for (const char *const *a = list; *a; a++)
		if (http1_lower((*a)[0]) == http1_lower(name.p[0]) &&
		    http1_span_is_any_case(span_of(*a), name))
			return true;
	return false;
}

/* More is dropped than is allowed by a name. */
static bool is_dropped(const char *const *list, struct span name)
{
	for (const char *const *a = list; a && *a; a++)
		if (http1_span_is_field(span_of(*a), name))
			return true;
	return false;
}

static bool is_allowed(const struct http1_out *o, struct span name)
{
	for (size_t i = 0; i < o->n_fields; i++)
		if (http1_span_is_any_case(span_of(o->fields[i].name), name))
			return false;
	if (is_dropped(o->dropped, name))
		return false;
	return !o->allowed || is_listed(o->allowed, name);
}

static int write_relayed(struct buf *out, const struct http1_out *o)
{
	const struct http1_head *h = o->relayed;

	for (size_t i = 0; h && i < h->n_fields; i++) {
		struct span name = http1_head_name(h, i);
		int r;

		if (!http1_field_is_relayed(h, i) || !is_allowed(o, name))
			continue;
		r = put_field(out, name, http1_head_value(h, i));
		if (r)
			return r;
	}
	return 0;
}

static int write_framing(struct buf *out, const struct http1_out *o)
{
	int r = 0;

	switch (o->framing) {
	case HTTP1_FRAMING_NONE:
		break;
	case HTTP1_FRAMING_LENGTH:
		r = write_length(out, o->content_length);
		break;
	case HTTP1_FRAMING_CHUNKED:
		r = buf_append(out, LITERAL("Transfer-Encoding: chunked\r\n"));
		break;
	case HTTP1_FRAMING_CLOSE:
		break;
	}
	if (!r && (o->close || o->framing == HTTP1_FRAMING_CLOSE))
		r = buf_append(out, LITERAL("Connection: close\r\n"));
	return r;
}

/* Everything behind the first line; takes all of the head back if any of it fails. */
static int write_rest(struct buf *out, const struct http1_out *o, size_t before, int r)
{
	for (size_t i = 0; !r && i < o->n_fields; i++)
		r = write_field(out, span_of(o->fields[i].name), o->fields[i].value);
	if (!r)
		r = write_relayed(out, o);
	if (!r)
		r = write_framing(out, o);
	if (!r)
		r = buf_append(out, LITERAL("\r\n"));
	if (r)
		out->len = before;
	return r;
}

int http1_write_request_head(struct buf *out, const char *method, const char *target,
			     const char *host, const struct http1_out *o)
{
	struct span m = span_of(method), t = span_of(target);
	size_t before = out->len;
	int r = 0;

	if (!m.n || !t.n || !http1_span_is_class(m, HTTP1_C_TOKEN) ||
	    !http1_span_is_class(t, HTTP1_C_TARGET))
		return -EINVAL;
	r = buf_append(out, m.p, m.n);
	if (!r)
		r = buf_append(out, LITERAL(" "));
	if (!r)
		r = buf_append(out, t.p, t.n);
	if (!r)
		r = buf_append(out, LITERAL(" HTTP/1.1\r\n"));
	if (!r)
		r = write_field(out, span_of("Host"), span_of(host));
	return write_rest(out, o, before, r);
}

int http1_write_response_head(struct buf *out, unsigned int status, const struct http1_out *o)
{
	size_t before = out->len;
	int r;

	if (status < 100 || status > 599)
		return -EINVAL;
	r = buf_printf(out, "HTTP/1.1 %u %s\r\n", status, http1_reason(status));
	return write_rest(out, o, before, r);
}

int http1_write_body(struct buf *out, unsigned int status, const char *content_type,
		     struct span body, unsigned int flags)
{
	/* A 426 names the protocol to be used instead (RFC 9110 §15.5.22). */
	struct http1_pair fields[] = {{"Content-Type", span_of(content_type)},
				      {"Connection", {"Upgrade", 7}},
				      {"Upgrade", {"HTTP/1.1", 8}}};
	struct http1_out o = {
		.fields = fields,
		.n_fields = status == 426 ? 3 : 1,
		.framing = HTTP1_FRAMING_LENGTH,
		.content_length = body.n,
		.close = (flags & HTTP1_CLOSE) != 0,
	};
	size_t before = out->len;
	int r = http1_write_response_head(out, status, &o);

	if (!r && !(flags & HTTP1_HEAD_ONLY))
		r = buf_append(out, body.p, body.n);
	if (r)
		out->len = before;
	return r;
}

int http1_write_error(struct buf *out, unsigned int status, const char *text, unsigned int flags)
{
	autobuf struct buf body = BUF_INIT(HTTP1_HEAD_MAX);
	int r = buf_printf(&body, "mcpjail: %s\n", text);

	if (r)
		return r;
	for (size_t i = 0; i + 1 < body.len; i++)
		if (body.data[i] < 0x20 || body.data[i] == 0x7f)
			body.data[i] = ' ';
	return http1_write_body(out, status, "text/plain; charset=utf-8",
				span_bytes(body.data, body.len), flags);
}

int http1_write_continue(struct buf *out)
{
	return buf_append(out, LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
}

int http1_write_chunk(struct buf *out, const void *bytes, size_t n)
{
	size_t before = out->len;
	int r;

	if (!n)
		return 0;
	r = buf_printf(out, "%zx\r\n", n);
	if (!r)
		r = buf_append(out, bytes, n);
	if (!r)
		r = buf_append(out, LITERAL("\r\n"));
	if (r)
		out->len = before;
	return r;
}

int http1_write_last_chunk(struct buf *out)
{
	return buf_append(out, LITERAL("0\r\n\r\n"));
}
