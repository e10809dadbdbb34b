// SPDX-License-Identifier: Apache-2.0
/*
 * Between fork() and exec() the child has the privileges of init, which are none, and
 * gives up what is left: descriptors, the terminal's background, what Landlock takes, the
 * system calls of the filter. Then it tests itself.
 *
 * Child and init hold the ends of one socket, where each message keeps its bounds:
 *
 *	init  -> child	AGENT_GO: init is confined too, nothing of the jail is unfinished
 *	child -> init	AGENT_READY, with the listener of its filter's notifications, and exec:
 *			the end of the socket, closed by it, is success
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filter.h"
#include "jail/landlock.h"
#include "jail/bounds.h"
#include "jail/selftest.h"

_Static_assert(LAYOUT_WRITABLE_MAX <= LANDLOCK_TREES_MAX, "each writable tree has its rule");

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

/* Without namespaces of its own the jail does not reach into such of the agent's. */
static unsigned switches_of(const struct jail_spec *spec)
{
	if (spec->tier == JAIL_TIER_B)
		return FILTER_TIER_B | (spec->allows_ptrace ? FILTER_PTRACE : 0);
	return (spec->allows_nested_sandbox ? FILTER_NESTED_SANDBOX : 0) |
	       (spec->allows_ptrace ? FILTER_PTRACE : 0);
}

static int confine_b(const struct agent_plan *plan, int *ret_listener, struct error *err)
{
	int r = tier_b_confine_agent(plan->tier_b, err);

	if (!r)
		r = filter_install_agent(switches_of(plan->spec), ret_listener, err);
	return r ? r : tier_b_selftest(plan->tier_b, err);
}

static int confine(const struct agent_plan *plan, int *ret_listener, struct error *err)
{
	const char *trees[LAYOUT_WRITABLE_MAX];
	size_t n = layout_writable_places(plan->layout, trees);
	bool is_scoped = false;
	int r = landlock_confine_agent(plan->layout->nests ? NULL : trees, n, &is_scoped, err);

	if (!r && plan->wants_landlock && !is_scoped) {
		error_set(err, "landlock", NULL, "the agent could not be scoped");
		r = -EPERM;
	}
	if (!r)
		r = filter_install_agent(switches_of(plan->spec), ret_listener, err);
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

static int send_ready(int line, int listener)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char ready = AGENT_READY;
	struct iovec iov = {&ready, 1};
	const struct msghdr message = {.msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &listener, sizeof(listener));
	return sendmsg(line, &message, MSG_NOSIGNAL) == 1 ? 0 : -EPIPE;
}

/* Wait until init lets it run, and say that it will. Without init there is nobody to run for. */
static void wait_for_go(int line, int listener)
{
	char go;
	ssize_t n;

	do
		n = read(line, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1 || go != AGENT_GO || send_ready(line, listener))
		_exit(JAIL_EXIT_BROKEN);
	close(listener);
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
	int r = take_foreground(plan), listener = -1;

	/* In tier A it ends with init by the pid namespace. */
	if (!r && plan->tier_b && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		r = -errno;
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
	if (!r && plan->spec->bounds)
		r = bounds_bind_agent(plan->spec->bounds, &ret->err);
	if (!r)
		r = plan->tier_b ? confine_b(plan, &listener, &ret->err)
				 : confine(plan, &listener, &ret->err);
	ret->is_broken = r < 0;
	if (r < 0)
		return;
	wait_for_go(*line, listener);
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

/* The descriptor that a message brought: there is room for one. */
static int take_descriptor(struct msghdr *message)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int fd;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* A child that ends without having read AGENT_GO resets the socket, once; what it said is there. */
static ssize_t read_message(int line, struct agent_report *ret, int *ret_listener)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	struct iovec iov = {ret, sizeof(*ret)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		n = recvmsg(line, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n > 0 && *ret_listener < 0)
		*ret_listener = take_descriptor(&message);
	return n;
}

static void report_end(struct agent_report *ret)
{
	*ret = (struct agent_report){.is_broken = true};
	error_set(&ret->err, "agent", NULL, "its process ended before the command was executed");
}

int agent_release(int line, int *ret_listener, struct agent_report *ret_report)
{
	const char go = AGENT_GO;
	autoclose int listener = -1;
	struct agent_report said;
	ssize_t n;

	/* If it is gone already it has said why, or its silence does; init blocks SIGPIPE. */
	(void)!write(line, &go, 1);
	n = read_message(line, &said, &listener);
	if (n == 1 && *(const char *)&said == AGENT_READY && listener >= 0) {
		*ret_listener = fd_take(&listener);
		return 0;
	}
	if (n == (ssize_t)sizeof(said))
		*ret_report = said;
	else
		report_end(ret_report);
	return -ECHILD;
}

void agent_await(int line, struct agent_report *ret_report)
{
	struct agent_report said;
	int none = -1;
	ssize_t n = read_message(line, &said, &none);

	fd_close(&none);
	if (n == (ssize_t)sizeof(said))
		*ret_report = said;
	else if (n == 0)
		*ret_report = (struct agent_report){.exec_error = 0};
	else
		report_end(ret_report);
}
