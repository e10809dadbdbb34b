/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/agent.h - start the agent's own process
 */
#ifndef MCPJAIL_JAIL_AGENT_H
#define MCPJAIL_JAIL_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "jail/jail.h"
#include "jail/layout.h"

struct agent_plan {
	const struct jail_spec *spec;
	const struct layout *layout;
	char *const *env;
	int pty_slave; /* -1: none */
	int null_fd;   /* what a missing stdio becomes without a pty */
	mode_t umask;
	bool wants_landlock; /* the kernel has the scopes: they must apply */
};

/* What became of the start. */
struct agent_report {
	int exec_error; /* errno of exec or of the change of directory before it; 0: it runs */
	bool is_broken; /* a part of the jail is missing: @err says which, and nothing ran */
	struct error err;
};

/**
 * agent_start() - Fork, confine the child, and execute the agent's command in it
 * @ret_pid: Of the child; it has to be reaped whatever the report says
 *
 * Waits until the command runs or has failed to.
 *
 * Return: 0 with @ret_report filled; -errno if no child could be made
 */
int agent_start(const struct agent_plan *plan, pid_t *ret_pid, struct agent_report *ret_report);

#endif
