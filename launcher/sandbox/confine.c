// SPDX-License-Identifier: Apache-2.0
/*
 * How a role confines itself, in steps that each need what the next ones take away:
 *
 *	namespaces	a user namespace of its own, which lends the capabilities for the rest;
 *			with it mounts, ipc, hostname; no network but for the dialer
 *	ids		uid and gid map to themselves: while the process is dumpable, or
 *			/proc/self/uid_map is not its own to write
 *	empty root	a tmpfs without an inode to spare, read-only; the host's tree is detached
 *	limits		no core, no process, few descriptors
 *	capabilities	none, nor any that an exec could bring
 *	no_new_privs	needed by the two below
 *	not dumpable	another process of the same user cannot attach or read memory
 *	landlock	no path, also by ".." out of a directory descriptor
 *	seccomp		the profile's calls
 *
 * Every layer holds alone what the others should have held. Only seccomp and the
 * namespaces are required; Landlock is used where the kernel has it.
 */
#include "sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "profiles.h"
#include "sandbox/landlock.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)

struct profile {
	int namespaces;
	unsigned landlock;
	rlim_t fds_max;
};

#define NO_PATH (LANDLOCK_DENY_FILES | LANDLOCK_DENY_TCP_BIND | LANDLOCK_SCOPE)

static const struct profile profiles[CONFINE_PROFILES] = {
	[CONFINE_PROXY] = {NAMESPACES | CLONE_NEWNET, NO_PATH | LANDLOCK_DENY_TCP_CONNECT,
			   CONFINE_FDS_MAX},
	[CONFINE_KEEPER] = {NAMESPACES | CLONE_NEWNET, NO_PATH | LANDLOCK_DENY_TCP_CONNECT, 64},
	[CONFINE_DIALER] = {NAMESPACES, NO_PATH, 256},
};

/* What stands in the way of user namespaces, and the command that mends it. */
static const struct {
	const char *path;
	int blocks; /* the value that does */
	const char *mend;
} userns_switches[] = {
	{"/proc/sys/user/max_user_namespaces", 0, "sudo sysctl user.max_user_namespaces=10000"},
	{"/proc/sys/kernel/unprivileged_userns_clone", 0,
	 "sudo sysctl kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
	 "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile "
	 "with \"userns,\" for mcpjail"},
};

static bool file_holds(const char *path, int value)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && atoi(text) == value;
}

static const char *userns_mend(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(userns_switches); i++) {
		if (file_holds(userns_switches[i].path, userns_switches[i].blocks))
			return userns_switches[i].mend;
	}
	return "in a container, its seccomp profile must allow unshare (Docker: --security-opt "
	       "seccomp=unconfined)";
}

static int enter_namespaces(const struct profile *profile, struct error *err)
{
	if (!unshare(profile->namespaces))
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

static int set_limits(const struct profile *profile, struct error *err)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_CORE, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_NOFILE, profile->fds_max},
		/* RLIMIT_FSIZE stays: it would end a role whose stderr is a file. */
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)limits[i].resource, &limit))
			return -errno;
		if (limit.rlim_max > limits[i].value)
			limit.rlim_max = limits[i].value;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit)) {
			int r = -errno;

			error_set(err, "sandbox: limits", NULL, "cannot set a limit: %s",
				  strerror(-r));
			return r;
		}
	}
	return 0;
}

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	int r = 0;

	/* The kernel may know more capabilities than our headers: up to its EINVAL. */
	for (unsigned long cap = 0; !r; cap++)
		r = prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) ? -errno : 0;
	if (r == -EINVAL)
		r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ? -errno : 0;
	if (!r && syscall(SYS_capset, &head, none))
		r = -errno;
	if (r)
		error_set(err, "sandbox: capabilities", NULL, "cannot drop capabilities: %s",
			  strerror(-r));
	return r;
}

static int forbid_privileges(struct error *err)
{
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return 0;

	int r = -errno;

	error_set(err, "sandbox: no_new_privs", NULL, "prctl: %s", strerror(-r));
	return r;
}

static int forbid_paths(const struct profile *profile, struct error *err)
{
	int r = landlock_restrict(profile->landlock);

	if (r)
		error_set(err, "sandbox: landlock", NULL, "the kernel refuses the rules: %s",
			  strerror(-r));
	return r;
}

int confine_role(enum confine_profile profile, struct error *err)
{
	const struct profile *p = &profiles[profile];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r = enter_namespaces(p, err);

	if (!r)
		r = map_ids(uid, gid, err);
	if (!r)
		r = enter_empty_root(err);
	if (!r)
		r = set_limits(p, err);
	if (!r)
		r = drop_capabilities(err);
	if (!r)
		r = forbid_privileges(err);
	if (!r)
		r = forbid_paths(p, err);
	return r ? r : seccomp_install(&profiles_table, PROFILE_BIT(profile), err);
}
