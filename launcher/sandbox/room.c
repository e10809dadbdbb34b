// SPDX-License-Identifier: Apache-2.0
/*
 * Made in steps, each of which needs what the next one takes away:
 *
 *	namespaces	the one of users lends the capabilities for the rest
 *	ids		uid and gid map to themselves: while the process is dumpable, or
 *			/proc/self/uid_map is not its own to write
 *	empty root	a tmpfs without an inode to spare, read-only; the host's tree is detached
 *
 * The process that makes it for others lives until they have entered.
 */
#include "sandbox/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/settings.h"

static int namespaces_of(bool has_network)
{
	return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
	       (has_network ? 0 : CLONE_NEWNET);
}

/* --- making --------------------------------------------------------------------------- */

static const char *userns_mend(void)
{
	const char *mend = settings_mend_namespaces(geteuid() == 0);

	return mend ? mend
		    : "in a container, its seccomp profile must allow unshare (Docker: "
		      "--security-opt seccomp=unconfined)";
}

static int enter_namespaces(bool has_network, struct error *err)
{
	if (!unshare(namespaces_of(has_network)))
		return 0;

	int r = -errno;

	error_set(err, "sandbox: unshare",
		  r == -EINVAL ? "the process must have one thread" : userns_mend(),
		  "the system refuses a user namespace: %s", strerror(-r));
	return r;
}

static int write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int map_ids(uid_t uid, gid_t gid, struct error *err)
{
	char uids[64], gids[64];
	int r;

	snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1", gid, gid);
	r = write_file("/proc/self/uid_map", uids);
	/* Without the right to change groups, an unprivileged process may map its own. */
	if (!r)
		r = write_file("/proc/self/setgroups", "deny");
	if (!r)
		r = write_file("/proc/self/gid_map", gids);
	if (r)
		error_set(err, "sandbox: uid map", userns_mend(), "cannot map ids: %s",
			  strerror(-r));
	return r;
}

/*
 * pivot_root(".", ".") stacks the old root on the new one, from where it is detached at
 * once. Mounts of a less privileged mount namespace are slaves of the host's: nothing that
 * is done here is seen there. /proc is only a place that surely exists.
 */
static int mount_empty_root(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount("none", "/proc", "tmpfs", flags, "size=4k,nr_inodes=1,mode=0555") ||
	    mount(NULL, "/proc", NULL, flags | MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) ||
	    chdir("/proc") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		return -errno;
	return 0;
}

static int enter_empty_root(struct error *err)
{
	int r = mount_empty_root();

	if (r)
		error_set(err, "sandbox: empty root", userns_mend(),
			  "mounting is refused in a user namespace of its own: %s", strerror(-r));
	return r;
}

int room_make(bool has_network, struct error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r = enter_namespaces(has_network, err);

	if (!r)
		r = map_ids(uid, gid, err);
	return r ? r : enter_empty_root(err);
}

/* --- for others ------------------------------------------------------------------------ */

void room_open(struct room *ret, int *ret_made_fd)
{
	int pipe[2] = {-1, -1};

	if (pipe2(pipe, O_CLOEXEC))
		pipe[0] = pipe[1] = -1;
	*ret = (struct room){(int)syscall(SYS_pidfd_open, getpid(), 0), pipe[0]};
	*ret_made_fd = pipe[1];
}

/* Nothing of the caller's stays open, its terminal least of all. */
_Noreturn void room_keep(int made_fd)
{
	struct error err;

	if (made_fd < 0 || (made_fd && dup2(made_fd, 0) < 0))
		_exit(EXIT_FAILURE);
	syscall(SYS_close_range, 1, ~0u, 0);
	setsid();
	if (room_make(false, &err))
		_exit(EXIT_FAILURE);
	close(0);
	for (;;)
		pause();
}

void room_close(struct room *room)
{
	if (!room)
		return;
	fd_close(&room->pidfd);
	fd_close(&room->ready_fd);
}

int room_enter(struct room *room, bool has_network)
{
	char byte;
	int r;

	if (!room || room->pidfd < 0)
		return -ENOENT;
	while (read(room->ready_fd, &byte, 1) < 0 && errno == EINTR)
		;
	r = setns(room->pidfd, namespaces_of(has_network)) ? -errno : 0;
	room_close(room);
	/* With other credentials than those that it was asked for with, the kernel forgets it. */
	if (!r && prctl(PR_SET_PDEATHSIG, SIGKILL))
		r = -errno;
	return r;
}
