// SPDX-License-Identifier: Apache-2.0
/*
 * Between fork() and exec() the child has the privileges of init, which are none, and
 * gives up what is left: descriptors, the terminal's background, what Landlock takes, the
 * system calls of the filter. Then it tests itself.
 *
 * Child and init hold the ends of one socket, where each message keeps its bounds:
 *
 *	init  -> child	AGENT_GO: init is confined too, nothing of the jail is unfinished
 *	child -> init	AGENT_READY, and exec: the end of the socket, closed by it, is success
 *	child -> init	a report: it will not run. Before AGENT_READY, or after it if exec failed
 *
 * An end without AGENT_READY is a child that died on the way.
 */
#include "jail/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filter.h"
#include "jail/landlock.h"
#include "jail/selftest.h"

_Static_assert(LAYOUT_TREES_MAX <= LANDLOCK_TREES_MAX, "each writable tree has its rule");

#define AGENT_GO       'g'
#define AGENT_READY    'r'
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

/* 0, 1, 2 and @line; nothing else remains open. */
static int arrange_descriptors(const struct agent_plan *plan, int *line)
{
	int fds[4];

	for (int i = 0; i < 4; i++) {
		int from = i == 3 ? *line : plan->spec->stdio[i];

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
	*line = 3;
	return close_range(4, ~0u, 0) < 0 ? -errno : 0;
}

static int confine(const struct agent_plan *plan, struct error *err)
{
	const char *trees[LAYOUT_TREES_MAX];
	size_t n = layout_writable_trees(plan->layout, trees);
	bool is_scoped = false;
	int r = landlock_confine_agent(trees, n, &is_scoped, err);

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

/* Wait until init lets it run, and say that it will. Without init there is nobody to run for. */
static void wait_for_go(int line)
{
	const char ready = AGENT_READY;
	char go;
	ssize_t n;

	do
		n = read(line, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1 || go != AGENT_GO || write(line, &ready, 1) != 1)
		_exit(JAIL_EXIT_BROKEN);
}

/*
 * A core dump of the agent goes to no file and, where core_pattern names a program, not to that,
 * which would run as root outside of the jail: the value 1, not 0, is the kernel's sign for it.
 */
static int refuse_core_dumps(void)
{
	const struct rlimit special = {1, 1};
	struct rlimit now;

	/* Lower already: it cannot be raised again. */
	if (getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_max < special.rlim_max)
		return 0;
	return setrlimit(RLIMIT_CORE, &special) < 0 ? -errno : 0;
}

/* Returns only if the agent does not run. */
static void become_agent(const struct agent_plan *plan, int *line, struct agent_report *ret)
{
	int r = take_foreground(plan);

	if (!r)
		r = arrange_descriptors(plan, line);
	if (!r)
		r = refuse_core_dumps();
	if (r < 0)
		error_set(&ret->err, "agent's terminal, descriptors and limits", NULL, "%s",
			  strerror(-r));
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
	wait_for_go(*line);
	umask(plan->umask);
	reset_signals();
	ret->exec_error = execute(plan);
}

static _Noreturn void child(const struct agent_plan *plan, int line)
{
	struct agent_report said = {.exec_error = 0};

	become_agent(plan, &line, &said);
	/* If it cannot be said, the end of the socket says that something is broken. */
	if (write(line, &said, sizeof(said)) < 0)
		_exit(JAIL_EXIT_BROKEN);
	_exit(JAIL_EXIT_BROKEN);
}

int agent_start(const struct agent_plan *plan, pid_t *ret_pid, int *ret_line)
{
	autoclose int ours = -1, theirs = -1;
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ours = fds[0];
	theirs = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(plan, theirs);
	*ret_pid = pid;
	*ret_line = fd_take(&ours);
	return 0;
}

/* A child that ends without having read AGENT_GO resets the socket, once; what it said is there. */
static ssize_t read_message(int line, struct agent_report *ret)
{
	ssize_t n;

	do
		n = read(line, ret, sizeof(*ret));
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n;
}

void agent_release(int line, struct agent_report *ret_report)
{
	const char go = AGENT_GO;
	struct agent_report said;
	bool is_ready;
	ssize_t n;

	/* If it is gone already it has said why, or its silence does; init blocks SIGPIPE. */
	(void)!write(line, &go, 1);
	n = read_message(line, &said);
	is_ready = n == 1 && *(const char *)&said == AGENT_READY;
	if (is_ready)
		n = read_message(line, &said);
	*ret_report = (struct agent_report){.exec_error = 0};
	if (n == (ssize_t)sizeof(said)) {
		*ret_report = said;
		return;
	}
	if (is_ready && n == 0)
		return;
	ret_report->is_broken = true;
	error_set(&ret_report->err, "agent", NULL,
		  "its process ended before the command was executed");
}
