// SPDX-License-Identifier: Apache-2.0
/*
 * A group is held by a lock on its directory for as long as its run lives: what is not
 * locked was left by a run that was killed, and is removed by the next one.
 */
#include "jail/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "jail/bounds/cgroup_find.h"

#define PREFIX      "mcpjail-"
#define LEVELS_MAX  3 /* the caller's own group and how many above it */
#define VALUE_MAX   256
#define CPU_PERIOD  100000 /* µs; the kernel's default */
#define KILL_ROUNDS 100
#define MAKE_TRIES  8

static const struct {
	const char *controller;
	const char *v2_file, *v1_file;
} kinds[CGROUP_LIMITS] = {
	[CGROUP_PROCESSES] = {"pids", "pids.max", "pids.max"},
	[CGROUP_MEMORY] = {"memory", "memory.max", "memory.limit_in_bytes"},
	[CGROUP_CPU] = {"cpu", "cpu.max", "cpu.cfs_quota_us"},
};

/* --- files ------------------------------------------------------------------------------- */

static int put(int dirfd, const char *name, const char *text)
{
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : io_write_all(fd, text, strlen(text));
}

/* Return: whether it could be read; without its newline */
static bool get(int dirfd, const char *name, char ret[VALUE_MAX])
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, VALUE_MAX - 1);

	if (n < 0)
		return false;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static bool has_controller(int dirfd, const char *name)
{
	char text[VALUE_MAX];
	size_t n = strlen(name);

	if (!get(dirfd, "cgroup.controllers", text))
		return false;
	for (const char *at = text; *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == n && !strncmp(at, name, n))
			return true;
	return false;
}

static size_t controllers_had(int dirfd, const struct cgroup_wish *wish)
{
	size_t n = 0;

	for (int i = 0; i < CGROUP_LIMITS; i++)
		n += wish->values[i] && has_controller(dirfd, kinds[i].controller);
	return n;
}

static size_t controllers_wanted(const struct cgroup_wish *wish)
{
	size_t n = 0;

	for (int i = 0; i < CGROUP_LIMITS; i++)
		n += wish->values[i] != 0;
	return n;
}

/* --- making and removing --------------------------------------------------------------------- */

static void sweep(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		autoclose int left = openat(parent, entry->d_name, O_RDONLY | O_CLOEXEC);

		if (left >= 0 && flock(left, LOCK_EX | LOCK_NB) == 0)
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

/* A sweep may come between the steps and take what it finds without a lock. */
static int make_locked(int parent, const char *name)
{
	struct stat st;

	for (int i = 0; i < MAKE_TRIES; i++) {
		autoclose int fd = -1;

		if (mkdirat(parent, name, 0755) < 0)
			return -errno;
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_SH | LOCK_NB) && !fstatat(parent, name, &st, 0))
			return fd_take(&fd);
		unlinkat(parent, name, AT_REMOVEDIR);
	}
	return -EBUSY;
}

static void drop(int *fd, int *parent, const char *name)
{
	if (*fd >= 0)
		unlinkat(*parent, name, AT_REMOVEDIR);
	fd_close(fd);
	fd_close(parent);
}

static void value_text(enum cgroup_limit limit, uint64_t value, bool is_v2, char *ret, size_t size)
{
	/* Thousandths of a processor: microseconds of each period, and less than 1 ms is refused */
	uint64_t quota = value * CPU_PERIOD / 1000;

	if (limit != CGROUP_CPU)
		snprintf(ret, size, "%" PRIu64, value);
	else if (is_v2)
		snprintf(ret, size, "%" PRIu64 " %d", quota < 1000 ? 1000 : quota, CPU_PERIOD);
	else
		snprintf(ret, size, "%" PRIu64, quota < 1000 ? 1000 : quota);
}

/* --- version 2 ----------------------------------------------------------------------------------
 */

/*
 * What a group that is left behind must not have said. Its bound on processes, which systemd
 * sets for every unit, is taken along instead.
 */
static const struct {
	const char *file, *neutral;
} constraints[] = {
	{"memory.max", "max"}, {"memory.high", "max"}, {"memory.swap.max", "max"},
	{"cpu.max", "max"},    {"cpuset.cpus", ""},    {"io.max", ""},
};

static bool may_be_left(int dirfd, struct cgroup_wish *wish)
{
	char text[VALUE_MAX];
	uint64_t bound;

	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++) {
		size_t n = strlen(constraints[i].neutral);

		if (get(dirfd, constraints[i].file, text) &&
		    (n ? strncmp(text, constraints[i].neutral, n) != 0 : *text))
			return false;
	}
	if (get(dirfd, "pids.max", text) && strcmp(text, "max") != 0) {
		bound = strtoull(text, NULL, 10);
		if (bound < wish->values[CGROUP_PROCESSES])
			wish->values[CGROUP_PROCESSES] = bound;
	}
	return true;
}

/*
 * Of the machine's root alone, which has no type. Anywhere else the caller's own processes are in
 * the way: what could be enabled in spite of them would make the groups below unfit for any.
 */
static void enable_controllers(int own, const struct cgroup_wish *wish)
{
	char text[VALUE_MAX];

	if (get(own, "cgroup.type", text))
		return;
	for (int i = 0; i < CGROUP_LIMITS; i++) {
		if (!wish->values[i] || !has_controller(own, kinds[i].controller))
			continue;
		snprintf(text, sizeof(text), "+%s", kinds[i].controller);
		(void)put(own, "cgroup.subtree_control", text);
	}
}

static bool takes_processes(int dirfd)
{
	char type[VALUE_MAX];

	return get(dirfd, "cgroup.type", type) && !strcmp(type, "domain");
}

static int open_above(int dirfd)
{
	autoclose int fd = openat(dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Above the uppermost one there is no such file. */
	if (fd < 0 || faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, ".", W_OK, AT_EACCESS) < 0)
		return -EACCES;
	return fd_take(&fd);
}

/* Return: whether a group in @parent gives more than the one there is, and has taken its place */
static bool make_better(int parent, const struct cgroup_wish *wish, struct cgroup *ret)
{
	autoclose int above = fcntl(parent, F_DUPFD_CLOEXEC, 0);
	autoclose int fd = above < 0 ? -1 : make_locked(above, ret->name);

	if (fd < 0)
		return false;
	if (!takes_processes(fd) ||
	    (ret->fd >= 0 && controllers_had(fd, wish) <= controllers_had(ret->fd, wish))) {
		drop(&fd, &above, ret->name);
		return false;
	}
	drop(&ret->fd, &ret->parent_fd, ret->name);
	ret->fd = fd_take(&fd);
	ret->parent_fd = fd_take(&above);
	return true;
}

/* The lowest group that gives all that is wanted; if none does, the one that gives most. */
static void make_v2(struct cgroup_wish *wish, struct cgroup *ret)
{
	struct cgroup_wish above = *wish;
	autoclose int parent = cgroup_open_own(CGROUP_V2);
	int next;

	if (parent >= 0)
		enable_controllers(parent, wish);
	for (int level = 0; parent >= 0 && level < LEVELS_MAX; level++) {
		sweep(parent);
		if (make_better(parent, wish, ret) && level)
			*wish = above;
		if (ret->fd >= 0 && controllers_had(ret->fd, wish) == controllers_wanted(wish))
			break;
		next = may_be_left(parent, &above) ? open_above(parent) : -1;
		fd_close(&parent);
		parent = next;
	}
}

static void set_v2(const struct cgroup_wish *wish, struct cgroup *ret)
{
	char text[VALUE_MAX];

	for (int i = 0; ret->fd >= 0 && i < CGROUP_LIMITS; i++) {
		if (!wish->values[i])
			continue;
		value_text((enum cgroup_limit)i, wish->values[i], true, text, sizeof(text));
		ret->has[i] = put(ret->fd, kinds[i].v2_file, text) == 0;
	}
	if (ret->has[CGROUP_MEMORY] && wish->bounds_swap)
		(void)put(ret->fd, "memory.swap.max", "0");
}

/* --- version 1 ----------------------------------------------------------------------------------
 */

static void make_v1(enum cgroup_limit limit, const struct cgroup_wish *wish, struct cgroup *ret)
{
	autoclose int parent = cgroup_open_own(kinds[limit].controller);
	char text[VALUE_MAX];
	int fd;

	if (parent < 0)
		return;
	sweep(parent);
	fd = make_locked(parent, ret->name);
	if (fd < 0)
		return;
	value_text(limit, wish->values[limit], false, text, sizeof(text));
	if (put(fd, kinds[limit].v1_file, text) < 0) {
		drop(&fd, &parent, ret->name);
		return;
	}
	/* In this order: the bound on both may not be the lower one. */
	if (limit == CGROUP_MEMORY && wish->bounds_swap)
		(void)put(fd, "memory.memsw.limit_in_bytes", text);
	ret->v1[limit] = fd;
	ret->v1_parents[limit] = fd_take(&parent);
	ret->has[limit] = true;
}

/* --- the interface ------------------------------------------------------------------------------
 */

void cgroup_make(const char *run_id, const struct cgroup_wish *wish, struct cgroup *ret)
{
	struct cgroup_wish wanted = *wish;

	*ret = (struct cgroup){.fd = -1, .parent_fd = -1};
	snprintf(ret->name, sizeof(ret->name), PREFIX "%s", run_id);
	for (int i = 0; i < CGROUP_LIMITS; i++)
		ret->v1[i] = ret->v1_parents[i] = -1;
	make_v2(&wanted, ret);
	set_v2(&wanted, ret);
	for (int i = 0; i < CGROUP_LIMITS; i++)
		if (wish->values[i] && wish->in_v1[i] && !ret->has[i])
			make_v1((enum cgroup_limit)i, wish, ret);
}

int cgroup_place(const struct cgroup *cgroup, pid_t pid)
{
	char text[32];
	int r = 0;

	snprintf(text, sizeof(text), "%d", (int)pid);
	if (cgroup->fd >= 0 && !cgroup_lists(cgroup->fd, pid))
		r = put(cgroup->fd, "cgroup.procs", text);
	for (int i = 0; !r && i < CGROUP_LIMITS; i++)
		if (cgroup->v1[i] >= 0)
			r = put(cgroup->v1[i], "cgroup.procs", text);
	return r;
}

/* Before Linux 5.14: one by one, until none is left that could make another. */
static void kill_each(int fd)
{
	for (int round = 0; round < KILL_ROUNDS; round++) {
		int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
		FILE *file = procs < 0 ? NULL : fdopen(procs, "r");
		bool is_empty = true;
		int pid;

		if (!file) {
			fd_close(&procs);
			return;
		}
		while (fscanf(file, "%d", &pid) == 1) {
			is_empty = false;
			if (pid > 0)
				kill(pid, SIGKILL);
		}
		fclose(file);
		if (is_empty)
			return;
	}
}

void cgroup_kill(const struct cgroup *cgroup)
{
	if (cgroup->fd >= 0 && put(cgroup->fd, "cgroup.kill", "1") == -ENOENT)
		kill_each(cgroup->fd);
}

/* What has been killed stays a member until it is gone. */
static int remove_when_empty(int *fd, int *parent, const char *name, uint64_t until_ms)
{
	const struct timespec pause = {.tv_nsec = 500000};
	int r = 0;

	if (*fd < 0)
		return 0;
	while (unlinkat(*parent, name, AT_REMOVEDIR) < 0) {
		r = -errno;
		if (r != -EBUSY || clock_mono_ms() >= until_ms)
			break;
		nanosleep(&pause, NULL);
		r = 0;
	}
	fd_close(fd);
	fd_close(parent);
	return r;
}

int cgroup_end(struct cgroup *cgroup, unsigned wait_ms)
{
	uint64_t until = clock_mono_ms() + wait_ms;
	int r;

	cgroup_kill(cgroup);
	r = remove_when_empty(&cgroup->fd, &cgroup->parent_fd, cgroup->name, until);
	for (int i = 0; i < CGROUP_LIMITS; i++) {
		int each = remove_when_empty(&cgroup->v1[i], &cgroup->v1_parents[i], cgroup->name,
					     until);

		r = r ? r : each;
	}
	return r;
}
