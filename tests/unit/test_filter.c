// SPDX-License-Identifier: Apache-2.0
/* Longer than most: the rows are the table of what the filter answers, call by call. */
/*
 * Each row is one raw system call, made by a child before and after the filter. Without
 * the control before, a refusal could as well be the kernel's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filter.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif
#define NR_OPEN_TREE_ATTR 467
#define NR_FCHMODAT2      452

#define BAD    ((long)1)          /* a pointer to nowhere: what passes the filter does no harm */
#define HIGH   (INT64_C(1) << 32) /* above what the kernel reads */
#define NONE   ((long)SOCK_CLOEXEC)
#define NOBODY 0x7ffffff0L /* no process's number, no user's */

#define BROKER ENOSYS /* see install() */

enum control {
	DIFFERS = 0, /* unfiltered, the outcome must be another */
	SAME,        /* the kernel's own answer may be the same: unprivileged, or not built in */
	NOT_TRIED,   /* would do harm */
};

struct attempt {
	const char *name;
	long nr;
	long args[6];
	int expected; /* errno; 0: succeeds */
	enum control control;
};

static const struct attempt refused[] = {
	{"packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, EPERM, SAME},
	{"packet, high bit", SYS_socket, {AF_PACKET | HIGH, SOCK_RAW, 0}, EPERM, SAME},
	{"vsock", SYS_socket, {40, SOCK_STREAM, 0}, EPERM, DIFFERS},
	{"vsock, high bit", SYS_socket, {40 | HIGH, SOCK_STREAM, 0}, EPERM, DIFFERS},
	{"alg", SYS_socket, {38, SOCK_SEQPACKET, 0}, EPERM, DIFFERS},
	{"alg, high bit", SYS_socket, {38 | HIGH, SOCK_SEQPACKET, 0}, EPERM, DIFFERS},
	{"bluetooth", SYS_socket, {31, SOCK_RAW, 0}, EPERM, DIFFERS},
	{"can", SYS_socket, {29, SOCK_RAW, 1}, EPERM, DIFFERS},
	{"tipc", SYS_socket, {30, SOCK_RDM, 0}, EPERM, DIFFERS},
	{"smc", SYS_socket, {43, SOCK_STREAM, 0}, EPERM, DIFFERS},
	{"xdp", SYS_socket, {44, SOCK_RAW, 0}, EPERM, SAME},
	{"mctp", SYS_socket, {45, SOCK_DGRAM, 0}, EPERM, DIFFERS},
	{"no family", SYS_socket, {0, SOCK_STREAM, 0}, EPERM, DIFFERS},
	{"a family to come", SYS_socket, {46, SOCK_STREAM, 0}, EPERM, DIFFERS},
	{"raw", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_ICMP}, EPERM, SAME},
	{"raw v6", SYS_socket, {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}, EPERM, SAME},
	{"raw, flags", SYS_socket, {AF_INET, SOCK_RAW | NONE | SOCK_NONBLOCK, 6}, EPERM, SAME},
	{"sctp", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP}, EPERM, DIFFERS},
	{"sctp, high bit", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP | HIGH}, EPERM, DIFFERS},
	{"sctp seqpacket", SYS_socket, {AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP}, EPERM, DIFFERS},
	{"smc over inet", SYS_socket, {AF_INET6, SOCK_STREAM, IPPROTO_SMC}, EPERM, DIFFERS},
	{"dccp", SYS_socket, {AF_INET, SOCK_DCCP, 33}, EPERM, DIFFERS},
	{"udp-lite", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}, EPERM, DIFFERS},
	{"ping", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}, EPERM, DIFFERS},
	{"ping v6", SYS_socket, {AF_INET6, SOCK_DGRAM | NONE, IPPROTO_ICMPV6}, EPERM, DIFFERS},
	{"netlink audit", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}, EPERM, DIFFERS},
	{"netlink netfilter",
	 SYS_socket,
	 {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER},
	 EPERM,
	 DIFFERS},
	{"netlink sock_diag",
	 SYS_socket,
	 {AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG},
	 EPERM,
	 DIFFERS},
	{"netlink uevent",
	 SYS_socket,
	 {AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT},
	 EPERM,
	 DIFFERS},
	{"unix datagram", SYS_socket, {AF_UNIX, SOCK_DGRAM, 0}, EACCES, DIFFERS},
	{"unix datagram, flags", SYS_socket, {AF_UNIX, SOCK_DGRAM | NONE, 0}, EACCES, DIFFERS},
	{"unix datagram, high bits",
	 SYS_socket,
	 {AF_UNIX | HIGH, SOCK_DGRAM | HIGH, 0},
	 EACCES,
	 DIFFERS},
	{"unix raw is datagram", SYS_socket, {AF_UNIX, SOCK_RAW, 0}, EACCES, DIFFERS},
	{"unix datagram pair", SYS_socketpair, {AF_UNIX, SOCK_DGRAM, 0, BAD}, BROKER, DIFFERS},
	{"unix raw pair", SYS_socketpair, {AF_UNIX, SOCK_RAW | NONE, 0, BAD}, BROKER, DIFFERS},
	{"inet pair", SYS_socketpair, {AF_INET, SOCK_STREAM, 0, BAD}, EPERM, DIFFERS},
	{"tipc pair", SYS_socketpair, {30, SOCK_STREAM, 0, BAD}, EPERM, DIFFERS},
	{"sendto fast open", SYS_sendto, {-1, 0, 0, MSG_FASTOPEN}, EOPNOTSUPP, DIFFERS},
	{"sendto fast open among flags",
	 SYS_sendto,
	 {-1, 0, 0, MSG_FASTOPEN | MSG_NOSIGNAL | HIGH},
	 EOPNOTSUPP,
	 DIFFERS},
	{"sendmsg fast open", SYS_sendmsg, {-1, 0, MSG_FASTOPEN}, EOPNOTSUPP, DIFFERS},
	{"sendmmsg fast open", SYS_sendmmsg, {-1, 0, 0, MSG_FASTOPEN}, EOPNOTSUPP, DIFFERS},
	{"fast open connect",
	 SYS_setsockopt,
	 {-1, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, BAD, 4},
	 EOPNOTSUPP,
	 DIFFERS},
	{"fast open connect, high bits",
	 SYS_setsockopt,
	 {-1, IPPROTO_TCP | HIGH, TCP_FASTOPEN_CONNECT | HIGH, BAD, 4},
	 EOPNOTSUPP,
	 DIFFERS},
	{"io_uring_setup", SYS_io_uring_setup, {1, BAD}, EPERM, DIFFERS},
	{"io_uring_enter", SYS_io_uring_enter, {-1}, EPERM, DIFFERS},
	{"io_uring_register", SYS_io_uring_register, {-1}, EPERM, DIFFERS},
	{"ptrace", SYS_ptrace, {99, 0}, BROKER, DIFFERS},
	{"process_vm_readv", SYS_process_vm_readv, {0, 0, 0, 0, 0, 9}, BROKER, DIFFERS},
	{"process_vm_writev", SYS_process_vm_writev, {0, 0, 0, 0, 0, 9}, BROKER, DIFFERS},
	{"process_madvise", SYS_process_madvise, {-1}, EPERM, DIFFERS},
	{"kcmp", SYS_kcmp, {-1, -1}, EPERM, DIFFERS},
	{"PR_SET_MM", SYS_prctl, {PR_SET_MM, 99, 0, 0, 0}, EPERM, SAME},
	{"pidfd_getfd", SYS_pidfd_getfd, {-1}, EPERM, DIFFERS},
	{"setns", SYS_setns, {-1}, EPERM, DIFFERS},
	{"unshare user", SYS_unshare, {CLONE_NEWUSER}, BROKER, DIFFERS},
	{"unshare net among others",
	 SYS_unshare,
	 {CLONE_NEWUSER | CLONE_NEWNET | CLONE_FS},
	 BROKER,
	 DIFFERS},
	{"unshare mount", SYS_unshare, {CLONE_NEWNS}, BROKER, SAME},
	{"unshare pid", SYS_unshare, {CLONE_NEWPID}, BROKER, SAME},
	{"unshare ipc", SYS_unshare, {CLONE_NEWIPC}, BROKER, SAME},
	{"unshare uts", SYS_unshare, {CLONE_NEWUTS}, BROKER, SAME},
	{"unshare cgroup", SYS_unshare, {CLONE_NEWCGROUP}, BROKER, SAME},
	{"unshare time", SYS_unshare, {CLONE_NEWTIME}, BROKER, SAME},
	{"clone user", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, BROKER, DIFFERS},
	{"clone user and net",
	 SYS_clone,
	 {CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD},
	 BROKER,
	 DIFFERS},
	{"clone3", SYS_clone3, {BAD, 64}, ENOSYS, DIFFERS},
	{"mount", SYS_mount, {BAD, BAD, BAD}, EPERM, DIFFERS},
	{"umount2", SYS_umount2, {BAD, -1}, EPERM, DIFFERS},
	{"pivot_root", SYS_pivot_root, {BAD, BAD}, EPERM, SAME},
	{"chroot", SYS_chroot, {BAD}, EPERM, DIFFERS},
	{"fsopen", SYS_fsopen, {BAD}, EPERM, SAME},
	{"fsconfig", SYS_fsconfig, {-1}, EPERM, DIFFERS},
	{"fsmount", SYS_fsmount, {-1}, EPERM, SAME},
	{"fspick", SYS_fspick, {-1, BAD}, EPERM, SAME},
	{"move_mount", SYS_move_mount, {-1, BAD, -1, BAD}, EPERM, SAME},
	{"open_tree", SYS_open_tree, {-1, BAD}, EPERM, DIFFERS},
	{"open_tree_attr", NR_OPEN_TREE_ATTR, {-1, BAD}, EPERM, SAME},
	{"mount_setattr", SYS_mount_setattr, {-1, BAD, 0, BAD, 0}, EPERM, DIFFERS},
	{"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD, 0}, EPERM, SAME},
	{"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD, BAD, BAD}, EPERM, DIFFERS},
	{"fanotify_init", SYS_fanotify_init, {-1}, EPERM, SAME},
	{"quotactl", SYS_quotactl, {-1, BAD}, EPERM, DIFFERS},
	{"quotactl_fd", SYS_quotactl_fd, {-1}, EPERM, DIFFERS},
	{"acct", SYS_acct, {BAD}, EPERM, SAME},
	{"swapon", SYS_swapon, {BAD, 0}, EPERM, SAME},
	{"swapoff", SYS_swapoff, {BAD}, EPERM, SAME},
	{"bpf", SYS_bpf, {-1, 0, 0}, EPERM, SAME},
	{"perf_event_open", SYS_perf_event_open, {BAD}, EPERM, DIFFERS},
	{"userfaultfd", SYS_userfaultfd, {-1}, EPERM, SAME},
	{"keyctl", SYS_keyctl, {9999}, EPERM, DIFFERS},
	{"add_key", SYS_add_key, {BAD, BAD}, EPERM, DIFFERS},
	{"request_key", SYS_request_key, {BAD, BAD}, EPERM, DIFFERS},
	{"kexec_load", SYS_kexec_load, {0, 0, 0, -1}, EPERM, SAME},
	{"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, -1}, EPERM, SAME},
	{"init_module", SYS_init_module, {BAD, 0, BAD}, EPERM, SAME},
	{"finit_module", SYS_finit_module, {-1, BAD, -1}, EPERM, SAME},
	{"delete_module", SYS_delete_module, {BAD}, EPERM, SAME},
	{"reboot", SYS_reboot, {0, 0, 0, 0}, EPERM, SAME},
	{"syslog", SYS_syslog, {99}, EPERM, SAME},
	{"lookup_dcookie", SYS_lookup_dcookie, {0, BAD, 0}, EPERM, SAME},
	{"settimeofday", SYS_settimeofday, {BAD, 0}, EPERM, SAME},
	{"clock_settime", SYS_clock_settime, {CLOCK_REALTIME, BAD}, EPERM, SAME},
	{"adjtimex", SYS_adjtimex, {BAD}, EPERM, DIFFERS},
	{"clock_adjtime", SYS_clock_adjtime, {CLOCK_REALTIME, BAD}, EPERM, DIFFERS},
	{"sethostname", SYS_sethostname, {BAD, 1}, EPERM, SAME},
	{"setdomainname", SYS_setdomainname, {BAD, 1}, EPERM, SAME},
	{"vhangup", SYS_vhangup, {0}, EPERM, NOT_TRIED},
	{"TIOCSTI", SYS_ioctl, {-1, TIOCSTI, BAD}, EPERM, DIFFERS},
	{"TIOCSTI, high bit", SYS_ioctl, {-1, TIOCSTI | HIGH, BAD}, EPERM, DIFFERS},
	{"TIOCLINUX", SYS_ioctl, {-1, TIOCLINUX, BAD}, EPERM, DIFFERS},
	{"TIOCCONS", SYS_ioctl, {-1, TIOCCONS, 0}, EPERM, DIFFERS},
	{"TIOCSETD", SYS_ioctl, {-1, TIOCSETD | HIGH, BAD}, EPERM, DIFFERS},
	{"personality, executable", SYS_personality, {READ_IMPLIES_EXEC}, EPERM, DIFFERS},
	{"personality, not randomised", SYS_personality, {ADDR_NO_RANDOMIZE}, EPERM, DIFFERS},
	{"personality, high bit", SYS_personality, {MMAP_PAGE_ZERO | HIGH}, EPERM, DIFFERS},
	{"btrfs snapshot", SYS_ioctl, {-1, 0x50009401, BAD}, EPERM, DIFFERS},
	{"btrfs snapshot v2", SYS_ioctl, {-1, 0x50009417, BAD}, EPERM, DIFFERS},
	{"btrfs subvolume", SYS_ioctl, {-1, 0x5000940e | HIGH, BAD}, EPERM, DIFFERS},
	{"btrfs subvolume v2", SYS_ioctl, {-1, 0x50009418, BAD}, EPERM, DIFFERS},
	{"bcachefs subvolume", SYS_ioctl, {-1, 0x4020bc10, BAD}, EPERM, DIFFERS},
	{"fchmod, set-user-id", SYS_fchmod, {-1, 04755}, EPERM, DIFFERS},
	{"fchmod, set-group-id", SYS_fchmod, {-1, 02755 | HIGH}, EPERM, DIFFERS},
	{"fchmodat, set-user-id", SYS_fchmodat, {-1, BAD, 04755}, EPERM, DIFFERS},
	{"fchmodat2, set-group-id", NR_FCHMODAT2, {-1, BAD, 02000, 0}, EPERM, DIFFERS},
	{"openat, set-user-id", SYS_openat, {-1, BAD, O_CREAT, 04755}, EPERM, DIFFERS},
	{"openat, nameless", SYS_openat, {-1, BAD, O_TMPFILE | O_RDWR, 02700}, EPERM, DIFFERS},
	{"openat2", SYS_openat2, {-1, BAD, BAD, 24}, ENOSYS, DIFFERS},
	{"mknodat, set-user-id", SYS_mknodat, {-1, BAD, S_IFREG | 04755}, EPERM, DIFFERS},
	{"mkdirat, set-group-id", SYS_mkdirat, {-1, BAD, 02755}, EPERM, DIFFERS},
	{"limits of another", SYS_prlimit64, {-1, RLIMIT_NOFILE, BAD, 0}, EPERM, DIFFERS},
	{"limits of another, asked", SYS_prlimit64, {-1, RLIMIT_NOFILE, 0, BAD}, EPERM, DIFFERS},
	{"a lease", SYS_fcntl, {-1, F_SETLEASE, F_RDLCK}, EINVAL, DIFFERS},
	{"a lease, high bit", SYS_fcntl, {-1, F_SETLEASE | HIGH, F_WRLCK}, EINVAL, DIFFERS},
	{"a delegation", SYS_fcntl, {-1, 1040, BAD}, EINVAL, DIFFERS},
	{"init's priority", SYS_setpriority, {PRIO_PROCESS, 1, 0}, EPERM, NOT_TRIED},
	{"init's priority, high bit", SYS_setpriority, {0, 1 | HIGH, 0}, EPERM, NOT_TRIED},
	{"a group's priority", SYS_setpriority, {PRIO_PGRP, NOBODY, 0}, EPERM, DIFFERS},
	{"a user's priority", SYS_setpriority, {PRIO_USER, NOBODY, 0}, EPERM, DIFFERS},
	{"init's processors", SYS_sched_setaffinity, {1, 8, BAD}, EPERM, DIFFERS},
	{"init's scheduler", SYS_sched_setscheduler, {1, 0, BAD}, EPERM, DIFFERS},
	{"init's parameters", SYS_sched_setparam, {1 | HIGH, BAD}, EPERM, DIFFERS},
	{"init's attributes", SYS_sched_setattr, {1, BAD, 0}, EPERM, DIFFERS},
	{"iptables", SYS_setsockopt, {-1, SOL_IP, 64, BAD, 4}, EPERM, DIFFERS},
	{"ip6tables, counters", SYS_setsockopt, {-1, SOL_IPV6 | HIGH, 65, BAD}, EPERM, DIFFERS},
	{"arptables", SYS_setsockopt, {-1, SOL_IP, 96 | HIGH, BAD, 4}, EPERM, DIFFERS},
	{"ebtables", SYS_setsockopt, {-1, SOL_IP, 128, BAD, 4}, EPERM, DIFFERS},
	{"mbind", SYS_mbind, {BAD, 1, 99, 0, 0, 99}, ENOSYS, DIFFERS},
	{"set_mempolicy", SYS_set_mempolicy, {99, 0, 0}, ENOSYS, DIFFERS},
	{"get_mempolicy", SYS_get_mempolicy, {0, 0, 0, 0, 99}, ENOSYS, DIFFERS},
	{"set_mempolicy_home_node", 450, {BAD, 1, -1, 1}, ENOSYS, DIFFERS},
	{"migrate_pages", SYS_migrate_pages, {-1, 0, 0, 0}, ENOSYS, DIFFERS},
	{"move_pages", SYS_move_pages, {-1, 0, 0, 0, 0, 99}, ENOSYS, DIFFERS},
	{"remap_file_pages", SYS_remap_file_pages, {BAD, 0, 0, 0, 0}, ENOSYS, DIFFERS},
	{"vmsplice", SYS_vmsplice, {-1, BAD, 1, 0}, ENOSYS, DIFFERS},
	{"io_setup", SYS_io_setup, {0, BAD}, ENOSYS, DIFFERS},
	{"io_submit", SYS_io_submit, {-1, 1, BAD}, ENOSYS, DIFFERS},
	{"io_getevents", SYS_io_getevents, {-1, 1, 1, BAD, 0}, ENOSYS, DIFFERS},
	{"io_pgetevents", SYS_io_pgetevents, {-1, 1, 1, BAD, 0, BAD}, ENOSYS, DIFFERS},
	{"io_cancel", SYS_io_cancel, {-1, BAD, BAD}, ENOSYS, DIFFERS},
	{"io_destroy", SYS_io_destroy, {-1}, ENOSYS, DIFFERS},
	{"ioprio_set", SYS_ioprio_set, {99, 0, 0}, EPERM, DIFFERS},
	{"lsm_get_self_attr", 459, {0, BAD, BAD, 99}, ENOSYS, SAME},
	{"lsm_set_self_attr", 460, {0, BAD, 0, 99}, ENOSYS, SAME},
	{"lsm_list_modules", 461, {BAD, BAD, 99}, ENOSYS, SAME},
	{"a call to come", 470, {0}, ENOSYS, SAME},
	{"a call of much later", 0x3fffffff, {0}, ENOSYS, SAME},
#ifdef __x86_64__
	{"uselib", SYS_uselib, {BAD}, ENOSYS, SAME},
	{"sysfs", SYS_sysfs, {99}, ENOSYS, SAME},
	{"ustat", SYS_ustat, {-1, BAD}, ENOSYS, SAME},
	{"_sysctl", SYS__sysctl, {BAD}, ENOSYS, SAME},
	{"chmod, set-user-id", SYS_chmod, {BAD, 04755}, EPERM, DIFFERS},
	{"open, set-user-id", SYS_open, {BAD, O_CREAT, 04755}, EPERM, DIFFERS},
	{"creat, set-user-id", SYS_creat, {BAD, 04755}, EPERM, DIFFERS},
	{"mknod, set-user-id", SYS_mknod, {BAD, S_IFREG | 04755}, EPERM, DIFFERS},
	{"mkdir, set-group-id", SYS_mkdir, {BAD, 02755}, EPERM, DIFFERS},
	{"iopl", SYS_iopl, {9}, EPERM, DIFFERS},
	{"ioperm", SYS_ioperm, {-1, -1, 0}, EPERM, DIFFERS},
	{"modify_ldt", SYS_modify_ldt, {99}, EPERM, DIFFERS},
	{"x32 getpid", 0x40000000 + SYS_getpid, {0}, ENOSYS, SAME},
#endif
};

/* Agents live by these. */
static const struct attempt allowed[] = {
	{"unix stream", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, BROKER, DIFFERS},
	{"unix stream, flags",
	 SYS_socket,
	 {AF_UNIX, SOCK_STREAM | NONE | SOCK_NONBLOCK, 0},
	 BROKER,
	 DIFFERS},
	{"unix seqpacket", SYS_socket, {AF_UNIX, SOCK_SEQPACKET | NONE, 0}, BROKER, DIFFERS},
	{"tcp", SYS_socket, {AF_INET, SOCK_STREAM | NONE, 0}, 0, SAME},
	{"tcp by number", SYS_socket, {AF_INET6, SOCK_STREAM, IPPROTO_TCP}, 0, SAME},
	{"tcp, high bits",
	 SYS_socket,
	 {AF_INET | HIGH, SOCK_STREAM | HIGH, IPPROTO_TCP | HIGH},
	 0,
	 SAME},
	{"udp", SYS_socket, {AF_INET, SOCK_DGRAM | NONE | SOCK_NONBLOCK, 0}, 0, SAME},
	{"udp by number", SYS_socket, {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}, 0, SAME},
	{"rtnetlink", SYS_socket, {AF_NETLINK, SOCK_RAW | NONE, NETLINK_ROUTE}, 0, SAME},
	{"rtnetlink datagram", SYS_socket, {AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE}, 0, SAME},
	{"stream pair", SYS_socketpair, {AF_UNIX, SOCK_STREAM | NONE, 0, BAD}, EFAULT, SAME},
	{"seqpacket pair", SYS_socketpair, {AF_UNIX, SOCK_SEQPACKET, 0, BAD}, EFAULT, SAME},
	{"connect by the internet", SYS_connect, {300, BAD, 16}, EBADF, SAME},
	{"connect by v6", SYS_connect, {511, BAD, 28}, EBADF, SAME},
	{"connect to a path", SYS_connect, {-1, BAD, 110}, BROKER, DIFFERS},
	{"connect to a short path", SYS_connect, {3, BAD, 15}, BROKER, DIFFERS},
	{"connect of a stand-in", SYS_connect, {512, BAD, 16}, BROKER, DIFFERS},
	{"connect, high bits", SYS_connect, {HIGH, BAD, 110 | HIGH}, BROKER, DIFFERS},
	{"bind to a path", SYS_bind, {3, BAD, 110}, BROKER, DIFFERS},
	{"bind of a stand-in", SYS_bind, {4096, BAD, 16}, BROKER, DIFFERS},
	{"bind by the internet", SYS_bind, {300, BAD, 16}, EBADF, SAME},
	{"sendto", SYS_sendto, {-1, 0, 0, MSG_NOSIGNAL}, EBADF, SAME},
	{"sendmsg", SYS_sendmsg, {-1, BAD, MSG_NOSIGNAL}, EBADF, SAME},
	{"fast open of a server",
	 SYS_setsockopt,
	 {-1, IPPROTO_TCP, TCP_FASTOPEN, BAD, 4},
	 EBADF,
	 SAME},
	{"TCP_NODELAY", SYS_setsockopt, {-1, IPPROTO_TCP, TCP_NODELAY, BAD, 4}, EBADF, SAME},
	{"an IP option of that number",
	 SYS_setsockopt,
	 {-1, IPPROTO_IP, TCP_FASTOPEN_CONNECT, BAD, 4},
	 EBADF,
	 SAME},
	{"fork by clone", SYS_clone, {SIGCHLD}, 0, SAME},
	{"unshare files", SYS_unshare, {CLONE_FILES | CLONE_FS}, 0, SAME},
	{"personality, asked", SYS_personality, {0xffffffff}, 0, SAME},
	{"personality, asked with -1", SYS_personality, {-1}, 0, SAME},
	{"personality, none", SYS_personality, {0}, 0, SAME},
	{"FIONREAD", SYS_ioctl, {-1, FIONREAD, BAD}, EBADF, SAME},
	{"TIOCGWINSZ", SYS_ioctl, {-1, TIOCGWINSZ, BAD}, EBADF, SAME},
	{"TIOCSPGRP", SYS_ioctl, {-1, TIOCSPGRP, BAD}, EBADF, SAME},
	{"landlock", SYS_landlock_restrict_self, {-1, 0}, EBADF, SAME},
	{"inotify", SYS_inotify_init1, {0}, 0, SAME},
	{"pidfd_open", SYS_pidfd_open, {-1, 0}, EINVAL, SAME},
	{"seccomp of its own", SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, BAD}, EFAULT, SAME},
	{"memfd", SYS_memfd_create, {BAD, 0}, EFAULT, SAME},
	{"FICLONE", SYS_ioctl, {-1, 0x40049409, -1}, EBADF, SAME},
	{"chmod, sticky", SYS_fchmodat, {-1, BAD, 01777}, EFAULT, SAME},
	{"openat, a mode that is not read", SYS_openat, {-1, BAD, O_RDONLY, 06755}, EFAULT, SAME},
	{"openat, to create", SYS_openat, {-1, BAD, O_CREAT, 0777}, EFAULT, SAME},
	{"mkdirat", SYS_mkdirat, {-1, BAD, 0777}, EFAULT, SAME},
	{"limits, asked", SYS_prlimit64, {0, RLIMIT_CORE, 0, BAD}, EFAULT, SAME},
	{"limits of its own", SYS_prlimit64, {0, RLIMIT_NOFILE, BAD, 0}, EFAULT, SAME},
	{"a lease, asked", SYS_fcntl, {-1, F_GETLEASE}, EBADF, SAME},
	{"flags of a descriptor", SYS_fcntl, {-1, F_SETFL, O_NONBLOCK}, EBADF, SAME},
	{"a lock", SYS_fcntl, {-1, F_OFD_SETLK, BAD}, EBADF, SAME},
	{"its priority", SYS_setpriority, {PRIO_PROCESS, 0, 19}, 0, SAME},
	{"a thread's priority", SYS_setpriority, {PRIO_PROCESS, NOBODY, 0}, ESRCH, SAME},
	{"its processors", SYS_sched_setaffinity, {0, 8, BAD}, EFAULT, SAME},
	{"a thread's processors", SYS_sched_setaffinity, {NOBODY, 8, BAD}, EFAULT, SAME},
	{"a thread's scheduler", SYS_sched_setscheduler, {NOBODY, 0, BAD}, EFAULT, SAME},
	{"core limit, ignored", SYS_prlimit64, {0, RLIMIT_CORE, BAD, 0}, 0, SAME},
	{"core limit, ignored in the old call", SYS_setrlimit, {RLIMIT_CORE, BAD}, 0, SAME},
};

/* With `nested_sandbox`: what bubblewrap and its like do. */
static const struct attempt nested_allowed[] = {
	{"unshare user", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET}, 0, SAME},
	{"clone user", SYS_clone, {CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD}, 0, SAME},
	{"setns", SYS_setns, {-1}, EBADF, SAME},
	{"mount", SYS_mount, {BAD, BAD, BAD}, EFAULT, SAME},
	{"umount2", SYS_umount2, {BAD, -1}, EINVAL, SAME},
	{"chroot", SYS_chroot, {BAD}, EFAULT, SAME},
};

static const struct attempt nested_refused[] = {
	{"unshare cgroup", SYS_unshare, {CLONE_NEWUSER | CLONE_NEWCGROUP}, BROKER, DIFFERS},
	{"clone cgroup", SYS_clone, {CLONE_NEWUSER | CLONE_NEWCGROUP | SIGCHLD}, BROKER, DIFFERS},
	{"fsopen", SYS_fsopen, {BAD}, ENOSYS, SAME},
	{"open_tree", SYS_open_tree, {-1, BAD}, ENOSYS, DIFFERS},
	{"move_mount", SYS_move_mount, {-1, BAD, -1, BAD}, ENOSYS, SAME},
	{"mount_setattr", SYS_mount_setattr, {-1, BAD, 0, BAD, 0}, ENOSYS, DIFFERS},
	{"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD, 0}, EPERM, SAME},
	{"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD, BAD, BAD}, EPERM, DIFFERS},
	{"clone3", SYS_clone3, {BAD, 64}, ENOSYS, DIFFERS},
	{"ptrace", SYS_ptrace, {99, 0}, BROKER, DIFFERS},
	{"netlink netfilter", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}, EPERM, DIFFERS},
	{"keyctl", SYS_keyctl, {9999}, EPERM, DIFFERS},
	{"bpf", SYS_bpf, {-1, 0, 0}, EPERM, SAME},
};

/* With `ptrace`: what gdb and strace do. */
static const struct attempt ptrace_allowed[] = {
	{"ptrace", SYS_ptrace, {99, 0}, ESRCH, SAME},
	{"process_vm_readv", SYS_process_vm_readv, {0, 0, 0, 0, 0, 9}, EINVAL, SAME},
	{"process_vm_writev", SYS_process_vm_writev, {0, 0, 0, 0, 0, 9}, EINVAL, SAME},
	{"personality, not randomised", SYS_personality, {ADDR_NO_RANDOMIZE}, 0, SAME},
};

static const struct attempt ptrace_refused[] = {
	{"personality, executable", SYS_personality, {READ_IMPLIES_EXEC}, EPERM, DIFFERS},
	{"pidfd_getfd", SYS_pidfd_getfd, {-1}, EPERM, DIFFERS},
	{"kcmp", SYS_kcmp, {-1, -1}, EPERM, DIFFERS},
	{"unshare user", SYS_unshare, {CLONE_NEWUSER}, BROKER, DIFFERS},
	{"mount", SYS_mount, {BAD, BAD, BAD}, EPERM, DIFFERS},
};

/* Closed, as when the broker is gone: what is its to judge is ENOSYS then. */
static int install(unsigned switches)
{
	int listener = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    filter_install_agent(switches, &listener, NULL))
		return -1;
	return close(listener);
}

/* The call's errno, in a child's exit status; 0 if it succeeds. */
static int outcome_of(const struct attempt *a, const unsigned *switches)
{
	const long *args = a->args;
	int status = -1;
	pid_t pid = fork();
	long r;

	if (!pid) {
		if (switches && install(*switches))
			_exit(255);
		r = syscall(a->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
		_exit(r < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("%s: ended by signal %d", a->name, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void check_attempt(const struct attempt *a, unsigned switches)
{
	int got = outcome_of(a, &switches);

	if (got != a->expected)
		fail_msg("%s: %s, not %s", a->name, strerror(got), strerror(a->expected));
	if (a->control != DIFFERS)
		return;
	got = outcome_of(a, NULL);
	if (got == a->expected)
		fail_msg("%s: %s also without the filter", a->name, strerror(got));
}

static void test_filter_refuses_ways_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		check_attempt(&refused[i], 0);
}

static void test_filter_allows_what_agents_need(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		check_attempt(&allowed[i], 0);
}

static void check_attempts(const struct attempt *attempts, size_t n, unsigned switches)
{
	for (size_t i = 0; i < n; i++)
		check_attempt(&attempts[i], switches);
}

static void test_filter_lets_nested_sandboxes_be_made(void **state)
{
	(void)state;
	check_attempts(nested_allowed, ARRAY_SIZE(nested_allowed), FILTER_NESTED_SANDBOX);
	check_attempts(nested_refused, ARRAY_SIZE(nested_refused), FILTER_NESTED_SANDBOX);
}

static void test_filter_lets_processes_be_traced(void **state)
{
	(void)state;
	check_attempts(ptrace_allowed, ARRAY_SIZE(ptrace_allowed), FILTER_PTRACE);
	check_attempts(ptrace_refused, ARRAY_SIZE(ptrace_refused), FILTER_PTRACE);
}

/* 0: not built into this kernel; else what passes must pass. */
static void test_filter_allows_mptcp_where_the_kernel_has_it(void **state)
{
	static const struct attempt mptcp = {
		"mptcp", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_MPTCP}, 0, SAME};
	const unsigned none = 0;

	(void)state;
	assert_int_equal(outcome_of(&mptcp, &none), outcome_of(&mptcp, NULL));
}

/* Datagrams leave by any socket that has a peer path; the pair would have been a way. */
static void test_filter_refuses_datagram_pairs_with_a_good_pointer(void **state)
{
	pid_t pid = fork();
	int status = -1, fds[2];

	(void)state;
	if (!pid) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) || install(0))
			_exit(255);
		_exit(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), BROKER);
}

static void *set_flag(void *flag)
{
	*(int *)flag = 1;
	return NULL;
}

static int run_thread(void)
{
	pthread_t thread;
	int flag = 0;

	if (install(0) || pthread_create(&thread, NULL, set_flag, &flag) ||
	    pthread_join(thread, NULL))
		return 1;
	return !flag;
}

static void test_filter_leaves_threads_to_libc(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(run_thread());
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

#ifdef __x86_64__
static long i386_getpid(void)
{
	long r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static void test_filter_answers_i386_calls_with_enosys(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		long before = i386_getpid();

		if (install(0))
			_exit(255);
		/* A kernel without the ABI answers ENOSYS by itself. */
		_exit((before == getpid() || before == -ENOSYS) && i386_getpid() == -ENOSYS ? 0
											    : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}
#endif

static int add_permissive_filter(unsigned flags)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void test_filter_outlasts_filters_of_the_agent(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (install(0) || add_permissive_filter(0) < 0)
			_exit(255);
		_exit(syscall(SYS_io_uring_setup, 1, BAD) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), EPERM);
}

/* Nobody else may answer its calls: a listener of the agent's own is one too many. */
static void test_filter_has_the_only_listener(void **state)
{
	int status = -1, listener;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    filter_install_agent(0, &listener, NULL))
			_exit(255);
		_exit(add_permissive_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), EBUSY);
}

static void test_filter_is_inherited_over_exec(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (install(0))
			_exit(255);
		execlp("sh", "sh", "-c",
		       "unshare -U true 2>/dev/null && exit 1; grep -q '^Seccomp:.*2' "
		       "/proc/self/status",
		       NULL);
		_exit(254);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* --- init's filter ---------------------------------------------------------- */

static int end_under_init_filter(long nr, const long *args)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_install_init(NULL))
			_exit(255);
		syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void test_filter_init_ends_what_init_does_not_do(void **state)
{
	static const struct {
		long nr;
		long args[6];
	} rows[] = {
		{SYS_openat, {-100, BAD}},
		{SYS_socket, {AF_INET, SOCK_STREAM}},
		{SYS_execve, {BAD, BAD}},
		{SYS_clone, {SIGCHLD}},
		{SYS_mount, {BAD, BAD}},
		{SYS_ptrace, {0}},
		{SYS_setns, {-1}},
		{SYS_mmap, {0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
		{SYS_connect, {-1, BAD}},
		{SYS_prctl, {PR_SET_DUMPABLE, 1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = end_under_init_filter(rows[i].nr, rows[i].args);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %ld: status %x", rows[i].nr, (unsigned)status);
	}
}

static void test_filter_init_leaves_its_work(void **state)
{
	static const struct {
		long nr;
		long args[6];
	} rows[] = {
		{SYS_wait4, {-1, 0, WNOHANG, 0}},
		{SYS_kill, {0, 0}},
		{SYS_read, {-1, BAD, 1}},
		{SYS_recvmsg, {-1, BAD, 0}},
		{SYS_sendmsg, {-1, BAD, 0}},
		{SYS_close, {-1}},
		{SYS_ppoll, {0, 0, BAD}},
		{SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = end_under_init_filter(rows[i].nr, rows[i].args);

		if (status)
			fail_msg("call %ld: status %x", rows[i].nr, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_refuses_ways_out),
		cmocka_unit_test(test_filter_allows_what_agents_need),
		cmocka_unit_test(test_filter_lets_nested_sandboxes_be_made),
		cmocka_unit_test(test_filter_lets_processes_be_traced),
		cmocka_unit_test(test_filter_allows_mptcp_where_the_kernel_has_it),
		cmocka_unit_test(test_filter_refuses_datagram_pairs_with_a_good_pointer),
		cmocka_unit_test(test_filter_leaves_threads_to_libc),
#ifdef __x86_64__
		cmocka_unit_test(test_filter_answers_i386_calls_with_enosys),
#endif
		cmocka_unit_test(test_filter_outlasts_filters_of_the_agent),
		cmocka_unit_test(test_filter_has_the_only_listener),
		cmocka_unit_test(test_filter_is_inherited_over_exec),
		cmocka_unit_test(test_filter_init_ends_what_init_does_not_do),
		cmocka_unit_test(test_filter_init_leaves_its_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
