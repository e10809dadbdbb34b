// SPDX-License-Identifier: Apache-2.0
/*
 * The broker confines itself in namespaces of another process, as the jail's are. What it still
 * is, is read from outside, and what it may no longer do must end it.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/confine.h"

#define BAD  ((long)1)
#define HIGH (INT64_C(1) << 32)

/* A process whose namespaces are to be joined. Ends with what it is given */
static pid_t start_jail(int hold)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(hold, &byte, 1) != 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void join_and_confine(pid_t jail)
{
	struct confine_namespaces to = {open_namespace(jail, "user"), open_namespace(jail, "net"),
					open_namespace(jail, "mnt")};
	struct error err = {{0}, {0}, {0}};

	if (!confine_join(&to, &err) && !confine_broker(true, &err))
		return;
	dprintf(STDERR_FILENO, "%s: %s\n", err.where, err.what);
	_exit(200);
}

struct attempt {
	const char *name;
	long nr;
	long args[6];
};

static const struct attempt fatal[] = {
	{"openat to write", SYS_openat, {AT_FDCWD, BAD, O_WRONLY}},
	{"openat to make", SYS_openat, {AT_FDCWD, BAD, O_RDONLY | O_CREAT}},
	{"renameat2", SYS_renameat2, {AT_FDCWD, BAD, AT_FDCWD, BAD, 0}},
	{"rmdir", SYS_unlinkat, {AT_FDCWD, BAD, AT_REMOVEDIR}},
	{"linkat", SYS_linkat, {AT_FDCWD, BAD, AT_FDCWD, BAD, 0}},
	{"mknodat", SYS_mknodat, {AT_FDCWD, BAD, 0, 0}},
	{"fchmodat", SYS_fchmodat, {AT_FDCWD, BAD, 0}},
	{"execve", SYS_execve, {BAD, BAD, BAD}},
	{"a process", SYS_clone, {SIGCHLD}},
	{"a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
	{"kill", SYS_kill, {1, 0}},
	{"tgkill", SYS_tgkill, {1, 1, 0}},
	{"pidfd_send_signal", SYS_pidfd_send_signal, {0, 0, 0, 0}},
	{"ptrace", SYS_ptrace, {0}},
	{"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"capset", SYS_capset, {BAD, BAD}},
	{"setuid", SYS_setuid, {0}},
	{"another's limits", SYS_prlimit64, {1, RLIMIT_NOFILE, BAD, 0}},
	{"unshare", SYS_unshare, {CLONE_NEWUSER}},
	{"unshare, among others", SYS_unshare, {CLONE_FS | CLONE_NEWNS}},
	{"setns", SYS_setns, {0}},
	{"mount", SYS_mount, {BAD, BAD, BAD}},
	{"open_tree", SYS_open_tree, {AT_FDCWD, BAD, 0}},
	{"pivot_root", SYS_pivot_root, {BAD, BAD}},
	{"seccomp", SYS_seccomp, {1, 0, BAD}},
	{"flags of the listener", SYS_ioctl, {0, SECCOMP_IOW(4, __u64), BAD}},
	{"TIOCSTI", SYS_ioctl, {0, TIOCSTI, BAD}},
	{"bpf", SYS_bpf, {0}},
	{"io_uring_setup", SYS_io_uring_setup, {1, BAD}},
	{"tcp socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
	{"udp socket", SYS_socket, {AF_INET6, SOCK_DGRAM, 0}},
	{"netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}},
	{"unix datagrams", SYS_socket, {AF_UNIX, SOCK_DGRAM, 0}},
	{"unix datagrams, high bits", SYS_socket, {AF_UNIX | HIGH, SOCK_DGRAM | HIGH, 0}},
	{"packet socket, high bit", SYS_socket, {AF_PACKET | HIGH, SOCK_RAW, 0}},
	{"inet pair", SYS_socketpair, {AF_INET, SOCK_STREAM, 0, BAD}},
	{"fast open", SYS_sendto, {-1, BAD, 1, MSG_FASTOPEN}},
	{"fast open message", SYS_sendmsg, {-1, BAD, MSG_FASTOPEN}},
	{"sendmmsg", SYS_sendmmsg, {-1, BAD, 1, 0}},
	{"executable mmap", SYS_mmap, {0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	{"mmap of a file", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, 0}},
	{"executable mprotect", SYS_mprotect, {0, 4096, PROT_EXEC}},
};

static const struct attempt harmless[] = {
	{"openat", SYS_openat, {-1, BAD, O_RDONLY}},
	{"openat2", SYS_openat2, {-1, BAD, BAD, 24}},
	{"process_vm_readv", SYS_process_vm_readv, {0}},
	{"unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0}},
	{"seqpacket", SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0}},
	{"connect", SYS_connect, {-1, BAD, 110}},
	{"bind", SYS_bind, {-1, BAD, 110}},
	{"unlinkat", SYS_unlinkat, {-1, BAD, 0}},
	{"chroot", SYS_chroot, {BAD}},
	{"own root", SYS_unshare, {CLONE_FS}},
	{"own descriptors", SYS_unshare, {CLONE_FILES}},
	{"clone3", SYS_clone3, {BAD, 64}},
	{"receive a call", SYS_ioctl, {-1, (long)SECCOMP_IOCTL_NOTIF_RECV, BAD}},
	{"its limits", SYS_prlimit64, {0, RLIMIT_NOFILE, 0, BAD}},
};

static int status_after(pid_t jail, const struct attempt *a)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		join_and_confine(jail);
		syscall(a->nr, a->args[0], a->args[1], a->args[2], a->args[3], a->args[4],
			a->args[5]);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

struct jail {
	pid_t pid;
	int hold[2];
};

static int set_up(void **state)
{
	struct jail *jail = calloc(1, sizeof(*jail));

	if (!jail || pipe2(jail->hold, O_CLOEXEC))
		return -1;
	jail->pid = start_jail(jail->hold[0]);
	*state = jail;
	return 0;
}

static int tear_down(void **state)
{
	struct jail *jail = *state;

	kill(jail->pid, SIGKILL);
	waitpid(jail->pid, NULL, 0);
	close(jail->hold[0]);
	close(jail->hold[1]);
	free(jail);
	return 0;
}

static void test_what_only_an_attacker_would_call_ends_it(void **state)
{
	const struct jail *jail = *state;

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		int status = status_after(jail->pid, &fatal[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %#x", fatal[i].name, (unsigned)status);
	}
}

static void test_what_it_has_to_do_does_not(void **state)
{
	const struct jail *jail = *state;

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		int status = status_after(jail->pid, &harmless[i]);

		if (status)
			fail_msg("%s: status %#x", harmless[i].name, (unsigned)status);
	}
}

static void read_status(pid_t pid, const char *key, char *ret, size_t size)
{
	char path[64], line[256];
	size_t n = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	ret[0] = '\0';
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && line[n] == ':')
			snprintf(ret, size, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
	fclose(f);
}

static void test_it_keeps_two_capabilities_within_the_jail(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{"CapInh", "0000000000000000"},
		{"CapPrm", "00000000000c0000"},
		{"CapEff", "00000000000c0000"},
		{"CapBnd", "0000000000000000"},
		{"CapAmb", "0000000000000000"},
		{"NoNewPrivs", "1"},
		{"Seccomp", "2"},
	};
	const struct jail *jail = *state;
	int ready[2], status = -1;
	char byte, value[64];
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		join_and_confine(jail->pid);
		_exit(write(ready[1], "x", 1) != 1 || read(jail->hold[0], &byte, 1) != 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		read_status(pid, rows[i].key, value, sizeof(value));
		if (strcmp(value, rows[i].value) != 0)
			fail_msg("%s is %s", rows[i].key, value);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_it_ends_with_its_parent(void **state)
{
	const struct jail *jail = *state;
	int line[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(line, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		if (!fork()) {
			join_and_confine(jail->pid);
			(void)!write(line[1], "x", 1);
			(void)!read(jail->hold[0], &byte, 1);
			_exit(0);
		}
		/* Until it is confined, which could have made the kernel forget the signal. */
		_exit(read(line[0], &byte, 1) != 1);
	}
	close(line[1]);
	waitpid(pid, NULL, 0);
	/* Its end of the line is closed by its death alone. */
	assert_int_equal(read(line[0], &byte, 1), 0);
	close(line[0]);
}

int main(void)
{
#define IN_JAIL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_JAIL(test_what_only_an_attacker_would_call_ends_it),
		IN_JAIL(test_what_it_has_to_do_does_not),
		IN_JAIL(test_it_keeps_two_capabilities_within_the_jail),
		IN_JAIL(test_it_ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
