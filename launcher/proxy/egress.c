// SPDX-License-Identifier: Apache-2.0
/*
 * Theory of operation. The head was judged before there is an exchange. Then
 *   COLLECT   reads the body: all of it if it is judged, else enough to know that a short one
 *             is framed. No connection is asked for, so nothing can leave.
 *   between   the body is judged and the request recorded, in this order and once. What is
 *             refused here was never more than bytes in memory.
 *   CONNECT   waits for a connection to the host that was judged; the pool keeps them apart
 *             by host, port and whether there is TLS.
 *   RELAY     sends what was judged, and passes the answer on. A connection is used again
 *             only if all of the request went out on it and all of the answer came: whatever
 *             is left of either would be taken for the beginning of the next.
 *   SPLICE    relays bytes, and only behind a 101 to a request that was allowed to ask for it.
 */
#include "egress_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* --- the end ------------------------------------------------------------------------- */

static void egress_free(void *arg)
{
	struct egress *x = arg;

	upstream_release(&x->user, false, 0);
	egress_release_body(x);
	buf_free(&x->queue);
	http1_head_free(&x->reply);
	free(x);
}

void egress_release_body(struct egress *x)
{
	x->conn->conns->bodies_held -= x->held;
	x->held = 0;
	buf_free(&x->conn->body_bytes);
	x->conn->body_bytes.max = CONN_BODY_MAX;
}

static void answer(struct egress *x, unsigned status, const char *text)
{
	struct conn *c = x->conn;

	/* Nothing of the request goes on its way any more, whatever becomes of the answer. */
	upstream_release(&x->user, false, 0);
	if (!x->body_read)
		c->close = true;
	if (x->answering || http1_write_error(&c->out, status, text, conn_answer_flags(c)))
		conn_abort(c);
	else
		conn_finish_answer(c);
}

void egress_refuse(struct egress *x, unsigned status, const char *rule, const char *text)
{
	conn_record_refusal(x->conn, status, rule, text);
	answer(x, status, text);
}

void egress_refuse_size(struct egress *x)
{
	char text[EGRESS_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "rule %s: bodies for %s are judged, and one over %d MiB cannot be",
		 x->decision.rule, x->ask.host, EGRESS_BODY_MAX >> 20);
	egress_refuse(x, 413, x->decision.rule, text);
}

void egress_fail(struct egress *x, unsigned status, const char *text)
{
	log_decision("failed: %s%s: %s", x->ask.host, x->ask.path, text);
	answer(x, status, text);
}

void egress_extend(struct egress *x, uint64_t limit_ms)
{
	x->deadline_ms = x->conn->conns->loop->now_ms + limit_ms;
}

/* --- the upstream -------------------------------------------------------------------- */

static void on_ready(struct upstream_user *user, struct upstream *u)
{
	struct egress *x = (struct egress *)user;

	/* Just before the request leaves: is there anyone to answer? */
	if (conn_is_gone(x->conn)) {
		conn_abort(x->conn);
		return;
	}
	x->state = EGRESS_RELAY;
	x->sent_before = u->stream.sent;
	egress_extend(x, EGRESS_SEND_MS);
	if (egress_send(x))
		egress_receive(x);
}

static void on_failed(struct upstream_user *user, unsigned status, const char *text)
{
	struct egress *x = (struct egress *)user;

	/* Refused by the dialer, which knows the address: that is a decision, and recorded. */
	if (status == 403)
		egress_refuse(x, status, x->decision.rule, text);
	else
		egress_fail(x, status, text);
}

static void on_io(struct upstream_user *user)
{
	struct egress *x = (struct egress *)user;

	if (x->state == EGRESS_SPLICE)
		egress_run_splice(x);
	else if (x->state == EGRESS_RELAY && egress_send(x))
		egress_receive(x);
}

void egress_connect(struct egress *x, bool reuse)
{
	const struct upstream_target to = {x->ask.host, x->ask.port, x->ask.plain};

	x->state = EGRESS_CONNECT;
	x->deadline_ms = 0; /* the pool has limits of its own */
	upstream_acquire(x->conn->conns->upstreams, &to, reuse, &x->user);
}

/* --- WebSockets ------------------------------------------------------------------------ */

void egress_run_splice(struct egress *x)
{
	int r = splice_run(&x->splice);

	if (r == -EAGAIN)
		return;
	if (r)
		conn_abort(x->conn);
	else
		conn_end(x->conn);
}

/* --- the agent and the clock --------------------------------------------------------- */

static void relay(struct egress *x)
{
	struct conn *c = x->conn;
	bool has_room = conn_push(c) <= EGRESS_UNREAD_MAX / 2;

	/* Whoever hangs up behind a whole request does not wait for its answer. */
	if (c->stream.broken || (x->body_read && conn_is_gone(c))) {
		conn_abort(c);
		return;
	}
	if (!egress_send(x) || !x->paused || !has_room)
		return;
	x->paused = false;
	egress_receive(x);
}

static void on_agent(void *arg)
{
	struct egress *x = arg;

	switch (x->state) {
	case EGRESS_COLLECT:
		conn_push(x->conn); /* 100 Continue */
		egress_collect(x);
		break;
	case EGRESS_CONNECT:
		if (x->conn->stream.broken || (x->body_read && conn_is_gone(x->conn)))
			conn_abort(x->conn);
		break;
	case EGRESS_RELAY:
		relay(x);
		break;
	case EGRESS_SPLICE:
		egress_run_splice(x);
		break;
	}
}

static void on_tick(void *arg)
{
	struct egress *x = arg;
	struct conn *c = x->conn;

	if (x->state == EGRESS_SPLICE) {
		if (splice_is_idle(&x->splice))
			conn_abort(c);
		return;
	}
	if (!x->deadline_ms || x->deadline_ms > c->conns->loop->now_ms)
		return;
	x->deadline_ms = 0;
	if (x->state == EGRESS_COLLECT)
		egress_refuse(x, 408, "", "the request did not arrive in time");
	else
		egress_fail(x, 504,
			    x->queued_all && !x->queue.len
				    ? "the host did not answer in time"
				    : "the request could not be passed on in time");
}

/* --- the beginning ----------------------------------------------------------------------- */

static const struct exchange_ops ops = {on_agent, on_tick, egress_free};

static void begin(struct egress *x)
{
	struct conn *c = x->conn;
	bool judged = x->decision.judges_body;
	const char *objection = judged ? egress_object_to_body(&c->head) : NULL;
	struct http1_refusal refusal = {400, ""};
	char text[EGRESS_TEXT_MAX];

	if (objection) {
		snprintf(text, sizeof(text), "rule %s: bodies for %s are judged: %s",
			 x->decision.rule, x->ask.host, objection);
		egress_refuse(x, 415, x->decision.rule, text);
		return;
	}
	c->body_bytes.max = judged ? EGRESS_BODY_MAX : EGRESS_AHEAD_MAX + CONN_IN_MAX;
	if (http1_body_begin(&c->body, &c->head, judged ? EGRESS_BODY_MAX : UINT64_MAX, &refusal)) {
		egress_refuse_size(x);
		return;
	}
	if (c->head.expects_continue && !c->in.len && c->head.framing != HTTP1_FRAMING_NONE) {
		if (http1_write_continue(&c->out)) {
			conn_abort(c);
			return;
		}
		conn_push(c);
	}
	egress_extend(x, CONN_BODY_MS);
	egress_collect(x);
}

void egress_start(struct conn *c, const struct egress_ask *ask,
		  const struct policy_egress_decision *decision)
{
	struct egress *x = calloc(1, sizeof(*x));

	if (!x) {
		conn_abort(c);
		return;
	}
	x->user = (struct upstream_user){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.on_io = on_io,
		.exec = conn_exec(c),
	};
	x->conn = c;
	x->ask = *ask;
	x->decision = *decision;
	x->queue = BUF_INIT(EGRESS_QUEUE_MAX);
	buf_clear(&c->body_bytes);
	conn_begin_exchange(c, &ops, x);
	begin(x);
}
