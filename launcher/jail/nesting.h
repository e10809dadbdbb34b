/* SPDX-License-Identifier: Apache-2.0 */
/**
 * nesting.h - what the jail's mounts need where the agent may make mount namespaces of its own
 */
#ifndef MCPJAIL_JAIL_NESTING_H
#define MCPJAIL_JAIL_NESTING_H

#include "base/error.h"

/**
 * nesting_cover_root() - Cover the finished tree with a copy of itself, and go there
 *
 * Afterwards the caller's root and working directory are the copy's.
 *
 * Return: 0; -errno with @err filled
 */
int nesting_cover_root(struct error *err);

#endif
