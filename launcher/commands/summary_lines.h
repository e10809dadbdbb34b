/* SPDX-License-Identifier: Apache-2.0 */
/**
 * summary_lines.h - lines of the summary, shared by the files that make them
 */
#ifndef MCPJAIL_COMMANDS_SUMMARY_LINES_H
#define MCPJAIL_COMMANDS_SUMMARY_LINES_H

#include "commands/summary.h"

/** summary_say() - One line, on standard error as a notice and into the summary's file */
void summary_say(const struct summary_facts *facts, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** summary_refused() - A line for each destination that was refused, and what would help */
void summary_refused(const struct run_result *result, const struct summary_facts *facts);

#endif
