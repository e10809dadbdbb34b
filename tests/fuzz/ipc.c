// SPDX-License-Identifier: Apache-2.0
/*
 * Datagrams to a role, from one that was taken over. The first byte of the input chooses
 * the two roles and how many descriptors lie beside each datagram; then come datagrams,
 * each behind two bytes of length. What must hold:
 *   - a payload that decodes encodes to the same bytes: there is one spelling, no byte
 *     is ignored, and every span lies within the payload;
 *   - what is received is of a type that the table lets this peer send, and after the
 *     first violation nothing is;
 *   - no descriptor is leaked, whether a message is taken or refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "ipc/channel.h"

#define DATAGRAMS_MAX 8

static const struct {
	enum role self, peer;
} channels[] = {
	{ROLE_KEEPER, ROLE_PROXY},       {ROLE_DIALER, ROLE_PROXY},
	{ROLE_PROXY, ROLE_KEEPER},       {ROLE_PROXY, ROLE_DIALER},
	{ROLE_SUPERVISOR, ROLE_INIT},    {ROLE_INIT, ROLE_SUPERVISOR},
	{ROLE_SUPERVISOR, ROLE_KEEPER},  {ROLE_KEEPER, ROLE_SUPERVISOR},
	{ROLE_SUPERVISOR, ROLE_PROXY},   {ROLE_PROXY, ROLE_SUPERVISOR},
	{ROLE_SUPERVISOR, ROLE_DIALER},  {ROLE_DIALER, ROLE_SUPERVISOR},
	{ROLE_SUPERVISOR, ROLE_CONTROL}, {ROLE_CONTROL, ROLE_SUPERVISOR},
};

static void check_spans(const struct wire_type *type, const char *base, struct span payload)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct wire_field *f = &type->fields[i];
		const char *at = base + f->offset;

		if (f->kind == WIRE_KIND_SPAN) {
			struct span s = *(const struct span *)(const void *)at;

			must(s.n <= f->max);
			must(!s.n || (s.p >= payload.p && s.p + s.n <= payload.p + payload.n));
		} else if (f->kind == WIRE_KIND_LIST) {
			size_t n = *(const size_t *)(const void *)(base + f->count_offset);

			must(n <= f->max);
			for (size_t k = 0; k < n; k++)
				check_spans(f->element, at + k * f->element->size, payload);
		}
	}
}

static void check_payload(const struct message_rule *rule, struct span payload)
{
	autofree char *copy = fuzz_copy(payload.p, payload.n);
	autofree char *value = malloc(rule->payload->size);
	autobuf struct buf again = BUF_INIT(FUZZ_BUF_MAX);

	must(value);
	if (wire_decode(rule->payload, copy, payload.n, value)) {
		for (size_t i = 0; i < rule->payload->size; i++)
			must(!value[i]);
		return;
	}
	check_spans(rule->payload, value, span_bytes(copy, payload.n));
	must(!wire_encode(rule->payload, value, &again));
	must(again.len == payload.n && (!payload.n || !memcmp(again.data, copy, payload.n)));
}

static void send_datagram(int fd, struct span bytes, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 2))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {(void *)(uintptr_t)bytes.p, bytes.n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(&control, 0, sizeof(control));
	if (n_fds) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
	}
	must(sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)bytes.n);
}

static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	must(fd >= 0);
	close(fd);
	return fd;
}

/* Return: whether the channel goes on */
static bool receive(struct channel *ch, struct span sent)
{
	struct message m = {0};
	int r = channel_receive(ch, &m);

	must(r == 1 || r == -EPROTO || (r == 0 && !sent.n));
	if (r != 1)
		return false;
	must(message_rule(m.type) && message_rule(m.type)->from == ch->peer &&
	     message_rule(m.type)->to == ch->self);
	must(m.n_fds >= message_rule(m.type)->fds_min && m.n_fds <= message_rule(m.type)->fds_max);
	must(m.n + 2 == sent.n && !memcmp(m.payload, sent.p + 2, m.n));
	if (message_rule(m.type)->payload)
		check_payload(message_rule(m.type), span_bytes(m.payload, m.n));
	message_free(&m);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct channel ch;
	size_t which, n_fds;
	int fds[2], before = lowest_free_fd();

	if (n < 2)
		return 0;
	which = data[0] % ARRAY_SIZE(channels);
	n_fds = data[1] % (CHANNEL_FDS_MAX + 3);
	must(!channel_pair(fds));
	must(!channel_open(&ch, fds[0], channels[which].self, channels[which].peer));
	for (size_t at = 2, i = 0; at + 2 <= n && i < DATAGRAMS_MAX; i++) {
		size_t length = (size_t)data[at] | (size_t)data[at + 1] << 8;
		struct span datagram =
			span_bytes(data + at + 2, length < n - at - 2 ? length : n - at - 2);
		unsigned type = datagram.n >= 2 ? (uint8_t)datagram.p[0] |
							  (unsigned)(uint8_t)datagram.p[1] << 8
						: MSG_NONE;

		/* The decoder by itself too: most of what is sent is refused before it. */
		if (message_rule(type) && message_rule(type)->payload)
			check_payload(message_rule(type),
				      span_bytes(datagram.p + 2, datagram.n - 2));
		send_datagram(fds[1], datagram, i ? 0 : n_fds);
		if (!receive(&ch, datagram))
			break;
		at += 2 + datagram.n;
	}
	close(fds[1]);
	channel_close(&ch);
	must(lowest_free_fd() == before);
	return 0;
}
