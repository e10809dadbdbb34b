// SPDX-License-Identifier: Apache-2.0
/* Ways to a process of this machine: its unix sockets, by every name that they could have. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define FLIP_MS     1000
#define SIGNAL_US   100
#define REUSE_TRIES 40

static int open_unix(int type)
{
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0)
		stopped("socket");
	return fd;
}

static _Noreturn void connect_to(int fd, const char *path)
{
	struct address to = path_address(path, 0);

	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, NULL);
}

static void try_stream(const struct probe *probe)
{
	connect_to(open_unix(SOCK_STREAM), target(probe, 0));
}

/* Disconnected first, for whoever was given a socket that is connected already. */
static void try_unspecified(const struct probe *probe)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = open_unix(SOCK_STREAM);

	connect(fd, &none, sizeof(none));
	connect_to(fd, target(probe, 0));
}

static void try_seqpacket(const struct probe *probe)
{
	connect_to(open_unix(SOCK_SEQPACKET), target(probe, 0));
}

static void try_abstract(const struct probe *probe)
{
	struct address to = path_address(target(probe, 0), 1);
	int fd = open_unix(SOCK_STREAM);

	/* The name ends where the address does: without a NUL. */
	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	answered(fd, NULL);
}

/* --- datagrams, which need no connection ------------------------------------------------ */

static void send_to(int fd, const struct probe *probe)
{
	struct address to = path_address(target(probe, 0), 0);

	if (sendto(fd, probe->name, strlen(probe->name), 0, address_of(&to), to.size) < 0)
		stopped("sendto");
}

static void try_datagram(const struct probe *probe)
{
	send_to(open_unix(SOCK_DGRAM), probe);
	reached("a datagram sent");
}

static void try_raw(const struct probe *probe)
{
	send_to(open_unix(SOCK_RAW), probe);
	reached("a datagram sent");
}

static void try_datagram_pair(const struct probe *probe)
{
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		stopped("socketpair");
	send_to(pair[0], probe);
	/* Of a kind that takes no address it went to the other end. */
	if (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
		stopped_by("sendto", "PAIR");
	reached("a datagram sent");
}

/* --- other names of the same socket -------------------------------------------------------- */

static void try_symlink(const struct probe *probe)
{
	unlink("link-to-socket");
	if (symlink(target(probe, 0), "link-to-socket"))
		stopped("symlink");
	connect_to(open_unix(SOCK_STREAM), "link-to-socket");
}

static void try_hard_link(const struct probe *probe)
{
	unlink("hard-link-to-socket");
	if (link(target(probe, 0), "hard-link-to-socket"))
		stopped("link");
	connect_to(open_unix(SOCK_STREAM), "hard-link-to-socket");
}

static void try_from_its_directory(const struct probe *probe)
{
	if (chdir(target(probe, 0)))
		stopped("chdir");
	connect_to(open_unix(SOCK_STREAM), target(probe, 1));
}

static void try_magic_link(const struct probe *probe)
{
	char path[64];
	int pin = open(target(probe, 0), O_PATH | O_CLOEXEC);

	if (pin < 0)
		stopped("open");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
	connect_to(open_unix(SOCK_STREAM), path);
}

static void try_directory_link(const struct probe *probe)
{
	char path[128];
	int dir = open(target(probe, 0), O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		stopped("open");
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, target(probe, 1));
	connect_to(open_unix(SOCK_STREAM), path);
}

/* As long as an address of another family: 12, 16, 28. A filter sees the length, not the name. */
static void try_length(const struct probe *probe)
{
	size_t n = (size_t)atoi(target(probe, 1));
	const char *name = target(probe, 0);
	char path[64] = "./";
	struct address to;

	while (strlen(path) + strlen(name) + 1 + offsetof(struct sockaddr_un, sun_path) < n)
		strcat(path, "/");
	strcat(path, name);
	to = path_address(strlen(name) + 3 == n ? name : path, 0);
	to.size = (socklen_t)n;
	for (int is_low = 0; is_low < 2; is_low++) {
		int fd = open_unix(SOCK_STREAM);

		fd = is_low ? dup2(fd, 9) : fd;
		if (connect(fd, address_of(&to), to.size) == 0)
			answered(fd, NULL);
	}
	stopped("connect");
}

static void try_bind_over(const struct probe *probe)
{
	struct address mine = path_address("over.sock", 0);
	int listener = open_unix(SOCK_STREAM), fd = open_unix(SOCK_STREAM);

	unlink("over.sock");
	if (bind(listener, address_of(&mine), mine.size) || listen(listener, 1))
		stopped("bind");
	if (unlink("over.sock") || link(target(probe, 0), "over.sock"))
		stopped("link");
	connect_to(fd, "over.sock");
}

/* The inode number of a socket that was made inside, taken by one that was not. */
static void try_inode_reuse(const struct probe *probe)
{
	struct address mine = path_address("reused.sock", 0);
	int listener = open_unix(SOCK_STREAM);
	struct stat was, is;

	unlink("reused.sock");
	if (bind(listener, address_of(&mine), mine.size) || listen(listener, 1) ||
	    stat("reused.sock", &was) || unlink("reused.sock"))
		stopped("bind");
	close(listener);
	for (int i = 0; i < REUSE_TRIES; i++) {
		close(open(target(probe, 0), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		for (int waits = 0; waits < 200 && stat("reused.sock", &is); waits++)
			usleep(5000);
		if (is.st_ino == was.st_ino || i == REUSE_TRIES - 1)
			break;
		unlink("reused.sock");
	}
	connect_to(open_unix(SOCK_STREAM), "reused.sock");
}

/* --- from a thread that sees another directory --------------------------------------------- */

static int connect_in_thread(void *data)
{
	const struct probe *probe = data;

	if (chdir(target(probe, 0)))
		stopped("chdir");
	connect_to(open_unix(SOCK_STREAM), target(probe, 1));
}

/* Not by pthreads, whose threads share their directory. */
static void try_thread(const struct probe *probe)
{
	const int flags = CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	static char stack[1 << 18] __attribute__((aligned(16)));
	struct address mine = path_address(target(probe, 1), 0);
	int listener = open_unix(SOCK_STREAM);

	unlink(target(probe, 1));
	if (bind(listener, address_of(&mine), mine.size) || listen(listener, 1))
		stopped("bind");
	if (clone(connect_in_thread, stack + sizeof(stack), flags, (void *)(uintptr_t)probe) < 0)
		stopped("clone");
	for (;;)
		pause();
}

/* --- changed while it is looked at --------------------------------------------------------- */

struct flip {
	struct address to; /* of this path, which the second thread changes */
	const char *inside, *outside;
	volatile int is_over;
};

static void *flip_address(void *data)
{
	struct flip *f = data;
	struct sockaddr_un *un = (struct sockaddr_un *)&f->to.bytes;

	while (!f->is_over) {
		memcpy(un->sun_path, f->outside, strlen(f->outside));
		memcpy(un->sun_path, f->inside, strlen(f->inside));
	}
	return NULL;
}

static void *flip_link(void *data)
{
	struct flip *f = data;

	while (!f->is_over) {
		symlink(f->outside, "flip.new");
		rename("flip.new", "flip");
		symlink(f->inside, "flip.new");
		rename("flip.new", "flip");
	}
	return NULL;
}

static void *greet(void *data)
{
	int fd, listener = *(int *)data;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		send(fd, "inside\n", 7, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void expect_inside(struct flip *f)
{
	char answer[16] = "";
	int fd = open_unix(SOCK_STREAM);

	/* Of the host's, one that is reached says so: "host …". */
	if (connect(fd, address_of(&f->to), f->to.size) == 0 &&
	    recv(fd, answer, sizeof(answer) - 1, 0) > 0 && !strncmp(answer, "host", 4))
		reached("%s", answer);
	close(fd);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void flip(const struct probe *probe, void *(*flipper)(void *), const char *name)
{
	struct flip f = {.inside = "mine.sock", .outside = target(probe, 0)};
	struct address mine = path_address(f.inside, 0);
	int listener = open_unix(SOCK_STREAM);
	long until = now_ms() + FLIP_MS;
	pthread_t threads[2];

	unlink(f.inside);
	if (bind(listener, address_of(&mine), mine.size) || listen(listener, 64))
		stopped("bind");
	unlink("flip");
	symlink(f.inside, "flip");
	f.to = path_address(name ? name : f.inside, 0);
	pthread_create(&threads[0], NULL, greet, &listener);
	pthread_create(&threads[1], NULL, flipper, &f);
	while (now_ms() < until)
		expect_inside(&f);
	stopped_by("flip", "HELD");
}

static void try_flip_address(const struct probe *probe)
{
	flip(probe, flip_address, NULL);
}

static void try_flip_link(const struct probe *probe)
{
	flip(probe, flip_link, "flip");
}

/* --- while something fails ------------------------------------------------------------------ */

/* No descriptor can be put in: whoever connects on the caller's behalf fails at the end. */
static void try_full_table(const struct probe *probe)
{
	const struct rlimit none = {0, 0};
	const char *path = target(probe, 0);
	int fd = open_unix(SOCK_STREAM);

	if (setrlimit(RLIMIT_NOFILE, &none))
		stopped("setrlimit");
	connect_to(fd, path);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void try_signals(const struct probe *probe)
{
	const struct itimerval often = {{0, SIGNAL_US}, {0, SIGNAL_US}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	struct address to = path_address(target(probe, 0), 0);
	struct sigaction act = {.sa_handler = on_alarm};
	int fd = -1;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200; i++) {
		close(fd);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, address_of(&to), to.size))
			continue;
		setitimer(ITIMER_REAL, &never, NULL);
		answered(fd, NULL);
	}
	stopped_by("connect", "HELD");
}

#define REFUSED "connect:EACCES connect:EPERM connect:EISCONN"
#define ABSENT  " connect:ENOENT"
#define LINK    " connect:ELOOP connect:ENOENT" /* magic ones are not followed */

const struct probe probes_unix[] = {
	{"unix-stream", "a host's socket by its path", REFUSED, try_stream, "{host}/stream.sock"},
	{"unix-late", "… made after the launch", REFUSED, try_stream, "{host}/late.sock"},
	{"unix-disconnected", "… after a connect to no family", REFUSED, try_unspecified,
	 "{host}/stream.sock"},
	{"unix-seqpacket", "… of type seqpacket", REFUSED, try_seqpacket, "{host}/seqpacket.sock"},
	{"unix-in-project", "a host's socket in the working directory", REFUSED, try_stream,
	 "{project}/host.sock"},
	{"unix-in-project-late", "… made after the launch", REFUSED, try_stream,
	 "{project}/late.sock"},
	{"unix-docker", "/run/docker.sock", REFUSED ABSENT, try_stream, "/run/docker.sock"},
	{"unix-dbus", "the D-Bus session", REFUSED ABSENT, try_stream, "/run/user/bus"},
	{"unix-x11", "X11", REFUSED ABSENT, try_stream, "/tmp/.X11-unix/X0"},
	{"unix-ssh-agent", "ssh-agent", REFUSED ABSENT, try_stream, "/tmp/ssh-agent/agent.1"},
	{"unix-gpg-agent", "gpg-agent", REFUSED ABSENT, try_stream, "{home}/.gnupg/S.gpg-agent"},
	{"unix-datagram", "a datagram to a host's path", "socket:EACCES", try_datagram,
	 "{host}/datagram.sock"},
	{"unix-raw", "… by SOCK_RAW", "socket:EACCES", try_raw, "{host}/datagram.sock"},
	{"unix-datagram-pair", "… by an end of a socketpair",
	 "socketpair:EACCES sendto:PAIR sendto:EISCONN", try_datagram_pair, "{host}/datagram.sock"},
	{"unix-abstract", "an abstract name of the host's", REFUSED " connect:ECONNREFUSED",
	 try_abstract, "mcpjail-escape"},
	{"unix-abstract-x11", "X11's abstract name", REFUSED " connect:ECONNREFUSED", try_abstract,
	 "/tmp/.X11-unix/X0"},
	{"unix-symlink", "by a symbolic link", REFUSED, try_symlink, "{host}/stream.sock"},
	{"unix-hard-link", "by a hard link", REFUSED " link:EXDEV", try_hard_link,
	 "{project}/host.sock"},
	{"unix-relative", "from its own directory", REFUSED, try_from_its_directory,
	 "{host} stream.sock"},
	{"unix-proc-root", "by /proc/self/root", REFUSED LINK, try_stream,
	 "/proc/self/root{host}/stream.sock"},
	{"unix-proc-cwd", "by /proc/self/cwd", REFUSED LINK, try_stream,
	 "/proc/self/cwd/../../host/stream.sock"},
	{"unix-init-root", "by /proc/1/root", REFUSED LINK, try_stream,
	 "/proc/1/root{host}/stream.sock"},
	{"unix-proc-fd", "by /proc/self/fd of the socket", REFUSED LINK, try_magic_link,
	 "{host}/stream.sock"},
	{"unix-proc-fd-dir", "by /proc/self/fd of its directory", REFUSED LINK, try_directory_link,
	 "{host} stream.sock"},
	{"unix-length-12", "with an address as long as netlink's", REFUSED, try_length,
	 "host.sock 12"},
	{"unix-length-16", "… as IPv4's", REFUSED, try_length, "host.sock 16"},
	{"unix-length-28", "… as IPv6's", REFUSED, try_length, "host.sock 28"},
	{"unix-bind-over", "put where a socket was bound inside", REFUSED " link:EXDEV",
	 try_bind_over, "{project}/host.sock"},
	{"unix-inode-reuse", "made with the inode of one bound inside", REFUSED, try_inode_reuse,
	 "{project}/ask-reused.sock"},
	{"unix-thread", "from a thread in another directory", REFUSED, try_thread,
	 "{host} stream.sock"},
	{"unix-flip-address", "the address changed by a second thread", "flip:HELD",
	 try_flip_address, "host.sock"},
	{"unix-flip-link", "a link on the way changed by a second thread", "flip:HELD",
	 try_flip_link, "host.sock"},
	{"unix-full-table", "with no descriptor left", REFUSED " connect:EMFILE connect:EBADF",
	 try_full_table, "{host}/stream.sock"},
	{"unix-signals", "under a storm of signals", "connect:HELD", try_signals,
	 "{host}/stream.sock"},
	{.name = NULL},
};

const struct probe probes_peers_unix[] = {
	{"control-socket", "the control socket of a run (GHSA-9x85-c42x-79cx)", REFUSED ABSENT,
	 try_stream, "{run}/control.sock"},
	{.name = NULL},
};

const size_t n_probes_unix = sizeof(probes_unix) / sizeof(probes_unix[0]);
