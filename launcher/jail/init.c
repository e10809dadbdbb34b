// SPDX-License-Identifier: Apache-2.0
/*
 * init makes the jail from within, in stages; each either holds or ends the run before
 * anything foreign has started:
 *
 *	gate	the uid map is written; the supervisor lives, and its death kills init
 *	enter	own session, no descriptors but the plan's, not dumpable
 *	net	loopback, routes, packet rules, listeners: tested, and handed out; made by a
 *		second thread (init_beside.c), meanwhile:
 *	mounts	the file tree, devices, the terminal
 *	trust	the run's CA arrives; its files are written and /run closed: what can be
 *		done before is done before, since the CA is waited for
 *	drop	all privileges, for good
 *	test	files and privileges, as the agent will find them
 *	agent	forked; it confines itself, and executes its command when the supervisor says so
 *
 * It holds capabilities up to "drop", and parses the supervisor's messages and, for Java's key
 * store, the system's own certificates.
 *
 * Longer than most: the order of the stages is what there is to read.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/channel.h"
#include "jail/agent.h"
#include "jail/files/devices.h"
#include "jail/env.h"
#include "jail/filter.h"
#include "jail/init_stages.h"
#include "jail/bounds.h"
#include "jail/files/mounts.h"
#include "jail/nesting.h"
#include "jail/net/netns.h"
#include "jail/privileges.h"
#include "jail/selftest.h"
#include "jail/files/trust_files.h"
#include "jail/files/trust_places.h"
#include "sandbox/landlock.h"
#include "trust/java_store.h"

/* --- entering ------------------------------------------------------------------ */

/* Whether a right over the new namespaces can be used; not everybody listens. */
static void tell_rights(int gate_fd)
{
	struct utsname names;
	char has_rights = 0;

	if (!uname(&names))
		has_rights = !sethostname(names.nodename, strlen(names.nodename));
	(void)!send(gate_fd, &has_rights, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void wait_at_gate(const struct init_plan *plan)
{
	int gate_fd = plan->gate_fd;
	char byte;
	ssize_t n;

	/* In this order: after the byte the supervisor cannot have died unnoticed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    (plan->tier_b && getppid() != plan->parent))
		_exit(JAIL_EXIT_BROKEN);
	if (plan->tier_b)
		return;
	do
		n = read(gate_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(JAIL_EXIT_BROKEN);
	tell_rights(gate_fd);
	close(gate_fd);
}

/* Close all but the channel and the agent's stdio; see that 0, 1 and 2 are something. */
static int keep_descriptors(struct init *init)
{
	const int *stdio = init->plan->spec->stdio;
	const struct tier_b *b = init->plan->tier_b;
	const int kept[] = {
		init->plan->channel_fd, stdio[0], stdio[1], stdio[2], b ? b->pty_master : -1,
		b ? b->pty_slave : -1};
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

/* For the broker, which enters them. Once init has its filter it can open nothing. */
static int open_namespaces(struct init *init)
{
	static const char *const names[] = {"user", "net", "mnt"};
	char path[32];

	for (size_t i = 0; i < INIT_NAMESPACES; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		init->namespaces[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (init->namespaces[i] < 0)
			return -errno;
	}
	return 0;
}

int init_enter(struct init *init, struct error *err)
{
	int r = keep_descriptors(init);

	if (!r)
		r = open_signals(init);
	if (!r && !init->plan->tier_b)
		r = open_namespaces(init);
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

int init_say_failed(struct error *err, int r)
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
	return r < 0 ? init_say_failed(err, r) : 0;
}

/* The next message, which has to be of one type. The supervisor's end is ours. */
void init_expect(struct init *init, enum message_type type, struct message *ret)
{
	if (channel_receive(&init->channel, ret) != 1 || ret->type != type)
		_exit(JAIL_EXIT_BROKEN);
}

/* --- stages ----------------------------------------------------------------------- */

static int set_up_files(struct init *init, struct error *err)
{
	int r = 0;

	if (init->devices.pty_slave >= 0 && ioctl(init->devices.pty_slave, TIOCSCTTY, 0) < 0) {
		r = -errno;
		error_set(err, "pseudo-terminal", NULL, "%s", strerror(-r));
	}
	if (!r)
		r = mounts_set_up(init->plan->layout, &init->devices, &init->mounts, err);
	devices_close(&init->devices);
	return r;
}

static int hand_out_network(struct init *init, struct error *err)
{
	int r = send_sockets(init, err);

	init->has_netlog = init->net.log >= 0;
	netns_close(&init->net);
	fd_close(&init->devices.pty_master);
	return r;
}

/* Network and mounts at the same time. */
static int set_up_surroundings(struct init *init, struct error *err)
{
	const struct jail_spec *spec = init->plan->spec;
	struct error beside_err = {"", "", ""};
	struct beside beside;
	int r = beside_start(&beside, init, err), beside_r;

	if (r < 0)
		return r;
	r = devices_take(spec->wants_pty ? &spec->winsize : NULL, &init->devices, err);
	if (!r)
		r = set_up_files(init, err);
	beside_r = beside_join(&beside, &beside_err);
	if (!r && beside_r < 0) {
		*err = beside_err;
		r = beside_r;
	}
	if (!r)
		r = hand_out_network(init, err);
	return r ? r : trust_files_prepare(init->mounts.scratch, &init->trust, err);
}

static int set_up_trust(struct init *init, struct error *err)
{
	__attribute__((cleanup(message_free))) struct message m = {.n_fds = 0};
	struct msg_trust trust;
	int r;

	init_expect(init, MSG_TRUST, &m);
	if (message_decode(&m, &trust) < 0)
		_exit(JAIL_EXIT_BROKEN);
	r = trust_files_write(&trust, init->plan->layout, init->mounts.scratch, &init->trust, err);
	if (!r)
		r = mounts_finish(init->plan->layout, &init->mounts, err);
	if (!r)
		r = trust_places_mount_bundles(err);
	if (!r && init->plan->layout->nests)
		r = nesting_cover_root(err);
	mounts_close(&init->mounts);
	trust_system_free(&init->trust);
	return r;
}

static int make_jail(struct init *init, struct error *err)
{
	int r;

	if (init->plan->tier_b)
		return init_make_tier_b(init, err);
	r = init_enter(init, err);
	if (!r)
		r = set_up_surroundings(init, err);
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

static void note_layers(struct init *init)
{
	if (init->plan->tier_b)
		snprintf(init->layers, sizeof(init->layers), "seccomp,broker,landlock%s%s%s",
			 landlock_abi() >= LANDLOCK_ABI_TCP ? ",ports" : "",
			 has_landlock() ? ",signals" : "",
			 init->bounds_processes ? ",processes" : "");
	else
		snprintf(init->layers, sizeof(init->layers),
			 "namespaces,tproxy%s,mounts,seccomp,broker%s%s",
			 init->has_netlog ? ",netlog" : "", has_landlock() ? ",landlock" : "",
			 init->bounds_processes ? ",processes" : "");
}

static int say_ready(struct init *init, struct error *err)
{
	const struct msg_jail_ready ready = {.layers = span_of(init->layers)};
	int r = channel_send(&init->channel, MSG_JAIL_READY, &ready);

	return r < 0 ? init_say_failed(err, r) : 0;
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

/* To the broker, at once: the agent's first calls may wait for it already. */
static int send_notifier(struct init *init, int listener, struct error *err)
{
	int fds[1 + INIT_NAMESPACES] = {listener};
	size_t n = init->plan->tier_b ? 1 : ARRAY_SIZE(fds);
	int r;

	memcpy(fds + 1, init->namespaces, sizeof(init->namespaces));
	r = channel_send_fds(&init->channel, MSG_NOTIFIER, NULL, fds, n);
	for (size_t i = 0; n > 1 && i < INIT_NAMESPACES; i++)
		fd_close(&init->namespaces[i]);
	return r < 0 ? init_say_failed(err, r) : 0;
}

/*
 * Its process is made and confines itself while elsewhere parts may not be ready yet. Init's filter
 * comes between fork, which it forbids, and the agent's first instruction.
 */
static int prepare_agent(struct init *init, int *ret_line, struct error *err)
{
	struct env_facts facts = {
		.spec = init->plan->spec,
		.ca_path = TRUST_CA_PATH,
		.bundle_path = TRUST_BUNDLE_PATH,
		.cwd = init->plan->layout->cwd,
		.layout = init->plan->layout,
		.java_options = init->plan->spec->wants_java_store ? TRUST_JAVA_OPTIONS : NULL};
	struct tier_b_names names;
	struct agent_plan plan = {.spec = init->plan->spec,
				  .layout = init->plan->layout,
				  .tier_b = init->plan->tier_b,
				  .pty_slave = init->devices.pty_slave,
				  .null_fd = init->null_fd,
				  .umask = init->umask,
				  .wants_landlock = has_landlock()};
	autoclose int line = -1;
	char **env = NULL;
	int r;

	if (init->plan->tier_b)
		tier_b_fill_env(init->plan->tier_b, &names, &facts);
	r = env_build(environ, &facts, &env);

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
	if (!r)
		*ret_line = fd_take(&line);
	return r;
}

static int start_agent(struct init *init, int line, struct agent_report *ret, struct error *err)
{
	autoclose int listener = -1;
	int r = agent_release(line, &listener, ret);

	if (!r)
		r = send_notifier(init, listener, err);
	if (r < 0 && !ret->is_broken)
		return r;
	if (!r)
		agent_await(line, ret);
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

/* Whom the agent has left behind is init's to reap from then on. */
static bool has_no_children(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void on_agent_status(struct init *init, int status)
{
	if (WIFSTOPPED(status)) {
		const struct msg_stopped stopped = {(uint32_t)WSTOPSIG(status)};

		channel_send(&init->channel, MSG_STOPPED, &stopped);
		return;
	}
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		const struct msg_exited exited = {has_no_children(), (uint32_t)status};

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
	/* In tier B the supervisor may yet have to put us into the control groups. */
	bool is_early = !init->plan->tier_b;
	int line = -1;

	note_layers(init);
	if ((is_early && prepare_agent(init, &line, &err) < 0) || say_ready(init, &err) < 0)
		give_up(init, &err);
	init_expect(init, MSG_EXEC, &m);
	message_free(&m);
	if ((!is_early && prepare_agent(init, &line, &err) < 0) ||
	    start_agent(init, line, &report, &err) < 0)
		give_up(init, &err);
	close(line);
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
			    .trust = TRUST_SYSTEM_INIT(plan->spec->wants_java_store)};
	struct error err = {"", "", ""};

	wait_at_gate(plan);
	if (channel_open(&init.channel, plan->channel_fd, ROLE_INIT, ROLE_SUPERVISOR) < 0)
		_exit(JAIL_EXIT_BROKEN);
	init.bounds_processes = plan->spec->bounds && bounds_bind_jail(plan->spec->bounds);
	if (make_jail(&init, &err) < 0)
		give_up(&init, &err);
	serve(&init);
}
