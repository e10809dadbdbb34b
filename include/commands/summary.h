/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/summary.h - what a person is told at the end of a run
 */
#ifndef MCPJAIL_COMMANDS_SUMMARY_H
#define MCPJAIL_COMMANDS_SUMMARY_H

#include "commands/options.h"
#include "roles/supervisor.h"

/** summary_tell() - On standard error, and appended to --summary's file */
void summary_tell(const struct run_result *result, const struct run_options *options,
		  const char *run_dir);

#endif
