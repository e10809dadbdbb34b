// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "escape.h"

/* How the servers outside begin their one line. */
static const char *const signatures[] = {"small-internet ", "host "};

const struct sockaddr *address_of(const struct address *a)
{
	return (const struct sockaddr *)&a->bytes;
}

struct address target_address(const struct probe *probe)
{
	struct address a = {.size = 0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.bytes;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.bytes;
	const char *name = target(probe, 0);
	in_port_t port = htons((uint16_t)atoi(target(probe, 1)));

	if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		a.size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		a.size = sizeof(*v6);
	} else {
		stopped_by("target", "ADDRESS");
	}
	return a;
}

struct address path_address(const char *path, int is_abstract)
{
	struct address a = {.size = 0};
	struct sockaddr_un *un = (struct sockaddr_un *)&a.bytes;
	size_t n = strlen(path);

	un->sun_family = AF_UNIX;
	if (n + 2 > sizeof(un->sun_path))
		stopped_by("target", "LENGTH");
	memcpy(un->sun_path + is_abstract, path, n);
	a.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return a;
}

static int is_from_outside(const char *answer)
{
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (!strncmp(answer, signatures[i], strlen(signatures[i])))
			return 1;
	return 0;
}

void answered(int fd, const char *question)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char answer[512];
	ssize_t n;

	/* A peer that has said its line and closed (EPIPE) has still answered. */
	if (question && send(fd, question, strlen(question), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		stopped("send");
	if (poll(&pfd, 1, PROBE_WAIT_MS) != 1)
		stopped_by("answer", "TIMEOUT");
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		stopped("answer");
	if (!n)
		stopped_by("answer", "CLOSED");
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	if (!is_from_outside(answer))
		stopped_by("answer", "OTHER");
	reached("%s", answer);
}
