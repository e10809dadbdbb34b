/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/filter.h - the seccomp filters inside the jail
 *
 * Both need no_new_privs, cannot be taken off, and are inherited by every child.
 */
#ifndef MCPJAIL_JAIL_FILTER_H
#define MCPJAIL_JAIL_FILTER_H

#include "base/error.h"

/* What the policy allows the agent, and what of the jail there is. */
enum filter_switch {
	FILTER_NESTED_SANDBOX = 1, /* namespaces and mounts of its own */
	FILTER_PTRACE = 2,         /* its own processes */
	FILTER_TIER_B = 4,         /* there are no namespaces: nested ones are refused */
};

/*
 * connect() and bind() of descriptors from here on are always the broker's to judge; of those
 * below, only with an address of a length that none of the internet's or of netlink has.
 */
#define FILTER_BROKERED_FD 512

/**
 * filter_install_agent() - The agent's filter: everything but what could lead out
 * @switches:     Of enum filter_switch
 * @ret_listener: Where the calls for the broker arrive (broker/notify.h): socket() of AF_UNIX,
 *		  connect() and bind() that may be of such a socket. Until somebody answers they
 *		  wait; once the listener is closed they fail with ENOSYS. CLOEXEC
 *
 * To be called in the agent's process right before exec. Refused calls return an
 * errno and never kill: EPERM; EACCES for AF_UNIX datagrams; EOPNOTSUPP for TCP Fast
 * Open; ENOSYS for clone3, openat2, what programs can do without, calls newer than this
 * program, and for every call of a foreign ABI (i386, x32). No file is made or becomes
 * set-user-id or set-group-id. A new RLIMIT_CORE is silently not taken.
 *
 * Return: 0; -errno
 */
int filter_install_agent(unsigned switches, int *ret_listener, struct error *err);

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
