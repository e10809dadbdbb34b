// SPDX-License-Identifier: Apache-2.0
/*
 * A configuration that is sealed itself may name files that are not: hooks, a file that it
 * includes, a program that git runs at every status or diff. They are kept where they are, or
 * would be. The repository may lie anywhere, above the tree or, for a worktree, elsewhere: what it
 * names is looked for from the top of the work, as git does.
 *
 * Conditions of an include are not asked about: they may hold later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "keeps_git_internal.h"

#define INCLUDE_DEPTH_MAX 10 /* as git's own */

struct named {
	struct keep_search *search;
	const char *root; /* worked in */
	const char *top;  /* of the work that the configuration is for */
	const char *dir;  /* of the file that is read */
	unsigned depth;
	char hooks[PATH_MAX]; /* the last one counts */
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
static int keep_hooks(struct named *n)
{
	bool is_home = !strncmp(n->hooks, "~/", 2);
	char path[PATH_MAX];
	autofree char *real = NULL;

	if (!n->hooks[0] || expand(n, n->top, n->hooks, path))
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

/* Its program, also if it is missing, and files among its arguments: a script of a shell's. */
static int keep_command(struct named *n, char *command)
{
	char path[PATH_MAX], *save = NULL;
	bool is_first = true;
	int r = 0;

	command += command[0] == '!';
	for (char *word = strtok_r(command, " \t\"'", &save); word && !r;
	     word = strtok_r(NULL, " \t\"'", &save)) {
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

static bool is_command(const char *section, const char *key)
{
	static const char *const keys[] = {"askpass",  "clean",      "command",   "driver",
					   "editor",   "external",   "fsmonitor", "helper",
					   "gitproxy", "pager",      "process",   "program",
					   "smudge",   "sshcommand", "textconv"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return !strcmp(section, "pager");
}

static int on_setting(void *context, const char *section, const char *key, char *value)
{
	struct named *n = context;

	if (!strcmp(section, "core") && !strcmp(key, "hookspath"))
		snprintf(n->hooks, sizeof(n->hooks), "%s", value);
	else if ((!strcmp(section, "include") || !strcmp(section, "includeif")) &&
		 !strcmp(key, "path"))
		return keep_included(n, value);
	else if (is_command(section, key))
		return keep_command(n, value);
	return 0;
}

static int read_file(struct named *n, const char *path)
{
	autofree char *text = malloc(KEEPS_GIT_FILE_MAX);

	if (!text)
		return keeps_failed(n->search, path, -ENOMEM);
	if (!keeps_git_read("", path, text, KEEPS_GIT_FILE_MAX))
		return 0;
	return keeps_git_each(text, on_setting, n);
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

int keeps_git_add_named(struct keep_search *search, const char *root)
{
	struct named n = {.search = search, .root = root, .top = root};
	char top[PATH_MAX];
	autofree char *common = keeps_git_common_dir(root, top);
	int r = read_home(&n);

	if (common) {
		n.top = top;
		r = r ? r : read_in(&n, common, "config");
		r = r ? r : read_in(&n, common, "config.worktree");
	}
	return r ? r : keep_hooks(&n);
}
