/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/init.h - pid 1 of the jail
 */
#ifndef MCPJAIL_JAIL_INIT_H
#define MCPJAIL_JAIL_INIT_H

#include "jail/jail.h"
#include "jail/files/layout.h"
#include "jail/tier_b/tier_b_internal.h"

struct init_plan {
	const struct jail_spec *spec;
	const struct layout *layout;
	int channel_fd;              /* to the supervisor */
	int gate_fd;                 /* yields one byte once the uid map is written; -1: none is */
	const struct tier_b *tier_b; /* NULL: tier A */
	pid_t parent;                /* with tier_b: who forked it */
};

/**
 * init_run() - Make the jail, run the agent in it, reap until the agent has ended
 *
 * To be called first thing in a process cloned into new namespaces or, in tier B, forked by
 * tier_b_enter(), with all signals blocked. Every descriptor but the plan's and the spec's
 * stdio is closed.
 */
_Noreturn void init_run(const struct init_plan *plan);

#endif
