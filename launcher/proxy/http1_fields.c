// SPDX-License-Identifier: Apache-2.0
/*
 * What single fields mean for a head as a whole: which may occur once, which end at
 * this connection, and where the body ends (RFC 9112 §6). Request smuggling lives
 * here: wherever two readers have been seen to differ, the head is refused.
 */
#include "proxy/http1_internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

struct known_field {
	const char *name;
	uint8_t n;
	uint8_t known;
};

/*
 * A perfect hash over length, first and last letter. Two names in one slot would
 * be two initialisers of one element, which does not compile.
 */
#define SLOTS                64u
#define SLOT(n, first, last) (((n) + (unsigned int)(first)*37u + (unsigned int)(last)*29u) % SLOTS)
#define FIELD(first, last, text, id)                                                               \
	[SLOT(sizeof(text) - 1, first, last)] = {(text), sizeof(text) - 1, (id)}

static const struct known_field known_fields[SLOTS] = {
	FIELD('a', 't', "accept", HTTP1_F_ACCEPT),
	FIELD('a', 'g', "accept-encoding", HTTP1_F_ACCEPT_ENCODING),
	FIELD('a', 'n', "authorization", HTTP1_F_AUTHORIZATION),
	FIELD('c', 'n', "connection", HTTP1_F_CONNECTION),
	FIELD('c', 'g', "content-encoding", HTTP1_F_CONTENT_ENCODING),
	FIELD('c', 'h', "content-length", HTTP1_F_CONTENT_LENGTH),
	FIELD('c', 'e', "content-type", HTTP1_F_CONTENT_TYPE),
	FIELD('e', 't', "expect", HTTP1_F_EXPECT),
	FIELD('h', 't', "host", HTTP1_F_HOST),
	FIELD('h', 's', "http2-settings", HTTP1_F_HTTP2_SETTINGS),
	FIELD('k', 'e', "keep-alive", HTTP1_F_KEEP_ALIVE),
	FIELD('l', 'd', "last-event-id", HTTP1_F_LAST_EVENT_ID),
	FIELD('l', 'n', "location", HTTP1_F_LOCATION),
	FIELD('m', 'd', "mcp-method", HTTP1_F_MCP_METHOD),
	FIELD('m', 'e', "mcp-name", HTTP1_F_MCP_NAME),
	FIELD('m', 'n', "mcp-protocol-version", HTTP1_F_MCP_PROTOCOL_VERSION),
	FIELD('m', 'd', "mcp-session-id", HTTP1_F_MCP_SESSION_ID),
	FIELD('o', 'n', "origin", HTTP1_F_ORIGIN),
	FIELD('p', 'e', "proxy-authenticate", HTTP1_F_PROXY_AUTHENTICATE),
	FIELD('p', 'n', "proxy-authorization", HTTP1_F_PROXY_AUTHORIZATION),
	FIELD('p', 'n', "proxy-connection", HTTP1_F_PROXY_CONNECTION),
	FIELD('t', 'e', "te", HTTP1_F_TE),
	FIELD('t', 'r', "trailer", HTTP1_F_TRAILER),
	FIELD('t', 'g', "transfer-encoding", HTTP1_F_TRANSFER_ENCODING),
	FIELD('u', 'e', "upgrade", HTTP1_F_UPGRADE),
	FIELD('u', 't', "user-agent", HTTP1_F_USER_AGENT),
	FIELD('w', 'e', "www-authenticate", HTTP1_F_WWW_AUTHENTICATE),
};

static const uint8_t known_flags[HTTP1_F_COUNT] = {
	[HTTP1_F_AUTHORIZATION] = HTTP1_SINGLE,
	[HTTP1_F_CONNECTION] = HTTP1_HOP,
	[HTTP1_F_CONTENT_LENGTH] = HTTP1_SINGLE | HTTP1_OURS,
	[HTTP1_F_CONTENT_TYPE] = HTTP1_SINGLE,
	[HTTP1_F_EXPECT] = HTTP1_SINGLE | HTTP1_OURS,
	[HTTP1_F_HOST] = HTTP1_SINGLE | HTTP1_OURS,
	[HTTP1_F_HTTP2_SETTINGS] = HTTP1_HOP,
	[HTTP1_F_KEEP_ALIVE] = HTTP1_HOP,
	[HTTP1_F_LAST_EVENT_ID] = HTTP1_SINGLE,
	[HTTP1_F_LOCATION] = HTTP1_SINGLE,
	[HTTP1_F_MCP_METHOD] = HTTP1_SINGLE,
	[HTTP1_F_MCP_NAME] = HTTP1_SINGLE,
	[HTTP1_F_MCP_PROTOCOL_VERSION] = HTTP1_SINGLE,
	[HTTP1_F_MCP_SESSION_ID] = HTTP1_SINGLE,
	[HTTP1_F_ORIGIN] = HTTP1_SINGLE,
	[HTTP1_F_PROXY_AUTHENTICATE] = HTTP1_HOP,
	[HTTP1_F_PROXY_AUTHORIZATION] = HTTP1_SINGLE | HTTP1_HOP,
	[HTTP1_F_PROXY_CONNECTION] = HTTP1_HOP,
	[HTTP1_F_TE] = HTTP1_HOP,
	[HTTP1_F_TRAILER] = HTTP1_HOP,
	[HTTP1_F_TRANSFER_ENCODING] = HTTP1_SINGLE | HTTP1_HOP | HTTP1_OURS,
	[HTTP1_F_UPGRADE] = HTTP1_HOP,
};

static const struct known_field *known_field(struct span name)
{
	const struct known_field *f;

	if (!name.n)
		return NULL;
	f = &known_fields[SLOT((unsigned int)name.n, (uint8_t)http1_lower(name.p[0]),
			       (uint8_t)http1_lower(name.p[name.n - 1]))];
	return f->name && http1_span_is_name(name, f->name, f->n) ? f : NULL;
}

enum http1_known http1_known_find(struct span name)
{
	const struct known_field *f = known_field(name);

	return f ? (enum http1_known)f->known : HTTP1_F_OTHER;
}

unsigned int http1_known_flags(enum http1_known known)
{
	return known_flags[known];
}

/*
 * Gateways in the CGI tradition turn '-' into '_', after which Content_Length is
 * Content-Length to them and was not to us.
 */
static bool is_disguised(struct span name)
{
	char dashed[24];

	if (name.n >= sizeof(dashed) || !memchr(name.p, '_', name.n))
		return false;
	for (size_t i = 0; i < name.n; i++)
		dashed[i] = name.p[i] == '_' ? '-' : name.p[i];
	return known_field(span_bytes(dashed, name.n)) != NULL;
}

const char *http1_head_add_field(struct http1_head *h, const char *base, struct http1_field f)
{
	struct span name = span_bytes(base + f.name.at, f.name.n);
	const struct known_field *k = known_field(name);

	if (!k && is_disguised(name))
		return "a field name with '_' in place of '-'";
	if (k && (known_flags[k->known] & HTTP1_SINGLE) && h->first[k->known])
		return k->known == HTTP1_F_HOST             ? "more than one Host"
		       : k->known == HTTP1_F_CONTENT_LENGTH ? "more than one Content-Length"
		       : k->known == HTTP1_F_TRANSFER_ENCODING
			       ? "more than one Transfer-Encoding"
			       : "a field twice that may occur once";
	h->fields[h->n_fields] = f;
	h->known[h->n_fields] = k ? k->known : HTTP1_F_OTHER;
	h->n_fields++;
	if (k && !h->first[k->known])
		h->first[k->known] = (uint8_t)h->n_fields;
	return NULL;
}

/*
 * A tab is white space to some readers and part of the value to others, so the
 * fields that decide where a message ends and whom it is for may have none.
 */
static bool has_tab_around(const struct http1_head *h, enum http1_known known)
{
	const struct http1_field *f;
	const char *p = (const char *)h->bytes.data;
	size_t from, to;

	if (!http1_head_has(h, known))
		return false;
	f = &h->fields[h->first[known] - 1u];
	from = (size_t)f->name.at + f->name.n + 1;
	for (to = from; p[to] != '\r'; to++)
		if (p[to] == '\t')
			return true;
	return false;
}

/* RFC 9110 §8.6, less leading zeros, which some read as octal. */
static bool read_length(struct span text, uint64_t *ret_length)
{
	uint64_t v = 0;

	if (!text.n || text.n > 18 || (text.n > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (!http1_is(text.p[i], HTTP1_C_DIGIT))
			return false;
		v = v * 10 + (uint64_t)(text.p[i] - '0');
	}
	*ret_length = v;
	return true;
}

/* Which of the framing fields there are, and that they can be read one way only. */
static const char *settle_framing(struct http1_head *h)
{
	bool has_length = http1_head_has(h, HTTP1_F_CONTENT_LENGTH);
	struct span te = http1_head_known(h, HTTP1_F_TRANSFER_ENCODING);

	if (has_tab_around(h, HTTP1_F_CONTENT_LENGTH) ||
	    has_tab_around(h, HTTP1_F_TRANSFER_ENCODING))
		return "a tab in a framing field";
	if (has_length &&
	    !read_length(http1_head_known(h, HTTP1_F_CONTENT_LENGTH), &h->content_length))
		return "Content-Length is not one plain number";
	if (http1_head_has(h, HTTP1_F_TRANSFER_ENCODING)) {
		if (has_length)
			return "both Content-Length and Transfer-Encoding";
		if (h->minor == 0)
			return "Transfer-Encoding in HTTP/1.0";
		/* Clients all write it so; servers have been seen to capitalise it. */
		if (!span_equals(te, "chunked") &&
		    !(h->is_response && http1_span_is_name(te, "chunked", 7)))
			return "a Transfer-Encoding other than chunked";
		h->framing = HTTP1_FRAMING_CHUNKED;
	} else if (has_length) {
		h->framing = HTTP1_FRAMING_LENGTH;
	}
	return NULL;
}

/*
 * Connection lists fields that a relay drops. One that names a field with a meaning
 * would make a relay drop what was judged (RFC 9110 §7.6.1 forbids it to senders).
 */
static const char *settle_connection(struct http1_head *h)
{
	bool closes = false;

	for (size_t i = 0; i < h->n_fields; i++) {
		struct span list = http1_head_value(h, i), option;

		if (h->known[i] != HTTP1_F_CONNECTION)
			continue;
		while (http1_list_next(&list, &option)) {
			unsigned int known = http1_known_find(option);
			bool is_close = http1_span_is_name(option, "close", 5);

			if (!http1_span_is_class(option, HTTP1_C_TOKEN))
				return "a Connection option that is no token";
			if (known && (known_flags[known] & (HTTP1_HOP | HTTP1_OURS)) != HTTP1_HOP)
				return "Connection names a field that must not be dropped";
			closes = closes || is_close;
			h->drops_fields = h->drops_fields || (!known && !is_close && option.n);
		}
	}
	h->keep_alive = h->minor == 1 && !closes;
	return NULL;
}

static int settle_request(struct http1_head *h, struct http1_refusal *ret)
{
	struct span expect = http1_head_known(h, HTTP1_F_EXPECT);

	if (h->minor == 1 && !http1_head_has(h, HTTP1_F_HOST))
		return http1_refuse(ret, 400, "no Host");
	if (has_tab_around(h, HTTP1_F_HOST))
		return http1_refuse(ret, 400, "a tab in Host");
	if (h->method == HTTP1_CONNECT &&
	    (h->framing == HTTP1_FRAMING_CHUNKED || h->content_length))
		return http1_refuse(ret, 400, "CONNECT with a body");
	if (http1_head_has(h, HTTP1_F_EXPECT) && h->minor == 1) {
		if (!http1_span_is_name(expect, "100-continue", 12))
			return http1_refuse(ret, 417, "an expectation other than 100-continue");
		h->expects_continue = true;
	}
	return 0;
}

/* RFC 9112 §6.3, cases 1, 2, 4, 6 and 8. */
static void settle_response(struct http1_head *h)
{
	bool has_none =
		h->method == HTTP1_HEAD || h->status < 200 || h->status == 204 || h->status == 304;
	bool is_tunnel = h->method == HTTP1_CONNECT && h->status >= 200 && h->status < 300;

	if (h->framing == HTTP1_FRAMING_NONE && !has_none && !is_tunnel)
		h->framing = HTTP1_FRAMING_CLOSE;
	/* A server that frames a body where none may be could go on to send it. */
	if (h->framing == HTTP1_FRAMING_CLOSE || is_tunnel || h->status == 101 ||
	    ((h->status < 200 || h->status == 204) &&
	     (h->framing == HTTP1_FRAMING_CHUNKED || h->content_length)))
		h->keep_alive = false;
	if (has_none || is_tunnel)
		h->framing = HTTP1_FRAMING_NONE;
}

int http1_head_settle(struct http1_head *h, struct http1_refusal *ret_refusal)
{
	const char *why = settle_framing(h);

	if (!why)
		why = settle_connection(h);
	if (why)
		return http1_refuse(ret_refusal, h->is_response ? 502 : 400, why);
	if (!h->is_response)
		return settle_request(h, ret_refusal);
	settle_response(h);
	return 0;
}
