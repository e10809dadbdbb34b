/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mcp/message.h - one JSON-RPC message from the agent, as it is judged and forwarded
 *
 * The order of calls: mcp_message_parse(), mcp_message_check_headers(),
 * mcp_method_route(), the policy for MCP_JUDGE, mcp_message_strip_capabilities(),
 * mcp_message_serialise(). Parsing already leaves out of the tree what has no business
 * outside (members that the protocol does not define for the method, _meta entries of
 * the agent's own), so what the policy sees is what the server gets.
 */
#ifndef MCPJAIL_MCP_MESSAGE_H
#define MCPJAIL_MCP_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

#define MCP_METHOD_MAX    64   /* bytes of a method's name */
#define MCP_TOOL_MAX      64   /* bytes of a tool's name */
#define MCP_ID_MAX        128  /* bytes of a string id or progress token */
#define MCP_ID_JSON_MAX   800  /* an id as JSON text, with its NUL */
#define MCP_CURSOR_MAX    2048 /* bytes of a cursor */
#define MCP_META_TEXT_MAX 128  /* bytes of a client's name, title, version */
#define MCP_REFUSAL_MAX   512  /* bytes of a refusal's sentence, with its NUL */

#define MCP_PARAM_PREFIX   "Mcp-Param-"
#define MCP_PARAMS_MAX     32 /* Mcp-Param-* fields of a request */
#define MCP_PARAM_NAME_MAX 64 /* bytes of one's name, prefix aside */

/* Codes of JSON-RPC 2.0 and MCP 2026-07-28. Ours lie outside the reserved range. */
enum mcp_code {
	MCP_CODE_PARSE = -32700,
	MCP_CODE_INVALID_REQUEST = -32600,
	MCP_CODE_METHOD_NOT_FOUND = -32601,
	MCP_CODE_INVALID_PARAMS = -32602,
	MCP_CODE_HEADER_MISMATCH = -32020,
	MCP_CODE_DENIED = -31001,   /* the policy does not allow it */
	MCP_CODE_UPSTREAM = -31000, /* the server's answer is missing or can not be relayed */
};

/* Legacy: up to 2025-11-25. Modern: from 2026-07-28, which names its version in each request. */
enum mcp_era { ERA_UNKNOWN = 0, ERA_LEGACY, ERA_MODERN };

enum mcp_kind { MCP_REQUEST = 0, MCP_NOTIFICATION, MCP_RESPONSE };

struct mcp_message {
	enum mcp_kind kind; /* MCP_REQUEST or MCP_NOTIFICATION: a response is refused */
	enum mcp_era era;
	json_t *root;           /* owned; holds jsonrpc, id, method, params and nothing else */
	const char *method;     /* borrowed from root, as all that follows */
	json_t *id;             /* string or integer; NULL for a notification */
	json_t *params;         /* object; NULL if absent */
	const char *tool;       /* tools/call: its name, a valid one; else NULL */
	json_t *arguments;      /* tools/call: object, {} if it was absent; else NULL */
	json_t *progress_token; /* string or integer; NULL if absent */
	const char *version;    /* modern: the body's protocol version; else NULL */
	char id_json[MCP_ID_JSON_MAX]; /* the id as JSON text; "" for a notification */
};

/* Why a body goes no further, as the agent is told: see mcp_reply_refusal(). */
struct mcp_refusal {
	int http_status;
	int code; /* enum mcp_code */
	char text[MCP_REFUSAL_MAX];
	char method[MCP_METHOD_MAX + 1]; /* for the ledger; "" if unknown */
	char tool[MCP_TOOL_MAX + 1];     /* likewise */
	char id_json[MCP_ID_JSON_MAX];   /* "null" if unknown */
};

/**
 * mcp_message_parse() - A POSTed body to a message
 * @ret:         To be released with mcp_message_free(). Zeroed on failure
 * @ret_refusal: Filled whenever the return is not 0; untouched otherwise
 *
 * Refuses what mcp_json_parse() refuses; arrays (batches); keys of the message, its
 * params, its _meta or any object in its arguments that differ in case only; members beside
 * jsonrpc, id, method and params; a jsonrpc other than "2.0"; ids that are neither a string of
 * MCP_ID_MAX bytes nor an integer within 2^53; responses; requests sent without an id and
 * notifications sent with one; a tools/call without a valid name or whose arguments are no object;
 * a tools/call with a task, or one that continues an input request.
 *
 * Return: 0; -EBADMSG; -ENOMEM
 */
int mcp_message_parse(struct span body, struct mcp_message *ret, struct mcp_refusal *ret_refusal);

/** mcp_message_free() - Release what parsing made; accepts a zeroed struct */
void mcp_message_free(struct mcp_message *m);

#define automessage __attribute__((cleanup(mcp_message_free)))

/* A Mcp-Param-* field, which repeats an argument. */
struct mcp_param {
	struct span name; /* without the prefix */
	struct span value;
};

/* Header fields that repeat what the body says; .p is NULL for a field that is absent. */
struct mcp_headers {
	struct span protocol_version; /* MCP-Protocol-Version */
	struct span method;           /* Mcp-Method */
	struct span name;             /* Mcp-Name */
	const struct mcp_param *params;
	size_t n_params;
};

/**
 * mcp_message_check_headers() - Whether the request's headers agree with its body
 *
 * Modern (MCP 2026-07-28, "Headers"): MCP-Protocol-Version and Mcp-Method of requests,
 * and Mcp-Name of a tools/call, are required and equal the body's; each Mcp-Param-* has a
 * mcp_message_param_key() of its own. Legacy: the version, if given, must be a legacy one,
 * lest a server take the body for modern.
 * What is forwarded is to be written from the message, not from these fields: for modern
 * MCP-Protocol-Version from .version, Mcp-Method from .method, Mcp-Name from .tool and
 * Mcp-Param-* from the key; for legacy MCP-Protocol-Version from mcp_known_version(), and
 * none of the others.
 *
 * Return: 0; -EBADMSG with the refusal filled
 */
int mcp_message_check_headers(const struct mcp_message *m, const struct mcp_headers *headers,
			      struct mcp_refusal *ret_refusal);

/**
 * mcp_message_param_key() - Which argument a Mcp-Param-* field repeats
 *
 * The field has the name of an argument, in any case, and its value, plain or as
 * =?base64?…?=. So it says nothing that was not judged in the body.
 *
 * Return: the key of that top-level argument, borrowed from the message; NULL if there is none
 */
const char *mcp_message_param_key(const struct mcp_message *m, const struct mcp_param *param);

/** mcp_known_version() - A revision of MCP that exists, as static text; NULL for any other text */
const char *mcp_known_version(struct span version);

enum mcp_route {
	MCP_DENY = 0,    /* not a method that passes: JSON-RPC error */
	MCP_PASS,        /* forwarded as it is */
	MCP_JUDGE,       /* tools/call: the policy decides */
	MCP_FILTER_LIST, /* tools/list: forwarded, its answer is filtered */
};

/** mcp_method_route() - What is done with a message of this method */
enum mcp_route mcp_method_route(const struct mcp_message *m);

/**
 * mcp_message_strip_capabilities() - Empty the client's capabilities
 *
 * In initialize and in the modern _meta: a server that keeps to the protocol then never
 * asks the agent for roots, samples, elicitation or tasks. Nothing else of the
 * capabilities leaves either. Does nothing where there are none.
 */
void mcp_message_strip_capabilities(struct mcp_message *m);

/** mcp_message_serialise() - Append the message's text, one line. Returns as mcp_json_append() */
int mcp_message_serialise(const struct mcp_message *m, struct buf *b);

/** mcp_arguments_canonical() - Append sorted, compact text, for hashing; NULL as {} */
int mcp_arguments_canonical(const json_t *arguments, struct buf *b);

/** mcp_tool_name_is_valid() - Whether @n bytes, and a NUL, are 1 to 64 of A-Z a-z 0-9 _ . - */
bool mcp_tool_name_is_valid(const char *name, size_t n);

#endif
