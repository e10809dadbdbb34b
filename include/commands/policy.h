/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/policy.h - `mcpjail policy`: look at policies, and change them, without a run
 */
#ifndef MCPJAIL_COMMANDS_POLICY_H
#define MCPJAIL_COMMANDS_POLICY_H

/**
 * command_policy() - `policy check [--json] [FILE]`, `policy allow …`, `policy deny …`
 * @argv: argv[0] is "policy"; NULL-terminated
 *
 * check, without FILE, looks at the policy that a run would use. Errors go to stderr, one a
 * line; with --json they are in the one JSON object on stdout. allow and deny change a
 * file, the user's own unless -p names one, and keep its layout.
 *
 * Return: exit status: 0 sound, or done; 1 wrong; 2 the file cannot be read or written, or
 * wrong usage
 */
int command_policy(int argc, char **argv);

#endif
