// SPDX-License-Identifier: Apache-2.0
#include "jail/files/walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void walk_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');

	if (slash)
		*slash = '\0';
}

/* Put a link's target in front of what is left. */
static int walk_link(struct walk *walk)
{
	char target[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t n = readlink(walk->done, target, sizeof(target) - 1);

	if (n < 0 || ++walk->links > WALK_LINKS_MAX)
		return n < 0 ? -errno : -ELOOP;
	target[n] = '\0';
	if (target[0] == '/')
		walk->done[0] = '\0';
	else
		walk_up(walk);
	snprintf(joined, sizeof(joined), "%s/%s", target, walk->rest);
	if (strlen(joined) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, joined, strlen(joined) + 1);
	return 0;
}

/* Cut the next component off @rest into @ret; false at the end. */
static bool walk_cut(struct walk *walk, char *ret, size_t size)
{
	size_t skip = strspn(walk->rest, "/"), n = strcspn(walk->rest + skip, "/");

	if (!n || n >= size)
		return false;
	memcpy(ret, walk->rest + skip, n);
	ret[n] = '\0';
	memmove(walk->rest, walk->rest + skip + n, strlen(walk->rest + skip + n) + 1);
	return true;
}

static int walk_step(struct walk *walk, const char *name)
{
	size_t used = strlen(walk->done);
	struct stat st;
	int r;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		walk_up(walk);
		return 0;
	}
	if (used + strlen(name) + 2 > sizeof(walk->done))
		return -ENAMETOOLONG;
	snprintf(walk->done + used, sizeof(walk->done) - used, "/%s", name);
	r = lstat(walk->done, &st) < 0 ? -errno : 0;
	if (r == -ENOENT && walk->on_missing) {
		r = walk->on_missing(walk);
		if (!r && lstat(walk->done, &st) < 0)
			r = -errno;
	}
	if (!r)
		r = walk->on_name(walk, &st);
	if (!r && S_ISLNK(st.st_mode))
		r = walk_link(walk);
	return r;
}

bool walk_is_last(const struct walk *walk)
{
	return !walk->rest[strspn(walk->rest, "/")];
}

int walk_from(struct walk *walk, const char *base, const char *path)
{
	char name[NAME_MAX + 1];
	int r = 0;

	walk->links = 0;
	if (strlen(path) >= sizeof(walk->rest) || strlen(base) >= sizeof(walk->done))
		return -ENAMETOOLONG;
	memcpy(walk->done, base, strlen(base) + 1);
	memcpy(walk->rest, path, strlen(path) + 1);
	while (!r && walk_cut(walk, name, sizeof(name)))
		r = walk_step(walk, name);
	return r || walk_is_last(walk) ? r : -ENAMETOOLONG;
}

int walk_path(struct walk *walk, const char *path)
{
	return walk_from(walk, "", path);
}
