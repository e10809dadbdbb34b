// SPDX-License-Identifier: Apache-2.0
/* Longer than most: one table per role, and the process that tries each row. */
/*
 * A child per profile confines itself; what it still is, is read from outside, and what it
 * may no longer do must end it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/confine.h"
#include "sandbox/landlock.h"

#define BAD  ((long)1) /* a pointer to nowhere */
#define HIGH (INT64_C(1) << 32)

#define P   (1u << CONFINE_PROXY)
#define K   (1u << CONFINE_KEEPER)
#define D   (1u << CONFINE_DIALER)
#define ALL (P | K | D)

static const char *const profile_names[] = {"proxy", "keeper", "dialer"};

static int confine_or_exit(enum confine_profile profile)
{
	struct error err = {{0}, {0}, {0}};
	char line[1300];
	int r = confine_role(profile, NULL, &err);

	if (!r)
		return 0;
	error_format(&err, line, sizeof(line));
	dprintf(STDERR_FILENO, "%s: %s\n", profile_names[profile], line);
	_exit(200);
}

static bool can_confine(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) ? 1 : 0);
	waitpid(pid, &status, 0);
	return !status;
}

static void need_namespaces(void)
{
	if (!can_confine()) {
		print_message("skipped: no user namespaces here\n");
		skip();
	}
}

/* --- seen from outside ------------------------------------------------------ */

struct confined {
	pid_t pid;
	int hold_fd; /* its end is the child's */
};

static struct confined start_confined(enum confine_profile profile)
{
	struct confined c = {.pid = -1};
	int ready[2], hold[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	c.pid = fork();
	if (!c.pid) {
		close(hold[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		confine_or_exit(profile);
		if (write(ready[1], "x", 1) == 1 && read(hold[0], &byte, 1) == 0)
			_exit(0);
		_exit(201);
	}
	close(ready[1]);
	close(hold[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	c.hold_fd = hold[1];
	return c;
}

static void end_confined(struct confined *c)
{
	int status = -1;

	close(c->hold_fd);
	waitpid(c->pid, &status, 0);
	assert_int_equal(status, 0);
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
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, n) && line[n] == ':') {
			char *value = line + n + 1 + strspn(line + n + 1, "\t ");

			snprintf(ret, size, "%.*s", (int)strcspn(value, "\n"), value);
		}
	}
	fclose(f);
}

static void test_confine_leaves_no_privilege(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{"CapInh", "0000000000000000"},
		{"CapPrm", "0000000000000000"},
		{"CapEff", "0000000000000000"},
		{"CapBnd", "0000000000000000"},
		{"CapAmb", "0000000000000000"},
		{"NoNewPrivs", "1"},
		{"Seccomp", "2"},
		{"Threads", "1"},
	};

	(void)state;
	need_namespaces();
	for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
		struct confined c = start_confined((enum confine_profile)profile);

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			char value[64];

			read_status(c.pid, rows[i].key, value, sizeof(value));
			if (strcmp(value, rows[i].value))
				fail_msg("%s: %s is %s", profile_names[profile], rows[i].key,
					 value);
		}
		end_confined(&c);
	}
}

/* Counts the entries of the root as the child sees it; -errno. */
static int count_root(pid_t pid)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/root/", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static bool shares_namespace(pid_t pid, const char *name)
{
	char path[64];
	struct stat theirs, ours;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	assert_int_equal(stat(path, &theirs), 0);
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	assert_int_equal(stat(path, &ours), 0);
	return theirs.st_ino == ours.st_ino;
}

/* Only root may look: the process is not dumpable, which is the other test. */
static void test_confine_leaves_an_empty_root_and_own_namespaces(void **state)
{
	(void)state;
	need_namespaces();
	for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
		struct confined c = start_confined((enum confine_profile)profile);
		char path[64], text[256] = "";
		autoclose int mounts = -1;
		ssize_t n;

		assert_int_equal(count_root(c.pid), 2); /* "." and ".." */
		snprintf(path, sizeof(path), "/proc/%d/mounts", c.pid);
		mounts = open(path, O_RDONLY);
		n = read(mounts, text, sizeof(text) - 1);
		assert_true(n > 0);
		assert_non_null(strstr(text, "none / tmpfs ro,nosuid,nodev,noexec"));
		assert_ptr_equal(strchr(text, '\n'), text + n - 1);
		assert_false(shares_namespace(c.pid, "user"));
		assert_false(shares_namespace(c.pid, "mnt"));
		assert_false(shares_namespace(c.pid, "ipc"));
		assert_false(shares_namespace(c.pid, "uts"));
		assert_int_equal(shares_namespace(c.pid, "net"), profile == CONFINE_DIALER);
		end_confined(&c);
	}
}

static void test_confine_hides_from_processes_of_the_same_user(void **state)
{
	char path[64], target[64];

	(void)state;
	need_namespaces();
	for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
		struct confined c = start_confined((enum confine_profile)profile);

		snprintf(path, sizeof(path), "/proc/%d/root", c.pid);
		assert_int_equal(readlink(path, target, sizeof(target)), -1);
		assert_int_equal(errno, EACCES);
		snprintf(path, sizeof(path), "/proc/%d/mem", c.pid);
		assert_int_equal(open(path, O_RDONLY), -1);
		end_confined(&c);
	}
}

static void test_confine_limits_resources(void **state)
{
	(void)state;
	need_namespaces();
	for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
		struct confined c = start_confined((enum confine_profile)profile);
		char path[64], line[256];
		unsigned seen = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/limits", c.pid);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			unsigned long long soft = 99999, hard = 99999;

			if (sscanf(line, "Max core file size %llu %llu", &soft, &hard) == 2 ||
			    sscanf(line, "Max processes %llu %llu", &soft, &hard) == 2) {
				assert_true(!soft && !hard);
				seen++;
			} else if (sscanf(line, "Max open files %llu %llu", &soft, &hard) == 2) {
				assert_in_range(hard, 1, CONFINE_FDS_MAX);
				assert_true(soft == hard);
				seen++;
			}
		}
		fclose(f);
		assert_int_equal(seen, 3);
		end_confined(&c);
	}
}

/* --- what ends it ------------------------------------------------------------ */

struct attempt {
	const char *name;
	unsigned profiles;
	long nr;
	long args[6];
};

static const struct attempt fatal[] = {
	{"openat", ALL, SYS_openat, {AT_FDCWD, BAD, O_RDONLY}},
	{"openat2", ALL, SYS_openat2, {AT_FDCWD, BAD, BAD, 24}},
	{"renameat2", ALL, SYS_renameat2, {AT_FDCWD, BAD, AT_FDCWD, BAD, 0}},
	{"unlinkat", ALL, SYS_unlinkat, {AT_FDCWD, BAD, 0}},
	{"newfstatat of a path", ALL, SYS_newfstatat, {AT_FDCWD, BAD, BAD, 0}},
	{"statx", ALL, SYS_statx, {AT_FDCWD, BAD}},
	{"readlinkat", ALL, SYS_readlinkat, {AT_FDCWD, BAD}},
	{"getdents64", ALL, SYS_getdents64, {0, BAD, 0}},
	{"chdir", ALL, SYS_chdir, {BAD}},
	{"memfd_create", ALL, SYS_memfd_create, {BAD, 0}},
	{"execve", ALL, SYS_execve, {BAD, BAD, BAD}},
	{"execveat", ALL, SYS_execveat, {0, BAD}},
	{"clone", ALL, SYS_clone, {SIGCHLD}},
	{"clone3", ALL, SYS_clone3, {BAD, 64}},
	{"kill", ALL, SYS_kill, {1, 0}},
	{"tgkill", ALL, SYS_tgkill, {1, 1, 0}},
	{"ptrace", ALL, SYS_ptrace, {0}},
	{"process_vm_readv", ALL, SYS_process_vm_readv, {1}},
	{"process_vm_writev", ALL, SYS_process_vm_writev, {1}},
	{"pidfd_open", ALL, SYS_pidfd_open, {1}},
	{"pidfd_getfd", ALL, SYS_pidfd_getfd, {0, 0, 0}},
	{"prctl", ALL, SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"prlimit64", ALL, SYS_prlimit64, {0, RLIMIT_NOFILE}},
	{"unshare", ALL, SYS_unshare, {CLONE_NEWUSER}},
	{"setns", ALL, SYS_setns, {0}},
	{"mount", ALL, SYS_mount, {BAD, BAD, BAD}},
	{"seccomp", ALL, SYS_seccomp, {1, 0, BAD}},
	{"bpf", ALL, SYS_bpf, {0}},
	{"io_uring_setup", ALL, SYS_io_uring_setup, {1, BAD}},
	{"userfaultfd", ALL, SYS_userfaultfd, {0}},
	{"keyctl", ALL, SYS_keyctl, {0}},
	{"shmget", ALL, SYS_shmget, {0}},
	{"socketpair", ALL, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, BAD}},
	{"listen", ALL, SYS_listen, {0}},
	{"executable mmap",
	 ALL,
	 SYS_mmap,
	 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	{"executable mmap, high bit",
	 ALL,
	 SYS_mmap,
	 {0, 4096, PROT_EXEC | HIGH, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	{"mmap of a file", ALL, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, 0}},
	{"executable mprotect", ALL, SYS_mprotect, {0, 4096, PROT_EXEC}},
	{"pkey_mprotect", ALL, SYS_pkey_mprotect, {0, 4096, PROT_EXEC, 0}},
	{"TIOCSTI", ALL, SYS_ioctl, {0, TIOCSTI, BAD}},
	{"fcntl F_SETOWN", ALL, SYS_fcntl, {0, F_SETOWN, 1}},
	{"fcntl F_SETSIG", ALL, SYS_fcntl, {0, F_SETSIG, 9}},
	{"socket", P | K, SYS_socket, {AF_INET, SOCK_STREAM, 0}},
	{"socket udp", P | K, SYS_socket, {AF_INET6, SOCK_DGRAM, 0}},
	{"connect", P | K, SYS_connect, {0, BAD, 16}},
	{"bind", P | K, SYS_bind, {0, BAD, 16}},
	{"accept4", K | D, SYS_accept4, {0, 0, 0, 0}},
	{"pwrite64", P | D, SYS_pwrite64, {0, BAD, 1, 0}},
	{"ftruncate", P | D, SYS_ftruncate, {0, 0}},
	{"flock", P | D, SYS_flock, {0, LOCK_EX}},
	{"unix socket", D, SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
	{"netlink socket", D, SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
	{"packet socket, high bit", D, SYS_socket, {AF_PACKET | HIGH, SOCK_RAW, 0}},
	{"raw socket", D, SYS_socket, {AF_INET, SOCK_RAW, 6}},
	{"ping socket", D, SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}},
	{"sctp", D, SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP}},
	{"recvmmsg", K | D, SYS_recvmmsg, {0}},
	{"sendto, fast open", D, SYS_sendto, {-1, BAD, 1, MSG_FASTOPEN}},
	{"sendto, fast open among others",
	 D,
	 SYS_sendto,
	 {-1, BAD, 1, MSG_FASTOPEN | MSG_NOSIGNAL}},
	{"sendmsg, fast open", D, SYS_sendmsg, {-1, BAD, MSG_FASTOPEN}},
	{"sendmmsg", ALL, SYS_sendmmsg, {-1, BAD, 1, 0}},
#ifdef __x86_64__
	{"open", ALL, SYS_open, {BAD, O_RDONLY}},
	{"fork", ALL, SYS_fork, {0}},
	{"vfork", ALL, SYS_vfork, {0}},
	{"rename", ALL, SYS_rename, {BAD, BAD}},
	{"arch_prctl", ALL, SYS_arch_prctl, {0}},
	{"x32 getpid", ALL, 0x40000000 + SYS_getpid, {0}},
#endif
};

static const struct attempt harmless[] = {
	{"write", ALL, SYS_write, {-1, BAD, 1}},
	{"recvmsg", ALL, SYS_recvmsg, {-1, BAD, 0}},
	{"sendmsg", ALL, SYS_sendmsg, {-1, BAD, 0}},
	{"sendmsg as channels do it", ALL, SYS_sendmsg, {-1, BAD, MSG_NOSIGNAL}},
	{"sendto", ALL, SYS_sendto, {-1, BAD, 1, MSG_NOSIGNAL}},
	{"fstat as glibc does it", ALL, SYS_newfstatat, {0, (long)"", BAD, AT_EMPTY_PATH}},
	{"mmap", ALL, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	{"mprotect", ALL, SYS_mprotect, {0, 4096, PROT_READ}},
	{"getrandom", ALL, SYS_getrandom, {BAD, 1, 0}},
	{"epoll_pwait", ALL, SYS_epoll_pwait, {-1, BAD, 1, 0, 0}},
	{"FIONBIO", ALL, SYS_ioctl, {-1, FIONBIO, BAD}},
	{"F_SETFL", ALL, SYS_fcntl, {-1, F_SETFL, O_NONBLOCK}},
	{"sysinfo", ALL, SYS_sysinfo, {BAD}},
	{"sched_getaffinity", ALL, SYS_sched_getaffinity, {0, 8, BAD}},
	{"accept4", P, SYS_accept4, {-1, 0, 0, SOCK_NONBLOCK}},
	{"getsockname", P | D, SYS_getsockname, {-1, BAD, BAD}},
	{"pwrite64", K, SYS_pwrite64, {-1, BAD, 1, 0}},
	{"flock", K, SYS_flock, {-1, LOCK_EX | LOCK_NB}},
	{"fdatasync", K, SYS_fdatasync, {-1}},
	{"tcp socket", D, SYS_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0}},
	{"udp socket", D, SYS_socket, {AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP}},
	{"connect", D, SYS_connect, {-1, BAD, 16}},
};

static int status_after(enum confine_profile profile, const struct attempt *a)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		confine_or_exit(profile);
		syscall(a->nr, a->args[0], a->args[1], a->args[2], a->args[3], a->args[4],
			a->args[5]);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void test_confine_ends_what_only_an_attacker_would_call(void **state)
{
	(void)state;
	need_namespaces();
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
			int status;

			if (!(fatal[i].profiles & (1u << profile)))
				continue;
			status = status_after((enum confine_profile)profile, &fatal[i]);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("%s: %s: status %x", profile_names[profile], fatal[i].name,
					 (unsigned)status);
		}
	}
}

static void test_confine_leaves_the_role_its_work(void **state)
{
	(void)state;
	need_namespaces();
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
			int status;

			if (!(harmless[i].profiles & (1u << profile)))
				continue;
			status = status_after((enum confine_profile)profile, &harmless[i]);
			if (status)
				fail_msg("%s: %s: status %x", profile_names[profile],
					 harmless[i].name, (unsigned)status);
		}
	}
}

#ifdef __x86_64__
static void test_confine_ends_i386_calls(void **state)
{
	(void)state;
	need_namespaces();
	for (int profile = 0; profile < CONFINE_PROFILES; profile++) {
		int status = -1;
		pid_t pid = fork();

		if (!pid) {
			long r = 20; /* getpid */

			confine_or_exit((enum confine_profile)profile);
			__asm__ volatile("int $0x80"
					 : "+a"(r)
					 :
					 : "memory", "r8", "r9", "r10", "r11");
			_exit(r == -ENOSYS ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status) &&
			    (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
	}
}
#endif

/* --- what the layers below seccomp hold by themselves ------------------------- */

/* Pipes and sockets from before, and memory, are what a role lives on. */
static void test_confine_keeps_descriptors_working(void **state)
{
	int status = -1, pair[2], sockets[2];
	char byte = 0;
	pid_t pid;

	(void)state;
	need_namespaces();
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	pid = fork();
	if (!pid) {
		char *memory;

		confine_or_exit(CONFINE_PROXY);
		memory = malloc(1 << 20);
		if (!memory)
			_exit(1);
		memset(memory, 1, 1 << 20);
		free(memory);
		_exit(write(pair[1], "p", 1) == 1 && send(sockets[1], "s", 1, 0) == 1 ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(recv(sockets[0], &byte, 1, 0), 1);
	close(pair[0]);
	close(pair[1]);
	close(sockets[0]);
	close(sockets[1]);
}

static void test_confine_keeps_the_parent_death_signal(void **state)
{
	int ready[2], hold[2], status = -1;
	pid_t middle, role = -1;
	char byte;

	(void)state;
	need_namespaces();
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	middle = fork();
	if (!middle) {
		pid_t parent = getpid();

		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			role = getpid();
			confine_or_exit(CONFINE_KEEPER);
			if (write(ready[1], &role, sizeof(role)) != sizeof(role))
				_exit(1);
			/* Until its parent dies: nobody else writes to the pipe or closes it. */
			(void)!read(hold[0], &byte, 1);
			_exit(1);
		}
		close(ready[1]);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &role, sizeof(role)), sizeof(role));
	kill(middle, SIGKILL);
	waitpid(middle, &status, 0);
	/* The pipe's other write end is the role's: its end is the role's. */
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	close(hold[0]);
	close(hold[1]);
}

static void test_landlock_denies_files_and_tcp_alone(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9)};
		int fd = socket(AF_INET, SOCK_STREAM, 0), dir = open("/", O_RDONLY | O_DIRECTORY);

		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || landlock_abi() < LANDLOCK_ABI_TCP)
			_exit(77);
		if (landlock_restrict(LANDLOCK_DENY_FILES | LANDLOCK_DENY_TCP_CONNECT))
			_exit(1);
		if (!connect(fd, (struct sockaddr *)&at, sizeof(at)) || errno != EACCES)
			_exit(2);
		if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
			_exit(3);
		_exit(openat(dir, "etc/passwd", O_RDONLY) >= 0 ? 4 : 0);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77) {
		print_message("skipped: the kernel's Landlock knows no TCP\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* --- where it cannot be done --------------------------------------------------- */

static int forbid_user_namespaces(void)
{
	static const char path[] = "/proc/sys/user/max_user_namespaces";
	char map[64];
	int fd, r;

	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER))
		return -1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	r = fd < 0 || write(fd, map, strlen(map)) < 0;
	close(fd);
	fd = open(path, O_WRONLY);
	r |= fd < 0 || write(fd, "0", 1) != 1;
	close(fd);
	return r;
}

static void test_confine_says_what_refuses_user_namespaces(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	need_namespaces();
	pid = fork();
	if (!pid) {
		struct error err = {{0}, {0}, {0}};

		if (forbid_user_namespaces())
			_exit(77);
		if (confine_role(CONFINE_PROXY, NULL, &err) != -ENOSPC)
			_exit(1);
		_exit(strstr(err.what, "user namespace") && strstr(err.mend, "max_user_namespaces")
			      ? 0
			      : 2);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77) {
		print_message("skipped: the limit of user namespaces cannot be set here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest hides =
		cmocka_unit_test(test_confine_hides_from_processes_of_the_same_user);
	const struct CMUnitTest empty =
		cmocka_unit_test(test_confine_leaves_an_empty_root_and_own_namespaces);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confine_leaves_no_privilege),
		/* What root can look into is hidden from everybody else: one or the other can be
		   seen. */
		geteuid() ? hides : empty,
		cmocka_unit_test(test_confine_limits_resources),
		cmocka_unit_test(test_confine_ends_what_only_an_attacker_would_call),
		cmocka_unit_test(test_confine_leaves_the_role_its_work),
#ifdef __x86_64__
		cmocka_unit_test(test_confine_ends_i386_calls),
#endif
		cmocka_unit_test(test_confine_keeps_descriptors_working),
		cmocka_unit_test(test_confine_keeps_the_parent_death_signal),
		cmocka_unit_test(test_landlock_denies_files_and_tcp_alone),
		cmocka_unit_test(test_confine_says_what_refuses_user_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
