// SPDX-License-Identifier: Apache-2.0
/*
 * Nobody tells when the agent closes a socket. When the table is full, all that it has open is
 * looked through: the links in /proc/PID/fd, of the processes that may be looked into, which are
 * those in our Landlock domain, or the user's. What is found nowhere is closed here as well.
 *
 * One that is just being given to the agent is spared. One that is on its way between processes
 * in a message is not found, and can no longer be connected then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inet_internal.h"

struct marks {
	uint64_t inodes[INET_SOCKETS_MAX];
	bool is_open[INET_SOCKETS_MAX];
	size_t n;
};

static void take_snapshot(struct inet *inet, struct marks *ret)
{
	ret->n = 0;
	pthread_mutex_lock(&inet->lock);
	for (size_t i = 0; i < INET_SOCKETS_MAX; i++) {
		const struct inet_socket *s = &inet->sockets[i];

		if (s->inode && s->is_given) {
			ret->inodes[ret->n] = s->inode;
			ret->is_open[ret->n++] = false;
		}
	}
	pthread_mutex_unlock(&inet->lock);
}

static void mark(struct marks *marks, uint64_t inode)
{
	for (size_t i = 0; i < marks->n; i++)
		if (marks->inodes[i] == inode)
			marks->is_open[i] = true;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		cleanup_close(&fd);
	return dir;
}

static void mark_links(DIR *dir, struct marks *marks)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n < 0 && (errno == EACCES || errno == EPERM))
			return;
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (!strncmp(link, "socket:[", 8))
			mark(marks, strtoull(link + 8, NULL, 10));
	}
}

static void mark_open(int proc_fd, struct marks *marks)
{
	DIR *proc = open_dir(proc_fd, ".");
	pid_t self = getpid();
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		char name[32];
		DIR *fds;

		if (pid <= 0 || pid == self)
			continue;
		snprintf(name, sizeof(name), "%d/fd", (int)pid);
		fds = open_dir(proc_fd, name);
		if (fds) {
			mark_links(fds, marks);
			closedir(fds);
		}
	}
	if (proc)
		closedir(proc);
}

void inet_collect(struct inet *inet)
{
	struct marks *marks = malloc(sizeof(*marks));

	if (!marks)
		return;
	take_snapshot(inet, marks);
	if (marks->n)
		mark_open(inet->facts.proc_fd, marks);
	for (size_t i = 0; i < marks->n; i++)
		if (!marks->is_open[i])
			inet_drop(inet, marks->inodes[i]);
	free(marks);
}
