/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trace_process.h - the process of a record, as `mcpjail trace` shows it and selects by it
 */
#ifndef MCPJAIL_LAUNCHER_COMMANDS_TRACE_PROCESS_H
#define MCPJAIL_LAUNCHER_COMMANDS_TRACE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Calls whose decisions were selected: what became of them is, too. */
struct trace_selection {
	const char *what; /* a pid, a program's name, or its path; NULL: everything */
	uint64_t *calls;
	size_t n, cap;
};

/** trace_select() - Whether @record is of the process that is asked for. Return: 1; 0; -ENOMEM */
int trace_select(struct trace_selection *selection, struct span record);

/**
 * trace_process_text() - "curl[4711]", safe to show; or that it is unknown, and why
 *
 * "" if the record says nothing of a process.
 */
void trace_process_text(struct span record, char *ret, size_t size);

#endif
