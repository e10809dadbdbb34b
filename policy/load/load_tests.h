/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_tests.h - `tests`: calls, and what the policy is to say of them
 */
#ifndef MCPJAIL_POLICY_LOAD_TESTS_H
#define MCPJAIL_POLICY_LOAD_TESTS_H

#include "policy/load/load.h"

/**
 * load_tests() - See to the form of each case; nothing of it is kept
 *
 * {"name", "call", "expect", "rule", "reason"}; call: {"tool", "arguments", "server", "grant",
 * "session", "earlier": [{"tool", "result"}]}.
 */
void load_tests(struct load *l, const json_t *value, void *into);

#endif
