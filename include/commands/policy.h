/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/policy.h - `mcpjail policy`: looking at policies without running anything
 */
#ifndef MCPJAIL_COMMANDS_POLICY_H
#define MCPJAIL_COMMANDS_POLICY_H

/**
 * command_policy() - `policy check [--json] [FILE]`
 * @argv: argv[0] is "policy"; NULL-terminated
 *
 * Without FILE, looks at the policy that a run would use. Errors go to stderr, one a line;
 * with --json they are in the one JSON object on stdout.
 *
 * Return: exit status: 0 sound; 1 wrong; 2 the file cannot be read, or wrong usage
 */
int command_policy(int argc, char **argv);

#endif
