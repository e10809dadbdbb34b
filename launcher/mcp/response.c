// SPDX-License-Identifier: Apache-2.0
/*
 * One message from the server: parsed strictly, sorted into response, notification or
 * request, and written anew from the tree. Only what the agent's host asked for, or what
 * can not make it do anything, is written; a real host answered a roots/list that came
 * on the stream of a tools/call with its local roots.
 */
#include "mcp/response.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/json.h"
#include "mcp/methods.h"
#include "mcp/reply.h"
#include "mcp/tools.h"

struct filter {
	const struct mcp_response_rules *rules;
	json_t *root;
	struct buf *out;
	size_t start; /* of our message in out */
	struct mcp_response_info *info;
	struct error *err;
};

static int bad(struct filter *f, const char *what)
{
	error_set(f->err, "the server's message", NULL, "%s", what);
	return -EBADMSG;
}

__attribute__((format(printf, 2, 3))) static void note(struct mcp_response_info *info,
						       const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(info->note, sizeof(info->note), format, ap);
	va_end(ap);
}

/* Ids are one only if their types are: some clients take "4" or 4.0 for 4. */
static bool ids_equal(const json_t *a, const json_t *b)
{
	return a && b && json_equal(a, b);
}

static int append_member(struct buf *b, const char *before, const json_t *value)
{
	int r = buf_puts(b, before);

	return r ? r : mcp_json_append(b, value, MCP_JSON_AS_READ);
}

/* --- notifications ---------------------------------------------------------- */

static bool is_progress_of(const struct mcp_message *request, const json_t *params)
{
	if (!request)
		return true;
	return ids_equal(request->progress_token, json_object_get(params, "progressToken"));
}

static bool notification_passes(const struct filter *f, const char *method, const json_t *params)
{
	static const char *const passing[] = {
		"notifications/message",
		"notifications/progress",
		"notifications/tools/list_changed",
	};

	if (params && (!json_is_object(params) || !mcp_json_keys_are_distinct(params)))
		return false;
	if (!strcmp(method, "notifications/progress") && !is_progress_of(f->rules->request, params))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (!strcmp(method, passing[i]))
			return true;
	return false;
}

static int filter_notification(struct filter *f, const json_t *method)
{
	const json_t *params = json_object_get(f->root, "params");
	int r;

	f->info->kind = MCP_NOTIFICATION;
	if (!notification_passes(f, json_string_value(method), params)) {
		note(f->info, "dropped the server's %.64s", json_string_value(method));
		return 0;
	}
	r = append_member(f->out, "{\"jsonrpc\":\"2.0\",\"method\":", method);
	if (!r && params)
		r = append_member(f->out, ",\"params\":", params);
	f->info->relay = true;
	return r ? r : buf_puts(f->out, "}");
}

/* --- requests of the server ------------------------------------------------- */

static int answer_request(const json_t *id, const char *method, struct buf *b)
{
	int r;

	if (strcmp(method, "ping") != 0)
		return mcp_reply_error(id, MCP_CODE_METHOD_NOT_FOUND,
				       "mcpjail: the client does not serve this method", b);
	r = append_member(b, "{\"jsonrpc\":\"2.0\",\"id\":", id);
	return r ? r : buf_puts(b, ",\"result\":{}}");
}

static int filter_request(struct filter *f, const char *method, struct buf *ret_answer)
{
	const json_t *id = json_object_get(f->root, "id");

	f->info->kind = MCP_REQUEST;
	note(f->info, "dropped the server's request %.64s", method);
	return ret_answer && methods_is_token(id) ? answer_request(id, method, ret_answer) : 0;
}

/* --- the response ----------------------------------------------------------- */

static int filter_error(struct filter *f, const json_t *id, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	int r;

	if (!json_is_object(error) || !mcp_json_keys_are_distinct(error) ||
	    !json_is_integer(json_object_get(error, "code")) ||
	    !json_is_string(json_object_get(error, "message")))
		return bad(f, "its error has not the form of a JSON-RPC error");
	r = append_member(f->out, "{\"jsonrpc\":\"2.0\",\"id\":", id);
	if (!r)
		r = buf_puts(f->out, ",\"error\":");
	f->info->result_at = f->out->len - f->start;
	if (!r)
		r = append_member(f->out, "{\"code\":", json_object_get(error, "code"));
	if (!r)
		r = append_member(f->out, ",\"message\":", json_object_get(error, "message"));
	if (!r && data)
		r = append_member(f->out, ",\"data\":", data);
	if (!r)
		r = buf_puts(f->out, "}");
	f->info->result_bytes = f->out->len - f->start - f->info->result_at;
	f->info->is_error = true;
	return r ? r : buf_puts(f->out, "}");
}

/*
 * A tools/list result, tools first so that the place of their text is known. The other
 * members follow as the text of an object whose opening brace becomes a comma.
 */
static int append_list(struct filter *f, json_t *result, const json_t *shown)
{
	size_t rest;
	int r = buf_puts(f->out, "{\"tools\":");

	f->info->tools_at = f->out->len - f->start;
	if (!r)
		r = mcp_json_append(f->out, shown, MCP_JSON_AS_READ);
	f->info->tools_bytes = f->out->len - f->start - f->info->tools_at;
	json_object_del(result, "tools");
	rest = f->out->len;
	if (r || !json_object_size(result))
		return r ? r : buf_puts(f->out, "}");
	r = mcp_json_append(f->out, result, MCP_JSON_AS_READ);
	if (!r)
		f->out->data[rest] = ',';
	return r;
}

static int append_result(struct filter *f, json_t *result)
{
	json_auto_t *shown = NULL;
	const json_t *cursor = json_object_get(result, "nextCursor");
	int r;

	if (mcp_method_route(f->rules->request) != MCP_FILTER_LIST)
		return mcp_json_append(f->out, result, MCP_JSON_AS_READ);
	if (cursor && !json_is_string(cursor))
		return bad(f, "its nextCursor is not a string");
	r = tools_filter(json_object_get(result, "tools"), f->rules, &shown,
			 &f->info->tools_hidden);
	if (r)
		return r == -EINVAL ? bad(f, "its tools are not an array") : r;
	if (f->info->tools_hidden)
		note(f->info, "left %u of the server's tools out", f->info->tools_hidden);
	return append_list(f, result, shown);
}

/*
 * What a result offers instead of being complete: input to be asked of the user, or a task
 * to be polled. Both would go on in messages that are not judged as this call. Judged by
 * what it says in either era, since the client decides by itself what it understands.
 */
static const char *unsupported_offer(const json_t *result)
{
	const json_t *type = json_object_get(result, "resultType");

	if (json_is_object(json_object_get(result, "task")) && !json_object_get(result, "content"))
		return "a task to be polled";
	if (json_object_get(result, "inputRequests"))
		return "a request for more input";
	if (!type || mcp_json_is_text(type, "complete"))
		return NULL;
	if (mcp_json_is_text(type, "task"))
		return "a task to be polled";
	if (mcp_json_is_text(type, "input_required"))
		return "a request for more input";
	return "a result of an unknown type";
}

static int replace_result(struct filter *f, const char *offer)
{
	const struct mcp_message *request = f->rules->request;
	char text[256];

	snprintf(text, sizeof(text),
		 "mcpjail: the server answered with %s, which is not supported; the request may "
		 "have had an effect",
		 offer);
	note(f->info, "replaced %s of the server by an error", offer);
	f->info->replaced = true;
	f->info->is_error = true;
	if (request->tool)
		return mcp_reply_tool_denied(request, text, f->out);
	return mcp_reply_error(request->id, MCP_CODE_UPSTREAM, text, f->out);
}

static int filter_result(struct filter *f, const json_t *id, json_t *result)
{
	const char *offer;
	int r;

	if (!json_is_object(result) || !mcp_json_keys_are_distinct(result))
		return bad(f, "its result is not an object with distinct keys");
	offer = unsupported_offer(result);
	if (offer)
		return replace_result(f, offer);
	f->info->is_error = json_is_true(json_object_get(result, "isError"));
	r = append_member(f->out, "{\"jsonrpc\":\"2.0\",\"id\":", id);
	if (!r)
		r = buf_puts(f->out, ",\"result\":");
	f->info->result_at = f->out->len - f->start;
	if (!r)
		r = append_result(f, result);
	f->info->result_bytes = f->out->len - f->start - f->info->result_at;
	return r ? r : buf_puts(f->out, "}");
}

static int filter_response(struct filter *f, json_t *result, json_t *error)
{
	const struct mcp_message *request = f->rules->request;
	json_t *id = json_object_get(f->root, "id");
	/* JSON-RPC 2.0 §5: an error about a request whose id could not be read has a null id. */
	bool is_anonymous_error = error && (!id || json_is_null(id));

	f->info->kind = MCP_RESPONSE;
	if (!request || !request->id) {
		note(f->info, "dropped a response on a stream without a request");
		return 0;
	}
	if (!is_anonymous_error && !ids_equal(id, request->id)) {
		note(f->info, "dropped a response to another id");
		return 0;
	}
	f->info->relay = true;
	f->info->is_answer = true;
	/* The client could not match a null id, and would wait until it times out. */
	return error ? filter_error(f, request->id, error) : filter_result(f, request->id, result);
}

/* --- sorting ---------------------------------------------------------------- */

static int filter_root(struct filter *f, struct buf *ret_answer)
{
	json_t *method = json_object_get(f->root, "method");
	json_t *result = json_object_get(f->root, "result");
	json_t *error = json_object_get(f->root, "error");
	int n = (method != NULL) + (result != NULL) + (error != NULL);

	if (json_is_array(f->root))
		return bad(f, "it is a JSON-RPC batch");
	if (!mcp_json_keys_are_distinct(f->root))
		return bad(f, "two of its members have the same name but for case");
	if (!mcp_json_is_text(json_object_get(f->root, "jsonrpc"), "2.0"))
		return bad(f, "its jsonrpc is not \"2.0\"");
	if (n != 1)
		return bad(f, "it is not exactly one of request, result and error");
	if (!method)
		return filter_response(f, result, error);
	if (!json_is_string(method) || !mcp_json_is_text(method, json_string_value(method)))
		return bad(f, "its method is not a name");
	if (json_object_get(f->root, "id"))
		return filter_request(f, json_string_value(method), ret_answer);
	return filter_notification(f, method);
}

int mcp_response_filter(const struct mcp_response_rules *rules, struct span text,
			struct buf *ret_out, struct buf *ret_answer,
			struct mcp_response_info *ret_info, struct error *err)
{
	json_auto_t *root = NULL;
	struct filter f = {.rules = rules,
			   .out = ret_out,
			   .start = ret_out->len,
			   .info = ret_info,
			   .err = err};
	int r;

	*ret_info = (struct mcp_response_info){.relay = false};
	r = mcp_json_parse(text, &mcp_response_limits, &root, err);
	if (r)
		return r;
	f.root = root;
	r = filter_root(&f, ret_answer);
	if (r)
		*ret_info = (struct mcp_response_info){.relay = false};
	return r;
}
