// SPDX-License-Identifier: Apache-2.0
/*
 * An end of a pair of datagram sockets can be disconnected, and then sends to any path. Who asks
 * for such a pair gets one of SOCK_SEQPACKET, which keeps messages apart just as well, and is
 * connected for good. What differs: the type that SO_TYPE tells, and that a write to an end whose
 * other is closed is EPIPE.
 */
#include "unix_calls.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TYPE_MASK 0xf

/* Return: 0; -errno, and the caller may have got the first of them */
static int give_both(struct caller *c, const int pair[2], bool cloexec, int ret_numbers[2])
{
	for (int i = 0; i < 2; i++) {
		ret_numbers[i] =
			notify_add_fd(c->listener, c->call.id, pair[i], NOTIFY_LOWEST, cloexec);
		if (ret_numbers[i] < 0)
			return ret_numbers[i];
	}
	return 0;
}

int64_t unix_pair(struct broker *b, struct caller *c)
{
	int type = (int)c->call.args[1], protocol = (int)c->call.args[2];
	int pair[2], numbers[2] = {-1, -1}, r;
	autoclose int one = -1, other = -1;

	(void)b;
	if ((type & TYPE_MASK) != SOCK_DGRAM && (type & TYPE_MASK) != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	/* Before anything is given that the caller would not learn of. */
	r = caller_write(c, c->call.args[3], numbers, sizeof(numbers));
	if (r)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (type & SOCK_NONBLOCK), protocol,
		       pair) < 0)
		return -errno;
	one = pair[0];
	other = pair[1];
	r = give_both(c, pair, type & SOCK_CLOEXEC, numbers);
	return r ? r : caller_write(c, c->call.args[3], numbers, sizeof(numbers));
}
