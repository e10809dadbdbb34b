// SPDX-License-Identifier: Apache-2.0
/*
 * How a role confines itself, in steps that each need what the next ones take away:
 *
 *	room		namespaces of users, which lends the capabilities for the rest, of mounts
 *			with an empty root, ipc, hostname; no network but for the dialer (room.c)
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
#include <signal.h>
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
#include "sandbox/room.h"

struct profile {
	bool has_network; /* the host's */
	unsigned landlock;
	rlim_t fds_max;
	bool makes_threads;
};

#define NO_PATH (LANDLOCK_DENY_FILES | LANDLOCK_DENY_TCP_BIND | LANDLOCK_SCOPE)

static const struct profile profiles[] = {
	[CONFINE_PROXY] = {false, NO_PATH | LANDLOCK_DENY_TCP_CONNECT, CONFINE_FDS_MAX},
	[CONFINE_KEEPER] = {false, NO_PATH | LANDLOCK_DENY_TCP_CONNECT, 64},
	[CONFINE_DIALER] = {true, NO_PATH, 256},
	[CONFINE_BROKER] = {true, 0, CONFINE_FDS_MAX, true}, /* in the jail's namespaces */
};

static int set_limits(const struct profile *profile, struct error *err)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_NOFILE, profile->fds_max},
		{RLIMIT_NPROC, profile->makes_threads ? RLIM_INFINITY : 0},
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

static bool has_capability(int cap)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return !syscall(SYS_capget, &head, has) && (has[0].effective & 1u << cap);
}

/* All but those of a mask. */
static int drop_capabilities(uint32_t kept, struct error *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct rest[_LINUX_CAPABILITY_U32S_3] = {{kept, kept, 0}};
	int r = 0;

	/*
	 * The kernel may know more capabilities than our headers: up to its EINVAL. Outside of a
	 * user namespace there may be no right to do so, and with no new privileges no need.
	 */
	for (unsigned long cap = 0; !r; cap++)
		r = prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) ? -errno : 0;
	if (r == -EINVAL || (r == -EPERM && !has_capability(CAP_SETPCAP)))
		r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ? -errno : 0;
	if (!r && syscall(SYS_capset, &head, rest))
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

int confine_role(enum confine_profile profile, struct room *room, struct error *err)
{
	const struct profile *p = &profiles[profile];
	int r = room_enter(room, p->has_network);

	/* Without one, or where it cannot be entered: that says what is missing, too. */
	if (r)
		r = room_make(p->has_network, err);
	if (!r)
		r = set_limits(p, err);
	if (!r)
		r = drop_capabilities(0, err);
	if (!r)
		r = forbid_privileges(err);
	if (!r)
		r = forbid_paths(p, err);
	return r ? r : seccomp_install(&profiles_table, PROFILE_BIT(profile), err);
}

int confine_role_bare(enum confine_profile profile, struct room *room, struct error *err)
{
	const struct profile *p = &profiles[profile];
	int r = landlock_abi() ? set_limits(p, err) : -EOPNOTSUPP;

	room_close(room);
	if (r == -EOPNOTSUPP)
		error_set(err, "sandbox: landlock", NULL, "the kernel has none");
	if (!r)
		r = drop_capabilities(0, err);
	if (!r)
		r = forbid_privileges(err);
	if (!r)
		r = forbid_paths(p, err);
	return r ? r : seccomp_install(&profiles_table, PROFILE_BIT(profile), err);
}

/* --- the broker ------------------------------------------------------------------ */

#define BROKER_CAPABILITIES (1u << CAP_SYS_PTRACE | 1u << CAP_SYS_CHROOT)

int confine_join(const struct confine_namespaces *to, struct error *err)
{
	const struct {
		int fd, type;
	} order[] = {
		/* The first lends the rights for the others. */
		{to->user, CLONE_NEWUSER},
		{to->net, CLONE_NEWNET},
		{to->mount, CLONE_NEWNS},
	};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(order); i++)
		if (order[i].fd >= 0 && setns(order[i].fd, order[i].type))
			r = -errno;
	/* Other credentials than those that it was asked for with, and the kernel forgets it. */
	if (!r && to->user >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		r = -errno;
	if (r)
		error_set(err, "sandbox: setns", NULL, "the jail's namespaces cannot be joined: %s",
			  strerror(-r));
	return r;
}

int confine_broker(bool keeps_capabilities, struct error *err)
{
	int r = set_limits(&profiles[CONFINE_BROKER], err);

	if (!r)
		r = drop_capabilities(keeps_capabilities ? BROKER_CAPABILITIES : 0, err);
	if (!r)
		r = forbid_privileges(err);
	return r ? r
		 : seccomp_install(
			   &profiles_table,
			   PROFILE_BIT(keeps_capabilities ? CONFINE_BROKER : CONFINE_BROKER_BARE),
			   err);
}
