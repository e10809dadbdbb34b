/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/nursery.h - start the roles of a run from a process of their own
 *
 * Making a process takes its maker as long as preparing a run does. So the supervisor makes
 * one, which makes the others, as children of the supervisor's, and after them the room that
 * they confine themselves to.
 */
#ifndef MCPJAIL_ROLES_NURSERY_H
#define MCPJAIL_ROLES_NURSERY_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "ipc/channel.h"

#define NURSERY_ROLES_MAX 4

struct nursery {
	pid_t pid;   /* a child; 0: it was ended */
	int pids_fd; /* -1: they have been read */
};

#define NURSERY_NONE ((struct nursery){0, -1})

/**
 * nursery_start() - Start `mcpjail --role=NAME` for each of @n roles
 * @ret_channels: The supervisor's ends; to be closed by the caller
 *
 * A role has an empty environment, a session of its own, /dev/null for standard input and
 * output, the caller's standard error, its channel at ROLE_CHANNEL_FD, its room at
 * ROLE_ROOM_FD, no other descriptor, and dies with its parent (PR_SET_PDEATHSIG).
 *
 * Return: 0; -errno with @err filled
 */
int nursery_start(const enum role *roles, size_t n, struct channel *ret_channels,
		  struct nursery *ret, struct error *err);

/**
 * nursery_await() - Learn who they are, to be called once and before any child is reaped
 * @ret_pids: Children of the caller's; 0: not started
 *
 * Return: 0; -ECHILD if one is not started
 */
int nursery_await(struct nursery *nursery, pid_t *ret_pids, size_t n);

/** nursery_end() - No role is to enter the room any more. Harmless to repeat */
void nursery_end(struct nursery *nursery);

#endif
