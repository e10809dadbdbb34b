// SPDX-License-Identifier: Apache-2.0
/*
 * Processes outside, by the numbers that they have there, and pid 1 of the jail. "victim" is
 * one of the same user that nothing protects: it can be reached from outside by all means.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

static pid_t pid_of(const struct probe *probe)
{
	return (pid_t)atoi(target(probe, 0));
}

/* Signal 0 asks only whether another could be sent. */
static void try_signal(const struct probe *probe)
{
	stopped_unless(kill(pid_of(probe), 0), "kill");
}

static void try_pidfd_signal(const struct probe *probe)
{
	int fd = (int)syscall(SYS_pidfd_open, pid_of(probe), 0);

	if (fd < 0)
		stopped("pidfd_open");
	stopped_unless(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), "pidfd_send_signal");
}

static void try_attach(const struct probe *probe)
{
	stopped_unless(ptrace(PTRACE_SEIZE, pid_of(probe), NULL, NULL), "ptrace");
}

static void try_read_of(const struct probe *probe)
{
	char here[8];
	struct iovec to = {here, sizeof(here)};
	struct iovec from = {(void *)0x10000, sizeof(here)};

	/* EFAULT comes after the decision. */
	if (process_vm_readv(pid_of(probe), &to, 1, &from, 1, 0) < 0 && errno != EFAULT)
		stopped("process_vm_readv");
	reached("memory of %d", pid_of(probe));
}

static void try_getfd_of(const struct probe *probe)
{
	int fd = (int)syscall(SYS_pidfd_open, pid_of(probe), 0);

	if (fd < 0)
		stopped("pidfd_open");
	stopped_unless(syscall(SYS_pidfd_getfd, fd, 0, 0), "pidfd_getfd");
}

static void open_of(const struct probe *probe, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid_of(probe), name);
	stopped_unless(open(path, flags | O_CLOEXEC), "open");
}

static void try_mem(const struct probe *probe)
{
	open_of(probe, "mem", O_RDWR);
}

static void try_root(const struct probe *probe)
{
	open_of(probe, "root/", O_RDONLY | O_DIRECTORY);
}

static void try_cwd(const struct probe *probe)
{
	open_of(probe, "cwd/", O_RDONLY | O_DIRECTORY);
}

static void try_fds(const struct probe *probe)
{
	open_of(probe, "fd/2", O_WRONLY);
}

static void try_environment(const struct probe *probe)
{
	open_of(probe, "environ", O_RDONLY);
}

static void try_maps(const struct probe *probe)
{
	open_of(probe, "maps", O_RDONLY);
}

/* Does /proc show a process of the host at all? */
static void try_see(const struct probe *probe)
{
	open_of(probe, "stat", O_RDONLY);
}

/* To what it is already: the kernel asks for the same right. */
static void try_priority(const struct probe *probe)
{
	int now;

	errno = 0;
	now = getpriority(PRIO_PROCESS, (id_t)pid_of(probe));
	if (errno)
		stopped("getpriority");
	stopped_unless(setpriority(PRIO_PROCESS, (id_t)pid_of(probe), now), "setpriority");
}

static void try_scheduler(const struct probe *probe)
{
	struct sched_param param;
	int policy = sched_getscheduler(pid_of(probe));

	if (policy < 0 || sched_getparam(pid_of(probe), &param))
		stopped("sched_getscheduler");
	stopped_unless(sched_setscheduler(pid_of(probe), policy, &param), "sched_setscheduler");
}

static void try_processors(const struct probe *probe)
{
	cpu_set_t set;

	if (sched_getaffinity(pid_of(probe), sizeof(set), &set))
		stopped("sched_getaffinity");
	stopped_unless(sched_setaffinity(pid_of(probe), sizeof(set), &set), "sched_setaffinity");
}

static void try_inherited(const struct probe *probe)
{
	(void)probe;
	if (first_inherited() < 0)
		stopped_by("descriptors", "NONE");
	reached("descriptor %d", first_inherited());
}

/* Standard input is a socket of the host's network, which sends wherever it is told to. */
static void try_stdin(const struct probe *probe)
{
	struct address to = target_address(probe);

	if (sendto(STDIN_FILENO, "by stdin\n", 9, 0, address_of(&to), to.size) < 0)
		stopped("sendto");
	reached("a datagram sent");
}

#define GONE    "kill:ESRCH kill:EPERM"
#define UNSEEN  "open:ENOENT open:EACCES open:EPERM open:EROFS"
#define ANYBODY "!whoever has the same user may have them wait"
#define NOBODY  "pidfd_open:ESRCH pidfd_send_signal:EPERM pidfd_send_signal:ESRCH"

const struct probe probes_processes[] = {
	{"kill-victim", "signal a process of the host", GONE, try_signal, "{victim}"},
	{"kill-supervisor", "signal the supervisor", GONE, try_signal, "{supervisor}"},
	{"kill-keeper", "signal the keeper", GONE, try_signal, "{keeper}"},
	{"kill-dialer", "signal the dialer", GONE, try_signal, "{dialer}"},
	{"kill-proxy", "signal the proxy", GONE, try_signal, "{proxy}"},
	{"kill-broker", "signal the broker", GONE, try_signal, "{broker}"},
	{"kill-init", "signal the jail's init", GONE, try_signal, "{init}"},
	{"kill-by-pidfd", "signal the keeper by a pidfd", NOBODY, try_pidfd_signal, "{keeper}"},
	{"ptrace-victim", "attach to a process of the host", "ptrace:EPERM ptrace:ESRCH",
	 try_attach, "{victim}"},
	{"ptrace-supervisor", "attach to the supervisor", "ptrace:EPERM ptrace:ESRCH", try_attach,
	 "{supervisor}"},
	{"ptrace-proxy", "attach to the proxy", "ptrace:EPERM ptrace:ESRCH", try_attach, "{proxy}"},
	{"ptrace-broker", "attach to the broker", "ptrace:EPERM ptrace:ESRCH", try_attach,
	 "{broker}"},
	{"ptrace-init", "attach to pid 1", "ptrace:EPERM", try_attach, "1"},
	{"memory-victim", "read the memory of a process of the host",
	 "process_vm_readv:EPERM process_vm_readv:ESRCH", try_read_of, "{victim}"},
	{"memory-keeper", "read the memory of the keeper",
	 "process_vm_readv:EPERM process_vm_readv:ESRCH", try_read_of, "{keeper}"},
	{"mem-file-victim", "/proc/PID/mem of a process of the host", UNSEEN, try_mem, "{victim}"},
	{"mem-file-keeper", "/proc/PID/mem of the keeper", UNSEEN, try_mem, "{keeper}"},
	{"mem-file-broker", "/proc/PID/mem of the broker", UNSEEN, try_mem, "{broker}"},
	{"mem-file-init", "/proc/1/mem", UNSEEN, try_mem, "1"},
	{"getfd-victim", "a descriptor of a process of the host",
	 "pidfd_open:ESRCH pidfd_getfd:EPERM", try_getfd_of, "{victim}"},
	{"getfd-proxy", "a descriptor of the proxy", "pidfd_open:ESRCH pidfd_getfd:EPERM",
	 try_getfd_of, "{proxy}"},
	{"root-of-victim", "/proc/PID/root of a process of the host", UNSEEN, try_root, "{victim}"},
	{"root-of-init", "/proc/1/root", UNSEEN, try_root, "1"},
	{"cwd-of-init", "/proc/1/cwd", UNSEEN, try_cwd, "1"},
	{"fds-of-init", "a descriptor of pid 1 by /proc/1/fd", UNSEEN, try_fds, "1"},
	{"maps-of-init", "/proc/1/maps", UNSEEN, try_maps, "1"},
	{"environment-of-victim", "/proc/PID/environ of a process of the host", UNSEEN,
	 try_environment, "{victim}"},
	{"environment-of-init", "/proc/1/environ", UNSEEN, try_environment, "1"},
	{"see-victim", "see a process of the host in /proc", UNSEEN, try_see, "{victim}",
	 .held_b = "!without a pid namespace /proc is the machine's"},
	{"see-supervisor", "see the supervisor in /proc", UNSEEN, try_see, "{supervisor}",
	 .held_b = "!without a pid namespace /proc is the machine's"},
	{"priority-victim", "the priority of a process of the host", "getpriority:ESRCH",
	 try_priority, "{victim}", .held_b = ANYBODY},
	{"priority-init", "the priority of pid 1", "setpriority:EPERM", try_priority, "{init}",
	 .held_b = ANYBODY},
	{"scheduler-init", "the scheduler of pid 1", "sched_setscheduler:EPERM", try_scheduler,
	 "{init}", .held_b = ANYBODY},
	{"processors-init", "the processors of pid 1", "sched_setaffinity:EPERM", try_processors,
	 "{init}", .held_b = ANYBODY},
	{"inherited", "a descriptor that was open at the launch", "descriptors:NONE",
	 try_inherited},
	{"stdin-socket", "standard input, a socket of the host's network",
	 "sendto:ENOTSOCK sendto:EISCONN", try_stdin, "203.0.113.9 40000"},
	{.name = NULL},
};
