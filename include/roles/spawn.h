/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/spawn.h - start a role by exec of this very program
 */
#ifndef MCPJAIL_ROLES_SPAWN_H
#define MCPJAIL_ROLES_SPAWN_H

#include <sys/types.h>

#include "base/error.h"
#include "ipc/channel.h"
#include "sandbox/room.h"

/**
 * spawn_role() - Start `mcpjail --role=NAME`
 * @ret_channel: The supervisor's end; to be closed by the caller
 * @ret_pid:     A child, to be reaped by the caller
 *
 * The role has an empty environment, a session of its own, /dev/null for standard input
 * and output, the caller's standard error, its channel at ROLE_CHANNEL_FD, no other
 * descriptor, and dies with its parent (PR_SET_PDEATHSIG).
 *
 * Return: 0; -errno with @err filled
 */
int spawn_role(enum role role, struct channel *ret_channel, pid_t *ret_pid, struct error *err);

/**
 * spawn_role_after() - The same, from a process that does something else first
 * @before: Run in it, with the caller's memory and descriptors; if it returns another value than
 *	    0, the role is not started, and the process exits with 125
 *
 * It does not die with its parent: it is told by the end of its channel.
 */
int spawn_role_after(enum role role, int (*before)(void *arg), void *arg,
		     struct channel *ret_channel, pid_t *ret_pid, struct error *err);

/**
 * spawn_sibling() - The same for a process whose parent it is to be a child of
 * @channel_fd: The role's end; stays open here
 * @room:       That it may enter, at ROLE_ROOM_FD and behind
 * @parent:     The caller's
 *
 * Return: its pid; -1
 */
pid_t spawn_sibling(enum role role, int channel_fd, const struct room *room, pid_t parent);

#endif
