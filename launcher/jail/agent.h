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
#include "jail/files/layout.h"
#include "jail/tier_b/tier_b_internal.h"

struct agent_plan {
	const struct jail_spec *spec;
	const struct layout *layout;
	const struct tier_b *tier_b; /* NULL: tier A */
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
 * agent_start() - Fork; the child confines itself, and waits for agent_release()
 * @ret_pid:  Of the child; it has to be reaped whatever becomes of it
 * @ret_line: To the child; to be closed by the caller
 *
 * Return: 0; -errno if no child could be made
 */
int agent_start(const struct agent_plan *plan, pid_t *ret_pid, int *ret_line);

/**
 * agent_release() - Let the child execute the agent's command
 * @ret_listener: Of its filter's notifications (jail/filter.h); owned by the caller
 *
 * Works behind filter_install_init(), as does agent_await().
 *
 * Return: 0 when it is about to; -ECHILD with @ret_report filled if it never will
 */
int agent_release(int line, int *ret_listener, struct agent_report *ret_report);

/** agent_await() - Wait until the command runs or has failed to */
void agent_await(int line, struct agent_report *ret_report);

#endif
