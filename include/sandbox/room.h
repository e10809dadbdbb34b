/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox/room.h - an empty room for roles: no file, no network, no name of the host
 *
 * User, mount, ipc, uts and network namespaces, with a read-only root that has not one inode
 * to spare. Making them takes the kernel longer than all else that a role does to confine
 * itself, so that one process makes them for all, while the roles start. What shares a room
 * has no capability in it, and finds nothing there but the others' absence.
 */
#ifndef MCPJAIL_SANDBOX_ROOM_H
#define MCPJAIL_SANDBOX_ROOM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* What a role inherits. -1, -1: none was made. */
struct room {
	int pidfd;    /* of the process that makes it; its namespaces last until that is ended */
	int ready_fd; /* of a pipe, whose end says that it is made, or will not be */
};

/**
 * room_open() - The way into a room that this process is going to make
 * @ret:         For those who are to enter; what cannot be had is -1, and keeps them out
 * @ret_made_fd: For room_keep()
 */
void room_open(struct room *ret, int *ret_made_fd);

/** room_keep() - Make it, and keep it for others until this process is killed */
_Noreturn void room_keep(int made_fd);

/** room_close() - Close the descriptors; the process goes on */
void room_close(struct room *room);

/**
 * room_enter() - Enter it, once it is made, with all capabilities there
 * @has_network: Stay in the network that there is
 *
 * The process must have one thread. The room is closed. PR_SET_PDEATHSIG is SIGKILL after it.
 *
 * Return: 0; -errno, and nothing was entered
 */
int room_enter(struct room *room, bool has_network);

/**
 * room_make() - Make one around this process alone
 *
 * Return: 0; -errno with @err filled
 */
int room_make(bool has_network, struct error *err);

#endif
