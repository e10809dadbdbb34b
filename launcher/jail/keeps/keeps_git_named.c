// SPDX-License-Identifier: Apache-2.0
/*
 * A configuration that is sealed itself may name files that are not: hooks, a file that it
 * includes, a program that git runs at every status or diff. They are kept where they are, or
 * would be. The repository may lie anywhere, above the tree or, for a worktree, elsewhere: what it
 * names is looked for from the top of the work, as git does.
 *
 * Conditions of an include are not asked about: they may hold later. So it is not known either
 * which of several hooks' directories counts: each is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "keeps_git_internal.h"

#define INCLUDE_DEPTH_MAX 10  /* as git's own */
#define FILES_MAX         256 /* of one repository: in that depth a loop may branch */

struct named {
	struct keep_search *search;
	const char *root; /* worked in */
	const char *top;  /* of the work that the configuration is for */
	const char *dir;  /* of the file that is read */
	unsigned depth;
	unsigned files; /* read so far */
};

/* `~/` is the home. Return: 0; -ENAMETOOLONG; -ENOENT without a home */
static int expand(const struct named *n, const char *dir, const char *name, char ret[PATH_MAX])
{
	const char *home = n->search->layout->homes[0];

	if (strncmp(name, "~/", 2))
		return keeps_git_join(ret, dir, name);
	return home ? keeps_git_join(ret, home, name + 2) : -ENOENT;
}

/* --- what is named ---------------------------------------------------------------------- */

/* Not what the person works in, or holds it: nothing could be written then. */
static int keep_hooks(struct named *n, const char *value)
{
	bool is_home = !strncmp(value, "~/", 2);
	char path[PATH_MAX];
	autofree char *real = NULL;

	if (!value[0] || expand(n, n->top, value, path))
		return 0;
	real = realpath(path, NULL);
	if (real && path_is_within(n->root, real))
		return 0;
	return keeps_git_keep_hooks(n->search, "", path,
				    is_home ? keeps_git_present_rule : keeps_git_dir_rule);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Its program, also if it is missing, and files among its arguments, and in lines of a shell's. */
static int keep_command(struct named *n, char *command)
{
	static const char blanks[] = " \t\n\"';&|()";
	char path[PATH_MAX], *save = NULL;
	bool is_first = true;
	int r = 0;

	command += command[0] == '!';
	for (char *word = strtok_r(command, blanks, &save); word && !r;
	     word = strtok_r(NULL, blanks, &save)) {
		bool is_path = strchr(word, '/') && !strstr(word, "://");

		if (is_path && !expand(n, n->top, word, path) && (is_first || is_file(path)))
			r = keeps_git_keep(n->search, "", path, keeps_git_file_rule);
		is_first = false;
	}
	return r;
}

static int read_file(struct named *n, const char *path);

static int keep_included(struct named *n, const char *value)
{
	const char *before = n->dir;
	char path[PATH_MAX], dir[PATH_MAX], *slash;
	int r;

	if (!value[0] || !n->depth || expand(n, n->dir, value, path))
		return 0;
	r = keeps_git_keep(n->search, "", path, keeps_git_file_rule);
	memcpy(dir, path, sizeof(dir));
	slash = strrchr(dir, '/');
	if (r || !slash)
		return r;
	*slash = '\0';
	n->dir = dir;
	n->depth--;
	r = read_file(n, path);
	n->depth++;
	n->dir = before;
	return r;
}

/* --- a configuration ----------------------------------------------------------------------- */

static bool is_command(const char *section, const char *key, const char *value)
{
	static const char *const keys[] = {"askpass",  "clean",      "command",   "driver",
					   "editor",   "external",   "fsmonitor", "helper",
					   "gitproxy", "pager",      "process",   "program",
					   "smudge",   "sshcommand", "textconv"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return !strcmp(section, "pager") || (!strcmp(section, "alias") && value[0] == '!');
}

static int on_setting(void *context, const char *section, const char *key, char *value)
{
	struct named *n = context;

	if (!strcmp(section, "core") && !strcmp(key, "hookspath"))
		return keep_hooks(n, value);
	if ((!strcmp(section, "include") || !strcmp(section, "includeif")) && !strcmp(key, "path"))
		return keep_included(n, value);
	return is_command(section, key, value) ? keep_command(n, value) : 0;
}

static int read_file(struct named *n, const char *path)
{
	autobuf struct buf text = BUF_INIT(0);
	int r;

	if (n->files++ == FILES_MAX) {
		error_set(n->search->err, path, "take out what includes itself",
			  "git's configuration includes more than %d files, this one among them",
			  FILES_MAX);
		return -ELOOP;
	}
	r = keeps_git_load(n->search, "", path, &text);
	return r || !text.len ? r : keeps_git_each((char *)text.data, on_setting, n);
}

static int read_in(struct named *n, const char *dir, const char *name)
{
	char path[PATH_MAX];

	n->dir = dir;
	n->depth = INCLUDE_DEPTH_MAX;
	return keeps_git_join(path, dir, name) ? 0 : read_file(n, path);
}

/* The person's own: what they name from the top is looked for in each work. */
static int read_home(struct named *n)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = n->search->layout->homes[0];
	char dir[PATH_MAX];
	int r = 0;

	if (!home)
		return 0;
	if (xdg && xdg[0] == '/')
		r = keeps_git_join(dir, xdg, "git");
	else
		r = keeps_git_join(dir, home, ".config/git");
	r = r ? 0 : read_in(n, dir, "config");
	return r ? r : read_in(n, home, ".gitconfig");
}

/* @common: NULL where there is no repository */
static int read_all(struct named *n, const char *common, const char *gitdir)
{
	int r = read_home(n);

	if (!r && common)
		r = read_in(n, common, "config");
	if (!r && common)
		r = read_in(n, gitdir, "config.worktree");
	return r;
}

int keeps_git_add_named(struct keep_search *search, const char *root)
{
	char top[PATH_MAX];
	autofree char *gitdir = NULL;
	autofree char *common = keeps_git_common_dir(root, top, &gitdir);
	struct named n = {.search = search, .root = root, .top = common ? top : root};

	return read_all(&n, common, gitdir);
}

/* --- a submodule's ----------------------------------------------------------------------- */

static int on_worktree(void *context, const char *section, const char *key, char *value)
{
	if (!strcmp(section, "core") && !strcmp(key, "worktree"))
		snprintf(context, PATH_MAX, "%s", value);
	return 0;
}

/* Where it is worked in: the gitdir says so, if it is anywhere. */
static int find_worktree(struct keep_search *search, const char *gitdir, char ret[PATH_MAX])
{
	static const char *const names[] = {"config", "config.worktree"};
	char said[PATH_MAX] = "", path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(names); i++) {
		autobuf struct buf text = BUF_INIT(0);

		r = keeps_git_load(search, gitdir, names[i], &text);
		if (!r && text.len)
			keeps_git_each((char *)text.data, on_worktree, said);
	}
	if (!r && (keeps_git_join(path, gitdir, said) || !realpath(path, ret)))
		snprintf(ret, PATH_MAX, "%s", gitdir);
	return r;
}

int keeps_git_add_module(struct keep_search *search, const char *gitdir)
{
	char top[PATH_MAX];
	struct named n = {.search = search, .root = top, .top = top};
	int r = find_worktree(search, gitdir, top);

	return r ? r : read_all(&n, gitdir, gitdir);
}
