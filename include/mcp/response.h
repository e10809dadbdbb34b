/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mcp/response.h - one JSON-RPC message from the server, as it is relayed
 *
 * The server is not trusted either: a message that asks the agent's host for something
 * (its roots, a sample of its model, its user's input) never reaches it.
 */
#ifndef MCPJAIL_MCP_RESPONSE_H
#define MCPJAIL_MCP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "mcp/message.h"

#define MCP_RESPONSE_MAX (4 * 1024 * 1024) /* bytes of one message from the server */
#define MCP_NOTE_MAX     256

struct mcp_response_rules {
	const struct mcp_message *request; /* that opened the exchange; NULL on a GET's stream */
	bool (*tool_is_visible)(void *arg, const char *tool); /* for tools/list; NULL: none is */
	void *arg;
};

struct mcp_response_info {
	enum mcp_kind kind;
	bool relay;     /* the output buffer holds a message for the agent; else it is dropped */
	bool is_answer; /* relayed, and it answers the request: nothing more is to follow */
	bool is_error;  /* the answer is a JSON-RPC error or a result with isError */
	bool replaced;  /* the answer is mcpjail's, in place of one that is not supported */
	size_t result_at, result_bytes; /* in the output: text of the result or error, to hash */
	size_t tools_at, tools_bytes;   /* in the output: array of a tools/list; 0 bytes if none */
	unsigned tools_hidden;          /* tools left out of it */
	char note[MCP_NOTE_MAX];        /* what was dropped, replaced or left out and why; or "" */
};

/**
 * mcp_response_filter() - Judge one message from the server and write what is relayed
 * @text:          A JSON body, or the joined data of one SSE event
 * @ret_out:       Appended to: the message for the agent, one line without a line break;
 *                 offsets in @ret_info count from where it began. Only if .relay
 * @ret_answer:    Appended to: for a request of the server's own that was dropped, the
 *                 error to POST to the server as its answer; else nothing. May be NULL
 * @ret_info:      Zeroed on failure
 * @err:           May be NULL
 *
 * Relayed: the response to the request, whose id must be of the same type and value; an
 * error with a null id, under the id of the request; progress for the request's token;
 * log messages; notifications/tools/list_changed. A tools/list result holds only tools
 * that are visible, validly named and named once. A result that asks for input or names a
 * task is replaced by an error. Everything else is dropped.
 *
 * Return: 0; -EBADMSG if it is no message that can be relayed (not strict JSON, an
 * array, neither result nor error, …): to be answered by mcp_reply_error() with
 * MCP_CODE_UPSTREAM; -EMSGSIZE over MCP_RESPONSE_MAX or @ret_out's bound; -ENOMEM.
 * On failure the buffers' contents are undefined
 */
int mcp_response_filter(const struct mcp_response_rules *rules, struct span text,
			struct buf *ret_out, struct buf *ret_answer,
			struct mcp_response_info *ret_info, struct error *err);

#endif
