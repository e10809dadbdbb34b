// SPDX-License-Identifier: Apache-2.0
#include "mcp/reply.h"

#include <string.h>

#include "base/text.h"
#include "mcp/json.h"

/* Texts come from mcpjail, names in them from strangers: text.h makes valid UTF-8 of any. */
static int append_text(struct buf *b, const char *text)
{
	return text_append_json_string(b, text, strlen(text));
}

int mcp_reply_tool_denied(const struct mcp_message *m, const char *text, struct buf *b)
{
	int r = buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s",
			   m->id ? m->id_json : "null",
			   m->era == ERA_MODERN ? "\"resultType\":\"complete\"," : "");

	if (!r)
		r = buf_puts(b, "\"content\":[{\"type\":\"text\",\"text\":");
	if (!r)
		r = append_text(b, text);
	return r ? r : buf_puts(b, "}],\"isError\":true}}");
}

static int append_error(struct buf *b, int code, const char *text)
{
	int r = buf_printf(b, ",\"error\":{\"code\":%d,\"message\":", code);

	if (!r)
		r = append_text(b, text);
	return r ? r : buf_puts(b, "}}");
}

int mcp_reply_error(const json_t *id, int code, const char *text, struct buf *b)
{
	int r = buf_puts(b, "{\"jsonrpc\":\"2.0\",\"id\":");

	if (!r)
		r = id ? mcp_json_append(b, id, MCP_JSON_AS_READ) : buf_puts(b, "null");
	return r ? r : append_error(b, code, text);
}

int mcp_reply_refusal(const struct mcp_refusal *refusal, struct buf *b)
{
	int r = buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":%s", refusal->id_json);

	return r ? r : append_error(b, refusal->code, refusal->text);
}
