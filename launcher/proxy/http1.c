// SPDX-License-Identifier: Apache-2.0
/*
 * Theory of operation. A head is read line by line where it lies in the caller's
 * buffer; slices are offsets from its first byte, so the buffer may move between
 * calls. When the empty line has come, the bytes are copied into the head, which is
 * one memcpy, and consumed. No allocation happens for a field, and none at all on
 * a connection whose head buffer has grown once.
 *
 * Lines end in CR LF and nothing else. Every byte of a line is checked against one
 * class before it is used: a name is a token, a value has no controls but the tab,
 * a target has neither spaces nor controls nor bytes past ASCII. What fields mean
 * together is decided in http1_fields.c.
 */
#include "proxy/http1_internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum { STAGE_START = 0, STAGE_FIELDS, STAGE_DONE };

static const struct {
	const char *name;
	enum http1_method method;
} methods[] = {
	{"GET", HTTP1_GET},         {"HEAD", HTTP1_HEAD},     {"POST", HTTP1_POST},
	{"PUT", HTTP1_PUT},         {"DELETE", HTTP1_DELETE}, {"CONNECT", HTTP1_CONNECT},
	{"OPTIONS", HTTP1_OPTIONS}, {"PATCH", HTTP1_PATCH},   {"TRACE", HTTP1_TRACE},
};

void http1_head_reset(struct http1_head *h)
{
	struct buf bytes = h->bytes;

	buf_clear(&bytes);
	/* The field array is read below n_fields only and need not be wiped. */
	memset(h, 0, offsetof(struct http1_head, fields));
	memset(h->first, 0, sizeof(h->first));
	h->line_at = 0;
	h->scanned = 0;
	h->stage = STAGE_START;
	h->leading = 0;
	h->bytes = bytes;
}

void http1_head_free(struct http1_head *h)
{
	buf_free(&h->bytes);
	http1_head_reset(h);
}

static struct http1_slice slice_of(const char *base, struct span s)
{
	return (struct http1_slice){(uint16_t)(s.n ? s.p - base : 0), (uint16_t)s.n};
}

/* Split @s at the first @c: @s becomes what is behind it. Without one, all of it. */
static struct span span_split(struct span *s, char c)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
	size_t n = at ? (size_t)(at - s->p) : s->n;
	struct span front = span_bytes(s->p, n);

	s->p += n + (at ? 1 : 0);
	s->n -= n + (at ? 1 : 0);
	return front;
}

/* HTTP-version, RFC 9112 §2.3. Return: 0 or a status to refuse with. */
static unsigned int read_version(struct span s, uint8_t *ret_minor)
{
	if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' ||
	    !http1_is(s.p[5], HTTP1_C_DIGIT) || !http1_is(s.p[7], HTTP1_C_DIGIT))
		return 400;
	if (s.p[5] != '1' || s.p[7] > '1')
		return 505;
	*ret_minor = (uint8_t)(s.p[7] - '0');
	return 0;
}

/* absolute-form: scheme "://" authority [ path ] [ "?" query ] */
static const char *read_absolute(struct http1_head *h, const char *base, struct span target)
{
	static const struct {
		const char *text;
		size_t n;
		enum http1_scheme scheme;
	} schemes[] = {{"http://", 7, HTTP1_SCHEME_HTTP}, {"https://", 8, HTTP1_SCHEME_HTTPS}};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(schemes) && !h->scheme; i++) {
		n = schemes[i].n;
		if (target.n > n && http1_span_is_name(span_bytes(target.p, n), schemes[i].text, n))
			h->scheme = schemes[i].scheme;
	}
	if (!h->scheme)
		return "a request target that is neither a path nor http:// nor https://";
	target.p += n;
	target.n -= n;
	for (n = 0; n < target.n && target.p[n] != '/' && target.p[n] != '?'; n++)
		;
	if (!n)
		return "a request target without a host";
	h->form = HTTP1_ABSOLUTE;
	h->authority = slice_of(base, span_bytes(target.p, n));
	target.p += n;
	target.n -= n;
	h->path = slice_of(base, span_split(&target, '?'));
	h->query = slice_of(base, target);
	return NULL;
}

/* RFC 9112 §3.2: the form depends on the method, and on nothing that a reader could guess. */
static const char *read_target(struct http1_head *h, const char *base, struct span target)
{
	if (!target.n)
		return "no request target";
	if (!http1_span_is_class(target, HTTP1_C_TARGET))
		return "a byte in the request target that does not belong there";
	h->target = slice_of(base, target);
	h->has_query = memchr(target.p, '?', target.n) != NULL;
	if (h->method == HTTP1_CONNECT) {
		h->form = HTTP1_AUTHORITY;
		h->authority = h->target;
		return NULL;
	}
	if (span_equals(target, "*")) {
		h->form = HTTP1_ASTERISK;
		return h->method == HTTP1_OPTIONS ? NULL : "'*' is for OPTIONS only";
	}
	if (target.p[0] != '/')
		return read_absolute(h, base, target);
	h->form = HTTP1_ORIGIN;
	h->path = slice_of(base, span_split(&target, '?'));
	h->query = slice_of(base, target);
	return NULL;
}

static int read_request_line(struct http1_head *h, const char *base, struct span line,
			     struct http1_refusal *ret)
{
	struct span method = span_split(&line, ' '), target = span_split(&line, ' ');
	unsigned int status = read_version(line, &h->minor);
	const char *why;

	if (!method.n || !http1_span_is_class(method, HTTP1_C_TOKEN))
		return http1_refuse(ret, 400, "not an HTTP request");
	if (status)
		return http1_refuse(ret, status,
				    status == 505 ? "an HTTP version other than 1.1 and 1.0"
						  : "not an HTTP/1.1 request line");
	h->method_text = slice_of(base, method);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (span_equals(method, methods[i].name))
			h->method = methods[i].method;
	why = read_target(h, base, target);
	return why ? http1_refuse(ret, 400, why) : 0;
}

/* RFC 9112 §4. The reason phrase, and the space before it, may be missing. */
static int read_status_line(struct http1_head *h, struct span line, struct http1_refusal *ret)
{
	struct span version = span_split(&line, ' '), code = span_split(&line, ' ');

	if (read_version(version, &h->minor))
		return http1_refuse(ret, 502, "the server does not speak HTTP/1.1");
	if (code.n != 3 || !http1_span_is_class(code, HTTP1_C_DIGIT) || code.p[0] < '1' ||
	    code.p[0] > '5' || !http1_span_is_text(line))
		return http1_refuse(ret, 502, "the server's status line is malformed");
	h->status =
		(uint16_t)((code.p[0] - '0') * 100 + (code.p[1] - '0') * 10 + (code.p[2] - '0'));
	return 0;
}

static int read_field(struct http1_head *h, const char *base, struct span line,
		      struct http1_refusal *ret)
{
	unsigned int status = h->is_response ? 502 : 400;
	struct http1_field f;
	struct span value;
	const char *why;
	size_t n = 0;

	while (n < line.n && http1_is(line.p[n], HTTP1_C_TOKEN))
		n++;
	if (!n && (line.p[0] == ' ' || line.p[0] == '\t'))
		return http1_refuse(ret, status, "a folded field line");
	if (!n || n == line.n || line.p[n] != ':')
		return http1_refuse(ret, status,
				    n && n < line.n && (line.p[n] == ' ' || line.p[n] == '\t')
					    ? "white space before a field's colon"
					    : "a field line without a proper name");
	value = http1_span_trim(span_bytes(line.p + n + 1, line.n - n - 1));
	if (!http1_span_is_text(value))
		return http1_refuse(ret, status, "a control byte in a field value");
	if (h->n_fields == HTTP1_FIELDS_MAX)
		return http1_refuse(ret, h->is_response ? 502 : 431, "more than 128 fields");
	f = (struct http1_field){slice_of(base, span_bytes(line.p, n)), slice_of(base, value)};
	why = http1_head_add_field(h, base, f);
	return why ? http1_refuse(ret, status, why) : 0;
}

/*
 * The next whole line of the head, without its CR LF. Return: its bytes with them;
 * 0 if its end has not come; -EPROTO. The search goes on where it left off.
 */
static ssize_t next_line(struct http1_head *h, const struct buf *in, struct span *ret_line,
			 struct http1_refusal *ret)
{
	size_t limit = in->len < HTTP1_HEAD_MAX ? in->len : HTTP1_HEAD_MAX;
	const char *base = (const char *)in->data;
	const char *lf = NULL;
	size_t end;

	if (h->scanned < limit)
		lf = memchr(base + h->scanned, '\n', limit - h->scanned);
	if (!lf) {
		h->scanned = limit;
		if (limit < HTTP1_HEAD_MAX)
			return 0;
		return http1_refuse(ret, h->is_response ? 502 : 431, "a head of more than 32 KiB");
	}
	end = (size_t)(lf - base);
	if (end == h->line_at || base[end - 1] != '\r')
		return http1_refuse(ret, h->is_response ? 502 : 400,
				    "a line that does not end in CR LF");
	*ret_line = span_bytes(base + h->line_at, end - 1 - h->line_at);
	h->scanned = end + 1;
	return (ssize_t)(end + 1 - h->line_at);
}

static int read_line(struct http1_head *h, const char *base, struct span line,
		     struct http1_refusal *ret)
{
	if (h->stage == STAGE_FIELDS) {
		if (line.n)
			return read_field(h, base, line, ret);
		h->stage = STAGE_DONE;
		return 0;
	}
	/* RFC 9112 §2.2: one stray CR LF behind an earlier body is forgiven. */
	if (!line.n && !h->is_response && !h->leading) {
		h->leading = 1;
		return 0;
	}
	h->stage = STAGE_FIELDS;
	return h->is_response ? read_status_line(h, line, ret)
			      : read_request_line(h, base, line, ret);
}

/* The head is whole in front of @in: keep a copy, and judge it as a whole. */
static int finish_head(struct http1_head *h, struct buf *in, struct http1_refusal *ret)
{
	h->bytes.max = HTTP1_HEAD_MAX;
	if (buf_append(&h->bytes, in->data, h->line_at))
		return http1_refuse(ret, 500, "out of memory");
	buf_consume(in, h->line_at);
	return http1_head_settle(h, ret);
}

/* A head that was refused has no spans to look at, and leaves no state to the next. */
static ssize_t give_up(struct http1_head *h)
{
	http1_head_reset(h);
	return PARSE_BAD;
}

static ssize_t read_head(struct http1_head *h, struct buf *in, struct http1_refusal *ret)
{
	while (h->stage != STAGE_DONE) {
		struct span line = {NULL, 0};
		ssize_t n = next_line(h, in, &line, ret);

		if (!n)
			return PARSE_MORE;
		if (n < 0 || read_line(h, (const char *)in->data, line, ret))
			return give_up(h);
		h->line_at += (size_t)n;
	}
	if (finish_head(h, in, ret))
		return give_up(h);
	return (ssize_t)h->line_at;
}

ssize_t http1_read_request(struct http1_head *h, struct buf *in, struct http1_refusal *ret_refusal)
{
	if (h->stage == STAGE_DONE || h->is_response)
		http1_head_reset(h);
	return read_head(h, in, ret_refusal);
}

ssize_t http1_read_response(struct http1_head *h, struct buf *in, enum http1_method asked,
			    struct http1_refusal *ret_refusal)
{
	if (h->stage == STAGE_DONE || !h->is_response)
		http1_head_reset(h);
	h->is_response = true;
	h->method = asked;
	return read_head(h, in, ret_refusal);
}
