// SPDX-License-Identifier: Apache-2.0
#include "methods.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LEGACY_NEWEST "2025-11-25"
#define INSTRUCTIONS  "Start a session, attach documents, get a quote, then pay and send."

/* --- answers ------------------------------------------------------------ */

static void reply_append(struct buf *into, const json_t *message, bool as_event)
{
	char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text && as_event)
		buf_puts(into, "event: message\ndata: ");
	if (text)
		buf_puts(into, text);
	if (text && as_event)
		buf_puts(into, "\n\n");
	free(text);
}

void reply_text(struct http_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	reply->type = "text/plain";
	buf_puts(&reply->body, text);
}

static void reply_message(struct exchange *x, unsigned status, json_t *message)
{
	x->reply->status = status;
	if (!x->reply->is_stream)
		x->reply->type = "application/json";
	reply_append(&x->reply->body, message, x->reply->is_stream);
	json_decref(message);
}

static json_t *id_of(const struct exchange *x)
{
	return x->id ? json_incref(x->id) : json_null();
}

void reply_error_data(struct exchange *x, unsigned status, int code, const char *text, json_t *data)
{
	json_t *error = json_pack("{s:i,s:s}", "code", code, "message", text);

	if (data)
		json_object_set_new(error, "data", data);
	reply_message(x, status,
		      json_pack("{s:s,s:o,s:o}", "jsonrpc", "2.0", "id", id_of(x), "error", error));
}

void reply_error(struct exchange *x, unsigned status, int code, const char *text)
{
	reply_error_data(x, status, code, text, NULL);
}

static json_t *server_info(void)
{
	return json_pack("{s:s,s:s,s:s}", "name", "promptfax", "title", "PromptFax stand-in",
			 "version", "1.0.0");
}

/* @result is taken */
static void reply_result(struct exchange *x, json_t *result)
{
	if (x->is_modern) {
		json_object_set_new(result, "resultType", json_string("complete"));
		json_object_set_new(result, "_meta",
				    json_pack("{s:o}", META "serverInfo", server_info()));
	}
	reply_message(
		x, 200,
		json_pack("{s:s,s:o,s:o}", "jsonrpc", "2.0", "id", id_of(x), "result", result));
}

/* Lists and discovery may be cached in the modern era. */
static void cacheable_add(const struct exchange *x, json_t *result)
{
	if (!x->is_modern)
		return;
	json_object_set_new(result, "ttlMs", json_integer(0));
	json_object_set_new(result, "cacheScope", json_string("private"));
}

/* --- methods ------------------------------------------------------------ */

bool legacy_version_is_known(const char *version)
{
	static const char *const known[] = {LEGACY_NEWEST, "2025-06-18", "2025-03-26"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], version))
			return true;
	return false;
}

static void session_open(struct exchange *x)
{
	json_t *sessions = x->mcp->sessions;
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(x->reply->session + 2 * i, 3, "%02x", random[i]);
	if (json_object_size(sessions) >= FAX_SESSIONS_MAX)
		json_object_del(sessions, json_object_iter_key(json_object_iter(sessions)));
	json_object_set_new(sessions, x->reply->session, json_true());
}

static void on_initialize(struct exchange *x)
{
	const char *asked = json_string_value(json_object_get(x->params, "protocolVersion"));
	const char *version = asked && legacy_version_is_known(asked) ? asked : LEGACY_NEWEST;

	session_open(x);
	reply_result(x,
		     json_pack("{s:s,s:{s:{}},s:o,s:s}", "protocolVersion", version, "capabilities",
			       "tools", "serverInfo", server_info(), "instructions", INSTRUCTIONS));
}

static void on_discover(struct exchange *x)
{
	json_t *result = json_pack("{s:[s],s:{s:{}},s:s}", "supportedVersions", MODERN,
				   "capabilities", "tools", "instructions", INSTRUCTIONS);

	cacheable_add(x, result);
	reply_result(x, result);
}

static void on_ping(struct exchange *x)
{
	reply_result(x, json_object());
}

static void on_tools_list(struct exchange *x)
{
	const json_t *all = fax_tools(x->mcp->fax);
	const char *cursor = json_string_value(json_object_get(x->params, "cursor"));
	size_t at = cursor ? strtoul(cursor, NULL, 10) : 0;
	size_t most = x->mcp->knobs.page_tools ? x->mcp->knobs.page_tools : json_array_size(all);
	json_t *page = json_array();
	json_t *result = json_pack("{s:o}", "tools", page);
	char next[24];

	for (; at < json_array_size(all) && json_array_size(page) < most; at++)
		json_array_append(page, json_array_get(all, at));
	if (at < json_array_size(all)) {
		snprintf(next, sizeof(next), "%zu", at);
		json_object_set_new(result, "nextCursor", json_string(next));
	}
	cacheable_add(x, result);
	reply_result(x, result);
}

/* What goes out before the result: progress, where asked for, and a request of our own. */
static void stream_begin(struct exchange *x)
{
	struct http_reply *reply = x->reply;
	json_t *token = json_object_get(json_object_get(x->params, "_meta"), "progressToken");
	const char *ask = x->mcp->knobs.ask;
	json_t *message;

	reply->status = 200;
	reply->is_stream = true;
	reply->type = "text/event-stream";
	if (token) {
		message = json_pack("{s:s,s:s,s:{s:O,s:i,s:i,s:s}}", "jsonrpc", "2.0", "method",
				    "notifications/progress", "params", "progressToken", token,
				    "progress", 1, "total", 2, "message", "working");
		reply_append(&reply->early, message, true);
		json_decref(message);
	} else {
		buf_puts(&reply->early, ": working\n\n");
	}
	if (ask) {
		message = json_pack("{s:s,s:I,s:s,s:{}}", "jsonrpc", "2.0", "id",
				    (json_int_t)(900000 + x->mcp->n_asked++), "method", ask,
				    "params");
		reply_append(&reply->early, message, true);
		json_decref(message);
	}
}

static bool fault_strikes(struct exchange *x)
{
	const struct mcp_knobs *knobs = &x->mcp->knobs;

	if (!knobs->fault_every || x->mcp->n_calls % knobs->fault_every)
		return false;
	if (knobs->fault_status)
		reply_text(x->reply, knobs->fault_status, "the stand-in was told to fail\n");
	x->reply->fault = knobs->fault;
	return knobs->fault_status != 0;
}

static void on_tools_call(struct exchange *x)
{
	const char *tool = json_string_value(json_object_get(x->params, "name"));
	const char *accept = http_field_find(x->http, "Accept");
	const struct mcp_knobs *knobs = &x->mcp->knobs;
	char problem[FAX_PROBLEM_MAX] = "";
	json_t *outcome, *result;
	char *text;

	x->mcp->n_calls++;
	x->reply->delay_ms = knobs->delay_ms;
	if (fault_strikes(x))
		return;
	if (!tool || !fax_has_tool(tool)) {
		reply_error(x, 200, -32602, "Unknown tool");
		return;
	}
	if ((knobs->sse || knobs->ask) && accept && strstr(accept, "text/event-stream"))
		stream_begin(x);
	outcome = fax_call(x->mcp->fax, tool, json_object_get(x->params, "arguments"), problem);
	text = outcome ? json_dumps(outcome, JSON_COMPACT) : NULL;
	result = json_pack("{s:[{s:s,s:s}],s:b}", "content", "type", "text", "text",
			   text ? text : problem, "isError", !outcome);
	if (outcome)
		json_object_set_new(result, "structuredContent", outcome);
	free(text);
	reply_result(x, result);
}

#define LEGACY_ERA 1
#define MODERN_ERA 2

static const struct method {
	const char *name;
	unsigned eras;
	void (*run)(struct exchange *x);
} methods[] = {
	{"initialize", LEGACY_ERA, on_initialize},
	{"server/discover", MODERN_ERA, on_discover},
	{"ping", LEGACY_ERA, on_ping},
	{"tools/list", LEGACY_ERA | MODERN_ERA, on_tools_list},
	{"tools/call", LEGACY_ERA | MODERN_ERA, on_tools_call},
};

void method_run(struct exchange *x)
{
	unsigned era = x->is_modern ? MODERN_ERA : LEGACY_ERA;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if ((methods[i].eras & era) && !strcmp(methods[i].name, x->method)) {
			methods[i].run(x);
			return;
		}
	}
	reply_error(x, x->is_modern ? 404 : 200, -32601, "Method not found");
}
