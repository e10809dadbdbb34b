/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers between their decimal text and the double or int64 that a json_t holds. */
#ifndef MCPJAIL_MCP_NUMBER_H
#define MCPJAIL_MCP_NUMBER_H

#include <stdbool.h>

#include "base/span.h"

#define MCP_NUMBER_TEXT_MAX 40 /* bytes of mcp_number_format(), with its NUL */

/**
 * mcp_number_survives() - Whether a JSON number comes back with an equal decimal value
 * @lexeme: Refused too unless it is exactly one number by RFC 8259 §6
 *
 * Integers have to fit an int64 and may not be -0, which would come back as 0; numbers
 * with a fraction or an exponent have to be what mcp_number_format() writes, up to the
 * way of writing it: 1.50 and 15e-1 are the same value.
 */
bool mcp_number_survives(struct span lexeme);

/** mcp_number_format() - Fewest digits that read back as @value, which must be finite */
void mcp_number_format(double value, char ret_text[MCP_NUMBER_TEXT_MAX]);

#endif
