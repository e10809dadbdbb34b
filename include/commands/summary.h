/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/summary.h - what a person is told at the end of a run
 */
#ifndef MCPJAIL_COMMANDS_SUMMARY_H
#define MCPJAIL_COMMANDS_SUMMARY_H

#include "commands/options.h"
#include "roles/supervisor.h"

/**
 * summary_open() - Open --summary's file, before anything runs that could put a link there
 * @path:   NULL: none
 * @ret_fd: Owned by the caller; -1 for none
 *
 * Return: 0; -errno with @err filled
 */
int summary_open(const char *path, int *ret_fd, struct error *err);

/**
 * summary_tell() - On standard error, and appended to --summary's file
 * @fd: From summary_open(); -1: none
 */
void summary_tell(const struct run_result *result, const char *run_dir, int fd);

#endif
