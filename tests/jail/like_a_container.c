// SPDX-License-Identifier: Apache-2.0
/*
 * like_a_container [--old] COMMAND [ARG…] - run a command as Docker does by default: under the
 * system calls of its default seccomp profile and, as root, with its default capabilities alone.
 * --old: as before Linux 4.8, where it also keeps processes from each other's memory.
 *
 * The profile lists what is allowed; this one what that leaves out, as of Docker 27 with a
 * kernel from 4.8 on. Calls that Linux has since given up are left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/seccomp.h"

#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)

/* Profiles that a row is in. */
#define NEW 1u
#define OLD 2u
#define ANY (NEW | OLD)

/* clang-format off */
#define DENY(call, why)			{SCMP_SYS(call), REFUSE, ANY, why, {{SECCOMP_NO_TEST}}}
#define DENY_IF(call, why, ...)		{SCMP_SYS(call), REFUSE, ANY, why, {__VA_ARGS__}}
/* clang-format on */

#define NAMESPACES 0x7e020000u /* 2114060288 in the profile */

#define NR_OPEN_TREE_ATTR 467

static const struct seccomp_row rows[] = {
	DENY_IF(clone, "CAP_SYS_ADMIN", SECCOMP_HAS(0, NAMESPACES)),
	{SCMP_SYS(clone3), ABSENT, ANY, "its flags cannot be seen", {{SECCOMP_NO_TEST}}},
	DENY(unshare, "CAP_SYS_ADMIN"),
	DENY(setns, "CAP_SYS_ADMIN"),
	DENY(mount, "CAP_SYS_ADMIN"),
	DENY(umount2, "CAP_SYS_ADMIN"),
	DENY(pivot_root, "not listed"),
	DENY(fsopen, "CAP_SYS_ADMIN"),
	DENY(fsconfig, "CAP_SYS_ADMIN"),
	DENY(fsmount, "CAP_SYS_ADMIN"),
	DENY(fspick, "CAP_SYS_ADMIN"),
	DENY(move_mount, "CAP_SYS_ADMIN"),
	DENY(open_tree, "CAP_SYS_ADMIN"),
	DENY(mount_setattr, "CAP_SYS_ADMIN"),
	{NR_OPEN_TREE_ATTR, REFUSE, ANY, "not listed", {{SECCOMP_NO_TEST}}},
	DENY(bpf, "CAP_SYS_ADMIN, CAP_BPF"),
	DENY(perf_event_open, "CAP_SYS_ADMIN, CAP_PERFMON"),
	DENY(fanotify_init, "CAP_SYS_ADMIN"),
	DENY(lookup_dcookie, "CAP_SYS_ADMIN"),
	DENY(quotactl, "CAP_SYS_ADMIN"),
	DENY(quotactl_fd, "CAP_SYS_ADMIN"),
	DENY(sethostname, "CAP_SYS_ADMIN"),
	DENY(setdomainname, "CAP_SYS_ADMIN"),
	DENY(syslog, "CAP_SYS_ADMIN, CAP_SYSLOG"),
	DENY(kcmp, "CAP_SYS_PTRACE"),
	DENY(pidfd_getfd, "CAP_SYS_PTRACE"),
	DENY(process_madvise, "CAP_SYS_PTRACE"),
	DENY(open_by_handle_at, "CAP_DAC_READ_SEARCH"),
	DENY(get_mempolicy, "CAP_SYS_NICE"),
	DENY(mbind, "CAP_SYS_NICE"),
	DENY(set_mempolicy, "CAP_SYS_NICE"),
	DENY(migrate_pages, "not listed"),
	DENY(move_pages, "not listed"),
	DENY(settimeofday, "CAP_SYS_TIME"),
	DENY(clock_settime, "CAP_SYS_TIME"),
	DENY(acct, "CAP_SYS_PACCT"),
	DENY(reboot, "CAP_SYS_BOOT"),
	DENY(vhangup, "CAP_SYS_TTY_CONFIG"),
	DENY(iopl, "CAP_SYS_RAWIO"),
	DENY(ioperm, "CAP_SYS_RAWIO"),
	DENY(init_module, "CAP_SYS_MODULE"),
	DENY(finit_module, "CAP_SYS_MODULE"),
	DENY(delete_module, "CAP_SYS_MODULE"),
	DENY(kexec_load, "not listed"),
	DENY(kexec_file_load, "not listed"),
	DENY(swapon, "not listed"),
	DENY(swapoff, "not listed"),
	DENY(add_key, "not listed"),
	DENY(request_key, "not listed"),
	DENY(keyctl, "not listed"),
	DENY(userfaultfd, "not listed"),
	DENY(sysfs, "not listed"),
	DENY(ustat, "not listed"),
	DENY(uselib, "not listed"),
	DENY(nfsservctl, "not listed"),
	DENY(io_uring_setup, "not listed since Docker 25"),
	DENY(io_uring_enter, "not listed since Docker 25"),
	DENY(io_uring_register, "not listed since Docker 25"),
	{SCMP_SYS(process_vm_readv), REFUSE, OLD, "CAP_SYS_PTRACE", {{SECCOMP_NO_TEST}}},
	{SCMP_SYS(process_vm_writev), REFUSE, OLD, "CAP_SYS_PTRACE", {{SECCOMP_NO_TEST}}},
	{SCMP_SYS(ptrace), REFUSE, OLD, "CAP_SYS_PTRACE", {{SECCOMP_NO_TEST}}},
	DENY_IF(socket, "reaches the machine that the container's runs in",
		SECCOMP_IS(0, SECCOMP_ALL_BITS, AF_VSOCK)),
	DENY_IF(personality, "executable stacks, and the like",
		SECCOMP_NOT(0, SECCOMP_ALL_BITS, 0, 8, 0x20000, 0x20008, 0xffffffff)),
};

static const int capabilities[] = {
	CAP_CHOWN,   CAP_DAC_OVERRIDE,     CAP_FOWNER,  CAP_FSETID,      CAP_KILL,
	CAP_SETGID,  CAP_SETUID,           CAP_SETPCAP, CAP_SYS_CHROOT,  CAP_MKNOD,
	CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_SETFCAP, CAP_AUDIT_WRITE,
};

/* The bounding set last but one: dropping needs CAP_SETPCAP, which stays. */
static int keep_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t kept = 0;

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		kept |= UINT64_C(1) << capabilities[i];
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(kept >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].permitted = (uint32_t)(kept >> 32 * i);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static const struct seccomp_table table = {.rows = rows,
						   .n_rows = ARRAY_SIZE(rows),
						   .otherwise = SECCOMP_RET_ALLOW,
						   .foreign_abi = ABSENT};
	bool is_root = !geteuid(), is_old = argc > 1 && !strcmp(argv[1], "--old");
	struct error err = {.where = ""};

	argc -= is_old;
	argv += is_old;

	/* Root's programs may gain capabilities in a container, up to the bounding set. */
	if (argc < 2 || (!is_root && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) ||
	    seccomp_install(&table, is_old ? OLD : NEW, &err) || (is_root && keep_capabilities())) {
		fprintf(stderr, "like_a_container: %s\n", argc < 2 ? "no command" : err.what);
		return 125;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
