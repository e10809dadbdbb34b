// SPDX-License-Identifier: Apache-2.0
#include "roles/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "roles/spawn.h"
#include "sandbox/room.h"

/* In the nursery, a copy of the supervisor which reads nothing and answers nobody. */
static _Noreturn void nurse(const enum role *roles, const int *channels, size_t n, int pids_fd,
			    pid_t supervisor)
{
	pid_t pids[NURSERY_ROLES_MAX] = {0};
	struct room room;
	int made_fd;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != supervisor)
		_exit(EXIT_FAILURE);
	room_open(&room, &made_fd);
	for (size_t i = 0; i < n; i++)
		pids[i] = spawn_sibling(roles[i], channels[i], &room, supervisor);
	if (write(pids_fd, pids, n * sizeof(pids[0])) < 0)
		_exit(EXIT_FAILURE);
	room_keep(made_fd);
}

static int open_channels(const enum role *roles, size_t n, struct channel *ret_channels,
			 int *ret_theirs)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		ret_channels[i] = (struct channel){.fd = -1};
	for (size_t i = 0; !r && i < n; i++) {
		int pair[2];

		r = channel_pair(pair);
		if (r)
			return r;
		ret_theirs[i] = pair[1];
		r = channel_open(&ret_channels[i], pair[0], ROLE_SUPERVISOR, roles[i]);
		if (r)
			fd_close(&pair[0]);
	}
	return r;
}

int nursery_start(const enum role *roles, size_t n, struct channel *ret_channels,
		  struct nursery *ret, struct error *err)
{
	int theirs[NURSERY_ROLES_MAX] = {-1, -1, -1, -1}, pids[2] = {-1, -1};
	pid_t supervisor = getpid(), pid = -1;
	int r = n > NURSERY_ROLES_MAX ? -E2BIG : open_channels(roles, n, ret_channels, theirs);

	if (!r && pipe2(pids, O_CLOEXEC))
		r = -errno;
	if (!r) {
		pid = fork();
		if (!pid)
			nurse(roles, theirs, n, pids[1], supervisor);
		r = pid < 0 ? -errno : 0;
	}
	fd_close(&pids[1]);
	for (size_t i = 0; i < NURSERY_ROLES_MAX; i++)
		fd_close(&theirs[i]);
	if (!r) {
		*ret = (struct nursery){pid, pids[0]};
		return 0;
	}
	fd_close(&pids[0]);
	for (size_t i = 0; i < n; i++)
		channel_close(&ret_channels[i]);
	error_set(err, "roles", NULL, "cannot be started: %s", strerror(-r));
	return r;
}

int nursery_await(struct nursery *nursery, pid_t *ret_pids, size_t n)
{
	pid_t pids[NURSERY_ROLES_MAX] = {0};
	ssize_t got;
	int r = 0;

	do
		got = read(nursery->pids_fd, pids, n * sizeof(pids[0]));
	while (got < 0 && errno == EINTR);
	fd_close(&nursery->pids_fd);
	for (size_t i = 0; i < n; i++) {
		ret_pids[i] = pids[i] > 0 ? pids[i] : 0;
		r = pids[i] > 0 ? r : -ECHILD;
	}
	return r;
}

void nursery_end(struct nursery *nursery)
{
	if (nursery->pid > 0)
		kill(nursery->pid, SIGKILL);
	nursery->pid = 0;
}
