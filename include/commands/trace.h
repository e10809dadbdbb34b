/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/trace.h - `mcpjail trace [RUN] [--json]`
 */
#ifndef MCPJAIL_COMMANDS_TRACE_H
#define MCPJAIL_COMMANDS_TRACE_H

/** command_trace() - @argv[0] is "trace". Return: exit status: 0; 1 if there is no such run; 2 for
 * wrong usage */
int command_trace(int argc, char **argv);

#endif
