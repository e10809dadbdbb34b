// SPDX-License-Identifier: Apache-2.0
/*
 * The supervisor holds the privilege and the person's terminal. It starts the roles and
 * the jail's init side by side, and lets the agent start only when every one of them has
 * said that it is confined and works:
 *
 *	keeper ready (its CA) ──► init: trust        init's sockets ──► proxy: listeners
 *	keeper, dialer, proxy, jail all ready ──► init: exec ──► execed
 *
 * From then on it waits. The end of any part but the agent is a failure of the jail: init
 * is killed first, with it everything in its pid namespace, and only then is anything
 * else looked at. It never reads what the agent or the network wrote, except to copy the
 * bytes of the agent's output.
 */
#include "roles/supervision.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* One turn: wait for anything, act on all of it. @wait_ms: -1 waits for as long as it takes */
static void turn(struct supervision *s, int wait_ms)
{
	struct pollfd fds[1 + PARTS + 2 * RELAY_PUMPS_MAX];
	size_t n = 1 + PARTS;

	fds[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	for (int i = 0; i < PARTS; i++)
		fds[1 + i] = (struct pollfd){.fd = s->parts[i].channel.fd, .events = POLLIN};
	n += relay_poll(s->plan->relay, fds + n);
	if (poll(fds, n, wait_ms) < 0)
		return;
	for (int i = 0; i < PARTS; i++)
		if (fds[1 + i].revents)
			supervision_receive(s, &s->parts[i]);
	if (fds[0].revents)
		supervision_read_signals(s);
	relay_move(s->plan->relay, fds + 1 + PARTS);
}

/* ---- the end ----------------------------------------------------------- */

static bool init_is_gone(const struct supervision *s)
{
	return s->parts[PART_INIT].pid == 0;
}

static bool proxy_is_gone(const struct supervision *s)
{
	return s->parts[PART_PROXY].pid == 0;
}

static bool ledger_is_closed(const struct supervision *s)
{
	return s->result->has_ledger || s->parts[PART_KEEPER].channel.fd < 0;
}

static bool all_are_gone(const struct supervision *s)
{
	for (int i = 0; i < PARTS; i++)
		if (s->parts[i].pid)
			return false;
	return true;
}

static void await(struct supervision *s, bool (*is_done)(const struct supervision *))
{
	uint64_t until = clock_mono_ms() + SUPERVISOR_END_MS, now;

	while (!is_done(s) && (now = clock_mono_ms()) < until)
		turn(s, (int)(until - now));
}

/*
 * Whoever reads the agent's output may be slow, or a terminal that is held (Ctrl-S): as long as
 * it may yet read, waiting is what the agent itself would have done. A signal ends the wait.
 */
static void await_output(struct supervision *s)
{
	while (!relay_is_drained(s->plan->relay) && !s->gives_up_output)
		turn(s, -1);
	if (!relay_is_drained(s->plan->relay))
		log_error("ended by a signal: the rest of the command's output was dropped");
}

static void kill_part(struct part *part)
{
	if (part->pid > 0)
		kill(part->pid, SIGKILL);
}

static void tell_keeper_the_end(struct supervision *s)
{
	const struct run_result *res = s->result;
	struct msg_run_ended ended = {.child_exit = 256, .failure = span_of(res->reason)};

	if (s->has_outcome && res->end != RUN_END_NOT_EXECED) {
		if (WIFEXITED(res->wait_status))
			ended.child_exit = (uint32_t)WEXITSTATUS(res->wait_status);
		else
			ended.signal = (uint32_t)WTERMSIG(res->wait_status);
	} else if (res->end == RUN_END_BROKEN) {
		ended.signal = SIGKILL;
	}
	if (s->parts[PART_KEEPER].channel.fd >= 0 && s->parts[PART_KEEPER].is_ready &&
	    !channel_send(&s->parts[PART_KEEPER].channel, MSG_RUN_ENDED, &ended))
		await(s, ledger_is_closed);
}

/*
 * In this order: the jail's last process, its last output, the proxy (which sends the
 * keeper what it still has to record when its channel closes), the ledger, the rest.
 */
static void end_run(struct supervision *s)
{
	await(s, init_is_gone);
	supervision_kill_jail(s);
	await(s, init_is_gone);
	await_output(s);
	terminal_give_back(&s->terminal);
	if (s->pty_master >= 0)
		terminal_reset(STDERR_FILENO);
	channel_close(&s->parts[PART_PROXY].channel);
	await(s, proxy_is_gone);
	if (!proxy_is_gone(s)) {
		/* What it had still to record is lost: the ledger says so. */
		snprintf(s->result->reason, sizeof(s->result->reason),
			 "the proxy did not end in %d s and was killed: records may be missing",
			 SUPERVISOR_END_MS / 1000);
		log_error("%s", s->result->reason);
		kill_part(&s->parts[PART_PROXY]);
	}
	tell_keeper_the_end(s);
	for (int i = 0; i < PARTS; i++)
		channel_close(&s->parts[i].channel);
	await(s, all_are_gone);
	for (int i = 0; i < PARTS; i++)
		kill_part(&s->parts[i]);
}

void supervisor_run(const struct supervisor_plan *plan, struct run_result *ret)
{
	static const enum role roles[PARTS] = {ROLE_KEEPER, ROLE_DIALER, ROLE_PROXY, ROLE_INIT};
	struct supervision s = {.plan = plan,
				.result = ret,
				.terminal = {.fd = -1, .master = -1},
				.signal_fd = -1,
				.init_pidfd = -1,
				.pty_master = -1,
				.deadline_ms = clock_mono_ms() + SUPERVISOR_SETUP_MS};
	int r;

	*ret = (struct run_result){.end = RUN_END_NOT_MADE};
	for (int i = 0; i < PARTS; i++)
		s.parts[i] = (struct part){.role = roles[i], .channel = {.fd = -1}};
	r = supervision_open_signals(&s);
	if (r)
		supervision_fail(&s, "signals cannot be received: %s", strerror(-r));
	else
		supervision_start(&s);
	stdio_close_agent_side(plan->stdio);
	while (s.stage != STAGE_ENDING) {
		turn(&s, supervision_time_left(&s));
		supervision_check_time(&s);
	}
	end_run(&s);
	fd_close(&s.pty_master);
	fd_close(&s.init_pidfd);
	fd_close(&s.signal_fd);
}
