// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/orphans.h"

void supervision_kill_jail(const struct supervision *s)
{
	/* By the descriptor: a number could be somebody else's once init has been reaped. */
	if (s->init_pidfd >= 0)
		syscall(SYS_pidfd_send_signal, s->init_pidfd, SIGKILL, NULL, 0);
	if (s->has_bounds)
		cgroup_kill(&s->bounds.cgroup);
}

static bool is_part(void *arg, pid_t pid)
{
	const struct supervision *s = arg;

	for (int i = 0; i < PARTS; i++)
		if (s->parts[i].pid == pid)
			return true;
	return false;
}

void supervision_end_orphans(struct supervision *s)
{
	if (s->tier_b && !orphans_end(is_part, s, SUPERVISOR_END_MS))
		log_error("processes of the command live on, without a network");
}

void supervision_fail(struct supervision *s, const char *format, ...)
{
	struct run_result *res = s->result;
	va_list ap;

	if (s->stage == STAGE_ENDING)
		return;
	va_start(ap, format);
	vsnprintf(res->reason, sizeof(res->reason), format, ap);
	va_end(ap);
	res->end = s->stage == STAGE_SETUP ? RUN_END_NOT_MADE : RUN_END_BROKEN;
	s->stage = STAGE_ENDING;
	supervision_kill_jail(s);
}

void supervision_note_loss(struct supervision *s, const char *why)
{
	struct run_result *res = s->result;

	log_error("%s: records of what was asked last may be missing", why);
	if (!res->reason[0])
		snprintf(res->reason, sizeof(res->reason),
			 "%.400s: records of what was asked last may be missing", why);
}

static void signal_agent(struct supervision *s, int signo)
{
	if (s->stage == STAGE_RUNNING)
		channel_send(&s->parts[PART_INIT].channel, MSG_SIGNAL,
			     &(struct msg_signal){(uint32_t)signo});
}

void supervision_terminate(struct supervision *s)
{
	/* It may run already: it is told when that is known. A second signal waits for nothing. */
	if (s->stage == STAGE_SETUP && s->has_told_exec && !s->is_to_terminate) {
		s->is_to_terminate = true;
		return;
	}
	if (s->stage == STAGE_SETUP) {
		supervision_fail(s, "ended by a signal before the command was started");
		return;
	}
	if (s->stage == STAGE_ENDING) {
		s->gives_up_output = true;
		return;
	}
	if (s->was_terminated) {
		supervision_kill_jail(s);
		return;
	}
	s->was_terminated = true;
	s->deadline_ms = clock_mono_ms() + SUPERVISOR_TERM_MS;
	signal_agent(s, SIGTERM);
	/* A stopped process takes no SIGTERM. */
	signal_agent(s, SIGCONT);
}

/*
 * A part that loses a peer ends by itself with status 0, and may be reaped before the peer
 * that was killed. The jail is ended by whichever comes first; the person is told the cause.
 */
static void blame(struct supervision *s, const struct part *part, int status)
{
	char why[96];

	/* Others have nothing to record by then; a dialer may miss the proxy it starts beside. */
	if (s->stage == STAGE_ENDING && s->has_outcome && status && part->role == ROLE_PROXY &&
	    !part->is_dismissed) {
		snprintf(why, sizeof(why), "the proxy failed at the end (wait status %#x)",
			 (unsigned)status);
		supervision_note_loss(s, why);
	}
	if (s->stage == STAGE_ENDING &&
	    !(s->blames_a_bystander && status && part->role != ROLE_INIT && !part->is_dismissed))
		return;
	if (s->stage == STAGE_ENDING)
		s->stage = s->result->end == RUN_END_NOT_MADE ? STAGE_SETUP : STAGE_RUNNING;
	if (WIFSIGNALED(status))
		supervision_fail(s, "the %s was killed by signal %d", role_name(part->role),
				 WTERMSIG(status));
	else
		supervision_fail(s, "the %s ended (status %d)", role_name(part->role),
				 WEXITSTATUS(status));
	s->blames_a_bystander = !status;
}

void supervision_on_death(struct supervision *s, struct part *part, int status)
{
	part->pid = 0;
	part->wait_status = status;
	if (part->role == ROLE_INIT && s->stage == STAGE_RUNNING && s->was_terminated) {
		/* Killed by us because the agent did not go: its end is that of a SIGKILL. */
		s->result->end = s->ran_out_of_time ? RUN_END_TIMEOUT : RUN_END_EXITED;
		s->result->wait_status = SIGKILL;
		s->has_outcome = true;
		s->stage = STAGE_ENDING;
	} else {
		blame(s, part, status);
	}
}

/*
 * What a part said just before it died is read first: init's last message is the exit
 * status, or the stage that failed.
 */
void supervision_reap(struct supervision *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->nursery.pid)
			s->nursery.pid = 0;
		if (pid == s->service.nursery.pid)
			s->service.nursery.pid = 0;
		for (int i = 0; i < PARTS; i++) {
			struct part *part = &s->parts[i];

			if (part->pid != pid)
				continue;
			while (part->channel.fd >= 0 && supervision_receive(s, part))
				continue;
			supervision_on_death(s, part, status);
		}
	}
}

int supervision_open_signals(struct supervision *s)
{
	static const int passed[] = {SIGCHLD, SIGTERM, SIGINT,   SIGHUP,  SIGQUIT,
				     SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&set, passed[i]);
	/* Writing to a pipe whose reader is gone, or to the terminal from behind, is no death. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -errno : 0;
}

static void on_signal(struct supervision *s, int signo)
{
	switch (signo) {
	case SIGCHLD:
		supervision_reap(s);
		break;
	case SIGTERM:
		supervision_terminate(s);
		break;
	case SIGWINCH:
		terminal_resize(&s->terminal);
		if (s->pty_master < 0)
			signal_agent(s, signo);
		break;
	case SIGCONT:
		if (s->terminal_input)
			s->terminal_input->pauses = !terminal_take(&s->terminal);
		signal_agent(s, signo);
		break;
	case SIGTSTP:
		s->has_passed_tstp = s->stage == STAGE_RUNNING;
		signal_agent(s, signo);
		break;
	case SIGUSR1:
	case SIGUSR2:
		signal_agent(s, signo);
		break;
	default:
		if (s->stage == STAGE_RUNNING)
			signal_agent(s, signo);
		else
			supervision_terminate(s);
		break;
	}
}

void supervision_read_signals(struct supervision *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(s, (int)info.ssi_signo);
}

void supervision_check_time(struct supervision *s)
{
	uint64_t now = clock_mono_ms();

	if (s->stage == STAGE_RUNNING && s->service.at_ms && now >= s->service.at_ms)
		supervision_start_service(s);
	if (s->stage == STAGE_SETUP && now >= s->deadline_ms) {
		supervision_fail(s, "the jail was not ready after %d s",
				 SUPERVISOR_SETUP_MS / 1000);
	} else if (s->stage == STAGE_RUNNING && s->deadline_ms && now >= s->deadline_ms) {
		s->deadline_ms = 0;
		supervision_kill_jail(s);
	} else if (s->stage == STAGE_RUNNING && s->timeout_at_ms && now >= s->timeout_at_ms) {
		s->ran_out_of_time = true;
		s->timeout_at_ms = 0;
		supervision_terminate(s);
	}
}

int supervision_time_left(const struct supervision *s)
{
	uint64_t now = clock_mono_ms(), until = s->deadline_ms;

	if (s->timeout_at_ms && (!until || s->timeout_at_ms < until))
		until = s->timeout_at_ms;
	if (s->service.at_ms && (!until || s->service.at_ms < until))
		until = s->service.at_ms;
	if (!until)
		return -1;
	return until <= now ? 0 : (int)(until - now < 60000 ? until - now : 60000);
}
