// SPDX-License-Identifier: Apache-2.0
/*
 * Not glob(3): that keeps names with a leading dot from `*`, so that `secrets/`* would show
 * `secrets/.env`, and gives a meaning to brackets and backslashes, which occur in names.
 */
#include "jail/files/patterns.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* --- matching ------------------------------------------------------------------- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool matches_byte(char pattern, char c, enum pattern_case letters)
{
	if (pattern == '?')
		return true;
	return letters == PATTERN_ANY_CASE ? lower(pattern) == lower(c) : pattern == c;
}

/* On a mismatch only the last star has to give way: what the ones before took was the least. */
bool pattern_matches(const char *pattern, struct span text, enum pattern_case letters)
{
	const char *star = NULL;
	size_t at = 0, taken = 0;

	while (at < text.n) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = at;
		} else if (*pattern && matches_byte(*pattern, text.p[at], letters)) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star;
			at = ++taken;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* --- lists ---------------------------------------------------------------------- */

void path_list_free(struct path_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	list->n = 0;
}

int path_list_add(struct path_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->items[i], path))
			return 0;
	if (list->n == PATTERNS_PATHS_MAX)
		return -E2BIG;
	list->items[list->n] = strdup(path);
	if (!list->items[list->n])
		return -ENOMEM;
	list->n++;
	return 0;
}

/* --- expanding ------------------------------------------------------------------ */

struct expansion {
	struct path_list *found;
	bool is_dir;    /* the pattern ends in a slash */
	size_t entries; /* names that were compared */
};

static int add_joined(struct path_list *list, const char *done, const char *rest, bool is_dir)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s%s", done, *rest ? "/" : "", rest,
			     is_dir ? "/" : "") >= sizeof(path))
		return -ENAMETOOLONG;
	return path_list_add(list, path[0] ? path : "/");
}

static int expand_from(struct expansion *x, const char *done, const char *rest);

/* Every name in @dir_path that the component @rest begins with matches, and what follows it. */
static int expand_wildcard(struct expansion *x, const char *dir_path, const char *rest)
{
	size_t n = strcspn(rest, "/");
	autofree char *component = strndup(rest, n);
	DIR *dir = opendir(dir_path[0] ? dir_path : "/");
	struct dirent *entry;
	int r = component ? 0 : -ENOMEM;

	while (dir && !r && (entry = readdir(dir))) {
		autofree char *path = NULL;
		struct span name = span_of(entry->d_name);

		if (!strcmp(name.p, ".") || !strcmp(name.p, ".."))
			continue;
		if (++x->entries > PATTERNS_ENTRIES_MAX)
			r = -E2BIG;
		else if (!pattern_matches(component, name, PATTERN_EXACT_CASE))
			continue;
		else if (asprintf(&path, "%s/%s", dir_path, name.p) < 0)
			r = -ENOMEM;
		else
			r = expand_from(x, path, rest + n + (rest[n] == '/'));
	}
	if (dir)
		closedir(dir);
	return r;
}

/*
 * @done has no wildcard left that is one, @rest no slash at either end. Goes as deep as there
 * are components with wildcards.
 */
static int expand_from(struct expansion *x, const char *done, const char *rest)
{
	size_t literal = strcspn(rest, "*?");
	autofree char *dir_path = NULL;
	struct stat st;

	if (!rest[literal]) {
		autofree char *path = NULL;

		if (asprintf(&path, "%s%s%s", done, *rest ? "/" : "", rest) < 0)
			return -ENOMEM;
		if (lstat(path, &st) < 0 ||
		    (x->is_dir && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))))
			return 0;
		return add_joined(x->found, path, "", x->is_dir);
	}
	while (literal && rest[literal - 1] != '/')
		literal--;
	if (asprintf(&dir_path, "%s%s%.*s", done, literal ? "/" : "",
		     (int)(literal ? literal - 1 : 0), rest) < 0)
		return -ENOMEM;
	return expand_wildcard(x, dir_path, rest + literal);
}

static size_t count_wild_components(const char *rest)
{
	size_t n = 0;

	for (; *rest; rest += strcspn(rest, "/"), rest += *rest == '/')
		n += strcspn(rest, "*?") < strcspn(rest, "/");
	return n;
}

/* Without double slashes, `.`, and slashes at the ends; -EINVAL if it goes through `..`. */
static int normalise(const char *from, char ret[PATH_MAX], bool *ret_is_dir)
{
	size_t used = 0, n;

	*ret_is_dir = !*from || from[strlen(from) - 1] == '/';
	for (; *from; from += n) {
		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 2 && !strncmp(from, "..", 2))
			return -EINVAL;
		if (!n || (n == 1 && from[0] == '.'))
			continue;
		if (used + n + 2 > PATH_MAX)
			return -ENAMETOOLONG;
		if (used)
			ret[used++] = '/';
		memcpy(ret + used, from, n);
		used += n;
	}
	ret[used] = '\0';
	return 0;
}

/* What the path begins at, in @ret_base, and the rest. NULL in @ret_base: nowhere. */
static int find_base(const char *pattern, const struct path_places *places, const char **ret_base,
		     const char **ret_rest)
{
	const struct {
		const char *name, *base;
	} bases[] = {{"~", places->home}, {"$PWD", places->cwd}};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		size_t n = strlen(bases[i].name);

		if (strncmp(pattern, bases[i].name, n) || (pattern[n] && pattern[n] != '/'))
			continue;
		*ret_base = bases[i].base && !strcmp(bases[i].base, "/") ? "" : bases[i].base;
		*ret_rest = pattern + n;
		return 0;
	}
	*ret_base = "";
	*ret_rest = pattern;
	return pattern[0] == '/' ? 0 : -EINVAL;
}

static int say_failed(struct error *err, const char *pattern, int r)
{
	if (r == -E2BIG)
		error_set(err, pattern, "name a directory that holds them",
			  "more than %d paths, or more than %d names to look at",
			  PATTERNS_PATHS_MAX, PATTERNS_ENTRIES_MAX);
	else if (r == -EINVAL)
		error_set(err, pattern, "begin with /, ~/ or $PWD/",
			  "not an absolute path without .. and with at most %d components of "
			  "wildcards",
			  PATTERNS_WILD_MAX);
	else
		error_set(err, pattern, NULL, "%s", strerror(-r));
	return r;
}

int patterns_expand(const char *pattern, const struct path_places *places, struct path_list *ret,
		    struct error *err)
{
	struct expansion x = {.found = ret};
	const char *base, *rest;
	char path[PATH_MAX];
	int r = find_base(pattern, places, &base, &rest);

	if (!r)
		r = normalise(rest, path, &x.is_dir);
	if (!r && count_wild_components(path) > PATTERNS_WILD_MAX)
		r = -EINVAL;
	if (!r && base)
		r = path[strcspn(path, "*?")]
			    ? expand_from(&x, base, path)
			    : add_joined(ret, base, path, x.is_dir && (path[0] || base[0]));
	return r ? say_failed(err, pattern, r) : 0;
}
