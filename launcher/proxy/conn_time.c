// SPDX-License-Identifier: Apache-2.0
/* Deadlines of connections, looked at once a second, and what idle ones can give back. */
#include "proxy/conn.h"

static void slim(struct conn *c)
{
	if (c->state != CONN_HEAD || c->in.len || !c->in.data ||
	    c->conns->loop->now_ms - c->since_ms < CONN_SLIM_MS)
		return;
	stream_release_buffers(&c->stream);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->body_bytes);
	http1_head_free(&c->head);
	c->conns->slimmed++;
}

static void on_late(struct conn *c)
{
	static const char late[] = "the request did not arrive in time";

	switch (c->state) {
	case CONN_HEAD:
		if (c->in.len) {
			conn_refuse_head(c, 408, late);
			conn_run(c);
			return;
		}
		stream_finish(&c->stream);
		break;
	case CONN_BODY:
		c->close = true;
		conn_refuse(c, 408, "", late);
		conn_run(c);
		return;
	case CONN_FIRST_BYTE:
		conn_record_denied(
			c, &(struct conn_denial){.protocol = "tcp", .reason = "it said nothing"});
		break;
	case CONN_HELLO:
	case CONN_HANDSHAKE:
		conn_record_denied(c, &(struct conn_denial){
					      .protocol = "tls",
					      .reason = "the TLS handshake did not end in time",
				      });
		break;
	case CONN_EXCHANGE:
	case CONN_FLUSH:
	case CONN_LINGER:
	case CONN_DNS:
	case CONN_DEAD:
		break;
	}
	conn_end(c);
}

void conns_on_tick(struct conns *conns)
{
	struct conn *c, *next;

	answers_on_tick(&conns->answers, conns->loop->now_ms);
	for (c = conns->all; c; c = next) {
		next = c->next;
		if (c->exchange)
			c->ops->on_tick(c->exchange);
		if (c->state != CONN_DEAD && c->deadline_ms &&
		    c->deadline_ms <= conns->loop->now_ms)
			on_late(c);
		else if (c->state != CONN_DEAD)
			slim(c);
	}
}
