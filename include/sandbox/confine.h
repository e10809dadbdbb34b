/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox/confine.h - how a role gives up what it does not need
 *
 * A role opens its files, loads what it must, confines itself, and only then says
 * that it is ready. What it holds afterwards are its descriptors and anonymous memory:
 * an empty read-only root, no capability, no new privileges, not dumpable, and the
 * system calls that its profile lists. Any other call kills the process, and a role's
 * death ends the run.
 */
#ifndef MCPJAIL_SANDBOX_CONFINE_H
#define MCPJAIL_SANDBOX_CONFINE_H

#include "base/error.h"

enum confine_profile {
	CONFINE_PROXY = 0, /* sockets it is handed; no file, no socket of its own, no network */
	CONFINE_KEEPER,    /* files it holds; no network */
	CONFINE_DIALER,    /* sockets to the host's network; no file */
	CONFINE_PROFILES
};

#define CONFINE_FDS_MAX 4096 /* open descriptors of a role, where the hard limit allows it */

/**
 * confine_role() - Confine this process to a profile, for good
 * @err: Says which step the system refused and how to mend it
 *
 * The process must have one thread. Afterwards, in every profile:
 * - no path can be opened or changed, also not beneath a directory that it holds open;
 * - sockets that were open keep working, also those of another network namespace;
 * - no thread and no process can be started, no program executed, no memory made executable;
 * - PR_SET_PDEATHSIG set before stays in force.
 *
 * On failure the process is half confined and must exit.
 *
 * Return: 0; -errno of the step that failed
 */
int confine_role(enum confine_profile profile, struct error *err);

#endif
