// SPDX-License-Identifier: Apache-2.0
#include "base/orphans.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define PAUSE_NS   1000000
#define LIST_BYTES 65536 /* of children that are killed in one go */

/* Return: how many there are */
static size_t kill_children(char *list, bool (*spares)(void *arg, pid_t pid), void *arg)
{
	char path[64];
	size_t n = 0, used = 0;
	ssize_t got = 0;

	/* Orphans are given to the first thread. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (got = read(fd, list + used, LIST_BYTES - 1 - used)) > 0)
		used += (size_t)got;
	list[used] = '\0';
	for (char *at = list, *next; used; at = next) {
		pid_t pid = (pid_t)strtol(at, &next, 10);

		if (next == at)
			break;
		if (pid <= 0 || (spares && spares(arg, pid)))
			continue;
		kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, WNOHANG);
		n++;
	}
	return n;
}

bool orphans_end(bool (*spares)(void *arg, pid_t pid), void *arg, uint64_t ms)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t until = clock_mono_ms() + ms;
	autofree char *list = malloc(LIST_BYTES);

	while (list && kill_children(list, spares, arg)) {
		if (clock_mono_ms() > until)
			return false;
		nanosleep(&pause, NULL);
	}
	return list != NULL;
}
