// SPDX-License-Identifier: Apache-2.0
#include "roles/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "roles/roles.h"

#define ROLE_FDS_MAX 3 /* from ROLE_CHANNEL_FD on */

#define STACK_BYTES 16384 /* of a process until it executes */

struct start {
	enum role role;
	int channel_fd;
	const struct room *room; /* NULL: none */
	pid_t parent;
	bool lives_on; /* without its parent */
};

/*
 * In the child, which borrows its maker's memory until it executes: nothing is written but
 * what is its own. Nothing of the maker's but stderr, the channel and the room lives on. A
 * sanitizer's marks on the borrowed stack would.
 */
__attribute__((no_sanitize("address"))) static int become_role(void *arg)
{
	const struct start *start = arg;
	char name[32], *argv[] = {(char[]){"mcpjail"}, name, NULL};
	char *envp[] = {NULL};
	int null = open("/dev/null", O_RDWR);
	int from[ROLE_FDS_MAX] = {start->channel_fd};
	unsigned n = 1;
	sigset_t none;

	/* Where there is none its place is kept, so that the role finds nothing else there. */
	if (start->room) {
		from[n++] = start->room->pidfd < 0 ? null : start->room->pidfd;
		from[n++] = start->room->ready_fd < 0 ? null : start->room->ready_fd;
	}
	/* None of them may sit where another is about to be put. */
	for (unsigned i = 0; i < n; i++)
		from[i] = fcntl(from[i], F_DUPFD, ROLE_CHANNEL_FD + ROLE_FDS_MAX);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(125);
	for (unsigned i = 0; i < n; i++)
		if (from[i] < 0 || dup2(from[i], ROLE_CHANNEL_FD + (int)i) < 0)
			_exit(125);
	syscall(SYS_close_range, ROLE_CHANNEL_FD + n, ~0u, 0);
	/* A session of its own: what the terminal sends to the foreground group is not for it. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, start->lives_on ? 0 : SIGKILL) || getppid() != start->parent)
		_exit(125);
	snprintf(name, sizeof(name), "--role=%s", role_name(start->role));
	execve("/proc/self/exe", argv, envp);
	_exit(125);
}

/* As vfork(2), with a stack of its own. Return: a child, with CLONE_PARENT a sibling; -1 */
static pid_t start_by_clone(struct start *start, int flags)
{
	_Alignas(16) char stack[STACK_BYTES];

	return clone(become_role, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD | flags,
		     start);
}

pid_t spawn_sibling(enum role role, int channel_fd, const struct room *room, pid_t parent)
{
	struct start how = {.role = role, .channel_fd = channel_fd, .room = room, .parent = parent};

	return start_by_clone(&how, CLONE_PARENT);
}

static pid_t start_after(int (*before)(void *arg), void *arg, struct start *start)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (before(arg))
		_exit(125);
	start->lives_on = true;
	_exit(become_role(start));
}

static int spawn(enum role role, int (*before)(void *arg), void *arg, struct channel *ret_channel,
		 pid_t *ret_pid, struct error *err)
{
	int pair[2], r = channel_pair(pair);
	autoclose int ours = r ? -1 : pair[0], theirs = r ? -1 : pair[1];
	struct start how = {.role = role, .channel_fd = theirs, .parent = getpid()};
	struct channel channel = {.fd = -1};
	pid_t pid = -1;

	if (!r)
		r = channel_open(&channel, ours, ROLE_SUPERVISOR, role);
	if (!r) {
		fd_take(&ours);
		pid = before ? start_after(before, arg, &how) : start_by_clone(&how, 0);
		if (pid < 0)
			r = -errno;
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

int spawn_role(enum role role, struct channel *ret_channel, pid_t *ret_pid, struct error *err)
{
	return spawn(role, NULL, NULL, ret_channel, ret_pid, err);
}

int spawn_role_after(enum role role, int (*before)(void *arg), void *arg,
		     struct channel *ret_channel, pid_t *ret_pid, struct error *err)
{
	return spawn(role, before, arg, ret_channel, ret_pid, err);
}
