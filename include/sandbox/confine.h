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

#include <stdbool.h>

#include "base/error.h"
#include "sandbox/room.h"

enum confine_profile {
	CONFINE_PROXY = 0, /* sockets it is handed; no file, no socket of its own, no network */
	CONFINE_KEEPER,    /* files it holds; no network */
	CONFINE_DIALER,    /* sockets to the host's network; no file */
	CONFINE_PROFILES,
	CONFINE_BROKER = CONFINE_PROFILES, /* by confine_broker() */
	CONFINE_BROKER_BARE,               /* the same without namespaces */
};

#define CONFINE_FDS_MAX 4096 /* open descriptors of a role, where the hard limit allows it */

/**
 * confine_role() - Confine this process to a profile, for good
 * @room: Entered and closed; NULL, or one that cannot be entered: a room of its own is made
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
int confine_role(enum confine_profile profile, struct room *room, struct error *err);

/**
 * confine_role_bare() - The same where there are no namespaces (tier B)
 *
 * Landlock, which has to be there, and the list of system calls keep it from paths and from
 * the network. Its root is the machine's.
 */
int confine_role_bare(enum confine_profile profile, struct room *room, struct error *err);

/* Descriptors of the agent's namespaces; -1: none. */
struct confine_namespaces {
	int user, net, mount;
};

/**
 * confine_join() - Enter the agent's namespaces, but for its pid namespace
 *
 * The process must have one thread. It has all capabilities there afterwards, none outside,
 * and dies with its parent (PR_SET_PDEATHSIG).
 *
 * Return: 0; -errno with @err filled
 */
int confine_join(const struct confine_namespaces *to, struct error *err);

/**
 * confine_broker() - Keep what looking at the agent takes, for good
 * @keeps_capabilities: Those to look into other processes (CAP_SYS_PTRACE) and to follow a
 *		        path from another root (CAP_SYS_CHROOT), over what confine_join() joined
 *
 * The process can open what the agent could, make threads, and sockets of AF_UNIX. There is
 * no Landlock domain: a process in one may not look at those that are not in it.
 *
 * Return: as confine_role()
 */
int confine_broker(bool keeps_capabilities, struct error *err);

#endif
