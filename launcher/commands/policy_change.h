/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_change.h - `mcpjail policy allow` and `policy deny`
 */
#ifndef MCPJAIL_COMMANDS_POLICY_CHANGE_H
#define MCPJAIL_COMMANDS_POLICY_CHANGE_H

/**
 * policy_allow(), policy_deny() - @arguments: behind "allow" or "deny"; NULL-terminated
 *
 * Return: exit status: 0 done, or nothing to do; 1 the policy does not load, before or after,
 * or a rule of it stands in the way; 2 wrong usage, or the file cannot be read or written.
 * Unless 0, the file is as it was. With --json what was done is one object on standard output
 */
int policy_allow(char **arguments);
int policy_deny(char **arguments);

#endif
