/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/walk.h - follow a path name by name, links as well
 */
#ifndef MCPJAIL_JAIL_WALK_H
#define MCPJAIL_JAIL_WALK_H

#include <limits.h>
#include <sys/stat.h>

#include "jail/files/layout.h"

#define WALK_LINKS_MAX 40 /* symbolic links followed in one path, as in the kernel */

struct walk {
	const struct layout *layout; /* for the hooks */
	/* Called for each name that exists, a link before it is followed. -errno ends the walk. */
	int (*on_name)(struct walk *walk, const struct stat *st);
	/* Called for one that is missing; 0 once it is there. NULL: -ENOENT */
	int (*on_missing)(struct walk *walk);
	char done[PATH_MAX]; /* canonical, "" for the root: the name that a hook is called for */
	char rest[PATH_MAX]; /* not walked yet */
	unsigned links;
};

/**
 * walk_path() - Walk to @path, which is absolute
 * @walk: With its hooks set. Has the canonical name in @done afterwards; after -ENOENT the one
 *	  that is missing, with what would have come after it in @rest
 *
 * Return: 0; -ENOENT; -ELOOP; -ENAMETOOLONG; -errno, those of the hooks too
 */
int walk_path(struct walk *walk, const char *path);

/**
 * walk_from() - The same, from @base on, which is canonical and not looked at itself
 * @path: Relative to @base; may lead out of it, by links or `..`
 */
int walk_from(struct walk *walk, const char *base, const char *path);

/** walk_is_last() - To be asked in a hook: whether the path ends with this name, a link's own
 * target aside */
bool walk_is_last(const struct walk *walk);

#endif
