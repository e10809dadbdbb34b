// SPDX-License-Identifier: Apache-2.0
/*
 * Forwarding: a head made of what the policy says (host, path) and of the few fields that
 * MCP needs, and a body written from the judged tree. No byte of the agent's own request
 * is passed on as it came.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define HTTPS_PORT       443
#define PARAMS_MAX       32
#define PARAM_NAME_BYTES 80
#define PARAM_PREFIX     "mcp-param-"

/* Fields of the agent that go on. Mcp-Method and Mcp-Name only in the era that defines them. */
static const char *const allowed_legacy[] = {
	"accept",
	"mcp-session-id",
	"mcp-protocol-version",
	"authorization",
	"user-agent",
	"last-event-id",
	NULL,
};
static const char *const allowed_modern[] = {
	"accept",        "mcp-session-id", "mcp-protocol-version",
	"authorization", "user-agent",     "last-event-id",
	"mcp-method",    "mcp-name",       NULL,
};

struct params {
	char names[PARAMS_MAX][PARAM_NAME_BYTES];
	size_t n;
};

/* Mcp-Param-* repeat arguments (MCP 2026-07-28): only those that say nothing else go on. */
static void add_params(const struct exchange *x, struct params *names, struct http1_out *o,
		       struct http1_pair *pairs)
{
	const struct http1_head *head = &x->conn->head;

	for (size_t i = 0; i < head->n_fields && names->n < PARAMS_MAX; i++) {
		struct span name = http1_head_name(head, i), value = http1_head_value(head, i);
		char *copy = names->names[names->n];

		if (name.n < sizeof(PARAM_PREFIX) ||
		    strncasecmp(name.p, PARAM_PREFIX, sizeof(PARAM_PREFIX) - 1) ||
		    !mcp_message_has_argument_value(&x->message, value) ||
		    !span_copy(name, copy, PARAM_NAME_BYTES))
			continue;
		pairs[o->n_fields++] = (struct http1_pair){copy, value};
		names->n++;
	}
}

static int write_request(struct exchange *x)
{
	const struct http1_head *head = &x->conn->head;
	bool modern = x->message.era == ERA_MODERN, post = x->message.root;
	autobuf struct buf body = BUF_INIT(EXCHANGE_REQUEST_MAX);
	struct http1_pair pairs[PARAMS_MAX + 2] = {
		{"Accept-Encoding", span_of("identity")},
		{"Content-Type", span_of("application/json")},
	};
	struct http1_out o = {
		.relayed = head,
		.allowed = modern ? allowed_modern : allowed_legacy,
		.fields = pairs,
		.n_fields = post ? 2 : 1,
		.framing = post ? HTTP1_FRAMING_LENGTH : HTTP1_FRAMING_NONE,
	};
	struct http1_authority to = {.port = x->server->port};
	struct params names = {.n = 0};
	char host[HTTP1_HOST_MAX + 16], method[16];
	int r = 0;

	if (post) {
		mcp_message_strip_capabilities(&x->message);
		r = mcp_message_serialise(&x->message, &body);
	}
	if (r)
		return r;
	if (modern)
		add_params(x, &names, &o, pairs);
	o.content_length = body.len;
	span_copy(span_of(x->server->host), to.host, sizeof(to.host));
	to.kind = strchr(to.host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	r = http1_authority_format(&to, HTTPS_PORT, host, sizeof(host));
	if (!r && !span_copy(http1_head_span(head, head->method_text), method, sizeof(method)))
		r = -EINVAL;
	if (!r)
		r = http1_write_request_head(&x->request, method, x->server->path, host, &o);
	return r ? r : buf_append(&x->request, body.data, body.len);
}

/* --- sending ------------------------------------------------------------------------ */

static void connect_upstream(struct exchange *x, bool reuse)
{
	x->state = EXCHANGE_CONNECT;
	x->deadline_ms = 0; /* the pool has limits of its own */
	upstream_acquire(x->conn->conns->upstreams, x->server, reuse, &x->user);
}

/* The pool's race: the server closed an idle connection as it was being used again. */
static void on_send_failed(struct exchange *x)
{
	bool again = !exchange_was_sent(x) && x->user.upstream->reused && !x->retried;

	if (!again) {
		exchange_fail(x, 502,
			      "the connection to the server broke while the request was sent");
		return;
	}
	x->retried = true;
	upstream_release(&x->user, false, 0);
	connect_upstream(x, false);
}

static void send_request(struct exchange *x)
{
	struct stream *stream = &x->user.upstream->stream;

	while (x->request_at < x->request.len) {
		ssize_t n = stream_write(stream, x->request.data + x->request_at,
					 x->request.len - x->request_at);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			on_send_failed(x);
			return;
		}
		x->request_at += (size_t)n;
	}
	buf_free(&x->request);
	x->state = EXCHANGE_HEAD;
	x->deadline_ms = x->conn->conns->loop->now_ms + EXCHANGE_FIRST_BYTE_MS;
	exchange_read_head(x);
}

static void on_ready(struct upstream_user *user, struct upstream *u)
{
	struct exchange *x = exchange_of_user(user);

	/* Just before the call leaves: is there anyone to answer? */
	if (conn_is_gone(x->conn)) {
		conn_abort(x->conn);
		return;
	}
	x->state = EXCHANGE_SEND;
	x->request_at = 0;
	x->sent_before = u->stream.sent;
	x->sent_ns = clock_ns(CLOCK_MONOTONIC);
	x->deadline_ms = x->conn->conns->loop->now_ms + EXCHANGE_SEND_MS;
	send_request(x);
}

static void on_failed(struct upstream_user *user, unsigned status, const char *text)
{
	struct exchange *x = exchange_of_user(user);

	/* A connection past its limits fails in any state; only before SEND is it unsent. */
	exchange_fail(x, status, text);
}

static void on_io(struct upstream_user *user)
{
	struct exchange *x = exchange_of_user(user);

	switch (x->state) {
	case EXCHANGE_SEND:
		send_request(x);
		break;
	case EXCHANGE_HEAD:
		exchange_read_head(x);
		break;
	case EXCHANGE_BODY:
		exchange_read_body(x);
		break;
	case EXCHANGE_STREAM:
		exchange_read_stream(x);
		break;
	case EXCHANGE_VERDICT:
	case EXCHANGE_CONNECT:
		break;
	}
}

void exchange_forward(struct exchange *x)
{
	if (conn_is_gone(x->conn)) {
		conn_abort(x->conn);
		return;
	}
	if (write_request(x)) {
		exchange_fail(x, 502, "the request could not be written anew");
		return;
	}
	x->user = (struct upstream_user){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.on_io = on_io,
	};
	connect_upstream(x, true);
}
