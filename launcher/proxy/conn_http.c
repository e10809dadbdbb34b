// SPDX-License-Identifier: Apache-2.0
/*
 * The two states in which a request is read: its head, which decides where it may go,
 * and, of one for an MCP server, its body, which is read whole before anything else
 * happens. A request that is refused is answered with one status and one sentence; unless
 * it certainly ended with its head, the connection closes behind the answer.
 */
#include "proxy/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "proxy/egress.h"
#include "proxy/exchange.h"

#define LINE_BYTES 512

bool conn_may_read(struct conn *c)
{
	if (c->turn_bytes < CONN_TURN_BYTES)
		return true;
	loop_again(c->conns->loop, &c->source);
	return false;
}

ssize_t conn_read(struct conn *c)
{
	void *room;
	ssize_t n;

	if (!conn_may_read(c))
		return -EAGAIN;
	room = buf_reserve(&c->in, CONN_READ_BYTES);
	if (!room)
		return -EMSGSIZE;
	n = stream_read(&c->stream, room, CONN_READ_BYTES);
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		c->turn_bytes += (size_t)n;
	}
	return n;
}

unsigned conn_answer_flags(const struct conn *c)
{
	return (c->head.keep_alive && !c->close ? 0 : HTTP1_CLOSE) |
	       (c->head.method == HTTP1_HEAD ? HTTP1_HEAD_ONLY : 0);
}

/* A head that was not read to its end has no parts yet: its first bytes as they came. */
static struct span raw_line(const struct conn *c)
{
	size_t n = 0;

	while (n < c->in.len && n < LINE_BYTES - 1 && c->in.data[n] != '\r' &&
	       c->in.data[n] != '\n')
		n++;
	return span_bytes(c->in.data, n);
}

/* "POST /mcp", for a person; the query is left out, it may hold secrets. */
static void request_line(const struct conn *c, char *ret, size_t size)
{
	struct span method = http1_head_span(&c->head, c->head.method_text);
	struct span target = method.n ? http1_head_span(&c->head, c->head.target) : raw_line(c);
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;
	size_t n = query ? (size_t)(query - target.p) : target.n;

	snprintf(ret, size, "%.*s%s%.*s", (int)(method.n < 32 ? method.n : 32),
		 method.n ? method.p : "", method.n ? " " : "", (int)(n < 400 ? n : 400),
		 n ? target.p : "");
}

void conn_record_refusal(struct conn *c, unsigned status, const char *rule, const char *text)
{
	const char *host = c->named.host[0]                     ? c->named.host
			   : c->stream.ssl && c->stream.has_sni ? c->stream.name
								: c->dns_name;
	char line[LINE_BYTES];

	c->is_accounted = true;
	request_line(c, line, sizeof(line));
	log_decision("denied: %s on %s: %u: %s", line, host ? host : c->address, status, text);
	recorder_event(c->conns->recorder,
		       &(struct msg_event){
			       .kind = EVENT_NET_DENIED,
			       .conn = c->id,
			       .protocol = span_of(c->head.method == HTTP1_CONNECT ? "connect"
						   : c->stream.ssl                 ? "https"
										   : "http"),
			       .host = span_of(host),
			       .address = span_of(c->address),
			       .port = c->named.host[0] ? c->named.port : c->port,
			       .status = status,
			       .rule = span_of(rule),
			       .reason = span_of(text),
			       .detail = span_of(line),
			       .exec = conn_exec(c),
		       });
}

static bool has_body(const struct http1_head *head)
{
	return head->framing == HTTP1_FRAMING_CHUNKED ||
	       (head->framing == HTTP1_FRAMING_LENGTH && head->content_length);
}

enum conn_step conn_refuse(struct conn *c, unsigned status, const char *rule, const char *text)
{
	conn_record_refusal(c, status, rule, text);
	if (status < 403 || has_body(&c->head) || !c->head.keep_alive)
		c->close = true;
	if (http1_write_error(&c->out, status, text, conn_answer_flags(c)))
		return CONN_END;
	conn_enter(c, CONN_FLUSH, CONN_WRITE_MS);
	return CONN_AGAIN;
}

enum conn_step conn_refuse_head(struct conn *c, unsigned status, const char *text)
{
	/* What was read of it is no head: its parts point to bytes that it does not have. */
	http1_head_reset(&c->head);
	c->close = true;
	return conn_refuse(c, status, "", text);
}

/* For what is not framed beyond doubt: nothing behind it may be read as a request. */
static enum conn_step refuse_and_close(struct conn *c, const struct http1_refusal *refusal)
{
	c->close = true;
	return conn_refuse(c, refusal->status, "", refusal->text);
}

/* --- CONNECT ---------------------------------------------------------------------- */

static enum conn_step open_tunnel(struct conn *c)
{
	struct http1_refusal refusal = {400, ""};
	struct http1_out nothing = {.framing = HTTP1_FRAMING_NONE};
	char text[ROUTE_TEXT_MAX];

	if (http1_request_authority(&c->head, HTTPS_PORT, &c->named, &refusal))
		return refuse_and_close(c, &refusal);
	c->close = true;
	if (c->stream.ssl || c->has_tunnel)
		return conn_refuse(c, 403, "/default", "CONNECT inside another tunnel is refused");
	if (has_body(&c->head))
		return conn_refuse(c, 400, "", "a CONNECT request has no body");
	/* An unlisted host is let in too, as far as its answer: a TLS client then reads the 403. */
	c->close = false;
	c->tunnel = c->named;
	c->has_tunnel = true;
	c->opens_tunnel = true;
	c->is_accounted = false; /* what is meant is the request inside, if one comes */
	snprintf(text, sizeof(text), "CONNECT %s:%u", c->tunnel.host, c->tunnel.port);
	log_protocol("conn %llu: %s", (unsigned long long)c->id, text);
	if (http1_write_response_head(&c->out, 200, &nothing))
		return CONN_END;
	conn_enter(c, CONN_FLUSH, CONN_WRITE_MS);
	return CONN_AGAIN;
}

/* --- heads ------------------------------------------------------------------------- */

static bool contains(struct span text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.n; i++)
		if (!strncasecmp(text.p + i, word, n))
			return true;
	return false;
}

/* UTF-8 is JSON's only encoding: RFC 8259 §8.1. */
static bool is_json(const struct http1_head *head)
{
	struct span type = http1_head_known(head, HTTP1_F_CONTENT_TYPE);

	return http1_media_type_is(type, "application/json") && http1_charset_is_utf8(type);
}

/* What an MCP endpoint takes. Return: NULL, or why not, with @ret_status. */
static const char *object_to_mcp(const struct conn *c, unsigned *ret_status)
{
	const struct http1_head *head = &c->head;

	*ret_status = 400;
	if (head->method != HTTP1_POST && has_body(head))
		return "only a POST to an MCP endpoint has a body";
	if (head->method == HTTP1_POST && head->framing == HTTP1_FRAMING_NONE) {
		*ret_status = 411;
		return "a POST to an MCP endpoint needs a body with a Content-Length or chunks";
	}
	*ret_status = 415;
	if (http1_head_has(head, HTTP1_F_CONTENT_ENCODING))
		return "an encoded body cannot be judged: send it without Content-Encoding";
	if (head->method == HTTP1_POST && !is_json(head))
		return "a POST to an MCP endpoint is application/json in UTF-8";
	*ret_status = 403;
	if (head->method == HTTP1_GET &&
	    !contains(http1_head_known(head, HTTP1_F_ACCEPT), "text/event-stream"))
		return "rule /server/url: GET on an MCP endpoint only opens an event stream "
		       "(Accept: "
		       "text/event-stream)";
	return NULL;
}

static enum conn_step begin_body(struct conn *c)
{
	struct http1_refusal refusal = {400, ""};

	buf_clear(&c->body_bytes);
	if (http1_body_begin(&c->body, &c->head, CONN_BODY_MAX, &refusal))
		return refuse_and_close(c, &refusal);
	if (c->head.expects_continue && !c->in.len && has_body(&c->head)) {
		if (http1_write_continue(&c->out))
			return CONN_END;
		conn_push(c);
	}
	conn_enter(c, CONN_BODY, CONN_BODY_MS);
	return CONN_AGAIN;
}

static enum conn_step on_mcp_head(struct conn *c)
{
	unsigned status;
	const char *objection = object_to_mcp(c, &status);

	if (objection)
		return conn_refuse(c, status, status == 403 ? "/server/url" : "", objection);
	return begin_body(c);
}

static enum conn_step on_head(struct conn *c)
{
	struct route_channel channel = {
		.tls = c->stream.ssl,
		.tls_name = c->stream.name,
		.tunnel = c->has_tunnel ? &c->tunnel : NULL,
		.port = c->port,
	};
	struct route route;

	c->in_head = false;
	if (c->head.method == HTTP1_CONNECT)
		return open_tunnel(c);
	c->is_accounted = true;
	c->policy = c->conns->policy;
	c->policy_number = c->conns->policy_number;
	route_request(c->policy, &channel, &c->head, &route);
	c->named = route.authority;
	c->server = route.server;
	switch (route.kind) {
	case ROUTE_MCP:
		return on_mcp_head(c);
	case ROUTE_EGRESS:
		egress_start(c, &route.egress, &route.decision);
		return c->state == CONN_EXCHANGE ? CONN_WAIT : CONN_AGAIN;
	case ROUTE_REFUSE:
		break;
	}
	if (route.status == 421)
		c->close = true;
	return conn_refuse(c, route.status, route.rule, route.text);
}

/* The end of the stream, or an error of the socket, where a head should be. */
static enum conn_step head_ended(struct conn *c)
{
	if (!c->in.len)
		return CONN_END;
	/* For the record, even if nobody is left to read the answer. */
	return conn_refuse_head(c, 400, "the request ends within its head");
}

enum conn_step conn_step_head(struct conn *c)
{
	struct http1_refusal refusal = {400, ""};
	ssize_t n = c->in.len ? 0 : PARSE_MORE;

	for (;;) {
		if (c->in.len && !c->in_head) {
			c->in_head = true;
			c->named.host[0] = '\0';
			conn_enter(c, CONN_HEAD, CONN_HEAD_MS);
		}
		if (c->in.len)
			n = http1_read_request(&c->head, &c->in, &refusal);
		if (n == PARSE_BAD)
			return conn_refuse_head(c, refusal.status, refusal.text);
		if (n != PARSE_MORE)
			return on_head(c);
		n = conn_read(c);
		if (n == -EAGAIN)
			return CONN_WAIT;
		if (n <= 0)
			return head_ended(c);
	}
}

/* --- bodies ------------------------------------------------------------------------- */

static enum conn_step on_body_whole(struct conn *c)
{
	exchange_start(c);
	return c->state == CONN_EXCHANGE ? CONN_WAIT : CONN_AGAIN;
}

enum conn_step conn_step_body(struct conn *c)
{
	struct http1_refusal refusal = {400, ""};

	for (;;) {
		size_t bytes = 0;
		ssize_t n;

		switch (http1_body_next(&c->body, &c->in, &bytes, &refusal)) {
		case HTTP1_BODY_BAD:
			return refuse_and_close(c, &refusal);
		case HTTP1_BODY_END:
			return on_body_whole(c);
		case HTTP1_BODY_DATA:
			if (buf_append(&c->body_bytes, c->in.data, bytes))
				return CONN_END;
			http1_body_take(&c->body, &c->in, bytes);
			continue;
		case HTTP1_BODY_MORE:
			break;
		}
		n = conn_read(c);
		if (n == -EAGAIN)
			return CONN_WAIT;
		if (n <= 0)
			return refuse_and_close(
				c,
				&(struct http1_refusal){400, "the request ends within its body"});
	}
}
