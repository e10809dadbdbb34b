// SPDX-License-Identifier: Apache-2.0
/*
 * like_a_container COMMAND [ARG…] - run a command under a filter like the one that container
 * engines put on what they run without privilege: namespaces and mounts are refused.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/seccomp.h"

#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)
#define NAMESPACES                                                                                 \
	(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

static const struct seccomp_row rows[] = {
	{SYS_unshare, REFUSE, 1, "makes namespaces", {SECCOMP_HAS(0, NAMESPACES)}},
	{SYS_clone, REFUSE, 1, "makes namespaces", {SECCOMP_HAS(0, NAMESPACES)}},
	{SYS_clone3, ABSENT, 1, "its flags cannot be seen", {{SECCOMP_NO_TEST}}},
	{SYS_setns, REFUSE, 1, "enters namespaces", {{SECCOMP_NO_TEST}}},
	{SYS_mount, REFUSE, 1, "mounts", {{SECCOMP_NO_TEST}}},
	{SYS_fsopen, REFUSE, 1, "mounts", {{SECCOMP_NO_TEST}}},
	{SYS_open_tree, REFUSE, 1, "mounts", {{SECCOMP_NO_TEST}}},
	{SYS_move_mount, REFUSE, 1, "mounts", {{SECCOMP_NO_TEST}}},
	{SYS_bpf, REFUSE, 1, "loads code into the kernel", {{SECCOMP_NO_TEST}}},
};

int main(int argc, char **argv)
{
	static const struct seccomp_table table = {.rows = rows,
						   .n_rows = ARRAY_SIZE(rows),
						   .otherwise = SECCOMP_RET_ALLOW,
						   .foreign_abi = ABSENT};
	struct error err = {.where = ""};

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    seccomp_install(&table, 1, &err)) {
		fprintf(stderr, "like_a_container: %s\n", argc < 2 ? "no command" : err.what);
		return 125;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
