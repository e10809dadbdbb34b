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
 *   thus sandbox their own children by filters of their own, which can turn no refusal into
 *   a pass.
 * - i386 and x32 calls, 32-bit arm calls: ENOSYS, as on a kernel built without them. So are
 *   numbers that did not exist when this was written: what they do is not known here.
 * - Refused is what Docker's default profile, firejail's default list, Codex or srt refuse,
 *   and what the jail must refuse beyond them. Where programs have a way of doing without,
 *   the refusal is ENOSYS, which leads them to it; elsewhere EPERM.
 *
 * With `nested_sandbox` the agent makes user namespaces, and has all capabilities within them:
 * over mounts, whose copies there are locked together as they are here, and over networks that
 * begin without a route. What it does not get back by that are the calls that go around mounts
 * (open_by_handle_at is allowed by newer kernels to who owns the mount namespace), the new mount
 * API, for whose every use mount() will do, and namespaces of cgroups: in one, cgroup file
 * systems could be mounted, and root could write in those of the whole machine.
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "jail/filter/filter_tables.h"

/* A row's programs: a bit for each combination of switches (FILTER_PROGRAM_BIT()). */
#define ALWAYS        FILTER_EVERY_ROW
#define UNLESS_NESTED 0x55u
#define IF_NESTED     (ALWAYS & ~UNLESS_NESTED)
#define UNLESS_PTRACE 0x33u
#define IF_TIER_B     0xf0u

#define NOT_PERMITTED (SECCOMP_RET_ERRNO | EPERM)
#define NO_ACCESS     (SECCOMP_RET_ERRNO | EACCES)
#define NO_SUCH_CALL  (SECCOMP_RET_ERRNO | ENOSYS)
#define NO_FASTOPEN   (SECCOMP_RET_ERRNO | EOPNOTSUPP)
#define NO_OPTION     (SECCOMP_RET_ERRNO | ENOPROTOOPT)
#define NO_LEASE      (SECCOMP_RET_ERRNO | EINVAL) /* as of a file system without leases */
#define BROKERED      SECCOMP_RET_USER_NOTIF

#define TYPE_MASK 0xfu /* of socket()'s type; above it are SOCK_CLOEXEC and SOCK_NONBLOCK */

/* Newer than the headers of Debian 12. Numbers from 424 on are the same everywhere. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define FCNTL_SETDELEG             1040
#define NR_SET_MEMPOLICY_HOME_NODE 450
#define NR_FCHMODAT2               452
#define NR_LSM_GET_SELF_ATTR       459
#define NR_LSM_SET_SELF_ATTR       460
#define NR_LSM_LIST_MODULES        461
#define NR_OPEN_TREE_ATTR          467
#define NR_UNKNOWN                 470 /* file_setattr, 469, is the last that is known here */

/*
 * Commands of iptables, ip6tables, arptables and ebtables, whose headers clash: each has two,
 * replace and add counters.
 */
#define SO_NETFILTER_MASK (~1u)
#define SO_IPT            64u
#define SO_ARPT           96u
#define SO_EBT            128u

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
#define DENY(call, why)			{SCMP_SYS(call), NOT_PERMITTED, ALWAYS, why, {{0}}}
#define DENY_IF(call, why, ...)		{SCMP_SYS(call), NOT_PERMITTED, ALWAYS, why, {__VA_ARGS__}}
#define FAIL_IF(call, action, why, ...)	{SCMP_SYS(call), action, ALWAYS, why, {__VA_ARGS__}}
#define LACK(call, why)			{SCMP_SYS(call), NO_SUCH_CALL, ALWAYS, why, {{0}}}
/* Unless a switch of the policy allows it. */
#define KEEP(call, unless, why)		{SCMP_SYS(call), NOT_PERMITTED, unless, why, {{0}}}
#define KEEP_IF(call, unless, why, ...)	{SCMP_SYS(call), NOT_PERMITTED, unless, why, {__VA_ARGS__}}
/* The same, by way of the broker, which records the switch (broker/refused.h): what comes first. */
#define TELL(call, unless, why)		{SCMP_SYS(call), BROKERED, unless, why, {{0}}}
#define TELL_IF(call, unless, why, ...)	{SCMP_SYS(call), BROKERED, unless, why, {__VA_ARGS__}}
/* Where the network and the IPC namespace are the machine's. */
#define FAIL_B(call, action, why, ...)	{SCMP_SYS(call), action, IF_TIER_B, why, {__VA_ARGS__}}
#define LACK_B(call)			{SCMP_SYS(call), NO_SUCH_CALL, IF_TIER_B, "the machine's", {{0}}}
/* Of the new mount API: refused; for who may mount, not there, so that mount() is used. */
#define KEEP_API(nr)							\
	{nr, NOT_PERMITTED, UNLESS_NESTED, "mount API", {{0}}},	\
	{nr, NO_SUCH_CALL, IF_NESTED, "mount() will do", {{0}}}
/* clang-format on */

#define DOMAIN(...)       SECCOMP_IS(0, SECCOMP_ALL_BITS, __VA_ARGS__)
#define TYPE(...)         SECCOMP_IS(1, TYPE_MASK, __VA_ARGS__)
#define NOT_TYPE(...)     SECCOMP_NOT(1, TYPE_MASK, __VA_ARGS__)
#define NOT_PROTOCOL(...) SECCOMP_NOT(2, SECCOMP_ALL_BITS, __VA_ARGS__)
#define NOT_LENGTH(...)   SECCOMP_NOT(2, SECCOMP_ALL_BITS, __VA_ARGS__)

#define STANDIN_FD_BITS (~(FILTER_BROKERED_FD - 1u))
#define OTHER_LENGTHS                                                                              \
	sizeof(struct sockaddr_nl), sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)

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
	FAIL_IF(socket, BROKERED, "one that is not connected could be, to any of the host's",
		DOMAIN(AF_UNIX)),
	FAIL_B(socket, BROKERED, "made, and later connected, by the broker",
	       DOMAIN(AF_INET, AF_INET6)),
	DENY_IF(socketpair, "only AF_UNIX has use for pairs; TIPC has them too",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, AF_UNIX)),
	FAIL_IF(socketpair, BROKERED, "an end of a datagram pair sends to any path",
		DOMAIN(AF_UNIX), NOT_TYPE(SOCK_STREAM, SOCK_SEQPACKET)),

	/*
	 * The family of an address lies behind a pointer, and of a descriptor it cannot be told.
	 * An address of the internet or of netlink has one of three lengths; unix ones that have
	 * it too come by the number, which the broker chooses for its stand-ins.
	 */
	FAIL_IF(connect, BROKERED, "could be a stand-in", SECCOMP_HAS(0, STANDIN_FD_BITS)),
	FAIL_IF(connect, BROKERED, "a path", NOT_LENGTH(OTHER_LENGTHS)),
	FAIL_IF(bind, BROKERED, "could be a stand-in", SECCOMP_HAS(0, STANDIN_FD_BITS)),
	FAIL_IF(bind, BROKERED, "a path", NOT_LENGTH(OTHER_LENGTHS)),
	FAIL_B(connect, BROKERED, "all: AF_UNSPEC has any length, and undoes a bind", {0}),
	FAIL_B(bind, BROKERED, "all but netlink's", NOT_LENGTH(sizeof(struct sockaddr_nl))),
	FAIL_B(listen, BROKERED, "without bind() it would be on every address", {0}),

	/* TCP Fast Open connects without connect(). */
	FAIL_IF(sendto, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(3, MSG_FASTOPEN)),
	FAIL_B(sendto, BROKERED, "a question for the DNS, or a datagram to record",
	       SECCOMP_IS(5, SECCOMP_ALL_BITS, sizeof(struct sockaddr_in),
			  sizeof(struct sockaddr_in6))),
	FAIL_IF(sendmsg, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(2, MSG_FASTOPEN)),
	FAIL_IF(sendmmsg, NO_FASTOPEN, "a connect in disguise", SECCOMP_HAS(3, MSG_FASTOPEN)),
	FAIL_IF(setsockopt, NO_FASTOPEN, "puts the connect off to the first write",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, IPPROTO_TCP),
		SECCOMP_IS(2, SECCOMP_ALL_BITS, TCP_FASTOPEN_CONNECT)),
	DENY_IF(setsockopt, "packet filters: old kernel code, for who owns a network of their own",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, SOL_IP, SOL_IPV6),
		SECCOMP_IS(2, SO_NETFILTER_MASK, SO_IPT, SO_ARPT, SO_EBT)),

	FAIL_B(setsockopt, NO_OPTION, "a port shared with another server; ways around the loopback",
	       SECCOMP_IS(1, SECCOMP_ALL_BITS, SOL_SOCKET),
	       SECCOMP_IS(2, SECCOMP_ALL_BITS, SO_REUSEPORT, SO_BINDTODEVICE, SO_BINDTOIFINDEX,
			  SO_DONTROUTE, SO_MARK)),
	/* Source routes carry bytes to other hosts, and so do the groups that are joined. */
	FAIL_B(setsockopt, NO_OPTION, "but what changes how a packet is sent, not where to",
	       SECCOMP_IS(1, SECCOMP_ALL_BITS, SOL_IP),
	       SECCOMP_NOT(2, SECCOMP_ALL_BITS, IP_TOS, IP_TTL, IP_PKTINFO, IP_MTU_DISCOVER,
			   IP_RECVERR, IP_RECVTOS, IP_RECVTTL, IP_BIND_ADDRESS_NO_PORT)),
	FAIL_B(setsockopt, NO_OPTION, "as SOL_IP", SECCOMP_IS(1, SECCOMP_ALL_BITS, SOL_IPV6),
	       SECCOMP_NOT(2, SECCOMP_ALL_BITS, IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_TCLASS,
			   IPV6_RECVPKTINFO, IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_RECVTCLASS,
			   IPV6_RECVHOPLIMIT)),

	/* A ring makes calls that no filter sees. */
	DENY(io_uring_setup, "calls past this filter"),
	DENY(io_uring_enter, "calls past this filter"),
	DENY(io_uring_register, "calls past this filter"),

	/* Other processes. */
	TELL(ptrace, UNLESS_PTRACE, "drives another process"),
	TELL(process_vm_readv, UNLESS_PTRACE, "reads another process"),
	TELL(process_vm_writev, UNLESS_PTRACE, "writes another process"),
	DENY(process_madvise, "pages out another process"),
	DENY_IF(prctl, "says which file is its program, which records name",
		SECCOMP_IS(0, SECCOMP_ALL_BITS, PR_SET_MM)),
	DENY(kcmp, "compares kernel pointers of processes"),
	DENY(pidfd_getfd, "takes another process's descriptors"),
	DENY_IF(prlimit64, "limits another process: the jail's init is one", /* 0 is the caller */
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0)),
	/* Others are the agent's own, or in tier B the user's, which the numbers do not tell. */
	DENY_IF(setpriority, "a whole user's, or a group's that init may be in",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, PRIO_PROCESS)),
	DENY_IF(setpriority, "init waits behind the agent", SECCOMP_IS(1, SECCOMP_ALL_BITS, 1)),
	DENY_IF(sched_setscheduler, "init's turn", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),
	DENY_IF(sched_setparam, "init's turn", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),
	DENY_IF(sched_setattr, "init's turn", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),
	DENY_IF(sched_setaffinity, "init's processors", SECCOMP_IS(0, SECCOMP_ALL_BITS, 1)),
	FAIL_IF(fcntl, NO_LEASE, "who writes a file outside waits for who has a lease on it",
		SECCOMP_IS(1, SECCOMP_ALL_BITS, F_SETLEASE, FCNTL_SETDELEG)),

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
	{NR_FCHMODAT2, NOT_PERMITTED, ALWAYS, "set-user-id", {SECCOMP_HAS(2, SUID_SGID)}},
	DENY_IF(mknod, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(mknodat, "set-user-id", SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(mkdir, "set-group-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(mkdirat, "set-group-id", SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(creat, "set-user-id", SECCOMP_HAS(1, SUID_SGID)),
	DENY_IF(open, "set-user-id", SECCOMP_HAS(1, OPEN_CREATES), SECCOMP_HAS(2, SUID_SGID)),
	DENY_IF(openat, "set-user-id", SECCOMP_HAS(2, OPEN_CREATES), SECCOMP_HAS(3, SUID_SGID)),
	LACK(openat2, "its mode lies behind a pointer"),

	/* Namespaces. */
	TELL_IF(unshare, ALWAYS, "its root would be that of file systems that show the machine's",
		SECCOMP_HAS(0, CLONE_NEWCGROUP)),
	TELL_IF(unshare, UNLESS_NESTED, "a user namespace gives capabilities, and kernel code",
		SECCOMP_HAS(0, CLONE_NEW_ANY | CLONE_NEWTIME)),
	TELL_IF(clone, ALWAYS, "as unshare", SECCOMP_HAS(0, CLONE_NEWCGROUP)),
	TELL_IF(clone, UNLESS_NESTED, "as unshare", SECCOMP_HAS(0, CLONE_NEW_ANY)),
	LACK(clone3, "its flags lie behind a pointer"),
	KEEP(setns, UNLESS_NESTED, "enters another namespace"),
	KEEP(sethostname, UNLESS_NESTED, "administration"),
	KEEP(setdomainname, UNLESS_NESTED, "administration"),

	/* Mounts: the jail's shape. */
	KEEP(mount, UNLESS_NESTED, "changes what the agent may write"),
	KEEP(umount2, UNLESS_NESTED, "uncovers what is masked"),
	KEEP(pivot_root, UNLESS_NESTED, "another root"),
	KEEP(chroot, UNLESS_NESTED, "another root"),
	KEEP_API(SCMP_SYS(fsopen)),
	KEEP_API(SCMP_SYS(fsconfig)),
	KEEP_API(SCMP_SYS(fsmount)),
	KEEP_API(SCMP_SYS(fspick)),
	KEEP_API(SCMP_SYS(move_mount)),
	KEEP_API(SCMP_SYS(open_tree)),
	KEEP_API(SCMP_SYS(mount_setattr)),
	KEEP_API(NR_OPEN_TREE_ATTR),
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
	KEEP_IF(personality, UNLESS_PTRACE, "executable stacks, addresses for exploits; not asking",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0, 0xffffffff)),
	DENY_IF(personality, "but for a debugger's addresses that are the same each time",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0, ADDR_NO_RANDOMIZE, 0xffffffff)),
	{NR_LSM_GET_SELF_ATTR, NO_SUCH_CALL, ALWAYS, "the security modules'", {{0}}},
	{NR_LSM_SET_SELF_ATTR, NO_SUCH_CALL, ALWAYS, "the security modules'", {{0}}},
	{NR_LSM_LIST_MODULES, NO_SUCH_CALL, ALWAYS, "the security modules'", {{0}}},

	/* Memory: rare code in the kernel, which programs do without where it was not built in. */
	LACK(mbind, "pages between nodes"),
	LACK(set_mempolicy, "pages between nodes"),
	LACK(get_mempolicy, "pages between nodes; libnuma asks by this whether there are any"),
	{NR_SET_MEMPOLICY_HOME_NODE, NO_SUCH_CALL, ALWAYS, "pages between nodes", {{0}}},
	LACK(migrate_pages, "another process's pages between nodes"),
	LACK(move_pages, "another process's pages between nodes"),
	LACK(remap_file_pages, "emulated, and of no use any more"),
	LACK(vmsplice, "lends pages to pipes: a tool of exploits"),

	/* Older asynchronous I/O: little used, and databases fall back from it. */
	LACK(io_setup, "a ring of its own kind"),
	LACK(io_submit, "of io_setup"),
	LACK(io_getevents, "of io_setup"),
	LACK(io_pgetevents, "of io_setup"),
	LACK(io_cancel, "of io_setup"),
	LACK(io_destroy, "of io_setup"),

	/* What Linux no longer has, or nobody asks for. */
	LACK(_sysctl, "removed"),
	LACK(afs_syscall, "never was"),
	LACK(create_module, "removed"),
	LACK(get_kernel_syms, "removed"),
	LACK(query_module, "removed"),
	LACK(getpmsg, "never was"),
	LACK(putpmsg, "never was"),
	LACK(security, "never was"),
	LACK(tuxcall, "never was"),
	LACK(vserver, "never was"),
	LACK(epoll_ctl_old, "removed"),
	LACK(epoll_wait_old, "removed"),
	LACK(uselib, "libraries of before ELF"),
	LACK(sysfs, "names of file systems, by number"),
	LACK(ustat, "statfs() is what is used"),

	/* Without an IPC namespace. */
	LACK_B(shmget),
	LACK_B(shmat),
	LACK_B(shmctl),
	LACK_B(semget),
	LACK_B(semop),
	LACK_B(semtimedop),
	LACK_B(semctl),
	LACK_B(msgget),
	LACK_B(msgsnd),
	LACK_B(msgrcv),
	LACK_B(msgctl),
	LACK_B(mq_open),
	LACK_B(mq_unlink),
	/* ssh-agent does so, and its sockets need the broker, which has no right over it then. */
	FAIL_B(prctl, SECCOMP_RET_ERRNO, "as if it had been done",
	       SECCOMP_IS(0, SECCOMP_ALL_BITS, PR_SET_DUMPABLE),
	       SECCOMP_IS(1, SECCOMP_ALL_BITS, 0)),

	/* The machine's time, and its disks'. */
	DENY(settimeofday, "the machine's clock"),
	DENY(clock_settime, "the machine's clock"),
	DENY(adjtimex, "the machine's clock"),
	DENY(clock_adjtime, "the machine's clock"),
	DENY(ioprio_set, "goes before others at the disk"),

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
	.rows = agent_rows,
	.n_rows = ARRAY_SIZE(agent_rows),
	.otherwise = SECCOMP_RET_ALLOW,
	.foreign_abi = NO_SUCH_CALL,
	.unknown_from = NR_UNKNOWN,
};

int filter_install_agent(unsigned switches, int *ret_listener, struct error *err)
{
	return seccomp_install_notified(&filter_agent_table, FILTER_PROGRAM_BIT(switches),
					ret_listener, err);
}
