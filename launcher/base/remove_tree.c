// SPDX-License-Identifier: Apache-2.0
#include "base/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int empty(int dir_fd, dev_t dev, unsigned depth);

/* Its owner may have taken even their own right to look into a directory. */
static int open_dir(int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == EACCES && !fchmodat(parent, name, 0700, 0))
		fd = openat(parent, name, flags);
	return fd < 0 ? -errno : fd;
}

static int remove_dir(int parent, const char *name, dev_t dev, unsigned depth)
{
	autoclose int fd = depth ? open_dir(parent, name) : -ELOOP;
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) ? -errno : st.st_dev != dev ? -EXDEV : 0;

	if (!r)
		r = empty(fd, dev, depth - 1);
	return r ? r : unlinkat(parent, name, AT_REMOVEDIR) ? -errno : 0;
}

static int remove_entry(int parent, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return remove_dir(parent, name, dev, depth);
	return unlinkat(parent, name, 0) ? -errno : 0;
}

static int empty(int dir_fd, dev_t dev, unsigned depth)
{
	int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		cleanup_close(&copy);
		return r;
	}
	/* A mode without write would keep what is in it. */
	(void)fchmod(dir_fd, 0700);
	while ((entry = readdir(dir))) {
		int failed;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		failed = remove_entry(dir_fd, entry->d_name, dev, depth);
		if (!r)
			r = failed;
	}
	closedir(dir);
	return r;
}

int remove_tree(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	return remove_dir(AT_FDCWD, path, st.st_dev, REMOVE_TREE_DEPTH);
}
