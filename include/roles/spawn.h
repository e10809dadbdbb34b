/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/spawn.h - start a role by exec of this very program
 */
#ifndef MCPJAIL_ROLES_SPAWN_H
#define MCPJAIL_ROLES_SPAWN_H

#include <sys/types.h>

#include "base/error.h"
#include "ipc/channel.h"

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

#endif
