// SPDX-License-Identifier: Apache-2.0
#include "splice.h"

#include <errno.h>

void splice_init(struct splice *s, struct conn *conn, struct upstream *upstream)
{
	*s = (struct splice){
		.conn = conn,
		.upstream = upstream,
		.moved_ms = conn->conns->loop->now_ms,
	};
}

/* Return: 0 when the buffer is empty; -EAGAIN; -errno */
static int write_out(struct stream *to, struct buf *from)
{
	while (from->len) {
		ssize_t n = stream_write(to, from->data, from->len);

		if (n < 0)
			return (int)n;
		buf_consume(from, (size_t)n);
	}
	return 0;
}

/* Return: -EAGAIN; 0 when the agent's direction has ended; -errno */
static int move_up(struct splice *s)
{
	struct conn *c = s->conn;

	for (;;) {
		int r = write_out(&s->upstream->stream, &c->in);
		ssize_t n;

		if (r || s->agent_ended)
			return r;
		n = conn_read(c);
		if (n < 0)
			return (int)n;
		if (!n) {
			s->agent_ended = true;
			stream_finish(&s->upstream->stream);
			return 0;
		}
		s->moved_ms = c->conns->loop->now_ms;
	}
}

/* Return: as move_up(), of the upstream's direction */
static int move_down(struct splice *s)
{
	struct conn *c = s->conn;
	struct upstream *u = s->upstream;
	size_t turn_bytes = 0;
	int r = write_out(&c->stream, &c->out);

	while (!r) {
		ssize_t n;

		r = write_out(&c->stream, &u->in);
		if (r || s->upstream_ended)
			return r;
		if (turn_bytes >= CONN_TURN_BYTES) {
			loop_again(u->pool->loop, &u->source);
			return -EAGAIN;
		}
		n = upstream_read(u);
		if (n < 0)
			return (int)n;
		if (!n) {
			s->upstream_ended = true;
			stream_finish(&c->stream);
			return 0;
		}
		turn_bytes += (size_t)n;
		s->moved_ms = c->conns->loop->now_ms;
	}
	return r;
}

int splice_run(struct splice *s)
{
	int up = move_up(s), down = move_down(s);

	if (up && up != -EAGAIN)
		return up;
	return down ? down : up;
}

bool splice_is_idle(const struct splice *s)
{
	return s->conn->conns->loop->now_ms - s->moved_ms >= SPLICE_IDLE_MS;
}
