// SPDX-License-Identifier: Apache-2.0
#include "broker/diag.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

struct question {
	struct nlmsghdr head;
	char request[DIAG_REQUEST_MAX];
};

int diag_open(void)
{
	const struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof(self)))
		return -errno;
	return fd_take(&fd);
}

static int check(const union diag_answer *answer, size_t n, size_t size)
{
	const struct nlmsgerr *error = NLMSG_DATA(&answer->head);

	if (n < NLMSG_HDRLEN || answer->head.nlmsg_len > n)
		return -EPROTO;
	if (answer->head.nlmsg_type == NLMSG_ERROR && n >= NLMSG_LENGTH(sizeof(*error)) &&
	    error->error < 0)
		return error->error;
	return answer->head.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
			       answer->head.nlmsg_len >= NLMSG_LENGTH(size)
		       ? 0
		       : -EPROTO;
}

/* The kernel has answered when send() returns. What an earlier question left is passed over. */
int diag_ask(int diag, const void *request, size_t n, size_t size, union diag_answer *ret)
{
	struct question q = {.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(n),
				      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				      .nlmsg_flags = NLM_F_REQUEST}};
	ssize_t got;

	if (n > sizeof(q.request))
		return -EMSGSIZE;
	memcpy(q.request, request, n);
	while (recv(diag, ret, sizeof(*ret), MSG_DONTWAIT) >= 0)
		;
	if (send(diag, &q, q.head.nlmsg_len, MSG_NOSIGNAL) < 0)
		return -errno;
	got = recv(diag, ret, sizeof(*ret), MSG_DONTWAIT);
	return got < 0 ? -errno : check(ret, (size_t)got, size);
}
