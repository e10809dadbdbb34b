/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_predicates.h - lists of predicates
 */
#ifndef MCPJAIL_POLICY_LOAD_PREDICATES_H
#define MCPJAIL_POLICY_LOAD_PREDICATES_H

#include "policy/load/load.h"
#include "policy/judge/predicates.h"

/**
 * load_predicates() - A list of predicates about `args` or `body`
 * @max: How many it may have
 * @ret: Filled as far as they are sound, also when errors were reported
 */
void load_predicates(struct load *l, const json_t *value, enum path_root root, size_t max,
		     struct predicate_list *ret);

/** load_regex() - Compile a string, which it must be; @ret is owned by the caller */
bool load_regex(struct load *l, const json_t *value, struct regex **ret);

#endif
