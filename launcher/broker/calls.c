// SPDX-License-Identifier: Apache-2.0
/*
 * Which of the calls that the filter hands over is judged by what.
 *
 * connect() and bind() come with sockets that are no stand-ins as well: the filter sees
 * neither the family nor the kind, only number and length. Of unix sockets these are all
 * connected or listening. For any other the call is made here, on the same open socket, with
 * the copy of the address: where it leads is then the same as without us.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/refused.h"
#include "unix_calls.h"

typedef int64_t unix_judge(struct broker *b, struct caller *c, const struct unix_call *call);

static int64_t on_socket(struct broker *b, struct caller *c)
{
	if ((int)c->call.args[0] == AF_UNIX)
		return unix_socket(b, c);
	return b->inet ? inet_socket(b, c) : -EAFNOSUPPORT;
}

static int64_t on_inet(struct broker *b, struct caller *c, const struct unix_call *call)
{
	if (inet_has(b->inet, call->info.inode))
		return c->call.nr == SYS_connect ? inet_connect(b, c, &call->info, &call->address)
						 : inet_bind(b, c, &call->info, &call->address);
	/* It is connected, or listens: nothing else is left alone. */
	return c->call.nr == SYS_connect ? -EISCONN : -EINVAL;
}

/* On the caller's own socket. Return: as the call */
static int64_t do_call(struct caller *c, const struct unix_call *call)
{
	autoclose int copy = caller_copy_fd(c, call->fd);
	int domain = 0, listens = 0, r;
	socklen_t size = sizeof(domain);

	if (copy < 0)
		return copy;
	if (getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &domain, &size))
		return -errno;
	if (domain == AF_UNIX) {
		size = sizeof(listens);
		return c->call.nr == SYS_connect &&
				       !getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &listens,
						   &size) &&
				       !listens
			       ? -EISCONN
			       : -EINVAL;
	}
	r = c->call.nr == SYS_connect ? connect(copy, &call->address.head, call->address.n)
				      : bind(copy, &call->address.head, call->address.n);
	return r ? -errno : 0;
}

static int64_t in_turn(struct broker *b, struct caller *c, const struct unix_call *call,
		       unix_judge *judge)
{
	int64_t r;

	if (b->shares_fs)
		pthread_mutex_lock(&b->fs_lock);
	r = judge(b, c, call);
	if (b->shares_fs)
		pthread_mutex_unlock(&b->fs_lock);
	return r;
}

static int64_t with_address(struct broker *b, struct caller *c, unix_judge *judge)
{
	struct unix_call call = {.fd = (int)(uint32_t)c->call.args[0]};
	int r = caller_fd_info(c, call.fd, &call.info);

	if (!r)
		r = caller_read_address(c, c->call.args[1], c->call.args[2], &call.address);
	if (r)
		return r;
	call.type = standins_find(b->standins, call.info.inode);
	if (call.type)
		return in_turn(b, c, &call, judge);
	return b->inet ? on_inet(b, c, &call) : do_call(c, &call);
}

static int64_t on_connect(struct broker *b, struct caller *c)
{
	return with_address(b, c, unix_connect);
}

static int64_t on_bind(struct broker *b, struct caller *c)
{
	return with_address(b, c, unix_bind);
}

static const struct broker_row rows[] = {
	{SYS_socketpair, unix_pair},
	{SYS_clone, refused_namespace},
	{SYS_unshare, refused_namespace},
	{SYS_ptrace, refused_ptrace},
	{SYS_process_vm_readv, refused_ptrace},
	{SYS_process_vm_writev, refused_ptrace},
	{SYS_socket, on_socket},
	{SYS_connect, on_connect},
	{SYS_bind, on_bind},
	{SYS_listen, inet_listen}, /* these two in tier B alone */
	{SYS_sendto, inet_sendto},
};

broker_call *broker_find_call(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].nr == nr)
			return rows[i].judge;
	return NULL;
}
