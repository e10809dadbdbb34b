/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/filter.h - the seccomp filters inside the jail
 *
 * Both need no_new_privs, cannot be taken off, and are inherited by every child.
 */
#ifndef MCPJAIL_JAIL_FILTER_H
#define MCPJAIL_JAIL_FILTER_H

#include "base/error.h"

/**
 * filter_install_agent() - The agent's filter: everything but what could lead out
 *
 * To be called in the agent's process right before exec. Refused calls return an
 * errno and never kill: EPERM; EACCES for AF_UNIX datagrams; EOPNOTSUPP for TCP Fast
 * Open; ENOSYS for clone3, openat2 and for every call of a foreign ABI (i386, x32). No file
 * is made or becomes set-user-id or set-group-id. A new RLIMIT_CORE is silently not taken.
 *
 * Return: 0; -errno
 */
int filter_install_agent(struct error *err);

/**
 * filter_install_init() - The filter of the jail's pid 1, once it has forked the agent
 *
 * init may then wait for children, signal them, and talk over descriptors it holds.
 * It can no longer open, mount, execute, fork or make sockets: a call that is not
 * listed kills it, and with pid 1 the whole jail.
 *
 * Return: 0; -errno
 */
int filter_install_init(struct error *err);

#endif
