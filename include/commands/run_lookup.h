/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/run_lookup.h - find the run that a person names
 */
#ifndef MCPJAIL_COMMANDS_RUN_LOOKUP_H
#define MCPJAIL_COMMANDS_RUN_LOOKUP_H

#include <limits.h>

#include "base/error.h"

/**
 * run_lookup() - Open a run's directory
 * @run:      The id of a run in the state directory, or its part behind the -, else a directory;
 *            NULL: the last run there
 * @ret_path: PATH_MAX bytes
 * @ret_fd:   Owned by the caller
 *
 * Return: 0; -errno with @err filled
 */
int run_lookup(const char *run, char *ret_path, int *ret_fd, struct error *err);

#endif
