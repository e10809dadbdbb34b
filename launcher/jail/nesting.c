// SPDX-License-Identifier: Apache-2.0
/*
 * A process with a user namespace of its own copies the jail's mounts, cannot take one of them
 * off singly or make it writable, and can leave all of them behind at once: that is how
 * sandboxes begin. Two things follow.
 *
 * A name cannot be renamed or removed while something is mounted on it, but only mounts of the
 * caller's own mount namespace count. Where the agent has left them behind it could, through a
 * directory that it has open, move away what a guard lies on, and the kernel would take the guard
 * off here as well. Therefore the whole tree lies a second time beneath the agent's root: the
 * tree it sees can be left behind; what lies below it is in every namespace that is copied from
 * here, where no path leads to it.
 *
 * The kernel lets a namespace mount a /proc of its own only if it has one in full: the jail's has
 * parts that are covered. So a second one lies beneath the root, too. In a /proc without covers
 * only uid 0 could do harm, and uid 0 gets no such namespaces (commands/run_plan.c).
 */
#include "jail/nesting.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/mount_ops.h"

static int cover(void)
{
	autoclose int tree = mount_clone(AT_FDCWD, "/", true, 0);
	autoclose int proc = -1;
	int r = tree < 0 ? tree : 0;

	/* After the copy, which does not have it then. */
	if (!r) {
		proc = mount_new("proc", NULL, MOUNT_SAFE | MOUNT_ATTR_NOEXEC);
		r = proc < 0 ? proc : mount_attach_at(proc, "/proc");
	}
	if (!r)
		r = mount_attach_at(tree, "/");
	if (!r && (fchdir(tree) < 0 || chroot(".") < 0))
		r = -errno;
	return r;
}

int nesting_cover_root(struct error *err)
{
	int r = cover();

	return r < 0 ? mount_failed(err, "/", "a second one beneath it, for nested sandboxes", r)
		     : 0;
}
