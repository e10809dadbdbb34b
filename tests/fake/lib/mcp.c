// SPDX-License-Identifier: Apache-2.0
#include "mcp.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "methods.h"

/* --- the two eras ------------------------------------------------------- */

static bool field_is(const struct exchange *x, const char *name, const char *value)
{
	const char *field = http_field_find(x->http, name);

	return field && value && !strcmp(field, value);
}

/* MCP 2026-07-28: the headers repeat what the body says, so that middle boxes can look. */
static bool modern_headers_agree(const struct exchange *x)
{
	const char *name = json_string_value(json_object_get(x->params, "name"));

	return field_is(x, "MCP-Protocol-Version", MODERN) &&
	       field_is(x, "Mcp-Method", x->method) &&
	       (strcmp(x->method, "tools/call") != 0 || field_is(x, "Mcp-Name", name));
}

static void modern_run(struct exchange *x)
{
	const json_t *meta = json_object_get(x->params, "_meta");
	const char *version = json_string_value(json_object_get(meta, META "protocolVersion"));

	if (strcmp(version, MODERN) != 0)
		reply_error_data(
			x, 400, -32022, "Unsupported protocol version",
			json_pack("{s:[s],s:s}", "supported", MODERN, "requested", version));
	else if (!modern_headers_agree(x))
		reply_error(x, 400, -32020, "Header mismatch");
	else if (!x->id)
		x->reply->status = 202;
	else
		method_run(x);
}

/* Answers the request itself, and returns false, if it names no open session. */
static bool session_is_open(struct exchange *x)
{
	const char *session = http_field_find(x->http, "Mcp-Session-Id");

	if (session && json_object_get(x->mcp->sessions, session))
		return true;
	if (session)
		reply_error(x, 404, -32001, "Session not found");
	else
		reply_error(x, 400, -32000, "Bad Request: Mcp-Session-Id header is required");
	return false;
}

static void legacy_run(struct exchange *x)
{
	const char *version = http_field_find(x->http, "MCP-Protocol-Version");
	bool opens = x->method && !strcmp(x->method, "initialize");

	if (version && !opens && !legacy_version_is_known(version))
		reply_error(x, 400, -32000, "Bad Request: Unsupported protocol version");
	else if (!opens && !session_is_open(x))
		return;
	else if (!x->id || !x->method)
		x->reply->status = 202;
	else
		method_run(x);
}

/* --- the log ------------------------------------------------------------ */

static uint64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void log_set(json_t *line, const char *key, const char *value)
{
	json_object_set_new(line, key, value ? json_string(value) : json_null());
}

static json_t *log_fields(const struct http_request *http)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < http->n_fields; i++)
		log_set(fields, http->fields[i].name, http->fields[i].value);
	return fields;
}

static void log_message(const struct exchange *x)
{
	FILE *log = x->mcp->knobs.log;
	const json_t *params = x->params;
	json_t *capabilities = json_object_get(params, "capabilities");
	json_t *line;
	char *text;

	x->mcp->n_messages++;
	if (!log)
		return;
	if (x->is_modern)
		capabilities = json_object_get(json_object_get(params, "_meta"),
					       META "clientCapabilities");
	line = json_pack("{s:I,s:I,s:s,s:b,s:O?,s:O?,s:O?}", "n", (json_int_t)x->mcp->n_messages,
			 "ms", (json_int_t)wall_ms(), "http", x->http->method, "modern",
			 x->is_modern, "id", x->id, "arguments",
			 json_object_get(params, "arguments"), "capabilities", capabilities);
	log_set(line, "method", x->method);
	log_set(line, "tool", json_string_value(json_object_get(params, "name")));
	log_set(line, "target", x->http->target);
	log_set(line, "host", http_field_find(x->http, "Host"));
	log_set(line, "sni", x->http->sni);
	log_set(line, "session", http_field_find(x->http, "Mcp-Session-Id"));
	if (x->mcp->knobs.log_headers)
		json_object_set_new(line, "headers", log_fields(x->http));
	text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
	/* At once: who counts the lines after a call must find it. */
	fprintf(log, "%s\n", text ? text : "null");
	fflush(log);
	free(text);
	json_decref(line);
}

/* --- HTTP --------------------------------------------------------------- */

static void exchange_fill(struct exchange *x, const json_t *root)
{
	const json_t *meta;

	x->root = root;
	x->params = json_object_get(root, "params");
	x->id = json_object_get(root, "id");
	x->method = json_string_value(json_object_get(root, "method"));
	meta = json_object_get(x->params, "_meta");
	x->is_modern = x->method && json_is_string(json_object_get(meta, META "protocolVersion"));
}

static void on_post(struct exchange *x)
{
	const char *type = http_field_find(x->http, "Content-Type");
	json_t *root, *element;
	size_t i;

	if (!type || strncasecmp(type, "application/json", 16) != 0) {
		reply_error(x, 415, -32000, "Unsupported Media Type");
		return;
	}
	root = json_loadb(x->http->body ? x->http->body : "", x->http->body_bytes, 0, NULL);
	json_array_foreach (root, i, element) {
		/* A batch is logged as what it carries, since some servers carry it out. */
		exchange_fill(x, element);
		log_message(x);
	}
	exchange_fill(x, root);
	if (!json_is_object(root)) {
		x->id = NULL;
		reply_error(x, 400, root ? -32600 : -32700,
			    root ? "Invalid Request" : "Parse error");
	} else {
		log_message(x);
		if (x->is_modern)
			modern_run(x);
		else
			legacy_run(x);
	}
	json_decref(root);
}

static void on_get(struct exchange *x)
{
	if (field_is(x, "MCP-Protocol-Version", MODERN)) {
		reply_error(x, 405, -32000, "Method not allowed");
	} else if (session_is_open(x)) {
		*x->reply = (struct http_reply){.status = 200,
						.type = "text/event-stream",
						.is_stream = true,
						.endless = true,
						.early = x->reply->early,
						.body = x->reply->body};
		buf_puts(&x->reply->early, ": open\n\n");
	}
}

static void on_delete(struct exchange *x)
{
	if (field_is(x, "MCP-Protocol-Version", MODERN)) {
		reply_error(x, 405, -32000, "Method not allowed");
	} else if (session_is_open(x)) {
		json_object_del(x->mcp->sessions, http_field_find(x->http, "Mcp-Session-Id"));
		x->reply->status = 200;
	}
}

void mcp_answer(void *service, const struct http_request *request, struct http_reply *ret_reply)
{
	struct exchange x = {.mcp = service, .http = request, .reply = ret_reply};
	size_t path_bytes = strcspn(request->target, "?");

	if (path_bytes != 4 || strncmp(request->target, "/mcp", 4) != 0) {
		log_message(&x);
		reply_text(ret_reply, 404, "not found\n");
	} else if (!strcmp(request->method, "POST")) {
		on_post(&x);
	} else if (!strcmp(request->method, "GET")) {
		log_message(&x);
		on_get(&x);
	} else if (!strcmp(request->method, "DELETE")) {
		log_message(&x);
		on_delete(&x);
	} else {
		log_message(&x);
		reply_text(ret_reply, 405, "method not allowed\n");
	}
}
