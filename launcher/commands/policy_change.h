/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_change.h - `mcpjail policy allow` and `policy deny`
 */
#ifndef MCPJAIL_COMMANDS_POLICY_CHANGE_H
#define MCPJAIL_COMMANDS_POLICY_CHANGE_H

#include "policy/policy.h"

enum policy_exit { POLICY_EXIT_SOUND = 0, POLICY_EXIT_WRONG = 1, POLICY_EXIT_CANNOT = 2 };

/** policy_print_errors() - Each on standard error, then how many there are */
void policy_print_errors(const char *name, const struct policy_errors *errors);

/**
 * policy_allow(), policy_deny() - @arguments: behind "allow" or "deny"; NULL-terminated
 *
 * Return: exit status: 0 done, or nothing to do; 1 the policy does not load, before or after,
 * or a rule of it stands in the way; 2 wrong usage, or the file cannot be read or written.
 * Unless 0, the file is as it was
 */
int policy_allow(char **arguments);
int policy_deny(char **arguments);

#endif
