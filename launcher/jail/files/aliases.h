/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/aliases.h - other names of a file, by what else is mounted of its file system
 *
 * A bind mount, a subvolume mounted with what holds it, or a view of the whole root, as WSL and
 * image-based systems have one, shows a file a second time. What is hidden or kept read-only
 * under one name has to be so under the others.
 */
#ifndef MCPJAIL_JAIL_ALIASES_H
#define MCPJAIL_JAIL_ALIASES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "jail/files/patterns.h"

struct alias_mount {
	char *path; /* where it is mounted */
	char *root; /* what of the file system is mounted there */
	dev_t device;
	bool is_window; /* it shows the host's kernel (guards_is_window()) */
};

struct aliases {
	struct alias_mount *mounts;
	size_t n;
};

/**
 * aliases_load() - All mounts of this namespace
 * @ret: To be given to aliases_free(), also after a failure
 *
 * Return: 0; -errno
 */
int aliases_load(struct aliases *ret);

void aliases_free(struct aliases *aliases);

/**
 * aliases_find() - Add the other names that @path may have
 * @path: Canonical
 *
 * By the mounts' names alone: another mount may lie over such a name, so that it is to be seen
 * whether the file there is the same.
 *
 * Return: 0; -E2BIG; -ENAMETOOLONG; -ENOMEM
 */
int aliases_find(const struct aliases *aliases, const char *path, struct path_list *ret);

#endif
