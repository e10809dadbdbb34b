/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/summary.h - what a person is told at the end of a run
 */
#ifndef MCPJAIL_COMMANDS_SUMMARY_H
#define MCPJAIL_COMMANDS_SUMMARY_H

#include "base/error.h"
#include "policy/policy.h"
#include "roles/supervisor.h"

#define SUMMARY_REFUSED_MAX 12 /* destinations that are named one by one */

/* What is known of the run besides its result; all borrowed. */
struct summary_facts {
	const char *run_dir;
	const struct policy *policy; /* in force; NULL: no destination is known for anything */
	const char *presets;         /* that it takes in: "claude-code, github"; "": none */
	const char *policy_file;     /* --policy as it was written; NULL: not written */
	int fd;                      /* from summary_open(); -1: none */
};

/**
 * summary_open() - Open --summary's file, before anything runs that could put a link there
 * @path:   NULL: none
 * @ret_fd: Owned by the caller; -1 for none
 *
 * Return: 0; -errno with @err filled
 */
int summary_open(const char *path, int *ret_fd, struct error *err);

/** summary_tell() - Say how the run went, on standard error and appended to --summary's file */
void summary_tell(const struct run_result *result, const struct summary_facts *facts);

#endif
