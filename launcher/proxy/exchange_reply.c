// SPDX-License-Identifier: Apache-2.0
/*
 * The server's answer. It is believed as little as the request was: its head is written
 * anew, a JSON body is read whole, judged and written anew, and what could lead the agent
 * elsewhere (redirects, encodings nobody looked into, challenges to log in) is not
 * relayed.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mcp/reply.h"

#define TOOL_NAMES_MAX 1900

struct span exchange_session_id(const struct exchange *x)
{
	struct span id = http1_head_known(&x->reply, HTTP1_F_MCP_SESSION_ID);

	if (id.n > EXCHANGE_SESSION_MAX)
		return span_of("");
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] < 0x21 || id.p[i] > 0x7e)
			return span_of("");
	return id;
}

/* --- filtering ---------------------------------------------------------------------- */

struct visibility {
	const struct policy *policy;
	const struct policy_server *server;
	const char *grant;
};

static bool tool_is_visible(void *arg, const char *tool)
{
	const struct visibility *v = arg;

	return policy_grant_has(v->policy, v->grant, v->server, tool) &&
	       policy_tool_is_visible(v->policy, v->server, tool);
}

/* "a, b, c": for people; the whole list goes to tools.json. */
static void tool_names(struct span tools, char *ret, size_t size)
{
	json_t *list = json_loadb(tools.p, tools.n, 0, NULL), *tool;
	size_t i, used = 0;

	ret[0] = '\0';
	json_array_foreach (list, i, tool) {
		const char *name = json_string_value(json_object_get(tool, "name"));
		size_t n = name ? strlen(name) : 0;

		if (!n || used + n + 3 > size)
			continue;
		used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", name);
	}
	json_decref(list);
}

static void report_tools(struct exchange *x, struct span tools, unsigned hidden)
{
	struct recorder *recorder = x->conn->conns->recorder;
	char names[TOOL_NAMES_MAX], reason[64];

	tool_names(tools, names, sizeof(names));
	snprintf(reason, sizeof(reason), "%u hidden", hidden);
	recorder_tools_served(recorder, x->server->url, tools);
	recorder_event(recorder, &(struct msg_event){
					 .kind = EVENT_TOOLS_LISTED,
					 .conn = x->conn->id,
					 .protocol = span_of("https"),
					 .host = span_of(x->server->host),
					 .port = x->server->port,
					 .status = x->reply.status,
					 .reason = span_of(hidden ? reason : ""),
					 .detail = span_of(names),
					 .exec = conn_exec(x->conn),
				 });
}

int exchange_filter(struct exchange *x, struct span text, struct buf *ret_out,
		    struct mcp_response_info *ret_info, struct error *err)
{
	struct visibility seen = {x->policy, x->server, x->conn->conns->grant};
	const struct mcp_response_rules rules = {
		.request = x->message.root ? &x->message : NULL,
		.tool_is_visible = tool_is_visible,
		.arg = &seen,
	};
	autobuf struct buf answer = BUF_INIT(ANSWER_BODY_MAX);
	size_t before = ret_out->len;
	int r = mcp_response_filter(&rules, text, ret_out, &answer, ret_info, err);

	if (r)
		return r;
	if (answer.len)
		exchange_answer_server(x, span_bytes(answer.data, answer.len));
	if (ret_info->note[0])
		log_decision("%s: %s", x->server->url, ret_info->note);
	if (ret_info->relay && ret_info->tools_bytes)
		report_tools(x,
			     span_bytes(ret_out->data + before + ret_info->tools_at,
					ret_info->tools_bytes),
			     ret_info->tools_hidden);
	return 0;
}

/* --- writing the answer ----------------------------------------------------------------- */

static void relay(struct exchange *x, unsigned status, const char *type, struct span body)
{
	struct conn *c = x->conn;
	struct span session = exchange_session_id(x);
	struct http1_pair pairs[2];
	struct http1_out o = {
		.fields = pairs,
		.framing = status == 204 ? HTTP1_FRAMING_NONE : HTTP1_FRAMING_LENGTH,
		.content_length = body.n,
		.close = conn_answer_flags(c) & HTTP1_CLOSE,
	};

	if (type)
		pairs[o.n_fields++] = (struct http1_pair){"Content-Type", span_of(type)};
	if (session.n)
		pairs[o.n_fields++] = (struct http1_pair){"Mcp-Session-Id", session};
	if (http1_write_response_head(&c->out, status, &o) || buf_append(&c->out, body.p, body.n)) {
		conn_abort(c);
		return;
	}
	log_protocol("conn %llu: ← %u, %zu bytes", (unsigned long long)c->id, status, body.n);
	exchange_finish(x, x->reply.keep_alive);
}

static bool is_json(const struct exchange *x)
{
	return http1_media_type_is(http1_head_known(&x->reply, HTTP1_F_CONTENT_TYPE),
				   "application/json");
}

/* A 2xx with JSON: nothing but the answer to the request is of use to the agent. */
static void relay_json(struct exchange *x, struct span body)
{
	struct buf out = BUF_INIT(CONN_OUT_MAX - HTTP1_HEAD_MAX);
	struct mcp_response_info info = {.relay = false};
	struct error err = {.what = ""};
	char text[EXCHANGE_TEXT_MAX];
	int r = exchange_filter(x, body, &out, &info, &err);

	if (r || !info.is_answer) {
		snprintf(text, sizeof(text), "the answer of %s cannot be relayed: %s",
			 x->server->url, r ? err.what : "it does not answer the request");
		exchange_fail(x, 502, text);
	} else {
		exchange_settle(x, OUTCOME_ANSWERED, &info,
				span_bytes(out.data + info.result_at, info.result_bytes),
				info.note);
		relay(x, x->reply.status, "application/json", span_bytes(out.data, out.len));
	}
	buf_free(&out);
}

/* Text of a stranger's, and the agent must not take it for more than that. */
static void relay_excerpt(struct exchange *x, struct span body)
{
	char excerpt[EXCHANGE_EXCERPT_MAX + 1], text[EXCHANGE_TEXT_MAX];
	int n;

	text_escape_terminal(body.p, body.n, excerpt, sizeof(excerpt));
	n = snprintf(text, sizeof(text), "mcpjail: the server answered %u%s%s\n", x->reply.status,
		     excerpt[0] ? ": " : "", excerpt);
	relay(x, x->reply.status, "text/plain; charset=utf-8", span_bytes(text, (size_t)n));
}

/* A 4xx or 5xx. JSON-RPC in it is judged like any other; the rest is quoted. */
static void relay_error(struct exchange *x, struct span body)
{
	struct buf out = BUF_INIT(CONN_OUT_MAX - HTTP1_HEAD_MAX);
	struct mcp_response_info info = {.relay = false};

	if (is_json(x) && !exchange_filter(x, body, &out, &info, NULL) && info.relay) {
		exchange_settle(x, OUTCOME_ANSWERED, &info,
				span_bytes(out.data + info.result_at, info.result_bytes),
				info.note);
		relay(x, x->reply.status, "application/json", span_bytes(out.data, out.len));
	} else {
		info = (struct mcp_response_info){.is_error = true};
		exchange_settle(x, OUTCOME_ANSWERED, &info, body, "the server refused the request");
		relay_excerpt(x, body);
	}
	buf_free(&out);
}

static void relay_whole(struct exchange *x)
{
	struct span body = span_bytes(x->reply_bytes.data, x->reply_bytes.len);
	unsigned status = x->reply.status;

	if (status >= 400)
		relay_error(x, body);
	else if (x->message.id)
		relay_json(x, body);
	else
		relay(x, status, NULL,
		      span_of("")); /* a notification or DELETE: its status says it */
}

/* --- reading -------------------------------------------------------------------------- */

void exchange_read_payload(struct exchange *x, const struct exchange_sink *sink)
{
	struct upstream *u = x->user.upstream;
	struct http1_refusal refusal = {502, ""};
	size_t turn_bytes = 0;

	while (!x->paused) {
		size_t bytes = 0;
		ssize_t n;

		switch (http1_body_next(&x->reply_body, &u->in, &bytes, &refusal)) {
		case HTTP1_BODY_BAD:
			sink->fail(x, refusal.text);
			return;
		case HTTP1_BODY_END:
			sink->end(x);
			return;
		case HTTP1_BODY_DATA:
			if (sink->take(x, span_bytes(u->in.data, bytes)))
				return;
			http1_body_take(&x->reply_body, &u->in, bytes);
			continue;
		case HTTP1_BODY_MORE:
			break;
		}
		if (turn_bytes >= CONN_TURN_BYTES) {
			loop_again(u->pool->loop, &u->source);
			return;
		}
		n = upstream_read(u);
		if (n == -EAGAIN)
			return;
		if (n > 0) {
			turn_bytes += (size_t)n;
			continue;
		}
		if (n < 0 || u->stream.truncated || http1_body_close(&x->reply_body))
			sink->fail(x, "the server's answer was cut short");
		else
			sink->end(x);
		return;
	}
}

static int take_body(struct exchange *x, struct span payload)
{
	int r = buf_append(&x->reply_bytes, payload.p, payload.n);

	if (r)
		exchange_fail(x, 502, "the server's answer is too long");
	return r;
}

static void fail_body(struct exchange *x, const char *why)
{
	exchange_fail(x, 502, why);
}

void exchange_read_body(struct exchange *x)
{
	static const struct exchange_sink sink = {take_body, relay_whole, fail_body};

	exchange_read_payload(x, &sink);
}

/* Return: why an answer with this head goes no further; NULL if it does */
static const char *object_to_reply(const struct exchange *x)
{
	const struct http1_head *reply = &x->reply;
	struct span coding = http1_head_known(reply, HTTP1_F_CONTENT_ENCODING);

	if (reply->status < 200)
		return "it switches protocols";
	if (reply->status >= 300 && reply->status < 400)
		return "it redirects elsewhere, and redirects of an MCP endpoint are not followed";
	if (coding.n && !span_equals(coding, "identity"))
		return "its body is encoded, though that was not asked for";
	return NULL;
}

/* A 2xx: what kind of body the request may be answered with. */
static const char *object_to_success(const struct exchange *x, bool sse)
{
	if (x->conn->head.method == HTTP1_GET)
		return sse ? NULL : "it is no event stream";
	if (x->message.id && !sse && !is_json(x))
		return "it is neither JSON nor an event stream";
	return NULL;
}

static void on_reply_head(struct exchange *x)
{
	bool success = x->reply.status < 300;
	bool sse = success && http1_media_type_is(http1_head_known(&x->reply, HTTP1_F_CONTENT_TYPE),
						  "text/event-stream");
	struct http1_refusal refusal = {502, ""};
	const char *objection = object_to_reply(x);
	char text[EXCHANGE_TEXT_MAX];

	/* Only what was asked may be answered at length. */
	sse = sse && (x->message.id || x->conn->head.method == HTTP1_GET);
	if (!objection && success)
		objection = object_to_success(x, sse);
	if (objection) {
		snprintf(text, sizeof(text), "the answer of %s (status %u) is not relayed: %s",
			 x->server->url, x->reply.status, objection);
		exchange_fail(x, 502, text);
		return;
	}
	if (http1_body_begin(&x->reply_body, &x->reply,
			     sse       ? UINT64_MAX
			     : success ? MCP_RESPONSE_MAX
				       : EXCHANGE_ERROR_BODY_MAX,
			     &refusal)) {
		exchange_fail(x, 502, refusal.text);
		return;
	}
	x->deadline_ms = sse ? 0 : x->conn->conns->loop->now_ms + EXCHANGE_BODY_MS;
	x->state = sse ? EXCHANGE_STREAM : EXCHANGE_BODY;
	if (!sse)
		exchange_read_body(x);
	else if (exchange_begin_stream(x))
		conn_abort(x->conn);
	else
		exchange_read_stream(x);
}

static bool is_interim(const struct http1_head *head)
{
	return head->status < 200 && head->status != 101;
}

void exchange_read_head(struct exchange *x)
{
	enum http1_method method = x->conn->head.method;
	struct http1_refusal refusal = {502, ""};

	for (;;) {
		struct upstream *u = x->user.upstream;
		ssize_t n = u->in.len ? http1_read_response(&x->reply, &u->in, method, &refusal)
				      : PARSE_MORE;

		if (n == PARSE_BAD) {
			exchange_fail(x, 502, refusal.text);
			return;
		}
		if (n >= 0 && !is_interim(&x->reply)) {
			on_reply_head(x);
			return;
		}
		if (n >= 0 && ++x->interims > EXCHANGE_INTERIM_MAX) {
			exchange_fail(x, 502,
				      "the server does not come to its answer: too many "
				      "interim ones");
			return;
		}
		if (n >= 0)
			continue;
		n = upstream_read(u);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			x->reply.status = 0;
			exchange_fail(x, 502,
				      "the server closed the connection before it answered");
			return;
		}
	}
}
