// SPDX-License-Identifier: Apache-2.0
/*
 * Tier B from before the jail to its first process. In order:
 *
 *	prepare	in the supervisor: what is shown, and whether what must be kept can be; the run's
 *		directory, the pty. Nothing has been started yet
 *	enter	in the process that becomes the broker: it gives up its capabilities, confines
 *		itself for good, tries whether it can do a broker's work, and forks init
 *
 * What init and the agent then lack is what their parent gave up.
 */
#include "jail/tier_b.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/peek.h"
#include "base/text.h"
#include "ipc/channel.h"
#include "jail/bounds.h"
#include "jail/init.h"
#include "jail/privileges.h"
#include "jail/tier_b/tier_b_internal.h"
#include "sandbox/landlock.h"

/* --- whether there can be a jail ------------------------------------------------------ */

/* A filter cannot be taken off again: in a process that ends at once. */
static _Noreturn void try_listener(void)
{
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	const struct sock_fprog program = {1, &allow};
	long r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	if (!r)
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
	_exit(r < 0 && errno == EBUSY ? EBUSY : 0);
}

int tier_b_check_outer(struct error *err)
{
	int status = 0;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return 0;
	pid = fork();
	if (!pid)
		try_listener();
	/* What cannot be found out now is found out when the agent's filter is made. */
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != EBUSY)
		return 0;
	error_set(err, "seccomp",
		  "start mcpjail outside of what watches it: another mcpjail, a sandbox or "
		  "container that answers system calls",
		  "another program answers system calls of this process already, and there can be "
		  "only one that does");
	return -EBUSY;
}

/* --- before the jail ------------------------------------------------------------ */

static int check_landlock(struct error *err)
{
	int abi = landlock_abi();

	if (abi >= LANDLOCK_ABI_TRUNCATE)
		return 0;
	error_set(err, "tier b",
		  abi ? "use Linux 6.2 or newer, or let mcpjail make namespaces"
		      : "boot with lsm=landlock,… among the security modules, or let mcpjail make "
			"namespaces",
		  abi ? "the kernel's Landlock is too old to keep files from being cut short"
		      : "there are no namespaces here, and no Landlock either");
	return -EOPNOTSUPP;
}

/* On the machine's own devpts: there is no other. */
static int open_pty(const struct winsize *size, struct tier_b *b, struct error *err)
{
	const int unlocked = 0;

	b->pty_master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b->pty_master >= 0 && !ioctl(b->pty_master, TIOCSPTLCK, &unlocked))
		b->pty_slave = ioctl(b->pty_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b->pty_slave >= 0 && !ioctl(b->pty_master, TIOCSWINSZ, size))
		return 0;
	error_set(err, "/dev/ptmx", NULL, "new pseudo-terminal: %s", strerror(errno));
	return -EIO;
}

int tier_b_prepare(const struct jail_spec *spec, struct tier_b **ret, struct error *err)
{
	struct tier_b *b = calloc(1, sizeof(*b));
	int r = b ? 0 : -ENOMEM;

	if (!b) {
		error_set(err, "tier b", NULL, "%s", strerror(ENOMEM));
		return r;
	}
	b->pty_master = b->pty_slave = -1;
	r = check_landlock(err);
	if (!r)
		r = layout_resolve(spec, &b->layout, err);
	if (!r)
		r = tier_b_check(&b->layout, err);
	if (!r)
		r = tier_b_make_dir(b, err);
	if (!r && spec->wants_pty)
		r = open_pty(&spec->winsize, b, err);
	if (r)
		tier_b_free(b);
	else
		*ret = b;
	return r;
}

void tier_b_close(struct tier_b *b)
{
	if (!b)
		return;
	fd_close(&b->pty_master);
	fd_close(&b->pty_slave);
}

void tier_b_free(struct tier_b *b)
{
	if (!b)
		return;
	tier_b_close(b);
	tier_b_remove_dir(b);
	layout_free(&b->layout);
	free(b);
}

/* --- whether a broker could work -------------------------------------------------- */

static volatile int word_of_child; /* read by its parent, at the same address */

static _Noreturn void be_read(int line)
{
	char byte;

	word_of_child = (int)getpid();
	if (write(line, "", 1) == 1)
		(void)!read(line, &byte, 1);
	_exit(0);
}

/* A descendant with a domain of its own, as the agent will be. */
static int read_child(pid_t child, int line)
{
	int word = 0;
	char byte;
	int r;

	if (read(line, &byte, 1) != 1)
		return -EIO;
	r = peek(child, -1, (uintptr_t)&word_of_child, &word, sizeof(word));
	if (r)
		return r;
	return word == (int)child ? 0 : -EIO;
}

static int try_reading(struct error *err)
{
	int pair[2], r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ? -errno : 0;
	pid_t child = r ? -1 : fork();

	if (!child)
		be_read(pair[1]);
	if (!r) {
		r = child < 0 ? -errno : 0;
		/* A child that dies early would else be waited for through our own end. */
		close(pair[1]);
		if (!r)
			r = read_child(child, pair[0]);
		close(pair[0]);
	}
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	if (r)
		error_set(err, "tier b",
			  "sudo sysctl kernel.yama.ptrace_scope=1, or let mcpjail make namespaces",
			  "a process may not read its own child's memory here, which the broker "
			  "needs for judging connections: %s",
			  strerror(-r));
	return r;
}

/* --- entering ----------------------------------------------------------------------- */

static int confine(const struct tier_b *b, struct error *err)
{
	int r = privileges_drop(err);

	/* What the agent leaves behind becomes a child of this process. */
	if (!r && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		r = -errno;
	if (!r)
		r = tier_b_confine(b, err);
	return r ? r : try_reading(err);
}

static int start_init(const struct tier_b *b, const struct jail_spec *spec, int channel_fd,
		      struct error *err)
{
	const struct init_plan plan = {.spec = spec,
				       .layout = &b->layout,
				       .tier_b = b,
				       .channel_fd = channel_fd,
				       .gate_fd = -1,
				       .parent = getpid()};
	sigset_t all, before;
	pid_t pid;
	int r = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		init_run(&plan);
	if (pid < 0) {
		r = -errno;
		error_set(err, "init", NULL, "%s", strerror(-r));
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* In init's name, which there will be none to. */
static void tell_failure(int channel_fd, const struct error *err)
{
	const struct msg_jail_failed failed = {span_of(err->where), span_of(err->what),
					       span_of(err->mend)};
	struct channel channel;

	if (channel_open(&channel, channel_fd, ROLE_INIT, ROLE_SUPERVISOR))
		return;
	channel_send(&channel, MSG_JAIL_FAILED, &failed);
	channel_close(&channel);
}

int tier_b_enter(const struct tier_b *b, const struct jail_spec *spec, int init_channel_fd)
{
	struct error err = {"tier b", "", ""};
	int r;

	/* The Landlock domain is around /proc as well. */
	bounds_offer();
	r = confine(b, &err);
	if (!r)
		r = start_init(b, spec, init_channel_fd, &err);
	if (r)
		tell_failure(init_channel_fd, &err);
	else
		close(init_channel_fd);
	return r;
}

/* --- what is said --------------------------------------------------------------------- */

void tier_b_tell(const struct error *why, const char *layers, char ret[TIER_B_TEXT_MAX])
{
	snprintf(ret, TIER_B_TEXT_MAX,
		 "tier b: no namespaces%s%s%s; network and files are held, but the command sees "
		 "other processes%s and the names of all files, may change modes and times of "
		 "your files and, in its own directory, what runs later outside (.git/hooks); "
		 "UDP but for DNS, and new terminals, do not work; programs with musl resolve "
		 "names by HTTPS_PROXY alone, which is set%s%s",
		 why ? " (" : "", why ? why->what : "", why ? ")" : "",
		 text_list_has(layers, span_of("signals")) ? "" : ", can send them signals,",
		 why && why->mend[0] ? "; for tier a: " : "", why ? why->mend : "");
}
