// SPDX-License-Identifier: Apache-2.0
/*
 * Forwarding: a head made of what the policy says (host, path), of what the judged message
 * says (version, method, name, parameters) and of the few fields that MCP needs beside
 * those, and a body written from the judged tree.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* Fields that are the agent's to say. */
static const char *const relayed[] = {
	"accept", "mcp-session-id", "authorization", "user-agent", "last-event-id", NULL,
};

size_t exchange_params(const struct http1_head *head, struct mcp_param *ret)
{
	const size_t prefix = strlen(MCP_PARAM_PREFIX);
	size_t n = 0;

	for (size_t i = 0; i < head->n_fields && n <= MCP_PARAMS_MAX; i++) {
		struct span name = http1_head_name(head, i);

		if (name.n < prefix || strncasecmp(name.p, MCP_PARAM_PREFIX, prefix))
			continue;
		ret[n++] = (struct mcp_param){
			.name = span_bytes(name.p + prefix, name.n - prefix),
			.value = http1_head_value(head, i),
		};
	}
	return n;
}

/* --- heads --------------------------------------------------------------------------- */

/* The fields of a request to the server that are ours to write, and room for their names. */
struct fields {
	struct http1_pair pairs[MCP_PARAMS_MAX + 8];
	size_t n;
	char params[MCP_PARAMS_MAX][sizeof(MCP_PARAM_PREFIX) + MCP_PARAM_NAME_MAX];
};

static void add_field(struct fields *f, const char *name, const char *value)
{
	if (value)
		f->pairs[f->n++] = (struct http1_pair){name, span_of(value)};
}

/* What the headers repeat of a modern body; that they agree has been checked. */
static void add_modern(const struct exchange *x, struct fields *f)
{
	struct mcp_param params[MCP_PARAMS_MAX + 1];
	size_t n = exchange_params(&x->conn->head, params);

	add_field(f, "MCP-Protocol-Version", x->message.version);
	add_field(f, "Mcp-Method", x->message.method);
	add_field(f, "Mcp-Name", x->message.tool);
	for (size_t i = 0; i < n && i < MCP_PARAMS_MAX; i++) {
		const char *key = mcp_message_param_key(&x->message, &params[i]);

		if (!key)
			continue;
		snprintf(f->params[i], sizeof(f->params[i]), MCP_PARAM_PREFIX "%s", key);
		f->pairs[f->n++] = (struct http1_pair){f->params[i], params[i].value};
	}
}

/* A legacy body does not name its version: any that exists may be said. */
static void add_legacy(const struct exchange *x, struct fields *f)
{
	const struct http1_head *head = &x->conn->head;

	add_field(f, "MCP-Protocol-Version",
		  mcp_known_version(http1_head_known(head, HTTP1_F_MCP_PROTOCOL_VERSION)));
}

static int write_head(const struct exchange *x, const char *method, struct http1_out *o,
		      struct buf *out)
{
	struct http1_authority to = {.port = x->server->port};
	char host[HTTP1_HOST_MAX + 16];
	int r;

	o->relayed = &x->conn->head;
	o->allowed = relayed;
	span_copy(span_of(x->server->host), to.host, sizeof(to.host));
	to.kind = strchr(to.host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	r = http1_authority_format(&to, HTTPS_PORT, host, sizeof(host));
	return r ? r : http1_write_request_head(out, method, x->server->path, host, o);
}

static int write_request(struct exchange *x)
{
	bool post = x->message.root;
	autobuf struct buf body = BUF_INIT(EXCHANGE_REQUEST_MAX);
	struct fields fields = {.n = 0};
	struct http1_out o = {.fields = fields.pairs};
	char method[16];
	int r = 0;

	add_field(&fields, "Accept-Encoding", "identity");
	if (post) {
		add_field(&fields, "Content-Type", "application/json");
		mcp_message_strip_capabilities(&x->message);
		r = mcp_message_serialise(&x->message, &body);
		o.framing = HTTP1_FRAMING_LENGTH;
		o.content_length = body.len;
	}
	if (x->message.era == ERA_MODERN)
		add_modern(x, &fields);
	else
		add_legacy(x, &fields);
	o.n_fields = fields.n;
	if (!r && !span_copy(http1_head_span(&x->conn->head, x->conn->head.method_text), method,
			     sizeof(method)))
		r = -EINVAL;
	if (!r)
		r = write_head(x, method, &o, &x->request);
	return r ? r : buf_append(&x->request, body.data, body.len);
}

/* The session may have been opened by the very answer that asks. */
static void add_session(const struct exchange *x, struct fields *f)
{
	struct span id = exchange_session_id(x);

	if (id.n && !http1_head_has(&x->conn->head, HTTP1_F_MCP_SESSION_ID))
		f->pairs[f->n++] = (struct http1_pair){"Mcp-Session-Id", id};
}

void exchange_answer_server(struct exchange *x, struct span body)
{
	struct conns *conns = x->conn->conns;
	autobuf struct buf request = BUF_INIT(HTTP1_HEAD_MAX + ANSWER_BODY_MAX);
	struct fields fields = {.n = 0};
	struct http1_out o = {
		.fields = fields.pairs,
		.framing = HTTP1_FRAMING_LENGTH,
		.content_length = body.n,
		.close = true,
	};

	/* From 2026-07-28 on servers have no requests, and no use for answers. */
	if (x->message.era == ERA_MODERN)
		return;
	add_field(&fields, "Accept", "application/json, text/event-stream");
	add_field(&fields, "Content-Type", "application/json");
	add_legacy(x, &fields);
	add_session(x, &fields);
	o.n_fields = fields.n;
	if (write_head(x, "POST", &o, &request) || buf_append(&request, body.p, body.n) ||
	    answers_post(&conns->answers, conns->upstreams, x->server, &request))
		log_protocol("conn %llu: a request of the server stays without an answer",
			     (unsigned long long)x->conn->id);
}

/* --- sending ------------------------------------------------------------------------ */

static void connect_upstream(struct exchange *x, bool reuse)
{
	const struct upstream_target to = {x->server->host, x->server->port, false};

	x->state = EXCHANGE_CONNECT;
	x->deadline_ms = 0; /* the pool has limits of its own */
	upstream_acquire(x->conn->conns->upstreams, &to, reuse, &x->user);
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
		.exec = conn_exec(x->conn),
	};
	connect_upstream(x, true);
}
