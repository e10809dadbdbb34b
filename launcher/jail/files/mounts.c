// SPDX-License-Identifier: Apache-2.0
/*
 * The host's whole tree stays where it is and becomes read-only, without devices and
 * set-user-id, recursively. Over it come, in this order:
 *	1. writable trees: clones taken before the sealing
 *	2. private /tmp, /var/tmp, /dev, /proc, /sys: all from one tmpfs, the scratch
 *	3. trees that lie within the private places
 *	4. guards: what is hidden or must not change though it lies in a writable tree
 *	5. /run, last, because the scratch lies there while it is filled
 * The mounts below are locked: they were inherited by a less privileged user namespace,
 * so that not even a process with capabilities in here could uncover one of them.
 */
#include "jail/files/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jail/keeps/guards.h"
#include "jail/files/mount_ops.h"

#define MOUNTS_DIR_MODE 0755

/*
 * Files of the scratch are memory, which nobody's end but the jail's gives back. So they get half
 * of what there is, as a machine's /tmp has it from systemd, or half of what the policy allows:
 * full, they let programs fail for want of room, not be killed for want of memory.
 */
#define SCRATCH_SHARE  2
#define SCRATCH_INODES "1m"

static int clone_trees(const struct layout *layout, struct mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < layout->n_trees; i++) {
		const struct layout_tree *tree = &layout->trees[i];
		autoclose int at = mount_open(tree->path);
		int fd = at < 0 ? at
				: mount_clone(at, "", true,
					      tree->writable ? MOUNT_SAFE : MOUNT_SEALED);

		if (fd < 0)
			return mount_failed(err, tree->path, "cloning it", fd);
		mounts->trees[i] = fd;
	}
	return 0;
}

static int clone_sockets(const struct layout *layout, struct mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < layout->n_sockets; i++) {
		const char *path = layout->sockets[i].real;
		autoclose int at = mount_open(path);
		int fd = at < 0 ? at : mount_clone(at, "", false, MOUNT_SEALED);

		if (fd < 0 && fd != -ENOENT)
			return mount_failed(err, path, "cloning it", fd);
		mounts->sockets[i] = fd < 0 ? -1 : fd;
	}
	return 0;
}

static uint64_t scratch_bytes(const struct layout *layout)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (layout->memory && layout->memory < memory)
		memory = layout->memory;
	return memory / SCRATCH_SHARE;
}

static int make_scratch(const struct layout *layout, struct mounts *mounts)
{
	char size[24];
	const char *const options[] = {"mode",      "0755",         "size", size,
				       "nr_inodes", SCRATCH_INODES, NULL};
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {
		{"run", 0755},     {"run/mcpjail", 0755}, {"tmp", 01777},
		{"vartmp", 01777}, {"empty", 0555},
	};
	autoclose int mount_fd = -1;
	int r;

	snprintf(size, sizeof(size), "%" PRIu64, scratch_bytes(layout));
	mount_fd = mount_new("tmpfs", options, MOUNT_SAFE);
	r = mount_fd < 0 ? mount_fd : mount_attach_at(mount_fd, "/run");
	if (r < 0)
		return r;
	/* The mount's own descriptor is O_PATH, which serves to name what is in it. */
	mounts->scratch = fd_take(&mount_fd);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(mounts->scratch, dirs[i].name, dirs[i].mode) < 0 ||
		    ((dirs[i].mode & S_ISVTX) &&
		     fchmodat(mounts->scratch, dirs[i].name, dirs[i].mode, 0) < 0))
			return -errno;
	return mknodat(mounts->scratch, "blank", S_IFREG | 0444, 0) < 0 ? -errno : 0;
}

/* Show something of the scratch at @path, if there is such a place. */
static int show(const struct mounts *mounts, const char *name, uint64_t attributes,
		const char *path)
{
	autoclose int to = open(path, O_PATH | O_CLOEXEC);
	autoclose int fd = -1;

	if (to < 0)
		return errno == ENOENT ? 0 : -errno;
	fd = mount_clone(mounts->scratch, name, false, attributes);
	return fd < 0 ? fd : mount_attach(fd, to);
}

static int mount_private_places(const struct mounts *mounts, struct error *err)
{
	static const struct {
		const char *name, *path;
		uint64_t attributes;
	} places[] = {
		{"tmp", "/tmp", MOUNT_SAFE},
		{"vartmp", "/var/tmp", MOUNT_SAFE},
		{"empty", "/sys", MOUNT_SEALED | MOUNT_ATTR_NOEXEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int r = show(mounts, places[i].name, places[i].attributes, places[i].path);

		if (r < 0)
			return mount_failed(err, places[i].path, "private directory", r);
	}
	return 0;
}

/* Make @path, which lies in a scratch directory, for @mount_fd to lie on: all of it is ours. */
static int make_place(const char *path, int mount_fd)
{
	autofree char *copy = strdup(path);
	struct stat st;
	int r;

	if (!copy)
		return -ENOMEM;
	for (char *slash = copy + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(copy, MOUNTS_DIR_MODE) < 0 && errno != EEXIST && errno != EROFS)
			return -errno;
		*slash = '/';
	}
	if (fstat(mount_fd, &st) < 0)
		return -errno;
	r = S_ISDIR(st.st_mode) ? mkdir(path, MOUNTS_DIR_MODE) : mknod(path, S_IFREG | 0444, 0);
	return r < 0 && errno != EEXIST ? -errno : 0;
}

static int attach_trees(const struct layout *layout, struct mounts *mounts, bool in_scratch,
			struct error *err)
{
	for (size_t i = 0; i < layout->n_trees; i++) {
		const struct layout_tree *tree = &layout->trees[i];
		int r = 0;

		if (tree->in_scratch != in_scratch)
			continue;
		if (in_scratch)
			r = make_place(tree->path, mounts->trees[i]);
		if (!r)
			r = mount_attach_at(mounts->trees[i], tree->path);
		if (r < 0)
			return mount_failed(err, tree->path, "showing it", r);
	}
	return 0;
}

/*
 * Those of /tmp and the like are attached at once; for those of /run the place is made, in the
 * scratch that lies there until the end.
 */
static int place_sockets(const struct layout *layout, struct mounts *mounts, struct error *err)
{
	char place[PATH_MAX];

	for (size_t i = 0; i < layout->n_sockets; i++) {
		const char *path = layout->sockets[i].path;
		bool in_scratch = layout_is_in_scratch(path);
		int r;

		if (mounts->sockets[i] < 0)
			continue;
		snprintf(place, sizeof(place), "%s%s", in_scratch ? "" : "/run", path);
		r = make_place(place, mounts->sockets[i]);
		if (!r && in_scratch)
			r = mount_attach_at(mounts->sockets[i], path);
		if (r < 0)
			return mount_failed(err, path, "showing it", r);
	}
	return 0;
}

static int attach_sockets_of_run(const struct layout *layout, struct mounts *mounts)
{
	int r = 0;

	for (size_t i = 0; !r && i < layout->n_sockets; i++)
		if (mounts->sockets[i] >= 0 && !layout_is_in_scratch(layout->sockets[i].path))
			r = mount_attach_at(mounts->sockets[i], layout->sockets[i].path);
	return r;
}

/*
 * Without capabilities most of this is closed to the agent anyway, except where the files
 * belong to uid 0 and the agent is uid 0 too. What is not of a process is one and the same in
 * every /proc of the machine, its modes and owners as well: uid 0 gets all of it read-only,
 * and can then not set its own comm or oom_score_adj there.
 */
static int mount_proc(const struct mounts *mounts, struct error *err)
{
	static const char *const read_only[] = {"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi"};
	static const char *const hidden[] = {
		"kcore",    "keys", "key-users",   "timer_list", "sched_debug", "latency_stats",
		"kallsyms", "kmsg", "vmallocinfo", "slabinfo",   "scsi",        "asound"};
	autoclose int proc = mount_new("proc", NULL,
				       (geteuid() ? MOUNT_SAFE : MOUNT_SEALED) | MOUNT_ATTR_NOEXEC);
	int r = proc < 0 ? proc : mount_attach_at(proc, "/proc");

	for (size_t i = 0; !r && i < ARRAY_SIZE(read_only); i++) {
		autoclose int fd = mount_clone(proc, read_only[i], false, MOUNT_SEALED);

		if (fd >= 0)
			r = move_mount(fd, "", proc, read_only[i], MOVE_MOUNT_F_EMPTY_PATH) < 0
				    ? -errno
				    : 0;
		else if (fd != -ENOENT)
			r = fd;
	}
	for (size_t i = 0; !r && i < ARRAY_SIZE(hidden); i++) {
		autoclose int at = openat(proc, hidden[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (at >= 0)
			r = guards_blank(mounts->scratch, at);
		else if (errno != ENOENT)
			r = -errno;
	}
	return r < 0 ? mount_failed(err, "/proc", "the jail's own /proc", r) : 0;
}

/* Also where the file is a link that points to nothing (systemd-resolved, under /run). */
static int mount_resolv_conf(const struct mounts *mounts, struct error *err)
{
	static const char text[] = "nameserver " MOUNTS_RESOLVER "\n";
	autoclose int to = open("/etc/resolv.conf", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autoclose int file = -1, fd = -1;
	int r;

	/* Without the file resolvers ask 127.0.0.1, where we answer as well. */
	if (to < 0)
		return 0;
	file = openat(mounts->scratch, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0444);
	r = file < 0 ? -errno : io_write_all(file, text, sizeof(text) - 1);
	if (!r) {
		fd = mount_clone(mounts->scratch, "resolv.conf", false, MOUNT_SEALED);
		r = fd < 0 ? fd : mount_attach(fd, to);
	}
	return r < 0 ? mount_failed(err, "/etc/resolv.conf", "private copy", r) : 0;
}

static int mount_over(const struct layout *layout, const struct devices *devices,
		      struct mounts *mounts, struct error *err)
{
	int r = attach_trees(layout, mounts, false, err);

	if (!r)
		r = mount_private_places(mounts, err);
	if (!r)
		r = devices_mount(devices, mounts->scratch, err);
	if (!r)
		r = mount_proc(mounts, err);
	if (!r)
		r = attach_trees(layout, mounts, true, err);
	if (!r)
		r = place_sockets(layout, mounts, err);
	if (!r)
		r = guards_mount(layout, mounts->scratch, err);
	return r ? r : mount_resolv_conf(mounts, err);
}

int mounts_set_up(const struct layout *layout, const struct devices *devices, struct mounts *ret,
		  struct error *err)
{
	int r;

	ret->scratch = -1;
	for (size_t i = 0; i < LAYOUT_TREES_MAX; i++)
		ret->trees[i] = -1;
	for (size_t i = 0; i < LAYOUT_SOCKETS_MAX; i++)
		ret->sockets[i] = -1;
	r = clone_trees(layout, ret, err);
	if (!r)
		r = clone_sockets(layout, ret, err);
	if (r < 0)
		return r;
	r = mount_seal("/", MOUNT_SEALED);
	if (r < 0)
		return mount_failed(err, "/", "making the host's files read-only", r);
	r = make_scratch(layout, ret);
	if (r < 0)
		return mount_failed(err, "/run", "the jail's own tmpfs", r);
	return mount_over(layout, devices, ret, err);
}

int mounts_finish(const struct layout *layout, struct mounts *mounts, struct error *err)
{
	autoclose int run =
		mount_clone(mounts->scratch, "run", false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	int r = run < 0 ? run : 0;

	/*
	 * What was shown of it before are mounts of their own. Were it to stay beneath, out of
	 * sight, sandboxes that look for further names of /tmp would find one below /run.
	 */
	if (!r && umount2("/run", MNT_DETACH) < 0)
		r = -errno;
	if (!r)
		r = mount_attach_at(run, "/run");
	if (!r)
		r = attach_sockets_of_run(layout, mounts);
	return r < 0 ? mount_failed(err, "/run", "private directory", r) : 0;
}

void mounts_close(struct mounts *mounts)
{
	for (size_t i = 0; i < LAYOUT_TREES_MAX; i++)
		fd_close(&mounts->trees[i]);
	for (size_t i = 0; i < LAYOUT_SOCKETS_MAX; i++)
		fd_close(&mounts->sockets[i]);
	fd_close(&mounts->scratch);
}
