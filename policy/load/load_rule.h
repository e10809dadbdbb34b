/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_rule.h - what a tool's object says
 */
#ifndef MCPJAIL_POLICY_LOAD_RULE_H
#define MCPJAIL_POLICY_LOAD_RULE_H

#include "policy/load/load.h"

/**
 * load_rule() - A tool's rule, or that of all_tools
 * @name: The tool; NULL for all_tools. Kept by the caller
 */
void load_rule(struct load *l, const json_t *value, const char *name, struct rule *ret);

#endif
