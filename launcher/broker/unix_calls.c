// SPDX-License-Identifier: Apache-2.0
/*
 * The agent never holds a unix socket that is not connected:
 *
 *	socket()	a stand-in (broker/standins.h)
 *	connect()	a socket of ours is connected, and put in the stand-in's place
 *	bind()		a socket of ours is bound, made a listener at once, and put there
 *
 * What socketpair(), accept() and SCM_RIGHTS bring is connected too, or listens; and of both
 * the kernel itself says EISCONN or EINVAL to connect(), by whatever number or duplicate, from
 * whatever thread, and whatever becomes of the address meanwhile. So no connection to a
 * socket of the host's can be made but by us.
 */
#include "unix_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "epolls.h"

#define OPEN_TRIES 3 /* openat2() gives up when somebody renames beside it */
#define PATH_HEAD  offsetof(struct sockaddr_un, sun_path)

enum unix_kind unix_kind_of(const struct caller_address *address)
{
	if (address->n < PATH_HEAD || address->n > sizeof(struct sockaddr_un) ||
	    address->head.sa_family != AF_UNIX)
		return UNIX_NOTHING;
	if (address->n == PATH_HEAD)
		return UNIX_UNNAMED;
	return address->bytes[PATH_HEAD] ? UNIX_PATH : UNIX_ABSTRACT;
}

const char *unix_path_of(const struct caller_address *address)
{
	return address->bytes + PATH_HEAD;
}

int unix_open_path(const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
			       .resolve = RESOLVE_NO_MAGICLINKS};
	int fd;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static void copy_option(int from, int to, int option, void *value, socklen_t size)
{
	socklen_t n = size;

	memset(value, 0, size);
	if (!getsockopt(from, SOL_SOCKET, option, value, &n) && n == size)
		(void)setsockopt(to, SOL_SOCKET, option, value, size);
}

/* The kernel tells twice of what was set; what nobody has set stays the system's. */
static void copy_size(int from, int to, int option)
{
	int has = 0, wants = 0;
	socklen_t n = sizeof(has), m = sizeof(wants);

	if (getsockopt(from, SOL_SOCKET, option, &wants, &m) ||
	    getsockopt(to, SOL_SOCKET, option, &has, &n) || has == wants)
		return;
	wants /= 2;
	(void)setsockopt(to, SOL_SOCKET, option, &wants, sizeof(wants));
}

static int copy_standin(struct broker *b, const struct caller *c, const struct unix_call *call)
{
	int fd = caller_copy_fd(c, call->fd);

	return fd < 0 && b->inet ? inet_copy(b->inet, call->info.inode) : fd;
}

uint64_t unix_copy_options(struct broker *b, const struct caller *c, const struct unix_call *call,
			   int to)
{
	autoclose int from = copy_standin(b, c, call);
	struct timeval timeout;
	int passes;

	if (from < 0)
		return 0;
	copy_option(from, to, SO_PASSCRED, &passes, sizeof(passes));
	copy_option(from, to, SO_RCVTIMEO, &timeout, sizeof(timeout));
	copy_option(from, to, SO_SNDTIMEO, &timeout, sizeof(timeout));
	copy_size(from, to, SO_SNDBUF);
	copy_size(from, to, SO_RCVBUF);
	return (uint64_t)timeout.tv_sec * 1000u + ((uint64_t)timeout.tv_usec + 999u) / 1000u;
}

int unix_replace(struct broker *b, struct caller *c, int fd, const struct caller_fd *info,
		 int socket)
{
	struct epolls_found watched = {.n = 0};
	struct caller_fd now;
	int r;

	/* Who watches it before it is connected does not block. */
	if (info->flags & O_NONBLOCK)
		epolls_find(c, fd, &watched);
	r = caller_fd_info(c, fd, &now);

	/* Another thread of the caller's may have closed it, and have something else there. */
	if (r || now.inode != info->inode)
		return -EBADF;
	if (fcntl(socket, F_SETFL, now.flags & O_NONBLOCK) < 0)
		return -errno;
	r = notify_add_fd(b->listener, c->call.id, socket, fd, now.flags & O_CLOEXEC);
	if (r < 0)
		return r;
	epolls_add(b->epolls, c, fd, &watched);
	standins_forget(b->standins, info->inode);
	if (b->inet)
		inet_forget(b->inet, info->inode);
	return 0;
}

int64_t unix_socket(struct broker *b, struct caller *c)
{
	int r = standins_give(b->standins, c, b->inet);

	return r ? r : BROKER_ANSWERED;
}
