// SPDX-License-Identifier: Apache-2.0
#include "broker/standins.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filter.h"

#define TYPE_MASK     0xf
#define NUMBER_TRIES  16
#define NUMBERS_BELOW 4

struct entry {
	uint64_t inode; /* 0: none */
	int type;
};

struct standins {
	pthread_mutex_t lock;
	struct entry sets[STANDINS_SETS][STANDINS_WAYS]; /* the newest first */
	unsigned next;                                   /* number, as an offset */
};

struct standins *standins_new(void)
{
	struct standins *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void standins_free(struct standins *p)
{
	free(p);
}

static struct entry *find(struct standins *p, uint64_t inode)
{
	struct entry *set = p->sets[inode % STANDINS_SETS];

	for (size_t i = 0; inode && i < STANDINS_WAYS; i++)
		if (set[i].inode == inode)
			return &set[i];
	return NULL;
}

int standins_find(struct standins *p, uint64_t inode)
{
	const struct entry *entry;
	int type;

	pthread_mutex_lock(&p->lock);
	entry = find(p, inode);
	type = entry ? entry->type : 0;
	pthread_mutex_unlock(&p->lock);
	return type;
}

void standins_forget(struct standins *p, uint64_t inode)
{
	struct entry *entry;

	pthread_mutex_lock(&p->lock);
	entry = find(p, inode);
	if (entry)
		*entry = (struct entry){.inode = 0};
	pthread_mutex_unlock(&p->lock);
}

void standins_remember(struct standins *p, uint64_t inode, int type)
{
	struct entry *set = p->sets[inode % STANDINS_SETS], *last;

	pthread_mutex_lock(&p->lock);
	last = find(p, inode);
	if (!last)
		last = &set[STANDINS_WAYS - 1];
	memmove(set + 1, set, (size_t)(last - set) * sizeof(*set));
	set[0] = (struct entry){inode, type};
	pthread_mutex_unlock(&p->lock);
}

static unsigned next_offset(struct standins *p)
{
	unsigned offset;

	pthread_mutex_lock(&p->lock);
	offset = p->next++ % STANDINS_FDS;
	pthread_mutex_unlock(&p->lock);
	return offset;
}

static bool has_one_free_below(const struct caller *c, int number)
{
	for (int i = 1; i <= NUMBERS_BELOW; i++)
		if (!caller_has_fd(c, number - i))
			return true;
	return false;
}

/*
 * Numbers are given in turn, so that two workers never mean the same one. Whoever else gives
 * numbers in the caller's process takes the lowest that is free, and takes this one in the
 * moment between the look and its use only if all below are taken.
 */
static int free_number(struct standins *p, const struct caller *c)
{
	rlim_t limit = caller_fd_limit(c);
	int first = FILTER_BROKERED_FD;

	for (int i = 0; i < NUMBER_TRIES; i++) {
		int number = first + (int)next_offset(p);

		if ((rlim_t)number < limit && !caller_has_fd(c, number) &&
		    has_one_free_below(c, number))
			return number;
		/* Half of the tries where there is more room, for who holds a thousand. */
		if (i == NUMBER_TRIES / 2)
			first += STANDINS_FDS;
	}
	return NOTIFY_LOWEST;
}

int standins_give(struct standins *p, struct caller *c, struct inet *keeps)
{
	int type = (int)c->call.args[1], protocol = (int)c->call.args[2];
	autoclose int ours = -1, theirs = -1;
	struct stat st;
	int pair[2], r;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, protocol, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	if (fstat(theirs, &st) < 0)
		return -errno;
	/* To the poll() of whoever holds it: hung up, as one that was never connected is. */
	fd_close(&ours);
	/* Before the agent can use it. */
	standins_remember(p, st.st_ino, type & TYPE_MASK);
	if (keeps)
		(void)inet_keep(keeps, theirs);
	r = notify_answer_fd(c->listener, c->call.id, theirs, free_number(p, c),
			     type & SOCK_CLOEXEC);
	return r < 0 ? r : 0;
}
