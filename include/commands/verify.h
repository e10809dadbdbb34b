/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/verify.h - `mcpjail verify RUN [--anchor HEAD]`
 */
#ifndef MCPJAIL_COMMANDS_VERIFY_H
#define MCPJAIL_COMMANDS_VERIFY_H

/** command_verify() - @argv[0] is "verify". Return: exit status, see ledger/verify.h */
int command_verify(int argc, char **argv);

#endif
