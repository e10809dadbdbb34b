// SPDX-License-Identifier: Apache-2.0
/*
 * An instance knows what it watches by file and number, and the number is to be the caller's.
 * So for a moment the file has to have that number with us, too; in our own table somebody
 * else's could be there, or come. A thread with a table of its own does it.
 */
#include "epolls.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"

#define INFO_BYTES  (64 * 1024) /* of an instance's fdinfo: of some thousand lines */
#define STACK_BYTES (64 * 1024)

struct epolls {
	pthread_mutex_t turn; /* of who asks */
	pthread_mutex_t lock; /* over the rest */
	pthread_cond_t changed;
	bool is_started, is_asked;
	struct caller caller;
	const struct epolls_found *found;
	int fd;
};

struct epolls *epolls_new(void)
{
	struct epolls *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	pthread_mutex_init(&e->turn, NULL);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	return e;
}

/* --- which ----------------------------------------------------------------------------- */

/* "tfd:       11 events:       19 data:                b  pos:0 ino:1 sdev:8" */
static void read_lines(const char *text, int epoll, int fd, struct epolls_found *ret)
{
	for (const char *at = text; (at = strstr(at, "tfd:")) && ret->n < EPOLLS_MAX; at++) {
		unsigned events;
		uint64_t data;
		int target;

		if (sscanf(at, "tfd: %d events: %x data: %" SCNx64, &target, &events, &data) != 3 ||
		    target != fd)
			continue;
		ret->list[ret->n].fd = epoll;
		ret->list[ret->n].events = events;
		ret->list[ret->n++].data = data;
	}
}

static void look_at(int directory, const char *name, int fd, char *text, struct epolls_found *ret)
{
	autoclose int info = openat(directory, name, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	while (info >= 0 && n > 0 && used < INFO_BYTES - 1) {
		n = read(info, text + used, INFO_BYTES - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	read_lines(text, atoi(name), fd, ret);
}

void epolls_find(const struct caller *c, int fd, struct epolls_found *ret)
{
	int directory = openat(c->proc_fd, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);
	autofree char *text = malloc(INFO_BYTES);
	const struct dirent *entry;
	int looked = 0;

	ret->n = 0;
	if (!entries && directory >= 0)
		close(directory);
	while (entries && text && looked++ < EPOLLS_FDS_MAX && (entry = readdir(entries)))
		if (entry->d_name[0] != '.')
			look_at(directory, entry->d_name, fd, text, ret);
	if (entries)
		closedir(entries);
}

/* --- adding ------------------------------------------------------------------------------ */

/* In the table of its own, where only the listener is, by which a caller is known to wait. */
static void add_all(const struct epolls *e)
{
	autoclose int taken = caller_copy_fd(&e->caller, e->fd);
	autoclose int socket = taken < 0 || taken == e->fd ? fd_take(&taken)
			       : fcntl(e->fd, F_GETFD) < 0 ? dup3(taken, e->fd, O_CLOEXEC)
							   : -1;

	for (size_t i = 0; socket == e->fd && i < e->found->n; i++) {
		autoclose int epoll = caller_copy_fd(&e->caller, e->found->list[i].fd);
		struct epoll_event event = {.events = e->found->list[i].events,
					    .data = {.u64 = e->found->list[i].data}};

		if (epoll >= 0)
			(void)epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
	}
}

/* Return: false in containers, which refuse it, as they do copies of others' descriptors */
static bool leave_table(int listener)
{
	if (unshare(CLONE_FILES))
		return false;
	if ((listener && close_range(0, (unsigned)listener - 1, 0)) ||
	    close_range((unsigned)listener + 1, ~0u, 0))
		abort();
	return true;
}

static void *run(void *arg)
{
	struct epolls *e = arg;
	bool has_table;

	pthread_mutex_lock(&e->lock);
	has_table = leave_table(e->caller.listener);
	for (;;) {
		while (!e->is_asked)
			pthread_cond_wait(&e->changed, &e->lock);
		if (has_table)
			add_all(e);
		e->is_asked = false;
		pthread_cond_broadcast(&e->changed);
	}
	return NULL;
}

static bool start(struct epolls *e)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (e->is_started)
		return true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	e->is_started = !pthread_create(&thread, &attr, run, e);
	pthread_attr_destroy(&attr);
	return e->is_started;
}

void epolls_add(struct epolls *e, const struct caller *c, int fd, const struct epolls_found *found)
{
	if (!found->n)
		return;
	pthread_mutex_lock(&e->turn);
	pthread_mutex_lock(&e->lock);
	e->caller = *c;
	/* Not to be found out without its /proc. */
	e->caller.process = caller_process(c);
	e->caller.proc_fd = -1;
	e->found = found;
	e->fd = fd;
	e->is_asked = start(e);
	pthread_cond_broadcast(&e->changed);
	while (e->is_asked)
		pthread_cond_wait(&e->changed, &e->lock);
	pthread_mutex_unlock(&e->lock);
	pthread_mutex_unlock(&e->turn);
}
