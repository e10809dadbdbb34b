/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/landlock.h - Landlock around the agent: its scopes, and a second wall behind the mounts
 */
#ifndef MCPJAIL_JAIL_LANDLOCK_H
#define MCPJAIL_JAIL_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define LANDLOCK_TREES_MAX 256

/**
 * landlock_confine_agent() - Keep signals and abstract unix sockets within the agent's tree,
 * and what it writes within the writable trees
 * @trees:       Canonical paths of directories and files that stay writable, at most
 *		 LANDLOCK_TREES_MAX; what of them is not there is left out. NULL: writing is not
 *		 confined, so that the agent may mount
 * @ret_applied: false where the kernel has no scopes (Landlock ABI below 6, or switched off);
 *               that is no failure: the namespaces hold as well
 *
 * Beside @trees stay writable: /tmp, /var/tmp, /dev, /proc, and the files that 0, 1 and 2 are,
 * by whatever name. Writing is confined from ABI 2 on, truncating by name never.
 *
 * To be called in the agent's process, after no_new_privs and before the seccomp filter.
 *
 * Return: 0; -errno if the kernel has the features and refused them
 */
int landlock_confine_agent(const char *const *trees, size_t n, bool *ret_applied,
			   struct error *err);

#endif
