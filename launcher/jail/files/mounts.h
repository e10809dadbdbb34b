/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/mounts.h - what the agent sees of the file system, and what of it it may write
 */
#ifndef MCPJAIL_JAIL_MOUNTS_H
#define MCPJAIL_JAIL_MOUNTS_H

#include <stddef.h>

#include "base/error.h"
#include "jail/files/devices.h"
#include "jail/files/layout.h"

#define MOUNTS_RESOLVER "198.18.0.1" /* in resolv.conf; any address would be answered */

struct mounts {
	int trees[LAYOUT_TREES_MAX];     /* detached clones, by the layout's index */
	int sockets[LAYOUT_SOCKETS_MAX]; /* the same */
	int scratch; /* root of the jail's own tmpfs; lies on /run until the end */
};

/**
 * mounts_set_up() - Make the tree: read-only, but for what the layout says
 * @devices: From devices_take()
 * @ret:     mounts_close() it, also after a failure
 *
 * Afterwards only the CA files and /run are missing: mounts_finish().
 *
 * Return: 0; -errno with @err filled
 */
int mounts_set_up(const struct layout *layout, const struct devices *devices, struct mounts *ret,
		  struct error *err);

/** mounts_finish() - Show the scratch's directory "run" as /run, with the sockets listed there */
int mounts_finish(const struct layout *layout, struct mounts *mounts, struct error *err);

void mounts_close(struct mounts *mounts);

#endif
