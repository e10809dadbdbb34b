// SPDX-License-Identifier: Apache-2.0
/*
 * init makes the jail from within, in stages; each either holds or ends the run before
 * anything foreign has started:
 *
 *	gate	the uid map is written; the supervisor lives, and its death kills init
 *	enter	own session, no descriptors but the plan's, not dumpable
 *	net	loopback, routes, packet rules, listeners: tested, and handed out
 *	mounts	the file tree, devices, the terminal
 *	trust	the run's CA arrives; its files are written and /run closed: what can be
 *		done before is done before, since the CA is waited for
 *	drop	all privileges, for good
 *	test	files and privileges, as the agent will find them
 *	agent	forked when told so; it executes its command once init has a filter of its own
 *
 * It holds capabilities up to "drop", and parses nothing but the supervisor's messages.
 */
#include "jail/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/channel.h"
#include "jail/agent.h"
#include "jail/devices.h"
#include "jail/env.h"
#include "jail/filter.h"
#include "jail/mounts.h"
#include "jail/netns.h"
#include "jail/privileges.h"
#include "jail/selftest.h"
#include "jail/trust_files.h"
#include "sandbox/landlock.h"
#include "trust/java_store.h"

struct init {
	const struct init_plan *plan;
	struct channel channel;
	struct netns net;
	struct devices devices;
	struct mounts mounts;
	struct buf java; /* what is ready of the key store for Java */
	mode_t umask;    /* the caller's */
	bool has_netlog; /* what no listener takes is logged */
	int null_fd;
	int signal_fd; /* SIGCHLD */
	pid_t agent;   /* 0: not started */
	char layers[sizeof(JAIL_LAYERS)];
};

/* --- entering ------------------------------------------------------------------ */

static void wait_at_gate(int gate_fd)
{
	char byte;
	ssize_t n;

	/* In this order: after the byte the supervisor cannot have died unnoticed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(JAIL_EXIT_BROKEN);
	do
		n = read(gate_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(JAIL_EXIT_BROKEN);
	close(gate_fd);
}

/* Close all but the channel and the agent's stdio; see that 0, 1 and 2 are something. */
static int keep_descriptors(struct init *init)
{
	const int *stdio = init->plan->spec->stdio;
	const int kept[] = {init->plan->channel_fd, stdio[0], stdio[1], stdio[2]};
	unsigned next = 0;

	for (;;) {
		int lowest = -1;

		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			if (kept[i] >= (int)next && (lowest < 0 || kept[i] < lowest))
				lowest = kept[i];
		if (lowest < 0)
			break;
		if (lowest > (int)next)
			close_range(next, (unsigned)lowest - 1, 0);
		next = (unsigned)lowest + 1;
	}
	close_range(next, ~0u, 0);
	do {
		init->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (init->null_fd < 0)
			return -errno;
	} while (init->null_fd <= STDERR_FILENO);
	return 0;
}

static int open_signals(struct init *init)
{
	sigset_t child;

	/* Ignored, children would vanish unseen. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	init->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return init->signal_fd < 0 ? -errno : 0;
}

static int enter(struct init *init, struct error *err)
{
	int r = keep_descriptors(init);

	if (!r)
		r = open_signals(init);
	/* Its terminal, if any, is the jail's own; the person's is out of reach of TIOCSTI. */
	if (!r && setsid() < 0)
		r = -errno;
	if (!r && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	init->umask = umask(022);
	if (r < 0)
		error_set(err, "init", NULL, "%s", strerror(-r));
	return r;
}

/* --- talking to the supervisor -------------------------------------------------- */

static _Noreturn void give_up(struct init *init, const struct error *err)
{
	const struct msg_jail_failed failed = {span_of(err->where), span_of(err->what),
					       span_of(err->mend)};

	/* If it cannot be told, our exit tells it. */
	channel_send(&init->channel, MSG_JAIL_FAILED, &failed);
	_exit(JAIL_EXIT_BROKEN);
}

static int say_failed(struct error *err, int r)
{
	error_set(err, "init's channel", NULL, "%s", strerror(-r));
	return r;
}

static int send_sockets(struct init *init, struct error *err)
{
	int fds[CHANNEL_FDS_MAX] = {init->net.tcp, init->net.dns_udp, init->net.dns_tcp};
	size_t n = 3;
	int r;

	if (init->devices.pty_master >= 0)
		fds[n++] = init->devices.pty_master;
	if (init->net.log >= 0)
		fds[n++] = init->net.log;
	r = channel_send_fds(&init->channel, MSG_JAIL_SOCKETS, NULL, fds, n);
	return r < 0 ? say_failed(err, r) : 0;
}

/* The next message, which has to be of one type. The supervisor's end is ours. */
static void expect(struct init *init, enum message_type type, struct message *ret)
{
	if (channel_receive(&init->channel, ret) != 1 || ret->type != type)
		_exit(JAIL_EXIT_BROKEN);
}

/* --- stages ----------------------------------------------------------------------- */

static int set_up_network(struct init *init, struct error *err)
{
	const struct jail_spec *spec = init->plan->spec;
	int r = netns_set_up(&init->net, err);

	/* Before anybody else can take its connections. */
	if (!r)
		r = selftest_network(&init->net, err);
	if (!r)
		r = devices_take(spec->wants_pty ? &spec->winsize : NULL, &init->devices, err);
	if (!r)
		r = send_sockets(init, err);
	init->has_netlog = init->net.log >= 0;
	netns_close(&init->net);
	fd_close(&init->devices.pty_master);
	return r;
}

static struct buf *java_store(struct init *init)
{
	return init->plan->spec->wants_java_store ? &init->java : NULL;
}

static int set_up_files(struct init *init, struct error *err)
{
	int r = 0;

	if (init->devices.pty_slave >= 0 && ioctl(init->devices.pty_slave, TIOCSCTTY, 0) < 0) {
		r = -errno;
		error_set(err, "pseudo-terminal", NULL, "%s", strerror(-r));
	}
	if (!r)
		r = mounts_set_up(init->plan->layout, &init->devices, &init->mounts, err);
	if (!r)
		r = trust_files_prepare(init->mounts.scratch, java_store(init), err);
	devices_close(&init->devices);
	return r;
}

static int set_up_trust(struct init *init, struct error *err)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	struct msg_trust trust;
	int r;

	expect(init, MSG_TRUST, &m);
	if (message_decode(&m, &trust) < 0)
		_exit(JAIL_EXIT_BROKEN);
	r = trust_files_write(&trust, init->mounts.scratch, java_store(init), err);
	if (!r)
		r = mounts_finish(&init->mounts, err);
	if (!r)
		r = trust_files_mount(err);
	mounts_close(&init->mounts);
	buf_free(&init->java);
	return r;
}

static int make_jail(struct init *init, struct error *err)
{
	int r = enter(init, err);

	if (!r)
		r = set_up_network(init, err);
	if (!r)
		r = set_up_files(init, err);
	if (!r)
		r = selftest_mounts(init->plan->layout, err);
	if (!r)
		r = set_up_trust(init, err);
	if (!r)
		r = privileges_drop(err);
	return r ? r : selftest_files(init->plan->layout, err);
}

static bool has_landlock(void)
{
	return landlock_abi() >= LANDLOCK_ABI_SCOPE;
}

static int say_ready(struct init *init, struct error *err)
{
	struct msg_jail_ready ready;
	int r;

	snprintf(init->layers, sizeof(init->layers), "namespaces,tproxy%s,mounts,seccomp%s",
		 init->has_netlog ? ",netlog" : "", has_landlock() ? ",landlock" : "");
	ready.layers = span_of(init->layers);
	r = channel_send(&init->channel, MSG_JAIL_READY, &ready);
	return r < 0 ? say_failed(err, r) : 0;
}

/* Only the agent and its children hold the terminal and its streams from here on. */
static void let_go_of_stdio(const struct init *init)
{
	for (int i = 0; i < 3; i++)
		if (init->plan->spec->stdio[i] > STDERR_FILENO)
			close(init->plan->spec->stdio[i]);
	for (int i = 0; i < 3; i++)
		dup2(init->null_fd, i);
}

/* The filter comes between fork, which it forbids, and the first instruction of the agent. */
static int start_agent(struct init *init, struct agent_report *ret, struct error *err)
{
	const struct env_facts facts = {.spec = init->plan->spec,
					.ca_path = TRUST_CA_PATH,
					.bundle_path = TRUST_BUNDLE_PATH,
					.cwd = init->plan->layout->cwd,
					.java_options =
						java_store(init) ? TRUST_JAVA_OPTIONS : NULL};
	struct agent_plan plan = {.spec = init->plan->spec,
				  .layout = init->plan->layout,
				  .pty_slave = init->devices.pty_slave,
				  .null_fd = init->null_fd,
				  .umask = init->umask,
				  .wants_landlock = has_landlock()};
	autoclose int line = -1;
	char **env = NULL;
	int r = env_build(environ, &facts, &env);

	plan.env = env;
	if (!r)
		r = agent_start(&plan, &init->agent, &line);
	env_free(env);
	if (r < 0) {
		error_set(err, "agent", NULL, "its process could not be made: %s", strerror(-r));
		return r;
	}
	let_go_of_stdio(init);
	r = filter_install_init(err);
	if (r < 0)
		return r;
	agent_release(line, ret);
	if (!ret->is_broken)
		return 0;
	*err = ret->err;
	return -EPERM;
}

/* --- while the agent runs ----------------------------------------------------------- */

/* SIGTSTP and SIGCONT act on jobs, not processes; the group is the agent's own. */
static void forward_signal(const struct init *init, const struct message *m)
{
	struct msg_signal signal_;
	int signo;

	if (message_decode(m, &signal_) < 0)
		_exit(JAIL_EXIT_BROKEN);
	signo = (int)signal_.signo;
	kill(signo == SIGTSTP || signo == SIGCONT ? -init->agent : init->agent, signo);
}

static void on_channel(struct init *init)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};

	/* The supervisor is gone, or is not what it was: with us ends the whole jail. */
	if (channel_receive(&init->channel, &m) != 1)
		_exit(JAIL_EXIT_BROKEN);
	if (m.type == MSG_SIGNAL)
		forward_signal(init, &m);
}

static void on_agent_status(struct init *init, int status)
{
	if (WIFSTOPPED(status)) {
		const struct msg_stopped stopped = {(uint32_t)WSTOPSIG(status)};

		channel_send(&init->channel, MSG_STOPPED, &stopped);
		return;
	}
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		const struct msg_exited exited = {(uint32_t)status};

		channel_send(&init->channel, MSG_EXITED, &exited);
		_exit(0);
	}
}

static void on_children(struct init *init)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(init->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		if (pid == init->agent)
			on_agent_status(init, status);
}

static _Noreturn void reap(struct init *init)
{
	struct pollfd fds[] = {
		{.fd = init->channel.fd, .events = POLLIN},
		{.fd = init->signal_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			_exit(JAIL_EXIT_BROKEN);
		if (fds[1].revents)
			on_children(init);
		if (fds[0].revents)
			on_channel(init);
	}
}

static _Noreturn void serve(struct init *init)
{
	struct agent_report report = {.exec_error = 0};
	struct message m = {.n_fds = 0};
	struct error err = {"", "", ""};
	struct msg_execed execed;

	expect(init, MSG_EXEC, &m);
	message_free(&m);
	if (start_agent(init, &report, &err) < 0)
		give_up(init, &err);
	execed.error = (uint32_t)report.exec_error;
	if (channel_send(&init->channel, MSG_EXECED, &execed) < 0 || report.exec_error)
		_exit(0);
	reap(init);
}

_Noreturn void init_run(const struct init_plan *plan)
{
	struct init init = {.plan = plan,
			    .net = NETNS_NONE,
			    .devices = DEVICES_NONE,
			    .mounts = {.scratch = -1},
			    .java = BUF_INIT(JAVA_STORE_MAX)};
	struct error err = {"", "", ""};

	wait_at_gate(plan->gate_fd);
	if (channel_open(&init.channel, plan->channel_fd, ROLE_INIT, ROLE_SUPERVISOR) < 0)
		_exit(JAIL_EXIT_BROKEN);
	if (make_jail(&init, &err) < 0 || say_ready(&init, &err) < 0)
		give_up(&init, &err);
	serve(&init);
}
