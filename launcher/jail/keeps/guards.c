// SPDX-License-Identifier: Apache-2.0
#include "jail/keeps/guards.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/aliases.h"
#include "jail/keeps/keeps.h"
#include "jail/files/mount_ops.h"
#include "jail/files/mountinfo.h"
#include "jail/files/stores.h"
#include "jail/files/walk.h"

#define GUARDS_DIR_MODE 0700

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

struct guarding {
	const struct layout *layout;
	int scratch_fd;
	struct aliases aliases; /* as the mounts were before any guard */
};

/* --- on the way to a path that somebody may want to move away ------------------ */

/* Pin what the agent could rename: names below, not at, the root of a writable tree. */
static int pin(struct walk *walk, const struct stat *st)
{
	(void)st;
	if (!layout_is_writable(walk->layout, walk->done) || mount_is_root(walk->done))
		return 0;
	return mount_onto_itself(walk->done, MOUNT_SAFE);
}

/* What we cannot make the agent cannot either, having less rights. */
static int make_dir(struct walk *walk)
{
	if (!layout_is_writable(walk->layout, walk->done))
		return -ENOENT;
	if (mkdir(walk->done, GUARDS_DIR_MODE) == 0 || errno == EEXIST)
		return 0;
	return errno == EROFS || errno == EACCES || errno == EPERM ? -ENOENT : -errno;
}

/* -ENOENT where it cannot be seen in the jail at all, so that nothing is to be guarded. */
static int walk_and_pin(struct walk *walk, const struct layout *layout, const char *path)
{
	walk->layout = layout;
	walk->on_name = pin;
	return walk_path(walk, path);
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
	struct walk walk = {.on_missing = NULL};
	int r = walk_and_pin(&walk, layout, layout->run_dir);
	autoclose int at = r ? -1 : mount_open(walk.done);

	if (r == -ENOENT)
		return layout->run_ino && layout_is_writable(layout, layout->run_dir) ? -ESTALE : 0;
	if (r || at < 0)
		return r ? r : at;
	return is_run_dir(layout, at) ? guards_blank(scratch_fd, at) : -ESTALE;
}

static int hide(const struct layout *layout, int scratch_fd, const char *path)
{
	struct walk walk = {.on_missing = NULL};
	int r = walk_and_pin(&walk, layout, path);
	autoclose int at = r ? -1 : mount_open(walk.done);

	if (r)
		return r == -ENOENT ? 0 : r;
	return at < 0 ? at : guards_blank(scratch_fd, at);
}

bool guards_is_out_of_reach(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES;
}

int guards_pin(const struct layout *layout, const char *name)
{
	struct walk walk = {.on_missing = NULL};
	int r = name ? walk_and_pin(&walk, layout, name) : 0;

	return guards_is_out_of_reach(r) ? 0 : r;
}

static int keep_read_only(const struct layout *layout, const char *path, bool makes_dirs)
{
	struct walk walk = {.on_missing = makes_dirs ? make_dir : NULL};
	int r = path ? walk_and_pin(&walk, layout, path) : -ENOENT;

	if (r)
		return guards_is_out_of_reach(r) ? 0 : r;
	return layout_is_writable(layout, walk.done) ? mount_onto_itself(walk.done, MOUNT_SEALED)
						     : 0;
}

/* --- the same by other names ------------------------------------------------------ */

/* What is done to a file, and to the same one under another name. */
typedef int guard_fn(const struct layout *layout, int scratch_fd, const char *path);

static int seal(const struct layout *layout, int scratch_fd, const char *path)
{
	(void)scratch_fd;
	return keep_read_only(layout, path, false);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat at_a, at_b;

	return lstat(a, &at_a) == 0 && lstat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
	       at_a.st_ino == at_b.st_ino;
}

/* To be called before @path itself is hidden: both are compared. */
static int guard_aliases(const struct guarding *g, const char *path, guard_fn *guard)
{
	__attribute__((cleanup(path_list_free))) struct path_list names = {.n = 0};
	autofree char *real = path ? realpath(path, NULL) : NULL;
	int r = real ? aliases_find(&g->aliases, real, &names) : 0;

	for (size_t i = 0; !r && i < names.n; i++) {
		if (is_same_file(real, names.items[i]))
			r = guard(g->layout, g->scratch_fd, names.items[i]);
		if (guards_is_out_of_reach(r))
			r = 0;
	}
	return r;
}

/* One that is reached by a link may be anything: where it leads is jail/files/stores.c's to judge.
 */
static int guard_aliases_of_stores(const struct guarding *g, const char *home,
				   const struct stores *found)
{
	const char *const *names = layout_credentials();
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < found->n; i++) {
		autofree char *real = NULL;

		snprintf(path, sizeof(path), "%s/%s", home, names[found->items[i]]);
		real = realpath(path, NULL);
		if (real && !strcmp(real, path) && !layout_is_read(g->layout, path))
			r = guard_aliases(g, path, hide);
	}
	return r;
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

static int close_windows(const struct guarding *g, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < g->aliases.n; i++)
		if (g->aliases.mounts[i].is_window)
			r = close_window(g->scratch_fd, g->aliases.mounts[i].path);
	return r < 0 ? mount_failed(err, "/proc/self/mountinfo", "closing what shows the host", r)
		     : 0;
}

static int keep_files(const struct guarding *g, struct error *err)
{
	const struct layout *layout = g->layout;
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

		if (!r)
			r = guard_aliases(g, kept[i].path, seal);
		if (r < 0)
			return mount_failed(err, kept[i].path, "keeping it read-only", r);
	}
	return 0;
}

static int hide_with_aliases(const struct guarding *g, const char *path)
{
	int r = guard_aliases(g, path, hide);

	return r ? r : hide(g->layout, g->scratch_fd, path);
}

static int hide_records(const struct guarding *g, struct error *err)
{
	const struct layout *layout = g->layout;
	int r = guard_aliases(g, layout->run_dir, hide);

	if (!r)
		r = hide_run_dir(layout, g->scratch_fd);
	if (r == -ESTALE)
		error_set(err, layout->run_dir, "start again",
			  "the run directory was moved away: another jail writes here, too");
	else if (r < 0)
		mount_failed(err, layout->run_dir, "hiding it from the agent", r);
	return r;
}

static int hide_own(const struct guarding *g, struct error *err)
{
	const struct layout *layout = g->layout;
	struct stat st;
	int r = hide_records(g, err);

	if (r < 0)
		return r;
	r = hide_with_aliases(g, layout->state_dir);
	if (!r)
		r = guards_pin(layout, layout->state_name);
	if (r < 0)
		return mount_failed(err, layout->state_dir, "hiding it from the agent", r);
	/* Where it is a link to /run, it is covered with that. */
	if (lstat("/var/run", &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	r = hide(layout, g->scratch_fd, "/var/run");
	return r < 0 ? mount_failed(err, "/var/run", "hiding it from the agent", r) : 0;
}

/* Last, because it wins over all that was shown. */
static int hide_named(const struct guarding *g, struct error *err)
{
	const struct path_list *hides = &g->layout->hides;

	for (size_t i = 0; i < hides->n; i++) {
		int r = hide_with_aliases(g, hides->items[i]);

		if (r < 0 && !guards_is_out_of_reach(r))
			return mount_failed(err, hides->items[i], "hiding it from the agent", r);
	}
	return 0;
}

static int hide_stores(const struct guarding *g, size_t home, struct error *err)
{
	const char *path = g->layout->homes[home];
	struct stores found;
	int r;

	stores_find(path, &found);
	r = guard_aliases_of_stores(g, path, &found);
	if (r < 0)
		return mount_failed(err, path, "hiding what else shows its credentials", r);
	return stores_hide(g->layout, home, &found, g->scratch_fd, err);
}

static int guard_all(const struct guarding *g, struct error *err)
{
	int r = close_windows(g, err);

	/* Before what is hidden, which may lie in it. */
	if (!r && g->layout->keeps)
		r = keeps_mount(g->layout->keeps, g->scratch_fd, err);
	for (size_t i = 0; !r && i < LAYOUT_HOMES_MAX; i++)
		r = hide_stores(g, i, err);
	if (!r)
		r = keep_files(g, err);
	if (!r)
		r = hide_own(g, err);
	return r ? r : hide_named(g, err);
}

int guards_mount(const struct layout *layout, int scratch_fd, struct error *err)
{
	struct guarding g = {.layout = layout, .scratch_fd = scratch_fd};
	int r = aliases_load(&g.aliases);

	r = r < 0 ? mount_failed(err, "/proc/self/mountinfo", "reading it", r) : guard_all(&g, err);
	aliases_free(&g.aliases);
	return r;
}
