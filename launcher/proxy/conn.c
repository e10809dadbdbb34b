// SPDX-License-Identifier: Apache-2.0
/*
 * A state machine that tries before it waits: conn_run() repeats the current state's step
 * until the socket has no more to give or to take, or its turn is over and the others
 * come first. The socket is registered once, edge-triggered; after that only the steps
 * decide what is read.
 *
 * Nothing that arrives here is an error of the process. A connection that cannot be
 * served is answered, recorded and closed, or reset where no answer could be understood.
 */
#include "proxy/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"

#define DNS_PORT 53

static void conn_free(struct source *source)
{
	struct conn *c = (struct conn *)source;

	stream_close(&c->stream);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->body_bytes);
	http1_head_free(&c->head);
	free(c->exec);
	free(c);
}

/* --- records ------------------------------------------------------------------ */

struct span conn_exec(const struct conn *c)
{
	static const char unanswered[] =
		"{\"unknown\":\"the connection was over before the answer\"}";

	return span_of(c->awaits_exec ? unanswered : c->exec);
}

const char *conn_meant_host(const struct conn *c)
{
	if (c->stream.name[0])
		return c->stream.name;
	if (c->has_tunnel)
		return c->tunnel.host;
	return c->dns_name ? c->dns_name : c->address;
}

uint16_t conn_meant_port(const struct conn *c)
{
	return c->has_tunnel ? c->tunnel.port : c->port;
}

static bool is_listed(const struct conn *c)
{
	const char *host = conn_meant_host(c);
	uint16_t port = conn_meant_port(c);

	return policy_server_find(c->conns->policy, host, port) ||
	       policy_egress_find(c->conns->policy, host, port);
}

void conn_record_denied(struct conn *c, const struct conn_denial *denial)
{
	const char *host = conn_meant_host(c), *rule = denial->rule;
	uint16_t port = conn_meant_port(c);

	/* About a host that the policy lists: then what failed is no rule's refusal. */
	if (!rule)
		rule = is_listed(c) ? "" : "/default";
	c->is_accounted = true;
	log_decision("denied: %s to %s (%s:%u): %s", denial->protocol, host, c->address, port,
		     denial->reason);
	recorder_event(c->conns->recorder,
		       &(struct msg_event){
			       .kind = EVENT_NET_DENIED,
			       .conn = c->id,
			       .protocol = span_of(denial->protocol),
			       .host = span_of(host == c->address ? NULL : host),
			       .address = span_of(c->address),
			       .port = port,
			       .rule = span_of(rule),
			       .reason = span_of(denial->reason),
			       .exec = conn_exec(c),
		       });
}

static void record_silence(struct conn *c)
{
	/* Questions are recorded where they are answered. */
	if (c->is_accounted || c->state == CONN_DNS)
		return;
	/* To where it may go: a connection made ahead of its use, as clients do. Nothing was
	 * denied. */
	if (is_listed(c)) {
		log_protocol("conn %llu: closed without a request", (unsigned long long)c->id);
		return;
	}
	conn_record_denied(c, &(struct conn_denial){
				      .protocol = c->stream.ssl ? "tls" : "tcp",
				      .reason = c->stream.ssl ? "closed before a request"
							      : "closed before it said anything",
			      });
}

/* --- the end ------------------------------------------------------------------ */

static void conn_drop_exchange(struct conn *c)
{
	if (c->exchange)
		c->ops->free(ptr_take(&c->exchange));
}

void conn_end(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	record_silence(c);
	c->state = CONN_DEAD;
	attribution_forget(&c->conns->attribution, c);
	conn_drop_exchange(c);
	if (c->prev)
		c->prev->next = c->next;
	else
		c->conns->all = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->conns->n--;
	stream_close(&c->stream);
	loop_bury(c->conns->loop, &c->source);
	c->conns->on_room(c->conns->arg);
}

/* RST instead of FIN: nothing that was said here should look like an end in order. */
void conn_abort(struct conn *c)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->stream.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_end(c);
}

void conn_enter(struct conn *c, enum conn_state state, uint64_t limit_ms)
{
	c->state = state;
	c->since_ms = c->conns->loop->now_ms;
	c->deadline_ms = limit_ms ? c->since_ms + limit_ms : 0;
}

/* --- answers -------------------------------------------------------------------- */

size_t conn_push(struct conn *c)
{
	if (c->stream.broken)
		buf_clear(&c->out);
	while (c->out.len) {
		ssize_t sent = stream_write(&c->stream, c->out.data, c->out.len);

		if (sent == -EAGAIN)
			return c->out.len;
		if (sent < 0) {
			c->stream.broken = true;
			buf_clear(&c->out);
			return 0;
		}
		buf_consume(&c->out, (size_t)sent);
		c->since_ms = c->conns->loop->now_ms;
	}
	return 0;
}

static enum conn_step step_flush(struct conn *c)
{
	if (conn_push(c)) {
		c->deadline_ms = c->since_ms + CONN_WRITE_MS;
		return CONN_WAIT;
	}
	if (c->stream.broken)
		return CONN_END;
	buf_clear(&c->body_bytes);
	if (c->opens_tunnel) {
		c->opens_tunnel = false;
		if (c->in.len && stream_unread(&c->stream, c->in.data, c->in.len))
			return CONN_END;
		buf_clear(&c->in);
		conn_enter(c, CONN_FIRST_BYTE, CONN_FIRST_BYTE_MS);
		conn_begin_forward(c);
		return CONN_AGAIN;
	}
	if (!c->close) {
		conn_enter(c, CONN_HEAD, CONN_IDLE_MS);
		return CONN_AGAIN;
	}
	stream_finish(&c->stream);
	conn_enter(c, CONN_LINGER, CONN_LINGER_MS);
	return CONN_AGAIN;
}

/* Closing with unread bytes would reset the connection, and the answer with it. */
static enum conn_step step_linger(struct conn *c)
{
	char sink[4096];
	ssize_t n;

	while (conn_may_read(c)) {
		n = recv(c->stream.fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? CONN_WAIT : CONN_END;
		c->turn_bytes += (size_t)n;
	}
	return CONN_WAIT;
}

static enum conn_step step_exchange(struct conn *c)
{
	c->ops->on_agent(c->exchange);
	return c->state == CONN_EXCHANGE ? CONN_WAIT : CONN_AGAIN;
}

void conn_begin_exchange(struct conn *c, const struct exchange_ops *ops, void *exchange)
{
	c->ops = ops;
	c->exchange = exchange;
	conn_enter(c, CONN_EXCHANGE, 0);
}

void conn_finish_answer(struct conn *c)
{
	conn_drop_exchange(c);
	if (!c->head.keep_alive)
		c->close = true;
	conn_enter(c, CONN_FLUSH, CONN_WRITE_MS);
	conn_run(c);
}

bool conn_is_gone(const struct conn *c)
{
	/* TLS clients do not half-close: an end of what they send is their end. */
	return c->stream.broken || (c->stream.ssl && c->stream.hung_up);
}

/* --- the machine ------------------------------------------------------------------ */

static enum conn_step step(struct conn *c)
{
	switch (c->state) {
	case CONN_FIRST_BYTE:
		return conn_step_first_byte(c);
	case CONN_HELLO:
		return conn_step_hello(c);
	case CONN_HANDSHAKE:
		return conn_step_handshake(c);
	case CONN_HEAD:
		return conn_step_head(c);
	case CONN_BODY:
		return conn_step_body(c);
	case CONN_EXCHANGE:
		return step_exchange(c);
	case CONN_FLUSH:
		return step_flush(c);
	case CONN_LINGER:
		return step_linger(c);
	case CONN_DNS:
		return conn_step_dns(c);
	case CONN_DEAD:
		break;
	}
	return CONN_END;
}

void conn_run(struct conn *c)
{
	unsigned steps = 0;
	enum conn_step next;

	if (c->running || c->state == CONN_DEAD)
		return;
	c->running = true;
	do
		next = step(c);
	while (next == CONN_AGAIN && ++steps < CONN_TURN_STEPS);
	c->running = false;
	if (next == CONN_END)
		conn_end(c);
	else if (next == CONN_AGAIN)
		loop_again(c->conns->loop, &c->source);
}

static void on_ready(struct source *source, uint32_t events)
{
	struct conn *c = (struct conn *)source;

	c->turn_bytes = 0;
	stream_on_ready(&c->stream, events);
	conn_run(c);
}

static void describe_destination(struct conn *c, const struct sockaddr_storage *to)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)to;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)to;

	c->dns_name = dns_names_find_address(c->conns->names, (const struct sockaddr *)to);
	if (to->ss_family == AF_INET) {
		c->port = ntohs(v4->sin_port);
		inet_ntop(AF_INET, &v4->sin_addr, c->address, sizeof(c->address));
		return;
	}
	c->port = ntohs(v6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, c->address, sizeof(c->address));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, c->address, sizeof(c->address));
}

void conn_begin(struct conn *c)
{
	if (c->state == CONN_FIRST_BYTE && conn_begin_forward(c))
		return;
	conn_run(c);
}

/* Questions about names are answered at once, and recorded without a connection. */
static void learn_process(struct conn *c, const struct conn_ends *ends)
{
	if (ends->exec.n)
		c->exec = strndup(ends->exec.p, ends->exec.n);
	else if (c->state == CONN_FIRST_BYTE)
		attribution_ask(&c->conns->attribution, c, &ends->agent);
}

void conn_accept(struct conns *conns, int fd, const struct conn_ends *ends, bool dns)
{
	autoclose int owned = fd;
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->source = (struct source){.on_ready = on_ready, .free = conn_free};
	c->conns = conns;
	c->id = ++conns->last_id;
	c->in = BUF_INIT(CONN_IN_MAX);
	c->out = BUF_INIT(CONN_OUT_MAX);
	c->body_bytes = BUF_INIT(CONN_BODY_MAX);
	describe_destination(c, &ends->destination);
	stream_init(&c->stream, fd_take(&owned));
	c->next = conns->all;
	if (c->next)
		c->next->prev = c;
	conns->all = c;
	conns->n++;
	conns->loop->ticking = true;
	if (dns || c->port == DNS_PORT)
		conn_enter(c, CONN_DNS, CONN_DNS_MS);
	else
		conn_enter(c, CONN_FIRST_BYTE, CONN_FIRST_BYTE_MS);
	learn_process(c, ends);
	/* Whatever is there already makes the first event. */
	if (loop_add(conns->loop, c->stream.fd, &c->source, LOOP_STREAM))
		conn_end(c);
	else if (c->state == CONN_FIRST_BYTE && !c->awaits_exec)
		conn_begin_forward(c);
}

void conns_close(struct conns *conns)
{
	while (conns->all)
		conn_end(conns->all);
	answers_close(&conns->answers);
}
