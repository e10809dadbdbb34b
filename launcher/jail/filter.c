// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's system calls. What is not in the table is allowed: the namespaces, the
 * missing capabilities and the mounts are the wall; this filter takes away what would
 * lead around it, and the kernel code that an unprivileged program has no need of.
 *
 * - Calls that are allowed or refused by number alone come from the kernel's bitmap, at
 *   some 30 ns; only those that test arguments run the program.
 * - Arguments behind pointers are never judged: another thread could change them after.
 *   clone3 therefore does not exist (ENOSYS), and libc falls back to clone; neither does
 *   openat2, and its users fall back to openat.
 * - A filter's ERRNO outranks a later filter's USER_NOTIF, TRACE or ALLOW. Agents may
 *   thus sandbox their own children, with notification listeners too: a listener answers
 *   only what this filter has let pass, and can turn no refusal into a pass.
 * - i386 and x32 calls, 32-bit arm calls: ENOSYS, as on a kernel built without them.
 */
#include "jail/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "jail/filter_tables.h"

#define SET_AGENT FILTER_EVERY_ROW

#define NOT_PERMITTED (SECCOMP_RET_ERRNO | EPERM)
#define NO_ACCESS     (SECCOMP_RET_ERRNO | EACCES)
#define NO_SUCH_CALL  (SECCOMP_RET_ERRNO | ENOSYS)
#define NO_FASTOPEN   (SECCOMP_RET_ERRNO | EOPNOTSUPP)

#define TYPE_MASK 0xfu /* of socket()'s type; above it are SOCK_CLOEXEC and SOCK_NONBLOCK */

/* Newer than the headers of Debian 12. Numbers from 424 on are the same everywhere. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define NR_OPEN_TREE_ATTR 467
#define NR_FCHMODAT2      452

/* <linux/btrfs.h> is not on every machine that builds this; bcachefs has no header at all. */
#define IOC_BTRFS_SNAP_CREATE      0x50009401u
#define IOC_BTRFS_SNAP_CREATE_V2   0x50009417u
#define IOC_BTRFS_SUBVOL_CREATE    0x5000940eu
#define IOC_BTRFS_SUBVOL_CREATE_V2 0x50009418u
#define IOC_TYPE_MASK              0xff00u
#define IOC_TYPE_BCACHEFS          0xbc00u

#define SUID_SGID    (S_ISUID | S_ISGID)
#define OPEN_CREATES (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) /* open() has a mode */
#define CORE_IGNORED SECCOMP_RET_ERRNO                      /* errno 0: as if it had been done */

/* Every namespace that clone() makes; CLONE_NEWTIME, in clone's signal byte, is unshare's only. */
#define CLONE_NEW_ANY                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* clang-format off */
#define DENY(call, why)			{SCMP_SYS(call), NOT_PERMITTED, SET_AGENT, why, {{0}}}
#define DENY_IF(call, why, ...)		{SCMP_SYS(call), NOT_PERMITTED, SET_AGENT, why, {__VA_ARGS__}}
#define FAIL_IF(call, action, why, ...)	{SCMP_SYS(call), action, SET_AGENT, why, {__VA_ARGS__}}
/* clang-format on */

#define DOMAIN(...)       SECCOMP_IS(0, SECCOMP_ALL_BITS, __VA_ARGS__)
#define TYPE(...)         SECCOMP_IS(1, TYPE_MASK, __VA_ARGS__)
#define NOT_TYPE(...)     SECCOMP_NOT(1, TYPE_MASK, __VA_ARGS__)
#define NOT_PROTOCOL(...) SECCOMP_NOT(2, SECCOMP_ALL_BITS, __VA_ARGS__)

static const struct seccomp_row agent_rows[] = {
	/* Sockets, by allow-list. */
	DENY_IF(socket, "packet, vsock, alg, can, …: past the proxy, or kernel code for nobody",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)),
	DENY_IF(socket, "raw, SCTP's seqpacket, DCCP", DOMAIN(AF_INET, AF_INET6),
		NOT_TYPE(SOCK_STREAM, SOCK_DGRAM)),
	DENY_IF(socket, "streams are TCP or MPTCP: not SCTP, not SMC", DOMAIN(AF_INET, AF_INET6),
		TYPE(SOCK_STREAM), NOT_PROTOCOL(0, IPPROTO_TCP, IPPROTO_MPTCP)),
	DENY_IF(socket, "datagrams are UDP: not ICMP, not UDP-Lite", DOMAIN(AF_INET, AF_INET6),
		TYPE(SOCK_DGRAM), NOT_PROTOCOL(0, IPPROTO_UDP)),
	DENY_IF(socket, "libc asks for addresses by rtnetlink; other families only feed the kernel",
		DOMAIN(AF_NETLINK), NOT_PROTOCOL(NETLINK_ROUTE)),
	FAIL_IF(socket, NO_ACCESS,
		"a datagram socket sends to any path; SOCK_RAW is the same in AF_UNIX",
		DOMAIN(AF_UNIX), NOT_TYPE(SOCK_STREAM, SOCK_SEQPACKET)),
	DENY_IF(socketpair, "only AF_UNIX has use for pairs; TIPC has them too",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX)),
	FAIL_IF(socketpair, NO_ACCESS, "an end of a datagram pair sends to any path",
		DOMAIN(AF_UNIX), NOT_TYPE(SOCK_STREAM, SOCK_SEQPACKET)),

	/* TCP Fast Open connects without connect(). */
	FAIL_IF(sendto, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(3, MSG_FASTOPEN)),
	FAIL_IF(sendmsg, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(2, MSG_FASTOPEN)),
	FAIL_IF(sendmmsg, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(3, MSG_FASTOPEN)),
	FAIL_IF(setsockopt, NO_FASTOPEN, "puts the connect off to the first write",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, IPPROTO_TCP),
		SECCOMP_IS(2, SECCOMP_ALL_BITS, TCP_FASTOPEN_CONNECT)),

	/* A ring makes calls that no filter sees. */
	DENY(io_uring_setup, "calls past this filter"),
	DENY(io_uring_enter, "calls past this filter"),
	DENY(io_uring_register, "calls past this filter"),

	/* Other processes. */
	DENY(ptrace, "drives another process"),
	DENY(process_vm_readv, "reads another process"),
	DENY(process_vm_writev, "writes another process"),
	DENY(process_madvise, "pages out another process"),
	DENY(kcmp, "compares kernel pointers of processes"),
	DENY(pidfd_getfd, "takes another process's descriptors"),

	DENY_IF(prlimit64, "limits another process: the jail's init is one", /* 0 is the caller */
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0)),

	/*
	 * A limit of 1, which the agent starts with, keeps the kernel from starting the host's
	 * handler of core dumps; one of 0 does not. Daemons set 0, and some end if they cannot.
	 * A call that only asks has no new limit.
	 */
	FAIL_IF(prlimit64, CORE_IGNORED, "starts a program of the host's",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, RLIMIT_CORE), SECCOMP_NOT(2, SECCOMP_ALL_BITS, 0)),
	FAIL_IF(setrlimit, CORE_IGNORED, "starts a program of the host's",
		SECCOMP_IS(0, SECCOMP_ALL_BITS, RLIMIT_CORE)),

	/*
	 * Inside they mean nothing, but what the agent writes is there outside, too, where
	 * somebody else could gain its rights, or it theirs.
	 */
	DENY_IF(chmod, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(fchmod, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(fchmodat, "set-user-id", SECCOMP_HAS(2, SUID_SGID)),
	{NR_FCHMODAT2, NOT_PERMITTED, SET_AGENT, "set-user-id", {SECCOMP_HAS(2, SUID_SGID)}},
	DENY_IF(mknod, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(mknodat, "set-user-id", SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(mkdir, "set-group-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(mkdirat, "set-group-id", SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(creat, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(open, "set-user-id", SECCOMP_HAS(1, OPEN_CREATES), SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(openat, "set-user-id", SECCOMP_HAS(2, OPEN_CREATES), SECCOMP_HAS(3, SUID_SGID)),
	FAIL_IF(openat2, NO_SUCH_CALL, "its mode lies behind a pointer", {0}),

	/* Namespaces and mounts: the jail's shape. */
	DENY(setns, "enters another namespace"),
	DENY_IF(unshare, "a new user namespace gives capabilities, and with them kernel code",
		SECCOMP_HAS(0, CLONE_NEW_ANY | CLONE_NEWTIME)),
	DENY_IF(clone, "as unshare", SECCOMP_HAS(0, CLONE_NEW_ANY)),
	FAIL_IF(clone3, NO_SUCH_CALL, "its flags lie behind a pointer", {0}),
	DENY(mount, "changes what the agent may write"),
	DENY(umount2, "uncovers what is masked"),
	DENY(pivot_root, "another root"),
	DENY(chroot, "another root"),
	DENY(fsopen, "mount API"),
	DENY(fsconfig, "mount API"),
	DENY(fsmount, "mount API"),
	DENY(fspick, "mount API"),
	DENY(move_mount, "mount API"),
	DENY(open_tree, "mount API"),
	DENY(mount_setattr, "mount API"),
	{NR_OPEN_TREE_ATTR, NOT_PERMITTED, SET_AGENT, "mount API", {{0}}},
	DENY(open_by_handle_at, "opens files around every mount"),
	DENY(name_to_handle_at, "makes the handles for it"),
	DENY(fanotify_init, "watches whole file systems"),
	DENY(quotactl, "file system administration"),
	DENY(quotactl_fd, "file system administration"),
	DENY(acct, "writes a file for every process that ends"),
	DENY(swapon, "administration"),
	DENY(swapoff, "administration"),

	/* The kernel itself. */
	DENY(bpf, "programs in the kernel"),
	DENY(perf_event_open, "watches the machine; a rich source of kernel bugs"),
	DENY(userfaultfd, "stops the kernel at a chosen page: a tool of exploits"),
	DENY(keyctl, "keyrings are not namespaced"),
	DENY(add_key, "keyrings are not namespaced"),
	DENY(request_key, "keyrings are not namespaced"),
	DENY(kexec_load, "another kernel"),
	DENY(kexec_file_load, "another kernel"),
	DENY(init_module, "kernel modules"),
	DENY(finit_module, "kernel modules"),
	DENY(delete_module, "kernel modules"),
	DENY(reboot, "the machine's"),
	DENY(syslog, "the kernel's log holds addresses"),
	DENY(lookup_dcookie, "profiler's"),
	DENY(nfsservctl, "the NFS server's"),
	DENY(iopl, "I/O ports"),
	DENY(ioperm, "I/O ports"),
	DENY(modify_ldt, "16-bit segments: kernel bugs, and no use outside of wine"),
	DENY_IF(personality, "but for asking, and for switching address randomisation off",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0, ADDR_NO_RANDOMIZE, 0xffffffff)),

	/* The machine's name and time. */
	DENY(settimeofday, "the machine's clock"),
	DENY(clock_settime, "the machine's clock"),
	DENY(adjtimex, "the machine's clock"),
	DENY(clock_adjtime, "the machine's clock"),
	DENY(sethostname, "administration"),
	DENY(setdomainname, "administration"),

	/* Terminals. */
	DENY(vhangup, "hangs up the terminal"),
	DENY_IF(ioctl, "types as the person would; pastes; takes the console; line disciplines",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD)),

	/* Snapshots. */
	DENY_IF(ioctl, "copies of a tree without the mounts that hide and protect parts of it",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, IOC_BTRFS_SNAP_CREATE, IOC_BTRFS_SNAP_CREATE_V2,
			   IOC_BTRFS_SUBVOL_CREATE, IOC_BTRFS_SUBVOL_CREATE_V2)),
	DENY_IF(ioctl, "as btrfs", SECCOMP_IS(1, IOC_TYPE_MASK, IOC_TYPE_BCACHEFS)),
};

const struct seccomp_table filter_agent_table = {
	agent_rows,
	ARRAY_SIZE(agent_rows),
	SECCOMP_RET_ALLOW,
	NO_SUCH_CALL,
};

int filter_install_agent(struct error *err)
{
	return seccomp_install(&filter_agent_table, SET_AGENT, err);
}
