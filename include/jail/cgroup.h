/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/cgroup.h - control groups of a run's own
 *
 * One of version 2, for killing all that runs in it and for the second wall, made below the
 * caller's own. Where the controllers for limits are not to be had there, because its
 * processes are in the way or it was not given them, the one above it is taken, if that can
 * be written and nothing that limits the caller is left behind. Of version 1, one more for
 * each limit that version 2 has no controller for, if that is asked for: entering those
 * takes milliseconds, cloning into version 2 does not.
 *
 * What an unprivileged user needs is a group that was delegated: that of a terminal of a
 * desktop, or of `systemd-run --user --scope`.
 */
#ifndef MCPJAIL_JAIL_CGROUP_H
#define MCPJAIL_JAIL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_NAME_MAX 64

enum cgroup_limit { CGROUP_PROCESSES = 0, CGROUP_MEMORY, CGROUP_CPU, CGROUP_LIMITS };

/* What is wanted; 0: no limit. */
struct cgroup_wish {
	uint64_t values[CGROUP_LIMITS]; /* processes; bytes; processors × 1000 */
	bool in_v1[CGROUP_LIMITS];      /* also by version 1, which costs time */
	bool bounds_swap;               /* the bytes are those of memory and swap together */
};

struct cgroup {
	int fd, parent_fd; /* of version 2; -1: none */
	int v1[CGROUP_LIMITS], v1_parents[CGROUP_LIMITS];
	bool has[CGROUP_LIMITS]; /* limits in force for what is placed here */
	char name[CGROUP_NAME_MAX];
};

/**
 * cgroup_make() - Make them, with their limits
 * @run_id: Part of their names
 * @ret:    Whatever could be made; may be nothing. To be given to cgroup_end()
 *
 * Removes those that runs have left which were killed.
 */
void cgroup_make(const char *run_id, const struct cgroup_wish *wish, struct cgroup *ret);

/**
 * cgroup_place() - Put a process in, with all its threads
 *
 * Takes milliseconds for each that it is not in yet: that of version 2 is better cloned into.
 *
 * Return: 0; -errno if it is not in all of them
 */
int cgroup_place(const struct cgroup *cgroup, pid_t pid);

/** cgroup_kill() - SIGKILL to all in it. Harmless to repeat; needs version 2 */
void cgroup_kill(const struct cgroup *cgroup);

/** cgroup_end() - Kill, wait for it at most @wait_ms, remove. Return: 0; -EBUSY: some live on */
int cgroup_end(struct cgroup *cgroup, unsigned wait_ms);

#endif
