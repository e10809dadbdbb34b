/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keeps_git_internal.h - between the files that find what git runs
 */
#ifndef MCPJAIL_JAIL_KEEPS_GIT_INTERNAL_H
#define MCPJAIL_JAIL_KEEPS_GIT_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "jail/keeps/keeps.h"

#define KEEPS_GIT_CONFIG_MAX (1 << 20) /* bytes of a configuration: a longer one is refused */
#define KEEPS_GIT_FILE_MAX   65536     /* where its beginning will do */
#define KEEPS_GIT_DIRS_MAX   64        /* worktrees, and submodules, that are kept one by one */
#define KEEPS_GIT_DEPTH_MAX  8         /* of submodules' names, and of submodules in submodules */

/* Without a placeholder, with one of git's own kind, with a link to nowhere. */
extern const struct keep_rule keeps_git_present_rule, keeps_git_dir_rule, keeps_git_file_rule;

/** keeps_git_join() - @name in @dir, or by itself if it is absolute. Return: 0; -ENAMETOOLONG */
int keeps_git_join(char ret[PATH_MAX], const char *dir, const char *name);

/** keeps_git_read() - The beginning of a file, NUL-terminated. Return: false if there is none */
bool keeps_git_read(const char *dir, const char *name, char *ret, size_t size);

/**
 * keeps_git_load() - A whole configuration, NUL-terminated
 * @ret: Empty; remains so if there is none
 *
 * Return: 0; -EFBIG if it is longer than KEEPS_GIT_CONFIG_MAX; -errno; with the search's error
 * filled
 */
int keeps_git_load(const struct keep_search *search, const char *dir, const char *name,
		   struct buf *ret);

/**
 * keeps_git_dir() - The repository of which @root is the worktree's top
 * @ret_common: Where its configuration is, canonical, to be freed; NULL if memory is short
 *
 * Return: canonical, to be freed; NULL: none
 */
char *keeps_git_dir(const char *root, char **ret_common);

struct keeps_gitdirs {
	char *paths[KEEPS_GIT_DIRS_MAX];
	size_t n;
};

void keeps_gitdirs_free(struct keeps_gitdirs *dirs);

/**
 * keeps_git_find_dirs() - Add the directories in @path that have a @mark
 * @depth: So far down the others are looked through for more
 *
 * Return: 0; -E2BIG if there are too many; -ENOMEM
 */
int keeps_git_find_dirs(const char *path, const char *mark, unsigned depth,
			struct keeps_gitdirs *ret);

/** keeps_git_keep() - keeps_add(), unless it was opened; @name may be absolute. Return: as that */
int keeps_git_keep(struct keep_search *search, const char *dir, const char *name,
		   struct keep_rule rule);

/** keeps_git_keep_hooks() - The same for a directory of programs, with what its links lead to */
int keeps_git_keep_hooks(struct keep_search *search, const char *dir, const char *name,
			 struct keep_rule rule);

/**
 * keeps_git_add_named() - What the configuration of a directory's repository names
 * @root: Canonical: a directory that is worked in, or anything below its repository's top
 *
 * The hooks of core.hooksPath, the files that it includes, and the programs that git runs by
 * itself, as core.fsmonitor and filters: of those, what lies in a writable tree.
 *
 * Return: 0; -ELOOP if it includes too many files; -errno; with the search's error filled
 */
int keeps_git_add_named(struct keep_search *search, const char *root);

/** keeps_git_add_module() - The same of a submodule's gitdir, canonical. Return: as that */
int keeps_git_add_module(struct keep_search *search, const char *gitdir);

/**
 * keeps_git_each() - Go through a file of git-config(1)'s format
 * @text:    Changed meanwhile
 * @setting: Gets section and key in lower case, without the subsection; a key without a value has
 *           an empty one. A result other than 0 ends it
 *
 * Return: 0; what @setting returned. What git would refuse ends it as well
 */
typedef int keeps_git_setting(void *context, const char *section, const char *key, char *value);
int keeps_git_each(char *text, keeps_git_setting *setting, void *context);

#endif
