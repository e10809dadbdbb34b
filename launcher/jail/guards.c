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

#define GUARDS_DIR_MODE  0700
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
	bool makes_dirs;     /* that are missing, where the agent could make them */
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

/* @done is missing. What we cannot make the agent cannot either, having less rights. */
static int walk_make(const struct walk *walk)
{
	if (!walk->makes_dirs || !layout_is_writable(walk->layout, walk->done))
		return -ENOENT;
	if (mkdir(walk->done, GUARDS_DIR_MODE) == 0 || errno == EEXIST)
		return 0;
	return errno == EROFS || errno == EACCES || errno == EPERM ? -ENOENT : -errno;
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
	if (r == -ENOENT)
		r = walk_make(walk);
	if (r < 0)
		return r;
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

	walk->layout = layout;
	walk->done[0] = '\0';
	walk->links = 0;
	if (strlen(path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, path, strlen(path) + 1);
	while (!r && walk_cut(walk, name, sizeof(name)))
		r = walk_step(walk, name);
	return r;
}

/* Whether @at is the run directory that the supervisor made, as far as that is known. */
static bool is_run_dir(const struct layout *layout, int at)
{
	struct stat st;

	return !layout->run_ino || (fstat(at, &st) == 0 && st.st_dev == layout->run_dev &&
				    st.st_ino == layout->run_ino);
}

/*
 * The run directory may lie in a tree that another jail writes, too: its agent could have
 * moved it away while this jail starts, so that something else were covered.
 */
static int hide_run_dir(const struct layout *layout, int scratch_fd)
{
	struct walk walk = {.makes_dirs = false};
	int r = walk_path(&walk, layout, layout->run_dir);
	autoclose int at = r ? -1 : mount_open(walk.done);

	if (r == -ENOENT)
		return layout->run_ino && layout_is_writable(layout, layout->run_dir) ? -ESTALE : 0;
	if (r || at < 0)
		return r ? r : at;
	return is_run_dir(layout, at) ? guards_blank(scratch_fd, at) : -ESTALE;
}

static int hide(const struct layout *layout, int scratch_fd, const char *path)
{
	struct walk walk = {.makes_dirs = false};
	int r = walk_path(&walk, layout, path);
	autoclose int at = r ? -1 : mount_open(walk.done);

	if (r)
		return r == -ENOENT ? 0 : r;
	return at < 0 ? at : guards_blank(scratch_fd, at);
}

/* What cannot be reached, by us who have more rights, the agent cannot reach either. */
static bool is_out_of_reach(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES;
}

static int pin_name(const struct layout *layout, const char *name)
{
	struct walk walk = {.makes_dirs = false};
	int r = name ? walk_path(&walk, layout, name) : 0;

	return is_out_of_reach(r) ? 0 : r;
}

static int keep_read_only(const struct layout *layout, const char *path, bool makes_dirs)
{
	struct walk walk = {.makes_dirs = makes_dirs};
	int r = path ? walk_path(&walk, layout, path) : -ENOENT;

	if (r)
		return is_out_of_reach(r) ? 0 : r;
	return layout_is_writable(layout, walk.done) ? mount_onto_itself(walk.done, MOUNT_SEALED)
						     : 0;
}

/* --- credential stores -------------------------------------------------------- */

/* Whether covering @path would cover what the run needs, too. */
static bool is_needed(const struct layout *layout, const char *path)
{
	if (path_is_within(layout->cwd, path))
		return true;
	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && path_is_within(layout->homes[i], path))
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

static int hide_linked_store(const struct layout *layout, int scratch_fd, const char *path)
{
	char target[PATH_MAX];
	autoclose int at = -1;
	struct stat st;

	if (!realpath(path, target))
		return 0;
	at = mount_open(target);
	if (at < 0 || fstat(at, &st) < 0)
		return at < 0 ? at : -errno;
	return may_hide_target(layout, target, &st) ? guards_blank(scratch_fd, at) : 0;
}

/*
 * In a writable tree the way to a store is pinned: moved away with a directory above it, it
 * would have another name in the next run, under which nothing hides it.
 */
static int hide_store(const struct layout *layout, int scratch_fd, const char *home,
		      const char *name)
{
	autoclose int home_fd = mount_open(home);
	autoclose int at = home_fd < 0 ? -ENOENT : open_store(home_fd, name);
	char path[PATH_MAX];
	int r = 0;

	if (at < 0 && at != -ELOOP)
		return is_out_of_reach(at) ? 0 : at;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", home, name) >= sizeof(path))
		return -ENAMETOOLONG;
	if (layout_is_writable(layout, path)) {
		r = pin_name(layout, path);
		/* What was opened before lies beneath the pins now. */
		fd_close(&at);
		at = r ? r : open_store(home_fd, name);
	}
	if (at == -ELOOP)
		return hide_linked_store(layout, scratch_fd, path);
	return at < 0 ? at : guards_blank(scratch_fd, at);
}

static int hide_stores(const struct layout *layout, int scratch_fd, const char *home,
		       struct error *err)
{
	const char *const *names = layout_credentials();

	for (size_t i = 0; home && names[i]; i++) {
		int r = hide_store(layout, scratch_fd, home, names[i]);

		if (r < 0)
			return mount_failed(err, names[i], "hiding it from the agent", r);
	}
	return 0;
}

/* --- windows to the host's kernel ---------------------------------------------- */

/*
 * A second /proc, as chroots and containers have one, would show the host's processes, and
 * through /proc/PID/root its files; a second /sys its devices and control groups. The jail's
 * own lie in what it replaces; but /tmp and the like may hold a tree of the host's as well.
 */
bool guards_is_window(const struct mountinfo_entry *entry)
{
	static const char *const types[] = {
		"proc",       "sysfs",   "cgroup",    "cgroup2",     "debugfs", "tracefs",
		"securityfs", "bpf",     "configfs",  "binfmt_misc", "devpts",  "devtmpfs",
		"efivarfs",   "fusectl", "selinuxfs", "nsfs",        "pstore",  "mqueue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(entry->type, types[i]))
			return layout_is_in_scratch(entry->path) ||
			       !layout_is_replaced(entry->path);
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
		r = guards_is_window(&entry) ? close_window(scratch_fd, entry.path) : 0;
	return r < 0 ? mount_failed(err, "/proc/self/mountinfo", "closing what shows the host", r)
		     : 0;
}

static int keep_files(const struct layout *layout, struct error *err)
{
	const struct {
		const char *path;
		bool is_made; /* the directory, if it is missing */
	} kept[] = {
		{layout->policy_path, false},
		{layout->policy_name, false},
		{layout->program_path, false},
		{layout->default_policy_dir, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		int r = keep_read_only(layout, kept[i].path, kept[i].is_made);

		if (r < 0)
			return mount_failed(err, kept[i].path, "keeping it read-only", r);
	}
	return 0;
}

static int hide_own(const struct layout *layout, int scratch_fd, struct error *err)
{
	struct stat st;
	int r = hide_run_dir(layout, scratch_fd);

	if (r == -ESTALE)
		error_set(err, layout->run_dir, "start again",
			  "the run directory was moved away: another jail writes here, too");
	else if (r < 0)
		mount_failed(err, layout->run_dir, "hiding it from the agent", r);
	if (r < 0)
		return r;
	r = hide(layout, scratch_fd, layout->state_dir);
	if (!r)
		r = pin_name(layout, layout->state_name);
	if (r < 0)
		return mount_failed(err, layout->state_dir, "hiding it from the agent", r);
	/* Where it is a link to /run, it is covered with that. */
	if (lstat("/var/run", &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	r = hide(layout, scratch_fd, "/var/run");
	return r < 0 ? mount_failed(err, "/var/run", "hiding it from the agent", r) : 0;
}

int guards_mount(const struct layout *layout, int scratch_fd, struct error *err)
{
	int r = close_windows(scratch_fd, err);

	for (size_t i = 0; !r && i < LAYOUT_HOMES_MAX; i++)
		r = hide_stores(layout, scratch_fd, layout->homes[i], err);
	if (!r)
		r = keep_files(layout, err);
	return r ? r : hide_own(layout, scratch_fd, err);
}
