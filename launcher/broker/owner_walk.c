// SPDX-License-Identifier: Apache-2.0
/*
 * The processes of the jail are found from its init downwards, by the children that each
 * thread has: that costs what the jail is, not what the machine runs, and nested pid
 * namespaces make no difference. A kernel without these files (CONFIG_PROC_CHILDREN) has
 * all its processes listed, and each asked for its parents.
 */
#include "owner_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LIST_BYTES    8192 /* of directory entries, or of children, in one read */
#define LATE_EVERY    64   /* descriptors between two looks at the clock */
#define ANCESTORS_MAX 256  /* of one process: more is no honest tree */

bool owner_walk_is_late(struct owner_walk *w)
{
	w->is_cut = w->is_cut || clock_ns(CLOCK_MONOTONIC) >= w->until_ns;
	return w->is_cut;
}

/* Decimal digits and nothing else. Return: -1 for anything else */
static int number_of(const char *text)
{
	long value = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || value > 100000000)
			return -1;
		value = value * 10 + (*p - '0');
	}
	return *text ? (int)value : -1;
}

/* Names that are numbers, of the next entries of a directory. Return: how many bytes were read */
static ssize_t next_numbers(int dir_fd, int *ret, size_t max, size_t *ret_n)
{
	_Alignas(struct dirent64) char bytes[LIST_BYTES];
	ssize_t n = getdents64(dir_fd, bytes, sizeof(bytes));

	*ret_n = 0;
	for (ssize_t at = 0; at < n && *ret_n < max;) {
		const struct dirent64 *entry = (const void *)(bytes + at);
		int number = number_of(entry->d_name);

		if (number >= 0)
			ret[(*ret_n)++] = number;
		at += entry->d_reclen;
	}
	return n;
}

/* More entries than one read can have: the shortest takes 24 bytes. */
#define NUMBERS_MAX (LIST_BYTES / 24)

static void add(struct owner_walk *w, pid_t pid)
{
	size_t at = (uint32_t)pid * 2654435761u % OWNER_SEEN_MAX;

	while (w->seen[at].round == w->round) {
		if (w->seen[at].pid == pid)
			return;
		at = (at + 1) % OWNER_SEEN_MAX;
	}
	if (w->n == OWNER_PROCESSES_MAX) {
		w->is_cut = true;
		return;
	}
	w->seen[at].pid = pid;
	w->seen[at].round = w->round;
	w->pids[w->n++] = pid;
}

/* --- children -------------------------------------------------------------------------- */

/* Numbers with a space behind each. Of one that a read cut in two the beginning is kept. */
static int add_children(struct owner_walk *w, pid_t pid, int thread)
{
	char path[64], text[LIST_BYTES];
	autoclose int fd = -1;
	size_t kept = 0;

	snprintf(path, sizeof(path), "%d/task/%d/children", pid, thread);
	fd = openat(w->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (!owner_walk_is_late(w)) {
		ssize_t n = read(fd, text + kept, sizeof(text) - 1 - kept);
		char *next = text, *end;

		if (n <= 0)
			return n ? -errno : 0;
		text[kept + (size_t)n] = '\0';
		while ((end = strchr(next, ' '))) {
			*end = '\0';
			if (number_of(next) > 0)
				add(w, number_of(next));
			next = end + 1;
		}
		kept = strlen(next);
		memmove(text, next, kept);
	}
	return 0;
}

static void add_children_of_all_threads(struct owner_walk *w, pid_t pid)
{
	int threads[NUMBERS_MAX];
	char path[32];
	autoclose int fd = -1;
	size_t n;

	snprintf(path, sizeof(path), "%d/task", pid);
	fd = openat(w->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (next_numbers(fd, threads, NUMBERS_MAX, &n) > 0)
		for (size_t i = 0; i < n && !owner_walk_is_late(w); i++)
			add_children(w, pid, threads[i]);
}

/* --- without children ------------------------------------------------------------------- */

static bool descends_from(struct owner_walk *w, pid_t pid, pid_t init)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		autoclose int fd = owner_open_process(w->proc_fd, pid);
		struct owner_stat stat;

		if (fd < 0 || owner_stat_read(fd, &stat))
			return false;
		if (stat.parent == init)
			return true;
		pid = stat.parent;
	}
	return false;
}

static void add_from_all(struct owner_walk *w, pid_t init)
{
	autoclose int fd = openat(w->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int pids[NUMBERS_MAX];
	size_t n;

	while (fd >= 0 && next_numbers(fd, pids, NUMBERS_MAX, &n) > 0)
		for (size_t i = 0; i < n && !owner_walk_is_late(w); i++)
			if (pids[i] != init && descends_from(w, pids[i], init))
				add(w, pids[i]);
}

/* --- the walk ------------------------------------------------------------------------------ */

void owner_walk_begin(struct owner_walk *w, pid_t init)
{
	/* A round of number 0 would see what was never seen. */
	if (!++w->round) {
		memset(w->seen, 0, sizeof(w->seen));
		w->round = 1;
	}
	w->n = 0;
	w->is_cut = false;
	if (add_children(w, init, init) == -ENOENT)
		add_from_all(w, init);
}

void owner_walk_on(struct owner_walk *w, pid_t init, bool all_threads)
{
	if (all_threads)
		add_children_of_all_threads(w, init);
	/* It grows meanwhile. */
	for (size_t i = 0; i < w->n && !owner_walk_is_late(w); i++) {
		if (all_threads)
			add_children_of_all_threads(w, w->pids[i]);
		else
			add_children(w, w->pids[i], w->pids[i]);
	}
}

/* --- descriptors ---------------------------------------------------------------------------- */

int owner_open_process(int proc_fd, pid_t pid)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%d", pid);
	fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Return: the inode of the socket that a link in a process's fd is; 0: it is none */
static uint32_t inode_of(int dir_fd, const char *name)
{
	static const char prefix[] = "socket:[";
	char link[64];
	ssize_t n = readlinkat(dir_fd, name, link, sizeof(link) - 1);

	if (n < 0)
		return 0;
	link[n] = '\0';
	if (strncmp(link, prefix, strlen(prefix)))
		return 0;
	return (uint32_t)strtoul(link + strlen(prefix), NULL, 10);
}

bool owner_holds(int process_fd, int fd, uint32_t inode)
{
	char path[32];

	snprintf(path, sizeof(path), "fd/%d", fd);
	return inode_of(process_fd, path) == inode;
}

int owner_scan_process(struct owner_walk *w, pid_t pid, uint32_t inode, struct owner_held *held)
{
	int fds[NUMBERS_MAX];
	char path[32];
	autoclose int dir_fd = -1;
	size_t n, looked_at = 0;

	snprintf(path, sizeof(path), "%d/fd", pid);
	dir_fd = openat(w->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -ESRCH;
	while (next_numbers(dir_fd, fds, NUMBERS_MAX, &n) > 0) {
		for (size_t i = 0; i < n; i++) {
			uint32_t found;

			if (++looked_at % LATE_EVERY == 0 && owner_walk_is_late(w))
				return -EAGAIN;
			snprintf(path, sizeof(path), "%d", fds[i]);
			found = inode_of(dir_fd, path);
			if (found)
				held[found % OWNER_HELD_MAX] =
					(struct owner_held){found, pid, fds[i]};
			if (found == inode)
				return fds[i];
		}
	}
	return -ENOENT;
}
