/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker in this process, and a child behind the agent's filter whose calls it answers. There
 * are no namespaces around it: what is "made inside" is what was made by the child.
 */
#ifndef MCPJAIL_TESTS_BROKER_WORLD_H
#define MCPJAIL_TESTS_BROKER_WORLD_H

#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/broker.h"
#include "jail/filter.h"

/* What the child does. Return: 0; the line where something was not as it should be */
typedef int scenario(void);

/* In a scenario. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition,                \
				strerror(errno));                                                  \
			return __LINE__;                                                           \
		}                                                                                  \
	} while (0)
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

struct world {
	char path[64]; /* working directory, empty at first */
	struct broker broker;
	struct channel keeper; /* its end: what was recorded */
	pid_t child;
};

static inline struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strnlen(path, sizeof(address.sun_path) - 1));
	return address;
}

static inline int connect_to(int fd, const char *path)
{
	const struct sockaddr_un address = unix_address(path);

	return connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

static inline int listen_at(int type, const char *path, int backlog)
{
	const struct sockaddr_un address = unix_address(path);
	int fd = socket(AF_UNIX, type, 0);

	return fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
			       listen(fd, backlog)
		       ? -1
		       : fd;
}

static inline int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int pair[2];

	snprintf(w->path, sizeof(w->path), "/tmp/mcpjail-broker-XXXXXX");
	if (!mkdtemp(w->path) || chdir(w->path) || channel_pair(pair))
		return -1;
	channel_open(&w->broker.keeper, pair[0], ROLE_BROKER, ROLE_KEEPER);
	channel_open(&w->keeper, pair[1], ROLE_KEEPER, ROLE_BROKER);
	w->broker.has_namespaces = true;
	w->broker.listener = -1;
	w->broker.proxy.fd = -1;
	w->broker.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->broker.own_fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->broker.owners.proc_fd = w->broker.proc_fd;
	w->broker.owners.diag_fd = -1;
	w->broker.owners.root_fd = -1;
	w->broker.standins = standins_new();
	pthread_mutex_init(&w->broker.lock, NULL);
	pthread_mutex_init(&w->broker.fs_lock, NULL);
	*state = w;
	return made_new(&w->broker.made);
}

/* The threads go on with a listener that nobody calls any more, and end at its end. */
static inline int world_tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	channel_close(&w->keeper);
	listed_close(&w->broker.listed);
	snprintf(command, sizeof(command), "rm -rf %s", w->path);
	return chdir("/") || system(command);
}

static inline void world_send_fd(int line, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(char[]){"x"}, 1};
	const struct msghdr message = {.msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(line, &message, 0) != 1)
		_exit(254);
	close(fd);
}

static inline int world_receive_fd(int line)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	assert_int_equal(recvmsg(line, &message, MSG_CMSG_CLOEXEC), 1);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

static inline _Noreturn void world_child(int line, scenario *play)
{
	int listener = -1, at;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_install_agent(0, &listener, NULL))
		_exit(253);
	world_send_fd(line, listener);
	at = play();
	_exit(at ? 1 + at % 200 : 0);
}

static inline void world_begin(struct world *w, scenario *play)
{
	int line[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
	w->child = fork();
	if (!w->child)
		world_child(line[1], play);
	close(line[1]);
	w->broker.listener = world_receive_fd(line[0]);
	close(line[0]);
	w->broker.init = getpid();
	w->broker.owners.init = getpid();
	assert_int_equal(notify_prepare(w->broker.listener), 0);
	assert_int_equal(broker_start(&w->broker), 0);
}

static inline void world_end(struct world *w)
{
	int status = -1;

	assert_int_equal(waitpid(w->child, &status, 0), w->child);
	assert_int_equal(status, 0);
}

static inline void world_play(void **state, scenario *play)
{
	world_begin(*state, play);
	world_end(*state);
}

/* The next thing that was recorded. Borrowed from @ret_message */
static inline struct msg_event world_recorded(struct world *w, struct message *ret_message)
{
	struct msg_event event;

	assert_int_equal(channel_receive(&w->keeper, ret_message), 1);
	assert_int_equal(ret_message->type, MSG_BROKER_EVENT);
	assert_int_equal(message_decode(ret_message, &event), 0);
	return event;
}

static inline void world_recorded_nothing(struct world *w)
{
	struct pollfd fd = {.fd = w->keeper.fd, .events = POLLIN};

	assert_int_equal(poll(&fd, 1, 0), 0);
}

#endif
