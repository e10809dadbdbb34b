// SPDX-License-Identifier: Apache-2.0
/*
 * A request goes: parse → agree with its headers → route by method → judge → record and
 * charge (the keeper) → forward. Each stage can end it with an answer; only the last
 * lets a byte out. What is denied is recorded before it is answered, like what is allowed.
 *
 * Denials of a tool are tool results (MCP.md: every host shows those to the model); other
 * denials are JSON-RPC errors in a 200, so that no client starts its session over.
 */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "exchange_internal.h"
#include "mcp/reply.h"
#include "proxy/tls.h"

#define JSON "application/json"

/* --- the end ------------------------------------------------------------------- */

bool exchange_was_sent(const struct exchange *x)
{
	if (x->state < EXCHANGE_SEND)
		return false;
	/* Past SEND the whole request is out; within it the kernel's count tells. */
	return x->state != EXCHANGE_SEND || !x->user.upstream ||
	       x->user.upstream->stream.sent != x->sent_before;
}

void exchange_settle(struct exchange *x, enum call_outcome outcome,
		     const struct mcp_response_info *info, struct span result, const char *detail)
{
	uint8_t digest[32];
	struct msg_outcome message = {
		.call_id = x->call.call_id,
		.outcome = (uint8_t)outcome,
		.http_status = x->reply.status,
		.detail = span_of(detail),
	};

	if (!x->owes_outcome)
		return;
	x->owes_outcome = false;
	if (x->sent_ns)
		message.upstream_us = (clock_ns(CLOCK_MONOTONIC) - x->sent_ns) / 1000;
	if (info) {
		message.is_error = info->is_error;
		tls_sha256(result.p, result.n, digest);
		message.result_sha256 = span_bytes(digest, sizeof(digest));
	}
	recorder_outcome(x->conn->conns->recorder, &message);
}

static void exchange_free(void *arg)
{
	struct exchange *x = arg;

	if (x->call.queued || x->call.asked)
		recorder_forget(x->conn->conns->recorder, &x->call);
	exchange_settle(x, exchange_was_sent(x) ? OUTCOME_UNKNOWN : OUTCOME_NOT_SENT, NULL,
			span_of(""), "the agent's connection ended before the answer");
	upstream_release(&x->user, false, 0);
	mcp_message_free(&x->message);
	buf_free(&x->denial);
	buf_free(&x->request);
	buf_free(&x->reply_bytes);
	http1_head_free(&x->reply);
	sse_decoder_free(&x->sse);
	free(x);
}

void exchange_finish(struct exchange *x, bool reusable)
{
	struct conn *c = x->conn;

	upstream_release(
		&x->user, reusable,
		reusable ? upstream_keep_alive_ms(http1_head_known(&x->reply, HTTP1_F_KEEP_ALIVE))
			 : 0);
	conn_finish_answer(c);
}

static void answer_json(struct exchange *x, unsigned status, const struct buf *body)
{
	struct conn *c = x->conn;

	if (http1_write_body(&c->out, status, JSON, span_bytes(body->data, body->len),
			     conn_answer_flags(c))) {
		conn_abort(c);
		return;
	}
	exchange_finish(x, false);
}

void exchange_fail(struct exchange *x, unsigned status, const char *text)
{
	struct conn *c = x->conn;
	autobuf struct buf body = BUF_INIT(EXCHANGE_TEXT_MAX * 2);
	char line[EXCHANGE_TEXT_MAX];
	bool sent = exchange_was_sent(x);

	log_decision("failed: %s: %s", x->server->url, text);
	exchange_settle(x, sent ? OUTCOME_UNKNOWN : OUTCOME_NOT_SENT, NULL, span_of(""), text);
	if (x->streaming) {
		conn_abort(c);
		return;
	}
	if (!x->message.id) {
		if (http1_write_error(&c->out, status, text, conn_answer_flags(c)))
			conn_abort(c);
		else
			exchange_finish(x, false);
		return;
	}
	snprintf(line, sizeof(line), "mcpjail: %s", text);
	if (mcp_reply_error(x->message.id, MCP_CODE_UPSTREAM, line, &body))
		conn_abort(c);
	else
		answer_json(x, status, &body);
}

/* --- the verdict ------------------------------------------------------------------ */

/* What the ledger keeps of the arguments: all of them as a hash, and what policy redacts not. */
static void describe_arguments(struct exchange *x, struct msg_call *message, struct buf *shown,
			       uint8_t digest[32])
{
	const struct policy_call call = {
		.server = x->server, .tool = x->message.tool, .arguments = x->message.arguments};
	autobuf struct buf whole = BUF_INIT(EXCHANGE_REQUEST_MAX);
	json_t *redacted = NULL;

	if (!x->message.arguments || mcp_arguments_canonical(x->message.arguments, &whole))
		return;
	tls_sha256(whole.data, whole.len, digest);
	message->args_sha256 = span_bytes(digest, 32);
	if (policy_redact_arguments(x->policy, &call, &redacted))
		return;
	if (!mcp_arguments_canonical(redacted, shown))
		message->args = span_bytes(shown->data, shown->len);
	json_decref(redacted);
}

/* Nothing, where memory is short: the keeper then cannot count, and denies. */
static struct span digest_values(const json_t *const *values, size_t n, uint8_t digest[32])
{
	if (!n || policy_values_digest(values, n, digest))
		return span_of("");
	return span_bytes(digest, 32);
}

static void add_charges(const struct policy_decision *decision, struct msg_call *message,
			uint8_t digests[IPC_CHARGES_MAX][32])
{
	if (decision->verdict != VERDICT_ALLOW)
		return;
	for (size_t i = 0; i < decision->n_limits; i++) {
		const struct policy_limit *limit = decision->limits[i];

		message->charges[i] = (struct msg_charge){
			.counter = span_of(limit->counter),
			.kind = decision->distinct[i] ? CHARGE_VALUE : CHARGE_AMOUNT,
			.scope = (uint8_t)limit->scope,
			.algorithm = (uint8_t)limit->algorithm,
			.window_ms = limit->window_ms,
			.max = limit->max,
			.amount = decision->amounts[i],
			.keep_ms = limit->keep_ms,
			.keep_for_ever = limit->keep_for_ever,
			.value_sha256 = digest_values(&decision->distinct[i],
						      decision->distinct[i] != NULL, digests[i]),
			.rule = span_of(limit->rule),
		};
	}
	message->n_charges = decision->n_limits;
	if (!decision->once.rule)
		return;
	message->charges[message->n_charges++] = (struct msg_charge){
		.counter = span_of("once"),
		.kind = CHARGE_ONCE,
		.window_ms = decision->once.window_ms,
		.max = 1,
		.amount = 1,
		.value_sha256 = digest_values(decision->once.key, decision->once.n,
					      digests[decision->n_limits]),
		.rule = span_of(decision->once.rule),
	};
}

static void on_turn(struct recorder_call *call)
{
	struct exchange *x = (struct exchange *)call;
	bool refused = x->refusal.http_status;
	autobuf struct buf shown = BUF_INIT(IPC_ARGS_MAX);
	uint8_t digest[32], digests[IPC_CHARGES_MAX][32];
	struct msg_call message = {
		.conn = x->conn->id,
		.policy = x->policy_number,
		.verdict = (uint8_t)x->decision.verdict,
		.durable = x->decision.durable,
		.observed = x->decision.is_observed,
		.method = span_of(refused ? x->refusal.method : x->message.method),
		.server = span_of(x->server->url),
		.tool = span_of(refused ? x->refusal.tool : x->message.tool),
		.id_json = span_of(refused ? x->refusal.id_json : x->message.id_json),
		.rule = span_of(x->decision.rule),
		.reason = span_of(x->decision.reason),
		.exec = conn_exec(x->conn),
	};

	describe_arguments(x, &message, &shown, digest);
	add_charges(&x->decision, &message, digests);
	recorder_send_call(x->conn->conns->recorder, call, &message);
}

/* The keeper said no to what the policy allowed: a limit, or no record. */
static void deny_by_keeper(struct exchange *x, const struct msg_call_verdict *verdict)
{
	const struct policy_decision *d = &x->decision;
	char text[EXCHANGE_TEXT_MAX];

	if (!verdict->failed && verdict->limit < d->n_limits) {
		struct policy_limit limit = *d->limits[verdict->limit];

		limit.amount = d->amounts[verdict->limit];
		policy_limit_denial(&limit, verdict->retry_after_ms, text, sizeof(text));
	} else if (!verdict->failed && d->once.rule) {
		policy_once_denial(d->once.rule, d->once.window_text, verdict->retry_after_ms, text,
				   sizeof(text));
	} else {
		snprintf(text, sizeof(text),
			 "mcpjail denied %s: no call is forwarded without a record, and this one "
			 "could not be recorded or counted: %.*s",
			 x->message.tool, (int)verdict->reason.n,
			 verdict->reason.n ? verdict->reason.p : "");
	}
	log_decision("denied: %s on %s: %s", x->message.tool, x->server->url, text);
	buf_clear(&x->denial);
	x->denial_status = 200;
	if (mcp_reply_tool_denied(&x->message, text, &x->denial))
		conn_abort(x->conn);
	else
		answer_json(x, x->denial_status, &x->denial);
}

static void on_verdict(struct recorder_call *call, const struct msg_call_verdict *verdict)
{
	struct exchange *x = (struct exchange *)call;

	/* Both have to allow it: what the policy denied stays denied whatever comes back. */
	if (x->decision.verdict != VERDICT_ALLOW) {
		answer_json(x, x->denial_status, &x->denial);
		return;
	}
	if (verdict->verdict != VERDICT_ALLOW) {
		deny_by_keeper(x, verdict);
		return;
	}
	log_decision("allowed: %s on %s", x->message.tool, x->server->url);
	x->owes_outcome = true;
	exchange_forward(x);
}

static void ask_keeper(struct exchange *x)
{
	x->call.on_turn = on_turn;
	x->call.on_verdict = on_verdict;
	recorder_ask(x->conn->conns->recorder, &x->call);
}

/* --- judging ------------------------------------------------------------------------ */

/* A body that is no message, or does not agree with its headers. */
static void refuse(struct exchange *x)
{
	struct conn *c = x->conn;

	snprintf(x->decision.reason, sizeof(x->decision.reason), "%s", x->refusal.text);
	x->denial_status = (unsigned)x->refusal.http_status;
	if (mcp_reply_refusal(&x->refusal, &x->denial)) {
		conn_abort(c);
		return;
	}
	if (x->refusal.method[0]) {
		log_decision("denied: %s %s on %s: %s", x->refusal.method, x->refusal.tool,
			     x->server->url, x->refusal.text);
		ask_keeper(x);
		return;
	}
	conn_record_refusal(c, x->denial_status, "", x->refusal.text);
	answer_json(x, x->denial_status, &x->denial);
}

static void deny_method(struct exchange *x)
{
	struct policy_decision *d = &x->decision;
	char text[EXCHANGE_TEXT_MAX];

	snprintf(d->rule, sizeof(d->rule), "/default");
	snprintf(d->reason, sizeof(d->reason),
		 "method %s does not pass: only tools can be allowed by this policy",
		 x->message.method);
	snprintf(text, sizeof(text), "mcpjail denied %s: %s (rule %s)", x->message.method,
		 d->reason, d->rule);
	log_decision("denied: %s on %s: %s", x->message.method, x->server->url, d->reason);
	x->denial_status = 200;
	if (mcp_reply_error(x->message.id, MCP_CODE_METHOD_NOT_FOUND, text, &x->denial))
		conn_abort(x->conn);
	else
		ask_keeper(x);
}

static void judge_call(struct exchange *x)
{
	const struct policy_call call = {.server = x->server,
					 .tool = x->message.tool,
					 .arguments = x->message.arguments,
					 .grant = x->conn->conns->grant,
					 .now_s = time(NULL)};
	char text[EXCHANGE_TEXT_MAX];

	policy_decide(x->policy, &call, &x->decision);
	policy_observe(x->policy, &call, &x->decision);
	if (x->decision.verdict != VERDICT_ALLOW) {
		policy_denial(&x->decision, x->message.tool, text, sizeof(text));
		log_decision("denied: %s on %s: %s", x->message.tool, x->server->url, text);
		x->denial_status = 200;
		if (mcp_reply_tool_denied(&x->message, text, &x->denial)) {
			conn_abort(x->conn);
			return;
		}
	}
	ask_keeper(x);
}

static bool read_message(struct exchange *x)
{
	const struct http1_head *head = &x->conn->head;
	struct mcp_param params[MCP_PARAMS_MAX + 1];
	const struct mcp_headers headers = {
		.protocol_version = http1_head_known(head, HTTP1_F_MCP_PROTOCOL_VERSION),
		.method = http1_head_known(head, HTTP1_F_MCP_METHOD),
		.name = http1_head_known(head, HTTP1_F_MCP_NAME),
		.params = params,
		.n_params = exchange_params(head, params),
	};
	const struct buf *body = &x->conn->body_bytes;

	return !mcp_message_parse(span_bytes(body->data, body->len), &x->message, &x->refusal) &&
	       !mcp_message_check_headers(&x->message, &headers, &x->refusal);
}

static void judge_message(struct exchange *x)
{
	if (!read_message(x)) {
		refuse(x);
		return;
	}
	log_protocol("conn %llu: → %s %s", (unsigned long long)x->conn->id, x->message.method,
		     x->message.tool ? x->message.tool : "");
	switch (mcp_method_route(&x->message)) {
	case MCP_DENY:
		deny_method(x);
		break;
	case MCP_JUDGE:
		judge_call(x);
		break;
	case MCP_PASS:
	case MCP_FILTER_LIST:
		exchange_forward(x);
		break;
	}
}

/* --- the agent and the clock --------------------------------------------------------- */

static void on_hung_up(struct exchange *x)
{
	bool stream_of_its_own = x->conn->head.method == HTTP1_GET;

	/*
	 * A call that left is followed to its end, for the record. What has not left must not
	 * leave for nobody. TLS clients do not half-close: an end of what they send is their end.
	 */
	if (stream_of_its_own || !exchange_was_sent(x) ||
	    (x->conn->stream.broken && !x->owes_outcome))
		conn_abort(x->conn);
	else if (!x->deadline_ms)
		x->deadline_ms = x->conn->conns->loop->now_ms + EXCHANGE_FIRST_BYTE_MS;
}

static void on_agent(void *arg)
{
	struct exchange *x = arg;
	struct conn *c = x->conn;
	bool had_output = c->out.len;

	if (had_output && !conn_push(c) && !c->stream.broken && x->paused) {
		x->paused = false;
		exchange_read_stream(x);
	}
	if (c->state == CONN_EXCHANGE && c->stream.hung_up)
		on_hung_up(x);
}

static void on_tick(void *arg)
{
	struct exchange *x = arg;

	if (!x->deadline_ms || x->deadline_ms > x->conn->conns->loop->now_ms)
		return;
	x->deadline_ms = 0;
	if (x->state == EXCHANGE_STREAM && x->answered) {
		exchange_end_stream(x, false);
		return;
	}
	exchange_fail(x, 504,
		      x->state == EXCHANGE_SEND ? "the server did not take the request in time"
						: "the server did not answer in time");
}

static const struct exchange_ops ops = {on_agent, on_tick, exchange_free};

void exchange_start(struct conn *c)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		conn_abort(c);
		return;
	}
	conn_begin_exchange(c, &ops, x);
	x->conn = c;
	x->policy = c->policy;
	x->policy_number = c->policy_number;
	x->server = c->server;
	x->state = EXCHANGE_VERDICT;
	x->denial = BUF_INIT(EXCHANGE_TEXT_MAX * 4);
	x->request = BUF_INIT(EXCHANGE_REQUEST_MAX);
	x->reply_bytes = BUF_INIT(MCP_RESPONSE_MAX);
	if (c->head.method == HTTP1_POST)
		judge_message(x);
	else
		exchange_forward(x);
}
