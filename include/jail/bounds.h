/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/bounds.h - bounds on what the agent uses of the machine
 *
 * What was asked for (struct jail_limits), and defaults where nothing was, are kept by the
 * first of these that works here:
 *
 *	processes	control group; pid_max of the jail's own pid namespace (Linux 6.14,
 *			up to 300 more);
 *			RLIMIT_NPROC, which counts inside the jail's user namespace alone,
 *			and does not bind the machine's root
 *	memory		control group; if it was asked for, else RLIMIT_DATA of each process
 *	cpu		control group
 *	open files	RLIMIT_NOFILE of each process, if it was asked for
 *
 * Beside them, where the machine's memory runs out the kernel is told to end the agent's
 * processes before anything else, and, for root, not those that hold the records.
 *
 *	supervisor	bounds_prepare() ── before the jail is started
 *			bounds_protect(), for itself and each role; bounds_end()
 *	init		bounds_bind_jail() ── first of all
 *	agent		bounds_bind_agent() ── before its filter
 */
#ifndef MCPJAIL_JAIL_BOUNDS_H
#define MCPJAIL_JAIL_BOUNDS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "jail/cgroup.h"
#include "jail/jail.h"

#define BOUNDS_PROCESSES 4096 /* unless the policy says otherwise */
#define BOUNDS_TEXT_MAX  512

struct bounds {
	struct jail_limits asked, kept; /* kept: with the defaults */
	enum jail_tier tier;
	struct cgroup cgroup;
	uint64_t nproc;      /* for RLIMIT_NPROC; 0: it binds nobody here */
	int pid_max_fd;      /* the machine's own, to know it by; -1: none is tried */
	struct rlimit files; /* the caller's; 0: as they are */
};

/**
 * bounds_raise_files() - Let this process and the jail's init have as many open files as they may
 * @ret_before: For the agent: struct jail_spec's files
 *
 * The kernel counts descriptors that are under way in messages for each user, over all of its
 * processes, and refuses to send more than the sender's own limit (unix(7), ETOOMANYREFS). So an
 * agent that sends as many as it can must have the lower limit.
 */
void bounds_raise_files(struct rlimit *ret_before);

/**
 * bounds_prepare() - Find out how, and make the control groups
 * @ret: To be given to bounds_end()
 */
void bounds_prepare(const struct jail_spec *spec, struct bounds *ret);

/**
 * bounds_place() - Put the jail's first process into the control groups
 *
 * Quick if it was cloned into @bounds->cgroup.fd and no other was asked for.
 *
 * Return: 0; -errno with @err filled
 */
int bounds_place(const struct bounds *bounds, pid_t pid, struct error *err);

/**
 * bounds_bind_jail() - Bound the processes of the caller's pid namespace
 *
 * For init, while it has its capabilities and sees a /proc.
 *
 * Return: whether processes are bounded by other means than the control group
 */
bool bounds_bind_jail(const struct bounds *bounds);

/**
 * bounds_offer() - Let the kernel end this process, and what it makes, before any other
 *
 * Where the machine's memory is used up. Part of bounds_bind_jail(); by itself for who cannot
 * write below /proc any more by then.
 */
void bounds_offer(void);

/** bounds_bind_agent() - The limits of the calling process and its children. Return: 0; -errno */
int bounds_bind_agent(const struct bounds *bounds, struct error *err);

/** bounds_protect() - Let the kernel look elsewhere for memory, if that may be asked */
void bounds_protect(pid_t pid);

/**
 * bounds_layers() - Append what is in force to a list of layers
 * @layers: Comma-separated, as init told it: "processes" is in it if that is kept without a
 *          control group
 */
void bounds_layers(const struct bounds *bounds, char *layers, size_t size);

/**
 * bounds_unkept() - What was asked for and is not in force, in one line for a person
 * @layers: With those of bounds_layers()
 *
 * Return: whether there is anything to say
 */
bool bounds_unkept(const struct bounds *bounds, const char *layers, char ret[BOUNDS_TEXT_MAX]);

/** bounds_end() - Kill what is left, remove the control groups. Return: 0; -EBUSY */
int bounds_end(struct bounds *bounds, unsigned wait_ms);

#endif
