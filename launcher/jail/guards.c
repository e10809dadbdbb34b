// SPDX-License-Identifier: Apache-2.0
#include "jail/guards.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/mount_ops.h"
#include "jail/mountinfo.h"

#define GUARDS_LINKS_MAX 40 /* symbolic links followed in one path, as in the kernel */

int guards_blank(int scratch_fd, int at_fd)
{
	autoclose int fd = -1;
	struct stat st;

	if (fstat(at_fd, &st) < 0)
		return -errno;
	fd = mount_clone(scratch_fd, S_ISDIR(st.st_mode) ? "empty" : "blank", false,
			 MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? fd : mount_attach(fd, at_fd);
}

/* Mount @path, canonical up to its last component, onto itself. */
static int mount_onto_itself(const char *path, uint64_t attributes)
{
	autoclose int at = mount_open(path);
	autoclose int fd = at < 0 ? at : mount_clone(at, "", true, attributes);

	return fd < 0 ? fd : mount_attach(fd, at);
}

/* --- walking a path that somebody may want to move away ---------------------- */

struct walk {
	const struct layout *layout;
	char done[PATH_MAX]; /* canonical part, "" for the root */
	char rest[PATH_MAX]; /* not yet walked, without leading slash */
	unsigned links;
};

/* Pin what the agent could rename: names below, not at, the root of a writable tree. */
static int pin(const struct walk *walk)
{
	if (!layout_is_writable(walk->layout, walk->done) || mount_is_root(walk->done))
		return 0;
	return mount_onto_itself(walk->done, MOUNT_SAFE);
}

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

	if (n < 0 || ++walk->links > GUARDS_LINKS_MAX)
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
	if (lstat(walk->done, &st) < 0)
		return -errno;
	r = pin(walk);
	if (!r && S_ISLNK(st.st_mode))
		r = walk_link(walk);
	return r;
}

/*
 * Walk to @path, pinning on the way. Yields its canonical name in the walk's @done;
 * -ENOENT where it cannot be seen in the jail at all, so that nothing is to be guarded.
 */
static int walk_path(struct walk *walk, const struct layout *layout, const char *path)
{
	char name[NAME_MAX + 1];
	int r = 0;

	*walk = (struct walk){.layout = layout};
	if (strlen(path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, path, strlen(path) + 1);
	while (!r && walk_cut(walk, name, sizeof(name)))
		r = walk_step(walk, name);
	return r;
}

static int hide(const struct layout *layout, int scratch_fd, const char *path)
{
	struct walk walk;
	int r = walk_path(&walk, layout, path);
	autoclose int at = r ? -1 : mount_open(walk.done);

	if (r)
		return r == -ENOENT ? 0 : r;
	return at < 0 ? at : guards_blank(scratch_fd, at);
}

static int keep_read_only(const struct layout *layout, const char *path)
{
	struct walk walk;
	int r = path ? walk_path(&walk, layout, path) : -ENOENT;

	if (r)
		return r == -ENOENT ? 0 : r;
	return layout_is_writable(layout, walk.done) ? mount_onto_itself(walk.done, MOUNT_SEALED)
						     : 0;
}

/* --- credential stores -------------------------------------------------------- */

/* Whether covering @path would cover what the run needs, too. */
static bool is_needed(const struct layout *layout, const char *path)
{
	if (path_is_within(layout->cwd, path) || path_is_within(layout->home, path))
		return true;
	for (size_t i = 0; i < layout->n_trees; i++)
		if (path_is_within(layout->trees[i].path, path))
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
	return path_is_within(target, layout->home) || (geteuid() && st->st_uid == geteuid());
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

static int hide_linked_store(const struct layout *layout, int scratch_fd, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	autoclose int at = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", layout->home, name);
	if (!realpath(path, target))
		return 0;
	at = mount_open(target);
	if (at < 0 || fstat(at, &st) < 0)
		return at < 0 ? at : -errno;
	return may_hide_target(layout, target, &st) ? guards_blank(scratch_fd, at) : 0;
}

static int hide_store(const struct layout *layout, int scratch_fd, int home_fd, const char *name)
{
	autoclose int at = open_store(home_fd, name);

	if (at == -ELOOP)
		return hide_linked_store(layout, scratch_fd, name);
	if (at < 0)
		return at == -ENOENT || at == -ENOTDIR || at == -EACCES ? 0 : at;
	return guards_blank(scratch_fd, at);
}

static int hide_stores(const struct layout *layout, int scratch_fd, struct error *err)
{
	const char *const *names = layout_credentials();
	autoclose int home = layout->home ? mount_open(layout->home) : -1;

	/* A home that cannot be seen in the jail, as one below /tmp, needs no hiding. */
	for (size_t i = 0; home >= 0 && names[i]; i++) {
		int r = hide_store(layout, scratch_fd, home, names[i]);

		if (r < 0)
			return mount_failed(err, names[i], "hiding it from the agent", r);
	}
	return 0;
}

/* --- windows to the host's kernel ---------------------------------------------- */

/*
 * A second /proc, as chroots and containers have one, would show the host's processes, and
 * through /proc/PID/root its files; a second /sys its devices and control groups.
 */
static bool is_window(const struct mountinfo_entry *entry)
{
	static const char *const types[] = {
		"proc",       "sysfs",   "cgroup",    "cgroup2",     "debugfs", "tracefs",
		"securityfs", "bpf",     "configfs",  "binfmt_misc", "devpts",  "devtmpfs",
		"efivarfs",   "fusectl", "selinuxfs", "nsfs",        "pstore",  "mqueue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(entry->type, types[i]))
			return !layout_is_replaced(entry->path);
	return false;
}

static int close_window(int scratch_fd, const char *path)
{
	autoclose int at = mount_open(path);

	/* What cannot be reached by its name lies beneath something else. */
	return at < 0 ? 0 : guards_blank(scratch_fd, at);
}

static int close_windows(int scratch_fd, struct error *err)
{
	__attribute__((cleanup(mountinfo_close))) struct mountinfo info = {.file = NULL};
	struct mountinfo_entry entry;
	int r = mountinfo_open(&info);

	while (!r && (r = mountinfo_next(&info, &entry)) > 0)
		r = is_window(&entry) ? close_window(scratch_fd, entry.path) : 0;
	return r < 0 ? mount_failed(err, "/proc/self/mountinfo", "closing what shows the host", r)
		     : 0;
}

int guards_mount(const struct layout *layout, int scratch_fd, struct error *err)
{
	const char *const kept[] = {layout->policy_path, layout->program_path};
	const char *const hidden[] = {layout->run_dir, layout->state_dir, "/var/run"};
	int r = close_windows(scratch_fd, err);

	if (!r)
		r = hide_stores(layout, scratch_fd, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		r = keep_read_only(layout, kept[i]);
		if (r < 0)
			return mount_failed(err, kept[i], "keeping it read-only", r);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		struct stat st;

		/* /var/run, where it is a link to /run, is covered with that. */
		if (i == 2 && (lstat(hidden[i], &st) < 0 || !S_ISDIR(st.st_mode)))
			continue;
		r = hide(layout, scratch_fd, hidden[i]);
		if (r < 0)
			return mount_failed(err, hidden[i], "hiding it from the agent", r);
	}
	return 0;
}
