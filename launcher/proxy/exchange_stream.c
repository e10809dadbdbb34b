// SPDX-License-Identifier: Apache-2.0
/*
 * Server-sent events. The head goes out at once; each event is judged by itself and
 * forwarded at once, in canonical form. What is dropped leaves its id behind, so that a
 * client that resumes does so behind it. When the agent does not read, neither do we.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"

int exchange_begin_stream(struct exchange *x)
{
	struct conn *c = x->conn;
	struct span session = exchange_session_id(x);
	struct http1_pair pairs[3] = {
		{"Content-Type", span_of("text/event-stream")},
		{"Cache-Control", span_of("no-cache")},
		{"Mcp-Session-Id", session},
	};
	struct http1_out o = {
		.fields = pairs,
		.n_fields = session.n ? 3 : 2,
	};
	int r;

	x->chunked = c->head.minor;
	if (!x->chunked)
		c->close = true;
	o.framing = x->chunked ? HTTP1_FRAMING_CHUNKED : HTTP1_FRAMING_CLOSE;
	o.close = conn_answer_flags(c) & HTTP1_CLOSE;
	r = http1_write_response_head(&c->out, x->reply.status, &o);
	if (r)
		return r;
	x->streaming = true;
	sse_decoder_init(&x->sse, EXCHANGE_EVENT_MAX);
	conn_push(c);
	return 0;
}

static int emit_text(struct exchange *x, const struct buf *text)
{
	struct conn *c = x->conn;

	return x->chunked ? http1_write_chunk(&c->out, text->data, text->len)
			  : buf_append(&c->out, text->data, text->len);
}

static int emit(struct exchange *x, const struct sse_event *event)
{
	autobuf struct buf text = BUF_INIT(CONN_OUT_MAX);
	int r = sse_encode(&text, event);

	return r ? r : emit_text(x, &text);
}

static int emit_comment(struct exchange *x)
{
	autobuf struct buf text = BUF_INIT(EXCHANGE_TEXT_MAX);
	int r = sse_encode_comment(&text, "keep-alive");

	return r ? r : emit_text(x, &text);
}

static bool is_message(const struct sse_event *event)
{
	return event->has_data && event->data.n &&
	       (!event->type.n || span_equals(event->type, "message"));
}

/* Return: 0; -errno if the stream cannot go on, with @err filled */
static int on_event(struct exchange *x, struct sse_event *event, struct error *err)
{
	autobuf struct buf out = BUF_INIT(CONN_OUT_MAX);
	struct mcp_response_info info = {.relay = false};
	int r;

	if (!is_message(event)) {
		/* Only ids and times to wait: other types of event mean nothing in MCP. */
		if (event->data.n)
			event->has_data = false;
		event->type = span_of("");
		return event->has_data || event->has_id || event->has_retry ? emit(x, event) : 0;
	}
	r = exchange_filter(x, event->data, &out, &info, err);
	if (r)
		return r;
	event->has_data = info.relay;
	event->data = span_bytes(out.data, info.relay ? out.len : 0);
	if (info.is_answer) {
		exchange_settle(x, OUTCOME_ANSWERED, &info,
				span_bytes(out.data + info.result_at, info.result_bytes),
				info.note);
		x->answered = true;
		x->deadline_ms = x->conn->conns->loop->now_ms + EXCHANGE_AFTER_MS;
	}
	return event->has_data || event->has_id || event->has_retry ? emit(x, event) : 0;
}

/* Return: 0; -errno, with the reason in @err */
static int decode(struct exchange *x, struct span data, struct error *err)
{
	struct sse_event event;
	int r = 0;

	while (!r) {
		switch (sse_decode(&x->sse, &data, &event)) {
		case SSE_BAD:
			error_set(err, NULL, NULL, "an event is too long");
			return -EMSGSIZE;
		case SSE_MORE:
			return 0;
		case SSE_EVENT:
			r = on_event(x, &event, err);
			break;
		case SSE_COMMENT:
			/* That one came matters; its text could say anything. */
			r = emit_comment(x);
			break;
		}
	}
	return r;
}

void exchange_end_stream(struct exchange *x, bool whole)
{
	bool reusable = whole && x->reply.keep_alive;

	exchange_settle(x, OUTCOME_UNKNOWN, NULL, span_of(""),
			"the stream ended without an answer");
	if (x->chunked && http1_write_last_chunk(&x->conn->out)) {
		conn_abort(x->conn);
		return;
	}
	exchange_finish(x, reusable);
}

static void end_whole(struct exchange *x)
{
	exchange_end_stream(x, true);
}

static void break_stream(struct exchange *x, const char *why)
{
	char text[EXCHANGE_TEXT_MAX];

	snprintf(text, sizeof(text), "the event stream of %s broke: %s", x->server->url, why);
	exchange_fail(x, 502, text);
}

static int take_events(struct exchange *x, struct span payload)
{
	struct error err = {.what = "out of memory"};
	int r = decode(x, payload, &err);

	if (r)
		break_stream(x, err.what);
	else
		x->paused = conn_push(x->conn) > CONN_QUEUE_MAX;
	return r;
}

void exchange_read_stream(struct exchange *x)
{
	static const struct exchange_sink sink = {take_events, end_whole, break_stream};

	exchange_read_payload(x, &sink);
}
