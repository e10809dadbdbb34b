// SPDX-License-Identifier: Apache-2.0
/*
 * A question: addresses → socket → holder → what that is. The holder is looked for where it
 * was seen last, then with those that held others lately, then with all of the jail, the
 * newest first: a client is mostly one that made a connection before, or one just started.
 */
#include "owner_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define NEXT_FDS 4 /* beginning with the last one that was looked for */
#define WALKS    2

static const char is_closed[] = "it had closed its end before it could be asked about";
static const char is_gone[] = "the process had ended before it could be read";
static const char was_ending[] = "ended before it could be read";
static const char connected[] = "connected it, and had ended";
static const char is_nobodys[] = "no process of the jail holds the connection any more";

struct owner {
	struct owner_sources from;
	struct owner_walk walk;
	struct owner_held held[OWNER_HELD_MAX];     /* by inode */
	struct owner_known known[OWNER_RECENT_MAX]; /* the last one first; the others follow */
};

/* In a container /proc numbers processes otherwise than the machine does, and bpf/wall.h. */
static bool has_machines_numbers(int proc_fd)
{
	static const char initial[] = "pid:[4026531836]";
	char link[sizeof(initial)];
	ssize_t n = readlinkat(proc_fd, "self/ns/pid", link, sizeof(link));

	return n == sizeof(initial) - 1 && !memcmp(link, initial, sizeof(initial) - 1);
}

int owner_new(const struct owner_sources *sources, struct owner **ret)
{
	struct owner *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->from = *sources;
	if (!has_machines_numbers(sources->proc_fd))
		o->from.owners = NULL;
	o->walk.proc_fd = sources->proc_fd;
	*ret = o;
	return 0;
}

void owner_free(struct owner *o)
{
	if (o)
		owner_known_close_all(o->known);
	free(o);
}

/* --- who holds it --------------------------------------------------------------------------- */

static int try_process(int process_fd, int first_fd, int n_fds, uint32_t inode)
{
	for (int fd = first_fd; fd < first_fd + n_fds; fd++)
		if (owner_holds(process_fd, fd, inode))
			return fd;
	return -ENOENT;
}

static int try_held(struct owner *o, uint32_t inode, pid_t *ret_pid)
{
	const struct owner_held *held = &o->held[inode % OWNER_HELD_MAX];
	autoclose int process =
		held->inode == inode ? owner_open_process(o->from.proc_fd, held->pid) : -1;

	if (process < 0)
		return -ENOENT;
	*ret_pid = held->pid;
	return try_process(process, held->fd, 1, inode);
}

/*
 * A client that connects again gets the number that was free again, or the next one. Only if
 * none has it there, all their descriptors are looked through.
 */
static int try_known(struct owner *o, uint32_t inode, pid_t *ret_pid)
{
	int fd = -ENOENT;

	for (size_t i = 0; fd == -ENOENT && i < OWNER_RECENT_MAX && o->known[i].pid; i++) {
		*ret_pid = o->known[i].pid;
		fd = try_process(o->known[i].process_fd, o->known[i].last_fd, NEXT_FDS, inode);
	}
	for (size_t i = 0; fd == -ENOENT && i < OWNER_RECENT_MAX && o->known[i].pid; i++) {
		*ret_pid = o->known[i].pid;
		fd = owner_scan_process(&o->walk, *ret_pid, inode, o->held);
		if (fd == -ESRCH) {
			owner_known_forget(o->known, i--);
			fd = -ENOENT;
		}
	}
	return fd;
}

/* Those found from @first on, the newest first. Return: as owner_scan_process() */
static int scan_found(struct owner *o, size_t first, uint32_t inode, pid_t *ret_pid)
{
	for (size_t i = o->walk.n; i-- > first;) {
		pid_t pid = o->walk.pids[i];
		int fd = owner_known_find(o->known, pid)
				 ? -ENOENT
				 : owner_scan_process(&o->walk, pid, inode, o->held);

		if (fd >= 0)
			*ret_pid = pid;
		if (fd >= 0 || fd == -EAGAIN)
			return fd;
		if (owner_walk_is_late(&o->walk))
			return -EAGAIN;
	}
	return o->walk.is_cut ? -EAGAIN : -ENOENT;
}

static int look_through_all(struct owner *o, uint32_t inode, pid_t *ret_pid)
{
	struct owner_walk *w = &o->walk;
	size_t found;
	int fd;

	owner_walk_begin(w, o->from.init);
	owner_walk_on(w, o->from.init, false);
	fd = scan_found(o, 0, inode, ret_pid);
	if (fd != -ENOENT)
		return fd;
	found = w->n;
	owner_walk_on(w, o->from.init, true);
	return scan_found(o, found, inode, ret_pid);
}

static int find_holder(struct owner *o, uint32_t inode, pid_t *ret_pid)
{
	int fd;

	o->walk.is_cut = false;
	fd = try_held(o, inode, ret_pid);
	if (fd == -ENOENT)
		fd = try_known(o, inode, ret_pid);
	/* One that is just given away may go where was looked already. */
	for (int i = 0; fd == -ENOENT && i < WALKS; i++)
		fd = look_through_all(o, inode, ret_pid);
	return fd;
}

/* --- what it is ------------------------------------------------------------------------------ */

/* @name is the process's own to choose; it ends up in a string of JSON. */
static int tell_ended(const char *name, pid_t pid, const char *what, struct buf *ret)
{
	char why[128 + OWNER_NAME_MAX];

	snprintf(why, sizeof(why), "%s, process %d, %s", name, pid, what);
	return owner_write_unknown(ret, why);
}

/* It was found to hold the socket a moment ago. */
static int describe_holder(struct owner *o, pid_t pid, int fd, struct buf *ret)
{
	struct owner_known *k;
	char name[OWNER_NAME_MAX];
	int r = owner_known_tell(o->known, &o->from, pid, &k, ret);

	if (k)
		k->last_fd = fd;
	if (!k || r != -ESRCH)
		return r;
	owner_name_read(k->process_fd, name);
	return tell_ended(name, pid, was_ending, ret);
}

/* Who connected it. A process that started later than that is another of the same number. */
static int describe_connector(struct owner *o, const struct wall_owner *by, struct buf *ret)
{
	size_t before = ret->len;
	struct owner_known *k;
	int r = owner_known_tell(o->known, &o->from, by->pid, &k, ret);

	if (r || owner_start_ns(&k->stat) <= by->at_ns)
		return r;
	ret->len = before;
	return -ESRCH;
}

static int tell_failure(int r, struct buf *ret)
{
	char why[128];

	switch (r) {
	case -ENOMEM:
		return r;
	case -ENOENT:
		return owner_write_unknown(ret, is_nobodys);
	case -ESRCH:
		return owner_write_unknown(ret, is_gone);
	case -EAGAIN:
		snprintf(why, sizeof(why),
			 "it was not found within %d ms, or among %d processes of the jail",
			 OWNER_FIND_MS, OWNER_PROCESSES_MAX);
		break;
	default:
		snprintf(why, sizeof(why), "the kernel does not tell: %s", strerror(-r));
		break;
	}
	return owner_write_unknown(ret, why);
}

int owner_find(struct owner *o, const struct msg_who *who, struct buf *ret_exec)
{
	struct owner_socket socket = {0};
	struct wall_owner by = {.pid = 0};
	int fd, r = owner_socket_find(o->from.diag_fd, who, &socket);
	pid_t pid = 0;

	if (!r && o->from.owners && !wall_owner_of(o->from.owners, socket.cookie, &by) &&
	    describe_connector(o, &by, ret_exec) == 0)
		return 0;
	if (r == -ENOENT || (!r && !socket.inode))
		return by.pid ? tell_ended(by.comm, by.pid, connected, ret_exec)
			      : owner_write_unknown(ret_exec, is_closed);
	if (r)
		return tell_failure(r, ret_exec);
	o->walk.until_ns = clock_ns(CLOCK_MONOTONIC) + OWNER_FIND_MS * 1000000ull;
	fd = find_holder(o, socket.inode, &pid);
	if (fd == -ENOENT && by.pid)
		return tell_ended(by.comm, by.pid, connected, ret_exec);
	if (fd < 0)
		return tell_failure(fd, ret_exec);
	r = describe_holder(o, pid, fd, ret_exec);
	return r ? tell_failure(r, ret_exec) : 0;
}

/* --- by number -------------------------------------------------------------------------------- */

struct owner_cache {
	pthread_mutex_t lock; /* over what was told last */
	struct owner_known known[OWNER_RECENT_MAX];
};

int owner_cache_new(struct owner_cache **ret)
{
	struct owner_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	pthread_mutex_init(&cache->lock, NULL);
	*ret = cache;
	return 0;
}

void owner_cache_free(struct owner_cache *cache)
{
	if (!cache)
		return;
	owner_known_close_all(cache->known);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* Return: the process that a thread is of; -ESRCH */
static pid_t leader_of(const struct owner_sources *sources, pid_t tid)
{
	autoclose int thread = owner_open_process(sources->proc_fd, tid);
	pid_t leader = thread < 0 ? -ESRCH : owner_leader(thread);

	return leader > 0 ? leader : -ESRCH;
}

static int describe_uncached(const struct owner_sources *sources, pid_t pid, struct buf *ret)
{
	struct owner_known known[OWNER_RECENT_MAX] = {{0}}, *k;
	int r = owner_known_tell(known, sources, pid, &k, ret);

	owner_known_close_all(known);
	return r;
}

/* A number that is known as a process's is no other thread's while that is there. */
static int describe_cached(struct owner_cache *cache, const struct owner_sources *sources,
			   pid_t tid, struct buf *ret)
{
	struct owner_known *k;
	pid_t pid = owner_known_find(cache->known, tid) ? tid : leader_of(sources, tid);

	return pid < 0 ? pid : owner_known_tell(cache->known, sources, pid, &k, ret);
}

int owner_describe(const struct owner_sources *sources, pid_t pid, struct buf *ret_exec)
{
	struct owner_cache *cache = sources->cache;
	int r;

	/* Who is described meanwhile may take its time with that; nobody waits for it. */
	if (cache && !pthread_mutex_trylock(&cache->lock)) {
		r = describe_cached(cache, sources, pid, ret_exec);
		pthread_mutex_unlock(&cache->lock);
	} else {
		pid = leader_of(sources, pid);
		r = pid < 0 ? pid : describe_uncached(sources, pid, ret_exec);
	}
	return r ? tell_failure(r, ret_exec) : 0;
}
