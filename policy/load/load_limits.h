/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_limits.h - `limits` and `rate_limit` of a rule
 */
#ifndef MCPJAIL_POLICY_LOAD_LIMITS_H
#define MCPJAIL_POLICY_LOAD_LIMITS_H

#include "policy/load/load.h"

/** load_limits() - A rule's `limits`; @into is the struct rule */
void load_limits(struct load *l, const json_t *value, void *into);

/** load_rate_limit() - A rule's `rate_limit`, of either form; @into is the struct rule */
void load_rate_limit(struct load *l, const json_t *value, void *into);

/** load_window() - A word, or whole seconds, as a number or in quotes; @into a struct policy_limit
 */
void load_window(struct load *l, const json_t *value, void *into);

/** load_check_limit() - What must hold within one limit */
void load_check_limit(struct load *l, const struct policy_limit *limit);

/**
 * load_check_limits() - What holds between the limits of one call, and of one counter
 *
 * Not more than POLICY_LIMITS_MAX, and one amount for each counter; one way of counting it. Tells
 * each limit for how long its charges matter.
 */
void load_check_limits(struct load *l);

#endif
