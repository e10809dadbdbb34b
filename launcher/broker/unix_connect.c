// SPDX-License-Identifier: Apache-2.0
/*
 * A path is followed once, as the caller would, without magic links; what it led to is held
 * by an O_PATH descriptor, judged by device and inode, and connected to by that descriptor:
 * whatever the agent puts at the name meanwhile is never looked at.
 *
 * connect() takes no descriptor, only a path, and /proc/self is nobody's in the jail. So the
 * path is the descriptor's number, in our own /proc/PID/fd as the working directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "unix_calls.h"

#define PATH_SHOWN   768 /* bytes of a path that a record has */
#define REASON_BYTES (PATH_SHOWN + 256)

/* From a working directory of own_fds. */
static int connect_pin(int socket, int pin)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%d", pin);
	return connect(socket, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int unix_attempt_connect(struct broker *b, const struct attempt *a)
{
	int r;

	if (a->pin < 0)
		return connect(a->socket, &a->name.head, a->name.n) ? -errno : 0;
	if (b->shares_fs)
		pthread_mutex_lock(&b->fs_lock);
	r = fchdir(b->own_fds) ? -errno : connect_pin(a->socket, a->pin);
	if (b->shares_fs)
		pthread_mutex_unlock(&b->fs_lock);
	return r;
}

void unix_attempt_finish(struct broker *b, struct attempt *a, int r)
{
	if (!r)
		r = unix_replace(b, &a->caller, a->caller_fd, &a->info, a->socket);
	(void)notify_answer(b->listener, a->caller.call.id, r);
}

/*
 * What the kernel says of a socket without reaching it: to one that is connected already it
 * tells whether somebody listens, of what type, and whether the file's mode allows it, before it
 * tells that. Return: 0 if that is all that stands in the way; -errno
 */
static int try_reaching(const struct broker *b, int pin, int type)
{
	autoclose int probe = -1, other = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	probe = pair[0];
	other = pair[1];
	r = fchdir(b->own_fds) ? -errno : connect_pin(probe, pin);
	return r == -EISCONN || r == -EAGAIN ? 0 : r;
}

static const char *path_of(const struct broker *b, int pin, char ret[PATH_SHOWN])
{
	char name[16];
	ssize_t n;

	snprintf(name, sizeof(name), "%d", pin);
	n = readlinkat(b->own_fds, name, ret, PATH_SHOWN - 1);
	ret[n > 0 ? n : 0] = '\0';
	return ret;
}

static int refuse(struct broker *b, const struct caller *c, const char *path)
{
	char reason[REASON_BYTES];
	const struct broker_note note = {.protocol = EVENT_PROTOCOL_UNIX,
					 .detail = path,
					 .rule = "/sockets",
					 .reason = reason};

	snprintf(reason, sizeof(reason),
		 "a unix socket that was not made in the jail; to allow it: \"sockets\": "
		 "[\"%s\"] in the policy",
		 path);
	broker_record(b, c, &note);
	return -EACCES;
}

/* By its whole path: what the agent called it may begin anywhere. */
static int refuse_pin(struct broker *b, const struct caller *c, int pin)
{
	char path[PATH_SHOWN];

	return refuse(b, c, path_of(b, pin, path));
}

static void note_allowed(struct broker *b, const struct caller *c, int pin)
{
	char path[PATH_SHOWN];
	const struct broker_note note = {.kind = EVENT_EGRESS_ALLOWED,
					 .protocol = EVENT_PROTOCOL_UNIX,
					 .detail = path_of(b, pin, path),
					 .rule = "/sockets",
					 .reason = "the policy lists this unix socket"};

	broker_record(b, c, &note);
}

/* Of what a path led to. Return: 0 if it may be connected to; -errno */
static int judge_file(struct broker *b, const struct caller *c, const struct unix_call *call,
		      int pin)
{
	struct stat file;
	int r;

	if (fstat(pin, &file) < 0)
		return -errno;
	if (!S_ISSOCK(file.st_mode))
		return -ECONNREFUSED;
	if (made_has(b->made, &file))
		return 0;
	r = try_reaching(b, pin, call->type);
	if (r)
		return r;
	if (!listed_has(&b->listed, &file))
		return refuse_pin(b, c, pin);
	note_allowed(b, c, pin);
	return 0;
}

/* Return: 0 with the listener's file pinned; -errno */
static int judge_path(struct broker *b, const struct caller *c, const struct unix_call *call,
		      int *ret_pin)
{
	const char *path = unix_path_of(&call->address);
	autoclose int pin = -1;
	int r = caller_enter(c);

	if (r)
		return r;
	pin = unix_open_path(path, 0);
	/* A magic link leads anywhere. */
	if (pin == -ELOOP)
		return refuse(b, c, path);
	if (pin < 0)
		return pin;
	r = judge_file(b, c, call, pin);
	if (!r)
		*ret_pin = fd_take(&pin);
	return r;
}

/* Abstract names are the network's: in tier A nobody's but the jail's. */
static int judge_name(struct broker *b, const struct caller *c, const struct unix_call *call)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	if (b->has_namespaces || made_has_name(b->made, &call->address))
		return 0;
	snprintf(name, sizeof(name), "@%s", unix_path_of(&call->address) + 1);
	return refuse(b, c, name);
}

static int judge(struct broker *b, const struct caller *c, const struct unix_call *call,
		 int *ret_pin)
{
	switch (unix_kind_of(&call->address)) {
	case UNIX_NOTHING:
	case UNIX_UNNAMED:
		return -EINVAL;
	case UNIX_ABSTRACT:
		return judge_name(b, c, call);
	case UNIX_PATH:
		return judge_path(b, c, call, ret_pin);
	}
	return -EINVAL;
}

int64_t unix_connect(struct broker *b, struct caller *c, const struct unix_call *call)
{
	__attribute__((cleanup(attempt_free))) struct attempt a = {
		.caller = {.proc_fd = -1},
		.caller_fd = call->fd,
		.info = call->info,
		.socket = -1,
		.pin = -1,
		.name = call->address,
	};
	uint64_t wait_ms;
	int r = judge(b, c, call, &a.pin);

	if (r)
		return r;
	a.socket = socket(AF_UNIX, call->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a.socket < 0)
		return -errno;
	wait_ms = unix_copy_options(b, c, call, a.socket);
	a.has_timeout = wait_ms != 0;
	a.until_ms = wait_ms ? clock_mono_ms() + wait_ms : 0;
	r = unix_attempt_connect(b, &a);
	if (r == -EAGAIN && !(call->info.flags & O_NONBLOCK)) {
		a.caller = *c;
		c->proc_fd = -1;
		return parked_add(b->parked, &a) ? -EAGAIN : BROKER_ANSWERED;
	}
	return r ? r : unix_replace(b, c, call->fd, &call->info, a.socket);
}
