// SPDX-License-Identifier: Apache-2.0
/*
 * bind() is done with the caller's own words, in its root and working directory: what
 * getsockname() then tells is what it said. It makes a new file, and reaches nobody, so
 * nothing is to be judged; but which file it made has to be known for sure (broker/made.c).
 *
 * The new socket listens at once, without room for anybody to speak of: one that is only
 * bound could still be connected. The caller's own listen() then makes the room.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unix_calls.h"

static int bind_path(struct broker *b, const struct caller *c, const struct unix_call *call,
		     int socket)
{
	struct timespec before;
	autoclose int pin = -1;
	int r = caller_enter(c);

	if (!r)
		r = caller_take_umask(c);
	if (r)
		return r;
	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	if (bind(socket, &call->address.head, call->address.n))
		return -errno;
	pin = unix_open_path(unix_path_of(&call->address), O_NOFOLLOW);
	return pin < 0 ? pin : made_add(b->made, socket, pin, &before);
}

static int bind_name(struct broker *b, const struct unix_call *call, int socket)
{
	struct caller_address name = {.n = sizeof(name.room)};

	if (bind(socket, &call->address.head, call->address.n))
		return -errno;
	if (b->has_namespaces)
		return 0;
	if (getsockname(socket, &name.head, &name.n))
		return -errno;
	return made_add_name(b->made, socket, &name);
}

int64_t unix_bind(struct broker *b, struct caller *c, const struct unix_call *call)
{
	autoclose int made = socket(AF_UNIX, call->type | SOCK_CLOEXEC, 0);
	int r = made < 0 ? -errno : 0;

	if (r)
		return r;
	(void)unix_copy_options(b, c, call, made);
	switch (unix_kind_of(&call->address)) {
	case UNIX_NOTHING:
		return -EINVAL;
	case UNIX_UNNAMED:
	case UNIX_ABSTRACT:
		r = bind_name(b, call, made);
		break;
	case UNIX_PATH:
		r = bind_path(b, c, call, made);
		break;
	}
	if (!r && listen(made, 0))
		r = -errno;
	return r ? r : unix_replace(b, c, call->fd, &call->info, made);
}
