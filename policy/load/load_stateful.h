/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_stateful.h - `bind`, `once` and `approval` of a rule
 *
 * @into is the struct rule.
 */
#ifndef MCPJAIL_POLICY_LOAD_STATEFUL_H
#define MCPJAIL_POLICY_LOAD_STATEFUL_H

#include "policy/load/load.h"

void load_bind(struct load *l, const json_t *value, void *into);
void load_once(struct load *l, const json_t *value, void *into);
void load_approval(struct load *l, const json_t *value, void *into);

/** load_value_path() - A string, a path without `[*]`; NULL after an error */
const struct policy_value_path *load_value_path(struct load *l, const json_t *value);

/** load_check_rule() - What must hold between the keys of a rule; to be called behind them all */
void load_check_rule(struct load *l, const struct rule *rule);

#endif
