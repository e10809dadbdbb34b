// SPDX-License-Identifier: Apache-2.0
#include "roles/supervision.h"

#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

static void check_required_layers(struct supervision *s)
{
	const char *at = s->plan->require;

	while (at && *at) {
		size_t n = strcspn(at, ",");
		char why_not[ERROR_LINE_BYTES] = "";

		if (n == strlen("bpf") && !strncmp(at, "bpf", n))
			error_format(&s->wall_error, why_not, sizeof(why_not));
		if (!text_list_has(s->layers, span_bytes(at, n)))
			supervision_fail(s,
					 "--require: '%.*s' is not in force%s%s; in force are %s",
					 (int)n, at, why_not[0] ? ": " : "", why_not, s->layers);
		at += n + (at[n] == ',');
	}
}

static void start_agent_when_ready(struct supervision *s)
{
	for (int i = 0; i < PARTS; i++)
		if (!s->parts[i].is_ready || s->has_told_exec)
			return;
	s->has_told_exec = true;
	check_required_layers(s);
	if (s->stage == STAGE_SETUP && channel_send(&s->parts[PART_INIT].channel, MSG_EXEC, NULL))
		supervision_fail(s, "init could not be told to start the command");
}

static int on_keeper_ready(struct supervision *s, struct message *m)
{
	struct msg_keeper_ready ready;
	int r = message_decode(m, &ready);

	if (r)
		return r;
	s->parts[PART_KEEPER].is_ready = true;
	return channel_send(&s->parts[PART_INIT].channel, MSG_TRUST,
			    &(struct msg_trust){ready.ca_pem, ready.ca_subject_hash});
}

/* Of a process that is no child of ours. Return: 0 if it has ended */
static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Pid: %d", &pid) != 1)
		;
	if (f)
		fclose(f);
	return pid > 0 ? pid : 0;
}

static uint16_t port_of(int listener)
{
	union {
		struct sockaddr head;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = {.v6 = {0}};
	socklen_t n = sizeof(name);

	if (getsockname(listener, &name.head, &n))
		return 0;
	return ntohs(name.head.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
}

/* Order of the descriptors: TCP, init's pidfd, the pty's master if there is one, TCP over IPv6. */
static int on_jail_sockets_b(struct supervision *s, struct message *m)
{
	struct part *init = &s->parts[PART_INIT];
	bool wants_pty = s->plan->jail.wants_pty;
	size_t n = 0, tcp6_at = wants_pty ? 3 : 2;
	struct error err = {.where = ""};
	int fds[2], r;

	if (m->n_fds < tcp6_at)
		return -EPROTO;
	s->init_pidfd = message_take_fd(m, 1);
	init->pid = pid_of(s->init_pidfd);
	if (!init->pid)
		return 0; /* the end of its channel is about to be read */
	if (s->has_bounds && bounds_place(&s->bounds, init->pid, &err)) {
		supervision_fail(s, "%s: %s", err.where, err.what);
		return 0;
	}
	if (wants_pty)
		s->pty_master = message_take_fd(m, 2);
	fds[n++] = m->fds[0];
	if (m->n_fds > tcp6_at)
		fds[n++] = m->fds[tcp6_at];
	for (size_t i = 0; i < n; i++)
		s->proxy_ports[i] = port_of(fds[i]);
	r = channel_send_fds(&s->parts[PART_PROXY].channel, MSG_LISTENERS, NULL, fds, n);
	/* While the proxy prepares itself. */
	supervision_raise_wall(s, fds[0]);
	return r;
}

/* Order of the descriptors: TCP, DNS UDP, DNS TCP, the pty's master if there is one, netlog. */
static int on_jail_sockets(struct supervision *s, struct message *m)
{
	bool wants_pty = s->plan->jail.wants_pty;
	size_t netlog_at = wants_pty ? 4 : 3;

	if (s->jail.tier == JAIL_TIER_B)
		return on_jail_sockets_b(s, m);
	if (m->n_fds < netlog_at)
		return -EPROTO;
	if (wants_pty)
		s->pty_master = message_take_fd(m, 3);
	supervision_raise_wall(s, m->fds[0]);
	return supervision_keep_listeners(s, m, 3, m->n_fds > netlog_at);
}

static int on_jail_ready(struct supervision *s, struct message *m)
{
	struct msg_jail_ready ready;
	char line[TIER_B_TEXT_MAX];
	int r = message_decode(m, &ready);

	if (r)
		return r;
	span_copy(ready.layers, s->layers, sizeof(s->layers));
	if (s->jail.tier == JAIL_TIER_B) {
		tier_b_tell(s->why_b.what[0] ? &s->why_b : NULL, s->layers, line);
		log_notice("%s", line);
	}
	supervision_tell_bounds(s);
	s->parts[PART_INIT].is_ready = true;
	return 0;
}

static int on_jail_failed(struct supervision *s, struct message *m)
{
	struct msg_jail_failed failed;
	int r = message_decode(m, &failed);

	if (r)
		return r;
	supervision_fail(s, "%.*s: %.*s%s%.*s", (int)failed.where.n, failed.where.p,
			 (int)failed.what.n, failed.what.p, failed.mend.n ? "; " : "",
			 (int)failed.mend.n, failed.mend.p);
	return 0;
}

/* The first child of init, as seen from outside. For the record only. */
static uint32_t agent_pid(const struct supervision *s)
{
	char path[64], text[32] = "";
	int init = s->parts[PART_INIT].pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", init, init);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	return (uint32_t)strtoul(text, NULL, 10);
}

static void start_relaying(struct supervision *s)
{
	const struct stdio_plan *stdio = s->plan->stdio;

	if (s->pty_master < 0)
		return;
	fcntl(s->pty_master, F_SETFL, O_NONBLOCK);
	s->terminal = (struct terminal){.fd = stdio->terminal_in, .master = s->pty_master};
	/* There is room: stdio_plan() takes at most one pump per stream that is no terminal. */
	relay_add(s->plan->relay, s->pty_master, stdio->terminal_out);
	if (stdio->terminal_in >= 0)
		s->terminal_input = relay_add(s->plan->relay, stdio->terminal_in, s->pty_master);
	if (s->terminal_input) {
		s->terminal_input->inert = true;
		s->terminal_input->pauses = !terminal_take(&s->terminal);
		s->terminal_input->watched = terminal_suspend_key(&s->terminal);
	}
	terminal_resize(&s->terminal);
}

static int on_execed(struct supervision *s, struct message *m)
{
	struct msg_execed execed;
	struct msg_run_execed run = {.tier = span_of(s->jail.tier == JAIL_TIER_A ? "a" : "b"),
				     .layers = span_of(s->layers)};
	int r = message_decode(m, &execed);

	/* Something has failed meanwhile, and the jail is being killed. */
	if (r || s->stage == STAGE_ENDING)
		return r;
	if (execed.error) {
		s->result->end = RUN_END_NOT_EXECED;
		s->result->exec_errno = (int)execed.error;
		s->has_outcome = true;
		s->stage = STAGE_ENDING;
	} else {
		run.pid = agent_pid(s);
		s->stage = STAGE_RUNNING;
		s->deadline_ms = 0;
		if (!s->service.is_started)
			s->service.at_ms = clock_mono_ms() + SUPERVISOR_SERVICE_MS;
		if (s->plan->timeout_ms)
			s->timeout_at_ms = clock_mono_ms() + s->plan->timeout_ms;
		start_relaying(s);
		control_open(s);
		if (s->is_to_terminate)
			supervision_terminate(s);
	}
	return channel_send(&s->parts[PART_KEEPER].channel, MSG_RUN_EXECED, &run);
}

/*
 * The agent has stopped. Where that is job control, so do we, towards the shell that started
 * us: Ctrl-Z that the person typed into the jail's pty, or a SIGTSTP that we passed on. Any
 * other stop is the agent's own affair; it must not put its warden to sleep.
 */
static int on_stopped(struct supervision *s, struct message *m)
{
	struct msg_stopped stopped;
	int r = message_decode(m, &stopped);
	bool is_terminals = !r && (stopped.signo == SIGTSTP || stopped.signo == SIGTTIN ||
				   stopped.signo == SIGTTOU);

	if (s->terminal_input && s->terminal_input->has_seen)
		s->terminal_input->has_seen = false;
	else
		is_terminals = false;
	if (r || !((s->terminal.is_raw && is_terminals) || s->has_passed_tstp))
		return r;
	s->has_passed_tstp = false;
	terminal_give_back(&s->terminal);
	kill(getpid(), SIGSTOP);
	if (s->terminal_input)
		s->terminal_input->pauses = !terminal_take(&s->terminal);
	terminal_resize(&s->terminal);
	return channel_send(&s->parts[PART_INIT].channel, MSG_SIGNAL,
			    &(struct msg_signal){SIGCONT});
}

static int on_exited(struct supervision *s, struct message *m)
{
	struct msg_exited exited;
	int r = message_decode(m, &exited);

	if (r)
		return r;
	s->result->wait_status = (int)exited.wait_status;
	s->jail_is_empty = exited.is_alone && s->jail.tier == JAIL_TIER_A;
	s->result->end = s->ran_out_of_time ? RUN_END_TIMEOUT : RUN_END_EXITED;
	s->has_outcome = true;
	s->stage = STAGE_ENDING;
	return 0;
}

static int on_role_ready(struct supervision *s, struct message *m)
{
	if (m->type != MSG_BROKER_READY)
		s->parts[m->type == MSG_DIALER_READY ? PART_DIALER : PART_PROXY].is_ready = true;
	if (s->parts[PART_DIALER].is_ready && s->parts[PART_PROXY].is_ready)
		nursery_end(&s->service.nursery);
	return 0;
}

static int on_notifier(struct supervision *s, struct message *m)
{
	if (s->jail.tier == JAIL_TIER_B)
		return supervision_send_jail(s, m->fds, m->n_fds);
	return supervision_keep_calls(s, m);
}

static int on_ledger_closed(struct supervision *s, struct message *m)
{
	struct run_result *res = s->result;
	struct msg_ledger_closed closed;
	int r = message_decode(m, &closed);

	if (r)
		return r;
	span_copy(closed.head, res->ledger.head, sizeof(res->ledger.head));
	span_copy(closed.key_fingerprint, res->ledger.key_fingerprint,
		  sizeof(res->ledger.key_fingerprint));
	snprintf(res->ledger.failure, sizeof(res->ledger.failure), "%.*s", (int)closed.failure.n,
		 closed.failure.p);
	res->ledger.allowed = closed.allowed;
	res->ledger.denied = closed.denied;
	res->ledger.unknown = closed.unknown;
	res->ledger.lost = closed.lost;
	res->ledger.egress_allowed = closed.egress_allowed;
	res->ledger.egress_refused = closed.egress_refused;
	res->ledger.refused_requests = closed.refused_requests;
	res->ledger.refused_elsewhere = closed.refused_elsewhere;
	res->ledger.n_refused = closed.n_refused;
	for (size_t i = 0; i < closed.n_refused; i++) {
		span_copy(closed.refused[i].host, res->ledger.refused[i].host,
			  sizeof(res->ledger.refused[i].host));
		res->ledger.refused[i].port = closed.refused[i].port;
		span_copy(closed.refused[i].protocol, res->ledger.refused[i].protocol,
			  sizeof(res->ledger.refused[i].protocol));
		res->ledger.refused[i].count = closed.refused[i].count;
	}
	res->has_ledger = true;
	return 0;
}

static int (*const on_message[MSG_TYPES])(struct supervision *, struct message *) = {
	[MSG_KEEPER_READY] = on_keeper_ready,
	[MSG_DIALER_READY] = on_role_ready,
	[MSG_PROXY_READY] = on_role_ready,
	[MSG_BROKER_READY] = on_role_ready,
	[MSG_NOTIFIER] = on_notifier,
	[MSG_JAIL_SOCKETS] = on_jail_sockets,
	[MSG_JAIL_READY] = on_jail_ready,
	[MSG_JAIL_FAILED] = on_jail_failed,
	[MSG_EXECED] = on_execed,
	[MSG_STOPPED] = on_stopped,
	[MSG_EXITED] = on_exited,
	[MSG_LEDGER_CLOSED] = on_ledger_closed,
	[MSG_KEEPER_POLICY_TAKEN] = control_on_taken,
	[MSG_DIALER_POLICY_TAKEN] = control_on_taken,
	[MSG_PROXY_POLICY_REFUSED] = control_on_taken,
};

/* Return: whether the channel goes on */
bool supervision_receive(struct supervision *s, struct part *part)
{
	struct message m;
	int r = channel_receive(&part->channel, &m);

	if (r == -EAGAIN)
		return true;
	if (r == 1) {
		r = on_message[m.type] ? on_message[m.type](s, &m) : -EPROTO;
		message_free(&m);
		if (!r && s->stage == STAGE_SETUP)
			start_agent_when_ready(s);
		if (!r)
			return true;
	}
	if (r == -EPROTO)
		supervision_fail(s, "the %s broke the protocol between the parts",
				 role_name(part->role));
	/*
	 * The end of the channel is the end of the part: how the process ended tells more, and
	 * SIGCHLD brings it; one that only closed its channel, and would live on unheard, is
	 * made to end.
	 */
	if (part->pid > 0 && s->stage != STAGE_ENDING)
		kill(part->pid, SIGKILL);
	channel_close(&part->channel);
	/* In tier B init is the broker's child: this is all that we hear of it. */
	if (part->role == ROLE_INIT && s->jail.tier == JAIL_TIER_B)
		supervision_on_death(s, part, 0);
	return false;
}
