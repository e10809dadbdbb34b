/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/layout.h - which directories a run writes, hides and protects
 *
 * Settled before the jail is cloned, by names alone, so that a contradiction (a working
 * directory in a place that the jail hides) is refused before anything has begun.
 */
#ifndef MCPJAIL_JAIL_LAYOUT_H
#define MCPJAIL_JAIL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "jail/jail.h"

#define LAYOUT_TREES_MAX (JAIL_WRITE_DIRS_MAX + 1)

struct layout_tree {
	char *path; /* canonical */
	bool writable;
	bool in_scratch; /* below /tmp, /var/tmp or /dev/shm, which are private inside */
};

struct layout {
	char *cwd, *home, *run_dir, *state_dir;     /* canonical; home may be NULL */
	char *policy_path;                          /* absolute as given; NULL: none */
	char *program_path;                         /* mcpjail's own; NULL: not known */
	struct layout_tree trees[LAYOUT_TREES_MAX]; /* shorter paths first */
	size_t n_trees;
};

/** path_is_within() - Whether the canonical @path is @dir or lies below it */
bool path_is_within(const char *path, const char *dir);

/** layout_is_in_scratch() - Whether @path is or lies below a directory that is private inside */
bool layout_is_in_scratch(const char *path);

/** layout_is_replaced() - Whether the jail has something else at or above @path: /proc, /tmp, … */
bool layout_is_replaced(const char *path);

/** layout_is_writable() - Whether @path is or lies below one of the writable trees */
bool layout_is_writable(const struct layout *layout, const char *path);

/**
 * layout_resolve() - Settle all of it
 * @ret: To be freed by layout_free(), also after a failure
 *
 * Return: 0; -errno with @err filled
 */
int layout_resolve(const struct jail_spec *spec, struct layout *ret, struct error *err);

void layout_free(struct layout *layout);

/** layout_credentials() - NULL-terminated names below the home that the jail hides */
const char *const *layout_credentials(void);

#endif
