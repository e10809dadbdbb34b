/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/landlock.h - Landlock's scopes around the agent
 */
#ifndef MCPJAIL_JAIL_LANDLOCK_H
#define MCPJAIL_JAIL_LANDLOCK_H

#include <stdbool.h>

#include "base/error.h"

/**
 * landlock_scope_agent() - Keep signals and abstract unix sockets within the agent's tree
 * @ret_applied: false where the kernel cannot (Landlock ABI below 6, or switched off);
 *               that is no failure: the pid and network namespaces hold as well
 *
 * To be called in the agent's process, after no_new_privs and before the seccomp filter.
 *
 * Return: 0; -errno if the kernel has the feature and refused it
 */
int landlock_scope_agent(bool *ret_applied, struct error *err);

#endif
