/* SPDX-License-Identifier: Apache-2.0 */
/**
 * unwired.h - keys that load and are judged, but that nothing carries out yet
 *
 * A policy that has one of them is refused for use, with every other error it has.
 */
#ifndef MCPJAIL_POLICY_UNWIRED_H
#define MCPJAIL_POLICY_UNWIRED_H

#include "policy/policy.h"

/** unwired_has() - Whether that key of that owner (struct load_keys) is one of them */
bool unwired_has(const char *owner, const char *key);

/** policy_parse_whole() - As policy_parse(), with these keys: to judge by, never to run with */
int policy_parse_whole(const char *text, size_t n, const char *name, struct policy **ret,
		       struct policy_errors *errors);

#endif
