// SPDX-License-Identifier: Apache-2.0
#include "jail/net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define ATTR_HEADER_BYTES sizeof(struct nlattr) /* NLA_HDRLEN is signed */

/* Zeroed room at the end, aligned as netlink wants it; NULL once the batch is full. */
static void *batch_room(struct netlink_batch *b, size_t n)
{
	void *at = b->bytes + b->len;

	n = NLMSG_ALIGN(n);
	if (b->overflow || n > sizeof(b->bytes) - b->len) {
		b->overflow = true;
		return NULL;
	}
	memset(at, 0, n);
	b->len += n;
	return at;
}

static void message_set_length(struct netlink_batch *b)
{
	uint32_t n = (uint32_t)(b->len - b->message);

	memcpy(b->bytes + b->message, &n, sizeof(n));
}

void netlink_begin(struct netlink_batch *b, uint16_t type, uint16_t flags, const void *header,
		   size_t n)
{
	struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST, .nlmsg_seq = ++b->seq};
	void *at;

	b->message = b->len;
	at = batch_room(b, sizeof(h));
	if (!at)
		return;
	memcpy(at, &h, sizeof(h));
	at = batch_room(b, n);
	if (!at)
		return;
	memcpy(at, header, n);
	if (flags & NLM_F_ACK)
		b->acks++;
	message_set_length(b);
}

void netlink_attr(struct netlink_batch *b, uint16_t type, const void *value, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(ATTR_HEADER_BYTES + n), .nla_type = type};
	uint8_t *at = batch_room(b, ATTR_HEADER_BYTES + n);

	if (!at)
		return;
	memcpy(at, &a, sizeof(a));
	if (n)
		memcpy(at + ATTR_HEADER_BYTES, value, n);
	message_set_length(b);
}

void netlink_attr_string(struct netlink_batch *b, uint16_t type, const char *value)
{
	netlink_attr(b, type, value, strlen(value) + 1);
}

void netlink_attr_u32be(struct netlink_batch *b, uint16_t type, uint32_t value)
{
	const uint32_t be = htonl(value);

	netlink_attr(b, type, &be, sizeof(be));
}

size_t netlink_nest(struct netlink_batch *b, uint16_t type)
{
	size_t at = b->len;

	netlink_attr(b, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink_batch *b, size_t nest)
{
	uint16_t n = (uint16_t)(b->len - nest);

	if (!b->overflow)
		memcpy(b->bytes + nest, &n, sizeof(n));
}

int netlink_open(int protocol)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	return fd_take(&fd);
}

/* The kernel queues its answers before sendto() returns, so a missing one is an error. */
static int await_acks(int fd, unsigned acks)
{
	_Alignas(struct nlmsghdr) uint8_t in[4096];

	while (acks) {
		ssize_t got = recv(fd, in, sizeof(in), 0);
		const struct nlmsghdr *h = (const void *)in;
		size_t n = got > 0 ? (size_t)got : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (; n >= sizeof(*h) && NLMSG_OK(h, (uint32_t)n) && acks;) {
			const struct nlmsgerr *e = (const void *)(h + 1);
			size_t step = NLMSG_ALIGN(h->nlmsg_len);

			if (h->nlmsg_type == NLMSG_ERROR &&
			    h->nlmsg_len >= sizeof(*h) + sizeof(e->error)) {
				if (e->error)
					return e->error;
				acks--;
			}
			n -= step < n ? step : n;
			h = (const void *)((const uint8_t *)h + step);
		}
	}
	return 0;
}

int netlink_transact(int fd, struct netlink_batch *b)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent;

	if (b->overflow)
		return -EOVERFLOW;
	sent = sendto(fd, b->bytes, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	if (sent < 0)
		return -errno;
	return await_acks(fd, b->acks);
}
