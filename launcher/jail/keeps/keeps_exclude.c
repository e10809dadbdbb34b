// SPDX-License-Identifier: Apache-2.0
/*
 * Git would show placeholders that are links as untracked files, and add them with `git add -A`.
 * So the jail's git reads an info/exclude that names them, over the repository's own. Nothing of
 * the jail's rests on it: an agent may move it away.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "jail/keeps/keeps.h"

/* A character that gitignore(5) gives a meaning, or that would end the line's part. */
static void write_escaped(FILE *to, const char *path)
{
	for (; *path; path++) {
		if (strchr("*?[]\\ #!", *path))
			fputc('\\', to);
		fputc(*path, to);
	}
}

static bool is_worked_in(const char *path, const char *root)
{
	const char *below = path + strlen(root);

	return path_is_within(path, root) && strcmp(path, root) && strncmp(below, "/.git/", 6) &&
	       strcmp(below, "/.git") && !strchr(path, '\n');
}

/* The lines for those in @root, as seen from @top, which is @root or holds it. */
static char *lines_of(const struct placeholders *held, size_t first, const char *root,
		      const char *top)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs("\n# What mcpjail keeps from being made while it runs:\n", to);
	for (size_t i = first; i < held->n; i++) {
		if (!is_worked_in(held->items[i].path, root))
			continue;
		write_escaped(to, held->items[i].path + strlen(top));
		fputc('\n', to);
	}
	fclose(to);
	return text;
}

/* Git's own file, which most repositories have; missing, a placeholder is put there. */
static int find_exclude(struct keep_search *search, const char *common, char ret[PATH_MAX])
{
	struct stat st;
	int r;

	if ((size_t)snprintf(ret, PATH_MAX, "%s/info/exclude", common) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (lstat(ret, &st) == 0)
		return S_ISREG(st.st_mode) ? placeholders_adopt(search->held, ret, &st) : -EINVAL;
	if (!layout_is_writable(search->layout, ret))
		return -ENOENT;
	r = placeholders_share(search->held, common);
	if (!r)
		r = placeholders_make(search->held, ret, PLACEHOLDER_DOT);
	if (!r && lstat(ret, &st) < 0)
		r = -errno;
	return r ? r : placeholders_hold(search->held, ret, &st);
}

int keeps_add_exclude(struct keep_search *search, const char *root, size_t first)
{
	char top[PATH_MAX], path[PATH_MAX];
	autofree char *common = keeps_git_common_dir(root, top, NULL);
	char *lines;

	if (!common || find_exclude(search, common, path) < 0)
		return 0;
	lines = lines_of(search->held, first, root, strcmp(top, "/") ? top : "");
	if (!lines)
		return keeps_failed(search, path, -ENOMEM);
	if (keeps_put(search->keeps, path, KEEP_LONGER, lines) < 0)
		return keeps_failed(search, path, -E2BIG);
	return 0;
}
