// SPDX-License-Identifier: Apache-2.0
#include "roles/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum stream { STREAM_PUMPED = 0, STREAM_TERMINAL, STREAM_CLOSED, STREAM_DIRECTORY };

static enum stream stream_of(int fd, struct stat *ret_st)
{
	if (fstat(fd, ret_st))
		return STREAM_CLOSED;
	if (S_ISDIR(ret_st->st_mode))
		return STREAM_DIRECTORY;
	return isatty(fd) ? STREAM_TERMINAL : STREAM_PUMPED;
}

/* `>log 2>&1`: one pipe for both keeps the order of what is written. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_rdev == b->st_rdev;
}

static int pump_stream(struct stdio_plan *plan, struct relay *relay, int i)
{
	bool is_input = i == STDIN_FILENO;
	struct pump *pump;
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	plan->agent[i] = pipe_fds[is_input ? 0 : 1];
	plan->owns[i] = true;
	pump = relay_add(relay, is_input ? i : pipe_fds[0], is_input ? pipe_fds[1] : i);
	if (!pump) {
		close(pipe_fds[is_input ? 1 : 0]);
		return -ENOMEM;
	}
	pump->owns_from = !is_input;
	pump->owns_to = is_input;
	pump->inert = is_input;
	/* Only the end that is ours alone: the other's file description is the agent's. */
	return fcntl(pipe_fds[is_input ? 1 : 0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

/* A closed stream becomes one without bytes, so that what is opened next is not taken for it. */
static int open_empty(struct stdio_plan *plan, int i)
{
	int pipe_fds[2], kept = i == STDIN_FILENO ? 0 : 1;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	close(pipe_fds[1 - kept]);
	plan->agent[i] = pipe_fds[kept];
	plan->owns[i] = true;
	return 0;
}

/* A description of our own, so that O_NONBLOCK does not reach the shell that we share it with. */
static void open_terminal(struct stdio_plan *plan, int i)
{
	char path[32];

	if (i == STDIN_FILENO)
		plan->terminal_in = i;
	/* Standard input's will do for the echo and /dev/tty where nothing else is a terminal. */
	if (plan->terminal_out < 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		plan->terminal_out = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (plan->terminal_out < 0)
			plan->terminal_out = fcntl(i, F_DUPFD_CLOEXEC, 3);
	}
	plan->wants_pty = true;
	plan->agent[i] = -1;
}

int stdio_plan(struct stdio_plan *ret, struct relay *relay, struct error *err)
{
	struct stdio_plan plan = {.agent = {-1, -1, -1}, .terminal_in = -1, .terminal_out = -1};
	struct stat st[3];
	int r = 0;

	memset(st, 0, sizeof(st));
	for (int i = 0; !r && i < 3; i++) {
		enum stream stream = stream_of(i, &st[i]);

		plan.agent[i] = i;
		if (stream == STREAM_TERMINAL)
			open_terminal(&plan, i);
		else if (stream == STREAM_CLOSED)
			r = open_empty(&plan, i);
		else if (stream == STREAM_DIRECTORY)
			r = -EISDIR;
		else if (stream == STREAM_PUMPED && i == 2 && plan.owns[1] &&
			 is_same_file(&st[1], &st[2]))
			plan.agent[2] = plan.agent[1];
		else if (stream == STREAM_PUMPED)
			r = pump_stream(&plan, relay, i);
	}
	if (r) {
		error_set(err, "standard input and output", "redirect them to files or pipes",
			  "cannot be given to the agent: %s", strerror(-r));
		stdio_plan_free(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void stdio_close_agent_side(struct stdio_plan *plan)
{
	for (int i = 0; i < 3; i++) {
		if (plan->owns[i])
			fd_close(&plan->agent[i]);
		plan->owns[i] = false;
	}
}

void stdio_plan_free(struct stdio_plan *plan)
{
	stdio_close_agent_side(plan);
	fd_close(&plan->terminal_out);
}
