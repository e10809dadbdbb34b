// SPDX-License-Identifier: Apache-2.0
/*
 * One byte of the file of locks stands for one directory: its inode's number, mixed with the
 * device's. Two that fall together only keep each other's placeholders longer.
 *
 * At the end each run first gives up its own read lock and then tries for the write lock: the
 * last one to try succeeds, however close they are.
 */
#include "jail/placeholders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/mount_ops.h"

#define PLACEHOLDERS_DIR_MODE    (S_ISVTX | 0755)
#define PLACEHOLDERS_PARENT_MODE 0755
#define PLACEHOLDERS_DOT_MODE    (S_ISVTX | 0444)
#define PLACEHOLDERS_DOT_TEXT    "."
#define PLACEHOLDERS_STEP        32 /* items that room is made for at once */

/* --- locks ------------------------------------------------------------------------ */

static int lock(const struct placeholders *held, int command, short type, off_t at)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
	int r;

	do
		r = fcntl(held->lock_fd, command, &lock);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int placeholders_open(const char *state_dir, struct placeholders *ret)
{
	char path[PATH_MAX];

	*ret = PLACEHOLDERS_NONE;
	if ((size_t)snprintf(path, sizeof(path), "%s/" PLACEHOLDERS_LOCKS, state_dir) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	ret->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return ret->lock_fd < 0 ? -errno : 0;
}

/* The index of that base; -ENOMEM */
static ssize_t find_base(struct placeholders *held, off_t at)
{
	struct placeholder_base *bases;

	for (size_t i = 0; i < held->n_bases; i++)
		if (held->bases[i].lock == at)
			return (ssize_t)i;
	bases = reallocarray(held->bases, held->n_bases + 1, sizeof(*bases));
	if (!bases)
		return -ENOMEM;
	held->bases = bases;
	bases[held->n_bases] = (struct placeholder_base){.lock = at};
	return (ssize_t)held->n_bases++;
}

int placeholders_share(struct placeholders *held, const char *dir)
{
	autofree char *path = strdup(dir);
	struct stat st;
	ssize_t base;
	off_t at;

	fd_close(&held->current_fd);
	held->current_fd = mount_open(dir);
	if (held->current_fd < 0 || !path)
		return path ? held->current_fd : -ENOMEM;
	if (fstat(held->current_fd, &st) < 0)
		return -errno;
	at = (off_t)(((uint64_t)st.st_ino ^ ((uint64_t)st.st_dev << 40)) & INT64_MAX);
	base = find_base(held, at);
	if (base < 0)
		return (int)base;
	held->current = (size_t)base;
	free(held->current_path);
	held->current_path = ptr_take(&path);
	return lock(held, F_OFD_SETLKW, F_RDLCK, at);
}

/* --- making ----------------------------------------------------------------------- */

static int make_dot(int dir, const char *name)
{
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (write(fd, PLACEHOLDERS_DOT_TEXT, 1) != 1 || fchmod(fd, PLACEHOLDERS_DOT_MODE) < 0)
		return -errno;
	return 0;
}

static int make(int dir, const char *name, enum placeholder_form form)
{
	int r = 0;

	if (form == PLACEHOLDER_DOT)
		return make_dot(dir, name);
	if (form == PLACEHOLDER_LINK)
		r = symlinkat(PLACEHOLDERS_TARGET, dir, name) < 0 ? -errno : 0;
	if (form == PLACEHOLDER_PARENT)
		r = mkdirat(dir, name, PLACEHOLDERS_PARENT_MODE) < 0 ? -errno : 0;
	/* A file system without links says that they are not permitted. */
	if (form == PLACEHOLDER_DIR || r == -EPERM || r == -EOPNOTSUPP)
		r = mkdirat(dir, name, PLACEHOLDERS_DIR_MODE) < 0 ? -errno : 0;
	return r;
}

/* Mostly it is the base itself. */
static int open_parent(const struct placeholders *held, const char *path, size_t n)
{
	char parent[PATH_MAX];

	if (strlen(held->current_path) == n && !strncmp(held->current_path, path, n))
		return fcntl(held->current_fd, F_DUPFD_CLOEXEC, 0);
	snprintf(parent, sizeof(parent), "%.*s", (int)(n ? n : 1), path);
	return mount_open(parent);
}

int placeholders_make(struct placeholders *held, const char *path, enum placeholder_form form)
{
	const char *slash = strrchr(path, '/');
	autoclose int dir = open_parent(held, path, (size_t)(slash - path));

	return dir < 0 ? dir : make(dir, slash + 1, form);
}

int placeholders_hold(struct placeholders *held, const char *path, const struct stat *st)
{
	struct placeholder *items = held->items;

	if (held->n % PLACEHOLDERS_STEP == 0) {
		items = reallocarray(items, held->n + PLACEHOLDERS_STEP, sizeof(*items));
		if (!items)
			return -ENOMEM;
		held->items = items;
	}
	items[held->n] = (struct placeholder){strdup(path), st->st_dev, st->st_ino, held->current};
	if (!items[held->n].path)
		return -ENOMEM;
	held->n++;
	return 0;
}

/* --- knowing and removing ------------------------------------------------------------ */

static bool is_our_link(const char *path)
{
	char target[sizeof(PLACEHOLDERS_TARGET)];
	ssize_t n = readlink(path, target, sizeof(target));

	return n == (ssize_t)sizeof(target) - 1 &&
	       !memcmp(target, PLACEHOLDERS_TARGET, sizeof(target) - 1);
}

static bool is_placeholder(const char *path, const struct stat *st)
{
	bool is_marked = (st->st_mode & S_ISVTX) && !(st->st_mode & (S_IWGRP | S_IWOTH));

	if (S_ISLNK(st->st_mode))
		return is_our_link(path);
	if (S_ISREG(st->st_mode))
		return is_marked && st->st_size == sizeof(PLACEHOLDERS_DOT_TEXT) - 1;
	return S_ISDIR(st->st_mode) && is_marked;
}

int placeholders_adopt(struct placeholders *held, const char *path, const struct stat *st)
{
	int r;

	if (!is_placeholder(path, st))
		return 0;
	r = placeholders_hold(held, path, st);
	return r < 0 ? r : 1;
}

/* The inode is what was made, or known by its marks. What somebody has filled is theirs. */
/* Of one that somebody has put something into, only the mark is taken. */
static void unmark_dir(int parent, const char *name, const struct placeholder *item)
{
	autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_dev == item->dev && st.st_ino == item->ino &&
	    (st.st_mode & S_ISVTX))
		fchmod(fd, st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO));
}

/*
 * An agent of another run, in a tree around this one, may put a link in the place of any
 * directory above: what is looked at and what is removed go by one and the same parent.
 */
static void remove_one(const struct placeholder *item)
{
	const char *slash = strrchr(item->path, '/');
	autofree char *above = slash ? strndup(item->path, (size_t)(slash - item->path) + 1) : NULL;
	autoclose int parent = above ? open(above, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	const char *name = slash ? slash + 1 : item->path;
	struct stat st;

	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_dev != item->dev || st.st_ino != item->ino)
		return;
	if (S_ISDIR(st.st_mode) && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		unmark_dir(parent, name, item);
	if (S_ISLNK(st.st_mode) ||
	    (S_ISREG(st.st_mode) && st.st_size == sizeof(PLACEHOLDERS_DOT_TEXT) - 1))
		unlinkat(parent, name, 0);
}

static void free_all(struct placeholders *held)
{
	for (size_t i = 0; i < held->n; i++)
		free(held->items[i].path);
	free(held->items);
	free(held->bases);
	free(held->current_path);
	fd_close(&held->current_fd);
	fd_close(&held->lock_fd);
	*held = PLACEHOLDERS_NONE;
}

static void remove_all(struct placeholders *held)
{
	for (size_t i = 0; i < held->n_bases; i++) {
		struct placeholder_base *base = &held->bases[i];

		lock(held, F_OFD_SETLK, F_UNLCK, base->lock);
		base->is_alone = lock(held, F_OFD_SETLK, F_WRLCK, base->lock) == 0;
	}
	/* What was made last lies deepest. */
	for (size_t i = held->n; i-- > 0;)
		if (held->bases[held->items[i].base].is_alone)
			remove_one(&held->items[i]);
}

static void *run_remover(void *context)
{
	remove_all(context);
	return NULL;
}

/* Removing a directory takes file systems a good part of a millisecond. */
void placeholders_begin_removal(struct placeholders *held)
{
	if (held->n && !held->is_removing)
		held->is_removing = pthread_create(&held->remover, NULL, run_remover, held) == 0;
}

void placeholders_remove(struct placeholders *held)
{
	if (held->is_removing)
		pthread_join(held->remover, NULL);
	else
		remove_all(held);
	free_all(held);
}
