// SPDX-License-Identifier: Apache-2.0
/* Another view of the machine: namespaces and mounts, however they are asked for. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define NR_OPEN_TREE_ATTR 467

/* --- namespaces, however they are asked for ------------------------------------------------- */

static void try_clone(const struct probe *probe)
{
	long pid = syscall(SYS_clone, (unsigned long)strtoul(target(probe, 0), NULL, 0) | SIGCHLD,
			   0, 0, 0, 0);

	if (!pid)
		_exit(0);
	stopped_unless(pid, "clone");
}

static void try_clone3(const struct probe *probe)
{
	struct clone_args args = {.flags = strtoul(target(probe, 0), NULL, 0),
				  .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	stopped_unless(pid, "clone3");
}

static void try_setns(const struct probe *probe)
{
	int fd = open(target(probe, 0), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	stopped_unless(setns(fd, 0), "setns");
}

static void try_setns_pidfd(const struct probe *probe)
{
	int fd = (int)syscall(SYS_pidfd_open, atoi(target(probe, 0)), 0);

	if (fd < 0)
		stopped("pidfd_open");
	stopped_unless(setns(fd, CLONE_NEWNET), "setns");
}

/* --- mounts ----------------------------------------------------------------------------------- */

static void try_mount(const struct probe *probe)
{
	const char *type = target(probe, 0), *at = target(probe, 1);

	if (mount("none", at, type, 0, NULL))
		stopped("mount");
	umount2(at, MNT_DETACH);
	reached("%s", type);
}

static void try_bind_mount(const struct probe *probe)
{
	const char *from = target(probe, 0), *at = target(probe, 1);

	if (mount(from, at, NULL, MS_BIND, NULL))
		stopped("mount");
	umount2(at, MNT_DETACH);
	reached("%s", from);
}

static void try_remount(const struct probe *probe)
{
	stopped_unless(mount(NULL, target(probe, 0), NULL, MS_REMOUNT | MS_BIND, NULL), "mount");
}

static void try_umount(const struct probe *probe)
{
	stopped_unless(umount2(target(probe, 0), MNT_DETACH), "umount");
}

static void try_open_tree(const struct probe *probe)
{
	stopped_unless(syscall(SYS_open_tree, AT_FDCWD, target(probe, 0), OPEN_TREE_CLONE),
		       "open_tree");
}

const struct probe probes_namespaces[] = {
	CALL("unshare-user", "a user namespace by unshare", SYS_unshare, CLONE_NEWUSER),
	CALL("unshare-net", "a network namespace", SYS_unshare, CLONE_NEWNET),
	CALL("unshare-mount", "a mount namespace", SYS_unshare, CLONE_NEWNS),
	CALL("unshare-pid", "a pid namespace", SYS_unshare, CLONE_NEWPID),
	CALL("unshare-cgroup", "a cgroup namespace", SYS_unshare, CLONE_NEWCGROUP),
	CALL("unshare-time", "a time namespace", SYS_unshare, CLONE_NEWTIME),
	{"clone-user", "a user namespace by clone", "clone:EPERM", try_clone, "0x10000000"},
	{"clone-user-net", "… with a network namespace", "clone:EPERM", try_clone, "0x50000000"},
	{"clone3-user", "… by clone3", "clone3:ENOSYS", try_clone3, "0x10000000"},
	{"setns-own", "setns", "setns:EPERM", try_setns, "/proc/self/ns/net"},
	{"setns-init", "setns into the network of pid 1", "open:EACCES open:EPERM open:ENOENT",
	 try_setns, "/proc/1/ns/net"},
	{"setns-pidfd", "setns by a pidfd of pid 1", "setns:EPERM", try_setns_pidfd, "1"},

	{"mount-tmpfs", "mount a tmpfs", "mount:EPERM", try_mount, "tmpfs {project}/mnt"},
	{"mount-proc", "mount another /proc", "mount:EPERM", try_mount, "proc {project}/mnt"},
	{"mount-sysfs", "mount another /sys", "mount:EPERM", try_mount, "sysfs {project}/mnt"},
	{"mount-cgroup", "mount the control groups", "mount:EPERM", try_mount,
	 "cgroup2 {project}/mnt"},
	{"mount-bind", "bind / where one may write", "mount:EPERM", try_bind_mount,
	 "/ {project}/mnt"},
	{"mount-remount", "remount / for writing", "mount:EPERM", try_remount, "/"},
	{"umount", "uncover what is covered", "umount:EPERM", try_umount, "{project}/covered"},
	{"open-tree", "clone the tree of mounts", "open_tree:EPERM", try_open_tree, "/"},
	CALL("open-tree-attr", "… by the newer call", NR_OPEN_TREE_ATTR, -1, 0, 0, 0, 0),
	CALL("move-mount", "move_mount", SYS_move_mount, -1, POINTER(""), -1, POINTER(""), 0),
	CALL("mount-setattr", "mount_setattr", SYS_mount_setattr, -1, 0, 0, 0, 0),
	CALL("fsopen", "fsopen", SYS_fsopen, POINTER("tmpfs"), 0),
	CALL("fsconfig", "fsconfig", SYS_fsconfig, -1, 0, 0, 0, 0),
	CALL("fsmount", "fsmount", SYS_fsmount, -1, 0, 0),
	CALL("fspick", "fspick", SYS_fspick, AT_FDCWD, POINTER("/"), 0),
	CALL("pivot-root", "pivot_root", SYS_pivot_root, POINTER(NOWHERE), POINTER(NOWHERE)),
	CALL("chroot", "chroot", SYS_chroot, POINTER("/")),
	{.name = NULL},
};
