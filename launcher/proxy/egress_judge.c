// SPDX-License-Identifier: Apache-2.0
#include "proxy/egress_judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/json.h"
#include "proxy/egress.h"
#include "proxy/egress_path.h"
#include "proxy/http1_internal.h"

#define METHOD_BYTES      64 /* of an override that is judged in capitals, as it is obeyed */
#define WEBSOCKET_VERSION "13"

const char *const egress_dropped_fields[] = {
	"x-original-url",
	"x-rewrite-url", /* another path */
	"x-forwarded-host",
	"x-original-host",
	"x-host",
	"forwarded", /* another host */
	NULL,
};

static const char *const override_fields[] = {
	"x-http-method-override",
	"x-http-method",
	"x-method-override",
};

/* Larger than MCP's: a conversation with its pictures goes in every request. */
static const struct mcp_json_limits body_limits = {
	.bytes = EGRESS_BODY_MAX,
	.depth = 128,
	.values = 1048576,
	.allow_nul = true,
};

/* --- what is asked ------------------------------------------------------------------ */

static bool lists(const struct http1_head *head, enum http1_known known, const char *option)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		struct span list = http1_head_value(head, i), element;

		if (head->known[i] != known)
			continue;
		while (http1_list_next(&list, &element))
			if (http1_span_is_name(element, option, strlen(option)))
				return true;
	}
	return false;
}

static bool is_dropped(struct span name)
{
	for (const char *const *dropped = egress_dropped_fields; *dropped; dropped++)
		if (http1_span_is_field(name, span_of(*dropped)))
			return true;
	return false;
}

/* The @i-th value of a field that the host will see. */
static bool relayed_field(void *arg, const char *name, size_t i, struct span *ret)
{
	const struct http1_head *head = arg;

	for (size_t at = 0; at < head->n_fields; at++) {
		struct span given = http1_head_name(head, at);

		if (!http1_span_is_field(given, span_of(name)) ||
		    !http1_field_is_relayed(head, at) || is_dropped(given) || i--)
			continue;
		*ret = http1_head_value(head, at);
		return true;
	}
	return false;
}

/* RFC 6455 §4.1. That the key is one is the server's to check. */
static bool asks_for_websocket(const struct http1_head *head)
{
	void *arg = (void *)(uintptr_t)head;
	struct span key, version;

	return head->method == HTTP1_GET && head->minor == 1 &&
	       head->framing == HTTP1_FRAMING_NONE && lists(head, HTTP1_F_CONNECTION, "upgrade") &&
	       http1_span_is_name(http1_head_known(head, HTTP1_F_UPGRADE), "websocket", 9) &&
	       relayed_field(arg, "sec-websocket-key", 0, &key) &&
	       relayed_field(arg, "sec-websocket-version", 0, &version) &&
	       span_equals(version, WEBSOCKET_VERSION);
}

/*
 * Google's front end takes a method and fields from the query, if it is asked to
 * ($httpMethod=, $httpHeaders=), over those that were judged.
 */
static bool is_head_in_query(struct span query)
{
	static const char prefix[] = "$http";
	size_t matched = 0;

	for (size_t i = 0; i < query.n; i++) {
		char c = query.p[i];

		if (c == '&' || c == ';') {
			matched = 0;
			continue;
		}
		if (c == '%' && query.n - i > 2 && http1_is(query.p[i + 1], HTTP1_C_HEX) &&
		    http1_is(query.p[i + 2], HTTP1_C_HEX)) {
			c = (char)(http1_hex_value(query.p[i + 1]) << 4 |
				   http1_hex_value(query.p[i + 2]));
			i += 2;
		}
		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		/* At the beginning of a name only: what does not match, ends the trying. */
		matched = matched < sizeof(prefix) && c == prefix[matched] ? matched + 1
									   : sizeof(prefix);
		if (matched == sizeof(prefix) - 1)
			return true;
	}
	return false;
}

int egress_ask_read(const struct http1_head *head, const struct http1_authority *to, bool plain,
		    struct egress_ask *ret, struct http1_refusal *ret_refusal)
{
	struct span path = http1_head_span(head, head->path);
	struct egress_path read;

	if (head->form == HTTP1_ASTERISK)
		return http1_refuse(ret_refusal, 400, "a request for `*` is for no path");
	if (head->form == HTTP1_ABSOLUTE && !path.n)
		path = span_of("/");
	if (egress_path_read(path, &read))
		return http1_refuse(ret_refusal, 400,
				    "a path with dot segments or odd escapes, which servers "
				    "read differently");
	if (is_head_in_query(http1_head_span(head, head->query)))
		return http1_refuse(ret_refusal, 400,
				    "a query that names a method or fields ($http…), which would "
				    "replace those that are judged");
	snprintf(ret->host, sizeof(ret->host), "%s", to->host);
	snprintf(ret->path, sizeof(ret->path), "%s", read.readings[0]);
	ret->port = to->port;
	ret->plain = plain;
	ret->websocket = asks_for_websocket(head);
	return 0;
}

/* --- the body's kind ------------------------------------------------------------------- */

/*
 * A body is judged as JSON, so the host must read it as that: a form, or another charset than
 * JSON's only one (RFC 8259 §8.1), could hide what is sent. Without a type it is left to guess.
 */
static bool is_read_as_json(struct span type)
{
	return !type.n || http1_media_type_is(type, "application/json") ||
	       http1_media_type_ends(type, "+json");
}

/* The first that changes anything, of all fields that name one; none: no bytes. */
static struct span content_coding(const struct http1_head *head)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		struct span coding = http1_head_value(head, i);

		if (head->known[i] == HTTP1_F_CONTENT_ENCODING && coding.n &&
		    !span_equals(coding, "identity"))
			return coding;
	}
	return span_of("");
}

const char *egress_object_to_body(const struct http1_head *head)
{
	struct span coding = content_coding(head);
	struct span type = http1_head_known(head, HTTP1_F_CONTENT_TYPE);

	if (head->framing == HTTP1_FRAMING_NONE)
		return NULL;
	/* Only one program is known to compress what it sends, and it can be told not to. */
	if (span_equals(coding, "zstd"))
		return "a compressed body cannot be judged: send it without Content-Encoding "
		       "(Codex: codex --disable enable_request_compression)";
	if (coding.n)
		return "an encoded body cannot be judged: send it without Content-Encoding";
	if (!is_read_as_json(type))
		return "one that is no JSON cannot be judged: send it as application/json";
	if (!http1_charset_is_utf8(type))
		return "a body in another charset than UTF-8 cannot be judged";
	return NULL;
}

/* --- judging -------------------------------------------------------------------------- */

/* A question to the policy, asked once for each way to understand the request. */
struct question {
	const struct policy *policy;
	const struct http1_head *head;
	const struct egress_ask *ask;
	bool about_body;
	const json_t *body;
};

/* Return: whether it is allowed so far */
static bool ask_policy(const struct question *q, const char *path, struct span method,
		       struct policy_egress_decision *ret)
{
	const struct policy_egress_request request = {
		.host = q->ask->host,
		.port = q->ask->port,
		.method = method,
		.path = path,
		.websocket = q->ask->websocket,
		.header = relayed_field,
		.arg = (void *)(uintptr_t)q->head,
	};
	struct policy_egress_decision decision;

	if (q->about_body)
		policy_egress_decide_body(q->policy, &request, q->body, &decision);
	else
		policy_egress_decide(q->policy, &request, &decision);
	/* The rule that is told is that of the first reading. */
	if (decision.verdict != VERDICT_ALLOW || !ret->rule[0])
		*ret = decision;
	ret->judges_body = ret->judges_body || decision.judges_body;
	return decision.verdict == VERDICT_ALLOW;
}

static bool ask_for_path(const struct question *q, const char *path,
			 struct policy_egress_decision *ret)
{
	struct span method = http1_head_span(q->head, q->head->method_text), value;
	void *arg = (void *)(uintptr_t)q->head;

	if (!ask_policy(q, path, method, ret))
		return false;
	for (size_t f = 0; f < ARRAY_SIZE(override_fields); f++) {
		for (size_t i = 0; relayed_field(arg, override_fields[f], i, &value); i++) {
			char upper[METHOD_BYTES];
			size_t n = value.n < sizeof(upper) ? value.n : sizeof(upper);

			for (size_t k = 0; k < n; k++) {
				char c = value.p[k];

				upper[k] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
			}
			if (!ask_policy(q, path, span_bytes(upper, n), ret))
				return false;
		}
	}
	return true;
}

static void ask_for_all(const struct question *q, struct policy_egress_decision *ret)
{
	struct egress_path path;

	*ret = (struct policy_egress_decision){.verdict = VERDICT_DENY};
	if (egress_path_read(span_of(q->ask->path), &path))
		return;
	for (size_t i = 0; i < path.n; i++)
		if (!ask_for_path(q, path.readings[i], ret))
			return;
}

void egress_judge(const struct policy *policy, const struct http1_head *head,
		  const struct egress_ask *ask, struct policy_egress_decision *ret)
{
	ask_for_all(&(struct question){policy, head, ask, false, NULL}, ret);
}

void egress_judge_body(const struct policy *policy, const struct http1_head *head,
		       const struct egress_ask *ask, struct span body,
		       struct policy_egress_decision *ret)
{
	struct error err = {.what = "out of memory"};
	json_t *value = NULL;

	if (body.n && mcp_json_parse(body, &body_limits, &value, &err)) {
		egress_judge(policy, head, ask, ret);
		ret->verdict = VERDICT_DENY;
		snprintf(ret->reason, sizeof(ret->reason),
			 "a body for %s is refused by rule %s: bodies are judged there, and this "
			 "one cannot be: %.32s%s%.120s",
			 ask->host, ret->rule, err.where, err.where[0] ? ": " : "", err.what);
		return;
	}
	ask_for_all(&(struct question){policy, head, ask, true, value}, ret);
	json_decref(value);
}
