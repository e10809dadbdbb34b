/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mcp/reply.h - the bodies that mcpjail itself answers with
 *
 * Forms that real hosts show to the model as clean text. Content-Type is
 * application/json for all of them; each is one line, fit for an SSE event too.
 */
#ifndef MCPJAIL_MCP_REPLY_H
#define MCPJAIL_MCP_REPLY_H

#include <jansson.h>

#include "base/buf.h"
#include "mcp/message.h"

/**
 * mcp_reply_tool_denied() - A tool result that says no; HTTP status 200
 * @m:    The tools/call, a request
 * @text: What was denied, by which rule, why, and what may be done instead
 *
 * Return: 0; -EMSGSIZE; -ENOMEM
 */
int mcp_reply_tool_denied(const struct mcp_message *m, const char *text, struct buf *b);

/**
 * mcp_reply_error() - A JSON-RPC error; HTTP status 200 for a denied method
 * @id:   NULL: null, for what had no id
 * @code: enum mcp_code
 */
int mcp_reply_error(const json_t *id, int code, const char *text, struct buf *b);

/** mcp_reply_refusal() - The JSON-RPC error for a refusal; sent with its http_status */
int mcp_reply_refusal(const struct mcp_refusal *refusal, struct buf *b);

#endif
