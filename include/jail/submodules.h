/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/submodules.h - repositories that git enters by itself, and that an agent could have made
 *
 * At any `git status`, `diff`, `add` and `commit` git enters what the index calls submodules,
 * and runs what their configuration says. Where that lies in the work tree nothing kept it,
 * and no mount could have kept a new one from being made. So it is looked for when the
 * agent's last process is gone.
 */
#ifndef MCPJAIL_JAIL_SUBMODULES_H
#define MCPJAIL_JAIL_SUBMODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define SUBMODULES_MAX      8    /* told of */
#define SUBMODULES_INDEX_MS 2000 /* for one index to be read */
#define SUBMODULES_MS       1000 /* after which no further path is looked at */

struct submodules {
	char *configs[SUBMODULES_MAX]; /* to be looked at; absolute, as the agent named them */
	size_t n;
	bool has_more;
	bool is_unknown; /* an index could not be read, or not all of it */
};

/**
 * submodules_find() - Look at the repository, if there is one, whose work tree begins at @top
 * @top:   Absolute
 * @since: By CLOCK_REALTIME_COARSE, when the agent was not there yet. What lies in the work tree
 *	   is told however old it is; what lies with the repository's own, if it is newer
 * @ret:   Added to. To be given to submodules_free()
 *
 * An index is parsed by a child process that can do nothing but read it and write down what
 * it found, and is gone when this returns; there is none if the bytes of a submodule's entry do
 * not occur.
 */
void submodules_find(const char *top, const struct timespec *since, struct submodules *ret);

void submodules_free(struct submodules *found);

#endif
