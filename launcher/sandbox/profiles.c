// SPDX-License-Identifier: Apache-2.0
/*
 * What a confined role may ask of the kernel. Everything else kills the process: after
 * confinement only a role that was taken over would ask for it, and a role's death ends
 * the run. A call that libraries make by habit, and live without, fails instead.
 *
 * P: proxy, K: keeper, D: dialer, B: broker; N: one without
 * namespaces. Argument tests are of the lower 32 bits.
 */
#include "profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define P   PROFILE_BIT(CONFINE_PROXY)
#define K   PROFILE_BIT(CONFINE_KEEPER)
#define D   PROFILE_BIT(CONFINE_DIALER)
#define N   PROFILE_BIT(CONFINE_BROKER_BARE)
#define B   (PROFILE_BIT(CONFINE_BROKER) | N)
#define ALL (P | K | D | B)

/* clang-format off */
#define ALLOW(call, sets, why)		{SCMP_SYS(call), SECCOMP_RET_ALLOW, sets, why, {{0}}}
#define ALLOW_IF(call, sets, why, ...)	{SCMP_SYS(call), SECCOMP_RET_ALLOW, sets, why, {__VA_ARGS__}}
#define FAIL(call, sets, error, why)	{SCMP_SYS(call), SECCOMP_RET_ERRNO | (error), sets, why, {{0}}}
/* clang-format on */

#define ARG(i, ...) SECCOMP_IS(i, SECCOMP_ALL_BITS, __VA_ARGS__)

static const struct seccomp_row rows[] = {
	/* Memory: anonymous, never executable. */
	ALLOW_IF(mmap, ALL, "malloc; without code, and without a file behind it",
		 SECCOMP_LACKS(2, PROT_EXEC), SECCOMP_HAS(3, MAP_ANONYMOUS)),
	ALLOW_IF(mprotect, ALL, "malloc grows its heaps", SECCOMP_LACKS(2, PROT_EXEC)),
	ALLOW(munmap, ALL, "free"),
	ALLOW(mremap, ALL, "realloc"),
	ALLOW(brk, ALL, "malloc"),
	ALLOW(madvise, ALL, "malloc gives back; keys are kept out of dumps"),

	/* Waiting. */
	ALLOW(epoll_wait, ALL, "the loop"),
	ALLOW(epoll_pwait, ALL, "the loop; all that aarch64 has"),
	ALLOW(epoll_ctl, ALL, "the loop"),
	ALLOW(poll, ALL, "the loop; a peek before reuse"),
	ALLOW(ppoll, ALL, "poll of aarch64"),
	ALLOW(restart_syscall, ALL, "the kernel's way to go on after a stop"),
	ALLOW(clock_nanosleep, ALL, "short waits for a lock"),
	ALLOW(nanosleep, ALL, "short waits for a lock"),
	ALLOW(sched_yield, ALL, "spinning in libraries"),
	ALLOW(futex, ALL, "locks in libraries"),

	/* Descriptors that it holds. */
	ALLOW(read, ALL, "files and sockets"),
	ALLOW(readv, ALL, "sockets"),
	ALLOW(write, ALL, "files, sockets, the log on stderr"),
	ALLOW(writev, ALL, "files and sockets"),
	ALLOW(close, ALL, "connections end"),
	ALLOW(recvfrom, ALL, "sockets"),
	ALLOW(recvmsg, ALL, "channels between roles"),
	ALLOW(sendto, P | K, "sockets"),
	ALLOW(sendmsg, P | K, "channels between roles"),
	ALLOW_IF(sendto, B, "questions to the kernel", SECCOMP_LACKS(3, MSG_FASTOPEN)),
	ALLOW_IF(sendmsg, B, "channels between roles", SECCOMP_LACKS(2, MSG_FASTOPEN)),
	ALLOW_IF(sendto, D, "sockets; a connect goes by connect", SECCOMP_LACKS(3, MSG_FASTOPEN)),
	ALLOW_IF(sendmsg, D, "channels between roles; a connect goes by connect",
		 SECCOMP_LACKS(2, MSG_FASTOPEN)),
	ALLOW(shutdown, ALL, "half-close"),
	ALLOW(accept4, P, "the agent's connections"),
	ALLOW(getsockname, P | D | B,
	      "where the agent wanted to go; the resolver's source address; "
	      "an abstract name that the kernel chose"),
	ALLOW(getsockopt, P | D | B, "the outcome of a connect; what the agent has set"),
	ALLOW(setsockopt, P | D | B, "TCP_NODELAY and the like"),
	ALLOW_IF(ioctl, ALL, "non-blocking; how much there is to read",
		 ARG(1, FIONBIO, FIONREAD, SIOCOUTQ)),
	ALLOW_IF(fcntl, ALL, "flags; duplicates",
		 ARG(1, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC)),
	ALLOW(fstat, ALL, "size of a file; aarch64, and glibc 2.39"),
	ALLOW_IF(newfstatat, ALL, "fstat of glibc 2.33 to 2.38", SECCOMP_HAS(3, AT_EMPTY_PATH)),

	/* The keeper's files, opened before. */
	ALLOW(pread64, ALL, "ledger and limits; /proc of the agent; another policy"),
	ALLOW(pwrite64, K, "ledger and limits"),
	ALLOW(lseek, K, "ledger"),
	ALLOW(ftruncate, K, "a torn append is taken back"),
	ALLOW(fdatasync, K, "a record that must last"),
	ALLOW_IF(flock, K, "limits are shared by runs",
		 ARG(1, LOCK_EX, LOCK_SH, LOCK_UN, LOCK_EX | LOCK_NB, LOCK_SH | LOCK_NB)),

	/* The dialer's reach: TCP to servers, UDP and TCP to the resolver. */
	ALLOW_IF(socket, D, "internet sockets only", ARG(0, AF_INET, AF_INET6),
		 SECCOMP_IS(1, 0xf, SOCK_STREAM, SOCK_DGRAM), ARG(2, 0, IPPROTO_TCP, IPPROTO_UDP)),
	ALLOW(connect, D, "servers and resolver"),
	ALLOW(bind, D, "the resolver's source address"),

	/* The broker: the agent's calls, and itself in the agent's place. */
	ALLOW_IF(ioctl, B, "receives and answers the agent's calls",
		 ARG(1, SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND,
		     SECCOMP_IOCTL_NOTIF_ID_VALID, SECCOMP_IOCTL_NOTIF_ADDFD)),
	ALLOW(process_vm_readv, B, "the agent's addresses"),
	ALLOW(process_vm_writev, B, "the two numbers that socketpair() returns"),
	ALLOW(pidfd_open, B, "the agent's descriptors"),
	ALLOW(dup3, B, "the agent's number for a socket, to epoll_ctl()"),
	ALLOW(pidfd_getfd, B, "the agent's descriptors"),
	ALLOW_IF(prlimit64, B, "how many descriptors the agent may have", ARG(2, 0)),
	ALLOW_IF(openat, B, "/proc of the agent",
		 SECCOMP_LACKS(2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)),
	ALLOW(openat2, B, "paths as the agent has them"),
	ALLOW(readlinkat, B, "/proc of the agent"),
	ALLOW(getdents64, B, "/proc of the agent"),
	ALLOW(newfstatat, B, "/proc of the agent; device and inode"),
	ALLOW(statx, B, "mounts, and when a file was made"),
	ALLOW(fchdir, B, "the agent's working directory"),
	ALLOW(chroot, B, "the agent's root"),
	ALLOW(umask, B, "the agent's, for the files of its sockets"),
	ALLOW_IF(socketpair, B, "stand-ins", ARG(0, AF_UNIX)),
	ALLOW_IF(socket, B, "in a placeholder's place", ARG(0, AF_UNIX),
		 SECCOMP_IS(1, 0xf, SOCK_STREAM, SOCK_SEQPACKET)),
	ALLOW(connect, B, "on the agent's behalf"),
	ALLOW(bind, B, "on the agent's behalf"),
	ALLOW_IF(unlinkat, B, "takes back the file of a bind() that failed", ARG(2, 0)),
	ALLOW(listen, B, "what was bound is not to be connected"),
	ALLOW_IF(unshare, B, "a thread's own root and working directory, or descriptors",
		 ARG(0, CLONE_FS, CLONE_FILES)),
	ALLOW(close_range, B, "a thread with descriptors of its own begins with none"),
	ALLOW_IF(clone, B, "threads", SECCOMP_HAS(0, CLONE_THREAD)),
	FAIL(clone3, B, ENOSYS, "its flags lie behind a pointer; clone() follows"),
	ALLOW(set_robust_list, B, "threads"),
	ALLOW(rseq, B, "threads"),
	ALLOW(gettid, B, "threads"),
	ALLOW(timer_create, B, "a connect() that the agent makes block is interrupted"),
	ALLOW(timer_settime, B, "a connect() that the agent makes block is interrupted"),

	ALLOW_IF(socket, N, "the agent's", ARG(0, AF_INET, AF_INET6),
		 SECCOMP_IS(1, 0xf, SOCK_STREAM, SOCK_DGRAM), ARG(2, 0, IPPROTO_TCP, IPPROTO_UDP)),
	ALLOW(kill, N, "ends what the agent leaves behind; Landlock keeps it to that"),
	ALLOW(wait4, N, "reaps it"),

	/* Time, chance, and itself. */
	ALLOW(clock_gettime, ALL, "where the vdso cannot tell"),
	ALLOW(clock_getres, ALL, "as clock_gettime"),
	ALLOW(gettimeofday, ALL, "as clock_gettime"),
	ALLOW(time, ALL, "as clock_gettime"),
	ALLOW(getrandom, ALL, "OpenSSL, run and query ids"),
	ALLOW(getpid, ALL, "OpenSSL reseeds after a fork"),
	ALLOW(sysinfo, ALL, "qsort asks how much memory there is"),
	ALLOW(rt_sigreturn, ALL, "a signal handler ends"),
	ALLOW(rt_sigprocmask, ALL, "signals"),
	ALLOW(rt_sigaction, ALL, "signals"),
	ALLOW(sigaltstack, ALL, "signals"),
	ALLOW(exit, ALL, "the end"),
	ALLOW(exit_group, ALL, "the end"),

	/* A habit that does without. */
	FAIL(sched_getaffinity, ALL, EPERM, "malloc counts processors for its arenas"),
};

const struct seccomp_table profiles_table = {
	rows, ARRAY_SIZE(rows), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS, 0,
};
