// SPDX-License-Identifier: Apache-2.0
/*
 * The supervisor holds the privilege and the person's terminal. It starts the keeper and
 * the jail's init side by side, and lets the agent start only when every one of them has
 * said that it is confined and works:
 *
 *	keeper ready (its CA) ──► init: trust
 *	keeper and jail ready ──► init: exec ──► execed
 *	init's sockets and the listener of the agent's filter, from init ──► proxy, dialer, broker
 *	(in tier A a moment later, or when the agent first asks for one of them)
 *
 * From then on it waits. The end of any part but the agent is a failure of the jail: init
 * is killed first, with it everything in its pid namespace, and only then is anything
 * else looked at. It never reads what the agent or the network wrote, except to copy the
 * bytes of the agent's output, and to find what git would enter afterwards
 * (jail/submodules.h).
 */
#include "roles/supervision.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* One turn: wait for anything, act on all of it. @wait_ms: -1 waits for as long as it takes */
static void turn(struct supervision *s, int wait_ms)
{
	enum { SIGNALS = 0, CONTROL, CHANNELS = CONTROL + CONTROL_FDS, PUMPS = CHANNELS + PARTS };
	struct pollfd fds[PUMPS + 2 * RELAY_PUMPS_MAX + SERVICE_POLLS];
	size_t n = PUMPS, service, n_service = 0;

	fds[SIGNALS] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	for (int i = 0; i < PARTS; i++)
		fds[CHANNELS + i] = (struct pollfd){.fd = s->parts[i].channel.fd, .events = POLLIN};
	control_poll(&s->control, fds + CONTROL);
	n += relay_poll(s->plan->relay, fds + n);
	/* Looked at last: what was asked before init said its word is seen in the same turn. */
	service = n;
	if (s->stage == STAGE_RUNNING)
		n_service = supervision_poll_service(s, fds + n);
	if (poll(fds, n + n_service, wait_ms) < 0)
		return;
	if (supervision_is_asked(fds + service, n_service))
		supervision_start_service(s);
	for (int i = 0; i < PARTS; i++)
		if (fds[CHANNELS + i].revents)
			supervision_receive(s, &s->parts[i]);
	if (fds[SIGNALS].revents)
		supervision_read_signals(s);
	control_move(s, fds + CONTROL);
	relay_move(s->plan->relay, fds + PUMPS);
}

/* ---- the end ----------------------------------------------------------- */

static bool init_is_gone(const struct supervision *s)
{
	return s->parts[PART_INIT].pid == 0;
}

/* It has sent to the keeper what it had to; tidying may go on. */
static bool proxy_has_ended(const struct supervision *s)
{
	return s->parts[PART_PROXY].pid == 0 || s->parts[PART_PROXY].channel.fd < 0;
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
	struct msg_run_ended ended = {.child_exit = 256,
				      .failure = span_of(res->reason),
				      .second_wall = span_of(s->stopped),
				      .submodules = span_of(s->submodules)};

	if (s->has_outcome && res->end != RUN_END_NOT_EXECED) {
		if (WIFEXITED(res->wait_status))
			ended.child_exit = (uint32_t)WEXITSTATUS(res->wait_status);
		else
			ended.signal = (uint32_t)WTERMSIG(res->wait_status);
	} else if (res->end == RUN_END_BROKEN) {
		ended.signal = SIGKILL;
	}
	s->awaits_ledger = s->parts[PART_KEEPER].channel.fd >= 0 &&
			   s->parts[PART_KEEPER].is_ready &&
			   !channel_send(&s->parts[PART_KEEPER].channel, MSG_RUN_ENDED, &ended);
}

/*
 * Whoever it could answer is gone, and what it had to record it has sent before each answer. It
 * may be starting still: nobody has waited for that, and nobody is to wait for it now.
 */
static void dismiss_broker(struct supervision *s)
{
	/* Tier B's ends what the command left behind, of which it is the parent. */
	if (s->tier_b)
		return;
	s->parts[PART_BROKER].is_dismissed = true;
	kill_part(&s->parts[PART_BROKER]);
}

/* It hears that this was all, and closes its own end when it has served what it had. */
static void end_proxy(struct supervision *s)
{
	if (s->parts[PART_PROXY].channel.fd >= 0)
		shutdown(s->parts[PART_PROXY].channel.fd, SHUT_WR);
}

static void end_jail(struct supervision *s)
{
	await(s, init_is_gone);
	supervision_kill_jail(s);
	await(s, init_is_gone);
	if (s->tier_b)
		supervision_end_orphans(s);
	supervision_end_bounds(s);
	placeholders_begin_removal(&s->placeholders);
}

/* The last output, the last of what the proxy has to record, and the keeper is told. */
static void end_service(struct supervision *s)
{
	char why[64];

	await_output(s);
	terminal_give_back(&s->terminal);
	if (s->pty_master >= 0)
		terminal_reset(STDERR_FILENO);
	supervision_serve_the_last(s);
	end_proxy(s);
	await(s, proxy_has_ended);
	if (!proxy_has_ended(s)) {
		/* What it had still to record is lost: the ledger says so. */
		snprintf(why, sizeof(why), "the proxy did not end in %d s and was killed",
			 SUPERVISOR_END_MS / 1000);
		supervision_note_loss(s, why);
		s->parts[PART_PROXY].is_dismissed = true;
		kill_part(&s->parts[PART_PROXY]);
	}
	dismiss_broker(s);
	supervision_count_stopped(s);
	supervision_tell_submodules(s);
	tell_keeper_the_end(s);
	/* While others end: it takes the kernel a good part of a millisecond. */
	if (s->jail_is_empty)
		supervision_drop_wall(s);
}

/*
 * In this order: the jail's last process, its last output, the proxy (which sends the
 * keeper what it still has to record), the ledger, the rest. Where init has said that it is
 * alone, the ledger is closed while the kernel takes the jail's namespaces apart.
 */
static void end_run(struct supervision *s)
{
	/* With its namespaces, which are init's to take apart: here it would be waited for. */
	supervision_drop_calls(s);
	if (s->jail_is_empty) {
		end_service(s);
		placeholders_begin_removal(&s->placeholders);
		end_jail(s);
	} else {
		end_jail(s);
		end_service(s);
	}
	if (s->awaits_ledger)
		await(s, ledger_is_closed);
	supervision_end_service(s);
	for (int i = 0; i < PARTS; i++)
		channel_close(&s->parts[i].channel);
	await(s, all_are_gone);
	nursery_end(&s->nursery);
	for (int i = 0; i < PARTS; i++)
		kill_part(&s->parts[i]);
	if (s->tier_b)
		supervision_end_orphans(s);
	placeholders_remove(&s->placeholders);
}

int supervisor_begin(struct supervision **ret, struct error *err)
{
	static const enum role roles[PARTS] = {ROLE_KEEPER, ROLE_DIALER, ROLE_PROXY, ROLE_BROKER,
					       ROLE_INIT};
	struct supervision *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct supervision){.terminal = {.fd = -1, .master = -1},
				  .signal_fd = -1,
				  .init_pidfd = -1,
				  .pty_master = -1,
				  .nursery = NURSERY_NONE,
				  .service = SERVICE_NONE,
				  .control = control_none(),
				  .placeholders = PLACEHOLDERS_NONE,
				  .wall_error = {.where = ""}};
	for (int i = 0; i < PARTS; i++)
		s->parts[i] = (struct part){.role = roles[i], .channel = {.fd = -1}};
	/* Who asks them for something waits for them; nobody else does. */
	for (int i = PART_DIALER; i <= PART_BROKER; i++)
		s->parts[i].is_ready = true;
	r = supervision_start_keeper(s, err);
	if (r)
		supervisor_abandon(s);
	else
		*ret = s;
	return r;
}

void supervisor_abandon(struct supervision *s)
{
	if (!s)
		return;
	(void)supervision_await_keeper(s);
	nursery_end(&s->nursery);
	for (int i = 0; i < PARTS; i++) {
		kill_part(&s->parts[i]);
		channel_close(&s->parts[i].channel);
	}
	free(s);
}

void supervisor_run(struct supervision *s, const struct supervisor_plan *plan,
		    struct run_result *ret)
{
	int r;

	*ret = (struct run_result){.end = RUN_END_NOT_MADE};
	clock_gettime(CLOCK_REALTIME_COARSE, &s->begun);
	s->plan = plan;
	s->result = ret;
	s->deadline_ms = clock_mono_ms() + SUPERVISOR_SETUP_MS;
	r = supervision_open_signals(s);
	if (r)
		supervision_fail(s, "signals cannot be received: %s", strerror(-r));
	else
		supervision_start(s);
	stdio_close_agent_side(plan->stdio);
	while (s->stage != STAGE_ENDING) {
		turn(s, supervision_time_left(s));
		supervision_check_time(s);
	}
	control_close(s);
	end_run(s);
	tier_b_free(s->tier_b);
	fd_close(&s->pty_master);
	fd_close(&s->init_pidfd);
	fd_close(&s->signal_fd);
	free(s);
}
