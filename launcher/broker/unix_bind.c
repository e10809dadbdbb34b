// SPDX-License-Identifier: Apache-2.0
/*
 * bind() is done with the caller's own words, in its root and working directory: what
 * getsockname() then tells is what it said. It makes a new file, and reaches nobody, so
 * nothing is to be judged; but which file it made has to be known for sure (broker/made.c). So
 * the directory is held first, without magic links: what they lead to is not the caller's, but
 * ours. A bind() that fails after all takes its file away again, but where the name leads to
 * another's by now (EACCES): which file it made is not known then, so that all stay.
 *
 * The new socket listens at once, without room for anybody to speak of: one that is only
 * bound could still be connected. The caller's own listen() then makes the room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unix_calls.h"

/* A file that was made, and where: -1: none was. */
struct bound {
	int parent;
	const char *name;
};

static void forget(struct bound *bound)
{
	fd_close(&bound->parent);
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Fails as bind() would. */
static int open_parent(const char *path)
{
	char parent[sizeof(struct sockaddr_un)] = ".";

	if (last_of(path) > path)
		snprintf(parent, sizeof(parent), "%.*s", (int)(last_of(path) - path), path);
	return unix_open_path(parent, O_DIRECTORY);
}

/* What lies at the name by now can be another file: the directory may have been another's. */
static int note_made(struct broker *b, int socket, const struct bound *bound,
		     const struct timespec *before)
{
	autoclose int pin = openat(bound->parent, bound->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return pin < 0 ? -errno : made_add(b->made, socket, pin, before);
}

static int bind_path(struct broker *b, const struct caller *c, const struct unix_call *call,
		     int socket, struct bound *ret)
{
	const char *path = unix_path_of(&call->address);
	__attribute__((cleanup(forget))) struct bound bound = {-1, last_of(path)};
	struct timespec before;
	int r = caller_enter(c);

	if (!r)
		r = caller_take_umask(c);
	if (r)
		return r;
	bound.parent = open_parent(path);
	if (bound.parent < 0)
		return bound.parent;
	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	if (bind(socket, &call->address.head, call->address.n))
		return -errno;
	r = note_made(b, socket, &bound, &before);
	if (r != -EACCES) {
		*ret = bound;
		bound.parent = -1;
	}
	return r;
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

static int bind_to(struct broker *b, const struct caller *c, const struct unix_call *call,
		   int socket, struct bound *ret)
{
	switch (unix_kind_of(&call->address)) {
	case UNIX_NOTHING:
		return -EINVAL;
	case UNIX_UNNAMED:
	case UNIX_ABSTRACT:
		return bind_name(b, call, socket);
	case UNIX_PATH:
		return bind_path(b, c, call, socket, ret);
	}
	return -EINVAL;
}

int64_t unix_bind(struct broker *b, struct caller *c, const struct unix_call *call)
{
	__attribute__((cleanup(forget))) struct bound bound = {-1, NULL};
	autoclose int made = socket(AF_UNIX, call->type | SOCK_CLOEXEC, 0);
	int r = made < 0 ? -errno : 0;

	if (r)
		return r;
	(void)unix_copy_options(b, c, call, made);
	r = bind_to(b, c, call, made, &bound);
	if (!r && listen(made, 0))
		r = -errno;
	if (!r)
		r = unix_replace(b, c, call->fd, &call->info, made);
	if (r && bound.parent >= 0)
		(void)unlinkat(bound.parent, bound.name, 0);
	return r;
}
