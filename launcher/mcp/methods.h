/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that pass, and which members of their params may leave the jail. */
#ifndef MCPJAIL_MCP_METHODS_H
#define MCPJAIL_MCP_METHODS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "mcp/message.h"

#define MCP_META_VERSION      "io.modelcontextprotocol/protocolVersion"
#define MCP_META_CLIENT       "io.modelcontextprotocol/clientInfo"
#define MCP_META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define MCP_META_LOG_LEVEL    "io.modelcontextprotocol/logLevel"

#define MCP_INTEGER_MAX (1LL << 53) /* of an id: beyond it readers disagree about its value */

/** methods_is_token() - Whether a value can be an id or a progress token */
bool methods_is_token(const json_t *value);

/**
 * methods_reduce_params() - Drop what does not leave, and check the form of what does
 * @m:	       Its method, era and params are read. The params of a method that does
 *	       not pass are left alone
 * @ret_member: Static name of the first member of a wrong form
 *
 * Return: 0; -EINVAL with @ret_member
 */
int methods_reduce_params(const struct mcp_message *m, const char **ret_member);

#endif
