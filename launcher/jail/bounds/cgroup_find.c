// SPDX-License-Identifier: Apache-2.0
#include "jail/bounds/cgroup_find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ROOT    "/sys/fs/cgroup"
#define UNIFIED ROOT "/unified" /* where version 1 has the controllers */

static bool list_has(const char *list, size_t n, const char *name)
{
	size_t length = strlen(name);

	if (!length)
		return n == 0;
	for (const char *at = list; at < list + n; at += strcspn(at, ",:") + 1)
		if (strcspn(at, ",:") == length && !strncmp(at, name, length))
			return true;
	return false;
}

/* Each line is ID:CONTROLLERS:PATH; that of version 2 has no controllers. */
int cgroup_path(const char *text, const char *controller, char *ret_list, char *ret_path,
		size_t size)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *list = line + strcspn(line, ":\n"), *path;
		size_t n_list, n_path;

		if (*list != ':')
			continue;
		n_list = strcspn(++list, ":\n");
		path = list + n_list;
		if (*path != ':' || !list_has(list, n_list, controller))
			continue;
		n_path = strcspn(++path, "\n");
		if (n_list >= size || n_path >= size)
			return -ENAMETOOLONG;
		memcpy(ret_list, list, n_list);
		ret_list[n_list] = '\0';
		memcpy(ret_path, path, n_path);
		ret_path[n_path] = '\0';
		return 0;
	}
	return -ENOENT;
}

bool cgroup_lists(int dirfd, long pid)
{
	int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	bool is_there = false;
	long each;

	if (!file) {
		fd_close(&fd);
		return false;
	}
	while (!is_there && fscanf(file, "%ld", &each) == 1)
		is_there = each == pid;
	fclose(file);
	return is_there;
}

static const char *mount_of_v2(void)
{
	static const char *const places[] = {ROOT, UNIFIED};
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!statfs(places[i], &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

static int open_if_own(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0)
		return -errno;
	return cgroup_lists(fd, getpid()) ? fd_take(&fd) : -ENOENT;
}

static int read_own(char *ret, size_t size)
{
	autoclose int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/*
 * In a container the path may be the machine's, while the mount shows its own part alone: the
 * caller's group is then the mount itself.
 */
int cgroup_open_own(const char *controller)
{
	char text[CGROUP_TEXT_MAX], list[PATH_MAX], path[PATH_MAX];
	autofree char *mount = NULL, *own = NULL;
	int r = read_own(text, sizeof(text));

	if (!r)
		r = cgroup_path(text, controller, list, path, sizeof(list));
	if (r)
		return r;
	if (*controller && asprintf(&mount, ROOT "/%s", list) < 0)
		return -ENOMEM;
	if (!*controller)
		mount = mount_of_v2() ? strdup(mount_of_v2()) : NULL;
	if (!mount)
		return -ENOENT;
	if (asprintf(&own, "%s%s", mount, path) < 0)
		return -ENOMEM;
	r = open_if_own(own);
	return r == -ENOENT ? open_if_own(mount) : r;
}
