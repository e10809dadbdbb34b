/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mcp/json.h - strict JSON: bytes to a tree and back to one line
 *
 * What is judged is a tree, and what is forwarded is written from that tree, so a tree
 * must mean the same to every reader of its text. Text that readers are known to read
 * differently is refused: bytes that are not UTF-8, a byte order mark, a key given twice,
 * nesting without end, numbers that would come back changed.
 */
#ifndef MCPJAIL_MCP_JSON_H
#define MCPJAIL_MCP_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#define MCP_JSON_NUMBER_MAX 128 /* bytes of one number */

struct mcp_json_limits {
	size_t bytes;   /* of the whole text */
	size_t depth;   /* of arrays and objects in each other */
	size_t values;  /* keys, scalars and arrays count 1, objects 4 */
	bool allow_nul; /* \u0000 in string values; in keys it is always refused */
};

extern const struct mcp_json_limits mcp_request_limits;  /* 4 MiB, no NUL */
extern const struct mcp_json_limits mcp_response_limits; /* 4 MiB, with NUL */

/**
 * mcp_json_parse() - One JSON array or object
 * @ret: A new reference. Untouched on failure
 * @err: May be NULL. Names the byte and the fault in words, never the text itself
 *
 * Return: 0; -EBADMSG if the text is not JSON, is ambiguous, or holds a number whose
 * decimal value mcp_json_append() would not give back; -EMSGSIZE over a limit; -ENOMEM
 */
int mcp_json_parse(struct span text, const struct mcp_json_limits *limits, json_t **ret,
		   struct error *err);

enum mcp_json_order { MCP_JSON_AS_READ = 0, MCP_JSON_SORTED };

/**
 * mcp_json_append() - Append the compact text of a value; never a line break in it
 * @order: MCP_JSON_SORTED: keys in the order of their bytes, for hashing
 *
 * Reals have the fewest digits that read back as the same double, as JavaScript and
 * Python write them. Everything that some reader takes for a line break (C0, U+0085,
 * U+2028, U+2029) is escaped, and DEL.
 *
 * Return: 0; -EMSGSIZE; -ENOMEM. Contents are undefined on failure
 */
int mcp_json_append(struct buf *b, const json_t *value, enum mcp_json_order order);

/** mcp_json_is_text() - Whether a value is exactly that string; NULL is not */
bool mcp_json_is_text(const json_t *value, const char *text);

/**
 * mcp_json_keys_are_distinct() - Whether no two keys of an object are one when case is folded
 *
 * Folded as readers of JSON do that ignore case: ASCII, and U+017F and U+212A, which
 * fold to s and k. False also when memory is short.
 */
bool mcp_json_keys_are_distinct(const json_t *object);

/** mcp_json_all_keys_are_distinct() - The same of every object in a value of bounded depth */
bool mcp_json_all_keys_are_distinct(const json_t *value);

#endif
