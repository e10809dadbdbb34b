// SPDX-License-Identifier: Apache-2.0
/*
 * Why descriptors are kept: where pidfd_getfd() is refused, as in containers, there is no other
 * way to act on a socket that the agent holds. Ours is of the same open socket, so that what
 * the agent set on it, or watches it by, stays. Once it is connected or listens the kernel
 * refuses what would have to be judged, and ours is closed: the socket ends when the agent's does.
 *
 * What the agent closes without either is noticed when the table is full (inet_collect.c).
 */
#include "broker/inet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/diag.h"
#include "inet_internal.h"

#define TYPE_MASK 0xf

/* Newer than the headers of Debian 12. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int inet_new(const struct inet_facts *facts, struct inet **ret, struct error *err)
{
	struct inet *inet = calloc(1, sizeof(*inet));
	int r = inet ? 0 : -ENOMEM;

	if (!r) {
		inet->facts = *facts;
		pthread_mutex_init(&inet->lock, NULL);
		pthread_cond_init(&inet->given, NULL);
		inet->diag = diag_open();
		r = inet->diag < 0 ? inet->diag : inet_catch_ticks();
	}
	if (r)
		error_set(err, "tier b", NULL, "sockets cannot be asked about: %s", strerror(-r));
	else
		r = inet_try_datagrams(err);
	if (r) {
		inet_free(inet);
		return r;
	}
	inet_read_resolvers(inet);
	*ret = inet;
	return 0;
}

void inet_free(struct inet *inet)
{
	if (!inet)
		return;
	for (size_t i = 0; i < INET_SOCKETS_MAX; i++)
		if (inet->sockets[i].inode)
			fd_close(&inet->sockets[i].fd);
	if (inet->diag > 0)
		fd_close(&inet->diag);
	free(inet);
}

/* --- the table -------------------------------------------------------------------- */

/* With the lock held. Inode 0 finds a free place. */
static struct inet_socket *find(struct inet *inet, uint64_t inode)
{
	for (size_t i = 0; i < INET_SOCKETS_MAX; i++)
		if (inet->sockets[i].inode == inode)
			return &inet->sockets[i];
	return NULL;
}

bool inet_has(struct inet *inet, uint64_t inode)
{
	bool has;

	pthread_mutex_lock(&inet->lock);
	has = inode && find(inet, inode);
	pthread_mutex_unlock(&inet->lock);
	return has;
}

/*
 * The agent goes on with a new socket before the kernel has done with giving it, and the kernel
 * holds it until then. Had the agent listened by it, and closed it, clients would still find it.
 */
static const struct inet_socket *await_given(struct inet *inet, uint64_t inode)
{
	const struct inet_socket *s = find(inet, inode);

	while (s && !s->is_given) {
		pthread_cond_wait(&inet->given, &inet->lock);
		s = find(inet, inode);
	}
	return s;
}

int inet_hold(struct inet *inet, uint64_t inode, struct inet_socket *ret)
{
	const struct inet_socket *s;
	int r = -ENOENT;

	pthread_mutex_lock(&inet->lock);
	s = inode ? await_given(inet, inode) : NULL;
	if (s) {
		*ret = *s;
		ret->fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
		r = ret->fd < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&inet->lock);
	return r;
}

void inet_drop(struct inet *inet, uint64_t inode)
{
	struct inet_socket *s;
	int fd = -1;

	pthread_mutex_lock(&inet->lock);
	s = inode ? find(inet, inode) : NULL;
	if (s) {
		fd = s->fd;
		*s = (struct inet_socket){.inode = 0};
		pthread_cond_broadcast(&inet->given);
	}
	pthread_mutex_unlock(&inet->lock);
	fd_close(&fd);
}

static int keep(struct inet *inet, const struct inet_socket *new)
{
	struct inet_socket *s;

	pthread_mutex_lock(&inet->lock);
	s = find(inet, 0);
	if (s)
		*s = *new;
	pthread_mutex_unlock(&inet->lock);
	return s ? 0 : -ENFILE;
}

int inet_add(struct inet *inet, int fd, int family, int type, uint64_t *ret_inode)
{
	struct inet_socket s = {.fd = fd, .family = family, .type = type};
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	s.inode = st.st_ino;
	r = keep(inet, &s);
	if (r) {
		inet_collect(inet);
		r = keep(inet, &s);
	}
	if (!r)
		*ret_inode = s.inode;
	return r;
}

/* The same with a descriptor that stays the caller's. */
static int add_copy(struct inet *inet, int fd, int family, int type, uint64_t *ret_inode)
{
	autoclose int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r = copy < 0 ? -errno : inet_add(inet, copy, family, type, ret_inode);

	if (!r)
		fd_take(&copy);
	return r;
}

int inet_keep(struct inet *inet, int fd)
{
	uint64_t inode;
	int r = add_copy(inet, fd, AF_UNSPEC, 0, &inode);

	/* It is about to be, and what is lost by that are its options. */
	if (!r)
		inet_gave(inet, inode);
	return r;
}

int inet_copy(struct inet *inet, uint64_t inode)
{
	struct inet_socket s;
	int r = inet_hold(inet, inode, &s);

	return r ? r : s.fd;
}

void inet_forget(struct inet *inet, uint64_t inode)
{
	inet_drop(inet, inode);
}

void inet_gave(struct inet *inet, uint64_t inode)
{
	struct inet_socket *s;

	pthread_mutex_lock(&inet->lock);
	s = find(inet, inode);
	if (s)
		s->is_given = true;
	pthread_cond_broadcast(&inet->given);
	pthread_mutex_unlock(&inet->lock);
}

/* --- socket() ------------------------------------------------------------------------ */

static int make(int family, int type, int protocol)
{
	autoclose int fd = socket(family, (type & TYPE_MASK) | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	/* ENOTCONN, and done all the same. */
	if ((type & TYPE_MASK) == SOCK_DGRAM)
		(void)shutdown(fd, SHUT_WR);
	if ((type & SOCK_NONBLOCK) && fcntl(fd, F_SETFL, O_NONBLOCK))
		return -errno;
	return fd_take(&fd);
}

int64_t inet_socket(struct broker *b, struct caller *c)
{
	int family = (int)c->call.args[0], type = (int)c->call.args[1];
	int protocol = (int)c->call.args[2], fd, r;
	uint64_t inode = 0;

	/* Fails as where the kernel has none; who asks for it then takes TCP. */
	if (protocol == IPPROTO_MPTCP)
		return -EPROTONOSUPPORT;
	fd = make(family, type, protocol);
	if (fd < 0)
		return fd;
	r = inet_add(b->inet, fd, family, type & TYPE_MASK, &inode);
	if (r) {
		close(fd);
		return r;
	}
	/*
	 * The table's own: one of this function's would still be open when the agent goes on, and a
	 * listener that the agent closes would live on with it. Nobody drops it before it is given.
	 */
	r = notify_answer_fd(c->listener, c->call.id, fd, NOTIFY_LOWEST, type & SOCK_CLOEXEC);
	if (r < 0) {
		inet_drop(b->inet, inode);
		return r;
	}
	inet_gave(b->inet, inode);
	return BROKER_ANSWERED;
}
