// SPDX-License-Identifier: Apache-2.0
/*
 * Between fork() and exec() the child has the privileges of init, which are none, and
 * gives up what is left: descriptors, the terminal's background, Landlock's scopes, the
 * system calls of the filter. Then it tests itself. The pipe to init closes on exec: an
 * empty read is success.
 */
#include "jail/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filter.h"
#include "jail/landlock.h"
#include "jail/selftest.h"

#define AGENT_FD_FLOOR 10 /* descriptors are moved above before 0, 1 and 2 are overwritten */

/* exec() resets handlers, but would hand on what the supervisor ignores, as SIGPIPE. */
static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo <= SIGRTMAX; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * A process group of its own in init's session: were the agent itself the session's
 * leader, its group would be orphaned and Ctrl-Z without effect. SIGTTOU, still blocked
 * here, would stop whoever takes the terminal from the background.
 */
static int take_foreground(const struct agent_plan *plan)
{
	if (setpgid(0, 0) < 0)
		return -errno;
	if (plan->pty_slave >= 0 && tcsetpgrp(plan->pty_slave, getpid()) < 0)
		return -errno;
	return 0;
}

/* 0, 1, 2 and @report; nothing else remains open. */
static int arrange_descriptors(const struct agent_plan *plan, int *report)
{
	int fds[4];

	for (int i = 0; i < 4; i++) {
		int from = i == 3 ? *report : plan->spec->stdio[i];

		if (from < 0)
			from = plan->pty_slave >= 0 ? plan->pty_slave : plan->null_fd;
		fds[i] = fcntl(from, F_DUPFD_CLOEXEC, AGENT_FD_FLOOR);
		if (fds[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			return -errno;
	if (dup3(fds[3], 3, O_CLOEXEC) < 0)
		return -errno;
	*report = 3;
	return close_range(4, ~0u, 0) < 0 ? -errno : 0;
}

static int confine(const struct agent_plan *plan, struct error *err)
{
	bool is_scoped = false;
	int r = landlock_scope_agent(&is_scoped, err);

	if (!r && plan->wants_landlock && !is_scoped) {
		error_set(err, "landlock", NULL, "the agent could not be scoped");
		r = -EPERM;
	}
	if (!r)
		r = filter_install_agent(err);
	return r ? r : selftest_agent(plan->layout, err);
}

/* Whether any directory of PATH holds the command, executable or not. */
static bool is_in_path(const char *command)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	while (path && *path) {
		size_t n = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, command);
		if (access(file, F_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/*
 * execvpe() reports EACCES for a command that is nowhere, if one directory of PATH cannot
 * be searched: that would tell the person the wrong thing to mend.
 */
static int execute(const struct agent_plan *plan)
{
	char *const *argv = plan->spec->argv;

	execvpe(argv[0], argv, plan->env);
	if (errno == EACCES && !strchr(argv[0], '/') && !is_in_path(argv[0]))
		return ENOENT;
	return errno ? errno : EACCES;
}

/* Returns only if the agent does not run. */
static void become_agent(const struct agent_plan *plan, int *report, struct agent_report *ret)
{
	int r = take_foreground(plan);

	if (!r)
		r = arrange_descriptors(plan, report);
	if (r < 0)
		error_set(&ret->err, "agent's terminal and descriptors", NULL, "%s", strerror(-r));
	if (!r && chdir(plan->layout->cwd) < 0) {
		r = -errno;
		error_set(&ret->err, plan->layout->cwd, "start mcpjail in another directory",
			  "the working directory cannot be entered in the jail: %s", strerror(-r));
	}
	if (!r)
		r = confine(plan, &ret->err);
	ret->is_broken = r < 0;
	if (r < 0)
		return;
	umask(plan->umask);
	reset_signals();
	ret->exec_error = execute(plan);
}

static _Noreturn void child(const struct agent_plan *plan, int report)
{
	struct agent_report said = {.exec_error = 0};

	become_agent(plan, &report, &said);
	/* One write below PIPE_BUF is whole or not at all; init treats a cut one as broken. */
	if (write(report, &said, sizeof(said)) < 0)
		_exit(JAIL_EXIT_BROKEN);
	_exit(JAIL_EXIT_BROKEN);
}

static void read_report(int fd, struct agent_report *ret)
{
	struct agent_report said;
	ssize_t n;

	do
		n = read(fd, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	*ret = (struct agent_report){.exec_error = 0};
	if (n == 0)
		return;
	if (n == (ssize_t)sizeof(said)) {
		*ret = said;
		return;
	}
	ret->is_broken = true;
	error_set(&ret->err, "agent", NULL, "its process ended before the command was executed");
}

int agent_start(const struct agent_plan *plan, pid_t *ret_pid, struct agent_report *ret_report)
{
	autoclose int from_child = -1, to_init = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from_child = fds[0];
	to_init = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(plan, to_init);
	fd_close(&to_init);
	read_report(from_child, ret_report);
	*ret_pid = pid;
	return 0;
}
