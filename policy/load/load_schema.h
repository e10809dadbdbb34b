/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_schema.h - `args` of a rule
 */
#ifndef MCPJAIL_POLICY_LOAD_SCHEMA_H
#define MCPJAIL_POLICY_LOAD_SCHEMA_H

#include "policy/load/load.h"

/** load_args() - A JSON Schema; @into is the struct rule */
void load_args(struct load *l, const json_t *value, void *into);

#endif
