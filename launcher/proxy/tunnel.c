// SPDX-License-Identifier: Apache-2.0
#include "proxy/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "policy/egress.h"
#include "splice.h"

struct tunnel {
	struct upstream_user user; /* first */
	struct conn *conn;
	char host[HTTP1_HOST_MAX + 1];
	uint16_t port;
	const char *protocol;
	const char *rule; /* borrowed from the policy */
	bool ready;       /* connected: .splice is set */
	struct splice splice;
};

static void tunnel_free(void *arg)
{
	struct tunnel *t = arg;

	upstream_release(&t->user, false, 0);
	free(t);
}

static void run(struct tunnel *t)
{
	int r = splice_run(&t->splice);

	if (r == -EAGAIN)
		return;
	if (r)
		conn_abort(t->conn);
	else
		conn_end(t->conn);
}

static void on_agent(void *arg)
{
	struct tunnel *t = arg;

	if (t->ready)
		run(t);
	else if (t->conn->stream.broken)
		conn_abort(t->conn);
}

static void on_tick(void *arg)
{
	struct tunnel *t = arg;

	if (t->ready && splice_is_idle(&t->splice))
		conn_abort(t->conn);
}

static const struct exchange_ops tunnel_ops = {on_agent, on_tick, tunnel_free};

static void on_ready(struct upstream_user *user, struct upstream *u)
{
	struct tunnel *t = (struct tunnel *)user;

	t->ready = true;
	splice_init(&t->splice, t->conn, u);
	run(t);
}

static void on_failed(struct upstream_user *user, unsigned status, const char *text)
{
	struct tunnel *t = (struct tunnel *)user;

	log_decision("failed: %s:%u: %s", t->host, t->port, text);
	/* Refused by the dialer, which knows the address: that is a decision, and recorded. */
	if (status == 403)
		conn_record_denied(t->conn, &(struct conn_denial){t->protocol, t->rule, text});
	conn_abort(t->conn);
}

static void on_io(struct upstream_user *user)
{
	run((struct tunnel *)user);
}

static void record(const struct tunnel *t)
{
	struct conn *c = t->conn;

	c->is_accounted = true;
	log_decision("allowed: %s to %s:%u, unread", t->protocol, t->host, t->port);
	recorder_event(c->conns->recorder, &(struct msg_event){
						   .kind = EVENT_EGRESS_ALLOWED,
						   .conn = c->id,
						   .protocol = span_of(t->protocol),
						   .host = span_of(t->host),
						   .address = span_of(c->address),
						   .port = t->port,
						   .rule = span_of(t->rule),
						   .detail = span_of("tunnel"),
						   .exec = conn_exec(c),
					   });
}

void tunnel_start(struct conn *c, const struct tunnel_target *target)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	struct upstream_target to;

	if (!t) {
		conn_abort(c);
		return;
	}
	t->user = (struct upstream_user){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.on_io = on_io,
		.exec = conn_exec(c),
	};
	t->conn = c;
	t->port = target->port;
	t->protocol = target->protocol;
	t->rule = target->rule;
	snprintf(t->host, sizeof(t->host), "%s", target->host);
	conn_begin_exchange(c, &tunnel_ops, t);
	record(t);
	to = (struct upstream_target){t->host, t->port, true};
	upstream_acquire(c->conns->upstreams, &to, false, &t->user);
}
