// SPDX-License-Identifier: Apache-2.0
#include "jail/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/init.h"
#include "jail/jail.h"
#include "jail/keeps/keeps.h"
#include "jail/files/layout.h"
#include "jail/bounds.h"
#include "sandbox/settings.h"

#define NAMESPACES_ALL                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)
#define NAMESPACES_MAP_BYTES 4096 /* the kernel's own bound on a map */

static bool sysctl_is(const char *path, char value)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[2] = "";

	return fd >= 0 && read(fd, text, 1) == 1 && text[0] == value;
}

const char *namespaces_mend(void)
{
	const char *mend = settings_mend_namespaces(geteuid() == 0);

	return mend ? mend
		    : "a container or security module forbids namespaces here: run mcpjail outside "
		      "of it";
}

static int write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* All ids that exist here, each as itself: what root may map. */
static int identity_map(const char *own_map, char *ret, size_t size)
{
	FILE *f = fopen(own_map, "re");
	unsigned inside, outside, count;
	size_t used = 0;

	if (!f)
		return -errno;
	while (used < size && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		used += (size_t)snprintf(ret + used, size - used, "%u %u %u\n", inside, inside,
					 count);
	fclose(f);
	return used && used < size ? 0 : -EINVAL;
}

static int map_everything(pid_t pid)
{
	char map[NAMESPACES_MAP_BYTES];
	int r = identity_map("/proc/self/uid_map", map, sizeof(map));

	if (!r)
		r = write_file(pid, "uid_map", map);
	if (!r)
		r = identity_map("/proc/self/gid_map", map, sizeof(map));
	return r ? r : write_file(pid, "gid_map", map);
}

/* One id of each kind; the kernel then demands that groups can no longer be set. */
static int map_caller(pid_t pid)
{
	char map[64];
	int r;

	snprintf(map, sizeof(map), "%u %u 1\n", geteuid(), geteuid());
	r = write_file(pid, "uid_map", map);
	/* Denying it twice, after an attempt of map_everything(), does no harm. */
	if (!r)
		r = write_file(pid, "setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", getegid(), getegid());
	return r ? r : write_file(pid, "gid_map", map);
}

static int write_maps(pid_t pid, struct error *err)
{
	int r = geteuid() == 0 ? map_everything(pid) : -EPERM;

	if (r < 0)
		r = map_caller(pid);
	if (r < 0)
		error_set(err, "user namespace", namespaces_mend(), "writing the uid map: %s",
			  strerror(-r));
	return r;
}

/*
 * Not fork(): no namespace must be entered by the supervisor itself. @cgroup_fd: -1: none. A
 * process that is to enter it later waits for all processors, which takes milliseconds.
 */
static pid_t clone_init(int cgroup_fd, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = NAMESPACES_ALL | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	pid_t pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (__u64)cgroup_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	/* Filters that cannot look at its flags say that there is none. */
	if (pid < 0 && errno == ENOSYS && cgroup_fd < 0)
		pid = (pid_t)syscall(SYS_clone, args.flags | SIGCHLD, NULL, ret_pidfd, NULL, NULL);
	return pid;
}

static void become_init(const struct jail_spec *spec, const struct layout *layout, int channel_fd,
			const int gate[2])
{
	const struct init_plan plan = {
		.spec = spec, .layout = layout, .channel_fd = channel_fd, .gate_fd = gate[0]};

	/* Else the gate would never show that the supervisor is gone. */
	close(gate[1]);
	init_run(&plan);
}

/* Signals are blocked meanwhile: none may run the supervisor's handlers in init. */
static int start(const struct jail_spec *spec, const struct layout *layout, int channel_fd,
		 const int gate[2], int *ret_pidfd)
{
	int cgroup_fd = spec->bounds ? spec->bounds->cgroup.fd : -1;
	sigset_t all, before;
	pid_t pid;
	int r;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = clone_init(cgroup_fd, ret_pidfd);
	if (pid < 0 && cgroup_fd >= 0)
		pid = clone_init(-1, ret_pidfd); /* bounds_place() sees to it */
	r = pid < 0 ? -errno : pid;
	if (pid == 0)
		become_init(spec, layout, channel_fd, gate);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* What says that there are none for us; what else fails is another machine's trouble. */
static bool lacks_namespaces(int r)
{
	static const int errors[] = {EPERM, EACCES, ENOSYS, EINVAL, ENOSPC, EUSERS};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (r == -errors[i])
			return true;
	return false;
}

/* Where AppArmor lets anybody make namespaces, but gives no rights over them. */
static bool may_lack_rights(void)
{
	return geteuid() &&
	       sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1');
}

static int await_rights(int gate, struct error *err)
{
	char has_rights = 0;
	ssize_t n;

	do
		n = read(gate, &has_rights, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1 && has_rights)
		return 0;
	error_set(err, "namespaces", namespaces_mend(), "they come without rights over them");
	return -EOPNOTSUPP;
}

/*
 * Both ends of the gate stay open in here until the end, so that letting an init through
 * that has died already raises no SIGPIPE. Closing gate_in ends one that was not let through.
 */
static int start_and_map(const struct jail_spec *spec, const struct layout *layout, int channel_fd,
			 int *ret_pidfd, struct error *err)
{
	autoclose int gate_out = -1, gate_in = -1;
	int gate[2], pid = -1, r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) == 0) {
		gate_out = gate[0];
		gate_in = gate[1];
		pid = start(spec, layout, channel_fd, gate, ret_pidfd);
	} else {
		pid = -errno;
	}
	if (pid < 0) {
		error_set(err, "namespaces", namespaces_mend(), "%s", strerror(-pid));
		return lacks_namespaces(pid) ? -EOPNOTSUPP : pid;
	}
	r = write_maps(pid, err) ? -EOPNOTSUPP : 0;
	if (!r && spec->bounds)
		r = bounds_place(spec->bounds, pid, err);
	if (!r && write(gate_in, "", 1) != 1)
		r = -errno;
	if (!r && may_lack_rights())
		r = await_rights(gate_in, err);
	if (!r)
		return pid;
	fd_close(&gate_in);
	waitpid(pid, NULL, 0);
	return r;
}

static int keep(const struct jail_spec *spec, struct layout *layout, struct keeps *ret,
		struct error *err)
{
	int r = placeholders_open(spec->state_dir, spec->placeholders);

	if (r < 0) {
		error_set(err, spec->state_dir, NULL, PLACEHOLDERS_LOCKS ": %s", strerror(-r));
		return r;
	}
	layout->keeps = ret;
	return keeps_find(layout, spec->placeholders, ret, err);
}

int jail_start(const struct jail_spec *spec, int init_channel_fd, pid_t *ret_pid, int *ret_pidfd,
	       struct error *err)
{
	__attribute__((cleanup(layout_free))) struct layout layout = {.n_trees = 0};
	__attribute__((cleanup(keeps_free))) struct keeps keeps = {.n = 0};
	autoclose int pidfd = -1;
	int r = layout_resolve(spec, &layout, err), pid;

	if (!r && spec->placeholders)
		r = keep(spec, &layout, &keeps, err);
	if (r < 0)
		return r;
	pid = start_and_map(spec, &layout, init_channel_fd, &pidfd, err);
	if (pid < 0)
		return pid;
	*ret_pid = pid;
	*ret_pidfd = fd_take(&pidfd);
	return 0;
}
