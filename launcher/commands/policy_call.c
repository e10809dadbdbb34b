// SPDX-License-Identifier: Apache-2.0
#include "policy_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "mcp/json.h"
#include "policy/json/json_auto.h"

#define DEFAULT_GRANT "default"  /* of a run that names none */
#define MESSAGE_MAX   (4u << 20) /* bytes: more than the proxy takes */

void asked_call_free(struct asked_call *call)
{
	mcp_message_free(&call->message);
	free(call->earlier);
	call->earlier = NULL;
}

/* --- reading ----------------------------------------------------------------------- */

static int wrong(struct error *err, const char *key, const char *what)
{
	error_set(err, NULL,
		  "write {\"tool\":\"get_quote\",\"arguments\":{}}, and beside them server, "
		  "grant, session and earlier, as needed",
		  "`%s` %s", key, what);
	return -EINVAL;
}

static int check_keys(const json_t *object, struct error *err)
{
	static const struct {
		const char *key;
		json_type type;
		const char *complaint;
	} keys[] = {{"tool", JSON_STRING, "must be a string"},
		    {"arguments", JSON_OBJECT, "must be an object"},
		    {"server", JSON_STRING, "must be a string"},
		    {"grant", JSON_STRING, "must be a string"},
		    {"session", JSON_STRING, "must be a string"},
		    {"earlier", JSON_ARRAY, "must be a list of {\"tool\",\"result\"}"}};
	const json_t *value;
	const char *key;

	if (!json_is_object(object)) {
		error_set(err, NULL, "write {\"tool\":\"get_quote\",\"arguments\":{}}",
			  "a call is an object");
		return -EINVAL;
	}
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		size_t i = 0;

		while (i < ARRAY_SIZE(keys) && strcmp(keys[i].key, key))
			i++;
		if (i == ARRAY_SIZE(keys))
			return wrong(err, key, "is no key of a call");
		if (json_typeof(value) != keys[i].type)
			return wrong(err, key, keys[i].complaint);
	}
	return json_object_get(object, "tool") ? 0 : wrong(err, "tool", "is missing");
}

static int read_earlier(const json_t *list, struct asked_call *call, struct error *err)
{
	const json_t *item;
	size_t i;

	call->earlier = calloc(json_array_size(list) + 1, sizeof(*call->earlier));
	if (!call->earlier)
		return -ENOMEM;
	json_array_foreach (list, i, item) {
		struct policy_earlier one = {
			.tool = json_string_value(json_object_get(item, "tool")),
			.result = json_object_get(item, "result")};

		if (!one.tool || !json_is_object(one.result) || json_object_size(item) != 2)
			return wrong(err, "earlier",
				     "must be a list of {\"tool\",\"result\"}, "
				     "each result an object");
		call->earlier[call->n_earlier++] = one;
	}
	return 0;
}

/* The message that an agent would send, through the proxy's own reader. */
static int read_message(const json_t *object, struct asked_call *call)
{
	autobuf struct buf text = BUF_INIT(MESSAGE_MAX);
	const json_t *arguments = json_object_get(object, "arguments");
	int r = buf_puts(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
				"\"params\":{\"name\":");

	if (!r)
		r = mcp_json_append(&text, json_object_get(object, "tool"), MCP_JSON_AS_READ);
	if (!r)
		r = buf_puts(&text, ",\"arguments\":");
	if (!r)
		r = arguments ? mcp_json_append(&text, arguments, MCP_JSON_AS_READ)
			      : buf_puts(&text, "{}");
	if (!r)
		r = buf_puts(&text, "}}");
	if (!r)
		r = mcp_message_parse(span_bytes(text.data, text.len), &call->message,
				      &call->refusal);
	return r == -EBADMSG ? 0 : r;
}

int asked_call_read(const json_t *object, struct asked_call *ret, struct error *err)
{
	autocall struct asked_call call = {.server = NULL};
	int r = check_keys(object, err);

	if (!r)
		r = read_earlier(json_object_get(object, "earlier"), &call, err);
	if (!r)
		r = read_message(object, &call);
	if (r)
		return r;
	call.tool = json_string_value(json_object_get(object, "tool"));
	call.server = json_string_value(json_object_get(object, "server"));
	call.grant = json_string_value(json_object_get(object, "grant"));
	*ret = call;
	call = (struct asked_call){.server = NULL};
	return 0;
}

/* --- judging ----------------------------------------------------------------------- */

static int find_server(const struct asked_call *call, const struct policy *policy,
		       const struct policy_server **ret, struct error *err)
{
	size_t n = policy_server_count(policy);

	*ret = NULL;
	if (!call->server && n == 1) {
		*ret = policy_server_at(policy, 0);
		return 0;
	}
	if (!call->server) {
		error_set(err, NULL, "name it: \"server\":\"NAME\"",
			  "the policy has %zu servers, and the call does not say which", n);
		return -EINVAL;
	}
	/* By its name in `servers`, its URL, or its host. */
	for (size_t i = 0; !*ret && i < n; i++) {
		const struct policy_server *server = policy_server_at(policy, i);

		if (!strcmp(server->url, call->server) || !strcmp(server->host, call->server) ||
		    (server->name && !strcmp(server->name, call->server)))
			*ret = server;
	}
	return 0;
}

int asked_call_judge(const struct asked_call *call, const struct policy *policy,
		     struct judged_call *ret, struct error *err)
{
	struct policy_call one = {
		.tool = call->message.tool,
		.arguments = call->message.arguments,
		.grant = call->grant ? call->grant : DEFAULT_GRANT,
		.now_s = time(NULL),
	};
	int r = find_server(call, policy, &one.server, err);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	if (call->refusal.http_status) {
		ret->refusal = call->refusal.text;
		return 0;
	}
	policy_explain(policy, &one, &(struct policy_history){call->earlier, call->n_earlier},
		       &ret->decision, &ret->trace);
	ret->verdict = ret->trace.verdict;
	return 0;
}

const char *judged_rule(const struct judged_call *judged)
{
	return judged->refusal ? "" : judged->decision.rule;
}

const char *judged_reason(const struct judged_call *judged)
{
	return judged->refusal ? judged->refusal : judged->decision.reason;
}

const char *verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DENY:
		return "deny";
	case VERDICT_ALLOW:
		return "allow";
	case VERDICT_ASK:
		return "ask";
	}
	return "deny";
}

/* --- telling ------------------------------------------------------------------------- */

static json_t *stage_report(const char *name, enum policy_step_verdict verdict, const char *rule,
			    const char *reason)
{
	static const char *const words[] = {[STEP_NOT_REACHED] = "not reached",
					    [STEP_PASSES] = "pass",
					    [STEP_DENIES] = "deny",
					    [STEP_ASKS] = "ask"};

	return json_pack("{s:s, s:s, s:s, s:s}", "stage", name, "verdict", words[verdict], "rule",
			 rule, "reason", reason);
}

json_t *judged_call_report(const struct judged_call *judged)
{
	autojson json_t *stages = json_array();
	int r = json_array_append_new(
		stages, stage_report("parse", judged->refusal ? STEP_DENIES : STEP_PASSES, "",
				     judged->refusal ? judged->refusal : ""));

	for (unsigned i = 0; i < POLICY_STAGES; i++) {
		const struct policy_step *step = &judged->trace.steps[i];

		r |= json_array_append_new(stages,
					   stage_report(policy_stage_name((enum policy_stage)i),
							step->verdict, step->rule, step->reason));
	}
	if (r)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:O}", "verdict", verdict_word(judged->verdict), "rule",
			 judged_rule(judged), "reason", judged_reason(judged), "stages", stages);
}
