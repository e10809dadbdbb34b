// SPDX-License-Identifier: Apache-2.0
/*
 * From a body to a message, in stages; each refuses, and the first refusal is the answer:
 *   1. read_body: strict JSON, one object, no two keys that some reader takes for one;
 *   2. read_root: the members of a request or notification, and no others. Sets id and
 *	method, so that later refusals can name them;
 *   3. read_params: params, its _meta, the era;
 *   4. read_call: what the policy has to judge of a tools/call;
 *   5. members that have no business outside are dropped from the tree.
 * A stage may only rely on what the stages before it checked. Nothing is repaired: a
 * message that two servers could read in two ways is refused, whatever it asks for.
 */
#include "mcp/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/json.h"
#include "mcp/methods.h"

__attribute__((format(printf, 4, 5))) static int refuse(struct mcp_refusal *ret, int http_status,
							int code, const char *format, ...)
{
	va_list ap;

	ret->http_status = http_status;
	ret->code = code;
	va_start(ap, format);
	vsnprintf(ret->text, sizeof(ret->text), format, ap);
	va_end(ap);
	return -EBADMSG;
}

static int refuse_memory(struct mcp_refusal *ret)
{
	refuse(ret, 503, MCP_CODE_DENIED, "mcpjail: out of memory");
	return -ENOMEM;
}

static int refuse_request(struct mcp_refusal *ret, const char *why)
{
	return refuse(ret, 400, MCP_CODE_INVALID_REQUEST, "mcpjail: refused this message: %s", why);
}

static int refuse_params(struct mcp_refusal *ret, const char *why)
{
	return refuse(ret, 400, MCP_CODE_INVALID_PARAMS, "mcpjail: refused this message: %s", why);
}

static int read_body(struct span body, json_t **ret_root, struct mcp_refusal *ret)
{
	struct error err;
	int r = mcp_json_parse(body, &mcp_request_limits, ret_root, &err);

	if (r == -ENOMEM)
		return refuse_memory(ret);
	if (r)
		return refuse(ret, 400, MCP_CODE_PARSE,
			      "mcpjail: refused this message body (%s): %s", err.where, err.what);
	if (json_is_array(*ret_root))
		return refuse_request(ret, "it is a JSON-RPC batch; send one message a request");
	if (!mcp_json_keys_are_distinct(*ret_root))
		return refuse_request(ret, "two of its members have the same name but for case");
	return 0;
}

static bool has_only_known_members(const json_t *root)
{
	static const char *const known[] = {"jsonrpc", "id", "method", "params"};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		n += json_object_get(root, known[i]) != NULL;
	return n == json_object_size(root);
}

static int read_id(struct mcp_message *m, struct mcp_refusal *ret)
{
	autobuf struct buf text = BUF_INIT(sizeof(m->id_json) - 1);

	m->kind = m->id ? MCP_REQUEST : MCP_NOTIFICATION;
	if (!m->id)
		return 0;
	if (!methods_is_token(m->id))
		return refuse_request(ret, "its id is neither a string of at most 128 bytes nor an "
					   "integer within 2^53");
	if (mcp_json_append(&text, m->id, MCP_JSON_AS_READ))
		return refuse_memory(ret);
	span_copy(span_bytes(text.data, text.len), m->id_json, sizeof(m->id_json));
	memcpy(ret->id_json, m->id_json, sizeof(ret->id_json));
	return 0;
}

static int read_method(struct mcp_message *m, struct mcp_refusal *ret)
{
	const json_t *method = json_object_get(m->root, "method");
	bool is_notification;

	if (!json_is_string(method) || !json_string_length(method) ||
	    json_string_length(method) > MCP_METHOD_MAX)
		return refuse_request(ret, "it has no method, or one longer than 64 bytes");
	m->method = json_string_value(method);
	snprintf(ret->method, sizeof(ret->method), "%s", m->method);
	is_notification = !strncmp(m->method, "notifications/", strlen("notifications/"));
	if (m->kind == MCP_NOTIFICATION && !is_notification)
		return refuse_request(ret, "a method that asks for an answer needs an id");
	if (m->kind == MCP_REQUEST && is_notification)
		return refuse_request(ret, "a notification must not have an id");
	return 0;
}

static int read_root(struct mcp_message *m, struct mcp_refusal *ret)
{
	const json_t *root = m->root;
	bool is_response = json_object_get(root, "result") || json_object_get(root, "error");
	int r;

	if (is_response && json_object_get(root, "method"))
		return refuse_request(ret, "it is both a request and a response");
	if (is_response)
		return refuse(
			ret, 400, MCP_CODE_DENIED,
			"mcpjail: refused a response to the server: requests of the server are "
			"not let through, so there is none to answer");
	if (!has_only_known_members(root))
		return refuse_request(ret, "it has members beside jsonrpc, id, method and params");
	if (!mcp_json_is_text(json_object_get(root, "jsonrpc"), "2.0"))
		return refuse_request(ret, "jsonrpc is not \"2.0\"");
	m->id = json_object_get(root, "id");
	r = read_id(m, ret);
	return r ? r : read_method(m, ret);
}

static int read_params(struct mcp_message *m, struct mcp_refusal *ret)
{
	const json_t *meta, *version;

	m->era = ERA_LEGACY;
	m->params = json_object_get(m->root, "params");
	if (!m->params)
		return 0;
	if (!json_is_object(m->params))
		return refuse_params(ret, "params is not an object");
	if (!mcp_json_keys_are_distinct(m->params))
		return refuse_params(ret, "two members of params have the same name but for case");
	meta = json_object_get(m->params, "_meta");
	if (!meta)
		return 0;
	if (!json_is_object(meta))
		return refuse_params(ret, "params._meta is not an object");
	if (!mcp_json_keys_are_distinct(meta))
		return refuse_params(ret, "two members of _meta have the same name but for case");
	m->progress_token = json_object_get(meta, "progressToken");
	version = json_object_get(meta, MCP_META_VERSION);
	if (!version)
		return 0;
	m->era = ERA_MODERN;
	m->version = json_string_value(version);
	return m->version ? 0 : refuse_params(ret, "its protocol version is not a string");
}

bool mcp_tool_name_is_valid(const char *name, size_t n)
{
	static const char valid[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	/* strspn() stops at a NUL inside of the @n bytes too. */
	return n >= 1 && n <= MCP_TOOL_MAX && strspn(name, valid) == n;
}

/* A task or a continued call would be work that was not judged as this call. */
static int refuse_continuation(const struct mcp_message *m, struct mcp_refusal *ret)
{
	static const char *const members[] = {"task", "inputResponses", "requestState"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_get(m->params, members[i]))
			return refuse(ret, 200, MCP_CODE_DENIED,
				      "mcpjail: denied the call of %s: params.%s is not supported; "
				      "call the tool without it",
				      m->tool, members[i]);
	return 0;
}

static int read_call(struct mcp_message *m, struct mcp_refusal *ret)
{
	const json_t *name = json_object_get(m->params, "name");

	if (strcmp(m->method, "tools/call") != 0)
		return 0;
	if (!json_is_string(name))
		return refuse_params(ret, "params.name, the tool to call, is not a string");
	if (!mcp_tool_name_is_valid(json_string_value(name), json_string_length(name)))
		return refuse(
			ret, 200, MCP_CODE_INVALID_PARAMS,
			"mcpjail: denied a call: a tool's name is 1 to 64 of A-Z a-z 0-9 _ . -");
	m->tool = json_string_value(name);
	snprintf(ret->tool, sizeof(ret->tool), "%s", m->tool);
	m->arguments = json_object_get(m->params, "arguments");
	if (m->arguments && !json_is_object(m->arguments))
		return refuse_params(ret, "params.arguments is not an object");
	if (!mcp_json_all_keys_are_distinct(m->arguments))
		return refuse_params(ret, "two keys of an object in params.arguments are the same "
					  "but for case");
	/* Servers differ about a missing member, and the policy judges an object. */
	if (!m->arguments) {
		if (json_object_set_new(m->params, "arguments", json_object()))
			return refuse_memory(ret);
		m->arguments = json_object_get(m->params, "arguments");
	}
	return refuse_continuation(m, ret);
}

static int read_message(struct span body, struct mcp_message *m, struct mcp_refusal *ret)
{
	const char *member;
	int r = read_body(body, &m->root, ret);

	if (!r)
		r = read_root(m, ret);
	if (!r)
		r = read_params(m, ret);
	if (!r)
		r = read_call(m, ret);
	if (!r && methods_reduce_params(m, &member))
		return refuse(ret, 400, MCP_CODE_INVALID_PARAMS,
			      "mcpjail: refused this message: %s has the wrong type or is too long",
			      member);
	return r;
}

int mcp_message_parse(struct span body, struct mcp_message *ret, struct mcp_refusal *ret_refusal)
{
	struct mcp_refusal refusal = {.id_json = "null"};
	int r;

	*ret = (struct mcp_message){.root = NULL};
	r = read_message(body, ret, &refusal);
	if (!r)
		return 0;
	mcp_message_free(ret);
	*ret_refusal = refusal;
	return r;
}

void mcp_message_free(struct mcp_message *m)
{
	json_decref(m->root);
	*m = (struct mcp_message){.root = NULL};
}

int mcp_message_serialise(const struct mcp_message *m, struct buf *b)
{
	return mcp_json_append(b, m->root, MCP_JSON_AS_READ);
}

int mcp_arguments_canonical(const json_t *arguments, struct buf *b)
{
	return arguments ? mcp_json_append(b, arguments, MCP_JSON_SORTED) : buf_puts(b, "{}");
}
