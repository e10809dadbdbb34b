// SPDX-License-Identifier: Apache-2.0
#include "roles/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "roles/roles.h"

/*
 * In the child, which borrows the supervisor's memory until it executes (vfork(2)): nothing
 * is written but what is its own. Nothing of the supervisor's but stderr and the channel
 * lives on.
 */
static void become_role(char *const *argv, int channel_fd, pid_t parent)
{
	char *envp[] = {NULL};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* The channel must not sit where it is about to be overwritten. */
	channel_fd = fcntl(channel_fd, F_DUPFD, ROLE_CHANNEL_FD + 1);
	if (null < 0 || channel_fd < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(channel_fd, ROLE_CHANNEL_FD) < 0)
		_exit(125);
	syscall(SYS_close_range, ROLE_CHANNEL_FD + 1, ~0u, 0);
	/* A session of its own: what the terminal sends to the foreground group is not for it. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(125);
	execve("/proc/self/exe", argv, envp);
	_exit(125);
}

int spawn_role(enum role role, struct channel *ret_channel, pid_t *ret_pid, struct error *err)
{
	int pair[2], r = channel_pair(pair);
	autoclose int ours = r ? -1 : pair[0], theirs = r ? -1 : pair[1];
	char name[32], *argv[] = {(char[]){"mcpjail"}, name, NULL};
	struct channel channel = {.fd = -1};
	pid_t parent = getpid(), pid = -1;

	snprintf(name, sizeof(name), "--role=%s", role_name(role));
	if (!r)
		r = channel_open(&channel, ours, ROLE_SUPERVISOR, role);
	if (!r) {
		fd_take(&ours);
		pid = vfork();
		if (pid < 0)
			r = -errno;
		else if (!pid)
			become_role(argv, theirs, parent);
	}
	if (r) {
		channel_close(&channel);
		error_set(err, role_name(role), NULL, "cannot be started: %s", strerror(-r));
		return r;
	}
	*ret_channel = channel;
	*ret_pid = pid;
	return 0;
}
