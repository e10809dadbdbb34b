/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of a tools/list result that the agent gets to see. */
#ifndef MCPJAIL_MCP_TOOLS_H
#define MCPJAIL_MCP_TOOLS_H

#include <jansson.h>

#include "mcp/response.h"

/**
 * tools_filter() - The tools that are visible, validly named and named once
 * @ret_shown:  New reference
 * @ret_hidden: How many were left out
 *
 * A name that two definitions share is ambiguous, so neither is shown; nor is a
 * definition with keys that differ in case only.
 *
 * Return: 0; -EINVAL unless @tools is an array; -ENOMEM
 */
int tools_filter(const json_t *tools, const struct mcp_response_rules *rules, json_t **ret_shown,
		 unsigned *ret_hidden);

#endif
