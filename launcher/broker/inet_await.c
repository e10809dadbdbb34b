// SPDX-License-Identifier: Apache-2.0
/*
 * The end of a connect() of TCP. It comes at once, but where a listener has no room: then the
 * kernel asks again after a second, and for two minutes. A worker that stayed would be one that the
 * agent has taken from everybody else.
 *
 * To the proxy it may take that long. A listener of the agent's own can have gone by the second
 * time, and a server of the machine's have its port: that connection would be the agent's to use
 * before anybody could judge it. So it is undone before (ECONNREFUSED), also when nobody waits for
 * it any more. Agents' listeners get room enough for that to be rare: inet_bind.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "inet_internal.h"

#define CONNECT_MS 130000 /* as the kernel gives up by itself */
#define AWAIT_MS   2      /* that a worker stays */
#define WITHIN_MS  300    /* to the agent's own; the kernel asks again after 1000 */

bool inet_is_proxy(const struct inet *inet, const struct inet_end *to)
{
	bool is4 = inet_is_ipv4(&to->address);
	struct in6_addr address = inet_loopback(is4);

	return to->port == (is4 ? inet->facts.proxy_port : inet->facts.proxy_port6) &&
	       !memcmp(&to->address, &address, sizeof(address));
}

int inet_undo(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return connect(fd, &none, sizeof(none)) ? -errno : 0;
}

int inet_settle(struct inet *inet, int fd, uint64_t inode, const struct inet_end *to, int r)
{
	if (r && !inet_is_under_way(r))
		return r;
	/*
	 * If it has gone meanwhile, it is not known who has the port now. What that has sent is not
	 * to be read; shutdown() would keep it.
	 */
	if (!inet_is_proxy(inet, to) && !inet_has_listener(inet, to)) {
		if (inet_undo(fd))
			(void)shutdown(fd, SHUT_RDWR);
		return -ECONNREFUSED;
	}
	inet_drop(inet, inode);
	return r;
}

/* Return: -EAGAIN if there is none yet; else as connect() */
static int outcome_of(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof(error);

	if (poll(&p, 1, wait_ms) <= 0)
		return -EAGAIN;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) ? -errno : -error;
}

/* Some kernels do not undo what another thread of the agent's waits for: then again. */
static int outcome_or_undo(const struct attempt *a)
{
	int r = outcome_of(a->socket, 0);

	if (r == -EAGAIN && clock_mono_ms() >= a->until_ms && !inet_undo(a->socket))
		r = -ECONNREFUSED;
	return r;
}

int inet_attempt_connect(const struct attempt *a)
{
	return a->must_end ? outcome_or_undo(a) : outcome_of(a->socket, 0);
}

/* One that does not block learns by poll() that it is connected. */
static int told(const struct caller_fd *fd, int r)
{
	return !r && (fd->flags & O_NONBLOCK) ? -EINPROGRESS : r;
}

void inet_attempt_finish(struct broker *b, struct attempt *a, int r)
{
	struct inet_end to;

	if (r == -EAGAIN)
		r = a->has_timeout ? -EINPROGRESS : -ETIMEDOUT;
	if (!inet_end_of(&a->name, a->name.head.sa_family, &to))
		r = told(&a->info, inet_settle(b->inet, a->socket, a->info.inode, &to, r));
	/* Before the agent goes on: the socket is to end when it closes its own. */
	fd_close(&a->socket);
	(void)notify_answer(b->listener, a->caller.call.id, r);
}

static uint64_t timeout_ms(int fd)
{
	struct timeval timeout = {.tv_sec = 0};
	socklen_t n = sizeof(timeout);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &n))
		return 0;
	return (uint64_t)timeout.tv_sec * 1000u + ((uint64_t)timeout.tv_usec + 999u) / 1000u;
}

int64_t inet_await(struct broker *b, struct caller *c, const struct caller_fd *fd,
		   struct inet_socket *s, const struct inet_end *to)
{
	__attribute__((cleanup(attempt_free))) struct attempt a = {
		.caller = {.proc_fd = -1}, .info = *fd, .socket = -1, .pin = -1};
	uint64_t timeout = timeout_ms(s->fd);
	union inet_name name;
	int r = outcome_of(s->fd, AWAIT_MS);

	if (r != -EAGAIN)
		return told(fd, inet_settle(b->inet, s->fd, fd->inode, to, r));
	a.must_end = !inet_is_proxy(b->inet, to);
	a.has_timeout = !a.must_end && timeout != 0;
	if (a.must_end)
		timeout = WITHIN_MS;
	a.until_ms = clock_mono_ms() + (timeout ? timeout : CONNECT_MS);
	a.name.n = inet_name_of(to, s->family, &name);
	memcpy(a.name.bytes, &name, sizeof(name));
	a.socket = fd_take(&s->fd);
	a.caller = *c;
	c->proc_fd = -1;
	if (!parked_add(b->parked, &a))
		return BROKER_ANSWERED;
	if (a.must_end)
		(void)inet_undo(a.socket);
	return -EAGAIN;
}
