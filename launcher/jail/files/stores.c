// SPDX-License-Identifier: Apache-2.0
#include "jail/files/stores.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/keeps/guards.h"
#include "jail/files/mount_ops.h"

/* --- covering a store ------------------------------------------------------------- */

/* A store at its canonical place. */
struct store {
	const struct layout *layout;
	char path[PATH_MAX];
	int scratch_fd;
	char cover[32]; /* name in the scratch of what lies over it, if something of it is shown */
};

static bool is_shown(const struct store *store, const char *path)
{
	return path_is_within(path, store->path) && strcmp(path, store->path);
}

static bool has_shown(const struct store *store)
{
	for (size_t i = 0; i < store->layout->reads.n; i++)
		if (is_shown(store, store->layout->reads.items[i]))
			return true;
	return false;
}

/* What is only to be read stays so though it lies in a writable tree. */
static uint64_t attributes_of(const struct layout *layout, const char *path)
{
	return layout_is_writable(layout, path) && !layout_is_written(layout, path) ? MOUNT_SEALED
										    : MOUNT_SAFE;
}

static int show_whole(const struct store *store)
{
	if (attributes_of(store->layout, store->path) != MOUNT_SEALED)
		return 0;
	return mount_onto_itself(store->path, MOUNT_SEALED);
}

/* The directories on the way to @name, below @cover. */
static int make_way(int cover, const char *name)
{
	char way[PATH_MAX];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(way, sizeof(way), "%.*s", (int)(slash - name), name);
		if (mkdirat(cover, way, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Something of @at's kind to mount it on; a link becomes that link. */
static int make_node(int cover, const char *name, int at)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;
	int r = fstat(at, &st) < 0 ? -errno : make_way(cover, name);

	if (r < 0)
		return r;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(at, "", target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		r = symlinkat(target, cover, name);
	} else if (S_ISDIR(st.st_mode)) {
		r = mkdirat(cover, name, 0755);
	} else {
		r = mknodat(cover, name, S_IFREG | 0444, 0);
	}
	return r < 0 && errno != EEXIST ? -errno : S_ISLNK(st.st_mode);
}

/*
 * Prepare to show @path: its node in the cover, and in @ret_mount what comes over that; -1
 * where that is nothing, because it is a link, or gone meanwhile.
 */
static int prepare_shown(const struct store *store, int cover, const char *path, int *ret_mount)
{
	autoclose int at = mount_open(path);
	int r;

	*ret_mount = -1;
	if (at < 0)
		return guards_is_out_of_reach(at) || at == -ELOOP ? 0 : at;
	r = make_node(cover, path + strlen(store->path) + 1, at);
	if (r)
		return r < 0 ? r : 0;
	r = mount_clone(at, "", true, attributes_of(store->layout, path));
	if (r < 0)
		return r;
	*ret_mount = r;
	return 0;
}

/* Over the store comes a directory with nothing but the way to what is shown, and that on it. */
static int show_some(const struct store *store, int at_fd)
{
	const struct path_list *reads = &store->layout->reads;
	int mounts[PATTERNS_PATHS_MAX], r;
	autoclose int cover = -1, mount_fd = -1;

	if (mkdirat(store->scratch_fd, store->cover, 0755) < 0)
		return -errno;
	cover = openat(store->scratch_fd, store->cover, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = cover < 0 ? -errno : 0;
	for (size_t i = 0; i < reads->n; i++) {
		mounts[i] = -1;
		if (!r && is_shown(store, reads->items[i]))
			r = prepare_shown(store, cover, reads->items[i], &mounts[i]);
	}
	if (!r) {
		mount_fd = mount_clone(store->scratch_fd, store->cover, false,
				       MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
		r = mount_fd < 0 ? mount_fd : mount_attach(mount_fd, at_fd);
	}
	for (size_t i = 0; i < reads->n; i++) {
		if (!r && mounts[i] >= 0)
			r = mount_attach_at(mounts[i], reads->items[i]);
		fd_close(&mounts[i]);
	}
	return r;
}

static int cover_store(const struct store *store, int at_fd)
{
	if (layout_is_read(store->layout, store->path))
		return show_whole(store);
	return has_shown(store) ? show_some(store, at_fd) : guards_blank(store->scratch_fd, at_fd);
}

/* --- finding the stores ----------------------------------------------------------- */

/* Whether covering @path would cover what the run needs, too. */
static bool is_needed(const struct layout *layout, const char *path)
{
	if (path_is_within(layout->cwd, path))
		return true;
	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && path_is_within(layout->homes[i], path))
			return true;
	for (size_t i = 0; i < layout->n_trees; i++)
		if (path_is_within(layout->trees[i].path, path) &&
		    !layout_is_read(layout, layout->trees[i].path))
			return true;
	return false;
}

/*
 * A store that is reached by a link lies elsewhere, and is hidden there if that is the
 * user's own. An agent that could write the home may have left the link: so it can make
 * us hide no directory of the system, nor one that the run needs.
 */
static bool may_hide_target(const struct layout *layout, const char *target, const struct stat *st)
{
	if (is_needed(layout, target))
		return false;
	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && path_is_within(target, layout->homes[i]))
			return true;
	return geteuid() && st->st_uid == geteuid();
}

/* The store if it is reached without any link; -ELOOP else. */
static int open_store(int home_fd, const char *name)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				     .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
	long fd = syscall(SYS_openat2, home_fd, name, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat((int)fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return (int)fd;
	close((int)fd);
	return -ELOOP;
}

static int hide_linked_store(struct store *store)
{
	char target[PATH_MAX];
	autoclose int at = -1;
	struct stat st;

	if (!realpath(store->path, target))
		return 0;
	at = mount_open(target);
	if (at < 0 || fstat(at, &st) < 0)
		return at < 0 ? at : -errno;
	memcpy(store->path, target, sizeof(target));
	return may_hide_target(store->layout, target, &st) ? cover_store(store, at) : 0;
}

/*
 * In a writable tree the way to a store is pinned: moved away with a directory above it, it
 * would have another name in the next run, under which nothing hides it.
 */
static int hide_store(struct store *store, const char *home, const char *name)
{
	autoclose int home_fd = mount_open(home);
	autoclose int at = home_fd < 0 ? -ENOENT : open_store(home_fd, name);
	int r = 0;

	if (at < 0 && at != -ELOOP)
		return guards_is_out_of_reach(at) ? 0 : at;
	if ((size_t)snprintf(store->path, PATH_MAX, "%s/%s", home, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (layout_is_writable(store->layout, store->path)) {
		r = guards_pin(store->layout, store->path);
		/* What was opened before lies beneath the pins now. */
		fd_close(&at);
		at = r ? r : open_store(home_fd, name);
	}
	if (at == -ELOOP)
		return hide_linked_store(store);
	return at < 0 ? at : cover_store(store, at);
}

void stores_find(const char *home, struct stores *ret)
{
	const char *const *names = layout_credentials();
	autoclose int fd = home ? open(home, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st;

	ret->n = 0;
	for (size_t i = 0; fd >= 0 && names[i] && ret->n < STORES_MAX; i++)
		if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			ret->items[ret->n++] = i;
}

int stores_hide(const struct layout *layout, size_t home, const struct stores *found,
		int scratch_fd, struct error *err)
{
	const char *const *names = layout_credentials();

	for (size_t i = 0; i < found->n; i++) {
		struct store store = {.layout = layout, .path = "", .scratch_fd = scratch_fd};
		size_t index = found->items[i];
		int r;

		snprintf(store.cover, sizeof(store.cover), "store-%zu-%zu", home, index);
		r = hide_store(&store, layout->homes[home], names[index]);
		if (r < 0)
			return mount_failed(err, names[index], "hiding it from the agent", r);
	}
	return 0;
}
