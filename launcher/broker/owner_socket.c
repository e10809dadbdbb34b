// SPDX-License-Identifier: Apache-2.0
#include "owner_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/*
 * A network's only device when it was made, and the jail's only one. Sockets that are bound
 * to a device, as any process may bind its own, are found by that only.
 */
#define LOOPBACK_INDEX 1

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 request;
};

int owner_open_diag(void)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)))
		return -errno;
	return fd_take(&fd);
}

static int read_address(struct span text, uint8_t *ret_family, __be32 ret[4])
{
	char copy[INET6_ADDRSTRLEN];

	if (!span_copy(text, copy, sizeof(copy)))
		return -EINVAL;
	*ret_family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*ret_family, copy, ret) == 1 ? 0 : -EINVAL;
}

/* The agent's end: its own address is the source. */
static int ask(const struct msg_who *who, struct question *ret)
{
	struct inet_diag_sockid *id = &ret->request.id;
	uint8_t family = AF_UNSPEC;
	int r;

	*ret = (struct question){
		.head = {.nlmsg_len = sizeof(*ret),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST,
			 .nlmsg_seq = (uint32_t)who->conn},
		.request = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u},
	};
	r = read_address(who->agent, &ret->request.sdiag_family, id->idiag_src);
	if (!r)
		r = read_address(who->destination, &family, id->idiag_dst);
	if (r || family != ret->request.sdiag_family || who->agent_port > UINT16_MAX ||
	    who->destination_port > UINT16_MAX)
		return -EINVAL;
	id->idiag_sport = htons((uint16_t)who->agent_port);
	id->idiag_dport = htons((uint16_t)who->destination_port);
	id->idiag_if = LOOPBACK_INDEX;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return 0;
}

/* For want of a connection the kernel tells of one who listens at the same port. */
static bool is_same(const struct inet_diag_sockid *asked, const struct inet_diag_msg *told)
{
	return told->id.idiag_sport == asked->idiag_sport &&
	       told->id.idiag_dport == asked->idiag_dport;
}

static int read_answer(const void *bytes, size_t n, const struct question *q,
		       struct owner_socket *ret)
{
	const struct nlmsghdr *head = bytes;
	const struct nlmsgerr *error = NLMSG_DATA(head);
	const struct inet_diag_msg *told = NLMSG_DATA(head);

	if (n >= NLMSG_LENGTH(sizeof(*error)) && head->nlmsg_type == NLMSG_ERROR && error->error)
		return error->error;
	if (n < NLMSG_LENGTH(sizeof(*told)) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -EPROTO;
	if (!is_same(&q->request.id, told))
		return -ENOENT;
	ret->inode = told->idiag_inode;
	ret->cookie = (uint64_t)told->id.idiag_cookie[1] << 32 | told->id.idiag_cookie[0];
	return 0;
}

/* The kernel has answered when send() returns. What an earlier question left is passed over. */
int owner_socket_find(int diag_fd, const struct msg_who *who, struct owner_socket *ret)
{
	_Alignas(struct nlmsghdr) char answer[1024];
	const struct nlmsghdr *head = (const void *)answer;
	struct question q;
	ssize_t n;
	int r = ask(who, &q);

	if (r)
		return r;
	if (send(diag_fd, &q, sizeof(q), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(diag_fd, answer, sizeof(answer), MSG_DONTWAIT);
	while (n >= (ssize_t)sizeof(*head) && head->nlmsg_seq != q.head.nlmsg_seq);
	return n < 0 ? -errno : read_answer(answer, (size_t)n, &q, ret);
}
