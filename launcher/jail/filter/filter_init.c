// SPDX-License-Identifier: Apache-2.0
/*
 * What pid 1 of the jail does once the agent runs: wait for children and for the
 * supervisor, pass signals on. It shares the agent's namespaces, and were it taken over it
 * could do no more than that; anything else kills it, and the jail with it.
 */
#include "jail/filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "jail/filter/filter_tables.h"

/* clang-format off */
#define ALLOW(call, why)	 {SCMP_SYS(call), SECCOMP_RET_ALLOW, FILTER_EVERY_ROW, why, {{0}}}
#define ALLOW_IF(call, why, ...) {SCMP_SYS(call), SECCOMP_RET_ALLOW, FILTER_EVERY_ROW, why, {__VA_ARGS__}}
/* clang-format on */

static const struct seccomp_row init_rows[] = {
	ALLOW(poll, "the loop"),
	ALLOW(ppoll, "the loop; all that aarch64 has"),
	ALLOW(read, "signals, by descriptor"),
	ALLOW(recvmsg, "the supervisor's messages"),
	ALLOW(sendmsg, "to the supervisor"),
	ALLOW(wait4, "reaps"),
	ALLOW(waitid, "reaps"),
	ALLOW(kill, "passes the supervisor's signals to the agent"),
	ALLOW(close, "descriptors that a message brought"),
	ALLOW(write, "last words on stderr"),
	ALLOW_IF(mmap, "malloc", SECCOMP_LACKS(2, PROT_EXEC), SECCOMP_HAS(3, MAP_ANONYMOUS)),
	ALLOW(munmap, "free"),
	ALLOW(mremap, "realloc"),
	ALLOW(brk, "malloc"),
	ALLOW(madvise, "malloc gives back"),
	ALLOW(rt_sigreturn, "a signal handler ends"),
	ALLOW(rt_sigprocmask, "signals"),
	ALLOW(sigaltstack, "signals"),
	ALLOW(restart_syscall, "the kernel's way to go on after a stop"),
	ALLOW(exit, "the end"),
	ALLOW(exit_group, "the end"),
};

const struct seccomp_table filter_init_table = {
	init_rows, ARRAY_SIZE(init_rows), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS, 0,
};

int filter_install_init(struct error *err)
{
	return seccomp_install(&filter_init_table, FILTER_EVERY_ROW, err);
}
