// SPDX-License-Identifier: Apache-2.0
/*
 * What git runs: the hooks, and commands that its configuration names (core.fsmonitor, filters,
 * aliases, …), at any `git status`, also of a shell's prompt. Git finds both by a chain, each
 * link of which is kept:
 *
 *	DIR/.git	a repository, or a file that says where it is (worktree, submodule)
 *	DIR itself	if .git is none, and DIR has HEAD, objects and refs: a bare repository
 *	commondir	in the repository: where its configuration and hooks really are
 *	config, config.worktree, hooks, and what these name (keeps_git_named.c)
 *
 * Where .git is missing it is blocked: there is no .git/config to be kept yet. HEAD is blocked
 * beside it even where there is a .git, because an agent may break that one: it has to write
 * there to commit.
 *
 * The gitdirs of worktrees and submodules lie in the main one, and are found there. Repositories
 * in directories below are not looked for, nor can new ones be kept from being made: git enters
 * those that the index calls submodules, and then runs what their configuration says, at any
 * `git status` above them. They are looked for at the end (jail/submodules.h).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "keeps_git_internal.h"

#define GIT_GITDIR_TAG "gitdir: "

const struct keep_rule keeps_git_dir_rule = {PLACEHOLDER_DIR, MISSING_IS_BLOCKED, KEEP_SEALED};
const struct keep_rule keeps_git_file_rule = {PLACEHOLDER_LINK, MISSING_IS_BLOCKED, KEEP_SEALED};
const struct keep_rule keeps_git_present_rule = {PLACEHOLDER_DIR, MISSING_IS_IGNORED, KEEP_SEALED};
static const struct keep_rule dot_rule = {PLACEHOLDER_DOT, MISSING_IS_BLOCKED, KEEP_SEALED};
static const struct keep_rule in_place_rule = {PLACEHOLDER_DIR, MISSING_IS_IGNORED, KEEP_IN_PLACE};

int keeps_git_join(char ret[PATH_MAX], const char *dir, const char *name)
{
	int n = name[0] == '/' ? snprintf(ret, PATH_MAX, "%s", name)
			       : snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Opened only once it is known to be a file: to open a device does something to it. */
static int open_file(const char *dir, const char *name)
{
	char path[PATH_MAX], by_pin[32];
	autoclose int pin = keeps_git_join(path, dir, name) ? -1 : open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (pin < 0 || fstat(pin, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	snprintf(by_pin, sizeof(by_pin), "/proc/self/fd/%d", pin);
	return open(by_pin, O_RDONLY | O_CLOEXEC);
}

bool keeps_git_read(const char *dir, const char *name, char *ret, size_t size)
{
	autoclose int fd = open_file(dir, name);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

int keeps_git_load(const struct keep_search *search, const char *dir, const char *name,
		   struct buf *ret)
{
	autoclose int fd = open_file(dir, name);
	char path[PATH_MAX];
	int r;

	if (fd < 0 || keeps_git_join(path, dir, name))
		return 0;
	*ret = BUF_INIT(KEEPS_GIT_CONFIG_MAX + 1);
	r = io_read_to_end(fd, ret);
	if (!r)
		r = buf_append(ret, "", 1);
	if (r == -EMSGSIZE)
		r = -EFBIG;
	if (r == -EFBIG)
		error_set(
			search->err, path, "make it shorter, or move parts into files it includes",
			"git's configuration is longer than %d bytes: what it names could not all "
			"be kept from the agent",
			KEEPS_GIT_CONFIG_MAX);
	else if (r)
		keeps_failed(search, path, r);
	return r;
}

static void cut_end(char *text)
{
	size_t n = strlen(text);

	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
}

int keeps_git_keep(struct keep_search *search, const char *dir, const char *name,
		   struct keep_rule rule)
{
	char path[PATH_MAX];

	if (keeps_git_join(path, dir, name) || keeps_is_opened(search->layout, path))
		return 0;
	return keeps_add(search, name[0] == '/' ? "" : dir, name, rule);
}

int keeps_git_keep_hooks(struct keep_search *search, const char *dir, const char *name,
			 struct keep_rule rule)
{
	char path[PATH_MAX];
	int r;

	if (keeps_git_join(path, dir, name) || keeps_is_opened(search->layout, path))
		return 0;
	dir = name[0] == '/' ? "" : dir;
	r = keeps_add(search, dir, name, rule);
	return r ? r : keeps_add_symlinked(search, dir, name);
}

/* --- one gitdir ----------------------------------------------------------------------- */

static bool is_gitdir(const char *path)
{
	static const char *const names[] = {"HEAD", "objects", "refs"};
	char name[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (keeps_git_join(name, path, names[i]) ||
		    fstatat(AT_FDCWD, name, &st, i ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISDIR(st.st_mode) == (i == 0))
			return false;
	return true;
}

/* Whether worktrees may have a configuration of their own. */
static int find_own_config(struct keep_search *search, const char *gitdir, bool *ret_has_own)
{
	autobuf struct buf config = BUF_INIT(0);
	int r = keeps_git_load(search, gitdir, "config", &config);

	*ret_has_own = !r && config.len && strcasestr((char *)config.data, "worktreeconfig");
	return r;
}

void keeps_gitdirs_free(struct keeps_gitdirs *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		free(dirs->paths[i]);
}

int keeps_git_find_dirs(const char *path, const char *mark, unsigned depth,
			struct keeps_gitdirs *ret)
{
	DIR *dir = opendir(path);
	char below[PATH_MAX], marked[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	int r = 0;

	while (dir && !r && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || keeps_git_join(below, path, entry->d_name) ||
		    keeps_git_join(marked, below, mark) || lstat(below, &st) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		if (lstat(marked, &st) < 0) {
			r = depth ? keeps_git_find_dirs(below, mark, depth - 1, ret) : 0;
			continue;
		}
		if (ret->n == KEEPS_GIT_DIRS_MAX)
			r = -E2BIG;
		else if (!(ret->paths[ret->n++] = strdup(below)))
			r = -ENOMEM;
	}
	if (dir)
		closedir(dir);
	return r;
}

static int keep_worktrees(struct keep_search *search, const char *gitdir, bool has_own_config)
{
	__attribute__((cleanup(keeps_gitdirs_free))) struct keeps_gitdirs dirs = {.n = 0};
	char path[PATH_MAX];
	int r = keeps_git_join(path, gitdir, "worktrees");

	if (!r)
		r = keeps_git_find_dirs(path, "commondir", 0, &dirs);
	if (r == -E2BIG)
		return keeps_git_keep(search, gitdir, "worktrees", keeps_git_present_rule);
	for (size_t i = 0; !r && i < dirs.n; i++) {
		r = keeps_add(search, "", dirs.paths[i], in_place_rule);
		if (!r)
			r = keeps_git_keep(search, dirs.paths[i], "commondir", dot_rule);
		if (!r && has_own_config)
			r = keeps_git_keep(search, dirs.paths[i], "config.worktree",
					   keeps_git_file_rule);
	}
	return r;
}

static int keep_gitdir(struct keep_search *search, const char *gitdir, unsigned depth);

static int keep_module(struct keep_search *search, const char *gitdir, unsigned depth)
{
	int r = keep_gitdir(search, gitdir, depth);

	return r ? r : keeps_git_add_module(search, gitdir);
}

static int keep_modules(struct keep_search *search, const char *gitdir, unsigned depth)
{
	__attribute__((cleanup(keeps_gitdirs_free))) struct keeps_gitdirs dirs = {.n = 0};
	char path[PATH_MAX];
	int r = keeps_git_join(path, gitdir, "modules");

	if (!r)
		r = depth ? keeps_git_find_dirs(path, "HEAD", KEEPS_GIT_DEPTH_MAX, &dirs) : -E2BIG;
	if (r == -E2BIG)
		return keeps_git_keep(search, gitdir, "modules", keeps_git_present_rule);
	for (size_t i = 0; !r && i < dirs.n; i++)
		r = keep_module(search, dirs.paths[i], depth - 1);
	return r;
}

/* @gitdir is canonical. What of it lies in no writable tree is left alone. */
static int keep_gitdir(struct keep_search *search, const char *gitdir, unsigned depth)
{
	static const struct {
		const char *name;
		const struct keep_rule *rule;
	} rows[] = {{"config", &keeps_git_file_rule}, {"commondir", &dot_rule}};
	bool has_own_config;
	int r;

	if (!layout_is_writable(search->layout, gitdir))
		return 0;
	r = placeholders_share(search->held, gitdir);
	if (r < 0)
		return keeps_failed(search, gitdir, r);
	r = keeps_add(search, "", gitdir, in_place_rule);
	for (size_t i = 0; !r && i < ARRAY_SIZE(rows); i++)
		r = keeps_git_keep(search, gitdir, rows[i].name, *rows[i].rule);
	if (!r)
		r = keeps_git_keep_hooks(search, gitdir, "hooks", keeps_git_dir_rule);
	if (!r)
		r = find_own_config(search, gitdir, &has_own_config);
	if (!r && has_own_config)
		r = keeps_git_keep(search, gitdir, "config.worktree", keeps_git_file_rule);
	if (!r)
		r = keep_worktrees(search, gitdir, has_own_config);
	return r ? r : keep_modules(search, gitdir, depth);
}

/* --- where git begins ------------------------------------------------------------------- */

/* What a file in @dir names: a gitdir in .git, the main one in that one's commondir. */
static char *follow(const char *dir, const char *name, const char *tag)
{
	char text[PATH_MAX], path[PATH_MAX];

	if (!keeps_git_read(dir, name, text, sizeof(text)) || strncmp(text, tag, strlen(tag)))
		return NULL;
	cut_end(text);
	return keeps_git_join(path, dir, text + strlen(tag)) ? NULL : realpath(path, NULL);
}

/* @root is a worktree or a submodule. Its gitdir may lie in a tree that is written, too. */
static char *find_linked(const char *root)
{
	autofree char *gitdir = follow(root, ".git", GIT_GITDIR_TAG);
	char *common = gitdir ? follow(gitdir, "commondir", "") : NULL;

	return common ? common : ptr_take(&gitdir);
}

static int keep_linked(struct keep_search *search, const char *root)
{
	autofree char *gitdir = find_linked(root);
	int r = keeps_git_keep(search, root, ".git", keeps_git_dir_rule);

	return r || !gitdir ? r : keep_gitdir(search, gitdir, KEEPS_GIT_DEPTH_MAX);
}

/* A .git that is a repository itself. */
static char *find_own(const char *root)
{
	char path[PATH_MAX];
	autofree char *gitdir = keeps_git_join(path, root, ".git") ? NULL : realpath(path, NULL);

	return gitdir && is_gitdir(gitdir) ? ptr_take(&gitdir) : NULL;
}

int keeps_add_git(struct keep_search *search, const char *root)
{
	autofree char *gitdir = find_own(root);
	char path[PATH_MAX];
	int r;

	/* A repository that was made writable itself. */
	r = is_gitdir(root) ? keep_gitdir(search, root, KEEPS_GIT_DEPTH_MAX)
			    : keeps_git_keep(search, root, "HEAD", keeps_git_dir_rule);
	if (r || keeps_git_join(path, root, ".git") || keeps_is_opened(search->layout, path))
		return r;
	if (gitdir) {
		r = keeps_git_keep(search, root, ".git", in_place_rule);
		r = r ? r : keep_gitdir(search, gitdir, KEEPS_GIT_DEPTH_MAX);
	} else {
		r = keep_linked(search, root);
	}
	return r ? r : keeps_git_add_named(search, root);
}

char *keeps_git_dir(const char *root, char **ret_common)
{
	autofree char *gitdir = find_own(root);
	char *common;

	if (!gitdir)
		gitdir = follow(root, ".git", GIT_GITDIR_TAG);
	if (!gitdir)
		return NULL;
	common = follow(gitdir, "commondir", "");
	*ret_common = common ? common : strdup(gitdir);
	return ptr_take(&gitdir);
}

char *keeps_git_common_dir(const char *dir, char *ret_top, char **ret_gitdir)
{
	char top[PATH_MAX];

	snprintf(top, sizeof(top), "%s", dir);
	for (;;) {
		char *common = NULL, *slash = strrchr(top, '/');
		autofree char *gitdir = keeps_git_dir(top, &common);

		if (common) {
			memcpy(ret_top, top, sizeof(top));
			if (ret_gitdir)
				*ret_gitdir = ptr_take(&gitdir);
			return common;
		}
		if (!slash || slash == top)
			return NULL;
		*slash = '\0';
	}
}
