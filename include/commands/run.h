/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/run.h - `mcpjail [run] [OPTIONS] -- COMMAND [ARG…]`
 */
#ifndef MCPJAIL_COMMANDS_RUN_H
#define MCPJAIL_COMMANDS_RUN_H

#include <stdio.h>

/* Exit statuses that are mcpjail's own; a command that ends by itself keeps its own. */
enum exit_status {
	EXIT_DENIED = 120, /* --fail-on denied */
	EXIT_LOST = 121,   /* --fail-on lost, unknown */
	EXIT_TIMEOUT = 124,
	EXIT_NO_JAIL = 125, /* the jail could not be made: nothing ran */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/** command_run() - @argv: behind the subcommand's name. Return: exit status */
int command_run(int argc, char **argv);
void run_print_help(FILE *out);

#endif
