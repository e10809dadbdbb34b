/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/reload.h - `mcpjail reload`: a run takes its policy anew
 */
#ifndef MCPJAIL_COMMANDS_RELOAD_H
#define MCPJAIL_COMMANDS_RELOAD_H

/** command_reload() - argv[0] is "reload". Return: exit status: 0 done, 1 refused, 2 no such run */
int command_reload(int argc, char **argv);

#endif
