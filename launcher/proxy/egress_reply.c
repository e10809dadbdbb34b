// SPDX-License-Identifier: Apache-2.0
/*
 * The answer goes to the agent as it comes, each piece at once, with a head of our own
 * making: fields of one connection stay on it, and no other place to reach the host is named.
 * It may begin before the request has been sent; then the connections end with it, unless
 * the rest of the request went through meanwhile.
 */
#include "egress_internal.h"

#include <errno.h>
#include <strings.h>

#include "base/log.h"

/* Another way to the host, around us (RFC 7838). */
static const char *const dropped[] = {"alt-svc", NULL};

/* --- its end ---------------------------------------------------------------------------- */

static void finish(struct egress *x)
{
	struct conn *c = x->conn;
	bool sent = x->queued_all && !x->queue.len && !x->gave_up;
	bool reusable = sent && x->reply.keep_alive;

	if (x->chunked_down && http1_write_last_chunk(&c->out)) {
		conn_abort(c);
		return;
	}
	if (!x->body_read)
		c->close = true;
	upstream_release(
		&x->user, reusable,
		reusable ? upstream_keep_alive_ms(http1_head_known(&x->reply, HTTP1_F_KEEP_ALIVE))
			 : 0);
	conn_finish_answer(c);
}

/* --- its body ----------------------------------------------------------------------------- */

/* Return: 0; -errno */
static int pass_on(struct egress *x, size_t bytes)
{
	struct conn *c = x->conn;
	struct buf *in = &x->user.upstream->in;
	int r = x->chunked_down ? http1_write_chunk(&c->out, in->data, bytes)
				: buf_append(&c->out, in->data, bytes);

	if (r)
		return r;
	http1_body_take(&x->reply_body, in, bytes);
	return 0;
}

/* The end of what the host sends, where its body's end may be, or not. */
static void on_closed(struct egress *x, ssize_t n)
{
	if (n < 0 || x->user.upstream->stream.truncated || http1_body_close(&x->reply_body))
		egress_fail(x, 502, "the host's answer was cut short");
	else
		finish(x);
}

static void receive_body(struct egress *x)
{
	struct upstream *u = x->user.upstream;
	struct http1_refusal refusal = {502, ""};
	size_t turn_bytes = 0;

	for (;;) {
		size_t bytes = 0;
		ssize_t n;

		switch (http1_body_next(&x->reply_body, &u->in, &bytes, &refusal)) {
		case HTTP1_BODY_BAD:
			egress_fail(x, 502, refusal.text);
			return;
		case HTTP1_BODY_END:
			finish(x);
			return;
		case HTTP1_BODY_DATA:
			if (pass_on(x, bytes)) {
				egress_fail(x, 502, "out of memory for the answer");
				return;
			}
			continue;
		case HTTP1_BODY_MORE:
			break;
		}
		/* What came in one read goes in one write, however small its chunks. */
		x->paused = conn_push(x->conn) > EGRESS_UNREAD_MAX;
		if (x->paused)
			return;
		if (turn_bytes >= CONN_TURN_BYTES) {
			loop_again(u->pool->loop, &u->source);
			return;
		}
		n = upstream_read(u);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			on_closed(x, n);
			return;
		}
		turn_bytes += (size_t)n;
		egress_extend(x, EGRESS_ANSWER_MS);
	}
}

/* --- its head ----------------------------------------------------------------------------- */

static void choose_framing(struct egress *x, struct http1_out *o)
{
	struct conn *c = x->conn;
	const struct http1_head *reply = &x->reply;

	switch (reply->framing) {
	case HTTP1_FRAMING_NONE:
		/* To HEAD, the length that a GET would have had. */
		if (c->head.method == HTTP1_HEAD && http1_head_has(reply, HTTP1_F_CONTENT_LENGTH)) {
			o->framing = HTTP1_FRAMING_LENGTH;
			o->content_length = reply->content_length;
		}
		return;
	case HTTP1_FRAMING_LENGTH:
		o->framing = HTTP1_FRAMING_LENGTH;
		o->content_length = reply->content_length;
		return;
	case HTTP1_FRAMING_CHUNKED:
	case HTTP1_FRAMING_CLOSE:
		break;
	}
	x->chunked_down = c->head.minor;
	o->framing = x->chunked_down ? HTTP1_FRAMING_CHUNKED : HTTP1_FRAMING_CLOSE;
	if (!x->chunked_down)
		c->close = true;
}

static void begin_answer(struct egress *x)
{
	struct conn *c = x->conn;
	struct http1_refusal refusal = {502, ""};
	struct http1_out o = {.relayed = &x->reply, .dropped = dropped};

	if (!x->body_read)
		c->close = true;
	choose_framing(x, &o);
	o.close = conn_answer_flags(c) & HTTP1_CLOSE;
	if (http1_body_begin(&x->reply_body, &x->reply, UINT64_MAX, &refusal) ||
	    http1_write_response_head(&c->out, x->reply.status, &o)) {
		egress_fail(x, 502, "the host's answer cannot be passed on");
		return;
	}
	log_protocol("conn %llu: ← %u of %s", (unsigned long long)c->id, x->reply.status,
		     x->ask.host);
	x->answering = true;
	receive_body(x);
}

/* 101 to what asked for it: from here on the bytes are not HTTP. */
static void begin_websocket(struct egress *x)
{
	static const struct http1_pair upgrade[] = {
		{"Connection", {"Upgrade", 7}},
		{"Upgrade", {"websocket", 9}},
	};
	struct conn *c = x->conn;
	struct http1_out o = {
		.relayed = &x->reply,
		.dropped = dropped,
		.fields = upgrade,
		.n_fields = 2,
	};
	struct span protocol = http1_head_known(&x->reply, HTTP1_F_UPGRADE);

	if (!x->ask.websocket || protocol.n != 9 || strncasecmp(protocol.p, "websocket", 9) != 0 ||
	    http1_write_response_head(&c->out, 101, &o)) {
		egress_fail(x, 502, "the host switches to a protocol that was not asked for");
		return;
	}
	x->answering = true;
	x->state = EGRESS_SPLICE;
	splice_init(&x->splice, c, x->user.upstream);
	egress_run_splice(x);
}

static void on_head(struct egress *x)
{
	if (x->reply.status == 101)
		begin_websocket(x);
	else
		begin_answer(x);
}

static void receive_head(struct egress *x)
{
	struct upstream *u = x->user.upstream;
	struct http1_refusal refusal = {502, ""};

	for (;;) {
		ssize_t n = u->in.len ? http1_read_response(&x->reply, &u->in, x->conn->head.method,
							    &refusal)
				      : PARSE_MORE;

		if (n == PARSE_BAD) {
			egress_fail(x, 502, refusal.text);
			return;
		}
		if (n >= 0 && (x->reply.status >= 200 || x->reply.status == 101)) {
			on_head(x);
			return;
		}
		if (n >= 0 && ++x->interims > EGRESS_INTERIM_MAX) {
			egress_fail(x, 502,
				    "the host does not come to its answer: too many interim ones");
			return;
		}
		if (n >= 0)
			continue;
		n = upstream_read(u);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			egress_fail(x, 502, "the host closed the connection before it answered");
			return;
		}
	}
}

void egress_receive(struct egress *x)
{
	if (x->answering)
		receive_body(x);
	else
		receive_head(x);
}
