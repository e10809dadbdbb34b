// SPDX-License-Identifier: Apache-2.0
/*
 * A request on its way: held until it can be judged, or until its beginning is known to be
 * framed; then recorded; then sent, with a head written anew, and framing of our own. What
 * the host receives is therefore one request, whatever the agent's bytes looked like.
 */
#include "egress_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* --- judging -------------------------------------------------------------------------- */

/* Return: whether the body may leave; if not, @x is gone */
static bool judge_body(struct egress *x)
{
	struct conn *c = x->conn;
	struct policy_egress_decision decision;

	egress_judge_body(c->conns->policy, &c->head, &x->ask,
			  span_bytes(c->body_bytes.data, c->body_bytes.len), &decision);
	if (decision.verdict == VERDICT_ALLOW)
		return true;
	egress_refuse(x, 403, decision.rule, decision.reason);
	return false;
}

/* --- the record ------------------------------------------------------------------------ */

static void record(const struct egress *x)
{
	struct conn *c = x->conn;
	struct span method = http1_head_span(&c->head, c->head.method_text);
	char line[512];

	snprintf(line, sizeof(line), "%.*s %.400s", (int)(method.n < 32 ? method.n : 32), method.p,
		 x->ask.path);
	log_decision("allowed: %s on %s:%u", line, x->ask.host, x->ask.port);
	recorder_event(c->conns->recorder,
		       &(struct msg_event){
			       .kind = EVENT_EGRESS_ALLOWED,
			       .conn = c->id,
			       .protocol = span_of(x->ask.websocket ? "websocket"
						   : x->ask.plain   ? "http"
								    : "https"),
			       .host = span_of(x->ask.host),
			       .address = span_of(c->address),
			       .port = x->ask.port,
			       .rule = span_of(x->decision.rule),
			       .detail = span_of(line),
			       .exec = conn_exec(c),
		       });
}

/* --- the head -------------------------------------------------------------------------- */

static int write_target(const struct egress *x, struct buf *out)
{
	const struct http1_head *head = &x->conn->head;
	struct span query = http1_head_span(head, head->query);
	int r = buf_puts(out, x->ask.path);

	if (!r && head->has_query)
		r = buf_puts(out, "?");
	if (!r && query.n)
		r = buf_append(out, query.p, query.n);
	return r ? r : buf_append(out, "", 1);
}

static int write_head(struct egress *x)
{
	static const struct http1_pair upgrade[] = {
		{"Connection", {"Upgrade", 7}},
		{"Upgrade", {"websocket", 9}},
	};
	const struct http1_head *head = &x->conn->head;
	autobuf struct buf target = BUF_INIT(HTTP1_HEAD_MAX + HTTP1_PATH_MAX);
	struct http1_authority to = {.port = x->ask.port};
	struct http1_out o = {
		.relayed = head,
		.dropped = egress_dropped_fields,
		.fields = upgrade,
		.n_fields = x->ask.websocket ? 2 : 0,
	};
	char host[HTTP1_HOST_MAX + 16], method[64];
	int r;

	/* What is whole is sent with its length, which every server understands. */
	x->chunked_up = head->framing == HTTP1_FRAMING_CHUNKED && !x->body_read;
	if (x->chunked_up) {
		o.framing = HTTP1_FRAMING_CHUNKED;
	} else if (head->framing != HTTP1_FRAMING_NONE) {
		o.framing = HTTP1_FRAMING_LENGTH;
		o.content_length = head->framing == HTTP1_FRAMING_LENGTH ? head->content_length
									 : x->conn->body.taken;
	}
	snprintf(to.host, sizeof(to.host), "%s", x->ask.host);
	to.kind = strchr(to.host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	r = http1_authority_format(&to, x->ask.plain ? HTTP_PORT : HTTPS_PORT, host, sizeof(host));
	if (!r)
		r = write_target(x, &target);
	if (!r && !span_copy(http1_head_span(head, head->method_text), method, sizeof(method)))
		r = -EINVAL;
	return r ? r
		 : http1_write_request_head(&x->queue, method, (const char *)target.data, host, &o);
}

static void forward(struct egress *x)
{
	if (conn_is_gone(x->conn)) {
		conn_abort(x->conn);
		return;
	}
	record(x);
	if (write_head(x))
		egress_fail(x, 502, "the request could not be written anew");
	else
		egress_connect(x, true);
}

/* --- the body, before anything is sent ---------------------------------------------------- */

/* Return: whether it was kept; if not, @x is gone */
static bool keep(struct egress *x, size_t bytes)
{
	struct conn *c = x->conn;
	struct conns *conns = c->conns;
	int r = buf_append(&c->body_bytes, c->in.data, bytes);

	if (!r && x->decision.judges_body) {
		conns->bodies_held += c->body_bytes.cap - x->held;
		x->held = c->body_bytes.cap;
	}
	if (r || conns->bodies_held > EGRESS_BODIES_MAX) {
		egress_refuse(x, 503, "",
			      "too many bodies are held at once to be judged: try again");
		return false;
	}
	http1_body_take(&c->body, &c->in, bytes);
	egress_extend(x, CONN_BODY_MS);
	return true;
}

static void on_collected(struct egress *x)
{
	if (!x->decision.judges_body || judge_body(x))
		forward(x);
}

void egress_collect(struct egress *x)
{
	struct conn *c = x->conn;
	struct http1_refusal refusal = {400, ""};

	for (;;) {
		size_t bytes = 0;
		ssize_t n;

		switch (http1_body_next(&c->body, &c->in, &bytes, &refusal)) {
		case HTTP1_BODY_BAD:
			if (refusal.status == 413)
				egress_refuse_size(x);
			else
				egress_refuse(x, refusal.status, "", refusal.text);
			return;
		case HTTP1_BODY_END:
			x->body_read = true;
			on_collected(x);
			return;
		case HTTP1_BODY_DATA:
			if (!keep(x, bytes))
				return;
			if (!x->decision.judges_body && c->body_bytes.len >= EGRESS_AHEAD_MAX) {
				on_collected(x);
				return;
			}
			continue;
		case HTTP1_BODY_MORE:
			break;
		}
		n = conn_read(c);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			egress_refuse(x, 400, "", "the request ends within its body");
			return;
		}
	}
}

/* --- sending --------------------------------------------------------------------------- */

/* The next bytes of the body, in our framing. Return: 0; -errno */
static int enqueue(struct egress *x, const void *bytes, size_t n)
{
	return x->chunked_up ? http1_write_chunk(&x->queue, bytes, n)
			     : buf_append(&x->queue, bytes, n);
}

static int enqueue_held(struct egress *x)
{
	struct buf *held = &x->conn->body_bytes;
	size_t n = held->len < EGRESS_PIECE_BYTES ? held->len : EGRESS_PIECE_BYTES;
	int r = enqueue(x, held->data, n);

	buf_consume(held, n);
	if (!held->len)
		egress_release_body(x);
	return r;
}

/* Straight from the agent. Return: 0 if something happened; -EAGAIN; -errno, and @x is gone */
static int enqueue_fresh(struct egress *x)
{
	struct conn *c = x->conn;
	struct http1_refusal refusal = {400, ""};
	size_t bytes = 0;
	ssize_t n;
	int r;

	switch (http1_body_next(&c->body, &c->in, &bytes, &refusal)) {
	case HTTP1_BODY_BAD:
		egress_refuse(x, refusal.status, "", refusal.text);
		return -EPROTO;
	case HTTP1_BODY_END:
		x->body_read = true;
		return 0;
	case HTTP1_BODY_DATA:
		bytes = bytes < EGRESS_PIECE_BYTES ? bytes : EGRESS_PIECE_BYTES;
		r = enqueue(x, c->in.data, bytes);
		if (r) {
			egress_fail(x, 502, "out of memory for the request");
			return r;
		}
		http1_body_take(&c->body, &c->in, bytes);
		return 0;
	case HTTP1_BODY_MORE:
		break;
	}
	n = conn_read(c);
	if (n > 0)
		return 0;
	if (n == -EAGAIN)
		return -EAGAIN;
	egress_refuse(x, 400, "", "the request ends within its body");
	return -EPIPE;
}

/* More into the queue. Return: as enqueue_fresh() */
static int enqueue_more(struct egress *x)
{
	int r = 0;

	if (x->conn->body_bytes.len) {
		r = enqueue_held(x);
	} else if (x->body_read) {
		x->queued_all = true;
		r = x->chunked_up ? http1_write_last_chunk(&x->queue) : 0;
	} else {
		return enqueue_fresh(x);
	}
	if (r)
		egress_fail(x, 502, "out of memory for the request");
	return r;
}

/*
 * The pool's race (the server closed an idle connection as it was being used again) is run
 * once more, if not a byte was taken. Else the server may have answered before it stopped
 * listening: what it says is passed on, and the rest of the request dropped.
 */
static bool on_send_failed(struct egress *x)
{
	struct upstream *u = x->user.upstream;

	if (u->reused && !x->retried && u->stream.sent == x->sent_before) {
		x->retried = true;
		upstream_release(&x->user, false, 0);
		egress_connect(x, false);
		return false;
	}
	x->gave_up = true;
	buf_free(&x->queue);
	egress_release_body(x);
	egress_extend(x, EGRESS_SEND_MS);
	return true;
}

bool egress_send(struct egress *x)
{
	while (!x->gave_up) {
		int r;

		while (x->queue.len) {
			ssize_t n = stream_write(&x->user.upstream->stream, x->queue.data,
						 x->queue.len);

			if (n == -EAGAIN)
				return true;
			if (n < 0)
				return on_send_failed(x);
			buf_consume(&x->queue, (size_t)n);
			egress_extend(x, x->queued_all ? EGRESS_ANSWER_MS : EGRESS_SEND_MS);
		}
		if (x->queued_all)
			break;
		r = enqueue_more(x);
		if (r == -EAGAIN)
			return true;
		if (r)
			return false;
		if (x->queued_all)
			egress_extend(x, EGRESS_ANSWER_MS);
	}
	return true;
}
