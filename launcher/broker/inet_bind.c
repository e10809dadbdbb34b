// SPDX-License-Identifier: Apache-2.0
/*
 * What the agent serves, it serves on the loopback. The wildcard address would be reachable from
 * the network, so it means the loopback here; listen() without bind() would mean the wildcard.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inet_internal.h"

#define BACKLOG_MIN 128

static bool is_only_ipv6(int fd)
{
	int only = 0;
	socklen_t n = sizeof(only);

	return !getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &n) && only;
}

/* Of the wildcard of both families the loopback of IPv4, by which most clients come. */
static int to_loopback(int fd, const struct inet_socket *s, struct inet_end *end)
{
	if (inet_is_any(&end->address))
		end->address = inet_loopback(s->family == AF_INET || !is_only_ipv6(fd));
	return inet_is_loopback(&end->address) ? 0 : -EADDRNOTAVAIL;
}

static int bind_to(int fd, const struct inet_socket *s, struct inet_end *end)
{
	const int zero = 0;
	union inet_name name;
	socklen_t n;
	int r = to_loopback(fd, s, end);

	if (r)
		return r;
	/* A port that is shared with a server of the machine's could lead to that. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &zero, sizeof(zero));
	n = inet_name_of(end, s->family, &name);
	if (!n)
		return -EINVAL;
	return bind(fd, &name.head, n) ? -errno : 0;
}

int64_t inet_bind(struct broker *b, struct caller *c, const struct caller_fd *fd,
		  const struct caller_address *to)
{
	struct inet_socket s;
	struct inet_end end;
	int r = inet_hold(b->inet, fd->inode, &s);

	(void)c;
	if (r)
		return r == -ENOENT ? -EINVAL : r;
	r = s.family == AF_UNIX ? -EINVAL : inet_end_of(to, s.family, &end);
	if (!r)
		r = bind_to(s.fd, &s, &end);
	fd_close(&s.fd);
	return r;
}

static int listen_on(struct inet *inet, const struct inet_socket *s, uint64_t inode, int backlog)
{
	struct inet_end end = {.port = 0};
	int r = s->type == SOCK_STREAM ? inet_own_name(s->fd, &end) : -EOPNOTSUPP;

	if (!r && (!end.port || !inet_is_loopback(&end.address)))
		r = bind_to(s->fd, s, &(struct inet_end){.address = in6addr_any});
	if (r)
		return r;
	/* Before anybody can connect to it. */
	inet_note_listener(inet, inode);
	/* Who finds no room is refused (inet_await.c), not kept waiting as by the kernel. */
	if (listen(s->fd, backlog >= 0 && backlog < BACKLOG_MIN ? BACKLOG_MIN : backlog))
		return -errno;
	/* Another thread's connect() to AF_UNSPEC could have undone the bind meanwhile. */
	r = inet_own_name(s->fd, &end);
	if (r || !inet_is_loopback(&end.address)) {
		(void)shutdown(s->fd, SHUT_RDWR);
		return r ? r : -EACCES;
	}
	inet_drop(inet, inode);
	return 0;
}

/* Unix sockets that are bound listen already: broker/unix_bind.c. */
static int listen_elsewhere(struct broker *b, const struct caller *c, const struct caller_fd *fd)
{
	char name[32], link[16] = "";

	snprintf(name, sizeof(name), "fd/%d", (int)(uint32_t)c->call.args[0]);
	if (readlinkat(c->proc_fd, name, link, sizeof(link) - 1) < 0)
		return -EINVAL;
	if (strncmp(link, "socket:", 7) != 0)
		return -ENOTSOCK;
	return standins_find(b->standins, fd->inode) ? -EINVAL : 0;
}

int64_t inet_listen(struct broker *b, struct caller *c)
{
	struct inet_socket s = {.fd = -1};
	struct caller_fd fd;
	int r = caller_fd_info(c, (int)(uint32_t)c->call.args[0], &fd);

	if (r)
		return r;
	r = inet_hold(b->inet, fd.inode, &s);
	if (r == -ENOENT || (!r && s.family != AF_INET && s.family != AF_INET6))
		r = listen_elsewhere(b, c, &fd);
	else if (!r)
		r = listen_on(b->inet, &s, fd.inode, (int)c->call.args[1]);
	fd_close(&s.fd);
	return r;
}
