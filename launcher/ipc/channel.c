// SPDX-License-Identifier: Apache-2.0
/*
 * One datagram is one message: two bytes of type, little endian, then the payload.
 * What arrives is checked against the table of ipc/messages.h before anyone sees it:
 * the sender may lie in every byte, and its descriptors are closed on any violation.
 */
#include "ipc/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TYPE_BYTES 2

int channel_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

int channel_open(struct channel *ch, int fd, enum role self, enum role peer)
{
	uint8_t *in = malloc(CHANNEL_MESSAGE_MAX);

	if (!in)
		return -ENOMEM;
	*ch = (struct channel){.fd = fd, .self = self, .peer = peer, .phases = IPC_START, .in = in};
	return 0;
}

void channel_close(struct channel *ch)
{
	if (ch->fd >= 0)
		close(ch->fd);
	free(ch->in);
	*ch = (struct channel){.fd = -1};
}

static int encode(enum message_type type, const struct wire_type *payload, const void *value,
		  struct buf *out)
{
	uint8_t head[TYPE_BYTES] = {(uint8_t)(type & 0xff), (uint8_t)(type >> 8)};
	int r = buf_append(out, head, sizeof(head));

	if (r || !payload)
		return r;
	return value ? wire_encode(payload, value, out) : -EINVAL;
}

static int send_packet(int fd, const struct buf *out, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {out->data, out->len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	memset(&control, 0, sizeof(control));
	if (n_fds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int channel_send_fds(struct channel *ch, enum message_type type, const void *value, const int *fds,
		     size_t n_fds)
{
	const struct message_rule *rule = message_rule(type);
	autobuf struct buf out = BUF_INIT(CHANNEL_MESSAGE_MAX);
	int r;

	if (!rule || rule->from != ch->self || rule->to != ch->peer || n_fds < rule->fds_min ||
	    n_fds > rule->fds_max)
		return -EINVAL;
	r = encode(type, rule->payload, value, &out);
	return r ? r : send_packet(ch->fd, &out, fds, n_fds);
}

int channel_send(struct channel *ch, enum message_type type, const void *value)
{
	return channel_send_fds(ch, type, value, NULL, 0);
}

/* Take the descriptors out of the control data. False if there was more than fits. */
static bool collect_fds(struct msghdr *msg, struct message *m)
{
	bool whole = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			whole = false;
			continue;
		}
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->n_fds < CHANNEL_FDS_MAX) {
				m->fds[m->n_fds++] = fd;
			} else {
				close(fd);
				whole = false;
			}
		}
	}
	return whole;
}

static bool obeys_table(const struct channel *ch, const struct message *m)
{
	const struct message_rule *rule = message_rule(m->type);

	return rule && rule->from == ch->peer && rule->to == ch->self &&
	       (rule->phases & ch->phases) && m->n_fds >= rule->fds_min &&
	       m->n_fds <= rule->fds_max && (rule->payload || !m->n);
}

int channel_receive(struct channel *ch, struct message *ret)
{
	union {
		/* One more than allowed, so that an excess is seen and not silently cut. */
		char bytes[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 1))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {ch->in, CHANNEL_MESSAGE_MAX};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct message m = {.type = MSG_NONE};
	bool whole;
	ssize_t n;

	/*
	 * A peer that closes with something of ours unread leaves ECONNRESET, which the kernel
	 * reports once, before what the peer had sent last. That is read nevertheless.
	 */
	do
		n = recvmsg(ch->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	whole = collect_fds(&msg, &m);
	/* Every message has a type, so a datagram of no bytes is the end of the stream. */
	if (!n && !m.n_fds)
		return 0;
	if (n >= TYPE_BYTES) {
		m.type = (enum message_type)(ch->in[0] | ch->in[1] << 8);
		m.payload = ch->in + TYPE_BYTES;
		m.n = (size_t)n - TYPE_BYTES;
	}
	if (!whole || (msg.msg_flags & MSG_TRUNC) || !obeys_table(ch, &m)) {
		message_free(&m);
		return -EPROTO;
	}
	if (message_rule(m.type)->opens)
		ch->phases = message_rule(m.type)->opens;
	*ret = m;
	return 1;
}

int message_decode(const struct message *m, void *ret_value)
{
	const struct message_rule *rule = message_rule(m->type);

	if (!rule || !rule->payload)
		return -EPROTO;
	return wire_decode(rule->payload, m->payload, m->n, ret_value) ? -EPROTO : 0;
}

int message_take_fd(struct message *m, size_t i)
{
	int fd;

	if (i >= m->n_fds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

void message_free(struct message *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->n_fds = 0;
}
