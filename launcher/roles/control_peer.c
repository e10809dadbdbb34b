// SPDX-License-Identifier: Apache-2.0
/*
 * Who connected is told by the kernel, by a number and, from Linux 6.5 on, by a descriptor. The
 * number is that process for as long as it lives: what is read of it counts only if it lives
 * still afterwards.
 */
#include "roles/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define ANCESTORS_MAX 4096

static int peer_pidfd(int fd, pid_t pid)
{
	int pidfd = -1;
	socklen_t n = sizeof(pidfd);

	if (!getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n))
		return pidfd;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool lives(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return poll(&end, 1, 0) == 0;
}

/* Field 4 of /proc/PID/stat, behind a name that may hold anything. Return: -1 if it is not told */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "";
	const char *end;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

/* In tier B orphans of the jail are this process's own, so that none gets away by that. */
static bool is_descendant(pid_t pid)
{
	pid_t self = getpid();

	for (int i = 0; i < ANCESTORS_MAX && pid != self; i++) {
		pid = parent_of(pid);
		if (pid == 0)
			return false;
		if (pid < 0)
			return true;
	}
	return true;
}

static bool shares_pid_namespace(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return !stat("/proc/self/ns/pid", &ours) && !stat(path, &theirs) &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

bool control_peer_may(int fd)
{
	struct ucred peer = {.pid = 0};
	socklen_t n = sizeof(peer);
	autoclose int pidfd = -1;
	bool is_root;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || peer.pid <= 0)
		return false;
	/* Of root's processes a user is not told the namespaces; the jail has no root but its own.
	 */
	is_root = peer.uid == 0 && geteuid() != 0;
	if (peer.uid != geteuid() && !is_root)
		return false;
	pidfd = peer_pidfd(fd, peer.pid);
	return pidfd >= 0 && !is_descendant(peer.pid) &&
	       (is_root || shares_pid_namespace(peer.pid)) && lives(pidfd);
}
